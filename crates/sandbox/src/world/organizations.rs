//! Organizations.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::domains::OrganizationDomain;
use super::input::{Field, MetadataInput, OrganizationInput, check_metadata_size};
use super::refusal::{FieldError, Refusal};
use super::scheduled_effects::Due;
use super::table::{Page, PageQuery, Record, record};
use super::{MetadataOnPut, World, millis};
use crate::wire;

/// Organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// `org_…`
    pub id: String,
    /// Display name, which need not be unique.
    pub name: String,
    /// Caller's own id, unique in the environment.
    pub external_id: Option<String>,
    /// Customer's id at Stripe, unique in the environment.
    pub stripe_customer_id: Option<String>,
    /// True when profiles from outside the domains may sign in.
    #[serde(default)]
    pub allow_profiles_outside_organization: bool,
    /// Domains, in the order in which they were added.
    pub domains: Vec<OrganizationDomain>,
    /// Free key/value pairs.
    pub metadata: BTreeMap<String, String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

record!(Organization, "Organization");

/// Filter of a list of organizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationFilter {
    /// Domains of which an organization must have one, in any state; empty for all.
    pub domains: Vec<String>,
    /// Text that the name must contain, ignoring case.
    pub search: Option<String>,
}

impl World {
    /// Creates an organization.
    ///
    /// Source: `POST /organizations`. Not idempotent; only a used `external_id` is refused.
    /// `stripe_customer_id` is not a field of its body, so it is ignored.
    pub fn create_organization(
        &mut self,
        now: Timestamp,
        input: OrganizationInput,
    ) -> Result<&Organization, Refusal> {
        let now = millis(now);
        let OrganizationInput {
            name,
            external_id,
            stripe_customer_id: _,
            allow_profiles_outside_organization,
            metadata,
            domains,
        } = input;
        let Field::Set(name) = name else {
            return Err(Refusal::invalid(FieldError::new("name", "required")));
        };
        let external_id = external_id.set();
        if let Some(external_id) = &external_id {
            self.check_external_id(external_id, None)?;
        }
        let metadata = written(metadata.set().unwrap_or_default());
        check_metadata_size(&metadata)?;
        let domains = domains.unwrap_or_default();
        self.check_domains(None, &domains)?;

        let id = self.ids.id("org", now);
        let domains = domains
            .into_iter()
            .map(|input| self.new_domain(now, &id, input))
            .collect();
        let organization = Organization {
            id: id.clone(),
            name: name.trim().to_owned(),
            external_id,
            stripe_customer_id: None,
            allow_profiles_outside_organization: allow_profiles_outside_organization
                .set()
                .unwrap_or_default(),
            domains,
            metadata,
            created_at: now,
            updated_at: now,
        };
        self.index.add(&organization);
        self.emit(
            now,
            "organization.created",
            &id,
            wire::organization(&organization),
        );
        for domain in &organization.domains {
            self.await_verification(domain);
            self.emit(
                now,
                "organization_domain.created",
                &id,
                wire::domain(domain),
            );
        }
        self.organizations.insert(organization);
        self.organizations.find(&id)
    }

    /// Returns the organization with an id. Source: `GET /organizations/{id}`.
    pub fn organization(&self, id: &str) -> Result<&Organization, Refusal> {
        self.organizations.find(id)
    }

    /// Returns the organization with an external id. Source: `GET /organizations/external_id/{…}`.
    pub fn organization_by_external_id(&self, external_id: &str) -> Result<&Organization, Refusal> {
        match self.index.by_external_id.get(external_id) {
            Some(id) => self.organizations.find(id),
            None => Err(Refusal::not_found("Organization", external_id)),
        }
    }

    /// Returns a page of organizations. Source: `GET /organizations`.
    pub fn list_organizations(
        &self,
        query: &PageQuery,
        filter: &OrganizationFilter,
    ) -> Result<Page<&Organization>, Refusal> {
        let OrganizationFilter { domains, search } = filter;
        let search = search.as_deref().map(str::to_lowercase);
        let matches = |organization: &Organization| {
            search
                .as_ref()
                .is_none_or(|text| organization.name.to_lowercase().contains(text))
        };
        if domains.is_empty() {
            return self.organizations.page(query, matches);
        }
        let ids: BTreeSet<&String> = domains
            .iter()
            .flat_map(|domain| self.index.organizations_with(domain))
            .collect();
        self.organizations
            .page_among(ids.into_iter(), query, matches)
    }

    /// Returns every organization, oldest first.
    pub fn organizations(&self) -> impl Iterator<Item = &Organization> {
        self.organizations.iter()
    }

    /// Returns the number of organizations.
    pub fn organization_count(&self) -> usize {
        self.organizations.len()
    }

    /// Changes an organization: what the body leaves out stays.
    ///
    /// Source: `PUT /organizations/{id}`. Metadata keys that the body does not name stay, a null
    /// value removes its key, and an empty object removes all (see [`MetadataOnPut`] for the
    /// emulator's way). What it does with domains that the body does not name is undocumented: here
    /// `domain_data` replaces the list, and a domain that stays keeps its state unless `verified` is
    /// asserted.
    pub fn update_organization(
        &mut self,
        now: Timestamp,
        id: &str,
        input: OrganizationInput,
    ) -> Result<&Organization, Refusal> {
        let now = millis(now);
        let OrganizationInput {
            name,
            external_id,
            stripe_customer_id,
            allow_profiles_outside_organization,
            metadata,
            domains,
        } = input;
        let mut next = self.organizations.find(id)?.clone();
        if let Field::Set(name) = name {
            name.trim().clone_into(&mut next.name);
        }
        if let Field::Set(external_id) = &external_id {
            self.check_external_id(external_id, Some(id))?;
        }
        if let Field::Set(customer) = &stripe_customer_id {
            let taken = self.index.by_stripe_customer_id.get(customer);
            if taken.is_some_and(|owner| owner != id) {
                return Err(Refusal::StripeCustomerIdUsed(customer.clone()));
            }
        }
        assign(&mut next.external_id, external_id);
        assign(&mut next.stripe_customer_id, stripe_customer_id);
        match allow_profiles_outside_organization {
            Field::Absent => {}
            Field::Null => next.allow_profiles_outside_organization = false,
            Field::Set(allow) => next.allow_profiles_outside_organization = allow,
        }
        next.metadata = self.next_metadata(next.metadata, metadata);
        check_metadata_size(&next.metadata)?;
        if let Some(domains) = &domains {
            self.check_domains(Some(id), domains)?;
        }

        next.updated_at = now;
        let row = self.organizations.find_mut(id)?;
        self.index.remove(row);
        self.index.add(&next);
        *row = next;
        if let Some(domains) = domains {
            self.replace_domains(now, id, domains)?;
        }
        let data = wire::organization(self.organizations.find(id)?);
        self.emit(now, "organization.updated", id, data);
        self.organizations.find(id)
    }

    /// Deletes an organization and all that belongs to it.
    ///
    /// Source: `DELETE /organizations/{id}`, whose 202 says that it may take time; how long is
    /// [`Rules::deletion_delay`](super::Rules). 404 for one that does not exist is ours.
    pub fn delete_organization(&mut self, now: Timestamp, id: &str) -> Result<(), Refusal> {
        self.organizations.find(id)?;
        let due = now
            .checked_add(self.rules.deletion_delay)
            .unwrap_or(Timestamp::MAX);
        if due <= now {
            self.remove_organization(now, id);
        } else {
            self.deleting.entry(id.to_owned()).or_insert(due);
            self.scheduled.add(due, Due::Deletion(id.to_owned()));
        }
        Ok(())
    }

    pub(super) fn remove_organization(&mut self, now: Timestamp, id: &str) {
        self.deleting.remove(id);
        let connections = ids(self.connections.owned_by(id));
        for connection in connections {
            // The object was listed a moment ago, so nothing can be refused.
            let _ = self.delete_connection(now, &connection);
        }
        for directory in ids(self.directories.owned_by(id)) {
            let _ = self.delete_directory(now, &directory);
        }
        for contact in ids(self.it_contacts.owned_by(id)) {
            self.it_contacts.remove(&contact);
        }
        for membership in ids(self.memberships.owned_by(id)) {
            self.memberships.remove(&membership);
        }
        self.invitations.remove(id);
        self.audit_logs.remove(id);
        self.links.forget_organization(id);
        if let Some(organization) = self.organizations.remove(id) {
            self.index.remove(&organization);
            let data = wire::organization(&organization);
            self.emit(millis(now), "organization.deleted", id, data);
        }
    }

    fn check_external_id(&self, external_id: &str, own: Option<&str>) -> Result<(), Refusal> {
        match self.index.by_external_id.get(external_id) {
            Some(owner) if Some(owner.as_str()) != own => {
                Err(Refusal::ExternalIdUsed(external_id.to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn next_metadata(
        &self,
        old: BTreeMap<String, String>,
        input: Field<MetadataInput>,
    ) -> BTreeMap<String, String> {
        let input = match input {
            Field::Absent => return old,
            Field::Null => return BTreeMap::new(),
            Field::Set(input) => input,
        };
        match self.rules.metadata_on_put {
            MetadataOnPut::Replace => written(input),
            MetadataOnPut::Merge if input.is_empty() => BTreeMap::new(),
            MetadataOnPut::Merge => {
                let mut merged = old;
                merged.retain(|key, _| !input.contains_key(key));
                merged.extend(written(input));
                merged
            }
        }
    }
}

/// Returns the metadata without the keys that a null value removes.
fn written(input: MetadataInput) -> BTreeMap<String, String> {
    input
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn assign(field: &mut Option<String>, input: Field<String>) {
    match input {
        Field::Absent => {}
        Field::Null => *field = None,
        Field::Set(value) => *field = Some(value),
    }
}

fn ids<'a, T: Record + 'a>(rows: impl Iterator<Item = &'a T>) -> Vec<String> {
    rows.map(|row| row.id().to_owned()).collect()
}
