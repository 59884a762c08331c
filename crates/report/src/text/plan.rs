//! A plan, for people: what a person must decide first, then what is held, then the changes.

use std::fmt::Write as _;

use super::inline_diff::inline;
use super::invite;
use super::{
    Layout, counted, headline, notes, unread, without_domain, write_counts, write_notes,
    write_skipped_files,
};
use crate::PlanReport;
use crate::json_v1::{held_reason, plan_summary};
use crate::width::{hanging, pad, width};
use portalctl_core::identity::MatchedBy;
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{ActionKind, Change, Conflict, FieldChange, Held, Plan, Reason};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::text::escape;

/// Renders a plan.
pub fn plan(report: &PlanReport<'_>, layout: &Layout) -> String {
    let mut out = headline("plan", report.headline, layout);
    out.push_str(&body(report, layout));
    let digest = Digest::of(report.plan);
    let counts = summary(report.plan, layout);
    write_counts(&mut out, &counts, report.headline, layout);
    let _ = writeln!(out, "{}", layout.paint.quiet(format!("digest {digest}")));
    out
}

/// Everything between the headline and the summary.
fn body(report: &PlanReport<'_>, layout: &Layout) -> String {
    let plan = report.plan;
    let mut out = String::new();
    undone(&mut out, plan, Extent::Full, layout);
    if plan.reviewed().next().is_some() {
        heading(&mut out, "changes", layout);
        for change in plan.reviewed() {
            write_change(&mut out, change, layout);
        }
    }
    write_skipped_files(&mut out, report.headline, layout);
    let unread = unread(report.readiness);
    write_notes(
        &mut out,
        notes(plan)
            .into_iter()
            .chain(unread)
            .chain(without_domain(report.readiness))
            .collect(),
        layout,
    );
    out
}

/// How much is written of what is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Everything: somebody decides by it.
    Full,
    /// At most so many of each, in short: behind the account of an apply.
    Short(usize),
}

/// What a person must decide, what is held and what is worth knowing.
pub(super) fn undone(out: &mut String, plan: &Plan, extent: Extent, layout: &Layout) {
    let paint = layout.paint;
    let limit = match extent {
        Extent::Full => usize::MAX,
        Extent::Short(limit) => limit,
    };
    let conflicts: Vec<&Conflict> = plan.open_conflicts().collect();
    let title = "conflicts: nothing is done for these until somebody decides";
    write_conflicts(out, title, &conflicts, limit, layout);
    let contested: Vec<&Conflict> = plan.contested_domains().collect();
    let title = "contested domains: not written; everything else of their organizations is";
    write_conflicts(out, title, &contested, limit, layout);
    if !plan.held.is_empty() {
        heading(out, "held: wanted, but not allowed in this run", layout);
        let mut told = None;
        for held in plan.held.iter().take(limit) {
            write_held(out, held, extent, layout);
            // A limit holds many changes at once, and is told once.
            let reason = reason_with_code(held);
            if told.as_ref() != Some(&reason) {
                hanging(out, "      ", &escape(&reason), layout.width);
                told = Some(reason);
            }
            if extent == Extent::Full {
                write_fields(out, &held.change, layout);
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

fn write_conflicts(
    out: &mut String,
    title: &str,
    conflicts: &[&Conflict],
    limit: usize,
    layout: &Layout,
) {
    if conflicts.is_empty() {
        return;
    }
    let paint = layout.paint;
    heading(out, title, layout);
    for conflict in conflicts.iter().take(limit) {
        let _ = writeln!(
            out,
            "  {} {}  {}",
            paint.bad("!"),
            paint.strong(&conflict.key),
            paint.quiet(conflict.code)
        );
        hanging(out, "      ", &escape(&conflict.message), layout.width);
        hanging(out, "      hint: ", &escape(&conflict.help), layout.width);
    }
    more(out, conflicts.len(), limit, layout);
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

/// The line of what is held: what would be done to which organization, and what would allow it.
fn write_held(out: &mut String, held: &Held, extent: Extent, layout: &Layout) {
    let paint = layout.paint;
    let change = &held.change;
    let fields = match (extent, change.fields.as_slice()) {
        (Extent::Full, _) | (_, []) => String::new(),
        (Extent::Short(_), [one]) => format!(" {}", field_name(&one.path(), layout)),
        (Extent::Short(_), many) => format!(" ({})", counted(many.len(), "field")),
    };
    let _ = writeln!(
        out,
        "  {} {}  {}{}{fields}  needs {}",
        paint.notice("#"),
        paint.strong(&change.key),
        change.action.kind(),
        organization(change),
        paint.notice(held.needs())
    );
}

/// Why a change is held; the code is worth a look where the flag alone does not say it.
fn reason_with_code(held: &Held) -> String {
    let reason = held_reason(held);
    let code = held.reason.code();
    if code == codes::NEEDS_FLAG {
        reason
    } else {
        format!("{reason} ({code})")
    }
}

/// The organization of a change behind a space, when there is one already.
fn organization(change: &Change) -> String {
    let id = change.action.organization();
    id.map(|id| format!(" {}", escape(id.as_str())))
        .unwrap_or_default()
}

fn write_change(out: &mut String, change: &Change, layout: &Layout) {
    let paint = layout.paint;
    let kind = change.action.kind();
    let place = if change.source.is_somewhere() {
        format!("  {}", paint.quiet(escape(&change.source.to_string())))
    } else {
        String::new()
    };
    let sign = match kind {
        ActionKind::Create => paint.good("+"),
        ActionKind::Adopt | ActionKind::Update => paint.notice("~"),
        ActionKind::Invite => paint.notice("@"),
        ActionKind::Delete => paint.bad("-"),
    };
    let _ = writeln!(
        out,
        "  {sign} {}  {kind}{}{place}",
        paint.strong(&change.key),
        organization(change)
    );
    if let Some(reason) = surprising_reason(change) {
        hanging(out, "      ", &escape(&reason), layout.width);
    }
    write_fields(out, change, layout);
}

/// What a change sets, one line a field, or who is invited to what.
fn write_fields(out: &mut String, change: &Change, layout: &Layout) {
    if let Some(invitation) = change.action.invitation() {
        let contact = invite::address(invitation.contact.as_str(), layout);
        for line in invitation.told(&contact) {
            hanging(out, "      ", &line, layout.width);
        }
    }
    let name = |field: &FieldChange| field_name(&field.path(), layout);
    let column = change
        .reviewed_fields()
        .map(|field| width(&name(field)))
        .max()
        .unwrap_or(0);
    for field in change.reviewed_fields() {
        let _ = writeln!(
            out,
            "      {}  {}",
            pad(&name(field), column),
            value(field, layout)
        );
    }
}

/// Why a change is made, unless its fields say so.
pub(crate) fn surprising_reason(change: &Change) -> Option<String> {
    match &change.reason {
        Reason::Missing
        | Reason::NotInvited
        | Reason::Saved(_)
        | Reason::Differs(MatchedBy::Id | MatchedBy::ExternalId) => None,
        Reason::Differs(MatchedBy::PreviousKey(_))
        | Reason::Renamed(_)
        | Reason::HoldsDomain(_)
        | Reason::DomainNotDeclared
        | Reason::DomainMoves { .. }
        | Reason::FormerName(_)
        | Reason::NotDeclared
        | Reason::DeclaredAbsent
        | Reason::ShorterRetention
        | Reason::LiftsProtection
        | Reason::TrustedDomain => Some(change.reason.to_string()),
    }
}

fn field_name(path: &FieldPath, layout: &Layout) -> String {
    match path {
        FieldPath::ItContact(email) => {
            format!("it_contacts.{}", invite::address(email.as_str(), layout))
        }
        _ => escape(&path.shown()).into_owned(),
    }
}

fn value(field: &FieldChange, layout: &Layout) -> String {
    let paint = layout.paint;
    let shown = |value: &str| match field {
        FieldChange::Domain { .. } | FieldChange::ItContact(_) if !value.is_empty() => {
            escape(value).into_owned()
        }
        _ => format!("\"{}\"", escape(value)),
    };
    match (field.before().as_deref(), field.after().as_deref()) {
        (None, Some(after)) => paint.good(format!("+ {}", shown(after))),
        (Some(before), None) => paint.bad(format!("- {}", shown(before))),
        (Some(before), Some(after)) => inline(before, after, paint),
        (None, None) => String::new(),
    }
}

/// The counts, on one line.
pub(crate) fn summary(plan: &Plan, layout: &Layout) -> String {
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
        counts.invite,
        paint.notice(format!("{} to invite", counts.invite)),
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
    add(
        counts.contested_domain,
        paint.bad(counted(counts.contested_domain, "contested domain")),
    );
    add(counts.warning, counted(counts.warning, "warning"));
    if plan.is_settled() {
        parts.insert(0, paint.good("nothing to do"));
    }
    parts.push(format!("{} unchanged", counts.unchanged));
    parts.join(", ")
}
