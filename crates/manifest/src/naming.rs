//! How the two forms of a manifest spell the same fields: `return_url` and `returnUrl`.
//!
//! Everything of ours names fields as a manifest does; what reads or speaks of the Kubernetes form
//! spells them anew here. Never given a text that somebody else wrote.

use std::borrow::Cow;

/// The spelling of a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Naming {
    /// A manifest: `return_url`
    #[default]
    Snake,
    /// A Kubernetes resource: `returnUrl`
    Camel,
}

/// The fields of several words that messages name.
const NAMED: [&str; 16] = [
    "allow_same_name",
    "allow_shared_domain",
    "allowed_hosts",
    "api_key",
    "client_id",
    "domains_policy",
    "external_id",
    "ignore_fields",
    "it_contacts",
    "previous_keys",
    "return_url",
    "return_urls",
    "stripe_customer_id",
    "success_url",
    "success_urls",
    "warn_days",
];

impl Naming {
    /// A field's name in this form.
    pub(super) fn field(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Snake => Cow::Borrowed(name),
            Self::Camel if !name.contains('_') => Cow::Borrowed(name),
            Self::Camel => Cow::Owned(camel(name)),
        }
    }

    /// A text of ours, with the fields that it names as this form spells them.
    pub(super) fn words(self, text: &str) -> Cow<'_, str> {
        if self == Self::Snake || !text.contains('_') {
            return Cow::Borrowed(text);
        }
        let mut spelled = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars() {
            if c.is_ascii_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            push_word(&mut spelled, &mut word);
            spelled.push(c);
        }
        push_word(&mut spelled, &mut word);
        Cow::Owned(spelled)
    }
}

fn push_word(text: &mut String, word: &mut String) {
    if NAMED.contains(&word.as_str()) {
        text.push_str(&camel(word));
    } else {
        text.push_str(word);
    }
    word.clear();
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut spelled = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        spelled.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        spelled.push_str(letters.as_str());
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_texts_are_spelled_as_the_form_does() {
        assert_eq!(Naming::Snake.field("return_url"), "return_url");
        assert_eq!(Naming::Camel.field("return_url"), "returnUrl");
        assert_eq!(Naming::Camel.field("name"), "name");
        let text = "set `domains_policy: exact`, not `log_streams` in return_urls.allowed_hosts";
        assert_eq!(Naming::Snake.words(text), text);
        assert_eq!(
            Naming::Camel.words(text),
            "set `domainsPolicy: exact`, not `log_streams` in returnUrls.allowedHosts"
        );
    }
}
