//! The network between portalctl and the account: what goes wrong on it, and a record of all that
//! went over it. The client under it is the real one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use portalctl::clock::Clock;
use portalctl::sandbox::Sandbox;
use portalctl::workos::{Transport, TransportError, TransportErrorKind};

use super::call::Call;
use super::fault::{Effect, Fault, draw};
use super::ledger::Ledger;
use super::people;
use super::random::{Random, hash};
use super::run::JumpingClock;
use super::schedule::{End, Schedule};
use crate::world::World;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// Which portalctl sent it.
    pub(crate) client: usize,
    pub(crate) round: usize,
    /// Since the schedule began.
    pub(crate) at: Duration,
    pub(crate) call: Call,
    /// A hash of the body.
    body: u64,
    pub(crate) fault: Option<Fault>,
    /// The account's answer, where the request was carried out.
    pub(crate) status: Option<u16>,
    /// How long the client was told to wait, and when.
    pub(crate) told_to_wait: Option<(Duration, Duration)>,
}

/// What went over the network, and what people did meanwhile.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Exchange(Exchange),
    People(String),
}

/// The network; clones are the same one.
#[derive(Clone)]
pub(crate) struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    sandbox: Sandbox,
    clock: Arc<JumpingClock>,
    began: Instant,
    seed: u64,
    page: Option<usize>,
    state: Mutex<State>,
}

struct State {
    faults: usize,
    people: usize,
    ledger: Ledger,
    round: usize,
    /// How many requests each subject has made.
    drawn: BTreeMap<u64, u64>,
    events: Vec<Event>,
    late: Vec<(Instant, usize, Request<Bytes>)>,
    /// The last page that each reader of each list was given.
    pages: BTreeMap<u64, Bytes>,
    /// What ends each client's run, and after how many more requests.
    ends: Vec<(CancellationToken, End)>,
}

impl Network {
    pub(crate) fn new(schedule: &Schedule, sandbox: Sandbox, clock: Arc<JumpingClock>) -> Self {
        let ledger = sandbox.read(|account| Ledger::of(schedule, account));
        Self {
            inner: Arc::new(Inner {
                sandbox,
                began: clock.instant(),
                clock,
                seed: schedule.seed,
                page: schedule.page,
                state: Mutex::new(State {
                    faults: schedule.faults,
                    people: schedule.people,
                    ledger,
                    round: 0,
                    drawn: BTreeMap::new(),
                    events: Vec::new(),
                    late: Vec::new(),
                    pages: BTreeMap::new(),
                    ends: Vec::new(),
                }),
            }),
        }
    }

    /// What carries a client's requests.
    pub(crate) fn line(&self, client: usize) -> Arc<dyn Transport> {
        Arc::new(Line {
            network: self.clone(),
            client,
        })
    }

    /// Begins a round: whose runs end how, and whether they apply a saved plan.
    pub(crate) fn begin(
        &self,
        manifest: &World,
        ends: &[End],
        is_saved: bool,
    ) -> Vec<CancellationToken> {
        let tokens: Vec<CancellationToken> =
            ends.iter().map(|_| CancellationToken::new()).collect();
        let mut state = self.state();
        state.round += 1;
        state.ends = tokens.iter().cloned().zip(ends.iter().copied()).collect();
        self.inner
            .sandbox
            .read(|account| state.ledger.begin(manifest, is_saved, account));
        tokens
    }

    /// Ends the storm: nothing goes wrong any more, and people rest.
    pub(crate) fn calm(&self) {
        let mut state = self.state();
        state.faults = 0;
        state.people = 0;
    }

    /// Carries out what is still on its way.
    pub(crate) async fn settle(&self) {
        self.arrive(None).await;
    }

    /// All that happened; it is forgotten.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().events)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &Exchange>) -> T) -> T {
        let state = self.state();
        let mut exchanges = state.events.iter().filter_map(|event| match event {
            Event::Exchange(exchange) => Some(exchange),
            Event::People(_) => None,
        });
        look(&mut exchanges)
    }

    pub(crate) fn round(&self) -> usize {
        self.state().round
    }

    pub(crate) fn ledger<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        act(&mut self.state().ledger)
    }

    fn since_began(&self) -> Duration {
        self.inner.clock.instant() - self.inner.began
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request, and draws what happens to it and how long its ways take.
    fn take(&self, client: usize, call: &Call, request: &Request<Bytes>) -> Sent {
        let mut state = self.state();
        let subject = format!("{client} {} {}", call.method, call.path);
        let subject = hash(self.inner.seed, &subject);
        let count = state.drawn.entry(subject).or_default();
        *count += 1;
        let mut random = Random::of(subject ^ *count, "request");
        let fault = draw(&mut random, state.faults, &call.method, &call.query);
        let mut latency = || Duration::from_millis(5 + random.next() % 90);
        let ways = (latency(), latency());
        let body = request.body().iter().fold(0_u64, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(*byte))
        });
        let exchange = Exchange {
            client,
            round: state.round,
            at: self.since_began(),
            call: call.clone(),
            body,
            fault,
            status: None,
            told_to_wait: None,
        };
        state.events.push(Event::Exchange(exchange));
        let number = state.events.len() - 1;
        if random.percent(state.people) {
            self.people(&mut state, &mut random);
        }
        let ends_run = state.ends.get_mut(client).is_some_and(|(token, end)| {
            let left = match end {
                End::Through => return false,
                End::Interrupted(left) | End::Killed(left) => left,
            };
            *left = left.saturating_sub(1);
            if *left == 0 {
                token.cancel();
            }
            *left == 0
        });
        Sent {
            number,
            fault,
            ways,
            // Whether the machine goes down with the request on its way, or with the answer.
            waits: ends_run && random.percent(50),
        }
    }

    fn people(&self, state: &mut State, random: &mut Random) {
        if random.percent(10) {
            // Of the machine, not of WorkOS.
            let seconds = i64::try_from(random.below(7_200)).unwrap() - 3_600;
            self.inner.clock.jump(seconds);
            let did = format!("the clock jumps by {seconds} s");
            return state.events.push(Event::People(did));
        }
        let did = self
            .inner
            .sandbox
            .world(|account, now| people::act(account, now, &mut state.ledger, random));
        state.events.extend(did.map(Event::People));
    }

    /// Carries out a request, if nobody has it do what must not be done.
    async fn carry_out(
        &self,
        number: usize,
        request: Request<Bytes>,
        is_late: bool,
    ) -> Response<Bytes> {
        let call = Call::of(&request);
        if !call.is_read() {
            let mut state = self.state();
            self.inner
                .sandbox
                .read(|account| state.ledger.before(&call, is_late, account));
        }
        let answer = self.inner.sandbox.call(request).await;
        let mut state = self.state();
        let is_read_by_itself = call.is_read() && answer.status().is_success();
        self.inner.sandbox.read(|account| {
            if !is_read_by_itself {
                state.ledger.after(&call, account);
            } else if let Some(id) = call.organization(account) {
                state.ledger.handed_out(id);
            }
        });
        if let Some(Event::Exchange(exchange)) = state.events.get_mut(number) {
            exchange.status = Some(answer.status().as_u16());
        }
        answer
    }

    /// Carries out what was late until now, or all of it.
    async fn arrive(&self, now: Option<Instant>) {
        loop {
            let due = {
                let mut state = self.state();
                let due =
                    |(at, ..): &(Instant, usize, Request<Bytes>)| now.is_none_or(|now| *at <= now);
                let next = state.late.iter().position(due);
                next.map(|next| state.late.remove(next))
            };
            let Some((_, number, request)) = due else {
                return;
            };
            self.carry_out(number, request, true).await;
        }
    }
}

/// A request on its way.
struct Sent {
    number: usize,
    fault: Option<Fault>,
    ways: (Duration, Duration),
    waits: bool,
}

/// What carries one client's requests.
struct Line {
    network: Network,
    client: usize,
}

impl Transport for Line {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.carry(request))
    }
}

impl Line {
    async fn carry(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let network = &self.network;
        let clock = &network.inner.clock;
        let call = Call::of(&request);
        let request = smaller_pages(request, network.inner.page);
        let sent = network.take(self.client, &call, &request);
        network.arrive(Some(clock.instant())).await;
        if sent.waits {
            // The run is told to end: let it be polled before the request is carried out.
            clock.sleep(Duration::ZERO).await;
        }
        clock.sleep(sent.ways.0).await;
        let answer = self.befall(&call, &sent, request).await;
        clock.sleep(sent.ways.1).await;
        self.note(&sent, &answer);
        answer
    }

    /// Does to a request what was drawn for it.
    async fn befall(
        &self,
        call: &Call,
        sent: &Sent,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let network = &self.network;
        let clock = &network.inner.clock;
        let failed = |kind, message: &str| Err(TransportError::new(kind, message));
        let page = hash(u64::try_from(self.client).unwrap(), &page_key(call));
        let Some(fault) = sent.fault else {
            let answer = network.carry_out(sent.number, request, false).await;
            network.state().pages.insert(page, answer.body().clone());
            return Ok(answer);
        };
        match fault {
            Fault::Limited(retry_after) => return Ok(limited(retry_after)),
            Fault::Refused => return failed(TransportErrorKind::Connect, "connection refused"),
            Fault::Status(status, Effect::None) => return Ok(broken_down(status)),
            Fault::Reset(Effect::None) => return failed(TransportErrorKind::Broken, "reset"),
            Fault::TimedOut(Effect::None) => {
                clock.sleep(PATIENCE).await;
                return failed(TransportErrorKind::Timeout, "no answer in time");
            }
            Fault::Late(after) => {
                let due = clock.instant() + PATIENCE + after;
                network.state().late.push((due, sent.number, request));
                clock.sleep(PATIENCE).await;
                return failed(TransportErrorKind::Timeout, "no answer in time");
            }
            Fault::Slow(duration) => clock.sleep(duration).await,
            _ => {}
        }
        let seen = format!(
            "{:?}",
            request
                .headers()
                .get(header::AUTHORIZATION)
                .map(HeaderValue::as_bytes)
                .map(String::from_utf8_lossy)
        );
        let mut answer = network.carry_out(sent.number, request, false).await;
        let body = answer.body().clone();
        match fault {
            Fault::Status(status, _) => return Ok(broken_down(status)),
            Fault::Reset(_) => return failed(TransportErrorKind::Broken, "reset"),
            Fault::Truncated => {
                return failed(TransportErrorKind::Broken, "unexpected end of file");
            }
            Fault::TimedOut(_) => {
                clock.sleep(PATIENCE).await;
                return failed(TransportErrorKind::Timeout, "no answer in time");
            }
            Fault::Half => *answer.body_mut() = body.slice(..body.len() / 2),
            Fault::Empty => *answer.body_mut() = Bytes::new(),
            Fault::NotJson => {
                *answer.status_mut() = StatusCode::OK;
                *answer.body_mut() = Bytes::from(format!("<html>Please wait, {seen}</html>"));
            }
            Fault::RepeatedPage => {
                let last = network.state().pages.get(&page).cloned();
                *answer.body_mut() = last.unwrap_or(body);
            }
            Fault::CutShort => {
                let nothing = r#"{"object":"list","data":[],"list_metadata":{}}"#;
                *answer.body_mut() = Bytes::from_static(nothing.as_bytes());
            }
            Fault::Limited(_) | Fault::Refused | Fault::Late(_) | Fault::Slow(_) => {}
        }
        Ok(answer)
    }

    /// Notes how long the client was asked to wait.
    fn note(&self, sent: &Sent, answer: &Result<Response<Bytes>, TransportError>) {
        let headers = answer.as_ref().ok().map(Response::headers);
        let seconds = headers.and_then(|headers| {
            headers
                .get(header::RETRY_AFTER)?
                .to_str()
                .ok()?
                .parse()
                .ok()
        });
        let now = self.network.since_began();
        let mut state = self.network.state();
        if let Some(Event::Exchange(exchange)) = state.events.get_mut(sent.number) {
            exchange.told_to_wait = seconds.map(|seconds| (now, Duration::from_secs(seconds)));
        }
    }
}

/// Which list, and from which end.
fn page_key(call: &Call) -> String {
    let order = call
        .query
        .split('&')
        .find(|part| part.starts_with("order="));
    format!("{} {}", call.path, order.unwrap_or_default())
}

/// The same request at a WorkOS whose pages are smaller.
fn smaller_pages(mut request: Request<Bytes>, page: Option<usize>) -> Request<Bytes> {
    let Some(page) = page else { return request };
    let address = request.uri().to_string();
    let smaller = address.replace("limit=100", &format!("limit={page}"));
    *request.uri_mut() = smaller.parse().unwrap();
    request
}

fn limited(retry_after: Option<u64>) -> Response<Bytes> {
    let mut answer = told(
        429,
        r#"{"message":"Rate limit exceeded.","code":"rate_limit_exceeded"}"#,
    );
    let seconds = retry_after.map(HeaderValue::from);
    answer
        .headers_mut()
        .extend(seconds.map(|seconds| (header::RETRY_AFTER, seconds)));
    answer
}

fn broken_down(status: u16) -> Response<Bytes> {
    told(status, "upstream connect error")
}

fn told(status: u16, body: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            client,
            round,
            at,
            call,
            body,
            fault,
            status,
            told_to_wait,
        } = self;
        let Call {
            method,
            path,
            query,
            external_id,
            ..
        } = call;
        write!(
            f,
            "{:>9.3} {round}.{client} {method} {path}?{query} {body:x}",
            at.as_secs_f64()
        )?;
        if let Some(external_id) = external_id {
            write!(f, " [{external_id}]")?;
        }
        if let Some(fault) = fault {
            write!(f, " {fault:?}")?;
        }
        if let Some(status) = status {
            write!(f, " -> {status}")?;
        }
        if let Some((_, wait)) = told_to_wait {
            write!(f, " wait {}", wait.as_secs())?;
        }
        Ok(())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(exchange) => exchange.fmt(f),
            Self::People(did) => write!(f, "people: {did}"),
        }
    }
}
