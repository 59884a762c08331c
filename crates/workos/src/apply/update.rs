//! Changing an organization: read again right before writing, merged from that read.
//!
//! A field that is already in its planned after-state counts as done; one that is neither before
//! nor after makes the change stale, and nothing of it is written. Writes are independent of each
//! other: one PUT for the organization's own fields, one request for each domain and IT contact.
//! One that is refused does not stop the others, and metadata that is refused does not stop the
//! other fields of its PUT.

use std::collections::VecDeque;

use super::answered::Answered;
use super::applier::Applier;
use super::organization_writer::{OrganizationWriter, Reach, Stopped};
use super::outcome::{FieldOutcome, Outcome, OutcomeKind, Problem};
use super::owner;
use super::remaining::{Separate, is_contact, is_declared_metadata, remaining};
use crate::WritePortal;
use portalctl_core::plan::{Change, FieldChange, Ownership};
use portalctl_model::OrganizationId;
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::Organization;
use portalctl_model::text::{escape, mask_addresses};

/// Most refused fields that the message of a change names.
const MAX_NAMED: usize = 10;

impl<P: WritePortal> Applier<'_, P> {
    /// Changes an organization, unless somebody took it since the plan was made.
    pub(super) async fn update(
        &self,
        id: &OrganizationId,
        change: &Change,
        answered: &Answered,
    ) -> Outcome {
        match self.portal.organization(id).await {
            Ok(Some(live)) if owner::has_moved(self.plan, &live) => owner::refused(live),
            Ok(Some(live)) => self.apply_fields(live, &change.fields, answered).await,
            Ok(None) => Outcome::gone(id),
            Err(error) => self.not_tried(&error),
        }
    }

    /// Brings an organization that was just read to the after-state of fields, and notes values
    /// that an answer shows otherwise than they were sent.
    pub(super) async fn apply_fields(
        &self,
        live: Organization,
        fields: &[FieldChange],
        answered: &Answered,
    ) -> Outcome {
        let all: Vec<&FieldChange> = fields.iter().collect();
        if let Err(problem) = remaining(&all, &live, &Separate::default()) {
            return Outcome::Refused(problem.leaving(live));
        }
        let mut writer = OrganizationWriter {
            applier: self,
            answered,
            seen: Ownership::of(&live),
            fields,
            live,
            separate: Separate::default(),
            has_written: false,
            may_be_old: false,
        };
        let mut ended: Vec<Ended<'_>> = Vec::new();
        let mut end: Option<Problem> = None;
        let mut no_contacts: Option<Outcome> = None;
        let mut queue = VecDeque::from(writes(fields));
        while let Some(mut write) = queue.pop_front() {
            let is_contact = write.iter().copied().any(is_contact);
            let result = match (&end, &no_contacts) {
                (Some(problem), _) => Err(Outcome::NotTried(problem.clone())),
                (None, Some(refused)) if is_contact => Err(refused.clone()),
                (None, _) => match writer.attempt(&write).await {
                    Ok(()) => Ok(()),
                    Err(Stopped { mut outcome, reach }) => {
                        match reach {
                            Reach::Write => {}
                            Reach::Metadata => {
                                let rest = write
                                    .extract_if(.., |field| !is_declared_metadata(field))
                                    .collect();
                                queue.push_front(rest);
                            }
                            Reach::Contacts => match writer.without_contacts(&outcome).await {
                                Ok(()) => no_contacts = Some(outcome.clone()),
                                Err(gone) => {
                                    outcome = gone;
                                    end = outcome.problem().cloned();
                                }
                            },
                            Reach::Change => end = outcome.problem().cloned(),
                        }
                        Err(outcome)
                    }
                },
            };
            for field in write {
                // What the organization has after all, whatever else of the request failed.
                let result = if writer.has(field) {
                    Ok(())
                } else {
                    result.clone()
                };
                ended.push((field, result));
            }
        }
        account(writer, &ended)
    }
}

/// A field with the outcome of its write.
type Ended<'a> = (&'a FieldChange, Result<(), Outcome>);

/// The writes that fields take, in order: the object's own fields together, every other by itself.
fn writes(fields: &[FieldChange]) -> Vec<Vec<&FieldChange>> {
    let (alone, together): (Vec<&FieldChange>, Vec<&FieldChange>) =
        fields.iter().partition(|field| stands_alone(field));
    let mut writes = Vec::with_capacity(alone.len() + 1);
    if !together.is_empty() {
        writes.push(together);
    }
    writes.extend(alone.into_iter().map(|field| vec![field]));
    writes
}

/// Returns whether a field is written by a request of its own.
const fn stands_alone(field: &FieldChange) -> bool {
    matches!(
        field,
        FieldChange::Domain { .. } | FieldChange::ItContact(_) | FieldChange::RetentionDays { .. }
    )
}

/// Puts together the outcomes of all fields.
fn account<P>(writer: OrganizationWriter<'_, P>, ended: &[Ended<'_>]) -> Outcome {
    let OrganizationWriter {
        applier,
        answered,
        live,
        has_written,
        ..
    } = writer;
    if has_written {
        applier.note_written(&live.id);
    }
    let lacks_contacts = answered.without_contacts().is_some();
    let not_done = || {
        let failed = ended.iter();
        failed
            .filter(|(field, _)| !(lacks_contacts && is_contact(field)))
            .filter_map(|(field, result)| Some((*field, result.as_ref().err()?)))
    };
    let of = |kind: OutcomeKind| {
        let mut found = not_done();
        found.find_map(|(_, outcome)| (outcome.kind() == kind).then_some(outcome))
    };
    let unknown = of(OutcomeKind::Unknown);
    let refused = of(OutcomeKind::Refused);
    let untried = of(OutcomeKind::NotTried);
    let Some((first, worst)) = unknown
        .or(refused)
        .or(untried)
        .and_then(|outcome| Some((outcome, outcome.problem()?)))
    else {
        return Outcome::Done(Box::new(live));
    };
    let told = told(not_done(), ended.len());
    let message = if has_written {
        format!("part of it was done, but {told}")
    } else {
        told
    };
    let problems = || not_done().filter_map(|(_, outcome)| outcome.problem());
    let problem = Problem {
        can_repeat: problems().any(|problem| problem.can_repeat),
        fields: ended
            .iter()
            .map(|(field, end)| of_field(field, end))
            .collect(),
        ..Problem::new(worst.code, message)
    };
    let problem = problem.with_requests_of(problems()).leaving(live);
    match first.kind() {
        OutcomeKind::Unknown => Outcome::Unknown(problem),
        // Something was done: it can no longer be called not tried.
        OutcomeKind::NotTried if !has_written => Outcome::NotTried(problem),
        OutcomeKind::NotTried | OutcomeKind::Refused | OutcomeKind::Done => {
            Outcome::Refused(problem)
        }
    }
}

/// Returns the outcome of one field of a change.
fn of_field(field: &FieldChange, end: &Result<(), Outcome>) -> FieldOutcome {
    let outcome = end.as_ref().err();
    let problem = outcome.and_then(Outcome::problem);
    FieldOutcome {
        path: field.path(),
        kind: outcome.map_or(OutcomeKind::Done, Outcome::kind),
        problem: problem.cloned(),
    }
}

/// The failures in one sentence: each once, with the domain or contact that it is about.
fn told<'a>(
    not_done: impl Iterator<Item = (&'a FieldChange, &'a Outcome)>,
    total: usize,
) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut last: Option<&str> = None;
    for (field, outcome) in not_done {
        let Some(problem) = outcome.problem() else {
            continue;
        };
        // Fields of one request share its failure, and so does what was not tried after it.
        if last == Some(problem.message.as_str()) {
            continue;
        }
        last = Some(&problem.message);
        told.push(if total > 1 && stands_alone(field) {
            named(&field.path(), &problem.message)
        } else {
            problem.message.clone()
        });
    }
    let more = told.len().saturating_sub(MAX_NAMED);
    told.truncate(MAX_NAMED);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told.join("; ")
}

/// A failure with the field that it is about; addresses are masked.
pub(super) fn named(path: &FieldPath, message: &str) -> String {
    let path = match path {
        FieldPath::ItContact(email) => format!("it_contacts.{}", mask_addresses(email.as_str())),
        _ => path.to_string(),
    };
    format!("{}: {message}", escape(&path))
}
