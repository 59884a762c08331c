//! Finds the files of a manifest.
//!
//! Goes in: what the user named. Comes out: files to read, in an order that does not depend on
//! the file system, each once, and a finding for everything that was asked for but is not
//! there. Reads no file.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::diagnostic::{Finding, Findings, Severity};
use super::input::Input;
use super::secret;
use portalctl_model::codes::{Code, manifest as codes};
use portalctl_model::text::escape;

/// The endings of files that are read from folders.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Endings of other formats that are one letter away from those.
const OTHER_FORMATS: [&str; 8] = [
    "xml", "eml", "jsonl", "jsonc", "jsonp", "bson", "yara", "yang",
];

/// The most files one folder may hold.
const MAX_FILES: usize = 200_000;

/// How standard input is called in findings.
const STDIN: &str = "<stdin>";

/// One file to read.
pub(super) struct Found<'i> {
    pub(super) name: Arc<str>,
    pub(super) content: Content<'i>,
    pub(super) origin: Origin,
}

/// How a file came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The user named it, or it came on standard input.
    Named,
    /// A folder that the user named holds it.
    Folder,
}

/// Where its bytes are.
pub(super) enum Content<'i> {
    File(PathBuf),
    Bytes(&'i [u8]),
}

/// Lists the files behind the inputs, and what of a folder is not read.
pub(super) fn find<'i>(
    inputs: &'i [Input],
    findings: &mut Findings,
) -> (Vec<Found<'i>>, Vec<String>) {
    let mut search = Search {
        found: Vec::new(),
        skipped: Vec::new(),
        seen: BTreeSet::new(),
        findings,
    };
    for input in inputs {
        match input {
            Input::Path(path) => search.path(path),
            Input::Stdin(bytes) => search.found.push(Found {
                name: Arc::from(STDIN),
                content: Content::Bytes(bytes),
                origin: Origin::Named,
            }),
        }
    }
    (search.found, search.skipped)
}

/// Whether a folder holds files that would be read as a manifest; one that is not there holds none.
pub fn has_files(folder: &Path) -> bool {
    WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry))
        .filter_map(Result::ok)
        .any(|entry| entry.file_type().is_file() && is_manifest(entry.path()))
}

/// A path as it is shown: nothing that a terminal would obey, nothing secret.
pub(super) fn display(path: &Path) -> String {
    let text = path.to_string_lossy();
    secret::redact(&escape(&text)).into_owned()
}

struct Search<'i, 'f> {
    found: Vec<Found<'i>>,
    skipped: Vec<String>,
    /// Real paths already listed: a file counts once, however many ways lead to it.
    seen: BTreeSet<PathBuf>,
    findings: &'f mut Findings,
}

impl Search<'_, '_> {
    fn path(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(_) => self.file(path.to_owned(), Origin::Named),
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let shown = display(path);
        let finding = if error.kind() == io::ErrorKind::NotFound {
            Finding::new(
                codes::NOT_FOUND,
                Severity::Error,
                format!("there is no file or folder `{shown}`"),
            )
            .help("check the path after -f; it is relative to the folder you are in")
        } else {
            Finding::new(
                codes::UNREADABLE,
                Severity::Error,
                format!("cannot read `{shown}`: {error}"),
            )
            .help("check the permissions of the file and of the folders above it")
        };
        self.findings.push(finding);
    }

    fn folder(&mut self, root: &Path) {
        let real_root = match fs::canonicalize(root) {
            Ok(real) => real,
            Err(error) => return self.unreadable(root, &error),
        };
        let before = self.found.len();
        let mut files = Vec::new();
        let mut left = Vec::new();
        let mut misspelt = Vec::new();
        let walk = WalkDir::new(root).follow_links(true).into_iter();
        let visible = walk.filter_entry(|entry| {
            if entry.depth() > 0 && is_hidden(entry) {
                return false;
            }
            let outside = entry.depth() > 0 && entry.path_is_symlink() && leaves(entry, &real_root);
            if outside && (entry.file_type().is_dir() || resembles_manifest(entry.path())) {
                left.push(entry.path().to_owned());
            }
            !outside
        });
        for entry in visible {
            match entry {
                Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
                    files.push(entry.into_path());
                }
                Ok(entry) if entry.file_type().is_file() && is_misspelt(entry.path()) => {
                    misspelt.push(entry.into_path());
                }
                Ok(_) => {}
                // A link to a folder above itself: its files are already on the list.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let depth = error.depth();
                    let error = error
                        .into_io_error()
                        .unwrap_or_else(|| io::Error::other("the folder cannot be listed"));
                    if depth == 0 {
                        self.unreadable(&path, &error);
                    } else if may_declare(&path) {
                        let (finding, skipped) = skip_unreadable(&path, &error);
                        self.findings.push(finding);
                        self.skipped.push(skipped);
                    }
                }
            }
            if files.len() > MAX_FILES {
                self.too_many(root);
                return;
            }
        }
        files.sort_by(|a, b| {
            let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_owned();
            bytes(a).cmp(&bytes(b))
        });
        left.sort();
        misspelt.sort();
        for link in left {
            self.skip_link(&link);
        }
        for file in misspelt {
            self.skip_misspelt(&file);
        }
        for file in files {
            self.file(file, Origin::Folder);
        }
        if self.found.len() == before && !self.already_listed(&real_root) {
            self.findings.push(
                Finding::new(
                    codes::NO_FILES,
                    Severity::Error,
                    format!("the folder `{}` holds no manifest file", display(root)),
                )
                .help("files end in .yaml, .yml or .json; hidden ones are skipped"),
            );
        }
    }

    /// Whether the files of a folder were named before, by themselves or through a link.
    fn already_listed(&self, real_root: &Path) -> bool {
        self.seen.iter().any(|path| path.starts_with(real_root))
    }

    fn file(&mut self, path: PathBuf, origin: Origin) {
        // A pipe has no real path; it cannot be named twice either.
        if let Ok(real) = fs::canonicalize(&path)
            && !self.seen.insert(real)
        {
            return;
        }
        self.found.push(Found {
            name: Arc::from(display(&path)),
            content: Content::File(path),
            origin,
        });
    }

    fn skip_link(&mut self, link: &Path) {
        let reason = "the link leads out of the folder, so what is behind it was not read";
        let help = "move its target into the folder, or remove the link";
        self.skip(link, codes::LINK_SKIPPED, reason, help);
    }

    fn skip_misspelt(&mut self, file: &Path) {
        let reason = "its name ends almost like a manifest's, so it was not read";
        let help = "files end in .yaml, .yml or .json: correct its ending, or move it elsewhere";
        self.skip(file, codes::FILE_SKIPPED, reason, help);
    }

    fn skip(&mut self, path: &Path, code: Code, reason: &str, help: &'static str) {
        let (finding, skipped) = skip(path, code, reason, help);
        self.findings.push(finding);
        self.skipped.push(skipped);
    }

    fn too_many(&mut self, root: &Path) {
        self.findings.push(
            Finding::new(
                codes::TOO_LARGE,
                Severity::Error,
                format!("the folder `{}` holds more than {MAX_FILES} files", display(root)),
            )
            .help("name the folder that holds the manifest only, or put more organizations into one file"),
        );
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn leaves(entry: &DirEntry, real_root: &Path) -> bool {
    fs::canonicalize(entry.path()).is_ok_and(|real| !real.starts_with(real_root))
}

/// Tells of something in a folder that could not be read.
pub(super) fn skip_unreadable(path: &Path, error: &io::Error) -> (Finding, String) {
    let reason = format!("it could not be read: {error}");
    let help = "check the permissions of the file and of the folders above it";
    skip(path, codes::FILE_SKIPPED, &reason, help)
}

/// Returns the warning about a skipped file, and its path as it is shown.
fn skip(path: &Path, code: Code, reason: &str, help: &str) -> (Finding, String) {
    let path = display(path);
    let reason = format!("{reason}; --prune deletes nothing until that is settled");
    let message = format!("`{path}` was skipped: {reason}");
    let finding = Finding::new(code, Severity::Warning, message).help(help);
    (finding, path)
}

fn ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?;
    Some(ending.to_ascii_lowercase())
}

fn is_manifest(path: &Path) -> bool {
    ending(path).is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Returns whether a file's name ends like a manifest's but for one letter, and like no other
/// format's.
fn is_misspelt(path: &Path) -> bool {
    ending(path).is_some_and(|ending| {
        !ENDINGS.contains(&ending.as_str())
            && !OTHER_FORMATS.contains(&ending.as_str())
            && ending.bytes().all(|byte| byte.is_ascii_lowercase())
            && ENDINGS
                .iter()
                .any(|known| is_one_letter_off(&ending, known))
    })
}

fn resembles_manifest(path: &Path) -> bool {
    is_manifest(path) || is_misspelt(path)
}

/// Returns whether something that cannot be looked at may hold declarations: a folder has no
/// ending.
fn may_declare(path: &Path) -> bool {
    path.is_dir() || path.extension().is_none() || resembles_manifest(path)
}

/// Returns whether one letter was added, left out, replaced, or exchanged with the next one.
fn is_one_letter_off(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[start..], &other[start..]);
    match (one, other) {
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([a, b, rest @ ..], [c, d, end @ ..]) if a == d && b == c && rest == end => true,
        ([_, a @ ..], b) if a == b => true,
        (a, [_, b @ ..]) if a == b => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
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
