//! Creating an organization, at most once.
//!
//! A create is not idempotent at WorkOS. It always carries an external id, and after an answer that
//! was lost the organization is looked up by it before anything is sent again.

use super::update;
use super::{
    BEFORE_LOOKING, MAX_ATTEMPTS, Options, Outcome, Problem, Stop, failed, lost, not_looked_at,
};
use crate::codes::plan as codes;
use crate::model::ExternalId;
use crate::model::desired::{DeclaredDomainState, FieldPath};
use crate::model::observed::Organization;
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

/// WorkOS takes a Stripe customer id on updates only, so it is set on what was just created.
///
/// Source: `OrganizationDto` has no such field, `UpdateOrganizationDto` has.
async fn complete(
    portal: &impl WritePortal,
    created: Organization,
    wanted: &Wanted,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let Some(stripe_customer_id) = &wanted.stripe_customer_id else {
        return Outcome::Done(Box::new(created));
    };
    let field = FieldChange {
        path: FieldPath::StripeCustomerId,
        before: None,
        after: Some(stripe_customer_id.clone()),
    };
    let without = |problem: Problem| {
        let message = format!(
            "{} was created, but without its Stripe customer id: {}",
            created.id, problem.message
        );
        let left = problem.left.map_or_else(|| created.clone(), |left| *left);
        Problem::new(problem.code, message).leaving(left)
    };
    match update::bring(portal, created.clone(), &[field], options, stop).await {
        done @ (Outcome::Done(_) | Outcome::Gone) => done,
        Outcome::Unknown(problem) => Outcome::Unknown(without(problem)),
        Outcome::Refused(problem) | Outcome::NotTried(problem) => {
            Outcome::Refused(without(problem))
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
    found.name == *name
        && found.external_id.as_deref() == Some(external_id.as_str())
        && [&None, &wanted.stripe_customer_id].contains(&&found.stripe_customer_id)
        && found.metadata == *metadata
        && found.domains.len() == domains.len()
        && domains.iter().all(
            |(domain, declared)| match (declared, found.domain(domain)) {
                (_, None) => false,
                (DeclaredDomainState::Pending, Some(_)) => true,
                (DeclaredDomainState::Verified, Some(held)) => held.state.is_verified(),
            },
        )
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
    stripe_customer_id: Option<String>,
}

fn wanted(change: &Change) -> Option<Wanted> {
    let mut name = None;
    let mut external_id = None;
    let mut stripe_customer_id = None;
    let mut metadata = BTreeMap::new();
    let mut domains = BTreeMap::new();
    for field in &change.fields {
        let Some(value) = field.after.clone() else {
            continue;
        };
        match &field.path {
            FieldPath::Name => name = Some(value),
            FieldPath::ExternalId => external_id = ExternalId::parse(&value).ok(),
            FieldPath::StripeCustomerId => stripe_customer_id = Some(value),
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
            FieldPath::ItContact(_)
            | FieldPath::Connection(_)
            | FieldPath::Directory(_)
            | FieldPath::Whole(_) => {}
        }
    }
    let new = NewOrganization {
        name: name?,
        external_id: external_id?,
        domains,
        metadata,
    };
    Some(Wanted {
        new,
        stripe_customer_id,
    })
}
