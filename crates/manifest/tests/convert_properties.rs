//! Property tests of conversion: both forms of a manifest mean the same, and converting back
//! restores the first.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "a test reads from top to bottom, and a table of cases is as long as it is"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is how tests fail"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use portalctl_manifest::convert::{self, Form, WholeManifest};
use portalctl_manifest::kubernetes::{
    DeletionPolicy, EnvironmentObject, KeyRef, Management, OperatorSettings, OrganizationObject,
    OrganizationPolicies, Recreate,
};
use portalctl_manifest::shape::{
    AuditLogs, DomainSettings, Environment, IntentSettings, Limits, Manifest, Organization,
    ReturnUrls, UpdateLimit,
};
use portalctl_manifest::{Input, Layout, render, to_yaml};
use portalctl_model::Intent;
use portalctl_model::desired::{
    self, DeclaredDomainState, Desired, DomainsPolicy, Invite, KeyKind, Source,
};

const NAMES: [&str; 6] = [
    "Acme",
    "no",
    "1e3",
    "Größe",
    "a: b # c",
    "Zoë's \"quoted\" Ltd",
];
const KEYS: [&str; 6] = ["acme", "no", "null", "1", "a.b", "globex-2"];
const URLS: [&str; 3] = [
    "https://app.example.com/",
    "https://app.example.com/x?y=%20#",
    "https://other.example.com:8443/x?tab=1&y=2",
];

fn url() -> impl Strategy<Value = String> {
    // A fragment is refused.
    prop::sample::select(URLS.to_vec()).prop_map(|url| url.trim_end_matches('#').to_owned())
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned)
}

fn sometimes<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(of)
}

fn intent_item() -> impl Strategy<Value = IntentSettings> {
    let intent = prop::sample::select(Intent::ALL.to_vec());
    (
        intent,
        sometimes(url()),
        sometimes(url()),
        sometimes(1..365_u16),
    )
        .prop_map(|(intent, return_url, success_url, warn_days)| {
            if return_url.is_none() && success_url.is_none() {
                return IntentSettings::from(intent);
            }
            IntentSettings {
                intent,
                return_url,
                success_url,
                warn_days: warn_days.filter(|_| intent == Intent::CertificateRenewal),
            }
        })
}

/// Intents, each once.
fn intents() -> impl Strategy<Value = Vec<IntentSettings>> {
    prop::collection::vec(intent_item(), 0..4).prop_map(|list| {
        let mut seen = Vec::new();
        list.into_iter()
            .filter(|item| {
                let is_new = !seen.contains(&item.intent);
                seen.push(item.intent);
                is_new
            })
            .collect()
    })
}

fn metadata() -> impl Strategy<Value = BTreeMap<String, Option<String>>> {
    prop::collection::btree_map("[a-z0-9 .:#-]{1,8}", sometimes("[ -~]{0,12}"), 0..4)
}

fn domains() -> impl Strategy<Value = Vec<DomainSettings>> {
    let state = sometimes(prop::sample::select(vec![
        DeclaredDomainState::Pending,
        DeclaredDomainState::Verified,
    ]));
    prop::collection::btree_map("[a-z]{1,6}\\.(com|io)", state, 1..4).prop_map(|domains| {
        domains
            .into_iter()
            .map(|(domain, state)| DomainSettings { domain, state })
            .collect()
    })
}

fn organization_object() -> impl Strategy<Value = OrganizationObject> {
    (
        sometimes("[a-z]{1,8}-object"),
        sometimes("[a-z]{1,8}"),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(name, namespace, deletes, observes)| OrganizationObject {
            name,
            namespace,
            policies: OrganizationPolicies {
                deletion_policy: if deletes {
                    DeletionPolicy::Delete
                } else {
                    DeletionPolicy::Retain
                },
                management_policy: if observes {
                    Management::Observe
                } else {
                    Management::Manage
                },
                suspend: observes,
                recreate: deletes.then_some(Recreate::Once),
            },
        })
}

fn organization() -> impl Strategy<Value = Organization> {
    let who = (
        name(),
        sometimes("org_[A-Z0-9]{4}"),
        sometimes("[a-zA-Z0-9/_]{1,8}"),
        sometimes(prop::collection::vec("old-[a-z0-9]{6}", 1..2)),
        sometimes("cus_[a-zA-Z0-9]{3}"),
    );
    let what = (
        sometimes(domains()),
        sometimes(prop::sample::select(vec![
            DomainsPolicy::Add,
            DomainsPolicy::Exact,
        ])),
        sometimes(intents()),
        sometimes(url()),
        sometimes(metadata()),
    );
    let how = (
        any::<bool>(),
        sometimes(any::<bool>()),
        sometimes(Just(vec!["name".to_owned(), "metadata.tier".to_owned()])),
        any::<bool>(),
        sometimes(organization_object()),
    );
    (who, what, how).prop_map(
        |(
            (name, id, external_id, previous_keys, stripe_customer_id),
            (domains, domains_policy, intents, return_url, metadata),
            (invites, protect, ignore_fields, allows_same_name, kubernetes),
        )| Organization {
            r#use: None,
            name: Some(name),
            id,
            external_id,
            previous_keys,
            domains,
            domains_policy,
            intents,
            return_url,
            metadata,
            remove_metadata: None,
            it_contacts: invites.then(|| vec!["ada@acme.com".to_owned()]),
            invite: invites.then_some(Invite::Once),
            protect,
            stripe_customer_id,
            allow_profiles_outside_organization: protect,
            audit_logs: invites.then_some(AuditLogs {
                retention_days: Some(365),
            }),
            ignore_fields,
            // Domains may meet by chance.
            allow_shared_domain: Some(true),
            allow_same_name: allows_same_name.then_some(true),
            // Powers: the Kubernetes form has none.
            claim: None,
            state: None,
            allow: None,
            kubernetes,
        },
    )
}

fn environment_object() -> impl Strategy<Value = EnvironmentObject> {
    (
        sometimes("[a-z]{1,8}"),
        sometimes("[a-z]{1,8}"),
        sometimes("[a-z]{1,8}"),
        1..100_u32,
        any::<bool>(),
    )
        .prop_map(
            |(name, namespace, secret, requests_per_second, allow_adoption)| EnvironmentObject {
                name,
                namespace,
                secret_ref: secret.map(|name| KeyRef {
                    name,
                    key: "key".to_owned(),
                }),
                operator: OperatorSettings {
                    requests_per_second,
                    allow_adoption,
                    allowed_namespaces: vec!["*".to_owned()],
                    ..OperatorSettings::default()
                },
            },
        )
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let environment = (
        sometimes(name()),
        sometimes(prop::sample::select(vec![KeyKind::Test, KeyKind::Live])),
    );
    let limits = (
        sometimes(0..9_u32),
        sometimes(1..100_u32),
        sometimes(0..9_u32),
    );
    let defaults = (
        sometimes(intents()),
        sometimes(metadata()),
        sometimes(url()),
    );
    let organizations = prop::collection::btree_map(
        prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned),
        organization(),
        1..4,
    );
    (
        sometimes("[a-z]{1,8}"),
        sometimes(environment),
        sometimes((sometimes(url()), any::<bool>(), sometimes(url()))),
        sometimes(limits),
        sometimes(defaults),
        sometimes(environment_object()),
        organizations,
    )
        .prop_map(
            |(manifest, environment, urls, limits, defaults, kubernetes, organizations)| Manifest {
                profiles: None,
                environments: None,
                version: Some(1),
                manifest,
                previous_manifests: None,
                environment: environment.map(|(name, api_key)| Environment {
                    name,
                    api_key,
                    client_id: Some("client_1".to_owned()),
                }),
                return_urls: urls.map(|(default, lists_hosts, sso)| ReturnUrls {
                    default,
                    allowed_hosts: lists_hosts.then(|| {
                        vec!["app.example.com".to_owned(), "other.example.com".to_owned()]
                    }),
                    success: sso.map(|url| {
                        let all = Intent::ALL.map(|intent| (intent.to_string(), url.clone()));
                        BTreeMap::from(all)
                    }),
                }),
                limits: limits.map(|(create, update, delete)| Limits {
                    create,
                    update: update.map(|n| UpdateLimit::Percent(format!("{n}%"))),
                    delete,
                }),
                defaults: defaults.map(|(intents, metadata, return_url)| Organization {
                    intents,
                    metadata,
                    return_url,
                    ..Organization::default()
                }),
                kubernetes,
                organizations: Some(organizations),
            },
        )
}

fn read(text: &str) -> WholeManifest {
    convert::read_whole(&[Input::Stdin(text.as_bytes().to_vec())])
}

/// Returns the desired state of a text, without source positions and without defaults that
/// converting writes out elsewhere.
fn meaning(whole: &WholeManifest) -> Option<Desired> {
    let mut desired = whole.checked.desired.clone()?;
    desired.defaults = desired::Defaults::default();
    for organization in desired.organizations.values_mut() {
        organization.source = Source::nowhere();
        organization.resource = None;
    }
    Some(desired)
}

fn told(whole: &WholeManifest, text: &str) -> String {
    let checked = &whole.checked;
    let told = render(&checked.diagnostics, &checked.sources, Layout::plain(100));
    format!("{text}\n{told}")
}

fn converted(whole: &WholeManifest, to: Form) -> String {
    let desired = whole.checked.desired.as_ref().unwrap();
    convert::text(desired, &whole.rest, to)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn there_and_back_means_the_same(manifest in manifest()) {
        let text = to_yaml(&manifest);
        let first = read(&text);
        // Ids and names may meet by chance, which is an error of that manifest.
        let meant = meaning(&first);
        prop_assume!(meant.is_some());
        let mut meant = meant.unwrap();

        let resources = converted(&first, Form::Kubernetes);
        let there = read(&resources);
        prop_assert!(there.checked.desired.is_some(), "{}", told(&there, &resources));
        // An object has a name, and so has the environment then.
        let named = there.checked.desired.as_ref().unwrap().environment.name.clone();
        meant.environment.name = meant.environment.name.or(named);
        prop_assert_eq!(meaning(&there).unwrap(), meant.clone());

        let back = converted(&there, Form::Manifest);
        let again = read(&back);
        prop_assert!(again.checked.desired.is_some(), "{}", told(&again, &back));
        prop_assert_eq!(meaning(&again).unwrap(), meant);
        // From then on nothing changes any more, what only Kubernetes says included.
        prop_assert_eq!(converted(&again, Form::Kubernetes), resources);
    }

    #[test]
    fn a_folder_means_the_same_as_one_text(manifest in manifest()) {
        let first = read(&to_yaml(&manifest));
        let meant = meaning(&first);
        prop_assume!(meant.is_some());
        let desired = first.checked.desired.as_ref().unwrap();
        for form in [Form::Manifest, Form::Kubernetes] {
            let files = convert::files(desired, &first.rest, form);
            let inputs: Vec<Input> = files
                .into_iter()
                .map(|file| Input::Stdin(file.text.into_bytes()))
                .collect();
            let folder = convert::read_whole(&inputs);
            let whole = read(&converted(&first, form));
            prop_assert!(folder.checked.desired.is_some(), "{}", told(&folder, ""));
            prop_assert_eq!(meaning(&folder), meaning(&whole));
        }
    }
}
