//! Runs one schedule in one thread, on virtual time: two processes of the operator, an API server, and
//! the sandbox as WorkOS.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use jiff::Timestamp;
use portalctl_operator::{Dependencies, Error, Operator, Options, lease};
use portalctl_platform::clock::{Clock, FixedClock, SystemClock};
use sha2::Sha256;
use tokio::task::{JoinHandle, LocalSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use workos_sandbox::fault::Faults;
use workos_sandbox::world::World;
use workos_sandbox::{Sandbox, SandboxOptions};

use super::api::ApiServer;
use super::clock::JumpingClock;
use super::network::Network;
use super::outcome;
use super::people::{ELSEWHERES, FIRST, People, SECOND, WEBHOOK_SECRET};
use super::schedule::{Act, SLOTS, Schedule};
use super::wire::{REVOKED, Wire};
use super::witness::{Witness, identity};

/// Time at which every schedule begins.
const START: &str = "2026-01-15T12:00:00Z";
/// Time after the last fault by which everything must be as declared. A change that failed often is
/// retried after half an hour.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(45);
/// Time after the last fault during which a process may still act on stale observations.
const STALE_OBSERVATIONS: Duration = Duration::from_secs(90);
/// Interval between checks of the final state.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Result of a schedule.
pub(crate) struct ScheduleResult {
    /// Every event, in order.
    pub(crate) trace: Vec<String>,
    /// Invariants that were violated.
    pub(crate) broken: Vec<String>,
}

/// Runs a schedule.
pub(crate) fn run(schedule: &Schedule) -> ScheduleResult {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let mut stage = Stage::new(schedule);
        stage.play(schedule).await;
        stage.settle(schedule).await;
        stage.stay_idle(schedule).await;
        stage.finish(schedule).await
    })
}

/// A process of the operator.
struct Process {
    operator: axum::Router,
    stop: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

/// Participants of a schedule: servers, processes and people.
struct Stage {
    network: Arc<Network>,
    witness: Arc<Witness>,
    api: Arc<ApiServer>,
    sandbox: Sandbox,
    /// The account of one of the API keys, in which no resource has an organization.
    elsewhere: Sandbox,
    people: People,
    clocks: [JumpingClock; SLOTS],
    processes: [Option<Process>; SLOTS],
    started: usize,
    lease: Duration,
}

impl Stage {
    fn new(schedule: &Schedule) -> Self {
        let start: Timestamp = START.parse().unwrap();
        let time = FixedClock::from(start);
        let weather = schedule.weather.clone();
        let network = Network::new(schedule.seed.part("network"), schedule.calm, weather);
        let network = Arc::new(network);
        let secrets = [FIRST, SECOND, REVOKED, ELSEWHERES, WEBHOOK_SECRET];
        let witness = Arc::new(Witness::new(
            Arc::clone(&network),
            schedule.spelling,
            schedule.pace,
            &secrets,
        ));
        let api = ApiServer::new(Arc::new(time), Arc::clone(&network), Arc::clone(&witness));
        let api = Arc::new(api);
        let mut world = World::new(schedule.seed.0);
        world.rules_mut().deletion_delay = schedule.deletion_delay;
        let mut options = SandboxOptions::new(Arc::new(time), world);
        options.faults = Faults::seeded(schedule.seed.part("sandbox").0, schedule.sandbox);
        let sandbox = Sandbox::new(options);
        let elsewhere = World::new(schedule.seed.part("elsewhere").0);
        let elsewhere = Sandbox::new(SandboxOptions::new(Arc::new(time), elsewhere));
        let people = People::new(
            schedule,
            Arc::clone(&api),
            sandbox.clone(),
            Arc::clone(&witness),
        );
        let mut stage = Self {
            network,
            witness,
            api,
            sandbox,
            elsewhere,
            people,
            clocks: std::array::from_fn(|_| JumpingClock::new(time)),
            processes: std::array::from_fn(|_| None),
            started: 0,
            lease: schedule.lease,
        };
        for slot in 0..SLOTS {
            stage.start(slot);
        }
        stage
    }

    /// Plays what the schedule holds, until faults stop.
    async fn play(&mut self, schedule: &Schedule) {
        for (at, act) in &schedule.acts {
            self.wait_until(*at).await;
            self.witness.note(format_args!("{act:?}"));
            self.act(act);
        }
        self.wait_until(schedule.calm).await;
        self.sandbox.faults(Faults::clear);
        self.people.tidy_up();
        for slot in 0..SLOTS {
            self.start(slot);
        }
        self.witness.note("calm");
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Kill(slot) => {
                if let Some(process) = self.processes[slot].take() {
                    process.task.abort();
                }
            }
            Act::Stop(slot) => {
                if let Some(process) = self.processes[slot].take() {
                    process.stop.cancel();
                }
            }
            Act::Start(slot) => self.start(slot),
            Act::Compact => self.api.compact(),
            Act::Jump(slot, seconds) => self.clocks[slot].set_ahead(seconds),
            Act::Webhook(slot) => self.send_webhook(slot),
            _ => self.people.act(act),
        }
    }

    /// Starts a process where none runs.
    fn start(&mut self, slot: usize) {
        if self.processes[slot].is_some() {
            return;
        }
        let process = slot + SLOTS * self.started;
        self.started += 1;
        let options = Options {
            namespace: None,
            lease: lease::Settings {
                name: super::LEASE.to_owned(),
                namespace: None,
                identity: identity(process),
                duration: self.lease,
            },
            cluster_id: None,
            poll: None,
        };
        let wire = Wire {
            replica: process,
            sandbox: self.sandbox.clone(),
            elsewhere: self.elsewhere.clone(),
            spelling: self.witness.spelling(),
            network: Arc::clone(&self.network),
            witness: Arc::clone(&self.witness),
            api: Arc::clone(&self.api),
        };
        let outside = Dependencies {
            client: self.api.client(process),
            connect: Arc::new(wire),
            clock: Arc::new(self.clocks[slot].clone()),
        };
        let operator = Operator::new(options, super::CLUSTER.to_owned(), outside);
        let stop = CancellationToken::new();
        self.processes[slot] = Some(Process {
            operator: operator.router(),
            task: tokio::task::spawn_local(operator.run(stop.clone())),
            stop,
        });
    }

    /// Sends a webhook of WorkOS to a process.
    fn send_webhook(&self, slot: usize) {
        let Some(process) = &self.processes[slot] else {
            return;
        };
        let at = self.sandbox.now().as_millisecond().to_string();
        let body = "{}";
        let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
        mac.update(format!("{at}.{body}").as_bytes());
        let bytes = mac.finalize().into_bytes();
        let signature = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let request = Request::post(format!("/webhooks/portal/{}", super::ENVIRONMENT))
            .header("workos-signature", format!("t={at}, v1={signature}"))
            .body(Body::from(body))
            .unwrap();
        let answering = process.operator.clone().oneshot(request);
        // Whether it is taken hangs on the API server, whose answer may never come.
        tokio::task::spawn_local(answering);
    }

    /// Waits until everything is as declared.
    async fn settle(&mut self, schedule: &Schedule) {
        // Changes that were missed because a clock jumped are found by the next listing.
        let has_jumped = |(_, act): &(Duration, Act)| matches!(act, Act::Jump(..));
        let stale = if schedule.acts.iter().any(has_jumped) {
            STALE_OBSERVATIONS.max(schedule.resync + CHECK_INTERVAL)
        } else {
            STALE_OBSERVATIONS
        };
        loop {
            SystemClock.sleep(CHECK_INTERVAL).await;
            let unmet = self.unmet();
            if unmet.is_empty() && self.network.passed() > schedule.calm + stale {
                break;
            }
            if self.network.passed() > schedule.calm + SETTLE_TIMEOUT {
                for what in unmet {
                    self.witness.broken(format_args!("in the end, {what}"));
                }
                break;
            }
        }
        self.witness.note("converged");
    }

    /// Checks that the operator writes nothing more once everything is as declared.
    async fn stay_idle(&mut self, schedule: &Schedule) {
        // The last observation may still be reported.
        SystemClock.sleep(3 * schedule.poll + CHECK_INTERVAL).await;
        let before = self.witness.tally();
        SystemClock.sleep(schedule.resync + 3 * schedule.poll).await;
        let after = self.witness.tally();
        if before.statuses != after.statuses {
            self.witness
                .broken("a status was written while nothing happened");
        }
        if before.repeated != after.repeated {
            self.witness
                .broken("a status was written that said the same");
        }
        // A fight goes on once an hour.
        if before.portal_writes != after.portal_writes && !self.witness.has_fights() {
            self.witness
                .broken("WorkOS was written to while nothing happened");
        }
        for what in self.unmet() {
            self.witness.broken(format_args!("after it was so, {what}"));
        }
    }

    fn unmet(&self) -> Vec<String> {
        self.api.store(|store| {
            self.sandbox
                .read(|world| outcome::unmet(store, world, &self.people, &self.witness))
        })
    }

    /// Ends the processes and returns the result.
    async fn finish(self, schedule: &Schedule) -> ScheduleResult {
        self.sandbox
            .read(|world| outcome::check(schedule, world, &self.people, &self.witness));
        for process in self.processes.into_iter().flatten() {
            let request = Request::get("/metrics").body(Body::empty()).unwrap();
            let metrics = process.operator.oneshot(request).await.unwrap();
            let metrics = axum::body::to_bytes(metrics.into_body(), usize::MAX).await;
            let metrics = String::from_utf8(metrics.unwrap().to_vec()).unwrap();
            if self.witness.holds_secret(&metrics) {
                self.witness.broken("a secret stands in the metrics");
            }
            if process.task.is_finished() {
                let ended = process.task.await;
                self.witness
                    .broken(format_args!("a process ended: {ended:?}"));
            }
        }
        ScheduleResult {
            trace: self.witness.trace(),
            broken: self.witness.all_broken(),
        }
    }

    async fn wait_until(&self, at: Duration) {
        let left = at.saturating_sub(self.network.passed());
        SystemClock.sleep(left).await;
    }
}
