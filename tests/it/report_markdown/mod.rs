//! Reports for GitHub: what a reviewer reads, what never comes alive, and that it always fits.

mod hostile;
mod size;

use portalctl_core::plan::{Action, FieldChange, Flag, Held, HeldReason, Plan};
use portalctl_core::readiness::compare::{IntentName, Picture, PicturedIntent, StateName, compare};
use portalctl_core::readiness::{Readiness, State};
use portalctl_model::codes::{api, manifest as manifest_codes};
use portalctl_model::desired::Names;
use portalctl_model::{Intent, ManifestName, OrganizationId};
use portalctl_report::json_v1::ErrorItem;
use portalctl_report::markdown::{self, FailedRun, LIMIT};
use portalctl_report::text::Listing;
use portalctl_report::{ApplyReportView, Headline, PlanReport, StatusReport};
use portalctl_workos::apply::{ApplyReport, Outcome};

use crate::support::github::{assert_inert, diffs};
use crate::support::samples::{
    applied, change, create, field, headline, intent, invite, january, organization, plan_of,
    ready, some_plan, some_readiness, some_report, update,
};

fn plan_markdown(plan: &Plan, readiness: &Readiness) -> String {
    markdown::plan(&PlanReport {
        headline: &headline(plan),
        plan,
        readiness,
    })
    .comment()
}

fn apply_markdown(plan: &Plan, report: &ApplyReport, readiness: &Readiness) -> String {
    markdown::apply(&ApplyReportView {
        headline: &headline(plan),
        plan,
        report,
        readiness,
    })
    .comment()
}

fn status_markdown(readiness: &Readiness, listing: Listing) -> String {
    let report = StatusReport {
        headline: &headline(&some_plan()),
        readiness,
        now: january(15),
    };
    markdown::status(&report, None, listing, &[]).comment()
}

/// Inert, within the limit, and ended by one newline.
#[track_caller]
fn assert_sound(markdown: &str) {
    assert_inert(markdown);
    assert!(markdown.len() <= LIMIT, "{}", markdown.len());
    assert!(markdown.ends_with('\n') && !markdown.ends_with("\n\n"));
}

#[test]
fn a_plan_that_only_changes() {
    let plan = Plan {
        held: Vec::new(),
        conflicts: Vec::new(),
        warnings: Vec::new(),
        ..some_plan()
    };
    let text = plan_markdown(&plan, &some_readiness());
    assert_sound(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn what_somebody_has_to_decide_comes_first() {
    let text = plan_markdown(&some_plan(), &some_readiness());
    assert_sound(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_plan_without_changes_is_short() {
    let mut plan = Plan {
        target: some_plan().target,
        unchanged: 7,
        ..Plan::default()
    };
    plan.target.manifest = ManifestName::parse("customers").ok();
    let text = plan_markdown(&plan, &Readiness::default());
    assert_sound(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_sandbox_is_in_the_title() {
    let plan = some_plan();
    let headline = Headline {
        sandbox: true,
        ..headline(&plan)
    };
    let readiness = Readiness::default();
    let text = markdown::plan(&PlanReport {
        headline: &headline,
        plan: &plan,
        readiness: &readiness,
    })
    .comment();
    let title = text.lines().find(|line| line.starts_with('#'));
    insta::assert_snapshot!(title.unwrap(), @"### portalctl plan · sandbox · `production`: 1 to create, 1 to update, 2 held, 1 conflict, 1 warning, 7 unchanged");
}

#[test]
fn deletions_stand_out_and_say_what_they_take_along() {
    let gone = |id: &str| FieldChange::Connection {
        id: id.to_owned(),
        state: "OktaSAML".to_owned(),
    };
    let plan = plan_of(vec![change(
        "acme",
        Action::Delete(OrganizationId::from_api("org_acme")),
        vec![
            field("name", Some("Acme"), None),
            gone("conn_1"),
            gone("conn_2"),
        ],
    )]);
    let text = plan_markdown(&plan, &Readiness::default());
    assert_sound(&text);
    let row = text.lines().find(|line| line.contains("**delete**"));
    insta::assert_snapshot!(row.unwrap(), @"| **delete** | `acme` | name `-1`, connections `-2` | `portal.yaml:12` | something is deleted for good |");
    insta::assert_snapshot!(diffs(&text)[0], @r#"
    - name                "Acme"
    - connections.conn_1  "OktaSAML"
    - connections.conn_2  "OktaSAML"
    "#);
}

#[test]
fn an_invitation_says_to_what_and_hides_whom() {
    let text = plan_markdown(&plan_of(vec![invite("acme", true)]), &Readiness::default());
    assert_sound(&text);
    assert!(!text.contains("ada@"), "{text}");
    let told: Vec<&str> = text.lines().filter(|line| line.contains("a***")).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_invitation_says_whom_and_to_what_also_while_it_is_held() {
    let held = Held {
        change: invite("globex", true),
        reason: HeldReason::LimitExceeded {
            planned: 11,
            allowed: 10,
        },
        flag: Flag::AllowBulk,
        permission: None,
    };
    let plan = Plan {
        held: vec![held],
        ..plan_of(vec![invite("acme", false)])
    };
    let text = plan_markdown(&plan, &Readiness::default());
    assert_sound(&text);
    assert!(!text.contains("ada@"), "{text}");
    insta::assert_snapshot!(text, @"
    <!-- portalctl:plan environment= manifest= -->
    <!-- portalctl:digest sha256:4fb15732ca8936acb659adc1c0a341fce5fb69728b5a75270fd44f1bf13a5ff3 -->
    <!-- portalctl:review v1 +n5fKrXeYr8SQX1rBeKs3lSI4ThZK5HYr7Sm9c6SeXeKL9f9LKubUpZc9MkB250Z -->
    ### portalctl plan: 1 to invite, 1 held, 0 unchanged

    digest `sha256:4fb15732ca8936acb659adc1c0a341fce5fb69728b5a75270fd44f1bf13a5ff3`

    #### Changes

    | Change | Organization | Fields | Declared at | Why |
    |---|---|---|---|---|
    | invite | `acme` | `a***@acme.com` to `sso, dsync` | `portal.yaml:12` | WorkOS sends an e-mail |

    #### Over a limit: not done unless somebody allows it

    - `globex`: invite `org_globex` `a***@acme.com`, needs `--allow-bulk` (`plan/limit-exceeded`): a run sends 10 invitations at most unasked, the plan has 11

    #### Field by field

    <details open>
    <summary><code>acme</code> invite</summary>

    - WorkOS e-mails `a***@acme.com` a link to set up sso, dsync
    - not by invitation: `audit_logs`

    </details>

    <details>
    <summary><code>globex</code> invite, held</summary>

    Organization `org_globex`

    - WorkOS e-mails `a***@acme.com` a link to set up sso, dsync
    - not by invitation: `audit_logs`

    </details>

    To do exactly this, or nothing if it is no longer true: `portalctl apply --environment production --prune --expect-digest sha256:4fb15732ca8936acb659adc1c0a341fce5fb69728b5a75270fd44f1bf13a5ff3`. To go on after an interruption, with this comment in a file: `portalctl apply --environment production --prune --expect-digest comment.md`.
    ");
}

/// A saved plan keeps the code of what holds a change, and nothing else of it.
#[test]
fn what_a_saved_plan_holds_for_its_flag_is_over_no_limit() {
    let mut plan = some_plan();
    for held in &mut plan.held {
        held.reason = HeldReason::Saved(held.reason.code());
    }
    let text = apply_markdown(&plan, &applied(Vec::new()), &Readiness::default());
    assert_sound(&text);
    let (_, over) = text.split_once("#### Over a limit").unwrap();
    let (over, lacking) = over.split_once("#### Held").unwrap();
    assert!(over.contains("- `umbrella`: ") && over.contains("(`plan/limit-exceeded`)"));
    assert!(lacking.contains("- `hooli` (Hooli): ") && !over.contains("hooli"));
}

#[test]
fn an_apply_says_first_what_failed() {
    let text = apply_markdown(&some_plan(), &some_report(), &some_readiness());
    assert_sound(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn an_apply_that_did_everything() {
    let done = |name| Outcome::Done(Box::new(organization(name)));
    let gone = change(
        "hooli",
        Action::Delete(OrganizationId::from_api("org_hooli")),
        Vec::new(),
    );
    let report = applied(vec![
        (create("acme", &[]), done("acme")),
        (gone, Outcome::Gone),
    ]);
    let plan = plan_of(Vec::new());
    let text = apply_markdown(&plan, &report, &Readiness::default());
    assert_sound(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_status_is_grouped_by_urgency() {
    let text = status_markdown(&some_readiness(), Listing::Pending);
    assert_sound(&text);
    insta::assert_snapshot!(text);
    let all = status_markdown(&some_readiness(), Listing::All);
    assert_sound(&all);
    insta::assert_snapshot!(all.strip_prefix(text.trim_end()).unwrap());
}

#[test]
fn a_status_says_what_changed_since_an_earlier_one() {
    let now = some_readiness();
    let mut earlier = Picture::from(&now);
    let acme = earlier.organizations.get_mut("acme").unwrap();
    let sso = acme.intents.get_mut(&IntentName::Known(Intent::Sso));
    sso.unwrap().state = StateName::Other("half_done".to_owned());
    let dsync = PicturedIntent {
        state: StateName::Known(State::Configured),
        since: None,
        turn: None,
        reason: String::new(),
    };
    let dropped = (IntentName::Known(Intent::Dsync), dsync);
    acme.intents.extend([dropped]);
    earlier.organizations.remove("hooli");
    let changes = compare(&earlier, &Picture::from(&now));
    let plan = some_plan();
    let report = StatusReport {
        headline: &headline(&plan),
        readiness: &Readiness::default(),
        now: january(15),
    };
    let text = markdown::status(&report, Some(&changes), Listing::Pending, &[]).comment();
    assert_sound(&text);
    insta::assert_snapshot!(text, @"
    <!-- portalctl:status environment=production manifest= -->
    ### portalctl status · `production`: no intents declared

    `api.workos.com` · live key

    #### Changed: 3

    | Organization | Intent | Before | Now | Why |
    |---|---|---|---|---|
    | `acme` | sso | `half_done` | configured | the OktaSAML connection is active |
    | `hooli` | sso | – | configured | the OktaSAML connection is active |
    | `acme` | dsync | configured | – | – |
    ");
    let text = markdown::status(&report, Some(&[]), Listing::Pending, &[]).comment();
    assert_sound(&text);
    assert!(
        text.ends_with("\n\nNothing changed since the earlier report.\n"),
        "{text}"
    );
}

#[test]
fn a_status_with_nothing_to_do_is_short() {
    let done = |name| ready(name, vec![intent(Intent::Sso, State::Configured, Some(2))]);
    let readiness = Readiness {
        organizations: vec![done("acme"), done("globex")],
        ..Readiness::default()
    };
    insta::assert_snapshot!(status_markdown(&readiness, Listing::Pending), @"
    <!-- portalctl:status environment=production manifest= -->
    ### portalctl status · `production`: 2 configured

    `api.workos.com` · live key

    2 organizations have nothing to do.
    ");
}

/// Reports do not contain the time of the run, so a comment with the same content is not edited.
#[test]
fn equal_runs_give_equal_bytes() {
    let (plan, readiness) = (some_plan(), some_readiness());
    let at = |requests| {
        let headline = Headline {
            requests,
            ..headline(&plan)
        };
        markdown::plan(&PlanReport {
            headline: &headline,
            plan: &plan,
            readiness: &readiness,
        })
        .comment()
    };
    assert_eq!(at(13), at(14));
    let status = |day| {
        markdown::status(
            &StatusReport {
                headline: &headline(&plan),
                readiness: &readiness,
                now: january(day),
            },
            None,
            Listing::Pending,
            &[],
        )
        .comment()
    };
    assert_eq!(status(15), status(20));
}

#[test]
fn a_failure_has_the_first_line_of_a_success() {
    let plan = Plan {
        target: some_plan().target,
        ..Plan::default()
    };
    let names = Names {
        environment: plan.target.environment.clone(),
        manifest: None,
    };
    let mut error = ErrorItem::new(
        manifest_codes::UNKNOWN_FIELD,
        "unknown field `nmae` in an organization",
        Some("did you mean `name`?".to_owned()),
    );
    (error.file, error.line, error.column) = (Some("orgs/eu.yaml".to_owned()), Some(3), Some(5));
    let refused = ErrorItem::new(api::REJECTED, "api.workos.com: GET /x answered 403", None);
    let text = markdown::failed(&FailedRun {
        command: "plan",
        names: &names,
        sandbox: false,
        errors: &[error, refused],
    })
    .comment();
    assert_sound(&text);
    insta::assert_snapshot!(text);
    let first = |text: &str| text.lines().next().map(str::to_owned);
    assert_eq!(
        first(&text),
        first(&plan_markdown(&plan, &Readiness::default()))
    );
}

#[test]
fn addresses_are_always_masked() {
    let mut plan = some_plan();
    plan.changes = vec![update(
        "acme",
        vec![
            field("it_contacts.zoe@acme.com", None, Some("added")),
            field(
                "metadata.owner",
                Some("zoe@acme.com"),
                Some("zack@acme.com"),
            ),
        ],
    )];
    plan.conflicts[0].message = "zoe@acme.com is also a contact of org_1".to_owned();
    plan.warnings[0].message = "no mail reached <zoe@acme.com>".to_owned();
    let text = plan_markdown(&plan, &Readiness::default());
    assert_sound(&text);
    assert!(!text.contains("zoe") && !text.contains("zack"), "{text}");
    insta::assert_snapshot!(diffs(&text)[0], @r#"
    + it_contacts.z***@acme.com  added
    - metadata.owner             "z***@acme.com"
    + metadata.owner             "z***@acme.com"  (differs in what is masked or cut off)
    "#);
}
