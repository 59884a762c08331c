//! Permissions to write, kept beside the account and checked before every write takes effect.
//!
//! It knows the manifests and what people do, and nothing of how portalctl decides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portalctl_model::desired::Desired;
use workos_sandbox::world::{
    AuditLogState, ConnectionState, DirectoryState, DomainState, LogStreamState, MembershipStatus,
    Organization, World as Account,
};

use super::call::Call;
use super::kinds::Kinds;
use super::schedule::{MANIFEST, Schedule};
use crate::world::{HOLDER, OWNER, PROTECT, World as Manifest};

/// Age up to which metadata from a complete read may be merged into. An edit by a person within
/// that time may be lost, because WorkOS has no guard between a read and a PUT.
const FRESH: Duration = Duration::from_secs(3);

/// Knowledge of the account, round by round.
pub(crate) struct Ledger {
    /// Every external id that a manifest of the schedule has declared.
    declared: BTreeSet<String>,
    /// Every domain that a manifest of the schedule has declared.
    domains: BTreeSet<String>,
    /// Organizations that belonged to an entry, or to no one and had an entry's domain, at some
    /// time.
    ours: BTreeSet<String>,
    /// Undeclared metadata, as people left it.
    foreign: BTreeMap<String, BTreeMap<String, String>>,
    /// The organizations that another manifest or an operator took while portalctl ran.
    taken: BTreeSet<String>,
    /// Organizations whose invitation mark was overwritten by a client that could not know it.
    erased: BTreeSet<String>,
    seed: u64,
    kinds: Kinds,
    /// Time since the schedule began.
    now: Duration,
    round: Round,
    violations: Vec<String>,
}

/// Knowledge of one round.
#[derive(Default)]
struct Round {
    manifest: Option<Manifest>,
    /// Organizations that were deletable at any time in the round.
    deletable: BTreeSet<String>,
    /// Organizations that people worked on.
    touched: BTreeSet<String>,
    /// Organizations that each client has read by id and that people have not touched since, by
    /// client.
    as_read: BTreeSet<(usize, String)>,
    /// Organizations that were returned to each client by id: read again, perhaps before a write.
    handed_out_to: BTreeSet<(usize, String)>,
    /// Time at which each client was last given a complete organization, while that is its latest
    /// request for it.
    told_whole: BTreeMap<(usize, String), Duration>,
    /// The organizations that a request of each portalctl is changing.
    changing: BTreeSet<(usize, String)>,
    /// The organizations that a request changes long after it was given up.
    late: BTreeSet<String>,
    /// The organizations that there were when it began.
    there_before: BTreeSet<String>,
}

/// The sender of a request: a client in a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    pub(crate) client: usize,
    /// The request was given up long before it arrived.
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
            erased: BTreeSet::new(),
            seed: schedule.seed,
            kinds: schedule.kinds,
            now: Duration::ZERO,
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

    /// Begins a round with a manifest.
    pub(crate) fn begin(&mut self, manifest: &Manifest, account: &Account) {
        self.round = Round {
            manifest: Some(manifest.clone()),
            there_before: account.organizations().map(|it| it.id.clone()).collect(),
            ..Round::default()
        };
        self.look(account);
    }

    /// Matches organizations with entries in the current account.
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

    /// Records that people edited or created an organization.
    pub(crate) fn touched(&mut self, id: &str, account: &Account) {
        self.round.touched.insert(id.to_owned());
        self.round.as_read.retain(|(_, read)| read != id);
        if let Ok(organization) = account.organization(id) {
            self.keep_foreign(organization);
        }
        self.look(account);
    }

    /// Returns the organizations that the round may delete.
    pub(crate) fn deletable(&self) -> Vec<String> {
        self.round.deletable.iter().cloned().collect()
    }

    /// Records that an organization was read by id, perhaps before a write that includes its
    /// metadata.
    pub(crate) fn handed_out(&mut self, client: usize, id: String) {
        self.round.as_read.insert((client, id.clone()));
        self.round.handed_out_to.insert((client, id));
    }

    pub(crate) fn set_time(&mut self, now: Duration) {
        self.now = now;
    }

    /// Records that a client was given a complete organization, perhaps before a merge of its
    /// metadata.
    pub(crate) fn told_whole(&mut self, client: usize, id: String) {
        self.round.told_whole.insert((client, id), self.now);
    }

    /// Records that a client sends a request about an organization.
    pub(crate) fn asked(&mut self, client: usize, call: &Call, id: &str, is_late: bool) {
        let hand = (client, id.to_owned());
        if call.is_put() {
            self.round.changing.insert(hand);
            self.round.late.extend(is_late.then(|| id.to_owned()));
        } else if !call.returns_organization() {
            // The next write has to read it again.
            self.round.told_whole.remove(&hand);
        }
    }

    /// Records that a request about an organization ended.
    pub(crate) fn ended(&mut self, client: usize, call: &Call, id: &str) {
        if call.is_put() {
            self.round.changing.remove(&(client, id.to_owned()));
        }
    }

    /// Records that an invitation mark was overwritten by a request that was sent before the mark
    /// existed.
    pub(crate) fn erased(&mut self, id: String) {
        self.erased.insert(id);
    }

    /// Returns whether an organization may be invited again: it is not known any more that it was.
    pub(crate) fn is_erased(&self, id: &str) -> bool {
        self.erased.contains(id)
    }

    /// Returns whether metadata that somebody sets now may be lost.
    pub(crate) fn is_in_hand(&self, id: &str) -> bool {
        let is_told = self
            .round
            .told_whole
            .iter()
            .any(|((_, told), at)| told == id && self.now.saturating_sub(*at) < FRESH);
        is_told
            || self
                .round
                .changing
                .iter()
                .any(|(_, changing)| changing == id)
            || self.round.late.contains(id)
    }

    /// Returns whether another may take an organization now: what is created or read by itself is
    /// written right after, and nothing at WorkOS guards the time between.
    ///
    /// Whoever is about to read it again finds out, if no other portalctl has read it before.
    pub(crate) fn may_be_taken(&self, id: &str, reader: Option<usize>) -> bool {
        let mut read_by = self
            .round
            .handed_out_to
            .iter()
            .filter(|(_, read)| read == id);
        self.round.there_before.contains(id)
            && read_by.all(|(client, _)| Some(*client) == reader)
            && !self.is_in_hand(id)
    }

    /// Records that another manifest or an operator took over an organization.
    pub(crate) fn taken(&mut self, id: &str) {
        self.taken.insert(id.to_owned());
    }

    /// Checks a write that is about to take effect, possibly long after the client gave it up.
    pub(crate) fn before(&mut self, call: &Call, by: By, account: &Account) {
        self.before_domains(call, by, account);
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

    /// Records a violation if a domain is written that another organization has verified, unless it
    /// did so, or was created, after the round began: nothing at WorkOS guards the time between.
    fn before_domains(&mut self, call: &Call, by: By, account: &Account) {
        if by.is_late {
            return;
        }
        // A create that is sent again meets what it made the first time.
        let own = call.answered(account);
        let is_winner = |organization: &&Organization, domain: &str| {
            let mut held = organization.domains.iter();
            let is_verified = held.any(|held| held.domain == domain && is_verified(&held.state));
            is_verified && own.as_deref() != Some(organization.id.as_str())
        };
        let round = &self.round;
        let is_old = |id: &str| round.there_before.contains(id) && !round.touched.contains(id);
        let mut told = Vec::new();
        for domain in &call.domains {
            let mut winners = account.organizations();
            let winner = winners.find(|it| is_winner(it, domain) && is_old(&it.id));
            told.extend(winner.map(|winner| {
                format!(
                    "{domain} is written, and {} ({}) has verified it",
                    winner.id, winner.name
                )
            }));
        }
        self.violations.extend(told);
    }

    /// Records a violation if the organization may not be deleted, unless it became protected after
    /// the client had looked: WorkOS has no guard between a read and the DELETE.
    fn before_delete(&mut self, organization: &Organization, by: By, account: &Account) {
        let id = &organization.id;
        let manifest = self.round.manifest.as_ref();
        let is_as_read = self.round.as_read.contains(&(by.client, id.clone()));
        let is_hidden = self
            .kinds
            .broken
            .is_some_and(|broken| broken.hides_usage(self.seed, id));
        let allows_use = manifest.is_some_and(|manifest| manifest.policy.prune_active);
        let is_fine = if is_hidden && !allows_use {
            false
        } else if is_as_read && !by.is_late {
            manifest.is_some_and(|manifest| is_deletable(organization, manifest, account))
        } else {
            self.round.deletable.contains(id)
        };
        if !is_fine {
            self.violation(format!("{id} ({}) is deleted", organization.name));
        }
    }

    /// Records a violation if a create duplicates an organization that existed before the round.
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

    /// Updates the ledger after a write.
    pub(crate) fn after(&mut self, call: &Call, account: &Account) {
        if call.is_create() {
            self.look(account);
        }
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.violations.push(what);
    }

    /// Returns the forbidden writes, and the metadata of other people that was lost or changed.
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

/// Returns whether a run may delete an organization.
fn is_deletable(organization: &Organization, manifest: &Manifest, account: &Account) -> bool {
    let marks = &organization.metadata;
    let is_active = is_in_use(organization, account);
    manifest.policy.prune
        && marks.get(OWNER).is_some_and(|owner| owner == MANIFEST)
        && !marks.contains_key(PROTECT)
        && !is_anothers(organization)
        && (manifest.policy.prune_active || !is_active)
        && !is_declared(organization, &manifest.desired)
}

/// Returns whether somebody depends on an organization.
fn is_in_use(organization: &Organization, account: &Account) -> bool {
    let id = &organization.id;
    let begun = [
        ConnectionState::Draft,
        ConnectionState::RequiresType,
        ConnectionState::Deleting,
    ];
    let mut connections = account.connections_of(id);
    let mut directories = account.directories_of(id);
    let mut members = account.memberships_of(id);
    let mut domains = organization.domains.iter();
    let has_logs = account.audit_logs(id).is_ok_and(|logs| {
        let is_off = matches!(
            logs.state,
            AuditLogState::Inactive | AuditLogState::Disabled
        );
        let mut streams = logs.log_stream.iter();
        !is_off || streams.any(|stream| stream.state != LogStreamState::Inactive)
    });
    connections.any(|connection| !begun.contains(&connection.state))
        || directories.any(|directory| directory.state != DirectoryState::Deleting)
        || members.any(|member| member.status == MembershipStatus::Active)
        || domains.any(|held| is_verified(&held.state))
        || has_logs
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
