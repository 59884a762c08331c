//! Fuzzes webhook requests: only a body that the secret has signed at the current time is accepted.
//! The body itself is never read, because the state is read from WorkOS.
//!
//! The input is the header and, on the next lines, the body.

#![no_main]

use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use portalctl_workos::webhook::{Refused, Signature};
use secrecy::SecretString;
use sha2::Sha256;

const NOW: i64 = 1_768_478_400_000;
const SECRET: &str = "whsec_fuzz";

/// Computes the signature that WorkOS sends behind `v1=`.
fn mac(time: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let mac = mac.finalize().into_bytes();
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn taken(header: &str, body: &[u8], secret: &str, late: i64) -> Result<(), Refused> {
    let now = jiff::Timestamp::from_millisecond(NOW + late).unwrap();
    Signature::read(header, now)?.verify(body, &SecretString::from(secret))
}

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (header, body) = input.split_at(end.unwrap_or(input.len()));
    if let Ok(header) = std::str::from_utf8(header)
        && taken(header, body, SECRET, 0).is_ok()
    {
        let mut times = header
            .split(',')
            .filter_map(|part| part.trim().strip_prefix("t="));
        let header = header.to_ascii_lowercase();
        assert!(
            times.any(|time| header.contains(&mac(time, body))),
            "{header}"
        );
    }
    // Any body may be WorkOS's; nobody else's is it, nor is it for ever.
    let good = format!("t={NOW}, v1={}", mac(&NOW.to_string(), body));
    assert_eq!(taken(&good, body, SECRET, 0), Ok(()));
    assert_eq!(taken(&good, body, "whsec_other", 0), Err(Refused::Forged));
    assert_eq!(
        taken(&good, &[body, b"."].concat(), SECRET, 0),
        Err(Refused::Forged)
    );
    assert_eq!(taken(&good, body, SECRET, 180_001), Err(Refused::TooOld));
});
