//! One run of portalctl: observe, plan, apply, report, by the same code as the command's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use portalctl_core::identity::Identities;
use portalctl_core::plan::review::{Review, Reviews};
use portalctl_core::plan::{Change, Plan, PlanInput, candidates, plan};
use portalctl_core::readiness::{Readiness, readiness};
use portalctl_model::observed::Observed;
use portalctl_platform::clock::{Clock, FixedClock, SharedClock};
use portalctl_report::{ApplyReportView, Headline, json_v1};
use portalctl_workos::apply::{Always, ApplyProgress, ApplyReport, Options, Outcome, apply};
use portalctl_workos::observe::{
    Contacts, Entries, Extent, observe, observe_contacts, observe_for_plan, usage,
};
use portalctl_workos::{
    ApiError, ApiKey, ApiResult, Client, Endpoint, List, Rate, ReadPortal, ReadProgress, Settings,
};

use super::network::Network;
use super::schedule::End;
use crate::lint::lint;
use crate::world::World;

/// The key that nothing may repeat.
pub(crate) const KEY: &str = "sk_test_canaryOfTheFaultSchedules";
/// Number of organizations that are worked on at once.
const CONCURRENCY: usize = 4;

/// The machine's clock, which can be set while a run is under way.
pub(crate) struct JumpingClock {
    steady: FixedClock,
    /// In seconds.
    ahead: AtomicI64,
}

impl JumpingClock {
    pub(crate) fn from(start: Timestamp) -> Self {
        Self {
            steady: FixedClock::from(start),
            ahead: AtomicI64::new(0),
        }
    }

    pub(crate) fn jump(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        self.steady.now().checked_add(ahead).unwrap()
    }

    fn instant(&self) -> Instant {
        self.steady.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.steady.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.steady.sleep_until(deadline)
    }
}

/// Result of a run.
pub(crate) enum RunOutcome {
    /// The run finished its plan, as far as it could.
    Through(Box<Done>),
    /// The run could not read the live state.
    Failed(ApiError),
    /// The run was cancelled while it read, or its machine was lost.
    Gone,
}

/// A plan and its result.
pub(crate) struct Done {
    pub(crate) plan: Plan,
    pub(crate) report: ApplyReport,
    /// Violations that an independent checker found in the plan.
    pub(crate) findings: Vec<String>,
    /// Complete output of the run.
    pub(crate) told: String,
}

struct Quiet;

impl ReadProgress for Quiet {
    fn read(&self, _: List, _: usize) {}
}

impl ApplyProgress for Quiet {
    fn ended(&self, _: &Change, _: &Outcome) {}
}

/// Options of a run.
pub(crate) struct RunOptions<'a> {
    pub(crate) client: usize,
    pub(crate) manifest: &'a World,
    /// A plan that was saved earlier: the run does what is both in it and planned now.
    pub(crate) saved: Option<&'a Plan>,
    pub(crate) end: End,
    /// Cancelled when the run ends otherwise than by itself.
    pub(crate) token: CancellationToken,
}

/// Runs portalctl until it is through, or ended.
pub(crate) async fn run(
    network: &Network,
    clock: &Arc<JumpingClock>,
    order: RunOptions<'_>,
) -> RunOutcome {
    let RunOptions {
        client: client_number,
        manifest,
        saved,
        end,
        token,
    } = order;
    let portal = client(network, clock, client_number);
    let (killed, interrupted) = match end {
        End::Killed(_) => (token, CancellationToken::new()),
        End::Through | End::Interrupted(_) => (CancellationToken::new(), token),
    };
    let process = Process {
        portal: &portal,
        clock,
        // Two that begin in the same instant have different ones all the same.
        nonce: format!("run-{}-{client_number}", network.round()),
        interrupted,
        reads_evidence: network.kinds().reads_evidence,
    };
    tokio::select! {
        biased;
        () = killed.cancelled() => RunOutcome::Gone,
        ran = process.observe_plan_apply(manifest, saved) => ran,
    }
}

/// One process of portalctl.
struct Process<'a> {
    portal: &'a Client,
    clock: &'a Arc<JumpingClock>,
    nonce: String,
    interrupted: CancellationToken,
    reads_evidence: bool,
}

impl Process<'_> {
    async fn observe_plan_apply(&self, manifest: &World, saved: Option<&Plan>) -> RunOutcome {
        let read = tokio::select! {
            biased;
            () = self.interrupted.cancelled() => return RunOutcome::Gone,
            read = read(self.portal, manifest, self.reads_evidence) => read,
        };
        let (observed, identities) = match read {
            Ok(read) => read,
            Err(error) => return RunOutcome::Failed(error),
        };
        let (plan, ready) = decide(manifest, &observed, &identities, self.clock.now());
        let findings = lint(&plan, &manifest.desired, &observed);
        let plan = match saved {
            Some(saved) => approved(plan, saved),
            None => plan,
        };
        let mut ran = self.apply_and_tell(plan, &ready).await;
        if let RunOutcome::Through(done) = &mut ran {
            done.findings = findings;
        }
        ran
    }

    async fn apply_and_tell(&self, plan: Plan, ready: &Readiness) -> RunOutcome {
        let options = Options {
            concurrency: CONCURRENCY,
            cancel: self.interrupted.clone(),
            clock: self.clock.as_ref(),
            permit: &Always,
            nonce: self.nonce.clone(),
        };
        let report = apply(self.portal, &plan, &options, &Quiet).await;
        let told = json_v1::apply(&ApplyReportView {
            headline: &Headline {
                requests: self.portal.requests_used(),
                ..Headline::default()
            },
            plan: &plan,
            report: &report,
            readiness: ready,
        });
        RunOutcome::Through(Box::new(Done {
            told: serde_json::to_string(&told).unwrap(),
            plan,
            report,
            findings: Vec::new(),
        }))
    }
}

/// Returns what of a plan somebody approved by saving another.
fn approved(plan: Plan, saved: &Plan) -> Plan {
    let reviews = Reviews {
        reviews: vec![Review::of(saved)],
        ..Reviews::default()
    };
    let approved = reviews.approve(plan);
    approved
        .expect("all plans of a schedule are for one environment and one set of URLs")
        .plan
}

/// Makes a plan, and applies nothing.
pub(crate) async fn only_plan(
    network: &Network,
    clock: &Arc<JumpingClock>,
    manifest: &World,
) -> ApiResult<Plan> {
    let portal = client(network, clock, 0);
    let reads_evidence = network.kinds().reads_evidence;
    let (observed, identities) = read(&portal, manifest, reads_evidence).await?;
    Ok(decide(manifest, &observed, &identities, clock.now()).0)
}

fn client(network: &Network, clock: &Arc<JumpingClock>, number: usize) -> Client {
    Client::new(Settings {
        endpoint: Endpoint::default(),
        key: Some(ApiKey::parse(KEY).unwrap()),
        transport: network.transport(number),
        clock: Arc::clone(clock) as SharedClock,
        rate: Rate::default(),
        seed: u64::try_from(number).unwrap(),
    })
}

/// Reads what planning takes, as the command does; with all evidence, as those that report do.
async fn read(
    portal: &Client,
    manifest: &World,
    reads_evidence: bool,
) -> ApiResult<(Observed, Identities)> {
    let World {
        desired,
        policy,
        selection,
        target: _,
    } = manifest;
    let extent = if policy.prune {
        Extent::Everything
    } else {
        Extent::Cheapest
    };
    let (mut observed, identities) = if reads_evidence {
        observe(portal, desired, selection, extent, &Quiet).await?
    } else {
        observe_for_plan(portal, desired, selection, extent, &Quiet).await?
    };
    let contacts = observe_contacts(
        portal,
        Entries {
            desired,
            selection,
            observed: &observed,
            identities: &identities,
        },
        Contacts::Unmarked,
    );
    let candidates = candidates(desired, &observed, &identities, *policy, selection);
    let (contacts, usage) = futures::try_join!(contacts, usage(portal, candidates))?;
    observed.it_contacts = contacts;
    observed.usage = usage;
    Ok((observed, identities))
}

fn decide(
    manifest: &World,
    observed: &Observed,
    identities: &Identities,
    now: Timestamp,
) -> (Plan, Readiness) {
    let World {
        desired,
        policy,
        selection,
        target,
    } = manifest;
    let ready = readiness(desired, observed, identities, selection, now);
    let plan = plan(
        PlanInput {
            desired,
            observed,
            identities,
            unconfigured: &ready.unconfigured(),
            policy: *policy,
            selection,
        },
        target.clone(),
    );
    (plan, ready)
}
