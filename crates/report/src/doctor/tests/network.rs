//! Tests of the verdicts on network, proxy, certificates and clock.

use super::*;

#[test]
fn the_way_there_is_told() {
    let bad = Problem {
        code: cli::INVALID_ENDPOINT,
        message: "no".to_owned(),
        help: None,
    };
    fails(
        &with(Subject::Endpoint, |f| f.endpoint = Err(bad)),
        cli::INVALID_ENDPOINT,
    );
    let proxy = |proxy| with(Subject::Proxy, |facts| facts.proxy = proxy);
    for good in [Proxy::None, Proxy::Loopback, Proxy::Exempt] {
        is(&proxy(good), Verdict::Pass);
    }
    let through = proxy(Proxy::Through("http://proxy:3128".to_owned()));
    assert_eq!(through.detail, "requests go through http://proxy:3128");
    warns(&proxy(Proxy::Unusable), codes::PROXY_UNUSABLE);
    let certificates = |certificates: Result<usize, String>, folder| {
        with(Subject::Certificates, |facts| {
            let path = "ca.pem".to_owned();
            facts.certificates = Certificates::Replaced {
                file: Some(CertificateFile { path, certificates }),
                folder,
            };
        })
    };
    is(&certificates(Ok(2), None), Verdict::Pass);
    fails(&certificates(Ok(0), None), codes::CERTIFICATES);
    fails(
        &certificates(Err("denied".to_owned()), None),
        codes::CERTIFICATES,
    );
    let folder = Some(("ca".to_owned(), false));
    fails(&certificates(Ok(2), folder), codes::CERTIFICATES);
}

#[test]
fn why_workos_is_not_reached_is_told_apart() {
    let fallen = |at, proxy| {
        with(Subject::Reachable, |facts| {
            facts.proxy = proxy;
            let error = refusal(ApiErrorKind::Unreachable, 0);
            facts.api_probe = Asked::Answered(Err(ApiProbeFailure { error, at }));
        })
    };
    for (at, code) in [
        (Some(ConnectFailure::Name), codes::NAME_NOT_FOUND),
        (Some(ConnectFailure::Refused), codes::CONNECTION_REFUSED),
        (Some(ConnectFailure::Tls), codes::TLS),
        (None, api::UNREACHABLE),
    ] {
        fails(&fallen(at, Proxy::None), code);
    }
    let proxy = Proxy::Through("http://proxy:3128".to_owned());
    let check = fallen(Some(ConnectFailure::Refused), proxy);
    assert!(check.advice.unwrap().contains("http://proxy:3128"));
    for kind in [
        ApiErrorKind::InvalidAnswer,
        ApiErrorKind::Redirected,
        ApiErrorKind::Server,
        ApiErrorKind::NotFound,
    ] {
        let error = refusal(kind, 500);
        let code = error.code();
        fails(
            &with_probe(Subject::Reachable, |p| p.refusal = Some(error.clone())),
            code,
        );
        let accepted = with_probe(Subject::ApiKeyAccepted, |p| p.refusal = Some(error));
        is(&accepted, Verdict::Skip);
    }
    let error = refusal(ApiErrorKind::Unauthorized, 401);
    is(
        &with_probe(Subject::Reachable, |p| p.refusal = Some(error)),
        Verdict::Pass,
    );
}

#[test]
fn the_clock_warns_from_30_seconds_and_fails_beyond_5_minutes() {
    let ahead = |seconds| {
        with_probe(Subject::Clock, |probe| {
            probe.server_ahead = Some(SignedDuration::from_secs(seconds));
        })
    };
    for good in [0, 29, -29] {
        is(&ahead(good), Verdict::Pass);
    }
    for off in [30, -30, 300, -300] {
        warns(&ahead(off), codes::CLOCK_SKEW);
    }
    for broken in [301, -301, 1_000_000_000] {
        fails(&ahead(broken), codes::CLOCK_SKEW);
    }
    assert_eq!(ahead(60).detail, "60 seconds behind the server's");
    assert!(
        ahead(-7200)
            .detail
            .starts_with("2 hours ahead of the server's: ")
    );
    is(
        &with_probe(Subject::Clock, |p| p.server_ahead = None),
        Verdict::Skip,
    );
}
