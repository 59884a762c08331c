//! `audit_logs`: for how long events are kept.

use crate::diagnostic::Findings;
use crate::raw::{Field, accepted};
use crate::shape::{RETENTION_DAYS, RawAuditLogs};
use portalctl_model::codes::manifest as codes;

/// Reads `retention_days`.
pub(super) fn retention_days(
    field: Option<&Field<RawAuditLogs>>,
    findings: &mut Findings,
) -> Option<u16> {
    let (settings, _) = accepted(field)?;
    let (days, spot) = accepted(settings.retention_days.as_ref())?;
    let known = RETENTION_DAYS
        .into_iter()
        .find(|known| i64::from(*known) == *days);
    if known.is_none() {
        findings.error(
            codes::UNKNOWN_VALUE,
            spot,
            format!(
                "{days} is no value of {}",
                findings.spell("`retention_days`")
            ),
            "write 30 or 365",
        );
    }
    known
}
