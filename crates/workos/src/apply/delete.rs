//! Deleting an organization: every guard is checked again right before it.
//!
//! The organization has to carry the manifest's owner mark (or, where the entry declares `state:
//! absent`, the marks that the plan showed or none), must not be protected, must still be what the
//! plan named, and may not be in use in a way that the plan did not show.

use std::time::Duration;

use super::{Options, Outcome, Problem, Stop, failed, lost, not_looked_at};
use crate::{ApiError, ApiErrorKind, WritePortal};
use portalctl_core::plan::{Change, Evidence, FieldChange, in_use};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::Organization;
use portalctl_model::{ManifestName, OrganizationId, mark};

/// How long an accepted deletion is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether the organization is gone.
const EVERY: Duration = Duration::from_secs(1);

pub(super) async fn delete(
    portal: &impl WritePortal,
    id: &OrganizationId,
    change: &Change,
    manifest: Option<&ManifestName>,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let live = match portal.organization(id).await {
        Ok(Some(live)) => live,
        Ok(None) => return Outcome::Gone,
        Err(error) => return not_looked_at(&error, stop),
    };
    match guards(portal, &live, change, manifest).await {
        Ok(None) => {}
        Ok(Some(problem)) => return Outcome::Refused(problem),
        Err(error) => return not_looked_at(&error, stop),
    }
    let lost_write = match portal.delete_organization(id).await {
        Ok(()) => None,
        Err(error) if error.kind == ApiErrorKind::NotFound => return Outcome::Gone,
        // Whether it was carried out is told by whether the organization goes.
        Err(error) if error.is_ambiguous() => Some(error),
        Err(error) => return failed(&error, None, stop),
    };
    wait_until_gone(portal, id, lost_write.as_ref(), options, stop).await
}

/// The first guard that no longer holds.
async fn guards(
    portal: &impl WritePortal,
    live: &Organization,
    change: &Change,
    manifest: Option<&ManifestName>,
) -> Result<Option<Problem>, ApiError> {
    let refuse = |message: String| Ok(Some(Problem::new(codes::GUARD, message)));
    let mark_of = |key: &str| {
        let path = FieldPath::Metadata(key.to_owned());
        let shown = change.fields.iter().find(|field| field.path == path);
        shown.and_then(|field| field.before.as_deref())
    };
    let owner = live.metadata.get(mark::OWNER).map(String::as_str);
    let is_ours = owner.is_some() && owner == manifest.map(ManifestName::as_str);
    let is_declared = change
        .fields
        .iter()
        .any(|field| field.path == FieldPath::State);
    let is_as_shown = is_declared && owner == mark_of(mark::OWNER);
    if !is_ours && !is_as_shown {
        return refuse(if is_declared {
            "another manifest took the organization since the plan was made".to_owned()
        } else {
            "the organization does not carry this manifest's owner mark".to_owned()
        });
    }
    if live.metadata.contains_key(mark::PROTECT) {
        return refuse("the organization is protected".to_owned());
    }
    let holder = live.metadata.get(mark::HOLDER).map(String::as_str);
    if holder != mark_of(mark::HOLDER) {
        return refuse("another holder took the organization since the plan was made".to_owned());
    }
    let moved = change.fields.iter().find(|field| !still_holds(field, live));
    if let Some(field) = moved {
        let message = format!("{} changed since the plan was made", field.path);
        return Ok(Some(Problem::stale(message)));
    }
    let usage = portal.usage(&live.id).await?;
    let is_shown = |evidence: &Evidence| {
        let mut fields = change.fields.iter();
        fields.any(|field| evidence.is_shown_by(field))
    };
    let found: Vec<String> = in_use(live, Some(&usage))
        .iter()
        .filter(|evidence| !is_shown(evidence))
        .map(Evidence::to_string)
        .collect();
    if !found.is_empty() {
        return refuse(format!("the organization is in use: {}", found.join("; ")));
    }
    Ok(None)
}

fn still_holds(field: &FieldChange, live: &Organization) -> bool {
    match &field.path {
        FieldPath::Name => field.before.as_deref() == Some(live.name.as_str()),
        FieldPath::ExternalId => field.before == live.external_id,
        FieldPath::StripeCustomerId
        | FieldPath::OutsideProfiles
        | FieldPath::RetentionDays
        | FieldPath::State
        | FieldPath::Domain(_)
        | FieldPath::ItContact(_)
        | FieldPath::Metadata(_)
        | FieldPath::Connection(_)
        | FieldPath::Directory(_)
        | FieldPath::Dependent(_)
        | FieldPath::Whole(_) => true,
    }
}

/// WorkOS may accept a deletion and carry it out later.
async fn wait_until_gone(
    portal: &impl WritePortal,
    id: &OrganizationId,
    lost_write: Option<&ApiError>,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let deadline = options.clock.instant() + PATIENCE;
    loop {
        match portal.organization(id).await {
            Ok(None) => return Outcome::Gone,
            Ok(Some(_)) if options.clock.instant() >= deadline => {
                let message = format!(
                    "the deletion was accepted, and {id} is still there after {} s",
                    PATIENCE.as_secs()
                );
                return Outcome::Unknown(Problem::new(codes::STILL_THERE, message).repeatable());
            }
            Ok(Some(_)) => options.clock.sleep(EVERY).await,
            Err(error) => {
                return match lost_write {
                    Some(write) => lost(write, &error, stop),
                    None => accepted(id, &error, stop),
                };
            }
        }
    }
}

/// The deletion was accepted, and whether it was carried out could not be seen.
fn accepted(id: &OrganizationId, lookup: &ApiError, stop: &Stop) -> Outcome {
    stop.heed(lookup);
    let message = format!(
        "the deletion of {id} was accepted; looking whether it is gone: {}",
        lookup.summary()
    );
    let problem = Problem {
        message,
        ..Problem::of(lookup).repeatable()
    };
    Outcome::Unknown(problem)
}
