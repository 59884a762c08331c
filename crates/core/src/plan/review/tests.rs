//! Attacks on reviews: what nobody saw is not done, and what is done already is no obstacle.

use super::*;
use crate::identity::MatchedBy;
use crate::plan::{Action, Destination, Destinations, FieldChange, Flag, Invitation, Reason};
use portalctl_model::desired::{DeclaredDomainState, FieldPath, Source};
use portalctl_model::observed::DomainState;
use portalctl_model::return_url::LocalHttp;
use portalctl_model::{AllowedHosts, Email, Intent, ManifestName, OrganizationId, ReturnUrl, mark};

fn key(text: &str) -> OrgKey {
    OrgKey::parse(text).unwrap()
}

fn id(text: &str) -> OrganizationId {
    OrganizationId::from_api(format!("org_{text}"))
}

fn name(before: Option<&str>, after: &str) -> FieldChange {
    FieldChange::Name {
        before: before.map(str::to_owned),
        after: Some(after.to_owned()),
    }
}

fn external_id(text: &str) -> FieldChange {
    let after = Some(text.to_owned());
    FieldChange::read(FieldPath::ExternalId, None, after).unwrap()
}

fn tier(before: Option<&str>, after: Option<&str>) -> FieldChange {
    FieldChange::metadata("tier", before.map(str::to_owned), after.map(str::to_owned))
}

fn domain(text: &str, before: Option<DomainState>, adds: bool) -> FieldChange {
    FieldChange::Domain {
        domain: Domain::parse(text).unwrap(),
        before,
        after: adds.then_some(DeclaredDomainState::Pending),
    }
}

fn change(of: &str, action: Action, fields: Vec<FieldChange>) -> Change {
    Change {
        key: key(of),
        action,
        fields,
        reason: Reason::Differs(MatchedBy::ExternalId),
        source: Source::nowhere(),
    }
}

fn update(of: &str, fields: Vec<FieldChange>) -> Change {
    change(of, Action::Update(id(of)), fields)
}

fn create(of: &str, more: Vec<FieldChange>) -> Change {
    let fields = [name(None, of), external_id(of)].into_iter().chain(more);
    change(of, Action::Create, fields.collect())
}

fn invite(of: &str, contact: &str) -> Change {
    let invitation = Invitation {
        organization: None,
        contact: Email::parse(contact).unwrap(),
        intents: [Intent::Sso].into(),
        not_invitable: BTreeSet::new(),
    };
    change(of, Action::Invite(invitation), Vec::new())
}

fn plan(changes: Vec<Change>) -> Plan {
    Plan {
        changes,
        ..Plan::default()
    }
}

fn urls(url: &str) -> Destinations {
    let any = AllowedHosts::default();
    Destinations {
        allowed_hosts: any.clone(),
        urls: vec![Destination {
            organizations: None,
            key: None,
            setting: "return_urls.default".to_owned(),
            url: ReturnUrl::parse(url, &any, LocalHttp::Refused).unwrap(),
        }],
    }
}

fn reviewed(plans: &[&Plan]) -> Reviews {
    Reviews {
        digests: plans.iter().map(|plan| Digest::of(plan)).collect(),
        reviews: plans.iter().map(|plan| Review::of(plan)).collect(),
    }
}

/// Returns the entries that are changed, and those that are left out.
fn approved(reviewed: &Plan, now: Plan) -> (Vec<String>, Vec<String>) {
    let approved = self::reviewed(&[reviewed]).approve(now).unwrap();
    let Plan {
        changes, conflicts, ..
    } = approved.plan;
    let done = changes.iter().map(|change| change.key.to_string());
    let left = conflicts.iter().map(|it| format!("{} {}", it.key, it.code));
    (done.collect(), left.collect())
}

/// Every kind of change that the review does not have.
#[test]
fn an_entry_with_an_effect_that_nobody_reviewed_is_left_out_whole() {
    let was = plan(vec![
        update("acme", vec![name(Some("A"), "B"), tier(None, Some("x"))]),
        update("beta", vec![tier(None, Some("x"))]),
    ]);
    let owner = || FieldChange::metadata(mark::OWNER, Some("theirs".into()), Some("ours".into()));
    let protect = || FieldChange::metadata(mark::PROTECT, Some("true".into()), None);
    let more = |field: FieldChange| vec![name(Some("A"), "B"), tier(None, Some("x")), field];
    let forged = [
        update("acme", vec![name(Some("A"), "C"), tier(None, Some("x"))]),
        update("acme", vec![name(Some("Z"), "B"), tier(None, Some("x"))]),
        update(
            "acme",
            vec![name(Some("A"), "B"), tier(Some("y"), Some("x"))],
        ),
        update("acme", vec![name(Some("A"), "B"), tier(None, None)]),
        update("acme", more(owner())),
        update("acme", more(protect())),
        update("acme", more(domain("acme.com", None, true))),
        update(
            "acme",
            more(domain("acme.com", Some(DomainState::Verified), false)),
        ),
        create("acme", vec![tier(None, Some("x"))]),
        change("acme", Action::Adopt(id("x")), vec![tier(None, Some("x"))]),
        change(
            "acme",
            Action::Delete(id("acme")),
            vec![name(Some("A"), "B")],
        ),
        invite("acme", "eve@evil.example"),
    ];
    for forged in forged {
        let beta = || update("beta", vec![tier(None, Some("x"))]);
        let (done, left) = approved(&was, plan(vec![forged.clone(), beta()]));
        assert_eq!(done, ["beta"], "{forged:?}");
        assert_eq!(left, ["acme plan/not-reviewed"], "{forged:?}");
        // A second change of the entry that was reviewed goes with it.
        let own = update("acme", vec![tier(None, Some("x"))]);
        let (done, _) = approved(&was, plan(vec![own, forged.clone(), beta()]));
        assert_eq!(done, ["beta"], "{forged:?}");
    }
}

#[test]
fn a_deletion_and_an_invitation_are_one_effect_with_all_that_was_shown() {
    let delete = |of: &str, shown: &str| {
        let fields = vec![FieldChange::Name {
            before: Some(shown.to_owned()),
            after: None,
        }];
        plan(vec![change("acme", Action::Delete(id(of)), fields)])
    };
    let was = delete("acme", "Acme");
    assert_eq!(approved(&was, delete("acme", "Acme")).0, ["acme"]);
    assert!(approved(&was, delete("acme", "Beta")).0.is_empty());
    assert!(approved(&was, delete("other", "Acme")).0.is_empty());
    let was = plan(vec![invite("acme", "ada@acme.example")]);
    assert_eq!(approved(&was, was.clone()).0, ["acme"]);
    let other = plan(vec![invite("acme", "eve@acme.example")]);
    assert!(approved(&was, other).0.is_empty());
}

#[test]
fn a_creation_that_was_reviewed_is_no_adoption() {
    let was = plan(vec![create("acme", Vec::new())]);
    let adopt = change("acme", Action::Adopt(id("x")), vec![external_id("acme")]);
    assert!(approved(&was, plan(vec![adopt])).0.is_empty());
}

#[test]
fn a_creation_that_was_cut_off_is_completed_by_an_update() {
    let was = plan(vec![
        create("acme", vec![tier(None, Some("x"))]),
        create("beta", Vec::new()),
        invite("acme", "ada@acme.example"),
    ]);
    let mut invited = invite("acme", "ada@acme.example");
    if let Action::Invite(invitation) = &mut invited.action {
        invitation.organization = Some(id("acme"));
    }
    let left = plan(vec![
        create("beta", Vec::new()),
        update("acme", vec![tier(None, Some("x"))]),
        invited,
    ]);
    let (done, left_out) = approved(&was, left);
    assert_eq!(done, ["beta", "acme", "acme"]);
    assert!(left_out.is_empty());
}

#[test]
fn when_nothing_is_left_no_review_is_needed() {
    let was = plan(vec![update("acme", vec![tier(None, Some("x"))])]);
    let digest_alone = Reviews {
        digests: [Digest::of(&was)].into(),
        reviews: Vec::new(),
    };
    assert_eq!(digest_alone.approve(Plan::default()).unwrap().unplanned, 0);
    assert_eq!(
        reviewed(&[&was])
            .approve(Plan::default())
            .unwrap()
            .unplanned,
        1
    );
    let less = plan(vec![update("beta", vec![tier(None, Some("x"))])]);
    let refused = digest_alone.approve(less).unwrap_err();
    assert_eq!(refused, NotApproved::OtherDigest);
}

#[test]
fn people_are_sent_only_where_a_review_says() {
    let now = |url: &str| Plan {
        destinations: urls(url),
        ..plan(vec![update("acme", vec![tier(None, Some("x"))])])
    };
    let was = now("https://app.example.com/");
    let evil = now("https://app.examp1e-login.com/");
    assert_ne!(Digest::of(&was), Digest::of(&evil));
    let refused = reviewed(&[&was]).approve(evil.clone()).unwrap_err();
    assert_eq!(refused, NotApproved::OtherDestinations);
    // A longer list of hosts is another one, too.
    let mut listed = was.clone();
    listed.destinations.allowed_hosts = AllowedHosts::new(["app.example.com".to_owned()]);
    assert!(reviewed(&[&was]).approve(listed).is_err());
    assert!(reviewed(&[&was]).approve(was.clone()).is_ok());
    // Of several reviews that were merged together, one changed the addresses.
    let evil_alone = Plan {
        changes: Vec::new(),
        ..evil.clone()
    };
    assert!(reviewed(&[&was, &evil_alone]).approve(evil).is_ok());
}

#[test]
fn a_review_is_of_one_environment() {
    let of = |manifest: &str, environment: &str| Plan {
        target: Target {
            environment: Some(environment.to_owned()),
            endpoint: "api.workos.com".to_owned(),
            manifest: ManifestName::parse(manifest).ok(),
            ..Target::default()
        },
        ..plan(vec![update("acme", vec![tier(None, Some("x"))])])
    };
    let was = of("customers", "staging");
    for other in [of("customers", "production"), of("others", "staging")] {
        let refused = reviewed(&[&was]).approve(other.clone()).unwrap_err();
        assert_eq!(refused, NotApproved::OtherTarget);
        // Its effects do not count beside a review of the right one either.
        let nothing = Plan {
            changes: Vec::new(),
            ..other.clone()
        };
        let approved = reviewed(&[&was, &nothing]).approve(other).unwrap();
        assert!(approved.plan.changes.is_empty());
    }
}

#[test]
fn a_domain_moves_as_a_whole_or_not_at_all() {
    let moves = |more: Vec<FieldChange>| {
        let gives = domain("a.example", Some(DomainState::Pending), false);
        let gets = domain("a.example", None, true);
        let passes = domain("b.example", Some(DomainState::Pending), false);
        plan(vec![
            update("acme", vec![gives].into_iter().chain(more).collect()),
            update("beta", vec![gets, passes]),
            update("gamma", vec![domain("b.example", None, true)]),
            update("delta", vec![tier(None, Some("x"))]),
        ])
    };
    let (done, left) = approved(&moves(Vec::new()), moves(vec![name(Some("A"), "B")]));
    assert_eq!(done, ["delta"]);
    let codes = ["acme", "beta", "gamma"].map(|key| format!("{key} plan/not-reviewed"));
    assert_eq!(left, codes);
}

#[test]
fn what_was_reviewed_and_is_held_now_is_named_with_its_flag() {
    let rekey = update("acme", vec![external_id("acme")]);
    let was = plan(vec![rekey.clone()]);
    let now = Plan {
        held: vec![Held {
            change: rekey,
            reason: HeldReason::NeedsFlag,
            flag: Flag::AllowRekey,
            permission: None,
        }],
        ..plan(vec![update("beta", vec![tier(None, Some("x"))])])
    };
    let (done, left) = approved(&was, now);
    assert!(done.is_empty());
    assert_eq!(left, ["acme plan/reviewed-held", "beta plan/not-reviewed"]);
}

#[test]
fn a_message_names_fields_without_values_and_masks_addresses() {
    let contact = FieldChange::ItContact(Email::parse("eve@evil.example").unwrap());
    let now = plan(vec![update(
        "acme",
        vec![tier(None, Some("secret")), contact],
    )]);
    let approved = reviewed(&[&Plan::default()]).approve(now).unwrap();
    let message = &approved.plan.conflicts[0].message;
    insta::assert_snapshot!(message, @"its update has what nobody reviewed: metadata.tier, it_contacts.e***@evil.example");
}

#[test]
fn a_review_is_written_as_one_word_and_read_back() {
    let was = Plan {
        destinations: urls("https://app.example.com/"),
        ..plan(vec![create("acme", vec![tier(None, Some("x"))])])
    };
    let review = Review::of(&was);
    let word = review.encode().unwrap();
    assert!(!word.contains(['-', ' ', '<', '>']), "{word}");
    assert_eq!(Review::decode(&word), Some(review));
    for broken in ["", "AAAA", &word[4..], &format!("{word}="), "%"] {
        assert_eq!(Review::decode(broken), None, "{broken}");
    }
    let many = |count: usize| {
        let changes = (0..count).map(|n| update(&format!("org-{n}"), vec![tier(None, None)]));
        Review::of(&plan(changes.collect())).encode()
    };
    assert!(many(MAX_WRITTEN_EFFECTS).is_some_and(|word| word.len() < 33_000));
    assert!(many(MAX_WRITTEN_EFFECTS + 1).is_none());
}
