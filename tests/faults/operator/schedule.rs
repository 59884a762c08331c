//! Draws a schedule, every act and every fault, from a seed before it begins.

use std::time::Duration;

use super::dice::{Dice, Seed};
use super::network::{FaultRates, Partition, Server};
use crate::apply::kinds::{SPELLINGS, Spelling};

/// The resources that people write: their names, and the external ids of the organizations that they
/// stand for. Three stand for one that another has: a copy, one renamed in git, and one in another
/// environment. The last is a tenant's, and claims what is not its own.
pub(crate) const RESOURCES: [(&str, &str); 8] = [
    ("acme", "acme"),
    ("globex", "globex"),
    ("initech", "initech"),
    ("umbrella", "umbrella"),
    ("twin", "acme"),
    (ELSEWHERE, "globex"),
    (RENAMED, "initech"),
    (THIEF, "team.thief"),
];
/// The resource that takes over by its key what another was named for.
pub(crate) const RENAMED: &str = "initech-inc";
/// The tenant's resource.
pub(crate) const THIEF: &str = "thief";
/// The external id that the tenant's resource claims by `previousKeys`.
pub(crate) const STOLEN: &str = "acme";
/// The resource that belongs to the other environment.
pub(crate) const ELSEWHERE: &str = "elsewhere";

/// The two places where a process of the operator runs.
pub(crate) const SLOTS: usize = 2;

/// The states of directories, with one that this version does not know.
const DIRECTORIES: [&str; 5] = [
    "linked",
    "validating",
    "invalid_credentials",
    "unlinked",
    "suspended",
];

/// An act of a person, or an accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    // People with kubectl.
    Create(usize),
    Rename(usize),
    Retag(usize),
    Pause(usize, bool),
    Suspend(usize, bool),
    Recreate(usize, bool),
    Observe(usize, bool),
    Policy(usize, &'static str),
    Delete(usize),
    Release(usize),
    ForeignCondition(usize),
    ForeignFinalizer(usize, bool),
    Unreadable,
    AllowDeletion(bool),
    AllowActiveDeletion(bool),
    PauseEnvironment(bool),
    DropEnvironment,
    Secret(Key),
    // A person in the dashboard of WorkOS.
    Drift(usize),
    Annotate(usize),
    Remove(usize),
    Stranger,
    Finish(usize),
    /// A directory in one of the states.
    Link(usize, &'static str),
    // Another cluster on the same account.
    Foreign(usize),
    // Accidents of machines.
    Kill(usize),
    Stop(usize),
    Start(usize),
    Compact,
    Jump(usize, i64),
    Webhook(usize),
}

/// The API key that the Secret holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    First,
    Second,
    Revoked,
    Missing,
    /// A key of another account.
    Elsewhere,
}

/// A schedule: every act and every fault of a run.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) seed: Seed,
    /// Duration of the lease, after which a holder that does not answer is replaced.
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
    pub(crate) resync: Duration,
    pub(crate) pace: u32,
    pub(crate) max_deletes: u32,
    pub(crate) weather: FaultRates,
    /// The way in which WorkOS stores and returns values.
    pub(crate) spelling: Spelling,
    /// Percentage of requests that WorkOS itself lets fail.
    pub(crate) sandbox: u8,
    /// Time that a deletion takes at WorkOS.
    pub(crate) deletion_delay: Duration,
    /// Time at which faults stop.
    pub(crate) calm: Duration,
    /// In order.
    pub(crate) acts: Vec<(Duration, Act)>,
}

impl Schedule {
    /// Draws one.
    pub(crate) fn of(number: u64) -> Self {
        let seed = Seed(number);
        let mut dice = seed.of("schedule");
        let calm = dice.millis(60_000, 420_000);
        let poll = *dice.among(&[10, 10, 30, 60]);
        let resync = *dice.among(&[300, 300, 300, 600]);
        let weather = weather(&mut seed.of("weather"), calm);
        let sandbox = *seed.of("sandbox").among(&[0, 5, 10, 25]);
        let deletion_delay = *seed.of("deletions").among(&[0, 0, 3]);
        let lease = *seed.of("lease").among(&[15, 30, 60]);
        Self {
            seed,
            lease: Duration::from_secs(lease),
            poll: Duration::from_secs(poll),
            resync: Duration::from_secs(resync),
            pace: u32::try_from(5 + dice.below(16)).unwrap(),
            max_deletes: u32::try_from(1 + dice.below(3)).unwrap(),
            weather,
            spelling: spelling(&mut seed.of("spelling")),
            sandbox,
            deletion_delay: Duration::from_secs(deletion_delay),
            calm,
            acts: acts(seed, calm),
        }
    }
}

fn spelling(dice: &mut Dice) -> Spelling {
    if dice.percent(40) {
        *dice.among(&SPELLINGS)
    } else {
        Spelling::Exact
    }
}

fn weather(dice: &mut Dice, calm: Duration) -> FaultRates {
    let mut weather = FaultRates {
        api: *dice.among(&[0, 5, 15, 40]),
        workos: *dice.among(&[0, 5, 15]),
        watches: *dice.among(&[0, 30, 100]),
        details: 0,
        never: 0,
        lists: None,
        partitions: Vec::new(),
    };
    for _ in 0..dice.below(3) {
        let from = time(dice, calm);
        weather.partitions.push(Partition {
            replica: usize::from(dice.percent(50)),
            server: if dice.percent(60) {
                Server::Api
            } else {
                Server::WorkOs
            },
            from,
            to: from + dice.millis(2_000, 90_000),
        });
    }
    weather.details = *dice.among(&[0, 0, 30]);
    weather.never = *dice.among(&[0, 0, 20]);
    weather.lists = *dice.among(&[None, None, Some(403), Some(404), Some(500)]);
    weather
}

fn acts(seed: Seed, calm: Duration) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let mut dice = seed.of("beginning");
    for (which, (name, _)) in RESOURCES.iter().enumerate() {
        let is_rival = [ELSEWHERE, RENAMED, THIEF].contains(name);
        if dice.percent(if is_rival { 30 } else { 70 }) {
            let at = if dice.percent(60) {
                Duration::ZERO
            } else {
                time(&mut dice, calm)
            };
            acts.push((at, Act::Create(which)));
        }
    }
    let mut people = seed.of("people");
    for _ in 0..4 + people.below(20) {
        let act = act_of_a_person(&mut people);
        acts.push((time(&mut people, calm), act));
    }
    let mut renames = seed.of("renames");
    if renames.percent(40) {
        acts.extend(a_rename_in_git(&mut renames, calm));
    }
    let mut other_cluster = seed.of("other-cluster");
    if other_cluster.percent(20) {
        let which = other_cluster.below(RESOURCES.len() as u64);
        let at = time(&mut other_cluster, calm);
        acts.push((at, Act::Foreign(usize::try_from(which).unwrap())));
    }
    let mut clear_out = seed.of("clear-out");
    if clear_out.percent(25) {
        acts.extend(all_customers_leave(&mut clear_out, calm));
    }
    let mut teardown = seed.of("teardown");
    if teardown.percent(20) {
        acts.extend(everything_is_deleted(&mut teardown, calm));
    }
    let mut fight = seed.of("fight");
    if fight.percent(25) {
        acts.extend(other_client_writes(&mut fight, calm));
    }
    let mut keys = seed.of("keys");
    if keys.percent(20) {
        let at = time(&mut keys, calm);
        acts.push((at, Act::Secret(Key::Elsewhere)));
        let back = *keys.among(&[Key::First, Key::Second]);
        acts.push((at + keys.millis(1_000, 120_000), Act::Secret(back)));
    }
    let mut suspended = seed.of("suspended");
    for _ in 0..suspended.below(3) {
        let at = time(&mut suspended, calm);
        let which = usize::try_from(suspended.below(RESOURCES.len() as u64)).unwrap();
        acts.push((at, Act::Suspend(which, true)));
        acts.push((
            at + suspended.millis(5_000, 120_000),
            Act::Suspend(which, false),
        ));
    }
    let mut in_use = seed.of("in-use");
    if in_use.percent(30) {
        let at = time(&mut in_use, calm);
        let yes = in_use.percent(50);
        acts.push((at, Act::AllowActiveDeletion(yes)));
    }
    let mut directories = seed.of("directories");
    for _ in 0..directories.below(4) {
        let at = time(&mut directories, calm);
        let which = usize::try_from(directories.below(RESOURCES.len() as u64)).unwrap();
        let state = *directories.among(&DIRECTORIES);
        acts.push((at, Act::Link(which, state)));
    }
    let mut again = seed.of("again");
    if again.percent(40) {
        let which = usize::try_from(again.below(RESOURCES.len() as u64)).unwrap();
        let at = time(&mut again, calm);
        acts.push((at, Act::Remove(which)));
        acts.push((at + again.millis(1_000, 60_000), Act::Recreate(which, true)));
    }
    let mut machines = seed.of("machines");
    for _ in 0..machines.below(6) {
        let at = time(&mut machines, calm);
        let slot = usize::from(machines.percent(50));
        match machines.below(6) {
            0 | 1 => {
                acts.push((at, Act::Kill(slot)));
                acts.push((at + machines.millis(100, 40_000), Act::Start(slot)));
            }
            2 => {
                acts.push((at, Act::Stop(slot)));
                acts.push((at + machines.millis(100, 40_000), Act::Start(slot)));
            }
            3 => acts.push((at, Act::Compact)),
            4 => {
                let ahead = *machines.among(&[-600, -90, 0, 45, 300, 900]);
                acts.push((at, Act::Jump(slot, ahead)));
            }
            _ => acts.push((at, Act::Webhook(slot))),
        }
    }
    acts.sort_by_key(|(at, _)| *at);
    acts
}

/// One resource goes and another comes for the same organization, in any order and at any distance.
fn a_rename_in_git(dice: &mut Dice, calm: Duration) -> Vec<(Duration, Act)> {
    let of = |name: &str| RESOURCES.iter().position(|(one, _)| *one == name).unwrap();
    let (old, new) = if dice.percent(50) {
        (of("initech"), of(RENAMED))
    } else {
        (of("acme"), of("twin"))
    };
    let at = time(dice, calm);
    let (first, second) = (at, at + dice.millis(0, 60_000));
    let policy = *dice.among(&["Delete", "Retain"]);
    let mut acts = vec![
        (Duration::ZERO, Act::Create(old)),
        (at / 2, Act::Policy(old, policy)),
    ];
    if dice.percent(50) {
        acts.extend([(first, Act::Delete(old)), (second, Act::Create(new))]);
    } else {
        acts.extend([(first, Act::Create(new)), (second, Act::Delete(old))]);
    }
    acts
}

/// More is deleted at once than an hour allows.
fn all_customers_leave(dice: &mut Dice, calm: Duration) -> Vec<(Duration, Act)> {
    let at = time(dice, calm);
    let mut acts = vec![(at, Act::AllowDeletion(true))];
    for (which, _) in RESOURCES.iter().enumerate() {
        acts.push((at, Act::Policy(which, "Delete")));
        acts.push((at + dice.millis(5_000, 40_000), Act::Delete(which)));
    }
    acts
}

/// The environment, its Secret and all that belongs to it are deleted, in any order.
fn everything_is_deleted(dice: &mut Dice, calm: Duration) -> Vec<(Duration, Act)> {
    let at = time(dice, calm);
    let mut acts = vec![(at, Act::AllowDeletion(true))];
    let mut together = vec![Act::DropEnvironment, Act::Secret(Key::Missing)];
    for (which, _) in RESOURCES.iter().enumerate() {
        acts.push((at, Act::Policy(which, "Delete")));
        together.push(Act::Delete(which));
    }
    let begin = at + dice.millis(5_000, 60_000);
    acts.extend(
        together
            .into_iter()
            .map(|act| (begin + dice.millis(0, 3_000), act)),
    );
    acts
}

/// Draws the acts of another client that keeps renaming an organization.
fn other_client_writes(dice: &mut Dice, calm: Duration) -> Vec<(Duration, Act)> {
    let which = usize::try_from(dice.below(RESOURCES.len() as u64)).unwrap();
    let mut at = time(dice, calm / 2);
    let mut acts = Vec::new();
    for _ in 0..6 {
        at += dice.millis(5_000, 40_000);
        acts.push((at, Act::Drift(which)));
    }
    acts
}

/// Draws an act of a person.
fn act_of_a_person(dice: &mut Dice) -> Act {
    let which = usize::try_from(dice.below(RESOURCES.len() as u64)).unwrap();
    let yes = dice.percent(50);
    match dice.below(24) {
        0 | 1 => Act::Create(which),
        2 | 3 => Act::Rename(which),
        4 => Act::Retag(which),
        5 => Act::Pause(which, yes),
        6 => Act::Observe(which, yes),
        7 => Act::Policy(which, if yes { "Delete" } else { "Retain" }),
        8..=10 => Act::Delete(which),
        11 => Act::Release(which),
        12 => Act::ForeignCondition(which),
        13 => Act::ForeignFinalizer(which, yes),
        14 => Act::Unreadable,
        15 => Act::AllowDeletion(yes),
        16 => match dice.below(4) {
            0 => Act::DropEnvironment,
            _ => Act::PauseEnvironment(yes),
        },
        17 => Act::Secret(*dice.among(&[Key::First, Key::Second, Key::Revoked, Key::Missing])),
        18 | 19 => Act::Drift(which),
        20 => Act::Annotate(which),
        21 => Act::Remove(which),
        22 => Act::Stranger,
        _ => Act::Finish(which),
    }
}

/// Some time while faults last.
fn time(dice: &mut Dice, calm: Duration) -> Duration {
    dice.millis(0, u64::try_from(calm.as_millis()).unwrap())
}
