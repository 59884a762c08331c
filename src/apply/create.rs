//! Creating an organization, at most once.
//!
//! A create is not idempotent at WorkOS. It always carries an external id, and after an answer that
//! was lost the organization is looked up by it before anything is sent again.

use super::update;
use super::{
    BEFORE_LOOKING, MAX_ATTEMPTS, Options, Outcome, Problem, Stop, failed, lost, not_looked_at,
};
use crate::codes::plan as codes;
use crate::model::desired::{DeclaredDomainState, FieldPath};
use crate::model::observed::Organization;
use crate::model::{ExternalId, mark, name};
use crate::plan::{Change, FieldChange};
use crate::workos::{ApiError, ApiErrorKind, NewOrganization, WritePortal};
use std::collections::BTreeMap;

pub(super) async fn create(
    portal: &impl WritePortal,
    change: &Change,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let Some(wanted) = wanted(change) else {
        let message = "the change lacks the name or the external id to create with";
        return Outcome::Refused(Problem::stale(message));
    };
    if options.replay {
        match portal
            .organization_by_external_id(&wanted.new.external_id)
            .await
        {
            Ok(None) => {}
            Ok(Some(found)) if is_ours(&found, &wanted) => {
                return complete(portal, found, &wanted, options, stop).await;
            }
            Ok(Some(found)) => return taken(&found, &wanted.new),
            Err(error) => return not_looked_at(&error, stop),
        }
    }
    let mut attempt = 1;
    let mut lost_write: Option<ApiError> = None;
    loop {
        let error = match portal.create_organization(&wanted.new).await {
            Ok(organization) => {
                return complete(portal, organization, &wanted, options, stop).await;
            }
            Err(error) => error,
        };
        let is_taken = error.kind == ApiErrorKind::ExternalIdTaken;
        if !is_taken && !error.is_ambiguous() {
            return failed(&error, lost_write.as_ref(), stop);
        }
        if error.is_ambiguous() {
            lost_write = Some(error.clone());
        }
        if lost_write.is_some() {
            options.clock.sleep(BEFORE_LOOKING * attempt).await;
        }
        let found = portal
            .organization_by_external_id(&wanted.new.external_id)
            .await;
        match (found, &lost_write) {
            (Ok(Some(found)), _) if is_ours(&found, &wanted) => {
                return complete(portal, found, &wanted, options, stop).await;
            }
            (Ok(Some(found)), _) => return taken(&found, &wanted.new),
            (Ok(None), None) => return failed(&error, None, stop),
            (Ok(None), Some(lost)) if attempt >= MAX_ATTEMPTS => return gave_up(lost),
            (Ok(None), Some(_)) => attempt += 1,
            (Err(lookup), Some(lost_write)) => return lost(lost_write, &lookup, stop),
            (Err(lookup), None) => return not_seen(&error, &lookup, stop),
        }
    }
}

/// The external id is taken, and it could not be seen by what.
fn not_seen(error: &ApiError, lookup: &ApiError, stop: &Stop) -> Outcome {
    stop.heed(lookup);
    Outcome::Refused(Problem::new(
        error.code(),
        format!("{error}; looking what has it failed: {lookup}"),
    ))
}

/// It is not there, but a server that is this slow may still make it.
fn gave_up(error: &ApiError) -> Outcome {
    Outcome::Unknown(Problem::new(
        error.code(),
        format!("{error}; it was not there when it was looked for, {MAX_ATTEMPTS} times"),
    ))
}

/// What a create does not take is set on what was just created: WorkOS takes a Stripe customer id
/// on updates only, and IT contacts one by one.
///
/// Source: `OrganizationDto` has neither field, `UpdateOrganizationDto` has the first.
async fn complete(
    portal: &impl WritePortal,
    created: Organization,
    wanted: &Wanted,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let fields = &wanted.afterwards;
    if fields.is_empty() {
        return Outcome::Done(Box::new(created));
    }
    let made = format!("{} was created, but {}", created.id, wanted.lacking());
    match update::bring(portal, created.clone(), fields, options, stop).await {
        done @ (Outcome::Done(_) | Outcome::Gone) => done,
        other => {
            let left = other.organization().cloned().unwrap_or(created);
            other.after(&made).leaving(left)
        }
    }
}

/// Whether an organization that turned up is what this change would have made.
fn is_ours(found: &Organization, wanted: &Wanted) -> bool {
    let NewOrganization {
        name,
        external_id,
        domains,
        metadata,
    } = &wanted.new;
    name::same(&found.name, name)
        && found.external_id.as_deref() == Some(external_id.as_str())
        && [None, wanted.stripe_customer_id()].contains(&found.stripe_customer_id.as_deref())
        && is_same_metadata(&found.metadata, metadata)
        && found.domains.len() == domains.len()
        && domains.iter().all(
            |(domain, declared)| match (declared, found.domain(domain)) {
                (_, None) => false,
                (DeclaredDomainState::Pending, Some(_)) => true,
                (DeclaredDomainState::Verified, Some(held)) => held.state.is_verified(),
            },
        )
}

/// A plan that is applied again meets the organization that it made, and then invited to and marked.
fn is_same_metadata(found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    let is_mark = |key: &str| key == mark::INVITED || mark::is_bookkeeping(key);
    let found = || found.iter().filter(|(key, _)| !is_mark(key));
    found().count() == wanted.len()
        && found().all(|(key, value)| {
            let wanted = wanted.get(key).map(String::as_str);
            FieldPath::Metadata(key.clone()).is_same(wanted, Some(value))
        })
}

/// Somebody else's organization has the external id: it is not written over unseen.
fn taken(found: &Organization, new: &NewOrganization) -> Outcome {
    let message = format!(
        "{} already has the external id `{}` and differs from what is declared; it was not changed",
        found.id, new.external_id
    );
    Outcome::Refused(Problem::new(codes::EXISTS_DIFFERENTLY, message))
}

/// What a change asks for: what a create takes, and what has to be set after it.
struct Wanted {
    new: NewOrganization,
    /// The Stripe customer id and the IT contacts.
    afterwards: Vec<FieldChange>,
}

impl Wanted {
    fn stripe_customer_id(&self) -> Option<&str> {
        let mut fields = self.afterwards.iter();
        fields
            .find(|field| field.path == FieldPath::StripeCustomerId)
            .and_then(|field| field.after.as_deref())
    }

    /// What an organization may lack of what is set afterwards.
    fn lacking(&self) -> &'static str {
        let is_alone = self.afterwards.len() == 1;
        match self.stripe_customer_id() {
            Some(_) if is_alone => "without its Stripe customer id",
            Some(_) => "without its Stripe customer id or all of its IT contacts",
            None => "not with all of its IT contacts",
        }
    }
}

fn wanted(change: &Change) -> Option<Wanted> {
    let mut name = None;
    let mut external_id = None;
    let mut afterwards = Vec::new();
    let mut metadata = BTreeMap::new();
    let mut domains = BTreeMap::new();
    for field in &change.fields {
        let Some(value) = field.after.clone() else {
            continue;
        };
        match &field.path {
            FieldPath::Name => name = Some(value),
            FieldPath::ExternalId => external_id = ExternalId::parse(&value).ok(),
            FieldPath::StripeCustomerId | FieldPath::ItContact(_) => {
                afterwards.push(field.clone());
            }
            FieldPath::Metadata(key) => {
                metadata.insert(key.clone(), value);
            }
            FieldPath::Domain(domain) => {
                let state = match value.as_str() {
                    "verified" => DeclaredDomainState::Verified,
                    _ => DeclaredDomainState::Pending,
                };
                domains.insert(domain.clone(), state);
            }
            FieldPath::Connection(_)
            | FieldPath::Directory(_)
            | FieldPath::Dependent(_)
            | FieldPath::Whole(_) => {}
        }
    }
    let new = NewOrganization {
        name: name?,
        external_id: external_id?,
        domains,
        metadata,
    };
    Some(Wanted { new, afterwards })
}
