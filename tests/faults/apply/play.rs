//! Plays one schedule: stormy rounds, then runs without faults, then the checks.

use std::fmt::{self, Write};
use std::sync::Arc;

use futures::future::join_all;
use jiff::Timestamp;

use portalctl_core::plan::Plan;
use portalctl_platform::clock::FixedClock;
use workos_sandbox::world::World as Account;
use workos_sandbox::{RateLimit, Sandbox, SandboxOptions};

use super::check;
use super::kinds::{Broken, Kinds};
use super::network::{Event, Network};
use super::random::hash;
use super::run::{self, JumpingClock, RunOptions, RunOutcome, run};
use super::schedule::{End, Round, Schedule};

/// Number of runs without faults until nothing is left to do: one change can enable another, which
/// can leave a rest.
const MAX_CALM_RUNS: usize = 4;

/// Result of playing a schedule.
pub(crate) struct PlayedSchedule {
    pub(crate) wrong: Vec<String>,
    pub(crate) events: Vec<Event>,
    /// Of everything that happened, when, and of what was told.
    pub(crate) trace: u64,
}

/// Plays the schedule of a seed.
pub(crate) fn play(seed: u64, kinds: Kinds) -> PlayedSchedule {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    // Made inside: outside of the runtime, time is the machine's.
    runtime.block_on(async { Stage::new(Schedule::of(seed, kinds)).play().await })
}

/// Folds what is written into one number.
struct Trace(u64);

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = hash(self.0, text);
        Ok(())
    }
}

struct Stage {
    schedule: Schedule,
    sandbox: Sandbox,
    network: Network,
    clock: Arc<JumpingClock>,
    /// The last plan, and the manifest that it was made of.
    saved: Option<(usize, Plan)>,
    wrong: Vec<String>,
    trace: u64,
}

impl Stage {
    fn new(schedule: Schedule) -> Self {
        let start: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
        let clock = Arc::new(JumpingClock::from(start));
        let mut account = Account::new(schedule.seed);
        schedule.account.build(&mut account, start).unwrap();
        // WorkOS's own clock does not jump.
        let mut options = SandboxOptions::new(Arc::new(FixedClock::from(start)), account);
        options.rate_limit = RateLimit::Off;
        let sandbox = Sandbox::new(options);
        let network = Network::new(&schedule, sandbox.clone(), Arc::clone(&clock));
        Self {
            schedule,
            sandbox,
            network,
            clock,
            saved: None,
            wrong: Vec::new(),
            trace: 0,
        }
    }

    async fn play(mut self) -> PlayedSchedule {
        for number in 0..self.schedule.rounds.len() {
            let Round {
                manifest,
                ends,
                jump,
                applies_saved,
            } = self.schedule.rounds[number].clone();
            self.clock.jump(jump);
            let saved = self.saved.clone().filter(|_| applies_saved);
            let manifest = saved.as_ref().map_or(manifest, |(manifest, _)| *manifest);
            let plan = saved.as_ref().map(|(_, plan)| plan);
            self.round(manifest, plan, &ends, false).await;
        }
        self.network.calm();
        self.calm_down().await;
        self.judge()
    }

    /// Runs one client for each end, all at once, and returns the result of the last.
    async fn round(
        &mut self,
        number: usize,
        saved: Option<&Plan>,
        ends: &[End],
        is_calm: bool,
    ) -> Option<RunOutcome> {
        let manifest = &self.schedule.manifests[number];
        let tokens = self.network.begin(manifest, ends);
        let runs = tokens.into_iter().zip(ends).enumerate();
        let runs = runs.map(|(client, (token, end))| {
            let order = RunOptions {
                client,
                manifest,
                saved,
                end: *end,
                token,
            };
            run(&self.network, &self.clock, order)
        });
        let mut ran = join_all(runs).await;
        self.network.settle().await;
        for (client, ran) in ran.iter().enumerate() {
            let wrong = check::run(ran, client, &self.network, is_calm);
            self.wrong.extend(wrong);
            if let RunOutcome::Through(done) = ran {
                self.trace = hash(self.trace, &done.told);
                self.saved = Some((number, done.plan.clone()));
            }
        }
        ran.pop()
    }

    /// Runs until there is nothing to do, at most [`MAX_CALM_RUNS`] times.
    async fn calm_down(&mut self) {
        let last = self.schedule.manifests.len() - 1;
        for _ in 0..MAX_CALM_RUNS {
            let Some(RunOutcome::Through(done)) =
                self.round(last, None, &[End::Through], true).await
            else {
                return;
            };
            // Nothing is left, or only changes that need a person's decision.
            let mut left = done.report.changes.iter();
            let waits = |applied| {
                check::waits_for_somebody(applied) || check::is_broken(applied, &self.network)
            };
            if left.all(waits) {
                let manifest = self.schedule.last();
                let spelling = self.schedule.kinds.spelling;
                let open = self
                    .sandbox
                    .read(|account| check::as_declared(manifest, spelling, &done, account));
                self.wrong.extend(open);
                self.compare().await;
                return;
            }
        }
        self.wrong.push(format!(
            "after {MAX_CALM_RUNS} runs in calm weather there is more to do"
        ));
    }

    /// Compares a plan with failing reads with one in which every read succeeds.
    async fn compare(&mut self) {
        let broken = self.schedule.kinds.broken;
        if !broken.is_some_and(Broken::is_of_organizations) {
            return;
        }
        let manifest = self.schedule.last();
        let before = run::only_plan(&self.network, &self.clock, manifest).await;
        self.network.mend();
        let after = run::only_plan(&self.network, &self.clock, manifest).await;
        let (before, after) = match (before, after) {
            (Ok(before), Ok(after)) => (before, after),
            (Err(error), _) | (_, Err(error)) => {
                let what = format!("nothing can be read in calm weather: {error}");
                return self.wrong.push(what);
            }
        };
        let network = &self.network;
        let unlike = self
            .sandbox
            .read(|account| check::plan_differences(&before, &after, manifest, account, network));
        self.wrong.extend(unlike);
    }

    fn judge(mut self) -> PlayedSchedule {
        self.wrong.extend(check::pace(&self.network));
        self.wrong.extend(check::invitations(&self.network));
        let (network, sandbox) = (&self.network, &self.sandbox);
        let violations =
            network.ledger(|ledger| sandbox.read(|account| ledger.violations(account)));
        self.wrong.extend(violations);
        let events = self.network.take_events();
        let mut trace = Trace(self.trace);
        for event in &events {
            // Writing into a number cannot fail.
            let _ = writeln!(trace, "{event}");
        }
        PlayedSchedule {
            wrong: self.wrong,
            events,
            trace: trace.0,
        }
    }
}
