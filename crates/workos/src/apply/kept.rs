//! Comparison of an organization with what was sent for it.
//!
//! Goes in: the fields that were sent, and the organization of an answer or a read. Comes out: its
//! values, and those that WorkOS keeps otherwise than they were sent. Pure.

use portalctl_core::plan::{Action, Change, FieldChange};
use portalctl_model::observed::Organization;

/// A value that WorkOS keeps otherwise than it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept<'a> {
    pub(super) field: &'a FieldChange,
    pub(super) value: Option<String>,
}

/// Finds the fields whose values an organization shows otherwise than they were sent.
pub(super) fn kept_differently<'a>(change: &'a Change, live: &Organization) -> Vec<Kept<'a>> {
    let mut kept: Vec<Kept<'a>> = differing(change.fields.iter(), live).collect();
    if change.action == Action::Create {
        kept.extend(other_domain(&change.fields, live));
    }
    kept
}

/// Finds the own fields of an organization whose values differ from what was sent.
pub(super) fn differing<'a>(
    sent: impl Iterator<Item = &'a FieldChange>,
    live: &Organization,
) -> impl Iterator<Item = Kept<'a>> {
    sent.filter_map(|field| {
        let is_own = !matches!(field, FieldChange::Domain { .. }) && !field.is_mark();
        let LiveValue::Of(value) = live_value(live, field) else {
            return None;
        };
        if !is_own {
            return None;
        }
        let is_same = (field.path()).is_same(field.after().as_deref(), value.as_deref());
        (!is_same).then_some(Kept { field, value })
    })
}

/// Finds the one domain that was sent and is missing, while the organization holds as many as were
/// sent: of an organization that was just created, each of its domains was one that was sent.
pub(super) fn other_domain<'a>(fields: &'a [FieldChange], live: &Organization) -> Option<Kept<'a>> {
    let sent = || {
        let fields = fields.iter();
        fields.filter_map(|field| Some((field, field.added_domain()?)))
    };
    let mut missing = sent().filter(|(_, domain)| live.domain(domain).is_none());
    let mut others = live
        .domains
        .iter()
        .filter(|live| sent().all(|(_, domain)| *domain != live.domain));
    match (missing.next(), others.next(), missing.next(), others.next()) {
        (Some((field, _)), Some(live), None, None) => Some(Kept {
            field,
            value: Some(live.domain.to_string()),
        }),
        _ => None,
    }
}

/// Live value of a field, as far as the organization itself tells it.
pub(super) enum LiveValue {
    /// The value; `None` where the field is absent.
    Of(Option<String>),
    /// Told by requests of its own.
    Elsewhere,
}

/// Returns the value of a field that stands on the organization itself.
pub(super) fn live_value(live: &Organization, field: &FieldChange) -> LiveValue {
    LiveValue::Of(match field {
        FieldChange::Name { .. } => Some(live.name.clone()),
        FieldChange::ExternalId { .. } => live.external_id.clone(),
        FieldChange::StripeCustomerId { .. } => live.stripe_customer_id.clone(),
        FieldChange::OutsideProfiles { .. } => live
            .allow_profiles_outside_organization
            .map(|allow| allow.to_string()),
        FieldChange::Metadata { key, .. } => live.metadata.get(key).cloned(),
        FieldChange::Domain { domain, .. } => {
            live.domain(domain).map(|live| live.state.to_string())
        }
        FieldChange::RetentionDays { .. }
        | FieldChange::State
        | FieldChange::ItContact(_)
        | FieldChange::Connection { .. }
        | FieldChange::Directory { .. }
        | FieldChange::Dependent { .. } => return LiveValue::Elsewhere,
    })
}
