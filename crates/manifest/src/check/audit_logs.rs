//! `audit_logs`: for how long events are kept.

use crate::diagnostic::Findings;
use crate::raw::{Field, RawAuditLogs, good};
use portalctl_model::codes::manifest as codes;

/// The times that WorkOS takes, in days.
///
/// Source: `UpdateAuditLogsRetentionDto.retention_period_in_days` of the API description.
const DAYS: [u16; 2] = [30, 365];

/// Reads `retention_days`.
pub(super) fn retention_days(
    field: Option<&Field<RawAuditLogs>>,
    findings: &mut Findings,
) -> Option<u16> {
    let (settings, _) = good(field)?;
    let (days, spot) = good(settings.retention_days.as_ref())?;
    let known = DAYS.into_iter().find(|known| i64::from(*known) == *days);
    if known.is_none() {
        findings.error(
            codes::UNKNOWN_VALUE,
            spot,
            format!(
                "{days} is no value of {}",
                findings.words("`retention_days`")
            ),
            "write 30 or 365",
        );
    }
    known
}
