//! The earlier manifest of a comparison: files, standard input, or a revision of git.
//!
//! Takes the text of `--base` and the files of the manifest. Returns inputs that are read like any
//! other manifest. Runs git, which only reads.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::manifest;
use crate::cli::request::{Files, is_stdin};
use portalctl_manifest::{Input, Tree, TreeEntry};
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;
use portalctl_platform::git::{Commit, GitEntry, GitError, GitTree, Limits, Objects, Repository};

/// Prefix of a base that is a revision, whatever files there are.
const REVISION: &str = "git:";
/// Paths of a manifest that no `-f` names.
const USUAL: [&str; 2] = ["portal.yaml", "portal"];
/// Most bytes that are read of a revision: a little more than a manifest may have, whose own limit
/// says what to do.
const LIMITS: Limits = Limits {
    file: 33 * 1024 * 1024,
    total: 640 * 1024 * 1024,
};
/// Number of digits of a commit in reports.
const SHORT: usize = 12;

/// The earlier manifest, as `--base` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base {
    /// A file, a folder, or standard input.
    Path(PathBuf),
    /// A revision, and a path of its own if it has one.
    Revision {
        revision: String,
        path: Option<String>,
        /// Set where a path that does not exist may have been meant.
        is_guess: bool,
    },
}

/// The earlier manifest, found.
pub(super) struct Found {
    /// Name in reports.
    pub(super) name: String,
    /// Inputs; none where the revision has no manifest.
    pub(super) inputs: Option<Vec<Input>>,
}

impl Base {
    /// Tells a path from a revision: a path that exists is one.
    pub(super) fn parse(text: &str) -> Self {
        let (revision, is_guess) = match text.strip_prefix(REVISION) {
            Some(revision) => (revision, false),
            None => (text, true),
        };
        let path = Path::new(text);
        if is_guess && (is_stdin(path) || path.symlink_metadata().is_ok()) {
            return Self::Path(path.to_owned());
        }
        let (revision, path) = match split(revision) {
            Some((revision, path)) => (revision.to_owned(), Some(path.to_owned())),
            None => (revision.to_owned(), None),
        };
        Self::Revision {
            revision,
            path,
            is_guess,
        }
    }

    /// Refuses standard input where it would have to be read twice, or has no revision.
    pub(super) fn check_stdin(&self, files: &Files) -> Result<(), CliError> {
        let from_stdin = files.paths.iter().any(|path| is_stdin(path));
        let message = match self {
            Self::Path(path) if from_stdin && is_stdin(path) => {
                "standard input can be read once only"
            }
            Self::Revision { path: None, .. } if from_stdin => {
                "standard input has no earlier revision: name the base as a file, or as REV:PATH"
            }
            _ => return Ok(()),
        };
        Err(CliError::new(Exit::Usage, codes::USAGE, message))
    }

    /// Finds the earlier manifest; without a path of its own, a revision has it where the files are.
    pub(super) fn find(&self, files: &Files) -> Result<Found, CliError> {
        match self {
            Self::Path(path) => Ok(Found {
                name: path.display().to_string(),
                inputs: Some(
                    manifest::inputs(&Files {
                        paths: vec![path.clone()],
                        environment: None,
                    })?
                    .list,
                ),
            }),
            Self::Revision {
                revision,
                path,
                is_guess,
            } => {
                let found = in_revision(revision, path.as_deref(), files);
                let tried = if *is_guess {
                    "there is no such file or folder, and "
                } else {
                    ""
                };
                found.map_err(|error| failed(&error, revision, tried))
            }
        }
    }
}

/// Splits `REV:PATH`; a colon in braces is part of the revision.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let colon = text.char_indices().find(|(_, c)| match c {
        '{' => {
            depth += 1;
            false
        }
        '}' => {
            depth = depth.saturating_sub(1);
            false
        }
        ':' => depth == 0,
        _ => false,
    });
    // `:/text` is a revision of git.
    let (at, _) = colon.filter(|(at, _)| *at > 0)?;
    Some((&text[..at], &text[at + 1..]))
}

fn in_revision(revision: &str, path: Option<&str>, files: &Files) -> Result<Found, GitError> {
    let mut found = Search {
        revision,
        commit: None,
        inputs: Vec::new(),
    };
    if let Some(path) = path {
        let repository = Repository::around(Path::new("."))?;
        found.add(&repository, path)?;
    } else if files.paths.is_empty() {
        // The usual place may have been another one.
        let repository = Repository::around(Path::new("."))?;
        for usual in USUAL {
            let path = repository.path(OsStr::new(usual));
            found.add(&repository, &path.ok_or(GitError::UnusablePath)?)?;
            if !found.inputs.is_empty() {
                break;
            }
        }
    } else {
        for file in &files.paths {
            let (folder, name) = place(file);
            let repository = Repository::around(&folder)?;
            let path = repository.path(&name).ok_or(GitError::UnusablePath)?;
            found.add(&repository, &path)?;
        }
    }
    let Search { commit, inputs, .. } = found;
    let commit = commit.as_ref().map_or("", Commit::as_str);
    let short = &commit[..SHORT.min(commit.len())];
    let name = match path {
        Some(path) => format!("{revision}:{path} ({short})"),
        None => format!("{revision} ({short})"),
    };
    Ok(Found {
        name,
        inputs: (!inputs.is_empty()).then_some(inputs),
    })
}

/// Returns the folder that a path stands in, and its name there. Links above it are those of the
/// disk, and a link in its place is that of the revision.
fn place(path: &Path) -> (PathBuf, std::ffi::OsString) {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => {
            (PathBuf::from("."), name.to_owned())
        }
        (Some(parent), Some(name)) => (parent.to_owned(), name.to_owned()),
        // `.`, `..` and their like are folders themselves.
        _ => (path.to_owned(), ".".into()),
    }
}

/// Inputs found in a revision so far.
struct Search<'a> {
    revision: &'a str,
    commit: Option<Commit>,
    inputs: Vec<Input>,
}

impl Search<'_> {
    /// Adds what stands at a path, which is relative to the top of the repository.
    fn add(&mut self, repository: &Repository, path: &str) -> Result<(), GitError> {
        let commit = repository.commit(self.revision)?;
        let mut objects = repository.objects(LIMITS)?;
        let path = path.trim_end_matches('/');
        let name = PathBuf::from(format!("{}:{path}", self.revision));
        match objects.at(&commit, path)? {
            GitTree::Nothing => {}
            GitTree::File(content) => self.inputs.push(Input::Tree(Tree::file(name, content))),
            GitTree::Folder(entries) => {
                let tree = folder(name, &entries, &mut objects)?;
                self.inputs.push(Input::Tree(tree));
            }
        }
        self.commit = Some(commit);
        Ok(())
    }
}

/// Reads the files of a folder that belong to a manifest.
fn folder(
    name: PathBuf,
    entries: &BTreeMap<PathBuf, GitEntry>,
    objects: &mut Objects,
) -> Result<Tree, GitError> {
    let kinds = entries.iter().map(|(path, entry)| {
        let kind = match entry {
            GitEntry::File(_) => TreeEntry::File,
            GitEntry::Link(target) => TreeEntry::Link(target.clone()),
            GitEntry::Submodule => TreeEntry::Submodule,
        };
        (path.clone(), kind)
    });
    let mut tree = Tree::folder(name, &kinds.collect());
    let wanted = tree.files().filter_map(|path| match entries.get(path) {
        Some(GitEntry::File(id)) => Some((path.to_owned(), id.clone())),
        _ => None,
    });
    let (paths, ids): (Vec<PathBuf>, Vec<String>) = wanted.unzip();
    for (path, content) in paths.into_iter().zip(objects.contents(&ids)?) {
        tree.fill(path, content);
    }
    Ok(tree)
}

/// Returns the error of a revision that cannot be read; `tried` says what was looked for before.
fn failed(error: &GitError, revision: &str, tried: &str) -> CliError {
    let shown = escape(revision);
    let code = match error {
        GitError::UnknownRevision(_) | GitError::NothingInCommon | GitError::Incomplete => {
            codes::UNKNOWN_BASE
        }
        _ => codes::GIT,
    };
    let reason = error.to_string();
    let reason = escape(&reason);
    let tried = if code == codes::UNKNOWN_BASE {
        tried
    } else {
        ""
    };
    let message = format!("--base {shown}: {tried}{reason}");
    CliError::new(Exit::Usage, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_begins_a_path_unless_it_stands_in_braces() {
        assert_eq!(split("main:old/portal"), Some(("main", "old/portal")));
        assert_eq!(split("main@{10:30}:x"), Some(("main@{10:30}", "x")));
        assert_eq!(split("HEAD^{/fix: this}"), None);
        assert_eq!(split(":/fix"), None);
        assert_eq!(split("main"), None);
    }

    #[test]
    fn a_path_that_exists_is_no_revision() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(Base::parse(here), Base::Path(here.into()));
        assert_eq!(Base::parse("-"), Base::Path("-".into()));
        let forced = Base::parse("git:src");
        assert!(
            matches!(&forced, Base::Revision { revision, is_guess: false, .. } if revision == "src")
        );
    }
}
