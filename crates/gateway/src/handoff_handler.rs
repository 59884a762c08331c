//! Handler of `/portal/KEY/INTENT`: authenticates, authorizes, and redirects to a fresh portal
//! link.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use url::form_urlencoded;

use super::audit_log::{AuditRecord, Route};
use super::config::{IdentityProvider, ProxyRules, ReturnMode};
use super::keyring::Keyring;
use super::keys::KeySet;
use super::limits::visitor_key;
use super::navigation::{Navigation, is_cross_site, navigation};
use super::refusal::{ErrorPage, Refusal};
use super::request::{RequestPath, parse_path, peer_address};
use super::session_token::{SESSION_SECONDS, Session};
use super::state::GatewayState;
use super::token::{self, HandOff, MAX_TOKEN, Rejected, Rules, is_id};
use super::used_tokens::Claim;
use super::{cookie, proxy};
use portalctl_core::link::{self, Options, ResolvedUrl};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::{ExternalUserId, Intent, OrgKey};
use portalctl_workos::{LinkRequest, PortalLink};

/// Largest form body: a token with its name, percent-encoded.
const MAX_FORM: usize = 3 * MAX_TOKEN + 16;
/// Deadline for receiving a form body.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Person who may have a link.
struct Admitted {
    subject: String,
    again: bool,
    /// Token id, or the id that the app gave in its place; may be empty behind a proxy.
    handoff: String,
    claim: Option<Claim>,
}

/// Portal link with the cookies that go with it.
struct Linked {
    link: PortalLink,
    intent: Intent,
    navigation: Navigation,
    cookies: Vec<String>,
}

/// Answers a request with a redirect to a portal link, or with a refusal.
pub(super) async fn handle(
    State(state): State<Arc<GatewayState>>,
    path: RequestPath,
    request: Request,
) -> Response {
    let mut audit = AuditRecord::new(Route::Portal, peer_address(request.extensions()));
    let own_address = request.uri().path_and_query().map(ToString::to_string);
    let outcome = hand_over(&state, path, request, &mut audit).await;
    match outcome.and_then(|linked| lead_on(&state, &linked)) {
        Ok(answer) => {
            audit.done("linked", &state.metrics);
            answer
        }
        Err(refusal) => {
            audit.refused(&refusal, &state.metrics);
            match (refusal.page, own_address) {
                // The address was checked before: it holds a key, an intent and a hand-off id.
                (ErrorPage::Confirm, Some(address)) => state.pages.confirm(address),
                (page, _) => state.pages.refusal(page, audit.reference()),
            }
        }
    }
}

/// Authenticates, authorizes, and makes the link.
async fn hand_over(
    state: &GatewayState,
    path: RequestPath,
    request: Request,
    audit: &mut AuditRecord,
) -> Result<Linked, Refusal> {
    let (key, intent) = parse_path(path)?;
    audit.organization = Some(key.clone());
    audit.intent = Some(intent);
    let navigation = navigation(request.method(), request.headers())?;
    let admitted = match (&state.config.identity_provider, &state.tokens) {
        (IdentityProvider::Token(_), Some((rules, keys))) => {
            let text = read_token(state, request).await?;
            let handoff = verify_token(state, &text, rules, keys).await?;
            audit.subject = Some(handoff.subject.clone());
            admit_by_token(state, handoff, &key, intent).await?
        }
        (IdentityProvider::Proxy(rules), _) => {
            let admitted = admit_by_proxy(rules, &request, &key, intent)?;
            audit.subject = Some(admitted.subject.clone());
            // The proxy's cookie goes with every request, whoever made the browser send it.
            if is_cross_site(request.headers(), state.public_url.origin()) {
                return Err(codes::CROSS_SITE.into());
            }
            admitted
        }
        (IdentityProvider::Token(_), None) => return Err(Refusal::busy()),
    };
    check_limits(state, &admitted.subject, &key)?;
    let link = make_link(state, &key, intent, &admitted).await?;
    if let Some(claim) = admitted.claim {
        claim.spend();
    }
    let session = Session {
        sub: admitted.subject,
        organization: key,
        intent,
        handoff: admitted.handoff,
        exp: state.now().saturating_add(SESSION_SECONDS),
    };
    Ok(Linked {
        link,
        intent,
        navigation,
        cookies: cookies(state, &session),
    })
}

/// Returns the `Set-Cookie` headers of a session.
fn cookies(state: &GatewayState, session: &Session) -> Vec<String> {
    if state.config.return_mode == ReturnMode::Direct {
        return Vec::new();
    }
    let (keys, url) = (state.signing_keys(), &state.public_url);
    let value = keys.sign_session(session);
    vec![
        cookie::set_session(url, session, &value, SESSION_SECONDS),
        cookie::set_seat(url, &keys.seat(&session.sub)),
    ]
}

/// Returns the token of the form body or of the query, where it is the only parameter.
async fn read_token(state: &GatewayState, request: Request) -> Result<String, Refusal> {
    if *request.method() == Method::POST {
        refuse_parameters(&request)?;
        let body = to_bytes(request.into_body(), MAX_FORM);
        let body = tokio::select! {
            body = body => body,
            () = state.clock.sleep(FORM_TIMEOUT) => return Err(codes::MALFORMED.into()),
        };
        let body = body.map_err(|_| codes::MALFORMED)?;
        return Ok(only_token(&body)?);
    }
    let query = request.uri().query().unwrap_or_default();
    Ok(only_token(query.as_bytes())?)
}

/// Returns the single parameter `token`. No parameter can choose a return URL: the manifest does.
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

fn refuse_parameters(request: &Request) -> Result<(), Code> {
    match request.uri().query() {
        None | Some("") => Ok(()),
        Some(_) => Err(codes::PARAMETER),
    }
}

/// Returns the id by which the app recognizes its own request: the only parameter where a proxy
/// says who somebody is.
fn handoff_id(request: &Request) -> Result<String, Code> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    match (pairs.next(), pairs.next()) {
        (None, _) => Ok(String::new()),
        (Some((name, id)), None) if name == "handoff" && is_id(&id) => Ok(id.into_owned()),
        _ => Err(codes::PARAMETER),
    }
}

/// Verifies a hand-off token.
async fn verify_token(
    state: &GatewayState,
    text: &str,
    rules: &Rules,
    keyring: &Keyring,
) -> Result<HandOff, Refusal> {
    let checked = with_keys(keyring, |keys| token::check(text, keys, rules, state.now()));
    checked.await.map_err(|refusal| {
        if refusal.code != codes::BEFORE_START {
            return refusal;
        }
        // A token of the next second after this time is good.
        let seconds = rules.not_before.saturating_sub(state.now()).max(1);
        let wait = Duration::from_secs(seconds.unsigned_abs());
        Refusal {
            page: ErrorPage::Restarted(wait),
            ..refusal
        }
    })
}

/// Checks a token by the current keys. An unknown key id makes the keys be fetched again, during
/// which the token may expire: the check asks for the time itself.
pub(super) async fn with_keys<T>(
    keyring: &Keyring,
    check: impl Fn(&KeySet) -> Result<T, Rejected>,
) -> Result<T, Refusal> {
    let keys = keyring.keys().ok_or_else(Refusal::busy)?;
    match check(&keys) {
        Err(rejected) if rejected.code == codes::UNKNOWN_KEY => {}
        checked => return Ok(checked?),
    }
    if let Err(message) = keyring.refetch().await {
        tracing::warn!(message, "an unknown key, and the keys cannot be asked for");
    }
    let keys = keyring.keys().ok_or_else(Refusal::busy)?;
    Ok(check(&keys)?)
}

/// Checks that a token is for this organization and intent, and claims it.
async fn admit_by_token(
    state: &GatewayState,
    handoff: HandOff,
    key: &OrgKey,
    intent: Intent,
) -> Result<Admitted, Refusal> {
    if handoff.organization != *key {
        let detail = format!("the token is for `{}`", handoff.organization);
        return Err(Refusal::from(codes::OTHER_ORGANIZATION).with_detail(detail));
    }
    if !handoff.intents.contains(&intent) {
        let intents: Vec<&str> = handoff.intents.iter().map(|it| it.as_str()).collect();
        let detail = format!("intents of the token are {}", intents.join(", "));
        return Err(Refusal::from(codes::OTHER_INTENT).with_detail(detail));
    }
    // Gateways that share a store are told apart by their addresses.
    let id = format!("{} {}", state.public_url.as_str(), handoff.id);
    let claim = state.used_tokens.claim(&id, handoff.ends, state.now());
    let claim = claim.await?;
    Ok(Admitted {
        subject: handoff.subject,
        again: handoff.again,
        handoff: handoff.id,
        claim: Some(claim),
    })
}

/// Admits the person that a trusted proxy reports, if one of their groups may open this intent.
fn admit_by_proxy(
    rules: &ProxyRules,
    request: &Request,
    key: &OrgKey,
    intent: Intent,
) -> Result<Admitted, Code> {
    let handoff = handoff_id(request)?;
    let identity = proxy::identity(rules, peer_address(request.extensions()), request.headers())?;
    identity.authorize(&rules.groups, key, intent)?;
    Ok(Admitted {
        subject: identity.subject,
        again: false,
        handoff,
        claim: None,
    })
}

/// Takes a request off the limits of the person and of the organization.
fn check_limits(state: &GatewayState, subject: &str, key: &OrgKey) -> Result<(), Refusal> {
    let now = state.clock.instant();
    let taken = state.subjects.take(visitor_key(subject, key), now);
    let taken = taken.and_then(|()| state.organizations.take(key.clone(), now));
    taken.map_err(|wait| Refusal::new(codes::LIMITED, ErrorPage::TooMany(wait)))
}

/// Makes the link, if the manifest and WorkOS allow it.
async fn make_link(
    state: &GatewayState,
    key: &OrgKey,
    intent: Intent,
    admitted: &Admitted,
) -> Result<PortalLink, Refusal> {
    let desired = state.manifest.current();
    let options = Options {
        undeclared: false,
        again: admitted.again,
    };
    link::declares(desired.organizations.get(key), intent, options)
        .map_err(|refusal| Refusal::link(&refusal))?;
    let permit = state.upstream.enter()?;
    let reading = state.upstream.read(&permit, &desired, key, intent).await?;
    let permitted = link::may_link(
        &desired,
        key,
        intent,
        link::Known {
            identity: &reading.identity,
            readiness: reading.readiness.as_ref(),
            name: None,
        },
        options,
    )
    .map_err(|refusal| Refusal {
        detail: Some(refusal.message(key, intent)),
        ..Refusal::link(&refusal)
    })?;
    let gateway_url = match state.config.return_mode {
        ReturnMode::Direct => None,
        ReturnMode::Page | ReturnMode::Forward => Some(state.public_url.return_url(key, intent)),
    };
    let text_of = |url: &Option<ResolvedUrl>| url.as_ref().map(|it| it.url.to_string());
    let request = LinkRequest {
        organization: permitted.organization,
        intent,
        return_url: gateway_url
            .clone()
            .or_else(|| text_of(&permitted.urls.return_url)),
        success_url: gateway_url.or_else(|| text_of(&permitted.urls.success_url)),
        // The subject was checked by the same rule when it was read.
        external_user_id: ExternalUserId::parse(&admitted.subject).ok(),
        it_contacts: Vec::new(),
    };
    state.upstream.link(&permit, &request).await
}

/// Leads the person on to the link: by a page that goes on by itself in a browser, by a redirect in
/// any other client. The link is in this answer and nowhere else.
fn lead_on(state: &GatewayState, linked: &Linked) -> Result<Response, Refusal> {
    let link = linked.link.expose();
    let mut answer = match linked.navigation {
        Navigation::Browser => state.pages.onward(link, linked.intent),
        Navigation::Unstated => redirect(link)?,
    };
    for cookie in &linked.cookies {
        let cookie = HeaderValue::from_str(cookie);
        let mut cookie = cookie.expect("tokens, keys and intents are visible ASCII");
        cookie.set_sensitive(true);
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

fn redirect(link: &str) -> Result<Response, Refusal> {
    let link = HeaderValue::from_str(link);
    let mut link = link.map_err(|_| {
        Refusal::new(
            portalctl_model::codes::api::INVALID_ANSWER,
            ErrorPage::Failed,
        )
    })?;
    link.set_sensitive(true);
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, link);
    Ok(answer)
}
