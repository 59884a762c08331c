//! `claim` and `allow`: decisions about ownership and powers that an entry makes for itself.

use std::collections::BTreeSet;

use super::scope::Owner;
use super::text;
use crate::diagnostic::Findings;
use crate::raw::{Field, Texts, accepted};
use portalctl_model::Allow;
use portalctl_model::codes::manifest as codes;

/// Reads `claim`, which needs a name to write on the organization.
pub(super) fn claim(field: Option<&Field<bool>>, owner: Owner, findings: &mut Findings) -> bool {
    let claim = accepted(field).is_some_and(|(value, _)| *value);
    if let (true, Owner::Nameless, Some(field)) = (claim, owner, field) {
        findings.error(
            codes::MISSING_FIELD,
            field.key,
            "`claim: true` without `manifest`",
            "add `manifest:` at the top: the name in the owner mark",
        );
    }
    claim
}

/// Reads the permissions of an entry.
pub(super) fn check(field: Option<&Field<Texts>>, findings: &mut Findings) -> BTreeSet<Allow> {
    let list = accepted(field).map(|(list, _)| list.as_slice());
    list.unwrap_or_default()
        .iter()
        .filter_map(|word| {
            let field = Field::at(word.spot, word.value.clone());
            text::word(Some(&field), "`allow`", findings)
        })
        .collect()
}
