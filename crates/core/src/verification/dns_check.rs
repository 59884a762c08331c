//! Check of a TXT record: DNS answers compared with the record that should be there.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::Record;
use portalctl_model::text::escape;

/// DNS answer about the TXT records of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The name's TXT records, each with its strings put together.
    Texts(Vec<String>),
    /// The name exists and has none.
    NoText,
    /// The name does not exist (NXDOMAIN).
    NoName,
    /// No usable answer.
    Failed(Trouble),
}

/// Reason why a DNS query had no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// SERVFAIL: the servers of the domain fail, or DNSSEC does not hold.
    ServerFailure,
    /// REFUSED: the resolver does not answer such questions, or not from here.
    Refused,
    /// No answer came in time.
    Timeout,
    /// There is no resolver, or no way to it.
    Unreachable,
    /// Anything else, as the resolver library says it.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerFailure => f.write_str("its DNS servers fail to answer (SERVFAIL)"),
            Self::Refused => f.write_str("the resolver refuses to answer (REFUSED)"),
            Self::Timeout => f.write_str("no resolver answered in time"),
            Self::Unreachable => f.write_str("no resolver can be reached"),
            Self::Other(said) => write!(f, "the resolver's answer is of no use: {}", escape(said)),
        }
    }
}

/// Answers of one resolver about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Of the name that should carry it.
    pub here: Answer,
    /// Of the [wrong names](Record::elsewhere), so far as they were asked about.
    pub elsewhere: Vec<(String, Answer)>,
}

/// Result of a DNS check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordPresence {
    /// The record is there.
    Yes,
    /// The record is not there.
    No,
    /// A record is there that is meant to be it, and has another value.
    OtherValue,
    /// The record stands at another name.
    WrongName,
    /// DNS could not tell.
    Unknown,
}

impl RecordPresence {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::OtherValue => "other_value",
            Self::WrongName => "wrong_name",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether WorkOS is certain not to find the record.
    pub const fn is_missing(self) -> bool {
        matches!(self, Self::No | Self::OtherValue | Self::WrongName)
    }
}

/// DNS check of one record, with a sentence that holds no value of any record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsCheck {
    /// The result.
    pub presence: RecordPresence,
    /// The wrong name that it stands at.
    pub found_at: Option<String>,
    /// The sentence.
    pub message: String,
}

impl DnsCheck {
    /// Creates an inconclusive check, with the reason.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(RecordPresence::Unknown, message)
    }

    fn new(presence: RecordPresence, message: impl Into<String>) -> Self {
        Self {
            presence,
            found_at: None,
            message: message.into(),
        }
    }
}

/// Similarity of a TXT record to the one that should be there, nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// The record itself.
    Same,
    /// The record with quotes or spaces around its value, which most verifiers overlook.
    Wrapped,
    /// The record in another case.
    OtherCase,
    /// The token in another form.
    OtherForm,
    /// A record of the same product, with another token.
    OtherToken,
}

/// Checks a record by the answers of one resolver.
pub fn check_record(record: &Record, answers: &Answers) -> DnsCheck {
    let host = record.host();
    let here = match &answers.here {
        Answer::Texts(texts) => texts.as_slice(),
        Answer::NoText | Answer::NoName => &[],
        Answer::Failed(trouble) => return DnsCheck::unknown(format!("{host}: {trouble}")),
    };
    let nearest = here.iter().filter_map(|text| likeness(record, text)).min();
    match nearest {
        Some(Likeness::Same) => {
            return DnsCheck::new(RecordPresence::Yes, format!("{host} has the record"));
        }
        Some(Likeness::Wrapped) => {
            let message =
                format!("{host} has the record, with quotes or spaces as a part of its value");
            return DnsCheck::new(RecordPresence::Yes, message);
        }
        Some(Likeness::OtherCase | Likeness::OtherForm | Likeness::OtherToken) | None => {}
    }
    if let Some(name) = found_elsewhere(record, &answers.elsewhere) {
        return DnsCheck {
            found_at: Some(name.to_owned()),
            ..DnsCheck::new(
                RecordPresence::WrongName,
                format!("the record stands at {name} instead of {host}"),
            )
        };
    }
    let other = |message: String| DnsCheck::new(RecordPresence::OtherValue, message);
    match nearest {
        Some(Likeness::OtherCase) => other(format!(
            "{host} has the record in another case; upper and lower case count"
        )),
        Some(Likeness::OtherForm) => other(format!(
            "{host} has a record with the token, but not in the form {}=TOKEN",
            escape(record.prefix())
        )),
        Some(Likeness::OtherToken) => other(format!(
            "{host} has another record of this kind: an old one, or another organization's"
        )),
        Some(Likeness::Same | Likeness::Wrapped) | None => {
            DnsCheck::new(RecordPresence::No, missing(host.as_str(), &answers.here))
        }
    }
}

fn missing(host: &str, answer: &Answer) -> String {
    match answer {
        Answer::NoName => {
            format!("{host} does not exist (NXDOMAIN); is it registered, and spelt right?")
        }
        Answer::Texts(texts) if texts.len() == 1 => {
            format!("{host} has 1 TXT record, and it is not this one")
        }
        Answer::Texts(texts) if !texts.is_empty() => {
            let count = texts.len();
            format!("{host} has {count} TXT records, and none of them is this one")
        }
        Answer::Texts(_) | Answer::NoText | Answer::Failed(_) => {
            format!("{host} has no TXT record")
        }
    }
}

fn likeness(record: &Record, text: &str) -> Option<Likeness> {
    let value = record.reveal();
    let bare = unwrapped(text);
    if text == value {
        Some(Likeness::Same)
    } else if bare == value {
        Some(Likeness::Wrapped)
    } else if bare.eq_ignore_ascii_case(&value) {
        Some(Likeness::OtherCase)
    } else if bare.contains(record.token()) {
        Some(Likeness::OtherForm)
    } else if bare.starts_with(record.family()) {
        Some(Likeness::OtherToken)
    } else {
        None
    }
}

/// A value without the spaces and quotes that were typed into a DNS panel along with it.
fn unwrapped(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '“' | '”'))
}

/// The first wrong name that has the record, or the token in any form: nobody else would have it.
fn found_elsewhere<'a>(record: &Record, names: &'a [(String, Answer)]) -> Option<&'a str> {
    let has_it = |answer: &Answer| match answer {
        Answer::Texts(texts) => texts
            .iter()
            .filter_map(|text| likeness(record, text))
            .any(|likeness| likeness < Likeness::OtherToken),
        Answer::NoText | Answer::NoName | Answer::Failed(_) => false,
    };
    names
        .iter()
        .find(|(_, answer)| has_it(answer))
        .map(|(name, _)| name.as_str())
}

/// Combines the checks of several resolvers: the record is there when every resolver that could
/// tell says so. Each comes with its address; there is at least one.
pub fn combine(seen: Vec<(String, DnsCheck)>) -> DnsCheck {
    let told = |seen: &DnsCheck| seen.presence != RecordPresence::Unknown;
    let count = seen.len();
    let answered = seen.iter().filter(|(_, seen)| told(seen)).count();
    let with = seen
        .iter()
        .filter(|(_, s)| s.presence == RecordPresence::Yes)
        .count();
    let rank = |seen: &DnsCheck| match seen.presence {
        RecordPresence::WrongName => 0,
        RecordPresence::OtherValue => 1,
        RecordPresence::No => 2,
        RecordPresence::Yes => 3,
        RecordPresence::Unknown => 4,
    };
    let Some((address, mut worst)) = seen.into_iter().min_by_key(|(_, seen)| rank(seen)) else {
        return DnsCheck::unknown("no resolver was asked");
    };
    if count == 1 {
        return worst;
    }
    let told_by = match (worst.presence, with) {
        (RecordPresence::Yes, _) if answered == count => format!("all {count} resolvers"),
        (RecordPresence::Yes, _) => format!("the {answered} of {count} resolvers that answered"),
        (RecordPresence::Unknown, _) => format!("none of {count} resolvers could tell; {address}"),
        (RecordPresence::No | RecordPresence::OtherValue | RecordPresence::WrongName, 0) => address,
        (RecordPresence::No | RecordPresence::OtherValue | RecordPresence::WrongName, with) => {
            format!("{with} of {count} resolvers see the record already; {address}")
        }
    };
    worst.message = format!("{told_by}: {}", worst.message);
    worst
}
