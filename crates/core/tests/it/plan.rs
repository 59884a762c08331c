//! Tests planned changes, held changes, and the content of the digest.

use crate::support::lint::lint;
use portalctl_core::plan::{
    Action, ActionKind, Change, FieldChange, Flag, HeldReason, Plan, Target, Unmanaged,
};
use portalctl_model::desired::{FieldGroup, FieldPath, Limits, Source, UpdateLimit};
use portalctl_model::observed::DomainState::{LegacyVerified, Pending, Unverified, Verified};
use portalctl_model::observed::{Answer, Coverage};
use portalctl_model::return_url::LocalHttp;
use portalctl_model::{AllowedHosts, ClientId, Intent, ReturnUrl};

use crate::support::world::{
    ALL_POWERS, Live, OWNER, PROTECT, World, apply, domain, key, org_id, text,
};

fn metadata(key: &str) -> FieldPath {
    FieldPath::Metadata(key.to_owned())
}

/// One customer with something in every field.
fn acme() -> World {
    World::new().manifest("customers").org("acme", |o| {
        o.name("Acme")
            .domains(["acme.com"])
            .metadata("tier", "gold")
            .stripe("cus_1")
            .protect(true)
    })
}

#[test]
fn a_create_sets_everything_that_is_declared_and_the_marks() {
    let mut world = acme();
    world.edit("acme", |o| {
        o.external_id("crm-17")
            .trusted("acme.io")
            .without_metadata("legacy")
    });
    insta::assert_snapshot!(world.plan(&Live::new()), @r#"
    + acme
        name "Acme"
        external_id "crm-17"
        stripe_customer_id "cus_1"
        domains.acme.com "pending"
        domains.acme.io "pending"
        metadata.portalctl_owner "customers"
        metadata.portalctl_protect "true"
        metadata.tier "gold"
    # acme create  needs --allow-trusted-domains  domains.acme.io "verified"
    "#);
}

#[test]
fn a_create_without_a_named_manifest_carries_no_owner_mark() {
    let world = World::new().org("acme", |o| o.protect(false));
    insta::assert_snapshot!(world.plan(&Live::new()), @r#"
    + acme
        name "acme"
        external_id "acme"
    "#);
}

/// The expected live state after a create is computed without the planner.
#[test]
fn what_a_create_makes_is_what_was_declared() {
    let mut world = acme()
        .org("globex", |o| {
            o.trusted("globex.com").ignore(FieldPath::Name)
        })
        .org("initech", |o| {
            o.ignore_all(FieldGroup::Metadata).metadata("a", "b")
        });
    world.policy = ALL_POWERS;
    let (_, after) = world.settle(&Live::new());
    assert_eq!(after, world.live());
    insta::assert_snapshot!(world.plan(&after), @"= 3 unchanged");
}

#[test]
fn a_trusted_domain_is_created_pending_until_its_trust_is_allowed() {
    let world = World::new().org("acme", |o| o.domains(["acme.io"]).trusted("acme.com"));
    insta::assert_snapshot!(world.plan(&Live::new()), @r#"
    + acme
        name "acme"
        external_id "acme"
        domains.acme.com "pending"
        domains.acme.io "pending"
    # acme create  needs --allow-trusted-domains  domains.acme.com "verified"
    "#);
    let allowed = world.clone().allow(Flag::AllowTrustedDomains);
    insta::assert_snapshot!(allowed.plan(&Live::new()), @r#"
    + acme
        name "acme"
        external_id "acme"
        domains.acme.com "verified"
        domains.acme.io "pending"
    "#);
    // On what exists, trust is never a change: not for a domain that is there, nor for a new one.
    let live = Live::new().org("org_acme", |o| {
        o.name("acme")
            .external_id("acme")
            .domain("acme.io", Pending)
    });
    insta::assert_snapshot!(allowed.plan(&live), @r#"~ acme org_acme  domains.acme.com "pending""#);
    let live = allowed.live();
    let mut pending = live.clone();
    pending.edit("org_acme", |o| o.domain("acme.com", Pending));
    insta::assert_snapshot!(allowed.plan(&pending), @"= 1 unchanged");
}

#[test]
fn only_what_differs_is_updated() {
    let world = acme();
    let mut live = world.live();
    insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
    live.edit("org_acme", |o| {
        o.name("ACME")
            .stripe("cus_2")
            .metadata("tier", "silver")
            .metadata("foreign", "kept")
    });
    let (plan, after) = world.settle(&live);
    insta::assert_snapshot!(text(&plan), @r#"
    ~ acme org_acme
        name "ACME" -> "Acme"
        stripe_customer_id "cus_2" -> "cus_1"
        metadata.tier "silver" -> "gold"
    "#);
    assert_eq!(after.get("org_acme").metadata["foreign"], "kept");
    assert_eq!(after.get("org_acme").metadata[OWNER], "customers");
}

#[test]
fn what_is_not_declared_is_left_alone() {
    let world = World::new().org("acme", |o| o.pin("org_1").nameless());
    let live = Live::new().org("org_1", |o| {
        o.name("Whatever")
            .external_id("x")
            .stripe("cus_9")
            .domain("acme.com", Verified)
            .metadata("a", "b")
            .metadata(PROTECT, "true")
    });
    insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
}

#[test]
fn metadata_is_added_changed_and_removed_by_key() {
    let world = World::new().org("acme", |o| {
        o.metadata("new", "1")
            .metadata("changed", "2")
            .metadata("same", "3")
            .metadata("empty", "")
            .without_metadata("gone")
            .without_metadata("never-there")
    });
    let live = Live::new().org("org_acme", |o| {
        o.name("acme")
            .external_id("acme")
            .metadata("changed", "1")
            .metadata("same", "3")
            .metadata("gone", "x")
            .metadata("foreign", "y")
    });
    let (plan, after) = world.settle(&live);
    insta::assert_snapshot!(text(&plan), @r#"
    ~ acme org_acme
        metadata.changed "1" -> "2"
        metadata.empty ""
        metadata.gone "x" -> absent
        metadata.new "1"
    "#);
    let keys: Vec<&String> = after.get("org_acme").metadata.keys().collect();
    assert_eq!(keys, ["changed", "empty", "foreign", "new", "same"]);
}

#[test]
fn protection_is_set_and_dropped_only_when_declared() {
    let plain = World::new().org("acme", |o| o);
    let protected = World::new().org("acme", |o| o.protect(true));
    let unprotected = World::new().org("acme", |o| o.protect(false));
    let without = plain.live();
    let with = protected.live();
    insta::assert_snapshot!(protected.plan(&without), @r#"~ acme org_acme  metadata.portalctl_protect "true""#);
    insta::assert_snapshot!(unprotected.plan(&with), @r#"~ acme org_acme  metadata.portalctl_protect "true" -> absent"#);
    for (world, live) in [
        (&plain, &with),
        (&plain, &without),
        (&protected, &with),
        (&unprotected, &without),
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.plan(live), @"= 1 unchanged");
        }
    }
    // A mark of another value protects nothing that reads `true`.
    let mut odd = without.clone();
    odd.edit("org_acme", |o| o.metadata(PROTECT, "yes"));
    insta::assert_snapshot!(protected.plan(&odd), @r#"~ acme org_acme  metadata.portalctl_protect "yes" -> "true""#);
}

#[test]
fn no_other_mark_is_ever_a_change() {
    let world = World::new().manifest("customers").org("acme", |o| o);
    let mut live = world.live();
    live.edit("org_acme", |o| {
        o.metadata(OWNER, "partners")
            .metadata("portalctl_invited", "2026-01-15")
            .metadata("portalctl_future", "x")
    });
    insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
    // Nor is an organization that was found marked as created.
    live.edit("org_acme", |mut o| {
        o.0.metadata.clear();
        o.name("ACME")
    });
    insta::assert_snapshot!(world.plan(&live), @r#"~ acme org_acme  name "ACME" -> "acme""#);
}

#[test]
fn an_ignored_field_is_created_and_then_left_alone() {
    let mut world = acme();
    world.edit("acme", |o| {
        o.ignore(FieldPath::Name)
            .ignore(FieldPath::StripeCustomerId)
            .ignore(FieldPath::ExternalId)
            .ignore(metadata("tier"))
            .ignore(FieldPath::Domain(domain("acme.com")))
            .metadata("region", "eu")
    });
    insta::assert_snapshot!(world.plan(&Live::new()), @r#"
    + acme
        name "Acme"
        external_id "acme"
        stripe_customer_id "cus_1"
        domains.acme.com "pending"
        metadata.portalctl_owner "customers"
        metadata.portalctl_protect "true"
        metadata.region "eu"
        metadata.tier "gold"
    "#);
    let live = Live::new().org("org_acme", |o| {
        o.name("x").external_id("acme").metadata("region", "us")
    });
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ acme org_acme
        metadata.portalctl_protect "true"
        metadata.region "us" -> "eu"
    "#);
}

#[test]
fn an_ignored_external_id_is_set_on_nothing_but_what_is_created_or_adopted() {
    let mut world = World::new().org("acme", |o| {
        o.previously("old")
            .domains(["acme.com"])
            .ignore(FieldPath::ExternalId)
    });
    world.policy = ALL_POWERS;
    let adoptable = Live::new().org("org_1", |o| o.domain("acme.com", Verified));
    insta::assert_snapshot!(world.plan(&adoptable), @r#"
    > acme org_1
        name "org_1" -> "acme"
        external_id "acme"
    "#);
    let renamed = Live::new().org("org_1", |o| {
        o.name("acme")
            .external_id("old")
            .domain("acme.com", Verified)
    });
    insta::assert_snapshot!(world.plan(&renamed), @"= 1 unchanged");
    world.edit("acme", |o| o.pin("org_1").external_id("acme"));
    world.policy = World::new().policy;
    insta::assert_snapshot!(world.plan(&renamed), @"= 1 unchanged");
}

#[test]
fn a_whole_group_is_ignored_but_for_protection() {
    let mut world = acme();
    world.edit("acme", |o| {
        o.domains(["acme.com", "acme.io"])
            .exact()
            .ignore_all(FieldGroup::Metadata)
            .ignore_all(FieldGroup::Domains)
    });
    let live = Live::new().org("org_acme", |o| {
        o.name("Acme")
            .external_id("acme")
            .stripe("cus_1")
            .metadata("tier", "silver")
            .domain("other.com", Pending)
    });
    insta::assert_snapshot!(world.plan(&live), @r#"~ acme org_acme  metadata.portalctl_protect "true""#);
}

#[test]
fn domains_are_added_and_never_removed() {
    let world = World::new().org("acme", |o| o.domains(["acme.com", "acme.io"]));
    let live = Live::new().org("org_acme", |o| {
        o.name("acme")
            .external_id("acme")
            .domain("acme.io", LegacyVerified)
            .domain("other.com", Pending)
    });
    insta::assert_snapshot!(world.plan(&live), @r#"~ acme org_acme  domains.acme.com "pending""#);
}

#[test]
fn an_exact_list_removes_one_domain_a_change_and_holds_the_verified_ones() {
    let mut world = World::new().org("acme", |o| {
        o.name("Acme")
            .domains(["acme.com"])
            .exact()
            .ignore(FieldPath::Domain(domain("ignored.com")))
    });
    let live = Live::new().org("org_acme", |o| {
        o.name("acme")
            .external_id("acme")
            .domain("acme.com", Verified)
            .domain("ignored.com", Pending)
            .domain("legacy.com", LegacyVerified)
            .domain("pending.com", Pending)
            .domain("unverified.com", Unverified)
            .domain("verified.com", Verified)
    });
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ acme org_acme  name "acme" -> "Acme"
    ~ acme org_acme  domains.pending.com "pending" -> absent
    ~ acme org_acme  domains.unverified.com "unverified" -> absent
    # acme update org_acme  needs --allow-domain-removal  domains.legacy.com "legacy_verified" -> absent
    # acme update org_acme  needs --allow-domain-removal  domains.verified.com "verified" -> absent
    "#);
    let allowed = world
        .clone()
        .allow(Flag::AllowDomainRemoval)
        .allow(Flag::AllowBulk);
    insta::assert_snapshot!(allowed.plan(&live), @r#"
    ~ acme org_acme  name "acme" -> "Acme"
    ~ acme org_acme  domains.legacy.com "legacy_verified" -> absent
    ~ acme org_acme  domains.pending.com "pending" -> absent
    ~ acme org_acme  domains.unverified.com "unverified" -> absent
    ~ acme org_acme  domains.verified.com "verified" -> absent
    "#);
    // An empty list is a list.
    world.edit("acme", |o| o.domains([]).name("acme"));
    let live = Live::new().org("org_acme", |o| {
        o.name("acme")
            .external_id("acme")
            .domain("acme.com", Pending)
    });
    insta::assert_snapshot!(world.plan(&live), @r#"~ acme org_acme  domains.acme.com "pending" -> absent"#);
    // No list is none.
    world.edit("acme", |mut o| {
        o.0.domains = None;
        o
    });
    insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
}

/// Removing is bounded by `limits.delete`, which is 3 when nobody says otherwise, and never by
/// `limits.update`.
#[test]
fn removed_domains_count_under_the_limit_of_deletions() {
    let removing = |count: usize| {
        let mut world = World::new().many("org", count).limits(Limits {
            update: Some(UpdateLimit::Count(1)),
            ..Limits::default()
        });
        world.edit_all(|o| o.domains([]).exact());
        let mut live = world.live();
        for n in 0..count {
            let removed = format!("customer{n}.com");
            live.edit(&format!("org_org-{n:02}"), |o| o.domain(&removed, Pending));
        }
        live.edit("org_org-00", |o| o.name("x"));
        (world, live)
    };
    let (world, live) = removing(3);
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ org-00 org_org-00  name "x" -> "org-00"
    ~ org-00 org_org-00  domains.customer0.com "pending" -> absent
    ~ org-01 org_org-01  domains.customer1.com "pending" -> absent
    ~ org-02 org_org-02  domains.customer2.com "pending" -> absent
    "#);
    let (mut world, live) = removing(4);
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ org-00 org_org-00  name "x" -> "org-00"
    # org-00 update org_org-00  needs --allow-bulk (4, 3 allowed)  domains.customer0.com "pending" -> absent
    # org-01 update org_org-01  needs --allow-bulk (4, 3 allowed)  domains.customer1.com "pending" -> absent
    # org-02 update org_org-02  needs --allow-bulk (4, 3 allowed)  domains.customer2.com "pending" -> absent
    # org-03 update org_org-03  needs --allow-bulk (4, 3 allowed)  domains.customer3.com "pending" -> absent
    "#);
    world.desired.limits.delete = 4;
    assert_eq!(world.plan_once(&live).changes.len(), 5);
    world.desired.limits.delete = 0;
    assert_eq!(world.plan_once(&live).changes.len(), 1);
    world.policy.allow_bulk = true;
    assert_eq!(world.plan_once(&live).changes.len(), 5);
}

/// An adopted organization loses nothing before it is known to be the entry's.
#[test]
fn an_exact_list_removes_from_an_adopted_organization_in_the_next_plan() {
    let mut world = World::new().org("acme", |o| o.domains(["acme.com"]).exact());
    world.policy = ALL_POWERS;
    let live = Live::new().org("org_1", |o| {
        o.domain("acme.com", Verified).domain("other.com", Verified)
    });
    let plan = world.plan_once(&live);
    insta::assert_snapshot!(text(&plan), @r#"
    > acme org_1
        name "org_1" -> "acme"
        external_id "acme"
    "#);
    insta::assert_snapshot!(world.plan(&apply(&plan, &live)), @r#"~ acme org_1  domains.other.com "verified" -> absent"#);
}

#[test]
fn an_adoption_that_is_held_holds_everything_of_its_entry() {
    let world = World::new()
        .org("acme", |o| {
            o.name("Acme").domains(["acme.com", "acme.io"]).exact()
        })
        .allow(Flag::AllowDomainRemoval);
    let live = Live::new().org("org_1", |o| {
        o.name("x")
            .domain("acme.com", Verified)
            .domain("other.com", Pending)
    });
    insta::assert_snapshot!(world.plan(&live), @r#"
    # acme adopt org_1  needs --adopt
        name "x" -> "Acme"
        external_id "acme"
        domains.acme.io "pending"
    "#);
}

#[test]
fn values_that_only_the_guide_of_workos_refuses_are_warnings_when_they_are_sent() {
    let with = |keys: usize, id: usize| {
        World::new().org("acme", |o| {
            let o = o.name("Acme").external_id(&"a".repeat(id));
            (0..keys).fold(o, |o, n| o.metadata(&format!("key_{n:02}"), "x"))
        })
    };
    let codes = |plan: &Plan| -> Vec<_> {
        let warnings = plan.warnings.iter();
        warnings.map(|warning| warning.code.as_str()).collect()
    };
    let nothing = Live::new();
    assert!(codes(&with(10, 64).plan_once(&nothing)).is_empty());
    let created = with(11, 65).plan_once(&nothing);
    let (keys, id) = ("plan/metadata-over-guide", "plan/external-id-over-guide");
    assert_eq!(codes(&created), [id, keys]);
    // Once WorkOS has taken them, there is nothing to warn of.
    let live = with(11, 65).live();
    assert!(codes(&with(11, 65).plan_once(&live)).is_empty());
    assert_eq!(codes(&with(12, 65).plan_once(&live)), [keys]);
}

#[test]
fn an_organization_takes_as_much_metadata_as_workos_allows() {
    let world = World::new().org("acme", |o| {
        o.metadata("one", "1")
            .metadata("two", "2")
            .without_metadata("foreign_00")
            .name("Acme")
    });
    let with = |foreign: usize| {
        Live::new().org("org_acme", |o| {
            o.name("acme").external_id("acme").foreign_metadata(foreign)
        })
    };
    insta::assert_snapshot!(world.plan(&with(49)), @r#"
    ~ acme org_acme
        name "acme" -> "Acme"
        metadata.foreign_00 "x" -> absent
        metadata.one "1"
        metadata.two "2"
    * acme plan/metadata-over-guide
        it gets 50 metadata keys; WorkOS's guide allows 10, its API description 50
    "#);
    insta::assert_snapshot!(world.plan(&with(50)), @r#"
    ~ acme org_acme
        name "acme" -> "Acme"
        metadata.foreign_00 "x" -> absent
    ! acme plan/metadata-full
        org_acme would hold 51 metadata keys, WorkOS allows 50; not set: metadata.one, metadata.two
        -> declare live keys that nothing uses as null, or declare fewer
    "#);
    // Full of what nobody declares is no reason against other changes.
    let plain = World::new().org("acme", |o| o.name("Acme"));
    insta::assert_snapshot!(plain.plan(&with(50)), @r#"~ acme org_acme  name "acme" -> "Acme""#);
    let protected = World::new().org("acme", |o| o.protect(true));
    insta::assert_snapshot!(protected.plan(&with(50)), @"
    ! acme plan/metadata-full
        org_acme would hold 51 metadata keys, WorkOS allows 50; not set: metadata.portalctl_protect
        -> declare live keys that nothing uses as null, or declare fewer
    ");
    // The same when it would be adopted.
    let mut adopting = World::new().org("acme", |o| o.domains(["acme.com"]).metadata("one", "1"));
    adopting.policy = ALL_POWERS;
    let live = Live::new().org("org_1", |o| {
        o.domain("acme.com", Verified).foreign_metadata(50)
    });
    insta::assert_snapshot!(adopting.plan(&live), @r#"
    > acme org_1
        name "org_1" -> "acme"
        external_id "acme"
    ! acme plan/metadata-full
        org_1 would hold 51 metadata keys, WorkOS allows 50; not set: metadata.one
        -> declare live keys that nothing uses as null, or declare fewer
    "#);
}

/// Counts the planned changes of a kind, and those that a limit holds back.
fn counts(world: &World, live: &Live, kind: ActionKind) -> (usize, usize) {
    let plan = world.plan_once(live);
    let held = plan.held.iter().filter(|held| held.flag == Flag::AllowBulk);
    assert_eq!(plan.exceeds_a_limit(), held.clone().count() > 0);
    (plan.count(kind), held.count())
}

#[test]
fn a_limit_on_creations_holds_them_all_or_none() {
    let limits = Limits {
        create: Some(2),
        ..Limits::default()
    };
    let two = World::new().many("new", 2).limits(limits);
    assert_eq!(counts(&two, &Live::new(), ActionKind::Create), (2, 0));
    let three = World::new()
        .many("new", 3)
        .limits(limits)
        .org("old", |o| o.pin("org_1"));
    let live = Live::new().org("org_1", |o| o);
    insta::assert_snapshot!(three.plan(&live), @r#"
    ~ old org_1  name "org_1" -> "old"
    # new-00 create  needs --allow-bulk (3, 2 allowed)
        name "new-00"
        external_id "new-00"
    # new-01 create  needs --allow-bulk (3, 2 allowed)
        name "new-01"
        external_id "new-01"
    # new-02 create  needs --allow-bulk (3, 2 allowed)
        name "new-02"
        external_id "new-02"
    "#);
    let bulk = three.allow(Flag::AllowBulk);
    assert_eq!(counts(&bulk, &live, ActionKind::Create), (3, 0));
    let none = World::new().many("new", 1).limits(Limits {
        create: Some(0),
        ..limits
    });
    assert_eq!(counts(&none, &Live::new(), ActionKind::Create), (0, 1));
    let unlimited = World::new().many("new", 60);
    assert_eq!(
        counts(&unlimited, &Live::new(), ActionKind::Create),
        (60, 0)
    );
}

#[test]
fn a_limit_on_updates_counts_or_takes_its_share_of_what_exists() {
    // limit, existing, changed → planned, held
    let table = [
        (UpdateLimit::Count(2), 5, 2, (2, 0)),
        (UpdateLimit::Count(2), 5, 3, (0, 3)),
        (UpdateLimit::Count(0), 5, 1, (0, 1)),
        (UpdateLimit::Percent(30), 10, 3, (3, 0)),
        (UpdateLimit::Percent(30), 10, 4, (0, 4)),
        (UpdateLimit::Percent(30), 9, 9, (9, 0)),
        (UpdateLimit::Percent(30), 19, 5, (5, 0)),
        (UpdateLimit::Percent(30), 19, 6, (0, 6)),
        (UpdateLimit::Percent(100), 12, 12, (12, 0)),
    ];
    for (limit, existing, changed, expected) in table {
        let mut world = World::new().many("org", existing).limits(Limits {
            update: Some(limit),
            ..Limits::default()
        });
        let live = world.live();
        for n in 0..changed {
            world.edit(&format!("org-{n:02}"), |o| o.name("Changed"));
        }
        // Organizations that do not exist yet do not count in the share.
        world = world.many("new", 5);
        let found = counts(&world, &live, ActionKind::Update);
        assert_eq!(
            found, expected,
            "{limit:?} of {existing}, {changed} changed"
        );
        assert_eq!(world.plan_once(&live).count(ActionKind::Create), 5);
        let bulk = world.allow(Flag::AllowBulk);
        assert_eq!(counts(&bulk, &live, ActionKind::Update), (changed, 0));
    }
}

#[test]
fn adoptions_count_as_updates_and_what_lacks_its_flag_does_not_count() {
    let limits = Limits {
        update: Some(UpdateLimit::Count(1)),
        ..Limits::default()
    };
    let world = World::new()
        .limits(limits)
        .org("acme", |o| o.domains(["acme.com"]))
        .org("beta", |o| o.domains(["beta.com"]))
        .org("gamma", |o| o.name("Gamma"));
    let live = Live::new()
        .org("org_1", |o| o.domain("acme.com", Verified))
        .org("org_2", |o| o.domain("beta.com", Verified))
        .org("org_3", |o| o.external_id("gamma"));
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ gamma org_3  name "org_3" -> "Gamma"
    # acme adopt org_1  needs --adopt
        name "org_1" -> "acme"
        external_id "acme"
    # beta adopt org_2  needs --adopt
        name "org_2" -> "beta"
        external_id "beta"
    "#);
    insta::assert_snapshot!(world.allow(Flag::Adopt).plan(&live), @r#"
    # acme adopt org_1  needs --allow-bulk (3, 1 allowed)
        name "org_1" -> "acme"
        external_id "acme"
    # beta adopt org_2  needs --allow-bulk (3, 1 allowed)
        name "org_2" -> "beta"
        external_id "beta"
    # gamma update org_3  needs --allow-bulk (3, 1 allowed)  name "org_3" -> "Gamma"
    "#);
}

#[test]
fn changes_come_by_kind_and_then_by_key() {
    let mut world = World::new()
        .org("zeta", |o| o)
        .org("alpha", |o| o.name("Alpha"))
        .org("beta", |o| o.domains(["beta.com"]))
        .org("eta", |o| o)
        .org("delta", |o| o.domains([]).exact().name("Delta"));
    world.policy = ALL_POWERS;
    let live = Live::new()
        .org("org_1", |o| {
            o.external_id("delta")
                .domain("a.com", Pending)
                .domain("b.com", Pending)
        })
        .org("org_2", |o| o.external_id("alpha"))
        .org("org_3", |o| o.domain("beta.com", Verified));
    insta::assert_snapshot!(world.plan(&live), @r#"
    + eta
        name "eta"
        external_id "eta"
    + zeta
        name "zeta"
        external_id "zeta"
    > beta org_3
        name "org_3" -> "beta"
        external_id "beta"
    ~ alpha org_2  name "org_2" -> "Alpha"
    ~ delta org_1  name "org_1" -> "Delta"
    ~ delta org_1  domains.a.com "pending" -> absent
    ~ delta org_1  domains.b.com "pending" -> absent
    "#);
}

#[test]
fn every_change_says_why_and_where_it_was_declared() {
    let world = World::new()
        .org("new", |o| o.trusted("new.com"))
        .org("pinned", |o| o.pin("org_1").domains([]).exact())
        .org("found", |o| o)
        .org("renamed", |o| o.previously("former"))
        .org("adopted", |o| o.domains(["adopted.com"]));
    let live = Live::new()
        .org("org_1", |o| o.domain("other.com", Verified))
        .org("org_2", |o| o.external_id("found"))
        .org("org_3", |o| o.external_id("former"))
        .org("org_4", |o| o.domain("adopted.com", Verified));
    let plan = world.plan_once(&live);
    let held = plan.held.iter().map(|held| &held.change);
    let lines: Vec<String> = plan
        .changes
        .iter()
        .chain(held)
        .map(|change| format!("{} {}: {}", change.source, change.key, change.reason))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    portal.yaml:3 new: no organization has this external id
    portal.yaml:5 found: the organization with this external id differs
    portal.yaml:4 pinned: the organization pinned by id differs
    portal.yaml:6 renamed: the organization known by the former key `former` differs
    portal.yaml:3 new: `state: verified` asserts that the domain is theirs, without proof
    portal.yaml:7 adopted: an organization that no entry claims has verified adopted.com
    portal.yaml:4 pinned: the domain is not declared, and domains_policy is exact
    portal.yaml:6 renamed: the organization is known by the former key `former`
    ");
}

#[test]
fn what_no_entry_is_about_is_a_note() {
    let mut world = World::new()
        .manifest("customers")
        .org("acme", |o| o)
        .org("gone", |o| o);
    let live = world
        .live()
        .org("org_1", |o| o)
        .org("org_2", |o| o.metadata(OWNER, "partners"));
    world.forget("gone");
    insta::assert_snapshot!(world.plan(&live), @"
    = 1 unchanged
    . 3 unmanaged
    . org_gone is not declared any more
    ");
    // Without a name, no mark is this manifest's.
    let mut nameless = world.clone();
    nameless.desired.manifest = None;
    insta::assert_snapshot!(nameless.plan(&live), @"
    = 1 unchanged
    . 3 unmanaged
    ");
    // Organizations that were read by id say nothing about the rest.
    let mut looked_up = live.clone();
    looked_up.0.coverage = Coverage::LookedUp;
    assert_eq!(world.plan_once(&looked_up).unmanaged, Unmanaged::default());
    // A note is no difference.
    assert_eq!(world.digest(&looked_up), world.digest(&live));
    assert!(world.plan_once(&live).is_settled());
}

#[test]
fn a_run_is_narrowed_to_the_keys_that_match() {
    let world = World::new()
        .org("acme", |o| o)
        .org("acme-eu", |o| o.pin("org_gone"))
        .org("globex", |o| o.intent(Intent::Sso));
    let live = Live::new();
    insta::assert_snapshot!(world.clone().select(&["acme*"], &[]).plan(&live), @r#"
    + acme
        name "acme"
        external_id "acme"
    ! acme-eu plan/pinned-missing
        org_gone does not exist in this environment
        -> check that the API key is of the right environment; if the organization was deleted for good, remove `id:` so that a new one is created
    "#);
    insta::assert_snapshot!(world.clone().select(&["globex", "initech"], &[]).plan(&live), @r#"
    + globex
        name "globex"
        external_id "globex"
    "#);
    insta::assert_snapshot!(world.clone().select(&["nobody"], &[]).plan(&live), @"");
    // Intents are reported, not planned: an organization is the same for each of them.
    let narrowed = world.clone().select(&[], &["d*"]);
    assert_eq!(narrowed.plan(&live), world.plan(&live));
}

/// Organizations are matched over the whole manifest, whatever is selected.
#[test]
fn what_is_not_selected_still_claims_its_organization() {
    let mut world = World::new()
        .org("acme", |o| o)
        .org("beta", |o| o.pin("org_1"))
        .org("gamma", |o| o.domains(["gamma.com"]))
        .org("delta", |o| o.pin("org_2"))
        .select(&["beta", "gamma"], &[]);
    world.policy = ALL_POWERS;
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme"))
        .org("org_2", |o| o.domain("gamma.com", Verified))
        .org("org_3", |o| o.external_id("x").domain("gamma.com", Pending));
    insta::assert_snapshot!(world.plan(&live), @"
    ! beta plan/claimed-twice
        org_1 is claimed by `acme` and `beta`
        -> keep one of the entries, or give each its own `id:`
    ! gamma plan/domain-held
        no organization matches, but org_3 (org_3) has the domain gamma.com
        -> if it is this customer, write `previous_keys: [x]` (the key was renamed) or `id: org_3`; if it is another one, write `allow_shared_domain: true`
    ");
}

#[test]
fn warnings_are_narrowed_too() {
    let world = World::new()
        .org("acme", |o| o.domains(["acme.com"]))
        .org("beta", |o| o);
    let live = world
        .live()
        .org("org_1", |o| o.external_id("x").domain("acme.com", Pending));
    assert_eq!(world.plan_once(&live).warnings.len(), 1);
    let narrowed = world.select(&["beta"], &[]);
    assert_eq!(narrowed.plan_once(&live).warnings, []);
}

/// A plan with one of everything that a digest covers.
fn mixed() -> (World, Live) {
    let mut world = acme()
        .org("held", |o| o.domains(["held.com"]))
        .org("torn", |o| o.pin("org_gone"))
        .org("warned", |o| o.domains(["warned.com"]))
        .org("new", |o| o);
    world.target = Target {
        environment: Some("production".to_owned()),
        endpoint: "api.workos.com".to_owned(),
        key_kind: Some("live".to_owned()),
        client_id: None,
        manifest: world.desired.manifest.clone(),
    };
    let mut live = Live::new();
    for (id, organization) in world.live().0.organizations {
        if ["org_acme", "org_warned"].contains(&id.as_str()) {
            live.0.organizations.insert(id, organization);
        }
    }
    live.edit("org_acme", |o| o.name("ACME"));
    let live = live
        .org("org_1", |o| o.domain("held.com", Verified))
        .org("org_2", |o| {
            o.external_id("x").domain("warned.com", Pending)
        });
    (world, live)
}

#[test]
fn a_digest_stands_for_the_same_plan_tomorrow() {
    let (world, live) = mixed();
    insta::assert_snapshot!(world.plan(&live), @r#"
    + new
        name "new"
        external_id "new"
        metadata.portalctl_owner "customers"
    ~ acme org_acme  name "ACME" -> "Acme"
    # held adopt org_1  needs --adopt
        name "org_1" -> "held"
        external_id "held"
    ! torn plan/pinned-missing
        org_gone does not exist in this environment
        -> check that the API key is of the right environment; if the organization was deleted for good, remove `id:` so that a new one is created
    * warned plan/domain-pending-elsewhere
        the domain warned.com is also pending on org_2 (org_2); only one organization can verify it
    = 1 unchanged
    . 1 unmanaged
    "#);
    // Written down: a digest that a review approved must hold for the next version of portalctl.
    insta::assert_snapshot!(world.digest(&live), @"sha256:7f6f9a44a650ebc14db108f168a29272ab99df31f7986849ea932f9faed5a7c9");
    insta::assert_snapshot!(World::new().digest(&Live::new()), @"sha256:6800ec2fa51b8959579452109644ba95a1f87b71ea2184764afed748dbdd0a07");
}

type Edit = fn(&mut World, &mut Live);

fn url() -> Option<ReturnUrl> {
    let any = AllowedHosts::default();
    ReturnUrl::parse("https://app.example.com/", &any, LocalHttp::Refused).ok()
}

#[test]
fn a_digest_changes_with_everything_it_covers() {
    let (world, live) = mixed();
    let edits: [(&str, Edit); 19] = [
        ("a return URL", |w, _| w.desired.return_urls.default = url()),
        ("the allowed hosts", |w, _| {
            let hosts = ["app.example.com".to_owned()];
            w.desired.return_urls.allowed_hosts = AllowedHosts::new(hosts);
        }),
        ("environment", |w, _| {
            w.target.environment = Some("staging".to_owned());
        }),
        ("no environment", |w, _| w.target.environment = None),
        ("endpoint", |w, _| {
            w.target.endpoint = "localhost".to_owned();
        }),
        ("kind of key", |w, _| {
            w.target.key_kind = Some("test".to_owned());
        }),
        ("no kind of key", |w, _| w.target.key_kind = None),
        ("client id", |w, _| {
            w.target.client_id = Some(ClientId::parse("client_01A").unwrap());
        }),
        ("manifest", |w, _| w.target.manifest = None),
        ("a value after", |w, _| {
            w.edit("acme", |o| o.name("Acme Inc"));
        }),
        ("a value before", |_, l| {
            l.edit("org_acme", |o| o.name("AcMe"));
        }),
        ("absent before", |_, l| {
            l.edit("org_acme", |mut o| {
                o.0.stripe_customer_id = None;
                o
            });
        }),
        ("another field", |w, _| {
            w.edit("acme", |o| o.stripe("cus_2"));
        }),
        ("another key", |w, _| w.rename("new", "newer")),
        ("one change less", |w, _| w.forget("new")),
        ("another organization", |_, l| {
            let mut moved = l.0.organizations.remove("org_acme").unwrap();
            moved.id = org_id("org_other");
            l.0.organizations.insert(moved.id.clone(), moved);
        }),
        ("what was held is allowed", |w, _| w.policy.adopt = true),
        ("a conflict less", |w, _| w.forget("torn")),
        ("another conflict", |w, l| {
            w.edit("torn", |o| o.external_id("torn"));
            *l = l
                .clone()
                .org("org_gone", |o| o)
                .org("org_torn", |o| o.external_id("torn"));
        }),
    ];
    let mut digests = std::collections::BTreeMap::from([(world.digest(&live), "nothing")]);
    for (what, edit) in edits {
        let (mut world, mut live) = (world.clone(), live.clone());
        edit(&mut world, &mut live);
        let same = digests.insert(world.digest(&live), what);
        assert_eq!(same, None, "{what}");
    }
}

#[test]
fn a_digest_does_not_change_with_what_it_does_not_cover() {
    let (world, live) = mixed();
    let edits: [(&str, Edit); 5] = [
        ("the place in the file", |w, _| {
            w.edit_all(|mut o| {
                o.0.source = Source {
                    file: "customers/all.yaml".into(),
                    line: o.0.source.line + 9,
                };
                o
            });
        }),
        ("a warning", |_, l| {
            l.edit("org_2", |mut o| {
                o.0.domains.clear();
                o
            });
        }),
        ("a reason", |w, _| {
            w.edit("acme", |o| o.pin("org_acme").external_id("acme"));
        }),
        ("what is already as declared", |w, l| {
            *w = w.clone().org("same", |o| o);
            *l = l
                .clone()
                .org("org_same", |o| o.name("same").external_id("same"));
        }),
        ("what nobody declares", |_, l| {
            *l = l.clone().org("org_9", |o| o);
        }),
    ];
    let digest = world.digest(&live);
    for (what, edit) in edits {
        let (mut world, mut live) = (world.clone(), live.clone());
        let before = world.plan_once(&live);
        edit(&mut world, &mut live);
        assert_ne!(world.plan_once(&live), before, "{what} is not seen at all");
        assert_eq!(world.digest(&live), digest, "{what}");
    }
}

#[test]
fn a_plan_is_settled_only_when_nothing_is_left() {
    let (world, live) = mixed();
    assert!(!world.plan_once(&live).is_settled());
    for (name, settled) in [
        ("acme", false),
        ("held", false),
        ("torn", false),
        ("warned", true),
    ] {
        let plan = world.clone().select(&[name], &[]).plan_once(&live);
        assert_eq!(plan.is_settled(), settled, "{name}");
        assert_eq!(plan.unchanged, usize::from(settled));
    }
    assert!(world.desired.organizations.contains_key(&key("warned")));
}

fn field(path: FieldPath, before: Option<&str>, after: Option<&str>) -> FieldChange {
    FieldChange::read(path, before.map(str::to_owned), after.map(str::to_owned)).unwrap()
}

/// A plan of one change that was tampered with.
fn with(change: &Change, edit: &dyn Fn(&mut Change)) -> Plan {
    let mut change = change.clone();
    edit(&mut change);
    Plan {
        changes: vec![change],
        ..Plan::default()
    }
}

/// The lint judges every plan of these tests, so it must see what is wrong with one.
#[test]
fn the_lint_finds_what_no_plan_may_hold() {
    let world = World::new()
        .manifest("customers")
        .org("acme", |o| o.name("Acme").domains(["acme.com"]))
        .org("beta", |o| o.pin("org_1").name("Beta"))
        .org("new", |o| o);
    let live = Live::new()
        .org("org_acme", |o| {
            o.external_id("acme").domain("old.com", Pending)
        })
        .org("org_1", |o| o)
        .org("org_2", |o| o.external_id("stranger"));
    let good = world.plan_once(&live);
    let [create, acme, beta] = [0, 1, 2].map(|n| good.changes[n].clone());
    let conflict = world.clone().select(&["beta"], &[]);
    let conflict = conflict.plan_once(&Live::new()).conflicts.remove(0);
    let setting = |change: &Change, field: FieldChange| {
        with(change, &|change| change.fields = vec![field.clone()])
    };
    let moved = |change: &Change, id: &str| {
        with(change, &|change| change.action = Action::Update(org_id(id)))
    };
    let owner = || metadata(OWNER);
    let bad = [
        with(&acme, &|change| change.key = key("nobody")),
        with(&beta, &|change| change.action = Action::Create),
        with(&acme, &|change| change.action = Action::Create),
        moved(&acme, "org_2"),
        moved(&beta, "org_acme"),
        moved(&acme, "org_nowhere"),
        with(&acme, &|change| change.fields.clear()),
        setting(&acme, field(FieldPath::Name, Some("wrong"), Some("Acme"))),
        setting(
            &acme,
            field(FieldPath::Name, Some("org_acme"), Some("Undeclared")),
        ),
        setting(&acme, field(owner(), None, Some("customers"))),
        setting(&create, field(owner(), None, Some("partners"))),
        setting(&acme, field(metadata("tier"), None, Some("gold"))),
        setting(&acme, field(metadata(PROTECT), None, Some("true"))),
        setting(
            &acme,
            field(FieldPath::Domain(domain("old.com")), Some("pending"), None),
        ),
        setting(
            &acme,
            field(
                FieldPath::Domain(domain("acme.com")),
                None,
                Some("verified"),
            ),
        ),
        Plan {
            changes: vec![acme.clone(), create.clone()],
            ..Plan::default()
        },
        Plan {
            changes: vec![create.clone(), create],
            ..Plan::default()
        },
        Plan {
            changes: vec![beta],
            conflicts: vec![conflict],
            ..Plan::default()
        },
    ];
    let findings: Vec<String> = bad
        .iter()
        .map(|plan| lint(plan, &world.desired, &live.0).join("; "))
        .collect();
    insta::assert_snapshot!(findings.join("\n"), @r#"
    nobody is not declared
    beta is pinned and would be created; beta says that name is Some("org_1")
    acme would be created and is org_acme; acme says that name is Some("org_acme")
    acme would change org_2, which is not its own; acme says that name is Some("org_acme")
    beta would change org_acme, which is not its own; beta says that name is Some("org_1")
    acme would change org_nowhere, which does not exist; acme says that name is Some("org_acme")
    acme has a change without fields
    acme says that name is Some("wrong")
    acme would set name to Some("Undeclared"), which is not declared
    acme would set metadata.portalctl_owner to Some("customers"), which is not declared
    new would set metadata.portalctl_owner to Some("partners"), which is not declared
    acme would set metadata.tier to Some("gold"), which is not declared
    acme would set metadata.portalctl_protect to Some("true"), which is not declared
    acme would set domains.old.com to None, which is not declared
    acme would set domains.acme.com to Some("verified"), which is not declared
    changes are not in order
    new is created twice; "new" is given to two organizations
    beta is in conflict and would be changed
    "#);
}

#[test]
fn two_deletions_of_one_plan_give_no_external_id_away() {
    let mut world = World::new().manifest("customers").many("customer", 5);
    world.policy = ALL_POWERS;
    let live = world.live();
    world.forget("customer-00");
    world.forget("customer-01");
    // Held to the lint.
    assert_eq!(world.plan_once(&live).count(ActionKind::Delete), 2);
}

#[test]
fn nothing_is_written_for_what_is_only_observed() {
    let world = World::new().org("acme", |o| o.domains(["acme.com"]).observe_only());
    insta::assert_snapshot!(world.plan(&Live::new()), @"
    * acme plan/only-observed
        it does not exist at WorkOS; it is only observed, so nothing is written
    ");
    let mut live = world.live();
    insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
    live.edit("org_acme", |o| o.name("ACME"));
    insta::assert_snapshot!(world.plan(&live), @"
    * acme plan/only-observed
        it differs from what is declared; it is only observed, so nothing is written
    ");
}

#[test]
fn a_manifest_may_allow_adoption_for_every_run() {
    let live = Live::new().org("org_1", |o| o.name("acme").domain("acme.com", Verified));
    let mut world = World::new().org("acme", |o| o.domains(["acme.com"]));
    insta::assert_snapshot!(
        world.plan(&live),
        @r#"# acme adopt org_1  needs --adopt  external_id "acme""#
    );
    world.desired.powers.adopt = true;
    insta::assert_snapshot!(world.plan(&live), @r#"> acme org_1  external_id "acme""#);
}

#[test]
fn a_retention_is_set_changed_and_never_shortened_by_itself() {
    let world = World::new().org("acme", |mut entry| {
        entry.0.retention_days = Some(30);
        entry
    });
    for (live_days, planned, held) in [(None, 1, 0), (Some(30), 0, 0), (Some(365), 0, 1)] {
        let mut live = Live::new().org("org_1", |org| org.external_id("acme").name("acme"));
        let known = Answer::Found(live_days);
        live.0.retention.insert(org_id("org_1"), known);
        let plan = world.plan_once(&live);
        let sets = |change: &Change| {
            let mut fields = change.fields.iter();
            fields.any(|field| field.path() == FieldPath::RetentionDays)
        };
        let changes = plan.changes.iter().filter(|change| sets(change)).count();
        let waits = plan.held.iter().filter(|held| sets(&held.change)).count();
        assert_eq!((changes, waits), (planned, held), "{live_days:?}");
    }
}

#[test]
fn every_creation_beside_a_deletion_may_be_the_other_half_of_a_rename() {
    let world = World::new()
        .manifest("customers")
        .many("kept", 8)
        .org("new-1", |entry| entry)
        .org("new-2", |entry| entry);
    let mut live = world.live();
    live.0.organizations.retain(|_, org| {
        let id = org.external_id.as_deref().unwrap_or_default();
        !id.starts_with("new-")
    });
    let live = live.org("org_old", |org| {
        org.external_id("old")
            .name("old")
            .metadata(OWNER, "customers")
    });
    let mut world = world;
    world.policy.prune = true;
    let plan = world.plan_once(&live);
    let reasons: Vec<&HeldReason> = plan.held.iter().map(|held| &held.reason).collect();
    let [HeldReason::PossibleRename { first, more }] = reasons.as_slice() else {
        panic!("{reasons:?}");
    };
    assert_eq!((first.as_str(), *more), ("new-1", 1));
}
