//! Tests of resources in namespaces: which organization a tenant's entry is, and which domains may
//! move between entries.

use portalctl_core::identity::{Contest, Disclosure, Identity, MatchedBy, Rival, candidates};
use portalctl_core::plan::{Flag, Reason};
use portalctl_model::desired::{DomainsPolicy, FieldPath};
use portalctl_model::observed::DomainState::{self, Pending, Verified};

use crate::support::world::{
    Entry, HOLDER, Live, LiveOrg, OWNER, World, domain, external, key, org_id,
};

fn match_of(world: &World, live: &Live, name: &str) -> Option<(String, MatchedBy)> {
    match world.identities(live).entries.remove(&key(name))? {
        Identity::Matched { organization, by } => Some((organization.to_string(), by)),
        Identity::Adoptable { .. } | Identity::Missing | Identity::Conflicted(_) => None,
    }
}

/// A tenant's entry: its external id has the namespace in front.
fn tenant() -> World {
    World::new().manifest("production").org("acme", |entry| {
        entry
            .resource("team-a", "acme")
            .external_id("team-a.acme")
            .plain_key("acme")
    })
}

#[test]
fn a_tenants_organization_of_before_the_namespace_was_in_front_is_found() {
    let plain = |build: fn(LiveOrg) -> LiveOrg| {
        Live::new().org("org_1", |org| build(org.external_id("acme")))
    };
    let found = Some(("org_1".to_owned(), MatchedBy::PreviousKey(external("acme"))));
    let own = |live: Live| match_of(&tenant(), &live, "acme");

    assert_eq!(own(plain(|org| org)), found);
    assert_eq!(own(plain(|org| org.metadata(OWNER, "production"))), found);
    assert_eq!(
        own(plain(|org| org.metadata(HOLDER, "c1/team-a/acme"))),
        found
    );
    // Another manifest's, another namespace's, and a mark that cannot be read.
    assert_eq!(own(plain(|org| org.metadata(OWNER, "staging"))), None);
    assert_eq!(
        own(plain(|org| org.metadata(HOLDER, "c1/team-b/acme"))),
        None
    );
    assert_eq!(own(plain(|org| org.metadata(HOLDER, "odd"))), None);
    // The external id with the namespace wins.
    let both = plain(|org| org).org("org_2", |org| org.external_id("team-a.acme"));
    let by_external_id = Some(("org_2".to_owned(), MatchedBy::ExternalId));
    assert_eq!(own(both), by_external_id);
}

#[test]
fn a_plain_key_that_another_entry_claims_is_not_a_tenants() {
    let world = tenant().org("home", |entry| entry.external_id("acme"));
    let live = Live::new().org("org_1", |org| org.external_id("acme").name("home"));
    assert_eq!(match_of(&world, &live, "acme"), None);
    let claimed = Some(("org_1".to_owned(), MatchedBy::ExternalId));
    assert_eq!(match_of(&world, &live, "home"), claimed);
}

#[test]
fn two_organizations_with_a_plain_key_are_nobodys() {
    let live = Live::new()
        .org("org_1", |org| org.external_id("acme"))
        .org("org_2", |org| org.external_id("acme"));
    assert_eq!(match_of(&tenant(), &live, "acme"), None);
}

/// `giver` removes `acme.com`, which `org_giver` has verified, and `taker` declares it.
fn moving() -> (World, Live) {
    let world = World::new()
        .org("giver", |entry| {
            let entry = entry.resource("team-a", "giver");
            entry.domains(["other.com"]).exact()
        })
        .org("taker", |entry| {
            let entry = entry.resource("team-a", "taker");
            entry.domains(["acme.com"])
        });
    let live = Live::new()
        .org("org_giver", |org| {
            let org = org.external_id("giver").name("giver");
            org.domain("other.com", Verified)
                .domain("acme.com", Verified)
        })
        .org("org_taker", |org| org.external_id("taker").name("taker"));
    (world, live)
}

/// The entry that gives the contested domain of `taker` up.
fn giver_of(world: &World, live: &Live) -> Option<String> {
    let identities = world.identities(live);
    let contests = &identities.contested[&key("taker")];
    let [rival] = contests[&domain("acme.com")].rivals.as_slice() else {
        panic!("{contests:?}");
    };
    rival.gives_up.as_ref().map(ToString::to_string)
}

#[test]
fn a_domain_moves_between_entries_of_one_namespace() {
    let (world, live) = moving();
    assert_eq!(giver_of(&world, &live).as_deref(), Some("giver"));
}

#[test]
fn a_pending_domain_that_another_run_removes_is_a_warning_in_one_sentence() {
    let (world, _) = moving();
    let live = Live::new()
        .org("org_giver", |org| {
            let org = org.external_id("giver").name("giver");
            org.domain("other.com", Verified)
                .domain("acme.com", Pending)
        })
        .org("org_taker", |org| org.external_id("taker").name("taker"));
    let plan = world.select(&["taker"], &[]).plan_once(&live);
    let [warning] = plan.warnings.as_slice() else {
        panic!("{:?}", plan.warnings);
    };
    assert_eq!(
        warning.message,
        "the domain acme.com is also pending on org_giver (giver), whose entry `giver` gives it up in \
         another run"
    );
}

#[test]
fn a_domain_moves_to_no_other_namespace_by_itself() {
    let (mut world, live) = moving();
    world.edit("taker", |entry| entry.resource("team-b", "taker"));
    assert_eq!(giver_of(&world, &live), None);
}

#[test]
fn only_an_entry_that_removes_the_domain_gives_it_up() {
    let (world, live) = moving();
    let edited = |build: fn(Entry) -> Entry| {
        let mut world = world.clone();
        world.edit("giver", build);
        giver_of(&world, &live)
    };
    // It adds domains and removes none; it declares no list; it only observes; it leaves the domain alone.
    let adding = edited(|mut entry| {
        entry.0.domains_policy = DomainsPolicy::Add;
        entry
    });
    assert_eq!(adding, None);
    let without_list = edited(|mut entry| {
        entry.0.domains = None;
        entry
    });
    assert_eq!(without_list, None);
    assert_eq!(edited(Entry::observe_only), None);
    let ignoring = edited(|entry| entry.ignore(FieldPath::Domain(domain("acme.com"))));
    assert_eq!(ignoring, None);
    let declaring = edited(|entry| entry.domains(["acme.com"]));
    assert_eq!(declaring, None);
}

#[test]
fn the_other_holders_of_a_domain_are_told_in_one_phrase() {
    let rival = |id: &str, state: DomainState| Rival {
        organization: org_id(id),
        name: format!("Name of {id}"),
        state,
        disclosure: Disclosure::Named,
        gives_up: None,
    };
    let told = |rivals: &[Rival]| {
        let mut contest = Contest {
            rivals: rivals.to_vec(),
            is_allowed: false,
        };
        let named = contest.holders();
        contest.hide_rivals();
        (named, contest.holders())
    };
    let [first, second, third] = ["org_1", "org_2", "org_3"].map(|id| rival(id, Verified));
    let waiting = rival("org_4", Pending);
    let hidden = "another organization of this environment";

    let (named, secret) = told(std::slice::from_ref(&first));
    assert_eq!(named, "org_1 (Name of org_1)");
    assert_eq!(secret, hidden);
    let (named, secret) = told(&[first.clone(), second.clone()]);
    assert_eq!(named, "org_1 (Name of org_1) and 1 more organization");
    assert_eq!(secret, format!("{hidden} and 1 more organization"));
    let (named, _) = told(&[first.clone(), second, third]);
    assert_eq!(named, "org_1 (Name of org_1) and 2 more organizations");
    // Those that wait count only where nobody has verified the domain.
    let (named, _) = told(&[first, waiting.clone()]);
    assert_eq!(named, "org_1 (Name of org_1)");
    let (named, _) = told(&[waiting]);
    assert_eq!(named, "org_4 (Name of org_4)");
}

#[test]
fn who_has_verified_a_domain_is_told_before_who_waits_for_it() {
    let world = World::new().org("acme", |entry| entry.domains(["acme.com"]));
    let live = Live::new()
        .org("org_1", |org| org.external_id("acme"))
        .org("org_2", |org| org.domain("acme.com", Pending))
        .org("org_3", |org| org.domain("acme.com", Verified));
    let identities = world.identities(&live);
    let contest = &identities.contested[&key("acme")][&domain("acme.com")];
    let rivals = contest.rivals.iter();
    let rivals: Vec<&str> = rivals.map(|rival| rival.organization.as_str()).collect();
    assert_eq!(rivals, ["org_3", "org_2"]);
}

#[test]
fn an_entry_in_conflict_gives_no_domain_up() {
    let (mut world, live) = moving();
    world = world.org("double", |entry| entry.pin("org_giver"));
    assert_eq!(giver_of(&world, &live), None);
}

#[test]
fn every_organization_that_an_entry_names_is_a_candidate() {
    let live = Live::new()
        .org("org_1", |org| org.external_id("acme"))
        .org("org_2", |org| org.external_id("old-acme"))
        .org("org_3", |org| org.external_id("team-a.acme"))
        .org("org_4", |org| org.external_id("other"));
    let of = |world: &World| -> Vec<(String, MatchedBy)> {
        let mut all = candidates(&world.desired, &live.0);
        let own = all.remove(&key("acme")).unwrap_or_default();
        own.into_iter()
            .map(|(id, by)| (id.to_string(), by))
            .collect()
    };
    let mut world = tenant();
    world.edit("acme", |entry| entry.previously("old-acme"));
    let former = |id: &str, by: &str| (id.to_owned(), MatchedBy::PreviousKey(external(by)));
    let expected = [
        ("org_3".to_owned(), MatchedBy::ExternalId),
        former("org_2", "old-acme"),
    ];
    assert_eq!(of(&world), expected);
    // The key without the namespace counts where nothing else is found.
    world.edit("acme", |mut entry| {
        entry.0.previous_keys.clear();
        entry.external_id("team-b.acme")
    });
    assert_eq!(of(&world), [former("org_1", "acme")]);
    world.edit("acme", |entry| entry.pin("org_4"));
    assert_eq!(of(&world)[0], ("org_4".to_owned(), MatchedBy::Id));
}

#[test]
fn a_domain_moves_when_its_removal_is_allowed_and_waits_for_it_until_then() {
    let (world, live) = moving();
    insta::assert_snapshot!(world.plan(&live), @r#"
    # giver update org_giver  needs --allow-domain-removal  domains.acme.com "verified" -> absent
    # taker update org_taker  needs --allow-domain-removal  domains.acme.com "pending"
    * taker plan/domain-moves
        the domain acme.com moves here from `giver` (org_giver), where it is verified; it arrives pending, and sign-in by it stops until it is verified here
    "#);
    let world = world.allow(Flag::AllowDomainRemoval);
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ giver org_giver  domains.acme.com "verified" -> absent
    ~ taker org_taker  domains.acme.com "pending"
    * taker plan/domain-moves
        the domain acme.com moves here from `giver` (org_giver), where it is verified; it arrives pending, and sign-in by it stops until it is verified here
    "#);
}

#[test]
fn what_waits_for_a_domain_leaves_the_other_changes_of_its_entry() {
    let (mut world, live) = moving();
    world.edit("taker", |entry| entry.metadata("tier", "gold"));
    insta::assert_snapshot!(world.plan(&live), @r#"
    ~ taker org_taker  metadata.tier "gold"
    # giver update org_giver  needs --allow-domain-removal  domains.acme.com "verified" -> absent
    # taker update org_taker  needs --allow-domain-removal  domains.acme.com "pending"
    * taker plan/domain-moves
        the domain acme.com moves here from `giver` (org_giver), where it is verified; it arrives pending, and sign-in by it stops until it is verified here
    "#);
    let plan = world.plan_once(&live);
    let waits: Vec<&Reason> = plan
        .held
        .iter()
        .filter(|held| held.change.key == key("taker"))
        .map(|held| &held.change.reason)
        .collect();
    assert!(
        matches!(waits.as_slice(), [Reason::DomainMoves { from, .. }] if *from == key("giver")),
        "{waits:?}"
    );
}
