//! Decision of which resource every live organization belongs to.
//!
//! Goes in: the entries of an environment and the observed state. Former holders are read from the API
//! server, uncached, where a decision depends on them. The rules stand in `claims`.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::{ApiResource, DynamicObject};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource};

use super::claims::{ClaimContext, Claims, Refusal, Settled, settle_claims};
use super::clients;
use super::context::{Context, Pass};
use super::resolve::Resolved;
use super::resource::{Name, PortalOrganization, environment_name_of, name_of};
use super::state::State;
use super::store::is_shown;
use portalctl_core::identity::candidates;
use portalctl_core::identity::ownership::{Ownership, Presence};
use portalctl_model::observed::Observed;
use portalctl_model::{Holder, OrganizationId};

/// Decides all claims of an environment; refused entries declare nothing any more.
pub(super) async fn decide_claims(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &mut Resolved,
    observed: &Observed,
) {
    let endpoint = &resolved.connection.target.endpoint;
    let presence = former_holders(pass.context, resolved, observed).await;
    let registry = &pass.context.registry;
    let elsewhere = registry.of_others(endpoint, pass.name);
    let named_elsewhere = named_elsewhere(pass, endpoint);
    let manifest = resolved.desired.manifest.clone();
    let context = ClaimContext {
        environment: &resolved.environment,
        manifest: manifest.as_ref(),
        observed,
        presence: &presence,
        elsewhere: &elsewhere,
        named_elsewhere: &named_elsewhere,
        transfers: ClaimContext::transfers_of(&resolved.environment),
    };
    let Settled { claims, refusals } = settle_claims(
        &mut resolved.entries,
        &mut resolved.desired,
        &context,
        |entry| state.statuses.organization(&entry.object).organization_id,
    );
    registry.enter(endpoint, pass.name, claims);
    log_refusals(pass.name, &state.refusals, &refusals);
    state.refusals = refusals;
}

/// Looks up the resources that hold organizations which others claim.
async fn former_holders(
    context: &Context,
    resolved: &Resolved,
    observed: &Observed,
) -> BTreeMap<Holder, Presence> {
    let named = candidates(&resolved.desired, observed);
    let entries = &resolved.entries;
    let own: BTreeSet<&Holder> = entries.iter().filter_map(|it| it.holder.as_ref()).collect();
    let claimed = entries.iter().flat_map(|entry| {
        let found = entry.key().and_then(|key| named.get(key));
        let found = found.into_iter().flatten();
        found.filter_map(move |(id, _)| Some((entry, observed.organizations.get(id)?)))
    });
    let former: BTreeSet<Holder> = claimed
        .filter_map(|(entry, live)| {
            let holder = Ownership::of(live).holder()?.resource()?.clone();
            (Some(&holder) != entry.holder.as_ref()).then_some(holder)
        })
        .filter(|holder| holder.cluster() == context.cluster_id)
        .collect();
    let mut presence = BTreeMap::new();
    for holder in former {
        let found = if own.contains(&holder) {
            Presence::Living
        } else {
            look_up(context, &holder).await
        };
        presence.insert(holder, found);
    }
    presence
}

/// Looks up a resource of this cluster, at the API server itself unless the watch shows it.
async fn look_up(context: &Context, holder: &Holder) -> Presence {
    if is_shown(holder, &context.organizations) {
        return Presence::Living;
    }
    let resource = ApiResource::erase::<PortalOrganization>(&());
    let client = context.client.clone();
    let objects: Api<DynamicObject> = Api::namespaced_with(client, holder.namespace(), &resource);
    match objects.get_opt(holder.name()).await {
        Ok(None) => Presence::Gone,
        Ok(Some(_)) => Presence::Living,
        Err(error) => {
            tracing::warn!(%holder, %error, "a holder could not be read, so it counts as living");
            Presence::Unknown
        }
    }
}

/// Lists the organizations that statuses of other environments' resources name.
fn named_elsewhere(pass: &Pass<'_>, endpoint: &str) -> Claims {
    let context = pass.context;
    let is_same_endpoint = |name: &Name| {
        let reference = ObjectRef::new(&name.name).within(&name.namespace);
        let environment = context.environments.get(&reference);
        let environment = environment.as_ref().and_then(|object| object.read().ok());
        environment.is_some_and(|environment| {
            clients::endpoint(&environment.spec).is_ok_and(|other| other.authority() == endpoint)
        })
    };
    let mut same: BTreeMap<Name, bool> = BTreeMap::new();
    let mut named = Claims::new();
    for stored in context.organizations.state() {
        let Ok(object) = stored.read() else { continue };
        let environment = environment_name_of(object);
        let status = object.status.as_ref();
        let id = status.and_then(|status| status.organization_id.clone());
        let Some(id) = id.filter(|_| environment != *pass.name) else {
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

/// Logs the refusals that the last pass did not have.
fn log_refusals(environment: &Name, before: &[Refusal], refusals: &[Refusal]) {
    for refusal in refusals.iter().filter(|one| !before.contains(one)) {
        tracing::warn!(
            %environment,
            resource = %refusal.resource,
            organization = %refusal.organization,
            why = refusal.why,
            "a claim was refused"
        );
    }
}
