//! Inviting an IT contact, at most once.
//!
//! Inviting the same contact twice sends two e-mails, and WorkOS tells neither whether one was sent
//! nor when. So the organization is marked before the request, and the mark decides:
//!
//! ```text
//! 1  mark         PUT portalctl_invited = sending:NONCE, where the mark was absent
//! 2  read back    after SETTLE; only the run whose nonce stands goes on
//! 3  send         POST …/invite, once: a lost answer is never tried again
//! 4  mark         the time and the contact id; removed again where WorkOS surely sent nothing
//! ```
//!
//! Two runs that saw no mark both write one; the later one stands. The wait before the read is
//! longer than the time that a run may take between its read and its PUT, and a run that took
//! longer does not send. A run that is killed after step 1 leaves the mark, which plans report.

use std::sync::OnceLock;
use std::time::Duration;

use super::answered::Answered;
use super::applier::{Applier, BEFORE_LOOKING, MAX_ATTEMPTS};
use super::outcome::{Outcome, Problem};
use super::{Options, owner};
use crate::{ApiError, ApiErrorKind, WritePortal};
use portalctl_core::plan::{FieldChange, Invitation, Ownership, Plan};
use portalctl_model::codes::{Code, invite as invite_codes, plan as codes, portal as portal_codes};
use portalctl_model::mark::{self, InvitationMark};
use portalctl_model::observed::{Answer, ItContact, Organization};
use portalctl_model::{Email, OrganizationId};

/// Wait between writing the mark and reading it back, and longest time that reading the
/// organization and writing the mark may take.
const SETTLE: Duration = Duration::from_secs(2);

/// WorkOS's code for an invitation while another contact's is active.
const ANOTHER_IS_ACTIVE: &str = "it_contact_invitation_already_active";

/// Result of an invitation by command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// WorkOS sent the e-mail.
    Now,
    /// Another contact of the organization has an active invitation; WorkOS sent none.
    Already,
}

/// Invitation by command.
#[derive(Debug, Clone, Copy)]
pub struct InviteNow<'a> {
    /// The contact and the intents.
    pub invitation: &'a Invitation,
    /// Contacts to add first.
    pub add: &'a [Email],
    /// Treatment of an invitation that was sent before.
    pub delivery: Delivery,
}

/// Treatment of an invitation that was sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// At most one invitation: none is sent where one was sent, or may have been.
    Once,
    /// An active invitation is ended, and a new one is sent.
    Again,
}

/// Sends the invitation of a plan, unless the organization is marked as invited.
pub(super) async fn invite(
    applier: &Applier<'_, impl WritePortal>,
    id: &OrganizationId,
    invitation: &Invitation,
) -> Outcome {
    let sender = Sender::new(applier, id);
    let live = match sender.read().await {
        Ok(live) if owner::has_moved(applier.plan, &live) => return owner::refused(live),
        Ok(live) => live,
        Err(outcome) => return outcome,
    };
    match mark_of(&live) {
        Some(InvitationMark::Sending { .. }) => {
            let message = "another run is sending an invitation, or was cut off while it did";
            return Outcome::Unknown(may_be_sent(message)).leaving(live);
        }
        Some(InvitationMark::Sent { .. } | InvitationMark::Ended { .. }) => {
            return Outcome::Done(Box::new(live));
        }
        None => {}
    }
    match sender.deliver(&live, invitation, Delivery::Once).await {
        Ok((_, marked)) => Outcome::Done(Box::new(marked)),
        Err(outcome) => match outcome.organization() {
            Some(_) => outcome,
            None => outcome.leaving(live),
        },
    }
}

/// Invites a contact at once; [`Delivery::Again`] whatever the organization's mark says.
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
        delivery,
    } = now;
    let plan = Plan::default();
    let applier = Applier::new(portal, &plan, options);
    let sender = Sender::new(&applier, id);
    let mut live = sender.read().await?;
    if delivery == Delivery::Once {
        not_invited_yet(&live)?;
    }
    let missing: Vec<FieldChange> = add.iter().cloned().map(FieldChange::ItContact).collect();
    match sender.apply_fields(live, &missing).await {
        Outcome::Done(organization) => live = *organization,
        other => return Err(other),
    }
    let (invited, _) = sender.deliver(&live, invitation, delivery).await?;
    Ok(invited)
}

/// Ends the active invitation of an organization, and marks a marked organization so.
///
/// WorkOS ends the organization's invitation whichever contact is named, and gives the same answer
/// when there is none. Returns false where the organization has no contact that could be named.
pub async fn revoke(
    portal: &impl WritePortal,
    live: &Organization,
    contacts: &[ItContact],
    options: &Options<'_>,
) -> Result<bool, Outcome> {
    let plan = Plan::default();
    let applier = Applier::new(portal, &plan, options);
    let sender = Sender {
        seen: OnceLock::from(Ownership::of(live)),
        ..Sender::new(&applier, &live.id)
    };
    let is_ended = sender.end(contacts).await;
    if !is_ended.map_err(|error| lost_or_failed(&error, &applier))? {
        return Ok(false);
    }
    match mark_of(live) {
        None | Some(InvitationMark::Ended { .. }) => {}
        Some(InvitationMark::Sending { .. } | InvitationMark::Sent { .. }) => {
            let ended = InvitationMark::ended(options.clock.now());
            let marked = sender.set_mark(Some(ended.to_string())).await;
            marked.map_err(|outcome| outcome.after(REVOKED_UNMARKED))?;
        }
    }
    Ok(true)
}

const REVOKED_UNMARKED: &str =
    "no invitation is active now, but the organization's mark could not be changed";

/// Refuses where an invitation was sent, or may have been.
fn not_invited_yet(live: &Organization) -> Result<(), Outcome> {
    let problem = match mark_of(live) {
        None => return Ok(()),
        Some(InvitationMark::Sending { .. }) => {
            may_be_sent("another run is sending an invitation, or was cut off while it did")
        }
        Some(InvitationMark::Sent { .. } | InvitationMark::Ended { .. }) => {
            Problem::new(invite_codes::ALREADY_INVITED, "it was invited meanwhile")
        }
    };
    Err(Outcome::Refused(problem))
}

fn mark_of(live: &Organization) -> Option<InvitationMark> {
    let value = live.metadata.get(mark::INVITED)?;
    Some(InvitationMark::parse(value))
}

fn may_be_sent(message: impl Into<String>) -> Problem {
    Problem::new(invite_codes::MAY_BE_SENT, message)
}

/// A failed request without a mark to consider.
fn lost_or_failed<P>(error: &ApiError, applier: &Applier<'_, P>) -> Outcome {
    if error.is_ambiguous() {
        return Outcome::Unknown(Problem::of(error));
    }
    applier.failed(error, None)
}

/// Result of the one request that sends.
enum Sent {
    /// WorkOS sent the e-mail.
    Now,
    /// Another contact's invitation is active; nothing was sent.
    AnotherIsActive,
    /// WorkOS surely sent nothing.
    Refused(ApiError),
    /// The answer was lost: the e-mail may be on its way.
    Lost(ApiError),
}

/// Sends one organization's invitation.
struct Sender<'a, P> {
    applier: &'a Applier<'a, P>,
    id: &'a OrganizationId,
    /// The marks of the organization when it was read first.
    seen: OnceLock<Ownership>,
}

impl<'a, P: WritePortal> Sender<'a, P> {
    const fn new(applier: &'a Applier<'a, P>, id: &'a OrganizationId) -> Self {
        Self {
            applier,
            id,
            seen: OnceLock::new(),
        }
    }

    /// Writes fields of the organization that stand for no planned change.
    async fn apply_fields(&self, live: Organization, fields: &[FieldChange]) -> Outcome {
        let answered = Answered::default();
        self.applier.apply_fields(live, fields, &answered).await
    }

    /// Marks, sends and marks; `live` was just read. Returns the organization as it is then.
    async fn deliver(
        &self,
        live: &Organization,
        invitation: &Invitation,
        delivery: Delivery,
    ) -> Result<(Invited, Organization), Outcome> {
        let contacts = self.contacts().await?;
        let mut known = contacts.iter();
        let Some(contact) = known.find(|known| invitation.contact.is(&known.email)) else {
            let message = "the contact is not among the organization's IT contacts";
            return Err(refused(codes::CONTACT_MISSING, message));
        };
        let before = live.metadata.get(mark::INVITED).cloned();
        if before.is_none() && live.metadata.len() >= mark::MAX_METADATA_KEYS {
            let message = "there is no room in the organization's metadata to mark the invitation";
            return Err(refused(codes::METADATA_FULL, message));
        }
        let options = self.applier.options;
        let sending = InvitationMark::sending(&options.nonce, options.clock.now(), &contact.id);
        let sending = sending.to_string();
        self.claim(before.clone(), &sending).await?;
        if delivery == Delivery::Again
            && let Err(error) = self.end(&contacts).await
        {
            let outcome = self.applier.failed(&error, None);
            return Err(self.unsent(outcome, before, &sending).await);
        }
        match (self.send(contact, invitation).await, delivery) {
            (Sent::Now, _) => {
                let told = "the invitation was sent, but the organization could not be marked so; \
                            it is not sent again, and plans say that it may be on its way";
                let marked = self.mark_sent(Some(&contact.id)).await;
                Ok((Invited::Now, marked.map_err(|outcome| outcome.after(told))?))
            }
            (Sent::AnotherIsActive, Delivery::Again) => {
                let message =
                    "WorkOS still has an active invitation or setup link of the organization";
                let outcome = refused(portal_codes::SETUP_LINK_ACTIVE, message);
                Err(self.unsent(outcome, before, &sending).await)
            }
            (Sent::AnotherIsActive, Delivery::Once) => {
                let told = "another contact has an active invitation, but the organization could \
                            not be marked so";
                let marked = self.mark_sent(None).await;
                Ok((
                    Invited::Already,
                    marked.map_err(|outcome| outcome.after(told))?,
                ))
            }
            (Sent::Refused(error), _) => {
                let outcome = self.applier.failed(&error, None);
                Err(self.unsent(outcome, before, &sending).await)
            }
            (Sent::Lost(error), _) => {
                self.keep_sending(&sending).await;
                let remark = "the e-mail may be on its way, so it is not sent again";
                let problem = Problem {
                    code: invite_codes::MAY_BE_SENT,
                    can_repeat: false,
                    ..Problem::of(&error)
                };
                Err(Outcome::Unknown(problem.noting(remark)))
            }
        }
    }

    /// Sends the request, once.
    async fn send(&self, contact: &ItContact, invitation: &Invitation) -> Sent {
        let intents = &invitation.intents;
        let portal = self.applier.portal;
        let answer = portal.invite_it_contact(self.id, &contact.id, intents);
        match answer.await {
            Ok(()) => Sent::Now,
            Err(error) if error.upstream_code.as_deref() == Some(ANOTHER_IS_ACTIVE) => {
                Sent::AnotherIsActive
            }
            Err(error) if error.is_ambiguous() => Sent::Lost(error),
            Err(error) => Sent::Refused(error),
        }
    }

    /// Marks the organization as invited now.
    async fn mark_sent(&self, contact_id: Option<&str>) -> Result<Organization, Outcome> {
        let sent = InvitationMark::sent(self.applier.options.clock.now(), contact_id);
        self.set_mark(Some(sent.to_string())).await
    }

    /// Marks the organization as being invited by this run; fails unless this run may send.
    async fn claim(&self, before: Option<String>, sending: &str) -> Result<(), Outcome> {
        const NOT_SENT: &str = "the organization could not be marked, so no invitation was sent";
        let clock = self.applier.options.clock;
        let began = clock.instant();
        let live = self.read().await?;
        let field = mark_change(before, Some(sending.to_owned()));
        let marked = self.apply_fields(live, &[field]).await;
        if marked.problem().is_some() {
            return Err(marked.after(NOT_SENT));
        }
        let took = clock.instant().saturating_duration_since(began);
        clock.sleep(SETTLE).await;
        let live = match self.read().await {
            Ok(live) => live,
            Err(outcome) => return Err(unknown_after_mark(&outcome)),
        };
        if live.metadata.get(mark::INVITED).map(String::as_str) != Some(sending) {
            let message = "another run invites at the same time; this one sent nothing";
            return Err(Outcome::Unknown(may_be_sent(message)).leaving(live));
        }
        if took > SETTLE {
            let message = format!(
                "marking the organization took {} s, in which another run may have begun to \
                 invite, so this one sent nothing",
                took.as_secs()
            );
            return Err(Outcome::Unknown(may_be_sent(message)).leaving(live));
        }
        Ok(())
    }

    /// Takes the mark of this run back: WorkOS surely sent nothing.
    async fn unsent(&self, outcome: Outcome, before: Option<String>, sending: &str) -> Outcome {
        let Ok(live) = self.read().await else {
            return outcome.noting(STAYS_MARKED);
        };
        if live.metadata.get(mark::INVITED).map(String::as_str) != Some(sending) {
            return outcome.leaving(live);
        }
        let field = mark_change(Some(sending.to_owned()), before);
        match self.apply_fields(live, &[field]).await {
            Outcome::Done(live) => outcome.leaving(*live),
            _ => outcome.noting(STAYS_MARKED),
        }
    }

    /// Writes the mark of this run once more where a run that was slow has replaced it.
    async fn keep_sending(&self, sending: &str) {
        let Ok(live) = self.read().await else { return };
        if mark_of(&live).is_none() {
            let field = mark_change(None, Some(sending.to_owned()));
            // The account says already that the e-mail may be on its way.
            let _ = self.apply_fields(live, &[field]).await;
        }
    }

    /// Replaces the mark, whatever it is now, merged from a fresh read.
    async fn set_mark(&self, after: Option<String>) -> Result<Organization, Outcome> {
        let live = self.read().await?;
        let field = mark_change(live.metadata.get(mark::INVITED).cloned(), after);
        match self.apply_fields(live, &[field]).await {
            Outcome::Done(live) => Ok(*live),
            other => Err(other),
        }
    }

    /// Ends the active invitation; returns false where no contact could be named.
    async fn end(&self, contacts: &[ItContact]) -> Result<bool, ApiError> {
        for contact in contacts {
            if self.end_by(contact).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends the active invitation by a contact; returns false where the contact is gone.
    async fn end_by(&self, contact: &ItContact) -> Result<bool, ApiError> {
        let mut attempt = 1;
        loop {
            match self
                .applier
                .portal
                .revoke_invitation(self.id, &contact.id)
                .await
            {
                Ok(()) => return Ok(true),
                Err(error) if error.kind == ApiErrorKind::NotFound => return Ok(false),
                // Ending an invitation twice does no harm.
                Err(error) if error.is_ambiguous() && attempt < MAX_ATTEMPTS => {
                    self.applier
                        .options
                        .clock
                        .sleep(BEFORE_LOOKING * attempt)
                        .await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the organization; fails where another took it since it was read first.
    async fn read(&self) -> Result<Organization, Outcome> {
        match self.applier.portal.organization(self.id).await {
            Ok(Some(live)) => {
                let seen = self.seen.get_or_init(|| Ownership::of(&live));
                if owner::was_taken(seen, &live, &[]) {
                    return Err(owner::refused(live));
                }
                Ok(live)
            }
            Ok(None) => Err(Outcome::gone(self.id)),
            Err(error) => Err(self.applier.not_tried(&error)),
        }
    }

    async fn contacts(&self) -> Result<Vec<ItContact>, Outcome> {
        match self.applier.portal.it_contacts(self.id).await {
            Ok(Answer::Found(contacts)) => Ok(contacts),
            Ok(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_)) => {
                let message = "the organization's IT contacts cannot be read any more";
                let problem = Problem::new(codes::CONTACTS_UNAVAILABLE, message);
                Err(Outcome::Refused(problem))
            }
            Err(error) => Err(self.applier.not_tried(&error)),
        }
    }
}

const STAYS_MARKED: &str = "nothing was sent, but the organization stays marked as being invited, \
                            so plans say that an invitation may be on its way";

fn refused(code: Code, message: &str) -> Outcome {
    Outcome::Refused(Problem::new(code, message))
}

/// The account of a run that is marked and could not read the mark back: it sent nothing.
fn unknown_after_mark(outcome: &Outcome) -> Outcome {
    Outcome::Unknown(match outcome.problem() {
        None => may_be_sent(STAYS_MARKED),
        Some(problem) => Problem {
            requests: problem.requests.clone(),
            ..may_be_sent(format!("{STAYS_MARKED}: {}", problem.message))
        },
    })
}

fn mark_change(before: Option<String>, after: Option<String>) -> FieldChange {
    FieldChange::metadata(mark::INVITED, before, after)
}
