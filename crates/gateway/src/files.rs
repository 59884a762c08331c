//! Files that may change while the gateway runs: fingerprints by size and time, and bounded reads.
//!
//! Files are polled, not watched: Kubernetes changes a volume by moving a symbolic link, which a
//! watch on the file itself would miss.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Largest file of keys or secrets, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Most files of a folder that a fingerprint covers.
const MAX_FILES: usize = 200_000;

/// Returns a fingerprint that changes whenever one of the files or folders does. A missing file is
/// a state too.
pub(super) fn fingerprint(paths: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        let walk = WalkDir::new(path).follow_links(true).sort_by_file_name();
        for entry in walk.into_iter().take(MAX_FILES) {
            let Ok(entry) = entry else {
                0_u8.hash(&mut hasher);
                continue;
            };
            entry.path().hash(&mut hasher);
            if let Ok(metadata) = entry.metadata() {
                metadata.len().hash(&mut hasher);
                metadata.modified().ok().hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

/// Reads a text file of at most [`MAX_BYTES`] bytes.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let bytes = read_bytes(path, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other("the file is not UTF-8"))
}

/// Reads a file of at most so many bytes.
pub(super) fn read_bytes(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let message = format!("the file is larger than {} KiB", most / 1024);
        return Err(io::Error::other(message));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_folder_shows() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().to_owned()];
        let empty = fingerprint(&paths);
        std::fs::write(folder.path().join("a"), "1").unwrap();
        let one = fingerprint(&paths);
        assert_eq!(one, fingerprint(&paths));
        std::fs::write(folder.path().join("a"), "22").unwrap();
        let longer = fingerprint(&paths);
        std::fs::remove_file(folder.path().join("a")).unwrap();
        let gone = fingerprint(&paths);
        assert!(one != empty && longer != one && gone != longer);
    }
}
