//! Document of `portalctl verify-domain`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;

use crate::{DomainsReport, ErrorItem};
use portalctl_core::verification::{
    Asked, DnsCheck, DomainCheck, Failure, Record, RecordPresence, RivalHolder, ShownRecord,
};
use portalctl_model::codes::Code;

/// Output of `portalctl verify-domain -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl verify-domain")]
pub struct DomainsDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Number of requests of the run.
    pub requests_used: u64,
    /// Key of the organization in the manifest; `null` when there is no result because of `errors`.
    pub key: Option<String>,
    /// Id of the organization; `null` likewise.
    pub organization_id: Option<String>,
    /// Domains that the run covered, by name.
    pub domains: Vec<DomainItem>,
    /// Errors.
    pub errors: Vec<ErrorItem>,
}

/// One domain, at the end of the run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DomainItem {
    /// Name of the domain.
    pub domain: String,
    /// State of the domain, as WorkOS spells it; `null` when WorkOS does not have the domain.
    pub state: Option<String>,
    /// True when the domain is verified.
    pub verified: bool,
    /// Number of days that WorkOS goes on looking for the record, while it is pending.
    pub days_left: Option<i64>,
    /// Reason of a failed verification, as WorkOS spells it; `null` when it did not fail or WorkOS
    /// does not tell.
    pub reason: Option<String>,
    /// Stable code; `portalctl explain CODE` tells more.
    pub code: Option<&'static str>,
    /// Record to set; `null` when the domain is verified, or has none.
    pub record: Option<RecordItem>,
    /// Answer of DNS; `null` when it was not asked.
    pub dns: Option<DnsItem>,
    /// True when WorkOS was asked to verify the domain, and answered.
    pub asked: bool,
    /// Other organizations that hold the domain, of which only one can verify it; absent when there
    /// are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<RivalItem>,
    /// Next step, if there is one.
    pub next_step: Option<String>,
}

/// Another organization that holds a domain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RivalItem {
    /// Id of the organization.
    pub organization_id: String,
    /// Display name of the organization.
    pub name: String,
    /// State of the domain there, as WorkOS spells it.
    pub state: String,
}

/// Record to set.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordItem {
    /// Full name of the record.
    pub host: String,
    /// Always `"TXT"`.
    #[serde(rename = "type")]
    #[schemars(extend("const" = Record::KIND))]
    pub kind: &'static str,
    /// Value of the record; `null` without `--reveal`.
    pub value: Option<String>,
}

/// Answer of DNS about a record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DnsItem {
    /// Visibility of the record.
    pub seen: RecordPresence,
    /// Wrong name that the record stands at.
    pub found_at: Option<String>,
    /// Answer in one sentence, without any record's value.
    pub message: String,
}

/// Builds the document of domains.
pub fn domains(report: &DomainsReport<'_>, errors: Vec<ErrorItem>) -> DomainsDocument {
    let headline = report.headline;
    let item = |check| domain(check, report);
    DomainsDocument {
        envelope: Envelope::new(headline),
        requests_used: headline.requests,
        key: Some(report.key.to_string()),
        organization_id: Some(report.organization.to_string()),
        domains: report.domains.iter().map(item).collect(),
        errors,
    }
}

/// Builds the document of a run without a result.
pub fn failed_domains(errors: Vec<ErrorItem>) -> DomainsDocument {
    DomainsDocument {
        errors,
        ..DomainsDocument::default()
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

fn dns(seen: &DnsCheck) -> DnsItem {
    DnsItem {
        seen: seen.presence,
        found_at: seen.found_at.clone(),
        message: seen.message.clone(),
    }
}
