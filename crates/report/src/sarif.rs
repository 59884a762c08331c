//! SARIF 2.1.0 for code scanning: problems on their lines of the manifest.
//!
//! Problems of the manifest and conflicts are errors, held changes are notes. Each rule is an error
//! code with the text of `portalctl explain`.
//!
//! Source of the shapes: the OASIS standard, sections 3.13 to 3.49.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ErrorItem;
use super::view::held_reason;
use portalctl_core::plan::{Plan, Scope};
use portalctl_model::OrgKey;
use portalctl_model::codes::Code;
use portalctl_model::desired::{Desired, Source};
use portalctl_model::inert;
use portalctl_model::text::{escape, mask_addresses};

/// URL of the standard's schema.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Severity of a result.
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

/// Renders conflicts, warnings and held changes of a plan, each on the line of its entry.
pub fn plan(
    plan: &Plan,
    desired: &Desired,
    manifest_warnings: &[ErrorItem],
) -> serde_json::Result<String> {
    let place = |key: &OrgKey| {
        let entry = desired.organizations.get(key)?;
        Some(&entry.source)
    };
    let warnings = manifest_warnings.iter().map(|item| (Level::Warning, item));
    let mut findings: Vec<Finding> = warnings.map(problem).collect();
    for conflict in &plan.conflicts {
        let text = format!("{}: {}. {}", conflict.key, conflict.message, conflict.help);
        let place = place(&conflict.key);
        let level = match conflict.scope {
            Scope::Entry | Scope::Metadata => Level::Error,
            Scope::Domain(_) => Level::Warning,
        };
        findings.push(finding(conflict.code, level, &text, place));
    }
    for warning in &plan.warnings {
        let text = format!("{}: {}", warning.key, warning.message);
        let place = place(&warning.key);
        findings.push(finding(warning.code, Level::Warning, &text, place));
    }
    for note in &plan.notes {
        let text = format!("{}: {}", note.key, note.message);
        findings.push(finding(note.code, Level::Note, &text, None));
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
        findings.push(finding(
            held.reason.code(),
            Level::Note,
            &text,
            Some(&change.source),
        ));
    }
    log(findings)
}

/// Renders the problems of a manifest, or the errors that prevented a plan.
pub fn problems(errors: &[ErrorItem], warnings: &[ErrorItem]) -> serde_json::Result<String> {
    let errors = errors.iter().map(|item| (Level::Error, item));
    let warnings = warnings.iter().map(|item| (Level::Warning, item));
    log(errors.chain(warnings).map(problem).collect())
}

fn problem((level, item): (Level, &ErrorItem)) -> Finding {
    let help = item.help.as_deref();
    let help = help.map(|help| format!(" ({help})")).unwrap_or_default();
    let location = item.file.as_deref().map(|file| {
        let line = item.line.unwrap_or_default().max(1);
        location(file, line, item.column.filter(|column| *column > 0))
    });
    Finding {
        rule_id: item.code,
        level,
        message: message(&format!("{}{help}", item.message)),
        locations: location.into_iter().collect(),
    }
}

fn finding(code: Code, level: Level, text: &str, place: Option<&Source>) -> Finding {
    let place = place.filter(|place| place.is_somewhere());
    let location = place.map(|place| location(&place.file, place.line, None));
    Finding {
        rule_id: code.as_str(),
        level,
        message: message(text),
        locations: location.into_iter().collect(),
    }
}

fn location(file: &str, start_line: u32, start_column: Option<u32>) -> Location {
    Location {
        physical_location: PhysicalLocation {
            artifact_location: artifact(file),
            region: Region {
                start_line,
                start_column,
            },
        },
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
