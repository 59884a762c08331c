//! What only the Kubernetes form says, and where a manifest that was made from one keeps it: under
//! `kubernetes`, at the top and in an organization.

use schemars::JsonSchema;
use serde::Serialize;

use super::environment::{KeyRef, OperatorSettings};
use super::fields;
use super::organization::{DeletionPolicy, ManagementPolicy, Recreate, is_default};

/// The `PortalEnvironment` that the manifest is converted to: its name, its Secret, and how the
/// operator works.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct EnvironmentObject {
    /// The object's name; made from the environment's name unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::object_name")]
    pub name: Option<String>,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::namespace")]
    pub namespace: Option<String>,
    /// The Secret in its namespace that holds the environment's API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,
    /// How the operator works.
    #[serde(flatten)]
    pub operator: OperatorSettings,
}

/// The `PortalOrganization` that an organization is converted to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct OrganizationObject {
    /// The object's name; the key unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::object_name")]
    pub name: Option<String>,
    /// Its namespace; that of the environment unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fields::namespace")]
    pub namespace: Option<String>,
    /// What happens at WorkOS when the object is deleted.
    #[serde(skip_serializing_if = "is_default")]
    pub deletion_policy: DeletionPolicy,
    /// Whether anything may be written to WorkOS for this organization.
    #[serde(skip_serializing_if = "is_default")]
    pub management_policy: ManagementPolicy,
    /// Stops all writing to WorkOS for this organization.
    #[serde(skip_serializing_if = "is_default")]
    pub suspend: bool,
    /// Whether an organization that was deleted at WorkOS by somebody else is created again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recreate: Option<Recreate>,
}
