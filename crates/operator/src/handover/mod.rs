//! Hand-over at deletion: an organization that another resource claims is not deleted.
//!
//! A resource that is renamed in git is one that is deleted and one that is created, in any order. So
//! a deletion waits, and then looks at the API server itself for a resource that claims the
//! organization and may hold it.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::Api;
use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;
use tokio::time::Instant;

use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::entries::{Entry, is_allowed};
use super::holders::ClaimContext;
use super::reconcile::Reconciler;
use super::resource::{Name, Uid, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use portalctl_core::identity::ownership::{Claimant, Ownership, Presence, Transfer};
use portalctl_manifest::kubernetes::Tenant;
use portalctl_model::observed::Organization;
use portalctl_model::{Holder, ManifestName};

/// The time that a deletion waits, so that a resource of another name can claim the organization.
pub(super) const DELETION_DELAY: Duration = Duration::from_secs(30);

/// The fate of an organization whose resource is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Succession {
    /// It is not known yet whether somebody claims it.
    Wait(BlockedReason),
    /// Nobody claims it.
    Nobody,
    /// This resource claims it, and may hold it.
    Successor(Name),
}

/// When each resource that is being deleted was first seen so by this process.
#[derive(Debug, Default)]
pub(super) struct DeletionDelays {
    since: BTreeMap<Uid, Instant>,
}

impl DeletionDelays {
    /// Notes the resources that are being deleted, and forgets all others.
    pub(super) fn note<'a>(&mut self, leaving: impl Iterator<Item = &'a Entry>, now: Instant) {
        let mut before = std::mem::take(&mut self.since);
        self.since = leaving
            .map(|entry| {
                let uid = entry.uid();
                let since = before.remove(&uid).unwrap_or(now);
                (uid, since)
            })
            .collect();
    }

    /// The moment at which the wait of a resource ends.
    pub(super) fn until(&self, uid: &Uid) -> Option<Instant> {
        self.since.get(uid).map(|since| *since + DELETION_DELAY)
    }
}

impl Reconciler {
    /// Decides whether an organization goes to another resource rather than being deleted.
    pub(super) async fn succession(
        &mut self,
        entry: &Entry,
        environment: &PortalEnvironment,
        manifest: Option<&ManifestName>,
        live: &Organization,
    ) -> Succession {
        let now = self.context.clock.instant();
        let until = self
            .leaving
            .until(&entry.uid())
            .unwrap_or(now + DELETION_DELAY);
        if now < until {
            self.look_again(until);
            let seconds = DELETION_DELAY.as_secs();
            return Succession::Wait(BlockedReason::new(
                Reason::Deleting,
                format!(
                    "the organization is deleted {seconds} s after this resource, unless another \
                     resource claims it until then"
                ),
            ));
        }
        let resource = ApiResource::erase::<PortalOrganization>(&());
        let client = self.context.client.clone();
        let objects: Api<DynamicObject> = match &self.context.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let listed = match objects.list(&kube::api::ListParams::default()).await {
            Ok(listed) => listed,
            Err(error) => {
                let message = format!(
                    "whether another resource claims the organization cannot be told, so it is \
                     not deleted: {error}"
                );
                return Succession::Wait(BlockedReason::new(Reason::Deleting, message));
            }
        };
        let transfers = ClaimContext::transfers_of(environment);
        let heir = SuccessorCheck {
            cluster: &self.context.cluster_id,
            environment,
            manifest,
            transfers: &transfers,
            live,
            leaving: entry,
        };
        let mut successors: Vec<Name> = listed
            .items
            .iter()
            .filter(|object| heir.is(object))
            .map(|object| name_of(&object.metadata))
            .collect();
        successors.sort();
        successors
            .into_iter()
            .next()
            .map_or(Succession::Nobody, Succession::Successor)
    }
}

/// The question whether a resource claims an organization and may hold it. Pure.
struct SuccessorCheck<'a> {
    cluster: &'a str,
    environment: &'a PortalEnvironment,
    manifest: Option<&'a ManifestName>,
    transfers: &'a [Transfer],
    live: &'a Organization,
    leaving: &'a Entry,
}

impl SuccessorCheck<'_> {
    fn is(&self, object: &DynamicObject) -> bool {
        let metadata = &object.metadata;
        let name = name_of(metadata);
        metadata.deletion_timestamp.is_none()
            && Uid::of(metadata) != self.leaving.uid()
            && self.belongs(&name, &object.data["spec"]["environmentRef"])
            && is_allowed(self.environment, &name.namespace)
            && self.claims(&name, &object.data["spec"])
            && self.may_hold(&name, &object.data["status"])
    }

    fn belongs(&self, name: &Name, reference: &Value) -> bool {
        let namespace = reference["namespace"].as_str().unwrap_or(&name.namespace);
        let environment = name_of(&self.environment.metadata);
        environment.namespace == namespace && reference["name"] == environment.name.as_str()
    }

    /// Returns whether a spec names the organization by id, external id, previous keys or key. Read
    /// field by field: a resource with a field that this version does not know counts, too.
    fn claims(&self, name: &Name, spec: &Value) -> bool {
        if let Some(id) = spec["id"].as_str() {
            return id == self.live.id.as_str();
        }
        let Some(live) = self.live.external_id.as_deref() else {
            return false;
        };
        let home = self.environment.metadata.namespace.as_deref();
        let tenant = Tenant::of(home, Some(&name.namespace));
        let is_named = |text: &str| {
            text == live || tenant.is_some_and(|tenant| tenant.qualified(text) == live)
        };
        let key = spec["key"].as_str().unwrap_or(&name.name);
        let former = spec["previousKeys"].as_array().into_iter().flatten();
        let mut former = former.filter_map(Value::as_str);
        match spec["externalId"].as_str() {
            Some(external_id) => external_id == live || former.any(is_named),
            None => is_named(key) || former.any(is_named),
        }
    }

    fn may_hold(&self, name: &Name, status: &Value) -> bool {
        let Ok(holder) = Holder::new(self.cluster, &*name.namespace, &*name.name) else {
            return false;
        };
        let home = self.environment.metadata.namespace.as_deref();
        let claimant = Claimant {
            resource: &holder,
            environment_namespace: home.unwrap_or_default(),
            manifest: self.manifest,
            allows_adoption: self.environment.spec.operator.allow_adoption,
            transfers: self.transfers,
            named_by_status: status["organizationId"] == self.live.id.as_str(),
            // The one that goes is as good as gone.
            holder: Presence::Gone,
        };
        Ownership::of(self.live)
            .for_resource(&claimant)
            .is_granted()
    }
}

#[cfg(test)]
mod tests;
