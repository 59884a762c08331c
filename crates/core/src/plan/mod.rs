//! The plan: pure, synchronous and total.
//!
//! Goes in: desired state, observed state, who is who, and what this run may do. Comes out: a
//! [`Plan`], which is data and leaves nothing to decide. No I/O, no clock, no randomness: the same
//! input gives the same bytes.

mod absent;
mod candidates;
pub mod change;
mod contacts;
pub mod danger;
mod deletion;
mod destinations;
pub mod digest;
mod effect;
mod entry;
pub mod field_change;
mod fingerprint;
pub mod in_use;
pub mod invitation;
pub mod moves;
pub mod policy;
mod prune;
pub mod review;
pub mod saved;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::identity::{Identities, Identity};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{Desired, Management};
use portalctl_model::observed::{Coverage, Observed, Organization};
use portalctl_model::{
    Allow, ManifestName, OrgKey, OrganizationId, Selection, Unconfigured, mark, name,
};

pub use crate::identity::ownership::Ownership;
pub use candidates::candidates;
pub use change::{
    Action, ActionKind, Change, Conflict, Flag, Held, HeldReason, Reason, Scope, Target, Warning,
};
pub use danger::Danger;
pub use deletion::{Kept, is_marked, removal};
pub use destinations::{Destination, Destinations};
pub use field_change::FieldChange;
pub use fingerprint::Fingerprint;
pub use in_use::{Evidence, in_use};
pub use invitation::Invitation;
pub use policy::Policy;

/// The difference between what is declared and what is live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Environment that the plan was made against.
    pub target: Target,
    /// Changes to make, in the order in which they are made.
    pub changes: Vec<Change>,
    /// Changes that are wanted, but not allowed in this run.
    pub held: Vec<Held>,
    /// Conflicts that a person must decide.
    pub conflicts: Vec<Conflict>,
    /// Findings that stop nothing.
    pub warnings: Vec<Warning>,
    /// Remarks on entries that have done what they were for.
    pub notes: Vec<Warning>,
    /// Number of entries that are already as declared.
    pub unchanged: usize,
    /// Live organizations that no entry of the manifest is about.
    pub unmanaged: Unmanaged,
    /// Addresses to which the portal sends people.
    pub destinations: Destinations,
    /// Names of the organizations that something is said of, by key: the live one where there is one.
    /// For people alone; no digest covers them.
    pub names: BTreeMap<OrgKey, String>,
    /// The marks of the organizations that change, as they were read: `apply` refuses to write one
    /// that somebody else took meanwhile.
    pub seen: BTreeMap<OrganizationId, Ownership>,
}

/// Live organizations that no entry is about: a note, never touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unmanaged {
    /// Number of organizations; `None` where the environment was not listed.
    pub count: Option<usize>,
    /// Organizations that carry this manifest's owner mark: declared once, and not any more.
    pub formerly_declared: Vec<UndeclaredOrganization>,
    /// Organizations that the gateway created for this manifest, and that it does not declare yet.
    pub provisioned: Vec<UndeclaredOrganization>,
}

/// A live organization that a mark ties to the manifest, and that it does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndeclaredOrganization {
    /// The id at WorkOS.
    pub id: OrganizationId,
    /// The name at WorkOS.
    pub name: String,
    /// The external id at WorkOS: the key of its entry, unless that had another.
    pub external_id: Option<String>,
}

impl Unmanaged {
    /// Leaves out an organization that the plan deals with after all.
    fn forget(&mut self, id: &OrganizationId) {
        self.formerly_declared.retain(|former| former.id != *id);
        self.provisioned.retain(|one| one.id != *id);
        self.count = self.count.map(|count| count.saturating_sub(1));
    }
}

impl Plan {
    /// Returns whether the plan exceeds what one run may do unasked: a limit of the manifest, or a
    /// deletion of most of what the manifest once created.
    pub fn exceeds_a_limit(&self) -> bool {
        self.held
            .iter()
            .map(|held| held.reason.code())
            .any(|code| code != codes::NEEDS_FLAG && code != codes::HELD_BY_ANOTHER)
    }

    /// The changes that somebody may want to review: all but those that only write marks.
    pub fn reviewed(&self) -> impl Iterator<Item = &Change> {
        self.changes
            .iter()
            .filter(|change| !change.is_bookkeeping())
    }

    /// Counts the organizations that only get marks that nobody has to review.
    pub fn bookkeeping(&self) -> usize {
        self.changes.len() - self.reviewed().count()
    }

    /// Counts the changes of a kind, but those that only write marks.
    pub fn count(&self, kind: ActionKind) -> usize {
        self.reviewed()
            .filter(|change| change.action.kind() == kind)
            .count()
    }

    /// Returns the name of an entry's organization, where it is known.
    pub fn name_of(&self, key: &OrgKey) -> Option<&str> {
        self.names.get(key).map(String::as_str)
    }

    /// Adds warnings of what could not be read.
    pub fn warn(&mut self, warnings: Vec<Warning>) {
        self.warnings.extend(warnings);
        self.warnings.sort();
    }

    /// Returns whether there is nothing to do, nothing held and no entry to decide about. A
    /// contested domain leaves a plan settled, and so do marks that nobody has to review.
    pub fn is_settled(&self) -> bool {
        let has_changes = self.reviewed().next().is_some();
        !has_changes && self.held.is_empty() && self.open_conflicts().next().is_none()
    }

    /// The conflicts that stop a whole entry.
    pub fn entry_conflicts(&self) -> impl Iterator<Item = &Conflict> {
        let conflicts = self.conflicts.iter();
        conflicts.filter(|conflict| conflict.scope == Scope::Entry)
    }

    /// The conflicts that stop a whole entry or its metadata, until a person decides.
    pub fn open_conflicts(&self) -> impl Iterator<Item = &Conflict> {
        let conflicts = self.conflicts.iter();
        conflicts.filter(|conflict| conflict.scope.domain().is_none())
    }

    /// The conflicts that stop one domain of an entry.
    pub fn contested_domains(&self) -> impl Iterator<Item = &Conflict> {
        let conflicts = self.conflicts.iter();
        conflicts.filter(|conflict| conflict.scope.domain().is_some())
    }
}

/// Input of a plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// The declared state.
    pub desired: &'a Desired,
    /// The live state.
    pub observed: &'a Observed,
    /// The organizations of the entries.
    pub identities: &'a Identities,
    /// Intents that nobody has begun to configure: the only part of readiness that decides a change,
    /// and it does not depend on the time.
    pub unconfigured: &'a Unconfigured,
    /// The powers of this run.
    pub policy: Policy,
    /// The entries to plan for.
    pub selection: &'a Selection,
}

/// Plans the changes that make the live state like the declared one.
pub fn plan(input: PlanInput<'_>, target: Target) -> Plan {
    let PlanInput {
        desired,
        observed,
        identities,
        unconfigured,
        policy,
        selection,
    } = input;
    let policy = policy.with(desired.powers);
    let input = PlanInput { policy, ..input };
    let mut plan = Plan {
        target,
        unmanaged: unmanaged(desired, observed, identities),
        destinations: Destinations::of(desired, selection),
        ..Plan::default()
    };
    let mut existing = 0;
    let nothing = BTreeSet::new();
    let uncontested = BTreeMap::new();
    for (key, declared) in desired
        .organizations
        .iter()
        .filter(|(key, _)| selection.has_key(key))
    {
        let identity = identities.entries.get(key).unwrap_or(&Identity::Missing);
        if matches!(identity, Identity::Matched { .. }) {
            existing += 1;
        }
        let context = entry::Entry {
            key,
            declared,
            manifest: desired.manifest.as_ref(),
            previous_manifests: &desired.previous_manifests,
            contacts: identity
                .organization()
                .and_then(|id| observed.it_contacts.get(id)),
            retention: identity
                .organization()
                .and_then(|id| observed.retention.get(id)),
            unconfigured: unconfigured.get(key).unwrap_or(&nothing),
            contested: identities.contested.get(key).unwrap_or(&uncontested),
            policy,
        };
        add_entry(&mut plan, &context, identity, observed);
    }
    absent::add(&mut plan, input);
    if policy.prune {
        prune::prune(&mut plan, input);
    }
    let uncounted = desired.organizations.iter();
    let uncounted = uncounted.filter(|(_, entry)| entry.allow.contains(&Allow::InviteBulk));
    let uncounted = uncounted.map(|(key, _)| key.clone()).collect();
    policy.hold_beyond_limits(&desired.limits, existing, &uncounted, &mut plan);
    moves::settle(&mut plan, identities);
    plan.warnings
        .extend(duplicate_names(desired, identities, selection));
    plan.seen = seen(&plan.changes, observed);
    plan.names = names(&plan, input);
    sort(&mut plan);
    plan
}

/// Warns about new entries whose name another entry has too.
fn duplicate_names(
    desired: &Desired,
    identities: &Identities,
    selection: &Selection,
) -> Vec<Warning> {
    /// Most of the other entries that a warning names.
    const MAX_NAMED: usize = 3;
    let is_new =
        |key: &OrgKey| matches!(identities.entries.get(key), None | Some(Identity::Missing));
    if !desired.organizations.keys().any(is_new) {
        return Vec::new();
    }
    let mut by_name: BTreeMap<String, Vec<&OrgKey>> = BTreeMap::new();
    for (key, entry) in &desired.organizations {
        if let Some(name) = &entry.name {
            by_name.entry(name::folded(name)).or_default().push(key);
        }
    }
    let mut warnings = Vec::new();
    for (key, entry) in &desired.organizations {
        if entry.allow_same_name || !is_new(key) || !selection.has_key(key) {
            continue;
        }
        let name = entry.name.as_deref().map(name::folded);
        let same = name.and_then(|name| by_name.get(&name));
        let others = same.into_iter().flatten().filter(|other| **other != key);
        let others: Vec<String> = others
            .take(MAX_NAMED)
            .map(|other| format!("`{other}`"))
            .collect();
        if !others.is_empty() {
            warnings.push(Warning {
                key: key.clone(),
                code: codes::DUPLICATE_NAME,
                message: format!(
                    "{} has the same name, and each becomes an organization of its own",
                    others.join(", ")
                ),
            });
        }
    }
    warnings
}

/// Returns the names of the organizations that something is said of.
fn names(plan: &Plan, input: PlanInput<'_>) -> BTreeMap<OrgKey, String> {
    let held = plan.held.iter().map(|held| &held.change);
    let changes = plan.changes.iter().chain(held);
    let changes = changes.map(|change| (&change.key, change.action.organization()));
    let conflicts = plan.conflicts.iter().map(|conflict| {
        let identity = input.identities.entries.get(&conflict.key);
        (&conflict.key, identity.and_then(Identity::organization))
    });
    let name = |(key, id): (&OrgKey, Option<&OrganizationId>)| {
        let live = id.and_then(|id| input.observed.organizations.get(id));
        let declared = || input.desired.organizations.get(key)?.name.clone();
        let name = live.map(|live| live.name.clone()).or_else(declared);
        name.map(|name| (key.clone(), name))
    };
    changes.chain(conflicts).filter_map(name).collect()
}

/// The marks of the organizations that change.
fn seen(changes: &[Change], observed: &Observed) -> BTreeMap<OrganizationId, Ownership> {
    changes
        .iter()
        .filter_map(|change| observed.organizations.get(change.action.organization()?))
        .map(|live| (live.id.clone(), Ownership::of(live)))
        .collect()
}

fn add_entry(
    plan: &mut Plan,
    context: &entry::Entry<'_>,
    identity: &Identity,
    observed: &Observed,
) {
    let outcome = match identity {
        Identity::Missing => context.create(),
        Identity::Matched { organization, by } => match observed.organizations.get(organization) {
            Some(live) => context.update(live, by),
            None => entry::EntryPlan::default(),
        },
        Identity::Adoptable {
            organization,
            domain,
        } => match observed.organizations.get(organization) {
            Some(live) => context.adopt(live, domain),
            None => entry::EntryPlan::default(),
        },
        Identity::Conflicted(conflicts) => {
            plan.conflicts
                .extend(conflicts.iter().map(|conflict| Conflict {
                    key: context.key.clone(),
                    code: conflict.code,
                    message: conflict.message.clone(),
                    help: conflict.help.clone(),
                    scope: Scope::Entry,
                }));
            return;
        }
    };
    let contested = context.contested_domains();
    plan.warnings.extend(context.pending_elsewhere());
    let entry::EntryPlan {
        changes,
        held,
        conflicts,
        warnings,
        used: _,
    } = outcome;
    let is_as_declared = changes.iter().all(Change::is_bookkeeping);
    if [&conflicts, &contested]
        .iter()
        .all(|found| found.is_empty())
        && is_as_declared
        && held.is_empty()
    {
        plan.unchanged += 1;
    }
    plan.conflicts
        .extend(conflicts.into_iter().chain(contested));
    if context.declared.management == Management::Observe {
        if !is_as_declared || !held.is_empty() {
            plan.warnings.push(only_observed(context.key, identity));
        }
        return;
    }
    plan.changes.extend(changes);
    plan.held.extend(held);
    plan.warnings.extend(warnings);
}

/// Warns that an organization that is only observed differs from its declaration.
fn only_observed(key: &OrgKey, identity: &Identity) -> Warning {
    let message = match identity {
        Identity::Missing => "it does not exist at WorkOS",
        Identity::Matched { .. } | Identity::Adoptable { .. } | Identity::Conflicted(_) => {
            "it differs from what is declared"
        }
    };
    Warning {
        key: key.clone(),
        code: codes::ONLY_OBSERVED,
        message: format!("{message}; it is only observed, so nothing is written"),
    }
}

/// Returns whether the gateway created an organization for a manifest.
pub fn is_provisioned(live: &Organization, manifest: &ManifestName) -> bool {
    let mark = live.metadata.get(mark::PROVISIONED);
    mark.is_some_and(|mark| mark == manifest.as_str())
}

fn unmanaged(desired: &Desired, observed: &Observed, identities: &Identities) -> Unmanaged {
    if observed.coverage == Coverage::LookedUp {
        return Unmanaged::default();
    }
    let others = || {
        observed
            .organizations
            .values()
            .filter(|live| !identities.concerned.contains(&live.id))
    };
    let marked = |has_mark: fn(&Organization, &ManifestName) -> bool| {
        let manifest = desired.manifest.iter();
        let marked = manifest.flat_map(|manifest| {
            others()
                .filter(|live| has_mark(live, manifest))
                .map(|live| UndeclaredOrganization {
                    id: live.id.clone(),
                    name: live.name.clone(),
                    external_id: live.external_id.clone(),
                })
        });
        marked.collect()
    };
    Unmanaged {
        count: Some(others().count()),
        formerly_declared: marked(is_marked),
        provisioned: marked(|live, manifest| {
            !is_marked(live, manifest) && is_provisioned(live, manifest)
        }),
    }
}

/// Sorts changes: first those that give a domain up to another organization, then by action, then
/// by key.
fn sort(plan: &mut Plan) {
    let moving = moves::moving(&plan.changes);
    let order = |a: &Change, b: &Change| {
        let rank = |change: &Change| {
            let is_later = !moves::comes_first(change, &moving);
            (is_later, change.action.kind(), change.key.clone())
        };
        rank(a).cmp(&rank(b)).then_with(|| a.fields.cmp(&b.fields))
    };
    plan.changes.sort_by(order);
    plan.held
        .sort_by(|a, b| order(&a.change, &b.change).then_with(|| a.flag.cmp(&b.flag)));
    plan.conflicts.sort();
    plan.warnings.sort();
    plan.notes.sort();
}
