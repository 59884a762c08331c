//! Organization memberships: the people who sign in to an organization.
//!
//! Source: the `/user_management/organization_memberships` routes of the API description.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::state::MembershipStatus;
use super::table::{Page, PageQuery, record};
use super::{World, millis};

/// Membership of one user in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// `om_…`
    pub id: String,
    /// Organization.
    pub organization_id: String,
    /// User, `user_…`; the sandbox keeps no users of their own.
    pub user_id: String,
    /// State of the membership.
    pub status: MembershipStatus,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

record!(Membership, "Organization Membership", organization_id);

/// Filter of a list of memberships.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MembershipFilter {
    /// Restricts the list to one organization.
    pub organization_id: Option<String>,
    /// Restricts the list to one user.
    pub user_id: Option<String>,
    /// Restricts the list to these statuses; active ones when empty.
    pub statuses: Vec<String>,
}

impl World {
    /// Adds a member to an organization.
    pub fn add_member(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        status: MembershipStatus,
    ) -> Result<&Membership, Refusal> {
        let now = millis(now);
        self.organizations.find(organization_id)?;
        let membership = Membership {
            id: self.ids.id("om", now),
            organization_id: organization_id.to_owned(),
            user_id: self.ids.id("user", now),
            status,
            created_at: now,
            updated_at: now,
        };
        let id = membership.id.clone();
        self.memberships.insert(membership);
        self.memberships.find(&id)
    }

    /// Lists memberships. Source: `GET /user_management/organization_memberships`.
    pub fn list_memberships(
        &self,
        query: &PageQuery,
        filter: &MembershipFilter,
    ) -> Result<Page<&Membership>, Refusal> {
        let MembershipFilter {
            organization_id,
            user_id,
            statuses,
        } = filter;
        let matches = |membership: &Membership| {
            let status = membership.status.as_str();
            let has_status = match statuses.as_slice() {
                [] => status == "active",
                wanted => wanted.iter().any(|wanted| wanted == status),
            };
            has_status
                && user_id
                    .as_ref()
                    .is_none_or(|user| membership.user_id == *user)
        };
        match (organization_id, user_id) {
            (Some(owner), _) => {
                self.organizations.find(owner)?;
                self.memberships.page_owned_by(owner, query, matches)
            }
            (None, Some(_)) => self.memberships.page(query, matches),
            (None, None) => Err(Refusal::NobodyNamed),
        }
    }

    /// Returns the memberships of an organization, oldest first.
    pub fn memberships_of(&self, organization_id: &str) -> impl Iterator<Item = &Membership> {
        self.memberships.owned_by(organization_id)
    }
}
