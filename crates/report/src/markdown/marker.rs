//! Hidden lines for tools, by which they find a comment and its digest: an interface, described in
//! `docs/reference/reports.md`.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use portalctl_core::plan::Plan;
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::review::Review;
use portalctl_model::ManifestName;
use portalctl_model::desired::Names;

/// Most bytes of a name; a longer one is cut and told apart by its hash.
const LONGEST: usize = 200;

/// Returns the first line, which identifies the comment: command, environment and manifest.
pub(super) fn key(command: &str, names: &Names) -> String {
    let Names {
        environment,
        manifest,
    } = names;
    let environment = value(environment.as_deref().unwrap_or_default());
    let manifest = value(manifest.as_ref().map_or("", ManifestName::as_str));
    format!("<!-- portalctl:{command} environment={environment} manifest={manifest} -->\n")
}

/// Returns the second line of a plan and an apply: the full digest.
pub(super) fn digest(digest: &Digest) -> String {
    format!("<!-- portalctl:digest {digest} -->\n")
}

/// Returns the line with all that a review of the plan approves; nothing where it is too long.
pub(super) fn review(plan: &Plan) -> String {
    let review = Review::of(plan).encode();
    review.map_or_else(String::new, |review| {
        format!("<!-- portalctl:review v1 {review} -->\n")
    })
}

/// Encodes a name as a value: letters, digits, `.`, `_` and single `-`; every other byte as `%2F`.
///
/// So it holds no space that would begin another key, and nothing that would end a comment.
pub(super) fn value(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'-' if out.ends_with('-') => out.push_str("%2D"),
            b'-' | b'.' | b'_' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    if out.len() > LONGEST {
        let hash = Sha256::digest(name.as_bytes());
        out.truncate(LONGEST - 17);
        out.push('~');
        out.push_str(&HEXLOWER.encode(&hash[..8]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(environment: &str) -> String {
        let names = Names {
            environment: Some(environment.to_owned()),
            manifest: ManifestName::parse("eu.customers").ok(),
        };
        key("plan", &names)
    }

    #[test]
    fn names_are_values_of_their_keys() {
        assert_eq!(
            line("production"),
            "<!-- portalctl:plan environment=production manifest=eu.customers -->\n"
        );
        assert_eq!(
            key("status", &Names::default()),
            "<!-- portalctl:status environment= manifest= -->\n"
        );
    }

    #[test]
    fn a_name_cannot_end_the_comment_or_forge_a_key() {
        for (name, value) in [
            ("a --> b", "a%20-%2D%3E%20b"),
            ("a--!>", "a-%2D%21%3E"),
            ("x manifest=y", "x%20manifest%3Dy"),
            ("100%", "100%25"),
            ("Zürich\n", "Z%C3%BCrich%0A"),
        ] {
            let line = line(name);
            assert_eq!(
                line,
                format!("<!-- portalctl:plan environment={value} manifest=eu.customers -->\n")
            );
            assert_eq!(line.matches("--").count(), 2, "{line}");
        }
    }

    #[test]
    fn long_names_stay_apart() {
        let (one, other) = ("x".repeat(300) + "1", "x".repeat(300) + "2");
        assert_ne!(line(&one), line(&other));
        assert!(line(&one).len() < 300);
        assert_eq!(line(&one), line(&one));
    }
}
