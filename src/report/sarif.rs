//! SARIF 2.1.0: problems on their lines of the manifest, for code scanning and pull requests.
//!
//! What is wrong with the manifest is an error, a conflict is one too, what is held is a note. Each
//! rule is an error code, with what `portalctl explain` says of it.
//!
//! Source of the shapes: the OASIS standard, sections 3.13 to 3.49. Names are the standard's own.

use std::collections::BTreeMap;

use serde::Serialize;

use super::PlanReport;
use super::json_v1::ErrorItem;
use crate::codes::Code;
use crate::model::OrgKey;
use crate::model::desired::Source;
use crate::model::text::escape;

/// Where the standard's own schema is found.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What a result weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Error,
    Warning,
    Note,
}

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
    results: Vec<Finding>,
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
struct Finding {
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

/// What is worth a look about a plan, each on the line where its entry is declared.
pub fn plan(
    report: &PlanReport<'_>,
    places: &BTreeMap<OrgKey, Source>,
) -> serde_json::Result<String> {
    let plan = report.plan;
    let mut findings = Vec::new();
    for conflict in &plan.conflicts {
        let text = format!("{}: {}. {}", conflict.key, conflict.message, conflict.help);
        let place = places.get(&conflict.key);
        findings.push(finding(conflict.code, Level::Error, &text, place));
    }
    for warning in &plan.warnings {
        let text = format!("{}: {}", warning.key, warning.message);
        let place = places.get(&warning.key);
        findings.push(finding(warning.code, Level::Warning, &text, place));
    }
    for held in &plan.held {
        let change = &held.change;
        let text = format!(
            "{}: {} is held, {} allows it: {}",
            change.key,
            change.action.kind(),
            held.allow,
            change.reason
        );
        findings.push(finding(
            held.reason.code(),
            Level::Note,
            &text,
            Some(&change.source),
        ));
    }
    log(findings)
}

/// Why there is no plan.
pub fn failure(items: &[ErrorItem]) -> serde_json::Result<String> {
    let findings = items.iter().map(|item| {
        let place = item.file.as_deref().map(|file| Location {
            physical_location: PhysicalLocation {
                artifact_location: artifact(file),
                region: Region {
                    start_line: item.line.unwrap_or(1).max(1),
                    start_column: item.column.filter(|column| *column > 0),
                },
            },
        });
        let help = item.help.as_deref().map(|help| format!(" ({help})"));
        let text = format!("{}{}", item.message, help.unwrap_or_default());
        Finding {
            rule_id: item.code,
            level: Level::Error,
            message: message(&text),
            locations: place.into_iter().collect(),
        }
    });
    log(findings.collect())
}

fn finding(code: Code, level: Level, text: &str, place: Option<&Source>) -> Finding {
    let place = place.filter(|place| place.is_somewhere());
    let location = place.map(|place| Location {
        physical_location: PhysicalLocation {
            artifact_location: artifact(&place.file),
            region: Region {
                start_line: place.line,
                start_column: None,
            },
        },
    });
    Finding {
        rule_id: code.as_str(),
        level,
        message: message(text),
        locations: location.into_iter().collect(),
    }
}

fn log(results: Vec<Finding>) -> serde_json::Result<String> {
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
    let mut text = serde_json::to_string_pretty(&log)?;
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

/// Messages may hold text from outside, and viewers take brackets for links: both are escaped as
/// section 3.11.6 has it.
fn message(text: &str) -> Message {
    let text = escape(text).replace('\\', "\\\\");
    Message {
        text: text.replace('[', "\\[").replace(']', "\\]"),
    }
}

/// A path as the user named it, as a relative reference: what a reference gives a meaning to is
/// percent-encoded.
fn artifact(file: &str) -> ArtifactLocation {
    let path = file.strip_prefix("./").unwrap_or(file);
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
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
        assert_eq!(artifact("./portal/a b#1.yaml").uri, "portal/a%20b%231.yaml");
        assert_eq!(message("[x](y) \u{202e}").text, "\\[x\\](y) \\\\u{202e}");
    }
}
