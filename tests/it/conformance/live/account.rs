//! An account that others use too: what a run spends there, what it makes there, and by which names.
//!
//! Goes in: every request and its answer. Comes out: whether another request may be sent, and the
//! organizations that the run has made and not removed. Never sends anything itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Beginning of every name that a run of the suite gives.
const PREFIX: &str = "portalctl-live-";
/// Length of the random part that follows it.
const RANDOM: usize = 8;

/// One run's part of an account.
pub(crate) struct Account {
    /// `portalctl-live-` and a random part.
    tag: String,
    budget: usize,
    spent: AtomicUsize,
    is_stopped: AtomicBool,
    /// Ids of the organizations that were made and not removed.
    made: Mutex<Vec<String>>,
}

impl Account {
    /// Creates a run's part of an account, of which it sends at most so many requests.
    pub(crate) fn new(budget: usize) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self {
            tag: format!("{PREFIX}{}", &random[..RANDOM]),
            budget,
            spent: AtomicUsize::new(0),
            is_stopped: AtomicBool::new(false),
            made: Mutex::default(),
        }
    }

    /// Name of the run, with which everything begins that it makes.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Returns an organization's name with the run's in front.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{} {name}", self.tag)
    }

    /// Returns an external id with the run's in front.
    pub(crate) fn external_id(&self, id: &str) -> String {
        format!("{}-{id}", self.tag)
    }

    /// Returns a domain below the run's own part of example.com.
    pub(crate) fn domain(&self, domain: &str) -> String {
        let label = domain.strip_suffix(".example").unwrap_or(domain);
        format!("{label}.{}.example.com", self.tag)
    }

    /// Takes the run's own part out of a text again.
    pub(crate) fn plain(&self, text: &str) -> String {
        let tag = &self.tag;
        text.replace(&format!(".{tag}.example.com"), ".example")
            .replace(&format!("{tag}-"), "")
            .replace(&format!("{tag} "), "")
    }

    /// Ends the run: from now on it only removes.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Returns whether the run was ended.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Takes one request from the budget; returns false where nothing is left, and after the end for
    /// everything but removing.
    pub(crate) fn spend(&self, method: &str) -> bool {
        if self.is_stopped() && method != "DELETE" {
            return false;
        }
        let take = |spent| (spent < self.budget).then_some(spent + 1);
        let taken = self
            .spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok()
    }

    /// Requests sent so far.
    pub(crate) fn spent(&self) -> usize {
        self.spent.load(Ordering::Relaxed)
    }

    /// Requests that may still be sent.
    pub(crate) fn left(&self) -> usize {
        self.budget - self.spent()
    }

    /// Learns from an answer which organizations were made and removed.
    pub(crate) fn note(&self, method: &str, path: &str, status: u16, answer: &Value) {
        let is_done = (200..300).contains(&status);
        match (method, path.strip_prefix("/organizations/")) {
            ("POST", None) if path == "/organizations" && is_done => {
                if let Some(id) = answer["id"].as_str() {
                    self.lock().push(id.to_owned());
                }
            }
            ("DELETE", Some(id)) if is_done || status == 404 => {
                self.lock().retain(|made| made != id);
            }
            _ => {}
        }
    }

    /// Ids of the organizations that the run has made and not removed.
    pub(crate) fn made(&self) -> Vec<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a name is one that a run of the suite gives, this one or an earlier one.
pub(crate) fn is_of_a_run(name: &str) -> bool {
    let Some((random, _)) = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once(' '))
    else {
        return false;
    };
    random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Beginning of every name that a run of the suite gives, to search for.
pub(crate) const fn prefix() -> &'static str {
    PREFIX
}
