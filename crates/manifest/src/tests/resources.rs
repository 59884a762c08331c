//! Kubernetes resources: the same rules as for a manifest, from files and from an API server.

use serde_json::{Value, json};

use crate::{Checked, Input, Layout, ObjectName, Severity, read, render, resolve};
use portalctl_model::OrgKey;
use portalctl_model::desired::{Desired, DesiredOrganization, Management, Source};

fn stdin(text: &str) -> Checked {
    read(&[Input::Stdin(text.as_bytes().to_vec())])
}

#[track_caller]
fn means(text: &str) -> Desired {
    let checked = stdin(text);
    let told = render(&checked.diagnostics, &checked.sources, Layout::plain(100));
    checked.desired.unwrap_or_else(|| panic!("{told}"))
}

fn without_places(mut desired: Desired) -> Desired {
    for organization in desired.organizations.values_mut() {
        organization.source = Source::nowhere();
        organization.resource = None;
    }
    desired
}

fn environment(spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "portalctl.dev/v1alpha1",
        "kind": "PortalEnvironment",
        "metadata": { "name": "production", "namespace": "portal" },
        "spec": { "secretRef": { "name": "workos", "key": "api-key" } },
    });
    merge(&mut object["spec"], spec);
    object
}

fn organization(name: &str, second: u8, spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "portalctl.dev/v1alpha1",
        "kind": "PortalOrganization",
        "metadata": {
            "name": name, "namespace": "portal",
            "creationTimestamp": format!("2026-01-02T03:04:{second:02}Z"),
            "managedFields": [{ "manager": "kubectl" }],
        },
        "spec": { "environmentRef": { "name": "production" }, "name": name },
    });
    merge(&mut object["spec"], spec);
    object
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!() };
    into.as_object_mut().unwrap().extend(more);
}

fn object(name: &str) -> ObjectName {
    ObjectName {
        namespace: "portal".to_owned(),
        name: name.to_owned(),
    }
}

#[test]
fn both_forms_mean_the_same() {
    let manifest = means(
        "version: 1
manifest: customers
environment: { name: Production EU, api_key: live, client_id: client_1 }
return_urls:
  default: https://app.example.com/portal
  allowed_hosts: [app.example.com]
  success: { log_streams: https://app.example.com/logs }
limits: { create: 20, update: 30%, delete: 1 }
organizations:
  acme:
    name: Acme Corp
    external_id: acme-42
    previous_keys: [acme-1]
    domains: [acme.com, { domain: acme.io, state: verified }]
    domains_policy: exact
    intents: [sso, { intent: certificate_renewal, warn_days: 45 }]
    return_url: https://app.example.com/acme
    metadata: { tier: enterprise, legacy: null }
    it_contacts: [ada@acme.com]
    invite: once
    protect: true
    stripe_customer_id: cus_1
    ignore_fields: [metadata.tier]
    allow_shared_domain: true
    allow_same_name: true
  globex: { id: org_1 }
",
    );
    let resources = means(
        "apiVersion: portalctl.dev/v1alpha1
kind: PortalEnvironment
metadata: { name: production, namespace: portal }
spec:
  secretRef: { name: workos, key: api-key }
  name: Production EU
  manifest: customers
  apiKey: live
  clientId: client_1
  returnUrls:
    default: https://app.example.com/portal
    allowedHosts: [app.example.com]
    success: { log_streams: https://app.example.com/logs }
  limits: { create: 20, update: 30%, delete: 1 }
---
apiVersion: v1
kind: List
items:
  - apiVersion: portalctl.dev/v1alpha1
    kind: PortalOrganization
    metadata: { name: acme-corp, namespace: portal, annotations: { a: b } }
    spec:
      environmentRef: { name: production }
      key: acme
      name: Acme Corp
      externalId: acme-42
      previousKeys: [acme-1]
      domains: [{ domain: acme.com }, { domain: acme.io, state: verified }]
      domainsPolicy: exact
      intents: [{ intent: sso }, { intent: certificate_renewal, warnDays: 45 }]
      returnUrl: https://app.example.com/acme
      metadata: { tier: enterprise }
      removeMetadata: [legacy]
      itContacts: [ada@acme.com]
      invite: once
      protect: true
      stripeCustomerId: cus_1
      ignoreFields: [metadata.tier]
      allowSharedDomain: true
      allowSameName: true
    status: { organizationId: org_2 }
  - apiVersion: portalctl.dev/v1alpha1
    kind: PortalOrganization
    metadata: { name: globex, namespace: portal }
    spec: { environmentRef: { name: production }, id: org_1 }
",
    );
    assert_eq!(without_places(resources), without_places(manifest));
}

#[test]
fn an_environment_is_called_as_its_object_unless_it_has_a_name() {
    let resolved = resolve(&environment(json!({})), &[]);
    let desired = resolved.desired.unwrap();
    assert_eq!(desired.environment.name.as_deref(), Some("production"));
    assert!(!desired.powers.adopt);
}

#[test]
fn powers_and_policies_are_taken_along() {
    let resolved = resolve(
        &environment(json!({ "allowAdoption": true })),
        &[organization(
            "acme",
            1,
            json!({ "managementPolicy": "Observe" }),
        )],
    );
    let desired = resolved.desired.unwrap();
    assert!(desired.powers.adopt);
    let DesiredOrganization { management, .. } = &desired.organizations["acme"];
    assert_eq!(*management, Management::Observe);
}

#[test]
fn those_that_claim_the_same_are_kept_whatever_their_order_and_age() {
    let domain = json!({ "key": "acme", "domains": [{ "domain": "acme.com" }] });
    let younger = organization("acme", 2, domain.clone());
    let older = organization("zeta", 1, domain);
    let apart = organization("globex", 3, json!({}));
    for order in [
        [younger.clone(), older.clone(), apart.clone()],
        [apart, older, younger],
    ] {
        let resolved = resolve(&environment(json!({})), &order);
        assert_eq!(resolved.organizations, [].into());
        let desired = resolved.desired.unwrap();
        let keys: std::collections::BTreeSet<&OrgKey> = resolved.keys.values().collect();
        assert_eq!(keys.len(), 3);
        assert!(desired.organizations.keys().all(|key| keys.contains(key)));
        for name in ["acme", "zeta"] {
            let organization = &desired.organizations[&resolved.keys[&object(name)]];
            assert_eq!(organization.external_id.as_ref().unwrap().as_str(), "acme");
        }
    }
}

#[test]
fn a_resource_with_an_error_stops_itself_only() {
    let bad = organization("acme", 1, json!({ "returnUrl": "http://app.example.com/" }));
    let elsewhere = organization("hooli", 2, json!({ "environmentRef": { "name": "other" } }));
    let good = organization("globex", 3, json!({}));
    let resolved = resolve(&environment(json!({})), &[bad, elsewhere, good]);
    assert_eq!(resolved.desired.unwrap().organizations.len(), 1);
    assert_eq!(resolved.environment, []);
    let code = |name: &str| resolved.organizations[&object(name)][0].code.as_str();
    assert_eq!(code("acme"), "manifest/url-not-https");
    assert_eq!(code("hooli"), "manifest/unknown-environment");
}

#[test]
fn a_refused_environment_wants_nothing() {
    let good = organization("globex", 1, json!({}));
    let resolved = resolve(&environment(json!({ "clientId": "1" })), &[good]);
    assert!(resolved.desired.is_none());
    assert_eq!(resolved.environment[0].severity, Severity::Error);
}

#[test]
fn a_key_in_a_resource_is_refused_and_not_echoed() {
    let key = format!("sk_live_{}", "a1b2c3d4e5");
    let bad = organization("acme", 1, json!({ "metadata": { "note": key } }));
    let resolved = resolve(&environment(json!({})), &[bad]);
    assert!(resolved.desired.unwrap().organizations.is_empty());
    let told = format!("{:?}", resolved.organizations);
    assert!(
        told.contains("manifest/secret") && !told.contains("a1b2c3d4e5"),
        "{told}"
    );
}

#[test]
fn documents_of_others_are_skipped_with_one_note() {
    let checked = stdin(
        "apiVersion: v1\nkind: ConfigMap\n---\nversion: 1\norganizations: { acme: { name: A } }\n\
         ---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
    );
    assert!(checked.desired.is_some());
    let [note] = checked.diagnostics.iter().collect::<Vec<_>>()[..] else {
        panic!("{:?}", checked.diagnostics)
    };
    assert_eq!(note.severity, Severity::Note);
    assert_eq!(
        note.message,
        "skipped 2 documents: `ConfigMap`, `Kustomization`"
    );
}
