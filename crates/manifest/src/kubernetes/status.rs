//! Statuses of the resources, which the operator writes.
//!
//! A status holds no secret, no portal link and no e-mail address.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use portalctl_model::Intent;

/// One aspect of an object, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Aspect: `Synced`, `Ready`, `Onboarded`, `DomainContested`, `Reconciling` or
    /// `Stalled`.
    #[serde(rename = "type")]
    #[schemars(length(max = 64))]
    pub kind: String,
    /// Status of the aspect.
    pub status: ConditionStatus,
    /// Generation of the object that the condition describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Time of the last change of the status.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_transition_time: Timestamp,
    /// Reason in one word, for programs.
    #[schemars(length(max = 128))]
    pub reason: String,
    /// Reason in a sentence, for people.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    pub message: String,
}

/// Status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// The operator cannot tell.
    Unknown,
}

/// Observed state of the organization at WorkOS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PortalOrganizationStatus {
    /// Generation of the object that the operator has handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Synced`: WorkOS was reached and nothing is left to write. `Ready`: the organization exists as
    /// declared. `Onboarded`: every declared intent is configured; a customer who has not finished
    /// yet leaves `Ready` as it is. `DomainContested` (another organization has verified a declared
    /// domain), `Reconciling` and `Stalled` are there while they hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"],
    ))]
    pub conditions: Vec<Condition>,
    /// Id of the organization at WorkOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub organization_id: Option<String>,
    /// External id of the organization at WorkOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub external_id: Option<String>,
    /// Configured intents and declared intents, as in `2/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub configured: Option<String>,
    /// Progress of each declared intent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 7), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["intent"],
    ))]
    pub intents: Vec<IntentStatus>,
    /// Domains of the organization at WorkOS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["domain"],
    ))]
    pub domains: Vec<DomainStatus>,
    /// Set when `organizationId` names an organization that somebody deleted at WorkOS.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted_outside: bool,
    /// Set when `recreate: once` is used up. Removing the field from the spec resets this.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recreated: bool,
    /// Times of fields that the operator wrote more than once for this version of the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["field"],
    ))]
    pub field_writes: Vec<FieldWrites>,
}

/// Times at which the operator wrote a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldWrites {
    /// The field, by the path that plans show.
    #[schemars(length(max = 300))]
    pub field: String,
    /// The last times, oldest first.
    #[schemars(length(max = 6), with = "Vec<String>", inner(length(max = 40)))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub times: Vec<Timestamp>,
}

/// Progress of one intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentStatus {
    /// The feature.
    pub intent: Intent,
    /// `configured`, `in_progress`, `unconfigured`, `attention`, `unknown` or `not_applicable`.
    #[schemars(length(max = 32))]
    pub state: String,
    /// Beginning of the state, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// Party that acts next: `you`, `customer`, `dns`, `workos` or `none`.
    #[schemars(length(max = 16))]
    pub turn: String,
    /// Reason of the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub next_step: Option<String>,
}

/// A domain that the organization has at WorkOS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainStatus {
    /// The domain.
    #[schemars(length(max = 253))]
    pub domain: String,
    /// State, in the word of WorkOS.
    #[schemars(length(max = 64))]
    pub state: String,
}

/// Observed state of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PortalEnvironmentStatus {
    /// Generation of the object that the operator has handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: the API key is there, of the declared kind, and accepted. `Synced`: everything that
    /// is declared was read within its interval. `Reconciling` and `Stalled` are there while they
    /// hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"],
    ))]
    pub conditions: Vec<Condition>,
    /// Numbers of organizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizations: Option<OrganizationTotals>,
    /// Numbers of declared intents in each state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intents: Option<IntentTotals>,
    /// Time of the last full listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_sync_time: Option<Timestamp>,
    /// Last event that was read of WorkOS's event log. A hint: a lost or old one costs one full listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub events_cursor: Option<String>,
    /// The release of the operator that keeps the environment: its Lease, as `namespace/name`.
    /// Another release leaves the environment alone while this one is alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub operator: Option<String>,
    /// Claims on organizations that were refused: the organization is another's, or nobody's that
    /// may be taken over. At most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "atomic"))]
    pub refused_claims: Vec<RefusedClaim>,
    /// Times of deletions within the last hour, for `maxDeletesPerHour`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), with = "Vec<String>", inner(length(max = 40)))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub recent_deletions: Vec<Timestamp>,
    /// Numbers of organizations created in each minute of the last hour, for `limits.create`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub recent_creations: Vec<MinuteCount>,
}

/// Number of operations in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinuteCount {
    /// The beginning of the minute.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub minute: Timestamp,
    /// Number of operations.
    #[schemars(range(min = 0))]
    pub count: u32,
}

/// A claim on an organization that was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RefusedClaim {
    /// The PortalOrganization that claims it, as `namespace/name`.
    #[schemars(length(max = 320))]
    pub resource: String,
    /// The organization's id at WorkOS.
    #[schemars(length(max = 128))]
    pub organization_id: String,
    /// Reason of the refusal.
    #[schemars(length(max = 1024))]
    pub reason: String,
}

/// Numbers of organizations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationTotals {
    /// PortalOrganizations of this environment.
    #[schemars(range(min = 0))]
    pub declared: u32,
    /// Organizations that exist as declared.
    #[schemars(range(min = 0))]
    pub ready: u32,
    /// Organizations whose intents are all configured.
    #[schemars(range(min = 0))]
    pub onboarded: u32,
    /// Organizations at WorkOS without a PortalOrganization.
    #[schemars(range(min = 0))]
    pub unmanaged: u32,
}

/// Numbers of declared intents in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IntentTotals {
    /// Configured by the customer.
    #[schemars(range(min = 0))]
    pub configured: u32,
    /// Begun by the customer.
    #[schemars(range(min = 0))]
    pub in_progress: u32,
    /// Not begun yet.
    #[schemars(range(min = 0))]
    pub unconfigured: u32,
    /// Broken, or about to be.
    #[schemars(range(min = 0))]
    pub attention: u32,
    /// Unknown from the answers of WorkOS.
    #[schemars(range(min = 0))]
    pub unknown: u32,
    /// Without anything to configure.
    #[schemars(range(min = 0))]
    pub not_applicable: u32,
}
