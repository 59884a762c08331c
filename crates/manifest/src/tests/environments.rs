//! Environments: overlays and their order, patches, profiles, and which environment is chosen.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{Checked, Input, Layout, Request, read, read_every, render};
use portalctl_model::desired::{Desired, DesiredOrganization, KeyKind, UpdateLimit};
use portalctl_model::{Intent, OrgKey};

const BASE: &str = "\
version: 1
manifest: customers
x-anchors:
  logs: &logs [sso, log_streams]
return_urls:
  default: https://app.example.com/portal
  allowed_hosts: [app.example.com]
  success: { sso: https://app.example.com/sso, dsync: https://app.example.com/dsync }
limits: { create: 20, update: 30% }
defaults:
  intents: [sso]
  metadata: { team: onboarding, tier: free }
  domains_policy: exact
profiles:
  enterprise:
    intents: [sso, dsync]
    metadata: { tier: enterprise, region: us }
    protect: true
    it_contacts: [ada@acme.com]
    audit_logs: { retention_days: 365 }
  eu:
    metadata: { region: eu }
    intents: *logs
organizations:
  acme:
    name: Acme
    domains: [acme.com]
    use: [enterprise, eu]
    return_url: https://app.example.com/acme
  globex:
    name: Globex
    use: [enterprise]
    metadata: { tier: gold }
    intents: []
  initech: { name: Initech, it_contacts: [bill@initech.com] }
";

const PRODUCTION: &str = "\
overlay: production
x-note: kept by nobody
environment: { api_key: live }
organizations:
  acme: { id: org_01EHZNVPK3SFK441A1RGBFSHRT }
";

const STAGING: &str = "\
overlay: staging
environment: { name: Staging, api_key: test }
return_urls:
  default: http://localhost:3000/portal
  allowed_hosts: [localhost]
  success: { dsync: null, sso: http://localhost/sso }
limits: { update: null, delete: 1 }
defaults:
  metadata: { team: null }
  domains_policy: null
organizations:
  acme:
    name: Acme (staging)
    return_url: null
    intents: null
    audit_logs: { retention_days: null }
    metadata: { region: null }
  globex: { state: excluded }
  hooli: { name: Hooli, use: [eu] }
";

/// Writes a folder: a base, and overlays by name of file.
fn folder(base: &str, overlays: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("environments")).unwrap();
    fs::write(folder.path().join("portal.yaml"), base).unwrap();
    for (name, text) in overlays {
        let path = folder.path().join("environments").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn both() -> TempDir {
    folder(
        BASE,
        &[("production.yaml", PRODUCTION), ("staging.yaml", STAGING)],
    )
}

fn read_for(folder: &Path, environment: Option<&str>) -> Checked {
    read(Request {
        inputs: &[Input::Path(folder.to_owned())],
        environment,
    })
}

/// Returns the findings as a person reads them, without the folder's name.
fn said(folder: &Path, checked: &Checked) -> String {
    render(&checked.diagnostics, &checked.sources, Layout::plain(100))
        .replace(&format!("{}/", folder.display()), "")
}

fn desired(folder: &Path, environment: &str) -> Desired {
    let checked = read_for(folder, Some(environment));
    let said = said(folder, &checked);
    checked.desired.unwrap_or_else(|| panic!("{said}"))
}

fn entry<'d>(desired: &'d Desired, key: &str) -> &'d DesiredOrganization {
    &desired.organizations[&OrgKey::parse(key).unwrap()]
}

fn intents(entry: &DesiredOrganization) -> Vec<Intent> {
    entry.intents.keys().copied().collect()
}

fn metadata(entry: &DesiredOrganization) -> Vec<(&str, Option<&str>)> {
    let entries = entry.metadata.iter();
    entries
        .map(|(key, value)| (key.as_str(), value.as_deref()))
        .collect()
}

#[test]
fn profiles_lie_between_the_defaults_and_the_entry() {
    let folder = both();
    let desired = desired(folder.path(), "production");
    assert_eq!(desired.environment.name.as_deref(), Some("production"));
    assert_eq!(desired.environment.api_key, Some(KeyKind::Live));
    let acme = entry(&desired, "acme");
    assert_eq!(
        acme.id.as_ref().unwrap().as_str(),
        "org_01EHZNVPK3SFK441A1RGBFSHRT"
    );
    assert_eq!(intents(acme), [Intent::Sso, Intent::LogStreams]);
    assert_eq!(
        metadata(acme),
        [
            ("region", Some("eu")),
            ("team", Some("onboarding")),
            ("tier", Some("enterprise"))
        ]
    );
    assert_eq!((acme.protect, acme.retention_days), (Some(true), Some(365)));
    assert_eq!(acme.it_contacts[0].as_str(), "ada@acme.com");
    let globex = entry(&desired, "globex");
    assert_eq!(intents(globex), []);
    assert_eq!(globex.metadata["tier"].as_deref(), Some("gold"));
    let initech = entry(&desired, "initech");
    assert_eq!(intents(initech), [Intent::Sso]);
    assert_eq!(initech.protect, None);
}

#[test]
fn an_overlay_lies_over_the_settings_and_over_entries() {
    let folder = both();
    let desired = desired(folder.path(), "staging");
    assert_eq!(desired.environment.name.as_deref(), Some("Staging"));
    let urls = &desired.return_urls;
    assert_eq!(
        urls.default.as_ref().unwrap().to_string(),
        "http://localhost:3000/portal"
    );
    assert_eq!(urls.allowed_hosts.iter().collect::<Vec<_>>(), ["localhost"]);
    assert_eq!(
        urls.success.keys().copied().collect::<Vec<_>>(),
        [Intent::Sso]
    );
    assert_eq!(desired.limits.create, Some(20));
    assert_eq!(desired.limits.update, None);
    assert_eq!(desired.limits.delete, 1);
    let acme = entry(&desired, "acme");
    assert_eq!(acme.name.as_deref(), Some("Acme (staging)"));
    // Null takes a field away from every layer; within metadata it removes the key at WorkOS.
    assert_eq!((acme.return_url.as_ref(), intents(acme)), (None, vec![]));
    assert_eq!(acme.retention_days, None);
    assert_eq!(
        metadata(acme),
        [
            ("region", None),
            ("team", None),
            ("tier", Some("enterprise"))
        ]
    );
    assert_eq!(acme.domains_policy.as_str(), "add");
    let excluded: Vec<&str> = desired.excluded.keys().map(OrgKey::as_str).collect();
    assert_eq!(excluded, ["globex"]);
    let keys: Vec<&str> = desired.organizations.keys().map(OrgKey::as_str).collect();
    assert_eq!(keys, ["acme", "hooli", "initech"]);
    assert_eq!(
        intents(entry(&desired, "hooli")),
        [Intent::Sso, Intent::LogStreams]
    );
    assert!(
        entry(&desired, "hooli")
            .source
            .file
            .ends_with("staging.yaml")
    );
    assert!(acme.source.file.ends_with("portal.yaml"));
}

#[test]
fn a_single_file_holds_its_overlays_and_means_the_same() {
    let apart = both();
    let inline = |text: &str| {
        let lines = text.lines();
        let lines = lines.skip_while(|line| !line.starts_with("environment:"));
        let lines: Vec<String> = lines.map(|line| format!("    {line}")).collect();
        lines.join("\n") + "\n"
    };
    let text = format!(
        "{BASE}environments:\n  production:\n{}  staging:\n{}",
        inline(PRODUCTION),
        inline(STAGING)
    );
    for name in ["production", "staging"] {
        let inputs = [Input::Stdin(text.clone().into_bytes())];
        let checked = read(Request {
            inputs: &inputs,
            environment: Some(name),
        });
        let mut inside = checked
            .desired
            .unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
        let mut outside = desired(apart.path(), name);
        for desired in [&mut inside, &mut outside] {
            for entry in desired.organizations.values_mut() {
                entry.source = portalctl_model::desired::Source::nowhere();
            }
            for entry in desired.excluded.values_mut() {
                entry.source = portalctl_model::desired::Source::nowhere();
            }
        }
        assert_eq!(inside, outside, "{name}");
    }
}

#[test]
fn without_a_choice_the_environments_are_named_and_none_is_used() {
    let folder = both();
    for (wanted, text) in [
        (None, "`production` and `staging`"),
        (Some("stagin"), "did you mean `staging`?"),
        (Some("Staging"), "did you mean `staging`?"),
    ] {
        let checked = read_for(folder.path(), wanted);
        assert!(checked.desired.is_none());
        let said = said(folder.path(), &checked);
        assert!(said.contains(text), "{said}");
        assert_eq!(checked.diagnostics.len(), 1, "{said}");
    }
}

#[test]
fn a_manifest_without_overlays_has_the_environment_that_it_names() {
    let named =
        "version: 1\nenvironment: { name: production }\norganizations: { a: { name: A } }\n";
    let of = |text: &str, environment| {
        let inputs = [Input::Stdin(text.as_bytes().to_vec())];
        let request = Request {
            inputs: &inputs,
            environment: Some(environment),
        };
        read(request).desired.is_some()
    };
    assert!(of(named, "production"));
    assert!(!of(named, "staging"));
    assert!(!of(
        "version: 1\norganizations: { a: { name: A } }\n",
        "production"
    ));
}

#[test]
fn a_finding_about_a_patched_entry_shows_both_places() {
    let base = "version: 1\norganizations:\n  acme:\n    name: Acme\n    domains: [nowhere]\n";
    let overlay =
        "overlay: production\norganizations:\n  acme:\n    name: null\n    return_url: http://a\n";
    let folder = folder(base, &[("production.yaml", overlay)]);
    let checked = read_for(folder.path(), Some("production"));
    insta::assert_snapshot!(said(folder.path(), &checked));
}

#[test]
fn hosts_of_an_overlay_are_shown_beside_the_urls_of_the_base() {
    let overlay =
        "overlay: staging\nreturn_urls: { allowed_hosts: [staging.example.com], default: null }\n";
    let folder = folder(BASE, &[("staging.yaml", overlay)]);
    let checked = read_for(folder.path(), Some("staging"));
    insta::assert_snapshot!(said(folder.path(), &checked));
}

#[test]
fn files_that_are_no_overlays_are_refused() {
    let alone = "organizations: { beta: { name: Beta } }\n";
    let folder = folder(
        BASE,
        &[
            ("production.yaml", PRODUCTION),
            ("beta.yaml", alone),
            ("eu/gamma.yaml", alone),
            ("eu/deep.yaml", "overlay: deep\n"),
            ("../staging.yaml", STAGING),
            (
                "version.yaml",
                "overlay: next\nversion: 1\nmanifest: other\n",
            ),
        ],
    );
    let checked = read_for(folder.path(), Some("production"));
    assert!(checked.desired.is_none());
    insta::assert_snapshot!(said(folder.path(), &checked));
}

#[test]
fn overlays_beside_a_file_that_is_named_alone_are_not_overlooked() {
    let folder = both();
    let inputs = [Input::Path(folder.path().join("portal.yaml"))];
    let checked = read(&inputs);
    assert!(checked.desired.is_none());
    assert!(said(folder.path(), &checked).contains("are not read"));
    // Another tool's folder of the same name is nothing to us.
    for name in ["production.yaml", "staging.yaml"] {
        let path = folder.path().join("environments").join(name);
        fs::write(path, "region: eu\n").unwrap();
    }
    assert!(read(&inputs).desired.is_some());
}

#[test]
fn ids_and_names_of_environments_do_not_stand_in_a_base_that_several_share() {
    let base = "version: 1\nenvironment: { name: production }\norganizations:\n  acme: { id: org_01EHZNVPK3SFK441A1RGBFSHRT }\n  globex: { name: Globex, stripe_customer_id: cus_1 }\n";
    let one = folder(base, &[("a.yaml", "overlay: production\n")]);
    let checked = read_for(one.path(), Some("production"));
    insta::assert_snapshot!("one_overlay", said(one.path(), &checked));
    let two = folder(
        base,
        &[
            ("a.yaml", "overlay: production\n"),
            (
                "b.yaml",
                "overlay: staging\nenvironment: { name: production }\n",
            ),
        ],
    );
    let checked = read_for(two.path(), Some("production"));
    insta::assert_snapshot!("two_overlays", said(two.path(), &checked));
}

#[test]
fn profiles_hold_what_organizations_may_share() {
    let text = "version: 1\nprofiles:\n  Big:\n    name: Big\n    allow: [adopt]\n    use: [small]\n    \
                domains: [acme.com]\n    intentz: [sso]\n  small: { protect: true }\ndefaults: { use: [small] }\n\
                organizations:\n  acme: { name: Acme, use: [smell] }\n";
    let checked = read(&[Input::Stdin(text.as_bytes().to_vec())]);
    let said = render(&checked.diagnostics, &checked.sources, Layout::plain(100));
    insta::assert_snapshot!(said);
}

#[test]
fn an_error_in_a_profile_is_reported_once() {
    let text = "version: 1\nprofiles:\n  big: { return_url: 'http://a' }\norganizations:\n  \
                a: { name: A, use: [big] }\n  b: { name: B, use: [big] }\n";
    let checked = read(&[Input::Stdin(text.as_bytes().to_vec())]);
    assert_eq!(checked.diagnostics.len(), 1);
}

#[test]
fn a_blank_value_takes_nothing_away() {
    let folder = folder(
        BASE,
        &[(
            "production.yaml",
            "overlay: production\norganizations:\n  acme:\n    return_url:\n    domains: [{ domain: a.com, state: null }]\n",
        )],
    );
    let checked = read_for(folder.path(), Some("production"));
    assert!(checked.desired.is_none());
    assert_eq!(
        checked.diagnostics.len(),
        2,
        "{}",
        said(folder.path(), &checked)
    );
}

#[test]
fn every_environment_is_checked_and_a_finding_says_whose_it_is() {
    let folder = both();
    let every = read_every(&[Input::Path(folder.path().to_owned())]);
    assert_eq!(every.environments, ["production", "staging"]);
    assert_eq!(every.desired.unwrap().len(), 2);
    let staging = format!("{STAGING}  initech: {{ name: '' }}\n");
    fs::write(folder.path().join("environments/staging.yaml"), staging).unwrap();
    let base = format!("{BASE}  umbrella: {{ name: U, domains: [nowhere] }}\n");
    fs::write(folder.path().join("portal.yaml"), base).unwrap();
    let every = read_every(&[Input::Path(folder.path().to_owned())]);
    assert!(every.desired.is_none());
    let messages: Vec<&str> = every
        .diagnostics
        .iter()
        .map(|d| d.message.as_str())
        .collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    let (own, of_all): (Vec<&str>, Vec<&str>) = messages
        .iter()
        .partition(|message| message.ends_with("(in `staging`)"));
    assert_eq!((own.len(), of_all.len()), (1, 1), "{messages:?}");
}

#[test]
fn an_excluded_entry_keeps_its_ids_and_frees_its_domains() {
    let base = "version: 1\norganizations:\n  acme: { name: Acme, domains: [acme.com], previous_keys: [old] }\n";
    let overlay = "overlay: staging\norganizations:\n  acme: { state: excluded, id: org_01EHZNVPK3SFK441A1RGBFSHRT }\n  beta: { name: Beta, domains: [acme.com] }\n";
    let folder = folder(base, &[("staging.yaml", overlay)]);
    let desired = desired(folder.path(), "staging");
    let acme = &desired.excluded[&OrgKey::parse("acme").unwrap()];
    assert!(acme.id.is_some());
    assert_eq!(acme.previous_keys[0].as_str(), "old");
    let taken = overlay.replace("domains: [acme.com]", "external_id: old");
    fs::write(folder.path().join("environments/staging.yaml"), taken).unwrap();
    let checked = read_for(folder.path(), Some("staging"));
    assert!(checked.desired.is_none());
}

#[test]
fn a_percentage_of_the_base_holds_where_the_overlay_says_nothing() {
    let folder = both();
    let desired = desired(folder.path(), "production");
    assert_eq!(desired.limits.update, Some(UpdateLimit::Percent(30)));
}

#[test]
fn one_of_several_portal_environments_is_chosen_by_name() {
    let environment = |name: &str| {
        format!(
            "apiVersion: portalctl.dev/v1alpha1\nkind: PortalEnvironment\nmetadata: {{ name: {name} }}\n\
             spec: {{ secretRef: {{ name: workos, key: api-key }} }}\n---\n"
        )
    };
    let organization = |name: &str, environment: &str| {
        format!(
            "apiVersion: portalctl.dev/v1alpha1\nkind: PortalOrganization\nmetadata: {{ name: {name} }}\n\
             spec: {{ environmentRef: {{ name: {environment} }}, name: {name} }}\n---\n"
        )
    };
    let text = environment("production")
        + &environment("staging")
        + &organization("acme", "production")
        + &organization("beta", "staging");
    let of = |environment| {
        let inputs = [Input::Stdin(text.clone().into_bytes())];
        read(Request {
            inputs: &inputs,
            environment,
        })
    };
    for (name, key) in [("production", "acme"), ("staging", "beta")] {
        let checked = of(Some(name));
        let desired = checked
            .desired
            .unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
        let keys: Vec<&str> = desired.organizations.keys().map(OrgKey::as_str).collect();
        assert_eq!(keys, [key]);
        assert_eq!(desired.environment.name.as_deref(), Some(name));
    }
    assert!(of(None).desired.is_none());
    assert!(of(Some("test")).desired.is_none());
}
