//! The rules: every entry's match, then what two entries or two organizations make of it.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::conflict::{conflict, name};
use super::index::Index;
use super::ownership::Ownership;
use super::{Identities, Identity, IdentityConflict, MatchedBy, contest, unclaimed, without_id};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{Desired, DesiredOrganization, DomainsPolicy, ExcludedOrganization};
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::{ExternalId, Holder, ManifestName, OrgKey, OrganizationId};

/// Finds every entry's live organization.
///
/// With an observation that only [looked up](portalctl_model::observed::Coverage::LookedUp) what
/// the entries name, an entry that found nothing is `Missing` although something unlisted may hold
/// its domain; callers that would create must list first.
pub fn identify(desired: &Desired, observed: &Observed) -> Identities {
    let index = Index::new(observed);
    let mut entries: Entries<'_> = desired
        .organizations
        .iter()
        .map(|(key, entry)| (key, find(entry, &index)))
        .collect();
    let mut claims = claims_by_name(desired, &index);
    let mut concerned = BTreeSet::new();
    for entry in desired.organizations.values() {
        let former = entry.previous_keys.iter().flat_map(|id| index.with(id));
        concerned.extend(former.map(|organization| organization.id.clone()));
    }
    for entry in desired.excluded.values() {
        let former = entry.previous_keys.iter().flat_map(|id| index.with(id));
        concerned.extend(former.map(|organization| organization.id.clone()));
    }
    match_by_plain_key(&mut entries, desired, &index, &claims);
    claims.add_entries(&entries);
    for (key, identity) in &mut entries {
        if matches!(identity, Identity::Missing) {
            let entry = &desired.organizations[*key];
            let manifest = desired.manifest.as_ref();
            *identity = match without_id::find(entry, observed) {
                Some(conflict) => Identity::Conflicted(vec![conflict]),
                None => unclaimed::find_adoptable(entry, manifest, &index, &claims, &mut concerned),
            };
        }
    }
    claims.add_entries(&entries);
    conclude(desired, entries, &index, claims, concerned)
}

/// Identities that were found so far, by entry.
type Entries<'a> = BTreeMap<&'a OrgKey, Identity>;

/// Collects the organizations that entries name by an id, whatever else they are.
fn claims_by_name<'a>(desired: &'a Desired, index: &Index<'_>) -> Claims<'a> {
    let mut claims = Claims::default();
    for (key, entry) in &desired.organizations {
        for organization in named(entry, index) {
            claims.add(&organization.id, key);
        }
    }
    for (key, absent) in &desired.absent {
        if index.observed().organizations.contains_key(&absent.id) {
            claims.add(&absent.id, key);
        }
    }
    for (key, excluded) in &desired.excluded {
        for organization in named_excluded(excluded, index) {
            claims.add(&organization.id, key);
        }
    }
    claims
}

/// Returns the organizations that an entry with `state: excluded` names by an id.
fn named_excluded<'a>(
    entry: &ExcludedOrganization,
    index: &Index<'a>,
) -> impl Iterator<Item = &'a Organization> {
    let organizations = &index.observed().organizations;
    let pinned = entry.id.as_ref().and_then(|id| organizations.get(id));
    let external = entry.external_id.as_ref();
    let external = external.map_or(&[] as &[_], |id| index.with(id));
    pinned.into_iter().chain(external.to_vec())
}

/// Matches missing entries by their keys without the namespace.
fn match_by_plain_key(
    entries: &mut Entries<'_>,
    desired: &Desired,
    index: &Index<'_>,
    claims: &Claims<'_>,
) {
    for (key, identity) in entries {
        if matches!(identity, Identity::Missing)
            && let Some((found, by)) = by_plain_key(&desired.organizations[*key], desired, index)
            && !claims.is_claimed(&found.id)
        {
            *identity = Identity::Matched {
                organization: found.id.clone(),
                by,
            };
        }
    }
}

/// Adds the conflicts between entries, and the contested domains.
fn conclude<'a>(
    desired: &'a Desired,
    entries: Entries<'a>,
    index: &Index<'_>,
    claims: Claims<'a>,
    mut concerned: BTreeSet<OrganizationId>,
) -> Identities {
    let mut shared = claims.shared();
    let mut contested = BTreeMap::new();
    let matched: Vec<(&OrgKey, OrganizationId)> = entries
        .iter()
        .filter(|(key, _)| {
            let policy = desired.organizations[**key].domains_policy;
            policy == DomainsPolicy::Exact && !shared.contains_key(*key)
        })
        .filter_map(|(key, identity)| match identity {
            Identity::Matched { organization, .. } => Some((*key, organization.clone())),
            Identity::Adoptable { .. } | Identity::Missing | Identity::Conflicted(_) => None,
        })
        .collect();
    let mut givers = contest::Givers::default();
    for (key, organization) in &matched {
        givers.add(organization, key, &desired.organizations[*key]);
    }
    let entries = entries
        .into_iter()
        .map(|(key, identity)| {
            let conflicts = shared.remove(key).unwrap_or_default();
            let identity = with_conflicts(identity, conflicts);
            let entry = &desired.organizations[key];
            let contests = contest::find(entry, &identity, index, &givers);
            let conflicts = contest::without_organization(&identity, &contests);
            if conflicts.is_empty() && !contests.is_empty() {
                contested.insert(key.clone(), contests);
            }
            (key.clone(), with_conflicts(identity, conflicts))
        })
        .collect();
    concerned.extend(claims.into_organizations());
    Identities {
        entries,
        contested,
        concerned,
        absent_conflicts: shared
            .into_iter()
            .map(|(key, conflicts)| (key.clone(), conflicts))
            .collect(),
    }
}

fn with_conflicts(identity: Identity, found: Vec<IdentityConflict>) -> Identity {
    if found.is_empty() {
        return identity;
    }
    let mut conflicts = match identity {
        Identity::Conflicted(conflicts) => conflicts,
        Identity::Matched { .. } | Identity::Adoptable { .. } | Identity::Missing => Vec::new(),
    };
    conflicts.extend(found);
    conflicts.sort();
    conflicts.dedup();
    Identity::Conflicted(conflicts)
}

/// The live organizations that an entry answers to by an id, and how.
pub type Candidates = Vec<(OrganizationId, MatchedBy)>;

/// Finds every live organization that an entry names: by id, external id, previous keys, or plain
/// key. Says nothing about which of them is meant.
pub fn candidates(desired: &Desired, observed: &Observed) -> BTreeMap<OrgKey, Candidates> {
    let index = Index::new(observed);
    let of = |entry: &DesiredOrganization| -> Candidates {
        let pinned = entry.id.iter();
        let pinned = pinned.filter_map(|id| index.observed().organizations.get(id));
        let mut found: Vec<(&Organization, MatchedBy)> =
            pinned.map(|live| (live, MatchedBy::Id)).collect();
        let current = entry.external_id.iter().flat_map(|id| index.with(id));
        found.extend(current.map(|live| (*live, MatchedBy::ExternalId)));
        if entry.id.is_none() {
            for id in &entry.previous_keys {
                let former = index.with(id).iter();
                found.extend(former.map(|live| (*live, MatchedBy::PreviousKey(id.clone()))));
            }
        }
        if found.is_empty() {
            found.extend(by_plain_key(entry, desired, &index));
        }
        found
            .into_iter()
            .map(|(live, by)| (live.id.clone(), by))
            .collect()
    };
    desired
        .organizations
        .iter()
        .map(|(key, entry)| (key.clone(), of(entry)))
        .collect()
}

/// Finds an organization by the key without the namespace: a tenant's, from before external ids had
/// the namespace in front. What another namespace holds, or another manifest owns, is not it.
fn by_plain_key<'a>(
    entry: &DesiredOrganization,
    desired: &Desired,
    index: &Index<'a>,
) -> Option<(&'a Organization, MatchedBy)> {
    let plain_key = entry.plain_key.as_ref()?;
    let [found] = index.with(plain_key) else {
        return None;
    };
    let ownership = Ownership::of(found);
    let namespace = entry
        .resource
        .as_ref()
        .and_then(|it| it.namespace.as_deref());
    let is_foreign = match (ownership.holder(), ownership.owner()) {
        (Some(holder), _) => holder.resource().map(Holder::namespace) != namespace,
        (None, Some(owner)) => desired.manifest.as_ref().map(ManifestName::as_str) != Some(owner),
        (None, None) => false,
    };
    (!is_foreign).then(|| (*found, MatchedBy::PreviousKey(plain_key.clone())))
}

/// Finds an entry's organization by id, external id or previous keys.
fn find(entry: &DesiredOrganization, index: &Index<'_>) -> Identity {
    if let Some(id) = &entry.id {
        return find_pinned(id, entry.external_id.as_ref(), index);
    }
    let Some(external_id) = &entry.external_id else {
        return Identity::Missing;
    };
    let current = index.with(external_id);
    let previous = entry.previous_keys.iter().flat_map(|previous| {
        let found = index.with(previous).iter();
        found.map(move |found| (*found, previous))
    });
    let mut matches: Vec<(&Organization, MatchedBy)> = current
        .iter()
        .map(|found| (*found, MatchedBy::ExternalId))
        .collect();
    matches.extend(previous.map(|(found, id)| (found, MatchedBy::PreviousKey(id.clone()))));
    match matches.as_slice() {
        [] => Identity::Missing,
        [(found, by)] => Identity::Matched {
            organization: found.id.clone(),
            by: by.clone(),
        },
        many => Identity::Conflicted(vec![conflict(
            codes::MANY_MATCHES,
            format!(
                "{} organizations answer to this entry: {}",
                many.len(),
                names(many.iter().map(|(found, _)| *found))
            ),
            "write `id:` with the one that is meant, and merge or delete the others in the WorkOS \
             dashboard",
        )]),
    }
}

fn find_pinned(
    id: &OrganizationId,
    external_id: Option<&ExternalId>,
    index: &Index<'_>,
) -> Identity {
    let Some(pinned) = index.observed().organizations.get(id) else {
        return Identity::Conflicted(vec![conflict(
            codes::PINNED_MISSING,
            format!("{id} does not exist in this environment"),
            "check that the API key is of the right environment; if the organization was deleted \
             for good, remove `id:` so that a new one is created",
        )]);
    };
    if let Some(external_id) = external_id
        && let Some(other) = index
            .with(external_id)
            .iter()
            .find(|other| other.id != pinned.id)
    {
        return Identity::Conflicted(vec![conflict(
            codes::ID_AND_EXTERNAL_ID_DISAGREE,
            format!(
                "`id` is {id}, but the external id `{external_id}` belongs to {}",
                name(other)
            ),
            "correct `id:` or `external_id:` so that both name the same organization",
        )]);
    }
    Identity::Matched {
        organization: id.clone(),
        by: MatchedBy::Id,
    }
}

/// The organizations that an entry names, by whatever it is to be found by: also when it is in
/// conflict, and cannot be told which of them is meant, they are nobody else's.
fn named<'a>(entry: &DesiredOrganization, index: &Index<'a>) -> Vec<&'a Organization> {
    let pinned = entry.id.iter();
    let pinned = pinned.filter_map(|id| index.observed().organizations.get(id));
    // A pinned entry is not looked for by its previous keys.
    let previous = entry.previous_keys.iter().filter(|_| entry.id.is_none());
    let ids = entry.external_id.iter().chain(previous);
    pinned
        .chain(ids.flat_map(|id| index.with(id).iter().copied()))
        .collect()
}

fn names<'a>(organizations: impl Iterator<Item = &'a Organization>) -> String {
    let mut names: Vec<String> = organizations.map(name).collect();
    names.sort();
    names.join(", ")
}
