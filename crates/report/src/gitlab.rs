//! Reports that a merge request of GitLab shows: counts of a plan, and problems on their lines.
//!
//! Source of the shapes: the documentation of `artifacts:reports:terraform` and
//! `artifacts:reports:codequality`, and the parsers `Terraform::Tfplan` and `Codequality::CodeClimate`
//! of GitLab.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::finding::{self, Finding, Level};
use super::{DiffReport, ErrorItem};
use portalctl_core::plan::{ActionKind, Plan};
use portalctl_model::desired::Desired;
use portalctl_model::inert;
use portalctl_model::text::{escape, mask_addresses};

/// Counts of changes, for `artifacts:reports:terraform`. Adoptions and invitations count as updates.
#[derive(Debug, Default, Serialize)]
struct Counts {
    create: usize,
    update: usize,
    delete: usize,
}

/// An issue, for `artifacts:reports:codequality`.
#[derive(Debug, Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    /// Same for the same problem in another pipeline, wherever its line has moved to.
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: u32,
}

/// Renders the number of changes of a plan.
pub fn counts(plan: &Plan) -> serde_json::Result<String> {
    let mut counts = Counts::default();
    for change in plan.reviewed() {
        match change.action.kind() {
            ActionKind::Create => counts.create += 1,
            ActionKind::Delete => counts.delete += 1,
            ActionKind::Adopt | ActionKind::Update | ActionKind::Invite => counts.update += 1,
        }
    }
    text(&counts)
}

/// Renders the counts of a plan that could not be made: GitLab shows that there are none.
pub fn no_counts() -> String {
    "{}\n".to_owned()
}

/// Renders conflicts, warnings and held changes of a plan, each on the line of its entry.
pub fn plan_issues(
    plan: &Plan,
    desired: &Desired,
    manifest_warnings: &[ErrorItem],
) -> serde_json::Result<String> {
    issues(finding::of_plan(plan, desired, manifest_warnings))
}

/// Renders the dangers of a difference, each on the line of its entry.
pub fn diff_issues(report: &DiffReport<'_>) -> serde_json::Result<String> {
    issues(finding::of_diff(report))
}

/// Renders the problems of a manifest, or the errors that prevented a plan.
pub fn problem_issues(errors: &[ErrorItem], warnings: &[ErrorItem]) -> serde_json::Result<String> {
    issues(finding::of_problems(errors, warnings))
}

/// Renders findings that have a place: GitLab shows no others.
fn issues(findings: Vec<Finding>) -> serde_json::Result<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let issues = findings.into_iter().filter_map(|finding| {
        let place = finding.place?;
        let description = escape(&mask_addresses(&finding.text)).into_owned();
        let identity = format!("{}\n{}\n{description}", finding.code, place.file);
        let count = seen.entry(identity.clone()).or_default();
        *count += 1;
        Some(Issue {
            check_name: finding.code,
            fingerprint: fingerprint(&format!("{identity}\n{count}")),
            severity: match finding.level {
                Level::Error => "critical",
                Level::Warning => "minor",
                Level::Note => "info",
            },
            location: Location {
                path: place.file,
                lines: Lines { begin: place.line },
            },
            description,
        })
    });
    text(&issues.collect::<Vec<_>>())
}

fn fingerprint(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

fn text(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(format!("{}\n", inert::json(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_model::codes::manifest as codes;

    fn item(message: &str, line: u32) -> ErrorItem {
        ErrorItem {
            file: Some("./portal/acme.yaml".to_owned()),
            line: Some(line),
            ..ErrorItem::new(codes::UNKNOWN_FIELD, message, None)
        }
    }

    #[test]
    fn a_problem_keeps_its_fingerprint_when_its_line_moves() {
        let issues = |items: &[ErrorItem]| -> Vec<serde_json::Value> {
            serde_json::from_str(&problem_issues(items, &[]).unwrap()).unwrap()
        };
        let before = issues(&[item("ada@acme.com is wrong", 3)]);
        let after = issues(&[
            item("ada@acme.com is wrong", 9),
            item("ada@acme.com is wrong", 12),
        ]);
        assert_eq!(before[0]["fingerprint"], after[0]["fingerprint"]);
        assert_ne!(after[0]["fingerprint"], after[1]["fingerprint"]);
        assert_eq!(before[0]["description"], "a***@acme.com is wrong");
        assert_eq!(before[0]["severity"], "critical");
        let location = serde_json::json!({ "path": "portal/acme.yaml", "lines": { "begin": 3 } });
        assert_eq!(before[0]["location"], location);
    }

    #[test]
    fn a_problem_without_a_place_is_left_out() {
        let items = [ErrorItem::new(codes::UNKNOWN_FIELD, "nowhere", None)];
        assert_eq!(problem_issues(&items, &[]).unwrap(), "[]\n");
    }
}
