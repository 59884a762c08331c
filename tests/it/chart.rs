//! Tests the Helm chart with helm and with a real API server, which knows every field; no
//! downloaded schema knows more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::chart::{self, CHART, object, objects, render, try_render};
use crate::support::chart_cases::{CASES, values};
use crate::support::kube::Cluster;

#[test]
fn helm_finds_nothing_wrong() {
    if !chart::has("helm") {
        return;
    }
    for (name, case) in CASES {
        let arguments = ["lint", "--strict", CHART, "--kube-version", "1.35.0"];
        let arguments = [&arguments[..], &["--values", "-"]].concat();
        let said = chart::run("helm", &arguments, &values(case, "customers"));
        assert!(said.done, "{name}: {}{}", said.stdout, said.stderr);
    }
}

#[test]
fn an_api_server_takes_every_object() {
    let Some(cluster) = Cluster::shared().filter(|_| chart::has("helm")) else {
        return;
    };
    cluster.knows_service_monitors();
    let namespace = cluster.namespace();
    for (name, case) in CASES {
        let rendered = render(&namespace, &values(case, &namespace));
        let said = cluster.try_kubectl(
            "apply --server-side --force-conflicts --dry-run=server --validate=strict -f -",
            &rendered,
        );
        assert!(said.done, "{name}: {}\n{rendered}", said.stderr);
        assert_eq!(said.stdout.lines().count(), objects(&rendered).len());
        // Warnings are of deprecated fields, and of keys said twice.
        assert_eq!(said.stderr, "", "{name}");
    }
}

#[test]
fn pods_keep_to_the_restricted_standard() {
    let Some(cluster) = Cluster::shared().filter(|_| chart::has("helm")) else {
        return;
    };
    let namespace = cluster.namespace();
    let level = "pod-security.kubernetes.io/enforce=restricted";
    cluster.kubectl(&format!("label namespace {namespace} {level}"), "");
    for (name, case) in CASES {
        let rendered = render(&namespace, &values(case, &namespace));
        for deployment in objects(&rendered) {
            if deployment["kind"] != "Deployment" {
                continue;
            }
            let mut pod = deployment["spec"]["template"].clone();
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["name"] = json!("pod");
            // The priority class does not exist.
            pod["spec"]["priorityClassName"] = Value::Null;
            let line = format!("create --dry-run=server -n {namespace} -f -");
            let said = cluster.try_kubectl(&line, &pod.to_string());
            assert!(said.done, "{name}: {}\n{pod:#}", said.stderr);
            let container = &pod["spec"]["containers"][0];
            let security = &container["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string());
            let args = container["args"].to_string();
            let talks = container["name"] == "operator" || args.contains("--customers=");
            assert_eq!(pod["spec"]["automountServiceAccountToken"], talks);
        }
    }
}

#[test]
fn values_that_mean_nothing_are_refused() {
    if !chart::has("helm") {
        return;
    }
    let gateway = "gateway: {enabled: true, publicUrl: 'https://a.example.com', \
                   apiKey: {secretName: a}, config: {a: b}";
    for (values, message) in [
        (
            "replicas: 3",
            "additional properties 'replicas' not allowed",
        ),
        (
            "operator: {replica: 3}",
            "additional properties 'replica' not allowed",
        ),
        ("operator: {replicas: '3'}", "got string, want integer"),
        ("operator: {verbosity: 3}", "/operator/verbosity"),
        (
            "operator: {resources: {memory: 1Gi}}",
            "'memory' not allowed",
        ),
        (
            "operator: {podAnnotations: {a: true}}",
            "got boolean, want string",
        ),
        ("image: {tag: 'a b'}", "/image/tag"),
        ("image: {digest: latest}", "/image/digest"),
        ("watchNamespace: [a]", "got array, want string"),
        ("watchNamespace: '*'", "/watchNamespace"),
        ("watchNamespace: a", "clusterId has to be set"),
        ("clusterId: a/b", "/clusterId"),
        ("secrets: [workos]", "got string, want object"),
        ("secrets: [{name: workos}]", "missing property 'namespace'"),
        ("secrets: [{namespace: a, name: '*'}]", "/secrets/0/name"),
        ("serviceAccount: {create: false}", "/serviceAccount/name"),
        (
            "webhooks: {ingress: {enabled: true}}",
            "/webhooks/ingress/host",
        ),
        ("gateway: {enabled: true}", "/gateway/publicUrl"),
        (
            "gateway: {publicUrl: 'http://a.example.com'}",
            "/gateway/publicUrl",
        ),
        (&format!("{gateway}}}"), "'oneOf' failed"),
        (
            &format!("{gateway}, manifest: {{a.yaml: ''}}, manifestConfigMap: b}}"),
            "'oneOf' failed",
        ),
        (
            &format!("{gateway}, manifestConfigMap: b, config: null}}"),
            "/gateway",
        ),
        (
            &format!("{gateway}, manifestConfigMap: b, replicas: 2}}"),
            "needs gateway.config.used_tokens",
        ),
        (
            &format!("{gateway}, manifest: {{portal.txt: ''}}}}"),
            "portal.txt",
        ),
    ] {
        let said = try_render("customers", values);
        assert!(!said.done, "{values} was accepted");
        let told = &said.stderr;
        assert!(
            told.contains(message),
            "{values}: wanted {message:?} in:\n{told}"
        );
    }
}

#[test]
fn every_value_is_shown_and_has_a_schema() {
    let read = |name: &str| std::fs::read_to_string(format!("{CHART}/{name}")).unwrap();
    let values: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let mut known = BTreeSet::new();
    names_in_schema(&schema, &schema, "", &mut known);
    // Values that a parent chart passes on.
    for theirs in ["/global", "/enabled"] {
        assert!(known.remove(theirs), "{theirs}");
    }
    for name in &known {
        let is_shown = values.pointer(name).is_some();
        let is_of_resources = name.contains("/resources/");
        assert!(is_shown || is_of_resources, "{name} is not in values.yaml");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(&values)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn the_cases_of_these_tests_use_every_value() {
    let schema = std::fs::read_to_string(format!("{CHART}/values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let mut known = BTreeSet::new();
    names_in_schema(&schema, &schema, "", &mut known);
    let cases = CASES.map(|(_, case)| {
        let case = values(case, "customers");
        serde_saphyr::from_str::<Value>(&case).unwrap()
    });
    known.retain(|name| !cases.iter().any(|case| case.pointer(name).is_some()));
    // A parent chart's, and what no release of ours claims.
    known.retain(|name| name != "/enabled" && !name.ends_with("/resources/claims"));
    assert!(known.is_empty(), "no case says {known:?}");
}

fn names_in_schema(root: &Value, schema: &Value, at: &str, names: &mut BTreeSet<String>) {
    let target = schema["$ref"].as_str().map(|it| it.trim_start_matches('#'));
    let schema = target.map_or(schema, |it| root.pointer(it).unwrap());
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{at} takes anything");
    for (name, schema) in properties {
        let at = format!("{at}/{name}");
        names_in_schema(root, schema, &at, names);
        names.insert(at);
    }
}

#[test]
fn definitions_come_with_the_release_and_stay() {
    if !chart::has("helm") {
        return;
    }
    let rendered = render("customers", "");
    for plural in ["portalenvironments", "portalorganizations"] {
        let mut live = object(
            &rendered,
            "CustomResourceDefinition",
            &format!("{plural}.portalctl.dev"),
        );
        let policy = &live["metadata"]["annotations"]["helm.sh/resource-policy"];
        assert_eq!(policy, "keep");
        let source = std::fs::read_to_string(format!("schema/crds/{plural}.yaml")).unwrap();
        let source: Value = serde_saphyr::from_str(&source).unwrap();
        // Helm reads and writes it again, and must not change a number or a rule.
        assert_eq!(live["spec"].take(), source["spec"]);
    }
    assert!(!render("customers", "crds: {install: false}").contains("CustomResourceDefinition"));
}

#[test]
fn programs_understand_what_they_are_told() {
    if !chart::has("helm") {
        return;
    }
    for (name, case) in CASES {
        for deployment in objects(&render("customers", &values(case, "customers"))) {
            if deployment["kind"] != "Deployment" {
                continue;
            }
            let container = &deployment["spec"]["template"]["spec"]["containers"][0];
            let arguments = container["args"].as_array().unwrap();
            let arguments: Vec<&str> = arguments.iter().map(|it| it.as_str().unwrap()).collect();
            let command = portalctl::cli::command();
            if command.find_subcommand(arguments[0]).is_none() {
                println!("skipped: built without `portalctl {}`", arguments[0]);
                continue;
            }
            let line = ["portalctl"].into_iter().chain(arguments.clone());
            if let Err(error) = command.try_get_matches_from(line) {
                panic!("{name}: {arguments:?}\n{error}");
            }
        }
    }
}

#[test]
fn images_are_named_by_digest_before_tag() {
    if !chart::has("helm") {
        return;
    }
    let digest = format!("sha256:{}", "0".repeat(64));
    for (values, image) in [
        (
            String::new(),
            format!("portalctl:{}", env!("CARGO_PKG_VERSION")),
        ),
        (
            "image: {repository: a.example.com/b, tag: c}".to_owned(),
            "a.example.com/b:c".to_owned(),
        ),
        (
            format!("image: {{tag: c, digest: '{digest}'}}"),
            format!("portalctl@{digest}"),
        ),
    ] {
        let deployment = object(&render("customers", &values), "Deployment", "portalctl");
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], image);
    }
}

#[test]
fn only_pods_of_the_cluster_reach_the_ports_unless_values_admit_more() {
    if !chart::has("helm") {
        return;
    }
    let gateway = "gateway:\n  enabled: true\n  publicUrl: https://portal.example.com\n  apiKey: {secretName: workos}\n  manifestConfigMap: customers\n  config: {version: 1}\n";
    let rendered = render("portal", &format!("fullnameOverride: it\n{gateway}"));
    for name in ["it", "it-gateway"] {
        let policy = object(&rendered, "NetworkPolicy", name);
        let spec = &policy["spec"];
        assert_eq!(spec["policyTypes"], json!(["Ingress"]), "{policy}");
        let admitted = json!([{
            "ports": [{ "port": "http" }], "from": [{ "namespaceSelector": {} }],
        }]);
        assert_eq!(spec["ingress"], admitted, "{policy}");
        // Probes, metrics and people share the port that the policy names.
        let deployment = object(&rendered, "Deployment", name);
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["ports"][0]["name"], "http", "{deployment}");
    }
    let out = render("portal", "networkPolicy: {enabled: false}\n");
    assert!(
        objects(&out)
            .iter()
            .all(|one| one["kind"] != "NetworkPolicy")
    );
    let open = "fullnameOverride: it\nnetworkPolicy: {operatorFrom: [], egress: true}\n";
    let policy = object(&render("portal", open), "NetworkPolicy", "it");
    assert!(
        policy["spec"]["ingress"][0].get("from").is_none(),
        "{policy}"
    );
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
}

#[test]
fn replicas_that_share_used_tokens_are_updated_one_after_the_other() {
    if !chart::has("helm") {
        return;
    }
    let deployment = |case: &str| {
        let rendered = render("portal", &format!("fullnameOverride: it\n{case}"));
        object(&rendered, "Deployment", "it-gateway")["spec"].clone()
    };
    let gateway = "gateway:\n  enabled: true\n  publicUrl: https://portal.example.com\n  apiKey: {secretName: workos}\n  manifestConfigMap: customers\n";
    let alone = deployment(&format!("{gateway}  config: {{version: 1}}\n"));
    assert_eq!(alone["replicas"], 1);
    assert_eq!(alone["strategy"]["type"], "Recreate");
    let shared = format!(
        "{gateway}  replicas: 3\n  config: {{version: 1, used_tokens: {{redis_url_file: url}}}}\n"
    );
    let shared = deployment(&shared);
    assert_eq!(shared["replicas"], 3);
    let rolling = json!({
        "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 },
    });
    assert_eq!(shared["strategy"], rolling);
    let pod = &shared["template"]["spec"];
    let pause = &pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"];
    // What is left is the time in which the gateway finishes what is under way.
    let grace = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
    assert!(grace - pause.as_i64().unwrap() >= 25, "{pod}");
}
