//! Claims of resources on live organizations, and the rules that decide them. Pure.
//!
//! Goes in: the resources of one environment with what they declare, the live organizations with
//! their marks, and the presence of former holders. Comes out: each resource's [`ClaimState`]; a
//! resource that is refused declares nothing any more. The rule for one resource and one organization
//! is [`Ownership::for_resource`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::conditions::{BlockedReason, Reason};
use super::entries::{ClaimState, Entry};
use super::resource::{Name, PortalEnvironment};
use portalctl_core::identity::ownership::{
    Audience, Claimant, Contender, Decision, Obstacle, Ownership, Presence, Transfer, settle,
};
use portalctl_core::identity::{Identity, MatchedBy, candidates, identify};
use portalctl_model::desired::{Desired, DesiredOrganization, Management};
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::text::escape;
use portalctl_model::{Domain, ExternalId, Holder, ManifestName, OrgKey, OrganizationId};

/// Text for a rival in messages to another namespace.
const ANOTHER: &str = "another organization of this environment";

/// Claim that was refused, for the status of the environment and the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Refusal {
    /// Resource that made the claim.
    pub(super) resource: Name,
    /// Claimed organization.
    pub(super) organization: OrganizationId,
    /// Reason of the refusal, which may name other resources.
    pub(super) why: String,
}

/// Decisions about all claims of one environment.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Claims that are granted, or would be without rivals.
    pub(super) claims: Claims,
    /// Claims that were refused.
    pub(super) refusals: Vec<Refusal>,
}

/// Resources that claim live organizations without a holder, by organization.
pub(super) type Claims = BTreeMap<OrganizationId, BTreeSet<Name>>;

/// Facts behind the decisions, beside the resources themselves.
pub(super) struct ClaimContext<'a> {
    /// Environment of the resources.
    pub(super) environment: &'a PortalEnvironment,
    /// Owner mark of the environment.
    pub(super) manifest: Option<&'a ManifestName>,
    /// Observed state of WorkOS.
    pub(super) observed: &'a Observed,
    /// Presence of former holders; unknown ones are missing.
    pub(super) presence: &'a BTreeMap<Holder, Presence>,
    /// Claims of other environments of the same endpoint.
    pub(super) elsewhere: &'a Claims,
    /// Resources of other environments whose status names an organization.
    pub(super) named_elsewhere: &'a Claims,
    /// Transfers that the environment permits.
    pub(super) transfers: Vec<Transfer>,
}

impl<'a> ClaimContext<'a> {
    /// Returns the transfers that an environment permits.
    pub(super) fn transfers_of(environment: &PortalEnvironment) -> Vec<Transfer> {
        let transfers = environment.spec.operator.transfers.iter();
        transfers
            .map(|transfer| Transfer {
                from_cluster: transfer.from_cluster.clone(),
                from_namespace: transfer.from_namespace.clone(),
                name: transfer.name.clone(),
            })
            .collect()
    }

    fn home(&self) -> &'a str {
        let namespace = self.environment.metadata.namespace.as_deref();
        namespace.unwrap_or("")
    }

    /// Returns whether a resource stands outside the environment's namespace.
    fn is_tenant(&self, entry: &Entry) -> bool {
        entry.name.namespace != self.home()
    }

    /// Decides about one resource alone. `known` is the organization that its status names.
    fn decide(&self, holder: &Holder, live: &Organization, known: Option<&str>) -> Decision {
        let ownership = Ownership::of(live);
        let former = ownership.holder().and_then(|mark| mark.resource());
        let presence = former.and_then(|former| self.presence.get(former));
        ownership.for_resource(&Claimant {
            resource: holder,
            environment_namespace: self.home(),
            manifest: self.manifest,
            allows_adoption: self.environment.spec.operator.allow_adoption,
            transfers: &self.transfers,
            named_by_status: known == Some(live.id.as_str()),
            holder: presence.copied().unwrap_or(Presence::Unknown),
        })
    }

    /// Returns the reason of a refusal for the reader of the resource.
    fn message(&self, entry: &Entry, id: &OrganizationId, obstacle: &Obstacle) -> String {
        // A tenant may know about the resources of its own namespace.
        let is_own = match obstacle {
            Obstacle::HeldByAnother(holder) | Obstacle::HolderNotSeen(holder) => {
                holder.namespace() == entry.name.namespace
            }
            _ => false,
        };
        if !self.is_tenant(entry) {
            let told = obstacle.message(Audience::Environment);
            return format!(
                "the organization {} is not this resource's: {told}",
                escape(id.as_str())
            );
        }
        let audience = if is_own {
            Audience::Environment
        } else {
            Audience::Tenant
        };
        format!(
            "the organization that this resource names is not its own: {}",
            obstacle.message(audience)
        )
    }
}

/// Claim of one resource on one live organization.
struct Claim {
    entry: usize,
    key: OrgKey,
    organization: OrganizationId,
    by: Vec<MatchedBy>,
    contender: Contender,
}

/// Decides which resource every live organization belongs to.
///
/// `status` returns the organization that a resource's own status names. A refused entry declares
/// nothing any more; any other carries the resource's holder mark.
pub(super) fn settle_claims(
    entries: &mut [Entry],
    desired: &mut Desired,
    context: &ClaimContext<'_>,
    status: impl Fn(&Entry) -> Option<String>,
) -> Settled {
    let mut settled = Settled::default();
    let mut claims = all_claims(entries, desired, context, &status);
    let mut by_organization: BTreeMap<&OrganizationId, Vec<usize>> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        by_organization
            .entry(&claim.organization)
            .or_default()
            .push(index);
    }
    let mut decided: Vec<(usize, Decision)> = Vec::new();
    for (id, indices) in &by_organization {
        let own = indices.iter().map(|index| claims[*index].contender.clone());
        let mut contenders: Vec<Contender> = own.collect();
        contenders.extend(rivals_elsewhere(id, context));
        settle(&mut contenders);
        let decisions = contenders.into_iter().map(|one| one.decision);
        decided.extend(indices.iter().copied().zip(decisions));
    }
    for (index, decision) in decided {
        claims[index].contender.decision = decision;
    }

    let mut by_entry: BTreeMap<usize, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        by_entry.entry(claim.entry).or_default().push(claim);
    }
    for (index, claims) in by_entry {
        settle_entry(&mut entries[index], desired, context, claims, &mut settled);
    }
    refuse_rival_creations(entries, desired, context);
    settle_adoptions(entries, desired, context, &mut settled);
    settle_domains(entries, desired, context);
    mark_as_held(entries, desired);
    settled.refusals.sort();
    settled
}

/// Lists the live organizations that resources name, each with a decision that ignores rivals.
fn all_claims(
    entries: &[Entry],
    desired: &Desired,
    context: &ClaimContext<'_>,
    status: &impl Fn(&Entry) -> Option<String>,
) -> Vec<Claim> {
    let mut named = candidates(desired, context.observed);
    let mut claims = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let (Some(key), Some(holder)) = (entry.key(), &entry.holder) else {
            continue;
        };
        let mut found: BTreeMap<OrganizationId, Vec<MatchedBy>> = BTreeMap::new();
        for (id, by) in named.remove(key).into_iter().flatten() {
            found.entry(id).or_default().push(by);
        }
        let known = status(entry);
        for (id, by) in found {
            let Some(live) = context.observed.organizations.get(&id) else {
                continue;
            };
            let named_by_status = known.as_deref() == Some(id.as_str());
            let mut decision = context.decide(holder, live, known.as_deref());
            // A resource that is being deleted takes hold of no organization that it did not have.
            if entry.is_being_deleted() && decision.changes_holder() && !named_by_status {
                decision = Decision::Conflict(Obstacle::ClaimedByAnother);
            }
            claims.push(Claim {
                entry: index,
                key: key.clone(),
                organization: id,
                by,
                contender: Contender {
                    decision,
                    named_by_status,
                },
            });
        }
    }
    claims
}

/// Lists the resources of other environments that claim an organization without a holder.
fn rivals_elsewhere(id: &OrganizationId, context: &ClaimContext<'_>) -> Vec<Contender> {
    let nobody = BTreeSet::new();
    let named = context.named_elsewhere.get(id).unwrap_or(&nobody);
    let claiming = context.elsewhere.get(id).unwrap_or(&nobody);
    named
        .union(claiming)
        .map(|name| Contender {
            decision: Decision::TakeHold,
            named_by_status: named.contains(name),
        })
        .collect()
}

/// Applies the decisions about all organizations that one resource names.
fn settle_entry(
    entry: &mut Entry,
    desired: &mut Desired,
    context: &ClaimContext<'_>,
    claims: Vec<Claim>,
    settled: &mut Settled,
) {
    let holds_one = claims
        .iter()
        .any(|claim| claim.contender.decision == Decision::Update);
    let (granted, refused): (Vec<Claim>, Vec<Claim>) = claims
        .into_iter()
        .partition(|claim| claim.contender.decision.is_granted());
    for claim in &granted {
        if claim.contender.decision.changes_holder() {
            let claimants = settled.claims.entry(claim.organization.clone());
            claimants.or_default().insert(entry.name.clone());
        }
    }
    // A former external id of what it holds may be another's by now.
    let is_former = |claim: &Claim| {
        let mut by = claim.by.iter();
        by.all(|by| matches!(by, MatchedBy::PreviousKey(_)))
    };
    if holds_one && refused.iter().all(is_former) {
        for claim in &refused {
            forget_former(desired, claim);
        }
    } else if let Some(claim) = refused.into_iter().next() {
        refuse(entry, desired, context, &claim, settled);
        return;
    }
    if let [claim] = granted.as_slice() {
        entry.claim_state = ClaimState::Granted(claim.organization.clone());
    }
}

/// Removes the previous keys by which a refused claim was found.
fn forget_former(desired: &mut Desired, claim: &Claim) {
    if let Some(declared) = desired.organizations.get_mut(&claim.key) {
        let is_kept = |id: &ExternalId| {
            let mut by = claim.by.iter();
            !by.any(|by| *by == MatchedBy::PreviousKey(id.clone()))
        };
        declared.previous_keys.retain(is_kept);
    }
}

/// Refuses a resource the organization that it claims, and records the refusal.
fn refuse(
    entry: &mut Entry,
    desired: &mut Desired,
    context: &ClaimContext<'_>,
    claim: &Claim,
    settled: &mut Settled,
) {
    let id = &claim.organization;
    let (blocked, why) = if let Decision::Conflict(obstacle) = &claim.contender.decision {
        let blocked = BlockedReason::new(Reason::Conflict, context.message(entry, id, obstacle));
        (blocked, obstacle.message(Audience::Environment))
    } else {
        let told = if context.is_tenant(entry) {
            "the organization that this resource names exists, and no PortalOrganization holds it; \
             to take it over from another namespace, the PortalEnvironment has to set allowAdoption"
                .to_owned()
        } else {
            format!(
                "{} exists, and no PortalOrganization holds it; set allowAdoption on the \
                 PortalEnvironment to take it over",
                escape(id.as_str())
            )
        };
        let why = "nobody holds it, and the environment does not set allowAdoption".to_owned();
        (BlockedReason::new(Reason::Held, told), why)
    };
    // A refusal means nothing for a resource that is being deleted.
    if !entry.is_being_deleted() {
        settled.refusals.push(Refusal {
            resource: entry.name.clone(),
            organization: id.clone(),
            why,
        });
    }
    take_out(entry, desired, blocked);
}

/// Removes an entry from the desired state, with the reason.
fn take_out(entry: &mut Entry, desired: &mut Desired, reason: BlockedReason) {
    if let Some(key) = entry.key() {
        desired.organizations.remove(key);
    }
    entry.claim_state = ClaimState::Refused;
    entry.resolved_key = Err(reason);
}

/// Refuses resources that would create, or rename to, the same external id. The one that already has
/// an organization gets it, otherwise none does.
fn refuse_rival_creations(
    entries: &mut [Entry],
    desired: &mut Desired,
    context: &ClaimContext<'_>,
) {
    let mut wanted: BTreeMap<ExternalId, Vec<usize>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let declared = declared(entry, desired);
        let Some(external_id) = declared.and_then(|declared| declared.external_id.clone()) else {
            continue;
        };
        if !entry.is_being_deleted() {
            wanted.entry(external_id).or_default().push(index);
        }
    }
    for (external_id, rivals) in wanted.into_iter().filter(|(_, rivals)| rivals.len() > 1) {
        let has_one = |index: &usize| matches!(entries[*index].claim_state, ClaimState::Granted(_));
        let established: Vec<usize> = rivals.iter().copied().filter(has_one).collect();
        let winner = match established.as_slice() {
            [winner] => Some(*winner),
            _ => None,
        };
        for index in rivals.iter().filter(|index| Some(**index) != winner) {
            let others = names_of_others(entries, &rivals, *index, context);
            let message = format!(
                "the external id `{}` is declared by {others}, too, and an organization has one \
                 PortalOrganization; remove one of them, or give this one another key",
                escape(external_id.as_str())
            );
            let reason = BlockedReason::new(Reason::Conflict, message);
            take_out(&mut entries[*index], desired, reason);
        }
    }
}

/// Names the other resources, as far as the reader of one of them may know about them.
fn names_of_others(
    entries: &[Entry],
    rivals: &[usize],
    of: usize,
    context: &ClaimContext<'_>,
) -> String {
    let own = &entries[of].name.namespace;
    let others = rivals.iter().filter(|index| **index != of);
    let told: BTreeSet<String> = others
        .map(|index| {
            let name = &entries[*index].name;
            if context.is_tenant(&entries[of]) && name.namespace != *own {
                ANOTHER.to_owned()
            } else {
                format!("PortalOrganization {name}")
            }
        })
        .collect();
    let told: Vec<String> = told.into_iter().collect();
    told.join(" and ")
}

/// Refuses adoptions by domain of organizations that others own or hold: a domain alone transfers
/// nothing.
fn settle_adoptions(
    entries: &mut [Entry],
    desired: &mut Desired,
    context: &ClaimContext<'_>,
    settled: &mut Settled,
) {
    let identities = identify(desired, context.observed);
    for (index, entry) in entries.iter_mut().enumerate() {
        let (Some(key), Some(holder)) = (entry.key().cloned(), entry.holder.clone()) else {
            continue;
        };
        let Some(Identity::Adoptable { organization, .. }) = identities.entries.get(&key) else {
            continue;
        };
        let Some(live) = context.observed.organizations.get(organization) else {
            continue;
        };
        let decision = match context.decide(&holder, live, None) {
            Decision::HandOver(former) => Decision::Conflict(Obstacle::GoneElsewhere(former)),
            // The plan holds what needs allowAdoption.
            Decision::TakeHold | Decision::NeedsPermission(_)
                if !rivals_elsewhere(organization, context).is_empty() =>
            {
                Decision::Conflict(Obstacle::ClaimedByAnother)
            }
            decision => decision,
        };
        if matches!(decision, Decision::Conflict(_)) {
            let claim = Claim {
                entry: index,
                key,
                organization: organization.clone(),
                by: Vec::new(),
                contender: Contender {
                    decision,
                    named_by_status: false,
                },
            };
            refuse(entry, desired, context, &claim, settled);
        }
    }
}

/// Decides between resources that declare the same domain: those whose organization has it keep it,
/// otherwise none gets it. A resource with an organization loses that domain alone.
fn settle_domains(entries: &mut [Entry], desired: &mut Desired, context: &ClaimContext<'_>) {
    let mut by_domain: BTreeMap<Domain, Vec<usize>> = BTreeMap::new();
    for (index, entry) in entries
        .iter()
        .enumerate()
        .filter(|(_, it)| !it.is_being_deleted())
    {
        let declared = declared(entry, desired);
        for domain in declared
            .and_then(|it| it.domains.as_ref())
            .into_iter()
            .flatten()
        {
            by_domain.entry(domain.0.clone()).or_default().push(index);
        }
    }
    for (domain, rivals) in by_domain.into_iter().filter(|(_, rivals)| rivals.len() > 1) {
        let shares = |index: &usize| {
            let declared = declared(&entries[*index], desired);
            declared.is_some_and(|declared| declared.allow_shared_domain)
        };
        if rivals.iter().all(shares) {
            continue;
        }
        let has_it = |index: &usize| match &entries[*index].claim_state {
            ClaimState::Granted(id) => {
                let live = context.observed.organizations.get(id);
                live.is_some_and(|live| live.domain(&domain).is_some())
            }
            ClaimState::Open | ClaimState::Refused => false,
        };
        let losers: Vec<usize> = rivals
            .iter()
            .copied()
            .filter(|index| !has_it(index))
            .collect();
        for index in losers {
            let others = names_of_others(entries, &rivals, index, context);
            let message = format!(
                "the domain {domain} is declared by {others}, too; remove it from one of them, or \
                 set `allowSharedDomain: true` on all"
            );
            lose_domain(&mut entries[index], desired, &domain, message);
        }
    }
}

/// Takes a domain from an entry that has an organization, or the entry from the desired state.
fn lose_domain(entry: &mut Entry, desired: &mut Desired, domain: &Domain, message: String) {
    if !matches!(entry.claim_state, ClaimState::Granted(_)) {
        take_out(
            entry,
            desired,
            BlockedReason::new(Reason::Conflict, message),
        );
        return;
    }
    let declared = entry
        .key()
        .and_then(|key| desired.organizations.get_mut(key));
    if let Some(domains) = declared.and_then(|declared| declared.domains.as_mut()) {
        domains.remove(domain);
    }
    entry.contested.push(message);
}

/// Declares the holder mark of every resource that may be written.
fn mark_as_held(entries: &[Entry], desired: &mut Desired) {
    for entry in entries.iter().filter(|entry| !entry.is_being_deleted()) {
        let Some(key) = entry.key() else { continue };
        if let Some(declared) = desired.organizations.get_mut(key)
            && declared.management == Management::Manage
            && !entry.is_read_only_itself()
        {
            declared.holder.clone_from(&entry.holder);
        }
    }
}

fn declared<'a>(entry: &Entry, desired: &'a Desired) -> Option<&'a DesiredOrganization> {
    desired.organizations.get(entry.key()?)
}

/// Hides the ids of other organizations in a text for another namespace. `own` stays readable.
///
/// The operator's own texts hold no such id; answers of WorkOS may.
pub(super) fn redact_other_organizations(text: &str, own: Option<&str>) -> String {
    const PREFIX: &str = "org_";
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(PREFIX) {
        let (before, from) = rest.split_at(start);
        let end = from
            .char_indices()
            .find(|(_, c)| !c.is_ascii_alphanumeric() && *c != '_')
            .map_or(from.len(), |(end, _)| end);
        let (id, after) = from.split_at(end);
        told.push_str(before);
        let is_other = id.len() > PREFIX.len() && Some(id) != own;
        told.push_str(if is_other { ANOTHER } else { id });
        rest = after;
    }
    told.push_str(rest);
    told
}

/// Claims of one environment, with its endpoint.
#[derive(Debug)]
struct Claimed {
    endpoint: String,
    claims: Claims,
}

/// Claims of all usable environments on organizations without a holder.
///
/// Environments are compared by endpoint and not by key: ids belong to the endpoint, and a new key may
/// reach one of two environments first.
#[derive(Debug, Default)]
pub(super) struct Registry {
    claims: Mutex<BTreeMap<Name, Claimed>>,
}

impl Registry {
    /// Returns the claims of the other environments of an endpoint.
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

    /// Replaces the claims of an environment.
    pub(super) fn enter(&self, endpoint: &str, environment: &Name, claims: Claims) {
        let claimed = Claimed {
            endpoint: endpoint.to_owned(),
            claims,
        };
        self.claims().insert(environment.clone(), claimed);
    }

    /// Removes an environment that is gone or cannot be used.
    pub(super) fn leave(&self, environment: &Name) {
        self.claims().remove(environment);
    }

    fn claims(&self) -> MutexGuard<'_, BTreeMap<Name, Claimed>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
