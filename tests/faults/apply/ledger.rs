//! Who may be written to: kept beside the account, and asked before every write takes effect.
//!
//! It knows the manifests and what people do, and nothing of how portalctl decides.

use std::collections::{BTreeMap, BTreeSet};

use portalctl::model::desired::Desired;
use portalctl::sandbox::world::{ConnectionState, DomainState, Organization, World as Account};

use super::call::Call;
use super::schedule::{MANIFEST, Schedule};
use crate::world::{HOLDER, OWNER, PROTECT, World as Manifest};

/// What is known of the account, round by round.
pub(crate) struct Ledger {
    /// Every external id that a manifest of the schedule has declared.
    declared: BTreeSet<String>,
    /// Every domain that a manifest of the schedule has declared.
    domains: BTreeSet<String>,
    /// The organizations that were an entry's, or nobody's with an entry's domain, at some time.
    ours: BTreeSet<String>,
    /// The metadata that nobody declares, as people left it.
    foreign: BTreeMap<String, BTreeMap<String, String>>,
    /// The organizations that another manifest or an operator took while portalctl ran.
    taken: BTreeSet<String>,
    round: Round,
    violations: Vec<String>,
}

/// What is known of one round.
#[derive(Default)]
struct Round {
    manifest: Option<Manifest>,
    /// What might have been deleted at some time in the round.
    deletable: BTreeSet<String>,
    /// Where people were at work.
    touched: BTreeSet<String>,
    /// What each portalctl has read by itself, and people have not touched since.
    as_read: BTreeSet<(usize, String)>,
    /// What was handed out one by one: read again, perhaps to be written.
    handed_out: BTreeSet<String>,
    /// The organizations that there were when it began.
    there_before: BTreeSet<String>,
}

/// Whose a request is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    pub(crate) client: usize,
    /// Whether it was given up long before it arrived.
    pub(crate) is_late: bool,
}

impl Ledger {
    pub(crate) fn of(schedule: &Schedule, account: &Account) -> Self {
        let mut ledger = Self {
            declared: BTreeSet::new(),
            domains: BTreeSet::new(),
            ours: BTreeSet::new(),
            foreign: BTreeMap::new(),
            taken: BTreeSet::new(),
            round: Round::default(),
            violations: Vec::new(),
        };
        for manifest in &schedule.manifests {
            for entry in manifest.desired.organizations.values() {
                let ids = entry.external_id.iter().chain(&entry.previous_keys);
                ledger.declared.extend(ids.map(ToString::to_string));
                let domains = entry.domains.iter().flatten();
                ledger
                    .domains
                    .extend(domains.map(|(domain, _)| domain.to_string()));
            }
        }
        for organization in account.organizations() {
            ledger.keep_foreign(organization);
        }
        ledger
    }

    /// Begins a round with a manifest; of a saved plan, which knows nothing of what people did since
    /// it was made.
    pub(crate) fn begin(&mut self, manifest: &Manifest, is_saved: bool, account: &Account) {
        let touched = std::mem::take(&mut self.round.touched);
        self.round = Round {
            manifest: Some(manifest.clone()),
            touched: if is_saved { touched } else { BTreeSet::new() },
            there_before: account.organizations().map(|it| it.id.clone()).collect(),
            ..Round::default()
        };
        self.look(account);
    }

    /// Looks who is who now.
    pub(crate) fn look(&mut self, account: &Account) {
        for organization in account.organizations() {
            if self.is_ours(organization) {
                self.ours.insert(organization.id.clone());
            }
            let Some(manifest) = &self.round.manifest else {
                continue;
            };
            if is_deletable(organization, manifest, account) {
                self.round.deletable.insert(organization.id.clone());
            }
        }
    }

    fn is_ours(&self, organization: &Organization) -> bool {
        match &organization.external_id {
            Some(id) => self.declared.contains(id),
            None => organization
                .domains
                .iter()
                .any(|held| is_verified(&held.state) && self.domains.contains(&held.domain)),
        }
    }

    fn keep_foreign(&mut self, organization: &Organization) {
        let foreign = foreign(organization);
        self.foreign.insert(organization.id.clone(), foreign);
    }

    /// People were at work on an organization, or made it.
    pub(crate) fn touched(&mut self, id: &str, account: &Account) {
        self.round.touched.insert(id.to_owned());
        self.round.as_read.retain(|(_, read)| read != id);
        if let Ok(organization) = account.organization(id) {
            self.keep_foreign(organization);
        }
        self.look(account);
    }

    /// What the round might delete.
    pub(crate) fn deletable(&self) -> Vec<String> {
        self.round.deletable.iter().cloned().collect()
    }

    /// An organization was read by itself: it may be about to be written, metadata and all.
    pub(crate) fn handed_out(&mut self, client: usize, id: String) {
        self.round.as_read.insert((client, id.clone()));
        self.round.handed_out.insert(id);
    }

    /// Whether metadata that somebody sets now may be lost: nothing at WorkOS guards the time
    /// between a read and the PUT that is merged from it.
    pub(crate) fn is_handed_out(&self, id: &str) -> bool {
        self.round.handed_out.contains(id)
    }

    /// Returns whether another may take an organization now: what is created or read by itself is
    /// written right after, and nothing at WorkOS guards the time between.
    pub(crate) fn may_be_taken(&self, id: &str) -> bool {
        self.round.there_before.contains(id) && !self.is_handed_out(id)
    }

    /// Another manifest or an operator took an organization.
    pub(crate) fn taken(&mut self, id: &str) {
        self.taken.insert(id.to_owned());
    }

    /// A write is about to take effect, long after it was given up where it is late.
    pub(crate) fn before(&mut self, call: &Call, by: By, account: &Account) {
        if call.is_create() {
            return self.before_create(call, account);
        }
        let Some(id) = call.organization(account) else {
            return;
        };
        let Ok(organization) = account.organization(&id) else {
            return;
        };
        let is_fine = by.is_late && self.taken.contains(&id);
        if is_anothers(organization) && !is_fine {
            self.violation(format!(
                "{id} ({}) is another's, and is written to: {} {}",
                organization.name, call.method, call.path
            ));
        }
        if call.is_delete() {
            self.before_delete(organization, by, account);
        } else if !self.ours.contains(&id) {
            self.violation(format!(
                "{id} ({}) is nobody's, and is written to: {} {}",
                organization.name, call.method, call.path
            ));
        }
    }

    /// What may not be deleted is not, unless that came about after it was looked at: nothing at
    /// WorkOS guards the time between a read and the DELETE.
    fn before_delete(&mut self, organization: &Organization, by: By, account: &Account) {
        let id = &organization.id;
        let manifest = self.round.manifest.as_ref();
        let is_as_read = self.round.as_read.contains(&(by.client, id.clone()));
        let is_fine = if is_as_read && !by.is_late {
            manifest.is_some_and(|manifest| is_deletable(organization, manifest, account))
        } else {
            self.round.deletable.contains(id)
        };
        if !is_fine {
            self.violation(format!("{id} ({}) is deleted", organization.name));
        }
    }

    /// A customer who is there already, and was before the round, is not made a second time.
    fn before_create(&mut self, call: &Call, account: &Account) {
        let Some(external_id) = &call.external_id else {
            return self.violation("a create carries no external id".to_owned());
        };
        let Some(manifest) = &self.round.manifest else {
            return;
        };
        let mut entries = manifest.desired.organizations.values();
        let entry = entries.find(|entry| {
            entry
                .external_id
                .as_ref()
                .is_some_and(|id| id.as_str() == external_id)
        });
        let Some(entry) = entry else {
            return self.violation(format!("{external_id} is created, and not declared"));
        };
        let is_declared = |domain: &str| {
            let mut declared = entry.domains.iter().flatten();
            declared.any(|(declared, _)| declared.as_str() == domain)
        };
        let is_same = |organization: &&Organization| {
            if let Some(id) = &organization.external_id {
                return entry.previous_keys.iter().any(|key| key.as_str() == id);
            }
            let mut held = organization.domains.iter();
            held.any(|held| is_declared(&held.domain))
        };
        let twin = account
            .organizations()
            .filter(is_same)
            .find(|organization| !self.round.touched.contains(&organization.id));
        if let Some(twin) = twin.map(|twin| twin.id.clone()) {
            self.violation(format!("{external_id} is created, and is {twin} already"));
        }
    }

    /// A write took effect.
    pub(crate) fn after(&mut self, call: &Call, account: &Account) {
        if call.is_create() {
            self.look(account);
        }
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.violations.push(what);
    }

    /// What was done that must not be, and what of other people's metadata was lost or changed.
    pub(crate) fn violations(&mut self, account: &Account) -> Vec<String> {
        let mut violations = std::mem::take(&mut self.violations);
        for (id, left) in &self.foreign {
            let Ok(organization) = account.organization(id) else {
                continue;
            };
            let found = foreign(organization);
            if found != *left {
                violations.push(format!(
                    "{id} ({}) had {left:?} that nobody declares, and has {found:?}",
                    organization.name
                ));
            }
        }
        violations
    }
}

/// The metadata that no manifest of a schedule declares, and no mark of portalctl's.
fn foreign(organization: &Organization) -> BTreeMap<String, String> {
    let metadata = organization.metadata.iter();
    metadata
        .filter(|(key, _)| {
            !["tier", "legacy"].contains(&key.as_str()) && !key.starts_with("portalctl_")
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn is_verified(state: &DomainState) -> bool {
    matches!(state, DomainState::Verified | DomainState::LegacyVerified)
}

/// Returns whether another manifest or an operator holds an organization: no schedule takes one over.
fn is_anothers(organization: &Organization) -> bool {
    let marks = &organization.metadata;
    marks.contains_key(HOLDER) || marks.get(OWNER).is_some_and(|owner| owner != MANIFEST)
}

/// Whether a run may delete an organization.
fn is_deletable(organization: &Organization, manifest: &Manifest, account: &Account) -> bool {
    let marks = &organization.metadata;
    let is_active = account
        .connections_of(&organization.id)
        .any(|connection| connection.state == ConnectionState::Active);
    manifest.policy.prune
        && marks.get(OWNER).is_some_and(|owner| owner == MANIFEST)
        && !marks.contains_key(PROTECT)
        && !is_anothers(organization)
        && (manifest.policy.prune_active || !is_active)
        && !is_declared(organization, &manifest.desired)
}

fn is_declared(organization: &Organization, desired: &Desired) -> bool {
    let Some(external_id) = &organization.external_id else {
        return false;
    };
    let mut entries = desired.organizations.values();
    entries.any(|entry| {
        let mut ids = entry.external_id.iter().chain(&entry.previous_keys);
        ids.any(|id| id.as_str() == external_id)
    })
}
