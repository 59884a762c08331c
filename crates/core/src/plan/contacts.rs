//! IT contacts and invitations: contacts are added and never removed, and one is invited once.

use super::change::{Action, Change, Reason, Warning};
use super::entry::Entry;
use super::field_change::FieldChange;
use super::invitation::{Invitation, describe};
use portalctl_model::Email;
use portalctl_model::codes::{invite as invite_codes, plan as codes};
use portalctl_model::desired::{FieldPath, Invite};
use portalctl_model::mark::{self, InvitationMark};
use portalctl_model::observed::{Answer, ItContact, Organization};
use portalctl_model::text::escape;

impl Entry<'_> {
    /// The declared contacts that WorkOS does not have; of a new organization, all of them.
    pub(super) fn missing_contacts(&self, live: Option<&Organization>) -> Vec<FieldChange> {
        let is_missing = |email: &&Email| match (live, self.contacts) {
            (None, _) => true,
            (Some(_), Some(Answer::Found(contacts))) => !has(contacts, email),
            // Not to be had, or not asked about: nothing is known to be missing.
            (Some(_), Some(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_)) | None) => {
                false
            }
        };
        let missing = self.declared.it_contacts.iter().filter(is_missing);
        missing.cloned().map(FieldChange::ItContact).collect()
    }

    /// The mark that WorkOS has all declared contacts, unless it stands already or it is not known.
    /// Where one of them is ignored there is none.
    pub(super) fn contacts_mark(&self, live: Option<&Organization>) -> Option<FieldChange> {
        let wanted = self.declared.contacts_mark()?;
        let before = match (live, self.contacts) {
            (None, _) => None,
            (Some(live), Some(Answer::Found(_))) => live.metadata.get(mark::CONTACTS).cloned(),
            (Some(_), Some(_) | None) => return None,
        };
        (before.as_ref() != Some(&wanted))
            .then(|| FieldChange::metadata(mark::CONTACTS, before, Some(wanted)))
    }

    /// Contacts are declared where they cannot be managed.
    pub(super) fn contacts_warning(&self) -> Option<Warning> {
        let why = match self.contacts? {
            Answer::Found(_) => return None,
            Answer::Absent => "WorkOS has no such list (404)".to_owned(),
            Answer::NotEntitled(message) => {
                let said = match message.trim() {
                    "" => String::new(),
                    said => format!(": {}", escape(said)),
                };
                format!("WorkOS refuses to tell (403){said}")
            }
            Answer::Failed(why) => why.to_string(),
        };
        let and = match self.declared.invite {
            Invite::Never => "none is added",
            Invite::Once => "none is added or invited",
        };
        Some(Warning {
            key: self.key.clone(),
            code: codes::CONTACTS_UNAVAILABLE,
            message: format!("its IT contacts cannot be read, so {and}: {why}"),
        })
    }

    /// Returns the warning that an invitation may be on its way, whoever sent it.
    pub(super) fn sending_warning(&self, live: &Organization) -> Option<Warning> {
        let mark = InvitationMark::parse(live.metadata.get(mark::INVITED)?);
        mark.is_sending().then(|| Warning {
            key: self.key.clone(),
            code: invite_codes::MAY_BE_SENT,
            message: format!(
                "{}, so nothing is sent by itself; ask the contact, or run `portalctl invite {} \
                 --again` to end it and send a new one",
                describe(&mark),
                self.key
            ),
        })
    }

    /// The invitation that `invite: once` asks for, while its mark is absent and something that
    /// can be invited to is unconfigured.
    pub(super) fn invitation(&self, live: Option<&Organization>) -> Option<Change> {
        let is_invited = live.is_some_and(|live| live.metadata.contains_key(mark::INVITED));
        if self.declared.invite != Invite::Once || is_invited {
            return None;
        }
        let mut contacts = self.declared.it_contacts.iter();
        let contact = contacts.find(|email| self.will_be_there(email, live))?;
        let organization = live.map(|live| live.id.clone());
        let wanted = self.unconfigured.iter().copied();
        let invitation = Invitation::to(organization, contact.clone(), wanted)?;
        let action = Action::Invite(invitation);
        Some(self.change(action, Vec::new(), Reason::NotInvited))
    }

    /// Returns whether a contact will exist once the entry's other changes are done.
    fn will_be_there(&self, email: &Email, live: Option<&Organization>) -> bool {
        match (live, self.contacts) {
            (None, _) => true,
            (Some(_), Some(Answer::Found(contacts))) => {
                has(contacts, email) || !self.declared.ignores(&FieldPath::ItContact(email.clone()))
            }
            // Not asked about, because the mark says so.
            (Some(live), None) => self.declared.has_contacts_of(live),
            (Some(_), Some(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_))) => false,
        }
    }
}

fn has(contacts: &[ItContact], email: &Email) -> bool {
    contacts.iter().any(|contact| email.is(&contact.email))
}
