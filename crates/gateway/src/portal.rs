//! `/portal/KEY/INTENT`: who somebody is, whether they may, and then a link, at once.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use url::form_urlencoded;

use super::config::{Returns, Trust};
use super::keyring::Keyring;
use super::public_url::return_path;
use super::refusal::{Face, Refusal};
use super::seal::{SESSION_SECONDS, Session};
use super::server::{Address, address, peer};
use super::token::{self, HandOff, MAX_TOKEN, Rules};
use super::trail::{Route, Trail};
use super::used::Claim;
use super::{Gateway, Shared, proxy};
use portalctl_core::link::{self, Options, ResolvedUrl};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::{ExternalUserId, Intent, OrgKey};
use portalctl_workos::{LinkRequest, PortalLink};

/// The largest form that is read: a token with its name, percent-encoded.
const MAX_FORM: usize = 3 * MAX_TOKEN + 16;
/// How long a form may take.
const MAX_FORM_TIME: Duration = Duration::from_secs(10);
/// The cookie of a browser that was handed over. Browsers take the prefix over https only.
pub(super) const COOKIE: &str = "__Secure-portalctl";
/// The same for plain http, which is for this machine.
pub(super) const COOKIE_LOCAL: &str = "portalctl";

/// Somebody who may have a link.
struct Admitted {
    subject: String,
    again: bool,
    /// The token's id; empty where a proxy vouches.
    handoff: String,
    claim: Option<Claim>,
}

/// A link that was made, and the cookie that goes with it.
struct Linked {
    link: PortalLink,
    cookie: Option<String>,
}

pub(super) async fn open(
    State(gateway): State<Gateway>,
    path: Address,
    request: Request,
) -> Response {
    let shared = &gateway.0;
    let mut trail = Trail::new(Route::Portal, peer(request.extensions()));
    let outcome = hand_over(shared, path, request, &mut trail).await;
    match outcome.and_then(|linked| redirect(&linked)) {
        Ok(answer) => {
            trail.done("linked", &shared.metrics);
            answer
        }
        Err(refusal) => {
            trail.refused(&refusal, &shared.metrics);
            shared.pages.refusal(refusal.face)
        }
    }
}

async fn hand_over(
    shared: &Shared,
    path: Address,
    request: Request,
    trail: &mut Trail,
) -> Result<Linked, Refusal> {
    let (key, intent) = address(path)?;
    trail.organization = Some(key.clone());
    trail.intent = Some(intent);
    let admitted = match (&shared.config.trust, &shared.tokens) {
        (Trust::Token(_), Some((rules, keys))) => {
            let text = token_of(shared, request).await?;
            let handoff = hand_off(shared, &text, rules, keys).await?;
            trail.subject = Some(handoff.subject.clone());
            by_token(shared, handoff, &key, intent)?
        }
        (Trust::Proxy(rules), _) => {
            no_parameters(&request)?;
            let identity = proxy::identity(rules, peer(request.extensions()), request.headers())?;
            trail.subject = Some(identity.subject.clone());
            identity.may(&rules.groups, &key, intent)?;
            Admitted {
                subject: identity.subject,
                again: false,
                handoff: String::new(),
                claim: None,
            }
        }
        (Trust::Token(_), None) => return Err(Refusal::busy()),
    };
    within_limits(shared, &admitted.subject, &key)?;
    let link = make_link(shared, &key, intent, &admitted).await?;
    if let Some(claim) = admitted.claim {
        claim.spend();
    }
    let session = Session {
        sub: admitted.subject,
        organization: key,
        intent,
        handoff: admitted.handoff,
        exp: shared.now().saturating_add(SESSION_SECONDS),
    };
    Ok(Linked {
        link,
        cookie: cookie(shared, &session),
    })
}

/// The token: of the form that was sent, else of the address, where it stands alone.
async fn token_of(shared: &Shared, request: Request) -> Result<String, Refusal> {
    if *request.method() == Method::POST {
        no_parameters(&request)?;
        let body = to_bytes(request.into_body(), MAX_FORM);
        let body = tokio::select! {
            body = body => body,
            () = shared.clock.sleep(MAX_FORM_TIME) => return Err(codes::MALFORMED.into()),
        };
        let body = body.map_err(|_| codes::MALFORMED)?;
        return Ok(only_token(&body)?);
    }
    let query = request.uri().query().unwrap_or_default();
    Ok(only_token(query.as_bytes())?)
}

/// The one parameter that there may be. Where people go afterwards is the manifest's to say.
fn only_token(pairs: &[u8]) -> Result<String, Code> {
    let mut pairs = form_urlencoded::parse(pairs);
    let (first, second) = (pairs.next(), pairs.next());
    match (first, second) {
        (None, _) => Err(codes::NO_TOKEN),
        (Some((name, token)), None) if name == "token" && !token.is_empty() => {
            Ok(token.into_owned())
        }
        (Some((name, _)), None) if name == "token" => Err(codes::NO_TOKEN),
        _ => Err(codes::PARAMETER),
    }
}

fn no_parameters(request: &Request) -> Result<(), Code> {
    match request.uri().query() {
        None | Some("") => Ok(()),
        Some(_) => Err(codes::PARAMETER),
    }
}

/// Who a token says somebody is. One by a key that nobody knows makes the keys be asked for again.
async fn hand_off(
    shared: &Shared,
    text: &str,
    rules: &Rules,
    keyring: &Keyring,
) -> Result<HandOff, Refusal> {
    let now = shared.now();
    let keys = keyring.keys().ok_or_else(Refusal::busy)?;
    let checked = token::check(text, &keys, rules, now);
    if checked.as_ref().err() != Some(&codes::UNKNOWN_KEY) {
        return Ok(checked?);
    }
    if let Err(message) = keyring.ask().await {
        tracing::warn!(message, "an unknown key, and the keys cannot be asked for");
    }
    let keys = keyring.keys().ok_or_else(Refusal::busy)?;
    Ok(token::check(text, &keys, rules, now)?)
}

/// Whether a token is for this address, and takes it.
fn by_token(
    shared: &Shared,
    handoff: HandOff,
    key: &OrgKey,
    intent: Intent,
) -> Result<Admitted, Code> {
    if handoff.organization != *key {
        return Err(codes::OTHER_ORGANIZATION);
    }
    if !handoff.intents.contains(&intent) {
        return Err(codes::OTHER_INTENT);
    }
    let claim = shared.used.claim(&handoff.id, handoff.ends, shared.now())?;
    Ok(Admitted {
        subject: handoff.subject,
        again: handoff.again,
        handoff: handoff.id,
        claim: Some(claim),
    })
}

fn within_limits(shared: &Shared, subject: &str, key: &OrgKey) -> Result<(), Refusal> {
    let now = shared.clock.instant();
    let taken = shared.subjects.take(share(subject, key), now);
    let taken = taken.and_then(|()| shared.organizations.take(key.clone(), now));
    taken.map_err(|wait| Refusal::new(codes::LIMITED, Face::TooMany(wait)))
}

/// The bucket of one person at one customer: what they do for one customer takes nothing of what
/// they may do for another.
fn share(subject: &str, key: &OrgKey) -> String {
    format!("{key} {subject}")
}

/// Makes the link, if the manifest and WorkOS let it be made.
async fn make_link(
    shared: &Shared,
    key: &OrgKey,
    intent: Intent,
    admitted: &Admitted,
) -> Result<PortalLink, Refusal> {
    let desired = shared.manifest.current();
    let options = Options {
        undeclared: false,
        again: admitted.again,
    };
    link::declares(desired.organizations.get(key), intent, options)
        .map_err(|refusal| Refusal::link(&refusal))?;
    let leave = shared.upstream.enter()?;
    let reading = shared.upstream.read(&leave, &desired, key, intent).await?;
    let permitted = link::may_link(
        &desired,
        key,
        intent,
        &reading.identity,
        reading.readiness.as_ref(),
        options,
    )
    .map_err(|refusal| Refusal {
        detail: Some(refusal.message(key, intent)),
        ..Refusal::link(&refusal)
    })?;
    let back = match shared.config.returns {
        Returns::Direct => None,
        Returns::Page | Returns::Forward => Some(shared.public_url.return_url(key, intent)),
    };
    let text_of = |url: &Option<ResolvedUrl>| url.as_ref().map(|it| it.url.to_string());
    let request = LinkRequest {
        organization: permitted.organization,
        intent,
        return_url: back.clone().or_else(|| text_of(&permitted.urls.return_url)),
        success_url: back.or_else(|| text_of(&permitted.urls.success_url)),
        // A subject is checked by the same rule when it comes.
        external_user_id: ExternalUserId::parse(&admitted.subject).ok(),
        it_contacts: Vec::new(),
    };
    shared.upstream.link(&leave, &request).await
}

/// The cookie by which this browser is known when it comes back, to that page only.
fn cookie(shared: &Shared, session: &Session) -> Option<String> {
    if shared.config.returns == Returns::Direct {
        return None;
    }
    let value = shared.seal().session(session)?;
    let (name, secure) = if shared.public_url.is_https() {
        (COOKIE, "; Secure")
    } else {
        (COOKIE_LOCAL, "")
    };
    let path = return_path(&session.organization, session.intent);
    Some(format!(
        "{name}={value}; Path={path}; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Lax{secure}"
    ))
}

/// The link leaves in a header, and is nowhere else.
fn redirect(linked: &Linked) -> Result<Response, Refusal> {
    let link = HeaderValue::from_str(linked.link.expose());
    let mut link =
        link.map_err(|_| Refusal::new(portalctl_model::codes::api::INVALID_ANSWER, Face::Failed))?;
    link.set_sensitive(true);
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let headers = answer.headers_mut();
    headers.insert(header::LOCATION, link);
    let cookie = linked.cookie.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(mut cookie)) = cookie {
        cookie.set_sensitive(true);
        headers.insert(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;
    use portalctl_platform::clock::{Clock, SystemClock};

    #[test]
    fn the_limit_of_a_person_is_one_for_each_customer() {
        let limit = Limit::new(1);
        let now = SystemClock.instant();
        let at = |customer: &str| share("ada", &OrgKey::undeclared(customer));
        assert_eq!(limit.take(at("acme"), now), Ok(()));
        assert!(limit.take(at("acme"), now).is_err());
        assert_eq!(limit.take(at("globex"), now), Ok(()));
    }
}
