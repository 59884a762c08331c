//! The Kubernetes form of a manifest: two kinds of resources in place of one YAML mapping.
//!
//! ```text
//! PortalEnvironment    a WorkOS environment, and the settings of the operator
//! PortalOrganization   one organization
//! ```
//!
//! The specs are declared in [`shape`](crate::shape), the statuses here; their comments are what
//! `kubectl explain` prints, their schemas become the resource definitions in `schema/crds/`. Knows no
//! Kubernetes client: the operator adds that.

mod columns;
mod crd;
mod kind;
mod status;
mod structural;
mod tenancy;

pub use crate::shape::{
    AuditLogs, DomainSettings, EnvironmentObject, EnvironmentRef, ExternalIdPatterns,
    IntentSettings, Intervals, KeyRef, Limits, OperatorSettings, Organization, OrganizationObject,
    OrganizationPolicies, PortalEnvironmentSpec, PortalOrganizationSpec, ReturnUrls, Transfer,
    UpdateLimit, Webhook,
};
pub use crd::definition;
pub use kind::Kind;
pub use portalctl_model::desired::{DeletionPolicy, Management, Recreate};
pub use status::{
    Condition, ConditionStatus, DomainStatus, FieldWrites, IntentStatus, IntentTotals, MinuteCount,
    OrganizationTotals, PortalEnvironmentStatus, PortalOrganizationStatus, RefusedClaim,
};

pub use tenancy::Tenant;

/// API group of the resources.
pub const GROUP: &str = "portalctl.dev";
/// API version of the resources, without the group.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of the resources.
pub const API_VERSION: &str = "portalctl.dev/v1alpha1";
/// Annotation that pauses the operator for one resource, with any value but the empty one, `false`,
/// `no`, `off` and `0`.
pub const PAUSED: &str = "portalctl.dev/paused";
