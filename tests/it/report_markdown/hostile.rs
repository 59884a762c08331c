//! Text from outside in every place of a report: nothing of it comes alive, all of it is seen.

use proptest::prelude::*;

use portalctl_core::plan::{
    Action, Change, Conflict, FieldChange, Flag, Held, HeldReason, Plan, Reason, Scope,
    UndeclaredOrganization, Unmanaged, Warning,
};
use portalctl_core::readiness::Readiness;
use portalctl_core::readiness::compare::{IntentChange, IntentName, OrganizationChange, StateName};
use portalctl_model::codes::{api, plan as codes};
use portalctl_model::desired::{Names, Source};
use portalctl_model::text::{escape, mask_addresses};
use portalctl_model::{OrgKey, OrganizationId};
use portalctl_report::StatusReport;
use portalctl_report::json_v1::ErrorItem;
use portalctl_report::markdown::{self, FailedRun};
use portalctl_report::text::Listing;
use portalctl_workos::apply::{ApplyReport, Outcome};

use super::{apply_markdown, assert_sound, plan_markdown, status_markdown};
use crate::support::github::{codes_in_column, diffs};
use crate::support::samples::{
    applied, field, headline, january, organization, problem, some_plan, some_readiness,
};

/// Texts that GitHub has rendered as active content for others, or that end the construct around
/// them.
const ATTACKS: [&str; 53] = [
    "|",
    "\\|",
    "\\",
    "`",
    "``",
    "```",
    "`````````",
    "~~~",
    "</details>",
    "</summary>",
    "<details>",
    "<img src=x onerror=alert(1)>",
    "<script>",
    "<!--",
    "-->",
    "--!>",
    "<https://evil.example>",
    "@org/team",
    "@somebody",
    "x@localhost",
    "#1",
    "GH-12",
    "JIRA-7",
    "user/repo#1",
    "deadbeef",
    "user@deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "https://evil.example/x",
    "ftp://evil.example",
    "www.evil.com",
    "a@b.com",
    "mailto:a@b.com",
    "[x](javascript:alert(1))",
    "![x](//evil.example/x.png)",
    "[^1]",
    "[^1]: note",
    "^[note]",
    "[ ] task",
    "[x] task",
    "[[wiki]]",
    "[!NOTE]",
    "> quote",
    "*bold* **bold** _it_ __it__ ~~no~~ ==mark== ||spoiler||",
    "# heading",
    "===",
    "---",
    "- item",
    "1. item",
    "\n\n",
    "\r\n| a | b |\n|---|---|\n",
    "\t",
    "\u{2028}\u{202e}\u{85}\u{0}",
    "$math$ $`math`$ $$x$$",
    ":+1: :smile:",
];

/// Attacks, alone and behind one another, and anything else.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(&ATTACKS[..]).prop_map(str::to_owned),
        1 => "[ a-c1.:)]{0,6}",
        1 => proptest::char::any().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Builds a plan in which every value from outside is this text.
fn plan_of_text(text: &str) -> Plan {
    let owned = || text.to_owned();
    let key = || OrgKey::undeclared(text);
    let fields = || {
        vec![
            field("name", Some(text), Some("Acme")),
            field(&format!("metadata.{text}"), None, Some(text)),
            FieldChange::Connection {
                id: owned(),
                state: owned(),
            },
        ]
    };
    let changed = |action| Change {
        key: key(),
        action,
        fields: fields(),
        reason: Reason::Saved(owned()),
        source: Source {
            file: text.into(),
            line: 3,
        },
    };
    let id = || OrganizationId::from_api(text);
    let held = |reason| Held {
        change: changed(Action::Adopt(id())),
        reason,
        flag: Flag::Adopt,
        permission: None,
    };
    let mut plan = some_plan();
    plan.target.environment = Some(owned());
    plan.target.endpoint = owned();
    plan.target.key_kind = Some(owned());
    plan.changes = vec![
        changed(Action::Create),
        changed(Action::Update(id())),
        changed(Action::Delete(id())),
    ];
    plan.held = vec![
        held(HeldReason::NeedsFlag),
        held(HeldReason::LimitExceeded {
            planned: 2,
            allowed: 1,
        }),
    ];
    plan.conflicts = vec![Conflict {
        key: key(),
        code: codes::DOMAIN_HELD,
        message: owned(),
        help: owned(),
        scope: Scope::Entry,
    }];
    plan.warnings = vec![Warning {
        key: key(),
        code: codes::DOMAIN_PENDING_ELSEWHERE,
        message: owned(),
    }];
    plan.unmanaged = Unmanaged {
        provisioned: Vec::new(),
        count: Some(1),
        formerly_declared: vec![UndeclaredOrganization {
            external_id: Some("former".to_owned()),
            id: id(),
            name: owned(),
        }],
    };
    plan
}

fn readiness_of_text(text: &str) -> Readiness {
    let mut readiness = some_readiness();
    for organization in &mut readiness.organizations {
        organization.key = OrgKey::undeclared(text);
        for intent in &mut organization.intents {
            text.clone_into(&mut intent.reason);
            intent.next_step = intent.next_step.take().map(|_| text.to_owned());
        }
    }
    readiness
}

fn report_of_text(plan: &Plan, text: &str) -> ApplyReport {
    let mut live = organization("acme");
    live.id = OrganizationId::from_api(text);
    let outcomes = [
        Outcome::Done(Box::new(live)),
        Outcome::Refused(problem(codes::GONE, text)),
        Outcome::Unknown(problem(codes::GONE, text)),
    ];
    applied(plan.changes.iter().cloned().zip(outcomes).collect())
}

/// Builds changes in which every value of the earlier report is this text, which may be as hostile
/// as any other.
fn changes_of_text(text: &str) -> Vec<OrganizationChange> {
    let state = || Some(StateName::Other(text.to_owned()));
    let change = IntentChange {
        intent: IntentName::Other(text.to_owned()),
        before: state(),
        after: state(),
        since: None,
        turn: None,
        reason: Some(text.to_owned()),
    };
    vec![OrganizationChange {
        key: text.to_owned(),
        name: None,
        organization_id: None,
        intents: vec![change],
    }]
}

/// Returns a text as a table cell shows it. A pipe behind a backslash is the only sign that is
/// shown otherwise.
fn in_cell(text: &str) -> String {
    escape(&mask_addresses(text)).replace("\\|", "\\\\u{7c}")
}

#[track_caller]
fn assert_text_is_inert(text: &str) {
    let plan = plan_of_text(text);
    let readiness = readiness_of_text(text);
    let shown = plan_markdown(&plan, &readiness);
    assert_sound(&shown);
    if !text.is_empty() {
        assert_eq!(
            codes_in_column(&shown, 1),
            vec![in_cell(text); 3],
            "{shown}"
        );
        assert_eq!(
            codes_in_column(&shown, 3),
            vec![in_cell(&format!("{text}:3")); 3],
            "{shown}"
        );
    }
    let quoted = format!("\"{}\"", escape(&mask_addresses(text)));
    for diff in diffs(&shown) {
        assert!(diff.contains(&quoted), "{quoted} in {diff}");
    }
    assert_sound(&apply_markdown(
        &plan,
        &report_of_text(&plan, text),
        &readiness,
    ));
    assert_sound(&status_markdown(&readiness, Listing::All));
    let changes = changes_of_text(text);
    let report = StatusReport {
        headline: &headline(&plan),
        readiness: &readiness,
        now: january(15),
    };
    assert_sound(&markdown::status(&report, Some(&changes), Listing::Pending, &[]).comment());
    let mut error = ErrorItem::new(api::REJECTED, text, Some(text.to_owned()));
    error.file = Some(text.to_owned());
    let names = Names {
        environment: Some(text.to_owned()),
        manifest: None,
    };
    assert_sound(
        &markdown::failed(&FailedRun {
            command: "plan",
            names: &names,
            sandbox: true,
            errors: &[error],
        })
        .comment(),
    );
}

#[test]
fn nothing_from_outside_comes_alive() {
    for attack in ATTACKS {
        assert_text_is_inert(attack);
        assert_text_is_inert(&format!("Acme {attack} Corp"));
        assert_text_is_inert(&format!("{attack}{attack}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_from_outside_comes_alive_in_any_mixture(text in hostile()) {
        assert_text_is_inert(&text);
    }
}
