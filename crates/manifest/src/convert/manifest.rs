//! What a manifest means → a manifest, written anew.

use std::collections::BTreeMap;

use super::Remainder;
use super::resources::{derived_name, key_kind, object_name, some_list};
use crate::kubernetes::{EnvironmentObject, OrganizationObject};
use crate::shape::{
    AuditLogs, DomainItem, DomainSettings, DomainState, DomainsPolicy, Environment, IntentItem,
    IntentSettings, Invite, Limits, Manifest, Organization, OrganizationState, ReturnUrls,
    UpdateLimit,
};
use portalctl_model::desired::{
    self, AbsentOrganization, DEFAULT_DELETE_LIMIT, DeclaredDomainState, Desired,
    DesiredOrganization,
};
use portalctl_model::{ExternalId, Intent, OrgKey};

/// The whole manifest.
pub(super) fn whole(desired: &Desired, rest: &Remainder) -> Manifest {
    let one = |(key, declared): (&OrgKey, &DesiredOrganization)| {
        let placed = rest.organizations.get(key);
        let organization = Organization {
            kubernetes: placed.and_then(|placed| organization_object(key, placed, rest)),
            ..organization(key, declared)
        };
        (key.to_string(), organization)
    };
    let present = desired.organizations.iter().map(one);
    let absent = desired.absent.iter().map(absent);
    Manifest {
        version: Some(1),
        manifest: desired.manifest.as_ref().map(ToString::to_string),
        previous_manifests: some_list(desired.previous_manifests.iter().map(ToString::to_string)),
        environment: environment(&desired.environment),
        return_urls: return_urls(&desired.return_urls),
        limits: limits(&desired.limits),
        defaults: None,
        kubernetes: environment_object(desired, &rest.environment),
        organizations: Some(present.chain(absent).collect()),
    }
}

/// An entry that says which organization is to be deleted.
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

fn environment(environment: &desired::Environment) -> Option<Environment> {
    let desired::Environment {
        name,
        api_key,
        client_id,
    } = environment;
    let is_said = name.is_some() || api_key.is_some() || client_id.is_some();
    is_said.then(|| Environment {
        name: name.clone(),
        api_key: api_key.map(key_kind),
        client_id: client_id.as_ref().map(ToString::to_string),
    })
}

fn return_urls(urls: &desired::ReturnUrls) -> Option<ReturnUrls> {
    let desired::ReturnUrls {
        default,
        success,
        allowed_hosts,
    } = urls;
    let is_said = default.is_some() || !success.is_empty() || !allowed_hosts.is_empty();
    let of = |(intent, url): (&Intent, &_)| (intent.to_string(), ToString::to_string(url));
    is_said.then(|| ReturnUrls {
        default: default.as_ref().map(ToString::to_string),
        allowed_hosts: some_list(allowed_hosts.iter().map(str::to_owned)),
        success: (!success.is_empty()).then(|| success.iter().map(of).collect()),
    })
}

fn limits(limits: &desired::Limits) -> Option<Limits> {
    let desired::Limits {
        create,
        update,
        delete,
    } = *limits;
    let delete = Some(delete).filter(|delete| *delete != DEFAULT_DELETE_LIMIT);
    let is_said = create.is_some() || update.is_some() || delete.is_some();
    is_said.then(|| Limits {
        create,
        update: update.map(|limit| match limit {
            desired::UpdateLimit::Count(count) => UpdateLimit::Count(count),
            desired::UpdateLimit::Percent(percent) => UpdateLimit::Percent(format!("{percent}%")),
        }),
        delete,
    })
}

/// What the environment's object says beside the rest, without what would be made of the rest
/// anyway.
fn environment_object(desired: &Desired, object: &EnvironmentObject) -> Option<EnvironmentObject> {
    let derived = derived_name(desired.environment.name.as_deref());
    let kept = EnvironmentObject {
        name: object.name.clone().filter(|name| *name != derived),
        ..object.clone()
    };
    (kept != EnvironmentObject::default()).then_some(kept)
}

/// The same for an organization.
fn organization_object(
    key: &OrgKey,
    object: &OrganizationObject,
    rest: &Remainder,
) -> Option<OrganizationObject> {
    let home = &rest.environment.namespace;
    let kept = OrganizationObject {
        name: object
            .name
            .clone()
            .filter(|name| name != object_name(key, object, rest)),
        namespace: object
            .namespace
            .clone()
            .filter(|_| object.namespace != *home),
        ..object.clone()
    };
    (kept != OrganizationObject::default()).then_some(kept)
}

/// One organization, all of its fields but what only Kubernetes says.
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
        // Kept with what only Kubernetes says.
        management: _,
        resource: _,
        // Only an operator sets it.
        holder: _,
    } = organization;
    // An entry without `id` has its key as the external id; one with `id` has none.
    let implied = id.is_none().then(|| ExternalId::from(key));
    Organization {
        name: name.clone(),
        id: id.as_ref().map(ToString::to_string),
        external_id: external_id
            .as_ref()
            .filter(|external_id| Some(*external_id) != implied.as_ref())
            .map(ToString::to_string),
        previous_keys: some_list(previous_keys.iter().map(ToString::to_string)),
        domains: domains
            .as_ref()
            .map(|domains| domains.iter().map(domain).collect()),
        domains_policy: match domains_policy {
            desired::DomainsPolicy::Add => None,
            desired::DomainsPolicy::Exact => Some(DomainsPolicy::Exact),
        },
        intents: some_list(intents.iter().map(intent)),
        return_url: return_url.as_ref().map(ToString::to_string),
        metadata: Some(metadata.clone()).filter(|metadata: &BTreeMap<_, _>| !metadata.is_empty()),
        it_contacts: some_list(it_contacts.iter().map(ToString::to_string)),
        invite: match invite {
            desired::Invite::Never => None,
            desired::Invite::Once => Some(Invite::Once),
        },
        protect: *protect,
        stripe_customer_id: stripe_customer_id.clone(),
        allow_profiles_outside_organization: *allow_profiles_outside_organization,
        audit_logs: retention_days.map(|days| AuditLogs {
            retention_days: Some(days),
        }),
        ignore_fields: some_list(ignore_fields.iter().map(ToString::to_string)),
        allow_shared_domain: allow_shared_domain.then_some(true),
        allow_same_name: allow_same_name.then_some(true),
        claim: claim.then_some(true),
        allow: some_list(allow.iter().copied()),
        state: None,
        kubernetes: None,
    }
}

fn domain((domain, state): (&portalctl_model::Domain, &DeclaredDomainState)) -> DomainItem {
    let domain = domain.to_string();
    match domain_state(*state) {
        None => DomainItem::Name(domain),
        state => DomainItem::Settings(DomainSettings { domain, state }),
    }
}

/// The state that has to be said.
pub(super) fn domain_state(state: DeclaredDomainState) -> Option<DomainState> {
    match state {
        DeclaredDomainState::Pending => None,
        DeclaredDomainState::Verified => Some(DomainState::Verified),
    }
}

fn intent((intent, settings): (&Intent, &desired::IntentSettings)) -> IntentItem {
    let desired::IntentSettings {
        return_url,
        success_url,
        warn_days,
    } = settings;
    if *settings == desired::IntentSettings::default() {
        return IntentItem::Name(*intent);
    }
    IntentItem::Settings(IntentSettings {
        intent: *intent,
        return_url: return_url.as_ref().map(ToString::to_string),
        success_url: success_url.as_ref().map(ToString::to_string),
        warn_days: *warn_days,
    })
}
