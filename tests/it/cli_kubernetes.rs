//! Tests the Kubernetes form of manifests on the command line: read by every command, and
//! converted.

use crate::support::cli::{TestEnv, snapshot};
use crate::support::manifests::CUSTOMERS;

const RESOURCES: &str = "\
apiVersion: portalctl.dev/v1alpha1
kind: PortalEnvironment
metadata: { name: staging, namespace: portal }
spec:
  secretRef: { name: workos, key: api-key }
  manifest: customers
---
apiVersion: portalctl.dev/v1alpha1
kind: PortalOrganization
metadata: { name: acme, namespace: portal }
spec:
  environmentRef: { name: staging }
  name: Acme Corp
  intents: [{ intent: sso }]
---
apiVersion: portalctl.dev/v1alpha1
kind: PortalOrganization
metadata: { name: globex, namespace: portal }
spec:
  environmentRef: { name: staging }
  name: Globex
  managementPolicy: Observe
";

#[test]
fn both_forms_have_the_same_plan() {
    let env = TestEnv::new();
    env.write("portal.yaml", CUSTOMERS);
    let _ = env.run("convert --to kubernetes --dir k8s").exits(0);
    let _ = env
        .run("convert -f k8s --to manifest --output-file back.yaml")
        .exits(0);
    let plan = |files: &str| {
        let line = format!("plan -f {files} --sandbox -o json");
        let mut plan = env.run(&line).exits(0).json_of("plan");
        for change in plan["changes"].as_array_mut().unwrap() {
            change["source"].take();
        }
        plan
    };
    let wanted = plan("portal.yaml");
    assert_eq!(wanted["summary"]["create"], 3);
    assert_eq!(plan("k8s"), wanted);
    assert_eq!(plan("back.yaml"), wanted);
}

#[test]
fn what_is_only_observed_is_told_and_not_written() {
    let env = TestEnv::new();
    env.write("k8s.yaml", RESOURCES);
    let output = env.run("apply -f k8s.yaml --sandbox=s.json --yes").exits(0);
    snapshot!(output.stdout);
    let status = env
        .run("status -f k8s.yaml --sandbox=s.json -o json")
        .exits(0)
        .json_of("status");
    let keys: Vec<&str> = status["organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|organization| organization["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["acme", "globex"]);
    let plan = env.run("plan -f k8s.yaml --sandbox=s.json").exits(0);
    snapshot!(plan.stdout);
}

#[test]
fn a_manifest_becomes_resources() {
    let env = TestEnv::new();
    env.write("portal.yaml", CUSTOMERS);
    let output = env.run("convert --to kubernetes").exits(0);
    snapshot!(output);
}

#[test]
fn a_folder_that_holds_something_is_not_written_to() {
    let env = TestEnv::new();
    env.write("portal.yaml", CUSTOMERS);
    env.write("k8s/environment.yaml", "replicas: 2\n");
    let output = env.run("convert --to kubernetes --dir k8s").exits(3);
    snapshot!(output.stderr);
    assert_eq!(env.read("k8s/environment.yaml"), "replicas: 2\n");
}

#[test]
fn an_unsound_manifest_is_not_converted() {
    let env = TestEnv::new();
    env.write("portal.yaml", "version: 1\norganizations: { acme: {} }\n");
    let output = env.run("convert --to kubernetes").exits(3);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("has no name"), "{}", output.stderr);
}

#[test]
fn the_resource_definitions_are_printed_for_kubectl() {
    let env = TestEnv::new();
    let printed = env.run("schema crds").exits(0).stdout;
    let published: Vec<String> = ["portalenvironments", "portalorganizations"]
        .iter()
        .map(|name| {
            let root = env!("CARGO_MANIFEST_DIR");
            std::fs::read_to_string(format!("{root}/schema/crds/{name}.yaml")).unwrap()
        })
        .collect();
    assert_eq!(printed, published.join("---\n"));
}

#[test]
fn import_writes_no_manifest_beside_resources() {
    let env = TestEnv::new();
    env.write("k8s/all.yaml", RESOURCES);
    let output = env.run("import --dir k8s --sandbox").exits(3);
    snapshot!(output.stderr);
    let _ = env.run("import -f k8s --dir new --sandbox").exits(0);
}
