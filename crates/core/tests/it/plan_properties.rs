//! Property tests of the planner over random manifests and accounts, drawn from a few ids, names
//! and domains so that they collide in every way.
//!
//! Expected values are computed here from the manifest and the live state, not by the code under
//! test.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;

use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{Action, ActionKind, Change, FieldChange, Plan, Policy, Target};
use portalctl_core::snapshot::{Asked, KnownContacts, Snapshot};
use portalctl_model::desired::{
    DeclaredDomainState, DesiredOrganization, DomainsPolicy, FieldGroup, FieldPath, Invite, Limits,
    UpdateLimit,
};
use portalctl_model::observed::{
    Answer, Connection, ConnectionState, DomainState, ItContact, Listing, Organization,
};
use portalctl_model::{Domain, Intent, OrgKey, OrganizationId};

use crate::support::world::{
    ALL_POWERS, Entry, HOLDER, INVITED, Live, LiveOrg, OWNER, PROTECT, World, apply, domain, email,
    external, id_of, org_id, text,
};

/// The keys of entries; each is the external id of an entry that declares none.
const KEYS: [&str; 4] = ["acme", "beta", "gamma", "delta"];
/// External ids that entries declare, had before, and that live organizations have.
const IDS: [&str; 8] = [
    "acme", "beta", "gamma", "crm-1", "crm-2", "old-1", "old-2", "stranger",
];
const DOMAINS: [&str; 4] = ["one.com", "two.com", "three.com", "four.com"];
const NAMES: [&str; 3] = ["Acme", "acme", "Beta"];
const METADATA: [&str; 4] = ["tier", "team", PROTECT, INVITED];
const CONTACTS: [&str; 3] = ["ada@one.com", "Bob@one.com", "eve@two.com"];
const INTENTS: [Intent; 3] = [Intent::Sso, Intent::Dsync, Intent::AuditLogs];
const STATES: [DomainState; 5] = [
    DomainState::Verified,
    DomainState::LegacyVerified,
    DomainState::Pending,
    DomainState::Unverified,
    DomainState::Failed,
];
const MAX_LIVE: usize = 5;
/// The manifest of every case.
const MANIFEST: &str = "customers";
/// Manifests of others.
const MANIFESTS: [&str; 2] = ["others", "strangers"];

/// One entry, as numbers into the lists above. What would be an error of the manifest is left out
/// when it is built.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent fields of a manifest"
)]
struct EntryRow {
    key: usize,
    pin: Option<usize>,
    external_id: Option<usize>,
    previous: Option<usize>,
    name: usize,
    domains: Option<Vec<(usize, bool)>>,
    metadata: Vec<(usize, Option<usize>)>,
    contacts: BTreeSet<usize>,
    intents: BTreeSet<usize>,
    invite: bool,
    protect: Option<bool>,
    exact: bool,
    shared_domain: bool,
    same_name: bool,
    ignore: Option<usize>,
}

#[derive(Debug, Clone)]
struct LiveRow {
    external_id: Option<usize>,
    name: usize,
    domains: Vec<(usize, usize)>,
    metadata: Vec<(usize, usize)>,
    contacts: BTreeSet<usize>,
    connected: bool,
    /// The owner mark, one of `MANIFESTS`.
    owner: Option<usize>,
    /// An operator holds it.
    is_held: bool,
}

#[derive(Debug, Clone)]
struct Case {
    entries: Vec<EntryRow>,
    live: Vec<LiveRow>,
    limits: (Option<u32>, Option<u32>, u32),
    powers: [bool; 6],
    only: Option<usize>,
    /// The account supports IT contacts.
    shows_contacts: bool,
}

fn entries() -> impl Strategy<Value = Vec<EntryRow>> {
    let row = (
        (
            prop::option::weighted(0.3, 0..MAX_LIVE + 1),
            prop::option::weighted(0.3, 3..IDS.len()),
            prop::option::weighted(0.4, 3..IDS.len()),
            0..NAMES.len(),
        ),
        prop::option::weighted(
            0.8,
            prop::collection::vec((0..DOMAINS.len(), any::<bool>()), 0..3),
        ),
        prop::collection::vec((0..2_usize, prop::option::of(0..2_usize)), 0..2),
        prop::option::of(any::<bool>()),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        prop::option::weighted(0.2, 0..5_usize),
        (
            prop::collection::btree_set(0..CONTACTS.len(), 0..3),
            prop::collection::btree_set(0..INTENTS.len(), 0..3),
            any::<bool>(),
        ),
    );
    let row = row.prop_map(
        |(
            (pin, external_id, previous, name),
            domains,
            metadata,
            protect,
            (exact, shared_domain, same_name),
            ignore,
            (contacts, intents, invite),
        )| EntryRow {
            key: 0,
            pin,
            external_id,
            previous,
            name,
            domains,
            metadata,
            contacts,
            intents,
            invite,
            protect,
            exact,
            shared_domain,
            same_name,
            ignore,
        },
    );
    prop::collection::btree_map(0..KEYS.len(), row, 1..=KEYS.len()).prop_map(|rows| {
        rows.into_iter()
            .map(|(key, row)| EntryRow { key, ..row })
            .collect()
    })
}

fn live() -> impl Strategy<Value = Vec<LiveRow>> {
    let row = (
        prop::option::weighted(0.6, 0..IDS.len()),
        0..NAMES.len(),
        prop::collection::vec((0..DOMAINS.len(), 0..STATES.len()), 0..3),
        prop::collection::vec((0..METADATA.len(), 0..2_usize), 0..3),
        prop::collection::btree_set(0..CONTACTS.len(), 0..3),
        any::<bool>(),
        prop::option::weighted(0.3, 0..MANIFESTS.len()),
        prop::bool::weighted(0.15),
    );
    let row = row.prop_map(
        |(external_id, name, domains, metadata, contacts, connected, owner, is_held)| LiveRow {
            external_id,
            name,
            domains,
            metadata,
            contacts,
            connected,
            owner,
            is_held,
        },
    );
    prop::collection::vec(row, 0..=MAX_LIVE)
}

fn cases() -> impl Strategy<Value = Case> {
    let limits = (
        prop::option::weighted(0.3, 0..3_u32),
        prop::option::weighted(0.3, 0..3_u32),
        0..4_u32,
    );
    let only = prop::option::weighted(0.3, 0..KEYS.len());
    let shows_contacts = prop::bool::weighted(0.9);
    (
        entries(),
        live(),
        limits,
        any::<[bool; 6]>(),
        only,
        shows_contacts,
    )
        .prop_map(
            |(entries, live, limits, powers, only, shows_contacts)| Case {
                entries,
                live,
                limits,
                powers,
                only,
                shows_contacts,
            },
        )
}

impl Case {
    /// The manifest and the account, with the powers and limits of this case.
    fn build(&self) -> (World, Live) {
        self.build_from(
            self.entries.iter().collect(),
            self.live.iter().enumerate().collect(),
        )
    }

    /// Builds the same manifest and account in another order.
    fn build_backwards(&self) -> (World, Live) {
        let rows = self.live.iter().enumerate();
        let (world, mut live) =
            self.build_from(self.entries.iter().collect(), rows.rev().collect());
        for organization in live.0.organizations.values_mut() {
            organization.domains.reverse();
        }
        for contacts in live.0.it_contacts.values_mut() {
            if let Answer::Found(contacts) = contacts {
                contacts.reverse();
            }
        }
        let mut backwards = World::new().manifest("customers");
        for (key, entry) in world.desired.organizations.iter().rev() {
            let entry = entry.clone();
            backwards.desired.organizations.insert(key.clone(), entry);
        }
        backwards.desired.limits = world.desired.limits;
        backwards.policy = world.policy;
        backwards.selection = world.selection;
        (backwards, live)
    }

    fn build_from(&self, entries: Vec<&EntryRow>, rows: Vec<(usize, &LiveRow)>) -> (World, Live) {
        let (create, update, delete) = self.limits;
        let mut world = World::new().manifest(MANIFEST).limits(Limits {
            create,
            update: update.map(UpdateLimit::Count),
            delete,
        });
        let mut taken = Taken::default();
        for row in entries {
            world = world.org(KEYS[row.key], |o| taken.entry(row, o));
        }
        let [
            adopt,
            allow_rekey,
            allow_trusted_domains,
            allow_domain_removal,
            allow_bulk,
            adopt_owned,
        ] = self.powers;
        world.policy = Policy {
            adopt,
            adopt_owned,
            allow_rekey,
            allow_trusted_domains,
            allow_data_loss: false,
            allow_domain_removal,
            prune: false,
            prune_active: false,
            allow_bulk,
        };
        if let Some(only) = self.only {
            world = world.select(&[KEYS[only]], &[]);
        }
        let live = rows.into_iter().fold(Live::new(), |live, (index, row)| {
            let id = format!("org_{index}");
            let mut live = live.org(&id, |o| live_org(row, o));
            for contact in &row.contacts {
                live = live.contact(&id, &CONTACTS[*contact].to_uppercase());
            }
            if row.connected {
                connect(&mut live, &id);
            }
            live
        });
        if self.shows_contacts {
            (world, live)
        } else {
            (world, live.without_contacts(&Answer::Absent))
        }
    }
}

/// Gives an organization an active connection.
fn connect(live: &mut Live, id: &str) {
    let Listing::Read(connections) = &mut live.0.connections else {
        panic!("connections were not read");
    };
    let connection = Connection {
        id: format!("conn_{id}"),
        organization_id: Some(org_id(id)),
        name: String::new(),
        connection_type: "OktaSAML".to_owned(),
        state: ConnectionState::Active,
        created_at: None,
        updated_at: None,
    };
    connections.insert(org_id(id), vec![connection]);
}

fn live_org(row: &LiveRow, mut o: LiveOrg) -> LiveOrg {
    o = o.name(NAMES[row.name]);
    if let Some(id) = row.external_id {
        o = o.external_id(IDS[id]);
    }
    for (name, state) in &row.domains {
        o = o.domain(DOMAINS[*name], STATES[*state].clone());
    }
    for (key, value) in &row.metadata {
        o = o.metadata(METADATA[*key], &value.to_string());
    }
    if let Some(owner) = row.owner {
        o = o.metadata(OWNER, MANIFESTS[owner]);
    }
    if row.is_held {
        o = o.metadata(HOLDER, "here/portal/acme");
    }
    o
}

/// Values that a manifest may declare only once.
#[derive(Default)]
struct Taken {
    pins: BTreeSet<usize>,
    external_ids: BTreeSet<&'static str>,
    /// Entry that declared a domain first, and whether the domain is shared, by domain.
    domains: BTreeMap<usize, (usize, bool)>,
}

impl Taken {
    fn entry(&mut self, row: &EntryRow, mut o: Entry) -> Entry {
        // The key of every entry, there or not: a default cannot move aside.
        self.external_ids.extend(KEYS);
        o = o.name(NAMES[row.name]);
        if let Some(pin) = row.pin.filter(|pin| self.pins.insert(*pin)) {
            o = o.pin(&format!("org_{pin}"));
        }
        let mut free = |id: &usize| self.external_ids.insert(IDS[*id]);
        if let Some(id) = row.external_id.filter(&mut free) {
            o = o.external_id(IDS[id]);
        }
        if let Some(id) = row.previous.filter(&mut free) {
            o = o.previously(IDS[id]);
        }
        if row.shared_domain {
            o = o.shared_domain();
        }
        if row.same_name {
            o = o.same_name();
        }
        if row.exact {
            o = o.exact();
        }
        if let Some(domains) = &row.domains {
            o = o.domains([]);
            for (name, trusted) in domains {
                let own = (row.key, row.shared_domain);
                let first = *self.domains.entry(*name).or_insert(own);
                if first.0 == row.key || (first.1 && row.shared_domain) {
                    o = declare(o, DOMAINS[*name], *trusted);
                }
            }
        }
        for (key, value) in &row.metadata {
            o = match value {
                Some(value) => o.metadata(METADATA[*key], &value.to_string()),
                None => o.without_metadata(METADATA[*key]),
            };
        }
        o.0.it_contacts = row.contacts.iter().map(|n| email(CONTACTS[*n])).collect();
        for intent in &row.intents {
            o = o.intent(INTENTS[*intent]);
        }
        if row.invite && !row.contacts.is_empty() {
            o = o.invite();
        }
        if let Some(protect) = row.protect {
            o = o.protect(protect);
        }
        match row.ignore {
            Some(0) => o.ignore(FieldPath::Name),
            Some(1) => o.ignore(FieldPath::ExternalId),
            Some(2) => o.ignore_all(FieldGroup::Domains),
            Some(3) => o.ignore_all(FieldGroup::ItContacts),
            Some(_) => o.ignore_all(FieldGroup::Metadata),
            None => o,
        }
    }
}

fn declare(mut o: Entry, name: &str, trusted: bool) -> Entry {
    let state = if trusted {
        DeclaredDomainState::Verified
    } else {
        DeclaredDomainState::Pending
    };
    let domains = o.0.domains.get_or_insert_default();
    domains.insert(domain(name), state);
    o
}

/// The entries that name an organization: by pinning it, or as what it goes or went by.
fn named_by<'a>(world: &'a World, live: &Organization) -> Vec<&'a OrgKey> {
    let names = |entry: &DesiredOrganization| {
        let by_external_id = live.external_id.as_ref().is_some_and(|id| {
            let id = external(id);
            // A pinned entry is looked for by its id, and its external id must not be another's.
            entry.external_id.as_ref() == Some(&id)
                || (entry.id.is_none() && entry.previous_keys.contains(&id))
        });
        entry.id.as_ref() == Some(&live.id) || by_external_id
    };
    let entries = world.desired.organizations.iter();
    let naming = entries.filter(|(_, entry)| names(entry));
    naming.map(|(key, _)| key).collect()
}

fn holds(live: &Organization, entry: &DesiredOrganization, verified: bool) -> bool {
    let mut domains = live.domains.iter();
    domains.any(|held| {
        let counts = !verified || ["verified", "legacy_verified"].contains(&held.state.as_str());
        let declared = entry.domains.as_ref();
        counts && declared.is_some_and(|domains| domains.contains_key(&held.domain))
    })
}

/// Returns whether the one entry that an organization is known to be of gives up the domains that
/// another entry declares. The domains then move, and do not identify the other entry's customer.
fn gives_up(world: &World, all: &Live, live: &Organization, to: &DesiredOrganization) -> bool {
    let [owner] = named_by(world, live)[..] else {
        return false;
    };
    // Of an entry with several organizations nothing is known, and nothing is removed.
    let organizations = all.0.organizations.values();
    let named = organizations.filter(|other| named_by(world, other).contains(&owner));
    if named.count() > 1 {
        return false;
    }
    let from = &world.desired.organizations[owner];
    // An entry that is pinned to another organization is in conflict, and gives nothing up.
    if from.id.as_ref().is_some_and(|id| *id != live.id) {
        return false;
    }
    let keeps = |domain: &Domain| {
        let declared = from.domains.as_ref();
        declared.is_none_or(|declared| declared.contains_key(domain))
            || from.ignores(&FieldPath::Domain(domain.clone()))
    };
    let wanted = |domain: &Domain| {
        let declared = to.domains.as_ref();
        declared.is_some_and(|declared| declared.contains_key(domain))
    };
    let verified = live.domains.iter().filter(|held| held.state.is_verified());
    let mut moving = verified
        .map(|held| &held.domain)
        .filter(|domain| wanted(domain));
    from.domains_policy == DomainsPolicy::Exact && !moving.any(keeps)
}

/// Returns the sign that a customer has an organization already, in which case none is created.
fn has_one(world: &World, live: &Live, key: &OrgKey) -> Option<String> {
    let entry = &world.desired.organizations[key];
    if entry.id.is_some() {
        return Some("it is pinned".to_owned());
    }
    let mut adoptable = Vec::new();
    for organization in live.0.organizations.values() {
        let id = &organization.id;
        let naming = named_by(world, organization);
        if naming.contains(&key) {
            return Some(format!("{id} goes by one of its external ids"));
        }
        let unclaimed = naming.is_empty();
        if unclaimed && !entry.allow_shared_domain && holds(organization, entry, false) {
            return Some(format!(
                "{id}, which nobody claims, holds one of its domains"
            ));
        }
        if !entry.allow_shared_domain
            && holds(organization, entry, true)
            && !gives_up(world, live, organization, entry)
        {
            return Some(format!("{id} has verified one of its domains"));
        }
        let nameless = unclaimed && organization.external_id.is_none();
        let same_name = entry.name.as_ref().is_some_and(|name| {
            name.eq_ignore_ascii_case(&organization.name) && !entry.allow_same_name
        });
        if nameless && same_name {
            return Some(format!("{id}, which nobody claims, has its name"));
        }
        if nameless && holds(organization, entry, true) {
            adoptable.push(id);
        }
    }
    match adoptable.as_slice() {
        [id] => Some(format!("{id} can be adopted")),
        _ => None,
    }
}

fn keys_of<'a>(changes: impl IntoIterator<Item = &'a Change>) -> BTreeSet<OrgKey> {
    changes
        .into_iter()
        .map(|change| change.key.clone())
        .collect()
}

fn in_conflict(plan: &Plan) -> BTreeSet<OrgKey> {
    plan.conflicts
        .iter()
        .map(|conflict| conflict.key.clone())
        .collect()
}

/// The entries for which nothing is done, however much of them is known.
fn stopped(plan: &Plan) -> BTreeSet<OrgKey> {
    plan.entry_conflicts()
        .map(|conflict| conflict.key.clone())
        .collect()
}

/// Checks that only declared fields changed, each to its declared value.
fn only_declared_fields_moved(
    key: &OrgKey,
    world: &World,
    before: &Organization,
    after: &Organization,
) {
    let entry = &world.desired.organizations[key];
    let moved = |what: &str| format!("{key}: {what} of {} moved", before.id);
    if before.name != after.name {
        assert_eq!(Some(&after.name), entry.name.as_ref(), "{}", moved("name"));
    }
    if before.external_id != after.external_id {
        let declared = entry.external_id.as_ref().map(ToString::to_string);
        assert_eq!(after.external_id, declared, "{}", moved("external_id"));
        assert!(after.external_id.is_some());
        assert!(before.external_id.is_none() || world.policy.allow_rekey);
    }
    assert_eq!(before.stripe_customer_id, after.stripe_customer_id);
    let keys = before.metadata.keys().chain(after.metadata.keys());
    for name in keys.filter(|name| before.metadata.get(*name) != after.metadata.get(*name)) {
        let now = after.metadata.get(name);
        if [OWNER, HOLDER].contains(&name.as_str()) {
            let is_ours = name == OWNER && now.is_some_and(|now| now == MANIFEST);
            let is_freed = name == HOLDER && now.is_none();
            assert!(world.policy.adopt_owned, "{}", moved(name));
            assert!(is_ours || is_freed, "{}", moved(name));
            continue;
        }
        if name == INVITED {
            assert_eq!(entry.invite, Invite::Once, "{}", moved(INVITED));
            assert!(!before.metadata.contains_key(INVITED), "invited again");
            assert!(now.is_some(), "{}", moved(INVITED));
        } else if name == "portalctl_contacts" {
            assert_eq!(now, entry.contacts_mark().as_ref(), "{}", moved(name));
        } else if name == PROTECT {
            assert_eq!(entry.protect, Some(now.is_some()), "{}", moved(PROTECT));
        } else {
            let declared = entry.metadata.get(name).map(Option::as_ref);
            assert_eq!(declared, Some(now), "{}", moved(name));
        }
    }
    for held in &before.domains {
        let now = after.domain(&held.domain);
        if let Some(now) = now {
            assert_eq!(now.state, held.state, "{}", moved("state of a domain"));
            continue;
        }
        let declared = entry.domains.as_ref().unwrap();
        assert!(!declared.contains_key(&held.domain), "{}", moved("domain"));
        assert_eq!(entry.domains_policy, DomainsPolicy::Exact);
        assert!(!held.state.is_verified() || world.policy.allow_domain_removal);
    }
    for added in &after.domains {
        if before.domain(&added.domain).is_none() {
            let declared = entry.domains.as_ref().unwrap();
            assert!(declared.contains_key(&added.domain), "{}", moved("domain"));
            assert_eq!(added.state, DomainState::Pending, "trust on what exists");
        }
    }
}

fn contacts<'a>(live: &'a Live, id: &OrganizationId) -> &'a [ItContact] {
    match live.0.it_contacts.get(id) {
        Some(Answer::Found(contacts)) => contacts,
        Some(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_)) | None => &[],
    }
}

/// Checks that contacts stay, and that only declared, missing contacts were added.
fn only_declared_contacts_were_added(
    key: &OrgKey,
    world: &World,
    before: &[ItContact],
    after: &[ItContact],
) {
    let entry = &world.desired.organizations[key];
    let (stayed, added) = after.split_at(before.len());
    assert_eq!(stayed, before, "{key}: a contact moved");
    for contact in added {
        let declared = entry
            .it_contacts
            .iter()
            .any(|email| email.is(&contact.email));
        assert!(declared, "{key}: {} is not declared", contact.email);
        let twice = before
            .iter()
            .any(|held| held.email.eq_ignore_ascii_case(&contact.email));
        assert!(!twice, "{key}: {} was there", contact.email);
        assert!(
            !entry
                .ignore_fields
                .contains(&FieldPath::Whole(FieldGroup::ItContacts))
        );
    }
}

/// Returns the intents that an organization's contacts can be invited to: sign-on only without a
/// connection, and never audit logs. No organization has a directory here.
fn invitable(live: &Live, id: &OrganizationId, entry: &DesiredOrganization) -> BTreeSet<Intent> {
    let Listing::Read(connections) = &live.0.connections else {
        panic!("connections were not read");
    };
    let mut intents: BTreeSet<Intent> = entry.intents.keys().copied().collect();
    intents.remove(&Intent::AuditLogs);
    if connections.contains_key(id) {
        intents.remove(&Intent::Sso);
    }
    intents
}

/// Returns whether a change only lifts a protection, which the new owner does after a takeover.
fn lifts_protection(change: &Change) -> bool {
    let is_lifted = |field: &FieldChange| field.is_mark_of(PROTECT) && field.is_removal();
    change.fields.iter().all(is_lifted)
}

/// Returns whether a change waits until an adopted organization is known to be the entry's.
fn waits_for_adoption(change: &Change) -> bool {
    change.removes_a_domain() || change.action.kind() == ActionKind::Invite
}

fn removed_domains(plan: &Plan) -> usize {
    let removed = plan.changes.iter().flat_map(Change::removed_domains);
    removed.count()
}

fn changed_organizations(plan: &Plan) -> BTreeSet<&OrganizationId> {
    // An invitation has a bound of its own.
    let others = plan
        .reviewed()
        .filter(|change| change.action.kind() != ActionKind::Invite && !change.removes_a_domain());
    others
        .filter_map(|change| change.action.organization())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// A snapshot tells a plan as much as WorkOS did when it was taken.
    #[test]
    fn a_plan_from_a_snapshot_is_the_live_one(case in cases()) {
        let (world, mut live) = case.build();
        // Contacts are read of entries that declare some.
        let identities = world.identities(&live);
        let entries = world.desired.organizations.iter();
        let declaring = entries.filter(|(_, entry)| !entry.it_contacts.is_empty());
        let asked: BTreeSet<&OrganizationId> = declaring
            .filter(|(key, _)| world.selection.has_key(key))
            .filter_map(|(key, _)| identities.entries.get(key)?.organization())
            .collect();
        live.0.it_contacts.retain(|id, _| asked.contains(id));
        let now = Timestamp::UNIX_EPOCH;
        let taken = Snapshot::of(live.0.clone(), &world.desired, Target::default(), now);
        let read = Snapshot::parse(&taken.to_json().unwrap()).unwrap();
        prop_assert_eq!(&read, &taken);
        let asked = Asked {
            desired: &world.desired,
            selection: &world.selection,
            policy: world.policy,
        };
        let (observed, identities) = read.live(asked, KnownContacts::All);
        prop_assert_eq!(&identities, &world.identities(&live));
        let replayed = world.plan_once(&Live(observed));
        prop_assert_eq!(text(&replayed), text(&world.plan_once(&live)));
        prop_assert_eq!(Digest::of(&replayed), Digest::of(&world.plan_once(&live)));
    }

    /// `World::plan_once` holds every plan to the lint and to being the same when made again.
    #[test]
    fn every_plan_is_sound_and_accounts_for_every_entry(case in cases()) {
        let (world, live) = case.build();
        let plan = world.plan_once(&live);
        let held = plan.held.iter().map(|held| &held.change);
        let mut told = keys_of(plan.reviewed().chain(held));
        told.extend(in_conflict(&plan));
        let selected = world.desired.organizations.keys().filter(|key| world.selection.has_key(key));
        let selected: BTreeSet<OrgKey> = selected.cloned().collect();
        assert!(told.is_subset(&selected), "{}", text(&plan));
        assert_eq!(told.len() + plan.unchanged, selected.len(), "{}", text(&plan));
    }

    #[test]
    fn the_order_in_which_things_are_put_together_is_not_seen(case in cases()) {
        let (world, live) = case.build();
        let (backwards, evil) = case.build_backwards();
        let (plan, other) = (world.plan_once(&live), backwards.plan_once(&evil));
        assert_eq!(text(&plan), text(&other));
        assert_eq!(Digest::of(&plan), Digest::of(&other));
    }

    #[test]
    fn nobody_who_has_an_organization_gets_a_second_one(case in cases()) {
        let (mut world, live) = case.build();
        for policy in [world.policy, ALL_POWERS] {
            world.policy = policy;
            let plan = world.plan_once(&live);
            let held = plan.held.iter().map(|held| &held.change);
            let all = plan.changes.iter().chain(held);
            for change in all.filter(|change| change.action == Action::Create) {
                let one = has_one(&world, &live, &change.key);
                assert_eq!(one, None, "{}\n{}", change.key, text(&plan));
            }
        }
    }

    /// A customer without an organization that could be theirs gets a new one.
    #[test]
    fn who_has_none_is_created(case in cases()) {
        let (mut world, live) = case.build();
        world.policy = ALL_POWERS;
        let plan = world.plan_once(&live);
        let stopped = stopped(&plan);
        let changed = keys_of(&plan.changes);
        for key in world.desired.organizations.keys().filter(|key| world.selection.has_key(key)) {
            if has_one(&world, &live, key).is_none() {
                assert!(!stopped.contains(key) && changed.contains(key), "{key}\n{}", text(&plan));
                let mut creates = plan.changes.iter().filter(|change| change.key == *key);
                assert!(creates.all(|change| change.action.organization().is_none()));
            }
        }
    }

    #[test]
    fn what_is_not_an_entrys_is_never_touched_and_of_the_rest_only_what_is_declared(case in cases()) {
        let (world, live) = case.build();
        let plan = world.plan_once(&live);
        let after = apply(&plan, &live);
        for (id, before) in &live.0.organizations {
            let (had, has) = (contacts(&live, id), contacts(&after, id));
            let after = &after.0.organizations[id];
            if before == after && had == has {
                continue;
            }
            let naming = named_by(&world, before);
            let key = match naming.as_slice() {
                [key] => (*key).clone(),
                [] => {
                    let adopting = world.desired.organizations.iter().find(|(_, entry)| {
                        after.external_id == entry.external_id.as_ref().map(ToString::to_string)
                    });
                    let (key, entry) = adopting.unwrap();
                    assert!(world.policy.adopt && before.external_id.is_none());
                    assert!(entry.id.is_none() && holds(before, entry, true));
                    key.clone()
                }
                many => panic!("{id} is changed and named by {many:?}\n{}", text(&plan)),
            };
            assert!(world.selection.has_key(&key), "{key} is not selected");
            only_declared_fields_moved(&key, &world, before, after);
            only_declared_contacts_were_added(&key, &world, had, has);
        }
    }

    /// Exactly the contacts that are declared and not yet invited are invited, to the intents that
    /// are not configured.
    #[test]
    fn who_is_invited_is_who_is_to_be_and_was_not(case in cases()) {
        let (mut world, live) = case.build();
        world.policy = ALL_POWERS;
        let plan = world.plan_once(&live);
        for change in &plan.changes {
            let Some(invitation) = change.action.invitation() else { continue };
            let entry = &world.desired.organizations[&change.key];
            let id = invitation.organization.clone().unwrap_or_else(|| id_of(&change.key));
            let intents: BTreeSet<Intent> = invitable(&live, &id, entry);
            assert_eq!(invitation.intents, intents, "{}", text(&plan));
        }
        let invited = keys_of(plan.changes.iter().filter(|change| {
            change.action.kind() == ActionKind::Invite
        }));
        let conflicts = stopped(&plan);
        let adopted = keys_of(plan.changes.iter().filter(|change| {
            change.action.kind() == ActionKind::Adopt
        }));
        for (key, entry) in &world.desired.organizations {
            let known = world.identities(&live).organization_of(key).cloned();
            let id = known.clone().unwrap_or_else(|| id_of(key));
            let marked = live.0.organizations.get(&id).is_some_and(|o| o.metadata.contains_key(INVITED));
            let mut reachable = entry.it_contacts.iter().filter(|email| {
                let ignored = entry.ignore_fields.contains(&FieldPath::Whole(FieldGroup::ItContacts));
                known.is_none() || !ignored
                    || contacts(&live, &id).iter().any(|held| email.is(&held.email))
            });
            let is_to_be = world.selection.has_key(key)
                && entry.invite == Invite::Once
                && !marked
                && !conflicts.contains(key)
                && !adopted.contains(key)
                && (known.is_none() || case.shows_contacts)
                && reachable.next().is_some()
                && !invitable(&live, &id, entry).is_empty();
            assert_eq!(invited.contains(key), is_to_be, "{key}\n{}", text(&plan));
        }
    }

    #[test]
    fn a_limit_is_never_exceeded(case in cases()) {
        let (mut world, live) = case.build();
        world.policy.allow_bulk = false;
        let plan = world.plan_once(&live);
        let Limits { create, update, delete } = world.desired.limits;
        if let Some(create) = create {
            assert!(plan.count(ActionKind::Create) <= create as usize);
        }
        if let Some(UpdateLimit::Count(update)) = update {
            assert!(changed_organizations(&plan).len() <= update as usize);
        }
        assert!(removed_domains(&plan) <= delete as usize);
    }

    /// Once a plan is done, there is nothing left to do for those it decided about. It may free
    /// others: an adoption or a removed domain can end their conflict, and an adopted organization
    /// loses its undeclared domains one run later. Then, too, it comes to an end.
    #[test]
    fn twice_is_nothing(case in cases()) {
        let (mut world, mut live) = case.build();
        world.policy = ALL_POWERS;
        for round in 0.. {
            let plan = world.plan_once(&live);
            if plan.changes.is_empty() {
                break;
            }
            assert!(round <= 2 * KEYS.len(), "it does not end:\n{}", text(&plan));
            live = apply(&plan, &live);
            let next = world.plan_once(&live);
            let freed = in_conflict(&plan);
            let adopted = keys_of(plan.changes.iter().filter(|change| {
                change.action.kind() == ActionKind::Adopt
            }));
            let taken = keys_of(plan.changes.iter().filter(|change| change.takes_over()));
            for change in &next.changes {
                let is_late = adopted.contains(&change.key) && waits_for_adoption(change)
                    || taken.contains(&change.key) && lifts_protection(change);
                assert!(
                    freed.contains(&change.key) || is_late,
                    "{} is not done:\n{}then:\n{}",
                    change.key,
                    text(&plan),
                    text(&next)
                );
            }
        }
    }

    /// A run may lack any flag, and may be stopped by any limit: what it did is never undone or
    /// done again by the next one.
    #[test]
    fn a_run_without_its_flags_is_done_once_too(case in cases()) {
        let (mut world, live) = case.build();
        // A change that a limit holds is released when another change of its kind is done.
        world.desired.limits = Limits { create: None, update: None, delete: 100 };
        let plan = world.plan_once(&live);
        let next = world.plan_once(&apply(&plan, &live));
        let freed = in_conflict(&plan);
        let adopted = keys_of(plan.changes.iter().filter(|change| {
            change.action.kind() == ActionKind::Adopt
        }));
        let taken = keys_of(plan.changes.iter().filter(|change| change.takes_over()));
        for change in &next.changes {
            let is_late = adopted.contains(&change.key) && waits_for_adoption(change)
                    || taken.contains(&change.key) && lifts_protection(change);
            assert!(
                freed.contains(&change.key) || is_late,
                "{}then:\n{}",
                text(&plan),
                text(&next)
            );
        }
    }
}
