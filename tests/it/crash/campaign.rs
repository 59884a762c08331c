//! Number and moments of the kills, drawn from one seed.

use portalctl_platform::random::{SplitMix64, mix};

use super::victim::Ending;

/// Number of kills of all campaigns together, unless `PORTALCTL_KILLS` sets another.
const KILLS: u64 = 20;
/// The seed, unless `PORTALCTL_SEED` says otherwise.
const SEED: u64 = 1;
/// Maximum number of attempts for a kill.
const ATTEMPTS: u64 = 5;

/// Kind of process that is killed. All campaigns have the same share of the kills.
#[derive(Debug, Clone, Copy)]
pub(super) enum Campaign {
    Apply,
    Prune,
    Import,
    SavedPlan,
    SandboxOfACommand,
    SandboxServer,
}

impl Campaign {
    const COUNT: u64 = 6;

    fn kills(self) -> u64 {
        let all = variable("PORTALCTL_KILLS", KILLS);
        // The remainder of the division goes to the first ones.
        (all + Self::COUNT - 1 - self as u64) / Self::COUNT
    }

    /// Makes the kills of the campaign. A kill that comes after the victim has finished does not
    /// count: on a fast machine the moment can be over before it is noticed.
    pub(super) fn run(self, mut kill: impl FnMut(&mut Draw) -> Ending) {
        let (seed, kills) = (variable("PORTALCTL_SEED", SEED), self.kills());
        let (mut attempts, mut in_the_middle) = (0, 0);
        while in_the_middle < kills {
            attempts += 1;
            assert!(attempts <= kills * ATTEMPTS, "hardly a kill came in time");
            println!("{self:?}: attempt {attempts} at {kills} kills, PORTALCTL_SEED={seed}");
            let mut draw = Draw::new(seed, self as u64, attempts);
            if kill(&mut draw) == Ending::Killed {
                in_the_middle += 1;
            }
        }
        println!("{self:?}: {kills} kills in {attempts} attempts");
    }
}

fn variable(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().expect(name),
        Err(_) => otherwise,
    }
}

/// The numbers of one kill: one more kill does not move the others.
pub(super) struct Draw(SplitMix64);

impl Draw {
    fn new(seed: u64, campaign: u64, number: u64) -> Self {
        let campaign = mix(seed) ^ campaign;
        Self(SplitMix64::new(mix(campaign) ^ number))
    }

    /// Returns a number from 0 to the bound, exclusive.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.0.below(bound)).unwrap()
    }
}
