//! Markdown of the difference of two manifests, for a review without a key.

use std::collections::BTreeSet;

use super::budget::{Document, Rank, Section};
use super::escape::{code, fence, html_code, prose, verbatim};
use super::{DIFF, failed, head, item, marker, row, title};
use crate::view::{
    Emails, change_sign, changed_keys, counted, danger_message, diff_counts, diff_field_name,
    first_few, joined,
};
use crate::width::{pad, width};
use crate::{DiffPart, DiffReport, Headline};
use portalctl_core::diff::{CommonField, Diff, EntryChange, EntryDiff, Field, Value};
use portalctl_core::plan::Target;

/// Most entries that are unfolded, so that a small review needs no click.
const OPEN: usize = 10;
/// Widest column of field names; a longer name pushes its value to the right.
const WIDEST: usize = 40;
/// Most organizations that a danger names.
const NAMED: usize = 5;

/// Renders a difference.
pub fn diff(report: &DiffReport<'_>) -> Document {
    let headline = Headline {
        target: Target {
            environment: report.names.environment.clone(),
            ..Target::default()
        },
        manifest_warnings: report.manifest_warnings.to_vec(),
        ..Headline::default()
    };
    let mut document = Document::default();
    document.fixed(marker::key("diff", report.names));
    document.fixed(title(
        &headline,
        "diff",
        &joined(&diff_counts(report.diffs())),
    ));
    document.fixed(format!(
        "{} compared with {}, without a look at WorkOS\n\n",
        code(report.manifest),
        code(report.base)
    ));
    for part in report.parts {
        of_part(&mut document, part);
    }
    document.section(failed::manifest_warnings(&headline));
    let mut notes = Section::new(Rank::List, "notes", DIFF).open("#### Notes\n\n");
    for note in report.notes {
        notes.item(|| item(&prose(note), None));
    }
    document.section(notes);
    document
}

fn of_part(document: &mut Document, part: &DiffPart) {
    let DiffPart { environments, diff } = part;
    if !environments.is_empty() {
        let names: Vec<String> = environments.iter().map(|name| code(name)).collect();
        document.fixed(format!("### Environment {}\n\n", names.join(", ")));
    }
    if diff.is_empty() {
        document.fixed("Both mean the same.\n\n");
    }
    dangers(document, diff);
    settings(document, diff);
    let common = diff.common();
    several(document, &common);
    let common: BTreeSet<&Field> = common.iter().map(|common| common.field).collect();
    entries(document, diff, &common);
}

fn dangers(document: &mut Document, diff: &Diff) {
    let mut section = Section::new(Rank::List, "dangers", DIFF).open(format!(
        "#### Dangers: look at these first\n\n{}",
        head(["Danger", "Organizations", "Code"])
    ));
    for danger in &diff.dangers {
        section.item(|| {
            row([
                &prose(&danger_message(danger, Emails::Masked)),
                &named(&changed_keys(&danger.keys)),
                &code(danger.kind.code().as_str()),
            ])
        });
    }
    document.section(section);
}

/// Names organizations, the first of many.
fn named(keys: &[String]) -> String {
    let spans: Vec<String> = keys.iter().take(NAMED).map(|key| code(key)).collect();
    match keys.len() {
        0 => String::new(),
        count if count <= NAMED => spans.join(", "),
        count => {
            let more = first_few(keys, NAMED);
            let more = more.rsplit_once(" and ").map_or("", |(_, more)| more);
            format!(
                "{}: {} and {more}",
                counted(count, "organization"),
                spans.join(", ")
            )
        }
    }
}

fn settings(document: &mut Document, diff: &Diff) {
    let mut section = Section::new(Rank::List, "settings", DIFF)
        .open("#### For every organization\n\n```diff\n")
        .close("```\n\n");
    for field in &diff.settings {
        section.item(|| lines(&[field]));
    }
    document.section(section);
}

fn several(document: &mut Document, common: &[CommonField<'_>]) {
    let mut section = Section::new(Rank::Row, "changes", DIFF).open(format!(
        "#### The same in several organizations\n\n{}",
        head(["Field", "Before", "After", "Organizations"])
    ));
    for CommonField { field, keys } in common {
        section.item(|| {
            let cell = |value: &Option<Value>| value.as_ref().map(plain).unwrap_or_default();
            let (before, after) = (cell(&field.before), cell(&field.after));
            let cell = |text: &str| {
                if text.is_empty() {
                    String::new()
                } else {
                    code(text)
                }
            };
            row([
                &code(&diff_field_name(&field.path, Emails::Masked)),
                &cell(&before),
                &cell(&after),
                &named(&changed_keys(keys.iter().copied())),
            ])
        });
    }
    document.section(section);
}

fn entries(document: &mut Document, diff: &Diff, common: &BTreeSet<&Field>) {
    let mut table = Section::new(Rank::Row, "organizations", DIFF).open(format!(
        "#### Organizations\n\n{}",
        head(["Change", "Organization", "Name", "Declared at"])
    ));
    let mut details = Section::new(Rank::Detail, "diffs", DIFF)
        .open("#### Field by field\n\n")
        .close("");
    let mut count = 0;
    for entry in &diff.entries {
        let is_changed = entry.change == EntryChange::Changed;
        let fields = entry.fields.iter();
        let fields: Vec<&Field> = fields
            .filter(|field| !is_changed || !common.contains(*field))
            .collect();
        if fields.is_empty() && is_changed {
            continue;
        }
        table.item(|| listed(entry));
        if entry.change != EntryChange::Removed && !fields.is_empty() {
            details.item(|| detail(entry, &fields, if count < OPEN { " open" } else { "" }));
            count += 1;
        }
    }
    document.section(table);
    document.section(details);
}

fn listed(entry: &EntryDiff) -> String {
    let (_, _, word) = change_sign(&entry.change);
    let word = match &entry.change {
        EntryChange::Deleted | EntryChange::Removed => format!("**{word}**"),
        EntryChange::Renamed { from } => format!("{word} from {}", code(from.as_str())),
        EntryChange::Added | EntryChange::Changed => word.to_owned(),
    };
    let place = if entry.source.is_somewhere() {
        code(&entry.source.to_string())
    } else {
        String::new()
    };
    let name = entry.name.as_deref().map(code).unwrap_or_default();
    row([&word, &code(entry.key.as_str()), &name, &place])
}

fn detail(entry: &EntryDiff, fields: &[&Field], open: &str) -> String {
    let (_, _, word) = change_sign(&entry.change);
    let key = html_code(entry.key.as_str());
    let diff = lines(fields);
    let fence = fence(&diff);
    format!(
        "<details{open}>\n<summary>{key} {word}</summary>\n\n{fence}diff\n{diff}{fence}\n\n\
         </details>\n\n"
    )
}

/// Renders fields as lines that begin with `+` or `-`.
fn lines(fields: &[&Field]) -> String {
    let name = |field: &Field| verbatim(&diff_field_name(&field.path, Emails::Masked));
    let widest = fields.iter().map(|field| width(&name(field)));
    let column = widest.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut out = String::new();
    for field in fields {
        let name = pad(&name(field), column);
        for (sign, value) in [('-', &field.before), ('+', &field.after)] {
            if let Some(value) = value {
                out.push_str(&format!("{sign} {name}  {}\n", verbatim(&plain(value))));
            }
        }
    }
    out
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        Value::Word(word) => word.clone(),
    }
}
