//! Search for the files of a manifest.
//!
//! Goes in: the paths that the user named. Comes out: files to read, each once and in an order that does
//! not depend on the file system, and a finding for everything that is missing. Reads no file.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::diagnostic::{Finding, Findings};
use super::file_ending::{is_manifest, is_misspelt, name_may_declare, resembles_manifest};
use super::input::Input;
use super::secret;
use super::tree::{MAX_FILES, Tree, TreeKind};
use portalctl_model::codes::{Code, manifest as codes};
use portalctl_model::text::escape;

/// Name of standard input in findings.
const STDIN: &str = "<stdin>";

/// One file to read.
pub(super) struct Found<'i> {
    pub(super) name: Arc<str>,
    pub(super) content: Content<'i>,
    pub(super) origin: Origin,
    pub(super) shelf: Shelf,
}

/// Origin of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Named by the user, or standard input.
    Named,
    /// Found in a folder that the user named.
    Folder,
}

/// Part of a folder in which a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// Anywhere but below `environments/`, or named by the user.
    Base,
    /// Directly in `environments/`, where overlays are.
    Overlays,
    /// Deeper below `environments/`, where nothing is.
    BelowOverlays,
}

/// The folder of overlays.
pub(super) const OVERLAYS: &str = "environments";

impl Shelf {
    /// Returns the part in which a file of a folder lies.
    fn of(file: &Path, root: &Path) -> Self {
        let inside = file.strip_prefix(root).unwrap_or(file);
        let mut parts = inside.components();
        let first = parts.next().map(|part| part.as_os_str() == OVERLAYS);
        match (first, parts.count()) {
            (Some(true), 1) => Self::Overlays,
            (Some(true), 2..) => Self::BelowOverlays,
            _ => Self::Base,
        }
    }
}

/// Content of a file.
pub(super) enum Content<'i> {
    File(PathBuf),
    Bytes(&'i [u8]),
}

/// Lists the files behind the inputs, and the paths in folders that are not read.
pub(super) fn find<'i>(
    inputs: &'i [Input],
    findings: &mut Findings,
) -> (Vec<Found<'i>>, Vec<String>) {
    let mut search = Search {
        found: Vec::new(),
        skipped: Vec::new(),
        seen: BTreeSet::new(),
        folders: inputs
            .iter()
            .filter_map(|input| match input {
                Input::Path(path) => Some(path.as_path()),
                Input::Stdin(_) | Input::Tree(_) => None,
            })
            .collect(),
        warned: BTreeSet::new(),
        findings,
    };
    for input in inputs {
        match input {
            Input::Path(path) => search.path(path),
            Input::Tree(tree) => search.tree(tree),
            Input::Stdin(bytes) => search.found.push(Found {
                name: Arc::from(STDIN),
                content: Content::Bytes(bytes),
                origin: Origin::Named,
                shelf: Shelf::Base,
            }),
        }
    }
    (search.found, search.skipped)
}

/// Returns whether a folder holds files that would be read as a manifest; a missing folder holds none.
pub fn has_files(folder: &Path) -> bool {
    WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry))
        .filter_map(Result::ok)
        .any(|entry| entry.file_type().is_file() && is_manifest(entry.path()))
}

/// Returns whether `environments/` of a folder holds an overlay, as far as the beginnings of its files
/// show. Other tools have folders of that name, too.
fn has_overlays(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder.join(OVERLAYS)) else {
        return false;
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut manifests = paths.filter(|path| is_manifest(path) && path.is_file());
    manifests.any(|path| begins_an_overlay(&path).unwrap_or(false))
}

fn begins_an_overlay(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut start)?;
    let text = String::from_utf8_lossy(&start);
    Ok(text.lines().any(|line| line.starts_with("overlay:")))
}

/// Returns a path as findings show it: without control characters and API keys.
pub(super) fn display(path: &Path) -> String {
    let text = path.to_string_lossy();
    secret::redact(&escape(&text)).into_owned()
}

/// Paths in a folder.
#[derive(Default)]
struct Listing {
    /// Files to read, in the order of their bytes.
    files: Vec<PathBuf>,
    /// Links that lead out of the folder.
    left: Vec<PathBuf>,
    /// Files whose names end almost like a manifest's.
    misspelt: Vec<PathBuf>,
}

struct Search<'i, 'f> {
    found: Vec<Found<'i>>,
    skipped: Vec<String>,
    /// Real paths already listed: a file counts once, even when several links lead to it.
    seen: BTreeSet<PathBuf>,
    /// Paths that the user named.
    folders: Vec<&'i Path>,
    /// Folders whose overlays were reported as unread.
    warned: BTreeSet<PathBuf>,
    findings: &'f mut Findings,
}

impl<'i> Search<'i, '_> {
    fn path(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(_) => {
                self.refuse_unread_overlays(path);
                self.file(path.to_owned(), Origin::Named, Shelf::Base);
            }
            Err(error) => self.unreadable(path, &error),
        }
    }

    /// Reports overlays beside a file that is named by itself: nothing would read them.
    fn refuse_unread_overlays(&mut self, file: &Path) {
        let folder = match file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => return,
        };
        let is_named = self.folders.contains(&folder);
        if is_named || !has_overlays(folder) || !self.warned.insert(folder.to_owned()) {
            return;
        }
        let shown = display(folder);
        let message = format!("the overlays in `{shown}/{OVERLAYS}` are not read");
        let help = format!("name the folder with -f {shown}, and choose with --environment");
        self.findings
            .push(Finding::error(codes::MISPLACED_OVERLAY, message).help(help));
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let shown = display(path);
        let finding = if error.kind() == io::ErrorKind::NotFound {
            Finding::error(
                codes::NOT_FOUND,
                format!("there is no file or folder `{shown}`"),
            )
            .help("check the path after -f; it is relative to the folder you are in")
        } else {
            Finding::error(codes::UNREADABLE, format!("cannot read `{shown}`: {error}"))
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
        let Some(listing) = self.list(root, &real_root) else {
            return self.too_many(root);
        };
        self.skip_unread(&listing.left, &listing.misspelt);
        for file in listing.files {
            let part = Shelf::of(&file, root);
            self.file(file, Origin::Folder, part);
        }
        if self.found.len() == before && !self.already_listed(&real_root) {
            self.no_files(root);
        }
    }

    /// Reports links that lead out of a folder, and files whose endings are misspelt.
    fn skip_unread(&mut self, left: &[PathBuf], misspelt: &[PathBuf]) {
        for link in left {
            let reason = "the link leads out of the folder, so what is behind it was not read";
            let help = "move its target into the folder, or remove the link";
            self.skip(skip(link, codes::LINK_SKIPPED, reason, help));
        }
        for file in misspelt {
            let reason = "its name ends almost like a manifest's, so it was not read";
            let help =
                "files end in .yaml, .yml or .json: correct its ending, or move it elsewhere";
            self.skip(skip(file, codes::FILE_SKIPPED, reason, help));
        }
    }

    fn no_files(&mut self, root: &Path) {
        let message = format!("the folder `{}` holds no manifest file", display(root));
        let help = "files end in .yaml, .yml or .json; hidden ones are skipped";
        self.findings
            .push(Finding::error(codes::NO_FILES, message).help(help));
    }

    /// Lists the files of a tree, and reports what a folder on the disk would be reported for.
    fn tree(&mut self, tree: &'i Tree) {
        let listing = &tree.listing;
        if listing.is_too_large {
            return self.too_many(&tree.name);
        }
        let shown = |paths: &[PathBuf]| -> Vec<PathBuf> {
            paths.iter().map(|path| tree.shown(path)).collect()
        };
        self.skip_unread(&shown(&listing.left), &shown(&listing.misspelt));
        for path in shown(&listing.submodules) {
            let reason = "it is in a submodule, whose files are in another repository";
            let help = "move what it declares into this repository, or remove the submodule";
            self.skip(skip(&path, codes::FILE_SKIPPED, reason, help));
        }
        for path in shown(&listing.broken) {
            self.skip(skip_unreadable(&path, &io::ErrorKind::NotFound.into()));
        }
        let origin = match tree.kind {
            TreeKind::File => Origin::Named,
            TreeKind::Folder => Origin::Folder,
        };
        for (path, real) in &listing.files {
            if !self.seen.insert(tree.shown(real)) {
                continue;
            }
            self.found.push(Found {
                name: Arc::from(display(&tree.shown(path))),
                content: Content::Bytes(tree.content(real).unwrap_or_default()),
                origin,
                shelf: match tree.kind {
                    TreeKind::File => Shelf::Base,
                    TreeKind::Folder => Shelf::of(path, Path::new("")),
                },
            });
        }
        if listing.files.is_empty() {
            self.no_files(&tree.name);
        }
    }

    /// Lists the paths of a folder; `None` where it holds too many files.
    fn list(&mut self, root: &Path, real_root: &Path) -> Option<Listing> {
        let mut listing = Listing::default();
        let mut left = Vec::new();
        let walk = WalkDir::new(root).follow_links(true).into_iter();
        let visible = walk.filter_entry(|entry| {
            if entry.depth() > 0 && is_hidden(entry) {
                return false;
            }
            let outside = entry.depth() > 0 && entry.path_is_symlink() && leaves(entry, real_root);
            if outside && (entry.file_type().is_dir() || resembles_manifest(entry.path())) {
                left.push(entry.path().to_owned());
            }
            !outside
        });
        for entry in visible {
            match entry {
                Ok(entry) if !entry.file_type().is_file() => {}
                Ok(entry) if is_manifest(entry.path()) => listing.files.push(entry.into_path()),
                Ok(entry) if is_misspelt(entry.path()) => listing.misspelt.push(entry.into_path()),
                Ok(_) => {}
                // A link to a folder above itself: its files are already on the list.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => self.unlisted(root, error),
            }
            if listing.files.len() > MAX_FILES {
                return None;
            }
        }
        listing.left = left;
        listing.files.sort_by(|a, b| {
            let (a, b) = (a.as_os_str(), b.as_os_str());
            a.as_encoded_bytes().cmp(b.as_encoded_bytes())
        });
        listing.left.sort();
        listing.misspelt.sort();
        Some(listing)
    }

    /// Reports a path that could not be listed.
    fn unlisted(&mut self, root: &Path, error: walkdir::Error) {
        let path = error.path().unwrap_or(root).to_owned();
        let depth = error.depth();
        let error = error
            .into_io_error()
            .unwrap_or_else(|| io::Error::other("the folder cannot be listed"));
        if depth == 0 {
            self.unreadable(&path, &error);
        } else if path.is_dir() || name_may_declare(&path) {
            self.skip(skip_unreadable(&path, &error));
        }
    }

    /// Returns whether the files of a folder were named before, by themselves or through a link.
    fn already_listed(&self, real_root: &Path) -> bool {
        self.seen.iter().any(|path| path.starts_with(real_root))
    }

    fn file(&mut self, path: PathBuf, origin: Origin, part: Shelf) {
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
            shelf: part,
        });
    }

    fn skip(&mut self, (finding, skipped): (Finding, String)) {
        self.findings.push(finding);
        self.skipped.push(skipped);
    }

    fn too_many(&mut self, root: &Path) {
        self.findings.push(
            Finding::error(codes::TOO_LARGE, format!("the folder `{}` holds more than {MAX_FILES} files", display(root)),
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

/// Reports a path in a folder that could not be read.
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
    let finding = Finding::warning(code, message).help(help);
    (finding, path)
}
