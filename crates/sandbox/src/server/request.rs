//! Extractors of request parts. Every rejection is a JSON answer.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded;

use crate::world::{FieldError, MAX_LIMIT, Order, PageQuery, Refusal};

/// Largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// Id in a path.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            // A path that is not UTF-8 names no object.
            Err(_) => Err(Refusal::not_found("Object", parts.uri.path())),
        }
    }
}

/// Two ids in a path: of an object, and of an object that belongs to it.
pub(super) struct Ids(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((owner, id))) => Ok(Self(owner, id)),
            Err(_) => Err(Refusal::not_found("Object", parts.uri.path())),
        }
    }
}

/// JSON body of any content type, because WorkOS's own clients differ in it.
pub(super) struct JsonBody(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let invalid = |why: &str| Refusal::InvalidBody(why.to_owned());
        let body = axum::body::to_bytes(request.into_body(), MAX_BODY)
            .await
            .map_err(|_| invalid("The request body is too large or broke off."))?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| invalid("The request body is not valid JSON."))
    }
}

/// Query of a request: names may repeat, also as `name[]` and `name[0]`.
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Params {
    fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// Returns a single value; an empty one counts as absent.
    pub(super) fn one(&self, name: &str) -> Option<String> {
        let value = self.0.iter().find(|(key, _)| key == name);
        value
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    }

    /// Returns a list. Official SDKs send it comma-joined, as `style: form, explode: false` says;
    /// older ones send `name[]` once for each value.
    pub(super) fn many(&self, name: &str) -> Vec<String> {
        let is_named = |key: &str| {
            key.strip_prefix(name).is_some_and(|rest| {
                rest.is_empty() || (rest.starts_with('[') && rest.ends_with(']'))
            })
        };
        let values = self.0.iter().filter(|(key, _)| is_named(key));
        values
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Returns a time, or a date at midnight UTC.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.one(name) else {
            return Ok(None);
        };
        let midnight = || format!("{text}T00:00:00Z").parse().ok();
        match text.parse().ok().or_else(midnight) {
            Some(time) => Ok(Some(time)),
            None => Err(Refusal::invalid(FieldError::new(name, "invalid"))),
        }
    }

    /// Returns the requested page. A `limit` out of bounds is an error (422, as the lists document)
    /// and is not clamped.
    pub(super) fn page(&self) -> Result<PageQuery, Refusal> {
        let mut failed = Vec::new();
        let mut query = PageQuery {
            before: self.one("before"),
            after: self.one("after"),
            ..PageQuery::default()
        };
        if let Some(limit) = self.one("limit") {
            match limit.parse() {
                Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => query.limit = limit,
                _ => failed.push(FieldError::new("limit", "invalid")),
            }
        }
        match self.one("order").as_deref() {
            None => {}
            Some("asc") => query.order = Order::Asc,
            Some("desc") => query.order = Order::Desc,
            Some("normal") => query.order = Order::Normal,
            Some(_) => failed.push(FieldError::new("order", "invalid")),
        }
        if failed.is_empty() {
            Ok(query)
        } else {
            Err(Refusal::Invalid(failed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_every_spelling() {
        for query in [
            "domains=a.com,b.com",
            "domains[]=a.com&domains[]=b.com",
            "domains%5B0%5D=a.com&domains%5B1%5D=b.com",
            "domains=a.com&domains=b.com",
        ] {
            let params = Params::parse(query);
            assert_eq!(params.many("domains"), ["a.com", "b.com"], "{query}");
        }
        assert!(Params::parse("domainsx=a").many("domains").is_empty());
    }

    #[test]
    fn limits_and_orders_out_of_bounds_are_all_named() {
        for bad in ["0", "101", "-1", "ten", "1.5"] {
            let refusal = Params::parse(&format!("limit={bad}&order=up")).page();
            let refusal = refusal.unwrap_err();
            let fields: Vec<_> = refusal.fields().iter().map(|f| f.field.as_str()).collect();
            assert_eq!(fields, ["limit", "order"], "{bad}");
        }
        assert_eq!(Params::parse("limit=100").page().unwrap().limit, 100);
        assert_eq!(Params::parse("").page().unwrap(), PageQuery::default());
    }

    #[test]
    fn times_may_be_dates() {
        let params = Params::parse("a=2026-01-15T12:00:00Z&b=2026-01-15&c=soon");
        assert_eq!(
            params.time("a").unwrap().unwrap().as_second() % 86_400,
            43_200
        );
        assert_eq!(params.time("b").unwrap().unwrap().as_second() % 86_400, 0);
        assert!(params.time("c").is_err());
        assert_eq!(params.time("d").unwrap(), None);
    }
}
