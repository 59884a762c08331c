//! Types of the two resources for the Kubernetes client, and the names of objects.
//!
//! Specs, statuses and CRDs are defined in [`manifest::kubernetes`](portalctl_manifest::kubernetes).

use std::borrow::Cow;

use kube::Resource;
use kube::core::{NamespaceResourceScope, ObjectMeta};
use serde::{Deserialize, Serialize};

pub use portalctl_manifest::ObjectName as Name;
use portalctl_manifest::kubernetes::{
    API_VERSION, GROUP, Kind, PortalEnvironmentSpec, PortalEnvironmentStatus,
    PortalOrganizationSpec, PortalOrganizationStatus, VERSION,
};

macro_rules! resource {
    ($(#[$doc:meta])* $name:ident, $spec:ty, $status:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// `portalctl.dev/v1alpha1`; lists leave it out.
            #[serde(default)]
            pub api_version: String,
            /// Name of the kind; lists leave it out.
            #[serde(default)]
            pub kind: String,
            /// Name, namespace and other fields that all objects have.
            pub metadata: ObjectMeta,
            /// Declared configuration.
            pub spec: $spec,
            /// Observed status.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub status: Option<$status>,
        }

        impl $name {
            /// Creates an object without a status.
            pub fn new(metadata: ObjectMeta, spec: $spec) -> Self {
                Self {
                    api_version: API_VERSION.to_owned(),
                    kind: Kind::$name.as_str().to_owned(),
                    metadata,
                    spec,
                    status: None,
                }
            }
        }

        impl Resource for $name {
            type DynamicType = ();
            type Scope = NamespaceResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                Kind::$name.as_str().into()
            }

            fn group((): &()) -> Cow<'_, str> {
                GROUP.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                VERSION.into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                Kind::$name.plural().into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource! {
    /// Resource of one WorkOS environment.
    PortalEnvironment, PortalEnvironmentSpec, PortalEnvironmentStatus
}
resource! {
    /// Resource of one organization.
    PortalOrganization, PortalOrganizationSpec, PortalOrganizationStatus
}

/// Returns the name of an object. The parts are empty for an object that never was at the API server.
pub(super) fn name_of(metadata: &ObjectMeta) -> Name {
    Name {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

/// Returns the name of the environment that an organization belongs to.
pub(super) fn environment_name_of(object: &PortalOrganization) -> Name {
    let reference = &object.spec.environment_ref;
    let own = object.metadata.namespace.clone().unwrap_or_default();
    Name {
        namespace: reference.namespace.clone().unwrap_or(own),
        name: reference.name.clone(),
    }
}

/// Identity of an object, as opposed to an earlier one of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Uid(String);

impl Uid {
    /// Returns the uid of an object; empty if it never was at the API server.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        Self(metadata.uid.clone().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_the_api_server_is_read_and_written_alike() {
        let object = serde_json::json!({
            "apiVersion": "portalctl.dev/v1alpha1",
            "kind": "PortalOrganization",
            "metadata": { "name": "acme", "namespace": "portal" },
            "spec": {
                "environmentRef": { "name": "production" },
                "name": "Acme Corp",
                "intents": [{ "intent": "certificate_renewal", "warnDays": 45 }],
                "deletionPolicy": "Delete",
                "managementPolicy": "Observe",
            },
            "status": { "observedGeneration": 1, "organizationId": "org_1" },
        });
        let read: PortalOrganization = serde_json::from_value(object.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), object);
    }

    #[test]
    fn an_environment_gets_the_defaults_of_its_definition() {
        let object = serde_json::json!({
            "metadata": {},
            "spec": { "secretRef": { "name": "workos", "key": "api-key" } },
        });
        let read: PortalEnvironment = serde_json::from_value(object).unwrap();
        let definition = portalctl_manifest::kubernetes::definition(Kind::PortalEnvironment);
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let default =
            |field: &str| schema["properties"]["spec"]["properties"][field]["default"].clone();
        let operator = &read.spec.operator;
        assert_eq!(default("requestsPerSecond"), operator.requests_per_second);
        assert_eq!(default("maxDeletesPerHour"), operator.max_deletes_per_hour);
        assert_eq!(default("allowAdoption"), operator.allow_adoption);
        for (field, value) in [
            ("allowDeletion", operator.allow_deletion),
            ("allowActiveDeletion", operator.allow_active_deletion),
            ("allowRekey", operator.allow_rekey),
            ("allowTrustedDomains", operator.allow_trusted_domains),
            ("allowDomainRemoval", operator.allow_domain_removal),
            ("allowDataLoss", operator.allow_data_loss),
            ("suspend", operator.suspend),
        ] {
            assert_eq!(default(field), value, "{field}");
        }
    }
}
