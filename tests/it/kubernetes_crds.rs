//! Tests the resource definitions with a real API server: it accepts them, refuses invalid objects
//! with helpful messages, and documents them in `kubectl explain`.

use serde_json::{Value, json};

use portalctl_manifest::convert::{self, Form};
use portalctl_manifest::{Input, resolve};

use crate::support::kube::Cluster;
use crate::support::wait::until;

/// An environment with nothing that is not needed, and `more` over it.
fn environment(namespace: &str, more: Value) -> Value {
    let spec = json!({ "secretRef": { "name": "workos", "key": "api-key" } });
    object("PortalEnvironment", "production", namespace, spec, more)
}

/// An organization with nothing that is not needed, and `more` over it.
fn organization(namespace: &str, more: Value) -> Value {
    let spec = json!({ "environmentRef": { "name": "production" }, "name": "Acme Corp" });
    object("PortalOrganization", "acme", namespace, spec, more)
}

fn object(kind: &str, name: &str, namespace: &str, mut spec: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("{more} is no object")
    };
    let fields = spec.as_object_mut().unwrap();
    for (field, value) in more {
        // Null takes a field away.
        if value.is_null() {
            fields.remove(&field);
        } else {
            fields.insert(field, value);
        }
    }
    json!({
        "apiVersion": "portalctl.dev/v1alpha1",
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace },
        "spec": spec,
    })
}

/// Has to be refused by portalctl as well, from the same objects.
#[track_caller]
fn is_invalid(environment: &Value, organizations: &[Value]) {
    let resolved = resolve(environment, organizations);
    let is_accepted = resolved
        .desired
        .is_some_and(|desired| desired.organizations.len() == organizations.len());
    assert!(
        !is_accepted,
        "portalctl accepts {environment} {organizations:?}"
    );
}

/// Applies an object; has to be refused with this.
#[track_caller]
fn is_refused(cluster: &Cluster, object: &Value, message: &str) {
    let said = cluster.try_kubectl("apply --server-side -f -", &object.to_string());
    assert!(!said.done, "{object} was accepted");
    assert!(
        said.stderr.contains(message),
        "{object}: wanted {message:?} in:\n{}",
        said.stderr
    );
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table of everything that is refused"
)]
fn environments_that_cannot_be_meant_are_refused() {
    let Some(cluster) = Cluster::with_definitions() else {
        return;
    };
    let namespace = cluster.namespace();
    for (more, message) in [
        (json!({ "secretRef": null }), "spec.secretRef: Required"),
        (
            json!({ "secretRef": { "name": "workos" } }),
            "spec.secretRef.key: Required",
        ),
        (
            json!({ "apiKey": "production" }),
            r#"supported values: "test", "live""#,
        ),
        (
            json!({ "clientId": "project_1" }),
            "copy it from the dashboard",
        ),
        (
            json!({ "manifest": "Customers" }),
            "may hold lower-case letters",
        ),
        (json!({ "name": " " }), "must not be blank"),
        (json!({ "name": "a\nb" }), "control characters"),
        (
            json!({ "returnUrls": { "default": "http://app.example.com/" } }),
            "must be an absolute https URL",
        ),
        (
            json!({ "returnUrls": { "default": "https://user@app.example.com/" } }),
            "without user name",
        ),
        (
            json!({ "apiKey": "live", "returnUrls": { "default": "http://localhost:3000/" } }),
            "http://localhost is for environments with apiKey: test",
        ),
        (
            json!({ "returnUrls": { "success": { "sso": "http://localhost:3000/" } } }),
            "http://localhost is for environments with apiKey: test",
        ),
        (
            json!({ "returnUrls": {
                "default": "https://evil.example.net/", "allowedHosts": ["app.example.com"],
            } }),
            "not one of allowedHosts",
        ),
        (
            json!({ "returnUrls": { "allowedHosts": ["https://app.example.com"] } }),
            "a bare host name",
        ),
        (
            json!({ "returnUrls": { "allowedHosts": [] } }),
            "should have at least 1 items",
        ),
        (
            json!({ "returnUrls": { "success": { "audit_logs": "http://localhost:3000/" } } }),
            "http://localhost is for environments with apiKey: test",
        ),
        (
            json!({ "returnUrls": { "success": { "saml": "https://app.example.com/" } } }),
            "must name intents: sso, dsync",
        ),
        (json!({ "limits": { "update": "300%" } }), "from 1% to 100%"),
        (
            json!({ "limits": { "update": -1 } }),
            "must be a number, or a percentage",
        ),
        (
            json!({ "limits": { "create": -1 } }),
            "greater than or equal to 0",
        ),
        (
            json!({ "allowDeletion": true }),
            "allowDeletion needs manifest",
        ),
        (
            json!({ "maxDeletesPerHour": 101 }),
            "less than or equal to 100",
        ),
        (
            json!({ "requestsPerSecond": 0 }),
            "greater than or equal to 1",
        ),
        (
            json!({ "intervals": { "poll": "1s" } }),
            "a time from 10s to 1h",
        ),
        (
            json!({ "intervals": { "resync": "often" } }),
            "as in 90s, 5m or 1h30m",
        ),
        (
            json!({ "apiUrl": "http://api.example.com" }),
            "must be an https URL",
        ),
        (
            json!({ "allowedNamespaces": ["Team_A"] }),
            "or * for all of them",
        ),
        (
            json!({ "externalIdPatterns": [{ "namespace": "team-a", "patterns": [] }] }),
            "should have at least 1 items",
        ),
        (
            json!({ "externalIdPatterns": [{ "namespace": "team-a" }] }),
            "patterns: Required",
        ),
        (
            json!({ "externalIdPatterns": [{ "namespace": "Team", "patterns": ["a*"] }] }),
            "must be the name of a namespace",
        ),
        (
            json!({ "transfers": [{ "fromCluster": "a/b", "fromNamespace": "portal" }] }),
            "must be a cluster id",
        ),
        (
            json!({ "transfers": [{ "fromCluster": "here" }] }),
            "fromNamespace: Required",
        ),
        (
            json!({ "webhook": { "secretRef": { "name": "hooks" } } }),
            "secretRef.key: Required",
        ),
        (
            json!({ "allowAdoptions": true }),
            "field not declared in schema",
        ),
    ] {
        let object = environment(&namespace, more);
        is_refused(cluster, &object, message);
        is_invalid(&object, &[]);
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table of everything that is refused"
)]
fn organizations_that_cannot_be_meant_are_refused() {
    let Some(cluster) = Cluster::with_definitions() else {
        return;
    };
    let namespace = cluster.namespace();
    let url = "https://app.example.com/done";
    for (more, message) in [
        (
            json!({ "environmentRef": null }),
            "spec.environmentRef: Required",
        ),
        (json!({ "name": null }), "name is required, unless id"),
        (json!({ "id": "acme" }), "your own id for the customer goes"),
        (
            json!({ "key": "Acme Corp" }),
            "may hold lower-case letters, digits",
        ),
        (json!({ "externalId": " x" }), "no space at either end"),
        (
            json!({ "previousKeys": ["a", "a"] }),
            r#"duplicate entries for key [="a"]"#,
        ),
        (
            json!({ "domains": [] }),
            "set domainsPolicy: exact to remove every domain",
        ),
        (
            json!({ "domains": ["acme.com"] }),
            "may not have non-map elements",
        ),
        (
            json!({ "domains": [{ "domain": "acme.com" }, { "domain": "acme.com" }] }),
            r#"duplicate entries for key [domain="acme.com"]"#,
        ),
        (
            json!({ "domains": [{ "domain": "https://acme.com" }] }),
            "must be a domain with a dot",
        ),
        (
            json!({ "domains": [{ "domain": "Gmail.com" }] }),
            "a public mail provider's",
        ),
        (
            json!({ "domains": [{ "domain": "acme.com", "state": "failed" }] }),
            r#"supported values: "pending", "verified""#,
        ),
        (
            json!({ "domainsPolicy": "all" }),
            r#"supported values: "add", "exact""#,
        ),
        (
            json!({ "intents": [{ "intent": "saml" }] }),
            r#"supported values: "sso", "dsync""#,
        ),
        (
            json!({ "intents": [{ "intent": "sso" }, { "intent": "sso" }] }),
            r#"duplicate entries for key [intent="sso"]"#,
        ),
        (
            json!({ "intents": [{ "intent": "sso", "warnDays": 30 }] }),
            "warnDays belongs to certificate_renewal",
        ),
        (
            json!({ "intents": [{ "intent": "certificate_renewal", "warnDays": 0 }] }),
            "greater than or equal to 1",
        ),
        (
            json!({ "intents": [{ "intent": "sso", "returnUrl": "http://app.example.com/" }] }),
            "must be an absolute https URL",
        ),
        (
            json!({ "returnUrl": "https://app.example.com/#top" }),
            "without user name, space or fragment",
        ),
        (
            json!({ "metadata": { "portalctl_owner": "me" } }),
            "choose another",
        ),
        (
            json!({ "metadata": { "k".repeat(41): "x" } }),
            "at most 40 printable",
        ),
        (
            json!({ "metadata": { "key": format!("sk_live_{}", "a1b2c3d4") } }),
            "an API key does not belong here",
        ),
        (
            json!({ "metadata": { "a": "b" }, "removeMetadata": ["a"] }),
            "stands in metadata and in removeMetadata",
        ),
        (
            json!({ "itContacts": ["Ada <ada@acme.com>"] }),
            "as in ada@acme.com",
        ),
        (json!({ "invite": "once" }), "invite: once needs itContacts"),
        (json!({ "stripeCustomerId": "42" }), "`cus_` followed by"),
        (
            json!({ "ignoreFields": ["domain"] }),
            "domains, domains.DOMAIN",
        ),
        (
            json!({ "deletionPolicy": "Orphan" }),
            r#"supported values: "Retain", "Delete""#,
        ),
        (
            json!({ "managementPolicy": "Read" }),
            r#"supported values: "Manage", "Observe""#,
        ),
        (
            json!({ "return_url": url }),
            "return_url: field not declared in schema",
        ),
    ] {
        let object = organization(&namespace, more);
        is_refused(cluster, &object, message);
        is_invalid(&environment(&namespace, json!({})), &[object]);
    }
    let long = object(
        "PortalOrganization",
        &"a".repeat(64),
        &namespace,
        json!({ "environmentRef": { "name": "production" }, "name": "Acme Corp" }),
        json!({}),
    );
    is_refused(cluster, &long, "too long for a key: set spec.key");
}

#[test]
fn what_identifies_an_object_cannot_be_changed() {
    let Some(cluster) = Cluster::with_definitions() else {
        return;
    };
    let namespace = cluster.namespace();
    let apply = |object: &Value| cluster.apply(&object.to_string());
    let org = |more: Value| organization(&namespace, more);

    apply(&org(json!({})));
    let elsewhere = org(json!({ "environmentRef": { "name": "staging" } }));
    is_refused(cluster, &elsewhere, "environmentRef cannot be changed");
    is_refused(
        cluster,
        &org(json!({ "key": "other" })),
        "spec.key cannot be changed",
    );
    apply(&org(json!({ "key": "acme" })));
    let renamed = org(json!({ "externalId": "acme-42" }));
    is_refused(
        cluster,
        &renamed,
        "unless the former one is listed in previousKeys",
    );
    apply(&org(
        json!({ "externalId": "acme-42", "previousKeys": ["acme"] }),
    ));
    let pinned =
        |id: &str| org(json!({ "externalId": "acme-42", "previousKeys": ["acme"], "id": id }));
    apply(&pinned("org_1"));
    is_refused(cluster, &pinned("org_2"), "id cannot be changed");

    let environment = |manifest: &str| environment(&namespace, json!({ "manifest": manifest }));
    apply(&environment("customers"));
    is_refused(
        cluster,
        &environment("clients"),
        "manifest cannot be changed",
    );
}

#[test]
fn absent_fields_are_filled_where_something_holds_anyway() {
    let Some(cluster) = Cluster::with_definitions() else {
        return;
    };
    let namespace = cluster.namespace();
    cluster.apply(&environment(&namespace, json!({ "intervals": { "poll": "30s" } })).to_string());
    let filled = cluster
        .get(&format!("penv/production -n {namespace}"))
        .unwrap();
    assert_eq!(
        filled["spec"],
        json!({
            "secretRef": { "name": "workos", "key": "api-key" },
            "requestsPerSecond": 20,
            "intervals": { "poll": "30s", "resync": "1h", "sweep": "1h" },
            "allowAdoption": false,
            "allowRekey": false,
            "allowTrustedDomains": false,
            "allowDomainRemoval": false,
            "allowDataLoss": false,
            "allowDeletion": false,
            "allowActiveDeletion": false,
            "maxDeletesPerHour": 3,
            "suspend": false,
        })
    );
    cluster.apply(&organization(&namespace, json!({})).to_string());
    let filled = cluster.get(&format!("porg/acme -n {namespace}")).unwrap();
    assert_eq!(
        filled["spec"],
        json!({
            "environmentRef": { "name": "production" },
            "name": "Acme Corp",
            "deletionPolicy": "Retain",
            "managementPolicy": "Manage",
            "suspend": false,
        })
    );
}

#[test]
fn a_status_is_written_beside_the_spec_and_shown_in_columns() {
    let Some(cluster) = Cluster::with_definitions() else {
        return;
    };
    let namespace = cluster.namespace();
    let mut object = organization(&namespace, json!({}));
    object["metadata"]["annotations"] = json!({ "portalctl.dev/paused": "true" });
    cluster.apply(&object.to_string());
    let condition = |kind: &str, status: &str| {
        json!({
            "type": kind, "status": status, "reason": "AwaitingCustomer",
            "message": "sso is left", "observedGeneration": 1,
            "lastTransitionTime": "2026-01-02T03:04:05Z",
        })
    };
    let patch = json!({ "status": {
        "observedGeneration": 1,
        "conditions": [condition("Ready", "True"), condition("Onboarded", "False")],
        "organizationId": "org_1",
        "configured": "1/2",
        "intents": [
            { "intent": "sso", "state": "unconfigured", "turn": "customer",
              "since": "2026-01-02T03:04:05.123Z", "nextStep": "portalctl link acme sso" },
            { "intent": "dsync", "state": "configured", "turn": "none" },
        ],
        "domains": [{ "domain": "acme.com", "state": "verified" }],
    } });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), patch.to_string()).unwrap();
    let file = file.path().display();
    cluster.kubectl(
        &format!(
            "patch porg/acme -n {namespace} --subresource status --type merge --patch-file {file}"
        ),
        "",
    );
    let live = cluster.get(&format!("porg/acme -n {namespace}")).unwrap();
    assert_eq!(live["status"], patch["status"]);
    assert_eq!(live["metadata"]["generation"], 1);
    let table = cluster.kubectl(&format!("get portalctl -n {namespace} -o wide"), "");
    let cells: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        cells[0].join(" "),
        "NAME READY SYNCED ONBOARDED CONFIGURED PAUSED SUSPENDED ENVIRONMENT ORGANIZATION SSO DSYNC DOMAINS REASON AGE"
    );
    let row = cells[1].join(" ");
    let wanted = "portalorganization.portalctl.dev/acme True False 1/2 true false production org_1 \
                  unconfigured configured AwaitingCustomer";
    assert!(row.starts_with(wanted), "{row}");
}

#[test]
fn kubectl_explains_what_a_field_is_for() {
    let Some(cluster) = Cluster::with_definitions() else {
        return;
    };
    // The server publishes its descriptions a moment after it takes a definition.
    let intents = until("the descriptions", || {
        let said = cluster.try_kubectl("explain portalorganization.spec.intents", "");
        said.done.then_some(said.stdout)
    });
    for text in [
        "features of the Admin Portal that this customer should have",
        "certificate_renewal",
        "30 unless",
        "-required-",
    ] {
        assert!(intents.contains(text), "{text:?} is not in:\n{intents}");
    }
}

/// The API server accepts every example that portalctl accepts and converts.
#[test]
fn every_example_is_accepted_as_resources() {
    let Some(cluster) = Cluster::with_definitions() else {
        return;
    };
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for example in [
        "examples/kubernetes",
        "examples/quickstart",
        "examples/one-file-per-customer",
        "crates/manifest/tests/fixtures/manifest/good/full.yaml",
        "crates/manifest/tests/fixtures/manifest/good/every-field.yaml",
    ] {
        let whole = convert::read_whole(&[Input::Path(root.join(example))]);
        let desired = whole.checked.desired.unwrap();
        let text = convert::text(&desired, &whole.rest, Form::Kubernetes);
        // Namespaces of their own, whatever those of the example are.
        for namespace in ["portal", "team-a"] {
            let _ = cluster.try_kubectl(&format!("create namespace {namespace}"), "");
        }
        let said = cluster.try_kubectl("apply --server-side --dry-run=server -f -", &text);
        assert!(said.done, "{example}: {}\n{text}", said.stderr);
    }
}
