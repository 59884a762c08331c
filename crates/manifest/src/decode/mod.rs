//! YAML trees → raw manifests.
//!
//! Goes in: a [`Node`] tree. Comes out: its raw shape, and a finding for every field that is
//! unknown and every value of the wrong type. Never stops at the first; applies no rule that
//! needs more than the value itself.

mod operator;
mod organization;
mod reader;
mod resource;
mod settings;

pub(super) use organization::organization;
pub(super) use reader::Reader;
pub(super) use resource::{portal_environment, portal_organization};
pub(super) use settings::document;

use reader::Fields;

#[cfg(test)]
use super::kubernetes::Kind;
#[cfg(test)]
use super::naming::Naming;

/// The fields that a mapping may hold.
pub(super) struct Shape {
    /// What the mapping is called in a message.
    pub(super) name: &'static str,
    pub(super) fields: &'static [&'static str],
    /// Fields that are known elsewhere, with what to do instead.
    pub(super) elsewhere: &'static [(&'static str, &'static str)],
}

impl Shape {
    const fn new(name: &'static str, fields: &'static [&'static str]) -> Self {
        Self {
            name,
            fields,
            elsewhere: &[],
        }
    }
}

/// Every shape of a manifest with its spelling, for the test that holds them equal to the schema.
#[cfg(test)]
pub(super) const SHAPES: [(&str, &Shape, Naming); 14] = [
    ("Manifest", &settings::DOCUMENT, Naming::Snake),
    ("Environment", &settings::ENVIRONMENT, Naming::Snake),
    ("ReturnUrls", &settings::RETURN_URLS, Naming::Snake),
    ("Limits", &settings::LIMITS, Naming::Snake),
    ("Defaults", &organization::DEFAULTS, Naming::Snake),
    ("Organization", &organization::ORGANIZATION, Naming::Snake),
    ("DomainSettings", &organization::DOMAIN, Naming::Snake),
    ("IntentSettings", &organization::INTENT, Naming::Snake),
    ("AuditLogs", &organization::AUDIT_LOGS, Naming::Snake),
    (
        "EnvironmentObject",
        &operator::ENVIRONMENT_OBJECT,
        Naming::Camel,
    ),
    (
        "OrganizationObject",
        &operator::ORGANIZATION_OBJECT,
        Naming::Camel,
    ),
    ("Intervals", &operator::INTERVALS, Naming::Camel),
    ("KeyRef", &operator::KEY_REF, Naming::Camel),
    ("Webhook", &operator::WEBHOOK, Naming::Camel),
];

/// The specs of the resources, for the same test.
#[cfg(test)]
pub(super) const SPECS: [(Kind, &Shape); 2] = [
    (Kind::PortalEnvironment, &resource::ENVIRONMENT),
    (Kind::PortalOrganization, &resource::ORGANIZATION),
];
