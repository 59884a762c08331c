//! Markdown of what a plan does not do: conflicts, held changes, warnings and notes.

use super::budget::{Document, Rank, Section};
use super::escape::{code, prose};
use super::{PLAN, item, named};
use crate::view::{all_notes, held_reason};
use portalctl_core::plan::{Conflict, Held, Plan, Warning};
use portalctl_core::readiness::Readiness;
use portalctl_model::OrganizationId;
use portalctl_model::codes::plan as codes;

/// Adds what needs a decision: conflicts, exceeded limits, missing flags.
pub(super) fn decisions(document: &mut Document, plan: &Plan) {
    conflicts(
        document,
        "#### Conflicts: nothing is done for these until somebody decides\n\n",
        (plan, plan.open_conflicts()),
    );
    conflicts(
        document,
        "#### Contested domains: not written; everything else of their organizations is\n\n",
        (plan, plan.contested_domains()),
    );
    let exceeding = |held: &&Held| held.reason.code() != codes::NEEDS_FLAG;
    let (beyond, lacking): (Vec<&Held>, Vec<&Held>) = plan.held.iter().partition(exceeding);
    held(
        document,
        "#### Over a limit: not done unless somebody allows it\n\n",
        (plan, &beyond),
    );
    held(
        document,
        "#### Held: wanted, but not allowed in this run\n\n",
        (plan, &lacking),
    );
}

/// Adds warnings and notes.
pub(super) fn remarks(document: &mut Document, plan: &Plan, readiness: &Readiness) {
    let mut warnings = Section::new(Rank::List, "warnings", PLAN).open("#### Warnings\n\n");
    for Warning {
        key,
        code: id,
        message,
    } in &plan.warnings
    {
        warnings.item(|| item(&about(&named(plan, key), id.as_str(), message), None));
    }
    document.section(warnings);
    let mut section = Section::new(Rank::List, "notes", PLAN).open("#### Notes\n\n");
    for note in all_notes(plan, readiness) {
        section.item(|| item(&prose(&note), None));
    }
    document.section(section);
}

fn conflicts<'a>(
    document: &mut Document,
    open: &str,
    (plan, conflicts): (&Plan, impl Iterator<Item = &'a Conflict>),
) {
    let mut section = Section::new(Rank::List, "conflicts", PLAN).open(open);
    for Conflict {
        key,
        code: id,
        message,
        help,
        scope: _,
    } in conflicts
    {
        section.item(|| item(&about(&named(plan, key), id.as_str(), message), Some(help)));
    }
    document.section(section);
}

fn about(key: &str, id: &str, message: &str) -> String {
    format!("{key} ({}): {}", code(id), prose(message))
}

fn held(document: &mut Document, open: &str, (plan, held): (&Plan, &[&Held])) {
    let mut section = Section::new(Rank::List, "held changes", PLAN).open(open);
    let mut last = None;
    for held in held {
        // A limit holds many changes at once, and its reason is written once.
        let reason = held_reason(held);
        let is_new = last.as_ref() != Some(&reason);
        section.item(|| held_item(plan, held, is_new.then_some(reason.as_str())));
        last = Some(reason);
    }
    document.section(section);
}

/// Returns both ways to allow a held change: the flag for one run, and the line to write for good.
fn needs(held: &Held) -> String {
    let flag = code(&held.flag.to_string());
    let Some(allow) = held.permission else {
        return flag;
    };
    let line = code(&format!("allow: [{allow}]"));
    let source = &held.change.source;
    if source.is_somewhere() {
        format!("{flag}, or {line} at {}", code(&source.to_string()))
    } else {
        format!("{flag}, or {line}")
    }
}

fn held_item(plan: &Plan, held: &Held, reason: Option<&str>) -> String {
    let change = &held.change;
    let organization = change.action.organization().map(OrganizationId::as_str);
    let contact = change.action.invitation().map(|it| it.contact.as_str());
    let to = [organization, contact].into_iter().flatten();
    let to = to.fold(String::new(), |to, id| to + " " + &code(id));
    // A reason other than a missing flag is worth an explanation.
    let id = held.reason.code();
    let explained = if id == codes::NEEDS_FLAG {
        String::new()
    } else {
        format!(" ({})", code(id.as_str()))
    };
    let reason = reason
        .map(|reason| format!(": {}", prose(reason)))
        .unwrap_or_default();
    let said = format!(
        "{}: {}{to}, needs {}{explained}{reason}",
        named(plan, &change.key),
        change.action.kind(),
        needs(held)
    );
    item(&said, None)
}
