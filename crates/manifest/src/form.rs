//! The two forms of a manifest, and how each spells the same fields: `return_url` and `returnUrl`.
//!
//! Everything of ours names fields as a manifest does; what reads or speaks of the Kubernetes form
//! spells them anew here. Never given a text that somebody else wrote.

use std::borrow::Cow;

use portalctl_model::Intent;
use portalctl_model::mark::RESERVED_PREFIX;

/// A form of a manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// A manifest: `return_url`
    #[default]
    Manifest,
    /// Kubernetes resources: `returnUrl`
    Kubernetes,
}

impl Form {
    /// Returns a field's name in this form.
    pub(crate) fn field(self, name: &str) -> Cow<'_, str> {
        if self == Self::Manifest || !name.contains('_') {
            return Cow::Borrowed(name);
        }
        let mut words = name.split('_');
        let mut spelled = words.next().expect("a split has a first part").to_owned();
        for word in words {
            let mut letters = word.chars();
            spelled.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            spelled.push_str(letters.as_str());
        }
        Cow::Owned(spelled)
    }

    /// Returns a text of ours with the fields that it names as this form spells them.
    pub(crate) fn spell(self, text: &str) -> Cow<'_, str> {
        if self == Self::Manifest || !text.contains('_') {
            return Cow::Borrowed(text);
        }
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut spelled = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            if is_field(word) {
                spelled.push_str(&self.field(word));
            } else {
                spelled.push_str(word);
            }
            let next = tail.find(is_letter).unwrap_or(tail.len());
            let (between, tail) = tail.split_at(next);
            spelled.push_str(between);
            rest = tail;
        }
        Cow::Owned(spelled)
    }
}

/// Returns whether a word is the name of a field of several words: not that of an intent, a mark or a
/// variable, and not the beginning of an id.
fn is_field(word: &str) -> bool {
    word.contains('_')
        && !word.ends_with('_')
        && !word.starts_with(RESERVED_PREFIX)
        && !word.contains(|c: char| c.is_ascii_uppercase())
        && word.parse::<Intent>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_texts_are_spelled_as_the_form_does() {
        assert_eq!(Form::Manifest.field("return_url"), "return_url");
        assert_eq!(Form::Kubernetes.field("return_url"), "returnUrl");
        assert_eq!(Form::Kubernetes.field("name"), "name");
        let text = "set `domains_policy: exact`, not `log_streams` in return_urls.allowed_hosts";
        assert_eq!(Form::Manifest.spell(text), text);
        assert_eq!(
            Form::Kubernetes.spell(text),
            "set `domainsPolicy: exact`, not `log_streams` in returnUrls.allowedHosts"
        );
        let same = "`org_…`, `portalctl_holder` and WORKOS_API_KEY, ü_";
        assert_eq!(Form::Kubernetes.spell(same), same);
    }
}
