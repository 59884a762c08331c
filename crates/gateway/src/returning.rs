//! `/return/KEY/INTENT`: whether it really is configured, by WorkOS's word and nobody else's.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use url::Url;

use super::config::{Returns, Trust};
use super::outcome::{Outcome, judge};
use super::pages::Action;
use super::portal::{COOKIE, COOKIE_LOCAL};
use super::refusal::{Face, Refusal};
use super::seal::Session;
use super::server::{Address, address, peer};
use super::trail::{Route, Trail};
use super::{Gateway, Shared, proxy};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Options, ResolvedUrls};
use portalctl_model::codes::gateway as codes;
use portalctl_model::desired::Desired;
use portalctl_model::{Intent, OrgKey};

/// The parameter by which the app is told.
const RESULT: &str = "portal_result";
/// The longest cookie that is looked at.
const MAX_COOKIE: usize = 4096;

pub(super) async fn show(
    State(gateway): State<Gateway>,
    path: Address,
    request: Request,
) -> Response {
    let shared = &gateway.0;
    let (parts, _) = request.into_parts();
    let mut trail = Trail::new(Route::Return, peer(&parts.extensions));
    match look(shared, path, &parts, &mut trail).await {
        Ok((answer, done)) => {
            trail.done(done, &shared.metrics);
            answer
        }
        Err(refusal) => {
            trail.refused(&refusal, &shared.metrics);
            shared.pages.refusal(refusal.face)
        }
    }
}

async fn look(
    shared: &Shared,
    path: Address,
    parts: &Parts,
    trail: &mut Trail,
) -> Result<(Response, &'static str), Refusal> {
    let (key, intent) = address(path)?;
    trail.organization = Some(key.clone());
    trail.intent = Some(intent);
    let session = who(shared, parts, &key, intent)?;
    trail.subject = Some(session.sub.clone());
    let subject = format!("{key} {}", session.sub);
    let wait = shared.looks.take(subject, shared.clock.instant());
    wait.map_err(|wait| Refusal::new(codes::LIMITED, Face::TooMany(wait)))?;
    let desired = shared.manifest.current();
    let outcome = outcome(shared, &desired, &key, intent).await?;
    trail.state = Some(outcome.as_str());
    if wants_json(&parts.headers) {
        return Ok((state(outcome), "shown"));
    }
    let app = app_url(&desired, &key, intent, outcome);
    if shared.config.returns == Returns::Forward
        && let Some(url) = &app
        && let Some(answer) = forward(shared, &session, outcome, url)
    {
        return Ok((answer, "forwarded"));
    }
    let next = next_intent(&desired, &key, intent, outcome);
    let action = action(shared, &key, next, outcome, app);
    let page = shared.pages.outcome(outcome, intent, action.as_ref());
    Ok((page, "shown"))
}

/// Who came back: by this browser's cookie, or by the proxy's word.
fn who(shared: &Shared, parts: &Parts, key: &OrgKey, intent: Intent) -> Result<Session, Refusal> {
    if let Trust::Proxy(rules) = &shared.config.trust {
        let identity = proxy::identity(rules, peer(&parts.extensions), &parts.headers)?;
        identity.may(&rules.groups, key, intent)?;
        return Ok(Session {
            sub: identity.subject,
            organization: key.clone(),
            intent,
            handoff: String::new(),
            exp: 0,
        });
    }
    let name = if shared.public_url.is_https() {
        COOKIE
    } else {
        COOKIE_LOCAL
    };
    let seal = shared.seal();
    let now = shared.now();
    let session = cookies(&parts.headers, name).find_map(|cookie| seal.open(cookie, now));
    session
        .filter(|session| session.organization == *key && session.intent == intent)
        .ok_or(Refusal::new(codes::SESSION, Face::Unknown))
}

/// The values of all cookies of a name: others of it may have been set for another path.
fn cookies<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    let headers = headers.get_all(header::COOKIE).iter();
    headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|value| value.len() <= MAX_COOKIE)
        .take(4)
}

/// How far the intent is now.
async fn outcome(
    shared: &Shared,
    desired: &Desired,
    key: &OrgKey,
    intent: Intent,
) -> Result<Outcome, Refusal> {
    let entry = desired.organizations.get(key);
    link::declares(entry, intent, Options::default()).map_err(|it| Refusal::link(&it))?;
    let leave = shared.upstream.enter()?;
    let reading = shared.upstream.read(&leave, desired, key, intent).await?;
    match (&reading.identity, &reading.readiness) {
        (Identity::Matched { .. }, Some(readiness)) => Ok(judge(readiness)),
        // The organization is gone, or nobody knows which it is.
        _ => Err(Refusal::new(
            portalctl_model::codes::link::NO_ORGANIZATION,
            Face::NotReady,
        )),
    }
}

/// Whether a page of ours asks, which only wants to know whether there is something new.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept.is_some_and(|accept| accept.as_bytes() == b"application/json")
}

fn state(outcome: Outcome) -> Response {
    let mut answer = Response::new(Body::from(json!({ "state": outcome.as_str() }).to_string()));
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// Where the app wants people back: by the manifest, and by nothing that came with the request.
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

/// On to the app, with a signed word on how far it is.
fn forward(shared: &Shared, session: &Session, outcome: Outcome, url: &str) -> Option<Response> {
    let issuer = shared.public_url.as_str();
    let audience = match &shared.config.trust {
        Trust::Token(token) => token.issuer.as_str(),
        Trust::Proxy(_) => url,
    };
    let result = shared
        .seal()
        .result(session, outcome, issuer, audience, shared.now())?;
    let mut url = Url::parse(url).ok()?;
    url.query_pairs_mut().append_pair(RESULT, &result);
    let mut location = HeaderValue::from_str(url.as_str()).ok()?;
    location.set_sensitive(true);
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, location);
    Some(answer)
}

/// The intent to go on with: the domain first where single sign-on needs one and the manifest lets
/// the customer verify it.
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

/// Where the page leads. A new link takes a new hand-off, which a proxy gives by itself.
fn action(
    shared: &Shared,
    key: &OrgKey,
    intent: Intent,
    outcome: Outcome,
    app: Option<String>,
) -> Option<Action> {
    let goes_on = matches!(outcome, Outcome::NotFinished | Outcome::NeedsDomain);
    if goes_on && matches!(shared.config.trust, Trust::Proxy(_)) {
        return Some(Action {
            label: if outcome == Outcome::NeedsDomain && intent == Intent::DomainVerification {
                "Verify the domain".to_owned()
            } else {
                "Continue the set-up".to_owned()
            },
            href: format!("/portal/{key}/{intent}"),
        });
    }
    let label = if goes_on {
        shared.pages.continue_label()
    } else {
        shared.pages.back_label()
    };
    app.or_else(|| shared.pages.home())
        .map(|href| Action { label, href })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cookie_of_the_name_is_looked_at_and_no_other() {
        let mut headers = HeaderMap::new();
        let line = "a=1; portalctl=x; portalctl2=y; __Secure-portalctl=z;portalctl=w";
        headers.append(header::COOKIE, HeaderValue::from_static(line));
        headers.append(header::COOKIE, HeaderValue::from_static("portalctl=v"));
        let found: Vec<&str> = cookies(&headers, COOKIE_LOCAL).collect();
        assert_eq!(found, ["x", "w", "v"]);
    }
}
