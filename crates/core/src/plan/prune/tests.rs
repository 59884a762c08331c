//! Unit tests of pruning: every guard by itself, at its edge.

use super::*;
use crate::plan::candidates;
use crate::plan::policy::Policy;
use portalctl_model::observed::{Connection, ConnectionState, Directory, DirectoryState, Usage};
use portalctl_model::{Selection, Unconfigured};

fn organization(key: &str) -> Organization {
    let owner = (mark::OWNER.to_owned(), "customers".to_owned());
    Organization {
        id: OrganizationId::from_api(key),
        name: key.to_owned(),
        external_id: Some(key.to_owned()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: BTreeMap::from([owner]),
        created_at: None,
        updated_at: None,
    }
}

fn unused() -> Usage {
    Usage {
        connections: Ok(Vec::new()),
        directories: Ok(Vec::new()),
        audit_logs: Ok(None),
        has_members: Ok(false),
    }
}

/// Organizations of this manifest, the first of them undeclared and used in some way.
fn live(keys: &[&str], usage: &Usage) -> Observed {
    let organizations = keys.iter().map(|key| organization(key));
    let organizations = organizations.map(|one| (one.id.clone(), one));
    let usage = keys.iter().map(|key| {
        let id = OrganizationId::from_api(*key);
        (id, usage.clone())
    });
    Observed {
        organizations: organizations.collect(),
        usage: usage.collect(),
        ..Observed::default()
    }
}

fn desired() -> Desired {
    Desired {
        manifest: ManifestName::parse("customers").ok(),
        ..Desired::default()
    }
}

fn declared(keys: &[&str]) -> Identities {
    let ids = keys.iter().map(|key| OrganizationId::from_api(*key));
    Identities {
        concerned: ids.collect(),
        ..Identities::default()
    }
}

const PRUNE: Policy = Policy {
    adopt_owned: false,
    adopt: false,
    allow_rekey: false,
    allow_trusted_domains: false,
    allow_domain_removal: false,
    allow_data_loss: false,
    prune: true,
    prune_active: false,
    allow_bulk: false,
};

/// Deleted keys, and the flag that each held one lacks.
fn outcome(plan: &Plan) -> (Vec<&str>, Vec<(&str, Flag)>) {
    let deleted = plan.changes.iter().map(|change| change.key.as_str());
    let held = plan.held.iter();
    let held = held.map(|held| (held.change.key.as_str(), held.flag));
    (deleted.collect(), held.collect())
}

fn pruned(observed: &Observed, identities: &Identities, policy: Policy) -> Plan {
    let mut plan = Plan::default();
    let input = PlanInput {
        desired: &desired(),
        observed,
        identities,
        unconfigured: &Unconfigured::new(),
        policy,
        selection: &Selection::default(),
    };
    prune(&mut plan, input);
    plan
}

#[test]
fn exactly_half_declared_is_enough_and_less_is_not() {
    let four = live(&["a", "b", "c", "d"], &unused());
    let half = pruned(&four, &declared(&["c", "d"]), PRUNE);
    assert_eq!(outcome(&half), (vec!["a", "b"], vec![]));
    let less = pruned(&four, &declared(&["d"]), PRUNE);
    let bulk = Flag::AllowBulk;
    assert_eq!(
        outcome(&less),
        (vec![], vec![("a", bulk), ("b", bulk), ("c", bulk)])
    );
    let told = pruned(&four, &declared(&["d"]), PRUNE_IN_BULK);
    assert_eq!(outcome(&told), (vec!["a", "b", "c"], vec![]));
}

const PRUNE_IN_BULK: Policy = Policy {
    allow_bulk: true,
    ..PRUNE
};

const PRUNE_ACTIVE: Policy = Policy {
    prune_active: true,
    ..PRUNE
};

#[test]
fn a_connection_or_a_directory_in_use_needs_its_flag() {
    let connection = Connection {
        id: "conn_1".to_owned(),
        organization_id: None,
        name: String::new(),
        connection_type: String::new(),
        state: ConnectionState::Active,
        created_at: None,
        updated_at: None,
    };
    let directory = Directory {
        id: "directory_1".to_owned(),
        organization_id: None,
        name: String::new(),
        directory_type: String::new(),
        state: DirectoryState::Linked,
        created_at: None,
        updated_at: None,
    };
    let connected = Usage {
        connections: Ok(vec![connection]),
        ..unused()
    };
    let linked = Usage {
        directories: Ok(vec![directory]),
        ..unused()
    };
    for usage in [connected, linked] {
        let two = live(&["a", "b"], &usage);
        for policy in [PRUNE, PRUNE_IN_BULK] {
            let held = pruned(&two, &declared(&["b"]), policy);
            assert_eq!(outcome(&held), (vec![], vec![("a", Flag::PruneActive)]));
        }
        let told = pruned(&two, &declared(&["b"]), PRUNE_ACTIVE);
        assert_eq!(outcome(&told), (vec!["a"], vec![]));
    }
}

#[test]
fn an_organization_whose_use_was_not_read_is_held() {
    let mut two = live(&["a", "b"], &unused());
    two.usage.clear();
    let held = pruned(&two, &declared(&["b"]), PRUNE);
    assert_eq!(outcome(&held), (vec![], vec![("a", Flag::PruneActive)]));
}

#[test]
fn the_protected_and_those_of_other_manifests_stay() {
    for (name, value) in [(mark::PROTECT, "true"), (mark::OWNER, "others")] {
        let mut two = live(&["a", "b"], &unused());
        let first = two.organizations.values_mut().next();
        first.map(|one| one.metadata.insert(name.to_owned(), value.to_owned()));
        let plan = pruned(&two, &declared(&["b"]), PRUNE);
        assert_eq!(outcome(&plan), (vec![], vec![]), "{name}");
        let candidates = candidates(
            &desired(),
            &two,
            &declared(&["b"]),
            PRUNE,
            &Selection::default(),
        );
        assert!(candidates.is_empty(), "{name}");
    }
}

#[test]
fn use_is_read_only_where_it_decides() {
    let three = live(&["a", "b", "c"], &unused());
    let most = declared(&["b", "c"]);
    let a = BTreeSet::from([OrganizationId::from_api("a")]);
    assert_eq!(
        candidates(&desired(), &three, &most, PRUNE, &Selection::default()),
        a
    );
    let few = declared(&["c"]);
    let none = BTreeSet::new();
    assert_eq!(
        candidates(&desired(), &three, &few, PRUNE, &Selection::default()),
        none
    );
    assert_eq!(
        candidates(
            &desired(),
            &three,
            &few,
            PRUNE_IN_BULK,
            &Selection::default()
        )
        .len(),
        2
    );
    let unasked = Policy::default();
    assert_eq!(
        candidates(&desired(), &three, &most, unasked, &Selection::default()),
        none
    );
    let skipping = Desired {
        skipped: vec!["vip.yaml".to_owned()],
        ..desired()
    };
    assert_eq!(
        candidates(&skipping, &three, &most, PRUNE, &Selection::default()),
        none
    );
    assert_eq!(
        candidates(
            &skipping,
            &three,
            &most,
            PRUNE_IN_BULK,
            &Selection::default()
        ),
        a
    );
}
