//! The published schema against the fixtures: what it accepts is what the checks accept, as far
//! as one file by itself can show.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use crate::json_schema;

/// Broken fixtures whose flaw shows without looking at other entries or other files.
const VISIBLE: [&str; 27] = [
    "contacts",
    "defaults",
    "domains",
    "environment",
    "hosts",
    "ids",
    "ignore-fields",
    "intent-options",
    "intents",
    "keys",
    "kubernetes",
    "limit-percent",
    "limits",
    "long-line",
    "metadata",
    "missing-names",
    "no-hosts",
    "null-values",
    "organizations-as-list",
    "other-version",
    "quoted-version",
    "secrets",
    "text-only",
    "unknown-fields",
    "unquoted-values",
    "urls",
    "wrong-types",
];

fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

#[test]
fn accepts_every_good_manifest() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    let files: Vec<PathBuf> = WalkDir::new("tests/fixtures/manifest/good")
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    assert!(files.len() >= 7);
    for path in files {
        for document in documents(&path) {
            let flaws: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(flaws.is_empty(), "{}: {flaws:#?}", path.display());
        }
    }
}

#[test]
fn rejects_what_is_visibly_broken() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for name in VISIBLE {
        let path = PathBuf::from(format!("tests/fixtures/manifest/broken/{name}.yaml"));
        let accepted = documents(&path).iter().all(|d| validator.is_valid(d));
        assert!(!accepted, "{name}");
    }
}

#[test]
fn accepts_overlays_and_refuses_what_does_not_belong_there() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    let is_valid = |text: &str| {
        let document: Value = serde_saphyr::from_str(text).unwrap();
        validator.is_valid(&document)
    };
    for good in [
        "overlay: a",
        "{ overlay: a, x-y: 1, limits: { update: null }, return_urls: { success: { sso: null } } }",
        "{ overlay: a, organizations: { b: { state: excluded }, c: { name: null, id: org_1 } } }",
        "{ version: 1, x-y: 1, profiles: { p: { protect: true } }, organizations: { a: { name: A, use: [p] } } }",
        "{ version: 1, environments: { a: { limits: null, organizations: { b: { intents: null } } } } }",
    ] {
        assert!(is_valid(good), "{good}");
    }
    for broken in [
        "{ overlay: a, version: 1 }",
        "{ overlay: 'A b' }",
        "{ overlay: a, organizations: { b: { nmae: B } } }",
        "{ overlay: a, organizations: { b: { domains: [{ domain: a.com, state: null }] } } }",
        "{ version: 1, profiles: { p: { name: P } } }",
        "{ version: 1, organizations: { a: { name: null, id: org_1 } } }",
        "{ version: 1, environments: { a: { overlay: a } } }",
    ] {
        assert!(!is_valid(broken), "{broken}");
    }
}
