//! Domains of organizations, and their verification by DNS.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::input::{DomainInput, check_domain};
use super::refusal::Refusal;
use super::state::DomainState;
use super::{World, millis};
use crate::wire;

/// Domain of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationDomain {
    /// `org_domain_…`
    pub id: String,
    /// Organization that it belongs to.
    pub organization_id: String,
    /// Domain, in lower case.
    pub domain: String,
    /// State of the verification.
    pub state: DomainState,
    /// Prefix of the TXT record's value; none when asserted.
    pub verification_prefix: Option<String>,
    /// Rest of that value; none when asserted.
    pub verification_token: Option<String>,
    /// True when the customer has set the TXT record: the sandbox's stand-in for DNS.
    #[serde(default)]
    pub record_published: bool,
    /// Time when it was added.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// Reason of a failed verification.
///
/// Source: `reason` of the event `organization_domain.verification_failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureReason {
    /// Record missing at the end of the period.
    #[serde(rename = "domain_verification_period_expired")]
    PeriodExpired,
    /// Domain verified by another organization.
    #[serde(rename = "domain_verified_by_other_organization")]
    VerifiedByOtherOrganization,
}

impl World {
    /// Adds a domain. Source: `POST /organization_domains`.
    ///
    /// A domain that another organization has is accepted, and stays pending: the only place
    /// where WorkOS documents that clash is the verification that fails later.
    pub fn add_domain(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        domain: &str,
    ) -> Result<&OrganizationDomain, Refusal> {
        let now = millis(now);
        let domain = check_domain(domain).map_err(Refusal::invalid)?;
        let organization = self.organizations.find(organization_id)?;
        if organization.domains.iter().any(|d| d.domain == domain) {
            return Err(Refusal::DomainExists);
        }
        let state = DomainState::Pending;
        let domain = self.new_domain(now, organization_id, DomainInput { domain, state });
        let id = domain.id.clone();
        self.attach(now, organization_id, domain)?;
        self.domain(&id)
    }

    /// Returns the domain with an id. Source: `GET /organization_domains/{id}`.
    pub fn domain(&self, id: &str) -> Result<&OrganizationDomain, Refusal> {
        self.index
            .domain_owner
            .get(id)
            .and_then(|owner| self.organizations.get(owner))
            .and_then(|organization| organization.domains.iter().find(|d| d.id == id))
            .ok_or_else(|| Refusal::not_found("Organization Domain", id))
    }

    /// Removes a domain. Source: `DELETE /organization_domains/{id}`.
    pub fn delete_domain(&mut self, now: Timestamp, id: &str) -> Result<(), Refusal> {
        let domain = self.domain(id)?.clone();
        let organization = self.organizations.find_mut(&domain.organization_id)?;
        organization.domains.retain(|d| d.id != id);
        self.index.remove_domain(&domain);
        let (name, data) = ("organization_domain.deleted", wire::domain(&domain));
        self.emit(millis(now), name, &domain.organization_id, data);
        Ok(())
    }

    /// Looks for the TXT record. Source: `POST /organization_domains/{id}/verify`.
    ///
    /// Without the record the domain is pending, also when it had failed: then the period starts
    /// again.
    pub fn verify_domain(
        &mut self,
        now: Timestamp,
        id: &str,
    ) -> Result<&OrganizationDomain, Refusal> {
        let domain = self.domain(id)?;
        if domain.state.is_verified() {
            return Err(Refusal::DomainAlreadyVerified);
        }
        if !domain.record_published {
            return self.set_domain_state(now, id, DomainState::Pending, None);
        }
        let (name, owner) = (domain.domain.clone(), domain.organization_id.clone());
        if self.verified_elsewhere(&name, Some(&owner)) {
            let reason = Some(FailureReason::VerifiedByOtherOrganization);
            return self.set_domain_state(now, id, DomainState::Failed, reason);
        }
        self.set_domain_state(now, id, DomainState::Verified, None)
    }

    /// Plays the customer who sets the TXT record.
    pub fn publish_record(&mut self, id: &str) -> Result<(), Refusal> {
        self.domain_mut(id)?.record_published = true;
        Ok(())
    }

    /// Plays the customer who removes the TXT record.
    pub fn remove_record(&mut self, id: &str) -> Result<(), Refusal> {
        self.domain_mut(id)?.record_published = false;
        Ok(())
    }

    /// Sets the state of a domain, and emits its event.
    pub fn set_domain_state(
        &mut self,
        now: Timestamp,
        id: &str,
        state: DomainState,
        reason: Option<FailureReason>,
    ) -> Result<&OrganizationDomain, Refusal> {
        let now = millis(now);
        let domain = self.domain_mut(id)?;
        if domain.state != state {
            domain.state = state;
            domain.updated_at = now;
            let domain = domain.clone();
            self.await_verification(&domain);
            let shape = wire::domain(&domain);
            let (name, data) = match domain.state {
                DomainState::Verified => ("organization_domain.verified", shape),
                DomainState::Failed => {
                    let reason = reason.unwrap_or(FailureReason::PeriodExpired);
                    let data = json!({ "reason": reason, "organization_domain": shape });
                    ("organization_domain.verification_failed", data)
                }
                _ => ("organization_domain.updated", shape),
            };
            self.emit(now, name, &domain.organization_id, data);
        }
        self.domain(id)
    }

    /// Returns whether an organization other than `own` has verified a domain.
    pub fn is_verified_elsewhere(&self, domain: &str, own: &str) -> bool {
        self.verified_elsewhere(&domain.to_ascii_lowercase(), Some(own))
    }

    /// Returns whether another organization has verified a domain.
    pub(super) fn verified_elsewhere(&self, domain: &str, own: Option<&str>) -> bool {
        self.index
            .organizations_with(domain)
            .filter(|id| Some(id.as_str()) != own)
            .filter_map(|id| self.organizations.get(id))
            .flat_map(|organization| &organization.domains)
            .any(|own| own.domain == domain && own.state.is_verified())
    }

    /// Refuses duplicate domains, and asserted ones that another organization has.
    pub(super) fn check_domains(
        &self,
        own: Option<&str>,
        inputs: &[DomainInput],
    ) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        for input in inputs {
            if !seen.insert(&input.domain) {
                return Err(Refusal::DomainExists);
            }
            if input.state.is_verified() && self.verified_elsewhere(&input.domain, own) {
                return Err(Refusal::DomainVerifiedElsewhere(input.domain.clone()));
            }
        }
        Ok(())
    }

    /// Creates a domain of an organization.
    pub(super) fn new_domain(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        input: DomainInput,
    ) -> OrganizationDomain {
        // An asserted domain has nothing left to prove.
        let by_dns = !input.state.is_verified();
        let token = self.ids.token("verification_token", 25);
        let suffix = self
            .ids
            .token("verification_prefix", 6)
            .to_ascii_lowercase();
        OrganizationDomain {
            id: self.ids.id("org_domain", now),
            organization_id: organization_id.to_owned(),
            domain: input.domain,
            state: input.state,
            verification_prefix: by_dns.then(|| format!("sandbox-domain-verification-{suffix}")),
            verification_token: by_dns.then_some(token),
            record_published: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// Replaces an organization's domains by a list.
    pub(super) fn replace_domains(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        inputs: Vec<DomainInput>,
    ) -> Result<(), Refusal> {
        let present = self.organizations.find(organization_id)?.domains.clone();
        let wanted: BTreeSet<&String> = inputs.iter().map(|input| &input.domain).collect();
        for domain in present.iter().filter(|d| !wanted.contains(&d.domain)) {
            self.delete_domain(now, &domain.id)?;
        }
        for input in inputs {
            match present.iter().find(|d| d.domain == input.domain) {
                Some(domain) if input.state.is_verified() && !domain.state.is_verified() => {
                    self.set_domain_state(now, &domain.id, input.state, None)?;
                }
                Some(_) => {}
                None => {
                    let domain = self.new_domain(now, organization_id, input);
                    self.attach(now, organization_id, domain)?;
                }
            }
        }
        Ok(())
    }

    fn attach(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        domain: OrganizationDomain,
    ) -> Result<(), Refusal> {
        self.organizations.find(organization_id)?;
        self.index.add_domain(&domain);
        self.await_verification(&domain);
        let (name, data) = ("organization_domain.created", wire::domain(&domain));
        let organization = self.organizations.find_mut(organization_id)?;
        organization.domains.push(domain);
        self.emit(now, name, organization_id, data);
        Ok(())
    }

    fn domain_mut(&mut self, id: &str) -> Result<&mut OrganizationDomain, Refusal> {
        let not_found = || Refusal::not_found("Organization Domain", id);
        let owner = self.index.domain_owner.get(id).ok_or_else(not_found)?;
        self.organizations
            .find_mut(owner)?
            .domains
            .iter_mut()
            .find(|domain| domain.id == id)
            .ok_or_else(not_found)
    }
}
