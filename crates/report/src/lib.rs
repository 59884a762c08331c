//! Reports: pure renderers of plans, apply accounts, readiness and the doctor's checks.
//!
//! Results go in, text comes out, by one function for each format. No I/O and no clock; JSON is
//! never derived from text. Text from outside is escaped and e-mail addresses can be masked. No
//! type here holds an API key or a portal link, and verification tokens appear only where the user
//! asked to reveal them.

pub mod chat;
pub mod csv;
pub mod doctor;
pub mod gitlab;
pub mod html;
pub mod json_v1;
pub mod markdown;
pub mod paint;
pub mod sarif;
pub mod text;

mod finding;
mod problem;
mod view;
mod width;

pub use problem::ErrorItem;
pub use view::Emails;
pub use width::wrapped as wrap;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::doctor::Check;
use portalctl_core::diff::Diff;
use portalctl_core::import::{Import, NewFile};
use portalctl_core::link::{ResolvedUrls, WaitOutcome};
use portalctl_core::plan::{Invitation, Plan, Target};
use portalctl_core::readiness::{IntentReadiness, Readiness};
use portalctl_core::verification::DomainCheck;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::Names;
use portalctl_model::observed::Organization;
use portalctl_model::{Email, ExternalUserId, Intent, OrgKey, OrganizationId};
use portalctl_workos::apply::ApplyReport;

/// Header of every report: the environment it was made in and the cost of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headline {
    /// The environment, endpoint and key the run was made with.
    pub target: Target,
    /// True when the in-memory WorkOS answered.
    pub sandbox: bool,
    /// Number of requests of the run.
    pub requests: u64,
    /// Warnings about the manifest, skipped files among them, in the order of files and lines.
    pub manifest_warnings: Vec<ErrorItem>,
    /// Time of the snapshot that was read in the place of WorkOS.
    pub snapshot: Option<Timestamp>,
    /// Arguments that an apply of the plan takes too: files, environment, selection and powers, quoted
    /// for a shell.
    pub arguments: Vec<String>,
}

impl Headline {
    /// Returns the warnings about skipped files, whose declarations are missing from the report.
    pub fn skipped_files(&self) -> impl Iterator<Item = &ErrorItem> {
        let codes = [codes::LINK_SKIPPED.as_str(), codes::FILE_SKIPPED.as_str()];
        let warnings = self.manifest_warnings.iter();
        warnings.filter(move |warning| codes.contains(&warning.code))
    }
}

/// A plan with the readiness that was read in the same pass.
#[derive(Debug, Clone, Copy)]
pub struct PlanReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// The plan.
    pub plan: &'a Plan,
    /// Readiness of every organization, before the plan is applied.
    pub readiness: &'a Readiness,
}

/// Difference of a manifest and its base.
#[derive(Debug, Clone, Copy)]
pub struct DiffReport<'a> {
    /// Names of the environment and the manifest.
    pub names: &'a Names,
    /// Base, as the user named it.
    pub base: &'a str,
    /// Manifest, as the user named it.
    pub manifest: &'a str,
    /// Differences: one for a manifest without environments or a chosen one, else those of all
    /// environments, equal ones together.
    pub parts: &'a [DiffPart],
    /// Warnings about both manifests, skipped files among them.
    pub manifest_warnings: &'a [ErrorItem],
    /// Remarks.
    pub notes: &'a [String],
}

impl DiffReport<'_> {
    /// Returns the differences.
    pub(crate) fn diffs(&self) -> impl Iterator<Item = &Diff> + Clone {
        self.parts.iter().map(|part| &part.diff)
    }
}

/// Difference in one environment, or the same one in several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPart {
    /// Names of the environments; none where only one is compared.
    pub environments: Vec<String>,
    /// Difference.
    pub diff: Diff,
}

/// Account of an apply, with the readiness after it.
#[derive(Debug, Clone, Copy)]
pub struct ApplyReportView<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// The plan that was applied.
    pub plan: &'a Plan,
    /// Outcome of every change.
    pub report: &'a ApplyReport,
    /// Readiness of every organization after the run.
    pub readiness: &'a Readiness,
}

/// Readiness of every organization.
#[derive(Debug, Clone, Copy)]
pub struct StatusReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// Readiness.
    pub readiness: &'a Readiness,
    /// Time of the reading, for ages.
    pub now: Timestamp,
}

/// Domain verification of one organization.
#[derive(Debug, Clone, Copy)]
pub struct DomainsReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// The organization's key in the manifest.
    pub key: &'a OrgKey,
    /// The organization.
    pub organization: &'a OrganizationId,
    /// Domains that the run covered, by name.
    pub domains: &'a [DomainCheck],
}

/// Portal link that was made; the link itself is not part of the report.
#[derive(Debug, Clone, Copy)]
pub struct LinkReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// Key of the organization.
    pub key: &'a OrgKey,
    /// Name of the organization.
    pub name: Option<&'a str>,
    /// Organization at WorkOS.
    pub organization: &'a OrganizationId,
    /// Intent of the link.
    pub intent: Intent,
    /// Destinations after the portal.
    pub urls: &'a ResolvedUrls,
    /// User that the link was made for, where `--user` named one.
    pub user: Option<&'a ExternalUserId>,
    /// IT contacts that get access with the link.
    pub contacts: &'a [Email],
    /// Readiness of the intent before the link was made.
    pub readiness: &'a IntentReadiness,
}

/// Revocation of one user's links and portal sessions.
#[derive(Debug, Clone, Copy)]
pub struct RevokeLinkReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// Key of the organization.
    pub key: &'a OrgKey,
    /// Organization at WorkOS.
    pub organization: &'a OrganizationId,
    /// User.
    pub user: &'a ExternalUserId,
}

/// End of a wait for one intent.
#[derive(Debug, Clone, Copy)]
pub struct WaitReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// Key of the organization.
    pub key: &'a OrgKey,
    /// Organization at WorkOS.
    pub organization: &'a OrganizationId,
    /// Readiness of the intent, as last read.
    pub readiness: &'a IntentReadiness,
    /// Reason for the end.
    pub outcome: WaitOutcome,
    /// Duration of the wait.
    pub took: Duration,
}

/// Result of an import.
#[derive(Debug, Clone, Copy)]
pub struct ImportReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// Files and skipped organizations.
    pub import: &'a Import,
    /// Folder, as the user named it.
    pub folder: &'a str,
    /// True when the folder alone is the whole manifest.
    pub is_whole: bool,
    /// True when the file with the settings is among those written.
    pub settings: bool,
    /// Number of organizations' files that were written; smaller than the import's after an error.
    pub written: usize,
    /// True when nothing was to be written.
    pub is_dry_run: bool,
    /// Path of the overlay that was changed, or would be.
    pub overlay: Option<&'a str>,
    /// Remarks.
    pub notes: &'a [String],
}

impl ImportReport<'_> {
    /// Returns the files that were written, or would be.
    fn files(&self) -> &[NewFile] {
        let files = &self.import.files;
        &files[..self.written.min(files.len())]
    }

    /// Returns the path of a file in the folder.
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder.trim_end_matches('/'))
    }
}

/// The doctor's checks.
#[derive(Debug, Clone, Copy)]
pub struct DoctorReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// The checks in order.
    pub checks: &'a [Check],
}

/// Invitation that is about to be sent, for the user's consent.
#[derive(Debug, Clone, Copy)]
pub struct InviteQuestion<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// The organization's key in the manifest.
    pub key: &'a OrgKey,
    /// The organization.
    pub organization: &'a Organization,
    /// Contact and intents.
    pub invitation: &'a Invitation,
    /// IT contacts that are added first.
    pub add: &'a [Email],
    /// True when an active invitation is ended first.
    pub again: bool,
}

/// Result of `portalctl invite`.
#[derive(Debug, Clone, Copy)]
pub struct InviteReport<'a> {
    /// Header.
    pub headline: &'a Headline,
    /// The organization's key in the manifest.
    pub key: &'a OrgKey,
    /// The organization.
    pub organization: &'a OrganizationId,
    /// Address of the contact; `None` where there is none.
    pub contact: Option<&'a str>,
    /// IT contacts that were added first.
    pub added: &'a [Email],
    /// Intents of the invitation; `None` when an invitation was only ended.
    pub invitation: Option<&'a Invitation>,
    /// Outcome.
    pub outcome: InviteOutcome,
}

/// Outcome of `portalctl invite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InviteOutcome {
    /// WorkOS sent the e-mail.
    Sent,
    /// Another contact has an active invitation, and WorkOS sent none.
    AlreadyInvited,
    /// No invitation is active now; WorkOS does not tell whether there was one.
    Revoked,
    /// The organization has no IT contact, so none has an invitation.
    NothingToRevoke,
}
