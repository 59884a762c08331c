//! Faults: which request fails, and how. Decisions only: nothing here waits, sends or drops.
//!
//! A rule has a matcher and a fault. The rules are asked in order, and the first that does not
//! pass decides; a rule that is not asked does not count the request. A schedule by seed comes
//! last. What happens *before* the effect and what happens *after* it are told apart: the second
//! is where duplicates are born.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use http::Method;
use serde::Serialize;

/// How many percent of requests a schedule lets fail unless somebody says otherwise.
pub const DEFAULT_PERCENT: u8 = 10;
/// How many faults are remembered.
const MAX_FIRED: usize = 10_000;
/// At most so many subjects of a schedule are told apart; then it begins again.
const MAX_SUBJECTS: usize = 100_000;
/// For how long a schedule's limits and slow answers last.
const SCHEDULED_RETRY: Duration = Duration::from_secs(1);
const SCHEDULED_DELAY: Duration = Duration::from_millis(250);

/// Whether a request that failed was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing was done.
    Before,
    /// All of it was done, unseen.
    After,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429 with `Retry-After`; nothing is done.
    Limit {
        /// When to come back.
        retry_after: Duration,
    },
    /// A server error.
    Status {
        /// Which, 500 to 599.
        status: u16,
        /// Whether the request was carried out all the same.
        effect: Effect,
    },
    /// The request is carried out, and the connection ends without an answer.
    LoseReply,
    /// The connection ends at once; nothing is done.
    ResetBefore,
    /// The request is carried out, and the connection ends in the middle of the answer.
    Truncate,
    /// The request is carried out, and something in between answers 200 with a page of its own.
    NotJson,
    /// The answer comes late.
    Slow(Duration),
}

impl Fault {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "limit",
            Self::Status { .. } => "status",
            Self::LoseReply => "lose_reply",
            Self::ResetBefore => "reset_before",
            Self::Truncate => "truncate",
            Self::NotJson => "not_json",
            Self::Slow(_) => "slow",
        }
    }
}

/// No complete answer has arrived.
///
/// Whether the request was carried out is for tests to look at: a client cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection ended before the answer was complete")]
pub struct Lost {
    /// Whether the request was carried out.
    pub effect: Effect,
}

/// Which requests a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    method: Option<Method>,
    path: Option<String>,
    which: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Nth(u64),
    Every(u64),
}

/// Every request.
pub fn any() -> Matcher {
    Matcher {
        method: None,
        path: None,
        which: Which::All,
    }
}

/// Requests of a method and a path, in which `*` stands for one segment and a last `**` for any.
pub fn on(method: Method, path: &str) -> Matcher {
    Matcher {
        method: Some(method),
        path: Some(path.to_owned()),
        which: Which::All,
    }
}

impl Matcher {
    /// Of any method if there is none, of any path if there is none.
    pub fn of(method: Option<Method>, path: Option<String>) -> Self {
        let which = Which::All;
        Self {
            method,
            path,
            which,
        }
    }

    /// Only the nth of them, counted from 1.
    #[must_use]
    pub fn nth(mut self, number: u64) -> Self {
        self.which = Which::Nth(number);
        self
    }

    /// Every nth of them.
    #[must_use]
    pub fn every(mut self, number: u64) -> Self {
        self.which = Which::Every(number.max(1));
        self
    }

    fn is_about(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path.as_ref().is_none_or(|wanted| fits(wanted, path))
    }
}

/// Whether a path is one that a pattern stands for.
fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.trim_matches('/').split('/');
    for wanted in pattern.trim_matches('/').split('/') {
        match (wanted, segments.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[derive(Debug, Clone)]
struct Rule {
    matcher: Matcher,
    fault: Fault,
    seen: u64,
}

impl Rule {
    fn verdict(&mut self, method: &Method, path: &str) -> Option<Fault> {
        if !self.matcher.is_about(method, path) {
            return None;
        }
        self.seen += 1;
        let fires = match self.matcher.which {
            Which::All => true,
            Which::Nth(number) => self.seen == number,
            Which::Every(number) => self.seen.is_multiple_of(number),
        };
        fires.then_some(self.fault)
    }
}

/// A fault that came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// The method of the request.
    pub method: String,
    /// Its path.
    pub path: String,
    /// What went wrong with it.
    pub fault: Fault,
}

/// The faults of a sandbox: none unless asked for.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    schedule: Option<Schedule>,
    fired: VecDeque<Fired>,
}

impl Faults {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// A schedule by seed: so many percent of requests fail, in every way there is.
    ///
    /// Each method and path draws for itself, so one more organization does not change what
    /// happens to the others, and the order of requests to different paths does not matter.
    pub fn seeded(seed: u64, percent: u8) -> Self {
        Self {
            schedule: Some(Schedule {
                seed,
                percent: percent.min(100),
                drawn: HashMap::new(),
            }),
            ..Self::default()
        }
    }

    /// With one rule more, asked after those that are there.
    #[must_use]
    pub fn with(mut self, matcher: Matcher, fault: Fault) -> Self {
        self.add(matcher, fault);
        self
    }

    /// Adds a rule, asked after those that are there.
    pub fn add(&mut self, matcher: Matcher, fault: Fault) {
        self.rules.push(Rule {
            matcher,
            fault,
            seen: 0,
        });
    }

    /// Forgets every rule, the schedule, and what came about.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What came about, oldest first.
    pub fn fired(&self) -> impl Iterator<Item = &Fired> {
        self.fired.iter()
    }

    /// What is to go wrong with a request.
    pub(crate) fn verdict(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let by_rule = self
            .rules
            .iter_mut()
            .find_map(|rule| rule.verdict(method, path));
        let fault = by_rule.or_else(|| self.schedule.as_mut()?.verdict(method, path))?;
        if self.fired.len() == MAX_FIRED {
            self.fired.pop_front();
        }
        self.fired.push_back(Fired {
            method: method.to_string(),
            path: path.to_owned(),
            fault,
        });
        Some(fault)
    }
}

/// Faults that hang on nothing but a seed and the requests.
#[derive(Clone)]
struct Schedule {
    seed: u64,
    percent: u8,
    /// How many requests each subject has made.
    drawn: HashMap<u64, u64>,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({}:{})", self.seed, self.percent)
    }
}

impl Schedule {
    fn verdict(&mut self, method: &Method, path: &str) -> Option<Fault> {
        if self.drawn.len() >= MAX_SUBJECTS {
            self.drawn.clear();
        }
        let subject = hash(method.as_str(), hash(path, self.seed));
        let count = self.drawn.entry(subject).or_default();
        *count += 1;
        let number = mix(subject ^ mix(*count));
        if number % 100 >= u64::from(self.percent) {
            return None;
        }
        Some(match (number / 100) % 8 {
            0 => Fault::Limit {
                retry_after: SCHEDULED_RETRY,
            },
            1 => Fault::Status {
                status: 503,
                effect: Effect::Before,
            },
            2 => Fault::Status {
                status: 500,
                effect: Effect::After,
            },
            3 => Fault::LoseReply,
            4 => Fault::ResetBefore,
            5 => Fault::Truncate,
            6 => Fault::NotJson,
            _ => Fault::Slow(SCHEDULED_DELAY),
        })
    }
}

fn hash(text: &str, seed: u64) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(hash)
}

/// The mixing step of `SplitMix64`.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
