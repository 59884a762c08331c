//! What the API server says there is: both kinds of resources, kept up to date by a watch.
//!
//! An object that cannot be read is kept as such: it is told on itself, and stops nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};

use super::names::{Name, Uid};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::watched::Watched;
use crate::manifest::kubernetes::PAUSED;

/// The annotation that releases a resource without deleting its organization, with the value
/// `true`.
pub(super) const LET_GO: &str = "portalctl.dev/let-go";
/// The annotation on an environment by which a process that does not lead passes a webhook on.
pub(super) const NUDGED: &str = "portalctl.dev/nudged-at";
/// The finalizer of resources whose organization is deleted with them.
pub(super) const FINALIZER: &str = "portalctl.dev/organization";

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
        let ours = readable.filter(|object| Name::environment_of(object) == *name);
        let mut ours: Vec<_> = ours.cloned().collect();
        ours.sort_by_cached_key(|object| {
            let metadata = object.meta();
            let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created.is_none(), created, Name::of(metadata))
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
