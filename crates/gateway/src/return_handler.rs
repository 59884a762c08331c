//! Handler of `/return/KEY/INTENT`: reads the state of the intent from WorkOS and shows it, or
//! forwards it to the app.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use url::Url;

use super::audit_log::{AuditRecord, Route};
use super::config::{IdentityProvider, ReturnMode};
use super::limits::visitor_key;
use super::outcome::Outcome;
use super::pages::{Button, Told};
use super::refusal::{ErrorPage, Refusal};
use super::request::{RequestPath, parse_path, peer_address};
use super::session_token::{Parties, SHOWN_SECONDS, Session};
use super::state::GatewayState;
use super::visit::Visit;
use super::{cookie, proxy};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Options, ResolvedUrls};
use portalctl_model::codes::gateway as codes;
use portalctl_model::desired::Desired;
use portalctl_model::{Intent, OrgKey};

/// Expiry of a session that each request proves anew.
const NO_EXPIRY: i64 = 0;

/// Status pages that a person may load for each link that they may ask for.
const VIEWS_PER_LINK: u32 = 6;

/// Query parameter that carries the signed result to the app.
const RESULT: &str = "portal_result";

/// Answers a request with the state of the intent, or with a refusal.
pub(super) async fn handle(
    State(state): State<Arc<GatewayState>>,
    path: RequestPath,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let mut audit = AuditRecord::new(Route::Return, peer_address(&parts.extensions));
    let setup = state.setup();
    let visit = Visit::new(&state, &setup, &parts.headers);
    match respond(&visit, path, &parts, &mut audit).await {
        Ok((answer, done)) => {
            audit.done(done, &state.metrics);
            answer
        }
        Err(refusal) => {
            audit.refused(&refusal, &state.metrics);
            visit.view.refusal(refusal.page, audit.reference())
        }
    }
}

/// Reads the state and builds the response; returns it with the name of what was done.
async fn respond(
    visit: &Visit<'_>,
    path: RequestPath,
    parts: &Parts,
    audit: &mut AuditRecord,
) -> Result<(Response, &'static str), Refusal> {
    let (key, intent) = parse_path(path)?;
    audit.organization = Some(key.clone());
    audit.intent = Some(intent);
    let (state, config) = (visit.state, &visit.setup.config);
    let session = visitor(visit, parts, &key, intent)?;
    audit.subject = Some(session.sub.clone());
    let views = config.limits.per_subject.saturating_mul(VIEWS_PER_LINK);
    let visitor = visitor_key(&session.sub, &key);
    let wait = state
        .status_views
        .take(visitor, views, state.clock.instant());
    wait.map_err(|wait| Refusal::new(codes::LIMITED, ErrorPage::TooMany(wait)))?;
    let desired = visit.known_customer(&key).desired;
    let outcome = match read_outcome(state, &desired, &key, intent).await {
        // The person has come back, whether WorkOS answers or not: the page looks again by itself.
        Err(refusal) if matches!(refusal.page, ErrorPage::Busy(_)) => {
            let (code, detail) = (refusal.code.as_str(), refusal.detail);
            tracing::warn!(
                code,
                detail,
                "the state could not be read, so it is unclear"
            );
            Outcome::Unclear
        }
        read => read?,
    };
    audit.state = Some(outcome.as_str());
    if is_polling(&parts.headers) {
        return Ok((state_json(outcome), "shown"));
    }
    let app = app_url(&desired, &key, intent, outcome);
    if config.return_mode == ReturnMode::Forward
        && let Some(url) = &app
        && let Some(answer) = forward(visit, &session, outcome, url)
    {
        return Ok((shortened(state, &session, answer), "forwarded"));
    }
    let next = next_intent(&desired, &key, intent, outcome);
    let button = button(visit, (&key, next), outcome, app);
    let result = config.popup_opener.as_ref().and_then(|origin| {
        let parties = parties(visit, origin);
        let keys = state.signing_keys();
        keys.sign_result(&session, outcome, parties, state.now())
    });
    let told = config.popup_opener.as_ref().map(|origin| Told {
        origin,
        organization: &key,
        intent,
        state: outcome.as_str(),
        result: result.as_deref().unwrap_or_default(),
    });
    let page = visit.view.outcome((outcome, intent), button.as_ref(), told);
    Ok((shortened(state, &session, page), "shown"))
}

/// Shortens the session of a browser that came back: the next person at it may be another one.
fn shortened(state: &GatewayState, session: &Session, mut answer: Response) -> Response {
    let now = state.now();
    let exp = session.exp.min(now.saturating_add(SHOWN_SECONDS));
    // Behind a proxy every request says who somebody is.
    if session.exp == NO_EXPIRY || exp == session.exp {
        return answer;
    }
    let shorter = Session {
        exp,
        ..session.clone()
    };
    let value = state.signing_keys().sign_session(&shorter);
    let cookie = cookie::set_session(&state.public_url, &shorter, &value, exp - now);
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// Returns the session of the visitor: by cookie, or by the proxy's headers.
fn visitor(
    visit: &Visit<'_>,
    parts: &Parts,
    key: &OrgKey,
    intent: Intent,
) -> Result<Session, Refusal> {
    let state = visit.state;
    if let IdentityProvider::Proxy(rules) = &visit.setup.config.identity_provider {
        let identity = proxy::identity(rules, peer_address(&parts.extensions), &parts.headers)?;
        identity.authorize(&rules.groups, key, intent)?;
        // The cookie only tells which of the app's requests this is the result of.
        let known = known_session(state, parts, key, intent);
        let known = known.filter(|session| session.sub == identity.subject);
        return Ok(Session {
            sub: identity.subject,
            organization: key.clone(),
            intent,
            handoff: known.map_or_else(String::new, |session| session.handoff),
            exp: NO_EXPIRY,
        });
    }
    known_session(state, parts, key, intent).ok_or(Refusal::new(codes::SESSION, ErrorPage::Unknown))
}

/// Returns the session that the browser's cookies prove for this page. Cookies of other pages and
/// of other apps are passed over; of several, the one that lasts longest counts.
fn known_session(
    state: &GatewayState,
    parts: &Parts,
    key: &OrgKey,
    intent: Intent,
) -> Option<Session> {
    let keys = state.signing_keys();
    let now = state.now();
    let seats: Vec<&str> = cookie::seats(&state.public_url, &parts.headers).collect();
    cookie::session_cookies(&state.public_url, &parts.headers)
        .filter_map(|cookie| keys.verify_session(cookie, now))
        .filter(|session| session.organization == *key && session.intent == intent)
        .filter(|session| seats.iter().any(|seat| keys.is_seat_of(seat, &session.sub)))
        .max_by_key(|session| session.exp)
}

/// Answers an app's sign-out: the browser shows nobody's return page any more.
pub(super) async fn sign_out(
    State(state): State<Arc<GatewayState>>,
    headers: HeaderMap,
) -> Response {
    let mut answer = state.setup().pages.view(&headers).signed_out();
    if let Ok(cookie) = HeaderValue::from_str(&cookie::remove_seat(&state.public_url)) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// Reads the current state of the intent.
async fn read_outcome(
    state: &GatewayState,
    desired: &Desired,
    key: &OrgKey,
    intent: Intent,
) -> Result<Outcome, Refusal> {
    let entry = desired.organizations.get(key);
    link::declares(entry, intent, Options::default()).map_err(|it| Refusal::link(&it))?;
    let permit = state.upstream.enter()?;
    let reading = state.upstream.read(&permit, desired, key, intent).await?;
    match (&reading.identity, &reading.readiness) {
        (Identity::Matched { .. }, Some(readiness)) => Ok(Outcome::of(readiness)),
        // The organization is gone, or cannot be identified.
        _ => Err(Refusal::new(
            portalctl_model::codes::link::NO_ORGANIZATION,
            ErrorPage::NotReady,
        )),
    }
}

/// Returns whether the script of a status page is polling.
fn is_polling(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept.is_some_and(|accept| accept.as_bytes() == b"application/json")
}

/// Builds the response to the polling script.
fn state_json(outcome: Outcome) -> Response {
    let mut answer = Response::new(Body::from(json!({ "state": outcome.as_str() }).to_string()));
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// Returns the app's URL from the manifest; nothing in the request can choose it.
fn app_url(desired: &Desired, key: &OrgKey, intent: Intent, outcome: Outcome) -> Option<String> {
    let ResolvedUrls {
        return_url,
        success_url,
    } = link::resolve_urls(desired, key, intent);
    let url = match outcome {
        Outcome::Done => success_url,
        Outcome::Validating | Outcome::NotFinished | Outcome::NeedsDomain | Outcome::Unclear => {
            return_url
        }
    };
    url.map(|it| it.url.to_string())
}

/// Redirects to the app with a signed result.
fn forward(visit: &Visit<'_>, session: &Session, outcome: Outcome, url: &str) -> Option<Response> {
    let state = visit.state;
    let parties = parties(visit, url);
    let result = state
        .signing_keys()
        .sign_result(session, outcome, parties, state.now())?;
    let mut url = Url::parse(url).ok()?;
    url.query_pairs_mut().append_pair(RESULT, &result);
    let mut location = HeaderValue::from_str(url.as_str()).ok()?;
    location.set_sensitive(true);
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, location);
    Some(answer)
}

/// Returns issuer and audience of a result; behind a proxy the audience is the page that gets it.
fn parties<'a>(visit: &'a Visit<'_>, page: &'a str) -> Parties<'a> {
    let audience = match &visit.setup.config.identity_provider {
        IdentityProvider::Token(token) => token.issuer.as_str(),
        IdentityProvider::Proxy(_) => page,
    };
    Parties {
        issuer: visit.state.public_url.as_str(),
        audience,
    }
}

/// Returns the intent to continue with: domain verification where single sign-on needs a verified
/// domain and the manifest declares that intent.
fn next_intent(desired: &Desired, key: &OrgKey, intent: Intent, outcome: Outcome) -> Intent {
    let entry = desired.organizations.get(key);
    let verifies =
        entry.is_some_and(|entry| entry.intents.contains_key(&Intent::DomainVerification));
    if outcome == Outcome::NeedsDomain && verifies {
        Intent::DomainVerification
    } else {
        intent
    }
}

/// Returns the button of the page. A new link takes a new hand-off, which only a proxy gives by
/// itself.
fn button(
    visit: &Visit<'_>,
    (key, intent): (&OrgKey, Intent),
    outcome: Outcome,
    app: Option<String>,
) -> Option<Button> {
    let goes_on = matches!(outcome, Outcome::NotFinished | Outcome::NeedsDomain);
    let is_proxied = matches!(
        visit.setup.config.identity_provider,
        IdentityProvider::Proxy(_)
    );
    if goes_on && is_proxied {
        let verifies = outcome == Outcome::NeedsDomain && intent == Intent::DomainVerification;
        let label = if verifies {
            "verify-domain"
        } else {
            "continue-setup"
        };
        let href = format!("{}/portal/{key}/{intent}", visit.state.public_url.prefix());
        return Some(visit.view.link(label, href));
    }
    let label = if goes_on { "continue-in" } else { "back-to" };
    let href = app.or_else(|| visit.setup.pages.home())?;
    Some(visit.view.link(label, href))
}
