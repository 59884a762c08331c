//! Changing an organization: read again right before writing, merged from that read.
//!
//! A field that is already in its planned after-state counts as done; one that is neither before
//! nor after makes the change stale, and nothing of it is written. Writes are independent of each
//! other: one PUT for the organization's own fields, one request for each domain and IT contact. One
//! that is refused does not stop the others, and metadata that is refused does not stop the other
//! fields of its PUT.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::books::Answered;
use super::owner;
use super::{
    BEFORE_LOOKING, EARLIER_TRY, FieldOutcome, MAX_ATTEMPTS, Options, Outcome, OutcomeKind,
    Problem, Stop, add_requests, failed, lost, not_looked_at,
};
use crate::{ApiError, ApiErrorKind, OrganizationPatch, WritePortal};
use portalctl_core::plan::{Change, FieldChange, Ownership, Plan};
use portalctl_model::codes::{api, plan as codes};
use portalctl_model::desired::FieldPath;
use portalctl_model::mark::KeptValues;
use portalctl_model::observed::{Answer, ItContact, Organization};
use portalctl_model::text::{escape, mask_addresses};
use portalctl_model::{Domain, Email, ExternalId, OrganizationId};

/// Most reads from which metadata that could not be sent in time is merged anew.
const MAX_PUT_OFF: u32 = 5;

/// Longest wait before metadata is merged anew.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Most refused fields that the message of a change names.
const NAMED: usize = 10;

pub(super) async fn update(
    portal: &impl WritePortal,
    id: &OrganizationId,
    change: &Change,
    plan: &Plan,
    options: &Options<'_>,
    stop: &Stop,
    answered: &Answered,
) -> Outcome {
    match portal.organization(id).await {
        Ok(Some(live)) if owner::has_moved(plan, &live) => owner::refused(live),
        Ok(Some(live)) => bring_noting(portal, live, &change.fields, options, stop, answered).await,
        Ok(None) => gone(id),
        Err(error) => not_looked_at(&error, stop),
    }
}

/// Brings an organization that was just read to the after-state of fields.
pub(super) async fn bring(
    portal: &impl WritePortal,
    live: Organization,
    fields: &[FieldChange],
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let answered = Answered::default();
    bring_noting(portal, live, fields, options, stop, &answered).await
}

/// Does what [`bring`] does, and notes values that an answer shows otherwise than they were sent.
pub(super) async fn bring_noting(
    portal: &impl WritePortal,
    live: Organization,
    fields: &[FieldChange],
    options: &Options<'_>,
    stop: &Stop,
    answered: &Answered,
) -> Outcome {
    let all: Vec<&FieldChange> = fields.iter().collect();
    if let Err(problem) = remaining(&all, &live, &Apart::default()) {
        return Outcome::Refused(problem.leaving(live));
    }
    let mut hand = Hand {
        portal,
        answered,
        seen: Ownership::of(&live),
        fields,
        live,
        apart: Apart::default(),
        has_written: false,
        may_be_old: false,
    };
    let mut ended: Vec<(&FieldChange, Result<(), Outcome>)> = Vec::new();
    let mut end: Option<Problem> = None;
    let mut no_contacts: Option<Outcome> = None;
    let mut queue = VecDeque::from(writes(fields));
    while let Some(mut write) = queue.pop_front() {
        let is_contact = write.iter().copied().any(is_contact);
        let result = match (&end, &no_contacts) {
            (Some(problem), _) => Err(Outcome::NotTried(problem.clone())),
            (None, Some(refused)) if is_contact => Err(refused.clone()),
            (None, _) => match hand.attempt(&write, options, stop).await {
                Ok(()) => Ok(()),
                Err(Ended { mut outcome, reach }) => {
                    match reach {
                        Reach::Write => {}
                        Reach::Metadata => {
                            let (refused, rest): (Vec<_>, Vec<_>) = write
                                .into_iter()
                                .partition(|field| is_declared_metadata(field));
                            write = refused;
                            queue.push_front(rest);
                        }
                        Reach::Contacts => match hand.without_contacts(&outcome).await {
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
            let has_it =
                remaining(&[field], &hand.live, &hand.apart).is_ok_and(|todo| todo.is_empty());
            let result = if has_it { Ok(()) } else { result.clone() };
            ended.push((field, result));
        }
    }
    hand.account(&ended)
}

pub(super) fn gone(id: &OrganizationId) -> Outcome {
    Outcome::Refused(Problem::new(codes::GONE, format!("{id} is gone")).repeatable())
}

/// The writes that fields take, in order: the object's own fields together, every other by itself.
fn writes(fields: &[FieldChange]) -> Vec<Vec<&FieldChange>> {
    let (alone, together): (Vec<&FieldChange>, Vec<&FieldChange>) =
        fields.iter().partition(|field| {
            matches!(
                field.path,
                FieldPath::Domain(_) | FieldPath::ItContact(_) | FieldPath::RetentionDays
            )
        });
    let mut writes = Vec::with_capacity(alone.len() + 1);
    if !together.is_empty() {
        writes.push(together);
    }
    writes.extend(alone.into_iter().map(|field| vec![field]));
    writes
}

/// A write that was not done, and what else cannot be done because of it.
struct Ended {
    outcome: Outcome,
    reach: Reach,
}

/// Scope of the failure of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The write alone.
    Write,
    /// The declared metadata of the write; its other fields are sent again by themselves.
    Metadata,
    /// Every IT contact of the organization.
    Contacts,
    /// Every further write of the change.
    Change,
}

/// Returns whether metadata was not sent again because the read that it was merged from is old.
fn is_put_off(error: &ApiError, todo: &[&FieldChange]) -> bool {
    let is_later = matches!(
        error.kind,
        ApiErrorKind::RateLimited | ApiErrorKind::Concurrent | ApiErrorKind::Unreachable
    );
    let is_soon = error.retry_after.is_none_or(|wait| wait <= MAX_WAIT);
    is_later
        && is_soon
        && todo
            .iter()
            .any(|field| matches!(field.path, FieldPath::Metadata(_)))
}

/// The outcome of a write that was not made, or not again: somebody changed the field meanwhile.
fn moved(problem: Problem, lost_write: Option<&ApiError>) -> Outcome {
    let Some(lost) = lost_write else {
        return Outcome::Refused(problem);
    };
    Outcome::Unknown(problem.noting_request(EARLIER_TRY, lost))
}

/// The outcome of a write that was not made, or not again: another has the organization now.
fn taken_meanwhile(live: &Organization, lost_write: Option<&ApiError>) -> Outcome {
    match (owner::refused(live.clone()), lost_write) {
        (Outcome::Refused(problem), Some(_)) => Outcome::Unknown(problem),
        (refused, _) => refused,
    }
}

/// Returns the scope of a refusal.
fn reach(error: &ApiError, write: &[&FieldChange]) -> Reach {
    let is_about = |path: fn(&FieldPath) -> bool| write.iter().any(|field| path(&field.path));
    let of_contacts = is_about(|path| matches!(path, FieldPath::ItContact(_)));
    let of_domains = is_about(|path| matches!(path, FieldPath::Domain(_)));
    let of_retention = is_about(|path| *path == FieldPath::RetentionDays);
    match error.kind {
        _ if error.is_fatal() => Reach::Change,
        ApiErrorKind::RateLimited | ApiErrorKind::Withheld => Reach::Change,
        ApiErrorKind::NotFound | ApiErrorKind::Forbidden if of_contacts => Reach::Contacts,
        ApiErrorKind::NotFound if !of_domains && !of_retention => Reach::Change,
        _ if error.is_about_metadata() && has_more_than_metadata(write) => Reach::Metadata,
        _ => Reach::Write,
    }
}

/// Returns whether a write holds declared metadata and something else.
fn has_more_than_metadata(write: &[&FieldChange]) -> bool {
    let metadata = write.iter().filter(|field| is_declared_metadata(field));
    let metadata = metadata.count();
    metadata > 0 && metadata < write.len()
}

/// Returns whether a field is metadata that the manifest declares, and no mark of portalctl.
pub(super) fn is_declared_metadata(field: &FieldChange) -> bool {
    matches!(field.path, FieldPath::Metadata(_)) && !field.path.is_mark()
}

/// The fields that still have to be written, or the one that somebody else moved.
fn remaining<'a>(
    fields: &[&'a FieldChange],
    live: &Organization,
    apart: &Apart,
) -> Result<Vec<&'a FieldChange>, Problem> {
    let known = KeptValues::of(&live.metadata);
    let mut todo = Vec::new();
    for field in fields {
        let now = live_value(live, apart, field);
        if is_after(field, now.as_deref()) {
            continue;
        }
        // Sent by an earlier run, and kept otherwise.
        if known.holds(&field.path, field.after.as_deref(), now.as_deref()) {
            continue;
        }
        if now != field.before && !is_longer_retention(field, now.as_deref()) {
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
        todo.push(*field);
    }
    Ok(todo)
}

/// A domain that is there in any state is as good as added; WorkOS moves its state.
fn is_after(field: &FieldChange, now: Option<&str>) -> bool {
    match &field.path {
        FieldPath::Domain(_) | FieldPath::ItContact(_) => field.after.is_some() == now.is_some(),
        path => path.is_same(field.after.as_deref(), now),
    }
}

fn is_contact(field: &FieldChange) -> bool {
    matches!(field.path, FieldPath::ItContact(_))
}

/// The contact of that address; none, too, while the contacts were not read.
fn contact<'a>(contacts: Option<&'a [ItContact]>, email: &Email) -> Option<&'a ItContact> {
    contacts?.iter().find(|held| email.is(&held.email))
}

/// Details of an organization that are read by requests of their own.
#[derive(Debug, Default)]
struct Apart {
    /// The IT contacts, once a lost answer or a refusal made them worth reading.
    contacts: Option<Vec<ItContact>>,
    /// For how many days audit-log events are kept, once it was read.
    retention: Option<Retention>,
}

/// For how many days WorkOS keeps audit-log events; `None` where nobody set it.
#[derive(Debug, Clone, Copy)]
struct Retention(Option<u32>);

/// Returns whether a field keeps audit-log events for at least as long as now: nothing is lost by it,
/// whatever was there before.
fn is_longer_retention(field: &FieldChange, now: Option<&str>) -> bool {
    let days = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    field.path == FieldPath::RetentionDays && days(field.after.as_deref()) >= days(now)
}

fn live_value(live: &Organization, apart: &Apart, field: &FieldChange) -> Option<String> {
    match &field.path {
        FieldPath::Name => Some(live.name.clone()),
        FieldPath::ExternalId => live.external_id.clone(),
        FieldPath::StripeCustomerId => live.stripe_customer_id.clone(),
        FieldPath::OutsideProfiles => live
            .allow_profiles_outside_organization
            .map(|allow| allow.to_string()),
        FieldPath::Metadata(key) => live.metadata.get(key).cloned(),
        FieldPath::Domain(domain) => live.domain(domain).map(|held| held.state.to_string()),
        FieldPath::ItContact(email) => {
            contact(apart.contacts.as_deref(), email).map(|held| held.email.clone())
        }
        FieldPath::RetentionDays => match apart.retention {
            Some(Retention(days)) => days.map(|days| days.to_string()),
            // Read right before it is written.
            None => field.before.clone(),
        },
        FieldPath::State
        | FieldPath::Connection(_)
        | FieldPath::Directory(_)
        | FieldPath::Dependent(_)
        | FieldPath::Whole(_) => None,
    }
}

/// Why a write was not done.
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

/// Writes to one organization, and keeps what each answer says of it.
struct Hand<'a, P> {
    portal: &'a P,
    answered: &'a Answered,
    /// The marks with which the organization was read, right before the first write.
    seen: Ownership,
    /// Everything that is to be written.
    fields: &'a [FieldChange],
    live: Organization,
    apart: Apart,
    /// Whether a write surely took effect.
    has_written: bool,
    /// True once metadata was merged anew often enough: it is sent although it waits long for its turn.
    may_be_old: bool,
}

impl<P: WritePortal> Hand<'_, P> {
    /// Makes one write, looked up and tried again while its answers are lost.
    async fn attempt(
        &mut self,
        write: &[&FieldChange],
        options: &Options<'_>,
        stop: &Stop,
    ) -> Result<(), Ended> {
        let only = |outcome| Ended {
            outcome,
            reach: Reach::Write,
        };
        let whole = |outcome| Ended {
            outcome,
            reach: Reach::Change,
        };
        let of_retention = |field: &&FieldChange| field.path == FieldPath::RetentionDays;
        let is_retention = write.iter().any(of_retention);
        if is_retention {
            match self.read_retention().await {
                Ok(()) => {}
                Err(Failure::Told(problem)) => return Err(only(Outcome::NotTried(problem))),
                Err(Failure::Api(error)) => return Err(only(not_looked_at(&error, stop))),
            }
        }
        let mut attempt = 0;
        let mut put_off = 0;
        let mut lost_write: Option<ApiError> = None;
        loop {
            let todo = match remaining(write, &self.live, &self.apart) {
                Ok(todo) if todo.is_empty() => return Ok(()),
                Ok(todo) => todo,
                Err(problem) => return Err(only(moved(problem, lost_write.as_ref()))),
            };
            if owner::was_taken(&self.seen, &self.live, self.fields) {
                return Err(whole(taken_meanwhile(&self.live, lost_write.as_ref())));
            }
            if let Some(lost) = lost_write.as_ref().filter(|_| attempt >= MAX_ATTEMPTS) {
                let remark = format!("it was sent {MAX_ATTEMPTS} times");
                let outcome = Outcome::Unknown(Problem::of(lost).repeatable());
                return Err(only(outcome.noting(&remark)));
            }
            attempt += 1;
            self.may_be_old = put_off >= MAX_PUT_OFF;
            let error = match self.write(&todo).await {
                Ok(()) => return Ok(()),
                Err(Failure::Told(problem)) => return Err(only(Outcome::Refused(problem))),
                Err(Failure::Api(error)) => error,
            };
            if is_put_off(&error, &todo) && put_off < MAX_PUT_OFF {
                attempt -= 1;
                put_off += 1;
                let wait = error.retry_after.unwrap_or(BEFORE_LOOKING * put_off);
                options.clock.sleep(wait).await;
                self.live = match self.portal.organization(&self.live.id).await {
                    Ok(Some(live)) => live,
                    Ok(None) => return Err(whole(gone(&self.live.id))),
                    Err(lookup) => {
                        return Err(whole(match &lost_write {
                            Some(write) => lost(write, &lookup, stop),
                            None => not_looked_at(&lookup, stop),
                        }));
                    }
                };
                continue;
            }
            if !error.is_ambiguous() {
                let outcome = match self.taken(&error, &todo).await {
                    Some(problem) if lost_write.is_none() => Outcome::Refused(problem),
                    _ => failed(&error, lost_write.as_ref(), stop),
                };
                let reach = reach(&error, write);
                return Err(Ended { outcome, reach });
            }
            options.clock.sleep(BEFORE_LOOKING * attempt).await;
            self.live = match self.portal.organization(&self.live.id).await {
                Ok(Some(live)) => live,
                Ok(None) => return Err(whole(gone(&self.live.id))),
                Err(lookup) => return Err(whole(lost(&error, &lookup, stop))),
            };
            if write.iter().copied().any(is_contact)
                && let Err(lookup) = self.read_contacts().await
            {
                return Err(whole(lost(&error, &lookup, stop)));
            }
            if is_retention {
                match self.read_retention().await {
                    Ok(()) => {}
                    Err(Failure::Told(problem)) => return Err(only(Outcome::Unknown(problem))),
                    Err(Failure::Api(lookup)) => return Err(only(lost(&error, &lookup, stop))),
                }
            }
            lost_write = Some(error);
        }
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
            match &field.path {
                FieldPath::Domain(domain) if field.after.is_some() => {
                    self.add_domain(domain).await?;
                }
                FieldPath::Domain(domain) => self.remove_domain(domain).await?,
                FieldPath::ItContact(email) => self.add_contact(email).await?,
                FieldPath::RetentionDays => self.set_retention(field).await?,
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
        let mut fields = todo.iter();
        let field = fields.find(|field| field.path == FieldPath::ExternalId)?;
        let id = ExternalId::parse(field.after.as_deref()?).ok()?;
        match self.portal.organization_by_external_id(&id).await {
            Ok(None) => Some(deletion_under_way(&id)),
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
            .portal
            .update_organization(&self.live.id, patch)
            .await?;
        self.has_written = true;
        Ok(())
    }

    async fn add_domain(&mut self, domain: &Domain) -> Result<(), Failure> {
        match self.portal.add_domain(&self.live.id, domain).await {
            Ok(added) => {
                self.has_written = true;
                let domains = &mut self.live.domains;
                domains.retain(|held| held.domain != added.domain);
                domains.push(added);
                domains.sort_by(|a, b| a.domain.cmp(&b.domain));
                Ok(())
            }
            Err(error) if is_there(&error) => {
                // As good as added, if it is there indeed; its state is not in the refusal.
                let Some(live) = self.portal.organization(&self.live.id).await? else {
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
        if contact(self.apart.contacts.as_deref(), email).is_some() {
            return Ok(());
        }
        match self.portal.add_it_contact(&self.live.id, email).await {
            Ok(added) => {
                self.has_written = true;
                self.apart
                    .contacts
                    .iter_mut()
                    .for_each(|held| held.push(added.clone()));
                Ok(())
            }
            // As good as added, if it is there indeed.
            Err(error) if error.status == Some(409) => {
                self.read_contacts().await?;
                match contact(self.apart.contacts.as_deref(), email) {
                    Some(_) => Ok(()),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn read_contacts(&mut self) -> Result<(), ApiError> {
        self.apart.contacts = match self.portal.it_contacts(&self.live.id).await? {
            Answer::Found(contacts) => Some(contacts),
            Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => None,
        };
        Ok(())
    }

    /// Reads for how many days audit-log events are kept. What WorkOS does not tell is a failure:
    /// nothing is set unseen.
    async fn read_retention(&mut self) -> Result<(), Failure> {
        let status = match self.portal.retention(&self.live.id).await? {
            Answer::Found(days) => {
                self.apart.retention = Some(Retention(days));
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

    async fn set_retention(&mut self, field: &FieldChange) -> Result<(), Failure> {
        let wanted = field.after.as_deref();
        let Some(days) = wanted.and_then(|days| days.parse::<u16>().ok()) else {
            return Ok(());
        };
        let kept = self.portal.set_retention(&self.live.id, days).await?;
        self.has_written = true;
        self.apart.retention = Some(Retention(kept));
        if kept == Some(u32::from(days)) {
            return Ok(());
        }
        let kept = kept.map_or("nothing".to_owned(), |days| days.to_string());
        let message = format!(
            "WorkOS keeps {kept} for {}, where {days} was sent",
            field.path
        );
        Err(Failure::Told(Problem::new(api::INVALID_ANSWER, message)))
    }

    async fn remove_domain(&mut self, domain: &Domain) -> Result<(), Failure> {
        let Some(id) = self.live.domain(domain).and_then(|held| held.id.as_deref()) else {
            return Err(Failure::Told(Problem::new(
                api::INVALID_ANSWER,
                format!("WorkOS did not tell the id of {domain}, by which it is removed"),
            )));
        };
        match self.portal.remove_domain(id).await {
            Ok(()) => {}
            Err(error) if error.kind == ApiErrorKind::NotFound => {}
            Err(error) => return Err(Failure::Api(error)),
        }
        self.has_written = true;
        self.live.domains.retain(|held| held.domain != *domain);
        Ok(())
    }

    /// Takes note that IT contacts are not to be had; fails where the organization itself is gone.
    async fn without_contacts(&self, refused: &Outcome) -> Result<(), Outcome> {
        let Some(problem) = refused.problem() else {
            return Ok(());
        };
        if problem.code != api::FORBIDDEN {
            // 404: of the list, or of the organization.
            match self.portal.organization(&self.live.id).await {
                Ok(Some(_)) => {}
                Ok(None) => return Err(gone(&self.live.id)),
                // The refusal stands.
                Err(_) => return Ok(()),
            }
        }
        self.answered.note_without_contacts(&problem.to_string());
        Ok(())
    }

    /// Puts together what became of each field.
    fn account(self, ended: &[(&FieldChange, Result<(), Outcome>)]) -> Outcome {
        let lacks_contacts = self.answered.without_contacts().is_some();
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
        let Some(first) = unknown.or(refused).or(untried) else {
            return Outcome::Done(Box::new(self.live));
        };
        let Some(code) = first.problem().map(|problem| problem.code) else {
            return Outcome::Done(Box::new(self.live));
        };
        let told = told(not_done(), ended.len());
        let message = if self.has_written {
            format!("part of it was done, but {told}")
        } else {
            told
        };
        let mut requests = Vec::new();
        for problem in not_done().filter_map(|(_, outcome)| outcome.problem()) {
            add_requests(&mut requests, problem);
        }
        let mut problems = not_done().filter_map(|(_, outcome)| outcome.problem());
        let problem = Problem {
            can_repeat: problems.any(|problem| problem.can_repeat),
            requests,
            fields: ended
                .iter()
                .map(|(field, end)| of_field(field, end))
                .collect(),
            ..Problem::new(code, message)
        };
        let problem = problem.leaving(self.live);
        match first.kind() {
            OutcomeKind::Unknown => Outcome::Unknown(problem),
            // Something was done: it can no longer be called not tried.
            OutcomeKind::NotTried if !self.has_written => Outcome::NotTried(problem),
            OutcomeKind::NotTried | OutcomeKind::Refused | OutcomeKind::Done => {
                Outcome::Refused(problem)
            }
        }
    }
}

/// Returns the outcome of one field of a change.
fn of_field(field: &FieldChange, end: &Result<(), Outcome>) -> FieldOutcome {
    let outcome = end.as_ref().err();
    let problem = outcome.and_then(Outcome::problem);
    FieldOutcome {
        path: field.path.clone(),
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
        told.push(match &field.path {
            FieldPath::Domain(_) | FieldPath::ItContact(_) | FieldPath::RetentionDays
                if total > 1 =>
            {
                named(&field.path, &problem.message)
            }
            _ => problem.message.clone(),
        });
    }
    let more = told.len().saturating_sub(NAMED);
    told.truncate(NAMED);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told.join("; ")
}

/// A failure with the field that it is about; addresses are masked.
pub(super) fn named(path: &FieldPath, message: &str) -> String {
    let path = path.to_string();
    let path = match path.split_once('.') {
        Some(("it_contacts", email)) => format!("it_contacts.{}", mask_addresses(email)),
        _ => path,
    };
    format!("{}: {message}", escape(&path))
}

/// An external id that WorkOS calls used, and that no organization has.
pub(super) fn deletion_under_way(id: &ExternalId) -> Problem {
    let message = format!(
        "WorkOS says that the external id `{id}` is in use, and no organization has it: the \
         deletion of one that had it may still be under way: try again in a few minutes"
    );
    Problem::new(codes::DELETION_UNDER_WAY, message).repeatable()
}

/// The object's fields to send. Metadata is sent whole, as merged from the fresh read, with null for
/// each removed key: that is right where a PUT merges (<https://workos.com/docs/authkit/metadata>)
/// and where it replaces, as in the official emulator.
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
            FieldPath::OutsideProfiles => {
                let allow = field.after.as_deref();
                patch.allow_profiles_outside_organization = allow.map(|allow| allow == "true");
            }
            FieldPath::Metadata(key) => {
                let metadata = patch.metadata.get_or_insert_with(|| whole_metadata(live));
                metadata.insert(key.clone(), field.after.clone());
            }
            FieldPath::Domain(_)
            | FieldPath::ItContact(_)
            | FieldPath::RetentionDays
            | FieldPath::State
            | FieldPath::Connection(_)
            | FieldPath::Directory(_)
            | FieldPath::Dependent(_)
            | FieldPath::Whole(_) => {}
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

/// The organization has the domain already: what was wanted.
fn is_there(error: &ApiError) -> bool {
    error.kind == ApiErrorKind::Rejected
        && error.upstream_code.as_deref() == Some("domain_already_exists")
}
