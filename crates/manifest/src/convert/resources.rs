//! What a manifest means → Kubernetes resources.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Remainder;
use crate::kubernetes::{
    API_VERSION, AuditLogSettings, DomainSettings, EnvironmentRef, ExternalIdPatterns,
    IntentSettings, KeyRef, Kind, Limits, OperatorSettings, OrganizationObject,
    PortalEnvironmentSpec, PortalOrganizationSpec, ReturnUrls, Tenant, UpdateLimit,
};
use crate::shape;
use portalctl_model::desired::{self, DEFAULT_DELETE_LIMIT, Desired, DesiredOrganization};
use portalctl_model::{Intent, OrgKey};

/// The Secret that holds the API key unless the manifest says otherwise.
pub(super) const SECRET: &str = "workos";
/// The key within that Secret.
pub(super) const SECRET_KEY: &str = "api-key";
/// The name of an environment that has none.
const NAMELESS: &str = "portal";

/// An object as it is written to a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object<S> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: S,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

fn object<S>(kind: Kind, name: String, namespace: Option<String>, spec: S) -> Object<S> {
    Object {
        api_version: API_VERSION,
        kind: kind.as_str(),
        metadata: Metadata { name, namespace },
        spec,
    }
}

/// The `PortalEnvironment`.
pub(super) fn environment(desired: &Desired, rest: &Remainder) -> Object<PortalEnvironmentSpec> {
    let name = environment_name(desired, rest);
    let shown = desired.environment.name.clone();
    let spec = PortalEnvironmentSpec {
        secret_ref: rest.environment.secret_ref.clone().unwrap_or(KeyRef {
            name: SECRET.to_owned(),
            key: SECRET_KEY.to_owned(),
        }),
        api_key: desired.environment.api_key.map(key_kind),
        client_id: desired
            .environment
            .client_id
            .as_ref()
            .map(ToString::to_string),
        name: shown.filter(|shown| *shown != name),
        manifest: desired.manifest.as_ref().map(ToString::to_string),
        return_urls: return_urls(&desired.return_urls),
        limits: limits(&desired.limits),
        operator: OperatorSettings {
            external_id_patterns: external_id_patterns(desired, rest),
            ..rest.environment.operator.clone()
        },
    };
    let namespace = rest.environment.namespace.clone();
    object(Kind::PortalEnvironment, name, namespace, spec)
}

/// The patterns of the environment, and those that the organizations of other namespaces need for the
/// external ids that they declare.
fn external_id_patterns(desired: &Desired, rest: &Remainder) -> Vec<ExternalIdPatterns> {
    let mut patterns = rest.environment.operator.external_id_patterns.clone();
    for (key, organization) in &desired.organizations {
        let placed = rest.organizations.get(key);
        let tenant = placed.and_then(|placed| tenant_of(placed, rest));
        let (Some(tenant), Some(external_id)) = (tenant, &organization.external_id) else {
            continue;
        };
        if tenant.may_set(external_id.as_str(), &patterns) {
            continue;
        }
        let pattern = external_id.to_string();
        let namespace = tenant.namespace();
        match patterns.iter_mut().find(|one| one.namespace == namespace) {
            Some(own) => own.patterns.push(pattern),
            None => patterns.push(ExternalIdPatterns {
                namespace: namespace.to_owned(),
                patterns: vec![pattern],
            }),
        }
    }
    patterns
}

/// The tenant that an organization's namespace is.
pub(super) fn tenant_of<'a>(
    placed: &'a OrganizationObject,
    rest: &Remainder,
) -> Option<Tenant<'a>> {
    Tenant::of(
        rest.environment.namespace.as_deref(),
        placed.namespace.as_deref(),
    )
}

/// The name of an organization's object unless it has another: its key, without the namespace.
pub(super) fn object_name<'a>(
    key: &'a OrgKey,
    placed: &OrganizationObject,
    rest: &Remainder,
) -> &'a str {
    let tenant = tenant_of(placed, rest);
    let plain = tenant.and_then(|tenant| tenant.plain(key.as_str()));
    plain.unwrap_or(key.as_str())
}

/// The name of the object: as the manifest says, else made from the environment's name.
fn environment_name(desired: &Desired, rest: &Remainder) -> String {
    let given = rest.environment.name.clone();
    given.unwrap_or_else(|| derived_name(desired.environment.name.as_deref()))
}

/// A name that Kubernetes takes, as near to a text as it can be.
pub(super) fn derived_name(shown: Option<&str>) -> String {
    let letters = shown.unwrap_or_default().to_lowercase();
    let words: Vec<&str> = letters
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut name = words.join("-");
    name.truncate(63);
    let name = name.trim_end_matches('-');
    if name.is_empty() { NAMELESS } else { name }.to_owned()
}

/// The `PortalOrganization`s, by key.
pub(super) fn organizations<'d>(
    desired: &'d Desired,
    rest: &Remainder,
) -> Vec<(&'d OrgKey, Object<PortalOrganizationSpec>)> {
    let environment = environment_name(desired, rest);
    let home = rest.environment.namespace.as_ref();
    let one = |(key, organization): (&'d OrgKey, &DesiredOrganization)| {
        let placed = rest.organizations.get(key).cloned().unwrap_or_default();
        let namespace = placed.namespace.clone().or_else(|| home.cloned());
        let reference = EnvironmentRef {
            name: environment.clone(),
            namespace: home.filter(|_| namespace.as_ref() != home).cloned(),
        };
        let plain_key = object_name(key, &placed, rest);
        let name = placed.name.clone().unwrap_or_else(|| plain_key.to_owned());
        let spec = PortalOrganizationSpec {
            environment_ref: reference,
            key: (name != plain_key).then(|| plain_key.to_owned()),
            ..organization_spec(key, organization, &placed)
        };
        (key, object(Kind::PortalOrganization, name, namespace, spec))
    };
    desired.organizations.iter().map(one).collect()
}

fn organization_spec(
    key: &OrgKey,
    organization: &DesiredOrganization,
    placed: &OrganizationObject,
) -> PortalOrganizationSpec {
    let shape::Organization {
        name,
        id,
        external_id,
        previous_keys,
        domains: _,
        domains_policy,
        intents: _,
        return_url,
        metadata,
        it_contacts,
        invite,
        protect,
        stripe_customer_id,
        allow_profiles_outside_organization,
        audit_logs,
        ignore_fields,
        allow_shared_domain,
        allow_same_name,
        // Powers, which a resource does not have.
        claim: _,
        allow: _,
        state: _,
        kubernetes: _,
    } = super::manifest::organization(key, organization);
    let (set, removed): (Vec<_>, Vec<_>) = metadata
        .unwrap_or_default()
        .into_iter()
        .partition(|(_, value)| value.is_some());
    let set = set
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    PortalOrganizationSpec {
        name,
        id,
        external_id,
        previous_keys,
        domains: organization.domains.as_ref().map(|domains| {
            let one = |(domain, state): (&portalctl_model::Domain, &_)| DomainSettings {
                domain: domain.to_string(),
                state: super::manifest::domain_state(*state),
            };
            domains.iter().map(one).collect()
        }),
        domains_policy,
        intents: some_list(organization.intents.iter().map(intent)),
        return_url,
        metadata: Some(set.collect()).filter(|set: &BTreeMap<_, _>| !set.is_empty()),
        remove_metadata: some_list(removed.into_iter().map(|(key, _)| key)),
        it_contacts,
        invite,
        protect,
        stripe_customer_id,
        allow_profiles_outside_organization,
        audit_logs: audit_logs.map(|logs| AuditLogSettings {
            retention_days: logs.retention_days,
        }),
        ignore_fields,
        allow_shared_domain,
        allow_same_name,
        deletion_policy: placed.deletion_policy,
        management_policy: placed.management_policy,
        suspend: placed.suspend,
        recreate: placed.recreate,
        ..PortalOrganizationSpec::default()
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

/// A list that is there when it holds something.
pub(super) fn some_list<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}

pub(super) fn key_kind(kind: desired::KeyKind) -> shape::KeyKind {
    match kind {
        desired::KeyKind::Test => shape::KeyKind::Test,
        desired::KeyKind::Live => shape::KeyKind::Live,
    }
}

fn return_urls(urls: &desired::ReturnUrls) -> Option<ReturnUrls> {
    let desired::ReturnUrls {
        default,
        success,
        allowed_hosts,
    } = urls;
    let success = success.iter();
    let success = success.map(|(intent, url)| (*intent, url.to_string()));
    let success: BTreeMap<Intent, String> = success.collect();
    let written = ReturnUrls {
        default: default.as_ref().map(ToString::to_string),
        allowed_hosts: some_list(allowed_hosts.iter().map(str::to_owned)),
        success: Some(success).filter(|success| !success.is_empty()),
    };
    (written != ReturnUrls::default()).then_some(written)
}

fn limits(limits: &desired::Limits) -> Option<Limits> {
    let desired::Limits {
        create,
        update,
        delete,
    } = *limits;
    let written = Limits {
        create,
        update: update.map(|limit| match limit {
            desired::UpdateLimit::Count(count) => UpdateLimit::Count(count),
            desired::UpdateLimit::Percent(percent) => UpdateLimit::Percent(format!("{percent}%")),
        }),
        delete: Some(delete).filter(|delete| *delete != DEFAULT_DELETE_LIMIT),
    };
    (written != Limits::default()).then_some(written)
}
