//! An independent checker of plans: it did not write them, and shares no rule's code with what did.
//!
//! Tests run it on every plan they make. Each finding is one sentence; a sound plan has none.

use std::collections::{BTreeMap, BTreeSet};

use super::{ActionKind, Change, Plan};
use crate::model::desired::{Desired, FieldPath};
use crate::model::observed::Observed;
use crate::model::{OrganizationId, mark};

/// Finds what no plan may hold.
pub fn lint(plan: &Plan, desired: &Desired, observed: &Observed) -> Vec<String> {
    let mut findings = Vec::new();
    for change in plan
        .changes
        .iter()
        .chain(plan.held.iter().map(|held| &held.change))
    {
        subject(change, desired, observed, &mut findings);
        fields(change, observed, &mut findings);
    }
    at_most_once(plan, &mut findings);
    conflicts_stand_still(plan, &mut findings);
    let mut sorted = plan.changes.clone();
    sorted.sort_by_key(|change| (change.action.kind(), change.key.clone()));
    if sorted
        .iter()
        .map(|c| &c.key)
        .ne(plan.changes.iter().map(|c| &c.key))
    {
        findings.push("changes are not in order".to_owned());
    }
    findings
}

/// A change is for a declared entry, and to an organization that exists and is not another's.
fn subject(change: &Change, desired: &Desired, observed: &Observed, findings: &mut Vec<String>) {
    let key = &change.key;
    let Some(entry) = desired.organizations.get(key) else {
        findings.push(format!("{key} is not declared"));
        return;
    };
    let Some(id) = change.action.organization() else {
        if entry.id.is_some() {
            findings.push(format!("{key} is pinned and would be created"));
        }
        return;
    };
    let Some(live) = observed.organizations.get(id) else {
        findings.push(format!("{key} would change {id}, which does not exist"));
        return;
    };
    let declared: BTreeSet<&str> = entry
        .external_id
        .iter()
        .chain(&entry.previous_keys)
        .map(crate::model::ExternalId::as_str)
        .collect();
    let is_its_own = match change.action.kind() {
        ActionKind::Update => {
            entry.id.as_ref() == Some(id)
                || live
                    .external_id
                    .as_deref()
                    .is_some_and(|id| declared.contains(id))
        }
        ActionKind::Adopt => {
            live.external_id.is_none()
                && live.domains.iter().any(|held| {
                    held.state.is_verified()
                        && entry
                            .domains
                            .iter()
                            .any(|domains| domains.contains_key(&held.domain))
                })
        }
        ActionKind::Create => false,
    };
    if !is_its_own {
        findings.push(format!("{key} would change {id}, which is not its own"));
    }
}

/// A field says truly what is live, and changes something.
fn fields(change: &Change, observed: &Observed, findings: &mut Vec<String>) {
    let key = &change.key;
    let live = change
        .action
        .organization()
        .and_then(|id| observed.organizations.get(id));
    let mut seen = BTreeSet::new();
    for field in &change.fields {
        if !seen.insert(&field.path) {
            findings.push(format!("{key} sets {} twice", field.path));
        }
        if field.before == field.after {
            findings.push(format!("{key} sets {} to what it is", field.path));
        }
        let before = live.and_then(|live| match &field.path {
            FieldPath::Name => Some(live.name.clone()),
            FieldPath::ExternalId => live.external_id.clone(),
            FieldPath::StripeCustomerId => live.stripe_customer_id.clone(),
            FieldPath::Metadata(name) => live.metadata.get(name).cloned(),
            FieldPath::Domain(name) => live.domain(name).map(|held| held.state.to_string()),
            FieldPath::ItContact(_) | FieldPath::Whole(_) => None,
        });
        if field.before != before {
            findings.push(format!(
                "{key} says that {} is {:?}",
                field.path, field.before
            ));
        }
        let is_owner_mark = matches!(&field.path, FieldPath::Metadata(name) if name == mark::OWNER);
        if is_owner_mark && change.action.kind() != ActionKind::Create {
            findings.push(format!("{key} would get an owner mark although it exists"));
        }
    }
    if change.fields.is_empty() {
        findings.push(format!("{key} has a change without fields"));
    }
}

/// No organization is created twice, and none is changed for two entries.
fn at_most_once(plan: &Plan, findings: &mut Vec<String>) {
    let mut created = BTreeSet::new();
    let mut external_ids = BTreeSet::new();
    let mut changed: BTreeMap<&OrganizationId, &str> = BTreeMap::new();
    for change in &plan.changes {
        let key = change.key.as_str();
        match change.action.organization() {
            None if !created.insert(key) => findings.push(format!("{key} is created twice")),
            Some(id) if *changed.entry(id).or_insert(key) != key => {
                findings.push(format!("{id} is changed for two entries"));
            }
            None | Some(_) => {}
        }
        for field in change
            .fields
            .iter()
            .filter(|field| field.path == FieldPath::ExternalId)
        {
            if !external_ids.insert(&field.after) {
                findings.push(format!("{:?} is given to two organizations", field.after));
            }
        }
    }
}

/// Nothing is done for an entry that a person must decide about.
fn conflicts_stand_still(plan: &Plan, findings: &mut Vec<String>) {
    let conflicted: BTreeSet<_> = plan
        .conflicts
        .iter()
        .map(|conflict| &conflict.key)
        .collect();
    for change in plan
        .changes
        .iter()
        .filter(|change| conflicted.contains(&change.key))
    {
        findings.push(format!(
            "{} is in conflict and would be changed",
            change.key
        ));
    }
}
