//! Files of a revision, read by `git` from the repository around a folder.
//!
//! Goes in: a folder, a revision and a path. Comes out: what stands there, and the content of files.
//! Nothing is checked out, written, fetched or executed: no hook, filter, pager or transport is run,
//! and the repository's replacements of objects do not count.

mod error;
mod objects;
mod tree;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use error::GitError;
pub use objects::{Limits, Objects};
pub use tree::{GitEntry, GitTree};

/// Variables that point git at another repository than the one around the folder.
const REDIRECTIONS: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_LITERAL_PATHSPECS",
];

/// The repository around a folder.
#[derive(Debug, Clone)]
pub struct Repository {
    folder: PathBuf,
    /// Path of the folder in the repository: empty, or with a `/` at the end.
    prefix: String,
}

/// A commit, by its full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit(String);

impl Commit {
    /// Returns the name in hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Repository {
    /// Finds the repository around a folder.
    ///
    /// # Errors
    ///
    /// Fails without git, outside of a repository, and in one that git does not trust.
    pub fn around(folder: &Path) -> Result<Self, GitError> {
        let mut repository = Self {
            folder: folder.to_owned(),
            prefix: String::new(),
        };
        let output = repository.run(&["rev-parse", "--show-prefix"])?;
        if !output.status.success() {
            return Err(GitError::NoRepository(said(&output)));
        }
        repository.prefix = line(&output.stdout).ok_or(GitError::UnusablePath)?;
        Ok(repository)
    }

    /// Finds the commit of a revision; of `REV...`, the one where `HEAD` branched off from it.
    ///
    /// # Errors
    ///
    /// Fails where git knows no such commit.
    pub fn commit(&self, revision: &str) -> Result<Commit, GitError> {
        let Some(other) = revision.strip_suffix("...") else {
            return self.resolve(revision);
        };
        let (one, other) = (self.resolve("HEAD")?, self.resolve(other)?);
        let output = self.run(&["merge-base", one.as_str(), other.as_str()])?;
        let base = line(&output.stdout).filter(|line| output.status.success() && !line.is_empty());
        base.map(Commit).ok_or(GitError::NothingInCommon)
    }

    fn resolve(&self, revision: &str) -> Result<Commit, GitError> {
        let commit = format!("{revision}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--end-of-options", &commit];
        let output = self.run(&arguments)?;
        match line(&output.stdout) {
            Some(id) if output.status.success() && is_id(&id) => Ok(Commit(id)),
            _ => Err(GitError::UnknownRevision(said(&output))),
        }
    }

    /// Returns a path that is relative to the folder as the repository knows it; `None` where it
    /// leads out of the repository or is no text.
    pub fn path(&self, name: &OsStr) -> Option<String> {
        let mut parts: Vec<&str> = self.prefix.split('/').filter(|it| !it.is_empty()).collect();
        for part in name.to_str()?.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        Some(parts.join("/"))
    }

    /// Opens the repository's objects.
    ///
    /// # Errors
    ///
    /// Fails where git cannot be started.
    pub fn objects(&self, limits: Limits) -> Result<Objects, GitError> {
        let mut command = self.command();
        command.args(["cat-file", "--batch", "--follow-symlinks"]);
        Objects::start(command, limits)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output, GitError> {
        let mut command = self.command();
        let output = command.args(arguments).stdin(Stdio::null()).output();
        output.map_err(|error| not_started(&error, &self.folder))
    }

    /// Returns a command of git that runs nothing else and reaches no other machine.
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .args(["--no-pager", "-c", "core.fsmonitor=false"])
            .args(["-c", "core.hooksPath=/dev/null"])
            .current_dir(&self.folder)
            .env("GIT_ALLOW_PROTOCOL", "")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C");
        for variable in REDIRECTIONS {
            command.env_remove(variable);
        }
        command
    }
}

/// Returns the error of a git that did not start.
fn not_started(error: &io::Error, folder: &Path) -> GitError {
    match error.kind() {
        io::ErrorKind::NotFound if folder.is_dir() => GitError::NotInstalled,
        _ => GitError::Failed(error.to_string()),
    }
}

/// Returns whether a text is the full name of an object.
fn is_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns an output of one line without its end.
fn line(output: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(output).ok()?;
    Some(text.strip_suffix('\n').unwrap_or(text).to_owned())
}

/// Returns the first line of what git says about a failure.
fn said(output: &Output) -> String {
    first_line(&output.stderr)
}

/// Returns the first line of a text of git, without the word in front.
fn first_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("fatal: ").unwrap_or(first).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_from_the_top_of_the_repository() {
        let at = |prefix: &str, name: &str| {
            let repository = Repository {
                folder: PathBuf::new(),
                prefix: prefix.to_owned(),
            };
            repository.path(OsStr::new(name))
        };
        assert_eq!(at("", "portal").as_deref(), Some("portal"));
        assert_eq!(
            at("deep/down/", "./portal/").as_deref(),
            Some("deep/down/portal")
        );
        assert_eq!(
            at("deep/", "../portal.yaml").as_deref(),
            Some("portal.yaml")
        );
        assert_eq!(at("deep/", ".").as_deref(), Some("deep"));
        assert_eq!(at("deep/", "..").as_deref(), Some(""));
        assert_eq!(at("deep/", "../../portal"), None);
    }
}
