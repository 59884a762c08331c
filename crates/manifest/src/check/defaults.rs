//! Layers of fields below an entry: `defaults`, and the profiles that it uses.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::metadata::{self, Metadata};
use super::urls::UrlRules;
use super::{audit_logs, contacts, domains, identity, ignore, intents};
use crate::diagnostic::Findings;
use crate::quote::{quote, suggest};
use crate::raw::{Field, Text, Texts, accepted};
use crate::shape::RawOrganization;
use crate::source::Spotted;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::{self, DomainsPolicy, FieldPath, IntentSettings};
use portalctl_model::{Email, Intent, OrgKey, ReturnUrl};

/// Fields that an organization has unless it declares them itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    pub(super) intents: Option<BTreeMap<Intent, IntentSettings>>,
    pub(super) metadata: Metadata,
    pub(super) return_url: Option<ReturnUrl>,
    pub(super) domains_policy: Option<DomainsPolicy>,
    pub(super) ignore_fields: Option<BTreeSet<FieldPath>>,
    pub(super) protect: Option<bool>,
    pub(super) it_contacts: Option<Vec<Email>>,
    pub(super) retention_days: Option<u16>,
    pub(super) allow_profiles_outside_organization: Option<bool>,
    pub(super) allow_shared_domain: Option<bool>,
    pub(super) allow_same_name: Option<bool>,
}

impl Defaults {
    /// Returns the defaults that show in a plan for a new entry.
    pub(super) fn into_desired(self) -> desired::Defaults {
        desired::Defaults {
            metadata: self.metadata,
            domains_policy: self.domains_policy.unwrap_or_default(),
        }
    }

    /// Lays fields of a later layer over these.
    fn lay_over(&mut self, later: &Self) {
        let Self {
            intents,
            metadata,
            return_url,
            domains_policy,
            ignore_fields,
            protect,
            it_contacts,
            retention_days,
            allow_profiles_outside_organization,
            allow_shared_domain,
            allow_same_name,
        } = later.clone();
        self.intents = intents.or(self.intents.take());
        self.metadata.extend(metadata);
        self.return_url = return_url.or(self.return_url.take());
        self.domains_policy = domains_policy.or(self.domains_policy);
        self.ignore_fields = ignore_fields.or(self.ignore_fields.take());
        self.protect = protect.or(self.protect);
        self.it_contacts = it_contacts.or(self.it_contacts.take());
        self.retention_days = retention_days.or(self.retention_days);
        self.allow_profiles_outside_organization =
            allow_profiles_outside_organization.or(self.allow_profiles_outside_organization);
        self.allow_shared_domain = allow_shared_domain.or(self.allow_shared_domain);
        self.allow_same_name = allow_same_name.or(self.allow_same_name);
    }

    /// Takes a field away, which a patch has done for the whole entry.
    fn take_away(&mut self, field: &str) {
        match field {
            "intents" => self.intents = None,
            "metadata" => self.metadata.clear(),
            "return_url" => self.return_url = None,
            "domains_policy" => self.domains_policy = None,
            "ignore_fields" => self.ignore_fields = None,
            "protect" => self.protect = None,
            "it_contacts" => self.it_contacts = None,
            "audit_logs" => self.retention_days = None,
            "allow_profiles_outside_organization" => {
                self.allow_profiles_outside_organization = None;
            }
            "allow_shared_domain" => self.allow_shared_domain = None,
            "allow_same_name" => self.allow_same_name = None,
            // No layer below an entry has another field.
            _ => {}
        }
    }
}

/// Checks `defaults` or a profile. Decoding has refused the fields that may not stand there.
pub(super) fn check(raw: &RawOrganization, urls: &UrlRules, findings: &mut Findings) -> Defaults {
    let flag = |field: Option<&Field<bool>>| accepted(field).map(|(value, _)| *value);
    let contacts = raw.it_contacts.as_ref();
    Defaults {
        intents: intents::check(raw.intents.as_ref(), urls, findings),
        metadata: metadata::defaults(raw.metadata.as_ref(), findings),
        return_url: urls.check(raw.return_url.as_ref(), "the return URL", findings),
        domains_policy: domains::policy(raw.domains_policy.as_ref(), findings),
        ignore_fields: ignore::check(raw.ignore_fields.as_ref(), findings),
        protect: flag(raw.protect.as_ref()),
        it_contacts: contacts.map(|field| contacts::check(Some(field), findings)),
        retention_days: audit_logs::retention_days(raw.audit_logs.as_ref(), findings),
        allow_profiles_outside_organization: flag(raw.allow_profiles_outside_organization.as_ref()),
        allow_shared_domain: flag(raw.allow_shared_domain.as_ref()),
        allow_same_name: flag(raw.allow_same_name.as_ref()),
    }
}

/// The layers below all entries.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) defaults: Defaults,
    profiles: BTreeMap<Text, Defaults>,
}

impl Layers {
    /// Checks `defaults` and `profiles`.
    pub(super) fn check(
        defaults: Option<&RawOrganization>,
        profiles: &[(Spotted<Text>, RawOrganization)],
        urls: &UrlRules,
        findings: &mut Findings,
    ) -> Self {
        let mut checked = BTreeMap::new();
        for (name, raw) in profiles {
            identity::name(name, "a profile", "enterprise", findings);
            let profile = check(raw, urls, findings);
            // Of a name that stands twice, which has been reported, the first counts.
            checked.entry(name.value.clone()).or_insert(profile);
        }
        Self {
            defaults: defaults
                .map(|raw| check(raw, urls, findings))
                .unwrap_or_default(),
            profiles: checked,
        }
    }

    /// Returns the fields below one entry: `defaults`, the profiles that it uses, and neither of the
    /// fields that a patch takes away.
    pub(super) fn below(
        &self,
        uses: Option<&Field<Texts>>,
        taken_away: &[&str],
        findings: &mut Findings,
    ) -> Cow<'_, Defaults> {
        let mut layer = Cow::Borrowed(&self.defaults);
        let uses = accepted(uses).map(|(list, _)| list.as_slice());
        for name in uses.unwrap_or_default() {
            match self.profiles.get(&name.value) {
                Some(profile) => layer.to_mut().lay_over(profile),
                None => self.unknown(name, findings),
            }
        }
        for field in taken_away {
            layer.to_mut().take_away(field);
        }
        layer
    }

    fn unknown(&self, name: &Spotted<Text>, findings: &mut Findings) {
        let known = self.profiles.keys().map(|name| &**name);
        let known: Vec<&str> = known.filter(|name| OrgKey::parse(name).is_ok()).collect();
        let help = if known.is_empty() {
            "declare it under `profiles:` at the top of a file".to_owned()
        } else {
            suggest(&name.value, &known)
        };
        let message = format!("there is no profile {}", quote(&name.value));
        findings.error(codes::UNKNOWN_PROFILE, name.spot, message, help);
    }
}
