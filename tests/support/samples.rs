//! Small values to build tests from: those of the core's tests, reports of an apply, a headline.

use portalctl_core::plan::{Change, Plan};
use portalctl_model::codes::{Code, plan as codes};
use portalctl_report::Headline;
use portalctl_workos::apply::{AppliedChange, ApplyReport, Outcome, Problem};

#[path = "../../crates/core/tests/support/samples.rs"]
#[allow(dead_code, reason = "the tests of the core use the rest")]
mod core;

pub(crate) use core::*;

/// Builds the report of a run from changes and their outcomes.
pub(crate) fn applied(outcomes: Vec<(Change, Outcome)>) -> ApplyReport {
    ApplyReport {
        already_done: std::collections::BTreeSet::default(),
        without_contacts: std::collections::BTreeMap::default(),
        changes: outcomes
            .into_iter()
            .map(|(change, outcome)| AppliedChange { change, outcome })
            .collect(),
        organizations: Vec::new(),
        interrupted: false,
    }
}

pub(crate) fn problem(code: Code, message: &str) -> Problem {
    Problem {
        can_repeat: true,
        ..Problem::new(code, message)
    }
}

/// One change of each outcome.
pub(crate) fn some_report() -> ApplyReport {
    let done = |name| Outcome::Done(Box::new(organization(name)));
    applied(vec![
        (create("acme", &[]), done("acme")),
        (
            create("globex", &[]),
            Outcome::Refused(problem(
                portalctl_model::codes::api::REJECTED,
                "POST /organizations answered 422 invalid_metadata: Validation failed \
                 (metadata: too long) [request req_01]",
            )),
        ),
        (
            create("initech.eu", &[]),
            Outcome::Unknown(problem(
                portalctl_model::codes::api::TIMEOUT,
                "POST /organizations failed: no answer in 30 seconds; it was not there when it \
                 was looked for, 4 times",
            )),
        ),
        (update("hooli", Vec::new()), done("hooli")),
        (
            update("umbrella", Vec::new()),
            Outcome::NotTried(problem(
                codes::INTERRUPTED,
                "the run stopped after: GET /organizations/org_1 answered 401",
            )),
        ),
    ])
}

pub(crate) fn headline(plan: &Plan) -> Headline {
    Headline {
        target: plan.target.clone(),
        sandbox: false,
        requests: 13,
        manifest_warnings: Vec::new(),
        snapshot: None,
        arguments: vec!["--environment production".to_owned(), "--prune".to_owned()],
    }
}
