//! Selection of entries and intents: the flags `--only`, `--except` and `--intent`.

use std::collections::{BTreeSet, HashSet};

use glob::Pattern;

use super::{Intent, OrgKey};

/// Selected entries and intents; everything, unless narrowed.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    keys: Option<Globs>,
    except: Option<Globs>,
    intents: Option<Globs>,
    named: Option<BTreeSet<OrgKey>>,
}

/// A pattern of `--only`, `--except` or `--intent` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {why}")]
pub struct InvalidPattern {
    /// The pattern as given.
    pub pattern: String,
    /// Reason why it cannot be read.
    pub why: String,
}

impl Selection {
    /// Builds a selection from patterns; an empty list selects everything.
    pub fn new(keys: &[String], intents: &[String]) -> Result<Self, InvalidPattern> {
        Ok(Self {
            keys: Globs::of(keys)?,
            except: None,
            intents: Globs::of(intents)?,
            named: None,
        })
    }

    /// Leaves out the entries that one of the patterns matches.
    pub fn without(self, keys: &[String]) -> Result<Self, InvalidPattern> {
        Ok(Self {
            except: Globs::of(keys)?,
            ..self
        })
    }

    /// Selects exactly these entries, with all of their intents.
    pub fn of(keys: BTreeSet<OrgKey>) -> Self {
        Self {
            named: Some(keys),
            ..Self::default()
        }
    }

    /// Selects the same entries without their intents, for commands that need ids alone.
    #[must_use]
    pub fn without_intents(self) -> Self {
        Self {
            intents: Some(Globs::default()),
            ..self
        }
    }

    /// Returns whether an entry is selected.
    pub fn has_key(&self, key: &OrgKey) -> bool {
        let is_named = self.named.as_ref().is_none_or(|keys| keys.contains(key));
        let is_out = self
            .except
            .as_ref()
            .is_some_and(|globs| globs.is_match(key.as_str()));
        is_named
            && !is_out
            && self
                .keys
                .as_ref()
                .is_none_or(|globs| globs.is_match(key.as_str()))
    }

    /// Returns whether an intent is selected.
    pub fn has_intent(&self, intent: Intent) -> bool {
        self.intents
            .as_ref()
            .is_none_or(|globs| globs.is_match(intent.as_str()))
    }
}

/// Patterns, of which one has to match.
#[derive(Debug, Clone, Default)]
struct Globs {
    /// Patterns without wildcards; there may be thousands.
    words: HashSet<String>,
    patterns: Vec<Pattern>,
}

impl Globs {
    fn of(patterns: &[String]) -> Result<Option<Self>, InvalidPattern> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let mut globs = Self::default();
        for text in patterns {
            let invalid = |why: &str| InvalidPattern {
                pattern: text.clone(),
                why: why.to_owned(),
            };
            if Pattern::escape(text) == *text {
                globs.words.insert(text.clone());
                continue;
            }
            // In a shell `[^` means `[!`; the crate reads `^` as a character.
            if text.contains("[^") {
                return Err(invalid("write `[!` for any character but these"));
            }
            // The crate reads `**` as folders, which a key does not have.
            let text = fold_stars(text);
            let pattern = Pattern::new(&text).map_err(|error| invalid(error.msg))?;
            globs.patterns.push(pattern);
        }
        Ok(Some(globs))
    }

    fn is_match(&self, text: &str) -> bool {
        let mut patterns = self.patterns.iter();
        self.words.contains(text) || patterns.any(|pattern| pattern.matches(text))
    }
}

/// Returns a pattern with one star in place of several that follow each other.
fn fold_stars(pattern: &str) -> String {
    let mut folded = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        if character != '*' || !folded.ends_with('*') {
            folded.push(character);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(patterns: &[&str], keys: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|&one| one.to_owned()).collect();
        let selection = Selection::new(&patterns, &[]).unwrap();
        let keys = keys.iter().map(|key| OrgKey::parse(key).unwrap());
        let keys = keys.filter(|key| selection.has_key(key));
        keys.map(|key| key.to_string()).collect()
    }

    #[test]
    fn one_of_several_patterns_has_to_match_all_of_a_key() {
        let keys = ["acme", "acme-eu", "acme-us", "globex"];
        assert_eq!(selected(&[], &keys), keys);
        assert_eq!(selected(&["acme"], &keys), ["acme"]);
        assert_eq!(selected(&["acme-*"], &keys), ["acme-eu", "acme-us"]);
        assert_eq!(
            selected(&["acme-[a-f]?", "globex"], &keys),
            ["acme-eu", "globex"]
        );
        assert_eq!(
            selected(&["acme-[!e]?", "a**u"], &keys),
            ["acme-eu", "acme-us"]
        );
        assert_eq!(selected(&["ACME", "cm"], &keys), [""; 0]);
    }

    #[test]
    fn what_is_left_out_stays_out_whatever_else_selects_it() {
        let left = |only: &[&str], except: &[&str]| {
            let patterns = |texts: &[&str]| -> Vec<String> {
                texts.iter().map(|&text| text.to_owned()).collect()
            };
            let selection = Selection::new(&patterns(only), &[]).unwrap();
            let selection = selection.without(&patterns(except)).unwrap();
            let keys = ["acme", "acme-eu", "globex"].map(|key| OrgKey::parse(key).unwrap());
            let keys = keys.into_iter().filter(|key| selection.has_key(key));
            keys.map(|key| key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(left(&[], &["acme"]), ["acme-eu", "globex"]);
        assert_eq!(left(&["acme*"], &["*-eu"]), ["acme"]);
        assert_eq!(left(&["acme"], &["acme"]), [""; 0]);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        let error = |pattern: &str| Selection::new(&[pattern.to_owned()], &[]).unwrap_err();
        insta::assert_snapshot!(error("acme-[^e]*"), @"`acme-[^e]*` is not a pattern: write `[!` for any character but these");
        let error = error("acme-[");
        insta::assert_snapshot!(error, @"`acme-[` is not a pattern: invalid range pattern");
    }
}
