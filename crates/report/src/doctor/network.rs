//! Checks of the way to WorkOS: endpoint, proxy, certificates, connection, clock.

use jiff::SignedDuration;

use super::{Asked, Certificates, Check, EndpointOrigin, Facts, Subject};
use crate::view::{counted, rounded};
use portalctl_model::codes::{Code, doctor as codes};
use portalctl_workos::{ApiErrorKind, ApiProbe, ApiProbeFailure, ConnectFailure, Proxy};

/// Reason why the sandbox skips these checks.
const SANDBOX: &str = "the sandbox answers in this process";
/// Clock skew from which there is a warning: common without time synchronization, and harmless.
const SKEW_TO_WARN: SignedDuration = SignedDuration::from_secs(30);
/// Clock skew from which the check fails: the lifetime of a portal link, and the usual tolerance of
/// signatures.
const SKEW_TO_FAIL: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn endpoint(facts: &Facts) -> Check {
    let subject = Subject::Endpoint;
    if facts.sandbox {
        return Check::skip(subject, SANDBOX);
    }
    let endpoint = match &facts.endpoint {
        Ok(endpoint) => endpoint,
        Err(problem) => return Check::failed(subject, problem),
    };
    let scheme = if endpoint.is_plain_http {
        "plain http, on this machine only"
    } else {
        "https"
    };
    let origin = match endpoint.origin {
        EndpointOrigin::Default => "WorkOS itself".to_owned(),
        EndpointOrigin::Variable(name) => format!("from {name}"),
        EndpointOrigin::Flag => "from --api-url".to_owned(),
    };
    let used = format!("{}, {origin}, {scheme}", endpoint.authority);
    match endpoint.ignored {
        None => Check::pass(subject, used),
        Some(variable) => Check::warn(
            subject,
            codes::ENDPOINT_IGNORED,
            format!("{used}; {variable} names another machine and is ignored"),
        ),
    }
}

pub(super) fn proxy(facts: &Facts) -> Check {
    let subject = Subject::Proxy;
    if facts.sandbox {
        return Check::skip(subject, SANDBOX);
    }
    match &facts.proxy {
        Proxy::None => Check::pass(subject, "none is set"),
        Proxy::Loopback => Check::pass(subject, "none: the endpoint is on this machine"),
        Proxy::Exempt => Check::pass(subject, "none: NO_PROXY exempts the endpoint"),
        Proxy::Through(proxy) => Check::pass(subject, format!("requests go through {proxy}")),
        Proxy::Unusable => Check::warn(
            subject,
            codes::PROXY_UNUSABLE,
            "HTTPS_PROXY or ALL_PROXY is not the address of a proxy, and is ignored",
        ),
    }
}

pub(super) fn certificates(facts: &Facts) -> Check {
    let subject = Subject::Certificates;
    if facts.sandbox {
        return Check::skip(subject, SANDBOX);
    }
    if facts.endpoint.as_ref().is_ok_and(|e| e.is_plain_http) {
        return Check::skip(subject, "plain http needs none");
    }
    let (file, folder) = match &facts.certificates {
        Certificates::System => return Check::pass(subject, "the system's"),
        Certificates::NotHeeded => {
            let why = "the system's; SSL_CERT_FILE and SSL_CERT_DIR are not heeded here";
            return Check::pass(subject, why);
        }
        Certificates::Replaced { file, folder } => (file, folder),
    };
    let mut trusted = Vec::new();
    let mut broken = Vec::new();
    if let Some(file) = file {
        match &file.certificates {
            Ok(0) => broken.push(format!("SSL_CERT_FILE {} holds none", file.path)),
            Ok(count) => trusted.push(format!(
                "{} of SSL_CERT_FILE {}",
                counted(*count, "certificate"),
                file.path
            )),
            Err(why) => broken.push(format!("SSL_CERT_FILE {}: {why}", file.path)),
        }
    }
    match folder {
        Some((path, true)) => trusted.push(format!("SSL_CERT_DIR {path}")),
        Some((path, false)) => broken.push(format!("SSL_CERT_DIR {path} is not a folder")),
        None => {}
    }
    if broken.is_empty() {
        let trusted = trusted.join(" and ");
        Check::pass(subject, format!("{trusted} instead of the system's"))
    } else {
        Check::fail(subject, codes::CERTIFICATES, broken.join("; "))
    }
}

pub(super) fn reachable(facts: &Facts) -> Check {
    let subject = Subject::Reachable;
    if facts.sandbox {
        return Check::skip(subject, SANDBOX);
    }
    match &facts.api_probe {
        Asked::Not(why) => Check::skip(subject, why),
        Asked::Answered(Err(none)) => unreachable(none, &facts.proxy),
        Asked::Answered(Ok(probe)) => answered(probe),
    }
}

fn answered(probe: &ApiProbe) -> Check {
    let subject = Subject::Reachable;
    let not_workos = probe.refusal.as_ref().filter(|error| {
        matches!(
            error.kind,
            ApiErrorKind::Server
                | ApiErrorKind::InvalidAnswer
                | ApiErrorKind::Redirected
                | ApiErrorKind::NotFound
        )
    });
    match not_workos {
        Some(error) if error.kind == ApiErrorKind::NotFound => {
            Check::fail(subject, error.code(), error.to_string())
                .advise("Check --api-url or WORKOS_API_URL: what answers there is not WorkOS.")
        }
        Some(error) => Check::fail(subject, error.code(), error.to_string()),
        None => {
            let time = probe.elapsed.as_millis();
            Check::pass(subject, format!("answered in {time} ms"))
        }
    }
}

fn unreachable(none: &ApiProbeFailure, proxy: &Proxy) -> Check {
    let ApiProbeFailure { error, at } = none;
    let code = connection_code(*at).unwrap_or_else(|| error.code());
    let check = Check::fail(Subject::Reachable, code, below_http(&error.message));
    match (proxy, at) {
        (Proxy::Through(proxy), None | Some(ConnectFailure::Name | ConnectFailure::Refused)) => {
            check.advise(format!(
                "Requests go through {proxy}: check that it is there, takes connections and lets \
                 them through to WorkOS, or exempt the host with NO_PROXY"
            ))
        }
        _ => check,
    }
}

/// Strips the HTTP library's prefix from a message.
fn below_http(message: &str) -> &str {
    let cause = message.split_once("client error (Connect): ");
    cause.map_or(message, |(_, cause)| cause)
}

/// Returns the code of a failed connection step.
fn connection_code(at: Option<ConnectFailure>) -> Option<Code> {
    at.map(|at| match at {
        ConnectFailure::Name => codes::NAME_NOT_FOUND,
        ConnectFailure::Refused => codes::CONNECTION_REFUSED,
        ConnectFailure::Tls => codes::TLS,
    })
}

pub(super) fn clock(facts: &Facts) -> Check {
    let subject = Subject::Clock;
    if facts.sandbox {
        return Check::skip(subject, "the sandbox keeps this machine's time");
    }
    let probe = match &facts.api_probe {
        Asked::Answered(Ok(probe)) => probe,
        Asked::Answered(Err(_)) => return Check::skip(subject, "WorkOS did not answer"),
        Asked::Not(why) => return Check::skip(subject, why),
    };
    let Some(ahead) = probe.server_ahead else {
        return Check::skip(subject, "the answer told no time");
    };
    let skew = ahead.abs();
    if skew < SKEW_TO_WARN {
        return Check::pass(subject, "agrees with the server's to within 30 seconds");
    }
    let way = if ahead.is_positive() {
        "behind"
    } else {
        "ahead of"
    };
    let detail = format!("{} {way} the server's", rounded(skew.unsigned_abs()));
    if skew <= SKEW_TO_FAIL {
        Check::warn(subject, codes::CLOCK_SKEW, detail)
    } else {
        let breaks = "links seem to have ended, and signatures of webhooks and hand-offs fail";
        Check::fail(subject, codes::CLOCK_SKEW, format!("{detail}: {breaks}"))
    }
}
