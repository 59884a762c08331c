//! Desired state → Kubernetes resources.

use std::collections::BTreeMap;

use serde::Serialize;

use super::manifest;
use super::{KubernetesFields, environment_name, object_name, return_urls, some_list, tenant_of};
use crate::kubernetes::{API_VERSION, Kind};
use crate::shape::{
    EnvironmentRef, ExternalIdPatterns, KeyRef, OperatorSettings, Organization,
    OrganizationPolicies, PortalEnvironmentSpec, PortalOrganizationSpec,
};
use portalctl_model::OrgKey;
use portalctl_model::desired::{self, Desired, DesiredOrganization};

/// Default name of the Secret that holds the API key.
pub(super) const SECRET: &str = "workos";
/// Default key within that Secret.
pub(super) const SECRET_KEY: &str = "api-key";
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

/// Returns the `PortalEnvironment`.
pub(super) fn environment(
    desired: &Desired,
    rest: &KubernetesFields,
) -> Object<PortalEnvironmentSpec> {
    let name = environment_name(desired, rest);
    let shown = desired.environment.name.clone();
    let spec = PortalEnvironmentSpec {
        secret_ref: rest.environment.secret_ref.clone().unwrap_or(KeyRef {
            name: SECRET.to_owned(),
            key: SECRET_KEY.to_owned(),
        }),
        environment: manifest::environment(&desired::Environment {
            name: shown.filter(|shown| *shown != name),
            ..desired.environment.clone()
        }),
        manifest: desired.manifest.as_ref().map(ToString::to_string),
        return_urls: return_urls(&desired.return_urls),
        limits: manifest::limits(&desired.limits),
        operator: OperatorSettings {
            external_id_patterns: external_id_patterns(desired, rest),
            ..rest.environment.operator.clone()
        },
    };
    let namespace = rest.environment.namespace.clone();
    object(Kind::PortalEnvironment, name, namespace, spec)
}

/// Returns the patterns of the environment, and those that organizations of other namespaces need for
/// their external ids.
fn external_id_patterns(desired: &Desired, rest: &KubernetesFields) -> Vec<ExternalIdPatterns> {
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

/// Returns the `PortalOrganization`s, by key.
pub(super) fn organizations<'d>(
    desired: &'d Desired,
    rest: &KubernetesFields,
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
        let spec = organization_spec(
            reference,
            (name != plain_key).then(|| plain_key.to_owned()),
            manifest::organization(key, organization),
            placed.policies,
        );
        (key, object(Kind::PortalOrganization, name, namespace, spec))
    };
    desired.organizations.iter().map(one).collect()
}

/// Returns the spec of an organization, but for its place among the objects.
fn organization_spec(
    environment_ref: EnvironmentRef,
    key: Option<String>,
    organization: Organization,
    policies: OrganizationPolicies,
) -> PortalOrganizationSpec {
    let metadata = organization.metadata.unwrap_or_default();
    let (set, removed): (BTreeMap<_, _>, BTreeMap<_, _>) =
        metadata.into_iter().partition(|(_, value)| value.is_some());
    PortalOrganizationSpec {
        environment_ref,
        key,
        organization: Organization {
            metadata: (!set.is_empty()).then_some(set),
            remove_metadata: some_list(removed.into_keys()),
            // Powers, which a resource does not have.
            claim: None,
            allow: None,
            state: None,
            ..organization
        },
        policies,
    }
}
