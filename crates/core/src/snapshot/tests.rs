use super::*;
use crate::plan::Policy;
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::Domain;
use portalctl_model::Selection;
use portalctl_model::observed::{DomainState, ItContact, Organization, OrganizationDomain};

fn desired(text: &str) -> Desired {
    let text = format!("version: 1\nmanifest: customers\norganizations:\n{text}");
    let checked = manifest::read(&[Input::Stdin(text.into_bytes())]);
    let diagnostics = format!("{:?}", checked.diagnostics);
    checked.desired.expect(&diagnostics)
}

fn live() -> Observed {
    let id = OrganizationId::from_api("org_1");
    let metadata = [
        ("tier", "enterprise"),
        ("billing", "secret-plan"),
        ("portalctl_owner", "customers"),
    ];
    let organization = Organization {
        id: id.clone(),
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: vec![OrganizationDomain {
            id: Some("org_domain_1".to_owned()),
            domain: Domain::from_api("acme.com"),
            state: DomainState::Pending,
            verification_prefix: Some("superapp".to_owned()),
            verification_token: Some("token-of-acme".to_owned()),
            created_at: None,
            updated_at: None,
        }],
        metadata: metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        created_at: None,
        updated_at: None,
    };
    let contact = ItContact {
        id: "it_contact_1".to_owned(),
        email: "Ada@acme.com".to_owned(),
        created_at: None,
    };
    Observed {
        organizations: BTreeMap::from([(id.clone(), organization)]),
        it_contacts: BTreeMap::from([(id, Answer::Found(vec![contact]))]),
        ..Observed::default()
    }
}

const TAKEN_FOR: &str = "  acme: { name: Acme, metadata: { tier: enterprise } }\n";

fn taken() -> Snapshot {
    let target = Target {
        environment: Some("production".to_owned()),
        endpoint: "api.workos.com".to_owned(),
        ..Target::default()
    };
    Snapshot::of(live(), &desired(TAKEN_FOR), target, Timestamp::UNIX_EPOCH)
}

fn replayed(text: &str) -> (Observed, OrganizationId) {
    let desired = desired(text);
    let asked = Asked {
        desired: &desired,
        selection: &Selection::default(),
        policy: Policy::default(),
    };
    let (observed, _) = taken().live(asked, KnownContacts::Unmarked);
    (observed, OrganizationId::from_api("org_1"))
}

#[test]
fn what_nobody_has_to_see_is_not_written() {
    let text = taken().to_json().unwrap();
    for secret in [
        "token-of-acme",
        "superapp",
        "secret-plan",
        "Ada@",
        "ada@acme.com",
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    for told in [
        "enterprise",
        "portalctl_owner",
        "acme.com",
        "api.workos.com",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_hidden_value_is_known_by_whoever_declares_it() {
    let metadata = |text: &str, key: &str| {
        let (observed, id) = replayed(text);
        observed.organizations[&id].metadata[key].clone()
    };
    let declared = "  acme: { name: Acme, metadata: { billing: secret-plan } }\n";
    assert_eq!(metadata(declared, "billing"), "secret-plan");
    let other = "  acme: { name: Acme, metadata: { billing: other } }\n";
    let hidden = metadata(other, "billing");
    assert!(hidden.starts_with("(hidden, sha256:"), "{hidden}");
    assert_eq!(metadata(other, "tier"), "enterprise");
}

#[test]
fn contacts_are_known_by_their_hashes_whatever_their_case() {
    let (observed, id) =
        replayed("  acme: { name: Acme, it_contacts: [ada@acme.com, eve@acme.com] }\n");
    let Answer::Found(contacts) = &observed.it_contacts[&id] else {
        panic!("the contacts were read");
    };
    let emails: Vec<&str> = contacts.iter().map(|it| it.email.as_str()).collect();
    assert_eq!(emails, ["ada@acme.com"]);
}

#[test]
fn what_was_not_read_is_said() {
    let (observed, id) = replayed(
        "  acme: { name: Acme, audit_logs: { retention_days: 30 }, invite: once, \
         it_contacts: [ada@acme.com], intents: [log_streams] }\n",
    );
    let Answer::Failed(why) = &observed.retention[&id] else {
        panic!("nobody asked for the retention");
    };
    assert!(
        why.to_string().contains("when the snapshot was taken"),
        "{why}"
    );
    assert!(matches!(observed.audit_logs[&id], Answer::Failed(_)));
}

#[test]
fn other_documents_and_versions_are_refused() {
    let text = taken().to_json().unwrap();
    let parse = |text: &str| Snapshot::parse(text).unwrap_err().to_string();
    assert!(Snapshot::parse(&text).is_ok());
    let newer = text.replace("\"format_version\":\"1\"", "\"format_version\":\"2\"");
    assert!(parse(&newer).contains("format version 2"));
    let other = text.replace("portalctl snapshot", "portalctl plan");
    assert!(parse(&other).contains("another document"));
    assert!(parse("{}").starts_with("is not a snapshot"));
}

#[test]
fn a_redacted_name_is_known_by_whoever_declares_it() {
    let redacted = taken().redacted();
    let text = redacted.to_json().unwrap();
    assert!(!text.contains("\"Acme\""), "{text}");
    let name = |manifest: &str| {
        let desired = desired(manifest);
        let asked = Asked {
            desired: &desired,
            selection: &Selection::default(),
            policy: Policy::default(),
        };
        let parsed = Snapshot::parse(&text).unwrap();
        let (observed, identities) = parsed.live(asked, KnownContacts::Unmarked);
        let id = OrganizationId::from_api("org_1");
        (observed.organizations[&id].name.clone(), identities)
    };
    assert_eq!(name("  acme: { name: Acme }\n").0, "Acme");
    let (renamed, _) = name("  acme: { name: Acme Corp }\n");
    assert!(renamed.starts_with("(hidden, sha256:"), "{renamed}");
    // Another spelling is a change, and for a new entry the same name.
    assert!(name("  acme: { name: ACME }\n").0.starts_with("(hidden"));
    let (_, identities) = name("  new: { name: ACME }\n");
    let new = identities.entries.values().next().unwrap();
    assert!(
        new.organization().is_none() && format!("{new:?}").contains("Conflict"),
        "{new:?}"
    );
}
