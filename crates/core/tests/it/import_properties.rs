//! Property tests of import: for every account and every earlier folder, the written manifest leads
//! to a plan without changes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use portalctl_core::identity::identify;
use portalctl_core::import::{NewFile, Survey};
use portalctl_core::plan::{Change, Plan};
use portalctl_model::OrgKey;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{
    Answer, ConnectionState, DomainState, Listing, Observed, Organization,
};

use crate::support::import::{
    connection, contact, declared, domain, folder, import, import_only, live, organization, planned,
};
use crate::support::world::{HOLDER, OWNER, PROTECT, org_id, text};

const DOMAINS: [&str; 8] = [
    "one.com",
    "two.com",
    "three.com",
    "four.com",
    "gmail.com",
    "10.0.0.1",
    "localhost",
    "bücher.de",
];
const EXTERNAL_IDS: [&str; 9] = [
    "acme", "beta", "gamma", "Acme", "acme ", "tenant 7", "null", "1e3", "portal",
];
const STATES: [&str; 6] = [
    "verified",
    "legacy_verified",
    "pending",
    "unverified",
    "failed",
    "quantum",
];
/// Manifests that the folder may contain before the import.
const FOLDERS: [&str; 6] = [
    "",
    "version: 1\n",
    "version: 1\ndefaults: { domains_policy: exact, intents: [sso], metadata: { tier: x } }\n",
    "version: 1\norganizations: { acme: { name: Acme, domains: [one.com] } }\n",
    "version: 1\nmanifest: customers\norganizations:\n  acme: { id: org_0, name: Acme }\n  \
     beta: { name: b, domains: [two.com, three.com], allow_shared_domain: true }\n",
    "version: 1\ndefaults: { protect: true, domains_policy: exact }\norganizations:\n  \
     gamma: { name: Acme, previous_keys: [beta], domains: [one.com, two.com] }\n",
];

#[derive(Debug, Clone)]
struct Row {
    name: String,
    external_id: Option<String>,
    domains: Vec<(usize, usize)>,
    metadata: BTreeMap<String, String>,
    stripe: Option<String>,
    connection: Option<String>,
    contacts: Vec<String>,
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["Acme", "ACME", "Beta Inc.", "b", "yes", "null", "1e3"])
            .prop_map(str::to_owned),
        2 => "[ -~]{0,12}",
        1 => any::<String>(),
        1 => prop::collection::vec(any::<char>(), 0..6).prop_map(|all| all.into_iter().collect()),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let external_id = prop_oneof![
        2 => prop::sample::select(EXTERNAL_IDS.to_vec()).prop_map(str::to_owned),
        1 => any_text().prop_filter("empty reads as absent", |text| !text.is_empty()),
    ];
    let metadata_key = prop_oneof![
        2 => prop::sample::select(vec!["tier", "team", PROTECT, OWNER]).prop_map(str::to_owned),
        1 => any_text(),
    ];
    let row = (
        any_text(),
        prop::option::weighted(0.7, external_id),
        prop::collection::vec((0..DOMAINS.len(), 0..STATES.len()), 0..4),
        prop::collection::btree_map(metadata_key, any_text(), 0..4),
        prop::option::weighted(0.3, prop_oneof![Just("cus_1".to_owned()), any_text()]),
        prop::option::of(any_text()),
        prop::collection::vec(prop_oneof![Just("a@acme.com".to_owned()), any_text()], 0..3),
    );
    let row = row.prop_map(
        |(name, external_id, domains, metadata, stripe, connection, contacts)| Row {
            name,
            external_id,
            domains,
            metadata,
            stripe,
            connection,
            contacts,
        },
    );
    prop::collection::vec(row, 0..6)
}

fn build(rows: &[Row]) -> Observed {
    let id = |index: usize| format!("org_{index}");
    let mut observed = live(rows.iter().enumerate().map(|(index, row)| {
        let external_id = row.external_id.as_deref();
        let mut organization = organization(&id(index), &row.name, external_id);
        let states = |state: &usize| DomainState::from_api(STATES[*state]);
        let domains = row.domains.iter();
        organization.domains = domains
            .map(|(name, state)| domain(DOMAINS[*name], states(state)))
            .collect();
        organization.metadata = row.metadata.clone();
        organization.stripe_customer_id.clone_from(&row.stripe);
        organization
    }));
    let mut connections = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let id = org_id(&id(index));
        if let Some(kind) = &row.connection {
            let one = connection(kind, ConnectionState::from_api(kind));
            connections.insert(id.clone(), vec![one]);
        }
        let contacts = row.contacts.iter().map(|email| contact(email)).collect();
        observed.it_contacts.insert(id, Answer::Found(contacts));
    }
    observed.connections = Listing::Read(connections);
    observed
}

/// The changes for some entries.
fn changes_of<'a>(plan: &'a Plan, is_new: &dyn Fn(&OrgKey) -> bool) -> Vec<&'a Change> {
    let held = plan.held.iter().map(|held| &held.change);
    let changes = plan.changes.iter().chain(held);
    changes.filter(|change| is_new(&change.key)).collect()
}

/// Checks that each live value is in the file, or ignored by it.
fn says_everything(live: &Organization, observed: &Observed, file: &NewFile, desired: &Desired) {
    let entry = &desired.organizations[&file.key];
    let is_told = |field: &str| file.left_out.iter().any(|it| it.field == field);
    assert_eq!(entry.id.as_ref(), Some(&live.id));
    assert!(entry.name.as_ref() == Some(&live.name) || is_told("name"));
    let declared = entry.external_id.as_ref().map(ToString::to_string);
    assert!(declared == live.external_id || is_told("external_id"));
    for held in &live.domains {
        let declared = entry.domains.as_ref();
        let is_declared = declared.is_some_and(|it| it.contains_key(&held.domain));
        assert!(is_declared || is_told(&format!("domains.{}", held.domain)));
    }
    for (name, value) in &live.metadata {
        let declared = entry.metadata.get(name);
        let is_declared = declared == Some(&Some(value.clone()));
        let is_ours = name.starts_with("portalctl_");
        assert!(is_declared || is_ours || is_told(&format!("metadata.{name}")));
    }
    let Some(Answer::Found(contacts)) = observed.it_contacts.get(&live.id) else {
        return;
    };
    for contact in contacts {
        let is_declared = entry
            .it_contacts
            .iter()
            .any(|it| it.as_str() == contact.email);
        assert!(is_declared || is_told(&format!("it_contacts.{}", contact.email)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_of_what_was_imported_has_nothing_to_do(rows in rows()) {
        let observed = build(&rows);
        let first = import("", &observed);
        prop_assert_eq!(first.files.len() + first.skipped.len(), rows.len());
        if first.files.is_empty() {
            return Ok(());
        }
        let desired = folder("", &first);
        let plan = planned(&desired, &observed);
        prop_assert!(plan.is_settled(), "{}", text(&plan));
        prop_assert_eq!(plan.unchanged, first.files.len());
        for file in &first.files {
            says_everything(&observed.organizations[&file.organization], &observed, file, &desired);
        }
    }

    #[test]
    fn importing_again_writes_nothing(rows in rows(), manifest in prop::sample::select(FOLDERS.to_vec())) {
        let observed = build(&rows);
        let first = import(manifest, &observed);
        let desired = folder(manifest, &first);
        let identities = identify(&desired, &observed);
        let second = Survey::new(&desired, &observed, &identities);
        let second = second.files(&desired, &observed, &BTreeSet::new());
        prop_assert_eq!(second.files, Vec::new());
        prop_assert_eq!(second.already_declared, first.already_declared + first.files.len());
        prop_assert_eq!(second.skipped, first.skipped);
    }

    /// Earlier declarations are planned as before, and imported organizations change only by the
    /// defaults, which apply to every entry.
    #[test]
    fn a_folder_that_holds_something_goes_on_as_it_was(
        rows in rows(),
        manifest in prop::sample::select(FOLDERS[2..].to_vec()),
    ) {
        let observed = build(&rows);
        let before = declared(manifest);
        let import = import(manifest, &observed);
        let after = folder(manifest, &import);
        let is_new = |key: &OrgKey| !before.organizations.contains_key(key);
        let old_plan = planned(&before, &observed);
        let new_plan = planned(&after, &observed);
        prop_assert_eq!(
            changes_of(&old_plan, &|_| true),
            changes_of(&new_plan, &|key| !is_new(key))
        );
        prop_assert_eq!(&old_plan.conflicts, &new_plan.conflicts);
        for change in changes_of(&new_plan, &is_new) {
            for field in change.reviewed_fields() {
                let path = field.path().to_string();
                // With these, the marks of another are replaced, once somebody allows it.
                let by_default = ["tier", PROTECT, OWNER, HOLDER];
                let by_default = by_default.map(|key| format!("metadata.{key}"));
                prop_assert!(by_default.contains(&path), "{}", text(&new_plan));
            }
        }
    }

    #[test]
    fn a_part_is_imported_as_with_the_whole(rows in rows(), chosen in 0..6_usize) {
        let observed = build(&rows);
        let whole = import("", &observed);
        let Some(file) = whole.files.get(chosen) else { return Ok(()) };
        let part = import_only("", &observed, &[file.key.to_string()]);
        let own: Vec<&NewFile> = part.files.iter().filter(|it| it.key == file.key).collect();
        prop_assert_eq!(own, vec![file]);
    }
}
