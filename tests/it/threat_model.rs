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
    // Modules of tests that stand in the file that they test have no file of their own.
    let inline = || match modules {
        [crate_name, parent, parents @ .., _] => {
            file_of(&[&[*crate_name, *parent], parents].concat())
        }
        _ => None,
    };
    files.find(|file| file.is_file()).or_else(inline)
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
                let text = fs::read_to_string(&file).unwrap();
                // Beside the code a test has a module of its own, which its name says.
                let is_source = file.components().any(|part| part.as_os_str() == "src");
                let is_named = !is_source || modules.contains(&"tests");
                is_named && text.contains(&format!("fn {function}("))
            };
            !is_module && !file_of(modules).is_some_and(holds)
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A row of a table without a test is an attempt that nothing holds.
#[test]
fn every_attempt_names_a_test() {
    let listed = std::process::Command::new("python3")
        .arg(Path::new(ROOT).join("scripts/attacks"))
        .arg("--list")
        .output();
    let Ok(listed) = listed else {
        println!("skipped: there is no python3 to list the attempts");
        return;
    };
    let listed = String::from_utf8(listed.stdout).unwrap();
    let rows: Vec<Vec<&str>> = listed
        .lines()
        .map(|row| row.split('\t').collect())
        .collect();
    assert!(rows.len() > 60, "only {} attempts were found", rows.len());
    for row in rows {
        let [area, attempt, tests] = row[..] else {
            panic!("{row:?}");
        };
        assert!(!tests.is_empty(), "{area}: {attempt}");
    }
}
