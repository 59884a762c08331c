//! Tests apply against a portal that fails on purpose: every change is accounted for, nothing is
//! created twice, and no unseen edit is overwritten.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use portalctl_core::plan::{Action, Change, Evidence, FieldChange, Plan, in_use};
use portalctl_model::observed::{Answer, DomainState, FailedRead, Observed, Organization, Usage};
use portalctl_model::{ManifestName, OrganizationId};
use portalctl_platform::clock::{Clock, SystemClock};
use portalctl_workos::apply::{
    Always, ApplyProgress, ApplyReport, Options, Outcome, OutcomeKind, Repeat, apply,
};
use portalctl_workos::{ApiError, ApiErrorKind as Kind};

use crate::support::fake_portal::When::{After, Before};
use crate::support::fake_portal::{FakePortal, LATENCY, error, unused};
use crate::support::samples::{change, create, domain, field, held, organization, plan_of, update};

/// Progress that records what it is given.
#[derive(Default)]
struct RecordedProgress(Mutex<Vec<String>>);

impl ApplyProgress for RecordedProgress {
    fn ended(&self, change: &Change, outcome: &Outcome) {
        let line = format!("{} {}", change.key, outcome.kind());
        self.0.lock().unwrap().push(line);
    }
}

pub(crate) async fn run(portal: &FakePortal, changes: Vec<Change>) -> ApplyReport {
    run_until(portal, changes, 16, CancellationToken::new()).await
}

pub(crate) async fn run_until(
    portal: &FakePortal,
    changes: Vec<Change>,
    concurrency: usize,
    cancel: CancellationToken,
) -> ApplyReport {
    let plan = plan_of(changes);
    let told = RecordedProgress::default();
    let options = Options {
        concurrency,
        cancel,
        clock: &SystemClock,
        permit: &Always,
        nonce: "nonce".to_owned(),
    };
    let report = apply(portal, &plan, &options, &told).await;
    assert_accounted_for(&plan, &report, told);
    report
}

/// Checks that every change has one outcome, in the plan's order, and was reported to the progress
/// once.
#[track_caller]
fn assert_accounted_for(plan: &Plan, report: &ApplyReport, told: RecordedProgress) {
    let planned: Vec<&Change> = plan.changes.iter().collect();
    let accounted: Vec<&Change> = report.changes.iter().map(|c| &c.change).collect();
    assert_eq!(planned, accounted);
    let mut told = told.0.into_inner().unwrap();
    let mut expected: Vec<String> = report
        .changes
        .iter()
        .map(|c| format!("{} {}", c.change.key, c.outcome.kind()))
        .collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    let totals = report.totals();
    let sum = totals.done + totals.refused + totals.unknown + totals.not_tried;
    assert_eq!(sum, plan.changes.len());
    assert_eq!(report.is_complete(), totals.done == sum);
}

pub(crate) fn kinds(report: &ApplyReport) -> Vec<OutcomeKind> {
    report.changes.iter().map(|c| c.outcome.kind()).collect()
}

#[track_caller]
pub(crate) fn only(report: &ApplyReport) -> &Outcome {
    assert_eq!(report.changes.len(), 1);
    &report.changes[0].outcome
}

/// Returns `kind code: message` of the only change.
#[track_caller]
pub(crate) fn problem(report: &ApplyReport) -> String {
    let outcome = only(report);
    let problem = outcome.problem().expect("it was done");
    format!("{} {}: {problem}", outcome.kind(), problem.code)
}

#[track_caller]
pub(crate) fn assert_done(report: &ApplyReport) -> &Organization {
    match only(report) {
        Outcome::Done(organization) => organization,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn org(name: &str) -> OrganizationId {
    OrganizationId::from_api(format!("org_{name}"))
}

// Creating.

#[tokio::test(start_paused = true)]
async fn a_create_carries_everything_declared() {
    let portal = FakePortal::default();
    let fields = [
        ("metadata.tier", "gold"),
        ("domains.acme.com", "pending"),
        ("domains.acme.io", "verified"),
    ];
    let report = run(&portal, vec![create("acme", &fields)]).await;
    let made = portal.only("acme");
    assert_eq!(assert_done(&report), &made);
    assert_eq!(report.organizations, std::slice::from_ref(&made));
    assert_eq!(made.metadata["tier"], "gold");
    let state = |name| made.domain(&domain(name)).unwrap().state.clone();
    assert_eq!(state("acme.com"), DomainState::Pending);
    assert_eq!(state("acme.io"), DomainState::Verified);
    assert_eq!(portal.log(), ["create acme"]);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_is_never_made_twice() {
    for kind in [
        Kind::Timeout,
        Kind::Broken,
        Kind::Server,
        Kind::InvalidAnswer,
    ] {
        for times in 1..=3 {
            for when in [Before, After] {
                let portal = FakePortal::default().fail("create", times, when, kind);
                let report = run(&portal, vec![create("acme", &[("metadata.a", "b")])]).await;
                assert_eq!(
                    assert_done(&report),
                    &portal.only("acme"),
                    "{kind:?} {when:?}"
                );
                let creates = portal.writes().len();
                assert_eq!(creates, if when == After { 1 } else { times + 1 });
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_never_answers_is_unknown() {
    let portal = FakePortal::default().fail("create", usize::MAX, Before, Kind::Timeout);
    let report = run(&portal, vec![create("acme", &[])]).await;
    insta::assert_snapshot!(problem(&report), @"unknown api/timeout: POST /fake failed: scripted; it was not there when it was looked for, 4 times [request req_1]");
    assert_eq!(portal.writes().len(), 4);
    assert!(portal.log().last().unwrap().starts_with("find"));
}

#[tokio::test(start_paused = true)]
async fn a_create_that_takes_effect_late_is_found() {
    let portal = FakePortal::default()
        .fail("create", 1, Before, Kind::Timeout)
        .before_next("create", |_| {})
        .before_next("create", |account| {
            let late = organization("acme");
            account.insert(late.id.clone(), late);
        });
    let report = run(&portal, vec![create("acme", &[])]).await;
    assert_eq!(assert_done(&report).id, org("acme"));
    assert_eq!(portal.organizations_now().len(), 1);
    assert_eq!(
        portal.log(),
        ["create acme", "find acme", "create acme", "find acme"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_lost_and_then_fails_for_good_is_unknown() {
    for kind in [Kind::Unreachable, Kind::RateLimited, Kind::Rejected] {
        let portal = FakePortal::default()
            .fail("create", 1, Before, Kind::Timeout)
            .fail("create", 1, Before, kind);
        let report = run(&portal, vec![create("acme", &[])]).await;
        assert_eq!(only(&report).kind(), OutcomeKind::Unknown, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_can_neither_be_seen_nor_told_is_unknown() {
    let portal = FakePortal::default()
        .fail("create", 1, After, Kind::Timeout)
        .fail("find", 1, Before, Kind::Server);
    let report = run(&portal, vec![create("acme", &[])]).await;
    insta::assert_snapshot!(problem(&report), @"unknown api/timeout: POST /fake failed: scripted; looking whether it took effect failed too: POST /fake answered 503: scripted [request req_1]");
}

#[tokio::test(start_paused = true)]
async fn a_taken_external_id_is_done_when_all_is_as_declared() {
    let mut there = organization("acme");
    there.domains = vec![held("acme.com", DomainState::Verified)];
    let portal = FakePortal::with([there.clone()]);
    let change = create("acme", &[("domains.acme.com", "pending")]);
    let report = run(&portal, vec![change]).await;
    assert_eq!(assert_done(&report), &there);
}

#[tokio::test(start_paused = true)]
async fn a_taken_external_id_is_refused_when_anything_differs() {
    type Edit = fn(&mut Organization);
    let edits: [Edit; 6] = [
        |o| o.name = "another".to_owned(),
        |o| {
            o.metadata.insert("more".to_owned(), "x".to_owned());
        },
        |o| o.domains.clear(),
        |o| o.domains.push(held("more.com", DomainState::Pending)),
        |o| o.domains[0].state = DomainState::Pending,
        |o| o.stripe_customer_id = Some("cus_1".to_owned()),
    ];
    for edit in edits {
        let mut there = organization("acme");
        there.domains = vec![held("acme.com", DomainState::Verified)];
        edit(&mut there);
        let portal = FakePortal::with([there.clone()]);
        let change = create("acme", &[("domains.acme.com", "verified")]);
        let report = run(&portal, vec![change]).await;
        assert_eq!(
            problem(&report),
            "refused plan/exists-differently: org_acme already has the external id `acme` and \
             differs from what is declared; it was not changed"
        );
        assert_eq!(portal.organizations_now(), [there]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_taken_external_id_that_nobody_shows_is_refused() {
    let taken = error(Kind::ExternalIdTaken, Some("external_id_already_used"));
    let portal = FakePortal::default().fail_with("create", 9, Before, taken.clone());
    let report = run(&portal, vec![create("acme", &[])]).await;
    assert_eq!(only(&report).kind(), OutcomeKind::Refused);
    assert_eq!(portal.writes().len(), 1);
    let told = problem(&report);
    assert!(
        told.starts_with("refused plan/deletion-under-way: "),
        "{told}"
    );
    assert_eq!(report.repeat(), Repeat::Helps);

    let portal = FakePortal::default()
        .fail_with("create", 9, Before, taken)
        .fail("find", 1, Before, Kind::Server);
    let report = run(&portal, vec![create("acme", &[])]).await;
    insta::assert_snapshot!(problem(&report), @"refused api/external-id-taken: POST /fake answered 400 external_id_already_used: scripted; looking what has it failed: POST /fake answered 503: scripted [request req_1]");
}

#[tokio::test(start_paused = true)]
async fn a_create_that_lacks_its_name_sends_nothing() {
    let portal = FakePortal::default();
    let fields = vec![field("external_id", None, Some("acme"))];
    let report = run(&portal, vec![change("acme", Action::Create, fields)]).await;
    assert_eq!(only(&report).kind(), OutcomeKind::Refused);
    assert!(portal.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stripe_customer_id_is_set_once_the_organization_is_there() {
    let changes = || vec![create("acme", &[("stripe_customer_id", "cus_1")])];
    let portal = FakePortal::default();
    let report = run(&portal, changes()).await;
    assert_eq!(assert_done(&report), &portal.only("acme"));
    assert_eq!(portal.only("acme").stripe_customer_id.unwrap(), "cus_1");
    assert_eq!(portal.log(), ["create acme", "put org_new1"]);

    // The create's answer is lost, or the second call's, before or after its effect.
    for call in ["create", "put"] {
        for when in [Before, After] {
            for times in 1..=3 {
                let portal = FakePortal::default().fail(call, times, when, Kind::Broken);
                let report = run(&portal, changes()).await;
                assert_eq!(
                    assert_done(&report),
                    &portal.only("acme"),
                    "{call} {when:?}"
                );
                assert_eq!(portal.only("acme").stripe_customer_id.unwrap(), "cus_1");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_lacks_only_its_stripe_customer_id_is_shown() {
    let used = error(Kind::Rejected, Some("stripe_customer_id_already_used"));
    let portal = FakePortal::default().fail_with("put", 1, Before, used);
    let changes = vec![create("acme", &[("stripe_customer_id", "cus_1")])];
    let report = run(&portal, changes).await;
    insta::assert_snapshot!(problem(&report), @"refused api/stripe-customer-taken: org_new1 was created, but without its Stripe customer id: POST /fake answered 409 stripe_customer_id_already_used: scripted [request req_1]");
    assert_eq!(report.organizations, [portal.only("acme")]);
}

#[tokio::test(start_paused = true)]
async fn losing_the_key_between_create_and_stripe_customer_id_is_not_called_untried() {
    let portal = FakePortal::default().fail("put", 1, Before, Kind::Unauthorized);
    let first = create("acme", &[("stripe_customer_id", "cus_1")]);
    let changes = vec![first, create("globex", &[])];
    let report = run_until(&portal, changes, 1, CancellationToken::new()).await;
    assert_eq!(
        kinds(&report),
        [OutcomeKind::Refused, OutcomeKind::NotTried]
    );
    assert_eq!(report.organizations, [portal.only("acme")]);
}

// Updating.

#[tokio::test(start_paused = true)]
async fn an_update_reads_again_and_sends_what_differs() {
    let portal = FakePortal::with([organization("acme")]);
    let rename = vec![field("name", Some("acme"), Some("Acme Corp"))];
    let report = run(&portal, vec![update("acme", rename)]).await;
    assert_eq!(assert_done(&report).name, "Acme Corp");
    assert_eq!(portal.log(), ["read org_acme", "put org_acme"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_already_as_planned_is_done_without_a_write() {
    let mut live = organization("acme");
    live.metadata.insert("tier".to_owned(), "gold".to_owned());
    live.domains = vec![held("acme.com", DomainState::Verified)];
    let portal = FakePortal::with([live]);
    let fields = vec![
        field("name", Some("former"), Some("acme")),
        field("metadata.tier", None, Some("gold")),
        field("metadata.old", Some("x"), None),
        field("domains.acme.com", None, Some("pending")),
        field("domains.gone.com", Some("pending"), None),
    ];
    let report = run(&portal, vec![update("acme", fields)]).await;
    assert_done(&report);
    assert_eq!(portal.log(), ["read org_acme"]);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_somebody_moved_is_named_and_nothing_is_written() {
    for (fields, message) in [
        (
            field("name", Some("Acme Inc"), Some("Acme Corp")),
            r#"name is "acme", the plan expected "Acme Inc": somebody changed it meanwhile"#,
        ),
        (
            field("metadata.tier", Some("silver"), Some("gold")),
            r#"metadata.tier is absent, the plan expected "silver": somebody changed it meanwhile"#,
        ),
        (
            field("domains.acme.com", Some("pending"), None),
            r#"domains.acme.com is "verified", the plan expected "pending": somebody changed it meanwhile"#,
        ),
        (
            field("external_id", None, Some("acme2")),
            r#"external_id is "acme", the plan expected absent: somebody changed it meanwhile"#,
        ),
    ] {
        let mut live = organization("acme");
        live.domains = vec![held("acme.com", DomainState::Verified)];
        let portal = FakePortal::with([live.clone()]);
        let fields = vec![field("metadata.first", None, Some("x")), fields];
        let report = run(&portal, vec![update("acme", fields)]).await;
        assert_eq!(problem(&report), format!("refused plan/stale: {message}"));
        assert!(portal.writes().is_empty());
        assert_eq!(report.organizations, [live], "readiness is shown as it is");
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_that_others_wrote_meanwhile_survives() {
    let mut live = organization("acme");
    live.metadata.insert("old".to_owned(), "x".to_owned());
    let portal = FakePortal::with([live]).before_next("read", |account| {
        let live = account.get_mut(&org("acme")).unwrap();
        live.metadata.insert("theirs".to_owned(), "kept".to_owned());
        live.metadata
            .insert("portalctl_protect".to_owned(), "true".to_owned());
    });
    let fields = vec![
        field("metadata.old", Some("x"), None),
        field("metadata.tier", None, Some("gold")),
    ];
    let report = run(&portal, vec![update("acme", fields)]).await;
    assert_done(&report);
    let metadata: Vec<(String, String)> = portal.only("acme").metadata.into_iter().collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        metadata,
        [
            pair("portalctl_protect", "true"),
            pair("theirs", "kept"),
            pair("tier", "gold")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn removed_metadata_is_sent_as_null_in_one_request() {
    for when in [None, Some(Before), Some(After)] {
        let mut live = organization("acme");
        live.metadata.insert("old".to_owned(), "x".to_owned());
        live.metadata.insert("theirs".to_owned(), "kept".to_owned());
        let mut portal = FakePortal::with([live]).merging_metadata();
        if let Some(when) = when {
            portal = portal.fail("put", 1, when, Kind::Server);
        }
        let fields = vec![field("metadata.old", Some("x"), None)];
        let report = run(&portal, vec![update("acme", fields)]).await;
        assert_done(&report);
        let metadata = portal.only("acme").metadata;
        assert_eq!(metadata.keys().collect::<Vec<_>>(), ["theirs"], "{when:?}");
        let puts = if when == Some(Before) { 2 } else { 1 };
        assert_eq!(portal.writes().len(), puts, "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_that_the_server_keeps_is_not_called_removed() {
    let mut live = organization("acme");
    live.metadata.insert("old".to_owned(), "x".to_owned());
    let portal = FakePortal::with([live]).keeping_metadata();
    let fields = vec![field("metadata.old", Some("x"), None)];
    let report = run(&portal, vec![update("acme", fields)]).await;
    let metadata = &assert_done(&report).metadata;
    assert!(metadata.contains_key("old") && metadata.contains_key("portalctl_kept"));
    let told = report.kept_differently();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].message.contains("keeps \"x\" for metadata.old"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_answer_is_lost_is_looked_up() {
    for times in 1..=3 {
        for when in [Before, After] {
            let portal =
                FakePortal::with([organization("acme")]).fail("put", times, when, Kind::Timeout);
            let rename = vec![field("name", Some("acme"), Some("Acme Corp"))];
            let report = run(&portal, vec![update("acme", rename)]).await;
            assert_eq!(assert_done(&report).name, "Acme Corp");
            let puts = portal.writes().len();
            assert_eq!(puts, if when == After { 1 } else { times + 1 });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_try_of_an_update_is_looked_up_too() {
    let portal = FakePortal::with([organization("acme")])
        .fail("put", 3, Before, Kind::Timeout)
        .fail("put", 1, After, Kind::Timeout);
    let rename = vec![field("name", Some("acme"), Some("Acme Corp"))];
    let report = run(&portal, vec![update("acme", rename.clone())]).await;
    assert_eq!(assert_done(&report).name, "Acme Corp");

    let portal = FakePortal::with([organization("acme")]).fail("put", 9, Before, Kind::Timeout);
    let report = run(&portal, vec![update("acme", rename)]).await;
    insta::assert_snapshot!(problem(&report), @"unknown api/timeout: POST /fake failed: scripted; it was sent 4 times [request req_1]");
    assert_eq!(portal.writes().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_cannot_be_looked_up_is_unknown() {
    let portal = FakePortal::with([organization("acme")])
        .pass("read", 1)
        .fail("put", 1, After, Kind::Timeout)
        .fail("read", 1, Before, Kind::Unreachable);
    let rename = vec![field("name", Some("acme"), Some("Acme Corp"))];
    let changes = vec![update("acme", rename), update("globex", vec![])];
    let report = run_until(&portal, changes, 1, CancellationToken::new()).await;
    assert_eq!(
        kinds(&report),
        [OutcomeKind::Unknown, OutcomeKind::NotTried],
        "the run stops: there is no connection"
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_that_cannot_be_read_first_is_not_tried() {
    let portal = FakePortal::with([organization("acme")]).fail("read", 1, Before, Kind::Server);
    let rename = vec![field("name", Some("acme"), Some("Acme Corp"))];
    let report = run(&portal, vec![update("acme", rename)]).await;
    assert_eq!(only(&report).kind(), OutcomeKind::NotTried);
    assert!(portal.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_gone_is_refused() {
    let rename = || vec![field("name", Some("acme"), Some("Acme Corp"))];
    let portal = FakePortal::default();
    let report = run(&portal, vec![update("acme", rename())]).await;
    assert_eq!(problem(&report), "refused plan/gone: org_acme is gone");

    let portal = FakePortal::with([organization("acme")])
        .fail("put", 1, Before, Kind::Timeout)
        .before_next("put", BTreeMap::clear);
    let report = run(&portal, vec![update("acme", rename())]).await;
    assert_eq!(problem(&report), "refused plan/gone: org_acme is gone");
}

#[tokio::test(start_paused = true)]
async fn an_adoption_sets_the_external_id_with_everything_else() {
    let mut live = organization("acme");
    live.external_id = None;
    let portal = FakePortal::with([live]);
    let fields = vec![
        field("external_id", None, Some("customer")),
        field("name", Some("acme"), Some("Acme Corp")),
    ];
    let report = run(
        &portal,
        vec![change("customer", Action::Adopt(org("acme")), fields)],
    )
    .await;
    assert_done(&report);
    assert_eq!(portal.only("customer").name, "Acme Corp");
    assert_eq!(portal.writes(), ["put org_acme"]);
}

// Domains.

#[tokio::test(start_paused = true)]
async fn a_domain_that_is_already_there_is_done_and_shown() {
    // The domain appears between the read and the add.
    let portal = FakePortal::with([organization("acme")]).before_next("add", |account| {
        let live = account.get_mut(&org("acme")).unwrap();
        live.domains = vec![held("acme.com", DomainState::Verified)];
    });
    let add = vec![field("domains.acme.com", None, Some("pending"))];
    let report = run(&portal, vec![update("acme", add)]).await;
    let done = assert_done(&report);
    let shown = done.domain(&domain("acme.com")).unwrap();
    assert_eq!(shown.state, DomainState::Verified);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_is_there_only_by_word_is_refused() {
    let exists = error(Kind::Rejected, Some("domain_already_exists"));
    let portal = FakePortal::with([organization("acme")]).fail_with("add", 1, Before, exists);
    let add = vec![field("domains.acme.com", None, Some("pending"))];
    let report = run(&portal, vec![update("acme", add)]).await;
    assert_eq!(only(&report).kind(), OutcomeKind::Refused);
}

#[tokio::test(start_paused = true)]
async fn domains_are_added_once_each_whatever_answer_is_lost() {
    for when in [Before, After] {
        let portal =
            FakePortal::with([organization("acme")]).fail("add beta.com", 2, when, Kind::Broken);
        let add = vec![
            field("domains.acme.com", None, Some("pending")),
            field("domains.beta.com", None, Some("pending")),
        ];
        let report = run(&portal, vec![update("acme", add)]).await;
        assert_eq!(assert_done(&report), &portal.only("acme"));
        assert_eq!(portal.only("acme").domains.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_done_in_part_says_so() {
    for kind in [Kind::Rejected, Kind::Unauthorized] {
        let portal = FakePortal::with([organization("acme")]).fail("add", 1, Before, kind);
        let fields = vec![
            field("domains.acme.com", None, Some("pending")),
            field("name", Some("acme"), Some("Acme Corp")),
        ];
        let report = run(&portal, vec![update("acme", fields)]).await;
        assert_eq!(only(&report).kind(), OutcomeKind::Refused, "{kind:?}");
        let message = &only(&report).problem().unwrap().message;
        assert!(
            message.starts_with("part of it was done, but "),
            "{message}"
        );
        assert_eq!(report.organizations, [portal.only("acme")]);
        assert_eq!(report.organizations[0].name, "Acme Corp");
    }
}

/// Builds WorkOS's refusal of a domain.
fn refusal(message: &str) -> ApiError {
    ApiError {
        status: Some(422),
        message: message.to_owned(),
        ..error(Kind::Rejected, Some("invalid_request"))
    }
}

/// Returns `path kind` of every field whose outcome is reported.
fn fields(report: &ApplyReport) -> Vec<String> {
    let problem = only(report).problem().unwrap();
    let fields = problem.fields.iter();
    fields
        .map(|field| format!("{} {}", field.path, field.kind))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_refused_put_stops_no_domain_and_no_contact() {
    let portal = FakePortal::with([organization("acme")]).fail("put", 1, Before, Kind::Rejected);
    let changed = vec![
        field("name", Some("acme"), Some("Acme Corp")),
        field("domains.acme.com", None, Some("pending")),
        field("it_contacts.ada@acme.com", None, Some("added")),
    ];
    let report = run(&portal, vec![update("acme", changed)]).await;
    let ended = [
        "name refused",
        "domains.acme.com done",
        "it_contacts.ada@acme.com done",
    ];
    assert_eq!(fields(&report), ended);
    assert_eq!(portal.only("acme").domains.len(), 1);
    assert_eq!(portal.contacts_of("org_acme"), ["ada@acme.com"]);
    assert_eq!(report.repeat(), Repeat::IsRefused);
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_never_answers_stops_no_other_and_a_lost_organization_does() {
    let adds = || {
        let add = |name: &str| field(&format!("domains.{name}"), None, Some("pending"));
        vec![update(
            "acme",
            vec![add("acme.com"), add("beta.com"), add("gamma.com")],
        )]
    };
    let portal =
        FakePortal::with([organization("acme")]).fail("add beta.com", 99, Before, Kind::Timeout);
    let report = run(&portal, adds()).await;
    let ended = [
        "domains.acme.com done",
        "domains.beta.com unknown",
        "domains.gamma.com done",
    ];
    assert_eq!(fields(&report), ended);
    assert_eq!(only(&report).kind(), OutcomeKind::Unknown);
    assert_eq!(report.repeat(), Repeat::Helps);

    // While WorkOS cannot be read either, nothing more is sent.
    let portal = FakePortal::with([organization("acme")])
        .fail("add beta.com", 1, Before, Kind::Timeout)
        .pass("read", 1)
        .fail("read", 9, Before, Kind::Server);
    let report = run(&portal, adds()).await;
    let ended = [
        "domains.acme.com done",
        "domains.beta.com unknown",
        "domains.gamma.com not_tried",
    ];
    assert_eq!(fields(&report), ended);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_refused_for_a_named_domain_is_made_without_it() {
    for message in [
        "Validation failed (domain_data.1.domain: is not a domain)",
        "domain_data[1] is invalid",
        "b-bad.example cannot be claimed.",
    ] {
        let portal = FakePortal::default().fail_with("create", 1, Before, refusal(message));
        let more = ["a.example", "b-bad.example", "bad.example"];
        let more = more.map(|name| format!("domains.{name}"));
        let more = more.each_ref().map(|path| (path.as_str(), "pending"));
        let report = run(&portal, vec![create("acme", &more)]).await;
        assert_eq!(only(&report).kind(), OutcomeKind::Refused);
        assert_eq!(
            fields(&report),
            ["domains.b-bad.example refused"],
            "{message}"
        );
        let told = problem(&report);
        assert!(told.contains("domains.b-bad.example: "), "{told}");
        assert!(told.contains("org_new1 was created"), "{told}");
        let held = portal.only("acme").domains;
        let held: Vec<String> = held.iter().map(|one| one.domain.to_string()).collect();
        assert_eq!(held, ["a.example", "bad.example"]);
        assert_eq!(portal.writes(), ["create acme", "create acme"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_refused_for_some_domain_finds_out_which() {
    let portal = FakePortal::default()
        .fail_with(
            "create",
            1,
            Before,
            refusal("one of the domains is not accepted"),
        )
        .fail_with("add bad.example", 1, Before, refusal("a public suffix"));
    let more = [
        ("domains.bad.example", "pending"),
        ("domains.good.example", "pending"),
        ("domains.trusted.example", "verified"),
    ];
    let report = run(&portal, vec![create("acme", &more)]).await;
    assert_eq!(
        fields(&report),
        ["domains.bad.example refused", "domains.good.example done"]
    );
    let held = portal.only("acme").domains;
    assert_eq!(held.len(), 2);
    let trusted = portal
        .only("acme")
        .domain(&domain("trusted.example"))
        .cloned();
    assert_eq!(trusted.unwrap().state, DomainState::Verified);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_refused_for_anything_else_makes_nothing() {
    for (message, times) in [
        ("the name is reserved", 1),
        ("metadata.domain is too long", 2),
    ] {
        let portal = FakePortal::default().fail_with("create", 9, Before, refusal(message));
        let report = run(
            &portal,
            vec![create("acme", &[("domains.acme.com", "pending")])],
        )
        .await;
        assert_eq!(only(&report).kind(), OutcomeKind::Refused);
        assert!(portal.organizations_now().is_empty());
        assert_eq!(portal.writes().len(), times, "{message}");
    }
}

/// A trusted domain is never replaced by a pending one without the knowledge of the organization
/// that trusts it.
#[tokio::test(start_paused = true)]
async fn a_create_is_not_made_with_less_trust_than_planned() {
    let portal = FakePortal::default().fail_with("create", 9, Before, refusal("no such domain"));
    let report = run(
        &portal,
        vec![create("acme", &[("domains.acme.com", "verified")])],
    )
    .await;
    assert_eq!(only(&report).kind(), OutcomeKind::Refused);
    assert!(portal.organizations_now().is_empty());
    assert_eq!(portal.writes(), ["create acme"]);
}

#[tokio::test(start_paused = true)]
async fn a_taken_external_id_of_an_update_names_who_has_it_or_a_deletion() {
    let taken = || error(Kind::ExternalIdTaken, Some("external_id_already_used"));
    let rekey = || {
        vec![update(
            "acme",
            vec![field("external_id", Some("acme"), Some("beta"))],
        )]
    };
    let mut other = organization("other");
    other.external_id = Some("beta".to_owned());
    let portal =
        FakePortal::with([organization("acme"), other]).fail_with("put", 1, Before, taken());
    let told = problem(&run(&portal, rekey()).await);
    assert!(
        told.starts_with("refused api/external-id-taken: "),
        "{told}"
    );
    assert!(
        told.contains("org_other (other) has the external id `beta`"),
        "{told}"
    );

    let portal = FakePortal::with([organization("acme")]).fail_with("put", 1, Before, taken());
    let told = problem(&run(&portal, rekey()).await);
    assert!(
        told.starts_with("refused plan/deletion-under-way: "),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_domain_is_removed_by_its_own_id() {
    let with_domain = || {
        let mut live = organization("acme");
        live.domains = vec![held("acme.com", DomainState::Pending)];
        live
    };
    let remove = || vec![field("domains.acme.com", Some("pending"), None)];
    for (when, kind) in [
        (Before, Kind::Timeout),
        (After, Kind::Timeout),
        // Another client was faster.
        (After, Kind::NotFound),
    ] {
        let portal = FakePortal::with([with_domain()]).fail("remove", 1, when, kind);
        let report = run(&portal, vec![update("acme", remove())]).await;
        assert!(assert_done(&report).domains.is_empty());
        assert!(portal.only("acme").domains.is_empty());
    }

    let mut live = with_domain();
    live.domains[0].id = None;
    let portal = FakePortal::with([live]);
    let report = run(&portal, vec![update("acme", remove())]).await;
    insta::assert_snapshot!(problem(&report), @"refused api/invalid-answer: WorkOS did not tell the id of acme.com, by which it is removed");
}

// The whole run.

#[tokio::test(start_paused = true)]
async fn a_refusal_is_one_organizations_own() {
    let rejected = error(Kind::Rejected, Some("invalid_metadata"));
    let portal =
        FakePortal::with([organization("hooli")]).fail_with("create globex", 1, Before, rejected);
    let changes = vec![
        create("acme", &[]),
        create("globex", &[]),
        create("initech", &[]),
        update("hooli", vec![field("name", Some("hooli"), Some("Hooli"))]),
    ];
    let report = run(&portal, changes).await;
    assert_eq!(
        kinds(&report),
        [
            OutcomeKind::Done,
            OutcomeKind::Refused,
            OutcomeKind::Done,
            OutcomeKind::Done
        ]
    );
    let message = report.changes[1].outcome.problem().unwrap().to_string();
    for part in ["409", "invalid_metadata", "scripted", "req_1"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let totals = report.totals();
    assert_eq!((totals.done, totals.refused), (3, 1));
    assert!(!report.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_every_request_would_meet_stops_the_run() {
    for kind in [Kind::Unauthorized, Kind::Unreachable, Kind::Redirected] {
        let portal = FakePortal::with([organization("hooli")]).fail(
            "create globex",
            usize::MAX,
            Before,
            kind,
        );
        let changes = vec![
            create("acme", &[]),
            create("globex", &[]),
            create("initech", &[]),
            update("hooli", vec![field("name", Some("hooli"), Some("Hooli"))]),
        ];
        let report = run_until(&portal, changes, 1, CancellationToken::new()).await;
        assert_eq!(
            kinds(&report),
            [
                OutcomeKind::Done,
                OutcomeKind::NotTried,
                OutcomeKind::NotTried,
                OutcomeKind::NotTried
            ]
        );
        assert_eq!(portal.log(), ["create acme", "create globex"]);
        assert!(!report.interrupted);
        let message = &report.changes[3].outcome.problem().unwrap().message;
        assert!(message.starts_with("the run stopped after: "), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_lets_what_is_in_flight_finish() {
    let portal = FakePortal::default();
    let names: Vec<String> = (0..9).map(|n| format!("customer-{n}")).collect();
    let changes = names.iter().map(|name| create(name, &[])).collect();
    let cancel = CancellationToken::new();
    let (report, ()) = futures::join!(run_until(&portal, changes, 3, cancel.clone()), async {
        SystemClock.sleep(LATENCY / 2).await;
        cancel.cancel();
    });
    let totals = report.totals();
    assert_eq!((totals.done, totals.not_tried), (3, 6));
    assert!(report.interrupted);
    assert_eq!(portal.organizations_now().len(), 3);
    for not_tried in &report.changes[3..] {
        let problem = not_tried.outcome.problem().unwrap();
        assert_eq!(problem.code.as_str(), "plan/interrupted");
        assert_eq!(problem.message, "the run was interrupted before it");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_goes_on_where_it_stopped() {
    let portal = FakePortal::default();
    let names: Vec<String> = (0..9).map(|n| format!("customer-{n}")).collect();
    let changes = || names.iter().map(|name| create(name, &[])).collect();
    let cancel = CancellationToken::new();
    let (first, ()) = futures::join!(run_until(&portal, changes(), 3, cancel.clone()), async {
        SystemClock.sleep(LATENCY / 2).await;
        cancel.cancel();
    });
    assert!(!first.is_complete());
    let second = run(&portal, changes()).await;
    assert!(second.is_complete());
    assert_eq!(portal.organizations_now().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn as_many_organizations_at_once_as_asked_for() {
    for concurrency in [0, 1, 4, 100] {
        let portal = FakePortal::default();
        let names: Vec<String> = (0..20).map(|n| format!("customer-{n}")).collect();
        let changes = names.iter().map(|name| create(name, &[])).collect();
        let began = SystemClock.instant();
        let report = run_until(&portal, changes, concurrency, CancellationToken::new()).await;
        assert!(report.is_complete());
        let bound = concurrency.clamp(1, 20);
        assert_eq!(portal.most_in_flight(), bound);
        let rounds = u32::try_from(20_usize.div_ceil(bound)).unwrap();
        let took = SystemClock.instant() - began;
        assert!(
            took <= LATENCY * rounds + Duration::from_millis(50),
            "{took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn changes_of_one_organization_come_one_after_the_other() {
    let mut live = organization("acme");
    live.domains = vec![held("acme.com", DomainState::Pending)];
    let portal = FakePortal::with([live, organization("globex")]);
    let changes = vec![
        update(
            "acme",
            vec![field("domains.acme.com", Some("pending"), None)],
        ),
        update("acme", vec![field("name", Some("acme"), Some("Acme Corp"))]),
        update(
            "globex",
            vec![field("name", Some("globex"), Some("Globex"))],
        ),
    ];
    let report = run(&portal, changes).await;
    assert!(report.is_complete());
    let of_acme: Vec<String> = portal
        .log()
        .into_iter()
        .filter(|call| call.contains("acme"))
        .collect();
    assert_eq!(
        of_acme,
        [
            "read org_acme",
            "remove domain_acme.com",
            "read org_acme",
            "put org_acme"
        ]
    );
    assert_eq!(portal.most_in_flight(), 2);
    let shown = report.organizations.iter().find(|o| o.id == org("acme"));
    assert_eq!(
        shown.unwrap(),
        &portal.only("acme"),
        "as the last change left it"
    );
}

#[tokio::test(start_paused = true)]
async fn stages_follow_each_other() {
    let mut orphan = organization("orphan");
    orphan.external_id = None;
    let portal = FakePortal::with([orphan, organization("old")]);
    let changes = vec![
        create("new", &[]),
        change(
            "orphan",
            Action::Adopt(org("orphan")),
            vec![field("external_id", None, Some("orphan"))],
        ),
        update("old", vec![field("name", Some("old"), Some("Old"))]),
    ];
    let report = run(&portal, changes).await;
    assert!(report.is_complete());
    assert_eq!(
        portal.log(),
        [
            "create new",
            "read org_orphan",
            "put org_orphan",
            "read org_old",
            "put org_old"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_changes_asks_nothing() {
    let portal = FakePortal::default();
    let report = run(&portal, Vec::new()).await;
    assert!(report.is_complete());
    assert!(portal.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_observation_is_brought_up_to_date_with_the_run() {
    let mut orphan = organization("orphan");
    orphan.external_id = None;
    let portal = FakePortal::with([orphan.clone()]);
    let adoption = change(
        "orphan",
        Action::Adopt(org("orphan")),
        vec![field("external_id", None, Some("orphan"))],
    );
    let report = run(&portal, vec![create("new", &[]), adoption]).await;
    let mut observed = Observed {
        organizations: BTreeMap::from([(orphan.id.clone(), orphan)]),
        ..Observed::default()
    };
    report.update(&mut observed);
    let shown: Vec<Organization> = observed.organizations.into_values().collect();
    assert_eq!(shown, portal.organizations_now());
    // The audit logs of the adopted one were never read; the created one certainly has none.
    let created = portal.only("new").id;
    assert_eq!(
        observed.audit_logs,
        BTreeMap::from([(created, Answer::Absent)])
    );
}

// Deleting.

async fn delete(portal: &FakePortal, fields: Vec<FieldChange>) -> ApplyReport {
    let mut plan = plan_of(vec![change("acme", Action::Delete(org("acme")), fields)]);
    plan.target.manifest = Some(ManifestName::parse("customers").unwrap());
    let options = Options {
        concurrency: 1,
        cancel: CancellationToken::new(),
        clock: &SystemClock,
        permit: &Always,
        nonce: "nonce".to_owned(),
    };
    apply(portal, &plan, &options, &RecordedProgress::default()).await
}

fn ours() -> Organization {
    let mut ours = organization("acme");
    let owner = ("portalctl_owner".to_owned(), "customers".to_owned());
    ours.metadata = BTreeMap::from([owner]);
    ours
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_nobody_uses_is_deleted() {
    let portal = FakePortal::with([ours()]);
    let report = delete(&portal, Vec::new()).await;
    assert_eq!(kinds(&report), [OutcomeKind::Done]);
    assert!(portal.organizations_now().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_organization_in_use_is_deleted_only_by_a_plan_that_shows_it() {
    let has_members = Usage {
        has_members: Ok(true),
        ..unused()
    };
    let portal = FakePortal::with([ours()]).used("org_acme", has_members.clone());
    let report = delete(&portal, Vec::new()).await;
    assert_eq!(
        problem(&report),
        "refused plan/guard: the organization is in use: it has members"
    );
    let fields: Vec<FieldChange> = in_use(&ours(), Some(&has_members))
        .iter()
        .map(Evidence::field)
        .collect();
    assert_eq!(kinds(&delete(&portal, fields).await), [OutcomeKind::Done]);
}

#[tokio::test(start_paused = true)]
async fn a_verified_domain_stops_a_deletion() {
    let mut live = ours();
    live.domains = vec![held("acme.com", DomainState::Verified)];
    let portal = FakePortal::with([live]);
    assert_eq!(
        problem(&delete(&portal, Vec::new()).await),
        "refused plan/guard: the organization is in use: domain acme.com is verified"
    );
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_be_read_stops_a_deletion() {
    let refused = FailedRead {
        request: "GET /directories".to_owned(),
        status: Some(403),
        code: None,
        message: String::new(),
        is_skipped: false,
    };
    let usage = Usage {
        directories: Err(refused),
        ..unused()
    };
    let portal = FakePortal::with([ours()]).used("org_acme", usage);
    let told = problem(&delete(&portal, Vec::new()).await);
    assert!(told.contains("its directories cannot be read"), "{told}");
    assert_eq!(portal.organizations_now().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_stays_after_a_lost_deletion_is_not_said_to_be_deleted() {
    let portal = FakePortal::with([ours()]).fail("delete org_acme", 1, Before, Kind::Timeout);
    let lost = delete(&portal, Vec::new()).await;
    assert_eq!(kinds(&lost), [OutcomeKind::Unknown]);
    assert!(
        problem(&lost)
            .contains("the answer to the deletion was lost, and org_acme is still there after"),
        "{}",
        problem(&lost)
    );
    assert_eq!(portal.organizations_now().len(), 1);
}
