//! Verification of webhook signatures. Pure.
//!
//! Source: WorkOS's documentation of webhooks: `WorkOS-Signature: t=<milliseconds>, v1=<hex>`, the
//! HMAC-SHA256 of `<milliseconds>.<body>` by the endpoint's secret.

use std::time::Duration;

use data_encoding::HEXLOWER_PERMISSIVE;
use jiff::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// The header that carries the signature.
pub const SIGNATURE: &str = "workos-signature";
/// Most time between a signature and now, either way, as in the official SDKs.
const TOLERANCE: Duration = Duration::from_mins(3);

/// Reason why a webhook is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The header is not `t=…, v1=…`.
    #[error("the signature cannot be read")]
    Malformed,
    /// The signature is too old, or from the future.
    #[error("the signature is too old")]
    TooOld,
    /// The signature is not of this secret.
    #[error("the signature does not fit")]
    Forged,
}

/// A signature of now, which may be anybody's yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The time as it stands in the header, which is what was signed.
    time: String,
    mac: Vec<u8>,
}

impl Signature {
    /// Reads a header; what is not of now is refused without a look at the body.
    pub fn read(header: &str, now: Timestamp) -> Result<Self, Refused> {
        let (mut time, mut mac) = (None, None);
        for part in header.split(',') {
            match part.trim().split_once('=') {
                Some(("t", value)) => time = Some(value),
                Some(("v1", value)) => mac = Some(value),
                _ => {}
            }
        }
        let (Some(time), Some(mac)) = (time, mac) else {
            return Err(Refused::Malformed);
        };
        let signed_at: i64 = time.parse().map_err(|_| Refused::Malformed)?;
        let mac = HEXLOWER_PERMISSIVE.decode(mac.as_bytes());
        let mac = mac.map_err(|_| Refused::Malformed)?;
        let distance = now.as_millisecond().abs_diff(signed_at);
        if u128::from(distance) > TOLERANCE.as_millis() {
            return Err(Refused::TooOld);
        }
        let time = time.to_owned();
        Ok(Self { time, mac })
    }

    /// Returns whether the signature matches the body under the secret.
    pub fn verify(&self, body: &[u8], secret: &SecretString) -> Result<(), Refused> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let signed = [self.time.as_bytes(), b".", body].concat();
        hmac::verify(&key, &signed, &self.mac).map_err(|_| Refused::Forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"event":"connection.activated"}"#;
    const AT: i64 = 1_700_000_000_000;

    /// By `openssl dgst -sha256 -hmac whsec_1` of `1700000000000.<body>`.
    const SIGNED: &str = "9d950c9d4b63188ab7d9e440eaa1b019b1e88eeda119d8972e90e9ee2018f396";

    fn signed() -> String {
        format!("t={AT}, v1={SIGNED}")
    }

    fn check(header: &str, body: &[u8], secret: &str, late: i64) -> Result<(), Refused> {
        let now = Timestamp::from_millisecond(AT + late).unwrap();
        Signature::read(header, now)?.verify(body, &SecretString::from(secret))
    }

    #[test]
    fn what_workos_signed_is_taken_within_its_time() {
        let header = signed();
        for late in [0, 1000, 180_000, -180_000] {
            assert_eq!(check(&header, BODY, "whsec_1", late), Ok(()), "{late}");
        }
        for late in [180_001, -180_001] {
            assert_eq!(
                check(&header, BODY, "whsec_1", late),
                Err(Refused::TooOld),
                "{late}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let header = signed();
        assert_eq!(check(&header, b"{}", "whsec_1", 0), Err(Refused::Forged));
        assert_eq!(check(&header, BODY, "whsec_2", 0), Err(Refused::Forged));
        let later = header.replace(&AT.to_string(), &(AT + 1).to_string());
        assert_eq!(check(&later, BODY, "whsec_1", 0), Err(Refused::Forged));
        let cut = &header[..header.len() - 2];
        assert_eq!(check(cut, BODY, "whsec_1", 0), Err(Refused::Forged));
        for malformed in ["", "t=1", "v1=00", "t=x, v1=00", "t=1, v1=0", "t=1, v1=zz"] {
            assert_eq!(
                check(malformed, BODY, "whsec_1", 0),
                Err(Refused::Malformed),
                "{malformed}"
            );
        }
    }
}
