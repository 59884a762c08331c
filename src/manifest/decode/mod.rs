//! YAML trees → raw manifests.
//!
//! Goes in: a [`Node`] tree. Comes out: its raw shape, and a finding for every field that is
//! unknown and every value of the wrong type. Never stops at the first; applies no rule that
//! needs more than the value itself.

mod organization;
mod reader;
mod settings;

pub(super) use organization::organization;
pub(super) use reader::Reader;
pub(super) use settings::document;

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

/// Every shape of a manifest, for the test that holds them equal to the schema.
#[cfg(test)]
pub(super) const SHAPES: [(&str, &Shape); 8] = [
    ("Manifest", &settings::DOCUMENT),
    ("Environment", &settings::ENVIRONMENT),
    ("ReturnUrls", &settings::RETURN_URLS),
    ("Limits", &settings::LIMITS),
    ("Defaults", &organization::DEFAULTS),
    ("Organization", &organization::ORGANIZATION),
    ("DomainSettings", &organization::DOMAIN),
    ("IntentSettings", &organization::INTENT),
];
