//! Resources sorted out: which of them are entries of the desired state, and what is wrong with the
//! others. Pure but for what [`Reader`] remembers.

use std::sync::Arc;

use super::claims::{Claimant, Claims, Remembered, Taken};
use super::conditions::{Restraint, Trouble};
use super::declared::Reader;
use super::names::{Name, Uid};
use super::objects::{Objects, is_held, is_leaving, is_organization_paused};
use super::reason::Reason;
use super::resource::{PortalEnvironment, PortalOrganization};
use crate::manifest::kubernetes::{DeletionPolicy, ManagementPolicy};
use crate::model::desired::Desired;
use crate::model::{OrgKey, OrganizationId};

/// One resource, and what it means.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The resource.
    pub(super) object: Arc<PortalOrganization>,
    /// Its name.
    pub(super) name: Name,
    /// The key it stands for, or why it means nothing.
    pub(super) meaning: Result<OrgKey, Trouble>,
}

impl Entry {
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
    reader: &mut Reader,
) -> Result<(Vec<Entry>, Desired), Trouble> {
    // Who may not be here cannot claim anything before those who may.
    let (allowed, others): (Vec<_>, Vec<_>) = ours(objects)
        .partition(|object| is_allowed(environment, &Name::of(&object.metadata).namespace));
    let readable: Vec<&PortalOrganization> = allowed.iter().map(|object| &***object).collect();
    let declared = reader.read(environment, &readable);
    let mut desired = declared.desired.clone()?;
    // Here it bounds an hour, and what is beyond it waits: it is not held.
    desired.limits.create = None;
    let entry = |object: &Arc<PortalOrganization>, meaning| Entry {
        object: Arc::clone(object),
        name: Name::of(&object.metadata),
        meaning,
    };
    let allowed = allowed.into_iter().filter_map(|object| {
        let meaning = declared.meanings.get(&Name::of(&object.metadata))?;
        Some(entry(object, meaning.clone()))
    });
    let others = others.into_iter().map(|object| {
        let namespace = Name::of(&object.metadata).namespace;
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

fn is_allowed(environment: &PortalEnvironment, namespace: &str) -> bool {
    let own = environment.metadata.namespace.as_deref() == Some(namespace);
    let allowed = &environment.spec.operator.allowed_namespaces;
    own || allowed.iter().any(|one| one == "*" || one == namespace)
}

fn not_allowed(environment: &PortalEnvironment, namespace: &str) -> Trouble {
    let name = Name::of(&environment.metadata);
    Trouble::new(
        Reason::NotAllowed,
        format!(
            "PortalEnvironment {name} does not take organizations of the namespace {namespace}: \
             add it to allowedNamespaces there"
        ),
    )
}

/// Takes the meaning from entries that name a live organization which an older one has taken.
pub(super) fn settle(
    entries: &mut [Entry],
    desired: &mut Desired,
    mut claims: Claims<'_>,
) -> Taken {
    for entry in entries {
        let Ok(key) = &entry.meaning else { continue };
        let Some(declared) = desired.organizations.get(key) else {
            continue;
        };
        let claimant = Claimant::of(&entry.object.metadata);
        if let Err(message) = claims.take(&claimant, declared) {
            desired.organizations.remove(key);
            entry.meaning = Err(Trouble::new(Reason::Conflict, message));
        }
    }
    claims.finish()
}

/// What the resources of an environment claim for all that they say themselves: the id that they
/// name, or else the one that their status has.
pub(super) fn remembered(
    objects: &Objects,
    environment: &PortalEnvironment,
    status: impl Fn(&PortalOrganization) -> Option<String>,
) -> Remembered {
    let allowed = ours(objects)
        .filter(|object| is_allowed(environment, &Name::of(&object.metadata).namespace));
    let claimants = allowed.map(|object| {
        let id = object.spec.id.clone().or_else(|| status(object));
        let id = id.map(OrganizationId::from_api);
        (Claimant::of(&object.metadata), id)
    });
    Remembered {
        claimants: claimants.collect(),
    }
}

/// The resources of an environment that cannot be worked on.
pub(super) fn without_meaning(objects: &Objects, trouble: &Trouble) -> Vec<Entry> {
    ours(objects)
        .map(|object| Entry {
            object: Arc::clone(object),
            name: Name::of(&object.metadata),
            meaning: Err(trouble.clone()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operator::claims::Registry;

    /// An organization of the namespace `portal`, unless it says another.
    fn organization(name: &str, second: u8, spec: &serde_json::Value) -> Arc<PortalOrganization> {
        let mut object = json!({
            "metadata": {
                "name": name, "namespace": spec.get("namespace").unwrap_or(&json!("portal")),
                "creationTimestamp": format!("2026-01-02T03:04:{second:02}Z"),
            },
            "spec": { "environmentRef": { "name": "production" }, "name": name },
        });
        if let Some(id) = spec.get("id") {
            object["spec"]["id"] = id.clone();
        }
        Arc::new(serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_resource_claims_the_id_that_it_names_or_else_that_of_its_status() {
        let environment = json!({
            "metadata": { "name": "production", "namespace": "portal" },
            "spec": { "secretRef": { "name": "workos", "key": "api-key" } },
        });
        let environment: PortalEnvironment = serde_json::from_value(environment).unwrap();
        let objects = Objects {
            environment: None,
            organizations: vec![
                organization("seen", 1, &json!({})),
                organization("pinned", 2, &json!({ "id": "org_pinned" })),
                organization(
                    "elsewhere",
                    3,
                    &json!({ "namespace": "other", "id": "org_other" }),
                ),
                organization("new", 4, &json!({})),
            ],
        };
        let status = |object: &PortalOrganization| {
            let name = object.metadata.name.as_deref();
            (name != Some("new")).then(|| "org_seen".to_owned())
        };
        let remembered = remembered(&objects, &environment, status);
        assert_eq!(remembered.claimants.len(), 3, "{remembered:?}");

        let registry = Registry::default();
        let name = |name: &str| Name {
            namespace: "portal".to_owned(),
            name: name.to_owned(),
        };
        registry.recall("here", &name("production"), &remembered);
        let taken = registry.of_others("here", &name("staging"));
        let taken: Vec<&str> = taken.keys().map(OrganizationId::as_str).collect();
        assert_eq!(taken, ["org_pinned", "org_seen"]);
    }
}
