//! A plan, for people: what a person must decide first, then what is held, then the changes.

use std::fmt::Write as _;

use super::inline_diff::inline;
use super::{Layout, counted, headline, requests, write_notes};
use crate::identity::MatchedBy;
use crate::model::desired::FieldPath;
use crate::model::text::{escape, mask_email};
use crate::plan::digest::Digest;
use crate::plan::{ActionKind, Change, FieldChange, Plan, Reason};
use crate::report::PlanReport;
use crate::report::json_v1::{held_reason, plan_summary};
use crate::report::width::{hanging, pad, width};

/// Renders a plan.
pub fn plan(report: &PlanReport<'_>, layout: &Layout) -> String {
    let mut out = headline("plan", report.headline, layout);
    out.push_str(&body(report.plan, layout));
    let digest = Digest::of(report.plan);
    let _ = writeln!(
        out,
        "\n{}, {}",
        summary(report.plan, layout),
        requests(report.headline)
    );
    let _ = writeln!(out, "{}", layout.paint.quiet(format!("digest {digest}")));
    out
}

/// Everything between the headline and the summary.
pub(super) fn body(plan: &Plan, layout: &Layout) -> String {
    let mut out = String::new();
    undone(&mut out, plan, usize::MAX, layout);
    if !plan.changes.is_empty() {
        heading(&mut out, "changes", layout);
        for change in &plan.changes {
            write_change(&mut out, change, layout);
        }
    }
    write_notes(&mut out, plan, layout);
    out
}

/// What a person must decide, what is held and what is worth knowing: `limit` of each.
pub(super) fn undone(out: &mut String, plan: &Plan, limit: usize, layout: &Layout) {
    let paint = layout.paint;
    if !plan.conflicts.is_empty() {
        heading(
            out,
            "conflicts: nothing is done for these until somebody decides",
            layout,
        );
        for conflict in plan.conflicts.iter().take(limit) {
            let _ = writeln!(
                out,
                "  {} {}  {}",
                paint.bad("!"),
                paint.strong(&conflict.key),
                paint.quiet(conflict.code)
            );
            hanging(out, "      ", &escape(&conflict.message), layout.width);
            hanging(out, "      -> ", &escape(&conflict.help), layout.width);
        }
        more(out, plan.conflicts.len(), limit, layout);
    }
    if !plan.held.is_empty() {
        heading(out, "held: wanted, but not allowed in this run", layout);
        let mut listed = plan.held.iter().take(limit).peekable();
        while let Some(held) = listed.next() {
            let what = fields_in_short(&held.change, layout);
            let _ = writeln!(
                out,
                "  {} {}  {}{what}  needs {}",
                paint.notice("#"),
                paint.strong(&held.change.key),
                held.change.action.kind(),
                paint.notice(held.allow)
            );
            let reason = held_reason(held);
            // A limit holds many changes at once, and is told once.
            if listed.peek().map(|next| held_reason(next)).as_ref() != Some(&reason) {
                hanging(out, "      ", &escape(&reason), layout.width);
            }
        }
        more(out, plan.held.len(), limit, layout);
    }
    if !plan.warnings.is_empty() {
        heading(out, "warnings", layout);
        for warning in plan.warnings.iter().take(limit) {
            let first = format!("  {} {}  ", paint.notice("*"), paint.strong(&warning.key));
            let _ = writeln!(out, "{first}{}", paint.quiet(warning.code));
            hanging(out, "      ", &escape(&warning.message), layout.width);
        }
        more(out, plan.warnings.len(), limit, layout);
    }
}

/// How many of a list are left out.
pub(super) fn more(out: &mut String, count: usize, limit: usize, layout: &Layout) {
    if count > limit {
        let more = format!("  and {} more", count - limit);
        let _ = writeln!(out, "{}", layout.paint.quiet(more));
    }
}

fn heading(out: &mut String, title: &str, layout: &Layout) {
    let _ = writeln!(out, "\n{}", layout.paint.strong(title));
}

/// The fields of a change on the line of its key: for what is held.
fn fields_in_short(change: &Change, layout: &Layout) -> String {
    match change.fields.as_slice() {
        [] => String::new(),
        [one] => format!(" {}", field_name(&one.path, layout)),
        many => format!(" ({})", counted(many.len(), "field")),
    }
}

fn write_change(out: &mut String, change: &Change, layout: &Layout) {
    let paint = layout.paint;
    let kind = change.action.kind();
    let place = if change.source.is_somewhere() {
        change.source.to_string()
    } else {
        String::new()
    };
    let sign = match kind {
        ActionKind::Create => paint.good("+"),
        ActionKind::Adopt | ActionKind::Update => paint.notice("~"),
        ActionKind::Delete => paint.bad("-"),
    };
    let organization = change
        .action
        .organization()
        .map(|id| format!(" {}", escape(id.as_str())));
    let _ = writeln!(
        out,
        "  {sign} {}  {kind}{}  {}",
        paint.strong(&change.key),
        organization.unwrap_or_default(),
        paint.quiet(escape(&place))
    );
    if let Some(reason) = surprising_reason(change) {
        hanging(out, "      ", &escape(&reason), layout.width);
    }
    let name = |field: &FieldChange| field_name(&field.path, layout);
    let column = change
        .fields
        .iter()
        .map(|field| width(&name(field)))
        .max()
        .unwrap_or(0);
    for field in &change.fields {
        let _ = writeln!(
            out,
            "      {}  {}",
            pad(&name(field), column),
            value(field, layout)
        );
    }
}

/// Why a change is made, unless its fields say so.
fn surprising_reason(change: &Change) -> Option<String> {
    match &change.reason {
        Reason::Missing
        | Reason::Saved(_)
        | Reason::Differs(MatchedBy::Id | MatchedBy::ExternalId) => None,
        Reason::Differs(MatchedBy::PreviousKey(_))
        | Reason::Renamed(_)
        | Reason::HoldsDomain(_)
        | Reason::DomainNotDeclared
        | Reason::NotDeclared
        | Reason::TrustedDomain => Some(change.reason.to_string()),
    }
}

fn field_name(path: &FieldPath, layout: &Layout) -> String {
    match path {
        FieldPath::ItContact(email) if layout.mask_emails => {
            format!("it_contacts.{}", mask_email(email.as_str()))
        }
        _ => escape(&path.to_string()).into_owned(),
    }
}

fn value(field: &FieldChange, layout: &Layout) -> String {
    let paint = layout.paint;
    let shown = |value: &str| match field.path {
        FieldPath::Domain(_) | FieldPath::ItContact(_) => escape(value).into_owned(),
        _ => format!("\"{}\"", escape(value)),
    };
    match (&field.before, &field.after) {
        (None, Some(after)) => paint.good(format!("+ {}", shown(after))),
        (Some(before), None) => paint.bad(format!("- {}", shown(before))),
        (Some(before), Some(after)) => inline(before, after, paint),
        (None, None) => String::new(),
    }
}

/// The counts, on one line.
pub(super) fn summary(plan: &Plan, layout: &Layout) -> String {
    let paint = layout.paint;
    let counts = plan_summary(plan);
    let mut parts = Vec::new();
    let mut add = |count: usize, text: String| {
        if count > 0 {
            parts.push(text);
        }
    };
    add(
        counts.create,
        paint.good(format!("{} to create", counts.create)),
    );
    add(
        counts.adopt,
        paint.notice(format!("{} to adopt", counts.adopt)),
    );
    add(
        counts.update,
        paint.notice(format!("{} to update", counts.update)),
    );
    add(
        counts.delete,
        paint.bad(format!("{} to delete", counts.delete)),
    );
    add(counts.held, paint.notice(format!("{} held", counts.held)));
    add(
        counts.conflict,
        paint.bad(counted(counts.conflict, "conflict")),
    );
    add(counts.warning, counted(counts.warning, "warning"));
    if plan.is_settled() {
        parts.insert(0, paint.good("nothing to do"));
    }
    parts.push(format!("{} unchanged", counts.unchanged));
    parts.join(", ")
}
