//! Validation of imported entries by the reader of manifests itself.
//!
//! Goes in: an entry. Comes out: whether a manifest that holds it is accepted, and if not, why. So
//! every rule of manifests is written once, in `manifest::check`, and what is imported keeps to
//! those that are added there.

use std::collections::BTreeMap;

use portalctl_manifest::shape::{self, Manifest};
use portalctl_manifest::{Checked, Input, read, to_yaml};
use portalctl_model::OrgKey;
use portalctl_model::codes::Code;
use portalctl_model::desired::Defaults;

/// Reason why an entry is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) reason: String,
}

/// Reads entries as they would be read beside what is declared already.
pub(super) struct Validator {
    /// Settings that the manifest adds to every entry.
    defaults: Option<shape::Organization>,
}

impl Validator {
    pub(super) fn new(defaults: &Defaults) -> Self {
        let Defaults {
            metadata,
            domains_policy: _,
        } = defaults;
        let defaults = (!metadata.is_empty()).then(|| shape::Organization {
            metadata: Some(metadata.clone()),
            ..shape::Organization::default()
        });
        Self { defaults }
    }

    /// Returns the reason why an entry is refused; `None` where it is accepted.
    pub(super) fn refusal(&self, key: &OrgKey, entry: &shape::Organization) -> Option<Refusal> {
        let manifest = Manifest {
            version: Some(1),
            defaults: self.defaults.clone(),
            organizations: Some(BTreeMap::from([(key.to_string(), entry.clone())])),
            ..Manifest::default()
        };
        let Checked {
            desired: _,
            names: _,
            diagnostics,
            sources: _,
        } = read(&[Input::Stdin(to_yaml(&manifest).into_bytes())]);
        let error = diagnostics.errors().next()?;
        Some(Refusal {
            code: error.code,
            reason: error.message.clone(),
        })
    }
}
