//! Changes between two readings of readiness.
//!
//! Goes in: two [`Picture`]s; one may come from the JSON of an earlier run. Comes out: the
//! organizations and intents whose state is another one, in one order. Pure.
//!
//! States alone are compared. Reasons and times move by themselves (`12 days left`), and whoever is
//! told of a change wants to hear of it once.

mod earlier;
#[cfg(test)]
pub(crate) mod properties;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use super::{Basis, IntentReadiness, Readiness, State, Turn};
use portalctl_model::{Intent, OrgKey, Selection};

pub use earlier::{Earlier, InvalidEarlier};

/// Readiness of all organizations at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// By key.
    pub organizations: BTreeMap<String, PicturedOrganization>,
}

/// Readiness of one organization at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PicturedOrganization {
    /// The organization's name.
    pub name: Option<String>,
    /// The organization's id, once it exists.
    pub organization_id: Option<String>,
    /// The declared intents.
    pub intents: BTreeMap<IntentName, PicturedIntent>,
}

/// Readiness of one intent at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PicturedIntent {
    /// The intent's state.
    pub state: StateName,
    /// Since when, by the evidence's own time.
    pub since: Option<Timestamp>,
    /// The side that had to act; `None` where the report does not say.
    pub turn: Option<Turn>,
    /// The reason for the state.
    pub reason: String,
}

/// An intent, perhaps of another version of the program.
///
/// Ordered as reports are: known ones first, in the order of [`Intent::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentName {
    /// A value that this version knows.
    Known(Intent),
    /// Any other, as it was written.
    Other(String),
}

/// A state, perhaps of another version of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateName {
    /// A value that this version knows.
    Known(State),
    /// Any other, as it was written.
    Other(String),
}

/// The changes of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationChange {
    /// Key in the manifest.
    pub key: String,
    /// Display name, the later one if there is one.
    pub name: Option<String>,
    /// Id at WorkOS, the later one if there is one.
    pub organization_id: Option<String>,
    /// Intents that changed: at least one.
    pub intents: Vec<IntentChange>,
}

/// An intent whose state is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentChange {
    /// The intent.
    pub intent: IntentName,
    /// Earlier state; `None` where the intent was not declared.
    pub before: Option<StateName>,
    /// Later state; `None` where the intent is not declared any more.
    pub after: Option<StateName>,
    /// Since when it is in the later state.
    pub since: Option<Timestamp>,
    /// The side that has to act now.
    pub turn: Option<Turn>,
    /// Reason for the later state; `None` where the intent is not declared any more.
    pub reason: Option<String>,
}

/// Meaning of a change for those who wait for customers to finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The customer finished.
    Configured,
    /// Something is wrong now.
    Attention,
    /// A move between any other states.
    Moved,
    /// Newly declared.
    Appeared,
    /// No longer declared.
    Disappeared,
}

/// Finds what changed. The order is that of keys, then of intents.
pub fn compare(before: &Picture, after: &Picture) -> Vec<OrganizationChange> {
    let nothing = PicturedOrganization::default();
    let keys: BTreeSet<&String> = before
        .organizations
        .keys()
        .chain(after.organizations.keys())
        .collect();
    let changes = keys.into_iter().map(|key| {
        let before = before.organizations.get(key).unwrap_or(&nothing);
        let after = after.organizations.get(key).unwrap_or(&nothing);
        change_of(key, before, after)
    });
    changes
        .filter(|change| !change.intents.is_empty())
        .collect()
}

/// Finds what changed for one organization; without intents where nothing did.
pub(crate) fn change_of(
    key: &str,
    before: &PicturedOrganization,
    after: &PicturedOrganization,
) -> OrganizationChange {
    let later = |after: &Option<String>, before: &Option<String>| {
        after.as_ref().or(before.as_ref()).cloned()
    };
    OrganizationChange {
        key: key.to_owned(),
        name: later(&after.name, &before.name),
        organization_id: later(&after.organization_id, &before.organization_id),
        intents: changed_intents(before, after),
    }
}

fn changed_intents(
    before: &PicturedOrganization,
    after: &PicturedOrganization,
) -> Vec<IntentChange> {
    let intents: BTreeSet<&IntentName> =
        before.intents.keys().chain(after.intents.keys()).collect();
    let change = |intent: &IntentName| {
        let (before, after) = (before.intents.get(intent), after.intents.get(intent));
        let state = |pictured: Option<&PicturedIntent>| pictured.map(|p| p.state.clone());
        IntentChange {
            intent: intent.clone(),
            before: state(before),
            after: state(after),
            since: after.and_then(|after| after.since),
            turn: after.and_then(|after| after.turn),
            reason: after.map(|after| after.reason.clone()),
        }
    };
    intents
        .into_iter()
        .map(change)
        .filter(|change| change.before != change.after)
        .collect()
}

impl IntentChange {
    /// Returns the meaning of the change.
    pub fn kind(&self) -> Kind {
        match (&self.before, &self.after) {
            (_, None) => Kind::Disappeared,
            (_, Some(StateName::Known(State::Configured))) => Kind::Configured,
            (_, Some(StateName::Known(State::Attention))) => Kind::Attention,
            (None, Some(_)) => Kind::Appeared,
            (Some(_), Some(_)) => Kind::Moved,
        }
    }
}

impl Picture {
    /// The same without what a narrowed command is not about, so that it does not seem gone.
    #[must_use]
    pub fn narrowed(mut self, selection: &Selection) -> Self {
        self.organizations.retain(|key, organization| {
            organization.intents.retain(|intent, _| match intent {
                IntentName::Known(intent) => selection.has_intent(*intent),
                IntentName::Other(_) => true,
            });
            selection.has_key(&OrgKey::undeclared(key.clone()))
        });
        self
    }

    /// The same with the earlier states of what a narrowed command is not about.
    #[must_use]
    pub fn with_unselected(mut self, earlier: &Self, selection: &Selection) -> Self {
        for (key, organization) in &earlier.organizations {
            let is_selected = selection.has_key(&OrgKey::undeclared(key.clone()));
            let intents = organization.intents.iter().filter(|(intent, _)| {
                let has_intent = match intent {
                    IntentName::Known(intent) => selection.has_intent(*intent),
                    IntentName::Other(_) => true,
                };
                !(is_selected && has_intent)
            });
            let kept: Vec<_> = intents
                .map(|(intent, pictured)| (intent.clone(), pictured.clone()))
                .collect();
            if kept.is_empty() {
                continue;
            }
            let now = self.organizations.entry(key.clone());
            let now = now.or_insert_with(|| PicturedOrganization {
                name: organization.name.clone(),
                organization_id: organization.organization_id.clone(),
                intents: BTreeMap::new(),
            });
            now.intents.extend(kept);
        }
        self
    }
}

impl Picture {
    /// Takes a reading, and keeps the earlier state of what could not be read in it: a read that
    /// fails is no change of the customer's.
    pub fn after(earlier: &Self, readiness: &Readiness) -> Self {
        let mut picture = Self::from(readiness);
        for organization in &readiness.organizations {
            let key = organization.key.as_str();
            let before = earlier.organizations.get(key);
            let Some(now) = picture.organizations.get_mut(key) else {
                continue;
            };
            let unread = organization.intents.iter();
            for intent in unread.filter(|intent| intent.basis != Basis::Read) {
                let name = IntentName::Known(intent.intent);
                if let Some(before) = before.and_then(|before| before.intents.get(&name)) {
                    now.intents.insert(name, before.clone());
                }
            }
        }
        picture
    }
}

impl From<&Readiness> for Picture {
    fn from(readiness: &Readiness) -> Self {
        let organizations = readiness.organizations.iter().map(|organization| {
            let pictured = PicturedOrganization {
                name: organization.name.clone(),
                organization_id: organization
                    .organization_id
                    .as_ref()
                    .map(ToString::to_string),
                intents: organization
                    .intents
                    .iter()
                    .map(|intent| (IntentName::Known(intent.intent), intent.into()))
                    .collect(),
            };
            (organization.key.to_string(), pictured)
        });
        Self {
            organizations: organizations.collect(),
        }
    }
}

impl From<&IntentReadiness> for PicturedIntent {
    fn from(intent: &IntentReadiness) -> Self {
        Self {
            state: StateName::Known(intent.state),
            since: intent.since,
            turn: Some(intent.turn),
            reason: intent.reason.clone(),
        }
    }
}

impl IntentName {
    /// The intent as it is written in JSON.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(intent) => intent.as_str(),
            Self::Other(name) => name,
        }
    }

    fn rank(&self) -> usize {
        let place = |known: &Intent| Intent::ALL.iter().position(|intent| intent == known);
        match self {
            Self::Known(known) => place(known).unwrap_or(Intent::ALL.len()),
            Self::Other(_) => Intent::ALL.len(),
        }
    }
}

impl From<String> for IntentName {
    fn from(name: String) -> Self {
        name.parse().map_or(Self::Other(name), Self::Known)
    }
}

impl Ord for IntentName {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.rank(), self.as_str()).cmp(&(other.rank(), other.as_str()))
    }
}

impl PartialOrd for IntentName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl StateName {
    /// The state as it is written in JSON.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(state) => state.as_str(),
            Self::Other(name) => name,
        }
    }
}

impl From<String> for StateName {
    fn from(name: String) -> Self {
        match State::ALL.into_iter().find(|state| state.as_str() == name) {
            Some(state) => Self::Known(state),
            None => Self::Other(name),
        }
    }
}

impl fmt::Display for IntentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
