//! One request that tells whether WorkOS is there, takes the key, and has budget and time left.
//!
//! Unlike every other call these are sent once: whoever asks wants to see what happens, not to get
//! through.

use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Call, Client, Failed};
use crate::paging::Page;
use crate::rate_headers::{Budget, RateHeaders};
use crate::transport::ConnectFailure;
use crate::wire::{self, FromWire, Unreadable};
use crate::{ApiError, ApiErrorKind, ApiResult};
use portalctl_model::ClientId;
use portalctl_model::observed::Organization;

/// Probe result: facts about the endpoint, the key and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiProbe {
    /// Duration of the exchange.
    pub elapsed: Duration,
    /// Error, where the answer is not the one that was asked for.
    pub refusal: Option<ApiError>,
    /// True where the environment has an organization; `None` where the answer does not tell.
    pub has_organizations: Option<bool>,
    /// Lead of the server's clock over this machine's; to the second, as `Date` tells it.
    pub server_ahead: Option<SignedDuration>,
    /// Budget of requests, by the rate-limit headers.
    pub budget: Option<Budget>,
}

/// Failure of a probe without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiProbeFailure {
    /// The error.
    pub error: ApiError,
    /// At which step the connection failed, if it is known.
    pub at: Option<ConnectFailure>,
}

impl Client {
    /// Asks for the smallest page there is; an answer of any status is a result.
    ///
    /// `GET /organizations?limit=1`
    pub async fn probe(&self) -> Result<ApiProbe, ApiProbeFailure> {
        let mut call = Call::get("/organizations".to_owned());
        "limit=1".clone_into(&mut call.query);
        let key = self.key_for(&call).await;
        let (elapsed, answer) = self.attempt(&call, 1, key.as_ref()).await;
        let answer = answer.map_err(|failed| ApiProbeFailure {
            at: failed.at,
            error: *failed.error,
        })?;
        let now = self.clock.now();
        let page = self.read(&call, 1, &answer, wire::decode::<Page<Organization>>);
        let (has_organizations, refusal) = match page {
            Ok(page) => (Some(!page.items.is_empty()), None),
            Err(Failed { error, .. }) => (None, Some(*error)),
        };
        Ok(ApiProbe {
            elapsed,
            refusal,
            has_organizations,
            server_ahead: server_ahead(answer.headers(), now, elapsed),
            budget: RateHeaders::read(answer.headers(), now).budget,
        })
    }

    /// Checks that WorkOS knows a client id: it serves the public keys of every one it knows, to
    /// everybody.
    ///
    /// `GET /sso/jwks/{client_id}`, without the key; 404 for an id that is not known.
    pub async fn knows_client_id(&self, id: &ClientId) -> ApiResult<bool> {
        // Letters, digits and an underscore: nothing to encode.
        let call = Call {
            is_public: true,
            is_merged: false,
            ..Call::get(format!("/sso/jwks/{id}"))
        };
        let (_, answer) = self.attempt(&call, 1, None).await;
        let keys = answer.and_then(|answer| self.read(&call, 1, &answer, wire::decode::<KeySet>));
        match keys {
            Ok(KeySet) => Ok(true),
            Err(failed) if failed.error.kind == ApiErrorKind::NotFound => Ok(false),
            Err(failed) => Err(*failed.error),
        }
    }
}

/// `JwksResponse`; which keys it holds does not matter here.
struct KeySet;

impl FromWire for KeySet {
    fn from_wire(value: &Value) -> Result<Self, Unreadable> {
        let keys = value.get("keys").and_then(Value::as_array);
        keys.map(|_| Self).ok_or(Unreadable::Lacks {
            object: "a key set",
            field: "keys",
        })
    }
}

/// The server wrote its `Date` about half an exchange ago.
fn server_ahead(
    headers: &http::HeaderMap,
    now: Timestamp,
    elapsed: Duration,
) -> Option<SignedDuration> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let then = now.checked_sub(elapsed / 2).ok()?;
    Some(date.duration_since(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_compared_with_the_middle_of_the_exchange() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let ahead = |date: &str, elapsed| {
            let headers = [(http::header::DATE, date.parse().unwrap())];
            let headers = headers.into_iter().collect();
            server_ahead(&headers, now, Duration::from_secs(elapsed))
        };
        let date = "Fri, 15 Jan 2027 08:00:00 GMT";
        assert_eq!(ahead(date, 0), Some(SignedDuration::ZERO));
        assert_eq!(ahead(date, 20), Some(SignedDuration::from_secs(10)));
        let date = "Fri, 15 Jan 2027 07:50:00 GMT";
        assert_eq!(ahead(date, 0), Some(SignedDuration::from_secs(-600)));
        assert_eq!(ahead("yesterday", 0), None);
    }
}
