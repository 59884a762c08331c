//! Expands a seed into a schedule: manifests, an account, and every fault.

use std::collections::BTreeMap;

use portalctl_core::plan::Policy;
use portalctl_model::Intent;
use portalctl_model::desired::{DeclaredDomainState, Limits};
use workos_sandbox::scenario::{
    Scenario, ScenarioConnection, ScenarioContact, ScenarioDomain, ScenarioObject,
    ScenarioOrganization,
};
use workos_sandbox::world::{
    ConnectionState, DirectoryState, DomainState, LogStreamState, MembershipStatus, MetadataOnPut,
    Rules,
};

use super::kinds::{Kinds, Spelling};
use super::random::Random;
use crate::world::{self, Entry, HOLDER, OWNER, PROTECT, World, domain};

/// The customers that a manifest may declare.
pub(crate) const KEYS: [&str; 5] = ["acme", "beta", "gamma", "delta", "echo"];
/// The manifest's name, which is the owner mark's value.
pub(crate) const MANIFEST: &str = "customers";

/// States of log streams, also of those that deliver nothing.
const LOG_STREAMS: [LogStreamState; 3] = [
    LogStreamState::Active,
    LogStreamState::Inactive,
    LogStreamState::Error,
];

/// One schedule.
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    /// The manifests in order, of which the last has to be reached.
    pub(crate) manifests: Vec<World>,
    /// State of the account before the first run.
    pub(crate) account: Scenario,
    /// End of each stormy round, for the first client and, if there is one, the second.
    pub(crate) rounds: Vec<Round>,
    /// Percentage of requests that fail.
    pub(crate) faults: usize,
    /// Percentage of requests before which a person edits the account.
    pub(crate) people: usize,
    /// The most objects on a page, where that is fewer than the client asks for.
    pub(crate) page: Option<usize>,
    pub(crate) kinds: Kinds,
}

/// One stormy round: the manifest that it runs with, and how its runs end.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) manifest: usize,
    pub(crate) ends: Vec<End>,
    /// Seconds by which the machine's clock jumps before the round.
    pub(crate) jump: i64,
    /// Applies the saved plan of an earlier round once more.
    pub(crate) applies_saved: bool,
}

/// The way in which a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Through,
    /// Ctrl-C after so many requests.
    Interrupted(usize),
    /// The machine is gone after so many requests.
    Killed(usize),
}

impl Schedule {
    /// Draws the schedule of a seed, with these kinds of trouble.
    pub(crate) fn of(seed: u64, kinds: Kinds) -> Self {
        let mut random = Random::of(seed, "schedule");
        let mut manifests = vec![manifest(seed, &mut random)];
        for key in KEYS {
            if manifests[0]
                .desired
                .organizations
                .contains_key(&world::key(key))
            {
                manifests[0].edit(key, |entry| spelt(entry, key, kinds.spelling));
            }
        }
        if random.percent(40) {
            let next = edited(&manifests[0], &mut random);
            manifests.push(next);
        }
        let rounds = 1 + random.below(3);
        let is_rival = random.percent(25);
        let rounds = (0..rounds)
            .map(|number| Round {
                manifest: number.min(manifests.len() - 1),
                ends: (0..=usize::from(is_rival))
                    .map(|_| end(&mut random))
                    .collect(),
                jump: if random.percent(20) {
                    i64::try_from(random.below(200_000)).unwrap() - 100_000
                } else {
                    0
                },
                applies_saved: random.percent(20),
            })
            .collect();
        Self {
            seed,
            manifests,
            account: account(seed, kinds, &mut random),
            rounds,
            faults: *random.pick(&[0, 5, 10, 20, 35, 60]),
            people: *random.pick(&[0, 3, 8, 15]),
            page: random.percent(60).then(|| 1 + random.below(6)),
            kinds,
        }
    }

    /// The manifest that has to come about.
    pub(crate) fn last(&self) -> &World {
        self.manifests.last().unwrap()
    }
}

fn end(random: &mut Random) -> End {
    match random.below(10) {
        0 => End::Interrupted(1 + random.below(40)),
        1 | 2 => End::Killed(1 + random.below(40)),
        _ => End::Through,
    }
}

fn manifest(seed: u64, random: &mut Random) -> World {
    let mut world = World::new().manifest(MANIFEST);
    world.policy = policy(random);
    world.target.manifest.clone_from(&world.desired.manifest);
    if random.percent(30) {
        world = world.limits(Limits {
            create: Some(u32::try_from(random.below(4)).unwrap()),
            ..Limits::default()
        });
    }
    for key in KEYS {
        let mut own = Random::of(seed, key);
        if own.percent(70) {
            world = world.org(key, |entry| declared(entry, key, &mut own));
        }
    }
    world
}

fn policy(random: &mut Random) -> Policy {
    Policy {
        adopt: random.percent(60),
        // No manifest takes an organization over: the ledger finds writes to foreign organizations.
        adopt_owned: false,
        allow_rekey: random.percent(60),
        allow_trusted_domains: random.percent(50),
        allow_domain_removal: random.percent(50),
        allow_data_loss: false,
        prune: random.percent(50),
        prune_active: random.percent(30),
        allow_bulk: random.percent(60),
    }
}

fn declared(mut entry: Entry, key: &str, random: &mut Random) -> Entry {
    let name = format!("{key} {}", random.below(2));
    entry = entry.name(&name);
    let (com, io) = (format!("{key}.com"), format!("{key}.io"));
    entry = match random.below(4) {
        0 => entry,
        1 => entry.domains([com.as_str()]),
        2 => entry.domains([com.as_str(), io.as_str()]),
        _ => entry.domains([com.as_str()]).trusted(&io),
    };
    let has_domains = entry.0.domains.is_some();
    if has_domains && random.percent(25) {
        entry = entry.exact();
    }
    if random.percent(50) {
        let tier = *random.pick(&["gold", "silver"]);
        entry = entry.metadata("tier", tier);
    }
    if random.percent(20) {
        entry = entry.without_metadata("legacy");
    }
    if random.percent(30) {
        entry = entry.previously(&format!("old-{key}"));
    }
    if random.percent(15) {
        entry = entry.stripe(&format!("cus_{key}"));
    }
    if random.percent(20) {
        let protect = random.percent(70);
        entry = entry.protect(protect);
    }
    if random.percent(15) {
        entry = entry.same_name();
    }
    for intent in [Intent::Sso, Intent::Dsync, Intent::DomainVerification] {
        if random.percent(40) {
            entry = entry.intent(intent);
        }
    }
    if random.percent(10) {
        entry = entry.intent(Intent::AuditLogs);
    }
    if random.percent(30) {
        entry = entry.contacts([&*format!("ada@{key}.com")]);
        if random.percent(60) {
            entry = entry.invite();
        }
    }
    entry
}

/// An entry with values that can be spelt in more than one way.
fn spelt(entry: Entry, key: &str, spelling: Spelling) -> Entry {
    match spelling {
        Spelling::Decomposed => {
            let name = format!("{} Café", entry.0.name.clone().unwrap_or_default());
            entry.name(&name)
        }
        Spelling::Unicode if entry.0.domains.is_some() => {
            let mut entry = entry;
            let domains = entry.0.domains.get_or_insert_default();
            domains.insert(domain(&unicode_domain(key)), DeclaredDomainState::Pending);
            entry
        }
        _ => entry,
    }
}

/// The domain of a customer that has a spelling of its own in Unicode.
pub(crate) fn unicode_domain(key: &str) -> String {
    format!("bücher-{key}.example.org")
}

/// A manifest after a commit or two.
fn edited(world: &World, random: &mut Random) -> World {
    let mut next = world.clone();
    let keys: Vec<String> = next
        .desired
        .organizations
        .keys()
        .map(ToString::to_string)
        .collect();
    for key in &keys {
        match random.below(8) {
            0 => next.forget(key),
            1 => next.edit(key, |entry| entry.name(&format!("{key} renamed"))),
            2 => next.edit(key, |entry| entry.metadata("tier", "platinum")),
            _ => {}
        }
    }
    next
}

fn account(seed: u64, kinds: Kinds, random: &mut Random) -> Scenario {
    let mut organizations = Vec::new();
    for key in KEYS {
        let mut own = Random::of(seed ^ 1, key);
        organizations.extend(existing(key, &mut own));
    }
    for number in 0..random.below(4) {
        organizations.push(former(number, random));
    }
    for number in 0..random.below(9) {
        organizations.push(stranger(number));
    }
    for key in KEYS {
        let mut own = Random::of(seed ^ 3, key);
        if own.percent(kinds.contested) {
            organizations.extend(rival(key, &organizations, &mut own));
        }
    }
    if kinds.is_used {
        for (number, organization) in organizations.iter_mut().enumerate() {
            let mut own = Random::of(seed ^ 2, &number.to_string());
            used(organization, &mut own);
        }
    }
    // The older organization is not always the declared one.
    let turn = random.below(organizations.len());
    organizations.rotate_left(turn);
    Scenario {
        organizations,
        rules: Some(Rules {
            metadata_on_put: *random.pick(&[MetadataOnPut::Replace, MetadataOnPut::Merge]),
            ..Rules::default()
        }),
    }
}

/// Draws the organization that a customer may already have.
fn existing(key: &str, random: &mut Random) -> Option<ScenarioOrganization> {
    let domain = |state| ScenarioDomain {
        domain: format!("{key}.com"),
        state,
    };
    let mut organization = ScenarioOrganization {
        name: format!("{key} {}", random.below(2)),
        ..ScenarioOrganization::default()
    };
    match random.below(10) {
        0..=3 => {
            organization.external_id = Some(key.to_owned());
            if random.percent(50) {
                organization.domains.push(domain(DomainState::Pending));
            }
        }
        4 => organization.external_id = Some(format!("old-{key}")),
        5 => organization.domains.push(domain(DomainState::Verified)),
        6 => {}
        _ => return None,
    }
    if random.percent(50) {
        let foreign = ("crm".to_owned(), random.below(100).to_string());
        organization.metadata.extend([foreign]);
    }
    if random.percent(30) {
        let legacy = ("legacy".to_owned(), "yes".to_owned());
        organization.metadata.extend([legacy]);
    }
    if random.percent(40) {
        let owner = (OWNER.to_owned(), MANIFEST.to_owned());
        organization.metadata.extend([owner]);
    }
    if random.percent(30) {
        organization.connections.push(active());
    }
    // Another manifest's or an operator's: it is not written, whatever is declared.
    if random.percent(15) {
        let (mark, value) = *random.pick(&[(OWNER, "others"), (HOLDER, "here/portal/acme")]);
        organization
            .metadata
            .insert(mark.to_owned(), value.to_owned());
    }
    if random.percent(20) {
        organization.it_contacts.push(ScenarioContact {
            email: format!("ada@{key}.com"),
            invited: std::collections::BTreeSet::new(),
        });
    }
    Some(organization)
}

/// Adds the setup that people have done, in known and unknown states.
fn used(organization: &mut ScenarioOrganization, random: &mut Random) {
    if random.percent(20) {
        organization.connections.push(ScenarioConnection {
            state: connection_state(random),
            kind: None,
            certificates: Vec::new(),
        });
    }
    if random.percent(20) {
        organization.directories.push(ScenarioObject {
            state: directory_state(random),
            kind: None,
        });
    }
    if random.percent(10) {
        organization.members.push(MembershipStatus::Active);
    }
    if random.percent(10) {
        let state = *random.pick(&["active", "disabled", "paused"]);
        organization.audit_logs = Some(state.to_owned());
    }
    if random.percent(10) {
        organization.log_stream = Some(ScenarioObject {
            state: random.pick(&LOG_STREAMS).clone(),
            kind: None,
        });
    }
    if random.percent(10) && is_ours(organization) {
        let holder = (HOLDER.to_owned(), "here/portal/former".to_owned());
        organization.metadata.extend([holder]);
    }
}

fn is_ours(organization: &ScenarioOrganization) -> bool {
    let owner = organization.metadata.get(OWNER);
    owner.is_some_and(|owner| owner == MANIFEST)
}

/// A state of a connection.
pub(crate) fn connection_state(random: &mut Random) -> ConnectionState {
    let unknown = ConnectionState::Other("paused".to_owned());
    let states = [
        ConnectionState::Active,
        ConnectionState::Validating,
        ConnectionState::Draft,
        ConnectionState::RequiresType,
        ConnectionState::Inactive,
        unknown,
    ];
    random.pick(&states).clone()
}

/// A state of a directory.
pub(crate) fn directory_state(random: &mut Random) -> DirectoryState {
    let unknown = DirectoryState::Other("suspended".to_owned());
    let states = [
        DirectoryState::Linked,
        DirectoryState::Validating,
        DirectoryState::InvalidCredentials,
        DirectoryState::Unlinked,
        unknown,
    ];
    random.pick(&states).clone()
}

fn active() -> ScenarioConnection {
    ScenarioConnection {
        state: ConnectionState::Active,
        kind: None,
        certificates: Vec::new(),
    }
}

/// Makes an organization that this manifest created once and no longer declares.
fn former(number: usize, random: &mut Random) -> ScenarioOrganization {
    let mut metadata = BTreeMap::from([(OWNER.to_owned(), MANIFEST.to_owned())]);
    if random.percent(25) {
        metadata.insert(PROTECT.to_owned(), "true".to_owned());
    }
    ScenarioOrganization {
        name: format!("Former {number}"),
        external_id: Some(format!("former-{number}")),
        metadata,
        connections: if random.percent(25) {
            vec![active()]
        } else {
            Vec::new()
        },
        ..ScenarioOrganization::default()
    }
}

/// Makes an organization that no manifest manages and that holds a customer's domain, unless the
/// customer has it verified: WorkOS lets one organization verify a domain.
fn rival(
    key: &str,
    others: &[ScenarioOrganization],
    random: &mut Random,
) -> Option<ScenarioOrganization> {
    let name = format!("{key}.com");
    let mut domains = others.iter().flat_map(|other| &other.domains);
    let is_verified =
        domains.any(|held| held.domain == name && held.state == DomainState::Verified);
    let states = [
        DomainState::Verified,
        DomainState::LegacyVerified,
        DomainState::Pending,
    ];
    (!is_verified).then(|| ScenarioOrganization {
        name: format!("Rival of {key}"),
        external_id: Some(format!("rival-{key}")),
        domains: vec![ScenarioDomain {
            domain: name,
            state: random.pick(&states).clone(),
        }],
        ..ScenarioOrganization::default()
    })
}

/// Makes an organization that no manifest manages.
fn stranger(number: usize) -> ScenarioOrganization {
    ScenarioOrganization {
        name: format!("Stranger {number}"),
        external_id: number
            .is_multiple_of(2)
            .then(|| format!("stranger-{number}")),
        metadata: BTreeMap::from([("crm".to_owned(), number.to_string())]),
        domains: vec![ScenarioDomain {
            domain: format!("stranger-{number}.com"),
            state: DomainState::Verified,
        }],
        ..ScenarioOrganization::default()
    }
}
