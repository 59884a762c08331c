//! The digest: what a review approves and `apply --expect-digest` holds a run to.
//!
//! Covers what would be done and to what, not when or by which version: the same difference gives
//! the same digest tomorrow.

use std::fmt;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::change::{Change, Scope};
use super::{Invitation, Plan, Target};
use portalctl_model::{ManifestName, OrganizationId};

/// A plan's digest: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Digest(String);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Digest {
    /// The digest of a plan.
    pub fn of(plan: &Plan) -> Self {
        let Plan {
            target,
            changes: _,
            held,
            conflicts,
            warnings: _,
            notes: _,
            unchanged: _,
            unmanaged: _,
            seen: _,
        } = plan;
        let Target {
            environment,
            endpoint,
            key_kind,
            client_id,
            manifest,
        } = target;
        let mut hasher = Hasher(Sha256::new());
        hasher.text("portalctl plan v1");
        hasher.optional(environment.as_deref());
        hasher.text(endpoint);
        hasher.optional(key_kind.as_deref());
        hasher.optional(manifest.as_ref().map(ManifestName::as_str));
        // Marks that nobody reviews may be written by another run between a review and its apply.
        hasher.count(plan.reviewed().count());
        for change in plan.reviewed() {
            hasher.subject(change);
            hasher.count(change.reviewed_fields().count());
            for field in change.reviewed_fields() {
                hasher.text(&field.path().to_string());
                hasher.optional(field.before().as_deref());
                hasher.optional(field.after().as_deref());
            }
            if let Some(invitation) = change.action.invitation() {
                hasher.invitation(invitation);
            }
        }
        hasher.count(held.len());
        for held in held {
            hasher.subject(&held.change);
            hasher.text(&held.flag.to_string());
        }
        hasher.count(conflicts.len());
        for conflict in conflicts {
            hasher.text(conflict.key.as_str());
            hasher.text(conflict.code.as_str());
            if let Some(domain) = conflict.scope.domain() {
                hasher.text(domain.as_str());
            } else if conflict.scope == Scope::Metadata {
                hasher.text(conflict.scope.as_str());
            }
        }
        // Last, where it cannot be taken for anything else: a plan without one hashes as it always
        // did.
        if let Some(client_id) = client_id {
            hasher.text(client_id.as_str());
        }
        hasher.finish()
    }
}

/// Hashes values with their lengths, so that no two sequences of values hash alike.
struct Hasher(Sha256);

impl Hasher {
    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default());
    }

    fn subject(&mut self, change: &Change) {
        self.text(change.key.as_str());
        self.text(change.action.kind().as_str());
        self.optional(change.action.organization().map(OrganizationId::as_str));
    }

    fn invitation(&mut self, invitation: &Invitation) {
        let Invitation {
            organization: _,
            contact,
            intents,
            not_invitable,
        } = invitation;
        self.text(contact.as_str());
        for intents in [intents, not_invitable] {
            self.count(intents.len());
            for intent in intents {
                self.text(intent.as_str());
            }
        }
    }

    fn finish(self) -> Digest {
        let digits = self.0.finalize();
        let hex = digits
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                for nibble in [byte >> 4, byte & 0xf] {
                    hex.extend(char::from_digit(u32::from(nibble), 16));
                }
                hex
            });
        Digest(format!("sha256:{hex}"))
    }
}
