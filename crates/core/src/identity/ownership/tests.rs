//! Tests of ownership: every row of the table for the command line and for the operator.

use std::collections::BTreeMap;

use super::Presence::{Gone, Living, Unknown};
use super::*;
use portalctl_model::OrganizationId;

fn live(marks: &[(&str, &str)]) -> Organization {
    let marks = marks
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Organization {
        id: OrganizationId::from_api("org_1"),
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: marks.collect::<BTreeMap<_, _>>(),
        created_at: None,
        updated_at: None,
    }
}

fn ownership(owner: Option<&str>, holder: Option<&str>) -> Ownership {
    let owner = owner.map(|owner| (mark::OWNER, owner));
    let holder = holder.map(|holder| (mark::HOLDER, holder));
    let marks: Vec<_> = owner.into_iter().chain(holder).collect();
    Ownership::of(&live(&marks))
}

fn holder(text: &str) -> Holder {
    text.parse().unwrap()
}

fn name(text: &str) -> ManifestName {
    ManifestName::parse(text).unwrap()
}

/// The claim of `here/team-a/acme` in an environment of the namespace `portal`.
fn tenant<'a>(resource: &'a Holder, manifest: &'a ManifestName) -> Claimant<'a> {
    Claimant {
        resource,
        environment_namespace: "portal",
        manifest: Some(manifest),
        allows_adoption: false,
        transfers: &[],
        named_by_status: false,
        holder: Unknown,
    }
}

#[test]
fn marks_are_read_and_blank_ones_are_none() {
    assert_eq!(ownership(None, None), Ownership::Unmarked);
    assert_eq!(ownership(Some(" "), Some("")), Ownership::Unmarked);
    let owned = Ownership::OwnedBy("customers".to_owned());
    assert_eq!(ownership(Some("customers"), None), owned);
    let held = ownership(Some("customers"), Some("here/team-a/acme"));
    assert_eq!(held.owner(), Some("customers"));
    let resource = held.holder().and_then(HolderMark::resource);
    assert_eq!(resource, Some(&holder("here/team-a/acme")));
}

#[test]
fn the_command_line_is_told_whose_an_organization_is() {
    let own = ResourceName {
        namespace: Some("team-a".to_owned()),
        name: "acme".to_owned(),
    };
    let (manifest, previous) = (name("customers"), [name("kunden")]);
    let declarant = Declarant {
        manifest: Some(&manifest),
        previous: &previous,
        resource: None,
    };
    let nameless = Declarant {
        manifest: None,
        ..declarant
    };
    let kubernetes = Declarant {
        resource: Some(&own),
        ..declarant
    };
    let theirs = |name: &str| Standing::Theirs(OtherOwner::Manifest(name.to_owned()));
    let operators = |text: &str| {
        let mark = HolderMark::read(text).unwrap();
        Standing::Theirs(OtherOwner::Operator(mark))
    };
    let former = Standing::FormerlyOurs("kunden".to_owned());
    let held = "here/team-a/acme";
    for (owner, by, who, expected) in [
        (None, None, declarant, Standing::Free),
        (None, None, nameless, Standing::Free),
        (Some("customers"), None, declarant, Standing::Ours),
        (Some("kunden"), None, declarant, former),
        (Some("others"), None, declarant, theirs("others")),
        (Some("customers"), None, nameless, theirs("customers")),
        (Some("kunden"), None, nameless, theirs("kunden")),
        (Some("customers"), Some(held), declarant, operators(held)),
        (None, Some(held), nameless, operators(held)),
        (None, Some("x"), kubernetes, operators("x")),
        (
            Some("others"),
            Some(held),
            kubernetes,
            Standing::OwnResource(holder(held)),
        ),
        (
            None,
            Some("there/team-a/acme"),
            kubernetes,
            Standing::OwnResource(holder("there/team-a/acme")),
        ),
        (
            Some("customers"),
            Some("here/team-b/acme"),
            kubernetes,
            operators("here/team-b/acme"),
        ),
    ] {
        let found = ownership(owner, by).for_manifest(&who);
        assert_eq!(found, expected, "{owner:?} {by:?}");
    }
}

#[test]
fn the_operator_takes_what_nobody_holds_at_home_and_asks_elsewhere() {
    let (at_home, elsewhere) = (holder("here/portal/acme"), holder("here/team-a/acme"));
    let manifest = name("customers");
    let asks = Decision::NeedsPermission(Permission::AllowAdoption);
    for (owner, resource, adoption, named, expected) in [
        (None, &at_home, false, false, Decision::TakeHold),
        (None, &elsewhere, false, false, asks.clone()),
        (None, &elsewhere, true, false, Decision::TakeHold),
        // A status alone makes nothing of a stranger's organization ours.
        (None, &elsewhere, false, true, asks.clone()),
        (
            Some("customers"),
            &at_home,
            false,
            false,
            Decision::TakeHold,
        ),
        (Some("customers"), &elsewhere, false, false, asks.clone()),
        (
            Some("customers"),
            &elsewhere,
            true,
            false,
            Decision::TakeHold,
        ),
        // As an operator left it that wrote no holder marks yet.
        (
            Some("customers"),
            &elsewhere,
            false,
            true,
            Decision::TakeHold,
        ),
    ] {
        let claimant = Claimant {
            allows_adoption: adoption,
            named_by_status: named,
            ..tenant(resource, &manifest)
        };
        let found = ownership(owner, None).for_resource(&claimant);
        assert_eq!(found, expected, "{owner:?} {resource} {adoption} {named}");
    }
}

#[test]
fn another_manifests_organization_is_a_conflict_whatever_is_allowed() {
    let (resource, manifest) = (holder("here/portal/acme"), name("customers"));
    let claimant = Claimant {
        allows_adoption: true,
        named_by_status: true,
        holder: Gone,
        ..tenant(&resource, &manifest)
    };
    let nameless = Claimant {
        manifest: None,
        ..claimant
    };
    let conflict = |name: &str| Decision::Conflict(Obstacle::OtherManifest(name.to_owned()));
    let others = ownership(Some("others"), None);
    assert_eq!(others.for_resource(&claimant), conflict("others"));
    let gone = ownership(Some("others"), Some("here/portal/old"));
    assert_eq!(gone.for_resource(&claimant), conflict("others"));
    let ours = ownership(Some("customers"), None);
    assert_eq!(ours.for_resource(&nameless), conflict("customers"));
    // Only the holder itself goes on: it held the organization before the mark was another's.
    let own = ownership(Some("others"), Some("here/portal/acme"));
    assert_eq!(own.for_resource(&claimant), Decision::Update);
}

#[test]
fn a_held_organization_is_handed_over_only_where_its_holder_is_gone() {
    let (resource, manifest) = (holder("here/team-a/acme"), name("customers"));
    let transfers = [
        Transfer {
            from_cluster: "here".to_owned(),
            from_namespace: "team-b".to_owned(),
            name: Some("moved".to_owned()),
        },
        Transfer {
            from_cluster: "there".to_owned(),
            from_namespace: "team-a".to_owned(),
            name: None,
        },
    ];
    let hand_over = |text: &str| Decision::HandOver(holder(text));
    let conflict =
        |obstacle: fn(Holder) -> Obstacle, text: &str| Decision::Conflict(obstacle(holder(text)));
    for (held, presence, expected) in [
        ("here/team-a/acme", Unknown, Decision::Update),
        (
            "here/team-a/old",
            Living,
            conflict(Obstacle::HeldByAnother, "here/team-a/old"),
        ),
        (
            "here/team-a/old",
            Unknown,
            conflict(Obstacle::HolderNotSeen, "here/team-a/old"),
        ),
        ("here/team-a/old", Gone, hand_over("here/team-a/old")),
        (
            "here/team-b/other",
            Gone,
            conflict(Obstacle::GoneElsewhere, "here/team-b/other"),
        ),
        ("here/team-b/moved", Gone, hand_over("here/team-b/moved")),
        (
            "here/team-b/moved",
            Living,
            conflict(Obstacle::HeldByAnother, "here/team-b/moved"),
        ),
        (
            "here/team-b/moved",
            Unknown,
            conflict(Obstacle::HolderNotSeen, "here/team-b/moved"),
        ),
        ("there/team-a/acme", Unknown, hand_over("there/team-a/acme")),
        // Gone here says nothing about a cluster elsewhere.
        (
            "there/team-b/acme",
            Gone,
            conflict(Obstacle::OtherCluster, "there/team-b/acme"),
        ),
    ] {
        for owner in [None, Some("customers")] {
            for adoption in [false, true] {
                let claimant = Claimant {
                    transfers: &transfers,
                    allows_adoption: adoption,
                    // Nothing of this helps against a holder.
                    named_by_status: true,
                    holder: presence,
                    ..tenant(&resource, &manifest)
                };
                let found = ownership(owner, Some(held)).for_resource(&claimant);
                assert_eq!(found, expected, "{held} {presence:?}");
            }
        }
    }
    let unreadable = ownership(None, Some("somebody"));
    let claimant = Claimant {
        holder: Gone,
        ..tenant(&resource, &manifest)
    };
    assert_eq!(
        unreadable.for_resource(&claimant),
        Decision::Conflict(Obstacle::UnreadableHolder("somebody".to_owned()))
    );
}

#[test]
fn of_two_that_claim_the_same_the_one_whose_status_names_it_has_it() {
    let contender = |decision: Decision, named_by_status: bool| Contender {
        decision,
        named_by_status,
    };
    let lost = || Decision::Conflict(Obstacle::ClaimedByAnother);
    let asks = || Decision::NeedsPermission(Permission::AllowAdoption);
    let take = || Decision::TakeHold;
    let old = || Decision::HandOver(holder("here/portal/old"));
    for (claims, expected) in [
        (vec![(take(), false)], vec![take()]),
        (vec![(take(), false), (take(), false)], vec![lost(), lost()]),
        (vec![(take(), true), (take(), false)], vec![take(), lost()]),
        (vec![(take(), true), (take(), true)], vec![lost(), lost()]),
        (vec![(old(), false), (old(), true)], vec![lost(), old()]),
        // Whoever is refused anyway is nobody's rival.
        (vec![(take(), false), (asks(), true)], vec![take(), asks()]),
        (
            vec![(Decision::Update, false), (lost(), true)],
            vec![Decision::Update, lost()],
        ),
    ] {
        let mut contenders: Vec<Contender> = claims
            .into_iter()
            .map(|(decision, named)| contender(decision, named))
            .collect();
        settle(&mut contenders);
        let found: Vec<Decision> = contenders.into_iter().map(|one| one.decision).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_tenant_is_told_nothing_about_others() {
    let rival = holder("there/team-secret/rival");
    for obstacle in [
        Obstacle::OtherManifest("team-secret".to_owned()),
        Obstacle::HeldByAnother(rival.clone()),
        Obstacle::HolderNotSeen(rival.clone()),
        Obstacle::OtherCluster(rival.clone()),
        Obstacle::GoneElsewhere(rival),
        Obstacle::UnreadableHolder("team-secret".to_owned()),
    ] {
        let told = obstacle.message(Audience::Tenant);
        assert!(
            !told.contains("secret") && !told.contains("there"),
            "{told}"
        );
        let told = obstacle.message(Audience::Environment);
        assert!(told.contains("team-secret"), "{told}");
    }
}

#[test]
fn only_the_holder_deletes_and_only_what_its_manifest_owns() {
    let (ours, own) = (name("customers"), holder("here/portal/acme"));
    let (manifest, held) = (Some("customers"), Some("here/portal/acme"));
    let not_ours = Err(Undeletable::NotOurs);
    let held_by = |text: &str| Err(Undeletable::HeldBy(HolderMark::read(text).unwrap()));
    for (owner, by, resource, expected) in [
        (None, None, None, not_ours.clone()),
        (Some("others"), None, None, not_ours.clone()),
        (manifest, None, None, Ok(())),
        (manifest, held, None, held_by("here/portal/acme")),
        (manifest, Some("x"), None, held_by("x")),
        (manifest, Some("x"), Some(&own), held_by("x")),
        (None, held, Some(&own), not_ours.clone()),
        (manifest, held, Some(&own), Ok(())),
        (manifest, None, Some(&own), Ok(())),
        (
            manifest,
            Some("there/portal/acme"),
            Some(&own),
            held_by("there/portal/acme"),
        ),
    ] {
        let found = ownership(owner, by).may_be_deleted_by(Some(&ours), resource);
        assert_eq!(found, expected, "{owner:?} {by:?}");
    }
    let nobody = ownership(None, None).may_be_deleted_by(None, None);
    assert_eq!(nobody, not_ours);
}

#[test]
fn a_decision_says_whether_the_organization_is_the_resources_and_whether_its_mark_changes() {
    let former = holder("here/team-a/former");
    let decisions = [
        (Decision::Update, true, false),
        (Decision::TakeHold, true, true),
        (Decision::HandOver(former.clone()), true, true),
        (
            Decision::NeedsPermission(Permission::AllowAdoption),
            false,
            false,
        ),
        (
            Decision::Conflict(Obstacle::OtherCluster(former)),
            false,
            false,
        ),
    ];
    for (decision, is_granted, changes_holder) in decisions {
        assert_eq!(decision.is_granted(), is_granted, "{decision:?}");
        assert_eq!(decision.changes_holder(), changes_holder, "{decision:?}");
    }
    assert_eq!(Permission::AllowAdoption.to_string(), "allowAdoption");
}

#[test]
fn another_owner_is_named_by_what_it_is() {
    let told = |mark: &str| {
        let ownership = ownership(None, Some(mark));
        OtherOwner::Operator(ownership.holder().unwrap().clone()).to_string()
    };
    let manifest = OtherOwner::Manifest("others\u{1b}".to_owned()).to_string();
    assert_eq!(manifest, r"the manifest `others\u{1b}`");
    assert_eq!(
        told("here/team-a/acme"),
        "the operator of the cluster `here`, for PortalOrganization team-a/acme"
    );
    assert_eq!(told("odd\u{1b}"), r"an operator, by the mark `odd\u{1b}`");
}
