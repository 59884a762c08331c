//! Requests as the API server reads them.

use std::collections::BTreeMap;

use http::{Method, Request};
use serde_json::Value;

use super::store::{Key, Kind};

/// A request to the API server, parsed from its HTTP form.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) verb: Verb,
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    /// The object, where the request names one.
    pub(crate) name: String,
    pub(crate) is_status: bool,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
}

/// Verb of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Replace,
    /// A merge patch.
    Merge,
    /// A server-side apply.
    Apply,
}

impl Call {
    /// Reads a request; nothing where there is no such route.
    pub(crate) fn read(request: &Request<axum::body::Bytes>) -> Option<Self> {
        let mut segments = request.uri().path().split('/').skip(1);
        match segments.next()? {
            "api" => segments.next()?,
            "apis" => {
                segments.next()?;
                segments.next()?
            }
            _ => return None,
        };
        let mut rest: Vec<&str> = segments.collect();
        let mut namespace = super::NAMESPACE.to_owned();
        if rest.first() == Some(&"namespaces") && rest.len() > 2 {
            if ![super::NAMESPACE, super::TENANT].contains(&rest[1]) {
                return None;
            }
            rest[1].clone_into(&mut namespace);
            rest.drain(..2);
        }
        let kind = Kind::of(rest.first()?)?;
        let query = request.uri().query().unwrap_or_default();
        let query: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let name = rest.get(1).copied().unwrap_or_default().to_owned();
        let patch = request.headers().get("content-type");
        let is_apply = patch.is_some_and(|kind| kind == "application/apply-patch+yaml");
        let verb = match *request.method() {
            Method::GET if !name.is_empty() => Verb::Get,
            Method::GET if query.get("watch").is_some_and(|watch| watch == "true") => Verb::Watch,
            Method::GET => Verb::List,
            Method::POST => Verb::Create,
            Method::PUT => Verb::Replace,
            Method::PATCH if is_apply => Verb::Apply,
            Method::PATCH => Verb::Merge,
            _ => return None,
        };
        Some(Self {
            verb,
            kind,
            namespace,
            name,
            is_status: rest.get(2) == Some(&"status"),
            query,
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
        })
    }

    /// The object that the request is about.
    pub(crate) fn key(&self) -> Key {
        let name = if self.name.is_empty() {
            self.body["metadata"]["name"].as_str().unwrap_or_default()
        } else {
            &self.name
        };
        Key {
            kind: self.kind,
            namespace: self.namespace.clone(),
            name: name.to_owned(),
        }
    }

    /// Returns whether the request changes an object.
    pub(crate) const fn is_write(&self) -> bool {
        !matches!(self.verb, Verb::Get | Verb::List | Verb::Watch)
    }

    /// Formats the request for traces, and as the key by which faults are drawn. Names of Events
    /// are left out because they contain the machine's time.
    pub(crate) fn shown(&self) -> String {
        let name = match self.kind {
            Kind::Event => "",
            _ => &self.name,
        };
        let status = if self.is_status { "/status" } else { "" };
        format!("{:?} {:?} {name}{status}", self.verb, self.kind)
    }
}
