//! Files of overlays: finding the one of an environment, and adding entries to its text.
//!
//! Goes in: a folder, or the text of an overlay. Comes out: a path, or the text with more entries.
//! Everything that the text says already stays as it is, comments included. Writes no file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::document_kind::field;
use super::find::OVERLAYS;
use super::input::Input;
use super::load::{Loaded, load};
use super::node::{Node, Value};

/// Returns the file of an environment's overlay, of those in a folder's `environments/`.
pub fn overlay_file(folder: &Path, environment: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder.join(OVERLAYS)).ok()?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|it| it == "yaml" || it == "yml")
        })
        .collect();
    paths.sort();
    paths.into_iter().find(|path| {
        let loaded = load(&[Input::Path(path.clone())]);
        loaded
            .documents
            .iter()
            .any(|document| name(&document.root) == Some(environment))
    })
}

/// Returns the path that the overlay of an environment gets in a folder that has none.
pub fn new_overlay_file(folder: &Path, environment: &str) -> PathBuf {
    folder.join(OVERLAYS).join(format!("{environment}.yaml"))
}

fn name(root: &Node) -> Option<&str> {
    field(root, "overlay")?.as_str()
}

/// Returns the keys of the entries in the text of an overlay.
pub fn overlay_keys(text: &str) -> BTreeSet<String> {
    let loaded = parse(text);
    let roots = loaded.documents.iter().map(|document| &document.root);
    roots.flat_map(keys).collect()
}

fn parse(text: &str) -> Loaded {
    load(&[Input::Stdin(text.as_bytes().to_vec())])
}

fn keys(root: &Node) -> Vec<String> {
    match field(root, "organizations").map(|node| &node.value) {
        Some(Value::Map(entries)) => {
            let keys = entries.iter().filter_map(|(key, _)| key.as_str());
            keys.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Adds entries to the text of an overlay, each as lines that are indented by two spaces.
///
/// # Errors
///
/// A text that says why nothing can be added: the entries are not written as a block, or the result
/// would not mean the old text and the new entries.
pub fn add_entries(text: &str, entries: &str) -> Result<String, &'static str> {
    const NOT_A_BLOCK: &str =
        "its `organizations` are not written as a block, one entry below another";
    let before = parse(text);
    if before.documents.len() > 1 {
        return Err("it holds several documents");
    }
    let mut lines: Vec<&str> = text.lines().collect();
    let is_key = |line: &str| line.starts_with("organizations:");
    let added = match lines.iter().position(|line| is_key(line)) {
        None => {
            let mut whole = text.trim_end().to_owned();
            whole.push_str("\norganizations:\n");
            whole + entries
        }
        Some(at) => {
            let behind = lines[at]["organizations:".len()..].trim();
            if !behind.is_empty() && !behind.starts_with('#') {
                return Err(NOT_A_BLOCK);
            }
            let (end, indent) = block(&lines, at);
            let entries: Vec<String> = entries.lines().map(|line| shifted(line, indent)).collect();
            lines.splice(end..end, entries.iter().map(String::as_str));
            lines.join("\n") + "\n"
        }
    };
    let wanted: BTreeSet<String> = keys_of(&before);
    let new = keys_of(&parse(&format!("organizations:\n{entries}")));
    let after = parse(&added);
    let is_as_meant = !after.diagnostics().has_errors()
        && keys_of(&after) == wanted.union(&new).cloned().collect()
        && wanted.is_disjoint(&new);
    if is_as_meant {
        Ok(added)
    } else {
        Err(NOT_A_BLOCK)
    }
}

fn keys_of(loaded: &Loaded) -> BTreeSet<String> {
    let roots = loaded.documents.iter().map(|document| &document.root);
    roots.flat_map(keys).collect()
}

/// Returns the line behind the block that a key opens, and the indentation of its entries.
fn block(lines: &[&str], key: usize) -> (usize, usize) {
    let mut end = key + 1;
    let mut indent = None;
    for (number, line) in lines.iter().enumerate().skip(key + 1) {
        let content = line.trim_start();
        if content.is_empty() || (content.starts_with('#') && content.len() == line.len()) {
            continue;
        }
        let depth = line.len() - content.len();
        if depth == 0 {
            break;
        }
        if !content.starts_with('#') {
            indent = indent.or(Some(depth));
        }
        end = number + 1;
    }
    (end, indent.unwrap_or(2))
}

/// Shifts a line that is indented for entries at two spaces.
fn shifted(line: &str, indent: usize) -> String {
    let content = line.trim_start();
    let depth = line.len() - content.len();
    format!(
        "{}{content}",
        " ".repeat((depth + indent).saturating_sub(2))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "  acme:\n    id: org_1\n    state: null\n";

    #[test]
    fn entries_come_below_those_that_are_there() {
        for (before, after) in [
            (
                "overlay: a",
                "overlay: a\norganizations:\n  acme:\n    id: org_1\n    state: null\n",
            ),
            (
                "overlay: a\norganizations: # ours\nlimits: {}\n",
                "overlay: a\norganizations: # ours\n  acme:\n    id: org_1\n    state: null\nlimits: {}\n",
            ),
            (
                "overlay: a\norganizations:\n# first\n    b: {}\n    # last\n\n# limits\nlimits: {}\n",
                "overlay: a\norganizations:\n# first\n    b: {}\n    # last\n    acme:\n      id: org_1\n      state: null\n\n# limits\nlimits: {}\n",
            ),
            (
                "overlay: a\norganizations:\n b: {}\n",
                "overlay: a\norganizations:\n b: {}\n acme:\n   id: org_1\n   state: null\n",
            ),
        ] {
            assert_eq!(add_entries(before, NEW).unwrap(), after);
        }
    }

    #[test]
    fn what_would_mean_something_else_is_refused() {
        for text in [
            "overlay: a\norganizations: { b: {} }\n",
            "overlay: a\norganizations: {}\n",
            "overlay: a\norganizations:\n  acme: {}\n",
            "overlay: a\n---\noverlay: b\n",
            "{ overlay: a }",
            "overlay: a\n\"organizations\":\n  b: {}\n",
        ] {
            assert!(add_entries(text, NEW).is_err(), "{text}");
        }
    }

    #[test]
    fn the_file_of_an_environment_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let overlays = folder.path().join("environments");
        fs::create_dir(&overlays).unwrap();
        fs::write(overlays.join("a.yaml"), "overlay: staging\n").unwrap();
        fs::write(
            overlays.join("b.yml"),
            "overlay: production\norganizations: { x: {} }\n",
        )
        .unwrap();
        let found = overlay_file(folder.path(), "production");
        assert_eq!(found, Some(overlays.join("b.yml")));
        assert_eq!(overlay_file(folder.path(), "test"), None);
        let text = fs::read_to_string(overlays.join("b.yml")).unwrap();
        assert_eq!(overlay_keys(&text), BTreeSet::from(["x".to_owned()]));
    }
}
