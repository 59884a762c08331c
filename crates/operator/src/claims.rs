//! Claims of a pass: what decisions about organizations rest on, read from the API server, and what
//! other environments of this process claim.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::core::{ApiResource, DynamicObject};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource};

use super::clients;
use super::entries::Entry;
use super::holders::{ClaimContext, Claims, Refusal, Settled, settle_claims};
use super::permit::is_shown;
use super::reconcile::Reconciler;
use super::resource::{Name, environment_name_of, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use portalctl_core::identity::candidates;
use portalctl_core::identity::ownership::{Ownership, Presence};
use portalctl_model::desired::Desired;
use portalctl_model::observed::Observed;
use portalctl_model::{Holder, OrganizationId};

/// The claims of one environment.
#[derive(Debug)]
struct Claimed {
    endpoint: String,
    claims: Claims,
}

/// The claims of all environments that can be used, on organizations that nobody holds yet.
///
/// By endpoint and not by key: ids are the endpoint's, and a key may be changed under one of two
/// environments first.
#[derive(Debug, Default)]
pub(super) struct Registry {
    claims: Mutex<BTreeMap<Name, Claimed>>,
}

impl Registry {
    /// The claims of other environments of the same endpoint.
    pub(super) fn of_others(&self, endpoint: &str, environment: &Name) -> Claims {
        let claims = self.claims();
        let others = claims.iter().filter(|(name, _)| *name != environment);
        let mut all = Claims::new();
        for (_, claimed) in others.filter(|(_, claimed)| claimed.endpoint == endpoint) {
            for (id, names) in &claimed.claims {
                all.entry(id.clone()).or_default().extend(names.clone());
            }
        }
        all
    }

    /// Remembers the claims of an environment.
    pub(super) fn enter(&self, endpoint: &str, environment: &Name, claims: Claims) {
        let claimed = Claimed {
            endpoint: endpoint.to_owned(),
            claims,
        };
        self.claims().insert(environment.clone(), claimed);
    }

    /// Forgets an environment that is gone, or cannot be used.
    pub(super) fn leave(&self, environment: &Name) {
        self.claims().remove(environment);
    }

    fn claims(&self) -> MutexGuard<'_, BTreeMap<Name, Claimed>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reconciler {
    /// Settles which resource every live organization belongs to, by uncached reads of former
    /// holders where it hangs on them.
    pub(super) async fn settle(
        &mut self,
        entries: &mut [Entry],
        desired: &mut Desired,
        observed: &Observed,
        environment: &PortalEnvironment,
        endpoint: &str,
    ) {
        let presence = self.presence(entries, desired, observed).await;
        let elsewhere = self.context.registry.of_others(endpoint, &self.name);
        let named_elsewhere = self.named_elsewhere(endpoint);
        let manifest = desired.manifest.clone();
        let context_of_claims = ClaimContext {
            environment,
            manifest: manifest.as_ref(),
            observed,
            presence: &presence,
            elsewhere: &elsewhere,
            named_elsewhere: &named_elsewhere,
            transfers: ClaimContext::transfers_of(environment),
        };
        let Settled { claims, refusals } =
            settle_claims(entries, desired, &context_of_claims, |entry| {
                self.before(entry).organization_id
            });
        self.context.registry.enter(endpoint, &self.name, claims);
        self.log_refusals(&refusals);
        self.refusals = refusals;
    }

    /// Looks for the resources that hold what others claim.
    async fn presence(
        &self,
        entries: &[Entry],
        desired: &Desired,
        observed: &Observed,
    ) -> BTreeMap<Holder, Presence> {
        let cluster = &*self.context.cluster_id;
        let named = candidates(desired, observed);
        let own: BTreeSet<&Holder> = entries.iter().filter_map(|it| it.holder.as_ref()).collect();
        let mut former: BTreeSet<Holder> = BTreeSet::new();
        for entry in entries {
            let found = entry.key().and_then(|key| named.get(key));
            for (id, _) in found.into_iter().flatten() {
                let Some(live) = observed.organizations.get(id) else {
                    continue;
                };
                let ownership = Ownership::of(live);
                let holder = ownership.holder().and_then(|mark| mark.resource());
                former.extend(
                    holder
                        .filter(|it| Some(*it) != entry.holder.as_ref())
                        .cloned(),
                );
            }
        }
        let mut presence = BTreeMap::new();
        for holder in former.into_iter().filter(|it| it.cluster() == cluster) {
            let found = if own.contains(&holder) {
                Presence::Living
            } else {
                self.look_for(&holder).await
            };
            presence.insert(holder, found);
        }
        presence
    }

    /// Looks for a resource of this cluster, at the API server itself unless the watch shows it.
    async fn look_for(&self, holder: &Holder) -> Presence {
        if is_shown(holder, &self.context.organizations) {
            return Presence::Living;
        }
        let resource = ApiResource::erase::<PortalOrganization>(&());
        let client = self.context.client.clone();
        let objects: Api<DynamicObject> =
            Api::namespaced_with(client, holder.namespace(), &resource);
        match objects.get_opt(holder.name()).await {
            Ok(None) => Presence::Gone,
            Ok(Some(_)) => Presence::Living,
            Err(error) => {
                tracing::warn!(%holder, %error, "a holder was not looked at, so it counts as living");
                Presence::Unknown
            }
        }
    }

    /// The organizations that statuses of other environments' resources name.
    fn named_elsewhere(&self, endpoint: &str) -> Claims {
        let context = &self.context;
        let is_same_endpoint = |name: &Name| {
            let reference = ObjectRef::new(&name.name).within(&name.namespace);
            let environment = context.environments.get(&reference);
            let environment = environment.as_ref().and_then(|held| held.read().ok());
            environment.is_some_and(|environment| {
                clients::endpoint(&environment.spec)
                    .is_ok_and(|other| other.authority() == endpoint)
            })
        };
        let mut same: BTreeMap<Name, bool> = BTreeMap::new();
        let mut named = Claims::new();
        for held in context.organizations.state() {
            let Ok(object) = held.read() else { continue };
            let environment = environment_name_of(object);
            let status = object.status.as_ref();
            let id = status.and_then(|status| status.organization_id.clone());
            let Some(id) = id.filter(|_| environment != self.name) else {
                continue;
            };
            let is_same = *same
                .entry(environment)
                .or_insert_with_key(|name| is_same_endpoint(name));
            if is_same {
                let claimants: &mut BTreeSet<Name> =
                    named.entry(OrganizationId::from_api(id)).or_default();
                claimants.insert(name_of(object.meta()));
            }
        }
        named
    }

    /// Logs the refusals that are new.
    fn log_refusals(&self, refusals: &[Refusal]) {
        for refusal in refusals.iter().filter(|one| !self.refusals.contains(one)) {
            tracing::warn!(
                environment = %self.name,
                resource = %refusal.resource,
                organization = %refusal.organization,
                why = refusal.why,
                "a claim was refused"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_cannot_be_used_claims_nothing() {
        let registry = Registry::default();
        let name = |name: &str| Name {
            namespace: "portal".to_owned(),
            name: name.to_owned(),
        };
        let id = OrganizationId::from_api("org_1".to_owned());
        let claims = Claims::from([(id, BTreeSet::from([name("acme")]))]);
        registry.enter("here", &name("theirs"), claims.clone());
        assert_eq!(registry.of_others("here", &name("mine")), claims);
        assert!(registry.of_others("there", &name("mine")).is_empty());
        assert!(registry.of_others("here", &name("theirs")).is_empty());
        registry.leave(&name("theirs"));
        assert!(registry.of_others("here", &name("mine")).is_empty());
    }
}
