//! State of invitations.

use portalctl_core::plan::invitation::describe;
use portalctl_core::readiness::{InvitationReadiness, OrganizationReadiness};
use portalctl_model::OrgKey;
use portalctl_model::mark::InvitationMark;
use schemars::JsonSchema;
use serde::Serialize;

use super::Emails;

/// Returns the invitations of organizations, pending ones first.
pub(crate) fn invitations<'a>(
    organizations: impl Iterator<Item = &'a OrganizationReadiness>,
) -> Vec<(&'a OrgKey, &'a InvitationReadiness)> {
    let mut invited: Vec<_> = organizations
        .filter_map(|it| Some((&it.key, it.invitation.as_ref()?)))
        .collect();
    invited.sort_by_key(|(_, invitation)| !invitation.mark.is_sending());
    invited
}

/// Describes an organization's invitation, with the command that sends a new one where it is unknown
/// whether it was sent.
pub(crate) fn invitation_text(
    key: &OrgKey,
    invitation: &InvitationReadiness,
    emails: Emails,
) -> String {
    let mut text = describe(&invitation.mark);
    if let Some(email) = &invitation.address {
        text.push_str(&format!(" ({})", emails.show(email)));
    }
    if invitation.mark.is_sending() {
        text.push_str(&format!(
            ": run `portalctl invite {key} --again` to send a new one"
        ));
    }
    text
}

/// State of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStateName {
    /// Sending, or the answer to sending was lost: an e-mail may be on its way.
    MayBeSent,
    /// Sent by WorkOS, or another contact has one.
    Sent,
    /// Ended by command.
    Ended,
}

impl InvitationStateName {
    /// Returns the state of a mark.
    pub(crate) const fn of(mark: &InvitationMark) -> Self {
        match mark {
            InvitationMark::Sending { .. } => Self::MayBeSent,
            InvitationMark::Sent { .. } => Self::Sent,
            InvitationMark::Ended { .. } => Self::Ended,
        }
    }

    /// Returns the name in JSON and in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MayBeSent => "may_be_sent",
            Self::Sent => "sent",
            Self::Ended => "ended",
        }
    }
}
