//! Inviting an IT contact: sent first, marked at once.
//!
//! WorkOS keeps one active invitation for an organization, so sending again after a lost answer
//! cannot write to anybody twice: it answers 409 while one is active. A kill between sending and
//! marking can repeat it only after that invitation has ended.

use super::update;
use super::{BEFORE_LOOKING, MAX_ATTEMPTS, Options, Outcome, Problem, Stop, failed, not_looked_at};
use crate::codes::{plan as codes, portal as portal_codes};
use crate::model::desired::FieldPath;
use crate::model::observed::{Answer, ItContact, Organization};
use crate::model::{Email, OrganizationId, mark};
use crate::plan::{FieldChange, Invitation};
use crate::workos::{ApiError, ApiErrorKind, WritePortal};
use jiff::Timestamp;

/// How a contact came to be invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// WorkOS sent the e-mail.
    Now,
    /// An invitation of the organization is active, and WorkOS sent none.
    Already,
}

/// What `invite` does at once, beside the invitation itself.
#[derive(Debug, Clone, Copy)]
pub struct InviteNow<'a> {
    /// Whom to invite to what.
    pub invitation: &'a Invitation,
    /// Contacts to add first.
    pub add: &'a [Email],
    /// Whether an active invitation is ended first, and the mark of an earlier one written over.
    pub again: bool,
}

/// Sends the invitation of a plan, unless the organization is marked as invited.
pub(super) async fn invite(
    portal: &impl WritePortal,
    id: &OrganizationId,
    invitation: &Invitation,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let live = match read(portal, id, stop).await {
        Ok(live) => live,
        Err(outcome) => return outcome,
    };
    if live.metadata.contains_key(mark::INVITED) {
        return Outcome::Done(Box::new(live));
    }
    let sent = async {
        let contacts = contacts(portal, &live, stop).await?;
        send(portal, &live, &contacts, invitation, options, stop).await
    };
    match sent.await {
        Ok(invited) => set_mark(portal, id, invited, false, options, stop).await,
        Err(outcome) => outcome.leaving(live),
    }
}

/// Invites a contact of an organization at once, whatever its mark says.
///
/// Fails with what became of it: never [`Outcome::Done`].
pub async fn invite_now(
    portal: &impl WritePortal,
    id: &OrganizationId,
    now: InviteNow<'_>,
    options: &Options<'_>,
) -> Result<Invited, Outcome> {
    let InviteNow {
        invitation,
        add,
        again,
    } = now;
    let stop = &Stop::new(options.cancel.clone());
    let mut live = read(portal, id, stop).await?;
    let missing: Vec<FieldChange> = add.iter().map(added).collect();
    match update::bring(portal, live, &missing, options, stop).await {
        Outcome::Done(organization) => live = *organization,
        other => return Err(other),
    }
    let contacts = contacts(portal, &live, stop).await?;
    let mut is_ended = false;
    if again {
        let revoked = revoke(portal, id, &contacts, options).await;
        is_ended = revoked
            .map_err(|error| failed(&error, None, stop))?
            .is_some();
    }
    let sent = send(portal, &live, &contacts, invitation, options, stop).await;
    let invited = sent.map_err(|outcome| {
        if is_ended {
            outcome.after("the active invitation was ended")
        } else {
            outcome
        }
    })?;
    if again && invited == Invited::Already {
        let message = "WorkOS still has an active invitation or setup link of the organization";
        return Err(Outcome::Refused(Problem::new(
            portal_codes::SETUP_LINK_ACTIVE,
            message,
        )));
    }
    match set_mark(portal, id, invited, again, options, stop).await {
        Outcome::Done(_) | Outcome::Gone => Ok(invited),
        other => Err(other),
    }
}

/// Ends the active invitation of an organization; says whose it was, if there was one.
///
/// WorkOS does not tell who is invited, so each contact is tried.
pub async fn revoke<'a>(
    portal: &impl WritePortal,
    id: &OrganizationId,
    contacts: &'a [ItContact],
    options: &Options<'_>,
) -> Result<Option<&'a ItContact>, ApiError> {
    for contact in contacts {
        if revoke_one(portal, id, contact, options).await? {
            return Ok(Some(contact));
        }
    }
    Ok(None)
}

async fn revoke_one(
    portal: &impl WritePortal,
    id: &OrganizationId,
    contact: &ItContact,
    options: &Options<'_>,
) -> Result<bool, ApiError> {
    let mut attempt = 1;
    loop {
        match portal.revoke_invitation(id, &contact.id).await {
            Ok(()) => return Ok(true),
            // After a lost answer: that one did it.
            Err(error) if error.kind == ApiErrorKind::NotFound => return Ok(attempt > 1),
            Err(error) if error.is_ambiguous() && attempt < MAX_ATTEMPTS => {
                options.clock.sleep(BEFORE_LOOKING * attempt).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn read(
    portal: &impl WritePortal,
    id: &OrganizationId,
    stop: &Stop,
) -> Result<Organization, Outcome> {
    match portal.organization(id).await {
        Ok(Some(live)) => Ok(live),
        Ok(None) => Err(update::gone(id)),
        Err(error) => Err(not_looked_at(&error, stop)),
    }
}

async fn contacts(
    portal: &impl WritePortal,
    live: &Organization,
    stop: &Stop,
) -> Result<Vec<ItContact>, Outcome> {
    match portal.it_contacts(&live.id).await {
        Ok(Answer::Found(contacts)) => Ok(contacts),
        Ok(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_)) => {
            Err(Outcome::Refused(Problem::new(
                codes::CONTACTS_UNAVAILABLE,
                "the organization's IT contacts cannot be read any more",
            )))
        }
        Err(error) => Err(not_looked_at(&error, stop)),
    }
}

/// Lets WorkOS write to the contact, if that can be marked afterwards.
async fn send(
    portal: &impl WritePortal,
    live: &Organization,
    contacts: &[ItContact],
    invitation: &Invitation,
    options: &Options<'_>,
    stop: &Stop,
) -> Result<Invited, Outcome> {
    let refused = |code, message| Err(Outcome::Refused(Problem::new(code, message)));
    let mut contacts = contacts.iter();
    let Some(contact) = contacts.find(|held| invitation.contact.is(&held.email)) else {
        let message = "the contact is not among the organization's IT contacts";
        return refused(codes::CONTACT_MISSING, message);
    };
    let is_marked = live.metadata.contains_key(mark::INVITED);
    if !is_marked && live.metadata.len() >= mark::MAX_METADATA_KEYS {
        let message = "there is no room in the organization's metadata to mark the invitation";
        return refused(codes::METADATA_FULL, message);
    }
    let mut attempt = 1;
    let mut lost_write: Option<ApiError> = None;
    loop {
        let sent = portal.invite_it_contact(&live.id, &contact.id, &invitation.intents);
        let error = match sent.await {
            Ok(()) => return Ok(Invited::Now),
            Err(error) => error,
        };
        // One is active; after a lost answer, the one that was sent.
        if error.status == Some(409) {
            return Ok(match lost_write {
                Some(_) => Invited::Now,
                None => Invited::Already,
            });
        }
        if !error.is_ambiguous() {
            return Err(failed(&error, lost_write.as_ref(), stop));
        }
        if attempt >= MAX_ATTEMPTS {
            let message = format!("{error}; it was tried {MAX_ATTEMPTS} times and may be sent");
            return Err(Outcome::Unknown(Problem::new(error.code(), message)));
        }
        options.clock.sleep(BEFORE_LOOKING * attempt).await;
        attempt += 1;
        lost_write = Some(error);
    }
}

/// Marks an organization as invited, merged from a fresh read.
async fn set_mark(
    portal: &impl WritePortal,
    id: &OrganizationId,
    invited: Invited,
    again: bool,
    options: &Options<'_>,
    stop: &Stop,
) -> Outcome {
    let live = match read(portal, id, stop).await {
        Ok(live) => live,
        Err(outcome) => return unmarked(outcome, invited),
    };
    let before = live.metadata.get(mark::INVITED).cloned();
    if before.is_some() && !again {
        return Outcome::Done(Box::new(live));
    }
    let field = FieldChange {
        path: FieldPath::Metadata(mark::INVITED.to_owned()),
        before,
        after: Some(to_the_second(options.clock.now()).to_string()),
    };
    let marked = update::bring(portal, live, &[field], options, stop).await;
    unmarked(marked, invited)
}

/// A mark that was not set leaves an invitation that a later run would repeat.
fn unmarked(outcome: Outcome, invited: Invited) -> Outcome {
    let what = match invited {
        Invited::Now => "the invitation was sent",
        Invited::Already => "an invitation is active",
    };
    outcome.after(&format!(
        "{what}, but the organization could not be marked with it, so a later run may repeat it \
         once it has ended"
    ))
}

fn added(email: &Email) -> FieldChange {
    FieldChange {
        path: FieldPath::ItContact(email.clone()),
        before: None,
        after: Some("added".to_owned()),
    }
}

fn to_the_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
