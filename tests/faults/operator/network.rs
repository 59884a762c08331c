//! The network between the replicas and their two servers: it draws the delay and the faults of
//! each exchange from the seed, the replica and the subject.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use portalctl_platform::clock::{Clock, SystemClock};
use tokio::time::Instant;

use super::api::End;
use super::dice::{Dice, Seed};

/// The longest way of a request to its server. Who holds the lease is decided by time: a request that
/// is on its way for longer than the margin of the lease can come when it has changed hands, and
/// nothing at the sender's end can keep it from that.
const LONGEST_WAY: u64 = 2_000;

/// The server that a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Api,
    WorkOs,
}

/// Outcome of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// Another client writes to the same object first.
    Outrun,
    /// The server says so, and has done nothing.
    Refused(u16),
    /// The server says so, and has done it all the same.
    Failed(u16),
    /// The connection breaks before the request arrives.
    BrokenBefore,
    /// The connection breaks, and the request is carried out.
    BrokenAfter,
    /// No answer ever comes, nor did the request arrive.
    SilentBefore,
    /// No answer ever comes, and the request is carried out.
    SilentAfter,
}

impl Fate {
    /// Returns whether the request arrives.
    pub(crate) const fn arrives(self) -> bool {
        !matches!(
            self,
            Self::Refused(_) | Self::BrokenBefore | Self::SilentBefore
        )
    }

    /// Returns whether the sender learns what became of the request.
    pub(crate) const fn is_told(self) -> bool {
        matches!(self, Self::Answered | Self::Outrun)
    }
}

/// One exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    /// Latency of the request.
    pub(crate) before: Duration,
    pub(crate) fate: Fate,
    /// Latency of the answer.
    pub(crate) after: Duration,
}

/// Fault rates while faults last.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultRates {
    /// Percentage of failing exchanges with the API server.
    pub(crate) api: u64,
    /// Percentage of failing exchanges with WorkOS, beside the faults of WorkOS itself.
    pub(crate) workos: u64,
    /// Percentage of watches that end badly.
    pub(crate) watches: u64,
    /// Of how many percent of the objects at WorkOS no detail can be read.
    pub(crate) details: u64,
    /// Of how many percent of the objects no detail can ever be read, also in calm weather.
    pub(crate) never: u64,
    /// The answer to the whole lists of connections and directories, where they cannot be had.
    pub(crate) lists: Option<u16>,
    /// Partitions: a replica, the server that it cannot reach, and the time.
    pub(crate) partitions: Vec<Partition>,
}

/// A replica that does not reach a server for a while.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    pub(crate) replica: usize,
    pub(crate) server: Server,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

/// The network.
pub(crate) struct Network {
    seed: Seed,
    began: Instant,
    calm: Duration,
    weather: FaultRates,
    drawn: Mutex<BTreeMap<String, u64>>,
}

impl Network {
    /// One whose faults stop after a while.
    pub(crate) fn new(seed: Seed, calm: Duration, weather: FaultRates) -> Self {
        Self {
            seed,
            began: SystemClock.instant(),
            calm,
            weather,
            drawn: Mutex::default(),
        }
    }

    /// Returns the time since the schedule began.
    pub(crate) fn passed(&self) -> Duration {
        SystemClock.instant() - self.began
    }

    /// Returns the time at which faults stop.
    pub(crate) fn calm(&self) -> Instant {
        self.began + self.calm
    }

    /// Draws the outcome of an exchange.
    pub(crate) fn exchange(&self, replica: usize, server: Server, about: &str) -> Exchange {
        let mut dice = self.draw(&format!("{replica} {server:?} {about}"));
        let passed = self.passed();
        let (before, after) = (dice.millis(1, 20), dice.millis(1, 40));
        let quiet = Exchange {
            before,
            fate: Fate::Answered,
            after,
        };
        if passed >= self.calm {
            return quiet;
        }
        let is_cut = self.weather.partitions.iter().any(|cut| {
            cut.replica == replica && cut.server == server && (cut.from..cut.to).contains(&passed)
        });
        if is_cut {
            let fate = *dice.among(&[Fate::BrokenBefore, Fate::SilentBefore]);
            return Exchange { fate, ..quiet };
        }
        let percent = match server {
            Server::Api => self.weather.api,
            Server::WorkOs => self.weather.workos,
        };
        if !dice.percent(percent) {
            return quiet;
        }
        let slow = dice.percent(30);
        let before = if slow {
            dice.millis(20, LONGEST_WAY)
        } else {
            before
        };
        let after = if slow { dice.millis(20, 8_000) } else { after };
        let fate = fate(&mut dice, server);
        Exchange {
            before,
            fate,
            after,
        }
    }

    /// Returns whether a detail of one object cannot be read while faults last, however often it is
    /// tried.
    pub(crate) fn breaks_detail(&self, about: &str) -> bool {
        let mut dice = self.seed.of(&format!("detail {about}"));
        let is_broken = self.passed() < self.calm && dice.percent(self.weather.details);
        is_broken || self.is_unreadable(about)
    }

    /// Returns whether a detail of one object can never be read.
    pub(crate) fn is_unreadable(&self, about: &str) -> bool {
        let mut dice = self.seed.of(&format!("never {about}"));
        dice.percent(self.weather.never)
    }

    /// Returns whether the usage of an organization can never be read.
    pub(crate) fn hides_usage(&self, id: &str) -> bool {
        self.is_unreadable(&format!("GET /organizations/{id}/audit_log_configuration"))
    }

    /// The answer to a whole list that cannot be had.
    pub(crate) const fn no_list(&self) -> Option<u16> {
        self.weather.lists
    }

    /// Draws the delay of a watch's events, its duration and its end.
    pub(crate) fn watch(&self, replica: usize, about: &str) -> (Duration, Duration, End) {
        let mut dice = self.draw(&format!("{replica} watch {about}"));
        let quiet = (dice.millis(1, 50), Duration::from_secs(290), End::Closed);
        if self.passed() >= self.calm || !dice.percent(self.weather.watches) {
            return quiet;
        }
        let end = *dice.among(&[End::Closed, End::Torn, End::Silent]);
        (dice.millis(1, 3_000), dice.millis(100, 90_000), end)
    }

    /// Each subject draws for itself, and each time anew.
    fn draw(&self, subject: &str) -> Dice {
        let mut drawn = self.drawn.lock().unwrap();
        let count = drawn.entry(subject.to_owned()).or_default();
        *count += 1;
        self.seed.of(&format!("{subject} {count}"))
    }
}

fn fate(dice: &mut Dice, server: Server) -> Fate {
    const EITHER: [Fate; 6] = [
        Fate::Answered,
        Fate::Failed(500),
        Fate::BrokenBefore,
        Fate::BrokenAfter,
        Fate::SilentBefore,
        Fate::SilentAfter,
    ];
    const API: [Fate; 4] = [
        Fate::Outrun,
        Fate::Refused(429),
        Fate::Refused(500),
        Fate::Failed(504),
    ];
    match server {
        Server::Api if dice.percent(40) => *dice.among(&API),
        Server::Api | Server::WorkOs => *dice.among(&EITHER),
    }
}
