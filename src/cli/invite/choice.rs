//! Choice of the contact and the intents of an invitation.
//!
//! Takes the entry and what was asked for, then the live organization. Returns the invitation, or why
//! there is none. Sends nothing.

use std::collections::BTreeSet;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use portalctl_core::plan::{Invitation, invitation};
use portalctl_core::readiness::{IntentReadiness, Readiness};
use portalctl_model::codes::{Code, invite as codes};
use portalctl_model::desired::DesiredOrganization;
use portalctl_model::mark::{self, InvitationMark};
use portalctl_model::observed::{ItContact, Organization};
use portalctl_model::{Email, Intent, OrgKey};
use portalctl_workos::apply::Delivery;

/// Contact and intents that were asked for, as far as the manifest allows them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) contact: Email,
    pub(super) intents: BTreeSet<Intent>,
}

impl Asked {
    /// Checks what was asked for against the manifest; makes no request.
    pub(super) fn of(
        key: &OrgKey,
        entry: &DesiredOrganization,
        intents: &[Intent],
        contact: Option<&str>,
    ) -> Result<Self, CliError> {
        let refuse = |code, message| Err(CliError::new(Exit::Usage, code, message));
        let Some(first) = entry.it_contacts.first() else {
            let message = format!("`{key}` declares no `it_contacts`");
            return refuse(codes::NO_CONTACTS, message);
        };
        let mut declared = entry.it_contacts.iter();
        let contact = match contact {
            None => Some(first),
            Some(named) => declared.find(|email| email.is(named)),
        };
        // The address is not repeated: the message may end up in a public log.
        let Some(contact) = contact else {
            let message = format!("`{key}` does not declare the IT contact that --contact names");
            return refuse(codes::CONTACT_NOT_DECLARED, message);
        };
        let strange: BTreeSet<Intent> = intents
            .iter()
            .copied()
            .filter(|intent| !entry.intents.contains_key(intent))
            .collect();
        if !strange.is_empty() {
            let message = format!("`{key}` does not declare {}", listed(&strange));
            return refuse(codes::INTENT_NOT_DECLARED, message);
        }
        let intents: BTreeSet<Intent> = match intents {
            [] => entry.intents.keys().copied().collect(),
            some => some.iter().copied().collect(),
        };
        if intents.iter().all(|intent| intent.invite_name().is_none()) {
            return refuse(codes::NOT_INVITABLE, nothing_left(key, &intents));
        }
        let contact = contact.clone();
        Ok(Self { contact, intents })
    }

    /// Returns the invitation to what is left to set up; refused when there is nothing, or when one was
    /// sent before and none is to be sent again.
    pub(super) fn invitation(
        self,
        key: &OrgKey,
        live: &Organization,
        readiness: &Readiness,
        delivery: Delivery,
    ) -> Result<Invitation, CliError> {
        let refuse = |code: Code, message| Err(CliError::new(Exit::Stopped, code, message));
        if let Some(mark) = live
            .metadata
            .get(mark::INVITED)
            .filter(|_| delivery == Delivery::Once)
        {
            let mark = InvitationMark::parse(mark);
            let code = match mark {
                InvitationMark::Sending { .. } => codes::MAY_BE_SENT,
                InvitationMark::Sent { .. } | InvitationMark::Ended { .. } => {
                    codes::ALREADY_INVITED
                }
            };
            return refuse(code, format!("`{key}`: {}", invitation::describe(&mark)));
        }
        let is_left = |intent: &&IntentReadiness| !intent.state.is_settled();
        let left: BTreeSet<Intent> = readiness
            .organizations
            .iter()
            .filter(|organization| organization.key == *key)
            .flat_map(|organization| organization.intents.iter().filter(is_left))
            .map(|intent| intent.intent)
            .filter(|intent| self.intents.contains(intent))
            .collect();
        if left.is_empty() {
            let message = format!("`{key}` has configured {}", listed(&self.intents));
            return refuse(codes::CONFIGURED, message);
        }
        let id = Some(live.id.clone());
        match Invitation::to(id, self.contact, left.iter().copied()) {
            Some(invitation) => Ok(invitation),
            None => refuse(codes::NOT_INVITABLE, nothing_left(key, &left)),
        }
    }
}

/// Returns the declared contacts that WorkOS does not have yet.
pub(super) fn missing(entry: &DesiredOrganization, contacts: &[ItContact]) -> Vec<Email> {
    let is_missing = |email: &&Email| !contacts.iter().any(|contact| email.is(&contact.email));
    let missing = entry.it_contacts.iter().filter(is_missing);
    missing.cloned().collect()
}

fn nothing_left(key: &OrgKey, intents: &BTreeSet<Intent>) -> String {
    if intents.is_empty() {
        return format!("`{key}` declares no intent to invite to");
    }
    format!("WorkOS invites nobody to {}", listed(intents))
}

fn listed(intents: &BTreeSet<Intent>) -> String {
    let names: Vec<&str> = intents.iter().map(|intent| intent.as_str()).collect();
    names.join(", ")
}
