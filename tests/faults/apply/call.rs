//! Requests to WorkOS as the account sees them: the operation, and the organization that they read
//! or write.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;

use workos_sandbox::world::World;

/// A request to WorkOS, parsed from its HTTP form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    /// The external id of a create.
    pub(crate) external_id: Option<String>,
    /// The domains that a create declares, or that are added.
    pub(crate) domains: Vec<String>,
    /// The organization that the body names.
    named: Option<String>,
}

impl Call {
    pub(crate) fn of(request: &Request<Bytes>) -> Self {
        let body: Option<Value> = serde_json::from_slice(request.body()).ok();
        let text = |field: &str| Some(body.as_ref()?.get(field)?.as_str()?.to_owned());
        let declared = body
            .as_ref()
            .and_then(|body| body.get("domain_data")?.as_array());
        let declared = declared.into_iter().flatten();
        let declared = declared.filter_map(|data| data.get("domain")?.as_str().map(str::to_owned));
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            external_id: text("external_id"),
            domains: declared.chain(text("domain")).collect(),
            named: text("organization_id"),
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    pub(crate) fn is_create(&self) -> bool {
        self.method == Method::POST && self.path == "/organizations"
    }

    /// Returns whether the answer is one complete organization: a read by id, a create or an
    /// update.
    pub(crate) fn returns_organization(&self) -> bool {
        let segments: Vec<&str> = self.path.split('/').skip(1).collect();
        match (segments.as_slice(), self.is_read()) {
            (["organizations", id], _) => *id != "external_id" && self.method != Method::DELETE,
            (["organizations", "external_id", _], is_read) => is_read,
            (["organizations"], is_read) => !is_read,
            _ => false,
        }
    }

    /// The id of an organization that is read by itself, by it.
    pub(crate) fn reads_organization(&self) -> Option<&str> {
        let id = self.path.strip_prefix("/organizations/")?;
        (self.is_read() && !id.contains('/')).then_some(id)
    }

    /// Returns whether the request updates an organization.
    pub(crate) fn is_put(&self) -> bool {
        self.method == Method::PUT && self.path.starts_with("/organizations/")
    }

    /// Returns whether the request deletes an organization.
    pub(crate) fn is_delete(&self) -> bool {
        let mut segments = self.path.split('/').skip(1);
        self.method == Method::DELETE
            && segments.next() == Some("organizations")
            && segments.count() == 1
    }

    /// Returns the organization of the answer, which for a create is known only then.
    pub(crate) fn answered(&self, world: &World) -> Option<String> {
        let made = self.external_id.as_deref().filter(|_| self.is_create());
        match made {
            Some(id) => Some(world.organization_by_external_id(id).ok()?.id.clone()),
            None => self.organization(world),
        }
    }

    /// The organization that the request is about, if there is one.
    pub(crate) fn organization(&self, world: &World) -> Option<String> {
        if let Some(named) = &self.named {
            return Some(named.clone());
        }
        let mut segments = self.path.split('/').skip(1);
        match (segments.next()?, segments.next()?, segments.next()) {
            ("organizations", "external_id", Some(external_id)) => {
                let found = world.organization_by_external_id(external_id).ok()?;
                Some(found.id.clone())
            }
            ("organizations", id, _) => Some(id.to_owned()),
            ("organization_domains", id, _) => Some(world.domain(id).ok()?.organization_id.clone()),
            _ => None,
        }
    }
}
