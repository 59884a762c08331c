//! The states that one receiver accepted last, and the deliveries that it has not accepted yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::file::Scope;
use crate::readiness::compare::{
    OrganizationChange, Picture, PicturedOrganization, change_of, compare,
};

/// Most deliveries of one organization that are kept apart; later changes join the last of them.
const MAX_DELIVERIES: usize = 16;

/// States that a receiver has accepted, by organization, and the deliveries that follow them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub(super) scope: Scope,
    /// True until the first states are reported.
    pub(super) is_initial: bool,
    /// The largest number that a report got.
    pub(super) sequence: u64,
    pub(super) organizations: BTreeMap<String, OrganizationPosition>,
}

/// Position of one organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OrganizationPosition {
    /// The states that the receiver accepted last; without intents if there are none.
    pub(super) accepted: PicturedOrganization,
    /// Later states, oldest first; each is one delivery.
    pub(super) following: VecDeque<FollowingStates>,
}

/// States that a delivery leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FollowingStates {
    pub(super) stamp: Stamp,
    pub(super) states: PicturedOrganization,
}

/// Place of a report among all reports to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// A number that is larger than that of every earlier report.
    pub sequence: u64,
    /// The time of the reading that found the changes.
    pub seen_at: Timestamp,
    /// True where the report has all states, because nothing was reported before.
    pub initial: bool,
}

/// A change of one organization that the receiver has not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Name of the delivery: the same in every attempt and in every run.
    pub id: String,
    /// The change.
    pub change: OrganizationChange,
    /// Place of the delivery among all.
    pub stamp: Stamp,
}

impl Position {
    /// Creates the position of a receiver before its first report.
    pub const fn new(scope: Scope) -> Self {
        Self {
            scope,
            is_initial: true,
            sequence: 0,
            organizations: BTreeMap::new(),
        }
    }

    /// Returns whether nothing was reported yet.
    pub const fn is_initial(&self) -> bool {
        self.is_initial
    }

    /// Returns the states that the receiver accepted last.
    pub fn accepted(&self) -> Picture {
        self.picture(|organization| &organization.accepted)
    }

    /// Returns the states that the receiver has accepted once all deliveries are made.
    pub fn latest(&self) -> Picture {
        self.picture(OrganizationPosition::latest)
    }

    fn picture(&self, states: impl Fn(&OrganizationPosition) -> &PicturedOrganization) -> Picture {
        let organizations = self.organizations.iter();
        let organizations = organizations.map(|(key, organization)| (key, states(organization)));
        let told = organizations.filter(|(_, states)| !states.intents.is_empty());
        Picture {
            organizations: told
                .map(|(key, states)| (key.clone(), states.clone()))
                .collect(),
        }
    }

    /// Returns the number of deliveries that the receiver has not accepted.
    pub fn waiting(&self) -> usize {
        let organizations = self.organizations.values();
        organizations
            .map(|organization| organization.following.len())
            .sum()
    }

    /// Returns the number of deliveries of an organization.
    pub(super) fn deliveries_of(&self, key: &str) -> usize {
        let organization = self.organizations.get(key);
        organization.map_or(0, |organization| organization.following.len())
    }

    /// Lists the organizations with a delivery.
    pub(super) fn keys_with_deliveries(&self) -> impl Iterator<Item = &str> {
        let organizations = self.organizations.iter();
        let waiting = organizations.filter(|(_, organization)| !organization.following.is_empty());
        waiting.map(|(key, _)| key.as_str())
    }

    /// Returns the stamp of a report about a reading.
    ///
    /// The number is the time in milliseconds, or one more than the last number. So it also grows
    /// where a position is lost, or is restored from an older copy.
    pub fn stamp(&self, seen_at: Timestamp) -> Stamp {
        let milliseconds = seen_at.as_millisecond();
        let number = u64::try_from(milliseconds).unwrap_or_default();
        Stamp {
            sequence: number.max(self.sequence.saturating_add(1)),
            seen_at: Timestamp::from_millisecond(milliseconds).unwrap_or(seen_at),
            initial: self.is_initial,
        }
    }

    /// Records that the receiver accepted one report of all these states. Deliveries that waited
    /// are part of it.
    pub fn accept_all(&mut self, picture: &Picture, stamp: Stamp) {
        self.is_initial = false;
        self.sequence = self.sequence.max(stamp.sequence);
        let organizations = picture.organizations.iter();
        let organizations = organizations.map(|(key, states)| {
            let organization = OrganizationPosition {
                accepted: states.clone(),
                following: VecDeque::new(),
            };
            (key.clone(), organization)
        });
        self.organizations = organizations.collect();
    }

    /// Takes the states of a reading, and adds a delivery for each organization that changed.
    /// Returns the keys of those organizations.
    pub(super) fn observe(&mut self, picture: &Picture, seen_at: Timestamp) -> Vec<String> {
        let stamp = self.stamp(seen_at);
        self.is_initial = false;
        let changes = compare(&self.latest(), picture);
        if !changes.is_empty() {
            self.sequence = stamp.sequence;
        }
        let keys: BTreeSet<String> = changes.into_iter().map(|change| change.key).collect();
        for key in &keys {
            let states = picture.organizations.get(key).cloned();
            let organization = self.organizations.entry(key.clone()).or_default();
            organization.follow(stamp, states.unwrap_or_default());
        }
        keys.into_iter().collect()
    }

    /// Returns the first delivery of an organization.
    pub(super) fn next_delivery(&self, key: &str) -> Option<Delivery> {
        let organization = self.organizations.get(key)?;
        let FollowingStates { stamp, states } = organization.following.front()?;
        let change = change_of(key, &organization.accepted, states);
        Some(Delivery {
            id: id(&self.scope, &change, *stamp),
            change,
            stamp: *stamp,
        })
    }

    /// Records that the receiver accepted the first delivery of an organization.
    pub(super) fn accept(&mut self, key: &str) {
        let Some(organization) = self.organizations.get_mut(key) else {
            return;
        };
        if let Some(following) = organization.following.pop_front() {
            organization.accepted = following.states;
        }
        if organization.following.is_empty() && organization.accepted.intents.is_empty() {
            self.organizations.remove(key);
        }
    }
}

impl OrganizationPosition {
    /// The states after all deliveries.
    fn latest(&self) -> &PicturedOrganization {
        let last = self.following.back();
        last.map_or(&self.accepted, |following| &following.states)
    }

    /// Adds a delivery; where there are too many, the last one leads to the new states instead.
    ///
    /// The first one stays in any case: it may have been sent.
    fn follow(&mut self, stamp: Stamp, states: PicturedOrganization) {
        if self.following.len() >= MAX_DELIVERIES {
            self.following.pop_back();
        }
        if !change_of("", self.latest(), &states).intents.is_empty() {
            self.following.push_back(FollowingStates { stamp, states });
        }
    }
}

/// Derives the name of a delivery from its content.
fn id(scope: &Scope, change: &OrganizationChange, stamp: Stamp) -> String {
    let mut hasher = Sha256::new();
    let mut add = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    add(scope.environment.as_deref().unwrap_or_default());
    add(scope.manifest.as_deref().unwrap_or_default());
    add(&change.key);
    add(&stamp.sequence.to_string());
    for intent in &change.intents {
        add(intent.intent.as_str());
        for state in [&intent.before, &intent.after] {
            add(state.as_ref().map_or("", |state| state.as_str()));
        }
    }
    let digest = hasher.finalize();
    format!("msg_{}", HEXLOWER.encode(&digest[..16]))
}
