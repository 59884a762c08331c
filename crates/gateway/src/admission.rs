//! Admission of a person to a portal link: by a token of the app, by a permission that the gateway
//! gave, or by a trusted proxy.
//!
//! Takes a request and the page that it is for. Returns who is admitted, with a claim to what they came
//! with; asks WorkOS nothing.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use bytes::Bytes;
use http::Method;
use url::form_urlencoded;

use super::audit_log::AuditRecord;
use super::config::{Again, IdentityProvider, ProxyRules};
use super::keyring::Keyring;
use super::keys::KeySet;
use super::navigation::is_cross_site;
use super::proxy;
use super::refusal::{ErrorPage, Refusal};
use super::request::peer_address;
use super::state::GatewayState;
use super::token::{self, HandOff, MAX_TOKEN, NewCustomer, Rejected, is_id};
use super::used_tokens::Claim;
use super::visit::Visit;
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::{Intent, OrgKey};
use portalctl_workos::SsoOptions;

/// Largest form body: a token with its name, percent-encoded.
const MAX_FORM: usize = 3 * MAX_TOKEN + 16;
/// Deadline for receiving a form body.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Word of the app for a customer whom the manifest does not declare.
pub(super) enum Vouched {
    /// None: the manifest has to declare the customer.
    No,
    /// Given now: the organization is created where there is none.
    Now(NewCustomer),
    /// Given before a question of the gateway, when the organization was there.
    Before,
}

/// Person who may have a link.
pub(super) struct Admitted {
    pub(super) subject: String,
    pub(super) again: bool,
    /// Token id, or the id that the app gave in its place; may be empty behind a proxy.
    pub(super) handoff: String,
    pub(super) claim: Option<Claim>,
    /// Word of the app for a customer whom the manifest does not declare.
    pub(super) vouched: Vouched,
    /// Start of the portal with single sign-on.
    pub(super) sso: SsoOptions,
}

/// Field of a request that says who somebody is, or that they agree.
enum Field {
    /// Token of the app.
    Token(String),
    /// Permission to change what is set up, from a form of the gateway.
    Consent(String),
}

/// Name of a form's field that holds a permission.
pub(super) const CONSENT: &str = "consent";

/// Admits the person of a request to a page; records them in the audit log once they are known.
pub(super) async fn admit(
    visit: &Visit<'_>,
    request: Request,
    (key, intent): (&OrgKey, Intent),
    audit: &mut AuditRecord,
) -> Result<Admitted, Refusal> {
    match &visit.setup.config.identity_provider {
        IdentityProvider::Token(_) => match read_field(visit.state, request).await? {
            Field::Token(text) => admit_by_token(visit, &text, (key, intent), audit).await,
            Field::Consent(text) => {
                let admitted = admit_by_consent(visit, &text, (key, intent)).await?;
                audit.subject = Some(admitted.subject.clone());
                Ok(admitted)
            }
        },
        IdentityProvider::Proxy(rules) => {
            let admitted = admit_by_proxy(rules, &request, key, intent)?;
            audit.subject = Some(admitted.subject.clone());
            // The proxy's cookie goes with every request, whoever made the browser send it.
            if is_cross_site(request.headers(), visit.state.public_url.origin()) {
                return Err(codes::CROSS_SITE.into());
            }
            if *request.method() == Method::POST {
                agreed(visit, request, admitted, (key, intent)).await
            } else {
                Ok(admitted)
            }
        }
    }
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
