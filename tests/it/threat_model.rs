//! Every test that the threat model names is there.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// `module::test` in backticks, of as many modules as it has.
fn references(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| name.contains("::") && name.bytes().all(is_of_a_path))
        .collect()
}

fn is_of_a_path(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:".contains(&byte)
}

/// The file of a module, whichever way it is written: of the tests, of the core's tests, of the
/// command line, or of the crate that its first segment names.
fn file_of(modules: &[&str]) -> Option<PathBuf> {
    let path = modules.join("/");
    let mut files: Vec<String> = ["tests/it", "crates/core/tests/it", "tests", "src"]
        .into_iter()
        .flat_map(|root| files_below(root, &path))
        .collect();
    if let Some((name, rest)) = modules.split_first() {
        let sources = format!("crates/{name}/src");
        files.extend(files_below(&sources, &rest.join("/")));
    }
    let mut files = files.iter().map(|file| Path::new(ROOT).join(file));
    files.find(|file| file.is_file())
}

fn files_below(root: &str, path: &str) -> [String; 3] {
    ["", "/mod", "/main"].map(|form| format!("{root}/{path}{form}.rs"))
}

#[test]
fn every_test_that_is_named_is_there() {
    let text = fs::read_to_string(Path::new(ROOT).join("docs/concepts/threat-model.md")).unwrap();
    let named = references(&text);
    assert!(named.len() > 30, "only {} were found", named.len());
    let missing: Vec<&str> = named
        .into_iter()
        .filter(|name| {
            let path: Vec<&str> = name.split("::").collect();
            let (function, modules) = path.split_last().unwrap();
            let is_module = file_of(&path).is_some();
            let holds = |file: PathBuf| {
                let text = fs::read_to_string(file).unwrap();
                text.contains(&format!("fn {function}("))
            };
            !is_module && !file_of(modules).is_some_and(holds)
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
