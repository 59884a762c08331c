//! Objects of a repository, from one `git cat-file --batch`.
//!
//! Goes in: names of objects. Comes out: their kinds and contents, in the same order. Asks for many
//! objects at once, so that a revision of ten thousand files costs one process.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use super::{GitError, first_line, not_started};

/// Most bytes that are read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of one file: a longer one is cut off after it.
    pub file: u64,
    /// Of all objects together.
    pub total: u64,
}

/// The most bytes of a line of git; paths in it are the user's own.
const MAX_LINE: u64 = 64 * 1024;

/// Objects of a repository.
#[derive(Debug)]
pub struct Objects {
    child: Child,
    answers: BufReader<ChildStdout>,
    requests: Option<ChildStdin>,
    /// Complaints of git. A file takes any number of them, where a pipe would fill up.
    complaints: File,
    limits: Limits,
    /// Bytes that may still be read.
    left: u64,
}

/// Kind of an object that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectKind {
    File,
    Folder,
}

/// An object with its content.
#[derive(Debug)]
pub(super) struct Object {
    /// Full name; its length tells how names are written in folders.
    pub(super) id: String,
    pub(super) kind: ObjectKind,
    pub(super) content: Vec<u8>,
}

impl Objects {
    pub(super) fn start(mut command: Command, limits: Limits) -> Result<Self, GitError> {
        let folder = command.get_current_dir().map(ToOwned::to_owned);
        let complaints = tempfile::tempfile().map_err(|error| failed(&error))?;
        let written = complaints.try_clone().map_err(|error| failed(&error))?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(written))
            .spawn();
        let mut child = child.map_err(|error| not_started(&error, &folder.unwrap_or_default()))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GitError::InvalidAnswer);
        };
        Ok(Self {
            child,
            answers: BufReader::new(answers),
            requests: Some(requests),
            complaints,
            limits,
            left: limits.total,
        })
    }

    /// Reads objects; `None` for each that does not exist.
    pub(super) fn read(&mut self, names: &[String]) -> Result<Vec<Option<Object>>, GitError> {
        let Some(mut requests) = self.requests.take() else {
            return Err(GitError::InvalidAnswer);
        };
        let answers = thread::scope(|scope| {
            // Git answers while it is still asked: both pipes would fill up otherwise.
            let asking = scope.spawn(|| {
                for name in names {
                    writeln!(requests, "{name}")?;
                }
                requests.flush()
            });
            let answers: Result<Vec<_>, GitError> = names.iter().map(|_| self.answer()).collect();
            if answers.is_err() {
                // Git takes no more requests, so that the thread ends.
                let _ = self.child.kill();
            }
            // A request that could not be written has no answer, which is told already.
            let _ = asking.join();
            answers
        })?;
        self.requests = Some(requests);
        Ok(answers)
    }

    fn answer(&mut self) -> Result<Option<Object>, GitError> {
        let mut line = String::new();
        let read = (&mut self.answers).take(MAX_LINE).read_line(&mut line);
        if read.map_err(|error| failed(&error))? == 0 {
            return Err(self.ended());
        }
        let line = line.strip_suffix('\n').ok_or(GitError::InvalidAnswer)?;
        // `NAME missing`, and what links lead to: `dangling 4` and its like, then a line.
        if line.ends_with(" missing") {
            return Ok(None);
        }
        let words: Vec<&str> = line.split(' ').collect();
        let (id, kind, size) = match words.as_slice() {
            ["symlink" | "dangling" | "loop" | "notdir", size] => {
                let size = size.parse().map_err(|_| GitError::InvalidAnswer)?;
                self.content(size, 0)?;
                return Ok(None);
            }
            [id, "blob", size] => (*id, ObjectKind::File, *size),
            [id, "tree", size] => (*id, ObjectKind::Folder, *size),
            // A submodule.
            [_, "commit" | "tag", size] => {
                let size = size.parse().map_err(|_| GitError::InvalidAnswer)?;
                self.content(size, 0)?;
                return Ok(None);
            }
            _ => return Err(GitError::InvalidAnswer),
        };
        let size: u64 = size.parse().map_err(|_| GitError::InvalidAnswer)?;
        let kept = match kind {
            ObjectKind::File => self.limits.file.saturating_add(1),
            ObjectKind::Folder => u64::MAX,
        };
        let content = self.content(size, kept)?;
        Ok(Some(Object {
            id: id.to_owned(),
            kind,
            content,
        }))
    }

    /// Reads the content behind a header, and keeps the beginning.
    fn content(&mut self, size: u64, kept: u64) -> Result<Vec<u8>, GitError> {
        let kept = kept.min(size);
        self.left = self
            .left
            .checked_sub(kept)
            .ok_or(GitError::TooLarge("its files are too large together"))?;
        let mut content = Vec::new();
        let read = (&mut self.answers).take(kept).read_to_end(&mut content);
        read.map_err(|error| failed(&error))?;
        let rest = (size - kept).saturating_add(1);
        let skipped = io::copy(&mut (&mut self.answers).take(rest), &mut io::sink());
        if content.len() as u64 != kept || skipped.map_err(|error| failed(&error))? != rest {
            return Err(self.ended());
        }
        Ok(content)
    }

    /// Returns the error of a git that ended early.
    fn ended(&mut self) -> GitError {
        // It writes its last words before it ends.
        let _ = self.child.wait();
        let mut said = Vec::new();
        let complaints = &mut self.complaints;
        let read = complaints.rewind();
        let read = read.and_then(|()| complaints.take(MAX_LINE).read_to_end(&mut said));
        if let Err(error) = read {
            return failed(&error);
        }
        let said = first_line(&said);
        // A partial clone would have to fetch what it lacks.
        if said.contains("promisor") || said.contains("not allowed") {
            return GitError::Incomplete;
        }
        GitError::Failed(said)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        drop(self.requests.take());
        // It only reads: there is nothing to lose, and nobody to tell of a failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed(error: &io::Error) -> GitError {
    GitError::Failed(error.to_string())
}
