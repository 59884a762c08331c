//! What the API server says there is: both kinds of resources, kept up to date by a watch.
//!
//! An object that cannot be read is kept as such: it is told on itself, and stops nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use kube::Resource;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};

use super::names::{Name, Uid};
use super::resource::{PortalEnvironment, PortalOrganization};
use crate::manifest::kubernetes::PAUSED;

/// The annotation that releases a resource without deleting its organization, with the value
/// `true`.
pub(super) const LET_GO: &str = "portalctl.dev/let-go";
/// The annotation on an environment by which a process that does not lead passes a webhook on.
pub(super) const NUDGED: &str = "portalctl.dev/nudged-at";
/// The finalizer of resources whose organization is deleted with them.
pub(super) const FINALIZER: &str = "portalctl.dev/organization";

/// Organizations, readable or not.
pub(super) type Organizations = Store<DeserializeGuard<PortalOrganization>>;
/// Environments, readable or not.
pub(super) type Environments = Store<DeserializeGuard<PortalEnvironment>>;

/// What belongs to one environment at one moment, as the watches hold it: cheap to collect.
pub(super) struct Found {
    environment: Option<Arc<DeserializeGuard<PortalEnvironment>>>,
    organizations: Vec<Arc<DeserializeGuard<PortalOrganization>>>,
}

/// One environment with all that belongs to it, at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Objects {
    /// The environment, if it is there; or why it cannot be read.
    pub(super) environment: Option<Result<Arc<PortalEnvironment>, String>>,
    /// Its organizations, oldest first.
    pub(super) organizations: Vec<Arc<PortalOrganization>>,
}

impl Found {
    /// Collects an environment's objects.
    pub(super) fn of(
        name: &Name,
        environments: &Environments,
        organizations: &Organizations,
    ) -> Self {
        let reference = ObjectRef::new(&name.name).within(&name.namespace);
        let belongs = |object: &Arc<DeserializeGuard<PortalOrganization>>| {
            let object = object.0.as_ref();
            object.is_ok_and(|object| Name::environment_of(object) == *name)
        };
        let mut found: Vec<_> = organizations.state().into_iter().filter(belongs).collect();
        found.sort_by_cached_key(|object| {
            let metadata = object.meta();
            let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created.is_none(), created, Name::of(metadata))
        });
        Self {
            environment: environments.get(&reference),
            organizations: found,
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

    /// The objects themselves.
    pub(super) fn read(&self) -> Objects {
        let environment = self.environment.as_ref().map(|object| match &object.0 {
            Ok(object) => Ok(Arc::new(object.clone())),
            Err(invalid) => Err(invalid.error.clone()),
        });
        let organizations = self.organizations.iter();
        Objects {
            environment,
            organizations: organizations
                .filter_map(|object| Some(Arc::new(object.0.as_ref().ok()?.clone())))
                .collect(),
        }
    }
}

fn hash(metadata: &kube::core::ObjectMeta, hasher: &mut impl Hasher) {
    Uid::of(metadata).hash(hasher);
    metadata.generation.hash(hasher);
    metadata.annotations.hash(hasher);
    metadata.finalizers.hash(hasher);
    metadata.deletion_timestamp.is_some().hash(hasher);
}

/// Whether an annotation says `true`.
fn says_true(metadata: &kube::core::ObjectMeta, annotation: &str) -> bool {
    let annotations = metadata.annotations.as_ref();
    annotations
        .and_then(|annotations| annotations.get(annotation))
        .is_some_and(|value| value == "true")
}

/// Whether nothing is to be written for an object.
pub(super) fn is_paused(metadata: &kube::core::ObjectMeta) -> bool {
    says_true(metadata, PAUSED)
}

/// Whether an object is to be released whatever it says.
pub(super) fn is_let_go(metadata: &kube::core::ObjectMeta) -> bool {
    says_true(metadata, LET_GO)
}

/// Whether an object is being deleted.
pub(super) const fn is_leaving(metadata: &kube::core::ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some()
}

/// Whether the operator's finalizer is on an object.
pub(super) fn is_held(metadata: &kube::core::ObjectMeta) -> bool {
    let finalizers = metadata.finalizers.iter().flatten();
    finalizers.into_iter().any(|one| one == FINALIZER)
}
