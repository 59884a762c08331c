//! What the operator reports on the resources. No secret, no portal link and no address stands here.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use portalctl_model::Intent;

/// One aspect of an object, with why it is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which aspect: `Synced`, `Ready`, `Onboarded`, `DomainContested`, `Reconciling` or
    /// `Stalled`.
    #[serde(rename = "type")]
    #[schemars(length(max = 64))]
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The generation of the object that this was said about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Since when it has had this status.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_transition_time: Timestamp,
    /// Why, in one word for programs.
    #[schemars(length(max = 128))]
    pub reason: String,
    /// Why, in a sentence for people.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    pub message: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It does.
    True,
    /// It does not.
    False,
    /// It cannot be told.
    Unknown,
}

/// What is known of the organization at WorkOS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PortalOrganizationStatus {
    /// The generation of the object that the operator has dealt with.
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
    /// The organization's id at WorkOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub organization_id: Option<String>,
    /// Its external id at WorkOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub external_id: Option<String>,
    /// How many of the declared intents are configured, as in `2/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub configured: Option<String>,
    /// How far each declared intent is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 7), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["intent"],
    ))]
    pub intents: Vec<IntentStatus>,
    /// The domains that the organization has at WorkOS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["domain"],
    ))]
    pub domains: Vec<DomainStatus>,
    /// Whether `organizationId` names an organization that somebody deleted at WorkOS.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted_outside: bool,
    /// Whether `recreate: once` is used up. Removing the field from the spec takes this back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recreated: bool,
    /// When the operator wrote fields more than once for this version of the object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["field"],
    ))]
    pub field_writes: Vec<FieldWrites>,
}

/// When the operator wrote a field.
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

/// How far one intent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentStatus {
    /// The feature.
    pub intent: Intent,
    /// `configured`, `in_progress`, `unconfigured`, `attention`, `unknown` or `not_applicable`.
    #[schemars(length(max = 32))]
    pub state: String,
    /// Since when, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// Whose turn it is: `you`, `customer`, `dns`, `workos` or `none`.
    #[schemars(length(max = 16))]
    pub turn: String,
    /// Why it is in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// What to do next.
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
    /// Its state, in WorkOS's word.
    #[schemars(length(max = 64))]
    pub state: String,
}

/// What is known of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PortalEnvironmentStatus {
    /// The generation of the object that the operator has dealt with.
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
    /// How many organizations there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizations: Option<OrganizationTotals>,
    /// How many declared intents there are in each state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intents: Option<IntentTotals>,
    /// When everything was last listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_sync_time: Option<Timestamp>,
    /// Up to which event WorkOS's event log was read. A hint: one that is lost or too old costs one
    /// full listing.
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
    /// When organizations were deleted within the last hour, for `maxDeletesPerHour`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), with = "Vec<String>", inner(length(max = 40)))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub recent_deletions: Vec<Timestamp>,
    /// How many organizations were created in each minute of the last hour, for `limits.create`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub recent_creations: Vec<MinuteCount>,
}

/// How often something was done in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinuteCount {
    /// The beginning of the minute.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub minute: Timestamp,
    /// How often.
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
    /// Why it was refused.
    #[schemars(length(max = 1024))]
    pub reason: String,
}

/// How many organizations there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationTotals {
    /// PortalOrganizations of this environment.
    #[schemars(range(min = 0))]
    pub declared: u32,
    /// Those that exist as declared.
    #[schemars(range(min = 0))]
    pub ready: u32,
    /// Those whose intents are all configured.
    #[schemars(range(min = 0))]
    pub onboarded: u32,
    /// Organizations at WorkOS that no PortalOrganization is about.
    #[schemars(range(min = 0))]
    pub unmanaged: u32,
}

/// How many declared intents there are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IntentTotals {
    /// Configured by the customer.
    #[schemars(range(min = 0))]
    pub configured: u32,
    /// Begun.
    #[schemars(range(min = 0))]
    pub in_progress: u32,
    /// Not begun.
    #[schemars(range(min = 0))]
    pub unconfigured: u32,
    /// Broken, or about to be.
    #[schemars(range(min = 0))]
    pub attention: u32,
    /// Not to be told from what WorkOS says.
    #[schemars(range(min = 0))]
    pub unknown: u32,
    /// Nothing to configure.
    #[schemars(range(min = 0))]
    pub not_applicable: u32,
}
