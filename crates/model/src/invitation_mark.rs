//! The mark of an invitation in an organization's metadata: its progress, without any address.

use std::fmt;

use jiff::Timestamp;

/// The longest contact id in a mark, in bytes.
const MAX_CONTACT_ID: usize = 100;

/// Beginning of the mark of an invitation that is being sent.
const SENDING: &str = "sending:";
/// Beginning of the mark of an invitation that was ended by command.
const ENDED: &str = "ended:";

/// Value of [`INVITED`](super::mark::INVITED): the progress of an invitation, without any address.
///
/// ```text
/// sending:NONCE [TIME [CONTACT_ID]]    it is being sent, or the run was cut off
/// TIME [CONTACT_ID]                    WorkOS sent it, or another contact has one
/// ended:TIME                           it was ended by command
/// ```
///
/// Any other text, such as one that a person wrote, reads as sent at an unknown time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitationMark {
    /// Written before the request: an e-mail may be on its way.
    Sending {
        /// Random word of the run that wrote it.
        nonce: String,
        /// Time of the mark.
        since: Option<Timestamp>,
        /// Id of the IT contact.
        contact: Option<String>,
    },
    /// Written after the request.
    Sent {
        /// Time of the e-mail.
        at: Option<Timestamp>,
        /// Id of the IT contact; unknown where WorkOS had an active invitation already.
        contact: Option<String>,
    },
    /// Written when the invitation was ended by command.
    Ended {
        /// Time of the end.
        at: Option<Timestamp>,
    },
}

impl InvitationMark {
    /// Creates the mark of an invitation that is about to be sent.
    pub fn sending(nonce: &str, now: Timestamp, contact: &str) -> Self {
        Self::Sending {
            nonce: nonce.to_owned(),
            since: Some(to_the_second(now)),
            contact: contact_id(contact),
        }
    }

    /// Creates the mark of an invitation that was sent.
    pub fn sent(now: Timestamp, contact: Option<&str>) -> Self {
        Self::Sent {
            at: Some(to_the_second(now)),
            contact: contact.and_then(contact_id),
        }
    }

    /// Creates the mark of an invitation that was ended.
    pub fn ended(now: Timestamp) -> Self {
        Self::Ended {
            at: Some(to_the_second(now)),
        }
    }

    /// Reads a mark; every text is one.
    pub fn parse(text: &str) -> Self {
        let mut words = text.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        if let Some(nonce) = first.strip_prefix(SENDING) {
            return Self::Sending {
                nonce: nonce.to_owned(),
                since: words.next().and_then(|time| time.parse().ok()),
                contact: words.next().and_then(contact_id),
            };
        }
        if let Some(time) = first.strip_prefix(ENDED) {
            return Self::Ended {
                at: time.parse().ok(),
            };
        }
        let at = first.parse().ok();
        Self::Sent {
            at,
            contact: at.and_then(|_| words.next().and_then(contact_id)),
        }
    }

    /// Returns the time that the mark tells.
    pub const fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Sending { since, .. } => *since,
            Self::Sent { at, .. } | Self::Ended { at } => *at,
        }
    }

    /// Returns the id of the invited contact, where the mark tells it.
    pub fn contact(&self) -> Option<&str> {
        match self {
            Self::Sending { contact, .. } | Self::Sent { contact, .. } => contact.as_deref(),
            Self::Ended { .. } => None,
        }
    }

    /// Returns whether an e-mail may be on its way.
    pub const fn is_sending(&self) -> bool {
        matches!(self, Self::Sending { .. })
    }
}

impl fmt::Display for InvitationMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, time, contact) = match self {
            Self::Sending {
                nonce,
                since,
                contact,
            } => (format!("{SENDING}{nonce} "), since, contact.as_deref()),
            Self::Sent { at, contact } => (String::new(), at, contact.as_deref()),
            Self::Ended { at } => (ENDED.to_owned(), at, None),
        };
        f.write_str(&start)?;
        if let Some(time) = time {
            write!(f, "{time}")?;
        }
        match contact {
            Some(contact) => write!(f, " {contact}"),
            None => Ok(()),
        }
    }
}

/// Returns an id if a mark may hold it: one word of visible ASCII characters, and no address.
fn contact_id(text: &str) -> Option<String> {
    let is_fine = !text.is_empty()
        && text.len() <= MAX_CONTACT_ID
        && !text.contains('@')
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_fine.then(|| text.to_owned())
}

fn to_the_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-11-30T12:00:00.5Z".parse().unwrap()
    }

    #[test]
    fn a_mark_reads_as_it_was_written() {
        for (mark, text) in [
            (
                InvitationMark::sending("nonce", noon(), "it_contact_1"),
                "sending:nonce 2026-11-30T12:00:00Z it_contact_1",
            ),
            (
                InvitationMark::sent(noon(), Some("it_contact_1")),
                "2026-11-30T12:00:00Z it_contact_1",
            ),
            (InvitationMark::sent(noon(), None), "2026-11-30T12:00:00Z"),
            (InvitationMark::ended(noon()), "ended:2026-11-30T12:00:00Z"),
        ] {
            assert_eq!(mark.to_string(), text);
            assert_eq!(InvitationMark::parse(text), mark);
        }
    }

    #[test]
    fn marks_of_earlier_versions_and_of_people_read_as_sent() {
        let old = InvitationMark::parse("2026-11-30T12:00:00Z");
        assert_eq!(old.time(), Some("2026-11-30T12:00:00Z".parse().unwrap()));
        assert_eq!(old.contact(), None);
        for text in ["", "then", "yes, by phone", "true"] {
            let unknown = InvitationMark::Sent {
                at: None,
                contact: None,
            };
            assert_eq!(InvitationMark::parse(text), unknown, "{text:?}");
        }
        assert!(InvitationMark::parse("sending:x").is_sending());
        assert!(InvitationMark::parse("sending:").is_sending());
    }

    #[test]
    fn a_mark_holds_no_address() {
        for id in ["ada@acme.com", "two words", "", "ä", &"x".repeat(101)] {
            let text = InvitationMark::sent(noon(), Some(id)).to_string();
            assert_eq!(text, "2026-11-30T12:00:00Z", "{id}");
        }
    }
}
