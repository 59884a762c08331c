//! Built-in scenarios.

use std::collections::BTreeMap;

use super::{Scenario, ScenarioConnection, ScenarioDomain, ScenarioObject, ScenarioOrganization};
use crate::world::{ConnectionState, DirectoryState, DomainState};

/// Account with every possible state.
pub(super) const BUSY: &str = include_str!("busy.yaml");

/// Number of organizations of `large`.
const LARGE: u32 = 10_000;

/// Builds ten thousand organizations, about half of them configured.
pub(super) fn large() -> Scenario {
    Scenario {
        organizations: (1..=LARGE).map(customer).collect(),
        rules: None,
    }
}

fn customer(number: u32) -> ScenarioOrganization {
    let key = format!("customer-{number:05}");
    let done = number.is_multiple_of(2);
    let domain = ScenarioDomain {
        domain: format!("{key}.example.com"),
        state: if done {
            DomainState::Verified
        } else {
            DomainState::Pending
        },
    };
    let connection = match number % 4 {
        0 | 2 => Some(ConnectionState::Active),
        1 => Some(ConnectionState::Draft),
        _ => None,
    };
    let directory = match number % 5 {
        0 => Some(DirectoryState::Linked),
        1 => Some(DirectoryState::InvalidCredentials),
        _ => None,
    };
    ScenarioOrganization {
        name: format!("Customer {number:05}"),
        external_id: Some(key),
        metadata: BTreeMap::from([("tier".to_owned(), "enterprise".to_owned())]),
        days_old: Some((LARGE - number) / 25),
        domains: vec![domain],
        connections: connection.into_iter().map(okta).collect(),
        directories: directory.into_iter().map(object).collect(),
        ..ScenarioOrganization::default()
    }
}

fn okta(state: ConnectionState) -> ScenarioConnection {
    ScenarioConnection {
        state,
        kind: None,
        certificates: Vec::new(),
    }
}

fn object<S>(state: S) -> ScenarioObject<S> {
    ScenarioObject { state, kind: None }
}
