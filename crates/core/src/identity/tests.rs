//! Contested domains, and whose organization nobody else's entry may take.

use std::collections::BTreeSet;

use super::*;
use portalctl_manifest::{Input, read};
use portalctl_model::desired::Desired;
use portalctl_model::observed::{DomainState, Observed, Organization, OrganizationDomain};

fn desired(organizations: &str) -> Desired {
    let text = format!("version: 1\nmanifest: customers\norganizations:\n{organizations}");
    let read = read(&[Input::Stdin(text.into_bytes())]);
    read.desired.unwrap()
}

/// An organization with an external id, unless it is empty, and domains.
fn live(id: &str, external_id: &str, domains: &[(&str, DomainState)]) -> Organization {
    let domains = domains.iter().map(|(domain, state)| OrganizationDomain {
        id: None,
        domain: Domain::from_api(domain),
        state: state.clone(),
        verification_prefix: None,
        verification_token: None,
        created_at: None,
        updated_at: None,
    });
    Organization {
        id: OrganizationId::from_api(id.to_owned()),
        name: format!("Name of {id}"),
        external_id: (!external_id.is_empty()).then(|| external_id.to_owned()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: domains.collect(),
        metadata: BTreeMap::new(),
        created_at: None,
        updated_at: None,
    }
}

fn identified(organizations: &str, live: Vec<Organization>) -> Identities {
    let observed = Observed {
        organizations: live.into_iter().map(|one| (one.id.clone(), one)).collect(),
        ..Observed::default()
    };
    identify(&desired(organizations), &observed)
}

fn key(text: &str) -> OrgKey {
    OrgKey::parse(text).unwrap()
}

fn is_conflicted(identities: &Identities, name: &str) -> bool {
    matches!(identities.entries[&key(name)], Identity::Conflicted(_))
}

#[test]
fn a_contested_domain_leaves_the_organization_known() {
    use DomainState::{Pending, Verified};
    let acme = "  acme: { name: Acme, domains: [a.example, b.example] }\n";
    let own = || live("org_1", "acme", &[("a.example", Pending)]);
    let rival = |state| live("org_2", "other", &[("a.example", state)]);
    let mut identities = identified(acme, vec![own(), rival(Verified)]);
    let name = key("acme");
    assert!(identities.organization_of(&name).is_some());
    let contest = identities.contest(&name, &Domain::from_api("a.example"));
    let contest = contest.unwrap();
    assert!(contest.stops_writes());
    assert_eq!(contest.holders(), "org_2 (Name of org_2)");
    assert_eq!(
        identities.contest(&name, &Domain::from_api("b.example")),
        None
    );
    identities.hide_rivals(&name);
    let contest = &identities.contested[&name][&Domain::from_api("a.example")];
    assert_eq!(
        contest.holders(),
        "another organization of this environment"
    );

    // While nobody has verified it, it may be written, and the rival is known all the same.
    let identities = identified(acme, vec![own(), rival(Pending)]);
    let contest = identities.contest(&name, &Domain::from_api("a.example"));
    assert!(!contest.unwrap().stops_writes());
    // Who shares it on purpose writes it.
    let shared = "  acme: { name: Acme, domains: [a.example], allow_shared_domain: true }\n";
    let identities = identified(shared, vec![own(), rival(Verified)]);
    let contest = identities.contest(&name, &Domain::from_api("a.example"));
    assert!(!contest.unwrap().stops_writes());
}

#[test]
fn without_an_organization_a_domain_verified_elsewhere_stops_the_entry() {
    use DomainState::Verified;
    let two = "  acme: { name: Acme, domains: [a.example, b.example] }\n  beta: { name: Beta }\n";
    let beta = || live("org_2", "beta", &[("a.example", Verified)]);
    assert!(is_conflicted(&identified(two, vec![beta()]), "acme"));
    // Nor is one adopted while another one has verified the other domain.
    let adoptable = live("org_3", "", &[("b.example", Verified)]);
    let identities = identified(two, vec![beta(), adoptable]);
    assert!(is_conflicted(&identities, "acme"));
    assert!(identities.contested.is_empty());
}

/// Else the other entry would find its organization taken, and make a second customer.
#[test]
fn a_pinned_entry_claims_nothing_by_its_previous_keys() {
    let two = "  acme: { name: Acme, id: org_1, previous_keys: [old-beta] }\n\
               \x20 beta: { name: Beta, domains: [b.example] }\n";
    let identities = identified(
        two,
        vec![
            live("org_1", "", &[]),
            live("org_2", "old-beta", &[("b.example", DomainState::Pending)]),
        ],
    );
    assert!(is_conflicted(&identities, "beta"));
    assert!(identities.organization_of(&key("acme")).is_some());
}

#[test]
fn organizations_that_a_shared_domain_could_adopt_are_nobody_elses_to_prune() {
    let shared = "  acme: { name: Acme, domains: [a.example], allow_shared_domain: true }\n";
    let verified = |id: &str| live(id, "", &[("a.example", DomainState::Verified)]);
    let identities = identified(shared, vec![verified("org_1"), verified("org_2")]);
    let concerned: BTreeSet<&str> = identities
        .concerned
        .iter()
        .map(OrganizationId::as_str)
        .collect();
    assert_eq!(concerned, BTreeSet::from(["org_1", "org_2"]));
}
