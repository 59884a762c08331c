//! An entry that matched nothing: what a new organization would be a second one of.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::conflict::{conflict, name};
use super::index::Index;
use super::{Identity, IdentityConflict};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::DesiredOrganization;
use portalctl_model::observed::Organization;
use portalctl_model::text::escape;
use portalctl_model::{Domain, ManifestName, OrganizationId, mark};

/// Unclaimed organizations that hold a domain of an entry.
#[derive(Default)]
struct Holders<'a> {
    /// Organizations without an external id that have verified a domain.
    adoptable: BTreeMap<&'a OrganizationId, &'a Domain>,
    /// Organizations that could be the entry's, whatever their state of the domain.
    confusable: BTreeMap<&'a OrganizationId, (&'a Organization, &'a Domain)>,
}

impl<'a> Holders<'a> {
    fn of(entry: &'a DesiredOrganization, index: &'a Index<'_>, claims: &Claims<'_>) -> Self {
        let mut found = Self::default();
        for domain in entry.domains.iter().flat_map(BTreeMap::keys) {
            for holder in index.holders(domain) {
                let organization = holder.organization;
                if claims.is_claimed(&organization.id) {
                    continue;
                }
                found
                    .confusable
                    .entry(&organization.id)
                    .or_insert((organization, domain));
                if organization.external_id.is_none() && holder.state.is_verified() {
                    found.adoptable.entry(&organization.id).or_insert(domain);
                }
            }
        }
        found
    }
}

/// Finds the organization that an entry without a match may adopt, or the organizations that could
/// be its own and keep it from being created.
pub(super) fn find_adoptable(
    entry: &DesiredOrganization,
    manifest: Option<&ManifestName>,
    index: &Index<'_>,
    claims: &Claims<'_>,
    concerned: &mut BTreeSet<OrganizationId>,
) -> Identity {
    let Holders {
        adoptable,
        mut confusable,
    } = Holders::of(entry, index, claims);
    if let (1, Some((id, domain))) = (adoptable.len(), adoptable.first_key_value())
        && (confusable.len() == 1 || entry.allow_shared_domain)
    {
        return Identity::Adoptable {
            organization: (*id).clone(),
            domain: (*domain).clone(),
        };
    }
    let renamed = renamed(entry, manifest, index, claims);
    for former in renamed.values() {
        confusable.remove(&former.id);
    }
    concerned.extend(renamed.keys().map(|id| (*id).clone()));
    let mut conflicts: Vec<IdentityConflict> = renamed
        .values()
        .filter_map(|former| renamed_key(former))
        .collect();
    if entry.allow_shared_domain {
        // Whichever of them stays unclaimed is the entry's to adopt.
        concerned.extend(adoptable.keys().map(|id| (*id).clone()));
    } else {
        concerned.extend(confusable.keys().map(|id| (*id).clone()));
        conflicts.extend(
            confusable
                .values()
                .map(|(organization, domain)| domain_held(organization, domain, &adoptable)),
        );
    }
    let same_name = same_name_as(entry, index).filter(|other| {
        let is_named = !entry.allow_shared_domain && confusable.contains_key(&other.id);
        !claims.is_claimed(&other.id) && !is_named
    });
    for other in same_name {
        concerned.insert(other.id.clone());
        conflicts.push(same_name_conflict(other));
    }
    if let Some(customer) = &entry.stripe_customer_id {
        for holder in index.with_stripe_customer(customer) {
            concerned.insert(holder.id.clone());
            conflicts.push(stripe_customer_held(holder, customer));
        }
    }
    if conflicts.is_empty() {
        return Identity::Missing;
    }
    conflicts.sort();
    Identity::Conflicted(conflicts)
}

/// Returns the organizations without an external id that have an entry's name, unless the entry
/// allows that.
fn same_name_as<'a>(
    entry: &DesiredOrganization,
    index: &'a Index<'_>,
) -> impl Iterator<Item = &'a Organization> {
    let name = entry.name.as_ref().filter(|_| !entry.allow_same_name);
    let same = name.map_or(&[][..], |name| index.with_name(name));
    let same: Vec<&Organization> = same.to_vec();
    same.into_iter().filter(|other| other.external_id.is_none())
}

/// Organizations that this manifest created under another key, that no entry claims any more, and
/// that have the entry's name: its own, if somebody renamed its key.
fn renamed<'a>(
    entry: &DesiredOrganization,
    manifest: Option<&ManifestName>,
    index: &Index<'a>,
    claims: &Claims<'_>,
) -> BTreeMap<&'a OrganizationId, &'a Organization> {
    let (Some(manifest), Some(name), false) = (manifest, &entry.name, entry.allow_same_name) else {
        return BTreeMap::new();
    };
    let is_ours = |live: &Organization| {
        let owner = live.metadata.get(mark::OWNER);
        owner.is_some_and(|owner| owner == manifest.as_str())
    };
    index
        .with_name(name)
        .iter()
        .filter(|live| live.external_id.is_some() && is_ours(live))
        .filter(|live| !claims.is_claimed(&live.id))
        .map(|live| (&live.id, *live))
        .collect()
}

/// The conflict with an organization of a former key; none where it has no key.
fn renamed_key(former: &Organization) -> Option<IdentityConflict> {
    let key = escape(former.external_id.as_deref()?);
    Some(conflict(
        codes::RENAMED_KEY,
        format!(
            "no organization matches, but {} has the same name: this manifest created it as \
             `{key}`, which no entry declares any more",
            name(former)
        ),
        format!(
            "if the key was renamed, write `previous_keys: [{key}]`; if this is another customer, \
             write `allow_same_name: true`"
        ),
    ))
}

fn domain_held(
    organization: &Organization,
    domain: &Domain,
    adoptable: &BTreeMap<&OrganizationId, &Domain>,
) -> IdentityConflict {
    let id = escape(organization.id.as_str());
    let help = match &organization.external_id {
        Some(external_id) => format!(
            "if it is this customer, write `previous_keys: [{}]` (the key was renamed) or \
             `id: {id}`; if it is another one, write `allow_shared_domain: true`",
            escape(external_id)
        ),
        None if adoptable.len() > 1 => format!(
            "{} organizations could be this customer: write `id:` with the one that is meant",
            adoptable.len()
        ),
        // Sharing its domain would not tell it apart: it would be adopted.
        None if adoptable.contains_key(&organization.id) => format!(
            "if it is this customer, write `id: {id}`; if it is another one, declare that one too, \
             with `id: {id}`"
        ),
        None => format!(
            "if it is this customer, write `id: {id}`; if it is another one, write \
             `allow_shared_domain: true`"
        ),
    };
    conflict(
        codes::DOMAIN_HELD,
        format!(
            "no organization matches, but {} has the domain {domain}",
            name(organization)
        ),
        help,
    )
}

fn same_name_conflict(other: &Organization) -> IdentityConflict {
    conflict(
        codes::SAME_NAME,
        format!(
            "no organization matches, but {} has the same name",
            name(other)
        ),
        format!(
            "if it is this customer, write `id: {}`; if it is another one, write \
             `allow_same_name: true`",
            escape(other.id.as_str())
        ),
    )
}

/// WorkOS gives a Stripe customer to one organization: created anew, this one would be left
/// without.
fn stripe_customer_held(holder: &Organization, customer: &str) -> IdentityConflict {
    let id = escape(holder.id.as_str());
    conflict(
        codes::STRIPE_CUSTOMER_HELD,
        format!(
            "no organization matches, but {} has the Stripe customer id {}",
            name(holder),
            escape(customer)
        ),
        format!(
            "if it is this customer, write `id: {id}`; if it is another one, correct \
             `stripe_customer_id` here or there"
        ),
    )
}
