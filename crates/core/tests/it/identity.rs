//! Tests the rules by which a live organization belongs to an entry, and every conflict between
//! them.

use portalctl_core::identity::{Identity, MatchedBy};
use portalctl_core::plan::{Flag, UndeclaredOrganization, Unmanaged};
use portalctl_model::observed::DomainState::{
    Failed, LegacyVerified, Pending, Unverified, Verified,
};
use portalctl_model::observed::Gap;

use crate::support::world::{ALL_POWERS, Entry, Live, LiveOrg, World, external, key, org_id, text};

/// Returns the organization of an entry, and the rule that matched it.
fn matched(world: &World, live: &Live, name: &str) -> Option<(String, MatchedBy)> {
    match world.identities(live).entries.remove(&key(name))? {
        Identity::Matched { organization, by } => Some((organization.to_string(), by)),
        Identity::Adoptable { .. } | Identity::Missing | Identity::Conflicted(_) => None,
    }
}

#[test]
fn an_entry_is_found_by_id_then_external_id_then_previous_keys() {
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme"))
        .org("org_2", |o| o.external_id("old-acme"))
        .org("org_3", |o| o);
    let found = |world: World| matched(&world, &live, "acme");
    let by = |id: &str, by: MatchedBy| Some((id.to_owned(), by));

    let by_key = World::new().org("acme", |o| o);
    assert_eq!(found(by_key), by("org_1", MatchedBy::ExternalId));
    let given = World::new().org("acme", |o| o.external_id("old-acme"));
    assert_eq!(found(given), by("org_2", MatchedBy::ExternalId));
    let pinned = World::new().org("acme", |o| o.pin("org_3"));
    assert_eq!(found(pinned), by("org_3", MatchedBy::Id));
    // A pinned entry manages no external id of its own accord: that of its key is somebody else's.
    let pinned = World::new().org("acme", |o| o.pin("org_3").previously("old-acme"));
    assert_eq!(found(pinned), by("org_3", MatchedBy::Id));
    let renamed = World::new().org("acme", |o| o.external_id("new").previously("old-acme"));
    let old = MatchedBy::PreviousKey(external("old-acme"));
    assert_eq!(found(renamed), by("org_2", old));
}

#[test]
fn a_name_or_a_pending_domain_never_identifies() {
    let world = World::new().org("acme", |o| o.name("Acme").domains(["acme.com"]));
    for state in [Pending, Unverified, Failed] {
        let live = Live::new().org("org_1", |o| o.name("Acme").domain("acme.com", state));
        assert_eq!(matched(&world, &live, "acme"), None);
        let plan = world.plan_once(&live);
        assert!(plan.changes.is_empty() && plan.held.is_empty());
        assert_eq!(plan.conflicts.len(), 1);
    }
}

#[test]
fn one_external_id_on_two_organizations_is_a_conflict() {
    let world = World::new().org("acme", |o| o);
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme").name("Acme"))
        .org("org_2", |o| o.external_id("acme").name("Acme\u{1b}[2J"));
    insta::assert_snapshot!(world.plan(&live), @r"
    ! acme plan/many-matches
        2 organizations answer to this entry: org_1 (Acme), org_2 (Acme\u{1b}[2J)
        -> write `id:` with the one that is meant, and merge or delete the others in the WorkOS dashboard
    ");
}

#[test]
fn a_key_and_its_former_key_that_both_exist_are_a_conflict() {
    let world = World::new()
        .org("acme", |o| o.previously("old-acme"))
        .allow(Flag::AllowRekey);
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme"))
        .org("org_2", |o| o.external_id("old-acme"));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/many-matches
        2 organizations answer to this entry: org_1 (org_1), org_2 (org_2)
        -> write `id:` with the one that is meant, and merge or delete the others in the WorkOS dashboard
    ");
}

#[test]
fn pinning_one_of_two_resolves_it() {
    let mut world = World::new().org("acme", |o| o.previously("old-acme"));
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme"))
        .org("org_2", |o| o.external_id("old-acme"));
    world.edit("acme", |o| o.pin("org_2"));
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ acme org_2  name "org_2" -> "acme"
    . 1 unmanaged
    "#);
}

#[test]
fn a_pinned_organization_that_does_not_exist_is_never_created() {
    let mut world = World::new()
        .org("acme", |o| o.pin("org_gone").domains(["acme.com"]))
        .org("globex", |o| o);
    world.policy = ALL_POWERS;
    insta::assert_snapshot!(world.plan(&Live::new()), @r#"
    + globex
        name "globex"
        external_id "globex"
    ! acme plan/pinned-missing
        org_gone does not exist in this environment
        -> check that the API key is of the right environment; if the organization was deleted for good, remove `id:` so that a new one is created
    "#);
    world.edit("acme", |o| o.external_id("acme"));
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme"))
        .org("org_2", |o| o.name("acme").domain("acme.com", Verified));
    insta::assert_snapshot!(world.plan(&live), @r#"
    + globex
        name "globex"
        external_id "globex"
    ! acme plan/pinned-missing
        org_gone does not exist in this environment
        -> check that the API key is of the right environment; if the organization was deleted for good, remove `id:` so that a new one is created
    . 1 unmanaged
    "#);
}

#[test]
fn id_and_external_id_that_name_two_organizations_are_a_conflict() {
    let mut world = World::new().org("acme", |o| o.pin("org_1").external_id("acme"));
    world.policy = ALL_POWERS;
    let live = Live::new()
        .org("org_1", |o| o)
        .org("org_2", |o| o.external_id("acme"));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/id-and-external-id-disagree
        `id` is org_1, but the external id `acme` belongs to org_2 (org_2)
        -> correct `id:` or `external_id:` so that both name the same organization
    ");
}

#[test]
fn a_pinned_organization_keeps_its_other_external_id_until_that_is_allowed() {
    let world = World::new().org("acme", |o| o.pin("org_1").external_id("acme").name("Acme"));
    let live = Live::new().org("org_1", |o| o.external_id("crm-17"));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/external-id-differs
        org_1 has the external id `crm-17`
        -> write `external_id: crm-17`, or run with --allow-rekey or write `allow: [rekey]` to replace it
    ");
    insta::assert_snapshot!(world.allow(Flag::AllowRekey).plan(&live), @r#"
    ~ acme org_1
        name "org_1" -> "Acme"
        external_id "crm-17" -> "acme"
    "#);
}

#[test]
fn a_pinned_organization_without_external_id_gets_the_declared_one() {
    let mut world = World::new().org("acme", |o| o.pin("org_1").external_id("acme").nameless());
    let live = Live::new().org("org_1", |o| o);
    insta::assert_snapshot!(world.plan(&live), @r#"~ acme org_1  external_id "acme""#);
    // None declared, none managed.
    world.edit("acme", |o| o.pin("org_1"));
    let live = Live::new().org("org_1", |o| o.external_id("crm-17"));
    insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
}

#[test]
fn an_organization_that_two_entries_claim_is_a_conflict_for_both() {
    let world = World::new()
        .org("acme", |o| o)
        .org("beta", |o| o.pin("org_1").name("Beta"))
        .org("gamma", |o| o);
    let live = Live::new().org("org_1", |o| o.external_id("acme"));
    insta::assert_snapshot!(world.plan(&live), @r#"
    + gamma
        name "gamma"
        external_id "gamma"
    ! acme plan/claimed-twice
        org_1 is claimed by `acme` and `beta`
        -> keep one of the entries, or give each its own `id:`
    ! beta plan/claimed-twice
        org_1 is claimed by `acme` and `beta`
        -> keep one of the entries, or give each its own `id:`
    "#);
}

/// The entry that pins `org_2` would else change what the other one may turn out to be.
#[test]
fn an_organization_that_an_entry_in_conflict_names_is_not_anothers_to_change() {
    let world = World::new()
        .org("acme", |o| o.previously("old-acme"))
        .org("beta", |o| o.pin("org_2").name("Beta"));
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme"))
        .org("org_2", |o| o.external_id("old-acme"));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/claimed-twice
        org_2 is claimed by `acme` and `beta`
        -> keep one of the entries, or give each its own `id:`
    ! acme plan/many-matches
        2 organizations answer to this entry: org_1 (org_1), org_2 (org_2)
        -> write `id:` with the one that is meant, and merge or delete the others in the WorkOS dashboard
    ! beta plan/claimed-twice
        org_2 is claimed by `acme` and `beta`
        -> keep one of the entries, or give each its own `id:`
    ");
}

#[test]
fn an_organization_that_two_entries_could_adopt_is_a_conflict_for_both() {
    let mut world = World::new()
        .org("acme", |o| o.domains(["acme.com"]))
        .org("beta", |o| o.domains(["beta.com"]));
    world.policy = ALL_POWERS;
    let live = Live::new().org("org_1", |o| {
        o.domain("acme.com", Verified).domain("beta.com", Verified)
    });
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/claimed-twice
        org_1 is claimed by `acme` and `beta`
        -> keep one of the entries, or give each its own `id:`
    ! beta plan/claimed-twice
        org_1 is claimed by `acme` and `beta`
        -> keep one of the entries, or give each its own `id:`
    ");
}

#[test]
fn a_verified_domain_of_an_unclaimed_organization_is_adopted_once_allowed() {
    for state in [Verified, LegacyVerified] {
        let world = World::new().manifest("customers").org("acme", |o| {
            o.name("Acme")
                .domains(["acme.com", "acme.io"])
                .metadata("tier", "gold")
                .protect(true)
        });
        let live = Live::new().org("org_1", |o| o.name("ACME").domain("acme.com", state));
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.plan(&live), @r#"
            # acme adopt org_1  needs --adopt
                name "ACME" -> "Acme"
                external_id "acme"
                domains.acme.io "pending"
                metadata.portalctl_protect "true"
                metadata.tier "gold"
            "#);
            insta::assert_snapshot!(world.allow(Flag::Adopt).plan(&live), @r#"
            > acme org_1
                name "ACME" -> "Acme"
                external_id "acme"
                domains.acme.io "pending"
                metadata.portalctl_protect "true"
                metadata.tier "gold"
            "#);
        }
    }
}

#[test]
fn an_organization_that_is_claimed_or_has_an_external_id_is_not_adopted() {
    let mut world = World::new()
        .org("acme", |o| o.domains(["acme.com"]))
        .org("beta", |o| o.domains(["beta.com"]))
        .org("gamma", |o| o.pin("org_2").nameless());
    world.policy = ALL_POWERS;
    let live = Live::new()
        .org("org_1", |o| {
            o.external_id("other").domain("acme.com", Verified)
        })
        .org("org_2", |o| o.domain("beta.com", Verified));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/domain-held
        no organization matches, but org_1 (org_1) has the domain acme.com
        -> if it is this customer, write `previous_keys: [other]` (the key was renamed) or `id: org_1`; if it is another one, write `allow_shared_domain: true`
    ! beta plan/domain-verified-elsewhere
        the domain beta.com is verified for org_2 (org_2)
        -> remove the domain here or there; if both customers share it, write `allow_shared_domain: true`
    = 1 unchanged
    ");
}

#[test]
fn two_organizations_that_could_be_adopted_are_a_conflict() {
    let world = World::new().org("acme", |o| o.domains(["acme.com", "acme.io"]));
    let live = Live::new()
        .org("org_1", |o| o.domain("acme.com", Verified))
        .org("org_2", |o| o.domain("acme.io", LegacyVerified));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/domain-held
        no organization matches, but org_1 (org_1) has the domain acme.com
        -> 2 organizations could be this customer: write `id:` with the one that is meant
    ! acme plan/domain-held
        no organization matches, but org_2 (org_2) has the domain acme.io
        -> 2 organizations could be this customer: write `id:` with the one that is meant
    ");
}

/// Neither of the two can be told to be the customer: one may be their own from before a rename.
#[test]
fn a_second_organization_with_one_of_the_domains_keeps_the_first_from_being_adopted() {
    let mut world = World::new()
        .org("acme", |o| o.domains(["acme.com"]))
        .allow(Flag::Adopt);
    let live = Live::new()
        .org("org_1", |o| o.domain("acme.com", Verified))
        .org("org_2", |o| {
            o.external_id("old-acme").domain("acme.com", Pending)
        });
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/domain-held
        no organization matches, but org_1 (org_1) has the domain acme.com
        -> if it is this customer, write `id: org_1`; if it is another one, declare that one too, with `id: org_1`
    ! acme plan/domain-held
        no organization matches, but org_2 (org_2) has the domain acme.com
        -> if it is this customer, write `previous_keys: [old-acme]` (the key was renamed) or `id: org_2`; if it is another one, write `allow_shared_domain: true`
    ");
    // Sharing lifts the conflict, and must not make a second customer of the one that is there.
    world.edit("acme", Entry::shared_domain);
    insta::assert_snapshot!(world.plan(&live), @r#"
    > acme org_1
        name "org_1" -> "acme"
        external_id "acme"
    . 1 unmanaged
    "#);
}

#[test]
fn a_renamed_key_never_makes_a_second_customer() {
    let mut world = World::new().org("acme", |o| o.domains(["acme.com"]));
    for state in [Verified, LegacyVerified, Pending, Unverified, Failed] {
        let mut live = world.live();
        live.edit("org_acme", |o| o.domain("acme.com", state));
        let mut renamed = world.clone();
        renamed.rename("acme", "acme-corp");
        renamed.policy = ALL_POWERS;
        insta::allow_duplicates! {
            insta::assert_snapshot!(renamed.plan(&live), @"
            ! acme-corp plan/domain-held
                no organization matches, but org_acme (acme) has the domain acme.com
                -> if it is this customer, write `previous_keys: [acme]` (the key was renamed) or `id: org_acme`; if it is another one, write `allow_shared_domain: true`
            ");
        }
    }
    // With the former key, held until it is allowed.
    let live = world.live();
    world.rename("acme", "acme-corp");
    world.edit("acme-corp", |o| o.previously("acme").name("Acme Corp"));
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ acme-corp org_acme  name "acme" -> "Acme Corp"
    # acme-corp update org_acme  needs --allow-rekey  external_id "acme" -> "acme-corp"
    "#);
    let world = world.allow(Flag::AllowRekey);
    let (plan, after) = world.settle(&live);
    insta::assert_snapshot!(text(&plan), @r#"
    ~ acme-corp org_acme
        name "acme" -> "Acme Corp"
        external_id "acme" -> "acme-corp"
    "#);
    assert_eq!(
        after.get("org_acme").external_id.as_deref(),
        Some("acme-corp")
    );
    // The former key may stay in the manifest.
    insta::assert_snapshot!(world.plan(&after), @"= 1 unchanged");
}

#[test]
fn an_organization_of_the_same_name_is_a_conflict_only_without_external_id() {
    let mut world = World::new().org("acme", |o| o.name("Acme Corp"));
    let live = Live::new().org("org_1", |o| o.name(" ACME  corp "));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/same-name
        no organization matches, but org_1 ( ACME  corp ) has the same name
        -> if it is this customer, write `id: org_1`; if it is another one, write `allow_same_name: true`
    ");
    let with_external_id = Live::new().org("org_1", |o| o.name("Acme Corp").external_id("x"));
    insta::assert_snapshot!(world.plan(&with_external_id), @r#"
    + acme
        name "Acme Corp"
        external_id "acme"
    . 1 unmanaged
    "#);
    world.edit("acme", Entry::same_name);
    insta::assert_snapshot!(world.plan(&live), @r#"
    + acme
        name "Acme Corp"
        external_id "acme"
    . 1 unmanaged
    "#);
}

#[test]
fn an_organization_with_the_stripe_customer_id_is_a_conflict() {
    let mut world = World::new().org("acme", |o| o.stripe("cus_1"));
    let live = Live::new().org("org_1", |o| o.external_id("moved").stripe("cus_1"));
    insta::assert_snapshot!(world.plan(&live), @r"
    ! acme plan/stripe-customer-held
        no organization matches, but org_1 (org_1) has the Stripe customer id cus_1
        -> if it is this customer, write `id: org_1`; if it is another one, correct `stripe_customer_id` here or there
    ");
    world.edit("acme", |o| o.pin("org_1").name("org_1"));
    insta::assert_snapshot!(world.plan(&live), @"= 1 unchanged");
}

#[test]
fn an_organization_of_the_same_name_that_another_entry_pins_is_no_conflict() {
    let world = World::new()
        .org("acme", |o| o.name("Acme"))
        .org("acme-eu", |o| o.pin("org_1").name("Acme"));
    let live = Live::new().org("org_1", |o| o.name("Acme"));
    insta::assert_snapshot!(world.plan(&live), @r#"
    + acme
        name "Acme"
        external_id "acme"
    * acme plan/duplicate-name
        `acme-eu` has the same name, and each becomes an organization of its own
    = 1 unchanged
    "#);
}

#[test]
fn an_organization_that_holds_the_domain_and_the_name_is_named_once() {
    let world = World::new().org("acme", |o| o.domains(["acme.com", "acme.io"]));
    let live = Live::new().org("org_1", |o| {
        o.name("acme")
            .domain("acme.com", Pending)
            .domain("acme.io", Pending)
    });
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/domain-held
        no organization matches, but org_1 (acme) has the domain acme.com
        -> if it is this customer, write `id: org_1`; if it is another one, write `allow_shared_domain: true`
    ");
}

/// To share a domain says nothing about an organization that has the name as well.
#[test]
fn an_organization_of_the_same_name_is_a_conflict_also_when_the_domain_is_shared() {
    let mut world = World::new().org("acme", |o| o.domains(["acme.com"]).shared_domain());
    let live = Live::new().org("org_1", |o| o.name("acme").domain("acme.com", Pending));
    insta::assert_snapshot!(world.plan(&live), @"
    ! acme plan/same-name
        no organization matches, but org_1 (acme) has the same name
        -> if it is this customer, write `id: org_1`; if it is another one, write `allow_same_name: true`
    ");
    world.edit("acme", Entry::same_name);
    insta::assert_snapshot!(world.plan(&live), @r#"
    + acme
        name "acme"
        external_id "acme"
        domains.acme.com "pending"
    . 1 unmanaged
    "#);
}

#[test]
fn a_domain_that_is_verified_elsewhere_is_not_written_until_it_is_shared() {
    for state in [Verified, LegacyVerified] {
        let mut world = World::new()
            .org("acme", |o| o.domains(["acme.com"]).name("Acme"))
            .org("pinned", |o| {
                o.pin("org_1").domains(["pinned.com"]).nameless()
            })
            .org("new", |o| o.domains(["new.com"]));
        let live = Live::new()
            .org("org_acme", |o| o.external_id("acme"))
            .org("org_1", |o| o)
            .org("org_2", |o| {
                o.external_id("other")
                    .name("Other")
                    .domain("acme.com", state.clone())
                    .domain("pinned.com", state.clone())
                    .domain("new.com", state)
            });
        insta::allow_duplicates! {
            insta::assert_snapshot!(world.plan(&live), @r#"
            ~ acme org_acme  name "org_acme" -> "Acme"
            ! acme plan/domain-verified-elsewhere (acme.com only)
                the domain acme.com is verified for org_2 (Other)
                -> remove the domain here or there; if both customers share it, write `allow_shared_domain: true`
            ! new plan/domain-held
                no organization matches, but org_2 (Other) has the domain new.com
                -> if it is this customer, write `previous_keys: [other]` (the key was renamed) or `id: org_2`; if it is another one, write `allow_shared_domain: true`
            ! pinned plan/domain-verified-elsewhere (pinned.com only)
                the domain pinned.com is verified for org_2 (Other)
                -> remove the domain here or there; if both customers share it, write `allow_shared_domain: true`
            "#);
            world.edit_all(Entry::shared_domain);
            insta::assert_snapshot!(world.plan(&live), @r#"
            + new
                name "new"
                external_id "new"
                domains.new.com "pending"
            ~ acme org_acme
                name "org_acme" -> "Acme"
                domains.acme.com "pending"
            ~ pinned org_1  domains.pinned.com "pending"
            . 1 unmanaged
            "#);
        }
    }
}

#[test]
fn a_domain_that_waits_elsewhere_too_is_a_warning() {
    for state in [Pending, Unverified, Failed] {
        let mut world = World::new().org("acme", |o| o.domains(["acme.com"]));
        let mut live = world.live();
        live.edit("org_acme", |o| o.domain("acme.com", Verified));
        let live = live.org("org_1", |o| {
            o.external_id("x")
                .name("X")
                .domain("acme.com", state.clone())
        });
        insta::allow_duplicates! {
            insta::with_settings!({filters => vec![(r"also \w+ on", "also [state] on")]}, {
                insta::assert_snapshot!(world.plan(&live), @"
                * acme plan/domain-pending-elsewhere
                    the domain acme.com is also [state] on org_1 (X); only one organization can verify it
                = 1 unchanged
                . 1 unmanaged
                ");
            });
            world.edit("acme", Entry::shared_domain);
            insta::assert_snapshot!(world.plan(&live), @"
            = 1 unchanged
            . 1 unmanaged
            ");
        }
    }
}

/// The other one is known to be somebody else, so it keeps nobody from being created.
#[test]
fn a_domain_that_waits_with_another_entry_is_a_warning_for_a_new_one() {
    let world = World::new()
        .org("acme", |o| o.domains(["acme.com"]))
        .org("beta", |o| o);
    let live = Live::new().org("org_1", |o| {
        o.external_id("beta")
            .name("beta")
            .domain("acme.com", Pending)
    });
    insta::assert_snapshot!(world.plan(&live), @r#"
    + acme
        name "acme"
        external_id "acme"
        domains.acme.com "pending"
    * acme plan/domain-pending-elsewhere
        the domain acme.com is also pending on org_1 (beta); only one organization can verify it
    = 1 unchanged
    "#);
}

#[test]
fn a_state_from_the_future_does_not_count_as_verified_and_is_shown_escaped() {
    let world = World::new().org("acme", |o| o.domains(["acme.com"]));
    let odd = portalctl_model::observed::DomainState::from_api("half\u{202e}verified");
    let live = world.live().org("org_1", |o| {
        o.external_id("x").name("X").domain("acme.com", odd)
    });
    insta::assert_snapshot!(world.plan(&live), @r"
    * acme plan/domain-pending-elsewhere
        the domain acme.com is also half\u{202e}verified on org_1 (X); only one organization can verify it
    = 1 unchanged
    . 1 unmanaged
    ");
}

/// Every organization with the key belongs to the entry until a person decides. A note that called
/// it undeclared could make a clean-up delete a customer.
#[test]
fn an_organization_in_a_conflict_is_not_called_undeclared() {
    let mark = |o: LiveOrg| o.metadata("portalctl_owner", "customers");
    let world = World::new()
        .manifest("customers")
        .org("twice", |o| o)
        .org("claimed", |o| o)
        .org("claiming", |o| o.pin("org_3").nameless())
        .org("renamed", |o| o.domains(["renamed.com"]))
        .org("named", |o| o.name("Named"))
        .org("former", |o| o.pin("org_6").previously("former").nameless());
    let live = Live::new()
        .org("org_1", |o| mark(o).external_id("twice"))
        .org("org_2", |o| mark(o).external_id("twice"))
        .org("org_3", |o| mark(o).external_id("claimed"))
        .org("org_4", |o| {
            mark(o).external_id("x").domain("renamed.com", Pending)
        })
        .org("org_5", |o| mark(o).name("Named"))
        .org("org_6", |o| o)
        .org("org_7", |o| mark(o).external_id("former"))
        .org("org_8", |o| mark(o).external_id("gone"))
        .org("org_9", |o| o.metadata("portalctl_owner", "partners"));
    let expected = Unmanaged {
        provisioned: Vec::new(),
        count: Some(2),
        formerly_declared: vec![UndeclaredOrganization {
            id: org_id("org_8"),
            name: "org_8".to_owned(),
            external_id: Some("gone".to_owned()),
        }],
    };
    assert_eq!(world.plan_once(&live).unmanaged, expected);
}

#[test]
fn the_organization_of_each_entry_is_told_only_when_it_is_certain() {
    let world = World::new()
        .org("acme", |o| o)
        .org("adopt", |o| o.domains(["adopt.com"]))
        .org("missing", |o| o)
        .org("torn", |o| o);
    let live = Live::new()
        .org("org_1", |o| o.external_id("acme"))
        .org("org_2", |o| o.domain("adopt.com", Verified))
        .org("org_3", |o| o.external_id("torn"))
        .org("org_4", |o| o.external_id("torn"));
    let identities = world.identities(&live);
    let told = |name: &str| {
        identities
            .organization_of(&key(name))
            .map(ToString::to_string)
    };
    assert_eq!(told("acme").as_deref(), Some("org_1"));
    for name in ["adopt", "missing", "torn", "undeclared"] {
        assert_eq!(told(name), None, "{name}");
    }
}

#[test]
fn a_new_entry_with_the_name_of_a_former_one_is_a_conflict() {
    let world = World::new()
        .manifest("production")
        .org("gamma-inc", |o| o.name("Gamma"));
    let former = |name: &str, owner: &str| {
        Live::new().org("org_1", |o| {
            let o = o.external_id("gamma").name(name);
            o.metadata("portalctl_owner", owner)
        })
    };
    insta::assert_snapshot!(world.plan(&former(" gAMMA ", "production")));
    // Another manifest's customer of the same name is another customer.
    let plan = world.plan_once(&former("Gamma", "staging"));
    assert!(plan.conflicts.is_empty() && plan.changes.len() == 1);
    let mut other = world.clone();
    other.edit("gamma-inc", Entry::same_name);
    let plan = other.plan_once(&former("Gamma", "production"));
    assert!(plan.conflicts.is_empty() && plan.changes.len() == 1);
}

#[test]
fn an_entry_that_may_be_an_organization_without_an_id_is_a_conflict() {
    let listed = |build: fn(LiveOrg) -> LiveOrg| {
        let mut live = Live::new();
        let LiveOrg(organization) = build(LiveOrg(
            Live::new().org("org_x", |o| o).get("org_x").clone(),
        ));
        live.0.gaps.push(Gap::Organizations(vec![organization]));
        live
    };
    let world = World::new().org("acme", |o| {
        o.name("Acme").previously("old-acme").domains(["acme.com"])
    });
    let is_in_conflict = |live: &Live| {
        let plan = world.plan_once(live);
        let without_id = |code| code == portalctl_model::codes::plan::WITHOUT_ID;
        plan.conflicts
            .iter()
            .any(|conflict| without_id(conflict.code))
    };
    assert!(is_in_conflict(&listed(|o| o.external_id("acme"))));
    assert!(is_in_conflict(&listed(|o| o.external_id("old-acme"))));
    assert!(is_in_conflict(&listed(|o| o.domain("acme.com", Pending))));
    assert!(is_in_conflict(&listed(|o| o.name(" ACME"))));
    assert!(!is_in_conflict(&listed(|o| o
        .external_id("globex")
        .name("Globex")
        .domain("globex.com", Pending))));
}
