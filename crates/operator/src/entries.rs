//! Entries of the desired state: one for each PortalOrganization of an environment.
//!
//! Goes in: resources and the rules that [`Reader`] applies. Comes out: entries with a key, or with
//! the reason why they have none. Sends nothing.

use std::sync::Arc;

use super::conditions::{BlockedReason, ReadOnly, Reason};
use super::resolved_spec::Reader;
use super::resource::{Name, PortalEnvironment, PortalOrganization, Uid, name_of};
use super::store::{
    EnvironmentObjects, is_being_deleted, is_environment_paused, is_held, is_organization_paused,
};
use portalctl_manifest::kubernetes::{DeletionPolicy, Management};
use portalctl_model::desired::Desired;
use portalctl_model::{Holder, OrgKey, OrganizationId};

/// Claim of an entry on a live organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum ClaimState {
    /// No live organization is known to be its own: one is to be created or adopted, or the entry
    /// was not examined.
    #[default]
    Open,
    /// The entry may write and report this organization.
    Granted(OrganizationId),
    /// The organization that the entry names is not its own.
    Refused,
}

/// One PortalOrganization with its key and its claim.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Resource at the API server.
    pub(super) object: Arc<PortalOrganization>,
    /// Name of the resource.
    pub(super) name: Name,
    /// Key in the desired state, or the reason why it has none.
    pub(super) resolved_key: Result<OrgKey, BlockedReason>,
    /// Holder mark; none where the name does not fit into a mark.
    pub(super) holder: Option<Holder>,
    /// Claim on a live organization, once it is decided.
    pub(super) claim_state: ClaimState,
    /// Declared domains that the entry does not get, in words.
    pub(super) contested: Vec<String>,
    /// Reason why nothing is written for it: its own, or a pause of the environment.
    pub(super) read_only: Option<ReadOnly>,
}

impl Entry {
    /// Creates an entry whose key is the name of the resource.
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
            read_only: own_read_only(&object),
            object,
            name,
            resolved_key,
        }
    }

    /// Returns the key, if the entry has one.
    pub(super) fn key(&self) -> Option<&OrgKey> {
        self.resolved_key.as_ref().ok()
    }

    /// Returns the uid of the resource.
    pub(super) fn uid(&self) -> Uid {
        Uid::of(&self.object.metadata)
    }

    /// Returns the generation of the resource's spec. The API server sets one from 1 on.
    pub(super) fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or(0)
    }

    /// Returns whether the resource is being deleted.
    pub(super) fn is_being_deleted(&self) -> bool {
        is_being_deleted(&self.object.metadata)
    }

    /// Returns whether the resource itself, and not its environment, forbids writing.
    pub(super) fn is_read_only_itself(&self) -> bool {
        own_read_only(&self.object).is_some()
    }

    /// Returns whether the organization is to be deleted with the resource.
    pub(super) fn wants_deletion(&self) -> bool {
        wants_deletion(&self.object)
    }
}

/// Returns whether an organization is to be deleted with its resource.
pub(super) fn wants_deletion(object: &PortalOrganization) -> bool {
    object.spec.policies.deletion_policy == DeletionPolicy::Delete
        && object.spec.policies.management_policy == Management::Manage
}

fn own_read_only(object: &PortalOrganization) -> Option<ReadOnly> {
    if is_organization_paused(object) {
        return Some(ReadOnly::Paused);
    }
    match object.spec.policies.management_policy {
        Management::Observe => Some(ReadOnly::ObserveOnly),
        Management::Manage => None,
    }
}

/// Resolves the resources of an environment, oldest first, to entries and a desired state.
///
/// # Errors
///
/// Returns the reason where the environment itself breaks a rule.
pub(super) fn resolve(
    objects: &EnvironmentObjects,
    environment: &PortalEnvironment,
    cluster: &str,
    reader: &mut Reader,
) -> Result<(Vec<Entry>, Desired), BlockedReason> {
    // Resources that may not belong to the environment claim nothing before those that may.
    let (allowed, others): (Vec<_>, Vec<_>) = present(objects)
        .partition(|object| is_allowed(environment, &name_of(&object.metadata).namespace));
    let readable: Vec<&PortalOrganization> = allowed.iter().map(|object| &***object).collect();
    let resolved = reader.read(environment, &readable);
    let mut desired = resolved.desired.clone()?;
    // The operator's limit is one of an hour, and creations beyond it wait: no plan holds them.
    desired.limits.create = None;
    let allowed = allowed.into_iter().map(|object| {
        let key = resolved.keys.get(&name_of(&object.metadata));
        let key = key.expect("the reader gives a key or a reason for every object");
        Entry::new(Arc::clone(object), key.clone(), cluster)
    });
    let others = others.into_iter().map(|object| {
        let namespace = name_of(&object.metadata).namespace;
        let reason = not_allowed(environment, &namespace);
        Entry::new(Arc::clone(object), Err(reason), cluster)
    });
    let mut entries: Vec<Entry> = allowed.chain(others).collect();
    if is_environment_paused(environment) {
        for entry in &mut entries {
            entry.read_only = Some(ReadOnly::Paused);
        }
    }
    Ok((entries, desired))
}

/// Lists the resources that are not being deleted, or carry the operator's finalizer.
fn present(objects: &EnvironmentObjects) -> impl Iterator<Item = &Arc<PortalOrganization>> {
    objects
        .organizations
        .iter()
        .filter(|object| !is_being_deleted(&object.metadata) || is_held(&object.metadata))
}

/// Returns whether an environment takes organizations of a namespace.
pub(super) fn is_allowed(environment: &PortalEnvironment, namespace: &str) -> bool {
    let home = environment.metadata.namespace.as_deref();
    let settings = &environment.spec.operator;
    settings.takes_namespace(home, Some(namespace))
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

/// Returns an entry without a key for each resource of an environment that is blocked.
pub(super) fn blocked_entries(
    objects: &EnvironmentObjects,
    blocked: &BlockedReason,
    cluster: &str,
) -> Vec<Entry> {
    present(objects)
        .map(|object| Entry::new(Arc::clone(object), Err(blocked.clone()), cluster))
        .collect()
}
