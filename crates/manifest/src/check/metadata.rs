//! Metadata: the limits of WorkOS, and reserved keys.

use std::collections::BTreeMap;

use super::{placeholder, text};
use crate::diagnostic::Findings;
use crate::quote::quote;
use crate::raw::{Field, RawMap, accepted};
use crate::source::{Spot, Spotted};
use portalctl_model::codes::manifest as codes;
use portalctl_model::mark::{self, MAX_DECLARED_KEYS, MAX_METADATA_KEYS, RESERVED_PREFIX};

/// The longest key, in characters.
pub(super) const MAX_KEY_LENGTH: usize = 40;
/// The longest value, in characters.
const MAX_VALUE_LENGTH: usize = 600;

/// A value to set, or `None` for a key to remove.
pub(super) type Metadata = BTreeMap<String, Option<String>>;

/// Reads one `metadata`.
pub(super) fn check(field: Option<&Field<RawMap>>, findings: &mut Findings) -> Metadata {
    let mut metadata = Metadata::new();
    let Some((map, _)) = accepted(field) else {
        return metadata;
    };
    for (key, value) in &map.entries {
        let key_is_fine = check_key(key, findings);
        let value_is_fine = value
            .value
            .as_ref()
            .is_none_or(|text| check_value(&key.value, text, value.spot, findings));
        if key_is_fine && value_is_fine {
            // Of a key that stands twice, which has been reported, the first counts.
            metadata
                .entry(key.value.to_string())
                .or_insert_with(|| value.value.as_deref().map(str::to_owned));
        }
    }
    metadata
}

/// Reads `metadata` of `defaults`, which is copied to every organization; none if it is too much.
pub(super) fn defaults(field: Option<&Field<RawMap>>, findings: &mut Findings) -> Metadata {
    let metadata = check(field, findings);
    let Some(field) = field else { return metadata };
    if metadata.len() > MAX_METADATA_KEYS {
        let message = format!("{} metadata keys in `defaults`", metadata.len());
        let help = format!("declare fewer: WorkOS allows {MAX_METADATA_KEYS} on an organization");
        findings.error(codes::TOO_MUCH_METADATA, field.key, message, help);
        return Metadata::new();
    }
    metadata
}

/// Merges an organization's own entries into those of `defaults`.
pub(super) fn merge(defaults: &Metadata, own: Metadata) -> Metadata {
    let mut merged = defaults.clone();
    merged.extend(own);
    merged
}

/// Reports metadata that leaves no room for the marks of portalctl.
pub(super) fn check_size(merged: &Metadata, spot: Spot, findings: &mut Findings) {
    let set = merged.values().filter(|value| value.is_some()).count();
    if set > MAX_DECLARED_KEYS {
        findings.error(
            codes::TOO_MUCH_METADATA,
            spot,
            format!("{set} metadata keys with those of `defaults`"),
            format!(
                "declare {MAX_DECLARED_KEYS} at most: WorkOS allows {MAX_METADATA_KEYS}, and \
                 portalctl keeps {} for its marks",
                mark::ALL.len()
            ),
        );
    }
}

fn check_key(key: &Spotted<Box<str>>, findings: &mut Findings) -> bool {
    let (text, spot) = (&*key.value, key.spot);
    let length = text.chars().count();
    let (code, message, help) = if text.starts_with(RESERVED_PREFIX) {
        (
            codes::RESERVED_METADATA,
            format!("the metadata key {} is portalctl's own", quote(text)),
            format!("choose a key that does not begin with `{RESERVED_PREFIX}`"),
        )
    } else if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        (
            codes::INVALID_METADATA,
            format!("WorkOS does not accept the metadata key {}", quote(text)),
            "write a key of printable ASCII characters".to_owned(),
        )
    } else if length > MAX_KEY_LENGTH {
        (
            codes::INVALID_METADATA,
            format!("this metadata key has {length} characters"),
            format!("shorten it: WorkOS allows {MAX_KEY_LENGTH}"),
        )
    } else {
        placeholder::warn(text, spot, "a metadata key", findings);
        return true;
    };
    findings.error(code, spot, message, help);
    false
}

fn check_value(key: &str, value: &str, spot: Spot, findings: &mut Findings) -> bool {
    let what = format!("the value of {}", quote(key));
    let length = value.chars().count();
    if length > MAX_VALUE_LENGTH {
        findings.error(
            codes::INVALID_METADATA,
            spot,
            format!("{what} has {length} characters"),
            format!("shorten it: WorkOS allows {MAX_VALUE_LENGTH}"),
        );
        return false;
    }
    if !text::plain(value, spot, &what, findings) {
        return false;
    }
    placeholder::warn(value, spot, &what, findings);
    if !value.is_ascii() {
        findings.warn(
            codes::METADATA_NOT_ASCII,
            spot,
            format!("{what} is not plain ASCII"),
            "WorkOS documents metadata as ASCII only and may refuse it",
        );
    }
    true
}
