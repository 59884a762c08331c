//! Runs the chart's programs as its pods would: with the same arguments, variables, probes, mounts
//! and permissions.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use crate::argocd;
use crate::support::chart;
use crate::support::chart_pod::Pod;
use crate::support::cli::{KEY, TestEnv};
use crate::support::operator::{self, Access, Operator, World};
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait::until;

/// Path of mounted files in pods.
const MOUNTED: &str = "/etc/portalctl";

/// Waits until every probe succeeds.
#[track_caller]
fn passes_its_probes(server: &Operator, pod: &Pod) {
    for path in &pod.probes {
        until(path, || (server.text(path).0 == 200).then_some(()));
    }
}

#[test]
fn the_operator_of_a_release_does_its_work_in_another_namespace() {
    let Some(cluster) = operator::own_cluster() else {
        return;
    };
    let world = World::new(&cluster);
    let release = cluster.namespace();
    let values = format!(
        "secrets: [{{namespace: {}, name: workos}}]",
        world.namespace
    );
    let rendered = chart::render(&release, &values);
    world.grant(&Access {
        rules: rendered.clone(),
        account: "portalctl".to_owned(),
        namespace: release.clone(),
    });
    let pod = Pod::of(&rendered, "portalctl");
    let mut run = world.env.args(&pod.arguments);
    for (name, value) in &pod.variables {
        run = run.env(name, value);
    }
    let operator = world.spawn(run);
    passes_its_probes(&operator, &pod);

    world.environment(json!({ "allowDeletion": true }));
    world.organization("acme", json!({ "deletionPolicy": "Delete" }));
    let acme = world.is_in_sync("acme");
    if chart::has("glua") {
        assert_eq!(argocd::health(&acme).0, "Healthy");
    }
    world.is_held("acme");
    world.is_told("acme", "OrganizationCreated");
    let lease = format!("--namespace {release} lease portalctl");
    let lease = cluster.get(&lease).unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], Pod::NAME);
    world.delete("acme");
    world.is_gone("acme");
    assert_eq!(world.sandbox.external_ids(), [""; 0]);
    assert_eq!(operator.stop(), Some(0));
}

/// Writes files into a mounted volume as Kubernetes does: behind a symbolic link that is replaced
/// when the files change, so that they change all at once.
#[track_caller]
fn mount(folder: &Path, version: &str, files: &BTreeMap<String, String>) {
    let data = folder.join(format!("..{version}"));
    fs::create_dir_all(&data).unwrap();
    for (name, text) in files {
        fs::write(data.join(name), text).unwrap();
        let link = folder.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
    symlink(format!("..{version}"), folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

/// Returns the files of a rendered `ConfigMap` or of a Secret that a test has created, with the
/// test's paths in place of mounted ones.
#[track_caller]
fn files(rendered: &str, source: &str, mounted: &str) -> BTreeMap<String, String> {
    let secret = match source {
        "workos" => Some(("api-key", KEY)),
        "handoff" => Some(("secret", "0123456789abcdef0123456789abcdef")),
        _ => None,
    };
    if let Some((key, value)) = secret {
        return BTreeMap::from([(key.to_owned(), value.to_owned())]);
    }
    let map = chart::object(rendered, "ConfigMap", source);
    let data: BTreeMap<String, Value> = serde_json::from_value(map["data"].clone()).unwrap();
    let text = |it: Value| it.as_str().unwrap().replace(MOUNTED, mounted);
    data.into_iter()
        .map(|(name, it)| (name, text(it)))
        .collect()
}

#[test]
fn the_gateway_of_a_release_serves_and_reads_its_manifest_again() {
    if !chart::has("helm") {
        return;
    }
    let env = TestEnv::new();
    let sandbox = SandboxServer::start(&env);
    let values = "crds: {install: false}
operator: {enabled: false}
gateway:
  enabled: true
  publicUrl: https://portal.example.com
  manifest:
    portal.yaml: |
      version: 1
      environment: {api_key: test}
      organizations:
        acme: {name: Acme, intents: [sso], return_url: https://app.example.com/}
  config:
    version: 1
    token: {issuer: https://app.example.com, secret_file: /etc/portalctl/secrets/handoff/secret}
    secret_file: /etc/portalctl/secrets/handoff/secret
  apiKey: {secretName: workos}
  secrets: [handoff]
";
    let rendered = chart::render("portalctl", values);
    let pod = Pod::of(&rendered, "portalctl-gateway");
    let mounted = env.path("mounted");
    let mounted = mounted.to_str().unwrap();
    for (path, source) in &pod.mounts {
        let folder = path.replace(MOUNTED, mounted);
        mount(folder.as_ref(), "1", &files(&rendered, source, mounted));
    }
    let arguments = pod.arguments.iter().map(|it| it.replace(MOUNTED, mounted));
    let mut run = env.args(arguments).env("WORKOS_API_URL", &sandbox.url());
    for (name, value) in &pod.variables {
        run = run.env(name, value);
    }
    let gateway = Operator::start(run, env.path("gateway.log"));
    passes_its_probes(&gateway, &pod);
    assert_eq!(gateway.text("/portal/acme/sso").0, 403);

    let mut edited = files(&rendered, "portalctl-gateway-manifest", mounted);
    let manifest = edited.get_mut("portal.yaml").unwrap();
    *manifest = manifest.replace("Acme", "Acme Inc.");
    mount(format!("{mounted}/manifest").as_ref(), "2", &edited);
    let reloads = "portalctl_gateway_reloads_total{what=\"manifest\",outcome=\"read\"}";
    until(reloads, || (gateway.metric(reloads) > 0.5).then_some(()));
    assert_eq!(gateway.stop(), Some(0));
}
