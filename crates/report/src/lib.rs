//! Reports: pure renderers of plans, apply reports and readiness.
//!
//! Goes in: results. Comes out: text, one function for each format. No I/O, no clock; JSON is never
//! derived from text. Whatever came from outside is escaped; e-mail addresses can be masked; keys and
//! portal links are in none of the types that arrive here, verification tokens only when somebody
//! asked to have them revealed.

pub mod csv;
pub mod doctor;
pub mod html;
pub mod json_v1;
pub mod markdown;
pub mod paint;
pub mod sarif;
pub mod text;

mod width;

pub use width::wrapped as wrap;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::doctor::Check;
use portalctl_core::import::{Import, NewFile};
use portalctl_core::link::{ResolvedUrls, WaitOutcome};
use portalctl_core::plan::{Invitation, Plan, Target};
use portalctl_core::readiness::{IntentReadiness, Readiness};
use portalctl_core::verification::DomainCheck;
use portalctl_model::codes::manifest as codes;
use portalctl_model::observed::Organization;
use portalctl_model::{Email, ExternalUserId, Intent, OrgKey, OrganizationId};
use portalctl_workos::apply::ApplyReport;

/// What every report says first: where it was made and at what cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headline {
    /// The environment, endpoint and key the run was made with.
    pub target: Target,
    /// Whether the in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests the run used.
    pub requests: u64,
    /// Warnings about the manifest, skipped files among them, in the order of files and lines.
    pub manifest_warnings: Vec<json_v1::ErrorItem>,
}

impl Headline {
    /// Returns the warnings about files that were skipped: what they declare is in no report.
    pub fn skipped_files(&self) -> impl Iterator<Item = &json_v1::ErrorItem> {
        let codes = [codes::LINK_SKIPPED.as_str(), codes::FILE_SKIPPED.as_str()];
        let warnings = self.manifest_warnings.iter();
        warnings.filter(move |warning| codes.contains(&warning.code))
    }
}

/// A plan with the readiness that was read in the same pass.
#[derive(Debug, Clone, Copy)]
pub struct PlanReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The plan.
    pub plan: &'a Plan,
    /// How far every customer is, now.
    pub readiness: &'a Readiness,
}

/// What apply did, and the readiness after it.
#[derive(Debug, Clone, Copy)]
pub struct ApplyReportView<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The plan that was applied.
    pub plan: &'a Plan,
    /// What became of it.
    pub report: &'a ApplyReport,
    /// How far every customer is after it.
    pub readiness: &'a Readiness,
}

/// Readiness alone.
#[derive(Debug, Clone, Copy)]
pub struct StatusReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// How far every customer is.
    pub readiness: &'a Readiness,
    /// When it was read, for durations.
    pub now: Timestamp,
}

/// What became of an organization's domains.
#[derive(Debug, Clone, Copy)]
pub struct DomainsReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The organization's key in the manifest.
    pub key: &'a OrgKey,
    /// The organization.
    pub organization: &'a OrganizationId,
    /// The domains that the run was about, by name.
    pub domains: &'a [DomainCheck],
}

/// A portal link, without the link.
#[derive(Debug, Clone, Copy)]
pub struct LinkReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The customer's key.
    pub key: &'a OrgKey,
    /// The customer's name.
    pub name: Option<&'a str>,
    /// The customer's organization.
    pub organization: &'a OrganizationId,
    /// The one feature.
    pub intent: Intent,
    /// Where the portal sends the browser afterwards.
    pub urls: &'a ResolvedUrls,
    /// The person the link is for, where it was said.
    pub user: Option<&'a ExternalUserId>,
    /// IT contacts that get access with the link.
    pub contacts: &'a [Email],
    /// How far the customer was before.
    pub readiness: &'a IntentReadiness,
}

/// Links and portal sessions of one person that were ended.
#[derive(Debug, Clone, Copy)]
pub struct RevokeLinkReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The customer's key.
    pub key: &'a OrgKey,
    /// The customer's organization.
    pub organization: &'a OrganizationId,
    /// The person.
    pub user: &'a ExternalUserId,
}

/// What came of waiting for a customer.
#[derive(Debug, Clone, Copy)]
pub struct WaitReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The customer's key.
    pub key: &'a OrgKey,
    /// The customer's organization.
    pub organization: &'a OrganizationId,
    /// How far the customer is, as last read.
    pub readiness: &'a IntentReadiness,
    /// How it ended.
    pub outcome: WaitOutcome,
    /// How long it took.
    pub took: Duration,
}

/// What an import wrote, or would write.
#[derive(Debug, Clone, Copy)]
pub struct ImportReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The import.
    pub import: &'a Import,
    /// The folder, as the user named it.
    pub folder: &'a str,
    /// Whether the folder by itself is the manifest, without other files.
    pub is_whole: bool,
    /// Whether the file with the settings is among those written.
    pub settings: bool,
    /// How many organizations' files were written: all of them, unless something went wrong.
    pub written: usize,
    /// Whether nothing was to be written.
    pub is_dry_run: bool,
    /// Remarks without consequence.
    pub notes: &'a [String],
}

impl ImportReport<'_> {
    /// The files that were written, or would be.
    fn files(&self) -> &[NewFile] {
        let files = &self.import.files;
        files.get(..self.written).unwrap_or(files)
    }

    /// The path of a file.
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder.trim_end_matches('/'))
    }
}

/// The doctor's checks.
#[derive(Debug, Clone, Copy)]
pub struct DoctorReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The checks in order.
    pub checks: &'a [Check],
}

/// An invitation that is about to be sent: what somebody consents to.
#[derive(Debug, Clone, Copy)]
pub struct InviteQuestion<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The organization's key in the manifest.
    pub key: &'a OrgKey,
    /// The organization.
    pub organization: &'a Organization,
    /// Who is invited to what.
    pub invitation: &'a Invitation,
    /// IT contacts that are added first.
    pub add: &'a [Email],
    /// Whether an active invitation is ended first.
    pub again: bool,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy)]
pub struct InviteReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The organization's key in the manifest.
    pub key: &'a OrgKey,
    /// The organization.
    pub organization: &'a OrganizationId,
    /// Who is invited, or was.
    pub contact: Option<&'a str>,
    /// IT contacts that were added first.
    pub added: &'a [Email],
    /// What the contact is invited to; nothing when an invitation was only ended.
    pub invitation: Option<&'a Invitation>,
    /// What became of it.
    pub outcome: InviteOutcome,
}

/// How `portalctl invite` ended.
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
