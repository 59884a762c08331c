//! Defaults of fields that an organization does not declare.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::{self, Metadata};
use super::urls::UrlRules;
use super::{domains, ignore, intents};
use crate::diagnostic::Findings;
use crate::raw::accepted;
use crate::shape::RawOrganization;
use portalctl_model::desired::{self, DomainsPolicy, FieldPath, IntentSettings};
use portalctl_model::{Intent, ReturnUrl};

/// Defaults of fields that an organization does not declare.
#[derive(Default)]
pub(super) struct Defaults {
    pub(super) intents: BTreeMap<Intent, IntentSettings>,
    pub(super) metadata: Metadata,
    pub(super) return_url: Option<ReturnUrl>,
    pub(super) domains_policy: DomainsPolicy,
    pub(super) ignore_fields: BTreeSet<FieldPath>,
    pub(super) protect: Option<bool>,
}

impl Defaults {
    /// Returns the defaults that show in a plan for a new entry.
    pub(super) fn into_desired(self) -> desired::Defaults {
        desired::Defaults {
            metadata: self.metadata,
            domains_policy: self.domains_policy,
        }
    }
}

/// Checks `defaults`. Decoding has refused the fields that may not stand there.
pub(super) fn check(raw: &RawOrganization, urls: &UrlRules, findings: &mut Findings) -> Defaults {
    Defaults {
        intents: intents::check(raw.intents.as_ref(), urls, findings).unwrap_or_default(),
        metadata: metadata::defaults(raw.metadata.as_ref(), findings),
        return_url: urls.check(raw.return_url.as_ref(), "the return URL", findings),
        domains_policy: domains::policy(raw.domains_policy.as_ref(), findings).unwrap_or_default(),
        ignore_fields: ignore::check(raw.ignore_fields.as_ref(), findings).unwrap_or_default(),
        protect: accepted(raw.protect.as_ref()).map(|(protect, _)| *protect),
    }
}
