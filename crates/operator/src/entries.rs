//! Resources sorted out: which of them are entries of the desired state, and what is wrong with the
//! others. Pure but for what [`Reader`] remembers.

use std::sync::Arc;

use super::conditions::Reason;
use super::conditions::{BlockedReason, ReadOnly};
use super::holders::ClaimState;
use super::resolved_spec::Reader;
use super::resource::{Name, Uid, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::store::{EnvironmentObjects, is_being_deleted, is_held, is_organization_paused};
use portalctl_manifest::kubernetes::{DeletionPolicy, Management};
use portalctl_model::desired::Desired;
use portalctl_model::{Holder, OrgKey};

/// One resource, and what it means.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The resource.
    pub(super) object: Arc<PortalOrganization>,
    /// Its name.
    pub(super) name: Name,
    /// The key it stands for, or why it means nothing.
    pub(super) resolved_key: Result<OrgKey, BlockedReason>,
    /// Its holder mark; none where the name fits in no mark.
    pub(super) holder: Option<Holder>,
    /// Its relation to the live organizations, once it is settled.
    pub(super) claim_state: ClaimState,
    /// Domains that it declares and does not get, in words.
    pub(super) contested: Vec<String>,
}

impl Entry {
    /// A resource of a cluster that stands for its own name.
    #[cfg(test)]
    pub(super) fn of(object: Arc<PortalOrganization>, cluster: &str) -> Self {
        let key = OrgKey::undeclared(name_of(&object.metadata).name);
        Self::new(object, Ok(key), cluster)
    }

    fn new(
        object: Arc<PortalOrganization>,
        resolved_key: Result<OrgKey, BlockedReason>,
        cluster: &str,
    ) -> Self {
        let name = name_of(&object.metadata);
        Self {
            holder: Holder::new(cluster, &*name.namespace, &*name.name).ok(),
            claim_state: ClaimState::Open,
            contested: Vec::new(),
            object,
            name,
            resolved_key,
        }
    }

    /// The key of an entry that means something.
    pub(super) fn key(&self) -> Option<&OrgKey> {
        self.resolved_key.as_ref().ok()
    }

    /// What tells its resource from others.
    pub(super) fn uid(&self) -> Uid {
        Uid::of(&self.object.metadata)
    }

    /// Whether its resource is being deleted.
    pub(super) fn is_being_deleted(&self) -> bool {
        is_being_deleted(&self.object.metadata)
    }

    /// Why nothing is written for it, if so.
    pub(super) fn read_only(&self, environment_is_paused: bool) -> Option<ReadOnly> {
        if environment_is_paused || is_organization_paused(&self.object) {
            return Some(ReadOnly::Paused);
        }
        match self.object.spec.policies.management_policy {
            Management::Observe => Some(ReadOnly::ObserveOnly),
            Management::Manage => None,
        }
    }

    /// Whether its organization is to be deleted with it.
    pub(super) fn wants_deletion(&self) -> bool {
        let spec = &self.object.spec;
        spec.policies.deletion_policy == DeletionPolicy::Delete
            && spec.policies.management_policy == Management::Manage
    }
}

/// Sorts the resources of an environment out, oldest first, and says what they want; blocked when
/// the environment itself means nothing.
pub(super) fn sort(
    objects: &EnvironmentObjects,
    environment: &PortalEnvironment,
    cluster: &str,
    reader: &mut Reader,
) -> Result<(Vec<Entry>, Desired), BlockedReason> {
    // Who may not be here cannot claim anything before those who may.
    let (allowed, others): (Vec<_>, Vec<_>) = ours(objects)
        .partition(|object| is_allowed(environment, &name_of(&object.metadata).namespace));
    let readable: Vec<&PortalOrganization> = allowed.iter().map(|object| &***object).collect();
    let declared = reader.read(environment, &readable);
    let mut desired = declared.desired.clone()?;
    // Here it bounds an hour, and what is beyond it waits: it is not held.
    desired.limits.create = None;
    let entry = |object: &Arc<PortalOrganization>, resolved_key| {
        Entry::new(Arc::clone(object), resolved_key, cluster)
    };
    let allowed = allowed.into_iter().filter_map(|object| {
        let resolved_key = declared.resolved_keys.get(&name_of(&object.metadata))?;
        Some(entry(object, resolved_key.clone()))
    });
    let others = others.into_iter().map(|object| {
        let namespace = name_of(&object.metadata).namespace;
        entry(object, Err(not_allowed(environment, &namespace)))
    });
    Ok((allowed.chain(others).collect(), desired))
}

/// The resources that are there, or being deleted and held by us.
fn ours(objects: &EnvironmentObjects) -> impl Iterator<Item = &Arc<PortalOrganization>> {
    objects
        .organizations
        .iter()
        .filter(|object| !is_being_deleted(&object.metadata) || is_held(&object.metadata))
}

/// Returns whether an environment takes organizations of a namespace.
pub(super) fn is_allowed(environment: &PortalEnvironment, namespace: &str) -> bool {
    let own = environment.metadata.namespace.as_deref() == Some(namespace);
    let allowed = &environment.spec.operator.allowed_namespaces;
    own || allowed.iter().any(|one| one == "*" || one == namespace)
}

fn not_allowed(environment: &PortalEnvironment, namespace: &str) -> BlockedReason {
    let name = name_of(&environment.metadata);
    BlockedReason::new(
        Reason::NotAllowed,
        format!(
            "PortalEnvironment {name} does not take organizations of the namespace {namespace}: \
             add it to allowedNamespaces there"
        ),
    )
}

/// The resources of an environment that cannot be worked on.
pub(super) fn blocked_entries(
    objects: &EnvironmentObjects,
    blocked: &BlockedReason,
    cluster: &str,
) -> Vec<Entry> {
    ours(objects)
        .map(|object| Entry::new(Arc::clone(object), Err(blocked.clone()), cluster))
        .collect()
}
