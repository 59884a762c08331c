//! Invitations, for people: what somebody consents to, and what became of it.

use std::fmt::Write as _;

use super::{Layout, headline, requests};
use crate::width::hanging;
use crate::{Headline, InviteOutcome, InviteQuestion, InviteReport};
use portalctl_model::mark::{self, InvitationMark};
use portalctl_model::observed::Organization;
use portalctl_model::text::{escape, mask_email};
use portalctl_model::{Email, OrgKey};

/// What an invitation would do.
pub fn invitation(question: &InviteQuestion<'_>, layout: &Layout) -> String {
    let InviteQuestion {
        headline: where_from,
        key,
        organization,
        invitation,
        add,
        again,
    } = *question;
    let mut out = subject(where_from, key, organization, layout);
    let mut line = |text: &str| hanging(&mut out, "      ", text, layout.width);
    if !add.is_empty() {
        line(&format!(
            "adds {} to its IT contacts",
            addresses(add, layout)
        ));
    }
    if again {
        line("ends the active invitation, if there is one, whichever contact has it");
        if marked(organization).is_some_and(|mark| mark.is_sending()) {
            line("an earlier invitation may be on its way: the contact may get two e-mails");
        }
    }
    for text in invitation.told(&address(invitation.contact.as_str(), layout)) {
        line(&text);
    }
    out
}

/// What ending an invitation would do.
pub fn revocation(
    where_from: &Headline,
    key: &OrgKey,
    organization: &Organization,
    layout: &Layout,
) -> String {
    let mut out = subject(where_from, key, organization, layout);
    let text = "ends the organization's active invitation, if there is one and whichever contact \
                has it: its link stops working";
    hanging(&mut out, "      ", text, layout.width);
    out
}

fn subject(
    where_from: &Headline,
    key: &OrgKey,
    organization: &Organization,
    layout: &Layout,
) -> String {
    let paint = layout.paint;
    let mut out = headline("invite", where_from, layout);
    let _ = writeln!(
        out,
        "\n  {} {}  {}  {}",
        paint.notice("@"),
        paint.strong(key),
        escape(&organization.name),
        paint.quiet(escape(organization.id.as_str()))
    );
    out
}

fn marked(organization: &Organization) -> Option<InvitationMark> {
    let mark = organization.metadata.get(mark::INVITED)?;
    Some(InvitationMark::parse(mark))
}

/// Renders what became of an invitation.
pub fn invite(report: &InviteReport<'_>, layout: &Layout) -> String {
    let paint = layout.paint;
    let mut out = headline("invite", report.headline, layout);
    let (sign, word) = match report.outcome {
        InviteOutcome::Sent => (paint.good("✓"), paint.good("sent")),
        InviteOutcome::AlreadyInvited => (paint.notice("-"), paint.notice("invited already")),
        InviteOutcome::Revoked => (paint.good("✓"), paint.good("no invitation is active now")),
        InviteOutcome::NothingToRevoke => (paint.notice("-"), paint.notice("nothing to end")),
    };
    let _ = writeln!(
        out,
        "\n  {sign} {}  {word}  {}",
        paint.strong(report.key),
        paint.quiet(escape(report.organization.as_str()))
    );
    for text in told(report, layout) {
        hanging(&mut out, "      ", &text, layout.width);
    }
    let _ = writeln!(out, "\n{}", requests(report.headline));
    out
}

/// What happened, and what to do next.
fn told(report: &InviteReport<'_>, layout: &Layout) -> Vec<String> {
    let contact = report
        .contact
        .map_or_else(|| "nobody".to_owned(), |contact| address(contact, layout));
    let mut lines = match report.outcome {
        InviteOutcome::Sent => report
            .invitation
            .map(|invitation| invitation.told(&contact))
            .unwrap_or_default(),
        InviteOutcome::AlreadyInvited => vec![
            "another contact of the organization has an active invitation, and WorkOS sent no other"
                .to_owned(),
            format!(
                "hint: run portalctl invite {} --again: it ends that one and sends a new one",
                report.key
            ),
        ],
        InviteOutcome::Revoked => vec![
            "the link of an earlier e-mail does not work any more; WorkOS does not tell whether \
             there was one. A setup link that was made in the WorkOS dashboard is revoked there"
                .to_owned(),
        ],
        InviteOutcome::NothingToRevoke => vec![
            "the organization has no IT contact, so none can have an invitation; a setup link that \
             was made in the WorkOS dashboard is revoked there"
                .to_owned(),
        ],
    };
    if !report.added.is_empty() {
        let added = addresses(report.added, layout);
        lines.insert(0, format!("added {added} to its IT contacts"));
    }
    lines
}

fn addresses(emails: &[Email], layout: &Layout) -> String {
    let shown = emails.iter().map(|email| address(email.as_str(), layout));
    shown.collect::<Vec<String>>().join(", ")
}

/// An IT contact's address, masked where others may read along.
pub(super) fn address(email: &str, layout: &Layout) -> String {
    let shown = escape(email);
    if layout.mask_emails {
        mask_email(&shown)
    } else {
        shown.into_owned()
    }
}
