//! Whole manifests: what good ones mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::*;
use portalctl_model::desired::{
    DeclaredDomainState, Defaults, Desired, DesiredOrganization, DomainsPolicy, Environment,
    FieldPath, IntentSettings, Invite, KeyKind, Limits, Management, Powers, ReturnUrls, Source,
    UpdateLimit,
};
use portalctl_model::return_url::LocalHttp;
use portalctl_model::words::Word;
use portalctl_model::{
    Allow, AllowedHosts, ClientId, Domain, Email, ExternalId, Intent, ManifestName, OrgKey,
    OrganizationId, ReturnUrl,
};

const FULL: &str = "tests/fixtures/manifest/good/full.yaml";

fn url(text: &str) -> ReturnUrl {
    ReturnUrl::parse(text, &AllowedHosts::default(), LocalHttp::Refused).unwrap()
}

/// An organization that declares nothing.
fn bare(line: u32) -> DesiredOrganization {
    DesiredOrganization {
        source: Source {
            file: FULL.into(),
            line,
        },
        id: None,
        external_id: None,
        plain_key: None,
        previous_keys: Vec::new(),
        name: None,
        domains: None,
        domains_policy: DomainsPolicy::Add,
        intents: BTreeMap::new(),
        return_url: None,
        metadata: BTreeMap::new(),
        it_contacts: Vec::new(),
        invite: Invite::Never,
        protect: None,
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        retention_days: None,
        ignore_fields: BTreeSet::new(),
        allow_shared_domain: false,
        allow_same_name: false,
        claim: false,
        allow: BTreeSet::new(),
        management: Management::Manage,
        resource: None,
        holder: None,
    }
}

#[test]
fn the_full_example_means_what_it_says() {
    let checked = read(&[Input::Path(PathBuf::from(FULL))]);
    assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);

    let plain = IntentSettings::default;
    let text = |text: &str| Some(text.to_owned());
    let acme = DesiredOrganization {
        external_id: Some(ExternalId::parse("acme").unwrap()),
        name: text("Acme Corp"),
        domains: Some(BTreeMap::from([
            (
                Domain::parse("acme.com").unwrap(),
                DeclaredDomainState::Pending,
            ),
            (
                Domain::parse("acme.io").unwrap(),
                DeclaredDomainState::Verified,
            ),
        ])),
        intents: BTreeMap::from([
            (Intent::Sso, plain()),
            (Intent::Dsync, plain()),
            (
                Intent::LogStreams,
                IntentSettings {
                    success_url: Some(url("https://app.example.com/acme/logs/done")),
                    ..plain()
                },
            ),
            (
                Intent::CertificateRenewal,
                IntentSettings {
                    warn_days: Some(45),
                    ..plain()
                },
            ),
        ]),
        return_url: Some(url("https://app.example.com/acme/portal")),
        metadata: BTreeMap::from([
            ("legacy_flag".to_owned(), None),
            ("team".to_owned(), text("onboarding")),
            ("tier".to_owned(), text("enterprise")),
        ]),
        it_contacts: vec![Email::parse("ada@acme.com").unwrap()],
        protect: Some(true),
        ..bare(18)
    };
    let globex = DesiredOrganization {
        id: Some(OrganizationId::parse("org_01EHZNVPK3SFK441A1RGBFSHRT").unwrap()),
        name: text("Globex"),
        intents: BTreeMap::from([(Intent::Sso, plain())]),
        metadata: BTreeMap::from([("team".to_owned(), text("onboarding"))]),
        ignore_fields: BTreeSet::from([FieldPath::Name]),
        ..bare(30)
    };
    let expected = Desired {
        excluded: BTreeMap::new(),
        absent: BTreeMap::new(),
        manifest: Some(ManifestName::parse("customers").unwrap()),
        previous_manifests: Vec::new(),
        environment: Environment {
            name: text("production"),
            api_key: Some(KeyKind::Live),
            client_id: Some(ClientId::parse("client_01HXYZ").unwrap()),
        },
        return_urls: ReturnUrls {
            default: Some(url("https://app.example.com/settings/portal")),
            success: BTreeMap::from([(
                Intent::Sso,
                url("https://app.example.com/settings/sso/done"),
            )]),
            allowed_hosts: AllowedHosts::new(["app.example.com".to_owned()]),
        },
        limits: Limits {
            create: Some(20),
            update: Some(UpdateLimit::Percent(30)),
            delete: 3,
        },
        powers: Powers::default(),
        defaults: Defaults {
            metadata: BTreeMap::from([("team".to_owned(), text("onboarding"))]),
            domains_policy: DomainsPolicy::Add,
        },
        organizations: BTreeMap::from([
            (OrgKey::parse("acme").unwrap(), acme),
            (OrgKey::parse("globex").unwrap(), globex),
        ]),
        skipped: Vec::new(),
    };
    assert_eq!(checked.desired.unwrap(), expected);
}

fn desired(path: &str) -> Desired {
    let checked = read(&[Input::Path(PathBuf::from(path))]);
    checked.desired.unwrap_or_else(|| {
        panic!(
            "{path}\n{}",
            render(&checked.diagnostics, &checked.sources, Layout::plain(100))
        )
    })
}

#[test]
fn every_field_is_taken_over() {
    let desired = desired("tests/fixtures/manifest/good/every-field.yaml");
    let DesiredOrganization {
        source: _,
        id,
        external_id,
        previous_keys,
        name,
        domains,
        domains_policy,
        intents,
        return_url,
        metadata,
        it_contacts,
        invite,
        protect,
        stripe_customer_id,
        allow_profiles_outside_organization,
        retention_days,
        ignore_fields,
        allow_shared_domain,
        allow_same_name,
        claim,
        allow,
        management,
        resource,
        holder,
        plain_key,
    } = &desired.organizations["team-a.acme"];
    assert_eq!(*id, None);
    assert_eq!(external_id.as_ref().unwrap().as_str(), "cus_42/EU");
    let previous_keys: Vec<&str> = previous_keys.iter().map(ExternalId::as_str).collect();
    assert_eq!(
        previous_keys,
        ["acme-corp", "team-a.acme-corp", "42", "team-a.42"]
    );
    assert_eq!(name.as_deref(), Some("Acme Corp"));
    assert_eq!(domains.as_ref().unwrap().len(), 3);
    assert_eq!(*domains_policy, DomainsPolicy::Add);
    assert_eq!(intents.len(), 5);
    assert_eq!(intents[&Intent::CertificateRenewal].warn_days, Some(365));
    assert_eq!(
        return_url.as_ref().unwrap().as_str(),
        "https://app.example.com/acme"
    );
    assert_eq!(metadata["team"].as_deref(), Some("sales"));
    assert_eq!(metadata["old"], None);
    assert_eq!(it_contacts.len(), 2);
    assert_eq!(*invite, Invite::Once);
    assert_eq!(*protect, Some(true));
    assert_eq!(stripe_customer_id.as_deref(), Some("cus_Ab12"));
    assert_eq!(*allow_profiles_outside_organization, Some(true));
    assert_eq!(*retention_days, Some(365));
    assert_eq!(ignore_fields.len(), 9);
    assert!(*allow_shared_domain && *allow_same_name && *claim);
    assert_eq!(allow.len(), Allow::WORDS.len());
    assert_eq!(desired.previous_manifests.len(), 2);
    assert_eq!(*management, Management::Observe);
    assert_eq!((resource, holder, plain_key), (&None, &None, &None));
    assert!(desired.powers.adopt);

    let gone = &desired.absent["gone"];
    assert_eq!(gone.id.as_str(), "org_01GONE");
    assert!(gone.lifts_protection);
    assert_eq!(gone.allow.len(), 2);
    assert!(!desired.organizations.contains_key("gone"));

    let no = &desired.organizations["no"];
    assert_eq!(no.domains, Some(BTreeMap::new()));
    assert_eq!(no.domains_policy, DomainsPolicy::Exact);
    assert!(no.intents.is_empty());
    assert_eq!(no.protect, Some(false));
    assert_eq!(
        no.return_url.as_ref().unwrap().as_str(),
        "https://eu.example.com/@portal"
    );

    let pinned = &desired.organizations["pinned"];
    assert_eq!((&pinned.name, &pinned.external_id), (&None, &None));
    assert_eq!(pinned.intents.len(), 1);
    assert_eq!(pinned.domains, None);
}

#[test]
fn anchors_and_merge_keys_work() {
    let desired = desired("tests/fixtures/manifest/good/anchors.yaml");
    assert_eq!(
        desired.organizations["acme-eu"].name.as_deref(),
        Some("Acme EU")
    );
    assert_eq!(desired.organizations["acme-eu"].intents.len(), 3);
    assert_eq!(desired.organizations["globex"].intents.len(), 3);
}

#[test]
fn a_folder_of_files_and_documents_is_one_manifest() {
    let desired = desired("tests/fixtures/manifest/good/folder");
    let keys: Vec<&str> = desired.organizations.keys().map(OrgKey::as_str).collect();
    assert_eq!(keys, ["acme", "globex", "initech"]);
    assert_eq!(
        desired.organizations["acme"].name.as_deref(),
        Some("Acme é/")
    );
    assert_eq!(desired.manifest.unwrap().as_str(), "customers");
}

/// Returns the meaning of a manifest on standard input, or its first error.
fn means(text: &str) -> Result<Desired, String> {
    let checked = read(&[Input::Stdin(text.as_bytes().to_vec())]);
    let mut errors = checked.diagnostics.iter();
    let error = errors.find(|found| found.severity == Severity::Error);
    checked
        .desired
        .ok_or_else(|| error.map_or_else(String::new, |error| error.message.clone()))
}

#[test]
fn a_host_is_allowed_in_any_spelling() {
    for (allowed, url) in [
        ("bücher.example", "https://xn--bcher-kva.example/x"),
        ("xn--bcher-kva.example", "https://BÜCHER.example/x"),
        ("BÜCHER.Example.", "https://bücher.example/x"),
        ("app.example.com", "https://app.example.com./x"),
    ] {
        let manifest = |url: &str| {
            format!(
                "version: 1\nreturn_urls: {{ default: \"{url}\", allowed_hosts: [\"{allowed}\"] }}\n\
                 organizations:\n  acme: {{ name: Acme }}\n"
            )
        };
        assert!(means(&manifest(url)).is_ok(), "{allowed} {url}");
        let other = means(&manifest("https://bucher.example/x"));
        assert!(other.unwrap_err().contains("not allowed"), "{allowed}");
    }
}

#[test]
fn the_length_of_a_metadata_value_is_counted_in_characters() {
    let manifest = |length: usize| {
        let value = "é".repeat(length);
        format!(
            "version: 1\norganizations:\n  acme: {{ name: Acme, metadata: {{ k: {value} }} }}\n"
        )
    };
    assert!(means(&manifest(600)).is_ok());
    assert!(
        means(&manifest(601))
            .unwrap_err()
            .contains("601 characters")
    );
}

#[test]
fn a_domain_may_be_written_in_unicode_and_with_a_final_dot() {
    let text = "version: 1\norganizations:\n  acme: { name: Acme, domains: [Müller.example., acme.example.] }\n";
    let desired = means(text).unwrap();
    let domains = desired.organizations["acme"].domains.as_ref().unwrap();
    let domains: Vec<&str> = domains.keys().map(Domain::as_str).collect();
    assert_eq!(domains, ["acme.example", "xn--mller-kva.example"]);
}
