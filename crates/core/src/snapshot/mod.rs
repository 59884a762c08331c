//! Snapshots: what a plan needs of the live state, in one file, without what nobody has to see.
//!
//! Goes in: what was read, the manifest that it was read for, and the time. Comes out: the text of a
//! snapshot; from a text, the live state of a later plan. Holds no key, no portal link and no
//! verification token. Reads no file and no clock.

mod hidden;
mod replay;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::Target;
use hidden::Hash;
use portalctl_model::desired::Desired;
use portalctl_model::observed::{Answer, Observed};
use portalctl_model::{ClientId, ManifestName, OrganizationId, mark, name};

pub use replay::{Asked, KnownContacts};

/// Kind of the document.
const KIND: &str = "portalctl snapshot";
/// The version of the document that this program writes and reads.
const FORMAT_VERSION: &str = "1";

/// The live state at one time, as far as plans need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    kind: String,
    format_version: String,
    /// Time of the reading.
    pub taken_at: Timestamp,
    target: SnapshotTarget,
    observed: Observed,
    /// Values of metadata that the manifest did not declare, as hashes.
    hidden_metadata: BTreeMap<OrganizationId, BTreeMap<String, Hash>>,
    /// Addresses of IT contacts, as hashes.
    contacts: BTreeMap<OrganizationId, Answer<Vec<Hash>>>,
    /// Names of organizations as hashes, where they are hidden.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    hidden_names: BTreeMap<OrganizationId, HiddenName>,
}

/// Name of an organization that nobody has to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct HiddenName {
    /// Hash of the name as servers store it.
    exact: Hash,
    /// Hash of what two names have in common that a reader takes for the same.
    folded: Hash,
}

impl HiddenName {
    fn of(name: &str) -> Self {
        Self {
            exact: Hash::of(&name::settled(name)),
            folded: Hash::of(&name::folded(name)),
        }
    }
}

/// Environment that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SnapshotTarget {
    environment: Option<String>,
    endpoint: String,
    key_kind: Option<String>,
    client_id: Option<ClientId>,
    manifest: Option<ManifestName>,
}

/// Reason why a text is no usable snapshot; reads as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSnapshot {
    /// The text is not what `portalctl snapshot` writes.
    #[error("is not a snapshot that `portalctl snapshot` wrote: {0}")]
    Malformed(String),
    /// Another version of the program wrote it.
    #[error("has format version {0}, and this portalctl reads version {FORMAT_VERSION}")]
    Version(String),
}

impl Snapshot {
    /// Creates the snapshot of what was read for a manifest.
    pub fn of(observed: Observed, desired: &Desired, target: Target, taken_at: Timestamp) -> Self {
        let Target {
            environment,
            endpoint,
            key_kind,
            client_id,
            manifest,
        } = target;
        let mut observed = observed;
        let hidden_metadata = hide_metadata(&mut observed, &declared_metadata(desired));
        let contacts = std::mem::take(&mut observed.it_contacts);
        let contacts = contacts.into_iter().map(|(id, answer)| {
            let hashes = answer.map(|contacts| {
                let hashes = contacts
                    .iter()
                    .map(|contact| Hash::of_address(&contact.email));
                hashes.collect()
            });
            (id, hashes)
        });
        let contacts = contacts.collect();
        forget_what_no_plan_needs(&mut observed);
        Self {
            kind: KIND.to_owned(),
            format_version: FORMAT_VERSION.to_owned(),
            taken_at,
            target: SnapshotTarget {
                environment,
                endpoint,
                key_kind,
                client_id,
                manifest,
            },
            observed,
            hidden_metadata,
            contacts,
            hidden_names: BTreeMap::new(),
        }
    }

    /// Returns the snapshot with hashes in the place of the names of organizations.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        for (id, live) in &mut self.observed.organizations {
            let hidden = HiddenName::of(&live.name);
            live.name = hidden.exact.placeholder();
            self.hidden_names.insert(id.clone(), hidden);
        }
        self
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    ///
    /// Fails where the text is none, or one of another version.
    pub fn parse(text: &str) -> Result<Self, InvalidSnapshot> {
        #[derive(Deserialize)]
        struct Head {
            kind: String,
            format_version: String,
        }
        let malformed = |error: serde_json::Error| InvalidSnapshot::Malformed(error.to_string());
        let head: Head = serde_json::from_str(text).map_err(malformed)?;
        if head.kind != KIND {
            return Err(InvalidSnapshot::Malformed(
                "it is another document".to_owned(),
            ));
        }
        if head.format_version != FORMAT_VERSION {
            return Err(InvalidSnapshot::Version(head.format_version));
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// Returns the text of the snapshot.
    ///
    /// # Errors
    ///
    /// Fails where a value has no JSON form.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    /// Returns the name of the environment that was read.
    pub fn environment(&self) -> Option<&str> {
        self.target.environment.as_deref()
    }

    /// Returns the kind of the key that it was read with.
    pub fn key_kind(&self) -> Option<&str> {
        self.target.key_kind.as_deref()
    }

    /// Returns the number of organizations.
    pub fn organizations(&self) -> usize {
        self.observed.organizations.len()
    }

    /// Returns the target of a plan for a manifest, as if WorkOS were asked now.
    pub fn target(&self, desired: &Desired) -> Target {
        Target {
            environment: desired.environment.name.clone(),
            endpoint: self.target.endpoint.clone(),
            key_kind: self.target.key_kind.clone(),
            client_id: desired.environment.client_id.clone(),
            manifest: desired.manifest.clone(),
        }
    }
}

/// Returns the metadata keys that a manifest declares for any organization.
fn declared_metadata(desired: &Desired) -> BTreeSet<&str> {
    let entries = desired.organizations.values();
    let of_entries = entries.flat_map(|entry| entry.metadata.keys());
    let keys = of_entries.chain(desired.defaults.metadata.keys());
    keys.map(String::as_str).collect()
}

/// Takes the values of undeclared metadata out, and returns their hashes. Our own marks stay.
fn hide_metadata(
    observed: &mut Observed,
    declared: &BTreeSet<&str>,
) -> BTreeMap<OrganizationId, BTreeMap<String, Hash>> {
    let mut hidden = BTreeMap::new();
    for (id, live) in &mut observed.organizations {
        let all = std::mem::take(&mut live.metadata);
        let is_plain = |key: &str| key.starts_with(mark::RESERVED_PREFIX) || declared.contains(key);
        let (plain, other): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.into_iter().partition(|(key, _)| is_plain(key));
        live.metadata = plain;
        if !other.is_empty() {
            let hashes = other
                .into_iter()
                .map(|(key, value)| (key, Hash::of(&value)));
            hidden.insert(id.clone(), hashes.collect());
        }
    }
    hidden
}

/// Takes out what no plan needs: secrets of verifications, names of connections, certificates.
fn forget_what_no_plan_needs(observed: &mut Observed) {
    for live in observed.organizations.values_mut() {
        for domain in &mut live.domains {
            domain.verification_token = None;
            domain.verification_prefix = None;
        }
    }
    observed.certificates = BTreeMap::new();
}
