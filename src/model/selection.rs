//! Which part of a manifest a command is narrowed to: `--only` and `--intent`.

use std::collections::BTreeSet;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{Intent, OrgKey};

/// The entries and intents a command is about; everything, unless narrowed.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    keys: Option<GlobSet>,
    intents: Option<GlobSet>,
    named: Option<BTreeSet<OrgKey>>,
}

/// A pattern of `--only` or `--intent` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {why}")]
pub struct InvalidPattern {
    /// The pattern as given.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

impl Selection {
    /// Builds a selection from patterns; an empty list selects everything.
    pub fn new(keys: &[String], intents: &[String]) -> Result<Self, InvalidPattern> {
        Ok(Self {
            keys: globs(keys)?,
            intents: globs(intents)?,
            named: None,
        })
    }

    /// Exactly these entries, with all of their intents.
    pub fn of(keys: BTreeSet<OrgKey>) -> Self {
        Self {
            named: Some(keys),
            ..Self::default()
        }
    }

    /// The same entries, and none of their intents: for commands that are about ids alone.
    #[must_use]
    pub fn without_intents(self) -> Self {
        Self {
            intents: Some(GlobSet::empty()),
            ..self
        }
    }

    /// Whether an entry is selected.
    pub fn has_key(&self, key: &OrgKey) -> bool {
        let is_named = self.named.as_ref().is_none_or(|keys| keys.contains(key));
        is_named
            && self
                .keys
                .as_ref()
                .is_none_or(|globs| globs.is_match(key.as_str()))
    }

    /// Whether an intent is selected.
    pub fn has_intent(&self, intent: Intent) -> bool {
        self.intents
            .as_ref()
            .is_none_or(|globs| globs.is_match(intent.as_str()))
    }
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>, InvalidPattern> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let invalid = |error: globset::Error| InvalidPattern {
            pattern: pattern.clone(),
            why: error.kind().to_string(),
        };
        builder.add(Glob::new(pattern).map_err(invalid)?);
    }
    let set = builder.build().map_err(|error| InvalidPattern {
        pattern: patterns.join(","),
        why: error.kind().to_string(),
    })?;
    Ok(Some(set))
}
