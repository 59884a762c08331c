//! Permission for each single write to WorkOS, from what the watches show at that moment.
//!
//! A pass writes for many organizations, and somebody may pause one of them, or all, meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use kube::core::ObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio_util::sync::CancellationToken;

use super::apply::holder_field;
use super::context::Context;
use super::entries::Entry;
use super::resource::{Name, Uid, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::store::StoredObject;
use super::store::{
    is_being_deleted, is_environment_paused, is_force_released, is_organization_paused,
};
use portalctl_core::plan::{ActionKind, Change};
use portalctl_manifest::kubernetes::{DeletionPolicy, Management};
use portalctl_model::{Holder, HolderMark, OrgKey};
use portalctl_workos::WriteGate;
use portalctl_workos::apply::Permit;

/// The permit of the writes of one pass.
pub(super) struct WritePermit<'a> {
    /// What the watches show.
    pub(super) context: &'a Arc<Context>,
    /// The environment as the pass knows it.
    pub(super) environment: &'a PortalEnvironment,
    /// The resources that are written for.
    pub(super) subjects: Subjects<'a>,
    /// The term in which the pass began.
    pub(super) term: &'a CancellationToken,
}

/// The resources that the changes of a plan are for.
pub(super) enum Subjects<'a> {
    /// By the key of the change.
    ByKey(&'a BTreeMap<&'a OrgKey, &'a Entry>),
    /// One that is being deleted.
    Leaving(&'a Entry),
}

impl Permit for WritePermit<'_> {
    fn gate(&self, change: &Change) -> Option<WriteGate> {
        let entry = match self.subjects {
            Subjects::ByKey(by_key) => *by_key.get(&change.key)?,
            Subjects::Leaving(entry) => entry,
        };
        let (context, term) = (Arc::clone(self.context), self.term.clone());
        let environment = Identified::of(&self.environment.metadata);
        let organization = Identified::of(&entry.object.metadata);
        let kind = change.action.kind();
        let former = former_holder(change, &self.context.cluster_id);
        Some(WriteGate::new(move || {
            if term.is_cancelled() {
                return Some("another process of the operator leads".to_owned());
            }
            let Some(environment) = environment.current(&context.environments) else {
                return Some(format!(
                    "PortalEnvironment {} is not there any more",
                    environment.name
                ));
            };
            let Some(organization) = organization.current(&context.organizations) else {
                let name = &organization.name;
                return Some(format!("PortalOrganization {name} is not there any more"));
            };
            // It was gone when the pass looked for it, and may have been created again since.
            if let Some(former) = &former
                && is_shown(former, &context.organizations)
            {
                return Some(format!(
                    "PortalOrganization {}/{}, which holds the organization, is there again",
                    former.namespace(),
                    former.name()
                ));
            }
            match (environment.read(), organization.read()) {
                (Ok(environment), Ok(organization)) => refusal(kind, environment, organization),
                (Err(_), _) | (_, Err(_)) => {
                    Some("its resource cannot be read any more".to_owned())
                }
            }
        }))
    }
}

/// One object, and not another that took its name.
struct Identified {
    name: Name,
    uid: Uid,
}

impl Identified {
    fn of(metadata: &ObjectMeta) -> Self {
        Self {
            name: name_of(metadata),
            uid: Uid::of(metadata),
        }
    }

    /// Finds the object as a watch shows it now.
    fn current<K>(&self, store: &Store<StoredObject<K>>) -> Option<Arc<StoredObject<K>>>
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        let reference = ObjectRef::new(&self.name.name).within(&self.name.namespace);
        let object = store.get(&reference)?;
        (Uid::of(object.meta()) == self.uid).then_some(object)
    }
}

/// The resource of this cluster that a change takes the organization from. Pure.
fn former_holder(change: &Change, cluster: &str) -> Option<Holder> {
    let field = holder_field(change)?;
    let is_taken = field.after.is_some() && field.before != field.after;
    let mark = HolderMark::read(field.before.as_deref().filter(|_| is_taken)?)?;
    let former = mark.resource().cloned();
    former.filter(|former| former.cluster() == cluster)
}

/// Whether a watch shows a resource that holds something, readable or not.
pub(super) fn is_shown(
    holder: &Holder,
    organizations: &Store<StoredObject<PortalOrganization>>,
) -> bool {
    let reference = ObjectRef::new(holder.name()).within(holder.namespace());
    organizations.get(&reference).is_some()
}

/// Returns why nothing of this kind may be written for an organization. Pure.
fn refusal(
    kind: ActionKind,
    environment: &PortalEnvironment,
    object: &PortalOrganization,
) -> Option<String> {
    let (of_environment, of_object) = (name_of(&environment.metadata), name_of(&object.metadata));
    if is_environment_paused(environment) {
        return Some(format!("PortalEnvironment {of_environment} is paused"));
    }
    if is_organization_paused(object) {
        return Some(format!("PortalOrganization {of_object} is paused"));
    }
    if object.spec.policies.management_policy == Management::Observe {
        return Some(format!("PortalOrganization {of_object} is only observed"));
    }
    if kind == ActionKind::Delete {
        let is_kept = object.spec.policies.deletion_policy == DeletionPolicy::Retain
            || is_force_released(&object.metadata);
        if is_kept {
            return Some(format!(
                "PortalOrganization {of_object} keeps its organization"
            ));
        }
        let forbids = !environment.spec.operator.allow_deletion;
        return forbids.then(|| {
            format!("PortalEnvironment {of_environment} does not set allowDeletion any more")
        });
    }
    if is_being_deleted(&object.metadata) {
        return Some(format!("PortalOrganization {of_object} is being deleted"));
    }
    is_being_deleted(&environment.metadata)
        .then(|| format!("PortalEnvironment {of_environment} is being deleted"))
}

#[cfg(test)]
mod tests;
