//! Errors of reading a repository; each reads as the end of a sentence.

/// Reason why a revision cannot be read. Texts of git are not escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is no program `git`.
    #[error("the program `git` is not installed, or not on the PATH")]
    NotInstalled,
    /// The folder is in no repository, or git does not trust it.
    #[error("git finds no repository: {0}")]
    NoRepository(String),
    /// The path of the folder in its repository is no text.
    #[error("the path of the folder in its repository is not UTF-8")]
    UnusablePath,
    /// No such commit in this clone.
    #[error("git knows no such revision: {0}")]
    UnknownRevision(String),
    /// The two histories share no commit of this clone.
    #[error("HEAD and the revision have no commit in common in this clone")]
    NothingInCommon,
    /// An object that the revision names is not in this clone.
    #[error("this clone lacks an object of the revision")]
    Incomplete,
    /// More files or bytes than are read.
    #[error("the revision holds more than is read: {0}")]
    TooLarge(&'static str),
    /// An object that is not of the form that git documents.
    #[error("git answered in a way that is not understood")]
    InvalidAnswer,
    /// Git failed, or cannot be started.
    #[error("git failed: {0}")]
    Failed(String),
}
