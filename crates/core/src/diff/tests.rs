use std::fmt::Write as _;

use super::*;
use portalctl_manifest::Input;
use portalctl_manifest::convert::{WholeManifest, read_whole};

const BASE: &str = "\
version: 1
manifest: customers
return_urls:
  default: https://app.example.com/portal
  allowed_hosts: [app.example.com, status.example.com]
limits: { delete: 3, update: 30% }
defaults: { metadata: { team: a } }
organizations:
  acme:
    name: Acme
    domains: [acme.com]
    intents: [sso, dsync]
    protect: true
    it_contacts: [ada@acme.com]
  globex: { name: Globex, intents: [sso] }
  initech: { name: Initech, domains: [initech.com] }
";

fn read(text: &str) -> (Desired, KubernetesFields) {
    let inputs = [Input::Stdin(text.as_bytes().to_vec())];
    let WholeManifest { checked, rest } = read_whole(&inputs);
    let diagnostics = format!("{:?}", checked.diagnostics);
    (checked.desired.expect(&diagnostics), rest)
}

fn compare(base: &str, new: &str) -> Diff {
    let ((base, base_rest), (new, new_rest)) = (read(base), read(new));
    let side = |desired, kubernetes| Side {
        desired,
        kubernetes,
    };
    let selection = Selection::default();
    diff(side(&base, &base_rest), side(&new, &new_rest), &selection)
}

/// Compares with a base of which some texts are replaced.
#[track_caller]
fn edited(edits: &[(&str, &str)]) -> String {
    let mut new = BASE.to_owned();
    for (from, to) in edits {
        assert!(new.contains(from), "{from}");
        new = new.replace(from, to);
    }
    text(&compare(BASE, &new))
}

fn text(diff: &Diff) -> String {
    let mut out = String::new();
    let keys = |keys: &[OrgKey]| {
        keys.iter()
            .map(OrgKey::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let value = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(Value::Text(text)) => format!("{text:?}"),
        Some(Value::Word(word)) => word.clone(),
    };
    for danger in &diff.dangers {
        let (code, keys) = (danger.kind.code(), keys(&danger.keys));
        writeln!(out, "{code} [{keys}] {}", danger.message).unwrap();
    }
    let fields = |out: &mut String, fields: &[Field]| {
        for Field {
            path,
            before,
            after,
        } in fields
        {
            writeln!(out, "  {path}: {} -> {}", value(before), value(after)).unwrap();
        }
    };
    fields(&mut out, &diff.settings);
    for entry in &diff.entries {
        writeln!(out, "{} {:?}", entry.key, entry.change).unwrap();
        fields(&mut out, &entry.fields);
    }
    write!(out, "{} unchanged", diff.unchanged).unwrap();
    out
}

#[test]
fn form_order_and_comments_make_no_difference() {
    let other = r#"
# another order, other quotes, defaults written out
organizations:
  initech: { domains: ["INITECH.com."], "name": 'Initech', metadata: { team: a } }
  globex:
    intents: [{ intent: sso }]
    name: "Globex"
  acme:
    external_id: acme
    intents: [dsync, sso]
    name: Acme
    domains: [{ domain: acme.com }]
    protect: true
    it_contacts: [ada@acme.com]
    domains_policy: add
defaults: { metadata: { team: a } }
limits: { update: 30% }
return_urls:
  allowed_hosts: [status.example.com, APP.example.com]
  default: https://app.example.com/portal
manifest: customers
version: 1
"#;
    insta::assert_snapshot!(text(&compare(BASE, other)), @"3 unchanged");
}

#[test]
fn a_changed_default_names_everybody_who_is_sent_elsewhere() {
    let new = "https://status.example.com/";
    insta::assert_snapshot!(edited(&[("https://app.example.com/portal", new)]), @r"
    diff/destination [acme, globex] people are sent to https://status.example.com/ instead of https://app.example.com/portal
      return_urls.default: https://app.example.com/portal -> https://status.example.com/
    3 unchanged
    ");
}

#[test]
fn a_new_host_comes_first_and_a_new_port_next() {
    let base = "\
version: 1
return_urls: { default: https://app.example.com/portal }
organizations:
  acme: { name: Acme, intents: [sso] }
  globex: { name: Globex, intents: [sso] }
  initech: { name: Initech, intents: [sso] }
";
    let at = |text: String, name: &str, url: &str| {
        let entry = format!("name: {name}, intents");
        text.replace(&entry, &format!("name: {name}, return_url: {url}, intents"))
    };
    let new = at(base.to_owned(), "Acme", "https://app.example.com/a");
    let new = at(new, "Globex", "https://app.example.com:8443/g");
    let new = at(new, "Initech", "https://zzz.example.net/");
    let dangers: Vec<String> = compare(base, &new)
        .dangers
        .into_iter()
        .map(|danger| danger.message)
        .collect();
    assert_eq!(
        dangers,
        [
            "people are sent to https://zzz.example.net/ instead of \
             https://app.example.com/portal, at a host that is new here: zzz.example.net",
            "people are sent to https://app.example.com:8443/g instead of \
             https://app.example.com/portal, at a port that is new here: app.example.com:8443",
            "people are sent to https://app.example.com/a instead of \
             https://app.example.com/portal",
        ]
    );
}

#[test]
fn a_host_that_the_base_does_not_name_is_told() {
    let edits = [
        ("status.example.com]", "app-example.com]"),
        (
            "name: Globex",
            "name: Globex, return_url: https://app-example.com/x",
        ),
    ];
    insta::assert_snapshot!(edited(&edits), @r"
    diff/destination [globex] people are sent to https://app-example.com/x instead of https://app.example.com/portal, at a host that is new here: app-example.com
    diff/destination [] return URLs may name the host app-example.com
      return_urls.allowed_hosts.app-example.com: - -> declared
      return_urls.allowed_hosts.status.example.com: declared -> -
    globex Changed
      return_url: - -> https://app-example.com/x
    2 unchanged
    ");
}

#[test]
fn protection_limits_intents_and_contacts_are_dangers() {
    let edits = [
        ("    protect: true\n", ""),
        (
            "delete: 3, update: 30%",
            "delete: 300, update: 30, create: 5",
        ),
        ("[sso, dsync]", "[sso]"),
        ("ada@acme.com", "eve@acme.com"),
    ];
    insta::assert_snapshot!(edited(&edits), @r"
    diff/protection [acme] `protect: true` is no longer declared
    diff/limit [] `limits.delete` is 300 instead of 3
    diff/limit [] `limits.update` is 30 instead of 30%
    diff/intent [acme] dsync is no longer declared; what is live stays
    diff/contact [acme] eve@acme.com becomes an IT contact
      limits.create: - -> 5
      limits.delete: 3 -> 300
      limits.update: 30% -> 30
    acme Changed
      intents.dsync: declared -> -
      it_contacts.ada@acme.com: declared -> -
      it_contacts.eve@acme.com: - -> declared
      protect: true -> -
    2 unchanged
    ");
}

#[test]
fn a_domain_that_moves_names_both() {
    let edits = [
        (", domains: [initech.com] }", " }"),
        ("[acme.com]", "[acme.com, initech.com]"),
    ];
    insta::assert_snapshot!(edited(&edits), @r"
    diff/domain [acme] takes the domain initech.com over from `initech`
    acme Changed
      domains.initech.com: - -> declared
    initech Changed
      domains.initech.com: declared -> -
    1 unchanged
    ");
}

#[test]
fn a_renamed_key_is_one_organization() {
    let edits = [(
        "globex: { name: Globex,",
        "globex-inc: { name: Globex Inc, previous_keys: [globex],",
    )];
    insta::assert_snapshot!(edited(&edits), @r#"
    globex-inc Renamed { from: OrgKey("globex") }
      name: "Globex" -> "Globex Inc"
      previous_keys.globex: - -> declared
    2 unchanged
    "#);
}

#[test]
fn a_renamed_key_without_a_word_looks_like_a_second_organization() {
    insta::assert_snapshot!(edited(&[("globex: {", "globex-inc: {")]), @r#"
    diff/owner [globex-inc] looks like `globex`, which is not declared any more: without `previous_keys: [globex]` it is another organization
    diff/deletion [globex] not declared any more: --prune deletes it if the manifest `customers` created it
    globex Removed
      intents.sso: declared -> -
      metadata.team: "a" -> -
      name: "Globex" -> -
    globex-inc Added
      intents.sso: - -> declared
      metadata.team: - -> "a"
      name: - -> "Globex"
    2 unchanged
    "#);
}

#[test]
fn an_absence_is_a_deletion() {
    let edits = [(
        "globex: { name: Globex, intents: [sso] }",
        "globex: { id: org_01EHZNVPK3SFK441A1RGBFSHRT, state: absent, allow: [active_deletion] }",
    )];
    insta::assert_snapshot!(edited(&edits), @r"
    diff/deletion [globex] `state: absent` deletes org_01EHZNVPK3SFK441A1RGBFSHRT, with everything in it
    globex Deleted
      allow.active_deletion: - -> declared
      id: - -> org_01EHZNVPK3SFK441A1RGBFSHRT
      state: - -> absent
    2 unchanged
    ");
}

#[test]
fn what_many_entries_share_is_found() {
    let many = |team: &str| {
        let entries = (0..5).map(|n| format!("  c{n}: {{ name: C{n} }}\n"));
        let entries: String = entries.collect();
        format!(
            "version: 1\ndefaults: {{ metadata: {{ team: {team} }} }}\norganizations:\n{entries}"
        )
    };
    let diff = compare(&many("a"), &many("b"));
    let common = diff.common();
    assert_eq!(common.len(), 1);
    assert_eq!(common[0].field.path, "metadata.team");
    assert_eq!(common[0].keys.len(), 5);
}

#[test]
fn the_kubernetes_form_has_powers_of_its_own() {
    let object = |extra: &str, policy: &str| {
        format!(
            "apiVersion: portalctl.dev/v1alpha1
kind: PortalEnvironment
metadata: {{ name: production, namespace: portal }}
spec: {{ secretRef: {{ name: workos, key: api-key }}{extra} }}
---
apiVersion: portalctl.dev/v1alpha1
kind: PortalOrganization
metadata: {{ name: acme, namespace: portal }}
spec: {{ environmentRef: {{ name: production }}, name: Acme{policy} }}
"
        )
    };
    let base = object("", "");
    let new = object(
        ", manifest: customers, allowDeletion: true, apiUrl: 'https://api.example.com'",
        ", deletionPolicy: Delete",
    );
    insta::assert_snapshot!(text(&compare(&base, &new)), @r#"
    diff/power [] `allowDeletion` is true
    diff/owner [] `apiUrl` is https://api.example.com
    diff/owner [] `manifest` is `customers` instead of not declared
    diff/deletion [acme] `deletionPolicy` is Delete
      kubernetes.allowDeletion: - -> true
      kubernetes.apiUrl: - -> "https://api.example.com"
      manifest: - -> customers
    acme Changed
      kubernetes.deletionPolicy: - -> "Delete"
    0 unchanged
    "#);
}

#[test]
fn what_is_not_selected_is_not_compared() {
    let new = BASE
        .replace("Globex", "Globex Inc")
        .replace("Initech", "Initech Inc");
    let ((base, base_rest), (new, new_rest)) = (read(BASE), read(&new));
    let side = |desired, kubernetes| Side {
        desired,
        kubernetes,
    };
    let selection = Selection::new(&["glob*".to_owned()], &[]).unwrap();
    let diff = diff(side(&base, &base_rest), side(&new, &new_rest), &selection);
    let keys: Vec<&str> = diff
        .entries
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    assert_eq!(keys, ["globex"]);
    assert_eq!(diff.unchanged, 0);
}
