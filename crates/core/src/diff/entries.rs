//! Comparison of the entries: which are added, removed, renamed or changed.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::Findings;
use super::urls::Destinations;
use super::value::{Field, Values};
use super::{Declared, EntryChange, EntryDiff, Side, entry};
use portalctl_model::desired::DesiredOrganization;
use portalctl_model::{Domain, Intent, OrgKey, Selection, name};

/// Entries that differ, and the number of those that do not.
pub(super) struct Compared {
    pub(super) entries: Vec<EntryDiff>,
    pub(super) unchanged: usize,
}

type Entries<'a> = BTreeMap<&'a OrgKey, Declared<'a>>;

/// Compares the selected entries and finds their dangers.
pub(super) fn compare<'a>(
    base: Side<'a>,
    new: Side<'a>,
    selection: &Selection,
    findings: &mut Findings,
) -> Compared {
    let (old_entries, new_entries) = (declared(base), declared(new));
    let former = former_keys(&old_entries, &new_entries);
    let mut pairs = Pairs {
        base,
        new,
        old_domains: domains(&old_entries),
        new_domains: domains(&new_entries),
        destinations: Destinations::new(base, new),
        selection,
        current: former.iter().map(|(now, before)| (*before, *now)).collect(),
        compared: Compared {
            entries: Vec::new(),
            unchanged: 0,
        },
    };
    for (key, now) in &new_entries {
        let before = former.get(key).copied().unwrap_or(key);
        let old = old_entries.get(before).copied();
        if selection.has_key(key) || selection.has_key(before) {
            pairs.compare((before, old), (key, *now), findings);
        }
    }
    let renamed: BTreeSet<&OrgKey> = former.values().copied().collect();
    let is_gone = |key: &OrgKey| !new_entries.contains_key(key) && !renamed.contains(key);
    let removed = old_entries.iter().filter(|(key, _)| is_gone(key));
    let removed: Entries<'a> = removed
        .filter(|(key, _)| selection.has_key(key))
        .map(|(key, old)| (*key, *old))
        .collect();
    for (key, old) in &removed {
        pairs.removed(key, *old, findings);
    }
    let mut compared = pairs.compared;
    compared.entries.sort_by(|a, b| a.key.cmp(&b.key));
    second_organizations(&compared.entries, &removed, &new_entries, findings);
    compared
}

fn declared(side: Side<'_>) -> Entries<'_> {
    let desired = side.desired;
    let present = desired.organizations.iter();
    let present = present.map(|(key, entry)| (key, Declared::Present(entry)));
    let absent = desired.absent.iter();
    let absent = absent.map(|(key, entry)| (key, Declared::Absent(entry)));
    let excluded = desired.excluded.iter();
    let excluded = excluded.map(|(key, entry)| (key, Declared::Excluded(entry)));
    present.chain(absent).chain(excluded).collect()
}

/// Returns the keys in the base of new keys whose organization was declared under another one.
fn former_keys<'a>(old: &Entries<'a>, new: &Entries<'a>) -> BTreeMap<&'a OrgKey, &'a OrgKey> {
    let mut by_id: BTreeMap<String, &OrgKey> = BTreeMap::new();
    for (key, entry) in old {
        if let (Some(entry), false) = (entry.present(), new.contains_key(key)) {
            for id in ids(entry, entry.external_id.iter()) {
                by_id.insert(id, key);
            }
        }
    }
    let mut former = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (key, entry) in new {
        let Some(entry) = entry.present().filter(|_| !old.contains_key(key)) else {
            continue;
        };
        let mut ids = ids(entry, entry.external_ids());
        let found = ids.find_map(|id| by_id.get(&id).copied());
        if let Some(found) = found.filter(|found| taken.insert(*found)) {
            former.insert(*key, found);
        }
    }
    former
}

/// Returns what an organization is known by at WorkOS.
fn ids<'e>(
    entry: &'e DesiredOrganization,
    external: impl Iterator<Item = &'e portalctl_model::ExternalId>,
) -> impl Iterator<Item = String> {
    let pinned = entry.id.iter().map(|id| format!("id {id}"));
    pinned.chain(external.map(|id| format!("external {id}")))
}

/// Returns the first entry that declares each domain.
fn domains<'a>(entries: &Entries<'a>) -> BTreeMap<&'a Domain, &'a OrgKey> {
    let mut domains = BTreeMap::new();
    for (key, entry) in entries {
        let declared = entry.present().and_then(|entry| entry.domains.as_ref());
        for domain in declared.into_iter().flat_map(BTreeMap::keys) {
            domains.entry(domain).or_insert(*key);
        }
    }
    domains
}

/// Comparison of pairs of entries.
struct Pairs<'a, 's> {
    base: Side<'a>,
    new: Side<'a>,
    old_domains: BTreeMap<&'a Domain, &'a OrgKey>,
    new_domains: BTreeMap<&'a Domain, &'a OrgKey>,
    destinations: Destinations<'a>,
    selection: &'s Selection,
    /// Keys of renamed entries, by those in the base.
    current: BTreeMap<&'a OrgKey, &'a OrgKey>,
    compared: Compared,
}

impl<'a> Pairs<'a, '_> {
    /// Compares an entry with the one that it was in the base, if there was one.
    fn compare(
        &mut self,
        (before, old): (&'a OrgKey, Option<Declared<'a>>),
        (key, now): (&'a OrgKey, Declared<'a>),
        findings: &mut Findings,
    ) {
        let is_given_up = matches!(
            (old, now),
            (
                Some(Declared::Present(_)),
                Declared::Absent(_) | Declared::Excluded(_)
            )
        );
        // What an organization was declared as does not matter once it is not managed.
        let compared = old.filter(|_| !is_given_up);
        let were = compared.map(|old| Self::values(self.base, before, old));
        let fields = were
            .unwrap_or_default()
            .changes(&Self::values(self.new, key, now));
        let fields = self.selected(fields);
        let change = match (old, now) {
            (None | Some(Declared::Present(_)), Declared::Absent(_)) => EntryChange::Deleted,
            (None, Declared::Present(_) | Declared::Excluded(_)) => EntryChange::Added,
            _ if before != key => EntryChange::Renamed {
                from: before.clone(),
            },
            _ => EntryChange::Changed,
        };
        if let (old, Declared::Present(entry)) = (old.and_then(Declared::present), now) {
            let pair = ((before, old), (key, entry));
            self.destinations.compare(pair, self.selection, findings);
            self.moved_domains((before, old), (key, entry), findings);
        }
        if fields.is_empty() && change == EntryChange::Changed {
            self.compared.unchanged += 1;
            return;
        }
        let old = old.and_then(Declared::present);
        findings.of_entry(key, old, now, &fields);
        self.compared.entries.push(EntryDiff {
            key: key.clone(),
            change,
            name: named(now).or_else(|| old.and_then(|old| old.name.clone())),
            fields,
            source: now.source().clone(),
        });
    }

    fn removed(&mut self, key: &OrgKey, old: Declared<'a>, findings: &mut Findings) {
        let fields = Self::values(self.base, key, old).changes(&Values::default());
        findings.of_removed(key, old.present(), self.new.desired);
        self.compared.entries.push(EntryDiff {
            key: key.clone(),
            change: EntryChange::Removed,
            name: named(old),
            fields,
            source: old.source().clone(),
        });
    }

    fn values(side: Side<'_>, key: &OrgKey, declared: Declared<'_>) -> Values {
        match declared {
            Declared::Present(declared) => entry::values(side, key, declared),
            Declared::Absent(declared) => entry::absent_values(declared),
            Declared::Excluded(declared) => entry::excluded_values(key, declared),
        }
    }

    /// Leaves out the fields of intents that are not selected.
    fn selected(&self, mut fields: Vec<Field>) -> Vec<Field> {
        fields.retain(|field| {
            let intent = field.path.strip_prefix("intents.");
            let intent = intent.and_then(|rest| rest.split('.').next()?.parse::<Intent>().ok());
            intent.is_none_or(|intent| self.selection.has_intent(intent))
        });
        fields
    }

    /// Finds the domains that an entry takes over from another one.
    fn moved_domains(
        &self,
        (before, old): (&OrgKey, Option<&DesiredOrganization>),
        (key, entry): (&OrgKey, &DesiredOrganization),
        findings: &mut Findings,
    ) {
        let had = old.and_then(|old| old.domains.as_ref());
        for (domain, state) in entry.domains.iter().flatten() {
            if had.is_some_and(|had| had.contains_key(domain)) {
                continue;
            }
            let owner = self
                .old_domains
                .get(domain)
                .filter(|owner| **owner != before);
            let is_shared = owner.is_some_and(|owner| {
                let now = self.current.get(*owner).unwrap_or(owner);
                self.new_domains.get(domain) == Some(now)
            });
            let owner = owner.filter(|_| !is_shared).copied();
            findings.of_domain(key, domain, *state, (owner, old.is_some()));
        }
    }
}

fn named(declared: Declared<'_>) -> Option<String> {
    declared.present().and_then(|entry| entry.name.clone())
}

/// Finds new entries that look like one that was removed.
fn second_organizations(
    entries: &[EntryDiff],
    removed: &Entries<'_>,
    new: &Entries<'_>,
    findings: &mut Findings,
) {
    let mut by_name: BTreeMap<String, &OrgKey> = BTreeMap::new();
    let mut by_domain: BTreeMap<&Domain, &OrgKey> = BTreeMap::new();
    for (key, entry) in removed {
        let Some(entry) = entry.present() else {
            continue;
        };
        if let Some(name) = &entry.name {
            by_name.insert(name::folded(name), key);
        }
        for domain in entry.domains.iter().flat_map(BTreeMap::keys) {
            by_domain.insert(domain, key);
        }
    }
    for added in entries {
        let entry = new.get(&added.key).and_then(|entry| entry.present());
        let Some(entry) = entry.filter(|_| added.change == EntryChange::Added) else {
            continue;
        };
        let name = entry.name.as_deref().map(name::folded);
        let mut domains = entry.domains.iter().flat_map(BTreeMap::keys);
        let by_domain = domains.find_map(|domain| by_domain.get(domain));
        let same = name.and_then(|name| by_name.get(&name)).or(by_domain);
        if let Some(same) = same {
            findings.of_second(&added.key, same);
        }
    }
}
