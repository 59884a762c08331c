//! Checks of the API key and the client id, before anything is sent.

use super::{Check, Facts, KeyFile, ManifestFacts, Subject};
use portalctl_model::codes::{cli, doctor as codes};
use portalctl_model::desired::KeyKind;

/// Reason why the sandbox skips these checks.
const SANDBOX: &str = "the sandbox needs and reads no key";

/// Permission bits that let others than the owner read a file.
const READABLE_BY_OTHERS: u32 = 0o044;

pub(super) fn api_key(facts: &Facts) -> Check {
    let subject = Subject::ApiKey;
    if facts.sandbox {
        return Check::skip(subject, SANDBOX);
    }
    match &facts.key {
        Ok(key) => Check::pass(subject, format!("well formed, from {}", key.origin)),
        Err(problem) => Check::failed(subject, problem),
    }
}

pub(super) fn key_file(facts: &Facts) -> Check {
    let subject = Subject::ApiKeyFile;
    if facts.sandbox {
        return Check::skip(subject, SANDBOX);
    }
    match &facts.key_file {
        KeyFile::None => Check::skip(subject, "the key does not come from a file"),
        KeyFile::Unknown => Check::skip(subject, "its permissions cannot be told"),
        KeyFile::Mode { path, mode } if mode & READABLE_BY_OTHERS != 0 => {
            let who = if mode & 0o004 == 0 {
                "its group"
            } else {
                "everybody"
            };
            let detail = format!("{who} on this machine can read {path} (mode {mode:03o})");
            Check::warn(subject, codes::KEY_FILE_OPEN, detail)
        }
        KeyFile::Mode { path, mode } => {
            let detail = format!("only its owner can read {path} (mode {mode:03o})");
            Check::pass(subject, detail)
        }
    }
}

pub(super) fn key_kind(facts: &Facts) -> Check {
    let subject = Subject::ApiKeyKind;
    if facts.sandbox {
        return Check::skip(subject, SANDBOX);
    }
    let Ok(key) = &facts.key else {
        return Check::skip(subject, "there is no key to look at");
    };
    let found = named(key.kind);
    match (&facts.manifest, facts.environment.api_key) {
        (ManifestFacts::Usable { .. }, Some(wanted)) if key.kind == Some(wanted) => {
            Check::pass(subject, format!("{found}, as the manifest wants"))
        }
        (ManifestFacts::Usable { .. }, Some(wanted)) => {
            let detail = format!(
                "the manifest takes a {wanted} key, and this is {found}; the key was not sent"
            );
            Check::fail(subject, cli::WRONG_KEY_KIND, detail)
        }
        (ManifestFacts::Usable { .. }, None) => {
            let detail = format!("{found}, and the manifest does not say which kind it takes");
            Check::warn(subject, codes::KEY_KIND_UNDECLARED, detail)
        }
        (ManifestFacts::Absent | ManifestFacts::Invalid { .. }, _) => {
            let detail = format!("{found}; there is no valid manifest to compare it with");
            Check::skip(subject, detail)
        }
    }
}

fn named(kind: Option<KeyKind>) -> String {
    match kind {
        Some(kind) => format!("a {kind} key"),
        None => "a key of unknown kind".to_owned(),
    }
}

pub(super) fn client_id(facts: &Facts) -> Check {
    let subject = Subject::ClientId;
    let declared = facts.environment.client_id.as_ref();
    match (&facts.client_id, declared) {
        (Some(Err(why)), _) => Check::fail(
            subject,
            codes::INVALID_CLIENT_ID,
            format!("WORKOS_CLIENT_ID {why}"),
        ),
        (Some(Ok(set)), Some(declared)) if set != declared => Check::fail(
            subject,
            cli::CLIENT_ID_DIFFERS,
            format!("WORKOS_CLIENT_ID is {set}, the manifest is meant for {declared}"),
        ),
        (Some(Ok(set)), Some(_)) => Check::pass(
            subject,
            format!("{set}, in WORKOS_CLIENT_ID and in the manifest"),
        ),
        (Some(Ok(set)), None) => Check::pass(subject, format!("{set}, in WORKOS_CLIENT_ID")),
        (None, Some(declared)) => Check::pass(subject, format!("{declared}, in the manifest")),
        (None, None) if facts.sandbox => Check::skip(subject, "the sandbox needs none"),
        (None, None) => Check::warn(
            subject,
            codes::NO_CLIENT_ID,
            "neither WORKOS_CLIENT_ID nor the manifest names one",
        ),
    }
}
