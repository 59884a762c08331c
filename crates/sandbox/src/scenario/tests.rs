//! Tests of the scenarios.

use std::collections::BTreeSet;
use std::io::Write as _;

use super::*;
use crate::world::{OrganizationFilter, PageQuery};

fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn built(name: &str) -> World {
    let mut world = World::new(1);
    Scenario::load(name)
        .unwrap()
        .build(&mut world, noon())
        .unwrap();
    world
}

#[test]
fn busy_has_every_state_there_is() {
    let world = built("busy");
    let mut states = BTreeSet::new();
    let mut seen = |kind: &str, state: serde_json::Value| {
        states.insert(format!("{kind} {}", state.as_str().unwrap()));
    };
    for organization in world.organizations() {
        for domain in &organization.domains {
            seen("domain", serde_json::to_value(&domain.state).unwrap());
        }
        for connection in world.connections_of(&organization.id) {
            seen(
                "connection",
                serde_json::to_value(&connection.state).unwrap(),
            );
        }
        for directory in world.directories_of(&organization.id) {
            seen("directory", serde_json::to_value(&directory.state).unwrap());
        }
        match world.audit_logs(&organization.id) {
            Ok(logs) => {
                seen("logs", serde_json::to_value(&logs.state).unwrap());
                if let Some(stream) = logs.log_stream {
                    seen("stream", serde_json::to_value(&stream.state).unwrap());
                }
            }
            Err(refusal) => seen("logs", refusal.status().to_string().into()),
        }
    }
    let expected = "\
        connection active, connection deleting, connection draft, connection inactive, \
        connection requires_type, connection validating, directory deleting, \
        directory invalid_credentials, directory linked, directory unlinked, \
        directory validating, domain failed, domain legacy_verified, domain pending, \
        domain unverified, domain verified, logs 403, logs 404, logs active, logs disabled, \
        logs inactive, stream active, stream error, stream inactive, stream invalid";
    assert_eq!(states.into_iter().collect::<Vec<_>>().join(", "), expected);
}

#[test]
fn busy_has_contacts_an_invitation_and_certificates_of_every_age() {
    let world = built("busy");
    let globex = world.organization_by_external_id("globex").unwrap();
    let contact = world.it_contacts(&globex.id).unwrap()[0].id.clone();
    let invitation = world.invitation(noon(), &globex.id).unwrap();
    assert_eq!(invitation.contact_id, contact);
    let ends = |key: &str| {
        let id = &world.organization_by_external_id(key).unwrap().id;
        let certificates = world.connections_of(id).flat_map(|c| &c.certificates);
        certificates
            .map(|one| one.not_after.duration_since(noon()).as_hours() / 24)
            .collect::<Vec<_>>()
    };
    assert_eq!(ends("acme"), [365]);
    assert_eq!(ends("wayne"), [10, -20, 10]);
    assert_eq!(ends("oscorp"), [-3]);
    assert_eq!(ends("globex"), [0; 0]);
}

#[test]
fn large_has_ten_thousand_organizations() {
    let world = built("large");
    assert_eq!(world.organization_count(), 10_000);
    let query = PageQuery::default();
    let filter = OrganizationFilter::default();
    let page = world.list_organizations(&query, &filter).unwrap();
    assert_eq!(page.data[0].name, "Customer 10000");
    assert_eq!(built("empty").organization_count(), 0);
}

#[test]
fn a_file_may_play_what_workos_does_not_document() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = "
rules: { metadata_on_put: merge, deletion_delay: { secs: 3, nanos: 0 } }
organizations:
  - name: Acme
    created_at: 2020-01-01T00:00:00Z
    connections: [{ state: quantum }]
    domains: [{ domain: acme.com, state: verified }]
  - name: Other
    days_old: 2
    domains: [{ domain: acme.com, state: verified }]
";
    file.write_all(text.as_bytes()).unwrap();
    let world = built(file.path().to_str().unwrap());
    let mut organizations = world.organizations();
    let acme = organizations.next().unwrap();
    assert_eq!(acme.created_at.to_string(), "2020-01-01T00:00:00Z");
    let connection = world.connections_of(&acme.id).next().unwrap();
    assert_eq!(
        connection.state,
        ConnectionState::Other("quantum".to_owned())
    );
    let other = organizations.next().unwrap();
    assert_eq!(other.created_at.to_string(), "2026-01-13T12:00:00Z");
    assert!(other.domains[0].state.is_verified());
}

#[test]
fn what_cannot_be_loaded_says_what_and_why() {
    let error = Scenario::load("no/such/file.yaml").unwrap_err().to_string();
    assert!(error.contains("empty, busy and large"), "{error}");
    let error = Scenario::parse("x.yaml", "organizations: [{ naem: A }]");
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("x.yaml") && error.contains("naem"),
        "{error}"
    );
    let twice = "organizations: [{ name: A, external_id: a }, { name: B, external_id: a }]";
    let twice = Scenario::parse("x", twice).unwrap();
    let error = twice.build(&mut World::new(1), noon()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`B`") && error.contains("'a'"), "{error}");
}
