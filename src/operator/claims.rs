//! Which resource a live organization belongs to when several name it, one by its id and another by
//! its external id, or in two environments of one endpoint: the oldest.
//!
//! What two resources of one environment cannot both say, whatever is live,
//! [`resolve`](crate::manifest::resolve) has refused before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::jiff::Timestamp;
use kube::core::ObjectMeta;

use super::names::Name;
use crate::model::OrganizationId;
use crate::model::desired::DesiredOrganization;
use crate::model::observed::Observed;

/// Who claims, ordered by age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claimant {
    /// The time of its creation; what has none is the youngest.
    created: (bool, Option<Timestamp>),
    resource: Name,
}

impl Claimant {
    /// A resource.
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
        Self {
            created: (created.is_none(), created),
            resource: Name::of(metadata),
        }
    }
}

/// Organizations with those who claim them.
pub(super) type Taken = BTreeMap<OrganizationId, Claimant>;

/// What resources claimed when WorkOS could last be asked about them, as far as they tell it
/// themselves.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// Who is there, and the one organization that it can be about, where it says so.
    pub(super) claimants: BTreeMap<Claimant, Option<OrganizationId>>,
}

impl Remembered {
    /// The organizations that are named, each by the oldest.
    fn taken(&self) -> Taken {
        let mut taken = Taken::new();
        for (claimant, id) in &self.claimants {
            if let Some(id) = id {
                taken.entry(id.clone()).or_insert_with(|| claimant.clone());
            }
        }
        taken
    }

    /// Whether a claim that was found at WorkOS may still stand.
    fn lets(&self, claimant: &Claimant) -> bool {
        self.claimants.contains_key(claimant)
    }
}

/// What one environment claims.
#[derive(Debug)]
struct Claimed {
    endpoint: String,
    taken: Taken,
    /// Whether it is what statuses say, and not what WorkOS says.
    is_remembered: bool,
}

/// What the environments of each endpoint claim, so that two of them do not write over each other.
///
/// By endpoint and not by key: ids are the endpoint's, and a key may be changed under one of two
/// environments first.
#[derive(Debug, Default)]
pub(super) struct Registry {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    claims: BTreeMap<Name, Claimed>,
    /// The environments that have said what they claim, or that they cannot say.
    heard: BTreeSet<Name>,
}

impl Registry {
    /// What other environments of the same endpoint claim; of several, the oldest.
    pub(super) fn of_others(&self, endpoint: &str, environment: &Name) -> Taken {
        let known = self.known();
        let mut all = Taken::new();
        let others = known.claims.iter().filter(|(name, _)| *name != environment);
        for (_, claimed) in others.filter(|(_, claimed)| claimed.endpoint == endpoint) {
            for (id, claimant) in &claimed.taken {
                let first = all.entry(id.clone()).or_insert_with(|| claimant.clone());
                if claimant < first {
                    first.clone_from(claimant);
                }
            }
        }
        all
    }

    /// Remembers what an environment claims.
    pub(super) fn enter(&self, endpoint: &str, environment: &Name, taken: Taken) {
        let claimed = Claimed {
            endpoint: endpoint.to_owned(),
            taken,
            is_remembered: false,
        };
        self.known().claims.insert(environment.clone(), claimed);
        self.hear(environment);
    }

    /// What an environment claims for all that its resources say, until WorkOS has been asked: it
    /// may never be reached in this term. What was found there before stands for those who are left.
    pub(super) fn recall(&self, endpoint: &str, environment: &Name, remembered: &Remembered) {
        let mut known = self.known();
        match known.claims.get_mut(environment) {
            Some(claimed) if !claimed.is_remembered && claimed.endpoint == endpoint => {
                claimed
                    .taken
                    .retain(|_, claimant| remembered.lets(claimant));
            }
            _ => {
                let claimed = Claimed {
                    endpoint: endpoint.to_owned(),
                    taken: remembered.taken(),
                    is_remembered: true,
                };
                known.claims.insert(environment.clone(), claimed);
            }
        }
    }

    /// An environment cannot say what it claims: what it said before still stands.
    pub(super) fn hear(&self, environment: &Name) {
        self.known().heard.insert(environment.clone());
    }

    /// Whether environments have all been heard, so that who is older can be told.
    pub(super) fn has_heard(&self, mut environments: impl Iterator<Item = Name>) -> bool {
        let known = self.known();
        environments.all(|name| known.heard.contains(&name))
    }

    /// Forgets an environment.
    pub(super) fn leave(&self, environment: &Name) {
        let mut known = self.known();
        known.claims.remove(environment);
        known.heard.remove(environment);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The live organizations, each with the first who named it.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    by_external_id: BTreeMap<&'a str, &'a OrganizationId>,
    taken: Taken,
    of_others: &'a Taken,
}

impl<'a> Claims<'a> {
    /// Nothing is claimed yet, but by other environments.
    pub(super) fn new(observed: &'a Observed, of_others: &'a Taken) -> Self {
        let by_external_id = observed
            .organizations
            .iter()
            .filter_map(|(id, live)| Some((live.external_id.as_deref()?, id)))
            .collect();
        Self {
            by_external_id,
            taken: Taken::new(),
            of_others,
        }
    }

    /// Takes what a resource names, unless an older one has: then why it cannot. Oldest first.
    pub(super) fn take(
        &mut self,
        claimant: &Claimant,
        declared: &DesiredOrganization,
    ) -> Result<(), String> {
        let external_ids = declared.external_id.iter().chain(&declared.previous_keys);
        let live = external_ids.filter_map(|id| self.by_external_id.get(id.as_str()).copied());
        let named: Vec<&OrganizationId> = declared.id.iter().chain(live).collect();
        for id in named.iter().copied() {
            let older = self.of_others.get(id).filter(|other| *other < claimant);
            if let Some(first) = self.taken.get(id).or(older) {
                return Err(format!(
                    "the organization {id} is claimed by PortalOrganization {}, which is older; \
                     remove one of the two, or let this one name another",
                    first.resource
                ));
            }
        }
        let taken = named.into_iter().map(|id| (id.clone(), claimant.clone()));
        self.taken.extend(taken);
        Ok(())
    }

    /// What was taken.
    pub(super) fn finish(self) -> Taken {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::{Input, read};
    use crate::model::observed::Organization;

    fn claimant(name: &str, second: u8) -> Claimant {
        let metadata = json!({
            "name": name, "namespace": "portal",
            "creationTimestamp": format!("2026-01-02T03:04:{second:02}Z"),
        });
        Claimant::of(&serde_json::from_value(metadata).unwrap())
    }

    fn declared(fields: &str) -> DesiredOrganization {
        let text = format!("version: 1\norganizations: {{ one: {{ name: One, {fields} }} }}\n");
        let desired = read(&[Input::Stdin(text.into_bytes())]).desired.unwrap();
        desired.organizations.into_values().next().unwrap()
    }

    fn observed() -> Observed {
        let id = OrganizationId::from_api("org_1".to_owned());
        let live = Organization {
            id: id.clone(),
            name: "One".to_owned(),
            external_id: Some("acme".to_owned()),
            domains: Vec::new(),
            metadata: BTreeMap::new(),
            stripe_customer_id: None,
            created_at: None,
            updated_at: None,
        };
        Observed {
            organizations: [(id, live)].into(),
            ..Observed::default()
        }
    }

    #[test]
    fn of_two_names_of_one_organization_the_first_holds() {
        let (observed, nobody) = (observed(), Taken::new());
        let mut claims = Claims::new(&observed, &nobody);
        let by_external_id = declared("external_id: acme");
        let by_id = declared("id: org_1");
        assert_eq!(claims.take(&claimant("a", 1), &by_external_id), Ok(()));
        let refused = claims.take(&claimant("b", 2), &by_id).unwrap_err();
        assert!(refused.contains("PortalOrganization portal/a"), "{refused}");
        assert_eq!(claims.finish().len(), 1);
    }

    #[test]
    fn across_environments_the_oldest_holds() {
        let observed = observed();
        let registry = Registry::default();
        let environment = |name: &str| Name {
            namespace: "portal".to_owned(),
            name: name.to_owned(),
        };
        let take = |name: &str, second: u8| {
            let of_others = registry.of_others("here", &environment(name));
            let mut claims = Claims::new(&observed, &of_others);
            let taken = claims.take(&claimant(name, second), &declared("id: org_1"));
            registry.enter("here", &environment(name), claims.finish());
            taken
        };
        assert_eq!(take("young", 2), Ok(()));
        assert_eq!(take("old", 1), Ok(()));
        assert!(take("young", 2).unwrap_err().contains("portal/old"));
        let elsewhere = registry.of_others("elsewhere", &environment("young"));
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
        registry.leave(&environment("old"));
        assert_eq!(take("young", 2), Ok(()));
    }

    #[test]
    fn what_is_recalled_holds_until_an_environment_says_what_it_claims() {
        let registry = Registry::default();
        let [mine, theirs] = ["mine", "theirs"].map(|name| Name {
            namespace: "portal".to_owned(),
            name: name.to_owned(),
        });
        let id = |id: &str| OrganizationId::from_api(id.to_owned());
        let taken = |one: &str| Taken::from([(id(one), claimant("old", 1))]);
        let old = |one: &str| Remembered {
            claimants: BTreeMap::from([(claimant("old", 1), Some(id(one)))]),
        };
        let others = |endpoint: &str| registry.of_others(endpoint, &mine);
        registry.recall("here", &theirs, &old("org_1"));
        assert_eq!(others("here"), taken("org_1"));
        registry.recall("here", &theirs, &old("org_3"));
        assert_eq!(others("here"), taken("org_3"));

        registry.enter("here", &theirs, taken("org_2"));
        registry.recall("here", &theirs, &old("org_1"));
        assert_eq!(others("here"), taken("org_2"));

        registry.recall("there", &theirs, &old("org_2"));
        assert!(others("here").is_empty());
        assert_eq!(others("there"), taken("org_2"));
        registry.enter("there", &theirs, taken("org_2"));
        registry.recall("there", &theirs, &Remembered::default());
        assert!(others("there").is_empty(), "who is gone claims nothing");
    }

    #[test]
    fn who_is_older_can_be_told_once_every_environment_was_heard() {
        let registry = Registry::default();
        let names = ["one", "other"].map(|name| Name {
            namespace: "portal".to_owned(),
            name: name.to_owned(),
        });
        let has_heard = || registry.has_heard(names.iter().cloned());
        registry.enter("here", &names[0], Taken::new());
        assert!(!has_heard());
        registry.hear(&names[1]);
        assert!(has_heard());
        registry.leave(&names[0]);
        assert!(!has_heard());
    }
}
