//! Sends deliveries to a webhook while a watch goes on, and keeps their state in the position file.
//!
//! Takes the states of each reading. A new delivery is saved before it is sent, so that it has the
//! same name after a kill; an acceptance is saved within a second, and at the end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use http::Request;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Webhook;
use super::answer::{Failure, FailureKind, judge};
use crate::cli::connect::seed;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::json_line;
use crate::cli::session::Session;
use crate::cli::status::position::PositionFile;
use portalctl_core::deliveries::{Deliveries, Delivery, Position};
use portalctl_core::readiness::compare::Picture;
use portalctl_model::codes::cli as codes;
use portalctl_model::duration::shown;
use portalctl_model::text::escape;
use portalctl_platform::backoff::fraction;
use portalctl_platform::clock::SharedClock;
use portalctl_report::json_v1;
use portalctl_workos::Transport;

/// Most deliveries that are being sent at a time.
const MAX_IN_FLIGHT: usize = 8;
/// The longest time that an acceptance waits to be saved.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time that an interrupted watch waits for answers.
const INTERRUPTION_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time that a watch goes on to send what is due when its own time is over.
const LAST_TIMEOUT: Duration = Duration::from_mins(1);
/// Readings that may wait to be taken.
const MAX_SIGHTINGS: usize = 4;

/// The states of one reading.
#[derive(Debug)]
pub(in crate::cli::status) struct Sighting {
    pub(in crate::cli::status) picture: Picture,
    pub(in crate::cli::status) seen_at: Timestamp,
}

/// Deliveries that the end of a watch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::status) enum WaitFor {
    /// Attempts under way, for two seconds: the watch was interrupted.
    InFlight,
    /// One attempt of each due delivery, for a minute: the watch is over.
    Due,
}

/// Counts of deliveries, shared with the display.
#[derive(Debug, Default)]
pub(in crate::cli::status) struct Log {
    /// Accepted since the last round.
    accepted: usize,
    /// Failed attempts since the last round.
    failed: usize,
    /// Not accepted yet.
    waiting: usize,
    /// The last error, until the next acceptance.
    error: Option<CliError>,
}

impl Log {
    /// Returns a note about deliveries since the last round, if there is anything to say.
    pub(in crate::cli::status) fn note(&self) -> Option<String> {
        let parts = [
            (self.accepted, "accepted"),
            (self.waiting, "waiting"),
            (self.failed, "failed in an attempt"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!parts.is_empty()).then(|| format!("--webhook: {}", parts.join(", ")))
    }

    /// Returns the last error as one line, until the next acceptance.
    pub(in crate::cli::status) fn error_line(&self) -> Option<String> {
        let item = self.error.as_ref()?.items.first()?;
        Some(format!("error[{}]: {}", item.code, escape(&item.message)))
    }

    /// Begins the counts of the next round.
    pub(in crate::cli::status) fn begin_round(&mut self) {
        self.accepted = 0;
        self.failed = 0;
    }
}

/// Result of an attempt.
struct Attempt {
    delivery: Delivery,
    outcome: Result<(), Failure>,
    took: Duration,
}

/// Sends the deliveries of a watch.
pub(in crate::cli::status) struct Dispatcher<'a> {
    session: &'a Session<'a>,
    clock: SharedClock,
    webhook: Webhook,
    file: PositionFile,
    deliveries: Deliveries,
    started: Instant,
    /// The time between the start and the end of the watch, once it has ended.
    ended_after: Option<Duration>,
    sightings: mpsc::Receiver<Sighting>,
    attempts: FuturesUnordered<BoxFuture<'static, Attempt>>,
    /// The time of the first acceptance that is not saved.
    unsaved_since: Option<Instant>,
    log: Rc<RefCell<Log>>,
    /// True where errors are written at once; a screen shows them itself.
    writes_errors: bool,
}

/// Creates a dispatcher, the end that takes readings for it, and its log.
pub(in crate::cli::status) fn dispatcher<'a>(
    session: &'a Session<'a>,
    webhook: Webhook,
    (file, position): (PositionFile, Position),
) -> (Dispatcher<'a>, mpsc::Sender<Sighting>, Rc<RefCell<Log>>) {
    let (sender, sightings) = mpsc::channel(MAX_SIGHTINGS);
    let log = Rc::new(RefCell::new(Log {
        waiting: position.waiting(),
        ..Log::default()
    }));
    let clock = Arc::clone(&session.connection.clock);
    let dispatcher = Dispatcher {
        session,
        started: clock.instant(),
        ended_after: None,
        clock,
        webhook,
        file,
        deliveries: Deliveries::new(position),
        sightings,
        attempts: FuturesUnordered::new(),
        unsaved_since: None,
        log: Rc::clone(&log),
        writes_errors: true,
    };
    (dispatcher, sender, log)
}

impl Dispatcher<'_> {
    /// Leaves errors to the display, which draws over itself.
    pub(in crate::cli::status) fn leave_errors_to_display(&mut self) {
        self.writes_errors = false;
    }

    /// Makes deliveries until it is dropped; returns only where that cannot go on.
    pub(in crate::cli::status) async fn run(&mut self) -> CliError {
        loop {
            if let Err(error) = self.step().await {
                return error;
            }
        }
    }

    async fn step(&mut self) -> Result<(), CliError> {
        self.save_if_due()?;
        self.send_due()?;
        let next_attempt = self.deliveries.next_attempt().map(|at| self.started + at);
        // With all places taken an answer comes first.
        let next_attempt = next_attempt.filter(|_| self.attempts.len() < MAX_IN_FLIGHT);
        let wake = next_attempt.into_iter().chain(self.save_due()).min();
        let wake = wake.map(|at| self.clock.sleep_until(at));
        let wake = async {
            match wake {
                Some(sleep) => sleep.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(sighting) = self.sightings.recv() => self.observe(&sighting)?,
            Some(attempt) = self.attempts.next() => self.settle(attempt),
            () = wake => {}
        }
        Ok(())
    }

    /// Ends: waits for answers, and saves the position. Returns the number of deliveries that wait
    /// for the next run.
    pub(in crate::cli::status) async fn finish(
        &mut self,
        wait_for: WaitFor,
    ) -> Result<usize, CliError> {
        while let Ok(sighting) = self.sightings.try_recv() {
            self.observe(&sighting)?;
        }
        let timeout = match wait_for {
            WaitFor::InFlight => INTERRUPTION_TIMEOUT,
            WaitFor::Due => LAST_TIMEOUT,
        };
        // From here on a failed delivery is not due again.
        self.ended_after = Some(self.elapsed());
        let mut deadline = self.clock.sleep(timeout);
        let interrupted = self.session.interrupted.clone();
        loop {
            self.save_if_due()?;
            if wait_for == WaitFor::Due {
                self.send_due()?;
            }
            if self.attempts.is_empty() {
                break;
            }
            tokio::select! {
                Some(attempt) = self.attempts.next() => self.settle(attempt),
                () = &mut deadline => break,
                () = interrupted.cancelled(), if wait_for == WaitFor::Due => break,
            }
        }
        self.save()?;
        Ok(self.deliveries.position().waiting())
    }

    /// Returns the path of the position file, for messages.
    pub(in crate::cli::status) fn position_path(&self) -> String {
        self.file.path().display().to_string()
    }

    /// Takes the states of a reading; what is new is saved before it can be sent.
    fn observe(&mut self, sighting: &Sighting) -> Result<(), CliError> {
        let Sighting { picture, seen_at } = sighting;
        let is_initial = self.deliveries.position().is_initial();
        let elapsed = self.elapsed();
        if self.deliveries.observe(picture, *seen_at, elapsed) || is_initial {
            self.save()?;
        }
        Ok(())
    }

    /// Begins an attempt of each delivery that is due.
    fn send_due(&mut self) -> Result<(), CliError> {
        let due = self.deliveries.take_due(self.elapsed(), MAX_IN_FLIGHT);
        if !due.is_empty()
            && let Some(error) = self.webhook.secrets.refresh()
        {
            self.report(error);
        }
        for delivery in due {
            let headline = self.session.connection.headline();
            let changes = std::slice::from_ref(&delivery.change);
            let document = json_v1::changed_document(&headline, changes, Some(delivery.stamp));
            let body = json_line(&document)?;
            let request = self
                .webhook
                .request(&delivery, body.trim_end(), self.clock.now())?;
            let transport = Arc::clone(&self.webhook.transport);
            let clock = Arc::clone(&self.clock);
            self.attempts
                .push(attempt(transport, request, delivery, clock).boxed());
        }
        Ok(())
    }

    fn settle(&mut self, attempt: Attempt) {
        let Attempt {
            delivery,
            outcome,
            took,
        } = attempt;
        let key = &delivery.change.key;
        let elapsed = self.elapsed();
        let failures = self.deliveries.failures(key);
        tracing::debug!(
            receiver = self.webhook.receiver,
            organization = %escape(key),
            delivery = delivery.id,
            elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            attempt = failures.saturating_add(1),
            error = outcome.as_ref().err().map(|failure| &failure.message),
            "delivery"
        );
        match outcome {
            Ok(()) => {
                self.deliveries.accept(key, elapsed);
                self.unsaved_since.get_or_insert(self.clock.instant());
                let mut log = self.log.borrow_mut();
                log.accepted += 1;
                log.waiting = log.waiting.saturating_sub(1);
                log.error = None;
            }
            Err(failure) => {
                let wait = failure.wait(failures, fraction((seed(&self.clock), key)));
                self.deliveries.fail(key, elapsed + wait);
                self.fail(key, &failure, wait);
            }
        }
    }

    /// Reports a failed attempt: the first since the last round at once, others by their number.
    fn fail(&self, key: &str, failure: &Failure, wait: Duration) {
        let code = match failure.kind {
            FailureKind::Unavailable => codes::WEBHOOK_FAILED,
            FailureKind::Refused => codes::WEBHOOK_REFUSED,
        };
        let message = format!(
            "the change of `{}` was not accepted: {} {}; the next attempt is in {}",
            escape(key),
            self.webhook.receiver,
            failure.message,
            shown(wait.max(Duration::from_secs(1)))
        );
        let error = CliError::new(Exit::Incomplete, code, message);
        let is_first = self.log.borrow().failed == 0;
        self.log.borrow_mut().failed += 1;
        if is_first {
            self.report(error);
        }
    }

    fn report(&self, error: CliError) {
        if self.writes_errors {
            self.session.ui.error(&error);
        }
        self.log.borrow_mut().error = Some(error);
    }

    fn save(&mut self) -> Result<(), CliError> {
        let position = self.deliveries.position();
        self.file.save(position)?;
        self.unsaved_since = None;
        self.log.borrow_mut().waiting = position.waiting();
        Ok(())
    }

    fn save_if_due(&mut self) -> Result<(), CliError> {
        let now = self.clock.instant();
        match self.save_due() {
            Some(due) if due <= now => self.save(),
            _ => Ok(()),
        }
    }

    fn save_due(&self) -> Option<Instant> {
        self.unsaved_since.map(|since| since + SAVE_INTERVAL)
    }

    /// Returns the time since the start; it stands still once the watch has ended.
    fn elapsed(&self) -> Duration {
        let elapsed = self.clock.instant().saturating_duration_since(self.started);
        self.ended_after.unwrap_or(elapsed)
    }
}

/// Returns the error of a watch that ends before everything was accepted.
pub(in crate::cli::status) fn left_over(waiting: usize, position: &str) -> CliError {
    let message = format!(
        "{} not accepted in the time of the watch; {position} keeps what is left for the next run",
        match waiting {
            1 => "1 delivery was".to_owned(),
            count => format!("{count} deliveries were"),
        }
    );
    CliError::new(Exit::Incomplete, codes::WEBHOOK_FAILED, message)
}

async fn attempt(
    transport: Arc<dyn Transport>,
    request: Request<Bytes>,
    delivery: Delivery,
    clock: SharedClock,
) -> Attempt {
    let start = clock.instant();
    let answer = transport.send(request).await;
    Attempt {
        delivery,
        outcome: judge(&answer, clock.now()),
        took: clock.instant().saturating_duration_since(start),
    }
}
