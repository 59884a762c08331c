//! Checks of any YAML file: API keys, and keys that are declared twice.
//!
//! Goes in: a file's text and its YAML trees. Comes out: findings. Knows no field of a manifest.

use std::collections::HashMap;

use super::diagnostic::{Finding, Findings};
use super::node::{Node, Value};
use super::quote::quote;
use super::secret;
use super::source::{FileId, Positions, Spot};
use portalctl_model::codes::manifest as codes;

/// Entries of a mapping above which duplicates are found with a hash map.
const SMALL: usize = 12;

/// Reports API keys anywhere in the text, comments included.
pub(super) fn secrets(text: &str, file: FileId, findings: &mut Findings) {
    let found = secret::find(text);
    if found.is_empty() {
        return;
    }
    let mut positions = Positions::new(text);
    for range in found {
        if findings.is_full() {
            findings.count_dropped();
            continue;
        }
        let (line, column) = positions.at(range.start);
        let length = u32::try_from(range.len()).unwrap_or(u32::MAX);
        findings.push(secret_at(Spot {
            file,
            line,
            column,
            length,
        }));
    }
}

fn secret_at(spot: Spot) -> Finding {
    Finding::error(codes::SECRET, "a WorkOS API key stands in the manifest",
    )
    .at(spot)
    .help(
        "remove it, give it in WORKOS_API_KEY or with --api-key-file, and rotate the key if this \
         file was ever committed or shared",
    )
}

/// Checks a document; returns the number of its values.
pub(super) fn tree(node: &Node, text: &str, file: FileId, findings: &mut Findings) -> usize {
    match &node.value {
        Value::Str(value) => {
            // Escapes can spell a key that the text itself does not show.
            if value.contains("sk_")
                && !secret::find(value).is_empty()
                && node
                    .raw(text)
                    .is_none_or(|raw| secret::find(raw).is_empty())
            {
                findings.push(secret_at(node.spot(file)));
            }
            1
        }
        Value::Seq(items) => {
            let inside: usize = items
                .iter()
                .map(|item| tree(item, text, file, findings))
                .sum();
            inside + 1
        }
        Value::Map(entries) => {
            duplicates(entries, file, findings);
            let inside: usize = entries
                .iter()
                .map(|(key, value)| {
                    tree(key, text, file, findings) + tree(value, text, file, findings)
                })
                .sum();
            inside + 1
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float => 1,
    }
}

/// Reports every key that a mapping declares twice.
fn duplicates(entries: &[(Node, Node)], file: FileId, findings: &mut Findings) {
    if entries.len() <= SMALL {
        for (index, (key, _)) in entries.iter().enumerate() {
            let first = entries
                .iter()
                .take(index)
                .map(|(earlier, _)| earlier)
                .find(|earlier| earlier.as_str().is_some() && earlier.as_str() == key.as_str());
            if let Some(first) = first {
                findings.push(duplicate(first, key, file));
            }
        }
        return;
    }
    let mut seen: HashMap<&str, &Node> = HashMap::with_capacity(entries.len());
    for (key, _) in entries {
        let Some(text) = key.as_str() else { continue };
        match seen.get(text) {
            Some(first) => findings.push(duplicate(first, key, file)),
            None => {
                seen.insert(text, key);
            }
        }
    }
}

fn duplicate(first: &Node, second: &Node, file: FileId) -> Finding {
    let key = second.as_str().expect("only texts are compared");
    Finding::error(
        codes::DUPLICATE_KEY,
        format!("{} is declared twice", quote(key)),
    )
    .at(second.spot(file))
    .related(first.spot(file), "first declared here")
    .help("keep one of the two")
}
