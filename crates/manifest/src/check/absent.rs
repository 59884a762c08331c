//! `state`: an entry that says which organization is to be deleted, or left alone.

use super::text;
use crate::diagnostic::Findings;
use crate::quote::quote;
use crate::raw::accepted;
use crate::shape::RawOrganization;
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::{
    AbsentOrganization, DesiredOrganization, ExcludedOrganization, OrganizationState,
};

/// Reads `state`; `None` where the organization is managed as usual, or the word is refused.
pub(super) fn state(raw: &RawOrganization, findings: &mut Findings) -> Option<OrganizationState> {
    text::word(raw.state.as_ref(), "`state`", findings)
}

/// Returns an entry with `state: excluded`; `checked` is the same entry without it.
pub(super) fn excluded(checked: DesiredOrganization) -> ExcludedOrganization {
    ExcludedOrganization {
        source: checked.source,
        id: checked.id,
        external_id: checked.external_id,
        previous_keys: checked.previous_keys,
    }
}

/// Reads an entry with `state: absent`; `checked` is the same entry without it.
pub(super) fn check(
    key: &str,
    place: Spot,
    raw: &RawOrganization,
    checked: &DesiredOrganization,
    findings: &mut Findings,
) -> Option<AbsentOrganization> {
    if raw.id.is_none() {
        findings.error(
            codes::MISSING_FIELD,
            raw.state.as_ref().map_or(place, |state| state.key),
            format!(
                "the organization {} is `state: absent` without `id`",
                quote(key)
            ),
            "add `id: org_…`: only the organization that it names is deleted",
        );
    }
    if checked.protect == Some(true) {
        let own = accepted(raw.protect.as_ref()).map(|(_, spot)| spot);
        findings.error(
            codes::ABSENT_AND_PROTECTED,
            own.unwrap_or(place),
            format!(
                "the organization {} is `state: absent` and protected",
                quote(key)
            ),
            "remove `state: absent`, or write `protect: false` if it is to be deleted",
        );
    }
    Some(AbsentOrganization {
        source: checked.source.clone(),
        id: checked.id.clone()?,
        lifts_protection: accepted(raw.protect.as_ref()).is_some_and(|(protect, _)| !*protect),
        allow: checked.allow.clone(),
    })
}
