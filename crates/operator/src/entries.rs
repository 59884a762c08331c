//! Resources sorted out: which of them are entries of the desired state, and what is wrong with the
//! others. Pure but for what [`Reader`] remembers.

use std::sync::Arc;

use super::conditions::{Restraint, Trouble};
use super::declared::Reader;
use super::holders::Standing;
use super::names::{Name, Uid, name_of};
use super::objects::{Objects, is_held, is_leaving, is_organization_paused};
use super::reason::Reason;
use super::resource::{PortalEnvironment, PortalOrganization};
use portalctl_manifest::kubernetes::{DeletionPolicy, ManagementPolicy};
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
    pub(super) meaning: Result<OrgKey, Trouble>,
    /// Its holder mark; none where the name fits in no mark.
    pub(super) holder: Option<Holder>,
    /// Its relation to the live organizations, once it is settled.
    pub(super) standing: Standing,
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
        meaning: Result<OrgKey, Trouble>,
        cluster: &str,
    ) -> Self {
        let name = name_of(&object.metadata);
        Self {
            holder: Holder::new(cluster, &*name.namespace, &*name.name).ok(),
            standing: Standing::Open,
            contested: Vec::new(),
            object,
            name,
            meaning,
        }
    }

    /// The key of an entry that means something.
    pub(super) fn key(&self) -> Option<&OrgKey> {
        self.meaning.as_ref().ok()
    }

    /// What tells its resource from others.
    pub(super) fn uid(&self) -> Uid {
        Uid::of(&self.object.metadata)
    }

    /// Whether its resource is being deleted.
    pub(super) fn is_leaving(&self) -> bool {
        is_leaving(&self.object.metadata)
    }

    /// Why nothing is written for it, if so.
    pub(super) fn restraint(&self, environment_is_paused: bool) -> Option<Restraint> {
        if environment_is_paused || is_organization_paused(&self.object) {
            return Some(Restraint::Paused);
        }
        match self.object.spec.management_policy {
            ManagementPolicy::Observe => Some(Restraint::ObserveOnly),
            ManagementPolicy::Manage => None,
        }
    }

    /// Whether its organization is to be deleted with it.
    pub(super) fn wants_deletion(&self) -> bool {
        let spec = &self.object.spec;
        spec.deletion_policy == DeletionPolicy::Delete
            && spec.management_policy == ManagementPolicy::Manage
    }
}

/// Sorts the resources of an environment out, oldest first, and says what they want; trouble when
/// the environment itself means nothing.
pub(super) fn sort(
    objects: &Objects,
    environment: &PortalEnvironment,
    cluster: &str,
    reader: &mut Reader,
) -> Result<(Vec<Entry>, Desired), Trouble> {
    // Who may not be here cannot claim anything before those who may.
    let (allowed, others): (Vec<_>, Vec<_>) = ours(objects)
        .partition(|object| is_allowed(environment, &name_of(&object.metadata).namespace));
    let readable: Vec<&PortalOrganization> = allowed.iter().map(|object| &***object).collect();
    let declared = reader.read(environment, &readable);
    let mut desired = declared.desired.clone()?;
    // Here it bounds an hour, and what is beyond it waits: it is not held.
    desired.limits.create = None;
    let entry = |object: &Arc<PortalOrganization>, meaning| {
        Entry::new(Arc::clone(object), meaning, cluster)
    };
    let allowed = allowed.into_iter().filter_map(|object| {
        let meaning = declared.meanings.get(&name_of(&object.metadata))?;
        Some(entry(object, meaning.clone()))
    });
    let others = others.into_iter().map(|object| {
        let namespace = name_of(&object.metadata).namespace;
        entry(object, Err(not_allowed(environment, &namespace)))
    });
    Ok((allowed.chain(others).collect(), desired))
}

/// The resources that are there, or being deleted and held by us.
fn ours(objects: &Objects) -> impl Iterator<Item = &Arc<PortalOrganization>> {
    objects
        .organizations
        .iter()
        .filter(|object| !is_leaving(&object.metadata) || is_held(&object.metadata))
}

/// Returns whether an environment takes organizations of a namespace.
pub(super) fn is_allowed(environment: &PortalEnvironment, namespace: &str) -> bool {
    let own = environment.metadata.namespace.as_deref() == Some(namespace);
    let allowed = &environment.spec.operator.allowed_namespaces;
    own || allowed.iter().any(|one| one == "*" || one == namespace)
}

fn not_allowed(environment: &PortalEnvironment, namespace: &str) -> Trouble {
    let name = name_of(&environment.metadata);
    Trouble::new(
        Reason::NotAllowed,
        format!(
            "PortalEnvironment {name} does not take organizations of the namespace {namespace}: \
             add it to allowedNamespaces there"
        ),
    )
}

/// The resources of an environment that cannot be worked on.
pub(super) fn without_meaning(objects: &Objects, trouble: &Trouble, cluster: &str) -> Vec<Entry> {
    ours(objects)
        .map(|object| Entry::new(Arc::clone(object), Err(trouble.clone()), cluster))
        .collect()
}
