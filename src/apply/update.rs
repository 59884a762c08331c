//! Changing an organization: read again right before writing, merged from that read.
//!
//! A field that is already in its planned after-state counts as done; one that is neither before
//! nor after makes the change stale, and nothing of it is written.

use std::collections::BTreeMap;

use super::{BEFORE_LOOKING, MAX_ATTEMPTS, Options, Outcome, Problem, Stop, lost, refused};
use crate::codes::plan as codes;
use crate::model::desired::FieldPath;
use crate::model::observed::Organization;
use crate::model::text::escape;
use crate::model::{Domain, ExternalId, OrganizationId};
use crate::plan::{Change, FieldChange};
use crate::workos::{ApiError, ApiErrorKind, OrganizationPatch, WritePortal};

pub(super) async fn update(
    portal: &impl WritePortal,
    id: &OrganizationId,
    change: &Change,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let mut lost_write: Option<ApiError> = None;
    for attempt in 1..=MAX_ATTEMPTS {
        let live = match portal.organization(id).await {
            Ok(Some(live)) => live,
            Ok(None) => {
                return Outcome::Refused(Problem::new(codes::GONE, format!("{id} is gone")));
            }
            Err(error) => {
                return match &lost_write {
                    Some(write) => lost(write, &error, stop),
                    None => not_read(&error, stop),
                };
            }
        };
        let todo = match remaining(change, &live) {
            Ok(todo) => todo,
            Err(problem) => return Outcome::Refused(problem),
        };
        match write(portal, live, todo).await {
            Ok(organization) => return Outcome::Done(Box::new(organization)),
            Err(error) if error.is_ambiguous() => {
                options.clock.sleep(BEFORE_LOOKING * attempt).await;
                lost_write = Some(error);
            }
            Err(error) => return refused(&error, stop),
        }
    }
    let message = lost_write
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let code = lost_write.as_ref().map_or(codes::STALE, ApiError::code);
    Outcome::Unknown(Problem::new(
        code,
        format!("{message}; tried {MAX_ATTEMPTS} times"),
    ))
}

/// The read before the write failed: nothing was changed.
fn not_read(error: &ApiError, stop: &Stop) -> Outcome {
    stop.heed(error);
    Outcome::NotTried(Problem::of(error))
}

/// The fields that still have to be written, or the one that somebody else moved.
fn remaining<'a>(change: &'a Change, live: &Organization) -> Result<Vec<&'a FieldChange>, Problem> {
    let mut todo = Vec::new();
    for field in &change.fields {
        let now = live_value(live, &field.path);
        if is_after(field, now.as_deref()) {
            continue;
        }
        if now != field.before {
            let shown = |value: Option<&str>| match value {
                Some(value) => format!("\"{}\"", escape(value)),
                None => "absent".to_owned(),
            };
            return Err(Problem::stale(format!(
                "{} is {}, the plan expected {}: somebody changed it meanwhile",
                field.path,
                shown(now.as_deref()),
                shown(field.before.as_deref())
            )));
        }
        todo.push(field);
    }
    Ok(todo)
}

/// A domain that is there in any state is as good as added; WorkOS moves its state.
fn is_after(field: &FieldChange, now: Option<&str>) -> bool {
    match &field.path {
        FieldPath::Domain(_) => field.after.is_some() == now.is_some(),
        _ => field.after.as_deref() == now,
    }
}

fn live_value(live: &Organization, path: &FieldPath) -> Option<String> {
    match path {
        FieldPath::Name => Some(live.name.clone()),
        FieldPath::ExternalId => live.external_id.clone(),
        FieldPath::StripeCustomerId => live.stripe_customer_id.clone(),
        FieldPath::Metadata(key) => live.metadata.get(key).cloned(),
        FieldPath::Domain(domain) => live.domain(domain).map(|held| held.state.to_string()),
        FieldPath::ItContact(_) | FieldPath::Whole(_) => None,
    }
}

/// Writes fields: one PUT for the object, then one request for each domain.
async fn write(
    portal: &impl WritePortal,
    live: Organization,
    todo: Vec<&FieldChange>,
) -> Result<Organization, ApiError> {
    let patch = patch(&live, &todo);
    let mut organization = live;
    if !patch.is_empty() {
        organization = portal.update_organization(&organization.id, &patch).await?;
        organization = remove_leftovers(portal, organization, &patch, &todo).await?;
    }
    for field in todo {
        let FieldPath::Domain(domain) = &field.path else {
            continue;
        };
        if field.after.is_some() {
            add_domain(portal, &mut organization, domain).await?;
        } else {
            remove_domain(portal, &mut organization, domain).await?;
        }
    }
    Ok(organization)
}

/// The object's fields to send; metadata always whole, as merged from the fresh read.
fn patch(live: &Organization, todo: &[&FieldChange]) -> OrganizationPatch {
    let mut patch = OrganizationPatch::default();
    for field in todo {
        match &field.path {
            FieldPath::Name => patch.name.clone_from(&field.after),
            FieldPath::ExternalId => {
                patch.external_id = field
                    .after
                    .as_deref()
                    .and_then(|id| ExternalId::parse(id).ok());
            }
            FieldPath::StripeCustomerId => patch.stripe_customer_id.clone_from(&field.after),
            FieldPath::Metadata(key) => {
                let metadata = patch.metadata.get_or_insert_with(|| whole_metadata(live));
                match &field.after {
                    Some(value) => metadata.insert(key.clone(), Some(value.clone())),
                    None => metadata.remove(key),
                };
            }
            FieldPath::Domain(_) | FieldPath::ItContact(_) | FieldPath::Whole(_) => {}
        }
    }
    patch
}

fn whole_metadata(live: &Organization) -> BTreeMap<String, Option<String>> {
    live.metadata
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())))
        .collect()
}

/// Whether PUT replaces or merges metadata is not documented beyond doubt: keys that this change
/// removes and that are still there are sent once more as null.
async fn remove_leftovers(
    portal: &impl WritePortal,
    updated: Organization,
    sent: &OrganizationPatch,
    fields: &[&FieldChange],
) -> Result<Organization, ApiError> {
    let leftovers: BTreeMap<String, Option<String>> = fields
        .iter()
        .filter(|field| field.after.is_none())
        .filter_map(|field| match &field.path {
            FieldPath::Metadata(key) if updated.metadata.contains_key(key) => {
                Some((key.clone(), None))
            }
            _ => None,
        })
        .collect();
    if leftovers.is_empty() {
        return Ok(updated);
    }
    let mut with_nulls = sent.metadata.clone().unwrap_or_default();
    with_nulls.extend(leftovers);
    let patch = OrganizationPatch {
        metadata: Some(with_nulls),
        ..OrganizationPatch::default()
    };
    portal.update_organization(&updated.id, &patch).await
}

async fn add_domain(
    portal: &impl WritePortal,
    organization: &mut Organization,
    domain: &Domain,
) -> Result<(), ApiError> {
    match portal.add_domain(&organization.id, domain).await {
        Ok(added) => {
            organization
                .domains
                .retain(|held| held.domain != added.domain);
            organization.domains.push(added);
            organization.domains.sort_by(|a, b| a.domain.cmp(&b.domain));
            Ok(())
        }
        Err(error) if error.kind == ApiErrorKind::Rejected && is_there(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The organization has the domain already: what was wanted.
fn is_there(error: &ApiError) -> bool {
    error.upstream_code.as_deref() == Some("domain_already_exists")
}

async fn remove_domain(
    portal: &impl WritePortal,
    organization: &mut Organization,
    domain: &Domain,
) -> Result<(), ApiError> {
    if let Some(id) = organization.domain(domain).and_then(|held| held.id.clone()) {
        portal.remove_domain(&id).await?;
    }
    organization.domains.retain(|held| held.domain != *domain);
    Ok(())
}
