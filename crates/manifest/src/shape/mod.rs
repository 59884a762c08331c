//! Fields of a manifest and of the Kubernetes resources, each declared once.
//!
//! A declaration (`mapping!`) gives a field its name, its text for readers, the kind of its
//! value (`kind`, `text`), and what differs between the two forms. Everything else follows from it:
//! decoding with places, the JSON Schema, the resource definition, both spellings, and writing.
//!
//! The rules that need more than one value are not here: they are `check`'s.

#[macro_use]
mod mapping;
#[macro_use]
mod value;
mod field;
mod kind;
mod manifest;
mod operator;
mod organization;
mod overlay;
mod resources;
mod settings;
mod slot;
mod text;
mod tree;

pub use manifest::Manifest;
pub use operator::{
    EnvironmentObject, ExternalIdPatterns, Intervals, KeyRef, OperatorSettings, Transfer, Webhook,
};
pub use organization::{
    AuditLogs, DomainSettings, IntentSettings, Organization, OrganizationObject,
    OrganizationPolicies,
};
pub use overlay::{Overlay, OverlayContent};
pub use resources::{EnvironmentRef, PortalEnvironmentSpec, PortalOrganizationSpec};
pub use settings::{Environment, Limits, ReturnUrls, UpdateLimit};

pub(crate) use field::{Mapping, Place, unwrap_lines};
pub(crate) use kind::{MAX_DELETES, MAX_PACE, RETENTION_DAYS, WARN_DAYS};
pub(crate) use manifest::RawManifest;
pub(crate) use mapping::{InKubernetes, InManifest, decode};
pub(crate) use operator::{
    RawEnvironmentObject, RawExternalIdPatterns, RawIntervals, RawKeyRef, RawTransfer, RawWebhook,
};
pub(crate) use organization::{
    RawAuditLogs, RawDomainSettings, RawIntentSettings, RawOrganization, RawOrganizationObject,
    RawOrganizationPolicies,
};
pub(crate) use overlay::{RawOverlay, RawOverlayContent, definition_in_overlay, in_overlay};
pub(crate) use resources::{
    RawEnvironmentRef, RawPortalEnvironmentSpec, RawPortalOrganizationSpec,
};
pub(crate) use settings::{RawEnvironment, RawLimits, RawReturnUrls, RawUpdateLimit};
pub(crate) use text::{IntervalBounds, POLL, RESYNC, SWEEP, rules};
