//! Suggestions for command lines that the parser refuses.
//!
//! Takes what the parser refused and the words of the command line. Returns one sentence with the
//! command to run instead. Reads nothing but whether a file of that name exists.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use portalctl_model::Intent;
use portalctl_model::text::escape;

/// Commands that read a whole manifest, which `-f` names.
const WITH_MANIFEST: [&str; 5] = ["plan", "apply", "status", "validate", "ids"];

/// Commands that ask for consent, which `--yes` gives.
const WITH_CONSENT: [&str; 2] = ["apply", "invite"];

/// Returns the sentence that helps with a refused command line, where there is one.
pub(super) fn for_usage(
    error: &clap::Error,
    arguments: &[String],
    exists: impl Fn(&str) -> bool,
) -> Option<String> {
    let refused = text_of(error, ContextKind::InvalidArg)?;
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let command = command_of(arguments)?;
            match refused.strip_prefix("--") {
                Some(flag) => for_flag(command, flag),
                None if refused.starts_with('-') => None,
                None => for_operand(command, refused, exists),
            }
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if refused.contains("<INTENT>") => {
            let typed = text_of(error, ContextKind::InvalidValue)?;
            let intent = Intent::known_as(typed)?;
            let title = intent.title();
            Some(match corrected(arguments, typed, intent.as_str()) {
                Some(command) => format!("{title} is called {intent}: run `{command}`"),
                None => format!("{title} is called {intent}"),
            })
        }
        _ => None,
    }
}

/// Returns a refused piece of the command line.
fn text_of(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// Returns the command of a command line: its first word that is no flag.
fn command_of(arguments: &[String]) -> Option<&str> {
    let mut words = arguments.iter().map(String::as_str);
    words.find(|word| !word.starts_with('-'))
}

/// Returns the sentence for a flag that other tools have.
fn for_flag(command: &str, flag: &str) -> Option<String> {
    let name = flag.split_once('=').map_or(flag, |(name, _)| name);
    let has_consent = WITH_CONSENT.contains(&command);
    Some(match name {
        "dry-run" | "diff" | "check" if command == "apply" => {
            "`portalctl plan` shows what apply would do, and changes nothing".to_owned()
        }
        "auto-approve" | "assume-yes" | "no-confirm" | "non-interactive" if has_consent => {
            format!("run `portalctl {command} --yes`: it consents without being asked")
        }
        "key" | "api-key" | "token" | "secret" => {
            "an API key is never an argument, because others can read those: set WORKOS_API_KEY, or \
             name a file with `--api-key-file FILE`"
                .to_owned()
        }
        "target" | "org" | "organization" if WITH_MANIFEST.contains(&command) => {
            format!("run `portalctl {command} --only KEY` for some of the organizations")
        }
        "json" => format!("run `portalctl {command} -o json`"),
        "manifest" | "config" | "filename" if WITH_MANIFEST.contains(&command) => {
            format!("run `portalctl {command} -f FILE`")
        }
        _ => return None,
    })
}

/// Returns the sentence for a word that the command has no place for.
fn for_operand(command: &str, word: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    if !WITH_MANIFEST.contains(&command) {
        return None;
    }
    let word = escape(word);
    Some(if exists(&word) {
        format!("run `portalctl {command} -f {word}`: -f names the manifest")
    } else {
        format!("run `portalctl {command} --only {word}` for one organization")
    })
}

/// Returns the command line with one word replaced, where every word can be typed as it stands.
fn corrected(arguments: &[String], from: &str, to: &str) -> Option<String> {
    let is_plain = |word: &str| {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./,=:@".contains(c);
        !word.is_empty() && word.chars().all(is_safe)
    };
    let mut words = vec!["portalctl"];
    for argument in arguments {
        let word = if argument == from { to } else { argument };
        words.push(word);
    }
    let is_replaced = arguments.iter().any(|argument| argument == from);
    (is_replaced && words.iter().all(|word| is_plain(word))).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the suggestion for a command line that the parser refuses.
    #[track_caller]
    fn suggestion(line: &str) -> Option<String> {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let words = std::iter::once("portalctl".to_owned()).chain(arguments.clone());
        let error = crate::cli::command().try_get_matches_from(words);
        for_usage(&error.unwrap_err(), &arguments, |name| name == "portal")
    }

    #[test]
    fn flags_of_other_tools_lead_to_ours() {
        for (line, says) in [
            ("apply --dry-run", "`portalctl plan` shows"),
            ("apply --auto-approve", "`portalctl apply --yes`"),
            ("invite acme --auto-approve", "`portalctl invite --yes`"),
            ("plan --key=sk_test_a", "set WORKOS_API_KEY"),
            ("status --api-key sk_test_a", "`--api-key-file FILE`"),
            ("plan --target=acme", "`portalctl plan --only KEY`"),
            ("status --json", "`portalctl status -o json`"),
        ] {
            let suggestion = suggestion(line).unwrap_or_default();
            assert!(suggestion.contains(says), "{line}: {suggestion}");
            assert!(!suggestion.contains("sk_test"), "{line}: {suggestion}");
        }
        assert_eq!(suggestion("plan --nonsense"), None);
    }

    #[test]
    fn a_manifest_without_its_flag_is_named_with_it() {
        let said = suggestion("plan portal").unwrap();
        assert_eq!(
            said,
            "run `portalctl plan -f portal`: -f names the manifest"
        );
        let said = suggestion("status acme").unwrap();
        assert_eq!(
            said,
            "run `portalctl status --only acme` for one organization"
        );
    }

    #[test]
    fn other_words_for_an_intent_lead_to_its_name() {
        for (line, says) in [
            (
                "link acme scim",
                "directory sync is called dsync: run `portalctl link acme dsync`",
            ),
            (
                "wait acme SSO",
                "single sign-on is called sso: run `portalctl wait acme sso`",
            ),
            (
                "invite acme --intent scim",
                "directory sync is called dsync: run `portalctl invite acme --intent dsync`",
            ),
        ] {
            assert_eq!(suggestion(line).as_deref(), Some(says), "{line}");
        }
        assert_eq!(suggestion("link acme tax"), None);
    }
}
