//! Error codes of the program, in one table.
//!
//! A code is kebab-case with its area in front (`manifest/duplicate-key`) and the same in text,
//! JSON, SARIF and `portalctl explain`. Codes are never reused for another meaning.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

/// An error code with the texts that `portalctl explain` prints.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name: `area/kebab-case`.
    pub id: &'static str,
    /// Summary in one line.
    pub title: &'static str,
    /// Meaning and usual causes.
    pub meaning: &'static str,
    /// Remedy.
    pub fix: &'static str,
}

/// Reference to a code of the table.
#[derive(Clone, Copy)]
pub struct Code(&'static Entry);

impl Code {
    /// Returns the entry of the table.
    pub const fn entry(self) -> &'static Entry {
        self.0
    }

    /// Returns the name: `area/kebab-case`.
    pub const fn as_str(self) -> &'static str {
        self.0.id
    }

    /// Finds a code by its name.
    pub fn find(id: &str) -> Option<Self> {
        all().find(|code| code.as_str() == id)
    }

    /// Returns the part behind the area: `duplicate-key`.
    pub fn name(self) -> &'static str {
        self.0
            .id
            .split_once('/')
            .map_or(self.0.id, |(_, name)| name)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Code {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Declares the codes of one area, and `ALL` of them in order.
macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $meaning:literal, $fix:literal;)+) => {
        $(
            #[doc = $title]
            #[allow(clippy::doc_markdown, reason = "titles are read as plain text")]
            pub const $name: $crate::codes::Code = $crate::codes::Code::new(&$crate::codes::Entry {
                id: $id, title: $title, meaning: $meaning, fix: $fix,
            });
        )+
        /// All codes of this area.
        pub const ALL: &[$crate::codes::Code] = &[$($name),+];
    };
}

impl Code {
    const fn new(entry: &'static Entry) -> Self {
        Self(entry)
    }
}

pub mod api;
pub mod cli;
pub mod diff;
pub mod doctor;
pub mod domain;
pub mod gateway;
pub mod import;
pub mod invite;
pub mod link;
pub mod manifest;
pub mod plan;
pub mod portal;
pub mod upstream;

/// Returns all codes, area by area.
pub fn all() -> impl Iterator<Item = Code> {
    [
        manifest::ALL,
        plan::ALL,
        domain::ALL,
        link::ALL,
        invite::ALL,
        import::ALL,
        api::ALL,
        portal::ALL,
        cli::ALL,
        diff::ALL,
        doctor::ALL,
        gateway::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_kebab_case_and_explained() {
        let mut seen = std::collections::BTreeSet::new();
        for code in all() {
            let entry = code.entry();
            assert!(seen.insert(entry.id), "{code} stands twice");
            let (area, name) = entry.id.split_once('/').unwrap();
            for part in [area, name] {
                assert!(!part.is_empty());
                assert!(
                    part.bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                    "{code}"
                );
            }
            for text in [entry.title, entry.meaning, entry.fix] {
                assert!(!text.is_empty() && !text.contains("  "), "{code}: {text:?}");
            }
            assert_eq!(Code::find(entry.id), Some(code));
        }
    }
}
