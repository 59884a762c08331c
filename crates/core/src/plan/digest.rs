//! The digest: what a review approves and `apply --expect-digest` holds a run to.
//!
//! Covers what would be done and to what, and where people are sent; not when or by which version:
//! the same difference gives the same digest tomorrow.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::change::{Change, Scope};
use super::destinations::{Destination, Destinations};
use super::effect::effects;
use super::fingerprint::{Fingerprint, Hasher};
use super::{Plan, Target};
use portalctl_model::{ClientId, ManifestName, OrgKey, OrganizationId};

/// Beginning of a digest's text.
const PREFIX: &str = "sha256:";
/// Number of hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// A plan's digest: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Digest(String);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Digest {
    /// Reads the text of a digest; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_digest = digits.len() == DIGITS && digits.bytes().all(is_digit);
        is_digest.then(|| Self(text.to_owned()))
    }

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
            destinations,
            seen: _,
            names: _,
        } = plan;
        let mut hasher = Hasher::new("portalctl plan v2");
        hasher.fingerprint(of_target(target));
        hasher.fingerprint(of_destinations(destinations));
        // Marks that nobody reviews may be written by another run between a review and its apply.
        hasher.count(plan.reviewed().count());
        for change in plan.reviewed() {
            subject(&mut hasher, change);
            let effects = effects(change);
            hasher.count(effects.len());
            for effect in effects {
                hasher.fingerprint(effect);
            }
        }
        hasher.count(held.len());
        for held in held {
            subject(&mut hasher, &held.change);
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
        Self(format!("{PREFIX}{}", HEXLOWER.encode(&hasher.finish())))
    }
}

fn subject(hasher: &mut Hasher, change: &Change) {
    hasher.text(change.key.as_str());
    hasher.text(change.action.kind().as_str());
    let id = change.action.organization();
    hasher.optional(id.map(OrganizationId::as_str));
}

/// Returns the fingerprint of the environment that a plan was made against.
pub(super) fn of_target(target: &Target) -> Fingerprint {
    let Target {
        environment,
        endpoint,
        key_kind,
        client_id,
        manifest,
    } = target;
    let mut hasher = Hasher::new("portalctl target v1");
    hasher.optional(environment.as_deref());
    hasher.text(endpoint);
    hasher.optional(key_kind.as_deref());
    hasher.optional(manifest.as_ref().map(ManifestName::as_str));
    hasher.optional(client_id.as_ref().map(ClientId::as_str));
    hasher.short()
}

/// Returns the fingerprint of the addresses that people are sent to.
pub(super) fn of_destinations(destinations: &Destinations) -> Fingerprint {
    let Destinations {
        allowed_hosts,
        urls,
    } = destinations;
    let mut hasher = Hasher::new("portalctl destinations v1");
    hasher.count(allowed_hosts.iter().count());
    for host in allowed_hosts.iter() {
        hasher.text(host);
    }
    hasher.count(urls.len());
    // How many are sent there follows from the manifest, and may change with no URL.
    for Destination {
        key,
        setting,
        url,
        organizations: _,
    } in urls
    {
        hasher.optional(key.as_ref().map(OrgKey::as_str));
        hasher.text(setting);
        hasher.text(url.as_str());
    }
    hasher.short()
}
