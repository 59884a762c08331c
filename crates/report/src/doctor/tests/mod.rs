//! Tests of the doctor's verdicts: facts of a healthy set-up, each changed in one place.

use std::time::Duration;

use http::Method;
use jiff::SignedDuration;

use super::*;
use portalctl_model::codes::{api, cli, doctor as codes, link, manifest as manifest_codes, plan};
use portalctl_model::desired::{
    Desired, DesiredOrganization, DomainsPolicy, Environment, IntentSettings, Invite, KeyKind,
    ReturnUrls, Source,
};
use portalctl_model::return_url::LocalHttp;
use portalctl_model::{
    AllowedHosts, ClientId, ExternalId, Intent, OrgKey, OrganizationId, ReturnUrl,
};
use portalctl_workos::{
    ApiError, ApiErrorKind, ApiProbe, ApiProbeFailure, Budget, ConnectFailure, Proxy,
};

mod account;
mod credentials;
mod network;
mod portal;
mod webhook;

fn key(text: &str) -> OrgKey {
    OrgKey::parse(text).unwrap()
}

fn url(text: &str) -> ReturnUrl {
    ReturnUrl::parse(text, &AllowedHosts::default(), LocalHttp::Allowed).unwrap()
}

fn client(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn refusal(kind: ApiErrorKind, status: u16) -> ApiError {
    ApiError {
        method: Method::GET,
        path: "/organizations".to_owned(),
        kind,
        status: Some(status),
        upstream_code: None,
        message: "no".to_owned(),
        request_id: None,
        attempts: 1,
        retry_after: None,
    }
}

fn probe() -> ApiProbe {
    ApiProbe {
        elapsed: Duration::from_millis(42),
        refusal: None,
        has_organizations: Some(true),
        server_ahead: Some(SignedDuration::ZERO),
        budget: Some(Budget {
            limit: 6000,
            remaining: 5999,
            reset_in: Duration::from_mins(1),
        }),
    }
}

/// Facts without any problem, all of which were asked for.
fn healthy() -> Facts {
    Facts {
        sandbox: false,
        manifest: ManifestFacts::Usable {
            organizations: 2,
            files: 1,
            warnings: 0,
            first: None,
        },
        environment: Environment {
            name: Some("staging".to_owned()),
            api_key: Some(KeyKind::Test),
            client_id: Some(client("client_01A")),
        },
        urls: Some(UrlFacts {
            urls: [url("https://app.example.com/back")].into(),
            allowed_hosts: vec!["app.example.com".to_owned()],
            ..UrlFacts::default()
        }),
        key: Ok(KeyFacts {
            origin: "WORKOS_API_KEY".to_owned(),
            kind: Some(KeyKind::Test),
        }),
        key_file: KeyFile::Mode {
            path: "key".to_owned(),
            mode: 0o600,
        },
        client_id: Some(Ok(client("client_01A"))),
        endpoint: Ok(EndpointFacts {
            authority: "api.workos.com".to_owned(),
            origin: EndpointOrigin::Default,
            ignored: None,
            is_plain_http: false,
        }),
        proxy: Proxy::None,
        certificates: Certificates::System,
        api_probe: Asked::Answered(Ok(probe())),
        client_id_known: Asked::Answered(Ok(true)),
        account: Asked::Answered(Ok(Account {
            declared: 2,
            asked: 2,
            found: 2,
            without_domain: Vec::new(),
            missing_pins: Vec::new(),
        })),
        expected_webhook: None,
        webhooks: Asked::not("none is expected"),
        probes: Asked::Answered(Probes {
            probed: vec![Probe {
                url: "https://app.example.com/back".to_owned(),
                answer: Probed::Status(200),
            }],
            untried: 0,
        }),
        link: Asked::Answered(LinkTest {
            key: key("acme"),
            outcome: Ok(Intent::Sso),
        }),
    }
}

/// The check of a subject once one thing is changed.
fn with(subject: Subject, change: impl FnOnce(&mut Facts)) -> Check {
    let mut facts = healthy();
    change(&mut facts);
    let mut checks = examine(&facts).into_iter();
    checks.find(|check| check.subject == subject).unwrap()
}

fn with_probe(subject: Subject, change: impl FnOnce(&mut ApiProbe)) -> Check {
    with(subject, |facts| {
        let mut probe = probe();
        change(&mut probe);
        facts.api_probe = Asked::Answered(Ok(probe));
    })
}

#[track_caller]
fn fails(check: &Check, code: Code) {
    assert_eq!(
        (check.verdict, check.code),
        (Verdict::Fail, Some(code)),
        "{check:?}"
    );
    assert!(check.advice.is_some(), "{check:?}");
}

#[track_caller]
fn warns(check: &Check, code: Code) {
    assert_eq!(
        (check.verdict, check.code),
        (Verdict::Warn, Some(code)),
        "{check:?}"
    );
    assert!(check.advice.is_some(), "{check:?}");
}

#[track_caller]
fn is(check: &Check, verdict: Verdict) {
    assert_eq!((check.verdict, check.code), (verdict, None), "{check:?}");
    assert_eq!(check.advice, None, "{check:?}");
}

#[test]
fn a_healthy_set_up_passes_everything_that_can_be_told() {
    let checks = examine(&healthy());
    let subjects: Vec<Subject> = checks.iter().map(|check| check.subject).collect();
    assert_eq!(subjects, Subject::ALL);
    let (skipped, rest): (Vec<_>, Vec<_>) = checks
        .iter()
        .partition(|check| check.verdict == Verdict::Skip);
    assert!(
        rest.iter().all(|check| check.verdict == Verdict::Pass),
        "{checks:#?}"
    );
    let skipped: Vec<Subject> = skipped.iter().map(|check| check.subject).collect();
    assert_eq!(skipped, [Subject::Webhook, Subject::DefaultReturnUrl]);
    let totals = Totals::of(&checks);
    assert_eq!(
        (totals.pass, totals.warn, totals.fail, totals.skip),
        (18, 0, 0, 2)
    );
}

#[test]
fn ids_are_unique_kebab_case_and_areas_stand_together() {
    let ids: std::collections::BTreeSet<_> = Subject::ALL.iter().map(|s| s.id()).collect();
    assert_eq!(ids.len(), Subject::ALL.len());
    for id in ids {
        assert!(
            id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{id}"
        );
    }
    assert!(Subject::ALL.is_sorted_by_key(|subject| subject.area()));
}

fn finding(code: Code) -> Finding {
    Finding {
        code,
        message: "something is wrong".to_owned(),
        place: Some("portal.yaml:3:5".to_owned()),
        help: Some("write it otherwise".to_owned()),
    }
}

#[test]
fn the_manifest_is_counted_and_its_first_problem_shown() {
    let check = with(Subject::Manifest, |f| f.manifest = ManifestFacts::Absent);
    warns(&check, cli::NO_MANIFEST);
    let invalid = |errors| {
        with(Subject::Manifest, |facts| {
            facts.manifest = ManifestFacts::Invalid {
                errors,
                first: finding(manifest_codes::UNKNOWN_FIELD),
                urls: None,
            };
        })
    };
    let check = invalid(3);
    fails(&check, manifest_codes::UNKNOWN_FIELD);
    assert_eq!(
        check.detail,
        "3 problems: something is wrong (portal.yaml:3:5)"
    );
    assert!(check.advice.unwrap().contains("portalctl validate"));
    assert_eq!(invalid(1).advice.as_deref(), Some("write it otherwise"));
    let check = with(Subject::Manifest, |facts| {
        facts.manifest = ManifestFacts::Usable {
            organizations: 1,
            files: 2,
            warnings: 1,
            first: Some(finding(manifest_codes::UNKNOWN_FIELD)),
        };
    });
    warns(&check, manifest_codes::UNKNOWN_FIELD);
    assert!(
        check
            .detail
            .starts_with("1 organization in 2 files, 1 warning: ")
    );
}

#[test]
fn in_the_sandbox_neither_key_nor_network_is_looked_at() {
    let mut facts = healthy();
    facts.sandbox = true;
    facts.client_id = None;
    facts.environment.client_id = None;
    for check in examine(&facts) {
        let is_about_them = matches!(check.subject.area(), Area::Credentials | Area::Network)
            || check.subject == Subject::ApiKeyAccepted;
        if is_about_them {
            is(&check, Verdict::Skip);
        }
    }
}

#[test]
fn what_was_not_asked_is_skipped_with_why() {
    let mut facts = healthy();
    facts.api_probe = Asked::not("interrupted");
    for check in examine(&facts) {
        let rests_on_it = [
            Subject::Reachable,
            Subject::Clock,
            Subject::ApiKeyAccepted,
            Subject::RateLimit,
        ];
        if rests_on_it.contains(&check.subject) {
            is(&check, Verdict::Skip);
            assert_eq!(check.detail, "interrupted");
        }
    }
}
