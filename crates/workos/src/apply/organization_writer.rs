//! Writes to one organization, one request after the other.
//!
//! Goes in: the organization as it was just read, and the fields to write. Comes out: each write's
//! result, and the organization as the answers show it. A lost answer is looked up before anything
//! is sent again; metadata is never sent from a read that has become old.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answered::Answered;
use super::applier::{Applier, BEFORE_LOOKING, EARLIER_TRY, MAX_ATTEMPTS};
use super::outcome::{Outcome, Problem};
use super::owner;
use super::remaining::{Retention, Separate, is_contact, is_declared_metadata, remaining};
use crate::{ApiError, ApiErrorKind, OrganizationPatch, WritePortal};
use portalctl_core::plan::{FieldChange, Ownership};
use portalctl_model::codes::{api, plan as codes};
use portalctl_model::desired::FieldPath;
use portalctl_model::observed::{Answer, Organization};
use portalctl_model::text::escape;
use portalctl_model::{Domain, Email};

/// Most reads from which metadata that could not be sent in time is merged anew.
const MAX_PUT_OFF: u32 = 5;

/// Longest wait before metadata is merged anew.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// A write that was not done, and what else cannot be done because of it.
pub(super) struct Stopped {
    pub(super) outcome: Outcome,
    pub(super) reach: Reach,
}

impl Stopped {
    const fn write(outcome: Outcome) -> Self {
        Self {
            outcome,
            reach: Reach::Write,
        }
    }

    const fn change(outcome: Outcome) -> Self {
        Self {
            outcome,
            reach: Reach::Change,
        }
    }
}

/// Scope of the failure of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The write alone.
    Write,
    /// The declared metadata of the write; its other fields are sent again by themselves.
    Metadata,
    /// Every IT contact of the organization.
    Contacts,
    /// Every further write of the change.
    Change,
}

impl Reach {
    /// Returns the scope of a refusal.
    fn of(error: &ApiError, write: &[&FieldChange]) -> Self {
        let of_domains = write
            .iter()
            .any(|field| matches!(field, FieldChange::Domain { .. }));
        match error.kind {
            _ if error.is_fatal() => Self::Change,
            ApiErrorKind::RateLimited | ApiErrorKind::Withheld => Self::Change,
            ApiErrorKind::NotFound | ApiErrorKind::Forbidden
                if write.iter().copied().any(is_contact) =>
            {
                Self::Contacts
            }
            ApiErrorKind::NotFound if !of_domains && !write.iter().copied().any(is_retention) => {
                Self::Change
            }
            _ if error.is_about_metadata() && has_more_than_metadata(write) => Self::Metadata,
            _ => Self::Write,
        }
    }
}

/// Returns whether a write holds declared metadata and something else.
fn has_more_than_metadata(write: &[&FieldChange]) -> bool {
    let metadata = write.iter().filter(|field| is_declared_metadata(field));
    let metadata = metadata.count();
    metadata > 0 && metadata < write.len()
}

const fn is_retention(field: &FieldChange) -> bool {
    matches!(field, FieldChange::RetentionDays { .. })
}

/// Reason why a write was not done.
enum Failure {
    /// A request failed.
    Api(ApiError),
    /// WorkOS answered, but not so that the change is done.
    Told(Problem),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// Writer of one organization, which keeps what each answer says of it.
pub(super) struct OrganizationWriter<'a, P> {
    pub(super) applier: &'a Applier<'a, P>,
    pub(super) answered: &'a Answered,
    /// The marks with which the organization was read, right before the first write.
    pub(super) seen: Ownership,
    /// Every field that is to be written.
    pub(super) fields: &'a [FieldChange],
    pub(super) live: Organization,
    pub(super) separate: Separate,
    /// True once a write surely took effect.
    pub(super) has_written: bool,
    /// True once metadata was merged anew often enough: it is sent although it waits long for its
    /// turn.
    pub(super) may_be_old: bool,
}

impl<P: WritePortal> OrganizationWriter<'_, P> {
    /// Returns whether the organization is in the after-state of a field.
    pub(super) fn has(&self, field: &FieldChange) -> bool {
        remaining(&[field], &self.live, &self.separate).is_ok_and(|todo| todo.is_empty())
    }

    /// Makes one write, looked up and sent again while its answers are lost.
    pub(super) async fn attempt(&mut self, write: &[&FieldChange]) -> Result<(), Stopped> {
        if write.iter().copied().any(is_retention) {
            match self.read_retention().await {
                Ok(()) => {}
                Err(Failure::Told(problem)) => {
                    return Err(Stopped::write(Outcome::NotTried(problem)));
                }
                Err(Failure::Api(error)) => {
                    return Err(Stopped::write(self.applier.not_tried(&error)));
                }
            }
        }
        let mut attempt = 0;
        let mut put_off = 0;
        let mut lost_write: Option<ApiError> = None;
        loop {
            let todo = self.todo(write, lost_write.as_ref())?;
            if todo.is_empty() {
                return Ok(());
            }
            if let Some(lost) = lost_write.as_ref().filter(|_| attempt >= MAX_ATTEMPTS) {
                let remark = format!("it was sent {MAX_ATTEMPTS} times");
                let problem = Problem::of(lost).repeatable().noting(&remark);
                return Err(Stopped::write(Outcome::Unknown(problem)));
            }
            attempt += 1;
            self.may_be_old = put_off >= MAX_PUT_OFF;
            let error = match self.write(&todo).await {
                Ok(()) => return Ok(()),
                Err(Failure::Told(problem)) => {
                    return Err(Stopped::write(Outcome::Refused(problem)));
                }
                Err(Failure::Api(error)) => error,
            };
            if is_put_off(&error, &todo) && put_off < MAX_PUT_OFF {
                attempt -= 1;
                put_off += 1;
                let wait = error.retry_after.unwrap_or(BEFORE_LOOKING * put_off);
                self.read_again_after(wait, lost_write.as_ref()).await?;
            } else if error.is_ambiguous() {
                self.look_up(write, &error, attempt).await?;
                lost_write = Some(error);
            } else {
                let outcome = match self.taken(&error, &todo).await {
                    Some(problem) if lost_write.is_none() => Outcome::Refused(problem),
                    _ => self.applier.failed(&error, lost_write.as_ref()),
                };
                let reach = Reach::of(&error, write);
                return Err(Stopped { outcome, reach });
            }
        }
    }

    /// Returns the fields of a write that are still to be written; fails where somebody changed one
    /// of them or took the organization meanwhile.
    fn todo<'f>(
        &self,
        write: &[&'f FieldChange],
        lost_write: Option<&ApiError>,
    ) -> Result<Vec<&'f FieldChange>, Stopped> {
        let todo = remaining(write, &self.live, &self.separate)
            .map_err(|problem| Stopped::write(moved(problem, lost_write)))?;
        if !todo.is_empty() && owner::was_taken(&self.seen, &self.live, self.fields) {
            return Err(Stopped::change(taken_meanwhile(&self.live, lost_write)));
        }
        Ok(todo)
    }

    /// Waits, and reads the organization again: metadata is merged anew.
    async fn read_again_after(
        &mut self,
        wait: Duration,
        lost_write: Option<&ApiError>,
    ) -> Result<(), Stopped> {
        self.applier.options.clock.sleep(wait).await;
        match self.applier.portal.organization(&self.live.id).await {
            Ok(Some(live)) => self.live = live,
            Ok(None) => return Err(Stopped::change(Outcome::gone(&self.live.id))),
            Err(lookup) => {
                return Err(Stopped::change(match lost_write {
                    Some(write) => self.applier.lost(write, &lookup),
                    None => self.applier.not_tried(&lookup),
                }));
            }
        }
        Ok(())
    }

    /// Reads what a write whose answer was lost has made of the organization.
    async fn look_up(
        &mut self,
        write: &[&FieldChange],
        lost: &ApiError,
        attempt: u32,
    ) -> Result<(), Stopped> {
        self.read_again_after(BEFORE_LOOKING * attempt, Some(lost))
            .await?;
        if write.iter().copied().any(is_contact)
            && let Err(lookup) = self.read_contacts().await
        {
            return Err(Stopped::change(self.applier.lost(lost, &lookup)));
        }
        if write.iter().copied().any(is_retention) {
            match self.read_retention().await {
                Ok(()) => {}
                Err(Failure::Told(problem)) => {
                    return Err(Stopped::write(Outcome::Unknown(problem)));
                }
                Err(Failure::Api(lookup)) => {
                    return Err(Stopped::write(self.applier.lost(lost, &lookup)));
                }
            }
        }
        Ok(())
    }

    /// Writes fields that go together: those of the object, one domain or one contact.
    async fn write(&mut self, todo: &[&FieldChange]) -> Result<(), Failure> {
        let mut patch = patch(&self.live, todo);
        patch.may_be_old = self.may_be_old;
        if !patch.is_empty() {
            self.put(&patch).await?;
            self.answered.note(todo.iter().copied(), &self.live);
        }
        for field in todo {
            match field {
                FieldChange::Domain {
                    domain,
                    after: Some(_),
                    ..
                } => self.add_domain(domain).await?,
                FieldChange::Domain { domain, .. } => self.remove_domain(domain).await?,
                FieldChange::ItContact(email) => self.add_contact(email).await?,
                FieldChange::RetentionDays {
                    after: Some(days), ..
                } => self.set_retention(*days).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Explains a refused external id by who has it.
    async fn taken(&self, error: &ApiError, todo: &[&FieldChange]) -> Option<Problem> {
        if error.kind != ApiErrorKind::ExternalIdTaken {
            return None;
        }
        let id = todo.iter().find_map(|field| match field {
            FieldChange::ExternalId { after, .. } => after.as_ref(),
            _ => None,
        })?;
        match self.applier.portal.organization_by_external_id(id).await {
            Ok(None) => Some(Problem::deletion_under_way(id)),
            Ok(Some(other)) => {
                let (other, name) = (escape(other.id.as_str()), escape(&other.name));
                let remark = format!("{other} ({name}) has the external id `{id}`");
                Some(Problem::of(error).noting(&remark))
            }
            // The refusal stands, whoever has it.
            Err(_) => None,
        }
    }

    async fn put(&mut self, patch: &OrganizationPatch) -> Result<(), ApiError> {
        self.live = self
            .applier
            .portal
            .update_organization(&self.live.id, patch)
            .await?;
        self.has_written = true;
        Ok(())
    }

    async fn add_domain(&mut self, domain: &Domain) -> Result<(), Failure> {
        match self.applier.portal.add_domain(&self.live.id, domain).await {
            Ok(added) => {
                self.has_written = true;
                let domains = &mut self.live.domains;
                domains.retain(|live| live.domain != added.domain);
                domains.push(added);
                domains.sort_by(|a, b| a.domain.cmp(&b.domain));
                Ok(())
            }
            Err(error) if is_there(&error) => {
                // As good as added, if it is there indeed; its state is not in the refusal.
                let Some(live) = self.applier.portal.organization(&self.live.id).await? else {
                    return Err(Failure::Api(error));
                };
                self.live = live;
                match self.live.domain(domain) {
                    Some(_) => Ok(()),
                    None => Err(Failure::Api(error)),
                }
            }
            Err(error) => Err(Failure::Api(error)),
        }
    }

    async fn add_contact(&mut self, email: &Email) -> Result<(), ApiError> {
        if self.separate.contact(email).is_some() {
            return Ok(());
        }
        match self
            .applier
            .portal
            .add_it_contact(&self.live.id, email)
            .await
        {
            Ok(added) => {
                self.has_written = true;
                self.separate
                    .contacts
                    .iter_mut()
                    .for_each(|live| live.push(added.clone()));
                Ok(())
            }
            // As good as added, if it is there indeed.
            Err(error) if error.status == Some(409) => {
                self.read_contacts().await?;
                match self.separate.contact(email) {
                    Some(_) => Ok(()),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn read_contacts(&mut self) -> Result<(), ApiError> {
        self.separate.contacts = match self.applier.portal.it_contacts(&self.live.id).await? {
            Answer::Found(contacts) => Some(contacts),
            Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => None,
        };
        Ok(())
    }

    /// Reads for how many days audit-log events are kept. What WorkOS does not tell is a failure:
    /// nothing is set unseen.
    async fn read_retention(&mut self) -> Result<(), Failure> {
        let status = match self.applier.portal.retention(&self.live.id).await? {
            Answer::Found(days) => {
                self.separate.retention = Some(Retention(days));
                return Ok(());
            }
            Answer::Absent => "404",
            Answer::NotEntitled(_) => "403",
            Answer::Failed(_) => "no usable answer",
        };
        let message = format!("it could not be read what is set now: {status}");
        Err(Failure::Told(Problem::new(
            codes::RETENTION_NOT_READ,
            message,
        )))
    }

    async fn set_retention(&mut self, days: u16) -> Result<(), Failure> {
        let kept = self
            .applier
            .portal
            .set_retention(&self.live.id, days)
            .await?;
        self.has_written = true;
        self.separate.retention = Some(Retention(kept));
        if kept == Some(u32::from(days)) {
            return Ok(());
        }
        let kept = kept.map_or("nothing".to_owned(), |days| days.to_string());
        let message = format!(
            "WorkOS keeps {kept} for {}, where {days} was sent",
            FieldPath::RetentionDays
        );
        Err(Failure::Told(Problem::new(api::INVALID_ANSWER, message)))
    }

    async fn remove_domain(&mut self, domain: &Domain) -> Result<(), Failure> {
        let Some(id) = self.live.domain(domain).and_then(|live| live.id.as_deref()) else {
            return Err(Failure::Told(Problem::new(
                api::INVALID_ANSWER,
                format!("WorkOS did not tell the id of {domain}, by which it is removed"),
            )));
        };
        match self.applier.portal.remove_domain(id).await {
            Ok(()) => {}
            Err(error) if error.kind == ApiErrorKind::NotFound => {}
            Err(error) => return Err(Failure::Api(error)),
        }
        self.has_written = true;
        self.live.domains.retain(|live| live.domain != *domain);
        Ok(())
    }

    /// Notes that the account has no IT contacts; fails where the organization itself is gone.
    pub(super) async fn without_contacts(&self, refused: &Outcome) -> Result<(), Outcome> {
        let Some(problem) = refused.problem() else {
            return Ok(());
        };
        if problem.code != api::FORBIDDEN {
            // 404: of the list, or of the organization.
            match self.applier.portal.organization(&self.live.id).await {
                Ok(Some(_)) => {}
                Ok(None) => return Err(Outcome::gone(&self.live.id)),
                // The refusal stands.
                Err(_) => return Ok(()),
            }
        }
        self.answered.note_without_contacts(&problem.to_string());
        Ok(())
    }
}

/// Returns whether metadata was not sent again because the read that it was merged from is old.
fn is_put_off(error: &ApiError, todo: &[&FieldChange]) -> bool {
    let is_later = matches!(
        error.kind,
        ApiErrorKind::RateLimited | ApiErrorKind::Concurrent | ApiErrorKind::Unreachable
    );
    let is_soon = error.retry_after.is_none_or(|wait| wait <= MAX_WAIT);
    is_later && is_soon && todo.iter().any(|field| field.metadata_key().is_some())
}

/// Returns the outcome of a write that was not sent, or not again: somebody changed the field
/// meanwhile.
fn moved(problem: Problem, lost_write: Option<&ApiError>) -> Outcome {
    match lost_write {
        None => Outcome::Refused(problem),
        Some(lost) => Outcome::Unknown(problem.noting_request(EARLIER_TRY, lost)),
    }
}

/// Returns the outcome of a write that was not sent, or not again: another has the organization
/// now.
fn taken_meanwhile(live: &Organization, lost_write: Option<&ApiError>) -> Outcome {
    match (owner::refused(live.clone()), lost_write) {
        (Outcome::Refused(problem), Some(_)) => Outcome::Unknown(problem),
        (refused, _) => refused,
    }
}

/// Returns the organization's own fields to send. Metadata is sent whole, as merged from the fresh
/// read, with null for each removed key: that is right where a PUT merges
/// (<https://workos.com/docs/authkit/metadata>) and where it replaces, as in the official emulator.
fn patch(live: &Organization, todo: &[&FieldChange]) -> OrganizationPatch {
    let mut patch = OrganizationPatch::default();
    for field in todo {
        match field {
            FieldChange::Name { after, .. } => patch.name.clone_from(after),
            FieldChange::ExternalId { after, .. } => patch.external_id.clone_from(after),
            FieldChange::StripeCustomerId { after, .. } => {
                patch.stripe_customer_id.clone_from(after);
            }
            FieldChange::OutsideProfiles { after, .. } => {
                patch.allow_profiles_outside_organization = *after;
            }
            FieldChange::Metadata { key, after, .. } => {
                let metadata = patch.metadata.get_or_insert_with(|| whole_metadata(live));
                metadata.insert(key.clone(), after.clone());
            }
            FieldChange::Domain { .. }
            | FieldChange::ItContact(_)
            | FieldChange::RetentionDays { .. }
            | FieldChange::State
            | FieldChange::Connection { .. }
            | FieldChange::Directory { .. }
            | FieldChange::Dependent { .. } => {}
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

/// Returns whether WorkOS refused to add a domain because the organization has it already.
fn is_there(error: &ApiError) -> bool {
    error.kind == ApiErrorKind::Rejected
        && error.upstream_code.as_deref() == Some("domain_already_exists")
}
