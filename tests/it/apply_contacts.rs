//! Tests that apply adds contacts and invites them: no contact gets two e-mails, and no unfinished
//! change is reported as done.

use tokio_util::sync::CancellationToken;

use portalctl_core::plan::{Action, Change, Invitation};
use portalctl_model::observed::Answer;
use portalctl_model::{Email, OrganizationId};
use portalctl_platform::clock::SystemClock;
use portalctl_workos::apply::{
    Always, ApplyProgress, Delivery, InviteNow, Invited, Options, Outcome, OutcomeKind, apply,
    invite_now, revoke,
};
use portalctl_workos::{ApiErrorKind as Kind, ReadPortal};

use super::apply::{assert_done, kinds, only, org, problem, run, run_until};
use crate::support::fake_portal::When::{After, Before};
use crate::support::fake_portal::{FakePortal, error};
use crate::support::samples::{create, field, invite, organization, plan_of, update};
use crate::support::world::INVITED;

const LOST: [Kind; 4] = [
    Kind::Timeout,
    Kind::Broken,
    Kind::Server,
    Kind::InvalidAnswer,
];

fn two_contacts() -> Change {
    let contacts = ["it_contacts.ada@acme.com", "it_contacts.bob@acme.com"];
    update(
        "acme",
        contacts
            .map(|path| field(path, None, Some("added")))
            .to_vec(),
    )
}

fn live() -> FakePortal {
    FakePortal::with([organization("acme")])
}

fn with_ada() -> FakePortal {
    live().contact("org_acme", "Ada@acme.com")
}

// Contacts.

#[tokio::test(start_paused = true)]
async fn contacts_are_added_one_by_one() {
    let portal = live();
    let report = run(&portal, vec![two_contacts()]).await;
    assert_done(&report);
    assert_eq!(
        portal.contacts_of("org_acme"),
        ["ada@acme.com", "bob@acme.com"]
    );
    assert_eq!(
        portal.log(),
        [
            "read org_acme",
            "add ada@acme.com to org_acme",
            "add bob@acme.com to org_acme"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_contact_whose_answer_is_lost_is_looked_up() {
    for kind in LOST {
        for (times, when) in [(1, Before), (1, After), (3, Before)] {
            let portal = live().fail("add ada", times, when, kind);
            let report = run(&portal, vec![two_contacts()]).await;
            assert_done(&report);
            assert_eq!(
                portal.contacts_of("org_acme"),
                ["ada@acme.com", "bob@acme.com"]
            );
            let adds = portal.writes().len();
            let of_ada = if when == After { 1 } else { times + 1 };
            assert_eq!(adds, of_ada + 1, "{kind:?} {when:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_cannot_be_looked_up_is_unknown() {
    let portal = live().fail("add ada", 1, After, Kind::Timeout).fail(
        "read contacts",
        1,
        Before,
        Kind::Server,
    );
    let report = run(&portal, vec![two_contacts()]).await;
    insta::assert_snapshot!(problem(&report), @"unknown api/timeout: it_contacts.a***@acme.com: POST /fake failed: scripted; looking whether it took effect failed too: POST /fake answered 503: scripted [request req_1]");
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_is_there_already_is_done() {
    let portal = with_ada();
    let report = run(&portal, vec![two_contacts()]).await;
    assert_done(&report);
    assert_eq!(
        portal.contacts_of("org_acme"),
        ["Ada@acme.com", "bob@acme.com"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_is_there_only_by_word_is_refused() {
    let portal = live().fail("add ada", 1, Before, Kind::Rejected);
    let report = run(&portal, vec![two_contacts()]).await;
    insta::assert_snapshot!(problem(&report), @"refused api/rejected: part of it was done, but it_contacts.a***@acme.com: POST /fake answered 409: scripted [request req_1]");
}

#[tokio::test(start_paused = true)]
async fn contacts_are_added_to_what_was_just_created() {
    let changes = || vec![create("acme", &[("it_contacts.ada@acme.com", "added")])];
    let portal = FakePortal::default();
    let report = run(&portal, changes()).await;
    assert_eq!(assert_done(&report), &portal.only("acme"));
    assert_eq!(
        portal.log(),
        ["create acme", "add ada@acme.com to org_new1"]
    );

    for call in ["create", "add"] {
        for when in [Before, After] {
            let portal = FakePortal::default().fail(call, 1, when, Kind::Broken);
            let report = run(&portal, changes()).await;
            assert_done(&report);
            assert_eq!(
                portal.contacts_of("org_new1"),
                ["ada@acme.com"],
                "{call} {when:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_lacks_only_its_contacts_is_shown() {
    for more in [&[][..], &[("stripe_customer_id", "cus_1")]] {
        let mut fields = vec![("it_contacts.ada@acme.com", "added")];
        fields.extend(more);
        let portal = FakePortal::default().fail("add", 1, Before, Kind::Rejected);
        let report = run(&portal, vec![create("acme", &fields)]).await;
        assert_eq!(only(&report).kind(), OutcomeKind::Refused);
        assert_eq!(report.organizations, [portal.only("acme")]);
        if more.is_empty() {
            insta::assert_snapshot!(problem(&report), @"refused api/rejected: org_new1 was created, but not with all of its IT contacts: POST /fake answered 409: scripted [request req_1]");
        } else {
            insta::assert_snapshot!(problem(&report), @"refused api/rejected: org_new1 was created, but without its Stripe customer id or all of its IT contacts: part of it was done, but it_contacts.a***@acme.com: POST /fake answered 409: scripted [request req_1]");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_contacts_are_not_to_be_had_all_else_is_done() {
    for kind in [Kind::NotFound, Kind::Forbidden] {
        let fields = [
            ("it_contacts.ada@acme.com", "added"),
            ("metadata.portalctl_contacts", "hash"),
            ("stripe_customer_id", "cus_1"),
        ];
        let portal = FakePortal::default().fail("add", 9, Before, kind);
        let report = run(&portal, vec![create("acme", &fields)]).await;
        assert_done(&report);
        assert_eq!(report.without_contacts.len(), 1);
        let live = portal.only("acme");
        assert_eq!(live.stripe_customer_id.as_deref(), Some("cus_1"));
        assert!(!live.metadata.contains_key("portalctl_contacts"));
        let warnings = report.warnings();
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0]
                .message
                .starts_with("its IT contacts were not added")
        );
    }
}

// Invitations.

/// Beginning of the invitation marks that the tests' run writes, by progress.
const SENDING: &str = "sending:nonce ";

fn mark_of(portal: &FakePortal) -> String {
    let organization = portal.only("acme");
    organization
        .metadata
        .get(INVITED)
        .cloned()
        .unwrap_or_default()
}

fn marked(mark: &str) -> FakePortal {
    let mut live = organization("acme");
    live.metadata.insert(INVITED.to_owned(), mark.to_owned());
    FakePortal::with([live]).contact("org_acme", "Ada@acme.com")
}

#[tokio::test(start_paused = true)]
async fn an_organization_is_marked_before_its_invitation_is_sent_and_after() {
    let portal = with_ada();
    let report = run(&portal, vec![invite("acme", true)]).await;
    let invited = assert_done(&report);
    assert_eq!(invited, &portal.only("acme"));
    let mark = mark_of(&portal);
    let (time, contact) = mark.split_once(' ').unwrap();
    let time: jiff::Timestamp = time.parse().unwrap();
    assert_eq!(time.subsec_nanosecond(), 0);
    assert_eq!(contact, "contact_1");
    assert_eq!(
        portal.log(),
        [
            "read org_acme",
            "read contacts of org_acme",
            "read org_acme",
            "put org_acme",
            "read org_acme",
            "invite contact_1 to sso directory_sync",
            "read org_acme",
            "put org_acme"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn who_was_invited_is_not_invited_again() {
    for mark in [
        "then",
        "2026-11-30T12:00:00Z",
        "2026-11-30T12:00:00Z contact_1",
        "ended:2026-11-30T12:00:00Z",
    ] {
        let portal = marked(mark);
        let report = run(&portal, vec![invite("acme", true)]).await;
        assert_eq!(assert_done(&report), &portal.only("acme"));
        assert!(portal.writes().is_empty(), "{mark}");
    }
    let portal = marked("sending:other 2026-11-30T12:00:00Z contact_1");
    let report = run(&portal, vec![invite("acme", true)]).await;
    insta::assert_snapshot!(problem(&report), @"unknown invite/may-be-sent: another run is sending an invitation, or was cut off while it did");
    assert!(portal.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_contacts_active_invitation_is_only_marked() {
    let portal = with_ada().invited("org_acme");
    let report = run(&portal, vec![invite("acme", true)]).await;
    assert!(assert_done(&report).metadata.contains_key(INVITED));
    assert_eq!(portal.invitations(), 0);
    let _: jiff::Timestamp = mark_of(&portal).parse().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_invitation_whose_answer_is_lost_is_unknown_and_sent_once() {
    for kind in LOST {
        for when in [Before, After] {
            let portal = with_ada().fail("invite", 1, when, kind);
            let report = run(&portal, vec![invite("acme", true)]).await;
            assert_eq!(only(&report).kind(), OutcomeKind::Unknown, "{kind:?}");
            let told = problem(&report);
            assert!(told.contains("invite/may-be-sent"), "{told}");
            assert!(mark_of(&portal).starts_with(SENDING), "{kind:?}");
            // Nor does a later run.
            let report = run(&portal, vec![invite("acme", true)]).await;
            assert_eq!(only(&report).kind(), OutcomeKind::Unknown, "{kind:?}");
            let sent = portal.writes();
            let sends = sent.iter().filter(|call| call.starts_with("invite"));
            assert_eq!(sends.count(), 1, "{kind:?} {when:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_invitation_leaves_no_mark() {
    for kind in [
        Kind::Rejected,
        Kind::Forbidden,
        Kind::RateLimited,
        Kind::Concurrent,
        Kind::Unauthorized,
        Kind::Unreachable,
    ] {
        let portal = with_ada().fail("invite", 1, Before, kind);
        let report = run(&portal, vec![invite("acme", true)]).await;
        let fatal = [Kind::Unauthorized, Kind::Unreachable].contains(&kind);
        let expected = if fatal {
            OutcomeKind::NotTried
        } else {
            OutcomeKind::Refused
        };
        assert_eq!(only(&report).kind(), expected, "{kind:?}");
        assert_eq!(mark_of(&portal), "", "{kind:?}");
        // The next run sends it.
        let report = run(&portal, vec![invite("acme", true)]).await;
        assert_done(&report);
        assert_eq!(portal.invitations(), 1);
    }
    let portal = with_ada()
        .fail("invite", 1, Before, Kind::Rejected)
        .pass("put", 1)
        .fail("put", 1, Before, Kind::Forbidden);
    let report = run(&portal, vec![invite("acme", true)]).await;
    insta::assert_snapshot!(problem(&report), @"refused api/rejected: POST /fake answered 409: scripted; nothing was sent, but the organization stays marked as being invited, so plans say that an invitation may be on its way [request req_1]");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_where_the_organization_cannot_be_marked_first() {
    for kind in [Kind::Forbidden, Kind::Unauthorized, Kind::Timeout] {
        let portal = with_ada().fail("put", usize::MAX, Before, kind);
        let report = run(&portal, vec![invite("acme", true)]).await;
        assert_ne!(only(&report).kind(), OutcomeKind::Done, "{kind:?}");
        let told = problem(&report);
        assert!(told.contains("so no invitation was sent"), "{told}");
        assert_eq!(portal.invitations(), 0, "{kind:?}");
    }
    let portal = with_ada()
        .pass("read org_acme", 2)
        .fail("read org_acme", 1, Before, Kind::Server);
    let report = run(&portal, vec![invite("acme", true)]).await;
    insta::assert_snapshot!(problem(&report), @"unknown invite/may-be-sent: nothing was sent, but the organization stays marked as being invited, so plans say that an invitation may be on its way: POST /fake answered 503: scripted [request req_1]");
    assert_eq!(portal.invitations(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_could_not_be_marked_says_so_and_is_not_repeated() {
    let portal = with_ada()
        .pass("put", 1)
        .fail("put", 1, Before, Kind::Unauthorized);
    let report = run(&portal, vec![invite("acme", true)]).await;
    insta::assert_snapshot!(problem(&report), @"refused api/unauthorized: the invitation was sent, but the organization could not be marked so; it is not sent again, and plans say that it may be on its way: POST /fake answered 401: scripted [request req_1]");
    assert!(mark_of(&portal).starts_with(SENDING));
    let report = run(&portal, vec![invite("acme", true)]).await;
    assert_eq!(only(&report).kind(), OutcomeKind::Unknown);
    assert_eq!(portal.invitations(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_at_the_same_time_one_sends() {
    let portal = with_ada();
    let (one, other) = tokio::join!(
        run_as(&portal, "nonce", "acme"),
        run_as(&portal, "other", "acme")
    );
    assert_eq!(portal.invitations(), 1, "{one:?} {other:?}");
    let done = |outcome: &Outcome| outcome.kind() == OutcomeKind::Done;
    assert_eq!(
        [&one, &other].into_iter().filter(|one| done(one)).count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_slow_to_mark_does_not_send() {
    // Its first PUT was lost, and looking it up took longer than another run waits.
    let portal = with_ada().fail("put", 3, Before, Kind::Timeout);
    let report = run(&portal, vec![invite("acme", true)]).await;
    insta::assert_snapshot!(problem(&report), @"unknown invite/may-be-sent: marking the organization took 3 s, in which another run may have begun to invite, so this one sent nothing");
    assert_eq!(portal.invitations(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_mark_keeps_what_others_wrote_meanwhile() {
    let portal = with_ada().before_next("invite", |account| {
        let live = account.get_mut(&org("acme")).unwrap();
        live.metadata.insert("theirs".to_owned(), "kept".to_owned());
    });
    let report = run(&portal, vec![invite("acme", true)]).await;
    let metadata = &assert_done(&report).metadata;
    assert_eq!(metadata.keys().collect::<Vec<_>>(), [INVITED, "theirs"]);
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_was_lost_while_sending_is_written_again() {
    let portal = with_ada()
        .before_next("invite", |account| {
            let live = account.get_mut(&org("acme")).unwrap();
            live.metadata.clear();
        })
        .fail("invite", 1, After, Kind::Timeout);
    let report = run(&portal, vec![invite("acme", true)]).await;
    assert_eq!(only(&report).kind(), OutcomeKind::Unknown);
    assert!(mark_of(&portal).starts_with(SENDING));
}

#[tokio::test(start_paused = true)]
async fn who_is_not_there_is_not_invited() {
    let portal = live().contact("org_acme", "eve@acme.com");
    let report = run(&portal, vec![invite("acme", true)]).await;
    insta::assert_snapshot!(problem(&report), @"refused plan/contact-missing: the contact is not among the organization's IT contacts");
    assert!(portal.writes().is_empty());

    let portal = FakePortal::default();
    let report = run(&portal, vec![invite("acme", true)]).await;
    assert_eq!(problem(&report), "refused plan/gone: org_acme is gone");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_invited_where_it_cannot_be_marked() {
    let mut full = organization("acme");
    let keys = (0..50).map(|n| (format!("key_{n}"), "x".to_owned()));
    full.metadata.extend(keys);
    let portal = FakePortal::with([full]).contact("org_acme", "ada@acme.com");
    let report = run(&portal, vec![invite("acme", true)]).await;
    insta::assert_snapshot!(problem(&report), @"refused plan/metadata-full: there is no room in the organization's metadata to mark the invitation");
    assert!(portal.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_invitation_follows_what_its_organization_becomes() {
    let portal = FakePortal::default();
    let first = || create("acme", &[("it_contacts.ada@acme.com", "added")]);
    let report = run(&portal, vec![first(), invite("acme", false)]).await;
    assert_eq!(kinds(&report), [OutcomeKind::Done, OutcomeKind::Done]);
    let made = portal.only("acme");
    assert!(made.metadata.contains_key(INVITED));
    assert_eq!(report.organizations, [made]);

    for call in ["create", "add"] {
        let portal = FakePortal::default().fail(call, 1, Before, Kind::Rejected);
        let report = run(&portal, vec![first(), invite("acme", false)]).await;
        assert_eq!(
            kinds(&report),
            [OutcomeKind::Refused, OutcomeKind::NotTried]
        );
        let outcome = &report.changes[1].outcome;
        assert_eq!(outcome.problem().unwrap().code.as_str(), "plan/waits");
        assert_eq!(portal.invitations(), 0);
    }
    let portal = live().fail("add bob", 1, Before, Kind::RateLimited);
    let report = run(&portal, vec![two_contacts(), invite("acme", true)]).await;
    assert_eq!(
        kinds(&report),
        [OutcomeKind::Refused, OutcomeKind::NotTried]
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_applied_again_finds_what_it_made_and_invited_to() {
    let portal = FakePortal::default();
    let changes = || {
        let first = create("acme", &[("it_contacts.ada@acme.com", "added")]);
        vec![first, invite("acme", false)]
    };
    for _ in 0..2 {
        let report = run(&portal, changes()).await;
        assert!(report.is_complete(), "{report:?}");
    }
    assert_eq!(portal.invitations(), 1);
    assert_eq!(portal.organizations_now().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_keeps_invitations_from_being_sent() {
    let portal = with_ada();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let report = run_until(&portal, vec![invite("acme", true)], 4, cancel).await;
    assert_eq!(kinds(&report), [OutcomeKind::NotTried]);
    assert!(portal.log().is_empty());
}

// At once.

fn options() -> Options<'static> {
    Options {
        concurrency: 1,
        cancel: CancellationToken::new(),
        clock: &SystemClock,
        permit: &Always,
        nonce: "nonce".to_owned(),
    }
}

fn invitation() -> Invitation {
    match invite("acme", true).action {
        Action::Invite(invitation) => invitation,
        other => panic!("{other:?}"),
    }
}

/// Sends the invitation of a plan as a run with another nonce would.
async fn run_as(portal: &FakePortal, nonce: &str, key: &str) -> Outcome {
    let plan = plan_of(vec![invite(key, true)]);
    let options = Options {
        nonce: nonce.to_owned(),
        ..options()
    };
    let report = apply(portal, &plan, &options, &Quiet).await;
    report.changes[0].outcome.clone()
}

/// Progress that is not shown.
struct Quiet;

impl ApplyProgress for Quiet {
    fn ended(&self, _: &Change, _: &Outcome) {}
}

async fn now(portal: &FakePortal, add: &[&str], again: bool) -> Result<Invited, Outcome> {
    let add: Vec<Email> = add.iter().map(|text| Email::parse(text).unwrap()).collect();
    let now = InviteNow {
        invitation: &invitation(),
        add: &add,
        delivery: if again {
            Delivery::Again
        } else {
            Delivery::Once
        },
    };
    invite_now(portal, &org("acme"), now, &options()).await
}

#[track_caller]
fn refused(result: Result<Invited, Outcome>) -> String {
    let outcome = result.unwrap_err();
    let problem = outcome.problem().unwrap();
    format!("{} {}: {problem}", outcome.kind(), problem.code)
}

#[tokio::test(start_paused = true)]
async fn at_once_contacts_are_added_one_is_invited_and_it_is_marked() {
    let portal = live();
    let sent = now(&portal, &["ada@acme.com", "bob@acme.com"], false).await;
    assert_eq!(sent, Ok(Invited::Now));
    assert_eq!(
        portal.contacts_of("org_acme"),
        ["ada@acme.com", "bob@acme.com"]
    );
    assert!(mark_of(&portal).ends_with(" contact_1"));
    insta::assert_snapshot!(refused(now(&portal, &[], false).await), @"refused invite/already-invited: it was invited meanwhile");
    assert_eq!(portal.invitations(), 1);
}

#[tokio::test(start_paused = true)]
async fn at_once_nothing_is_sent_while_an_earlier_one_may_be_on_its_way() {
    let portal = marked("sending:other");
    insta::assert_snapshot!(refused(now(&portal, &[], false).await), @"refused invite/may-be-sent: another run is sending an invitation, or was cut off while it did");
    assert!(portal.writes().is_empty());
    assert_eq!(now(&portal, &[], true).await, Ok(Invited::Now));
    assert_eq!(portal.invitations(), 1);
}

#[tokio::test(start_paused = true)]
async fn again_ends_the_active_one_first_whoever_has_it() {
    let portal = marked("then")
        .contact("org_acme", "eve@acme.com")
        .fail("revoke contact_1", 1, Before, Kind::NotFound)
        .invited("org_acme");
    assert_eq!(now(&portal, &[], true).await, Ok(Invited::Now));
    assert_eq!(
        portal.writes(),
        [
            "put org_acme",
            "revoke contact_1",
            "revoke contact_2",
            "invite contact_1 to sso directory_sync",
            "put org_acme",
        ]
    );
    assert!(mark_of(&portal).ends_with(" contact_1"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_revoked_keeps_from_sending_again_and_the_mark_as_it_was() {
    let portal = marked("then")
        .invited("org_acme")
        .fail("revoke", 1, Before, Kind::Forbidden);
    insta::assert_snapshot!(refused(now(&portal, &[], true).await), @"refused api/forbidden: POST /fake answered 403: scripted [request req_1]");
    assert_eq!(mark_of(&portal), "then");
    assert_eq!(portal.invitations(), 0);

    // A setup link of the dashboard: no contact has it.
    let portal = with_ada()
        .invited("org_acme")
        .fail("revoke", 1, Before, Kind::NotFound);
    insta::assert_snapshot!(refused(now(&portal, &[], true).await), @"refused portal/setup-link-active: WorkOS still has an active invitation or setup link of the organization");
    assert_eq!(mark_of(&portal), "");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_whose_answer_is_lost_is_tried_again() {
    for when in [Before, After] {
        let portal = marked("then").fail("revoke", 1, when, Kind::Timeout);
        let contacts = contacts(&portal, &org("acme")).await;
        let revoked = revoke(&portal, &portal.only("acme"), &contacts, &options()).await;
        assert_eq!(revoked, Ok(true));
        assert!(mark_of(&portal).starts_with("ended:"));
    }
    let gone = error(Kind::Server, None);
    let portal = with_ada().fail_with("revoke", 9, Before, gone);
    let contacts = contacts(&portal, &org("acme")).await;
    let revoked = revoke(&portal, &portal.only("acme"), &contacts, &options()).await;
    assert_eq!(revoked.unwrap_err().kind(), OutcomeKind::Unknown);
    let revoked = revoke(&portal, &portal.only("acme"), &[], &options()).await;
    assert_eq!(revoked, Ok(false));
    assert_eq!(mark_of(&portal), "");
}

async fn contacts(
    portal: &FakePortal,
    id: &OrganizationId,
) -> Vec<portalctl_model::observed::ItContact> {
    match portal.it_contacts(id).await {
        Ok(Answer::Found(contacts)) => contacts,
        other => panic!("{other:?}"),
    }
}
