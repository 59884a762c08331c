//! Handler of `/portal/KEY/INTENT`: authenticates, authorizes, and redirects to a fresh portal
//! link.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use url::form_urlencoded;

use super::audit_log::{AuditRecord, Route};
use super::config::{Again, IdentityProvider, ProxyRules, ReturnMode};
use super::keyring::Keyring;
use super::keys::KeySet;
use super::navigation::{Navigation, is_cross_site, navigation};
use super::provision::{Customer, Standing};
use super::refusal::{ErrorPage, Refusal};
use super::request::{RequestPath, parse_path, peer_address};
use super::session_token::{Consent, SESSION_SECONDS, Session};
use super::state::GatewayState;
use super::token::{self, HandOff, MAX_TOKEN, NewCustomer, Rejected, is_id};
use super::upstream::{Permit, Reading};
use super::used_tokens::Claim;
use super::visit::Visit;
use super::{cookie, proxy};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Options, Permitted, ResolvedUrl};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::{ExternalUserId, Intent, OrgKey};
use portalctl_workos::{LinkRequest, PortalLink, SsoOptions};

/// Largest form body: a token with its name, percent-encoded.
const MAX_FORM: usize = 3 * MAX_TOKEN + 16;
/// Deadline for receiving a form body.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the creation of another organization.
const PROVISIONING_TIMEOUT: Duration = Duration::from_secs(15);

/// Word of the app for a customer whom the manifest does not declare.
enum Vouched {
    /// None: the manifest has to declare the customer.
    No,
    /// Given now: the organization is created where there is none.
    Now(NewCustomer),
    /// Given before a question of the gateway, when the organization was there.
    Before,
}

/// Person who may have a link.
struct Admitted {
    subject: String,
    again: bool,
    /// Token id, or the id that the app gave in its place; may be empty behind a proxy.
    handoff: String,
    claim: Option<Claim>,
    /// Word of the app for a customer whom the manifest does not declare.
    vouched: Vouched,
    /// Start of the portal with single sign-on.
    sso: SsoOptions,
}

/// Portal link with the cookies that go with it.
struct Linked {
    link: PortalLink,
    intent: Intent,
    navigation: Navigation,
    cookies: Vec<String>,
}

/// End of a hand-off.
enum HandedOver {
    /// The person goes on to the portal.
    Linked(Box<Linked>),
    /// The person is asked first; this is the field that says yes.
    Asked(String),
}

/// Field of a request that says who somebody is, or that they agree.
enum Field {
    /// Token of the app.
    Token(String),
    /// Permission to change what is set up, from a form of the gateway.
    Consent(String),
}

/// Name of a form's field that holds a permission.
const CONSENT: &str = "consent";

/// Answers a request with a redirect to a portal link, or with a refusal.
pub(super) async fn handle(
    State(state): State<Arc<GatewayState>>,
    path: RequestPath,
    request: Request,
) -> Response {
    let mut audit = AuditRecord::new(Route::Portal, peer_address(request.extensions()));
    let own_path = state.public_url.own(request.uri().path());
    let own_address = request.uri().path_and_query();
    let own_address = own_address.map(|address| state.public_url.own(address.as_str()));
    let setup = state.setup();
    let visit = Visit::new(&state, &setup, request.headers());
    let outcome = hand_over(&visit, path, request, &mut audit).await;
    let answer = outcome.and_then(|handed| match handed {
        HandedOver::Linked(linked) => Ok((lead_on(&visit, &linked)?, "linked")),
        HandedOver::Asked(consent) => {
            let page = visit.view.change_active(own_path, (CONSENT, consent));
            Ok((page, "asked"))
        }
    });
    match answer {
        Ok((answer, done)) => {
            audit.done(done, &state.metrics);
            answer
        }
        Err(refusal) => {
            audit.refused(&refusal, &state.metrics);
            match (refusal.page, own_address) {
                // The address was checked before: it holds a key, an intent and a hand-off id.
                (ErrorPage::Confirm, Some(address)) => visit.view.confirm(address),
                (page, _) => visit.view.refusal(page, audit.reference()),
            }
        }
    }
}

/// Authenticates, authorizes, and makes the link.
async fn hand_over(
    visit: &Visit<'_>,
    path: RequestPath,
    request: Request,
    audit: &mut AuditRecord,
) -> Result<HandedOver, Refusal> {
    let (key, intent) = parse_path(path)?;
    audit.organization = Some(key.clone());
    audit.intent = Some(intent);
    let navigation = navigation(request.method(), request.headers())?;
    let admitted = match &visit.setup.config.identity_provider {
        IdentityProvider::Token(_) => match read_field(visit.state, request).await? {
            Field::Token(text) => admit_by_token(visit, &text, (&key, intent), audit).await?,
            Field::Consent(text) => {
                let admitted = admit_by_consent(visit, &text, (&key, intent)).await?;
                audit.subject = Some(admitted.subject.clone());
                admitted
            }
        },
        IdentityProvider::Proxy(rules) => {
            let admitted = admit_by_proxy(rules, &request, &key, intent)?;
            audit.subject = Some(admitted.subject.clone());
            // The proxy's cookie goes with every request, whoever made the browser send it.
            if is_cross_site(request.headers(), visit.state.public_url.origin()) {
                return Err(codes::CROSS_SITE.into());
            }
            if *request.method() == Method::POST {
                agreed(visit, request, admitted, (&key, intent)).await?
            } else {
                admitted
            }
        }
    };
    visit.take_link(&admitted.subject, &key)?;
    let made = make_link(visit, &key, intent, &admitted).await;
    let session = Session {
        sub: admitted.subject,
        organization: key,
        intent,
        handoff: admitted.handoff,
        exp: visit.state.now().saturating_add(SESSION_SECONDS),
    };
    let handed = match made {
        Ok(link) => HandedOver::Linked(Box::new(Linked {
            link,
            intent,
            navigation,
            cookies: cookies(visit, &session),
        })),
        Err(refusal) => HandedOver::Asked(ask(visit, session, refusal)?),
    };
    if let Some(claim) = admitted.claim {
        claim.spend();
    }
    Ok(handed)
}

/// Turns the refusal of what is set up already into a question, where the configuration wants that.
fn ask(visit: &Visit<'_>, session: Session, refusal: Refusal) -> Result<String, Refusal> {
    let asks = visit.setup.config.again == Again::Ask;
    if refusal.page != ErrorPage::AlreadyThere || !asks {
        return Err(refusal);
    }
    let consent = Consent::of(session, &visit.state.process, visit.state.now()).ok_or(refusal)?;
    Ok(visit.state.signing_keys().sign_consent(&consent))
}

/// Returns the `Set-Cookie` headers of a session.
fn cookies(visit: &Visit<'_>, session: &Session) -> Vec<String> {
    let state = visit.state;
    if visit.setup.config.return_mode == ReturnMode::Direct {
        return Vec::new();
    }
    let (keys, url) = (state.signing_keys(), &state.public_url);
    let value = keys.sign_session(session);
    vec![
        cookie::set_session(url, session, &value, SESSION_SECONDS),
        cookie::set_seat(url, &keys.seat(&session.sub)),
    ]
}

/// Returns the field of the form body or of the query, where it is the only one. A permission is read
/// from a form only: it is given by a press of a button.
async fn read_field(state: &GatewayState, request: Request) -> Result<Field, Refusal> {
    if *request.method() == Method::POST {
        refuse_parameters(&request)?;
        let body = read_form(state, request).await?;
        return Ok(only_field(&body)?);
    }
    let query = request.uri().query().unwrap_or_default();
    match only_field(query.as_bytes())? {
        Field::Token(token) => Ok(Field::Token(token)),
        Field::Consent(_) => Err(codes::PARAMETER.into()),
    }
}

/// Reads the body of a form, within its bounds.
async fn read_form(state: &GatewayState, request: Request) -> Result<Bytes, Refusal> {
    let body = to_bytes(request.into_body(), MAX_FORM);
    let body = tokio::select! {
        body = body => body,
        () = state.clock.sleep(FORM_TIMEOUT) => return Err(codes::MALFORMED.into()),
    };
    Ok(body.map_err(|_| codes::MALFORMED)?)
}

/// Returns the single field. No parameter can choose a return URL: the manifest does.
fn only_field(pairs: &[u8]) -> Result<Field, Code> {
    let mut pairs = form_urlencoded::parse(pairs);
    let (first, second) = (pairs.next(), pairs.next());
    let (name, value) = match (first, second) {
        (None, _) => return Err(codes::NO_TOKEN),
        (Some(pair), None) => pair,
        (Some(_), Some(_)) => return Err(codes::PARAMETER),
    };
    match name.as_ref() {
        "token" if value.is_empty() => Err(codes::NO_TOKEN),
        "token" => Ok(Field::Token(value.into_owned())),
        CONSENT => Ok(Field::Consent(value.into_owned())),
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
async fn verify_token(visit: &Visit<'_>, text: &str) -> Result<HandOff, Refusal> {
    let state = visit.state;
    let (Some(rules), Some(keyring)) = (&visit.setup.rules, &state.keyring) else {
        return Err(Refusal::busy());
    };
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

/// Checks a token, that it is for this organization and intent, and claims it.
async fn admit_by_token(
    visit: &Visit<'_>,
    text: &str,
    (key, intent): (&OrgKey, Intent),
    audit: &mut AuditRecord,
) -> Result<Admitted, Refusal> {
    let handoff = verify_token(visit, text).await?;
    audit.subject = Some(handoff.subject.clone());
    if handoff.organization != *key {
        let detail = format!("the token is for `{}`", handoff.organization);
        return Err(Refusal::from(codes::OTHER_ORGANIZATION).with_detail(detail));
    }
    if !handoff.intents.contains(&intent) {
        let intents: Vec<&str> = handoff.intents.iter().map(|it| it.as_str()).collect();
        let detail = format!("intents of the token are {}", intents.join(", "));
        return Err(Refusal::from(codes::OTHER_INTENT).with_detail(detail));
    }
    let claim = claim(visit.state, &handoff.id, handoff.ends).await?;
    Ok(Admitted {
        subject: handoff.subject,
        again: handoff.again,
        handoff: handoff.id,
        claim: Some(claim),
        vouched: handoff.provision.map_or(Vouched::No, Vouched::Now),
        sso: handoff.sso,
    })
}

/// Claims the id of a token. Gateways that share a store are told apart by their addresses.
async fn claim(state: &GatewayState, id: &str, ends: i64) -> Result<Claim, Code> {
    let id = format!("{} {id}", state.public_url.as_str());
    state.used_tokens.claim(&id, ends, state.now()).await
}

/// Admits the person who was asked whether to change what is set up, and pressed the button.
async fn admit_by_consent(
    visit: &Visit<'_>,
    text: &str,
    (key, intent): (&OrgKey, Intent),
) -> Result<Admitted, Refusal> {
    let state = visit.state;
    let consent = state.signing_keys().verify_consent(text, state.now());
    let consent = consent.ok_or(codes::CONSENT)?;
    let is_this = consent.organization == *key && consent.intent == intent;
    // Whether one of an earlier process was used is forgotten.
    let is_judged = consent.process == state.process;
    if !is_this || !is_judged || visit.setup.config.again != Again::Ask {
        return Err(codes::CONSENT.into());
    }
    let claim = claim(state, &consent.jti, consent.exp).await?;
    Ok(Admitted {
        subject: consent.sub,
        again: true,
        handoff: consent.handoff,
        claim: Some(claim),
        vouched: Vouched::Before,
        sso: SsoOptions::default(),
    })
}

/// Reads whether the person that a proxy reports has agreed to change what is set up.
async fn agreed(
    visit: &Visit<'_>,
    request: Request,
    admitted: Admitted,
    page: (&OrgKey, Intent),
) -> Result<Admitted, Refusal> {
    let body = read_form(visit.state, request).await?;
    if body.is_empty() {
        return Ok(admitted);
    }
    let Field::Consent(text) = only_field(&body)? else {
        return Err(codes::PARAMETER.into());
    };
    let agreed = admit_by_consent(visit, &text, page).await?;
    if agreed.subject == admitted.subject {
        Ok(agreed)
    } else {
        Err(codes::CONSENT.into())
    }
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
        vouched: Vouched::No,
        sso: SsoOptions::default(),
    })
}

/// Makes the link, if the manifest and WorkOS allow it.
async fn make_link(
    visit: &Visit<'_>,
    key: &OrgKey,
    intent: Intent,
    admitted: &Admitted,
) -> Result<PortalLink, Refusal> {
    let state = visit.state;
    let customer = match &admitted.vouched {
        Vouched::No => visit.customer(key, None)?,
        Vouched::Now(new) => visit.customer(key, Some(new))?,
        Vouched::Before => visit.known_customer(key),
    };
    let desired = &customer.desired;
    let options = Options {
        undeclared: false,
        again: admitted.again,
    };
    link::declares(desired.organizations.get(key), intent, options)
        .map_err(|refusal| Refusal::link(&refusal))?;
    let permit = state.upstream.enter()?;
    let reading = match customer.standing {
        Standing::Manifest => state.upstream.read(&permit, desired, key, intent).await?,
        Standing::App => {
            provided(
                visit,
                &permit,
                (&customer, &admitted.vouched),
                (key, intent),
            )
            .await?
        }
    };
    let permitted = link::may_link(
        desired,
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
    let request = link_request(visit, key, permitted, admitted);
    state.upstream.link(&permit, &request).await
}

/// Builds the request for a permitted link: the portal leads back to the gateway, unless returns are direct.
fn link_request(
    visit: &Visit<'_>,
    key: &OrgKey,
    permitted: Permitted,
    admitted: &Admitted,
) -> LinkRequest {
    let Permitted {
        organization,
        intent,
        urls,
    } = permitted;
    let gateway_url = match visit.setup.config.return_mode {
        ReturnMode::Direct => None,
        ReturnMode::Page | ReturnMode::Forward => {
            Some(visit.state.public_url.return_url(key, intent))
        }
    };
    let text_of = |url: &Option<ResolvedUrl>| url.as_ref().map(|it| it.url.to_string());
    LinkRequest {
        organization,
        intent,
        return_url: gateway_url.clone().or_else(|| text_of(&urls.return_url)),
        success_url: gateway_url.or_else(|| text_of(&urls.success_url)),
        // The subject was checked by the same rule when it was read.
        external_user_id: ExternalUserId::parse(&admitted.subject).ok(),
        sso: if intent == Intent::Sso {
            admitted.sso.clone()
        } else {
            SsoOptions::default()
        },
        it_contacts: Vec::new(),
    }
}

/// Reads the organization of a customer whom the app vouches for, and creates it where there is none.
async fn provided(
    visit: &Visit<'_>,
    permit: &Permit<'_>,
    (customer, vouched): (&Customer, &Vouched),
    (key, intent): (&OrgKey, Intent),
) -> Result<Reading, Refusal> {
    let state = visit.state;
    let desired = &customer.desired;
    // Whoever presses twice waits for the first press.
    let _alone = tokio::select! {
        alone = state.provisioning.lock() => alone,
        () = state.clock.sleep(PROVISIONING_TIMEOUT) => return Err(Refusal::late()),
    };
    let reading = state.upstream.read(permit, desired, key, intent).await?;
    match reading.identity {
        Identity::Matched { .. } if reading.is_ours => return Ok(reading),
        Identity::Matched { organization, .. } => {
            let detail =
                format!("{organization} has this external id and no mark of this manifest");
            let refusal = Refusal::new(codes::PROVISION, ErrorPage::NotReady);
            return Err(refusal.with_detail(detail));
        }
        // What was there when the question was asked is gone: `may_link` says so.
        _ if matches!(vouched, Vouched::Before) => return Ok(reading),
        Identity::Missing | Identity::Adoptable { .. } | Identity::Conflicted(_) => {}
    }
    visit.take_creation()?;
    state.upstream.create(permit, desired, key).await?;
    tracing::info!(
        organization = key.as_str(),
        "created the organization of a new customer"
    );
    state.upstream.read(permit, desired, key, intent).await
}

/// Leads the person on to the link: by a page that goes on by itself in a browser, by a redirect in
/// any other client. The link is in this answer and nowhere else.
fn lead_on(visit: &Visit<'_>, linked: &Linked) -> Result<Response, Refusal> {
    let link = linked.link.expose();
    let mut answer = match linked.navigation {
        Navigation::Browser => visit.view.onward(link, linked.intent),
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
