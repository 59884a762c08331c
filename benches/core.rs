//! The pure core: how many worlds a second it plans, and how long a large plan takes as a comment.
//! Run by `cargo bench --bench core`; the figures are in `docs/reference/performance.md`.
//!
//! A plain program rather than a harness: each line is one figure, measured over enough work that
//! a clock of nanoseconds does not matter.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "a test reads from top to bottom, and a table of cases is as long as it is"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    dead_code,
    reason = "a bench measures, prints and stops at what should not be"
)]

#[path = "growth/folder.rs"]
mod folder;
#[path = "../crates/core/tests/support/lint.rs"]
mod lint;
#[path = "../crates/core/tests/support/world.rs"]
mod world;

use std::time::Instant;

use portalctl_core::identity::identify;
use portalctl_core::plan::{Plan, PlanInput, Target, plan};
use portalctl_core::readiness::Readiness;
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::Selection;
use portalctl_model::Unconfigured;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{DomainState, Observed};
use portalctl_platform::random::SplitMix64;
use portalctl_report::{Headline, PlanReport, markdown};
use world::{ALL_POWERS, Live, World, apply};

fn main() {
    // `cargo test --benches` passes this: there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    worlds(50_000);
    comment(5_000);
}

/// A plan that creates everything, as a comment on a pull request.
fn comment(changes: usize) {
    let folder = tempfile::tempdir().unwrap();
    folder::write(folder.path(), changes);
    let checked = manifest::read(&[Input::Path(folder.path().to_owned())]);
    let plan = plan_of(
        &checked.desired.expect("a valid folder"),
        &Observed::default(),
    );
    assert_eq!(plan.changes.len(), changes);
    let report = PlanReport {
        headline: &Headline::default(),
        plan: &plan,
        readiness: &Readiness::default(),
    };
    let started = Instant::now();
    let text = markdown::plan(&report).comment();
    println!(
        "{changes} changes as Markdown: {} bytes in {:.1} ms",
        text.len(),
        started.elapsed().as_secs_f64() * 1e3
    );
    assert!(text.len() <= markdown::LIMIT);
}

/// Random worlds through plan → simulated apply → plan; the second plan is empty in each.
fn worlds(count: u64) {
    let worlds: Vec<(World, Live)> = (0..count)
        .map(|seed| random(&mut SplitMix64::new(seed + 1)))
        .collect();
    let started = Instant::now();
    let mut changes = 0;
    for (world, live) in &worlds {
        let first = plan_of(&world.desired, &live.0);
        changes += first.changes.len();
        // Two rounds: an adoption or a removed domain can end another entry's conflict.
        let mut settled = apply(&first, live);
        let second = plan_of(&world.desired, &settled.0);
        if !second.changes.is_empty() {
            settled = apply(&second, &settled);
            let third = plan_of(&world.desired, &settled.0);
            assert!(third.changes.is_empty(), "{third:#?}");
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{count} random worlds, {changes} changes: plan, apply, plan again in {seconds:.2} s, {:.0} worlds/s",
        count as f64 / seconds
    );
}

fn plan_of(desired: &Desired, observed: &Observed) -> Plan {
    let identities = identify(desired, observed);
    let selection = Selection::default();
    plan(
        PlanInput {
            desired,
            observed,
            identities: &identities,
            unconfigured: &Unconfigured::new(),
            policy: ALL_POWERS,
            selection: &selection,
        },
        Target::default(),
    )
}

/// A few entries and organizations over the same few ids, names and domains, so that they meet.
fn random(random: &mut SplitMix64) -> (World, Live) {
    let mut world = World::new().manifest("customers");
    for key in ["a", "b", "c", "d"] {
        if random.below(4) == 0 {
            continue;
        }
        let name = format!("Name {}", random.below(4));
        let domain = format!("{key}{}.com", random.below(2));
        let tier = format!("{}", random.below(3));
        let previous = format!("old-{key}");
        let (renamed, exact) = (random.below(3) == 0, random.below(4) == 0);
        world = world.org(key, |mut entry| {
            entry = entry
                .name(&name)
                .domains([domain.as_str()])
                .metadata("tier", &tier);
            entry = if renamed {
                entry.previously(&previous)
            } else {
                entry
            };
            if exact { entry.exact() } else { entry }
        });
    }
    let mut live = Live::new();
    for index in 0..random.below(6) {
        let key = ["a", "b", "c", "d", "x"][usize::try_from(random.below(5)).unwrap()];
        let (name, domain) = (
            format!("Name {}", random.below(4)),
            format!("{key}{}.com", random.below(2)),
        );
        let state = if random.below(2) == 0 {
            DomainState::Verified
        } else {
            DomainState::Pending
        };
        let external_id = match random.below(3) {
            0 => None,
            1 => Some(format!("{key}-{index}")),
            _ if index < 2 => Some(format!(
                "old-{}",
                ["a", "b"][usize::try_from(index).unwrap()]
            )),
            _ => Some(format!("{key}-{index}")),
        };
        live = live.org(&format!("org_{index}"), |mut organization| {
            organization = organization.name(&name).domain(&domain, state);
            if let Some(id) = &external_id {
                organization = organization.external_id(id);
            }
            organization
        });
    }
    (world, live)
}
