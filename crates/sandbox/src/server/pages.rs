//! Pages behind a portal link, with a button that plays the IT admin who finishes the setup.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use url::form_urlencoded;

use super::request::Id;
use crate::portal::{self, STYLE_HASH};
use crate::shared::Core;

/// Largest form, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// Returns the routes of the pages.
pub(super) fn routes() -> Router<Core> {
    Router::new()
        .route("/portal/{token}", get(open))
        .route("/portal/{token}/finish", post(finish))
}

/// Opens a link, which uses it up; a mail program that previews the link uses it up as well, as
/// with WorkOS.
async fn open(State(core): State<Core>, Id(token): Id) -> Response {
    match core.world(|world, now| world.open_link(now, &token)) {
        Some(session) => {
            let html = portal::setup(&session, None, core.default_return_url());
            page(StatusCode::OK, &html)
        }
        None => page(StatusCode::NOT_FOUND, &portal::dead_link()),
    }
}

/// Finishes an opened portal and redirects the admin.
async fn finish(State(core): State<Core>, Id(token): Id, request: Request) -> Response {
    let Ok(form) = axum::body::to_bytes(request.into_body(), MAX_FORM).await else {
        return page(StatusCode::PAYLOAD_TOO_LARGE, &portal::dead_link());
    };
    let domain = form_urlencoded::parse(&form)
        .find(|(name, _)| name == "domain")
        .map(|(_, value)| value.into_owned());
    let finished = core.world(|world, now| {
        let result = world.finish_portal(now, &token, domain.as_deref())?;
        // A refused form is shown again, to be corrected.
        Some(result.map_err(|refusal| (refusal, world.portal_session(&token))))
    });
    match finished {
        None | Some(Err((_, None))) => page(StatusCode::NOT_FOUND, &portal::dead_link()),
        Some(Err((refusal, Some(session)))) => {
            let html = portal::setup(&session, Some(&refusal), core.default_return_url());
            page(StatusCode::UNPROCESSABLE_ENTITY, &html)
        }
        Some(Ok(finished)) => {
            let html = portal::done(&finished, core.default_return_url());
            let next = finished.link.success_url.as_deref();
            match next.and_then(|url| HeaderValue::from_str(url).ok()) {
                Some(url) => {
                    let mut answer = page(StatusCode::SEE_OTHER, &html);
                    answer.headers_mut().insert(header::LOCATION, url);
                    answer
                }
                None => page(StatusCode::OK, &html),
            }
        }
    }
}

fn page(status: StatusCode, html: &str) -> Response {
    let mut answer = Response::new(Body::from(html.to_owned()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // The URL holds a credential.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // No form-action: browsers apply it to the redirect that follows the form, whose target is
    // the caller's.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}
