//! Fields that still have to be written, by a fresh read of their organization.
//!
//! Goes in: the planned fields, the organization, and its details that were read apart. Comes out:
//! the fields that are not as planned, or the one that somebody else changed. Pure.

use super::kept::{LiveValue, live_value};
use super::outcome::Problem;
use portalctl_core::plan::FieldChange;
use portalctl_model::Email;
use portalctl_model::mark::KeptValues;
use portalctl_model::observed::{ItContact, Organization};
use portalctl_model::text::escape;

/// Days for which WorkOS keeps audit-log events; `None` where nobody set them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention(pub(super) Option<u32>);

/// Details of an organization that are read by requests of their own.
#[derive(Debug, Default)]
pub(super) struct Separate {
    /// The IT contacts, once a lost answer or a refusal made them worth reading.
    pub(super) contacts: Option<Vec<ItContact>>,
    /// The retention of audit-log events, once it was read.
    pub(super) retention: Option<Retention>,
}

impl Separate {
    /// Returns the value of a field that does not stand on the organization itself.
    pub(super) fn value(&self, field: &FieldChange) -> Option<String> {
        match (field, self.retention) {
            (FieldChange::ItContact(email), _) => {
                self.contact(email).map(|contact| contact.email.clone())
            }
            (FieldChange::RetentionDays { .. }, Some(Retention(days))) => {
                days.map(|days| days.to_string())
            }
            // Read right before it is written.
            (FieldChange::RetentionDays { before, .. }, None) => {
                before.map(|days| days.to_string())
            }
            _ => None,
        }
    }

    /// Returns the IT contact of an address; none, too, while the contacts were not read.
    pub(super) fn contact(&self, email: &Email) -> Option<&ItContact> {
        let mut contacts = self.contacts.iter().flatten();
        contacts.find(|contact| email.is(&contact.email))
    }

    /// Returns whether a field keeps audit-log events for at least as long as now: nothing is lost
    /// by it, whatever was there before.
    pub(super) fn is_longer_retention(&self, field: &FieldChange) -> bool {
        let FieldChange::RetentionDays { before, after } = field else {
            return false;
        };
        after.map(u32::from) >= self.retention.map_or(*before, |Retention(days)| days)
    }
}

/// Returns the fields that still have to be written, or fails for one that somebody else changed.
pub(super) fn remaining<'a>(
    fields: &[&'a FieldChange],
    live: &Organization,
    separate: &Separate,
) -> Result<Vec<&'a FieldChange>, Problem> {
    let known = KeptValues::of(&live.metadata);
    let mut todo = Vec::new();
    for field in fields {
        let now = match live_value(live, field) {
            LiveValue::Of(value) => value,
            LiveValue::Elsewhere => separate.value(field),
        };
        let (path, before, after) = (field.path(), field.before(), field.after());
        if is_after(field, now.as_deref()) {
            continue;
        }
        // Sent by an earlier run, and kept otherwise.
        if known.holds(&path, after.as_deref(), now.as_deref()) {
            continue;
        }
        if now.as_deref() != before.as_deref() && !separate.is_longer_retention(field) {
            let shown = |value: Option<&str>| match value {
                Some(value) => format!("\"{}\"", escape(value)),
                None => "absent".to_owned(),
            };
            return Err(Problem::stale(format!(
                "{path} is {}, the plan expected {}: somebody changed it meanwhile",
                shown(now.as_deref()),
                shown(before.as_deref())
            )));
        }
        todo.push(*field);
    }
    Ok(todo)
}

/// A domain that is there in any state is as good as added; WorkOS moves its state.
fn is_after(field: &FieldChange, now: Option<&str>) -> bool {
    let after = field.after();
    match field {
        FieldChange::Domain { .. } | FieldChange::ItContact(_) => after.is_some() == now.is_some(),
        _ => field.path().is_same(after.as_deref(), now),
    }
}

pub(super) const fn is_contact(field: &FieldChange) -> bool {
    matches!(field, FieldChange::ItContact(_))
}

/// Returns whether a field is metadata that the manifest declares, and no mark of portalctl.
pub(super) fn is_declared_metadata(field: &FieldChange) -> bool {
    field.metadata_key().is_some() && !field.is_mark()
}
