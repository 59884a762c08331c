//! Text of invitations: the question before sending, and the result.

use super::{Layout, headline};
use crate::view::requests;
use crate::width::hanging;
use crate::{Headline, InviteOutcome, InviteQuestion, InviteReport};
use portalctl_model::mark::{self, InvitationMark};
use portalctl_model::observed::Organization;
use portalctl_model::text::escape;
use portalctl_model::{Email, OrgKey};

/// Renders the effects of an invitation that is about to be sent.
pub fn invitation(question: &InviteQuestion<'_>, layout: &Layout) -> String {
    let InviteQuestion {
        headline: header,
        key,
        organization,
        invitation,
        add,
        again,
    } = *question;
    let mut out = subject(header, key, organization, layout);
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
    for text in invitation.told(&layout.emails.show(invitation.contact.as_str())) {
        line(&text);
    }
    out
}

/// Renders the effects of ending an invitation.
pub fn revocation(
    header: &Headline,
    key: &OrgKey,
    organization: &Organization,
    layout: &Layout,
) -> String {
    let mut out = subject(header, key, organization, layout);
    let text = "ends the organization's active invitation, if there is one and whichever contact \
                has it: its link stops working";
    hanging(&mut out, "      ", text, layout.width);
    out
}

fn subject(
    header: &Headline,
    key: &OrgKey,
    organization: &Organization,
    layout: &Layout,
) -> String {
    let paint = layout.paint;
    let mut out = headline("invite", header, layout);
    push_line!(
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

/// Renders the result of an invitation.
pub fn invite(report: &InviteReport<'_>, layout: &Layout) -> String {
    let paint = layout.paint;
    let mut out = headline("invite", report.headline, layout);
    let (sign, word) = match report.outcome {
        InviteOutcome::Sent => (paint.good("✓"), paint.good("sent")),
        InviteOutcome::AlreadyInvited => (paint.notice("-"), paint.notice("invited already")),
        InviteOutcome::Revoked => (paint.good("✓"), paint.good("no invitation is active now")),
        InviteOutcome::NothingToRevoke => (paint.notice("-"), paint.notice("nothing to end")),
    };
    push_line!(
        out,
        "\n  {sign} {}  {word}  {}",
        paint.strong(report.key),
        paint.quiet(escape(report.organization.as_str()))
    );
    for text in result(report, layout) {
        hanging(&mut out, "      ", &text, layout.width);
    }
    push_line!(out, "\n{}", requests(report.headline));
    out
}

/// Describes the outcome and the next step.
fn result(report: &InviteReport<'_>, layout: &Layout) -> Vec<String> {
    let contact = report.contact.map_or_else(
        || "nobody".to_owned(),
        |contact| layout.emails.show(contact),
    );
    let mut lines = match report.outcome {
        InviteOutcome::Sent => report
            .invitation
            .map_or_else(Vec::new, |invitation| invitation.told(&contact)),
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

/// Returns addresses, separated by commas.
pub(super) fn addresses(emails: &[Email], layout: &Layout) -> String {
    let shown = emails
        .iter()
        .map(|email| layout.emails.show(email.as_str()));
    shown.collect::<Vec<String>>().join(", ")
}
