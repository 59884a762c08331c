//! Desired state → a manifest, written anew.

use std::collections::BTreeMap;

use super::{KubernetesFields, derived_name, object_name, return_urls, some_list};
use crate::shape::{
    AuditLogs, DomainSettings, Environment, EnvironmentObject, IntentSettings, Limits, Manifest,
    Organization, OrganizationObject, UpdateLimit,
};
use portalctl_model::desired::{
    self, AbsentOrganization, DEFAULT_DELETE_LIMIT, DeclaredDomainState, Desired,
    DesiredOrganization, ExcludedOrganization, OrganizationState,
};
use portalctl_model::{Domain, ExternalId, Intent, OrgKey};

/// Returns the whole manifest.
pub(super) fn whole(desired: &Desired, rest: &KubernetesFields) -> Manifest {
    let present = desired.organizations.iter().map(|(key, declared)| {
        let placed = rest.organizations.get(key);
        let organization = Organization {
            kubernetes: placed.and_then(|placed| organization_object(key, placed, rest)),
            ..organization(key, declared)
        };
        (key.to_string(), organization)
    });
    let absent = desired.absent.iter().map(absent);
    let excluded = desired.excluded.iter().map(excluded);
    let environment = environment(&desired.environment);
    Manifest {
        version: Some(1),
        manifest: desired.manifest.as_ref().map(ToString::to_string),
        previous_manifests: some_list(desired.previous_manifests.iter().map(ToString::to_string)),
        environment: (environment != Environment::default()).then_some(environment),
        return_urls: return_urls(&desired.return_urls),
        limits: limits(&desired.limits),
        defaults: None,
        profiles: None,
        environments: None,
        kubernetes: environment_object(desired, &rest.environment),
        organizations: Some(present.chain(absent).chain(excluded).collect()),
    }
}

/// Returns an entry that says which organization is to be deleted.
fn absent((key, declared): (&OrgKey, &AbsentOrganization)) -> (String, Organization) {
    let AbsentOrganization {
        source: _,
        id,
        lifts_protection,
        allow,
    } = declared;
    let organization = Organization {
        id: Some(id.to_string()),
        protect: lifts_protection.then_some(false),
        allow: some_list(allow.iter().copied()),
        state: Some(OrganizationState::Absent),
        ..Organization::default()
    };
    (key.to_string(), organization)
}

/// Returns an entry that says which organization is left alone.
fn excluded((key, declared): (&OrgKey, &ExcludedOrganization)) -> (String, Organization) {
    let ExcludedOrganization {
        source: _,
        id,
        external_id,
        previous_keys,
    } = declared;
    let key_as_id = ExternalId::from(key);
    let external_id = external_id.as_ref().filter(|id| **id != key_as_id);
    let organization = Organization {
        id: id.as_ref().map(ToString::to_string),
        external_id: external_id.map(ToString::to_string),
        previous_keys: some_list(previous_keys.iter().map(ToString::to_string)),
        state: Some(OrganizationState::Excluded),
        ..Organization::default()
    };
    (key.to_string(), organization)
}

pub(super) fn environment(environment: &desired::Environment) -> Environment {
    let desired::Environment {
        name,
        api_key,
        client_id,
    } = environment;
    Environment {
        name: name.clone(),
        api_key: *api_key,
        client_id: client_id.as_ref().map(ToString::to_string),
    }
}

pub(super) fn limits(limits: &desired::Limits) -> Option<Limits> {
    let desired::Limits {
        create,
        update,
        delete,
    } = *limits;
    let limits = Limits {
        create,
        update: update.map(|limit| match limit {
            desired::UpdateLimit::Count(count) => UpdateLimit::Count(count),
            desired::UpdateLimit::Percent(percent) => UpdateLimit::Percent(format!("{percent}%")),
        }),
        delete: Some(delete).filter(|delete| *delete != DEFAULT_DELETE_LIMIT),
    };
    (limits != Limits::default()).then_some(limits)
}

/// Returns the `kubernetes` field, without the name that would be derived anyway.
fn environment_object(desired: &Desired, object: &EnvironmentObject) -> Option<EnvironmentObject> {
    let derived = derived_name(desired.environment.name.as_deref());
    let kept = EnvironmentObject {
        name: object.name.clone().filter(|name| *name != derived),
        ..object.clone()
    };
    (kept != EnvironmentObject::default()).then_some(kept)
}

/// Returns the `kubernetes` field of an organization, without what would be derived anyway.
fn organization_object(
    key: &OrgKey,
    object: &OrganizationObject,
    rest: &KubernetesFields,
) -> Option<OrganizationObject> {
    let derived = object_name(key, object, rest);
    let home = &rest.environment.namespace;
    let namespace = object.namespace.clone();
    let kept = OrganizationObject {
        name: object.name.clone().filter(|name| name != derived),
        namespace: namespace.filter(|_| object.namespace != *home),
        ..object.clone()
    };
    (kept != OrganizationObject::default()).then_some(kept)
}

/// Returns one organization, without the fields that only the Kubernetes form has.
pub(super) fn organization(key: &OrgKey, organization: &DesiredOrganization) -> Organization {
    let DesiredOrganization {
        source: _,
        id,
        external_id,
        previous_keys,
        // Follows from the namespaces.
        plain_key: _,
        name,
        domains,
        domains_policy,
        intents,
        return_url,
        metadata,
        it_contacts,
        invite,
        protect,
        stripe_customer_id,
        allow_profiles_outside_organization,
        retention_days,
        ignore_fields,
        allow_shared_domain,
        allow_same_name,
        claim,
        allow,
        // Kept with the fields that only the Kubernetes form has.
        management: _,
        resource: _,
        // Only an operator sets it.
        holder: _,
    } = organization;
    // An entry without `id` has its key as the external id; one with `id` has none.
    let implied = id.is_none().then(|| ExternalId::from(key));
    let external_id = external_id.as_ref();
    Organization {
        name: name.clone(),
        id: id.as_ref().map(ToString::to_string),
        external_id: external_id
            .filter(|external_id| Some(*external_id) != implied.as_ref())
            .map(ToString::to_string),
        previous_keys: some_list(previous_keys.iter().map(ToString::to_string)),
        domains: domains.as_ref().map(|it| it.iter().map(domain).collect()),
        domains_policy: unless_default(*domains_policy),
        intents: some_list(intents.iter().map(intent)),
        return_url: return_url.as_ref().map(ToString::to_string),
        metadata: Some(metadata.clone()).filter(|metadata: &BTreeMap<_, _>| !metadata.is_empty()),
        remove_metadata: None,
        it_contacts: some_list(it_contacts.iter().map(ToString::to_string)),
        invite: unless_default(*invite),
        protect: *protect,
        stripe_customer_id: stripe_customer_id.clone(),
        allow_profiles_outside_organization: *allow_profiles_outside_organization,
        audit_logs: retention_days.map(|days| AuditLogs {
            retention_days: Some(days),
        }),
        ignore_fields: some_list(ignore_fields.iter().map(ToString::to_string)),
        allow_shared_domain: unless_default(*allow_shared_domain),
        allow_same_name: unless_default(*allow_same_name),
        claim: unless_default(*claim),
        allow: some_list(allow.iter().copied()),
        state: None,
        kubernetes: None,
        r#use: None,
    }
}

/// Returns a value where it differs from the default.
fn unless_default<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

fn domain((domain, state): (&Domain, &DeclaredDomainState)) -> DomainSettings {
    DomainSettings {
        domain: domain.to_string(),
        state: unless_default(*state),
    }
}

fn intent((intent, settings): (&Intent, &desired::IntentSettings)) -> IntentSettings {
    let desired::IntentSettings {
        return_url,
        success_url,
        warn_days,
    } = settings;
    IntentSettings {
        intent: *intent,
        return_url: return_url.as_ref().map(ToString::to_string),
        success_url: success_url.as_ref().map(ToString::to_string),
        warn_days: *warn_days,
    }
}
