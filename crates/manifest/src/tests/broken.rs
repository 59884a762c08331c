//! Every broken manifest of the fixtures, with what is said of it.
//!
//! The text beside each fixture is what a person reads: after a change, read it as that person.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Input, Layout, Severity, read, render};

const FOLDER: &str = "tests/fixtures/manifest/broken";

fn fixtures() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|ending| ending != "snap"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_broken_manifest_is_explained() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 45);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for path in fixtures {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let checked = read(&[Input::Path(path)]);
            assert!(checked.desired.is_none(), "{name}");
            assert!(checked.diagnostics.has_errors(), "{name}");
            let text = render(&checked.diagnostics, &checked.sources, Layout::plain(100))
                .replace(&format!("{FOLDER}/"), "");
            insta::assert_snapshot!(name, text);
        }
    });
}

#[test]
fn every_finding_says_where_and_what_to_do() {
    for path in fixtures() {
        let checked = read(&[Input::Path(path)]);
        for finding in &checked.diagnostics {
            assert!(finding.help.is_some(), "{finding:?}");
            if finding.severity == Severity::Error && finding.location.is_none() {
                let whole = ["manifest/missing-field", "manifest/empty"];
                assert!(whole.contains(&finding.code.as_str()), "{finding:?}");
            }
        }
    }
}
