//! IT contacts and their invitation.

use std::collections::BTreeMap;

use super::{placeholder, text};
use crate::diagnostic::Findings;
use crate::quote::quote;
use crate::raw::{Field, Text, Texts, accepted};
use crate::shape::RawOrganization;
use crate::source::Spot;
use portalctl_model::Email;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::Invite;

/// The most contacts of an organization. Source: WorkOS, IT contacts.
const MAX_CONTACTS: usize = 20;

/// Reads a list of contacts; each may stand there once, in any case.
pub(super) fn check(field: Option<&Field<Texts>>, findings: &mut Findings) -> Vec<Email> {
    let Some((list, spot)) = accepted(field) else {
        return Vec::new();
    };
    if list.len() > MAX_CONTACTS {
        findings.error(
            codes::TOO_MANY_CONTACTS,
            spot,
            format!("{} IT contacts", list.len()),
            format!("name {MAX_CONTACTS} at most: WorkOS allows no more"),
        );
    }
    let mut first: BTreeMap<String, Spot> = BTreeMap::new();
    let mut contacts = Vec::with_capacity(list.len());
    for text in list {
        let email = match Email::parse(&text.value) {
            Ok(email) => email,
            Err(why) => {
                findings.error(
                    codes::INVALID_EMAIL,
                    text.spot,
                    format!("{} {why}", quote(&text.value)),
                    "write the address only, as in ada@acme.com",
                );
                continue;
            }
        };
        if let Some(earlier) = first.get(&email.folded()) {
            let message = format!(
                "the contact {} stands twice in this list",
                quote(email.as_str())
            );
            findings.twice(
                codes::DUPLICATE_CONTACT,
                [*earlier, text.spot],
                message,
                "keep one of the two; case does not tell addresses apart",
            );
            continue;
        }
        placeholder::warn(&text.value, text.spot, "an IT contact", findings);
        first.insert(email.folded(), text.spot);
        contacts.push(email);
    }
    contacts
}

/// Reads the contacts of an entry, else those of a layer below, and their invitation.
pub(super) fn with_invitation(
    raw: &RawOrganization,
    below: &[Email],
    findings: &mut Findings,
) -> (Vec<Email>, Invite) {
    let own = raw.it_contacts.as_ref();
    let contacts = match own {
        Some(field) => check(Some(field), findings),
        None => below.to_vec(),
    };
    (contacts, invite(raw.invite.as_ref(), own, below, findings))
}

/// Reads `invite`, which needs contacts: the entry's own, else those of a layer below.
fn invite(
    field: Option<&Field<Text>>,
    contacts: Option<&Field<Texts>>,
    below: &[Email],
    findings: &mut Findings,
) -> Invite {
    let invite = text::word::<Invite>(field, "`invite`", findings).unwrap_or_default();
    // Contacts of the wrong type have been reported; they are not missing.
    let nobody = contacts.map_or(below.is_empty(), |field| {
        field.value.as_ref().is_some_and(Vec::is_empty)
    });
    if let (Invite::Once, true, Some(field)) = (invite, nobody, field) {
        findings.error(
            codes::NOBODY_TO_INVITE,
            field.key,
            findings.spell("`invite: once` without `it_contacts`"),
            findings.spell("add `it_contacts: [ada@acme.com]`: they are who WorkOS writes to"),
        );
    }
    invite
}
