//! An in-memory portal behind the client's traits: no HTTP, no retries, faults by script.
//!
//! What fails is named by the call as the log spells it: `create acme`, `put org_1`,
//! `add acme.com to org_1`, `remove domain_1`, `read org_1`, `find acme`, `add ada@acme.com to org_1`,
//! `invite contact_1 to sso`; a prefix is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use http::Method;

use portalctl_model::desired::DeclaredDomainState;
use portalctl_model::observed::{
    Answer, AuditLogConfiguration, Certificate, Connection, Directory, DomainState, Event,
    FailedRead, ItContact, Organization, OrganizationDomain, Usage,
};
use portalctl_model::{Domain, Email, ExternalId, ExternalUserId, Intent, OrganizationId};
use portalctl_platform::clock::{Clock, SystemClock};
use portalctl_workos::{
    ApiError, ApiErrorKind, ApiResult, EventFilter, LinkRequest, NewOrganization,
    OrganizationPatch, PortalLink, ReadPortal, ReadProgress, WritePortal,
};

/// Duration of every call.
pub(crate) const LATENCY: Duration = Duration::from_millis(100);

/// Moment at which a scripted failure happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// The call has no effect.
    Before,
    /// The call has its effect, and its answer is lost.
    After,
}

type Edit = Box<dyn FnOnce(&mut BTreeMap<OrganizationId, Organization>) + Send>;

struct Fault {
    call: String,
    /// `None` lets the call pass.
    strikes: Option<(When, ApiError)>,
    left: usize,
}

#[derive(Default)]
struct State {
    organizations: BTreeMap<OrganizationId, Organization>,
    created: usize,
    /// Addresses by organization; a contact's id is `contact_` and its place among them, from 1.
    contacts: BTreeMap<OrganizationId, BTreeSet<String>>,
    /// The contact with the active invitation, by organization.
    invited: BTreeMap<OrganizationId, String>,
    /// Number of invitations that were sent.
    invitations: usize,
    faults: Vec<Fault>,
    edits: Vec<(String, Edit)>,
    log: Vec<String>,
    /// Usage of each organization. An organization without an entry is not in use.
    usage: BTreeMap<OrganizationId, Usage>,
    in_flight: usize,
    most_in_flight: usize,
    merges_metadata: bool,
    retention: BTreeMap<OrganizationId, u32>,
    keeps_metadata: bool,
}

/// The portal; calls are logged in the order in which they begin.
#[derive(Default)]
pub(crate) struct FakePortal {
    state: Mutex<State>,
}

/// An error of a kind, with the status and code that the kind has.
pub(crate) fn error(kind: ApiErrorKind, code: Option<&str>) -> ApiError {
    let status = match kind {
        ApiErrorKind::Unauthorized => Some(401),
        ApiErrorKind::Forbidden => Some(403),
        ApiErrorKind::NotFound => Some(404),
        ApiErrorKind::ExternalIdTaken => Some(400),
        ApiErrorKind::Rejected => Some(409),
        ApiErrorKind::RateLimited => Some(429),
        ApiErrorKind::Server | ApiErrorKind::Concurrent => Some(503),
        _ => None,
    };
    ApiError {
        method: Method::POST,
        path: "/fake".to_owned(),
        kind,
        status,
        upstream_code: code.map(str::to_owned),
        message: "scripted".to_owned(),
        request_id: Some("req_1".to_owned()),
        attempts: 1,
        retry_after: None,
    }
}

/// Usage of an organization without connections, directories or members.
pub(crate) fn unused() -> Usage {
    Usage {
        connections: Ok(Vec::new()),
        directories: Ok(Vec::new()),
        audit_logs: Ok(None),
        has_members: Ok(false),
    }
}

impl FakePortal {
    /// A portal that holds organizations.
    pub(crate) fn with(organizations: impl IntoIterator<Item = Organization>) -> Self {
        let portal = Self::default();
        portal.state.lock().unwrap().organizations = organizations
            .into_iter()
            .map(|organization| (organization.id.clone(), organization))
            .collect();
        portal
    }

    /// An organization has an IT contact.
    pub(crate) fn contact(self, id: &str, address: &str) -> Self {
        let id = OrganizationId::from_api(id);
        let mut state = self.state.lock().unwrap();
        let contacts = state.contacts.entry(id).or_default();
        contacts.insert(address.to_owned());
        drop(state);
        self
    }

    /// An organization is in use; an `Err` is a part that answers 403.
    pub(crate) fn used(self, id: &str, usage: Usage) -> Self {
        let id = OrganizationId::from_api(id);
        self.state.lock().unwrap().usage.insert(id, usage);
        self
    }

    fn part<T>(
        &self,
        id: &OrganizationId,
        part: impl FnOnce(Usage) -> Result<T, FailedRead>,
    ) -> ApiResult<T> {
        let used = self.state.lock().unwrap().usage.get(id).cloned();
        part(used.unwrap_or_else(unused)).map_err(|_| error(ApiErrorKind::Forbidden, None))
    }

    /// Another contact of an organization has an active invitation.
    pub(crate) fn invited(self, id: &str) -> Self {
        let id = OrganizationId::from_api(id);
        let other = "contact_other".to_owned();
        self.state.lock().unwrap().invited.insert(id, other);
        self
    }

    /// PUT merges metadata instead of replacing it: only null removes a key.
    pub(crate) fn merging_metadata(self) -> Self {
        self.state.lock().unwrap().merges_metadata = true;
        self
    }

    /// PUT never removes a metadata key.
    pub(crate) fn keeping_metadata(self) -> Self {
        self.state.lock().unwrap().keeps_metadata = true;
        self.merging_metadata()
    }

    /// Makes the next `times` calls fail.
    pub(crate) fn fail(self, call: &str, times: usize, when: When, kind: ApiErrorKind) -> Self {
        self.fail_with(call, times, when, error(kind, None))
    }

    /// Makes the next `times` calls fail with an error.
    pub(crate) fn fail_with(self, call: &str, times: usize, when: When, error: ApiError) -> Self {
        self.script(call, times, Some((when, error)))
    }

    /// Lets the next `times` calls pass, before what is scripted after it.
    pub(crate) fn pass(self, call: &str, times: usize) -> Self {
        self.script(call, times, None)
    }

    fn script(self, call: &str, times: usize, strikes: Option<(When, ApiError)>) -> Self {
        self.state.lock().unwrap().faults.push(Fault {
            call: call.to_owned(),
            strikes,
            left: times,
        });
        self
    }

    /// Schedules an edit by another client right before the next such call.
    pub(crate) fn before_next(
        self,
        call: &str,
        edit: impl FnOnce(&mut BTreeMap<OrganizationId, Organization>) + Send + 'static,
    ) -> Self {
        let edit: Edit = Box::new(edit);
        let mut state = self.state.lock().unwrap();
        state.edits.push((call.to_owned(), edit));
        drop(state);
        self
    }

    /// Returns the live organizations.
    pub(crate) fn organizations_now(&self) -> Vec<Organization> {
        let state = self.state.lock().unwrap();
        state.organizations.values().cloned().collect()
    }

    /// Returns the only organization with an external id.
    #[track_caller]
    pub(crate) fn only(&self, external_id: &str) -> Organization {
        let mut found: Vec<Organization> = self
            .organizations_now()
            .into_iter()
            .filter(|o| o.external_id.as_deref() == Some(external_id))
            .collect();
        assert_eq!(found.len(), 1, "{external_id}: {found:?}");
        found.remove(0)
    }

    /// The addresses of an organization's IT contacts.
    pub(crate) fn contacts_of(&self, id: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let contacts = state.contacts.get(&OrganizationId::from_api(id));
        contacts.into_iter().flatten().cloned().collect()
    }

    /// Returns the number of invitations that were sent.
    pub(crate) fn invitations(&self) -> usize {
        self.state.lock().unwrap().invitations
    }

    /// Every call so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }

    /// Every write so far.
    pub(crate) fn writes(&self) -> Vec<String> {
        let is_read = |call: &String| call.starts_with("read ") || call.starts_with("find ");
        self.log().into_iter().filter(|c| !is_read(c)).collect()
    }

    /// The most calls that were under way at once.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.state.lock().unwrap().most_in_flight
    }

    async fn call<T>(
        &self,
        call: String,
        effect: impl FnOnce(&mut State) -> ApiResult<T> + Send,
    ) -> ApiResult<T> {
        {
            let mut state = self.state.lock().unwrap();
            state.log.push(call.clone());
            state.in_flight += 1;
            state.most_in_flight = state.most_in_flight.max(state.in_flight);
        }
        SystemClock.sleep(LATENCY).await;
        let mut state = self.state.lock().unwrap();
        state.in_flight -= 1;
        if let Some(at) = state.edits.iter().position(|(at, _)| call.starts_with(at)) {
            let (_, edit) = state.edits.remove(at);
            edit(&mut state.organizations);
        }
        let fault = state
            .faults
            .iter_mut()
            .find(|fault| fault.left > 0 && call.starts_with(&fault.call))
            .and_then(|fault| {
                fault.left -= 1;
                fault.strikes.clone()
            });
        match fault {
            Some((When::Before, error)) => Err(error),
            Some((When::After, error)) => effect(&mut state).and(Err(error)),
            None => effect(&mut state),
        }
    }
}

fn contact(place: usize, email: &str) -> ItContact {
    ItContact {
        id: format!("contact_{}", place + 1),
        email: email.to_owned(),
        created_at: None,
    }
}

fn pending(id: String, domain: &Domain) -> OrganizationDomain {
    OrganizationDomain {
        id: Some(id),
        domain: domain.clone(),
        state: DomainState::Pending,
        verification_prefix: None,
        verification_token: None,
        created_at: None,
        updated_at: None,
    }
}

impl State {
    fn create(&mut self, new: &NewOrganization) -> ApiResult<Organization> {
        let is_taken = self
            .organizations
            .values()
            .any(|o| o.external_id.as_deref() == Some(new.external_id.as_str()));
        if is_taken {
            let code = Some("external_id_already_used");
            return Err(error(ApiErrorKind::ExternalIdTaken, code));
        }
        self.created += 1;
        let id = OrganizationId::from_api(format!("org_new{}", self.created));
        let domains = new
            .domains
            .iter()
            .enumerate()
            .map(|(n, (domain, state))| OrganizationDomain {
                state: match state {
                    DeclaredDomainState::Pending => DomainState::Pending,
                    DeclaredDomainState::Verified => DomainState::Verified,
                },
                ..pending(format!("domain_{id}_{n}"), domain)
            })
            .collect();
        let organization = Organization {
            id: id.clone(),
            name: new.name.clone(),
            external_id: Some(new.external_id.to_string()),
            stripe_customer_id: None,
            allow_profiles_outside_organization: new.allow_profiles_outside_organization,
            domains,
            metadata: new.metadata.clone(),
            created_at: None,
            updated_at: None,
        };
        self.organizations.insert(id, organization.clone());
        Ok(organization)
    }

    fn put(&mut self, id: &OrganizationId, patch: &OrganizationPatch) -> ApiResult<Organization> {
        let (merges, keeps) = (self.merges_metadata, self.keeps_metadata);
        let organization = self.get(id)?;
        let OrganizationPatch {
            name,
            external_id,
            stripe_customer_id,
            allow_profiles_outside_organization,
            metadata,
            may_be_old: _,
        } = patch;
        if let Some(name) = name {
            organization.name.clone_from(name);
        }
        if let Some(external_id) = external_id {
            organization.external_id = Some(external_id.to_string());
        }
        if let Some(id) = stripe_customer_id {
            organization.stripe_customer_id = Some(id.clone());
        }
        if let Some(allow) = allow_profiles_outside_organization {
            organization.allow_profiles_outside_organization = Some(*allow);
        }
        if let Some(metadata) = metadata {
            if !merges {
                organization.metadata.clear();
            }
            for (key, value) in metadata {
                match value {
                    Some(value) => {
                        organization.metadata.insert(key.clone(), value.clone());
                    }
                    None if keeps => {}
                    None => {
                        organization.metadata.remove(key);
                    }
                }
            }
        }
        Ok(organization.clone())
    }

    fn get(&mut self, id: &OrganizationId) -> ApiResult<&mut Organization> {
        self.organizations
            .get_mut(id)
            .ok_or_else(|| error(ApiErrorKind::NotFound, Some("entity_not_found")))
    }
}

impl ReadPortal for FakePortal {
    async fn organizations(&self, _: &dyn ReadProgress, _: usize) -> ApiResult<Vec<Organization>> {
        unimplemented!("apply lists nothing")
    }

    async fn organizations_by_domain(&self, _: &Domain) -> ApiResult<Vec<Organization>> {
        unimplemented!("apply lists nothing")
    }

    async fn organizations_by_name(&self, _: &str) -> ApiResult<Vec<Organization>> {
        unimplemented!("apply lists nothing")
    }

    async fn organizations_within(
        &self,
        _: &dyn ReadProgress,
        _: usize,
        _: usize,
    ) -> ApiResult<Option<Vec<Organization>>> {
        unimplemented!("apply lists nothing")
    }

    async fn retention(&self, id: &OrganizationId) -> ApiResult<Answer<Option<u32>>> {
        self.call(format!("read retention of {id}"), |state| {
            state.get(id)?;
            Ok(Answer::Found(state.retention.get(id).copied()))
        })
        .await
    }

    async fn certificates(&self, _: &str) -> ApiResult<Answer<Vec<Certificate>>> {
        unimplemented!("apply lists nothing")
    }

    async fn it_contacts(&self, id: &OrganizationId) -> ApiResult<Answer<Vec<ItContact>>> {
        self.call(format!("read contacts of {id}"), |state| {
            state.get(id)?;
            let held = state.contacts.get(id).into_iter().flatten();
            let held = held.enumerate();
            Ok(Answer::Found(
                held.map(|(place, email)| contact(place, email)).collect(),
            ))
        })
        .await
    }

    async fn events(&self, _: &EventFilter<'_>) -> ApiResult<Answer<Vec<Event>>> {
        unimplemented!("apply lists nothing")
    }

    async fn connections(&self, _: &dyn ReadProgress) -> ApiResult<Vec<Connection>> {
        unimplemented!("apply lists nothing")
    }

    async fn directories(&self, _: &dyn ReadProgress) -> ApiResult<Vec<Directory>> {
        unimplemented!("apply lists nothing")
    }

    async fn connections_of(&self, id: &OrganizationId) -> ApiResult<Vec<Connection>> {
        self.part(id, |usage| usage.connections)
    }

    async fn directories_of(&self, id: &OrganizationId) -> ApiResult<Vec<Directory>> {
        self.part(id, |usage| usage.directories)
    }

    async fn has_members(&self, id: &OrganizationId) -> ApiResult<bool> {
        self.part(id, |usage| usage.has_members)
    }

    async fn organization(&self, id: &OrganizationId) -> ApiResult<Option<Organization>> {
        self.call(format!("read {id}"), |state| {
            Ok(state.organizations.get(id).cloned())
        })
        .await
    }

    async fn organization_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> ApiResult<Option<Organization>> {
        self.call(format!("find {external_id}"), |state| {
            let found = state
                .organizations
                .values()
                .find(|o| o.external_id.as_deref() == Some(external_id.as_str()));
            Ok(found.cloned())
        })
        .await
    }

    async fn audit_log_configuration(
        &self,
        id: &OrganizationId,
    ) -> ApiResult<Answer<AuditLogConfiguration>> {
        let logs = self.part(id, |usage| usage.audit_logs)?;
        Ok(logs.map_or(Answer::Absent, Answer::Found))
    }

    fn requests_used(&self) -> u64 {
        self.log().len() as u64
    }
}

impl WritePortal for FakePortal {
    async fn create_organization(&self, new: &NewOrganization) -> ApiResult<Organization> {
        self.call(format!("create {}", new.external_id), |state| {
            state.create(new)
        })
        .await
    }

    async fn update_organization(
        &self,
        id: &OrganizationId,
        patch: &OrganizationPatch,
    ) -> ApiResult<Organization> {
        self.call(format!("put {id}"), |state| state.put(id, patch))
            .await
    }

    async fn set_retention(&self, id: &OrganizationId, days: u16) -> ApiResult<Option<u32>> {
        self.call(format!("keep logs of {id} for {days}"), |state| {
            state.get(id)?;
            state.retention.insert(id.clone(), days.into());
            Ok(Some(days.into()))
        })
        .await
    }

    async fn delete_organization(&self, id: &OrganizationId) -> ApiResult<()> {
        self.call(format!("delete {id}"), |state| {
            state.get(id)?;
            state.organizations.remove(id);
            Ok(())
        })
        .await
    }

    async fn add_domain(
        &self,
        id: &OrganizationId,
        domain: &Domain,
    ) -> ApiResult<OrganizationDomain> {
        self.call(format!("add {domain} to {id}"), |state| {
            let organization = state.get(id)?;
            if organization.domain(domain).is_some() {
                let code = Some("domain_already_exists");
                return Err(error(ApiErrorKind::Rejected, code));
            }
            let added = pending(format!("domain_{domain}"), domain);
            organization.domains.push(added.clone());
            organization.domains.sort_by(|a, b| a.domain.cmp(&b.domain));
            Ok(added)
        })
        .await
    }

    async fn remove_domain(&self, domain_id: &str) -> ApiResult<()> {
        self.call(format!("remove {domain_id}"), |state| {
            let is_it = |held: &OrganizationDomain| held.id.as_deref() == Some(domain_id);
            let holder = state
                .organizations
                .values_mut()
                .find(|o| o.domains.iter().any(is_it))
                .ok_or_else(|| error(ApiErrorKind::NotFound, Some("entity_not_found")))?;
            holder.domains.retain(|held| !is_it(held));
            Ok(())
        })
        .await
    }

    async fn verify_domain(&self, _: &str) -> ApiResult<OrganizationDomain> {
        unimplemented!("apply verifies nothing")
    }

    async fn add_it_contact(&self, id: &OrganizationId, email: &Email) -> ApiResult<ItContact> {
        self.call(format!("add {email} to {id}"), |state| {
            state.get(id)?;
            let held = state.contacts.entry(id.clone()).or_default();
            let address = email.as_str().to_lowercase();
            if held.iter().any(|held| held.to_lowercase() == address) {
                return Err(error(ApiErrorKind::Rejected, None));
            }
            held.insert(email.to_string());
            let before = held.iter().filter(|one| one.as_str() < email.as_str());
            Ok(contact(before.count(), email.as_str()))
        })
        .await
    }

    async fn invite_it_contact(
        &self,
        id: &OrganizationId,
        contact_id: &str,
        intents: &BTreeSet<Intent>,
    ) -> ApiResult<()> {
        let names: Vec<&str> = intents.iter().filter_map(|i| i.invite_name()).collect();
        self.call(
            format!("invite {contact_id} to {}", names.join(" ")),
            |state| {
                state.get(id)?;
                let active = state.invited.get(id);
                if active.is_some_and(|active| active != contact_id) {
                    let code = Some("it_contact_invitation_already_active");
                    return Err(error(ApiErrorKind::Rejected, code));
                }
                state.invited.insert(id.clone(), contact_id.to_owned());
                state.invitations += 1;
                Ok(())
            },
        )
        .await
    }

    async fn revoke_invitation(&self, id: &OrganizationId, contact_id: &str) -> ApiResult<()> {
        self.call(format!("revoke {contact_id}"), |state| {
            state.get(id)?;
            state.invited.remove(id);
            Ok(())
        })
        .await
    }

    async fn generate_link(&self, _: &LinkRequest) -> ApiResult<PortalLink> {
        unimplemented!("apply makes no links")
    }

    async fn revoke_links(&self, _: &OrganizationId, _: &ExternalUserId) -> ApiResult<()> {
        unimplemented!("apply makes no links")
    }
}
