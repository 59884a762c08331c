//! IT contacts, and the invitations that WorkOS e-mails to them.
//!
//! Source: the official Rust SDK 3.5.0 and the reference of IT contacts; newer than the API
//! description. Neither documents the codes of refusals, so those are ours.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::Fields;
use super::refusal::Refusal;
use super::scheduled_effects::Due;
use super::table::{Record, record};
use super::{World, millis};
use portalctl_model::id::Email;
use portalctl_model::intent::Intent;

/// Most contacts of an organization: the number of addresses that a portal link takes.
const MAX_CONTACTS: usize = 20;
/// Lifetime of an invitation: ours, that of the dashboard's setup links.
const INVITATION_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 30);

/// IT contact of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItContact {
    /// `it_contact_…`
    pub id: String,
    /// Organization that it belongs to.
    pub organization_id: String,
    /// Address, as it was written when it was added.
    pub email: String,
    /// Time when it was added.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

record!(ItContact, "IT Contact", organization_id);

/// Feature that a contact can be invited to set up: a vocabulary of its own, in which directory
/// sync is written out, and which has neither audit logs nor certificate renewal.
///
/// Source: `InviteItContactIntents` of the official Rust SDK 3.5.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteIntent {
    /// Single sign-on.
    Sso,
    /// Directory sync.
    DirectorySync,
    /// Log streams.
    LogStreams,
    /// Domain verification.
    DomainVerification,
    /// Customer's own encryption key.
    BringYourOwnKey,
}

impl InviteIntent {
    /// Returns the feature by its other name.
    const fn feature(self) -> Intent {
        match self {
            Self::Sso => Intent::Sso,
            Self::DirectorySync => Intent::Dsync,
            Self::LogStreams => Intent::LogStreams,
            Self::DomainVerification => Intent::DomainVerification,
            Self::BringYourOwnKey => Intent::BringYourOwnKey,
        }
    }
}

/// Invitation that has been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Invited contact.
    pub contact_id: String,
    /// Features of the invitation.
    pub intents: BTreeSet<InviteIntent>,
    /// Features that were set up since.
    #[serde(default)]
    pub finished: BTreeSet<InviteIntent>,
    /// Time when WorkOS sent it.
    pub sent_at: Timestamp,
    /// Time when its link expires.
    pub expires_at: Timestamp,
}

/// Reads the body of `POST /organizations/{id}/it_contacts`.
pub fn read_contact(body: &Value) -> Result<String, Refusal> {
    let mut fields = Fields::of(body)?;
    let email = fields.required_text("email");
    if !email.is_empty() && Email::parse(&email).is_err() {
        fields.fail("email", "invalid");
    }
    fields.finish()?;
    Ok(email)
}

/// Reads the body of `POST /organizations/{id}/it_contacts/{contact}/invite`.
pub fn read_invitation(body: &Value) -> Result<BTreeSet<InviteIntent>, Refusal> {
    let mut fields = Fields::of(body)?;
    let texts = fields.texts("intents");
    let intents: Option<BTreeSet<InviteIntent>> = texts
        .into_iter()
        .map(|text| serde_json::from_value(Value::String(text)).ok())
        .collect();
    match &intents {
        None => fields.fail("intents", "invalid"),
        Some(intents) if intents.is_empty() => fields.fail("intents", "required"),
        Some(_) => {}
    }
    fields.finish()?;
    Ok(intents.unwrap_or_default())
}

impl World {
    /// Adds a contact. Source: `POST /organizations/{id}/it_contacts`.
    ///
    /// Addresses are compared without regard to case.
    pub fn create_it_contact(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        email: &str,
    ) -> Result<&ItContact, Refusal> {
        let now = millis(now);
        self.organizations.find(organization_id)?;
        let folded = email.to_lowercase();
        let mut count = 0;
        for contact in self.it_contacts.owned_by(organization_id) {
            if contact.email.to_lowercase() == folded {
                return Err(Refusal::ItContactExists);
            }
            count += 1;
        }
        if count >= MAX_CONTACTS {
            return Err(Refusal::TooManyItContacts(MAX_CONTACTS));
        }
        let contact = ItContact {
            id: self.ids.id("it_contact", now),
            organization_id: organization_id.to_owned(),
            email: email.to_owned(),
            created_at: now,
            updated_at: now,
        };
        let id = contact.id.clone();
        self.it_contacts.insert(contact);
        self.it_contacts.find(&id)
    }

    /// Returns an organization's contacts, oldest first. Source: `GET /organizations/{id}/it_contacts`,
    /// which has no pages.
    pub fn it_contacts(&self, organization_id: &str) -> Result<Vec<&ItContact>, Refusal> {
        self.organizations.find(organization_id)?;
        Ok(self.it_contacts.owned_by(organization_id).collect())
    }

    /// Removes a contact, and its invitation with it.
    ///
    /// Source: `DELETE /organizations/{id}/it_contacts/{contact}`, which revokes the contact's
    /// active setup links.
    pub fn delete_it_contact(
        &mut self,
        organization_id: &str,
        contact_id: &str,
    ) -> Result<(), Refusal> {
        self.it_contact(organization_id, contact_id)?;
        self.it_contacts.remove(contact_id);
        self.invitations
            .retain(|_, invitation| invitation.contact_id != contact_id);
        Ok(())
    }

    /// Invites a contact.
    ///
    /// Source: `POST /organizations/{id}/it_contacts/{contact}/invite`: refused while another
    /// contact has an active invitation; the same contact gets another e-mail.
    pub fn invite_it_contact(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        contact_id: &str,
        intents: BTreeSet<InviteIntent>,
    ) -> Result<(), Refusal> {
        let now = millis(now);
        self.it_contact(organization_id, contact_id)?;
        let active = self.invitation(now, organization_id);
        if active.is_some_and(|active| active.contact_id != contact_id) {
            return Err(Refusal::InvitationActive);
        }
        let invitation = Invitation {
            contact_id: contact_id.to_owned(),
            intents,
            finished: BTreeSet::new(),
            sent_at: now,
            expires_at: now
                .checked_add(INVITATION_LIFETIME)
                .unwrap_or(Timestamp::MAX),
        };
        self.invitations
            .insert(organization_id.to_owned(), invitation);
        self.await_customer(now, Due::Invitation(organization_id.to_owned(), now));
        Ok(())
    }

    /// Plays the customer who follows an invitation, unless it was revoked.
    pub(super) fn follow_invitation(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        sent_at: Timestamp,
    ) {
        let invitation = self.invitation(now, organization_id);
        let invitation = invitation.filter(|invitation| invitation.sent_at == sent_at);
        let intents = invitation.map(|invitation| invitation.intents.clone());
        for intent in intents.into_iter().flatten() {
            // An organization that is gone took its invitation along, and without any domain an
            // admin cannot set up single sign-on.
            let _ = self.admin_finishes(now, organization_id, intent.feature(), None);
        }
    }

    /// Records that an invited feature was set up; the invitation ends with the last of them.
    ///
    /// Source: invitations end by themselves when set-up completes (reference of IT contacts).
    pub(super) fn finish_invited(&mut self, organization_id: &str, intent: Intent) {
        if let Some(invitation) = self.invitations.get_mut(organization_id) {
            let invited = invitation.intents.iter();
            let done = invited.filter(|invited| invited.feature() == intent);
            invitation.finished.extend(done);
            if invitation.finished == invitation.intents {
                self.invitations.remove(organization_id);
            }
        }
    }

    /// Ends an organization's active invitation, whichever contact is named; none is needed.
    ///
    /// Source: `POST /organizations/{id}/it_contacts/{contact}/revoke`.
    pub fn revoke_it_contact(
        &mut self,
        organization_id: &str,
        contact_id: &str,
    ) -> Result<(), Refusal> {
        self.it_contact(organization_id, contact_id)?;
        self.invitations.remove(organization_id);
        Ok(())
    }

    /// Returns the invitation of an organization that can still be followed.
    pub fn invitation(&self, now: Timestamp, organization_id: &str) -> Option<&Invitation> {
        self.invitations
            .get(organization_id)
            .filter(|invitation| invitation.expires_at > now)
    }

    fn it_contact(&self, organization_id: &str, contact_id: &str) -> Result<&ItContact, Refusal> {
        self.organizations.find(organization_id)?;
        let contact = self.it_contacts.find(contact_id)?;
        if contact.organization_id == organization_id {
            Ok(contact)
        } else {
            Err(Refusal::not_found(ItContact::KIND, contact_id))
        }
    }
}
