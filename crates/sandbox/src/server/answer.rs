//! Answers: JSON always, errors as `{"message", "code", "errors"?}`.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::world::Refusal;

/// What a handler gives back.
pub(super) type Answer = Result<Response, Refusal>;

/// A JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    answer
}

/// 200 with a body.
pub(super) fn ok(body: &Value) -> Response {
    json_answer(StatusCode::OK, body)
}

/// 201 with a body.
pub(super) fn created(body: &Value) -> Response {
    json_answer(StatusCode::CREATED, body)
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    status.into_response()
}

/// An error that no rule of the world gives.
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
