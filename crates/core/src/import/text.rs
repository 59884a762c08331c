//! The text of imported files: YAML for the reader, and a few comments for people.

use std::collections::BTreeMap;

use super::LeftOut;
use super::evidence::Evidence;
use portalctl_manifest::shape::{Environment, Manifest, Organization, Overlay, OverlayContent};
use portalctl_manifest::{redact, to_yaml};
use portalctl_model::OrgKey;
use portalctl_model::desired::KeyKind;
use portalctl_model::text::escape;

/// The file with what holds for all organizations.
pub const SETTINGS_FILE: &str = "portal.yaml";

/// Writes the overlay of an environment that has none yet.
pub fn overlay(name: &str, api_key: Option<KeyKind>) -> String {
    to_yaml(&Overlay {
        overlay: name.to_owned(),
        content: OverlayContent {
            environment: api_key.map(environment),
            ..OverlayContent::default()
        },
    })
}

fn environment(kind: KeyKind) -> Environment {
    Environment {
        api_key: Some(kind),
        ..Environment::default()
    }
}

/// Writes the settings of all organizations, for a folder without a manifest.
pub fn settings(api_key: Option<KeyKind>) -> String {
    let manifest = Manifest {
        version: Some(1),
        environment: api_key.map(environment),
        ..Manifest::default()
    };
    let mut text =
        comment("What holds for all customers; each of them has a file beside this one.");
    text.push_str(&to_yaml(&manifest));
    text
}

/// The file of one organization: why it has its intents, what is not said, and its entry.
pub(super) fn file(
    key: &OrgKey,
    entry: Organization,
    evidence: &[Evidence],
    left_out: &[LeftOut],
) -> String {
    let mut text = String::new();
    for Evidence { intent, shown_by } in evidence {
        text.push_str(&comment(&format!("{intent}: {shown_by}")));
    }
    for LeftOut { field, reason, .. } in left_out {
        text.push_str(&comment(&format!("left out: {field}: {reason}")));
    }
    let manifest = Manifest {
        organizations: Some(BTreeMap::from([(key.to_string(), entry)])),
        ..Manifest::default()
    };
    text.push_str(&to_yaml(&manifest));
    text
}

/// Entries of an overlay as lines below its `organizations`. Each is managed in its environment,
/// whatever the base says of it.
pub(super) fn patch(key: &OrgKey, entry: Organization) -> String {
    let manifest = Manifest {
        organizations: Some(BTreeMap::from([(key.to_string(), entry)])),
        ..Manifest::default()
    };
    let text = to_yaml(&manifest);
    let (_, lines) = text.split_once('\n').unwrap_or_default();
    format!("{lines}    state: null\n")
}

/// One line, whatever WorkOS says: nothing that ends it, and no key, which no manifest may hold.
fn comment(text: &str) -> String {
    format!("# {}\n", redact(&escape(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_one_line_and_holds_no_key() {
        assert_eq!(
            comment("a\nversion: 2\u{85} sk_test_12345678"),
            "# a\\u{a}version: 2\\u{85} sk_test_********\n"
        );
    }
}
