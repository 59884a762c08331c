//! The network between portalctl and the account: it injects faults and records every exchange. The
//! client under it is the real one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use portalctl_platform::clock::Clock;
use portalctl_workos::{Transport, TransportError};
use workos_sandbox::Sandbox;

use super::call::Call;
use super::fault::{Fault, draw};
use super::kinds::Kinds;
use super::ledger::{By, Ledger};
use super::people;
use super::random::{Random, hash};
use super::run::JumpingClock;
use super::schedule::{End, Schedule};
use super::transport::FaultyTransport;
use crate::world::{INVITED, World};

/// A request and its outcome.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// Number of the client that sent it.
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
    /// `Retry-After` that the client was given, and the time of that answer.
    pub(crate) told_to_wait: Option<(Duration, Duration)>,
    /// The organization was marked as invited when the request was sent.
    is_invited: bool,
}

/// An event of the trace: an exchange with WorkOS, or an act of a person.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Exchange(Box<Exchange>),
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
    kinds: Kinds,
    state: Mutex<State>,
}

struct State {
    faults: usize,
    people: usize,
    takes: usize,
    /// The reads that always fail have been repaired.
    is_mended: bool,
    ledger: Ledger,
    round: usize,
    /// Number of requests for each subject.
    drawn: BTreeMap<u64, u64>,
    events: Vec<Event>,
    late: Vec<Late>,
    /// The last page that each reader of each list was given.
    pages: BTreeMap<u64, Bytes>,
    /// The end of each client's run: its cancellation token and the number of requests until then.
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
                kinds: schedule.kinds,
                state: Mutex::new(State {
                    faults: schedule.faults,
                    people: schedule.people,
                    takes: schedule.kinds.takes,
                    is_mended: false,
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

    /// Returns the transport of a client.
    pub(crate) fn transport(&self, client: usize) -> Arc<dyn Transport> {
        Arc::new(FaultyTransport {
            network: self.clone(),
            client,
        })
    }

    /// Begins a round, whose runs end in these ways.
    pub(crate) fn begin(&self, manifest: &World, ends: &[End]) -> Vec<CancellationToken> {
        let tokens: Vec<CancellationToken> =
            ends.iter().map(|_| CancellationToken::new()).collect();
        let mut state = self.state();
        state.round += 1;
        // Each process has its own connections: it is given nobody else's pages.
        state.pages.clear();
        state.ends = tokens.iter().cloned().zip(ends.iter().copied()).collect();
        self.inner
            .sandbox
            .read(|account| state.ledger.begin(manifest, account));
        tokens
    }

    /// Ends the stormy part: no more faults, and no more edits by people.
    pub(crate) fn calm(&self) {
        let mut state = self.state();
        state.faults = 0;
        state.people = 0;
        state.takes = 0;
    }

    /// Lets the reads that always fail succeed.
    pub(crate) fn mend(&self) {
        self.state().is_mended = true;
    }

    pub(crate) fn kinds(&self) -> Kinds {
        self.inner.kinds
    }

    /// Returns whether a read about an organization always fails.
    pub(crate) fn is_broken(&self, organization: &str) -> bool {
        let broken = self.inner.kinds.broken;
        broken.is_some_and(|broken| broken.is_about(self.inner.seed, organization))
    }

    /// Carries out every pending request.
    pub(crate) async fn settle(&self) {
        self.arrive(None).await;
    }

    /// Takes the events so far.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().events)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &Exchange>) -> T) -> T {
        let state = self.state();
        let mut exchanges = state.events.iter().filter_map(|event| match event {
            Event::Exchange(exchange) => Some(exchange.as_ref()),
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

    pub(super) fn clock(&self) -> &JumpingClock {
        &self.inner.clock
    }

    /// The most objects on a page, where that is fewer than the client asks for.
    pub(super) fn page(&self) -> Option<usize> {
        self.inner.page
    }

    /// Keeps the page that a reader of a list was given last.
    pub(super) fn keep_page(&self, reader: u64, page: Bytes) {
        self.state().pages.insert(reader, page);
    }

    pub(super) fn last_page(&self, reader: u64) -> Option<Bytes> {
        self.state().pages.get(&reader).cloned()
    }

    /// Lets a request arrive later.
    pub(super) fn delay(&self, late: Late) {
        self.state().late.push(late);
    }

    /// Notes how long the client was asked to wait.
    pub(super) fn note(
        &self,
        sent: &Sent,
        call: &Call,
        client: usize,
        answer: &Result<Response<Bytes>, TransportError>,
    ) {
        let headers = answer.as_ref().ok().map(Response::headers);
        let seconds = headers.and_then(|headers| {
            headers
                .get(header::RETRY_AFTER)?
                .to_str()
                .ok()?
                .parse()
                .ok()
        });
        let now = self.since_began();
        let organization = self
            .inner
            .sandbox
            .read(|account| call.organization(account));
        let mut state = self.state();
        if let Some(id) = organization {
            state.ledger.ended(client, call, &id);
        }
        if let Some(Event::Exchange(exchange)) = state.events.get_mut(sent.number) {
            exchange.told_to_wait = seconds.map(|seconds| (now, Duration::from_secs(seconds)));
        }
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
    pub(super) fn take(&self, client: usize, call: &Call, request: &Request<Bytes>) -> Sent {
        let mut state = self.state();
        let subject = format!("{client} {} {}", call.method, call.path);
        let subject = hash(self.inner.seed, &subject);
        let count = state.drawn.entry(subject).or_default();
        *count += 1;
        let mut random = Random::of(subject ^ *count, "request");
        let fault = draw(&mut random, state.faults, &call.method, &call.query);
        let always = self.inner.kinds.broken.filter(|_| !state.is_mended);
        let always = always.and_then(|broken| broken.answer(self.inner.seed, call));
        let fault = always.map(Fault::Always).or(fault);
        let mut latency = || Duration::from_millis(5 + random.next() % 90);
        let ways = (latency(), latency());
        let body = request.body().iter().fold(0_u64, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(*byte))
        });
        let organization = self.inner.sandbox.read(|account| {
            let live = account.organization(&call.organization(account)?).ok()?;
            Some((live.id.clone(), live.metadata.contains_key(INVITED)))
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
            is_invited: organization
                .as_ref()
                .is_some_and(|(_, is_invited)| *is_invited),
        };
        state.events.push(Event::Exchange(Box::new(exchange)));
        let number = state.events.len() - 1;
        if random.percent(state.people) {
            self.people(&mut state, &mut random);
        }
        let now = self.since_began();
        state.ledger.set_time(now);
        if let Some(id) = call.reads_organization()
            && state.takes > 0
            && random.percent(state.takes)
        {
            let taken = self.inner.sandbox.world(|account, now| {
                people::take(
                    account,
                    now,
                    id,
                    Some(client),
                    &mut state.ledger,
                    &mut random,
                )
            });
            state.events.extend(taken.map(Event::People));
        }
        if let Some((id, _)) = &organization
            && call.is_put()
            && random.percent(4 * state.people)
        {
            // Edits come at the worst moment: the data of the request may have been read long ago.
            let now = self.since_began();
            state.ledger.set_time(now);
            let edited = self.inner.sandbox.world(|account, now| {
                people::annotate(account, now, id, &mut state.ledger, &mut random)
            });
            state.events.extend(edited.map(Event::People));
        }
        if let Some((id, _)) = organization {
            state
                .ledger
                .asked(client, call, &id, matches!(fault, Some(Fault::Late(_))));
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
            // The machine goes down with the request on its way, or with the answer.
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
        let now = self.since_began();
        state.ledger.set_time(now);
        let is_used = self.inner.kinds.is_used;
        let did = self
            .inner
            .sandbox
            .world(|account, now| people::act(account, now, &mut state.ledger, is_used, random));
        state.events.extend(did.map(Event::People));
    }

    /// Carries out a request, after the ledger has checked it.
    pub(super) async fn carry_out(
        &self,
        number: usize,
        request: Request<Bytes>,
        by: By,
    ) -> Response<Bytes> {
        let call = Call::of(&request);
        let marked = self.invited(&call);
        if !call.is_read() {
            let mut state = self.state();
            self.inner
                .sandbox
                .read(|account| state.ledger.before(&call, by, account));
        }
        let answer = self.inner.sandbox.call(request).await;
        let is_erased = marked.is_some() && self.invited(&call).is_none();
        let now = self.since_began();
        let mut state = self.state();
        state.ledger.set_time(now);
        let is_read_by_itself = call.is_read() && call.returns_organization();
        let is_read_by_itself = is_read_by_itself && answer.status().is_success();
        self.inner.sandbox.read(|account| {
            if !call.is_read() {
                state.ledger.after(&call, account);
            } else if let Some(id) = call.organization(account).filter(|_| is_read_by_itself) {
                state.ledger.handed_out(by.client, id);
            }
            if call.returns_organization()
                && answer.status().is_success()
                && let Some(id) = call.answered(account)
            {
                state.ledger.told_whole(by.client, id);
            }
        });
        let was_marked = match state.events.get(number) {
            Some(Event::Exchange(exchange)) => exchange.is_invited,
            _ => false,
        };
        if let Some(id) = marked.filter(|_| is_erased && !was_marked) {
            state.ledger.erased(id);
        }
        if let Some(Event::Exchange(exchange)) = state.events.get_mut(number) {
            exchange.status = Some(answer.status().as_u16());
        }
        answer
    }

    /// The organization that a request changes, if it is marked as invited.
    fn invited(&self, call: &Call) -> Option<String> {
        self.inner.sandbox.read(|account| {
            let live = account.organization(&call.organization(account)?).ok()?;
            let is_marked = call.is_put() && live.metadata.contains_key(INVITED);
            is_marked.then(|| live.id.clone())
        })
    }

    /// Carries out the late requests that are due, or all of them.
    pub(super) async fn arrive(&self, now: Option<Instant>) {
        loop {
            let due = {
                let mut state = self.state();
                let due = |late: &Late| now.is_none_or(|now| late.due <= now);
                let next = state.late.iter().position(due);
                next.map(|next| state.late.remove(next))
            };
            let Some(late) = due else {
                return;
            };
            let by = By {
                client: late.client,
                is_late: true,
            };
            self.carry_out(late.number, late.request, by).await;
        }
    }
}

/// A request that arrives long after it was given up.
pub(super) struct Late {
    pub(super) due: Instant,
    pub(super) client: usize,
    pub(super) number: usize,
    pub(super) request: Request<Bytes>,
}

/// A request on its way.
pub(super) struct Sent {
    pub(super) number: usize,
    pub(super) fault: Option<Fault>,
    /// Latencies of the request and of the answer.
    pub(super) ways: (Duration, Duration),
    /// The run ends before the request arrives.
    pub(super) waits: bool,
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
            is_invited: _,
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
