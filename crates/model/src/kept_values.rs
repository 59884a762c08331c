//! Values that WorkOS keeps otherwise than they were sent.

use std::collections::BTreeMap;
use std::fmt;

use super::field_path::FieldPath;
use super::mark::KEPT;
use super::short_hash::short_hash;

/// Bytes of the hash of one value.
const HASH_BYTES: usize = 8;
/// The most hashes that [`KEPT`] holds: as many as fit into one metadata value.
const MAX_KEPT: usize = 32;

/// Values that WorkOS keeps otherwise than they were sent, as the mark [`KEPT`] stores them.
///
/// The mark stores a hash of the field, the sent value and the kept value. A pair that matches is not
/// sent again; any other pair is a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptValues(Vec<String>);

impl KeptValues {
    /// Reads the mark of an organization's metadata.
    pub fn of(metadata: &BTreeMap<String, String>) -> Self {
        let hashes = metadata.get(KEPT).map_or("", String::as_str);
        Self(hashes.split_whitespace().map(str::to_owned).collect())
    }

    /// Returns whether the mark is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether WorkOS answered `kept` when `sent` was written to a field.
    pub fn holds(&self, path: &FieldPath, sent: Option<&str>, kept: Option<&str>) -> bool {
        !self.0.is_empty() && self.0.contains(&kept_hash(path, sent, kept))
    }

    /// Adds that WorkOS answered `kept` when `sent` was written to a field; drops the oldest when there
    /// are too many.
    pub fn add(&mut self, path: &FieldPath, sent: Option<&str>, kept: Option<&str>) {
        let hash = kept_hash(path, sent, kept);
        self.0.retain(|known| *known != hash);
        self.0.push(hash);
        let surplus = self.0.len().saturating_sub(MAX_KEPT);
        self.0.drain(..surplus);
    }
}

impl fmt::Display for KeptValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

fn kept_hash(path: &FieldPath, sent: Option<&str>, kept: Option<&str>) -> String {
    short_hash(&[Some(&path.to_string()), sent, kept], HASH_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_value_is_that_of_one_field_and_what_was_sent_to_it() {
        let mut kept = KeptValues::default();
        kept.add(&FieldPath::Name, Some("Acme"), Some("acme"));
        let metadata = BTreeMap::from([(KEPT.to_owned(), kept.to_string())]);
        let kept = KeptValues::of(&metadata);
        assert!(kept.holds(&FieldPath::Name, Some("Acme"), Some("acme")));
        assert!(!kept.holds(&FieldPath::Name, Some("Acme"), Some("ACME")));
        assert!(!kept.holds(&FieldPath::Name, Some("Acme"), None));
        assert!(!kept.holds(&FieldPath::Name, Some("ACME"), Some("acme")));
        assert!(!kept.holds(&FieldPath::ExternalId, Some("Acme"), Some("acme")));
        assert!(KeptValues::of(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn what_is_remembered_fits_into_one_metadata_value() {
        let mut kept = KeptValues::default();
        for number in 0..100 {
            let path = FieldPath::Metadata(format!("key{number}"));
            kept.add(&path, Some("a"), Some("b"));
            kept.add(&path, Some("a"), Some("b"));
        }
        assert!(kept.to_string().len() <= 600);
        let newest = FieldPath::Metadata("key99".to_owned());
        assert!(kept.holds(&newest, Some("a"), Some("b")));
        let oldest = FieldPath::Metadata("key0".to_owned());
        assert!(!kept.holds(&oldest, Some("a"), Some("b")));
    }
}
