//! Deleting an organization: every guard is checked again right before it.
//!
//! The organization has to carry the manifest's owner mark (or, where the entry declares `state:
//! absent`, the marks that the plan showed or none), must not be protected, must still be what the
//! plan named, and may not be in use in a way that the plan did not show.

use std::time::Duration;

use super::applier::Applier;
use super::outcome::{Outcome, Problem};
use crate::{ApiError, ApiErrorKind, WritePortal};
use portalctl_core::plan::{Change, Evidence, FieldChange, in_use};
use portalctl_model::codes::plan as codes;
use portalctl_model::observed::{Organization, Usage};
use portalctl_model::{ManifestName, OrganizationId, mark};

/// Longest wait for an accepted deletion to be carried out.
const DELETION_TIMEOUT: Duration = Duration::from_mins(1);
/// Time between two looks at whether the organization is gone.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl<P: WritePortal> Applier<'_, P> {
    /// Deletes an organization, once every guard was checked again.
    pub(super) async fn delete(&self, id: &OrganizationId, change: &Change) -> Outcome {
        let live = match self.portal.organization(id).await {
            Ok(Some(live)) => live,
            Ok(None) => return Outcome::Gone,
            Err(error) => return self.not_tried(&error),
        };
        let manifest = self.plan.target.manifest.as_ref();
        if let Some(problem) = guard(&live, change, manifest) {
            return Outcome::Refused(problem);
        }
        match self.portal.usage(id).await {
            Ok(usage) => {
                if let Some(problem) = hidden_use(&live, &usage, change) {
                    return Outcome::Refused(problem);
                }
            }
            Err(error) => return self.not_tried(&error),
        }
        let lost_write = match self.portal.delete_organization(id).await {
            Ok(()) => None,
            Err(error) if error.kind == ApiErrorKind::NotFound => return Outcome::Gone,
            // Whether it was carried out is told by whether the organization goes.
            Err(error) if error.is_ambiguous() => Some(error),
            Err(error) => return self.failed(&error, None),
        };
        self.note_written(id);
        self.wait_until_gone(id, lost_write.as_ref()).await
    }

    /// Waits for a deletion that WorkOS accepted and may carry out later.
    async fn wait_until_gone(&self, id: &OrganizationId, lost_write: Option<&ApiError>) -> Outcome {
        let clock = self.options.clock;
        let deadline = clock.instant() + DELETION_TIMEOUT;
        loop {
            match self.portal.organization(id).await {
                Ok(None) => return Outcome::Gone,
                Ok(Some(_)) if clock.instant() >= deadline => {
                    let sent = match lost_write {
                        Some(_) => "the answer to the deletion was lost",
                        None => "the deletion was accepted",
                    };
                    let message = format!(
                        "{sent}, and {id} is still there after {} s",
                        DELETION_TIMEOUT.as_secs()
                    );
                    let problem = Problem::new(codes::STILL_THERE, message);
                    return Outcome::Unknown(problem.repeatable());
                }
                Ok(Some(_)) => clock.sleep(LOOK_INTERVAL).await,
                Err(lookup) => {
                    return match lost_write {
                        Some(write) => self.lost(write, &lookup),
                        None => self.accepted(id, &lookup),
                    };
                }
            }
        }
    }

    /// Returns the outcome of a deletion that was accepted and could not be seen to be carried out.
    fn accepted(&self, id: &OrganizationId, lookup: &ApiError) -> Outcome {
        self.record_error(lookup);
        Outcome::Unknown(Problem {
            message: format!(
                "the deletion of {id} was accepted; looking whether it is gone: {}",
                lookup.summary()
            ),
            ..Problem::of(lookup).repeatable()
        })
    }
}

/// Returns the first guard that no longer holds.
fn guard(live: &Organization, change: &Change, manifest: Option<&ManifestName>) -> Option<Problem> {
    let refuse = |message: &str| Some(Problem::new(codes::GUARD, message));
    let mark_of = |name: &str| {
        let mut fields = change.fields.iter();
        fields.find(|field| field.is_mark_of(name))?.before()
    };
    let owner = live.metadata.get(mark::OWNER).map(String::as_str);
    let is_ours = owner.is_some() && owner == manifest.map(ManifestName::as_str);
    let is_declared = change.fields.contains(&FieldChange::State);
    let is_as_shown = is_declared && owner == mark_of(mark::OWNER).as_deref();
    if !is_ours && !is_as_shown {
        return refuse(if is_declared {
            "another manifest took the organization since the plan was made"
        } else {
            "the organization does not carry this manifest's owner mark"
        });
    }
    if live.metadata.contains_key(mark::PROTECT) {
        return refuse("the organization is protected");
    }
    let holder = live.metadata.get(mark::HOLDER).map(String::as_str);
    if holder != mark_of(mark::HOLDER).as_deref() {
        return refuse("another holder took the organization since the plan was made");
    }
    let moved = change
        .fields
        .iter()
        .find(|field| !still_holds(field, live))?;
    let message = format!("{} changed since the plan was made", moved.path());
    Some(Problem::stale(message))
}

/// Returns the problem that an organization is in use in a way that the plan did not show.
fn hidden_use(live: &Organization, usage: &Usage, change: &Change) -> Option<Problem> {
    let is_shown = |evidence: &Evidence| {
        let mut fields = change.fields.iter();
        fields.any(|field| evidence.is_shown_by(field))
    };
    let evidence = in_use(live, Some(usage));
    let found = evidence.iter().filter(|evidence| !is_shown(evidence));
    let found: Vec<String> = found.map(Evidence::to_string).collect();
    let message = format!("the organization is in use: {}", found.join("; "));
    (!found.is_empty()).then(|| Problem::new(codes::GUARD, message))
}

/// Returns whether the name or the external id that a plan showed is still the organization's.
fn still_holds(field: &FieldChange, live: &Organization) -> bool {
    match field {
        FieldChange::Name { before, .. } => before.as_deref() == Some(live.name.as_str()),
        FieldChange::ExternalId { before, .. } => *before == live.external_id,
        _ => true,
    }
}
