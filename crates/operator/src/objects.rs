//! What the API server says there is: both kinds of resources, kept up to date by a watch.
//!
//! An object that cannot be read is kept as such: it is told on itself, and stops nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};

use super::names::{Name, Uid, environment_name_of, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::watched::Watched;
use portalctl_manifest::kubernetes::PAUSED;

/// The annotation that frees a resource of the operator's finalizer; nothing is deleted at WorkOS.
pub(super) const FORCE_RELEASE: &str = "portalctl.dev/force-release";
/// The annotation on an environment that asks for a look at WorkOS now. A process that does not lead
/// passes webhooks on by it.
pub(super) const RECONCILE_REQUESTED: &str = "portalctl.dev/reconcile-requested-at";
/// The finalizer of resources whose organization is deleted with them.
pub(super) const FINALIZER: &str = "portalctl.dev/organization";

/// The finalizer of environments that resources with [`FINALIZER`] need.
pub(super) const ENVIRONMENT_FINALIZER: &str = "portalctl.dev/environment-in-use";

/// Organizations, readable or not.
pub(super) type Organizations = Store<Watched<PortalOrganization>>;
/// Environments, readable or not.
pub(super) type Environments = Store<Watched<PortalEnvironment>>;

/// One environment with all that belongs to it, at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    /// The environment, if it is there.
    pub(super) environment: Option<Arc<Watched<PortalEnvironment>>>,
    /// Its organizations that can be read, oldest first.
    pub(super) organizations: Vec<Arc<PortalOrganization>>,
}

impl Objects {
    /// Collects an environment's objects.
    pub(super) fn of(
        name: &Name,
        environments: &Environments,
        organizations: &Organizations,
    ) -> Self {
        let reference = ObjectRef::new(&name.name).within(&name.namespace);
        let all = organizations.state();
        let readable = all.iter().filter_map(|object| object.read().ok());
        let ours = readable.filter(|object| environment_name_of(object) == *name);
        let mut ours: Vec<_> = ours.cloned().collect();
        ours.sort_by_cached_key(|object| {
            let metadata = object.meta();
            let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created.is_none(), created, name_of(metadata))
        });
        Self {
            environment: environments.get(&reference),
            organizations: ours,
        }
    }

    /// Changes with everything that people say, and not with what the operator says.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if let Some(environment) = &self.environment {
            hash(environment.meta(), &mut hasher);
        }
        for object in &self.organizations {
            hash(object.meta(), &mut hasher);
        }
        hasher.finish()
    }
}

fn hash(metadata: &kube::core::ObjectMeta, hasher: &mut impl Hasher) {
    Uid::of(metadata).hash(hasher);
    metadata.generation.hash(hasher);
    metadata.annotations.hash(hasher);
    metadata.finalizers.hash(hasher);
    metadata.deletion_timestamp.is_some().hash(hasher);
}

/// Returns whether an annotation is there with another value than those that say no.
fn is_set(metadata: &kube::core::ObjectMeta, annotation: &str) -> bool {
    const NO: [&str; 5] = ["", "false", "no", "off", "0"];
    let annotations = metadata.annotations.as_ref();
    annotations
        .and_then(|annotations| annotations.get(annotation))
        .map(|value| value.trim())
        .is_some_and(|value| !NO.iter().any(|no| value.eq_ignore_ascii_case(no)))
}

/// Returns whether the annotation `portalctl.dev/paused` stops all writing for an object.
fn is_paused(metadata: &kube::core::ObjectMeta) -> bool {
    is_set(metadata, PAUSED)
}

/// Returns whether nothing is written for an organization.
pub(super) fn is_organization_paused(object: &PortalOrganization) -> bool {
    is_paused(&object.metadata) || object.spec.suspend
}

/// Returns whether nothing is written for any organization of an environment.
pub(super) fn is_environment_paused(object: &PortalEnvironment) -> bool {
    is_paused(&object.metadata) || object.spec.operator.suspend
}

/// Returns whether an object is to be freed of the finalizer, whatever stands in the way.
pub(super) fn is_force_released(metadata: &kube::core::ObjectMeta) -> bool {
    is_set(metadata, FORCE_RELEASE)
}

/// Whether an object is being deleted.
pub(super) const fn is_leaving(metadata: &kube::core::ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some()
}

/// Returns whether the operator's finalizer is on an organization.
pub(super) fn is_held(metadata: &kube::core::ObjectMeta) -> bool {
    has_finalizer(metadata, FINALIZER)
}

/// Returns whether a finalizer is on an object.
pub(super) fn has_finalizer(metadata: &kube::core::ObjectMeta, finalizer: &str) -> bool {
    let finalizers = metadata.finalizers.iter().flatten();
    finalizers.into_iter().any(|one| one == finalizer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_annotation_pauses_unless_its_value_says_no() {
        for (value, paused) in [
            ("true", true),
            ("True", true),
            ("yes", true),
            ("1", true),
            ("since the incident", true),
            ("", false),
            ("false", false),
            ("False", false),
            ("no", false),
            ("off", false),
            (" 0 ", false),
        ] {
            let metadata = json!({ "annotations": { PAUSED: value, FORCE_RELEASE: value } });
            let metadata = serde_json::from_value(metadata).unwrap();
            assert_eq!(is_paused(&metadata), paused, "{value:?}");
            assert_eq!(is_force_released(&metadata), paused, "{value:?}");
        }
    }

    #[test]
    fn suspend_pauses_either_kind_as_the_annotation_does() {
        let organization = |spec| {
            let object = json!({ "metadata": {}, "spec": spec });
            serde_json::from_value::<PortalOrganization>(object).unwrap()
        };
        let reference = json!({ "name": "production" });
        assert!(is_organization_paused(&organization(
            json!({ "environmentRef": reference, "suspend": true })
        )));
        assert!(!is_organization_paused(&organization(
            json!({ "environmentRef": reference })
        )));
        let secret = json!({ "name": "workos", "key": "api-key" });
        let environment = json!({
            "metadata": {}, "spec": { "secretRef": secret, "suspend": true },
        });
        assert!(is_environment_paused(
            &serde_json::from_value(environment).unwrap()
        ));
    }
}
