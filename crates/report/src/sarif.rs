//! SARIF 2.1.0 for code scanning: problems on their lines of the manifest.
//!
//! Problems of the manifest and conflicts are errors, held changes are notes. Each rule is an error
//! code with the text of `portalctl explain`.
//!
//! Source of the shapes: the OASIS standard, sections 3.13 to 3.49.

use std::collections::BTreeMap;

use serde::Serialize;

use super::finding::{self, Finding, Level, Place};
use super::{DiffReport, ErrorItem};
use portalctl_core::plan::Plan;
use portalctl_model::codes::Code;
use portalctl_model::desired::Desired;
use portalctl_model::inert;
use portalctl_model::text::{escape, mask_addresses};

/// URL of the standard's schema.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message,
    full_description: Message,
    help: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: &'static str,
    level: Level,
    message: Message,
    locations: Vec<Location>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
}

/// Renders conflicts, warnings and held changes of a plan, each on the line of its entry.
pub fn plan(
    plan: &Plan,
    desired: &Desired,
    manifest_warnings: &[ErrorItem],
) -> serde_json::Result<String> {
    log(&finding::of_plan(plan, desired, manifest_warnings))
}

/// Renders the dangers of a difference, each on the line of its entry.
pub fn diff(report: &DiffReport<'_>) -> serde_json::Result<String> {
    log(&finding::of_diff(report))
}

/// Renders the problems of a manifest, or the errors that prevented a plan.
pub fn problems(errors: &[ErrorItem], warnings: &[ErrorItem]) -> serde_json::Result<String> {
    log(&finding::of_problems(errors, warnings))
}

fn result(finding: &Finding) -> SarifResult {
    SarifResult {
        rule_id: finding.code,
        level: finding.level,
        message: message(&finding.text),
        locations: finding.place.iter().map(location).collect(),
    }
}

fn location(place: &Place) -> Location {
    Location {
        physical_location: PhysicalLocation {
            artifact_location: artifact(&place.file),
            region: Region {
                start_line: place.line,
                start_column: place.column,
            },
        },
    }
}

fn log(findings: &[Finding]) -> serde_json::Result<String> {
    let results: Vec<SarifResult> = findings.iter().map(result).collect();
    let named: BTreeMap<&str, Code> = results
        .iter()
        .filter_map(|result| Some((result.rule_id, Code::find(result.rule_id)?)))
        .collect();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "portalctl",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: named.into_values().map(rule).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results,
        }],
    };
    let text = serde_json::to_string_pretty(&log)?;
    let mut text = inert::json(&text).into_owned();
    text.push('\n');
    Ok(text)
}

fn rule(code: Code) -> Rule {
    let entry = code.entry();
    Rule {
        id: entry.id,
        short_description: message(entry.title),
        full_description: message(entry.meaning),
        help: message(entry.fix),
    }
}

/// Builds a message. Addresses are masked, and links are escaped (section 3.11.6).
fn message(text: &str) -> Message {
    let text = escape(&mask_addresses(text)).replace('\\', "\\\\");
    Message {
        text: text.replace('[', "\\[").replace(']', "\\]"),
    }
}

/// Encodes a path as a relative reference; reserved characters are percent-encoded.
fn artifact(file: &str) -> ArtifactLocation {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    ArtifactLocation { uri }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references_and_brackets_no_links() {
        assert_eq!(artifact("portal/a b#1.yaml").uri, "portal/a%20b%231.yaml");
        assert_eq!(message("[x](y) \u{202e}").text, "\\[x\\](y) \\\\u{202e}");
    }
}
