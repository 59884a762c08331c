//! Installs, upgrades, removes and reinstalls a release in a real cluster.

use tempfile::TempDir;
use walkdir::WalkDir;

use crate::support::chart::{self, CHART, CommandOutput};
use crate::support::kube::Cluster;
use crate::support::wait::until;

/// Runs helm in a cluster; has to succeed.
#[track_caller]
fn helm(cluster: &Cluster, line: &str, values: &str) -> String {
    let said = try_helm(cluster, line, values);
    assert!(said.done, "helm {line}: {}", said.stderr);
    said.stdout
}

fn try_helm(cluster: &Cluster, line: &str, values: &str) -> CommandOutput {
    let kubeconfig = cluster.kubeconfig().to_str().unwrap();
    let arguments: Vec<&str> = line
        .split_whitespace()
        .chain(["--kubeconfig", kubeconfig, "--namespace", "portalctl"])
        .collect();
    chart::run("helm", &arguments, values)
}

/// The chart for any Kubernetes: the API server of the tests is built without its version.
fn chart_for_any_version() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in WalkDir::new(CHART).min_depth(1) {
        let entry = entry.unwrap();
        let to = folder
            .path()
            .join(entry.path().strip_prefix(CHART).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir(&to).unwrap();
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
    let file = folder.path().join("Chart.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("kubeVersion:"));
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    folder
}

/// The notes at the end of what helm says, without its own lines.
fn notes(said: &str) -> &str {
    said.split_once("NOTES:\n").unwrap().1.trim_end()
}

/// As docs/reference/chart.md has it.
#[test]
fn definitions_that_are_there_are_handed_to_a_release() {
    if !chart::has("helm") {
        return;
    }
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let chart = chart_for_any_version();
    let chart = chart.path().display();
    cluster.kubectl("apply --server-side -f schema/crds", "");
    let install = format!("install portalctl {chart} --create-namespace --values -");
    let said = try_helm(&cluster, &install, "");
    let told = &said.stderr;
    assert!(
        told.contains("cannot be imported into the current release"),
        "{told}"
    );
    helm(&cluster, &install, "crds: {install: false}");
    helm(&cluster, "uninstall portalctl", "");

    let definitions = "crd/portalenvironments.portalctl.dev crd/portalorganizations.portalctl.dev";
    for line in [
        "label --overwrite DEFINITIONS app.kubernetes.io/managed-by=Helm",
        "annotate --overwrite DEFINITIONS meta.helm.sh/release-name=portalctl \
         meta.helm.sh/release-namespace=portalctl",
    ] {
        cluster.kubectl(&line.replace("DEFINITIONS", definitions), "");
    }
    helm(&cluster, &install, "");
}

#[test]
fn definitions_and_resources_outlive_a_release() {
    if !chart::has("helm") {
        return;
    }
    // Definitions belong to one release only, so this needs a cluster of its own.
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let chart = chart_for_any_version();
    let chart = chart.path().display();
    let install = format!("install portalctl {chart} --create-namespace --values -");
    let said = helm(&cluster, &install, "");
    insta::assert_snapshot!("notes-default", notes(&said));
    cluster.kubectl(
        "wait --for=condition=Established --timeout=60s crd --all",
        "",
    );
    until("the new resources", || {
        let environment = r#"{
            "apiVersion": "portalctl.dev/v1alpha1", "kind": "PortalEnvironment",
            "metadata": { "name": "production", "namespace": "portalctl" },
            "spec": { "secretRef": { "name": "workos", "key": "api-key" } }
        }"#;
        let said = cluster.try_kubectl("apply --server-side -f -", environment);
        said.done.then_some(())
    });

    // The cluster has an older definition; the upgrade brings it up to date.
    let crd = "crd/portalorganizations.portalctl.dev";
    let columns = |cluster: &Cluster| {
        let live = cluster.get(crd).unwrap();
        live["spec"]["versions"][0]["additionalPrinterColumns"].clone()
    };
    let complete = columns(&cluster);
    cluster.kubectl(
        &format!(
            r#"patch {crd} --type=json -p=[{{"op":"remove","path":"/spec/versions/0/additionalPrinterColumns/0"}}]"#
        ),
        "",
    );
    assert_ne!(columns(&cluster), complete);
    let upgrade = format!("upgrade portalctl {chart} --values -");
    let values = "watchNamespace: portalctl
clusterId: here
secrets: [{namespace: portalctl, name: workos}]
webhooks: {ingress: {enabled: true, host: hooks.example.com}}
gateway:
  enabled: true
  publicUrl: https://portal.example.com
  manifest: {portal.yaml: 'version: 1'}
  config: {token: {issuer: app}}
  apiKey: {secretName: workos}
";
    let said = helm(&cluster, &upgrade, values);
    insta::assert_snapshot!("notes-everything", notes(&said));
    assert_eq!(columns(&cluster), complete);
    assert!(cluster.get("clusterrole/portalctl-portalctl").is_none());

    helm(&cluster, "uninstall portalctl", "");
    assert!(cluster.get("deployment/portalctl -n portalctl").is_none());
    let environment = "portalenvironment/production -n portalctl";
    assert!(cluster.get(environment).is_some());
    // Under its own name the release takes its definitions back.
    helm(&cluster, &install, "operator: {replicas: 1}");
    assert!(cluster.get(environment).is_some());
}
