//! How objects are named within the operator.

use kube::core::ObjectMeta;

use super::resource::PortalOrganization;
pub(super) use portalctl_manifest::ObjectName as Name;

/// Returns the name of an object.
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

/// What tells an object from another that had the same name before.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Uid(String);

impl Uid {
    /// The uid of an object.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        Self(metadata.uid.clone().unwrap_or_default())
    }
}
