//! Effects of changes: the smallest parts of a plan that a review approves.
//!
//! Goes in: a change. Comes out: a fingerprint for each field that it sets, and one for a deletion,
//! an invitation or an adoption. The organization's id is in none but those of deletion and adoption,
//! so a creation that was cut off and the update that completes it have the same effects.

use super::change::{Action, Change};
use super::field_change::FieldChange;
use super::fingerprint::{Fingerprint, Hasher};
use super::invitation::Invitation;
use portalctl_model::OrganizationId;

/// Returns the effects of a change that somebody may want to review.
pub(super) fn effects(change: &Change) -> Vec<Fingerprint> {
    match &change.action {
        Action::Delete(id) => vec![deletion(change, id)],
        Action::Invite(invitation) => vec![invite(change, invitation)],
        Action::Create | Action::Update(_) => fields(change).collect(),
        Action::Adopt(id) => {
            let mut adopt = begin(change, "adopt");
            adopt.text(id.as_str());
            fields(change).chain([adopt.short()]).collect()
        }
    }
}

/// Returns the effect of one field of a change.
pub(super) fn of_field(change: &Change, field: &FieldChange) -> Fingerprint {
    let mut hasher = begin(change, "field");
    hasher.text(&field.path().to_string());
    hasher.hashed(field.before().as_deref());
    hasher.hashed(field.after().as_deref());
    hasher.short()
}

fn fields(change: &Change) -> impl Iterator<Item = Fingerprint> {
    change
        .reviewed_fields()
        .map(|field| of_field(change, field))
}

/// Returns the effect that a deletion had while nothing but its organization was shown to go along: no
/// use, and no mark of another.
pub(super) fn of_unused(change: &Change) -> Option<Fingerprint> {
    let Action::Delete(id) = &change.action else {
        return None;
    };
    let mut bare = change.clone();
    bare.fields.retain(|field| {
        matches!(
            field,
            FieldChange::Name { .. } | FieldChange::ExternalId { .. } | FieldChange::State
        )
    });
    Some(deletion(&bare, id))
}

/// Hashes the organization with all that a plan showed to go along with it.
fn deletion(change: &Change, id: &OrganizationId) -> Fingerprint {
    let mut hasher = begin(change, "delete");
    hasher.text(id.as_str());
    for field in &change.fields {
        hasher.text(&field.path().to_string());
        hasher.hashed(field.before().as_deref());
    }
    hasher.short()
}

fn invite(change: &Change, invitation: &Invitation) -> Fingerprint {
    let mut hasher = begin(change, "invite");
    hash_invitation(&mut hasher, invitation);
    hasher.short()
}

/// Hashes whom an invitation goes to, and for what.
pub(super) fn hash_invitation(hasher: &mut Hasher, invitation: &Invitation) {
    let Invitation {
        organization: _,
        contact,
        intents,
        not_invitable,
    } = invitation;
    hasher.text(contact.as_str());
    for intents in [intents, not_invitable] {
        hasher.count(intents.len());
        for intent in intents {
            hasher.text(intent.as_str());
        }
    }
}

fn begin(change: &Change, kind: &str) -> Hasher {
    let mut hasher = Hasher::new("portalctl effect v1");
    hasher.text(kind);
    hasher.text(change.key.as_str());
    hasher
}
