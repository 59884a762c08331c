//! JSON answers; errors have the form `{"message", "code", "errors"?}`.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::world::Refusal;

/// Result of a handler.
pub(super) type Answer = Result<Response, Refusal>;

/// Builds a JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    answer
}

/// Builds a 200 with a body.
pub(super) fn ok(body: &Value) -> Response {
    json_answer(StatusCode::OK, body)
}

/// Builds a 201 with a body.
pub(super) fn created(body: &Value) -> Response {
    json_answer(StatusCode::CREATED, body)
}

/// Builds an answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    status.into_response()
}

/// Builds an error that does not come from a rule of the world.
pub(super) fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    json_answer(status, &json!({ "message": message, "code": code }))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut body = json!({ "message": self.to_string(), "code": self.code() });
        if !self.fields().is_empty() {
            body["errors"] = json!(self.fields());
        }
        if let Self::UnknownEvents(_) = &self {
            let error = json!({ "code": "unknown_event_type", "message": "Invalid enum value." });
            body["errors"] = json!([error]);
        }
        json_answer(status, &body)
    }
}
