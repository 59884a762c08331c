//! Checks that everything a release is built from is pinned, and that everything that is released is
//! checked.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// The files of a folder and its folders that end so.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let found = walkdir::WalkDir::new(path(folder)).into_iter();
    let found = found.map(|entry| entry.unwrap().into_path());
    let ends = |file: &PathBuf| file.extension().is_some_and(|it| it == ending);
    let texts = found
        .filter(ends)
        .map(|file| fs::read_to_string(file).unwrap());
    texts.collect()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn base_images_are_named_by_their_digest() {
    let dockerfile = read("Dockerfile");
    let images = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "));
    let images: Vec<&str> = images.filter(|image| *image != "scratch").collect();
    assert!(!images.is_empty());
    for image in images {
        let (_, digest) = image
            .split_once("@sha256:")
            .unwrap_or_else(|| panic!("{image}"));
        assert!(is_hex(digest.split(' ').next().unwrap(), 64), "{image}");
    }
}

#[test]
fn actions_are_named_by_their_commit() {
    let mut texts = files(".github", "yml");
    texts.extend(files("examples/ci/github", "yml"));
    texts.extend(files("examples/two-environments/github", "yml"));
    texts.push(read("action.yml"));
    let lines = texts.iter().flat_map(|text| text.lines());
    let used: Vec<&str> = lines
        .filter_map(|line| line.split_once("uses: "))
        .map(|(_, it)| it)
        .collect();
    assert!(used.len() > 10, "{used:?}");
    for action in used {
        let (_, commit) = action.split_once('@').unwrap_or_else(|| panic!("{action}"));
        assert!(is_hex(commit.split(' ').next().unwrap(), 40), "{action}");
    }
}

#[test]
fn every_target_that_is_released_is_checked() {
    let release: Value = serde_saphyr::from_str(&read(".github/workflows/release.yml")).unwrap();
    let matrix = release["jobs"]["build"]["strategy"]["matrix"]["include"]
        .as_array()
        .unwrap();
    let released: Vec<&str> = matrix
        .iter()
        .map(|row| row["target"].as_str().unwrap())
        .collect();
    let deny = read("deny.toml");
    let checked = deny
        .lines()
        .find(|line| line.starts_with("targets = "))
        .unwrap();
    let install = read("ci/github/install");
    for target in &released {
        assert!(
            checked.contains(&format!("\"{target}\"")),
            "{target}: {checked}"
        );
        assert!(
            install.contains(&format!("target={target}\n"))
                || install.contains(&format!("target={target} ;;")),
            "{target}"
        );
    }
    let installed = install.matches("target=").count();
    assert_eq!(installed, released.len(), "{install}");
}

#[test]
fn python_tools_are_named_by_their_hashes() {
    let requirements = read("scripts/requirements.txt");
    let mut packages = requirements
        .split('\n')
        .filter(|line| line.contains("=="))
        .peekable();
    assert!(packages.peek().is_some());
    for package in packages {
        assert!(package.ends_with('\\'), "{package}");
    }
    let script = read("scripts/test");
    assert!(script.contains("--require-hashes --requirement scripts/requirements.txt"));
}

#[test]
fn an_advisory_stops_a_release() {
    let release: Value = serde_saphyr::from_str(&read(".github/workflows/release.yml")).unwrap();
    let needs = release["jobs"]["build"]["needs"].to_string();
    assert!(needs.contains("\"advisories\""), "{needs}");
    let advisories = &release["jobs"]["advisories"];
    assert!(advisories["continue-on-error"].is_null(), "{advisories}");
    assert!(
        advisories.to_string().contains("check advisories"),
        "{advisories}"
    );
}
