//! DNS: looks TXT records up, as the world sees them.
//!
//! Goes in: the record that proves a domain. Comes out: what the resolvers answered, for
//! `verification` to judge. Everything is bounded: each try, and the whole lookup.

mod resolver;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;

use portalctl_core::verification::{
    Answer, Answers, DnsCheck, Record, Trouble, check_record, combine,
};
use portalctl_platform::clock::SharedClock;

pub use resolver::Resolver;

/// Looks up the TXT records of a name.
pub trait TxtLookup: Send + Sync {
    /// The TXT records of a full name.
    fn texts(&self, name: &str) -> impl Future<Output = Answer> + Send;
}

/// Time limits of a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Longest time for one try of one question; there are two tries.
    pub attempt: Duration,
    /// Longest time for all questions about one record, the wrong names included.
    pub total: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(2),
            total: Duration::from_secs(8),
        }
    }
}

/// Resolvers to ask.
pub struct Resolvers {
    /// With the address of each, as people know it.
    asked: Vec<(String, Result<Resolver, Trouble>)>,
    bounds: Bounds,
    clock: SharedClock,
}

impl Resolvers {
    /// The named resolvers, each by itself; without a name, the system's.
    pub fn new(addresses: &[SocketAddr], bounds: Bounds, clock: SharedClock) -> Self {
        let named = |address: &SocketAddr| {
            let name = match address.port() {
                resolver::PORT => address.ip().to_string(),
                _ => address.to_string(),
            };
            (name, Resolver::at(*address, bounds))
        };
        let mut asked: Vec<_> = addresses.iter().map(named).collect();
        if asked.is_empty() {
            asked.push(("the system's resolver".to_owned(), Resolver::system(bounds)));
        }
        Self {
            asked,
            bounds,
            clock,
        }
    }

    /// Asks every resolver about a record, all at once.
    pub async fn look(&self, record: &Record) -> Look {
        let answered = self.asked.iter().map(async |(name, resolver)| {
            let answers = match resolver {
                Ok(resolver) => look(resolver, record, self.bounds.total, &self.clock).await,
                Err(trouble) => failed(trouble.clone()),
            };
            (name.clone(), answers)
        });
        Look(join_all(answered).await)
    }
}

/// Answers of all resolvers about a record.
#[derive(Debug, Clone)]
pub struct Look(Vec<(String, Answers)>);

impl Look {
    /// Checks a record by the answers; the record may be a later one of the
    /// same domain.
    pub fn check(&self, record: &Record) -> DnsCheck {
        let seen = self.0.iter();
        combine(
            seen.map(|(name, answers)| (name.clone(), check_record(record, answers)))
                .collect(),
        )
    }
}

/// Asks one resolver about a record: at its own name, and at the usual wrong names only when it is
/// not there. A question without an answer within `total` counts as failed by timeout.
pub async fn look(
    lookup: &impl TxtLookup,
    record: &Record,
    total: Duration,
    clock: &SharedClock,
) -> Answers {
    let deadline = clock.instant() + total;
    let texts = async |name: &str| {
        tokio::select! {
            answer = lookup.texts(name) => answer,
            () = clock.sleep_until(deadline) => Answer::Failed(Trouble::Timeout),
        }
    };
    let here = texts(record.host().as_str()).await;
    let is_there = match &here {
        Answer::Texts(found) => found.contains(&record.reveal()),
        Answer::NoText | Answer::NoName => false,
        // Whoever cannot tell of one name would only take longer to tell nothing of the others.
        Answer::Failed(_) => true,
    };
    if is_there {
        return Answers {
            here,
            elsewhere: Vec::new(),
        };
    }
    let names = record.elsewhere();
    let answers = join_all(names.iter().map(|name| texts(name))).await;
    Answers {
        here,
        elsewhere: names.into_iter().zip(answers).collect(),
    }
}

fn failed(trouble: Trouble) -> Answers {
    Answers {
        here: Answer::Failed(trouble),
        elsewhere: Vec::new(),
    }
}
