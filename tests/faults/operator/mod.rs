//! Seeded fault schedules of the operator: two processes of it, an API server and WorkOS in one
//! thread, on virtual time, while people edit, machines die and both networks fail.
//!
//! ```text
//! dice       chance that hangs on a seed alone
//! schedule   what is going to happen            people, clock   who does it
//! network    what is lost and delayed           api, wire       the two servers, and the ways there
//! witness    the trace, and what must never happen, told as it happens      sights, looks
//! run        plays a schedule                   outcome         what must be so in the end
//! ```
//!
//! Every schedule is run twice and must leave the same trace. One is replayed by its number:
//!
//! ```console
//! $ PORTALCTL_SEED=17 cargo test --features operator --test faults operator -- --nocapture
//! ```

mod api;
mod clock;
mod dice;
mod knowledge;
mod lookups;
mod network;
mod outcome;
mod people;
mod run;
mod schedule;
mod wire;
mod witness;

use std::sync::Mutex;

use crate::seeds::{number, on_every_core, seeds, watched};
use run::ScheduleResult;
use schedule::Schedule;

/// The environment of most resources.
const ENVIRONMENT: &str = "production";
/// Another of the same API key, in some of the schedules.
const OTHER_ENVIRONMENT: &str = "other";
/// Name of the lease that the processes compete for.
const LEASE: &str = "portalctl-operator";
/// The id of the operator's cluster.
const CLUSTER: &str = "here";
/// The id of another cluster on the same account.
const OTHER_CLUSTER: &str = "there";
/// A resource that this version cannot read.
const UNREADABLE: &str = "later";
/// Another controller's finalizer.
const FOREIGN_FINALIZER: &str = "example.com/billing";

/// Number of schedules unless `PORTALCTL_SCHEDULES` sets another.
const SCHEDULES: u64 = 20;
/// Schedules that something went wrong with once.
const REGRESSIONS: &[u64] = &[
    20,   // an organization was taken from a resource that had been created again meanwhile
    145,  // more was deleted within an hour than is allowed
    151,  // an environment was to be held for a resource of another namespace
    162,  // the same
    253,  // written for the younger of two that claim one organization
    267,  // a status was written after each attempt, with the id of its request
    356,  // the witness counted a write twice that was sent again because its answer was lost
    544,  // a refused key was told by whichever request met it first, in a status each time
    325,  // written for the younger of two that claim one organization
    767,  // the same, as the older one's environment cannot reach WorkOS when a term begins
    799,  // the same, by a process that had forgotten a status that the watch did not show yet
    1505, // one field was written six times within an hour, as the count began anew with each term
    1656, // the witness took a resource that a new list lacks for one that is still shown
    2139, // more was deleted within an hour than is allowed
];

/// Runs a schedule twice; what is wrong with it.
fn judge(seed: u64) -> (ScheduleResult, Vec<String>) {
    let schedule = Schedule::of(seed);
    let first = run::run(&schedule);
    let second = run::run(&schedule);
    let mut wrong = first.broken.clone();
    if first.trace != second.trace {
        let mut pairs = first.trace.iter().zip(&second.trace);
        let differing = pairs.find(|(one, other)| one != other);
        wrong.push(format!("two runs differ: {differing:?}"));
    }
    (first, wrong)
}

#[test]
fn the_operator_converges_and_breaks_no_rule_whatever_fails() {
    if let Some(seed) = number("PORTALCTL_SEED") {
        let (account, wrong) = watched(seed, || judge(seed));
        println!("{:#?}", Schedule::of(seed));
        println!("{}", account.trace.join("\n"));
        assert!(wrong.is_empty(), "{wrong:#?}");
        return;
    }
    let count = number("PORTALCTL_SCHEDULES").unwrap_or(SCHEDULES);
    let mut seeds = seeds(count);
    seeds.extend(REGRESSIONS);
    let failed = Mutex::new(Vec::new());
    on_every_core(&seeds, |seed| {
        let (_, wrong) = watched(seed, || judge(seed));
        if !wrong.is_empty() {
            failed.lock().unwrap().push((seed, wrong));
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let told: Vec<String> = failed
        .iter()
        .map(|(seed, wrong)| {
            format!(
                "PORTALCTL_SEED={seed} replays:\n    {}",
                wrong.join("\n    ")
            )
        })
        .collect();
    assert!(
        told.is_empty(),
        "{} of {} schedules:\n{}",
        told.len(),
        seeds.len(),
        told.join("\n")
    );
}
