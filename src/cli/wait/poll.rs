//! Waiting for one intent: reads its organization again and again, and shows what changes.
//!
//! Takes a session and the state before anybody acts. Returns the last state and how the wait ended.
//! A reading that fails is tried again; a key that is refused ends it. Changes nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::poll_backoff::PollBackoff;
use super::progress::{Progress, Shown};
use crate::cli::connect::seed;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::manifest::Manifest;
use crate::cli::session::{LiveState, Session};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Options, Refusal, Until, Verdict, WaitOutcome, Watch};
use portalctl_core::readiness::{Basis, IntentReadiness};
use portalctl_model::codes::link as codes;
use portalctl_model::duration;
use portalctl_model::observed::{Answer, Event};
use portalctl_model::{Intent, OrgKey, OrganizationId};
use portalctl_report::{WaitReport, text};
use portalctl_workos::observe::observe;
use portalctl_workos::{ApiError, ApiErrorKind, EventFilter, List, ReadPortal, ReadProgress};

/// The wait unless `--timeout` says otherwise.
pub(in crate::cli) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);
/// The longest wait.
const MAX_TIMEOUT: Duration = Duration::from_hours(7 * 24);
/// The most by which this machine's clock may be ahead of WorkOS's.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(10);

/// Parses `--timeout`.
pub(in crate::cli) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let wanted = || "a time such as 90s, 30m or 2h, at most 168h, is wanted".to_owned();
    let duration = duration::parse(text).filter(|duration| !duration.is_zero());
    duration
        .filter(|duration| *duration <= MAX_TIMEOUT)
        .ok_or_else(wanted)
}

/// A wait for one intent of one organization.
pub(in crate::cli) struct Wait<'a> {
    pub(in crate::cli) session: &'a Session<'a>,
    pub(in crate::cli) key: &'a OrgKey,
    pub(in crate::cli) intent: Intent,
    pub(in crate::cli) organization: &'a OrganizationId,
    pub(in crate::cli) timeout: Duration,
}

/// Result of a wait.
pub(in crate::cli) struct Waited {
    pub(in crate::cli) readiness: IntentReadiness,
    pub(in crate::cli) outcome: WaitOutcome,
    pub(in crate::cli) took: Duration,
}

/// Reason for which a pause or a reading ends before its time.
enum Cut {
    TimedOut,
    Interrupted,
}

impl Wait<'_> {
    /// Returns the time before which events are of no interest.
    fn events_begin(&self) -> Timestamp {
        let now = self.session.connection.clock.now();
        now.checked_sub(CLOCK_DIFFERENCE).unwrap_or(now)
    }

    /// Takes note of everything that has happened until now, so that later events can be told apart.
    pub(in crate::cli) async fn begin(
        &self,
        until: Until,
        readiness: &IntentReadiness,
    ) -> Result<Begun, CliError> {
        let since = self.events_begin();
        let events = tokio::select! {
            // Events tell more, and only earlier, than the objects do: the wait goes on without them.
            read = self.events(since) => match read {
                Err(error) if error.ends_every_read() => return Err(self.session.failed(error)),
                Err(_) => Vec::new(),
                Ok(events) => events,
            },
            () = self.session.interrupted.cancelled() => return Err(CliError::interrupted()),
        };
        Ok(Begun {
            watch: Watch::begin(until, readiness, &events),
            readiness: readiness.clone(),
            since,
        })
    }

    /// Waits to the end.
    pub(in crate::cli) async fn wait(&self, begun: Begun) -> Result<Waited, CliError> {
        let Begun {
            mut watch,
            mut readiness,
            since,
        } = begun;
        let clock = &self.session.connection.clock;
        let start = clock.instant();
        let deadline = start + self.timeout;
        let show = Progress::new(self.session.ui, self.key, self.timeout);
        let mut backoff = PollBackoff::new(seed(clock));
        let (mut verdict, _) = watch.look(&readiness, &[]);
        show.state(&readiness, verdict, Shown::Anew);
        let outcome = loop {
            match verdict {
                Verdict::Configured => break WaitOutcome::Configured,
                Verdict::WentWrong => break WaitOutcome::WentWrong,
                Verdict::Waiting(_) => {}
            }
            let round = async {
                clock.sleep(backoff.next()).await;
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
            let (next, fresh) = watch.look(&now, &events);
            for event in fresh {
                show.event(self.intent, event);
            }
            let is_other = (now.state, &now.reason) != (readiness.state, &readiness.reason);
            if is_other || next != verdict {
                backoff.reset();
            }
            verdict = next;
            readiness = now;
            let shown = if is_other { Shown::Anew } else { Shown::Same };
            show.state(&readiness, verdict, shown);
        };
        Ok(Waited {
            readiness,
            outcome,
            took: clock.instant().saturating_duration_since(start),
        })
    }

    /// Lets something finish unless the time is over or a signal comes first.
    async fn before<T>(&self, deadline: Instant, act: impl Future<Output = T>) -> Result<T, Cut> {
        tokio::select! {
            biased;
            () = self.session.interrupted.cancelled() => Err(Cut::Interrupted),
            done = act => Ok(done),
            () = self.session.connection.clock.sleep_until(deadline) => Err(Cut::TimedOut),
        }
    }

    /// Reads the state of the intent, and the latest events.
    async fn read(&self, since: Timestamp) -> Result<(IntentReadiness, Vec<Event>), Failed> {
        let manifest = self.session.manifest;
        let client = &self.session.connection.client;
        let (desired, selection) = (&manifest.desired, &manifest.selection);
        let observed = observe(client, desired, selection, manifest.extent, &Silent);
        let (observed, identities) = observed.await.map_err(|error| self.unread(error))?;
        let live = LiveState {
            observed,
            identities,
        };
        let is_same = live.identities.organization_of(self.key) == Some(self.organization);
        let readiness = intent_of(self.session, &live, self.key, self.intent);
        let Some(readiness) = readiness.filter(|_| is_same) else {
            let refusal = match live.identities.entries.get(self.key) {
                Some(Identity::Conflicted(conflicts)) => Refusal::Conflict(conflicts.clone()),
                _ => Refusal::NotCreated,
            };
            let error = refused(&refusal, self.key, self.intent);
            return Err(Failed::Ended(Box::new(error)));
        };
        let events = match self.events(since).await {
            Err(error) if error.ends_every_read() => return Err(self.unread(error)),
            // The objects tell as much, only later.
            Err(_) => Vec::new(),
            Ok(events) => events,
        };
        Ok((readiness, events))
    }

    /// Reads the events that tell more than the objects do; none where WorkOS has none to give.
    async fn events(&self, since: Timestamp) -> Result<Vec<Event>, ApiError> {
        let kinds = link::kinds(self.intent);
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let client = &self.session.connection.client;
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
                Failed::Ended(Box::new(self.session.failed(error)))
            }
            _ => Failed::Unread(Box::new(error)),
        }
    }
}

/// State from which a wait begins.
pub(in crate::cli) struct Begun {
    watch: Watch,
    readiness: IntentReadiness,
    since: Timestamp,
}

/// Reason for which there is no reading.
enum Failed {
    /// The next reading may succeed.
    Unread(Box<ApiError>),
    /// No later reading will succeed.
    Ended(Box<CliError>),
}

/// Returns the state of one intent of an entry; none when it was not read.
pub(in crate::cli) fn intent_of(
    session: &Session<'_>,
    live: &LiveState,
    key: &OrgKey,
    intent: Intent,
) -> Option<IntentReadiness> {
    let mut organizations = session.readiness(live).organizations.into_iter();
    let mut intents = organizations.find(|o| o.key == *key)?.intents.into_iter();
    intents.find(|readiness| readiness.intent == intent)
}

/// Adds an undeclared intent to the entry, for this run and where that is allowed.
pub(in crate::cli) fn allow_undeclared(
    manifest: &mut Manifest,
    key: &OrgKey,
    intent: Intent,
    options: Options,
) -> Result<(), CliError> {
    let entry = manifest.desired.organizations.get_mut(key);
    link::declares(entry.as_deref(), intent, options)
        .map_err(|refusal| refused(&refusal, key, intent))?;
    if let Some(entry) = entry {
        entry.intents.entry(intent).or_default();
    }
    Ok(())
}

/// Returns the error of a link, or of a wait, that is not possible as things are.
pub(in crate::cli) fn refused(refusal: &Refusal, key: &OrgKey, intent: Intent) -> CliError {
    let message = refusal.message(key, intent);
    CliError::new(Exit::Stopped, refusal.code(), message).help(refusal.help())
}

/// Returns the exit code of a wait, and its error unless the intent is configured.
pub(in crate::cli) fn ended(report: &WaitReport<'_>) -> (Exit, Option<CliError>) {
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
        .help(format!(
            "run `portalctl wait {} {}` to go on; what the customer has done stays done",
            report.key, report.readiness.intent
        )),
    };
    (error.exit, Some(error))
}

/// Progress of readings that is not shown.
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
