//! Changing an organization: read again right before writing, merged from that read.
//!
//! A field that is already in its planned after-state counts as done; one that is neither before
//! nor after makes the change stale, and nothing of it is written.

use std::collections::BTreeMap;

use super::owner;
use super::{
    BEFORE_LOOKING, MAX_ATTEMPTS, Options, Outcome, Problem, Stop, failed, lost, not_looked_at,
};
use crate::codes::{api, plan as codes};
use crate::model::desired::FieldPath;
use crate::model::mark::KeptValues;
use crate::model::observed::{Answer, ItContact, Organization};
use crate::model::text::escape;
use crate::model::{Domain, Email, ExternalId, OrganizationId};
use crate::plan::{Change, FieldChange, Plan};
use crate::workos::{ApiError, ApiErrorKind, OrganizationPatch, WritePortal};

pub(super) async fn update(
    portal: &impl WritePortal,
    id: &OrganizationId,
    change: &Change,
    plan: &Plan,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    match portal.organization(id).await {
        Ok(Some(live)) if owner::has_moved(plan, &live) => owner::refused(live),
        Ok(Some(live)) => bring(portal, live, &change.fields, options, stop).await,
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
    let mut hand = Hand {
        portal,
        live,
        contacts: None,
        has_written: false,
    };
    let mut attempt = 0;
    let mut lost_write: Option<ApiError> = None;
    loop {
        let todo = match remaining(fields, &hand.live, hand.contacts.as_deref()) {
            Ok(todo) => todo,
            Err(problem) => return Outcome::Refused(problem.leaving(hand.live)),
        };
        if let Some(lost) = lost_write.as_ref().filter(|_| attempt >= MAX_ATTEMPTS)
            && !todo.is_empty()
        {
            let message = format!("{lost}; it was sent {MAX_ATTEMPTS} times");
            return Outcome::Unknown(Problem::new(lost.code(), message).leaving(hand.live));
        }
        attempt += 1;
        let error = match hand.write(&todo).await {
            Ok(()) => return Outcome::Done(Box::new(hand.live)),
            Err(Failure::Told(problem)) => return Outcome::Refused(problem.leaving(hand.live)),
            Err(Failure::Api(error)) => error,
        };
        if !error.is_ambiguous() {
            return hand.failed(&error, lost_write.as_ref(), stop);
        }
        options.clock.sleep(BEFORE_LOOKING * attempt).await;
        hand.live = match portal.organization(&hand.live.id).await {
            Ok(Some(live)) => live,
            Ok(None) => return gone(&hand.live.id),
            Err(lookup) => return lost(&error, &lookup, stop),
        };
        if fields.iter().any(is_contact)
            && let Err(lookup) = hand.read_contacts().await
        {
            return lost(&error, &lookup, stop);
        }
        lost_write = Some(error);
    }
}

pub(super) fn gone(id: &OrganizationId) -> Outcome {
    Outcome::Refused(Problem::new(codes::GONE, format!("{id} is gone")))
}

/// The fields that still have to be written, or the one that somebody else moved.
fn remaining<'a>(
    fields: &'a [FieldChange],
    live: &Organization,
    contacts: Option<&[ItContact]>,
) -> Result<Vec<&'a FieldChange>, Problem> {
    let known = KeptValues::of(&live.metadata);
    let mut todo = Vec::new();
    for field in fields {
        let now = live_value(live, contacts, &field.path);
        if is_after(field, now.as_deref()) {
            continue;
        }
        // Sent by an earlier run, and kept otherwise.
        if known.holds(&field.path, field.after.as_deref(), now.as_deref()) {
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

fn live_value(
    live: &Organization,
    contacts: Option<&[ItContact]>,
    path: &FieldPath,
) -> Option<String> {
    match path {
        FieldPath::Name => Some(live.name.clone()),
        FieldPath::ExternalId => live.external_id.clone(),
        FieldPath::StripeCustomerId => live.stripe_customer_id.clone(),
        FieldPath::Metadata(key) => live.metadata.get(key).cloned(),
        FieldPath::Domain(domain) => live.domain(domain).map(|held| held.state.to_string()),
        FieldPath::ItContact(email) => contact(contacts, email).map(|held| held.email.clone()),
        FieldPath::Connection(_)
        | FieldPath::Directory(_)
        | FieldPath::Dependent(_)
        | FieldPath::Whole(_) => None,
    }
}

/// Why writing stopped.
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
    live: Organization,
    /// The IT contacts, once a lost answer or a refusal made them worth reading.
    contacts: Option<Vec<ItContact>>,
    /// Whether a write surely took effect.
    has_written: bool,
}

impl<P: WritePortal> Hand<'_, P> {
    /// Writes fields: one PUT for the object, then one request for each domain and contact.
    async fn write(&mut self, todo: &[&FieldChange]) -> Result<(), Failure> {
        let patch = patch(&self.live, todo);
        if !patch.is_empty() {
            self.put(&patch).await?;
            self.remove_leftovers(patch, todo).await?;
        }
        for field in todo {
            match &field.path {
                FieldPath::Domain(domain) if field.after.is_some() => {
                    self.add_domain(domain).await?;
                }
                FieldPath::Domain(domain) => self.remove_domain(domain).await?,
                FieldPath::ItContact(email) => self.add_contact(email).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn put(&mut self, patch: &OrganizationPatch) -> Result<(), ApiError> {
        self.live = self
            .portal
            .update_organization(&self.live.id, patch)
            .await?;
        self.has_written = true;
        Ok(())
    }

    /// Whether PUT replaces or merges metadata is not documented beyond doubt: keys that this
    /// change removes and that are still there are sent once more as null.
    async fn remove_leftovers(
        &mut self,
        sent: OrganizationPatch,
        todo: &[&FieldChange],
    ) -> Result<(), Failure> {
        let nulls: BTreeMap<String, Option<String>> = leftovers(&self.live, todo)
            .map(|key| (key.to_owned(), None))
            .collect();
        if nulls.is_empty() {
            return Ok(());
        }
        let mut metadata = sent.metadata.unwrap_or_default();
        metadata.extend(nulls);
        let patch = OrganizationPatch {
            metadata: Some(metadata),
            ..OrganizationPatch::default()
        };
        // What is still there then is told and remembered as kept.
        self.put(&patch).await?;
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
        if contact(self.contacts.as_deref(), email).is_some() {
            return Ok(());
        }
        match self.portal.add_it_contact(&self.live.id, email).await {
            Ok(added) => {
                self.has_written = true;
                self.contacts
                    .iter_mut()
                    .for_each(|held| held.push(added.clone()));
                Ok(())
            }
            // As good as added, if it is there indeed.
            Err(error) if error.status == Some(409) => {
                self.read_contacts().await?;
                match contact(self.contacts.as_deref(), email) {
                    Some(_) => Ok(()),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn read_contacts(&mut self) -> Result<(), ApiError> {
        self.contacts = match self.portal.it_contacts(&self.live.id).await? {
            Answer::Found(contacts) => Some(contacts),
            Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => None,
        };
        Ok(())
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

    /// A write that surely had no effect itself, as far as others of the change had none either.
    fn failed(self, error: &ApiError, lost_write: Option<&ApiError>, stop: &Stop) -> Outcome {
        if !self.has_written || lost_write.is_some() {
            return failed(error, lost_write, stop).leaving(self.live);
        }
        stop.heed(error);
        let message = format!("part of it was done, then {error}");
        Outcome::Refused(Problem::new(error.code(), message)).leaving(self.live)
    }
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
            FieldPath::Domain(_)
            | FieldPath::ItContact(_)
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

/// The metadata keys that fields remove and that are still there.
fn leftovers<'a>(
    live: &'a Organization,
    fields: &'a [&FieldChange],
) -> impl Iterator<Item = &'a str> {
    fields
        .iter()
        .filter(|field| field.after.is_none())
        .filter_map(|field| match &field.path {
            FieldPath::Metadata(key) if live.metadata.contains_key(key) => Some(key.as_str()),
            _ => None,
        })
}

/// The organization has the domain already: what was wanted.
fn is_there(error: &ApiError) -> bool {
    error.kind == ApiErrorKind::Rejected
        && error.upstream_code.as_deref() == Some("domain_already_exists")
}
