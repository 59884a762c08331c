//! Text of the difference of two manifests: dangers first, then settings, then entries.

use std::collections::BTreeSet;

use super::inline_diff::inline;
use super::{Layout, heading, write_notes};
use crate::view::{
    change_sign, changed_keys, danger_message, diff_counts, diff_field_name, organizations_named,
};
use crate::width::{counts, hanging, pad, width};
use crate::{DiffPart, DiffReport};
use portalctl_core::diff::{CommonField, Diff, EntryChange, EntryDiff, Field, Value};
use portalctl_model::text::escape;

/// Renders a difference.
pub fn diff(report: &DiffReport<'_>, layout: &Layout) -> String {
    let paint = layout.paint;
    let mut parts = vec![paint.strong("portalctl diff")];
    parts.extend(
        report
            .names
            .environment
            .as_deref()
            .map(|name| paint.strong(escape(name))),
    );
    parts.push(format!(
        "{} -> {}",
        escape(report.base),
        escape(report.manifest)
    ));
    let mut out = format!("{}\n", parts.join(" · "));
    for part in report.parts {
        write_part(&mut out, part, layout);
    }
    write_notes(&mut out, report.notes, layout);
    let said = paint.counts(&diff_counts(report.diffs()));
    push_line!(out, "\n{}", counts(&said, layout.width));
    out
}

fn write_part(out: &mut String, part: &DiffPart, layout: &Layout) {
    let DiffPart { environments, diff } = part;
    if !environments.is_empty() {
        let names = environments.join(", ");
        let title = format!("environment {}", escape(&names));
        push_line!(out, "\n{}", layout.paint.strong(title));
        if diff.is_empty() {
            push_line!(out, "  no difference");
        }
    }
    write_dangers(out, diff, layout);
    if !diff.settings.is_empty() {
        heading(out, "for every organization", layout);
        let settings: Vec<&Field> = diff.settings.iter().collect();
        write_fields(out, "  ", &settings, layout);
    }
    let common = diff.common();
    write_common(out, &common, layout);
    let common: BTreeSet<&Field> = common.iter().map(|common| common.field).collect();
    write_entries(out, &diff.entries, &common, layout);
}

fn write_dangers(out: &mut String, diff: &Diff, layout: &Layout) {
    let paint = layout.paint;
    if diff.dangers.is_empty() {
        return;
    }
    heading(out, "dangers: look at these first", layout);
    for danger in &diff.dangers {
        let who = organizations_named(&changed_keys(&danger.keys));
        let code = paint.quiet(danger.kind.code());
        push_line!(
            out,
            "  {} {}  {code}",
            paint.bad("!"),
            paint.strong(escape(&who))
        );
        let message = danger_message(danger, layout.emails);
        hanging(out, "      ", &escape(&message), layout.width);
    }
}

fn write_common(out: &mut String, common: &[CommonField<'_>], layout: &Layout) {
    if common.is_empty() {
        return;
    }
    heading(out, "the same in several organizations", layout);
    for CommonField { field, keys } in common {
        write_fields(out, "  ", &[*field], layout);
        let who = organizations_named(&changed_keys(keys.iter().copied()));
        hanging(out, "      ", &escape(&who), layout.width);
    }
}

fn write_entries(
    out: &mut String,
    entries: &[EntryDiff],
    common: &BTreeSet<&Field>,
    layout: &Layout,
) {
    let is_told = |entry: &EntryDiff, field: &Field| {
        entry.change == EntryChange::Changed && common.contains(field)
    };
    let mut is_first = true;
    for entry in entries {
        let fields = entry.fields.iter();
        let fields: Vec<&Field> = fields.filter(|field| !is_told(entry, field)).collect();
        if fields.is_empty() && entry.change == EntryChange::Changed {
            continue;
        }
        if is_first {
            heading(out, "organizations", layout);
            is_first = false;
        }
        write_entry(out, entry, layout);
        // What an organization that is gone was declared as is in the base.
        if entry.change != EntryChange::Removed {
            write_fields(out, "      ", &fields, layout);
        }
    }
}

fn write_entry(out: &mut String, entry: &EntryDiff, layout: &Layout) {
    let paint = layout.paint;
    let (tone, sign, word) = change_sign(&entry.change);
    let name = entry.name.as_deref();
    let name = name
        .map(|name| format!("  \"{}\"", escape(name)))
        .unwrap_or_default();
    let from = match &entry.change {
        EntryChange::Renamed { from } => format!(" from {from}"),
        _ => String::new(),
    };
    let place = if entry.source.is_somewhere() {
        format!("  {}", paint.quiet(escape(&entry.source.to_string())))
    } else {
        String::new()
    };
    push_line!(
        out,
        "  {} {}{name}  {word}{from}{place}",
        paint.toned(tone, sign),
        paint.strong(&entry.key)
    );
}

/// Writes fields, one a line.
fn write_fields(out: &mut String, indent: &str, fields: &[&Field], layout: &Layout) {
    let name = |field: &Field| escape(&diff_field_name(&field.path, layout.emails)).into_owned();
    let column = fields
        .iter()
        .map(|field| width(&name(field)))
        .max()
        .unwrap_or(0);
    for field in fields {
        let name = pad(&name(field), column);
        push_line!(out, "{indent}{name}  {}", value(field, layout));
    }
}

fn value(field: &Field, layout: &Layout) -> String {
    let paint = layout.paint;
    match (&field.before, &field.after) {
        (None, Some(after)) => paint.good(format!("+ {}", shown(after))),
        (Some(before), None) => paint.bad(format!("- {}", shown(before))),
        (Some(Value::Text(before)), Some(Value::Text(after))) => inline(before, after, paint),
        (Some(before), Some(after)) => format!("{} -> {}", shown(before), shown(after)),
        (None, None) => String::new(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{}\"", escape(text)),
        Value::Word(word) => escape(word).into_owned(),
    }
}
