//! What a plan does not do: what a person must decide, what is held, what is worth knowing.

use super::budget::{Document, Rank, Section};
use super::escape::{code, prose};
use super::{PLAN, item};
use crate::json_v1::held_reason;
use crate::text::{notes, unread, without_domain};
use portalctl_core::plan::{Conflict, Held, Plan, Warning};
use portalctl_core::readiness::Readiness;
use portalctl_model::OrganizationId;
use portalctl_model::codes::plan as codes;

/// Adds what somebody has to decide: conflicts, what exceeds a limit, what lacks its flag.
pub(super) fn decisions(document: &mut Document, plan: &Plan) {
    conflicts(
        document,
        "#### Conflicts: nothing is done for these until somebody decides\n\n",
        plan.open_conflicts(),
    );
    conflicts(
        document,
        "#### Contested domains: not written; everything else of their organizations is\n\n",
        plan.contested_domains(),
    );
    let exceeding = |held: &&Held| held.reason.code() != codes::NEEDS_FLAG;
    let (beyond, lacking): (Vec<&Held>, Vec<&Held>) = plan.held.iter().partition(exceeding);
    held(
        document,
        "#### Over a limit: not done unless somebody allows it\n\n",
        &beyond,
    );
    held(
        document,
        "#### Held: wanted, but not allowed in this run\n\n",
        &lacking,
    );
}

/// Adds what keeps nothing from being done: warnings and notes.
pub(super) fn remarks(document: &mut Document, plan: &Plan, readiness: &Readiness) {
    let mut warnings = Section::new(Rank::List, "warnings", PLAN).open("#### Warnings\n\n");
    for Warning {
        key,
        code: id,
        message,
    } in &plan.warnings
    {
        warnings.item(|| item(&about(key.as_str(), id.as_str(), message), None));
    }
    document.section(warnings);
    let mut section = Section::new(Rank::List, "notes", PLAN).open("#### Notes\n\n");
    let more = without_domain(readiness).into_iter();
    for note in notes(plan).into_iter().chain(unread(readiness)).chain(more) {
        section.item(|| item(&prose(&note), None));
    }
    document.section(section);
}

fn conflicts<'a>(
    document: &mut Document,
    open: &str,
    conflicts: impl Iterator<Item = &'a Conflict>,
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
        section.item(|| item(&about(key.as_str(), id.as_str(), message), Some(help)));
    }
    document.section(section);
}

fn about(key: &str, id: &str, message: &str) -> String {
    format!("{} ({}): {}", code(key), code(id), prose(message))
}

fn held(document: &mut Document, open: &str, held: &[&Held]) {
    let mut section = Section::new(Rank::List, "held changes", PLAN).open(open);
    let mut told = None;
    for held in held {
        // A limit holds many changes at once, and is told once.
        let reason = held_reason(held);
        let is_new = told.as_ref() != Some(&reason);
        section.item(|| held_item(held, is_new.then_some(reason.as_str())));
        told = Some(reason);
    }
    document.section(section);
}

fn held_item(held: &Held, reason: Option<&str>) -> String {
    let change = &held.change;
    let organization = change.action.organization().map(OrganizationId::as_str);
    let contact = change.action.invitation().map(|it| it.contact.as_str());
    let to = [organization, contact].into_iter().flatten();
    let to = to.fold(String::new(), |to, id| to + " " + &code(id));
    // What more than a missing flag holds back is worth an explanation.
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
        code(change.key.as_str()),
        change.action.kind(),
        code(&held.allow.to_string())
    );
    item(&said, None)
}
