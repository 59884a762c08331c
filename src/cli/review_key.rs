//! The key of reviews: signs the hidden lines of comments, and tells them from forged ones.
//!
//! Takes `PORTALCTL_REVIEW_KEY` and `PORTALCTL_REVIEW_SUBJECT` from the environment. Returns signed
//! reports, and verdicts on signatures. The key is shown nowhere.

use data_encoding::HEXLOWER;
use ring::hmac;

use super::error::CliError;
use super::exit::Exit;
use portalctl_model::codes::cli as codes;
use portalctl_report::markdown::{HiddenLines, hide};

/// The variable that holds the key.
const KEY: &str = "PORTALCTL_REVIEW_KEY";
/// The variable that says what reviews are about: one subject a line.
const SUBJECT: &str = "PORTALCTL_REVIEW_SUBJECT";
/// Least number of bytes of a key.
const MIN_KEY: usize = 32;
/// Purpose of the signatures, so that no other use of the key makes one.
const PURPOSE: &[u8] = b"portalctl review v1\n";

/// The key of reviews, and the subjects that they have to be about.
pub(super) struct ReviewKey {
    key: hmac::Key,
    subjects: Vec<String>,
}

impl ReviewKey {
    /// Reads the key and its subjects; none where no key is set.
    pub(super) fn from_env() -> Result<Option<Self>, CliError> {
        let Some(key) = variable(KEY)? else {
            return Ok(None);
        };
        if key.len() < MIN_KEY {
            let message = format!("{KEY} has to have {MIN_KEY} characters or more");
            let error = CliError::new(Exit::Usage, codes::USAGE, message);
            return Err(error.help("make one with `openssl rand -hex 32`"));
        }
        let subjects = variable(SUBJECT)?.unwrap_or_default();
        let subjects = subjects.lines().map(str::trim);
        let subjects = subjects.filter(|line| !line.is_empty());
        Ok(Some(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
            subjects: subjects.map(str::to_owned).collect(),
        }))
    }

    /// Reads the key and the one subject that reports are signed for; none where no key is set.
    pub(super) fn for_signing() -> Result<Option<Seal>, CliError> {
        let Some(key) = Self::from_env()? else {
            return Ok(None);
        };
        let [subject] = key.subjects.as_slice() else {
            let message =
                format!("{KEY} is set, and {SUBJECT} does not name the one subject of this report");
            let error = CliError::new(Exit::Usage, codes::USAGE, message);
            return Err(error.help(format!(
                "set {SUBJECT} to the pull request and its commit, or write no Markdown"
            )));
        };
        Ok(Some(Seal {
            subject: subject.clone(),
            key,
        }))
    }

    /// Returns whether a comment is signed with the key, and about one of the subjects.
    pub(super) fn accepts(&self, lines: &HiddenLines<'_>) -> bool {
        let Some((signed, signature)) = lines.signed() else {
            return false;
        };
        let Ok(signature) = HEXLOWER.decode(signature.as_bytes()) else {
            return false;
        };
        let is_genuine = hmac::verify(&self.key, &message(&signed), &signature).is_ok();
        is_genuine && self.subjects.iter().any(|subject| lines.is_about(subject))
    }
}

/// Signs reports about one subject.
pub(super) struct Seal {
    key: ReviewKey,
    subject: String,
}

impl Seal {
    /// Adds the subject and a signature to the hidden lines of a report.
    pub(super) fn seal(&self, report: &str) -> String {
        hide(report, &self.subject, |lines| {
            let signature = hmac::sign(&self.key.key, &message(lines));
            HEXLOWER.encode(signature.as_ref())
        })
    }
}

/// Signs a report where there is a key.
pub(super) fn sealed(report: String, seal: Option<&Seal>) -> String {
    match seal {
        Some(seal) => seal.seal(&report),
        None => report,
    }
}

fn message(lines: &str) -> Vec<u8> {
    [PURPOSE, lines.as_bytes()].concat()
}

fn variable(name: &str) -> Result<Option<String>, CliError> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            let message = format!("{name} is not text");
            Err(CliError::new(Exit::Usage, codes::USAGE, message))
        }
    }
}
