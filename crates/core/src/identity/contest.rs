//! Contested domains: declared domains that other organizations hold too.
//!
//! WorkOS lets one organization verify a domain. A domain that another organization has verified
//! stops the writes of that domain alone; which organization the entry is stays known.

use std::collections::BTreeMap;
use std::fmt;

use super::index::Index;
use super::{Identity, IdentityConflict};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{DesiredOrganization, DomainsPolicy, FieldPath, Management};
use portalctl_model::observed::DomainState;
use portalctl_model::text::escape;
use portalctl_model::{Domain, OrgKey, OrganizationId};

/// The other organizations that hold one domain of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// The other holders, those that have verified the domain first, then by id; never empty.
    pub rivals: Vec<Rival>,
    /// True where the entry says `allow_shared_domain: true`.
    pub is_allowed: bool,
}

/// Another organization that holds a domain of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The organization.
    pub organization: OrganizationId,
    /// The rival's display name.
    pub name: String,
    /// The rival's state of the domain.
    pub state: DomainState,
    /// Permission for reports to name the rival.
    pub disclosure: Disclosure,
    /// The entry whose organization it is, if that entry removes the domain.
    pub gives_up: Option<OrgKey>,
}

/// Permission for reports to name a rival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// By id and name.
    Named,
    /// As another organization of the environment, for readers who may not learn about others.
    Hidden,
}

impl Contest {
    /// The ways out of a contest that stops writes.
    pub const HELP: &str = "remove the domain here or there; if both customers share it, write \
                            `allow_shared_domain: true`";

    /// One sentence about a domain that another organization has verified.
    pub fn verified_elsewhere(&self, domain: &Domain) -> String {
        let domain = domain.shown();
        format!("the domain {domain} is verified for {}", self.holders())
    }

    /// The rivals that have verified the domain.
    pub fn winners(&self) -> impl Iterator<Item = &Rival> {
        self.rivals.iter().filter(|rival| rival.state.is_verified())
    }

    /// Returns whether the domain is not written for the entry: another organization has verified
    /// it, and no entry takes it from there.
    pub fn stops_writes(&self) -> bool {
        !self.is_allowed && self.winners().any(|rival| rival.gives_up.is_none())
    }

    /// The other holders in one phrase: those that have verified the domain, else all of them.
    pub fn holders(&self) -> String {
        let winners: Vec<&Rival> = self.winners().collect();
        let holders = if winners.is_empty() {
            self.rivals.iter().collect()
        } else {
            winners
        };
        let (first, more) = match holders.as_slice() {
            [] => return String::new(),
            [first, more @ ..] => (first, more.len()),
        };
        match more {
            0 => first.to_string(),
            1 => format!("{first} and 1 more organization"),
            _ => format!("{first} and {more} more organizations"),
        }
    }

    /// Hides the rivals' ids and names from what is reported.
    pub fn hide_rivals(&mut self) {
        for rival in &mut self.rivals {
            rival.disclosure = Disclosure::Hidden;
        }
    }
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.disclosure {
            Disclosure::Named => write!(
                f,
                "{} ({})",
                escape(self.organization.as_str()),
                escape(&self.name)
            ),
            Disclosure::Hidden => f.write_str("another organization of this environment"),
        }
    }
}

/// The entries that remove domains which they do not declare, by their organizations.
#[derive(Default)]
pub(super) struct Givers<'a>(BTreeMap<&'a OrganizationId, (&'a OrgKey, &'a DesiredOrganization)>);

impl<'a> Givers<'a> {
    /// Adds an entry that is known to be an organization's.
    pub(super) fn add(
        &mut self,
        organization: &'a OrganizationId,
        key: &'a OrgKey,
        entry: &'a DesiredOrganization,
    ) {
        let removes = entry.domains_policy == DomainsPolicy::Exact && entry.domains.is_some();
        if removes && entry.management == Management::Manage {
            self.0.insert(organization, (key, entry));
        }
    }

    /// The entry that removes a domain from its organization, where another entry may have it: in
    /// a cluster, none of another namespace.
    fn of(
        &self,
        organization: &OrganizationId,
        domain: &Domain,
        to: &DesiredOrganization,
    ) -> Option<OrgKey> {
        let (key, from) = self.0.get(organization)?;
        let is_declared = from.domains.as_ref()?.contains_key(domain);
        let is_ignored = from.ignores(&FieldPath::Domain(domain.clone()));
        let is_of_same_namespace = namespace(from) == namespace(to);
        (!is_declared && !is_ignored && is_of_same_namespace).then(|| (*key).clone())
    }
}

fn namespace(entry: &DesiredOrganization) -> Option<&str> {
    let resource = entry.resource.as_ref()?;
    resource.namespace.as_deref()
}

/// Makes a conflict of each domain that keeps an entry without an organization from getting one.
///
/// A verified domain is the best evidence of who a customer is: an entry whose domain another
/// organization has verified may be that customer once more, and must not make a second one.
pub(super) fn without_organization(
    identity: &Identity,
    contests: &BTreeMap<Domain, Contest>,
) -> Vec<IdentityConflict> {
    match identity {
        Identity::Matched { .. } | Identity::Conflicted(_) => Vec::new(),
        Identity::Missing | Identity::Adoptable { .. } => contests
            .iter()
            .filter(|(_, contest)| contest.stops_writes())
            .map(|(domain, contest)| IdentityConflict {
                code: codes::DOMAIN_VERIFIED_ELSEWHERE,
                message: contest.verified_elsewhere(domain),
                help: Contest::HELP.to_owned(),
            })
            .collect(),
    }
}

/// Finds the contested domains of an entry.
///
/// An entry in conflict has none: its own organization is not known, so neither is which one is
/// another.
pub(super) fn find(
    entry: &DesiredOrganization,
    identity: &Identity,
    index: &Index<'_>,
    givers: &Givers<'_>,
) -> BTreeMap<Domain, Contest> {
    let own = match identity {
        Identity::Matched { organization, .. } | Identity::Adoptable { organization, .. } => {
            Some(organization)
        }
        Identity::Missing => None,
        Identity::Conflicted(_) => return BTreeMap::new(),
    };
    let mut contests = BTreeMap::new();
    for domain in entry.domains.iter().flat_map(BTreeMap::keys) {
        let holders = index.holders(domain).iter();
        let others = holders.filter(|holder| own != Some(&holder.organization.id));
        let mut rivals: Vec<Rival> = others
            .map(|holder| Rival {
                organization: holder.organization.id.clone(),
                name: holder.organization.name.clone(),
                state: holder.state.clone(),
                disclosure: Disclosure::Named,
                gives_up: givers.of(&holder.organization.id, domain, entry),
            })
            .collect();
        if rivals.is_empty() {
            continue;
        }
        rivals.sort_by(|a, b| {
            let rank = |rival: &Rival| (!rival.state.is_verified(), rival.organization.clone());
            rank(a).cmp(&rank(b))
        });
        let contest = Contest {
            rivals,
            is_allowed: entry.allow_shared_domain,
        };
        contests.insert(domain.clone(), contest);
    }
    contests
}
