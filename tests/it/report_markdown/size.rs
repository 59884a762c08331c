//! Reports of any size: they fit, say what they leave out, and end what they begin.

use proptest::prelude::*;

use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{Conflict, Flag, Held, HeldReason, Plan, Scope, Warning};
use portalctl_core::readiness::{Readiness, State};
use portalctl_model::codes::plan as codes;
use portalctl_model::{Intent, OrgKey};
use portalctl_report::text::Listing;
use portalctl_workos::apply::Outcome;

use super::hostile::hostile;
use super::{apply_markdown, assert_sound, plan_markdown, status_markdown};
use crate::support::github::{codes_in_column, diffs};
use crate::support::samples::{
    applied, create, field, intent, organization, plan_of, problem, ready, update,
};

/// A plan of so many changes, of which some are held, in conflict or worth a warning.
fn sized(changes: usize, undone: usize, text: &str) -> Plan {
    let name = |n: usize| format!("customer-{n:04}");
    let mut plan = plan_of(
        (0..changes)
            .map(|n| {
                let domain = format!("domains.{}.example", name(n));
                create(&name(n), &[(&domain, "pending"), ("metadata.note", text)])
            })
            .collect(),
    );
    for n in 0..undone {
        plan.held.push(Held {
            change: update(&name(n), vec![field("name", Some(text), Some("New"))]),
            reason: [
                HeldReason::NeedsFlag,
                HeldReason::LimitExceeded {
                    planned: 9,
                    allowed: 1,
                },
            ][n % 2]
                .clone(),
            flag: Flag::AllowBulk,
            permission: None,
        });
        plan.conflicts.push(Conflict {
            key: OrgKey::undeclared(name(n)),
            code: codes::DOMAIN_HELD,
            message: text.to_owned(),
            help: text.to_owned(),
            scope: Scope::Entry,
        });
        plan.warnings.push(Warning {
            key: OrgKey::undeclared(name(n)),
            code: codes::DOMAIN_PENDING_ELSEWHERE,
            message: text.to_owned(),
        });
    }
    plan
}

fn many_ready(count: usize, text: &str) -> Readiness {
    let organizations = (0..count)
        .map(|n| {
            let mut sso = intent(Intent::Sso, State::ALL[n % 6], Some(1));
            text.clone_into(&mut sso.reason);
            ready(&format!("customer-{n:04}"), vec![sso])
        })
        .collect();
    Readiness {
        organizations,
        ..Readiness::default()
    }
}

/// Checks that the shown items and the count of omitted items add up to all of them.
#[track_caller]
fn assert_accounted(markdown: &str, shown: usize, things: &str, all: usize) {
    let left_out = markdown
        .lines()
        .filter_map(|line| line.strip_prefix('_')?.split_once(' '))
        .find(|(_, rest)| rest.starts_with(&format!("{things} left out")))
        .map_or(0, |(count, _)| count.parse().unwrap());
    assert_eq!(shown + left_out, all, "{things}");
}

#[track_caller]
fn assert_fits(changes: usize, undone: usize, text: &str) {
    let plan = sized(changes, undone, text);
    let readiness = many_ready(changes, text);
    let shown = plan_markdown(&plan, &readiness);
    assert_sound(&shown);
    let digest = Digest::of(&plan).to_string();
    assert!(shown.contains(&format!("<!-- portalctl:digest {digest} -->\n")));
    if changes > 0 {
        assert!(shown.contains(&format!("{changes} to create")));
    }
    assert_accounted(&shown, codes_in_column(&shown, 1).len(), "changes", changes);
    assert_accounted(&shown, diffs(&shown).len(), "diffs", changes + undone);
    let conflicts = shown.matches("(`plan/domain-held`): ").count();
    assert_accounted(&shown, conflicts, "conflicts", undone);

    let outcome = |n: usize| match n % 3 {
        0 => Outcome::Done(Box::new(organization("acme"))),
        1 => Outcome::Refused(problem(codes::GONE, text)),
        _ => Outcome::NotTried(problem(codes::INTERRUPTED, text)),
    };
    let outcomes = plan.changes.iter().cloned().zip((0..).map(outcome));
    let report = applied(outcomes.collect());
    let shown = apply_markdown(&plan, &report, &readiness);
    assert_sound(&shown);
    let done = codes_in_column(&shown, 2).len();
    assert_accounted(&shown, done, "changes that were done", changes.div_ceil(3));
    for listing in [Listing::Pending, Listing::All] {
        assert_sound(&status_markdown(&readiness, listing));
    }
}

#[test]
fn five_thousand_changes_fit() {
    assert_fits(5_000, 0, "note");
    assert_fits(5_000, 5_000, &"@org ".repeat(100));
    let text = plan_markdown(&sized(5_000, 3, "note"), &many_ready(5_000, "no reason"));
    let remarks: Vec<&str> = text.lines().filter(|line| line.starts_with('_')).collect();
    insta::assert_snapshot!(remarks.join("\n"), @"
    _4347 changes left out here: `portalctl plan` has them all._
    _5003 diffs left out here: `portalctl plan` has them all._
    ");
}

#[test]
fn one_dangerous_change_is_shown_before_thousands_of_harmless_ones() {
    let mut plan = sized(2_500, 2_000, &"@org ".repeat(100));
    let evil = update(
        "zulu",
        vec![field("domains.evil.example", None, Some("pending"))],
    );
    plan.changes.push(evil);
    let text = plan_markdown(&plan, &Readiness::default());
    assert_sound(&text);
    let cut = text.find("**Cut: not everything fits").unwrap();
    let row = text.find("| update | `zulu` | domains |").unwrap();
    assert!(
        cut < row && text.contains("+ domains.evil.example  pending"),
        "{text}"
    );
    // So many dangerous ones that no harmless one may be shown.
    let noise = |n: usize| {
        update(
            &format!("a-{n}"),
            vec![field("domains.a.example", None, Some("pending"))],
        )
    };
    plan.changes.extend((0..2_500).map(noise));
    let text = plan_markdown(&plan, &Readiness::default());
    assert_sound(&text);
    assert!(
        text.contains("**Cut: not even all dangerous changes fit"),
        "{text}"
    );
    assert!(!text.contains("| create |"), "{text}");
}

#[test]
fn what_fits_is_shown_in_full() {
    for changes in [0, 1, 10, 11, 100] {
        let text = plan_markdown(&sized(changes, 1, "note"), &Readiness::default());
        assert!(!text.contains("left out"), "{changes}");
        assert_eq!(text.matches("<details open>").count(), changes.min(10));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_report_of_any_size_fits(
        changes in 0_usize..6_000,
        undone in prop_oneof![Just(0), 0_usize..40, 0_usize..2_000],
        text in (hostile(), 1_usize..60).prop_map(|(text, times)| text.repeat(times)),
    ) {
        assert_fits(changes, undone, &text);
    }
}
