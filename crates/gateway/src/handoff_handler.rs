//! Handler of `/portal/KEY/INTENT`: lets a person in, makes a portal link for them, and redirects to it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::admission::{Admitted, CONSENT, Vouched, admit};
use super::audit_log::{AuditRecord, Route};
use super::config::{Again, ReturnMode};
use super::cookie;
use super::navigation::{Navigation, navigation};
use super::provision::{Customer, Standing};
use super::refusal::{ErrorPage, Refusal};
use super::request::{RequestPath, parse_path, peer_address};
use super::session_token::{Consent, SESSION_SECONDS, Session};
use super::state::GatewayState;
use super::upstream::{Permit, Reading};
use super::visit::Visit;
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Options, Permitted, ResolvedUrl};
use portalctl_model::codes::gateway as codes;
use portalctl_model::{ExternalUserId, Intent, OrgKey};
use portalctl_workos::{LinkRequest, PortalLink, SsoOptions};

/// Longest wait for the creation of another organization.
const PROVISIONING_TIMEOUT: Duration = Duration::from_secs(15);

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
    let admitted = admit(visit, request, (&key, intent), audit).await?;
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
            return Err(Refusal::from(codes::PROVISION).with_detail(detail));
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
