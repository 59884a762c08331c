//! The document of `portalctl verify-domain`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorItem, FORMAT_VERSION};
use crate::DomainsReport;
use portalctl_core::verification::{
    Asked, DomainCheck, Failure, Record, RivalHolder, Seen, ShownRecord, Sight,
};
use portalctl_model::codes::Code;

/// What `portalctl verify-domain -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl verify-domain")]
pub struct DomainsDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests to WorkOS the run used.
    pub requests_used: u64,
    /// The organization's key in the manifest; `null` when there is no result because of `errors`.
    pub key: Option<String>,
    /// The organization's id; `null` likewise.
    pub organization_id: Option<String>,
    /// The domains that the run was about, by name.
    pub domains: Vec<DomainItem>,
    /// What went wrong.
    pub errors: Vec<ErrorItem>,
}

/// One domain, as the run leaves it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DomainItem {
    /// The domain.
    pub domain: String,
    /// Its state, as WorkOS spells it; `null` when WorkOS does not have the domain.
    pub state: Option<String>,
    /// Whether it is verified.
    pub verified: bool,
    /// How many days WorkOS goes on looking for the record, while it is pending.
    pub days_left: Option<i64>,
    /// Why the verification failed, as WorkOS spells it, when it did and told.
    pub reason: Option<String>,
    /// A stable code; `portalctl explain CODE` tells more.
    pub code: Option<&'static str>,
    /// The record to set; `null` when it is verified, or has none.
    pub record: Option<RecordItem>,
    /// What DNS says; `null` when it was not asked.
    pub dns: Option<DnsItem>,
    /// Whether WorkOS was asked to verify it, and answered.
    pub asked: bool,
    /// The other organizations that hold the domain; absent when there are none. Only one can
    /// verify it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<RivalItem>,
    /// What to do next, if anything.
    pub next_step: Option<String>,
}

/// Another organization that holds a domain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RivalItem {
    /// Its id.
    pub organization_id: String,
    /// Its display name.
    pub name: String,
    /// Its state of the domain, as WorkOS spells it.
    pub state: String,
}

/// A record to set.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordItem {
    /// The full name that carries it.
    pub host: String,
    /// Always `"TXT"`.
    #[serde(rename = "type")]
    #[schemars(extend("const" = Record::KIND))]
    pub kind: &'static str,
    /// Its value; `null` without `--reveal`.
    pub value: Option<String>,
}

/// What DNS says of a record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DnsItem {
    /// Whether the world sees the record.
    pub seen: Sight,
    /// The wrong name that it stands at.
    pub found_at: Option<String>,
    /// The same in one sentence, without any record's value.
    pub message: String,
}

/// Builds the document of domains.
pub fn domains(report: &DomainsReport<'_>, errors: Vec<ErrorItem>) -> DomainsDocument {
    let headline = report.headline;
    let item = |check| domain(check, report);
    DomainsDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        key: Some(report.key.to_string()),
        organization_id: Some(report.organization.to_string()),
        domains: report.domains.iter().map(item).collect(),
        errors,
    }
}

/// The document of a run that got to no domain.
pub fn failed_domains(errors: Vec<ErrorItem>) -> DomainsDocument {
    DomainsDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        key: None,
        organization_id: None,
        domains: Vec::new(),
        errors,
    }
}

fn domain(check: &DomainCheck, report: &DomainsReport<'_>) -> DomainItem {
    DomainItem {
        domain: check.domain.to_string(),
        state: check.state.as_ref().map(ToString::to_string),
        verified: check.is_verified(),
        days_left: check.days_left,
        reason: check
            .failure
            .as_ref()
            .map(Failure::as_str)
            .map(str::to_owned),
        code: check.code().map(Code::as_str),
        record: check.record.as_ref().map(record),
        dns: check.seen.as_ref().map(dns),
        asked: check.asked == Asked::Answered,
        rivals: check
            .contest
            .iter()
            .flat_map(|one| &one.rivals)
            .map(rival)
            .collect(),
        next_step: check.next_step(report.key),
    }
}

fn rival(rival: &RivalHolder) -> RivalItem {
    RivalItem {
        organization_id: rival.organization.to_string(),
        name: rival.name.clone(),
        state: rival.state.to_string(),
    }
}

fn record(record: &ShownRecord) -> RecordItem {
    RecordItem {
        host: record.host.to_string(),
        kind: Record::KIND,
        value: record.value.clone(),
    }
}

fn dns(seen: &Seen) -> DnsItem {
    DnsItem {
        seen: seen.sight,
        found_at: seen.found_at.clone(),
        message: seen.message.clone(),
    }
}
