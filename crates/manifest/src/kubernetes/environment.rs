//! `PortalEnvironment`: what a manifest says beside its organizations, and how the operator works.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{self, rules};
use crate::shape::KeyKind;
use portalctl_model::Intent;

/// One WorkOS environment: how to reach it, where its portal sends people back to, and how much the
/// operator may do there.
///
/// A PortalOrganization names the environment that it belongs to. Everything that could do harm is
/// off or small until it is set here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules([
    (
        "!has(oldSelf.manifest) || (has(self.manifest) && self.manifest == oldSelf.manifest)",
        "manifest cannot be changed: the organizations created so far carry it as their owner mark",
    ),
    (
        "!has(self.allowDeletion) || !self.allowDeletion || has(self.manifest)",
        "allowDeletion needs manifest: only organizations with its owner mark are ever deleted",
    ),
    (
        "(has(self.apiKey) && self.apiKey == 'test') || !has(self.returnUrls) || !has(self.returnUrls.default) || self.returnUrls.default.startsWith('https://')",
        "returnUrls.default must use https: http://localhost is for environments with apiKey: test",
    ),
    (
        "(has(self.apiKey) && self.apiKey == 'test') || !has(self.returnUrls) || !has(self.returnUrls.success) || self.returnUrls.success.all(intent, self.returnUrls.success[intent].startsWith('https://'))",
        "success URLs must use https: http://localhost is for environments with apiKey: test",
    ),
])))]
pub struct PortalEnvironmentSpec {
    /// The Secret in this namespace that holds the environment's API key.
    pub secret_ref: KeyRef,
    /// The kind of API key that belongs to the environment. A key of the other kind is refused
    /// before any request is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<KeyKind>,
    /// The client id of the environment (`client_…`). Not needed for requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::client_id")]
    pub client_id: Option<String>,
    /// The environment's name in plans and reports; the name of this object unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::display_name")]
    pub name: Option<String>,
    /// The owner mark on the organizations that are created. Nothing without this mark is ever
    /// deleted. Cannot be changed once it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::key")]
    pub manifest: Option<String>,
    /// Where the portal sends browsers back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_urls: Option<ReturnUrls>,
    /// How much may change at once. `create` bounds an hour of the operator's work; for the others,
    /// a pass that would change more changes nothing of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// How the operator works.
    #[serde(flatten)]
    pub operator: OperatorSettings,
}

/// What only the operator needs: pace, intervals, and what it may do.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each power is a field of the resource, and is off until it is set"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OperatorSettings {
    /// Another endpoint than `https://api.workos.com`. It is sent the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::endpoint")]
    pub api_url: Option<String>,
    /// The most requests a second. WorkOS allows 100 for each API key, shared with the application
    /// that uses the same one.
    #[serde(skip_serializing_if = "is_default_pace")]
    #[schemars(range(min = 1, max = 100), extend("default" = DEFAULT_PACE))]
    pub requests_per_second: u32,
    /// How often WorkOS is asked for what has changed.
    #[serde(skip_serializing_if = "Intervals::is_default")]
    #[schemars(extend("default" = {}))]
    pub intervals: Intervals,
    /// Other namespaces whose PortalOrganizations may belong to this environment; `*` stands for
    /// all of them. Without it only those of its own namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "fields::namespaces")]
    pub allowed_namespaces: Vec<String>,
    /// The external ids that PortalOrganizations of other namespaces may set with `externalId`.
    /// Without it they may set only those that begin with `NAMESPACE.`; an organization that sets
    /// none gets `NAMESPACE.KEY`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "fields::external_id_patterns")]
    pub external_id_patterns: Vec<ExternalIdPatterns>,
    /// Organizations that may be taken over from a PortalOrganization of another namespace, once it
    /// is gone, or of another cluster. Each item is one permission.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "fields::transfers")]
    pub transfers: Vec<Transfer>,
    /// Whether an existing organization that nobody claims may be taken over when it holds one of
    /// the declared domains, verified.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub allow_adoption: bool,
    /// Whether another external id may be written over the one that an organization has. Without
    /// it, the external id that it has now has to be listed in `previousKeys`.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub allow_rekey: bool,
    /// Whether domains that are declared as `verified` are created so, although nobody has proven
    /// them to WorkOS. Without it they are created pending.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub allow_trusted_domains: bool,
    /// Whether `domainsPolicy: exact` removes verified domains, too. Sign-in by them stops.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub allow_domain_removal: bool,
    /// Whether `auditLogs.retentionDays` may be shorter than it is at WorkOS. Events that are older
    /// are deleted for good.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub allow_data_loss: bool,
    /// Whether deleting a PortalOrganization with `deletionPolicy: Delete` deletes the organization
    /// at WorkOS, with its connections and directories. One that is in use is not deleted unless
    /// `allowActiveDeletion` is set, too.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub allow_deletion: bool,
    /// Whether organizations that are in use are deleted, too: with a connection, a directory, a
    /// verified domain, audit logs, a log stream or members. Of no effect without `allowDeletion`.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub allow_active_deletion: bool,
    /// The most organizations that are deleted within an hour. Those beyond it wait.
    #[serde(skip_serializing_if = "is_default_deletes")]
    #[schemars(range(min = 0, max = 100), extend("default" = DEFAULT_DELETES))]
    pub max_deletes_per_hour: u32,
    /// Stops all writing to WorkOS for the organizations of this environment; reading and reporting
    /// go on. The annotation `portalctl.dev/paused` does the same.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub suspend: bool,
    /// Where the secret of the webhook endpoint is. Signed webhooks only make the operator look
    /// sooner; without them it looks at its intervals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// Requests a second unless declared: a fifth of what WorkOS allows.
const DEFAULT_PACE: u32 = 20;
/// Deletions an hour unless declared.
const DEFAULT_DELETES: u32 = 3;

impl Default for OperatorSettings {
    fn default() -> Self {
        Self {
            api_url: None,
            requests_per_second: DEFAULT_PACE,
            intervals: Intervals::default(),
            allowed_namespaces: Vec::new(),
            external_id_patterns: Vec::new(),
            transfers: Vec::new(),
            allow_adoption: false,
            allow_rekey: false,
            allow_trusted_domains: false,
            allow_domain_removal: false,
            allow_data_loss: false,
            allow_deletion: false,
            allow_active_deletion: false,
            max_deletes_per_hour: DEFAULT_DELETES,
            suspend: false,
            webhook: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_default_pace(pace: &u32) -> bool {
    *pace == DEFAULT_PACE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_default_deletes(deletes: &u32) -> bool {
    *deletes == DEFAULT_DELETES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The external ids that PortalOrganizations of one namespace may set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub struct ExternalIdPatterns {
    /// The namespace of the PortalOrganizations.
    #[schemars(schema_with = "fields::namespace")]
    pub namespace: String,
    /// Patterns, one of which an external id has to match as a whole. `*` stands for any
    /// characters.
    #[schemars(schema_with = "fields::patterns")]
    pub patterns: Vec<String>,
}

/// A permission to take over what a PortalOrganization elsewhere held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub struct Transfer {
    /// The cluster id of the former holder: the first part of the mark `portalctl_holder`.
    #[schemars(schema_with = "fields::cluster_id")]
    pub from_cluster: String,
    /// The namespace of the former holder.
    #[schemars(schema_with = "fields::namespace")]
    pub from_namespace: String,
    /// The name of the former holder; any in that namespace unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::object_name")]
    pub name: Option<String>,
}

/// A webhook endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub struct Webhook {
    /// The Secret in this namespace that holds the secret with which WorkOS signs.
    pub secret_ref: KeyRef,
}

/// One key of a Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("additionalProperties" = false))]
pub struct KeyRef {
    /// The name of the Secret.
    #[schemars(schema_with = "fields::object_name")]
    pub name: String,
    /// The key within its data.
    #[schemars(schema_with = "fields::secret_key")]
    pub key: String,
}

/// How often WorkOS is asked for what has changed. Times such as `90s`, `5m` or `1h30m`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Intervals {
    /// Between two looks at the environment's events, which tell what customers have done.
    #[schemars(schema_with = "fields::poll")]
    pub poll: String,
    /// Between two full listings of organizations, connections and directories.
    #[schemars(schema_with = "fields::resync")]
    pub resync: String,
    /// In which what can only be asked organization by organization is asked once for each: audit
    /// logs, log streams, certificates.
    #[schemars(schema_with = "fields::sweep")]
    pub sweep: String,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            poll: "60s".to_owned(),
            resync: "1h".to_owned(),
            sweep: "1h".to_owned(),
        }
    }
}

impl Intervals {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the portal sends browsers back to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = rules([
    (
        "!has(self.allowedHosts) || !has(self.default) || !isURL(self.default) || self.default.startsWith('http://') || url(self.default).getHostname() in self.allowedHosts",
        "default names a host that is not one of allowedHosts: add it there if it is meant",
    ),
])))]
pub struct ReturnUrls {
    /// Where the portal's back link goes: a page of your app.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::url")]
    pub default: Option<String>,
    /// The hosts that return and success URLs may name. Without it any host may be named; a changed
    /// URL is a phishing vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::hosts")]
    pub allowed_hosts: Option<Vec<String>>,
    /// Where the portal redirects when an intent was finished, by intent; the return URL unless
    /// set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::success_urls")]
    pub success: Option<BTreeMap<Intent, String>>,
}

/// How much may change at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// The most organizations that the operator creates within an hour; 50 unless declared. Those
    /// beyond it wait. `portalctl apply` creates nothing when one run would create more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub create: Option<u32>,
    /// The most organizations that are updated: a number, or a percentage of the existing ones (not
    /// applied below ten of them).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::update_limit")]
    pub update: Option<UpdateLimit>,
    /// The most domains that are removed; 3 unless declared. Deleted organizations are counted by
    /// `maxDeletesPerHour`, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub delete: Option<u32>,
}

/// A number of organizations, or a percentage of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UpdateLimit {
    /// A number of organizations.
    Count(u32),
    /// A percentage from 1% to 100%.
    Percent(String),
}
