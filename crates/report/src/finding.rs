//! Findings: problems of a manifest and what a plan asks of somebody, each on its line.
//!
//! Takes errors, warnings and plans. Returns plain values that the formats of code scanners are
//! rendered from; knows none of the formats.

use std::collections::BTreeMap;

use serde::Serialize;

use super::view::held_reason;
use super::{DiffPart, DiffReport, ErrorItem};
use portalctl_core::diff::EntryChange;
use portalctl_core::plan::{Plan, Scope};
use portalctl_model::OrgKey;
use portalctl_model::codes::Code;
use portalctl_model::desired::{Desired, Source};

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// The manifest is invalid, or an entry is stopped.
    Error,
    /// Something may be wrong.
    Warning,
    /// A remark that needs no action.
    Note,
}

/// A finding; its text is neither escaped nor masked.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) level: Level,
    pub(crate) text: String,
    pub(crate) place: Option<Place>,
}

/// Place of a finding in a file of the manifest.
#[derive(Debug)]
pub(crate) struct Place {
    /// Path as it was given, without `./` in front.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column, from 1, where it is known.
    pub(crate) column: Option<u32>,
}

impl Place {
    fn new(file: &str, line: u32, column: Option<u32>) -> Self {
        Self {
            file: file.strip_prefix("./").unwrap_or(file).to_owned(),
            line,
            column,
        }
    }
}

/// Returns conflicts, warnings and held changes of a plan, each on the line of its entry.
pub(crate) fn of_plan(
    plan: &Plan,
    desired: &Desired,
    manifest_warnings: &[ErrorItem],
) -> Vec<Finding> {
    let place = |key: &OrgKey| {
        let entry = desired.organizations.get(key)?;
        Some(&entry.source)
    };
    let mut findings = of_problems(&[], manifest_warnings);
    for conflict in &plan.conflicts {
        let text = format!("{}: {}. {}", conflict.key, conflict.message, conflict.help);
        let place = place(&conflict.key);
        let level = match conflict.scope {
            Scope::Entry | Scope::Metadata => Level::Error,
            Scope::Domain(_) => Level::Warning,
        };
        findings.push(finding(conflict.code, level, text, place));
    }
    for warning in &plan.warnings {
        let text = format!("{}: {}", warning.key, warning.message);
        let place = place(&warning.key);
        findings.push(finding(warning.code, Level::Warning, text, place));
    }
    for note in &plan.notes {
        let text = format!("{}: {}", note.key, note.message);
        findings.push(finding(note.code, Level::Note, text, None));
    }
    for held in &plan.held {
        let change = &held.change;
        let text = format!(
            "{}: {} is held, {} allows it: {}",
            change.key,
            change.action.kind(),
            held.needs(),
            held_reason(held)
        );
        let code = held.reason.code();
        findings.push(finding(code, Level::Note, text, Some(&change.source)));
    }
    findings
}

/// Returns the dangers of a difference, each on the line of its entry.
pub(crate) fn of_diff(report: &DiffReport<'_>) -> Vec<Finding> {
    let mut findings = of_problems(&[], report.manifest_warnings);
    for part in report.parts {
        add_dangers(&mut findings, part);
    }
    findings
}

fn add_dangers(findings: &mut Vec<Finding>, part: &DiffPart) {
    let DiffPart { environments, diff } = part;
    let environments = match &environments[..] {
        [] => String::new(),
        names => format!(" (in {})", names.join(", ")),
    };
    // A removed entry has a line in the base only.
    let entries = diff.entries.iter();
    let declared = entries.filter(|entry| entry.change != EntryChange::Removed);
    let places: BTreeMap<&OrgKey, &Source> =
        declared.map(|entry| (&entry.key, &entry.source)).collect();
    for danger in &diff.dangers {
        let code = danger.kind.code();
        if danger.keys.is_empty() {
            let text = format!("{}{environments}", danger.message);
            findings.push(finding(code, Level::Warning, text, None));
        }
        for key in &danger.keys {
            let text = format!("{key}: {}{environments}", danger.message);
            let place = places.get(key).copied();
            findings.push(finding(code, Level::Warning, text, place));
        }
    }
}

/// Returns the problems of a manifest, or the errors that prevented a plan.
pub(crate) fn of_problems(errors: &[ErrorItem], warnings: &[ErrorItem]) -> Vec<Finding> {
    let errors = errors.iter().map(|item| (Level::Error, item));
    let warnings = warnings.iter().map(|item| (Level::Warning, item));
    errors.chain(warnings).map(problem).collect()
}

fn problem((level, item): (Level, &ErrorItem)) -> Finding {
    let help = item.help.as_deref();
    let help = help.map(|help| format!(" ({help})")).unwrap_or_default();
    let place = item.file.as_deref().map(|file| {
        let line = item.line.unwrap_or_default().max(1);
        Place::new(file, line, item.column.filter(|column| *column > 0))
    });
    Finding {
        code: item.code,
        level,
        text: format!("{}{help}", item.message),
        place,
    }
}

fn finding(code: Code, level: Level, text: String, place: Option<&Source>) -> Finding {
    let place = place.filter(|place| place.is_somewhere());
    Finding {
        code: code.as_str(),
        level,
        text,
        place: place.map(|place| Place::new(&place.file, place.line, None)),
    }
}
