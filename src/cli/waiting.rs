//! Waits for a customer: reads one organization again and again, and tells what changes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connect::{Connection, seed};
use super::error::CliError;
use super::exit::Exit;
use super::pause::Pause;
use super::session::{Reality, Request};
use super::ui::Ui;
use super::waiting_show::Show;
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Refusal, Until, Verdict, WaitOutcome, Watch};
use portalctl_core::readiness::{Basis, IntentReadiness};
use portalctl_model::codes::link as codes;
use portalctl_model::duration;
use portalctl_model::observed::{Answer, Event};
use portalctl_model::{Intent, OrgKey, OrganizationId};
use portalctl_report::{WaitReport, text};
use portalctl_workos::observe::observe;
use portalctl_workos::{ApiError, ApiErrorKind, EventFilter, List, ReadPortal, ReadProgress};

/// How long is waited unless said.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);
/// The longest wait.
const MAX_TIMEOUT: Duration = Duration::from_hours(7 * 24);
/// How far this machine's clock may be ahead of WorkOS's.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(10);

/// Reads `--timeout`.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let wanted = || "a time such as 90s, 30m or 2h, at most 168h, is wanted".to_owned();
    let duration = duration::parse(text).filter(|duration| !duration.is_zero());
    duration
        .filter(|duration| *duration <= MAX_TIMEOUT)
        .ok_or_else(wanted)
}

/// One customer and intent, and what it takes to follow them.
pub(super) struct Waiting<'a> {
    pub(super) request: &'a Request,
    pub(super) connection: &'a Connection,
    pub(super) ui: &'a Ui,
    pub(super) key: &'a OrgKey,
    pub(super) intent: Intent,
    pub(super) organization: &'a OrganizationId,
    pub(super) timeout: Duration,
    pub(super) interrupted: &'a CancellationToken,
}

/// What came of it.
pub(super) struct Waited {
    pub(super) readiness: IntentReadiness,
    pub(super) outcome: WaitOutcome,
    pub(super) took: Duration,
}

/// What ends a pause or a reading before its time.
enum Cut {
    TimedOut,
    Interrupted,
}

impl Waiting<'_> {
    /// Events from before this are of no interest.
    fn events_begin(&self) -> Timestamp {
        let now = self.connection.clock.now();
        now.checked_sub(CLOCK_DIFFERENCE).unwrap_or(now)
    }

    /// What has happened until now, to be told apart from what happens from now on.
    pub(super) async fn begin(
        &self,
        until: Until,
        readiness: &IntentReadiness,
    ) -> Result<Begun, CliError> {
        let since = self.events_begin();
        let events = tokio::select! {
            // What they would tell is worth waiting for, and not worth giving up for.
            read = self.events(since) => match read {
                Err(error) if error.ends_every_read() => return Err(self.failed(error)),
                read => read.unwrap_or_default(),
            },
            () = self.interrupted.cancelled() => return Err(CliError::interrupted()),
        };
        Ok(Begun {
            watch: Watch::begin(until, readiness, &events),
            readiness: readiness.clone(),
            since,
        })
    }

    /// Waits to the end. A reading that fails is tried again; a key that is refused is not.
    pub(super) async fn wait(&self, begun: Begun) -> Result<Waited, CliError> {
        let Begun {
            mut watch,
            mut readiness,
            since,
        } = begun;
        let clock = &self.connection.clock;
        let start = clock.instant();
        let deadline = start + self.timeout;
        let show = Show::new(self);
        let mut pause = Pause::new(seed(clock));
        let (mut verdict, _) = watch.look(&readiness, &[]);
        show.state(&readiness, verdict, true);
        let outcome = loop {
            match verdict {
                Verdict::Configured => break WaitOutcome::Configured,
                Verdict::WentWrong => break WaitOutcome::WentWrong,
                Verdict::Waiting(_) => {}
            }
            let round = async {
                clock.sleep(pause.next()).await;
                self.read(since).await
            };
            let (now, events) = match self.before(deadline, round).await {
                Err(Cut::TimedOut) => break WaitOutcome::TimedOut,
                Err(Cut::Interrupted) => break WaitOutcome::Interrupted,
                Ok(Ok(read)) => read,
                Ok(Err(Failed::Ended(error))) => return Err(*error),
                Ok(Err(Failed::Unread(error))) => {
                    show.failure(&error);
                    continue;
                }
            };
            if let Basis::Failed(why) = &now.basis {
                show.unread(why);
            }
            let (next, news) = watch.look(&now, &events);
            for event in news {
                show.event(event);
            }
            let is_other = (now.state, &now.reason) != (readiness.state, &readiness.reason);
            if is_other || next != verdict {
                pause.begin_again();
            }
            verdict = next;
            readiness = now;
            show.state(&readiness, verdict, is_other);
        };
        Ok(Waited {
            readiness,
            outcome,
            took: clock.instant().saturating_duration_since(start),
        })
    }

    /// Lets something finish unless time or patience runs out.
    async fn before<T>(&self, deadline: Instant, act: impl Future<Output = T>) -> Result<T, Cut> {
        tokio::select! {
            biased;
            () = self.interrupted.cancelled() => Err(Cut::Interrupted),
            done = act => Ok(done),
            () = self.connection.clock.sleep_until(deadline) => Err(Cut::TimedOut),
        }
    }

    /// How far the customer is, and what has happened lately.
    async fn read(&self, since: Timestamp) -> Result<(IntentReadiness, Vec<Event>), Failed> {
        let request = self.request;
        let client = &self.connection.client;
        let observed = observe(
            client,
            &request.desired,
            &request.selection,
            request.extent,
            &Silent,
        );
        let (observed, identities) = observed.await.map_err(|error| self.unread(error))?;
        let reality = Reality {
            observed,
            identities,
        };
        let is_same = reality.identities.organization_of(self.key) == Some(self.organization);
        let readiness = intent_of(&reality, request, self.connection, self.key, self.intent);
        let Some(readiness) = readiness.filter(|_| is_same) else {
            let refusal = match reality.identities.entries.get(self.key) {
                Some(Identity::Conflicted(conflicts)) => Refusal::Conflict(conflicts.clone()),
                _ => Refusal::NotCreated,
            };
            let error = refused(&refusal, self.key, self.intent);
            return Err(Failed::Ended(Box::new(error)));
        };
        let events = match self.events(since).await {
            Err(error) if error.ends_every_read() => return Err(self.unread(error)),
            // The objects tell as much, only later.
            events => events.unwrap_or_default(),
        };
        Ok((readiness, events))
    }

    /// The events that tell more than the objects do; none where WorkOS does not tell them.
    async fn events(&self, since: Timestamp) -> Result<Vec<Event>, ApiError> {
        let kinds = link::kinds(self.intent);
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let client = &self.connection.client;
        let filter = EventFilter {
            kinds,
            organization: Some(self.organization),
            since: Some(since),
        };
        let answer = client.events(&filter).await?;
        Ok(match answer {
            Answer::Found(events) => events,
            Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => Vec::new(),
        })
    }

    fn unread(&self, error: ApiError) -> Failed {
        match error.kind {
            ApiErrorKind::Unauthorized | ApiErrorKind::Forbidden | ApiErrorKind::Redirected => {
                Failed::Ended(Box::new(self.failed(error)))
            }
            _ => Failed::Unread(Box::new(error)),
        }
    }

    fn failed(&self, error: ApiError) -> CliError {
        CliError::reading(error, &self.connection.target.endpoint)
    }
}

/// Where waiting starts from.
pub(super) struct Begun {
    watch: Watch,
    readiness: IntentReadiness,
    since: Timestamp,
}

/// Why there is no reading.
enum Failed {
    /// It may go better the next time.
    Unread(Box<ApiError>),
    /// It will not.
    Ended(Box<CliError>),
}

/// How far one intent of one customer is; `None` when it was not asked about.
pub(super) fn intent_of(
    reality: &Reality,
    request: &Request,
    connection: &Connection,
    key: &OrgKey,
    intent: Intent,
) -> Option<IntentReadiness> {
    let readiness = reality.readiness(request, connection);
    let mut organizations = readiness.organizations.into_iter();
    let mut intents = organizations.find(|o| o.key == *key)?.intents.into_iter();
    intents.find(|readiness| readiness.intent == intent)
}

/// A link, or a wait, that is not possible as things are.
pub(super) fn refused(refusal: &Refusal, key: &OrgKey, intent: Intent) -> CliError {
    let message = refusal.message(key, intent);
    CliError::new(Exit::Stopped, refusal.code(), message).help(refusal.help())
}

/// What the process ends with after a wait, and what is to be said of one that did not end as
/// hoped.
pub(super) fn ended(report: &WaitReport<'_>) -> (Exit, Option<CliError>) {
    let problem = text::wait_problem(report);
    let error = match report.outcome {
        WaitOutcome::Configured => return (Exit::Done, None),
        WaitOutcome::WentWrong => {
            let error = CliError::new(Exit::Stopped, codes::WENT_WRONG, problem);
            match &report.readiness.next_step {
                Some(next) => error.help(next.clone()),
                None => error,
            }
        }
        WaitOutcome::TimedOut => CliError::new(Exit::Asked, codes::TIMED_OUT, problem),
        WaitOutcome::Interrupted => CliError::new(
            Exit::Interrupted,
            portalctl_model::codes::cli::INTERRUPTED,
            problem,
        )
        .help("run `portalctl wait` to go on; what the customer has done stays done"),
    };
    (error.exit, Some(error))
}

/// Nobody needs to see each reading.
struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_a_time_within_a_week() {
        assert_eq!(parse_timeout("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(parse_timeout("1h 30m"), Ok(Duration::from_mins(90)));
        for text in ["", "30", "0s", "-5m", "169h", "soon", "999999999999999h"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }
}
