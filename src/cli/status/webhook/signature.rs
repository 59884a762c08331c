//! Signatures of deliveries, by Standard Webhooks. Pure.
//!
//! Source: `spec/standard-webhooks.md` of <https://github.com/standard-webhooks/standard-webhooks>:
//! `v1,` and the base64 of the HMAC-SHA256 of `<id>.<timestamp>.<body>`, one for each secret.

use std::fmt;

use data_encoding::BASE64;
use ring::hmac::{self, HMAC_SHA256};

use portalctl_model::text::single_line;

/// Prefix of a secret in base64.
const PREFIX: &str = "whsec_";
/// Lengths of a secret in base64, in bytes, by the specification.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;
/// The length of the shortest secret that is used as it is, in bytes.
const MIN_TEXT: usize = 32;
/// Most secrets of a file: the current one and its predecessor or successor.
const MAX_SECRETS: usize = 2;

/// Reason why a text holds no secrets; reads as the end of a sentence and never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvalidSecrets {
    /// No secret at all.
    None,
    /// More secrets than are read.
    TooMany(usize),
    /// A secret with the prefix that is not base64.
    NotBase64,
    /// A secret with the prefix of another length, in bytes.
    Length(usize),
    /// A secret without the prefix that is too short, in bytes.
    TooShort(usize),
}

impl fmt::Display for InvalidSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("holds no secret"),
            Self::TooMany(count) => write!(f, "holds {count} secrets; two are read, one a line"),
            Self::NotBase64 => f.write_str("holds a secret that is not base64 behind `whsec_`"),
            Self::Length(count) => {
                write!(
                    f,
                    "holds a secret of {count} bytes behind `whsec_`; 24 to 64 are wanted"
                )
            }
            Self::TooShort(count) => {
                write!(f, "holds a secret of {count} bytes; 32 are the least")
            }
        }
    }
}

/// Secrets that every delivery is signed with.
#[derive(Debug, Clone)]
pub(super) struct Secrets(Vec<hmac::Key>);

impl Secrets {
    /// Reads one or two secrets, one a line; white space around them is ignored.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidSecrets> {
        let lines = single_line(text).lines().map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        match lines.len() {
            0 => Err(InvalidSecrets::None),
            1..=MAX_SECRETS => {
                let keys = lines.into_iter().map(key);
                keys.collect::<Result<_, _>>().map(Self)
            }
            count => Err(InvalidSecrets::TooMany(count)),
        }
    }

    /// Returns the value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let content = format!("{id}.{timestamp}.{body}");
        let signatures = self.0.iter().map(|key| {
            let tag = hmac::sign(key, content.as_bytes());
            format!("v1,{}", BASE64.encode(tag.as_ref()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn key(text: &str) -> Result<hmac::Key, InvalidSecrets> {
    let Some(encoded) = text.strip_prefix(PREFIX) else {
        if text.len() < MIN_TEXT {
            return Err(InvalidSecrets::TooShort(text.len()));
        }
        return Ok(hmac::Key::new(HMAC_SHA256, text.as_bytes()));
    };
    let bytes = BASE64.decode(encoded.as_bytes());
    let bytes = bytes.map_err(|_| InvalidSecrets::NotBase64)?;
    if !LENGTHS.contains(&bytes.len()) {
        return Err(InvalidSecrets::Length(bytes.len()));
    }
    Ok(hmac::Key::new(HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example of the libraries of Standard Webhooks.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_signature_is_that_of_the_published_example() {
        let secrets = Secrets::parse(&format!("\u{feff}{SECRET}\r\n")).unwrap();
        assert_eq!(secrets.sign(ID, TIMESTAMP, BODY), SIGNATURE);
    }

    #[test]
    fn with_two_secrets_there_are_two_signatures_in_their_order() {
        let other = "0123456789abcdef0123456789abcdef";
        let sign = |text: &str| Secrets::parse(text).unwrap().sign(ID, TIMESTAMP, BODY);
        // python3 -c "import hmac,base64; print(base64.b64encode(hmac.digest(SECRET, CONTENT, 'sha256')))"
        let by_other = "v1,hK4CWvngkaAwjY1pABLuUbOIkEJjW9tAapq1no4ojG0=";
        assert_eq!(sign(other), by_other);
        assert_eq!(
            sign(&format!(" {SECRET} \n\n{other}\n")),
            format!("{SIGNATURE} {by_other}")
        );
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        let parse = |text: &str| Secrets::parse(text).unwrap_err();
        assert_eq!(parse(" \n"), InvalidSecrets::None);
        assert_eq!(parse("short"), InvalidSecrets::TooShort(5));
        assert_eq!(parse("whsec_not!base64"), InvalidSecrets::NotBase64);
        assert_eq!(parse("whsec_c2hvcnQ="), InvalidSecrets::Length(5));
        let long = format!("whsec_{}", BASE64.encode(&[7; 65]));
        assert_eq!(parse(&long), InvalidSecrets::Length(65));
        assert_eq!(
            parse(&format!("{SECRET}\n").repeat(3)),
            InvalidSecrets::TooMany(3)
        );
        assert_eq!(
            parse(&format!("{SECRET}\nshort")),
            InvalidSecrets::TooShort(5)
        );
    }
}
