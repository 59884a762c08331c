//! Check that the manifest exists and is valid.

use super::{Check, Facts, Finding, ManifestFacts, Subject};
use crate::view::counted;
use portalctl_model::codes::cli as codes;

pub(super) fn manifest(facts: &Facts) -> Check {
    let subject = Subject::Manifest;
    match &facts.manifest {
        ManifestFacts::Absent => Check::warn(
            subject,
            codes::NO_MANIFEST,
            "there is no portal.yaml and no folder portal here; what rests on it is skipped",
        ),
        ManifestFacts::Invalid { errors, first, .. } => {
            let detail = format!("{}: {}", counted(*errors, "problem"), said(first));
            let check = Check::fail(subject, first.code, detail);
            match (errors, &first.help) {
                (1, Some(help)) => check.advise(help),
                _ => check.advise("Run `portalctl validate` to see every problem with its fix"),
            }
        }
        ManifestFacts::Usable {
            organizations,
            files,
            warnings,
            first,
        } => {
            let size = format!(
                "{} in {}",
                counted(*organizations, "organization"),
                counted(*files, "file")
            );
            match first {
                None => Check::pass(subject, format!("valid: {size}")),
                Some(first) => {
                    let warnings = counted(*warnings, "warning");
                    let detail = format!("{size}, {warnings}: {}", said(first));
                    Check::warn(subject, first.code, detail)
                        .advise("Run `portalctl validate` to see every warning with its fix")
                }
            }
        }
    }
}

/// Returns a problem with its place.
pub(super) fn said(finding: &Finding) -> String {
    match &finding.place {
        Some(place) => format!("{} ({place})", finding.message),
        None => finding.message.clone(),
    }
}
