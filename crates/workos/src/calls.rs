//! The endpoints: which call each question and each write is.
//!
//! Source of the routes: the `paths` of the WorkOS API description, named at each call.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use http::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::client::{Call, Client};
use super::event_log::{self, Position};
use super::paging::{self, Keyed, ListError, Order, PAGE_SIZE, Page, Size};
use super::wire::{self, FromWire, Membership, Retention};
use super::{
    ApiError, ApiErrorKind, ApiResult, EventFilter, EventPage, LinkRequest, List, NewOrganization,
    OrganizationPatch, PortalLink, ReadPortal, ReadProgress, Since, WebhookEndpoint, WritePortal,
};
use portalctl_model::observed::{
    Answer, AuditLogConfiguration, Certificate, Connection, Directory, Event, EventKind, ItContact,
    Organization, OrganizationDomain,
};
use portalctl_model::{Domain, Email, ExternalId, ExternalUserId, Intent, OrganizationId};

impl ReadPortal for Client {
    /// `GET /organizations`
    async fn organizations(
        &self,
        progress: &dyn ReadProgress,
        expected: usize,
    ) -> ApiResult<Vec<Organization>> {
        let told = |count| progress.read(List::Organizations, count);
        let size = Size {
            most_requests: None,
            expected,
        };
        let list = self.list_within("/organizations", &[], told, size).await;
        list.map(Option::unwrap_or_default)
    }

    /// `GET /organizations`
    async fn organizations_within(
        &self,
        progress: &dyn ReadProgress,
        requests: usize,
        expected: usize,
    ) -> ApiResult<Option<Vec<Organization>>> {
        let told = |count| progress.read(List::Organizations, count);
        let size = Size {
            most_requests: Some(requests),
            expected,
        };
        self.list_within("/organizations", &[], told, size).await
    }

    /// `GET /organizations?domains=…`
    async fn organizations_by_domain(&self, domain: &Domain) -> ApiResult<Vec<Organization>> {
        let filter = [("domains", domain.as_str())];
        self.list("/organizations", &filter, |_| ()).await
    }

    /// `GET /organizations?search=…`
    async fn organizations_by_name(&self, name: &str) -> ApiResult<Vec<Organization>> {
        let filter = [("search", name)];
        let call = page_call("/organizations", Order::NewestFirst, &filter, None);
        let page = self.call_for_page::<Organization>(&call).await?;
        Ok(page.items)
    }

    /// `GET /connections`
    async fn connections(&self, progress: &dyn ReadProgress) -> ApiResult<Vec<Connection>> {
        let told = |count| progress.read(List::Connections, count);
        self.list("/connections", &[], told).await
    }

    /// `GET /connections?organization_id=…`
    async fn connections_of(&self, id: &OrganizationId) -> ApiResult<Vec<Connection>> {
        let filter = [("organization_id", id.as_str())];
        self.list("/connections", &filter, |_| ()).await
    }

    /// `GET /directories?organization_id=…`
    async fn directories_of(&self, id: &OrganizationId) -> ApiResult<Vec<Directory>> {
        let filter = [("organization_id", id.as_str())];
        self.list("/directories", &filter, |_| ()).await
    }

    /// `GET /directories`
    async fn directories(&self, progress: &dyn ReadProgress) -> ApiResult<Vec<Directory>> {
        let told = |count| progress.read(List::Directories, count);
        self.list("/directories", &[], told).await
    }

    /// `GET /organizations/{id}`
    async fn organization(&self, id: &OrganizationId) -> ApiResult<Option<Organization>> {
        let call = Call::get(path(&["organizations", id.as_str()]));
        self.call_optional(&call).await
    }

    /// `GET /organizations/external_id/{external_id}`
    async fn organization_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> ApiResult<Option<Organization>> {
        let path = path(&["organizations", "external_id", external_id.as_str()]);
        let call = Call::get(path);
        // URLs have no way to spell such a segment: however encoded, it means a parent folder.
        if matches!(external_id.as_str(), "." | "..") {
            let why = "an external id of only dots cannot be looked up";
            return Err(self.error(&call, 0, ApiErrorKind::Rejected, why));
        }
        self.call_optional(&call).await
    }

    /// `GET /organizations/{id}/audit_log_configuration`
    async fn audit_log_configuration(
        &self,
        id: &OrganizationId,
    ) -> ApiResult<Answer<AuditLogConfiguration>> {
        let path = path(&["organizations", id.as_str(), "audit_log_configuration"]);
        answer(self.call(&Call::get(path)).await)
    }

    /// `GET /organizations/{id}/audit_logs_retention`
    async fn retention(&self, id: &OrganizationId) -> ApiResult<Answer<Option<u32>>> {
        let path = path(&["organizations", id.as_str(), "audit_logs_retention"]);
        let answer = answer(self.call::<Retention>(&Call::get(path)).await)?;
        Ok(match answer {
            Answer::Found(Retention(days)) => Answer::Found(days),
            Answer::Absent => Answer::Absent,
            Answer::NotEntitled(message) => Answer::NotEntitled(message),
            Answer::Failed(why) => Answer::Failed(why),
        })
    }

    /// `GET /connections/{id}/saml_idp_signing_certs`: one page, however many there are.
    ///
    /// Source: the official SDK's `list_connection_saml_idp_signing_certs`.
    async fn certificates(&self, connection_id: &str) -> ApiResult<Answer<Vec<Certificate>>> {
        let path = path(&["connections", connection_id, "saml_idp_signing_certs"]);
        answer(self.one_page::<Certificate>(path).await)
    }

    /// `GET /organizations/{id}/it_contacts`: one page, however many there are.
    ///
    /// Source: the official SDK's `list_it_contacts`, which takes no cursor.
    async fn it_contacts(&self, id: &OrganizationId) -> ApiResult<Answer<Vec<ItContact>>> {
        let path = path(&["organizations", id.as_str(), "it_contacts"]);
        answer(self.one_page::<ItContact>(path).await)
    }

    /// `GET /user_management/organization_memberships?organization_id=…&limit=1`
    ///
    /// Without `statuses` WorkOS lists the active ones.
    async fn has_members(&self, id: &OrganizationId) -> ApiResult<bool> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("organization_id", id.as_str())
            .append_pair("limit", "1")
            .finish();
        let call = Call {
            query,
            ..Call::get(path(&["user_management", "organization_memberships"]))
        };
        let page = self.call_for_page::<Membership>(&call).await?;
        Ok(!page.items.is_empty())
    }

    /// `GET /events?events=…`, page after page.
    async fn events(&self, filter: &EventFilter<'_>) -> ApiResult<Answer<Vec<Event>>> {
        let fetch = |position: Position| {
            let call = events_call(filter.kinds, filter.organization, &position);
            async move { self.call_for_page::<Event>(&call).await }
        };
        let read = event_log::read(fetch, filter.since, self.now()).await;
        let events = read.map_err(|error| self.list_error(&path(&["events"]), error));
        // Servers that do not know a parameter (the official emulator) answer with everything.
        answer(events.map(|mut events| {
            events.retain(|event| filter.has(event));
            events
        }))
    }

    /// `GET /events?events=…&order=asc&after=…`
    async fn events_after(
        &self,
        kinds: &[EventKind],
        since: &Since,
    ) -> ApiResult<Answer<EventPage>> {
        let position = match since {
            Since::Event(id) => Position::After(id.clone()),
            Since::Time(start) => Position::Window {
                start: *start,
                end: None,
            },
        };
        let call = events_call(kinds, None, &position);
        let page = self.call_for_page::<Event>(&call).await;
        answer(page.map(|page| EventPage {
            more: page.after.is_some(),
            events: page.items,
        }))
    }

    fn requests_used(&self) -> u64 {
        self.sent()
    }
}

impl WritePortal for Client {
    /// `POST /organizations`
    async fn create_organization(&self, organization: &NewOrganization) -> ApiResult<Organization> {
        let body = wire::create_body(organization);
        self.call(&Call::with_body(
            Method::POST,
            path(&["organizations"]),
            body,
        ))
        .await
    }

    /// `PUT /organizations/{id}`
    async fn update_organization(
        &self,
        id: &OrganizationId,
        patch: &OrganizationPatch,
    ) -> ApiResult<Organization> {
        let body = wire::update_body(patch);
        let organization = path(&["organizations", id.as_str()]);
        self.call(&Call {
            is_merged: patch.metadata.is_some() && !patch.may_be_old,
            ..Call::with_body(Method::PUT, organization, body)
        })
        .await
    }

    /// `PUT /organizations/{id}/audit_logs_retention`
    async fn set_retention(&self, id: &OrganizationId, days: u16) -> ApiResult<Option<u32>> {
        let body = json!({"retention_period_in_days": days});
        let path = path(&["organizations", id.as_str(), "audit_logs_retention"]);
        let call = Call::with_body(Method::PUT, path, body);
        self.call::<Retention>(&call)
            .await
            .map(|Retention(days)| days)
    }

    /// `DELETE /organizations/{id}`
    async fn delete_organization(&self, id: &OrganizationId) -> ApiResult<()> {
        self.call_for_nothing(&Call::delete(path(&["organizations", id.as_str()])))
            .await
    }

    /// `POST /organization_domains`
    async fn add_domain(
        &self,
        id: &OrganizationId,
        domain: &Domain,
    ) -> ApiResult<OrganizationDomain> {
        let body = json!({"organization_id": id, "domain": domain});
        let path = path(&["organization_domains"]);
        self.call(&Call::with_body(Method::POST, path, body)).await
    }

    /// `DELETE /organization_domains/{id}`
    async fn remove_domain(&self, domain_id: &str) -> ApiResult<()> {
        self.call_for_nothing(&Call::delete(path(&["organization_domains", domain_id])))
            .await
    }

    /// `POST /organization_domains/{id}/verify`
    async fn verify_domain(&self, domain_id: &str) -> ApiResult<OrganizationDomain> {
        let path = path(&["organization_domains", domain_id, "verify"]);
        self.call(&Call::post(path)).await
    }

    /// `POST /organizations/{id}/it_contacts`
    async fn add_it_contact(&self, id: &OrganizationId, email: &Email) -> ApiResult<ItContact> {
        let body = json!({"email": email});
        let path = path(&["organizations", id.as_str(), "it_contacts"]);
        self.call(&Call::with_body(Method::POST, path, body)).await
    }

    /// `POST /organizations/{id}/it_contacts/{contact}/invite`
    async fn invite_it_contact(
        &self,
        id: &OrganizationId,
        contact_id: &str,
        intents: &BTreeSet<Intent>,
    ) -> ApiResult<()> {
        let body = wire::invite_body(intents);
        let contact = ["organizations", id.as_str(), "it_contacts", contact_id];
        let path = path(&[&contact[..], &["invite"]].concat());
        self.call_for_nothing(&Call::with_body(Method::POST, path, body))
            .await
    }

    /// `POST /organizations/{id}/it_contacts/{contact}/revoke`
    async fn revoke_invitation(&self, id: &OrganizationId, contact_id: &str) -> ApiResult<()> {
        let contact = ["organizations", id.as_str(), "it_contacts", contact_id];
        let path = path(&[&contact[..], &["revoke"]].concat());
        self.call_for_nothing(&Call::post(path)).await
    }

    /// `POST /portal/generate_link`
    async fn generate_link(&self, link: &LinkRequest) -> ApiResult<PortalLink> {
        let body = wire::link_body(link);
        let path = path(&["portal", "generate_link"]);
        self.call_for_link(&Call::with_body(Method::POST, path, body))
            .await
    }

    /// `POST /portal/revoke_link`
    async fn revoke_links(&self, id: &OrganizationId, user: &ExternalUserId) -> ApiResult<()> {
        let body = wire::revoke_body(id, user);
        let path = path(&["portal", "revoke_link"]);
        self.call_for_nothing(&Call {
            is_idempotent: true,
            ..Call::with_body(Method::POST, path, body)
        })
        .await
    }
}

impl Client {
    /// Reads the account's webhook endpoints, without their secrets.
    ///
    /// `GET /webhook_endpoints`
    pub async fn webhook_endpoints(&self) -> ApiResult<Answer<Vec<WebhookEndpoint>>> {
        answer(self.list("/webhook_endpoints", &[], |_| ()).await)
    }

    /// Asks for one object that need not be there.
    async fn call_optional<T: FromWire>(&self, call: &Call) -> ApiResult<Option<T>> {
        match self.call(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ApiErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a list that has one page, however many objects there are.
    async fn one_page<T: FromWire>(&self, path: String) -> ApiResult<Vec<T>> {
        let call = Call::get(path);
        let page = self.call::<Page<T>>(&call).await?;
        if page.after.is_some() {
            let why = "the list has more than one page, and no way to ask for the next";
            return Err(self.error(&call, 1, ApiErrorKind::InvalidAnswer, why));
        }
        Ok(page.items)
    }

    /// Makes the error of a list that could not be read to its end.
    fn list_error(&self, path: &str, error: ListError) -> ApiError {
        let (kind, why) = match error {
            ListError::Api(error) => return error,
            ListError::Unstable => (
                ApiErrorKind::UnstableList,
                "the list changed too much while it was read, or is in no order",
            ),
            ListError::Endless => (
                ApiErrorKind::InvalidAnswer,
                "the list does not end, or is larger than any of WorkOS's",
            ),
        };
        self.error(&Call::get(path.to_owned()), 1, kind, why)
    }

    /// Reads a whole list, whatever its length.
    async fn list<T: FromWire + Keyed + Send>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
        told: impl Fn(usize) + Sync,
    ) -> ApiResult<Vec<T>> {
        self.list_within(path, filter, told, Size::default())
            .await
            .map(Option::unwrap_or_default)
    }

    /// Reads a whole list, or nothing when that takes more requests than its size allows.
    async fn list_within<T: FromWire + Keyed + Send>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
        told: impl Fn(usize) + Sync,
        size: Size,
    ) -> ApiResult<Option<Vec<T>>> {
        let fetch = |order: Order, after: Option<String>| {
            let call = page_call(path, order, filter, after);
            async move { self.call_for_page::<T>(&call).await }
        };
        paging::read_within(fetch, told, size)
            .await
            .map_err(|error| self.list_error(path, error))
    }
}

/// The request for a page of a list.
fn page_call(path: &str, order: Order, filter: &[(&str, &str)], after: Option<String>) -> Call {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &PAGE_SIZE.to_string());
    query.append_pair("order", order.as_str());
    query.extend_pairs(filter);
    if let Some(after) = after {
        query.append_pair("after", &after);
    }
    Call {
        query: query.finish(),
        ..Call::get(path.to_owned())
    }
}

/// A page of the log: the names joined by commas, and never `after` beside `range_start`.
fn events_call(
    kinds: &[EventKind],
    organization: Option<&OrganizationId>,
    position: &Position,
) -> Call {
    let names: Vec<&str> = kinds.iter().map(EventKind::as_str).collect();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("events", &names.join(","));
    query.append_pair("limit", &PAGE_SIZE.to_string());
    // WorkOS ignores it: its log is always oldest first. The official emulator does not.
    query.append_pair("order", Order::OldestFirst.as_str());
    if let Some(id) = organization {
        query.append_pair("organization_id", id.as_str());
    }
    match position {
        Position::After(id) => {
            query.append_pair("after", id);
        }
        Position::Window { start, end } => {
            query.append_pair("range_start", &start.to_string());
            if let Some(end) = end {
                query.append_pair("range_end", &end.to_string());
            }
        }
    }
    Call {
        query: query.finish(),
        ..Call::get(path(&["events"]))
    }
}

/// Makes an answer of a 404, and of the refusal of a feature that the account does not have.
fn answer<T>(result: ApiResult<T>) -> ApiResult<Answer<T>> {
    match result {
        Ok(found) => Ok(Answer::Found(found)),
        Err(error) => match error.kind {
            ApiErrorKind::NotFound => Ok(Answer::Absent),
            ApiErrorKind::Forbidden => Ok(Answer::NotEntitled(error.message)),
            _ => Err(error),
        },
    }
}

impl Call {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            query: String::new(),
            body: None,
            is_public: false,
            is_merged: false,
            is_idempotent: false,
        }
    }

    fn delete(path: String) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::get(path)
        }
    }

    fn post(path: String) -> Self {
        Self {
            method: Method::POST,
            ..Self::get(path)
        }
    }

    fn with_body(method: Method, path: String, body: Value) -> Self {
        Self {
            method,
            body: Some(body),
            ..Self::get(path)
        }
    }
}

/// A path of segments, each percent-encoded.
fn path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                path.push(char::from(byte));
            } else {
                // Writing to a text cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cannot_leave_their_place() {
        assert_eq!(
            path(&["organizations", "external_id", "a/b ?c#ü~1"]),
            "/organizations/external_id/a%2Fb%20%3Fc%23%C3%BC~1"
        );
    }
}
