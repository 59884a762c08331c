//! Every example is checked and planned.

use std::path::{Path, PathBuf};

use crate::support::cli::TestEnv;

/// The manifests of `examples/`: its YAML files, and its folders as one manifest each.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_dir() || path.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    paths
}

#[test]
fn every_example_is_valid_and_can_be_planned_and_applied() {
    for path in examples() {
        let env = TestEnv::new();
        let run = |line: &str| {
            let mut args: Vec<&str> = line.split_whitespace().collect();
            args.extend(["-f", path.to_str().unwrap()]);
            env.args(args)
        };
        let output = run("validate").exits(0);
        assert_eq!(output.stderr, "", "{}", path.display());
        let _ = run("plan --sandbox=s.json").exits(0);
        let _ = run("apply --sandbox=s.json --yes --allow-trusted-domains").exits(0);
        let plan = run("plan --sandbox=s.json -o json")
            .exits(0)
            .json_of("plan");
        assert!(plan["changes"].as_array().unwrap().is_empty(), "{plan:#}");
    }
}
