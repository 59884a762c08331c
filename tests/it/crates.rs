//! Checks the dependencies between crates: the pure ones depend on nothing that does input or
//! output.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crates that turn values into values.
const PURE: [&str; 3] = ["portalctl-model", "portalctl-manifest", "portalctl-core"];
/// Crates that reach the network, a cluster or a runtime.
const IMPURE: [&str; 8] = [
    "axum",
    "hickory-resolver",
    "hyper",
    "kube",
    "mio",
    "reqwest",
    "rustls",
    "tokio",
];

/// The packages that each package of the workspace is built with, itself included.
fn built_with() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features"])
        // Packages of other platforms are not downloaded.
        .args(["--locked", "--offline", "--filter-platform", "host-tuple"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let text = |field: &str| package[field].as_str().unwrap();
            (text("id"), text("name"))
        })
        .collect();
    let resolved = metadata["resolve"]["nodes"].as_array().unwrap();
    let needs: BTreeMap<&str, Vec<&str>> = resolved
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), normal_dependencies(node)))
        .collect();
    let members = metadata["workspace_members"].as_array().unwrap();
    members
        .iter()
        .map(|id| {
            let id = id.as_str().unwrap();
            let mut seen = BTreeSet::new();
            let mut waiting = vec![id];
            while let Some(next) = waiting.pop() {
                if seen.insert(next) {
                    waiting.extend(&needs[next]);
                }
            }
            let packages = seen.into_iter().map(|id| names[id].to_owned());
            (names[id].to_owned(), packages.collect())
        })
        .collect()
}

/// The dependencies of a package that are no build or test dependencies.
fn normal_dependencies(node: &Value) -> Vec<&str> {
    let dependencies = node["deps"].as_array().unwrap().iter();
    let is_normal = |dependency: &&Value| {
        let mut kinds = dependency["dep_kinds"].as_array().unwrap().iter();
        kinds.any(|kind| kind["kind"].is_null())
    };
    let normal = dependencies.filter(is_normal);
    normal
        .map(|dependency| dependency["pkg"].as_str().unwrap())
        .collect()
}

#[test]
fn the_pure_crates_can_reach_nothing() {
    let built_with = built_with();
    for name in PURE {
        let impure: Vec<&str> = IMPURE
            .into_iter()
            .filter(|impure| built_with[name].contains(*impure))
            .collect();
        assert!(impure.is_empty(), "{name} is built with {impure:?}");
    }
}

/// The crates that a crate names as dependencies of its own, without the common part of their name.
fn built_on(folder: &str) -> BTreeSet<String> {
    let file = format!("{}/{folder}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap();
    let (_, dependencies) = text.split_once("\n[dependencies]\n").unwrap();
    dependencies
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.strip_prefix("portalctl-")?.split_once('.'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn the_map_names_the_dependencies_of_each_crate_and_files_that_exist() {
    let top = env!("CARGO_MANIFEST_DIR");
    let map = std::fs::read_to_string(format!("{top}/ARCHITECTURE.md")).unwrap();
    let mut crates = 0;
    for line in map.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", _, folder, built, _, ""] = cells.as_slice() else {
            continue;
        };
        let Some(folder) = folder.trim_matches('`').strip_prefix("crates/") else {
            continue;
        };
        let named = built.split(", ").filter(|name| *name != "–");
        let named: BTreeSet<String> = named.map(str::to_owned).collect();
        assert_eq!(named, built_on(&format!("crates/{folder}")), "{folder}");
        crates += 1;
    }
    assert_eq!(
        crates,
        std::fs::read_dir(format!("{top}/crates")).unwrap().count()
    );
    let quoted = map.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| {
        ["crates/", "src/", "tests/"]
            .iter()
            .any(|it| text.starts_with(it))
    };
    for path in quoted.filter(is_path) {
        let file = format!("{top}/{path}");
        assert!(std::path::Path::new(&file).exists(), "there is no {path}");
    }
}

#[test]
fn the_sandbox_knows_nothing_of_the_client() {
    let built_with = built_with();
    let ours: Vec<&str> = built_with["workos-sandbox"]
        .iter()
        .map(String::as_str)
        .filter(|name| name.starts_with("portalctl"))
        .collect();
    assert_eq!(ours, ["portalctl-model", "portalctl-platform"]);
}

#[test]
fn only_the_operator_knows_kubernetes() {
    for (name, packages) in built_with() {
        let expected = matches!(name.as_str(), "portalctl" | "portalctl-operator");
        assert_eq!(packages.contains("kube"), expected, "{name}");
    }
}
