//! A WorkOS that stores and returns values in another spelling than they were sent in.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

use super::kinds::Spelling;
use super::schedule::{KEYS, unicode_domain};
use crate::world::domain;

impl Spelling {
    /// A name as WorkOS keeps it.
    pub(crate) fn kept_name(self, name: &str) -> String {
        let mut letters = name.chars();
        match (self, letters.next()) {
            (Self::KeepsNames, Some(first)) => first.to_uppercase().chain(letters).collect(),
            _ => name.to_owned(),
        }
    }

    /// A value of metadata as WorkOS keeps it.
    pub(crate) fn kept_value(self, key: &str, value: &str) -> String {
        if self == Self::KeepsValues && key == "tier" {
            value.to_uppercase()
        } else {
            value.to_owned()
        }
    }

    /// Replaces the values of a request by their stored spelling.
    pub(crate) fn keep(self, request: Request<Bytes>) -> Request<Bytes> {
        if request.method() == Method::GET || !request.uri().path().starts_with("/organizations") {
            return request;
        }
        let (parts, body) = request.into_parts();
        let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
            return Request::from_parts(parts, body);
        };
        if let Some(Value::String(name)) = value.get_mut("name") {
            *name = self.kept_name(name);
        }
        if let Some(Value::String(tier)) = value.pointer_mut("/metadata/tier") {
            *tier = self.kept_value("tier", tier);
        }
        Request::from_parts(parts, Bytes::from(value.to_string()))
    }

    /// Replaces the values of an answer by their shown spelling.
    pub(crate) fn show(self, answer: Response<Bytes>) -> Response<Bytes> {
        if matches!(self, Self::Exact | Self::KeepsNames | Self::KeepsValues) {
            return answer;
        }
        let (parts, body) = answer.into_parts();
        let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
            return Response::from_parts(parts, body);
        };
        self.show_in(&mut value);
        Response::from_parts(parts, Bytes::from(value.to_string()))
    }

    fn show_in(self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.show_in(item)),
            Value::Object(fields) => {
                for (field, value) in fields {
                    match (field.as_str(), value) {
                        ("domain", Value::String(text)) => *text = self.shown_domain(text),
                        ("name", Value::String(text)) => *text = self.shown_name(text),
                        (_, other) => self.show_in(other),
                    }
                }
            }
            _ => {}
        }
    }

    fn shown_domain(self, text: &str) -> String {
        match self {
            Self::Capitals => text.to_uppercase(),
            Self::FinalDot => format!("{text}."),
            Self::Unicode => {
                let mut spelt = KEYS.iter().map(|key| unicode_domain(key));
                spelt
                    .find(|unicode| domain(unicode).as_str() == text)
                    .unwrap_or_else(|| text.to_owned())
            }
            _ => text.to_owned(),
        }
    }

    fn shown_name(self, text: &str) -> String {
        match self {
            Self::Decomposed => format!(" {}  ", text.replace('é', "e\u{301}")),
            _ => text.to_owned(),
        }
    }
}
