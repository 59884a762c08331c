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
use super::load::{Input, MAX_FILES};
use super::secret;
use crate::codes::manifest as codes;
use crate::model::text::escape;

/// The endings of files that are read from folders.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// How standard input is called in findings.
const STDIN: &str = "<stdin>";

/// One file to read.
pub(super) struct Found<'i> {
    pub(super) name: Arc<str>,
    pub(super) content: Content<'i>,
}

/// Where its bytes are.
pub(super) enum Content<'i> {
    File(PathBuf),
    Bytes(&'i [u8]),
}

/// Lists the files behind the inputs.
pub(super) fn find<'i>(inputs: &'i [Input], findings: &mut Findings) -> Vec<Found<'i>> {
    let mut search = Search {
        found: Vec::new(),
        seen: BTreeSet::new(),
        findings,
    };
    for input in inputs {
        match input {
            Input::Path(path) => search.path(path),
            Input::Stdin(bytes) => search.found.push(Found {
                name: Arc::from(STDIN),
                content: Content::Bytes(bytes),
            }),
        }
    }
    search.found
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
    /// Real paths already listed: a file counts once, however many ways lead to it.
    seen: BTreeSet<PathBuf>,
    findings: &'f mut Findings,
}

impl Search<'_, '_> {
    fn path(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(_) => self.file(path.to_owned()),
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
        let walk = WalkDir::new(root).follow_links(true).into_iter();
        let visible = walk.filter_entry(|entry| {
            if entry.depth() > 0 && is_hidden(entry) {
                return false;
            }
            let outside = entry.depth() > 0 && entry.path_is_symlink() && leaves(entry, &real_root);
            if outside {
                left.push(entry.path().to_owned());
            }
            !outside
        });
        for entry in visible {
            match entry {
                Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
                    files.push(entry.into_path());
                }
                Ok(_) => {}
                // A link to a folder above itself: its files are already on the list.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let error = error
                        .into_io_error()
                        .unwrap_or_else(|| io::Error::other("the folder cannot be listed"));
                    self.unreadable(&path, &error);
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
        for link in left {
            self.note_link(&link);
        }
        for file in files {
            self.file(file);
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

    fn file(&mut self, path: PathBuf) {
        // A pipe has no real path; it cannot be named twice either.
        if let Ok(real) = fs::canonicalize(&path)
            && !self.seen.insert(real)
        {
            return;
        }
        self.found.push(Found {
            name: Arc::from(display(&path)),
            content: Content::File(path),
        });
    }

    fn note_link(&mut self, link: &Path) {
        self.findings.push(
            Finding::new(
                codes::LINK_SKIPPED,
                Severity::Note,
                format!(
                    "the link `{}` leads out of the folder and was skipped",
                    display(link)
                ),
            )
            .help("name its target with another -f if it belongs to the manifest"),
        );
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

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| ENDINGS.contains(&ending))
}
