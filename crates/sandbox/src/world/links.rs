//! Portal links, valid for five minutes and once, and the IT admin's actions behind one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::{Host, Url};

use super::input::{Field, Fields, check_domain};
use super::refusal::Refusal;
use super::scheduled_effects::Due;
use super::state::{AuditLogState, ConnectionState, DirectoryState, DomainState, LogStreamState};
use super::{
    Access, ByokEvent, FailureReason, KeyProvider, NewConnection, NewDirectory, World, millis,
};
use portalctl_model::id::Email;
use portalctl_model::intent::Intent;

/// Lifetime of a link. Source: "Portal links are ephemeral", five minutes.
pub const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// Lifetime of an opened portal: ours.
const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Most addresses of a link. Source: `GenerateLinkDto.it_contact_emails`.
const MAX_IT_CONTACTS: usize = 20;

/// Body of `POST /portal/generate_link`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkInput {
    /// Organization of the link.
    pub organization: String,
    /// Feature; the API does not require one, and does not document the default.
    pub intent: Option<Intent>,
    /// Destination on leaving.
    pub return_url: Option<String>,
    /// Destination on finishing.
    pub success_url: Option<String>,
    /// Caller's id of the admin, by which links are revoked.
    pub external_user_id: Option<String>,
    /// Addresses that become IT contacts of the organization.
    pub it_contact_emails: Vec<String>,
}

impl LinkInput {
    /// Parses a body.
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(body)?;
        let organization = fields.required_text("organization");
        let intent = match fields.text("intent") {
            Field::Absent | Field::Null => None,
            Field::Set(text) => text
                .parse()
                .map_err(|_| fields.fail("intent", "invalid"))
                .ok(),
        };
        let mut url = |name: &str| {
            let url = fields.text(name).set();
            if url.as_deref().is_some_and(|url| !is_return_url(url)) {
                fields.fail(name, "invalid");
            }
            url
        };
        let (return_url, success_url) = (url("return_url"), url("success_url"));
        let emails = fields.texts("it_contact_emails");
        if emails.len() > MAX_IT_CONTACTS || emails.iter().any(|mail| Email::parse(mail).is_err()) {
            fields.fail("it_contact_emails", "invalid");
        }
        let external_user_id = fields.text("external_user_id").set();
        fields.finish()?;
        Ok(Self {
            organization,
            intent,
            return_url,
            success_url,
            external_user_id,
            it_contact_emails: emails,
        })
    }
}

/// Returns whether WorkOS accepts a return URL: HTTPS, or a loopback host.
pub fn is_return_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let local = match url.host() {
        Some(Host::Domain(host)) => host == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && local)
}

/// Portal link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalLink {
    /// Organization of the link.
    pub organization_id: String,
    /// Feature.
    pub intent: Intent,
    /// Destination on leaving.
    pub return_url: Option<String>,
    /// Destination on finishing.
    pub success_url: Option<String>,
    external_user_id: Option<String>,
    expires_at: Timestamp,
    /// Token that it was opened by, also afterwards.
    token: String,
}

/// Opened portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSession {
    /// Token that finishes it.
    pub token: String,
    /// Link that it was opened by.
    pub link: PortalLink,
    /// Customer's name.
    pub organization_name: String,
    /// Customer's domains.
    pub domains: Vec<String>,
    /// True when finishing verifies the domains.
    pub verifies_domains: bool,
}

/// Finished portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Link that it was opened by.
    pub link: PortalLink,
    /// Customer's name.
    pub organization_name: String,
}

/// Links that can be opened, and portals that can be finished, by token.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    fresh: BTreeMap<String, PortalLink>,
    opened: BTreeMap<String, PortalLink>,
}

impl Links {
    pub(super) fn forget_organization(&mut self, id: &str) {
        self.retain(|link| link.organization_id != id);
    }

    fn retain(&mut self, keep: impl Fn(&PortalLink) -> bool) {
        self.fresh.retain(|_, link| keep(link));
        self.opened.retain(|_, link| keep(link));
    }
}

impl World {
    /// Makes a portal link, and returns its token. Source: `POST /portal/generate_link`.
    pub fn generate_link(&mut self, now: Timestamp, input: LinkInput) -> Result<String, Refusal> {
        let LinkInput {
            organization,
            intent,
            return_url,
            success_url,
            external_user_id,
            it_contact_emails,
        } = input;
        self.organizations.find(&organization)?;
        self.grant_contacts(now, &organization, &it_contact_emails)?;
        self.links.retain(|link| link.expires_at > now);
        let token = self.ids.token("portal_link", 40);
        let link = PortalLink {
            organization_id: organization,
            intent: intent.unwrap_or(Intent::Sso),
            return_url,
            success_url,
            external_user_id,
            expires_at: later(now, LINK_LIFETIME),
            token: token.clone(),
        };
        self.links.fresh.insert(token.clone(), link);
        self.await_customer(now, Due::Link(token.clone()));
        Ok(token)
    }

    /// Adds the contacts that a link gives access to, where the organization lacks them.
    fn grant_contacts(
        &mut self,
        now: Timestamp,
        organization: &str,
        emails: &[String],
    ) -> Result<(), Refusal> {
        for email in emails {
            match self.create_it_contact(now, organization, email) {
                Ok(_) | Err(Refusal::ItContactExists) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Makes an admin's links and opened portals useless. Source: `POST /portal/revoke_link` of
    /// the official Rust SDK 3.5.0; newer than the API description.
    pub fn revoke_links(
        &mut self,
        organization: &str,
        external_user_id: &str,
    ) -> Result<(), Refusal> {
        self.organizations.find(organization)?;
        self.links.retain(|link| {
            link.organization_id != organization
                || link.external_user_id.as_deref() != Some(external_user_id)
        });
        Ok(())
    }

    /// Opens a link, which uses it up; `None` when it is unknown, used or too old.
    pub fn open_link(&mut self, now: Timestamp, token: &str) -> Option<PortalSession> {
        let mut link = self.links.fresh.remove(token)?;
        if link.expires_at <= now {
            return None;
        }
        link.expires_at = later(now, SESSION_LIFETIME);
        let token = self.ids.token("portal_session", 40);
        self.links.opened.insert(token.clone(), link);
        self.portal_session(&token)
    }

    /// Returns whether a link can still be opened, apart from its age.
    pub fn has_link(&self, token: &str) -> bool {
        self.links.fresh.contains_key(token)
    }

    /// Returns a portal that has been opened and is not finished.
    pub fn portal_session(&self, token: &str) -> Option<PortalSession> {
        let link = self.links.opened.get(token)?;
        let organization = self.organizations.get(&link.organization_id)?;
        let domains = organization.domains.iter().map(|d| d.domain.clone());
        Some(PortalSession {
            token: token.to_owned(),
            link: link.clone(),
            organization_name: organization.name.clone(),
            domains: domains.collect(),
            verifies_domains: match link.intent {
                Intent::DomainVerification => true,
                Intent::Sso => !self.can_activate_sso(&organization.id).unwrap_or(true),
                _ => false,
            },
        })
    }

    /// Plays the IT admin who finishes a link's feature; `None` when the portal is not open.
    ///
    /// A domain that the admin enters is added before it is verified.
    pub fn finish_portal(
        &mut self,
        now: Timestamp,
        token: &str,
        domain: Option<&str>,
    ) -> Option<Result<Finished, Refusal>> {
        let link = self.links.opened.get(token)?.clone();
        if link.expires_at <= now {
            self.links.opened.remove(token);
            return None;
        }
        let result = self.admin_finishes(now, &link.organization_id, link.intent, domain);
        // A refused form may be corrected and sent again.
        Some(result.map(|organization_name| {
            self.links.opened.remove(token);
            Finished {
                link,
                organization_name,
            }
        }))
    }

    /// Plays the customer who finishes a link's feature, unless it was finished, revoked or
    /// forgotten.
    pub(super) fn finish_link(&mut self, now: Timestamp, token: &str) {
        let Links { fresh, opened } = &mut self.links;
        let fresh = fresh.remove(token);
        let session = opened.iter().find(|(_, link)| link.token == token);
        let session = session.map(|(session, _)| session.clone());
        let link = fresh.or_else(|| opened.remove(&session?));
        if let Some(link) = link {
            // An organization that is gone took its links along, and without any domain an admin
            // cannot set up single sign-on.
            let _ = self.admin_finishes(now, &link.organization_id, link.intent, None);
        }
    }

    /// Carries out what an IT admin does in the portal, as far as the rules allow it: the domains
    /// that single sign-on needs are verified first.
    pub(super) fn admin_finishes(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        intent: Intent,
        domain: Option<&str>,
    ) -> Result<String, Refusal> {
        if intent == Intent::Sso && !self.can_activate_sso(organization_id)? {
            self.finish_domains(millis(now), organization_id, domain)?;
            if !self.can_activate_sso(organization_id)? {
                return Err(Refusal::NoVerifiedDomain);
            }
        }
        self.finish_intent(now, organization_id, intent, domain)
    }

    /// Returns whether single sign-on of an organization can be activated.
    pub(super) fn can_activate_sso(&self, organization_id: &str) -> Result<bool, Refusal> {
        let organization = self.organizations.find(organization_id)?;
        let mut domains = organization.domains.iter();
        Ok(!self.rules.sso_needs_verified_domain
            || organization.allow_profiles_outside_organization
            || domains.any(|domain| domain.state.is_verified()))
    }

    /// Configures a feature whatever the rules say, and returns the organization's name.
    pub fn finish_intent(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        intent: Intent,
        domain: Option<&str>,
    ) -> Result<String, Refusal> {
        let now = millis(now);
        let name = self.organizations.find(organization_id)?.name.clone();
        match intent {
            Intent::Sso => self.finish_sso(now, organization_id)?,
            Intent::Dsync => self.finish_dsync(now, organization_id)?,
            Intent::DomainVerification => self.finish_domains(now, organization_id, domain)?,
            Intent::AuditLogs => {
                self.set_audit_logs(organization_id, AuditLogState::Active, Access::Open)?;
            }
            Intent::LogStreams => {
                self.set_audit_logs(organization_id, AuditLogState::Active, Access::Open)?;
                let logs = self.audit_logs(organization_id)?;
                let kind = logs.log_stream.map(|stream| stream.stream_type);
                let kind = kind.unwrap_or_else(|| "Datadog".to_owned());
                self.set_log_stream(now, organization_id, &kind, LogStreamState::Active)?;
            }
            Intent::CertificateRenewal => self.renew_certificates(now, organization_id)?,
            Intent::BringYourOwnKey => {
                let happened = ByokEvent::Verified;
                self.tell_byok(now, organization_id, happened, KeyProvider::default())?;
            }
        }
        self.finish_invited(organization_id, intent);
        Ok(name)
    }

    fn finish_sso(&mut self, now: Timestamp, organization_id: &str) -> Result<(), Refusal> {
        let begun = self.connections.owned_by(organization_id).next();
        match begun.map(|connection| connection.id.clone()) {
            Some(id) => {
                self.set_connection_state(now, &id, ConnectionState::Active)?;
            }
            None => {
                self.create_connection(
                    now,
                    NewConnection {
                        organization_id: organization_id.to_owned(),
                        name: None,
                        connection_type: "OktaSAML".to_owned(),
                        state: ConnectionState::Active,
                    },
                )?;
            }
        }
        Ok(())
    }

    fn finish_dsync(&mut self, now: Timestamp, organization_id: &str) -> Result<(), Refusal> {
        let begun = self.directories.owned_by(organization_id).next();
        match begun.map(|directory| directory.id.clone()) {
            Some(id) => {
                self.set_directory_state(now, &id, DirectoryState::Linked)?;
            }
            None => {
                self.create_directory(
                    now,
                    NewDirectory {
                        organization_id: organization_id.to_owned(),
                        name: None,
                        directory_type: "okta scim v2.0".to_owned(),
                        state: DirectoryState::Linked,
                    },
                )?;
            }
        }
        Ok(())
    }

    fn finish_domains(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        domain: Option<&str>,
    ) -> Result<(), Refusal> {
        if let Some(domain) = domain.filter(|domain| !domain.trim().is_empty()) {
            let domain = check_domain(domain).map_err(Refusal::invalid)?;
            match self.add_domain(now, organization_id, &domain) {
                Ok(_) | Err(Refusal::DomainExists) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let organization = self.organizations.find(organization_id)?;
        let waiting: Vec<(String, String)> = organization
            .domains
            .iter()
            .filter(|domain| !domain.state.is_verified())
            .map(|domain| (domain.id.clone(), domain.domain.clone()))
            .collect();
        for (id, name) in waiting {
            self.publish_record(&id)?;
            let (state, reason) = if self.verified_elsewhere(&name, Some(organization_id)) {
                let reason = FailureReason::VerifiedByOtherOrganization;
                (DomainState::Failed, Some(reason))
            } else {
                (DomainState::Verified, None)
            };
            self.set_domain_state(now, &id, state, reason)?;
        }
        Ok(())
    }
}

fn later(now: Timestamp, duration: SignedDuration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}
