//! Invitations: whom WorkOS e-mails a link, to set up what.

use std::collections::BTreeSet;

use portalctl_model::mark::InvitationMark;
use portalctl_model::text::escape;
use portalctl_model::{Email, Intent, OrganizationId};

/// An e-mail that WorkOS sends to an IT contact, with a link to set up some intents.
///
/// An organization has one active invitation at most, so one contact is invited to everything.
/// Source: `invite_it_contact` of the official Rust SDK 3.5.0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Invitation {
    /// The organization; `None` while the same plan has yet to create it.
    pub organization: Option<OrganizationId>,
    /// The contact to invite.
    pub contact: Email,
    /// To set up what.
    pub intents: BTreeSet<Intent>,
    /// Unconfigured intents that WorkOS sends no invitation for.
    pub not_invitable: BTreeSet<Intent>,
}

impl Invitation {
    /// Invites a contact to what can be invited to; `None` when that is nothing.
    pub fn to(
        organization: Option<OrganizationId>,
        contact: Email,
        wanted: impl IntoIterator<Item = Intent>,
    ) -> Option<Self> {
        let is_invitable = |intent: &Intent| intent.invite_name().is_some();
        let (intents, not_invitable): (BTreeSet<_>, BTreeSet<_>) =
            wanted.into_iter().partition(is_invitable);
        (!intents.is_empty()).then_some(Self {
            organization,
            contact,
            intents,
            not_invitable,
        })
    }
    /// Describes the invitation, a sentence a line, with the contact's address as it may be shown.
    pub fn told(&self, contact: &str) -> Vec<String> {
        let mut lines = vec![format!(
            "WorkOS e-mails {contact} a link to set up {}",
            listed(&self.intents)
        )];
        if !self.not_invitable.is_empty() {
            lines.push(format!(
                "not by invitation: {}",
                listed(&self.not_invitable)
            ));
        }
        lines
    }
}

/// Describes the mark of an invitation as one clause, with the contact's id where it is known.
pub fn describe(mark: &InvitationMark) -> String {
    let contact = match mark.contact() {
        Some(contact) => format!(" to {}", escape(contact)),
        None => String::new(),
    };
    let (what, at) = match mark {
        InvitationMark::Sending { since, .. } => {
            let what = format!("an invitation{contact} may be on its way");
            (what, since.map(|since| format!(" since {since}")))
        }
        InvitationMark::Sent { at, .. } => {
            let what = format!("an invitation{contact} was sent");
            (what, at.map(|at| format!(" at {at}")))
        }
        InvitationMark::Ended { at } => (
            "its invitation was ended".to_owned(),
            at.map(|at| format!(" at {at}")),
        ),
    };
    format!("{what}{}", at.unwrap_or_default())
}

fn listed(intents: &BTreeSet<Intent>) -> String {
    let names: Vec<&str> = intents.iter().map(|intent| intent.as_str()).collect();
    names.join(", ")
}
