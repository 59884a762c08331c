//! Reads the error of an answer whose status is no success.
//!
//! Pure: status, headers and body → the parts of an [`ApiError`](super::ApiError). Tolerant: any
//! server or proxy may have written the body. Source of the shapes: the 4xx responses of the
//! WorkOS API description (`message`, `code`, `errors`; `error`, `error_description`).

use http::header::LOCATION;
use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::ApiErrorKind;
use super::redact::one_line;
use super::retry::Failure;

/// WorkOS's code for an external id that another organization has.
const EXTERNAL_ID_TAKEN: &str = "external_id_already_used";

/// WorkOS's code for a write that it did not carry out, because of another one at the same time.
const CONCURRENT_REQUEST: &str = "concurrent_request";

/// Error of an answer whose status is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) kind: ApiErrorKind,
    pub(super) failure: Failure,
    pub(super) code: Option<String>,
    pub(super) message: String,
}

/// Reads an answer whose status is not 2xx.
pub(super) fn read(answer: &Response<bytes::Bytes>) -> Refusal {
    let status = answer.status();
    if status.is_redirection() {
        return Refusal {
            kind: ApiErrorKind::Redirected,
            failure: Failure::Refused,
            code: None,
            message: one_line(&format!("redirects to {}", target(answer.headers()))),
        };
    }
    let body = serde_json::from_slice::<Value>(answer.body())
        .ok()
        .filter(Value::is_object);
    let code = body
        .as_ref()
        .and_then(|body| text(body, "code").or_else(|| text(body, "error").filter(is_code)));
    let (kind, failure) = match status {
        StatusCode::UNAUTHORIZED => (ApiErrorKind::Unauthorized, Failure::Refused),
        StatusCode::FORBIDDEN => (ApiErrorKind::Forbidden, Failure::Refused),
        // "There is none" is an answer that plans are made of: only the API itself may give it.
        StatusCode::NOT_FOUND if body.is_none() => (ApiErrorKind::InvalidAnswer, Failure::Unusable),
        StatusCode::NOT_FOUND => (ApiErrorKind::NotFound, Failure::Refused),
        StatusCode::TOO_MANY_REQUESTS => (ApiErrorKind::RateLimited, Failure::Limited),
        _ if code == Some(EXTERNAL_ID_TAKEN) && status.is_client_error() => {
            (ApiErrorKind::ExternalIdTaken, Failure::Refused)
        }
        StatusCode::SERVICE_UNAVAILABLE if code == Some(CONCURRENT_REQUEST) => {
            (ApiErrorKind::Concurrent, Failure::Concurrent)
        }
        _ if status.is_client_error() => (ApiErrorKind::Rejected, Failure::Refused),
        _ if status.is_server_error() => (ApiErrorKind::Server, Failure::Server),
        _ => (ApiErrorKind::InvalidAnswer, Failure::Unusable),
    };
    let message = match &body {
        Some(body) => message(body),
        None => String::from_utf8_lossy(answer.body()).into_owned(),
    };
    Refusal {
        kind,
        failure,
        code: code.map(one_line),
        message: one_line(&message),
    }
}

/// Returns whether a text is a code, and not the words of an HTTP status (`Unprocessable Entity`).
fn is_code(text: &&str) -> bool {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.bytes().all(is_part)
}

fn message(body: &Value) -> String {
    let several = body.get("message").and_then(Value::as_array).map(|all| {
        let texts = all.iter();
        let texts = texts.flat_map(|error| field_errors(error, "", MAX_DEPTH));
        texts.collect::<Vec<_>>().join(", ")
    });
    let said = several
        .as_deref()
        .or_else(|| text(body, "message"))
        .or_else(|| text(body, "error_description"))
        .or_else(|| text(body, "error"))
        .unwrap_or_default();
    let errors = body.get("errors");
    let listed = errors.and_then(Value::as_array).into_iter().flatten();
    let listed = listed.flat_map(|error| field_errors(error, "", MAX_DEPTH));
    let mapped = errors.and_then(Value::as_object).into_iter().flatten();
    let fields: Vec<String> = listed.chain(mapped.filter_map(errors_of_field)).collect();
    match (said.is_empty(), fields.is_empty()) {
        (_, true) => said.to_owned(),
        (true, false) => fields.join(", "),
        (false, false) => format!("{said} ({})", fields.join(", ")),
    }
}

/// Reads a member of an `errors` object: `"name": "too long"`, or several texts.
fn errors_of_field((field, said): (&String, &Value)) -> Option<String> {
    let several = said.as_array().into_iter().flatten();
    let texts: Vec<&str> = std::iter::once(said)
        .chain(several)
        .filter_map(Value::as_str)
        .collect();
    (!texts.is_empty()).then(|| format!("{field}: {}", texts.join(", ")))
}

/// Most levels of fields of a refused object that are followed.
const MAX_DEPTH: usize = 4;

/// Reads one member of `errors`: `{"field": "name", "code": "required"}`, `{"code": …, "message":
/// …}`, a validator's `{"property": "domain_data", "constraints": {…}, "children": […]}`, or a
/// plain text.
fn field_errors(error: &Value, parent: &str, depth: usize) -> Vec<String> {
    if let Some(text) = error.as_str() {
        return vec![text.to_owned()];
    }
    let named = ["field", "path", "property"];
    let field = named.into_iter().find_map(|name| text(error, name));
    let field = match (parent, field) {
        ("", field) => field.map(str::to_owned),
        (parent, Some(field)) => Some(format!("{parent}.{field}")),
        (parent, None) => Some(parent.to_owned()),
    };
    let constraints = error.get("constraints").and_then(Value::as_object);
    let broken: Vec<&str> = constraints
        .into_iter()
        .flat_map(serde_json::Map::values)
        .filter_map(Value::as_str)
        .collect();
    let what = match (text(error, "message"), text(error, "code")) {
        (Some(message), Some(code)) if field.is_some() => Some(format!("{message} [{code}]")),
        (Some(text), _) | (None, Some(text)) => Some(text.to_owned()),
        (None, None) => (!broken.is_empty()).then(|| broken.join(", ")),
    };
    let children = error.get("children").and_then(Value::as_array);
    let mut found: Vec<String> = children
        .into_iter()
        .flatten()
        .filter(|_| depth > 0)
        .flat_map(|child| field_errors(child, field.as_deref().unwrap_or_default(), depth - 1))
        .collect();
    match (field, what) {
        (Some(field), Some(what)) => found.insert(0, format!("{field}: {what}")),
        (None, Some(what)) => found.insert(0, what),
        (Some(field), None) if found.is_empty() => found.push(field),
        (_, None) => {}
    }
    found
}

fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The host that a redirect leads to; the rest of its URL may hold anything.
fn target(headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    match location.map(Url::parse) {
        Some(Ok(url)) => url.host_str().unwrap_or("nowhere").to_owned(),
        Some(Err(_)) => "another path of the same host".to_owned(),
        None => "nowhere".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        let answer = Response::builder().status(status);
        read(&answer.body(body.to_owned().into()).unwrap())
    }

    #[test]
    fn every_shape_of_body_gives_one_line() {
        for (body, code, message) in [
            (
                r#"{"message":"Not Found","code":"not_found"}"#,
                Some("not_found"),
                "Not Found",
            ),
            (
                r#"{"error":"invalid_grant","error_description":"No such code"}"#,
                Some("invalid_grant"),
                "No such code",
            ),
            (
                r#"{"message":"Validation failed","errors":[{"field":"name","code":"required"},"too long"]}"#,
                None,
                "Validation failed (name: required, too long)",
            ),
            (r#"{"errors":["a","b"]}"#, None, "a, b"),
            (
                r#"{"message":["name should not be empty","too long"],"error":"Bad Request"}"#,
                None,
                "name should not be empty, too long",
            ),
            (
                r#"{"message":["success_url must be a URL"],"error":"Unprocessable Entity","statusCode":422}"#,
                None,
                "success_url must be a URL",
            ),
            (
                r#"{"message":[{"property":"intents","constraints":{"isEnum":"must be an intent"}}],"error":"Unprocessable Entity"}"#,
                None,
                "intents: must be an intent",
            ),
            (
                r#"{"message":"Validation failed","code":"invalid_request_parameters","errors":[{"property":"metadata","constraints":{"max":"50 keys","ascii":"ASCII only"}}]}"#,
                Some("invalid_request_parameters"),
                "Validation failed (metadata: ASCII only, 50 keys)",
            ),
            (
                r#"{"errors":{"name":["too long","no line breaks"],"external_id":"taken"}}"#,
                None,
                "external_id: taken, name: too long, no line breaks",
            ),
            (
                r#"{"message":"No","code":"x","errors":[{"field":"domain","code":"bad","message":"is not a domain"}]}"#,
                Some("x"),
                "No (domain: is not a domain [bad])",
            ),
            (
                r#"{"message":"No","errors":[{"property":"domain_data","children":[{"property":"1","children":[{"property":"domain","constraints":{"isFqdn":"must be a domain"}}]}]}]}"#,
                None,
                "No (domain_data.1.domain: must be a domain)",
            ),
            (r#"{"errors":{"a":1},"message":7}"#, None, ""),
            (
                "<html>\n<b>Bad Gateway</b>",
                None,
                "<html> <b>Bad Gateway</b>",
            ),
            ("", None, ""),
        ] {
            let refusal = refusal(422, body);
            assert_eq!(refusal.code.as_deref(), code, "{body}");
            assert_eq!(refusal.message, message, "{body}");
        }
    }

    #[test]
    fn the_status_gives_the_kind() {
        let json = r#"{"message":"x","code":"external_id_already_used"}"#;
        for (status, body, kind, failure) in [
            (401, "", ApiErrorKind::Unauthorized, Failure::Refused),
            (403, "", ApiErrorKind::Forbidden, Failure::Refused),
            (404, "{}", ApiErrorKind::NotFound, Failure::Refused),
            (
                404,
                "<html>",
                ApiErrorKind::InvalidAnswer,
                Failure::Unusable,
            ),
            (400, json, ApiErrorKind::ExternalIdTaken, Failure::Refused),
            (400, "{}", ApiErrorKind::Rejected, Failure::Refused),
            (409, "{}", ApiErrorKind::Rejected, Failure::Refused),
            (429, "", ApiErrorKind::RateLimited, Failure::Limited),
            (500, json, ApiErrorKind::Server, Failure::Server),
            (503, "", ApiErrorKind::Server, Failure::Server),
            (
                503,
                r#"{"code":"concurrent_request"}"#,
                ApiErrorKind::Concurrent,
                Failure::Concurrent,
            ),
            (302, "", ApiErrorKind::Redirected, Failure::Refused),
        ] {
            let refusal = refusal(status, body);
            assert_eq!((refusal.kind, refusal.failure), (kind, failure), "{status}");
        }
    }

    #[test]
    fn a_redirect_names_its_host_only() {
        let answer = Response::builder()
            .status(307)
            .header(LOCATION, "https://evil.example/steal?token=x")
            .body(bytes::Bytes::new())
            .unwrap();
        assert_eq!(read(&answer).message, "redirects to evil.example");
    }
}
