//! One environment: one task, one desired state, one cache.
//!
//! ```text
//! objects ─▶ entries ─▶ desired ─┬─▶ plan ─▶ apply ─▶ WorkOS
//! schedule ──▶ cache ────────────┴─▶ readiness ─▶ conditions ─▶ statuses that differ
//! ```
//!
//! The task decides nothing of its own: the same core as the command line's observes, plans,
//! applies and judges.

use std::sync::Arc;
use std::time::Duration;

use portalctl_model::duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::account::AccountCheck;
use super::backoff::FailedWrites;
use super::cache::{self, Cache};
use super::clients::{Connection, Fingerprint};
use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::context::Context;
use super::entries::{self, Entry};
use super::finalizer;
use super::handover::DeletionDelays;
use super::hold_back::HeldBack;
use super::holders::Refusal;
use super::kube_api;
use super::kube_api::Written;
use super::limits::HourlyQuota;
use super::limits::RepeatedWrites;
use super::report::{Environment, Reporter};
use super::resolved_spec::Reader;
use super::resource::PortalEnvironment;
use super::resource::{Name, Uid};
use super::schedule::{Intervals, Schedule};
use super::store::{EnvironmentObjects, is_being_deleted, is_environment_paused};
use portalctl_core::identity::{Identities, identify};
use portalctl_manifest::kubernetes::{
    OperatorSettings, PortalEnvironmentStatus, PortalOrganizationStatus,
};
use portalctl_model::desired::Desired;
use portalctl_model::observed::FailedRead;
use portalctl_platform::backoff::fraction;
use portalctl_workos::{ApiError, ApiErrorKind};

/// The shortest time between two passes, however much is edited.
const MIN_PASS_INTERVAL: Duration = Duration::from_millis(200);

/// Keeps one environment.
pub(super) struct Reconciler {
    pub(super) context: Arc<Context>,
    pub(super) name: Name,
    pub(super) schedule: Schedule,
    pub(super) cache: Option<Cache>,
    pub(super) failed_writes: FailedWrites,
    pub(super) organization_statuses: Written<PortalOrganizationStatus>,
    pub(super) environment_statuses: Written<PortalEnvironmentStatus>,
    reader: Reader,
    /// Which key and endpoint the cache is of.
    fingerprint: Option<Fingerprint>,
    /// The key and endpoint whose account was seen to have what statuses name, in this term.
    verified: Option<Fingerprint>,
    /// The client of the environment with this uid, for its end: its Secret may go first.
    last_portal: Option<(Uid, Connection)>,
    /// When the key was last read from its Secret.
    key_read: Option<Instant>,
    /// What people said last.
    seen: Option<u64>,
    environment_generation: Option<i64>,
    /// Why WorkOS could not be read last.
    blocked: Option<BlockedReason>,
    intervals: Intervals,
    /// Whether another pass is to follow at once: there is more to write than one writes, or more to
    /// ask of what one has created.
    pub(super) is_unfinished: bool,
    /// When something that waits is to be looked at again.
    look_again: Option<Instant>,
    /// The claims that were refused last.
    pub(super) refusals: Vec<Refusal>,
    /// Resources that are being deleted.
    pub(super) leaving: DeletionDelays,
    /// The other release of the operator that keeps the environment, as it was told last.
    pub(super) other_release: Option<String>,
    pub(super) quota: HourlyQuota,
    pub(super) repeated_writes: RepeatedWrites,
    /// Changes of the last pass that wait.
    pub(super) held_back: HeldBack,
    /// The term of the last pass.
    term: Option<CancellationToken>,
    stop: CancellationToken,
}

/// Why nothing more can be learnt in a pass.
struct Blocked(BlockedReason);

impl Reconciler {
    /// One that knows nothing yet, and works until it is told to stop.
    pub(super) fn new(context: Arc<Context>, name: Name, stop: CancellationToken) -> Self {
        let intervals = intervals(&OperatorSettings::default(), context.poll);
        Self {
            context,
            name,
            schedule: Schedule::default(),
            cache: None,
            failed_writes: FailedWrites::default(),
            organization_statuses: Written::default(),
            environment_statuses: Written::default(),
            reader: Reader::default(),
            fingerprint: None,
            verified: None,
            last_portal: None,
            key_read: None,
            seen: None,
            environment_generation: None,
            blocked: None,
            intervals,
            is_unfinished: false,
            look_again: None,
            refusals: Vec::new(),
            leaving: DeletionDelays::default(),
            other_release: None,
            quota: HourlyQuota::default(),
            repeated_writes: RepeatedWrites::default(),
            held_back: HeldBack::new(),
            term: None,
            stop,
        }
    }

    /// Works whenever something is due and this process leads, until it is told to stop.
    pub(super) async fn run(mut self, wake: Arc<Notify>) {
        let clock = Arc::clone(&self.context.clock);
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            let term = self.context.term.borrow().clone();
            let next = if let Some(term) = &term {
                self.begin(term);
                let next = self.pass(term).await;
                next.max(clock.instant() + MIN_PASS_INTERVAL)
            } else {
                // Another process writes: what is known here grows old.
                self.forget();
                self.forget_seen_while_another_leads();
                clock.instant() + Duration::from_hours(1)
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = wake.notified() => tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    () = clock.sleep(MIN_PASS_INTERVAL) => {}
                },
                () = clock.sleep_until(next) => {}
            }
        }
        self.context.clients.leave(&self.name);
        self.context.registry.leave(&self.name);
        self.context.metrics.forget(&self.name.to_string());
    }

    /// Begins a term, or goes on with it: between two of them, which may both have begun during one
    /// pass, another process may have written.
    fn begin(&mut self, term: &CancellationToken) {
        if self
            .term
            .as_ref()
            .is_some_and(CancellationToken::is_cancelled)
        {
            self.forget();
        }
        self.term = Some(term.clone());
    }

    /// Whether what a pass found may still be said: not once the lease was lost meanwhile, even if it
    /// was won back.
    fn still_leads(&self, term: &CancellationToken) -> bool {
        self.stop.is_cancelled() || !term.is_cancelled()
    }

    fn forget(&mut self) {
        self.context.registry.leave(&self.name);
        self.context.metrics.forget(&self.name.to_string());
        self.cache = None;
        self.schedule = Schedule::default();
        self.seen = None;
        self.fingerprint = None;
        self.verified = None;
        self.last_portal = None;
        self.is_unfinished = false;
        self.look_again = None;
        self.leaving = DeletionDelays::default();
        self.quota = HourlyQuota::default();
        self.held_back = HeldBack::new();
        // The count of repeated_writes goes on: what this process wrote, it wrote, whoever led since. What was
        // written is still newer than what a watch shows that has not caught up with it.
    }

    /// One pass; when the next is due.
    async fn pass(&mut self, term: &CancellationToken) -> Instant {
        let context = Arc::clone(&self.context);
        let objects =
            EnvironmentObjects::of(&self.name, &context.environments, &context.organizations);
        let now = context.clock.instant();
        let said = objects.fingerprint();
        let has_news = self.seen != Some(said);
        if !has_news && !self.is_due(now) {
            return self.next(now);
        }
        if has_news {
            self.schedule.trigger();
        }
        self.seen = Some(said);
        self.keep_environment(&objects).await;
        let running = context.metrics.begun();
        let outcome = self.work(&objects, term).await;
        drop(running);
        if outcome.is_err() {
            // An environment that cannot be used claims nothing.
            self.context.registry.leave(&self.name);
        }
        let ended = context.clock.instant();
        context.metrics.round(ended.saturating_duration_since(now));
        if let Err(Blocked(blocked)) = outcome {
            self.is_unfinished = false;
            context.metrics.blocked(blocked.reason);
            // Another release says how the environment is.
            if self.still_leads(term) && self.other_release.is_none() {
                self.report_blocked(&objects, &blocked).await;
            }
            // Nothing was asked: the key is looked for again after the interval.
            if self.schedule.is_open(ended) && self.schedule.is_poll_due(&self.intervals, ended) {
                return ended + self.intervals.poll;
            }
        }
        self.next(ended)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.next(now) <= now
    }

    /// When something is due.
    fn next(&self, now: Instant) -> Instant {
        let next = self.schedule.next(&self.intervals, now);
        if !self.schedule.is_open(now) {
            // WorkOS is left alone, but the Secret may hold another key meanwhile.
            let look = self.key_read.map_or(now, |at| at + self.intervals.poll);
            return next.min(look);
        }
        if self.is_unfinished {
            return now;
        }
        let next = self.look_again.map_or(next, |at| next.min(at));
        match self.schedule.sweep_at() {
            Some(at) if self.cache.is_some() => next.min(at),
            _ => next,
        }
    }

    async fn work(
        &mut self,
        objects: &EnvironmentObjects,
        term: &CancellationToken,
    ) -> Result<(), Blocked> {
        let environment = self.environment(objects)?;
        self.look_again = None;
        self.is_only_release(&environment).await.map_err(Blocked)?;
        self.learn_quota(&environment).await.map_err(Blocked)?;
        self.quota.forget_old(self.context.clock.now());
        let (mut entries, mut desired) = entries::sort(
            objects,
            &environment,
            &self.context.cluster_id,
            &mut self.reader,
        )
        .map_err(Blocked)?;
        let connection = self.connection(&environment).await?;
        self.look(&connection, &desired).await?;
        self.check_account(&entries, &connection)?;
        let Some(mut cache) = self.cache.take() else {
            return Err(Blocked(waiting()));
        };
        let endpoint = &connection.target.endpoint;
        self.settle(
            &mut entries,
            &mut desired,
            &cache.observed,
            &environment,
            endpoint,
        )
        .await;
        self.hold(&entries).await;
        let mut reporter = Reporter::new(Environment {
            object: &environment,
            target: &connection.target,
            is_paused: is_environment_paused(&environment),
            waits: finalizer::waits(&environment, objects),
        });
        self.apply(&reporter, &connection, &entries, &desired, &mut cache, term)
            .await;
        self.delete(
            &mut reporter,
            &connection,
            &entries,
            &desired,
            &mut cache,
            term,
        )
        .await;
        if self.still_leads(term) {
            let mut identities = identify(&desired, &cache.observed);
            hide_rivals(&mut identities, &entries, &environment);
            self.report(&reporter, &entries, &desired, &cache, &identities)
                .await;
        }
        self.cache = Some(cache);
        Ok(())
    }

    /// Lets another pass follow at a moment, or earlier.
    pub(super) fn look_again(&mut self, at: Instant) {
        self.look_again = Some(self.look_again.map_or(at, |known| known.min(at)));
    }

    fn environment(
        &mut self,
        objects: &EnvironmentObjects,
    ) -> Result<Arc<PortalEnvironment>, Blocked> {
        let Some(held) = &objects.environment else {
            self.forget_requests();
            self.context.registry.leave(&self.name);
            let message = format!(
                "there is no PortalEnvironment {}: create it, or correct environmentRef",
                self.name
            );
            return Err(Blocked(BlockedReason::new(
                Reason::EnvironmentMissing,
                message,
            )));
        };
        let invalid = |message| Blocked(BlockedReason::new(Reason::Invalid, message));
        let environment = Arc::clone(held.read().map_err(invalid)?);
        if self.environment_generation != environment.metadata.generation {
            self.environment_generation = environment.metadata.generation;
            self.schedule.reopen();
            // What it allows now may be what was refused before.
            self.failed_writes = FailedWrites::default();
        }
        self.intervals = intervals(&environment.spec.operator, self.context.poll);
        Ok(environment)
    }

    fn forget_requests(&mut self) {
        self.cache = None;
        self.schedule = Schedule::default();
    }

    /// The client for the key that the Secret holds now.
    async fn connection(&mut self, environment: &PortalEnvironment) -> Result<Connection, Blocked> {
        let spec = &environment.spec;
        let namespace = &self.name.namespace;
        self.key_read = Some(self.context.clock.instant());
        let secret = kube_api::read_secret(&self.context.client, namespace, &spec.secret_ref).await;
        let uid = Uid::of(&environment.metadata);
        let connection = match (secret, &self.last_portal) {
            (Ok(secret), _) => {
                let clients = &self.context.clients;
                clients.get(&self.name, spec, &secret).map_err(Blocked)?
            }
            // What is deleted together may go in any order, the key before what needs it.
            (Err(blocked), Some((of, connection)))
                if blocked.reason == Reason::SecretMissing
                    && is_being_deleted(&environment.metadata)
                    && *of == uid =>
            {
                connection.clone()
            }
            (Err(blocked), _) => return Err(Blocked(blocked)),
        };
        self.last_portal = Some((uid, connection.clone()));
        if self.fingerprint != Some(connection.fingerprint) {
            self.fingerprint = Some(connection.fingerprint);
            self.forget_requests();
        }
        Ok(connection)
    }

    /// Checks, once for each key, endpoint and term, that the account has what statuses name.
    fn check_account(&mut self, entries: &[Entry], connection: &Connection) -> Result<(), Blocked> {
        if self.verified == Some(connection.fingerprint) {
            return Ok(());
        }
        let Some(cache) = &self.cache else {
            return Ok(());
        };
        let statuses = entries.iter().map(|entry| (entry, self.before(entry)));
        let check = AccountCheck::of(statuses, &cache.observed);
        if !check.is_of_another_account() {
            self.verified = Some(connection.fingerprint);
            return Ok(());
        }
        let AccountCheck { known, missing } = check;
        tracing::warn!(environment = %self.name, known, missing, "the account is another one");
        Err(Blocked(BlockedReason::new(
            Reason::WrongAccount,
            "most of the organizations that the PortalOrganizations of this environment had are \
             not in the account that its API key opens: nothing is created, changed or deleted. Put \
             the key of the right WorkOS environment into the Secret; if the organizations are gone \
             indeed, set spec.recreate: once on their PortalOrganizations, or delete those",
        )))
    }

    /// Brings the cache up to date, as far as the schedule and earlier errors allow.
    async fn look(&mut self, connection: &Connection, desired: &Desired) -> Result<(), Blocked> {
        let clock = Arc::clone(&self.context.clock);
        let now = clock.instant();
        if !self.schedule.is_open(now) {
            return Err(Blocked(self.blocked.clone().unwrap_or_else(waiting)));
        }
        let looked = cache::look(
            &mut self.cache,
            &mut self.schedule,
            &*connection.client,
            desired,
            &self.intervals,
            &*clock,
        )
        .await;
        match looked {
            Ok(()) => {
                self.blocked = None;
                let name = self.name.to_string();
                self.context.metrics.succeeded(&name, clock.now());
                Ok(())
            }
            Err(error) => {
                tracing::warn!(environment = %self.name, %error, "WorkOS could not be read");
                let chance = fraction(clock.now().as_nanosecond());
                let now = clock.instant();
                self.schedule
                    .failed(&self.intervals, now, error.retry_after, chance);
                let blocked = blocked_by(&error);
                self.blocked = Some(blocked.clone());
                Err(Blocked(blocked))
            }
        }
    }

    /// What is said when WorkOS could not be asked.
    async fn report_blocked(&mut self, objects: &EnvironmentObjects, blocked: &BlockedReason) {
        let entries = entries::blocked_entries(objects, blocked, &self.context.cluster_id);
        self.release_without_workos(&entries, blocked).await;
        self.report_trouble(objects, &entries, blocked).await;
        let metadata = entries.iter().map(|entry| &entry.object.metadata);
        self.organization_statuses.keep(metadata);
    }

    /// Another process writes now, and the watch shows it in the end.
    fn forget_seen_while_another_leads(&mut self) {
        if !self.organization_statuses.is_empty() {
            let context = &self.context;
            let objects =
                EnvironmentObjects::of(&self.name, &context.environments, &context.organizations);
            let metadata = objects.organizations.iter().map(|object| &object.metadata);
            self.organization_statuses.keep(metadata);
        }
    }

    /// WorkOS does not take what is written: it is left alone for a while.
    pub(super) fn back_off(&mut self, blocked: BlockedReason) {
        let clock = &self.context.clock;
        let chance = fraction(clock.now().as_nanosecond());
        self.schedule
            .failed(&self.intervals, clock.instant(), None, chance);
        self.blocked = Some(blocked);
        self.is_unfinished = false;
    }

    /// How often WorkOS is asked.
    pub(super) const fn intervals(&self) -> &Intervals {
        &self.intervals
    }
}

/// Nothing is known yet, and nothing is wrong.
fn waiting() -> BlockedReason {
    BlockedReason::new(Reason::Unreachable, "WorkOS has not been read yet")
}

/// What an error of WorkOS means for a resource. The log has the id of the request: in a status it
/// would be another one after each attempt, and every status would be written again.
pub(super) fn blocked_by(error: &ApiError) -> BlockedReason {
    let reason = match error.kind {
        ApiErrorKind::Unauthorized | ApiErrorKind::Forbidden => Reason::Unauthorized,
        ApiErrorKind::RateLimited => Reason::RateLimited,
        _ => Reason::Unreachable,
    };
    let mut failed = FailedRead::from(error);
    if error.kind == ApiErrorKind::Unauthorized {
        // Whichever request is the first to meet it: it is about the key.
        "WorkOS".clone_into(&mut failed.request);
    }
    BlockedReason::new(reason, format!("{failed} ({})", error.code()))
}

/// An environment's intervals; texts that cannot be read are the definition's to refuse.
fn intervals(settings: &OperatorSettings, poll: Option<Duration>) -> Intervals {
    let read = |text: &str, otherwise: Duration| {
        duration::parse(text)
            .filter(|duration| !duration.is_zero())
            .unwrap_or(otherwise)
    };
    let texts = &settings.intervals;
    Intervals {
        poll: poll.unwrap_or_else(|| read(&texts.poll, Duration::from_mins(1))),
        resync: read(&texts.resync, Duration::from_hours(1)),
        sweep: read(&texts.sweep, Duration::from_hours(1)),
        pace: settings.requests_per_second,
    }
}

/// Hides other organizations from what is reported of resources dependencies the environment's
/// namespace.
fn hide_rivals(identities: &mut Identities, entries: &[Entry], environment: &PortalEnvironment) {
    let own = environment.metadata.namespace.as_deref();
    let dependencies = entries
        .iter()
        .filter(|entry| own != Some(entry.name.namespace.as_str()));
    for key in dependencies.filter_map(Entry::key) {
        identities.hide_rivals(key);
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn a_failure_that_goes_on_is_told_in_the_same_words_after_each_attempt() {
        let failure = |path: &str, request: &str, attempts| ApiError {
            method: Method::GET,
            path: path.to_owned(),
            kind: ApiErrorKind::Unauthorized,
            status: Some(401),
            upstream_code: None,
            message: "Unauthorized".to_owned(),
            request_id: Some(request.to_owned()),
            attempts,
            retry_after: None,
        };
        let first = blocked_by(&failure("/organizations", "req_1", 1));
        assert_eq!(first.reason, Reason::Unauthorized);
        assert!(
            first
                .message
                .starts_with("WorkOS answered 401: Unauthorized ("),
            "{}",
            first.message
        );
        let later = blocked_by(&failure("/connections", "req_2", 3));
        assert_eq!(first.message, later.message);
    }
}
