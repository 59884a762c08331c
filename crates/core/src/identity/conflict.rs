//! Conflicts and the texts that name organizations in them.

use super::IdentityConflict;
use portalctl_model::codes::Code;
use portalctl_model::observed::Organization;
use portalctl_model::text::escape;

pub(super) fn conflict(code: Code, message: String, help: impl Into<String>) -> IdentityConflict {
    IdentityConflict {
        code,
        message,
        help: help.into(),
    }
}

/// Returns the id and the display name of an organization, as conflicts name it.
pub(super) fn name(organization: &Organization) -> String {
    format!(
        "{} ({})",
        escape(organization.id.as_str()),
        escape(&organization.name)
    )
}
