//! Fault injection: rules that decide which requests fail, and how. Pure: nothing here waits or
//! sends.
//!
//! A rule has a matcher and a fault. Rules are evaluated in order and the first one that matches
//! decides; later rules do not count the request. A seeded schedule comes last. Faults *before* and
//! *after* the effect are told apart, because the second kind creates duplicates.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use http::Method;
use portalctl_platform::random::{fnv1a, mix};
use serde::Serialize;

/// Default share of requests that a schedule lets fail, in percent.
pub const DEFAULT_PERCENT: u8 = 10;
/// Most faults that are remembered.
const MAX_FIRED: usize = 10_000;
/// Most subjects that a schedule tells apart; it starts over beyond that.
const MAX_SUBJECTS: usize = 100_000;
/// Duration of a schedule's rate limits and slow answers.
const SCHEDULED_RETRY: Duration = Duration::from_secs(1);
const SCHEDULED_DELAY: Duration = Duration::from_millis(250);

/// Effect of a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// None: the request was not carried out.
    Before,
    /// Full: the request was carried out, without the client seeing it.
    After,
}

/// Fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Answer 429 with `Retry-After`, without effect.
    Limit {
        /// Value of `Retry-After`.
        retry_after: Duration,
    },
    /// Answer with a server error.
    Status {
        /// HTTP status, 500 to 599.
        status: u16,
        /// Effect of the request.
        effect: Effect,
    },
    /// Carry the request out, then close the connection without an answer.
    LoseReply,
    /// Close the connection at once, without effect.
    ResetBefore,
    /// Carry the request out, then close the connection in the middle of the answer.
    Truncate,
    /// Carry the request out, then answer 200 with an HTML page, as a proxy might.
    NotJson,
    /// Delay the answer.
    Slow(Duration),
}

impl Fault {
    /// Returns the name of the fault.
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

/// Error of a request without a complete answer.
///
/// Its effect is for tests to inspect: a client cannot know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection ended before the answer was complete")]
pub struct Lost {
    /// Effect of the request.
    pub effect: Effect,
}

/// Filter of the requests that a rule is about.
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

/// Matches every request.
pub fn any() -> Matcher {
    Matcher {
        method: None,
        path: None,
        which: Which::All,
    }
}

/// Matches a method and a path, in which `*` stands for one segment and a final `**` for any
/// number.
pub fn on(method: Method, path: &str) -> Matcher {
    Matcher {
        method: Some(method),
        path: Some(path.to_owned()),
        which: Which::All,
    }
}

impl Matcher {
    /// Matches a method and a path; `None` matches any.
    pub fn of(method: Option<Method>, path: Option<String>) -> Self {
        let which = Which::All;
        Self {
            method,
            path,
            which,
        }
    }

    /// Restricts the rule to the nth matching request, counted from 1.
    #[must_use]
    pub fn nth(mut self, number: u64) -> Self {
        self.which = Which::Nth(number);
        self
    }

    /// Restricts the rule to every nth matching request.
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

/// Returns whether a path fits a pattern.
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

/// Fault that was injected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// Method of the request.
    pub method: String,
    /// Path of the request.
    pub path: String,
    /// Injected fault.
    pub fault: Fault,
}

/// Fault rules of a sandbox, with an optional schedule; empty by default.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    schedule: Option<Schedule>,
    fired: VecDeque<Fired>,
}

impl Faults {
    /// Creates an empty set of rules.
    pub fn none() -> Self {
        Self::default()
    }

    /// Creates a schedule: `percent` of the requests fail, in every possible way, as the seed
    /// decides.
    ///
    /// Each method and path draws numbers of its own, so one more organization does not change the
    /// fate of the others, and the order of requests to different paths does not matter.
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

    /// Returns the rules with one more, evaluated last.
    #[must_use]
    pub fn with(mut self, matcher: Matcher, fault: Fault) -> Self {
        self.add(matcher, fault);
        self
    }

    /// Adds a rule, evaluated last.
    pub fn add(&mut self, matcher: Matcher, fault: Fault) {
        self.rules.push(Rule {
            matcher,
            fault,
            seen: 0,
        });
    }

    /// Removes every rule, the schedule, and the injected faults.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the injected faults, oldest first.
    pub fn fired(&self) -> impl Iterator<Item = &Fired> {
        self.fired.iter()
    }

    /// Decides the fault of a request.
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

/// Schedule that depends on the seed and the requests alone.
#[derive(Clone)]
struct Schedule {
    seed: u64,
    percent: u8,
    /// Number of requests by subject.
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
    mix(fnv1a(text, seed))
}

#[cfg(test)]
mod tests;
