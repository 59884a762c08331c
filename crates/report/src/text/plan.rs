//! Text of a plan: decisions first, then held changes, then the changes.

use std::collections::BTreeSet;

use super::inline_diff::inline;
use super::{
    Layout, heading, headline, more, write_counts, write_hint, write_notes, write_skipped_files,
};
use crate::PlanReport;
use crate::view::{
    action_sign, all_notes, allowed, counted, field_name, first_few, group, held_reason, hosts,
    is_bare_value, joined, plan_counts, surprising_reason, touched,
};
use crate::width::{cut, hanging, pad, width};
use portalctl_core::plan::danger::most_dangerous_first;
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{ActionKind, Change, Conflict, Destinations, FieldChange, Held, Plan};
use portalctl_model::OrgKey;
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::text::escape;

/// Columns of a line about a change beside the key and the name of its organization.
const BESIDE_NAME: usize = 50;
/// Least number of columns in which a name is shown.
const LEAST_NAME: usize = 8;

/// Most URLs that are shown of one host.
const URLS_OF_A_HOST: usize = 5;

/// Renders a plan.
pub fn plan(report: &PlanReport<'_>, layout: &Layout) -> String {
    let mut out = headline("plan", report.headline, layout);
    out.push_str(&body(report, layout));
    let digest = Digest::of(report.plan);
    let counts = summary(report.plan, layout);
    write_counts(&mut out, &counts, report.headline, layout);
    push_line!(out, "{}", layout.paint.quiet(format!("digest {digest}")));
    out
}

/// Most changes that the short form of a plan shows.
const SHORT_CHANGES: usize = 20;
/// Most conflicts, held changes and warnings of each kind that the short form shows.
const SHORT_UNDONE: usize = 5;
/// Most organizations that a title names.
const TITLED: usize = 3;

/// Renders the short form of a plan, for one or two screens: the most dangerous changes, one a line.
pub fn plan_summary(report: &PlanReport<'_>, layout: &Layout) -> String {
    let plan = report.plan;
    let paint = layout.paint;
    let mut out = headline("plan", report.headline, layout);
    undone(&mut out, plan, Extent::Short(SHORT_UNDONE), layout);
    let mut changes: Vec<&Change> = plan.reviewed().collect();
    most_dangerous_first(&mut changes, |change| change);
    if !changes.is_empty() {
        let title = format!("{}, the most dangerous first", touched(plan));
        heading(&mut out, &title, layout);
        for change in changes.iter().take(SHORT_CHANGES) {
            write_short_change(&mut out, plan, change, layout);
        }
        more(&mut out, changes.len(), SHORT_CHANGES, layout);
    }
    let hosts = hosts(&plan.destinations, 0);
    let hosts: Vec<String> = hosts
        .iter()
        .map(|host| escape(host.name).into_owned())
        .collect();
    if !hosts.is_empty() {
        let allowed = allowed(&plan.destinations);
        let said = format!(
            "people are sent to {} ({})",
            first_few(&hosts, 5),
            escape(&allowed)
        );
        out.push('\n');
        hanging(&mut out, "", &said, layout.width);
    }
    let counts = summary(plan, layout);
    write_counts(&mut out, &counts, report.headline, layout);
    let digest = format!("digest {}", Digest::of(plan));
    push_line!(out, "{}", paint.quiet(digest));
    push_line!(
        out,
        "{}",
        paint.quiet("every field: run it without --summary")
    );
    out
}

/// Writes a change on one line, with the kinds of the fields that it sets.
fn write_short_change(out: &mut String, plan: &Plan, change: &Change, layout: &Layout) {
    let paint = layout.paint;
    let kind = change.action.kind();
    let (tone, sign) = action_sign(kind);
    let mut groups: Vec<&str> = change
        .reviewed_fields()
        .map(|field| group(&field.path()))
        .collect();
    groups.dedup();
    let groups = if kind == ActionKind::Create {
        String::new()
    } else {
        groups.join(", ")
    };
    let line = format!(
        "  {} {}  {kind}  {}",
        paint.toned(tone, sign),
        named(plan, &change.key, layout),
        paint.quiet(groups)
    );
    push_line!(out, "{}", line.trim_end());
}

/// Renders a plan as one line without colour, for the title of a pull request or a message.
pub fn plan_title(report: &PlanReport<'_>) -> String {
    let plan = report.plan;
    let mut changes: Vec<&Change> = plan.reviewed().collect();
    most_dangerous_first(&mut changes, |change| change);
    let mut seen = BTreeSet::new();
    let keys = changes.iter().map(|change| change.key.as_str());
    let keys: Vec<&str> = keys.filter(|key| seen.insert(*key)).collect();
    let environment = report.headline.target.environment.as_deref();
    let environment = environment
        .map(|name| format!(" {}", escape(name)))
        .unwrap_or_default();
    let keys = match keys.as_slice() {
        [] => String::new(),
        keys => format!(" ({})", first_few(keys, TITLED)),
    };
    format!(
        "portalctl plan{environment}: {}{keys}\n",
        joined(&plan_counts(plan))
    )
}

/// Returns everything between the header and the summary.
fn body(report: &PlanReport<'_>, layout: &Layout) -> String {
    let plan = report.plan;
    let mut out = String::new();
    undone(&mut out, plan, Extent::Full, layout);
    if plan.reviewed().next().is_some() {
        heading(&mut out, "changes", layout);
        for change in plan.reviewed() {
            write_change(&mut out, plan, change, layout);
        }
    }
    write_destinations(&mut out, &plan.destinations, layout);
    write_skipped_files(&mut out, report.headline, layout);
    write_notes(&mut out, &all_notes(plan, report.readiness), layout);
    out
}

/// Writes where the portal sends people, by host.
fn write_destinations(out: &mut String, destinations: &Destinations, layout: &Layout) {
    if destinations.urls.is_empty() {
        return;
    }
    let paint = layout.paint;
    let title = format!("people are sent to ({})", allowed(destinations));
    heading(out, &escape(&title), layout);
    for host in hosts(destinations, URLS_OF_A_HOST) {
        push_line!(out, "  {}", paint.strong(escape(host.name)));
        for url in &host.urls {
            let said = url.said();
            let line = format!("{}  {}", escape(url.text), paint.quiet(escape(&said)));
            push_line!(out, "      {line}");
        }
        if let Some(more) = host.more() {
            push_line!(out, "      {}", paint.quiet(more));
        }
    }
}

/// Level of detail for what is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it: the user decides by it.
    Full,
    /// At most this many entries of each kind, in short: behind the account of an apply.
    Short(usize),
}

impl Extent {
    /// Returns the largest number of entries of each kind.
    const fn limit(self) -> usize {
        match self {
            Self::Full => usize::MAX,
            Self::Short(limit) => limit,
        }
    }
}

/// Writes conflicts, held changes and warnings.
pub(super) fn undone(out: &mut String, plan: &Plan, extent: Extent, layout: &Layout) {
    let paint = layout.paint;
    let limit = extent.limit();
    let conflicts: Vec<&Conflict> = plan.open_conflicts().collect();
    let title = "conflicts: nothing is done for these until somebody decides";
    write_conflicts(out, (plan, title), &conflicts, limit, layout);
    let contested: Vec<&Conflict> = plan.contested_domains().collect();
    let title = "contested domains: not written; everything else of their organizations is";
    write_conflicts(out, (plan, title), &contested, limit, layout);
    write_held_changes(out, plan, extent, layout);
    if !plan.warnings.is_empty() {
        heading(out, "warnings", layout);
        for warning in plan.warnings.iter().take(limit) {
            let first = format!("  {} {}  ", paint.notice("*"), paint.strong(&warning.key));
            push_line!(out, "{first}{}", paint.quiet(warning.code));
            hanging(out, "      ", &escape(&warning.message), layout.width);
        }
        more(out, plan.warnings.len(), limit, layout);
    }
}

/// Writes the held changes with their reasons.
fn write_held_changes(out: &mut String, plan: &Plan, extent: Extent, layout: &Layout) {
    if plan.held.is_empty() {
        return;
    }
    heading(out, "held: wanted, but not allowed in this run", layout);
    let mut last_reason = None;
    for held in plan.held.iter().take(extent.limit()) {
        write_held(out, (plan, held), extent, layout);
        // A limit holds many changes at once, and its reason is written once.
        let reason = reason_with_code(held);
        if last_reason.as_ref() != Some(&reason) {
            hanging(out, "      ", &escape(&reason), layout.width);
            last_reason = Some(reason);
        }
        if extent == Extent::Full {
            write_fields(out, &held.change, layout);
        }
    }
    more(out, plan.held.len(), extent.limit(), layout);
}

fn write_conflicts(
    out: &mut String,
    (plan, title): (&Plan, &str),
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
        push_line!(
            out,
            "  {} {}  {}",
            paint.bad("!"),
            named(plan, &conflict.key, layout),
            paint.quiet(conflict.code)
        );
        hanging(out, "      ", &escape(&conflict.message), layout.width);
        write_hint(out, "      ", &conflict.help, layout);
    }
    more(out, conflicts.len(), limit, layout);
}

/// Writes the line of a held change: the change, its organization, and the flag that allows it.
fn write_held(out: &mut String, (plan, held): (&Plan, &Held), extent: Extent, layout: &Layout) {
    let paint = layout.paint;
    let change = &held.change;
    let fields = match (extent, change.fields.as_slice()) {
        (Extent::Full, _) | (_, []) => String::new(),
        (Extent::Short(_), [one]) => format!(" {}", field_label(&one.path(), layout)),
        (Extent::Short(_), many) => format!(" ({})", counted(many.len(), "field")),
    };
    push_line!(
        out,
        "  {} {}  {}{}{fields}  needs {}",
        paint.notice("#"),
        named(plan, &change.key, layout),
        change.action.kind(),
        organization(change),
        paint.notice(held.needs())
    );
}

/// Returns the reason for holding a change, with its code unless a flag is all that is missing.
fn reason_with_code(held: &Held) -> String {
    let reason = held_reason(held);
    let code = held.reason.code();
    if code == codes::NEEDS_FLAG {
        reason
    } else {
        format!("{reason} ({code})")
    }
}

/// Returns the organization id of a change behind a space; empty before a create.
fn organization(change: &Change) -> String {
    let id = change.action.organization();
    id.map(|id| format!(" {}", escape(id.as_str())))
        .unwrap_or_default()
}

/// Returns a key with the name of its organization, where it is known.
pub(super) fn named(plan: &Plan, key: &OrgKey, layout: &Layout) -> String {
    let paint = layout.paint;
    let room = layout
        .width
        .saturating_sub(BESIDE_NAME + width(key.as_str()));
    let name = plan.name_of(key).filter(|_| room >= LEAST_NAME);
    let name = name.map(|name| paint.quiet(format!(" ({})", cut(&escape(name), room))));
    format!("{}{}", paint.strong(key), name.unwrap_or_default())
}

fn write_change(out: &mut String, plan: &Plan, change: &Change, layout: &Layout) {
    let paint = layout.paint;
    let kind = change.action.kind();
    let place = if change.source.is_somewhere() {
        format!("  {}", paint.quiet(escape(&change.source.to_string())))
    } else {
        String::new()
    };
    let (tone, sign) = action_sign(kind);
    let sign = paint.toned(tone, sign);
    push_line!(
        out,
        "  {sign} {}  {kind}{}{place}",
        named(plan, &change.key, layout),
        organization(change)
    );
    if let Some(reason) = surprising_reason(change) {
        hanging(out, "      ", &escape(&reason), layout.width);
    }
    write_fields(out, change, layout);
}

/// Writes the fields that a change sets, one a line, or the contact and intents of an invitation.
fn write_fields(out: &mut String, change: &Change, layout: &Layout) {
    if let Some(invitation) = change.action.invitation() {
        let contact = layout.emails.show(invitation.contact.as_str());
        for line in invitation.told(&contact) {
            hanging(out, "      ", &line, layout.width);
        }
    }
    let name = |field: &FieldChange| field_label(&field.path(), layout);
    let column = change
        .reviewed_fields()
        .map(|field| width(&name(field)))
        .max()
        .unwrap_or(0);
    for field in change.reviewed_fields() {
        push_line!(
            out,
            "      {}  {}",
            pad(&name(field), column),
            value(field, layout)
        );
    }
}

/// Returns the name of a field, escaped.
fn field_label(path: &FieldPath, layout: &Layout) -> String {
    escape(&field_name(path, layout.emails)).into_owned()
}

fn value(field: &FieldChange, layout: &Layout) -> String {
    let paint = layout.paint;
    let shown = |value: &str| {
        if is_bare_value(field) && !value.is_empty() {
            escape(value).into_owned()
        } else {
            format!("\"{}\"", escape(value))
        }
    };
    match (field.before().as_deref(), field.after().as_deref()) {
        (None, Some(after)) => paint.good(format!("+ {}", shown(after))),
        (Some(before), None) => paint.bad(format!("- {}", shown(before))),
        (Some(before), Some(after)) => inline(before, after, paint),
        (None, None) => String::new(),
    }
}

/// Returns the counts of a plan, on one line.
fn summary(plan: &Plan, layout: &Layout) -> String {
    layout.paint.counts(&plan_counts(plan))
}
