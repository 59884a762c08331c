//! Notes: remarks without consequence.

use portalctl_core::plan::{Plan, UndeclaredOrganization};
use portalctl_core::readiness::{MissingDomain, OrganizationReadiness, Readiness};

use super::{and_more, counted};

/// Most keys that a note names.
const NAMED: usize = 5;

/// Returns the notes of a plan.
pub(crate) fn plan_notes(plan: &Plan) -> Vec<String> {
    let notes = [
        bookkeeping(plan),
        unmanaged(plan),
        formerly_declared(plan),
        provisioned(plan),
    ];
    let of_entries = plan.notes.iter().map(|note| {
        let (key, message, code) = (&note.key, &note.message, note.code);
        format!("{key}: {message} ({code})")
    });
    notes.into_iter().flatten().chain(of_entries).collect()
}

/// Returns the notes of a plan and of the readiness that was read with it.
pub(crate) fn all_notes(plan: &Plan, readiness: &Readiness) -> Vec<String> {
    let mut notes = plan_notes(plan);
    notes.extend(unread_note(readiness));
    notes.extend(without_domain(readiness));
    notes
}

/// Says how many organizations only get a mark of portalctl.
fn bookkeeping(plan: &Plan) -> Option<String> {
    let count = plan.bookkeeping();
    let gets = if count == 1 { "gets" } else { "get" };
    (count > 0).then(|| {
        format!(
            "{} {gets} a mark that portalctl keeps for itself, and no other change",
            counted(count, "organization")
        )
    })
}

/// Says how many organizations the manifest does not declare.
fn unmanaged(plan: &Plan) -> Option<String> {
    let all = plan.unmanaged.count?;
    let count = all
        .saturating_sub(plan.unmanaged.formerly_declared.len())
        .saturating_sub(plan.unmanaged.provisioned.len());
    (count > 0).then(|| {
        format!(
            "{} at WorkOS {} neither declared here nor marked as this manifest's; no run touches {}",
            counted(count, "organization"),
            if count == 1 { "is" } else { "are" },
            if count == 1 { "it" } else { "them" }
        )
    })
}

/// Names the organizations that the manifest declared once.
fn formerly_declared(plan: &Plan) -> Option<String> {
    let former = &plan.unmanaged.formerly_declared;
    let (were, they) = match former.len() {
        0 => return None,
        1 => ("organization of this manifest is", "it stays"),
        _ => ("organizations of this manifest are", "they stay"),
    };
    Some(format!(
        "{} {were} not declared any more; {they}, unless a run has --prune, which deletes what is not \
         protected: {}",
        former.len(),
        named(former)
    ))
}

/// Names the organizations that the gateway created, and that the manifest has to learn of.
fn provisioned(plan: &Plan) -> Option<String> {
    let provisioned = &plan.unmanaged.provisioned;
    let (was, them, entry) = match provisioned.len() {
        0 => return None,
        1 => ("organization was", "it", "its entry"),
        _ => ("organizations were", "them", "their entries"),
    };
    Some(format!(
        "{} {was} created by the gateway and not declared yet; no run deletes {them}, and `portalctl \
         import` writes {entry}: {}",
        provisioned.len(),
        named(provisioned)
    ))
}

/// Names organizations by key, name and id.
fn named(organizations: &[UndeclaredOrganization]) -> String {
    let named = organizations.iter().map(|organization| {
        let UndeclaredOrganization {
            id,
            name,
            external_id,
        } = organization;
        let key = external_id.as_ref().map(|it| format!("`{it}` "));
        format!("{}{name} ({id})", key.unwrap_or_default())
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Says how many intents were not read in this run, and which command reads them.
pub(crate) fn unread_note(readiness: &Readiness) -> Option<String> {
    let count = readiness.totals().not_read;
    (count > 0).then(|| {
        format!(
            "{} {} not read, because this run decides nothing by {}; `portalctl status` reads {}",
            counted(count, "intent"),
            if count == 1 { "was" } else { "were" },
            if count == 1 { "it" } else { "them" },
            if count == 1 { "it" } else { "them" },
        )
    })
}

/// Says which organizations lack the verified domain that their single sign-on needs.
fn without_domain(readiness: &Readiness) -> Option<String> {
    let lacks = |organization: &&OrganizationReadiness| {
        let mut intents = organization.intents.iter();
        intents.any(|intent| intent.missing_domain == Some(MissingDomain::Missing))
    };
    let lacking: Vec<&OrganizationReadiness> =
        readiness.organizations.iter().filter(lacks).collect();
    let first = lacking.first()?;
    let named: Vec<String> = lacking
        .iter()
        .take(NAMED)
        .map(|one| format!("`{}`", one.key))
        .collect();
    let more = and_more(lacking.len().saturating_sub(NAMED));
    let count = lacking.len();
    Some(format!(
        "sso of {} needs a verified domain, which {} not have: {}{more}; `portalctl status` tells \
         the next step, as in `portalctl verify-domain {}`",
        counted(count, "organization"),
        if count == 1 { "it does" } else { "they do" },
        named.join(", "),
        first.key
    ))
}
