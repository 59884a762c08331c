//! Tests of the verdicts on the API key, its file and the client id.

use super::*;

#[test]
fn the_key_is_judged_without_being_sent() {
    let missing = || Problem {
        code: cli::NO_API_KEY,
        message: "WORKOS_API_KEY is not set".to_owned(),
        help: None,
    };
    fails(
        &with(Subject::ApiKey, |f| f.key = Err(missing())),
        cli::NO_API_KEY,
    );
    is(
        &with(Subject::ApiKeyKind, |f| f.key = Err(missing())),
        Verdict::Skip,
    );
    is(
        &with(Subject::ApiKeyAccepted, |f| f.key = Err(missing())),
        Verdict::Skip,
    );
    let kind = |subject, found: Option<KeyKind>, wanted: Option<KeyKind>| {
        with(subject, |facts| {
            facts.key = Ok(KeyFacts {
                origin: "WORKOS_API_KEY".to_owned(),
                kind: found,
            });
            facts.environment.api_key = wanted;
        })
    };
    let (test, live) = (Some(KeyKind::Test), Some(KeyKind::Live));
    fails(&kind(Subject::ApiKeyKind, live, test), cli::WRONG_KEY_KIND);
    fails(&kind(Subject::ApiKeyKind, None, test), cli::WRONG_KEY_KIND);
    is(&kind(Subject::ApiKeyAccepted, live, test), Verdict::Skip);
    warns(
        &kind(Subject::ApiKeyKind, live, None),
        codes::KEY_KIND_UNDECLARED,
    );
    is(
        &with(Subject::ApiKeyKind, |f| f.manifest = ManifestFacts::Absent),
        Verdict::Skip,
    );
}

#[test]
fn a_key_file_is_for_its_owner_only() {
    let mode = |mode| {
        with(Subject::ApiKeyFile, |facts| {
            facts.key_file = KeyFile::Mode {
                path: "key".to_owned(),
                mode,
            };
        })
    };
    for good in [0o600, 0o400, 0o700] {
        is(&mode(good), Verdict::Pass);
    }
    for (bad, who) in [
        (0o640, "its group"),
        (0o644, "everybody"),
        (0o604, "everybody"),
    ] {
        let check = mode(bad);
        warns(&check, codes::KEY_FILE_OPEN);
        assert!(check.detail.starts_with(who), "{check:?}");
    }
    for other in [KeyFile::None, KeyFile::Unknown] {
        is(
            &with(Subject::ApiKeyFile, |f| f.key_file = other),
            Verdict::Skip,
        );
    }
}

#[test]
fn the_client_id_agrees_with_the_manifest_and_is_known() {
    let ids = |set: Option<Result<ClientId, String>>, declared: Option<&str>| {
        with(Subject::ClientId, |facts| {
            facts.client_id = set;
            facts.environment.client_id = declared.map(client);
        })
    };
    is(&ids(None, Some("client_01A")), Verdict::Pass);
    is(&ids(Some(Ok(client("client_01A"))), None), Verdict::Pass);
    warns(&ids(None, None), codes::NO_CLIENT_ID);
    let differs = ids(Some(Ok(client("client_01B"))), Some("client_01A"));
    fails(&differs, cli::CLIENT_ID_DIFFERS);
    let malformed = ids(
        Some(Err("must be something else".to_owned())),
        Some("client_01A"),
    );
    fails(&malformed, codes::INVALID_CLIENT_ID);
    let known = |answer| with(Subject::ClientIdKnown, |f| f.client_id_known = answer);
    fails(&known(Asked::Answered(Ok(false))), codes::UNKNOWN_CLIENT_ID);
    is(&known(Asked::not("there is none")), Verdict::Skip);
    let error = refusal(ApiErrorKind::Server, 500);
    warns(&known(Asked::Answered(Err(error))), api::SERVER_ERROR);
}
