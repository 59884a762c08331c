//! Creating an organization, at most once.
//!
//! A create is not idempotent at WorkOS. It always carries an external id, and after an answer that
//! was lost the organization is looked up by it before anything is sent again.

use super::{BEFORE_LOOKING, MAX_ATTEMPTS, Options, Outcome, Problem, Stop, lost, refused};
use crate::codes::plan as codes;
use crate::model::ExternalId;
use crate::model::desired::{DeclaredDomainState, FieldPath};
use crate::model::observed::Organization;
use crate::plan::Change;
use crate::workos::{ApiError, ApiErrorKind, NewOrganization, OrganizationPatch, WritePortal};
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
    let mut attempt = 1;
    loop {
        let error = match portal.create_organization(&wanted.new).await {
            Ok(organization) => return complete(portal, organization, &wanted, stop).await,
            Err(error) => error,
        };
        let is_taken = error.kind == ApiErrorKind::ExternalIdTaken;
        if !is_taken && !error.is_ambiguous() {
            return refused(&error, stop);
        }
        if !is_taken {
            options.clock.sleep(BEFORE_LOOKING * attempt).await;
        }
        match portal
            .organization_by_external_id(&wanted.new.external_id)
            .await
        {
            Ok(Some(found)) if is_ours(&found, &wanted) => {
                return complete(portal, found, &wanted, stop).await;
            }
            Ok(Some(found)) => return taken(&found, &wanted.new),
            Ok(None) if is_taken => return refused(&error, stop),
            Ok(None) if attempt >= MAX_ATTEMPTS => return gave_up(&error),
            Ok(None) => attempt += 1,
            Err(lookup) => return lost(&error, &lookup, stop),
        }
    }
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
    stop: &Stop,
) -> Outcome {
    if created.stripe_customer_id == wanted.stripe_customer_id {
        return Outcome::Done(Box::new(created));
    }
    let patch = OrganizationPatch {
        stripe_customer_id: wanted.stripe_customer_id.clone(),
        ..OrganizationPatch::default()
    };
    match portal.update_organization(&created.id, &patch).await {
        Ok(organization) => Outcome::Done(Box::new(organization)),
        Err(error) => {
            stop.heed(&error);
            let id = &created.id;
            let message = format!("{id} was created, but without its Stripe customer id: {error}");
            Outcome::Refused(Problem::new(error.code(), message))
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
        && domains.keys().all(|domain| found.domain(domain).is_some())
}

/// Somebody else's organization has the external id: it is not written over unseen.
fn taken(found: &Organization, new: &NewOrganization) -> Outcome {
    Outcome::Refused(Problem::new(
        codes::EXISTS_DIFFERENTLY,
        format!(
            "{} already has the external id `{}` and differs from what is declared; it was not \
             changed",
            found.id, new.external_id
        ),
    ))
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
            FieldPath::ItContact(_) | FieldPath::Whole(_) => {}
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
