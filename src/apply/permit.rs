//! Permission to write, asked for right before each write of a change.
//!
//! Goes in: a portal, a change, and a [`Permit`]. Comes out: the same portal, whose writes fail as
//! [withheld](ApiErrorKind::Withheld), and are not sent, once the permit is refused. Never holds a
//! read back.

use std::collections::BTreeSet;

use http::Method;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::model::observed::{
    Answer, AuditLogConfiguration, Certificate, Connection, Directory, Event, EventKind, ItContact,
    Organization, OrganizationDomain,
};
use crate::model::{Domain, Email, ExternalId, Intent, OrganizationId};
use crate::plan::Change;
use crate::workos::{
    ApiError, ApiErrorKind, ApiResult, LinkRequest, NewOrganization, News, OrganizationPatch,
    ReadPortal, ReadProgress, Since, WritePortal,
};

/// Decides whether the next write of a change may be sent.
pub trait Permit: Sync {
    /// Returns why the next write of a change may not be sent.
    fn refusal(&self, change: &Change) -> Option<String>;
}

/// The permit of a run that nobody can pause.
#[derive(Debug, Clone, Copy)]
pub struct Always;

impl Permit for Always {
    fn refusal(&self, _: &Change) -> Option<String> {
        None
    }
}

/// A portal that asks for permission before each write.
pub(super) struct Permitted<'a, P> {
    portal: &'a P,
    change: &'a Change,
    permit: &'a dyn Permit,
}

impl<'a, P> Permitted<'a, P> {
    /// Wraps a portal for the writes of one change.
    pub(super) const fn new(portal: &'a P, change: &'a Change, permit: &'a dyn Permit) -> Self {
        Self {
            portal,
            change,
            permit,
        }
    }

    fn ask(&self, method: Method, path: String) -> ApiResult<()> {
        let Some(message) = self.permit.refusal(self.change) else {
            return Ok(());
        };
        Err(ApiError {
            method,
            path,
            kind: ApiErrorKind::Withheld,
            status: None,
            upstream_code: None,
            message: format!("not sent: {message}"),
            request_id: None,
            attempts: 0,
            retry_after: None,
        })
    }
}

impl<P: ReadPortal> ReadPortal for Permitted<'_, P> {
    async fn organizations(&self, progress: &dyn ReadProgress) -> ApiResult<Vec<Organization>> {
        self.portal.organizations(progress).await
    }

    async fn organizations_by_domain(&self, domain: &Domain) -> ApiResult<Vec<Organization>> {
        self.portal.organizations_by_domain(domain).await
    }

    async fn organizations_within(
        &self,
        progress: &dyn ReadProgress,
        requests: usize,
    ) -> ApiResult<Option<Vec<Organization>>> {
        self.portal.organizations_within(progress, requests).await
    }

    async fn connections(&self, progress: &dyn ReadProgress) -> ApiResult<Vec<Connection>> {
        self.portal.connections(progress).await
    }

    async fn directories(&self, progress: &dyn ReadProgress) -> ApiResult<Vec<Directory>> {
        self.portal.directories(progress).await
    }

    async fn connections_of(&self, id: &OrganizationId) -> ApiResult<Vec<Connection>> {
        self.portal.connections_of(id).await
    }

    async fn directories_of(&self, id: &OrganizationId) -> ApiResult<Vec<Directory>> {
        self.portal.directories_of(id).await
    }

    async fn organization(&self, id: &OrganizationId) -> ApiResult<Option<Organization>> {
        self.portal.organization(id).await
    }

    async fn organization_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> ApiResult<Option<Organization>> {
        self.portal.organization_by_external_id(external_id).await
    }

    async fn audit_log_configuration(
        &self,
        id: &OrganizationId,
    ) -> ApiResult<Answer<AuditLogConfiguration>> {
        self.portal.audit_log_configuration(id).await
    }

    async fn certificates(&self, connection_id: &str) -> ApiResult<Answer<Vec<Certificate>>> {
        self.portal.certificates(connection_id).await
    }

    async fn it_contacts(&self, id: &OrganizationId) -> ApiResult<Answer<Vec<ItContact>>> {
        self.portal.it_contacts(id).await
    }

    async fn events(&self, kinds: &[EventKind]) -> ApiResult<Answer<Vec<Event>>> {
        self.portal.events(kinds).await
    }

    async fn events_since(
        &self,
        kinds: &[EventKind],
        organization: &OrganizationId,
        since: Timestamp,
    ) -> ApiResult<Answer<Vec<Event>>> {
        self.portal.events_since(kinds, organization, since).await
    }

    async fn news(&self, kinds: &[EventKind], since: &Since) -> ApiResult<Answer<News>> {
        self.portal.news(kinds, since).await
    }

    fn requests_used(&self) -> u64 {
        self.portal.requests_used()
    }
}

impl<P: WritePortal> WritePortal for Permitted<'_, P> {
    async fn create_organization(&self, organization: &NewOrganization) -> ApiResult<Organization> {
        self.ask(Method::POST, "/organizations".to_owned())?;
        self.portal.create_organization(organization).await
    }

    async fn update_organization(
        &self,
        id: &OrganizationId,
        patch: &OrganizationPatch,
    ) -> ApiResult<Organization> {
        self.ask(Method::PUT, format!("/organizations/{id}"))?;
        self.portal.update_organization(id, patch).await
    }

    async fn delete_organization(&self, id: &OrganizationId) -> ApiResult<()> {
        self.ask(Method::DELETE, format!("/organizations/{id}"))?;
        self.portal.delete_organization(id).await
    }

    async fn add_domain(
        &self,
        id: &OrganizationId,
        domain: &Domain,
    ) -> ApiResult<OrganizationDomain> {
        self.ask(Method::POST, "/organization_domains".to_owned())?;
        self.portal.add_domain(id, domain).await
    }

    async fn remove_domain(&self, domain_id: &str) -> ApiResult<()> {
        self.ask(Method::DELETE, format!("/organization_domains/{domain_id}"))?;
        self.portal.remove_domain(domain_id).await
    }

    async fn verify_domain(&self, domain_id: &str) -> ApiResult<OrganizationDomain> {
        self.ask(
            Method::POST,
            format!("/organization_domains/{domain_id}/verify"),
        )?;
        self.portal.verify_domain(domain_id).await
    }

    async fn add_it_contact(&self, id: &OrganizationId, email: &Email) -> ApiResult<ItContact> {
        self.ask(Method::POST, format!("/organizations/{id}/it_contacts"))?;
        self.portal.add_it_contact(id, email).await
    }

    async fn invite_it_contact(
        &self,
        id: &OrganizationId,
        contact_id: &str,
        intents: &BTreeSet<Intent>,
    ) -> ApiResult<()> {
        let path = format!("/organizations/{id}/it_contacts/{contact_id}/invite");
        self.ask(Method::POST, path)?;
        self.portal.invite_it_contact(id, contact_id, intents).await
    }

    async fn revoke_invitation(&self, id: &OrganizationId, contact_id: &str) -> ApiResult<()> {
        let path = format!("/organizations/{id}/it_contacts/{contact_id}/revoke");
        self.ask(Method::POST, path)?;
        self.portal.revoke_invitation(id, contact_id).await
    }

    async fn generate_link(&self, link: &LinkRequest) -> ApiResult<SecretString> {
        self.ask(Method::POST, "/portal/generate_link".to_owned())?;
        self.portal.generate_link(link).await
    }
}
