//! `PortalOrganization`: one customer, with the fields that a manifest has under its key.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{self, rules};
use crate::shape::{DomainState, DomainsPolicy, Invite};
use portalctl_model::Intent;

/// One customer: its organization at WorkOS, and the Admin Portal features that it should have.
///
/// A field that is absent is not managed: WorkOS's value stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules([
    (
        "has(self.name) || has(self.id)",
        "name is required, unless id names an organization that exists at WorkOS",
    ),
    (
        "!has(self.invite) || self.invite != 'once' || (has(self.itContacts) && size(self.itContacts) > 0)",
        "invite: once needs itContacts: they are who WorkOS writes to",
    ),
    (
        "!has(self.domains) || size(self.domains) > 0 || (has(self.domainsPolicy) && self.domainsPolicy == 'exact')",
        "domains is empty: remove it to leave the domains alone, or set domainsPolicy: exact to remove every domain",
    ),
    (
        "!has(self.removeMetadata) || !has(self.metadata) || self.removeMetadata.all(key, !(key in self.metadata))",
        "a metadata key stands in metadata and in removeMetadata: remove it from one of them",
    ),
    (
        "!has(oldSelf.id) || (has(self.id) && self.id == oldSelf.id)",
        "id cannot be changed: write another PortalOrganization for another organization",
    ),
])))]
pub struct PortalOrganizationSpec {
    /// The PortalEnvironment that the organization belongs to. Cannot be changed.
    #[schemars(extend("x-kubernetes-validations" = rules([(
        "self == oldSelf",
        "environmentRef cannot be changed: write another PortalOrganization for another environment",
    )])))]
    pub environment_ref: EnvironmentRef,
    /// The customer's stable short key in plans and reports; the name of this object unless set.
    /// Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::key")]
    pub key: Option<String>,
    /// The display name. Required unless `id` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::display_name")]
    pub name: Option<String>,
    /// Pins an existing organization by its WorkOS id. Such an organization is never created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::organization_id")]
    pub id: Option<String>,
    /// The external id at WorkOS; the key unless declared. To change it, list the former one in
    /// `previousKeys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::external_id")]
    pub external_id: Option<String>,
    /// External ids that the organization had before, so that it is found again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::external_ids")]
    pub previous_keys: Option<Vec<String>>,
    /// The customer's domains. They are added, never removed, unless `domainsPolicy: exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["domain"],
    ))]
    pub domains: Option<Vec<DomainSettings>>,
    /// What happens to domains that are live but not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains_policy: Option<DomainsPolicy>,
    /// The features of the Admin Portal that this customer should have. Somebody at the customer
    /// configures them in the portal; `status.intents` tells how far they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 7), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["intent"],
    ))]
    pub intents: Option<Vec<IntentSettings>>,
    /// This customer's own return URL: where the portal's back link goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::url")]
    pub return_url: Option<String>,
    /// Metadata to set. Keys that are not named here are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::metadata")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Metadata keys to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::metadata_keys")]
    pub remove_metadata: Option<Vec<String>>,
    /// The customer's IT contacts, by e-mail address. They are added, never removed. WorkOS sends
    /// contacts alerts, such as that of an expiring certificate, as soon as they are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::contacts")]
    pub it_contacts: Option<Vec<String>>,
    /// Whether WorkOS should e-mail the IT contacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<Invite>,
    /// Never deleted, whatever the policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
    /// The customer's id at Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::stripe_customer_id")]
    pub stripe_customer_id: Option<String>,
    /// Whether profiles from outside the organization's domains may sign in. With `true`, single
    /// sign-on needs no verified domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_profiles_outside_organization: Option<bool>,
    /// Settings of audit logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_logs: Option<AuditLogSettings>,
    /// Fields whose differences are left alone, because something else manages them, by the paths
    /// that plans show: `name`, `metadata.tier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::ignored")]
    pub ignore_fields: Option<Vec<String>>,
    /// Accepts that another organization has one of the domains. Both have to say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_shared_domain: Option<bool>,
    /// Accepts that another organization has the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_same_name: Option<bool>,
    /// What happens at WorkOS when this object is deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "Retain"))]
    pub deletion_policy: DeletionPolicy,
    /// Whether anything may be written to WorkOS for this organization.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = "Manage"))]
    pub management_policy: ManagementPolicy,
    /// Stops all writing to WorkOS for this organization; reading and reporting go on. The
    /// annotation `portalctl.dev/paused` does the same.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(extend("default" = false))]
    pub suspend: bool,
    /// Whether an organization that was deleted at WorkOS by somebody else is created again. Used up
    /// once it was: remove the field, and set it again, for another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recreate: Option<Recreate>,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The PortalEnvironment that an organization belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentRef {
    /// Its name.
    #[schemars(schema_with = "fields::object_name")]
    pub name: String,
    /// Its namespace; the organization's own unless set. Another one has to be allowed by
    /// `allowedNamespaces` of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::namespace")]
    pub namespace: Option<String>,
}

/// Settings of audit logs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditLogSettings {
    /// For how many days audit-log events are kept: 30 or 365. A shorter time than now needs
    /// `allowDataLoss` of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [30, 365]))]
    pub retention_days: Option<u16>,
}

/// A domain of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainSettings {
    /// The domain, as in `acme.com`.
    #[schemars(schema_with = "fields::domain")]
    pub domain: String,
    /// Whether its ownership is still to be proven; pending unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<DomainState>,
}

/// A feature of the Admin Portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules([
    (
        "!has(self.warnDays) || self.intent == 'certificate_renewal'",
        "warnDays belongs to certificate_renewal: remove it from other intents",
    ),
])))]
pub struct IntentSettings {
    /// The feature, by the name that the WorkOS API has for it.
    pub intent: Intent,
    /// Where the portal's back link goes for this intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::url")]
    pub return_url: Option<String>,
    /// Where the portal redirects when the customer finished; the return URL unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::url")]
    pub success_url: Option<String>,
    /// From how many days before its end a certificate needs attention; 30 unless declared
    /// (`certificate_renewal` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 365))]
    pub warn_days: Option<u16>,
}

/// What happens at WorkOS when the object is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// The organization stays at WorkOS as it is.
    #[default]
    Retain,
    /// The organization is deleted, with its connections and directories. The environment has to
    /// allow it, and only an organization with the environment's owner mark is deleted.
    Delete,
}

/// Whether anything may be written to WorkOS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ManagementPolicy {
    /// The organization is created and kept as declared.
    #[default]
    Manage,
    /// Nothing is written: the organization is only read and reported.
    Observe,
}

/// Whether an organization that was deleted at WorkOS by somebody else is created again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Recreate {
    /// One time.
    Once,
}
