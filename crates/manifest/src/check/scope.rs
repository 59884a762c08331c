//! Scope of a check: the files that were read, and the rules that apply.

use crate::diagnostic::Findings;
use crate::source::Sources;

/// The files of a manifest while they are checked.
pub(crate) struct Files {
    pub(crate) sources: Sources,
    pub(crate) findings: Findings,
    /// Set when every file could be read; otherwise nothing is reported as missing.
    pub(crate) complete: bool,
}

/// Parts of a manifest that are required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// A version, and at least one organization.
    Organizations,
    /// A version.
    Settings,
}

/// Treatment of entries that declare the same key, id, external id or domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rivals {
    /// The second one is an error.
    Refused,
    /// All are kept; the operator decides between them by the live state.
    Kept,
}

/// Name of a manifest, from which the owner mark is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The manifest has a name, or may have one in a file that could not be read.
    Named,
    /// The manifest has no name.
    Nameless,
}
