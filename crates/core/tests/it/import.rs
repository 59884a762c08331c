//! Tests the content of imported files, their keys, and the omitted fields.

use std::collections::{BTreeMap, BTreeSet};

use portalctl_core::identity::Identities;
use portalctl_core::import::{Import, NewFile, Survey, settings};
use portalctl_manifest::{Input, Severity, read, read_settings};
use portalctl_model::desired::{Desired, KeyKind};
use portalctl_model::observed::{
    Answer, AuditLogConfiguration, AuditLogState, ConnectionState, DirectoryState, DomainState,
    Listing, LogStream, LogStreamState, Observed,
};
use portalctl_model::{Intent, OrganizationId};

use crate::support::import::{
    connection, contact, declared, directory, domain, folder, import, import_only, live,
    organization, planned,
};
use crate::support::world::{OWNER, PROTECT, key, org_id, text};

fn keys(import: &Import) -> Vec<(&str, &str)> {
    let files = import.files.iter();
    let mut keys: Vec<_> = files
        .map(|file| (file.organization.as_str(), file.key.as_str()))
        .collect();
    keys.sort_unstable();
    keys
}

#[track_caller]
fn only_file(import: &Import) -> &NewFile {
    assert_eq!(import.files.len(), 1, "{import:#?}");
    &import.files[0]
}

/// An organization with every field.
fn acme() -> Observed {
    let mut acme = organization("org_01ACME", "Acme Corp", Some("acme"));
    acme.stripe_customer_id = Some("cus_R9qWAGMQ6nGE7V".to_owned());
    acme.domains = vec![
        domain("acme.com", DomainState::Verified),
        domain("acme.io", DomainState::LegacyVerified),
        domain("gmail.com", DomainState::Failed),
    ];
    acme.metadata = BTreeMap::from(
        [
            ("tier", "enterprise"),
            ("seats", "1e3"),
            ("paid", "yes"),
            ("note", " spaced: # \"quoted\" 'too' "),
            (OWNER, "customers"),
            (PROTECT, "true"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let id = acme.id.clone();
    let mut observed = live([acme]);
    observed.connections = Listing::Read(BTreeMap::from([(
        id.clone(),
        vec![
            connection("OktaSAML", ConnectionState::Active),
            connection("ADFSSAML", ConnectionState::Inactive),
            connection("A", ConnectionState::Draft),
            connection("B", ConnectionState::Draft),
        ],
    )]));
    let okta = directory("okta scim v2.0", DirectoryState::Linked);
    observed.directories = Listing::Read(BTreeMap::from([(id.clone(), vec![okta])]));
    let log_stream = LogStream {
        id: None,
        stream_type: "Datadog".to_owned(),
        state: LogStreamState::Error,
        last_synced_at: None,
        created_at: None,
    };
    let configuration = AuditLogConfiguration {
        state: AuditLogState::Active,
        log_stream: Some(log_stream),
    };
    observed.audit_logs = BTreeMap::from([(id.clone(), Answer::Found(configuration))]);
    observed.it_contacts = BTreeMap::from([(id, Answer::Found(vec![contact("Ada@acme.com")]))]);
    observed
}

#[test]
fn a_file_says_what_is_live() {
    let import = import("", &acme());
    let file = only_file(&import);
    assert_eq!(file.name, "acme.yaml");
    insta::assert_snapshot!(file.text);
}

#[test]
fn the_settings_say_what_kind_of_key_it_was() {
    insta::assert_snapshot!(settings(Some(KeyKind::Live)), @"
    # What holds for all customers; each of them has a file beside this one.
    version: 1
    environment:
      api_key: live
    ");
    assert!(settings(None).ends_with("version: 1\n"));
}

#[test]
fn intents_are_what_is_there() {
    let import = import("", &acme());
    let desired = folder("", &import);
    let intents: Vec<Intent> = desired.organizations[&key("acme")]
        .intents
        .keys()
        .copied()
        .collect();
    assert_eq!(
        intents,
        [
            Intent::Sso,
            Intent::Dsync,
            Intent::AuditLogs,
            Intent::LogStreams,
            Intent::DomainVerification
        ]
    );
    // Domains from before WorkOS asked for proof leave nothing to prove.
    let mut old = organization("org_01OLD", "Old", Some("old"));
    old.domains = vec![domain("old.com", DomainState::LegacyVerified)];
    let import = self::import("", &live([old]));
    assert!(only_file(&import).text.contains("intents: []\n"));
}

#[test]
fn a_key_is_the_external_id_else_something_like_it() {
    let organizations = [
        organization("org_01A", "Somebody", Some("acme-eu.prod")),
        organization("org_01B", "Somebody Else", Some("tenant:42/EU")),
        organization("org_01C", "Müller & Söhne", None),
        organization("org_01D", "株式会社", Some("###")),
        organization("org_01E", "!!!", None),
        organization("org_01F", &"Long name ".repeat(20), None),
    ];
    let import = import("", &live(organizations));
    let long = "long-name-long-name-long-name-long-name-long-name-long-name-lon";
    assert_eq!(
        keys(&import),
        [
            ("org_01A", "acme-eu.prod"),
            ("org_01B", "tenant-42-eu"),
            ("org_01C", "muller-sohne"),
            ("org_01D", "zhu-shi-hui-she"),
            ("org_01E", "org-01e"),
            ("org_01F", long),
        ]
    );
}

#[test]
fn two_that_wish_for_one_key_both_get_the_end_of_their_ids() {
    let one = || organization("org_01AAAAAAAAAAB7XQ2M", "Acme", None);
    let two = || organization("org_01AAAAAAAAAAC8YR3N", "ACME!", None);
    let both = import("", &live([one(), two()]));
    let expected = [
        ("org_01AAAAAAAAAAB7XQ2M", "acme-b7xq2m"),
        ("org_01AAAAAAAAAAC8YR3N", "acme-c8yr3n"),
    ];
    assert_eq!(keys(&both), expected);

    // Also when one is imported without the other, and when the other comes later.
    let only = import_only("", &live([one(), two()]), &["acme-c8yr3n".to_owned()]);
    assert_eq!(keys(&only), expected[1..]);
    let manifest = format!("version: 1\n{}", only_file(&only).text);
    let later = import(&manifest, &live([one(), two()]));
    assert_eq!(keys(&later), expected[..1]);
    assert_eq!(later.already_declared, 1);

    // The one whose external id it is has the better claim.
    let owner = organization("org_01AAAAAAAAAAD9ZS4P", "Other", Some("acme"));
    let all = import("", &live([one(), two(), owner]));
    assert_eq!(keys(&all)[..2], expected);
    assert_eq!(keys(&all)[2].1, "acme");
}

#[test]
fn a_key_that_an_entry_has_is_taken() {
    let acme = organization("org_01AAAAAAAAAAB7XQ2M", "Acme", None);
    let manifest = "version: 1\norganizations:\n  acme: { name: Future, external_id: x }\n";
    let import = import(manifest, &live([acme]));
    assert_eq!(only_file(&import).key.as_str(), "acme-b7xq2m");
    let _ = folder(manifest, &import);
}

#[test]
fn a_file_that_exists_is_gone_around() {
    let organizations = [
        organization("org_01AAAAAAAAAAB7XQ2M", "A", Some("acme")),
        organization("org_01AAAAAAAAAAC8YR3N", "B", Some("portal")),
    ];
    let observed = live(organizations);
    let identities = Identities::default();
    let desired = Desired::default();
    let survey = Survey::new(&desired, &observed, &identities);
    let taken = BTreeSet::from(["acme.yaml".to_owned()]);
    let import = survey.files(&desired, &observed, &taken);
    let names: Vec<_> = import.files.iter().map(|file| file.name.as_str()).collect();
    // `portal.yaml` holds the settings.
    assert_eq!(names, ["acme-b7xq2m.yaml", "portal-c8yr3n.yaml"]);
    assert_eq!(
        keys(&import),
        [
            ("org_01AAAAAAAAAAB7XQ2M", "acme"),
            ("org_01AAAAAAAAAAC8YR3N", "portal")
        ]
    );
}

#[test]
fn a_name_that_windows_refuses_is_no_file() {
    let organizations = [
        organization("org_01AAAAAAAAAAB7XQ2M", "A", Some("con")),
        organization("org_01AAAAAAAAAAC8YR3N", "B", Some("lpt1.eu")),
        organization("org_01AAAAAAAAAAD9ZS4P", "C", Some("nul")),
    ];
    let observed = live(organizations);
    let desired = Desired::default();
    let survey = Survey::new(&desired, &observed, &Identities::default());
    let taken = BTreeSet::from(["_nul.yaml".to_owned()]);
    let import = survey.files(&desired, &observed, &taken);
    let names: Vec<_> = import.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["_con.yaml", "_lpt1.eu.yaml", "nul-d9zs4p.yaml"]);
    let keys: Vec<_> = import.files.iter().map(|file| file.key.as_str()).collect();
    assert_eq!(keys, ["con", "lpt1.eu", "nul"]);
}

#[test]
fn what_no_manifest_may_hold_is_left_out_and_told() {
    let mut acme = organization("org_01A", "Acme", Some("zu lang ü"));
    acme.stripe_customer_id = Some("not stripe's".to_owned());
    acme.domains = ["10.0.0.1", "acme.com", "gmail.com", "münchen.de"]
        .map(|name| domain(name, DomainState::Pending))
        .into();
    acme.metadata = BTreeMap::from([
        ("long".to_owned(), "x".repeat(601)),
        ("fine".to_owned(), "x".to_owned()),
        ("token".to_owned(), "sk_live_0123456789abcdef".to_owned()),
        ("line".to_owned(), "a\nb".to_owned()),
    ]);
    let import = import("", &live([acme]));
    let file = only_file(&import);
    let left_out: Vec<_> = file
        .left_out
        .iter()
        .map(|it| (it.field.as_str(), it.code.as_str()))
        .collect();
    assert_eq!(
        left_out,
        [
            ("external_id", "manifest/invalid-external-id"),
            ("domains.10.0.0.1", "manifest/invalid-domain"),
            ("domains.gmail.com", "manifest/invalid-domain"),
            ("metadata.line", "manifest/invalid-text"),
            ("metadata.long", "manifest/invalid-metadata"),
            ("metadata.token", "manifest/secret"),
            ("stripe_customer_id", "manifest/invalid-id"),
        ]
    );
    assert!(!file.text.contains("0123456789abcdef"), "{}", file.text);
    insta::assert_snapshot!(file.text);
}

#[test]
fn a_name_that_may_not_be_declared_is_left_out_and_told() {
    for (name, code) in [
        ("Acme\u{1b}[2J", "manifest/invalid-text"),
        ("\u{202e}moc.emca", "manifest/invalid-text"),
        ("Ac\u{200b}me", "manifest/invalid-text"),
        ("Acme ", "manifest/display-name"),
        (" ", "manifest/blank"),
        ("sk_test_0123456789abcdef", "manifest/secret"),
    ] {
        let import = import("", &live([organization("org_01A", name, None)]));
        let file = only_file(&import);
        assert_eq!(file.left_out.len(), 1, "{name:?}");
        assert_eq!(file.left_out[0].field, "name", "{name:?}");
        assert_eq!(file.left_out[0].code.as_str(), code, "{name:?}");
        assert!(!file.text.contains("0123456789"), "{}", file.text);
        assert!(!file.text.contains("    name:"), "{}", file.text);
        assert!(file.text.contains("# left out: name: "), "{}", file.text);
        let _ = folder("", &import);
    }
}

#[test]
fn an_organization_that_cannot_be_pinned_is_skipped() {
    let import = import(
        "",
        &live([organization("org-of/another kind", "Acme", None)]),
    );
    assert!(import.files.is_empty());
    assert_eq!(import.skipped[0].code.as_str(), "manifest/invalid-id");
}

#[test]
fn hostile_names_come_back_as_they_are() {
    let names = [
        "yes",
        "no",
        "on",
        "null",
        "~",
        "1e3",
        "0x1F",
        "1_000",
        "12:30:00",
        "2024-01-01",
        ".inf",
        "  leading",
        "trailing  ",
        "a: b",
        "a #b",
        "- a",
        "? a",
        "[a]",
        "{a: b}",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'",
        "\"",
        "it's",
        "\\n",
        "%YAML",
        "@a",
        "`a`",
        "---",
        "...",
        "株式会社",
        "🚀 Acme",
        "e\u{301}",
        "a\u{a0}b",
        "\u{200b}",
        "<<",
        "=",
        "a,b",
        "#",
        "a\\",
        "true",
    ];
    for name in names {
        let mut acme = organization("org_01A", name, Some(name));
        acme.metadata = BTreeMap::from([("key".to_owned(), name.to_owned())]);
        if name.is_ascii() {
            acme.metadata.insert(name.to_owned(), "value".to_owned());
        }
        let observed = live([acme]);
        let import = import("", &observed);
        let desired = folder("", &import);
        let entry = &desired.organizations[&only_file(&import).key];
        let declared = portalctl_model::name::check(name).is_ok().then_some(name);
        assert_eq!(entry.name.as_deref(), declared);
        assert_eq!(entry.metadata["key"].as_deref(), Some(name));
        let plan = planned(&desired, &observed);
        assert!(plan.is_settled(), "{name:?}: {}", text(&plan));
    }
}

#[test]
fn a_comment_cannot_be_left() {
    let acme = organization("org_01A", "Acme", Some("acme"));
    let mut observed = live([acme]);
    let kind = "Evil\nversion: 7 sk_live_0123456789abcdef";
    let evil = connection(kind, ConnectionState::from_api("new\r\nx: y"));
    observed.connections = Listing::Read(BTreeMap::from([(org_id("org_01A"), vec![evil])]));
    let import = import("", &observed);
    let file = only_file(&import);
    assert!(!file.text.contains("0123456789abcdef"), "{}", file.text);
    assert_eq!(
        file.text.lines().filter(|it| it.starts_with('#')).count(),
        1
    );
    let _ = folder("", &import);
}

#[test]
fn a_shared_domain_is_shared_by_both() {
    let with = |id: &str, key: &str| {
        let mut organization = organization(id, key, Some(key));
        organization.domains = vec![domain("acme.com", DomainState::Verified)];
        organization
    };
    let observed = live([with("org_01A", "acme"), with("org_01B", "labs")]);
    let all = import("", &observed);
    assert!(
        all.files
            .iter()
            .all(|file| file.text.contains("allow_shared_domain: true"))
    );
    // Also when the other one is not imported.
    let one = import_only("", &observed, &["labs".to_owned()]);
    assert!(only_file(&one).text.contains("allow_shared_domain: true"));

    let manifest = "version: 1\norganizations:\n  acme: { name: acme, domains: [acme.com] }\n";
    let import = import(manifest, &observed);
    let left_out = &only_file(&import).left_out[0];
    assert_eq!(left_out.code.as_str(), "import/domain-declared");
    assert!(left_out.reason.contains("`acme`"), "{}", left_out.reason);
    let _ = folder(manifest, &import);
}

#[test]
fn what_an_entry_may_be_is_left_to_a_person() {
    let mut acme = organization("org_01A", "Acme", None);
    acme.domains = vec![domain("acme.com", DomainState::Verified)];
    let manifest = "version: 1\norganizations:\n  acme: { name: Acme, domains: [acme.com] }\n";
    let import = import(manifest, &live([acme]));
    assert!(import.files.is_empty());
    assert_eq!(import.skipped[0].code.as_str(), "import/maybe-declared");
}

#[test]
fn what_the_defaults_add_leaves_room() {
    let mut acme = organization("org_01A", "Acme", None);
    acme.metadata = (0..43)
        .map(|n| (format!("key_{n:02}"), "x".to_owned()))
        .collect();
    let manifest = "version: 1\ndefaults: { metadata: { team: onboarding } }\n";
    let import = import(manifest, &live([acme]));
    let left_out = &only_file(&import).left_out;
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0].field, "metadata.key_42");
    assert_eq!(left_out[0].code.as_str(), "manifest/too-much-metadata");
    let _ = folder(manifest, &import);
}

#[test]
fn a_list_that_cannot_be_read_shows_no_intent() {
    let mut observed = acme();
    observed.connections = Listing::NotEntitled("no".to_owned());
    let import = import("", &observed);
    assert!(!only_file(&import).text.contains("- sso"));
}

#[test]
fn a_folder_without_organizations_is_one_to_import_to() {
    let manifest = "version: 1\n";
    assert!(read(&[Input::Stdin(manifest.into())]).desired.is_none());
    assert_eq!(declared(manifest), Desired::default());
    let unfinished = read_settings(&[Input::Stdin("manifest: x\n".into())]);
    let mut errors = unfinished.diagnostics.iter();
    let error = errors.find(|it| it.severity == Severity::Error).unwrap();
    assert_eq!(error.code.as_str(), "manifest/missing-field");
}

/// An id that WorkOS would give is never needed whole: the ends of two differ.
#[test]
fn ids_that_end_alike_are_told_apart_all_the_same() {
    let organizations = (0..20).map(|n| organization(&format!("org_0{n}AAAAAA"), "Acme", None));
    let import = import("", &live(organizations));
    let keys: BTreeSet<&str> = import.files.iter().map(|file| file.key.as_str()).collect();
    assert_eq!(keys.len(), 20, "{keys:?}");
    let ids: BTreeSet<&OrganizationId> = import.files.iter().map(|it| &it.organization).collect();
    assert_eq!(ids.len(), 20);
}
