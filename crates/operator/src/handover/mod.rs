//! Search for a resource that takes an organization over instead of its deletion.
//!
//! A resource that is renamed in git is one that is deleted and one that is created, in any order. So a
//! deletion waits, and then asks the API server itself for a resource that claims the organization and
//! may hold it.

use kube::Api;
use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;
use tokio::time::Instant;

use super::claims::ClaimContext;
use super::conditions::{BlockedReason, Reason};
use super::context::Pass;
use super::entries::{Entry, is_allowed};
use super::limits::{DELETION_DELAY, DeletionDelays};
use super::resolve::Resolved;
use super::resource::{Name, PortalEnvironment, PortalOrganization, Uid, name_of};
use portalctl_core::identity::ownership::{Claimant, Ownership, Presence, Transfer};
use portalctl_manifest::kubernetes::Tenant;
use portalctl_model::observed::Organization;
use portalctl_model::{Holder, ManifestName};

/// Result of the search for a successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Succession {
    /// The search is not possible yet.
    Wait {
        /// Reason why the deletion waits.
        reason: BlockedReason,
        /// End of the delay, if that is the reason.
        recheck_at: Option<Instant>,
    },
    /// No other resource claims the organization.
    None,
    /// This resource claims the organization, and may hold it.
    Successor(Name),
}

/// Searches for another resource that claims an organization and may hold it.
pub(super) async fn find_successor(
    pass: &Pass<'_>,
    delays: &DeletionDelays,
    resolved: &Resolved,
    entry: &Entry,
    live: &Organization,
) -> Succession {
    let context = pass.context;
    let now = context.clock.instant();
    let end = delays.end(&entry.uid(), now);
    if now < end {
        let seconds = DELETION_DELAY.as_secs();
        let message = format!(
            "the organization is deleted {seconds} s after this resource, unless another resource \
             claims it until then"
        );
        return Succession::Wait {
            reason: BlockedReason::new(Reason::Deleting, message),
            recheck_at: Some(end),
        };
    }
    let resource = ApiResource::erase::<PortalOrganization>(&());
    let client = context.client.clone();
    let objects: Api<DynamicObject> = match &context.namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let listed = match objects.list(&kube::api::ListParams::default()).await {
        Ok(listed) => listed,
        Err(error) => {
            let message = format!(
                "it cannot be told whether another resource claims the organization, so it is not \
                 deleted: {error}"
            );
            return Succession::Wait {
                reason: BlockedReason::new(Reason::Deleting, message),
                recheck_at: None,
            };
        }
    };
    let check = SuccessorCheck {
        cluster: &context.cluster_id,
        environment: &resolved.environment,
        manifest: resolved.desired.manifest.as_ref(),
        transfers: &ClaimContext::transfers_of(&resolved.environment),
        live,
        deleted: entry,
    };
    let objects = listed.items.iter();
    let successors = objects.filter(|object| check.is_successor(object));
    let first = successors.map(|object| name_of(&object.metadata)).min();
    first.map_or(Succession::None, Succession::Successor)
}

/// Test of whether a resource claims an organization and may hold it. Pure.
struct SuccessorCheck<'a> {
    cluster: &'a str,
    environment: &'a PortalEnvironment,
    manifest: Option<&'a ManifestName>,
    transfers: &'a [Transfer],
    live: &'a Organization,
    deleted: &'a Entry,
}

impl SuccessorCheck<'_> {
    fn is_successor(&self, object: &DynamicObject) -> bool {
        let metadata = &object.metadata;
        let name = name_of(metadata);
        metadata.deletion_timestamp.is_none()
            && Uid::of(metadata) != self.deleted.uid()
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

    /// Returns whether a spec names the organization by id, external id, previous keys or key. The
    /// fields are read one by one, so that a resource with a field of a later version counts, too.
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
            environment_namespace: home.unwrap_or(""),
            manifest: self.manifest,
            allows_adoption: self.environment.spec.operator.allow_adoption,
            transfers: self.transfers,
            named_by_status: status["organizationId"] == self.live.id.as_str(),
            // The resource that is being deleted counts as gone.
            holder: Presence::Gone,
        };
        Ownership::of(self.live)
            .for_resource(&claimant)
            .is_granted()
    }
}

#[cfg(test)]
mod tests;
