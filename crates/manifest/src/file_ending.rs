//! Endings of file names: which files of a folder are manifests, and which were meant to be.
//!
//! Goes in: a path. Looks at its name alone, so that the rules hold for a folder on disk and for one of a
//! git revision.

use std::path::Path;

/// The endings of files that are read from folders.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Endings of other formats that are one letter away from those.
const OTHER_FORMATS: [&str; 8] = [
    "xml", "eml", "jsonl", "jsonc", "jsonp", "bson", "yara", "yang",
];

/// Returns the ending of a file's name in lower case.
fn ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?;
    Some(ending.to_ascii_lowercase())
}

/// Returns whether a file's name ends like a manifest's.
pub(super) fn is_manifest(path: &Path) -> bool {
    ending(path).is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Returns whether a file's name ends like a manifest's but for one letter, and like no other
/// format's.
pub(super) fn is_misspelt(path: &Path) -> bool {
    ending(path).is_some_and(|ending| {
        !ENDINGS.contains(&ending.as_str())
            && !OTHER_FORMATS.contains(&ending.as_str())
            && ending.bytes().all(|byte| byte.is_ascii_lowercase())
            && ENDINGS
                .iter()
                .any(|known| strsim::osa_distance(&ending, known) == 1)
    })
}

/// Returns whether a file's name ends like a manifest's, or almost.
pub(super) fn resembles_manifest(path: &Path) -> bool {
    is_manifest(path) || is_misspelt(path)
}

/// Returns whether a path that cannot be looked at may hold declarations, by its name alone: a folder has
/// no ending.
pub(super) fn name_may_declare(path: &Path) -> bool {
    path.extension().is_none() || resembles_manifest(path)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_misspelt_ending_is_one_letter_off_and_no_other_format() {
        for ending in [
            "yamll", "yam", "ymal", "yaaml", "yamk", "yl", "ymll", "jsn", "jso", "YAMLL",
        ] {
            let path = PathBuf::from(format!("vip.{ending}"));
            assert!(is_misspelt(&path), "{ending}");
            assert!(!is_manifest(&path), "{ending}");
        }
        for ending in ["yaml", "YAML", "Yml", "JSON"] {
            let path = PathBuf::from(format!("vip.{ending}"));
            assert!(is_manifest(&path) && !is_misspelt(&path), "{ending}");
        }
        for ending in [
            "xml", "jsonl", "md", "txt", "toml", "yaml~", "bak", "yamlyaml", "json5",
        ] {
            let path = PathBuf::from(format!("vip.{ending}"));
            assert!(!resembles_manifest(&path), "{ending}");
        }
        assert!(!resembles_manifest(Path::new("yaml")));
    }
}
