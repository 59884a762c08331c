//! Task of one environment: a pass whenever one is due and this process leads.
//!
//! ```text
//! resolve ──▶ observe ──▶ plan ──▶ apply ──▶ report
//! API server   WorkOS     pure*    WorkOS    API server
//! ```
//!
//! The task decides nothing of its own: the steps use the same core as the command line. (* A plan
//! reads former holders from the API server where a claim depends on them.)

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::apply::{FollowUp, apply};
use super::conditions::BlockedReason;
use super::context::{Context, Pass};
use super::delete::release_without_workos;
use super::entries;
use super::finalizer;
use super::observe::observe;
use super::plan::plan;
use super::report::{report, report_blocked};
use super::resolve::resolve;
use super::resource::Name;
use super::state::State;
use super::store::EnvironmentObjects;

/// Shortest time between the beginnings of two passes, however often resources are edited.
const MIN_PASS_INTERVAL: Duration = Duration::from_millis(200);
/// Time until the next look while another process leads; a new term wakes the task earlier.
const STANDBY_INTERVAL: Duration = Duration::from_hours(1);

/// Reconciler of one environment.
pub(super) struct Reconciler {
    context: Arc<Context>,
    name: Name,
    state: State,
    /// Fingerprint of the objects in the last pass.
    seen: Option<u64>,
    /// Time of the next pass, as far as the last one decided it.
    follow_up: FollowUp,
    /// Term of the last pass.
    term: Option<CancellationToken>,
    stop: CancellationToken,
}

/// Runs one pass over an environment.
async fn run_pass(pass: &Pass<'_>, state: &mut State) -> Result<FollowUp, BlockedReason> {
    let mut resolved = resolve(pass, state).await?;
    let mut cache = observe(pass, state, &resolved).await?;
    let planned = plan(pass, state, &mut resolved, &cache).await;
    let applied = apply(pass, state, &resolved, &mut cache, planned).await;
    if pass.may_report() {
        report(pass, state, &resolved, &cache, &applied).await;
    }
    state.observation.cache = Some(cache);
    Ok(applied.follow_up)
}

impl Reconciler {
    /// Creates a reconciler with an empty cache; it runs until `stop` is cancelled.
    pub(super) fn new(context: Arc<Context>, name: Name, stop: CancellationToken) -> Self {
        Self {
            state: State::new(context.poll),
            context,
            name,
            seen: None,
            follow_up: FollowUp::default(),
            term: None,
            stop,
        }
    }

    /// Runs passes while this process leads, until it is told to stop.
    pub(super) async fn run(mut self, wake: Arc<Notify>) {
        let clock = Arc::clone(&self.context.clock);
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            let term = self.context.term.borrow().clone();
            let next = if let Some(term) = &term {
                self.begin_term(term);
                let next = self.pass_if_due(term).await;
                next.max(clock.instant() + MIN_PASS_INTERVAL)
            } else {
                self.stand_by();
                clock.instant() + STANDBY_INTERVAL
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
        self.withdraw();
    }

    /// Starts or continues a term. Another process may have written between two terms, even if both
    /// began during one pass.
    fn begin_term(&mut self, term: &CancellationToken) {
        let ended = self.term.as_ref();
        if ended.is_some_and(CancellationToken::is_cancelled) {
            self.end_term();
        }
        self.term = Some(term.clone());
    }

    /// Forgets everything that another process may have changed.
    fn end_term(&mut self) {
        self.withdraw();
        self.state.end_term();
        self.seen = None;
        self.follow_up = FollowUp::default();
    }

    /// Removes the claims and metrics of the environment.
    fn withdraw(&self) {
        self.context.registry.leave(&self.name);
        self.context.metrics.forget(&self.name.to_string());
    }

    /// Ages the memory while another process leads.
    fn stand_by(&mut self) {
        self.end_term();
        let objects = self.objects();
        let metadata = objects.organizations.iter().map(|object| &object.metadata);
        self.state.statuses.organizations.retain(metadata);
    }

    fn objects(&self) -> EnvironmentObjects {
        let Context {
            environments,
            organizations,
            ..
        } = &*self.context;
        EnvironmentObjects::of(&self.name, environments, organizations)
    }

    /// Runs a pass if one is due. Returns the time of the next one.
    async fn pass_if_due(&mut self, term: &CancellationToken) -> Instant {
        let context = Arc::clone(&self.context);
        let objects = self.objects();
        let now = context.clock.instant();
        let fingerprint = objects.fingerprint();
        let is_edited = self.seen != Some(fingerprint);
        if is_edited {
            self.state.observation.schedule.request_poll();
        } else if self.next(now) > now {
            return self.next(now);
        }
        self.seen = Some(fingerprint);
        let (name, stop) = (self.name.clone(), self.stop.clone());
        let pass = Pass {
            context: &context,
            name: &name,
            objects: &objects,
            term,
            stop: &stop,
        };
        finalizer::update_environment(&pass).await;
        let guard = context.metrics.pass_started();
        let result = run_pass(&pass, &mut self.state).await;
        drop(guard);
        let ended = context.clock.instant();
        context
            .metrics
            .pass_took(ended.saturating_duration_since(now));
        match result {
            Ok(follow_up) => {
                self.follow_up = follow_up;
                self.next(ended)
            }
            Err(blocked) => {
                self.follow_up = FollowUp::default();
                self.handle_blocked(&pass, &blocked, ended).await
            }
        }
    }

    /// Reports a pass that could not be completed. Returns the time of the next one.
    async fn handle_blocked(
        &mut self,
        pass: &Pass<'_>,
        blocked: &BlockedReason,
        ended: Instant,
    ) -> Instant {
        // An environment that cannot be used claims nothing.
        pass.context.registry.leave(&self.name);
        pass.context.metrics.blocked(blocked.reason);
        // Another release that keeps the environment reports it.
        if pass.may_report() && self.state.other_release.is_none() {
            let cluster = &pass.context.cluster_id;
            let entries = entries::blocked_entries(pass.objects, blocked, cluster);
            release_without_workos(pass, &entries, blocked).await;
            report_blocked(pass, &mut self.state, &entries, blocked).await;
            let metadata = entries.iter().map(|entry| &entry.object.metadata);
            self.state.statuses.organizations.retain(metadata);
        }
        let schedule = &self.state.observation.schedule;
        if schedule.is_open(ended) && schedule.is_poll_due(ended) {
            // Nothing was asked: the key is looked for again after the interval.
            return ended + schedule.intervals().poll;
        }
        self.next(ended)
    }

    /// Returns the time at which the next pass is due.
    fn next(&self, now: Instant) -> Instant {
        let schedule = &self.state.observation.schedule;
        let next = schedule.next(now);
        if !schedule.is_open(now) {
            // WorkOS is left alone, but the Secret may hold another key meanwhile.
            let poll = schedule.intervals().poll;
            let key_read = self.state.connection.key_read;
            return next.min(key_read.map_or(now, |at| at + poll));
        }
        if self.follow_up.at_once {
            return now;
        }
        let sweep = schedule.sweep_at();
        let sweep = sweep.filter(|_| self.state.observation.cache.is_some());
        let others = self.follow_up.recheck_at.into_iter().chain(sweep);
        others.fold(next, Instant::min)
    }
}
