//! Records the trace of a schedule, and checks the invariants on every event.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use portalctl_platform::clock::{Clock, SystemClock};
use serde_json::Value;
use tokio::time::Instant;
use workos_sandbox::fault::Lost;

use super::api::{Call, Kind};
use super::knowledge::{Knowledge, Permissions};
use super::lookups::Lookups;
use super::network::{Fate, Network};
use crate::apply::kinds::Spelling;

/// Requests may come a little closer together than the pace, to catch up with a late one.
const CATCH_UP: usize = 1;
/// The most writes of one field within an hour, for one version of a resource.
const MOST_WRITES: usize = 3;
/// An hour by clocks that jump.
const HOUR: Duration = Duration::from_mins(60 - 25);

/// Time within which a write whose answer was lost is sent again.
const AGAIN: Duration = Duration::from_secs(5);

/// A write of a name.
struct Naming {
    at: Instant,
    process: usize,
    /// The process learnt that it was done.
    is_told: bool,
    /// Repeats the write before, which was sent for the same change, and its answer was lost.
    is_again: bool,
}

/// A request to WorkOS.
#[derive(Debug, Clone)]
pub(crate) struct PortalCall {
    method: Method,
    path: String,
    pub(crate) shown: String,
    pub(crate) is_write: bool,
    /// The organization that it is about.
    pub(crate) organization: Option<String>,
    pub(crate) key: String,
    body: Value,
    /// The query names no organization.
    is_list: bool,
    /// Time at which it was sent. Knowledge that the process gained later does not count for it.
    sent: Instant,
}

impl PortalCall {
    /// Reads a request.
    pub(crate) fn of(request: &Request<Bytes>) -> Self {
        let path = request.uri().path().to_owned();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let in_path = path.strip_prefix("/organizations/");
        let in_path = in_path.and_then(|rest| rest.split('/').next());
        let in_path = in_path.filter(|id| id.starts_with("org_"));
        let organization = in_path.or_else(|| body["organization_id"].as_str());
        let key = request.headers().get("authorization");
        let key = key.and_then(|key| key.to_str().ok()).unwrap_or_default();
        Self {
            shown: format!("{} {path}", request.method()),
            is_write: !request.method().is_safe(),
            organization: organization.map(str::to_owned),
            key: key.trim_start_matches("Bearer ").to_owned(),
            method: request.method().clone(),
            path,
            body,
            is_list: !request
                .uri()
                .query()
                .unwrap_or_default()
                .contains("organization_id="),
            sent: SystemClock.instant(),
        }
    }

    /// The name that an organization is given which is there.
    pub(crate) fn name(&self) -> Option<&str> {
        let is_update = self.method == Method::PUT && self.organization.is_some();
        self.body["name"].as_str().filter(|_| is_update)
    }

    /// Returns whether the request reads a detail of one object alone: its contacts or its
    /// certificates.
    pub(crate) fn reads_a_detail(&self) -> bool {
        self.method.is_safe()
            && self.path.split('/').count() > 3
            && !self.path.contains("external_id")
    }

    /// Returns whether the request reads the connections or directories of the whole account.
    pub(crate) fn reads_a_whole_list(&self) -> bool {
        self.method.is_safe()
            && self.is_list
            && ["/connections", "/directories"].contains(&&*self.path)
    }

    fn creates_organization(&self) -> bool {
        self.method == Method::POST && self.path == "/organizations"
    }

    pub(crate) fn deletes_organization(&self) -> bool {
        self.method == Method::DELETE && self.path.starts_with("/organizations/")
    }
}

/// Trace and findings of a schedule.
pub(crate) struct Witness {
    network: Arc<Network>,
    spelling: Spelling,
    began: Instant,
    pace: usize,
    secrets: Vec<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trace: Vec<String>,
    broken: Vec<String>,
    knowledge: Knowledge,
    /// Times of the requests to WorkOS within the last second, by process and API key.
    sent: BTreeMap<(usize, String), VecDeque<Instant>>,
    /// Time at which a process last read an organization by id.
    read: BTreeMap<(usize, String), Instant>,
    /// Time at which a person last changed the metadata of an organization in the dashboard.
    edited: BTreeMap<String, Instant>,
    /// Times at which an organization was given a name, by that name and the version of its
    /// resource.
    named: BTreeMap<(String, String, u64), Vec<Naming>>,
    lookups: Lookups,
    /// An environment permitted the deletion of organizations in use at some time.
    ever_allowed: bool,
    /// Time at which another cluster last took over an organization.
    taken: BTreeMap<String, Instant>,
    tally: Tally,
}

/// Counts of acts and writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Statuses of organizations.
    pub(crate) statuses: u64,
    /// Statuses that said what was there already.
    pub(crate) repeated: u64,
    /// Writes to WorkOS.
    pub(crate) portal_writes: u64,
    /// Requests to WorkOS.
    pub(crate) portal_requests: u64,
}

impl Witness {
    /// Of a schedule with a pace and secrets.
    pub(crate) fn new(
        network: Arc<Network>,
        spelling: Spelling,
        pace: u32,
        secrets: &[&str],
    ) -> Self {
        Self {
            network,
            spelling,
            began: SystemClock.instant(),
            pace: pace as usize,
            secrets: secrets.iter().map(|&secret| secret.to_owned()).collect(),
            state: Mutex::default(),
        }
    }

    /// Returns the way in which WorkOS stores and returns values.
    pub(crate) const fn spelling(&self) -> Spelling {
        self.spelling
    }

    /// Returns whether the usage of an organization can never be read.
    pub(crate) fn hides_usage(&self, id: &str) -> bool {
        self.network.hides_usage(id)
    }

    /// Something happened.
    pub(crate) fn note(&self, what: impl Display) {
        let at = self.passed().as_millis();
        self.state().trace.push(format!("{at:>8} {what}"));
    }

    /// Something happened that must not.
    pub(crate) fn broken(&self, what: impl Display) {
        let at = self.passed().as_millis();
        let mut state = self.state();
        state.trace.push(format!("{at:>8} BROKEN {what}"));
        state.broken.push(format!("after {at} ms: {what}"));
    }

    /// Returns the violated invariants.
    pub(crate) fn all_broken(&self) -> Vec<String> {
        self.state().broken.clone()
    }

    /// Returns every event, in order.
    pub(crate) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// Returns the counts so far.
    pub(crate) fn tally(&self) -> Tally {
        self.state().tally
    }

    /// Returns whether a text contains a secret.
    pub(crate) fn holds_secret(&self, text: &str) -> bool {
        let mut secrets = self.secrets.iter();
        secrets.any(|secret| text.contains(secret.as_str()))
    }

    /// Returns whether a field was written more than once for one version of a resource.
    pub(crate) fn has_fights(&self) -> bool {
        self.state().named.values().any(|times| times.len() > 1)
    }

    /// Returns whether another client keeps renaming an organization.
    pub(crate) fn is_fought_over(&self, id: &str) -> bool {
        let state = self.state();
        let mut named = state.named.iter();
        named.any(|((one, ..), times)| one == id && times.len() > 1)
    }

    /// Returns whether an environment permitted the deletion of organizations in use at some time.
    pub(crate) fn ever_allowed(&self) -> bool {
        self.state().ever_allowed
    }

    /// A process is told of an object.
    pub(crate) fn sees(&self, process: usize, kind: Kind, what: &str, object: &Value) {
        let is_gone = what == "DELETED";
        let at = self.passed();
        if kind == Kind::Environment && object["spec"]["allowActiveDeletion"] == true {
            self.state().ever_allowed = true;
        }
        if let Some((name, permissions)) = Permissions::of(kind, object, is_gone) {
            self.state().knowledge.add(process, name, at, permissions);
        }
    }

    /// A watch of a process tells of an object.
    pub(crate) fn watch_tells(&self, process: usize, kind: Kind, what: &str, object: &Value) {
        self.sees(process, kind, what, object);
        if kind == Kind::Organization {
            let now = SystemClock.instant();
            let is_there = what != "DELETED";
            self.state().lookups.told(process, object, is_there, now);
        }
    }

    /// A process lists objects, and has them all by the time that it watches.
    pub(crate) fn list_tells(&self, process: usize, kind: Kind, object: &Value) {
        self.sees(process, kind, "ADDED", object);
        if kind == Kind::Organization {
            self.state().lookups.listed(process, object);
        }
    }

    /// A process that has what it listed watches what becomes of it.
    pub(crate) fn watches(&self, process: usize, kind: Kind) {
        if kind == Kind::Organization {
            let now = SystemClock.instant();
            self.state().lookups.watches(process, now);
        }
    }

    /// A process looks for one object at the API server itself. Nothing is known by an answer that
    /// does not arrive.
    pub(crate) fn looked_up(&self, process: usize, call: &Call, is_found: bool, arrives: bool) {
        if call.kind == Kind::Organization && (is_found || arrives) {
            let (name, now) = (call.key(), SystemClock.instant());
            let name = format!("{}/{}", name.namespace, name.name);
            self.state().lookups.looked(process, name, is_found, now);
        }
    }

    /// A process wrote to the API server.
    pub(crate) fn api_write(&self, process: usize, call: &Call, holder: Option<&Value>) {
        if self.holds_secret(&call.body.to_string()) {
            self.broken(format_args!("{process} put a secret into {}", call.shown()));
        }
        // The lease guards itself, and a webhook is passed on by whoever takes it.
        let is_nudge = call.body["metadata"]["annotations"].is_object();
        if call.kind != Kind::Lease && !is_nudge && !is_held_by(process, holder) {
            let shown = call.shown();
            self.broken(format_args!(
                "{process} wrote {shown}, and {holder:?} leads"
            ));
        }
    }

    /// The API server dealt with a request.
    pub(crate) fn api_call(&self, process: usize, call: &Call, code: u16, is_changed: bool) {
        let shown = call.shown();
        if call.is_status && code == 200 {
            let mut state = self.state();
            if !is_changed {
                state.tally.repeated += 1;
            } else if call.kind == Kind::Organization {
                state.tally.statuses += 1;
            }
        }
        let repeats = call.is_write() && code == 200 && !is_changed;
        let repeats = if repeats { " again" } else { "" };
        let told = told(&call.body);
        self.note(format_args!("{process} {shown} {code}{repeats}{told}"));
    }

    /// A request to WorkOS is sent.
    pub(crate) fn portal_sent(&self, process: usize, call: &PortalCall) {
        let now = SystemClock.instant();
        let mut state = self.state();
        state.tally.portal_requests += 1;
        let sent = state.sent.entry((process, call.key.clone())).or_default();
        sent.push_back(now);
        while sent
            .front()
            .is_some_and(|at| *at + Duration::from_secs(1) <= now)
        {
            sent.pop_front();
        }
        let count = sent.len();
        drop(state);
        if count > self.pace + CATCH_UP {
            let pace = self.pace;
            self.broken(format_args!(
                "{process} sent {count} requests within a second of {pace}"
            ));
        }
        if call.path.contains("generate_link") || call.path.contains("/invite") {
            self.broken(format_args!("{process} asked for {}", call.shown));
        }
    }

    /// A write arrives at WorkOS. The external id is that of the organization it is about, as it is
    /// there.
    pub(crate) fn portal_write(
        &self,
        process: usize,
        call: &PortalCall,
        external_id: Option<String>,
        holder: Option<&Value>,
    ) {
        let at = self.passed();
        let shown = &call.shown;
        if !is_held_by(process, holder) {
            self.broken(format_args!("{process} sent {shown}, and {holder:?} leads"));
        }
        let created = call.body["external_id"].as_str().map(str::to_owned);
        let is_gone = call.organization.is_some() && external_id.is_none();
        let about = external_id.or(created).unwrap_or_default();
        let state = self.state();
        let is_allowed = if call.deletes_organization() {
            state.knowledge.lets_delete(process, &about, at)
        } else {
            state.knowledge.lets_write(process, &about, at)
        };
        let is_there = call.organization.is_some();
        let is_lost = !is_there && state.knowledge.had(process, &about, at);
        drop(state);
        if is_lost && call.creates_organization() {
            self.broken(format_args!(
                "{process} created {about} again, which was deleted, and nobody asked"
            ));
        }
        // Requests about an organization that is gone have no effect.
        if !is_allowed && !is_gone {
            self.broken(format_args!(
                "{process} sent {shown} about {about:?}, as nobody asked"
            ));
        }
    }

    /// A write about an organization arrives that somebody holds, by its mark.
    pub(crate) fn held_write(&self, process: usize, call: &PortalCall, mark: &str) {
        let shown = &call.shown;
        let Some(id) = call.organization.clone() else {
            return;
        };
        let parts = |mark: &str| -> Option<(String, String, String)> {
            let mut parts = mark.split('/').map(str::to_owned);
            Some((parts.next()?, parts.next()?, parts.next()?))
        };
        let Some((cluster, namespace, name)) = parts(mark) else {
            return;
        };
        let state = self.state();
        if cluster != super::CLUSTER {
            // Whoever takes it between the read and the write is written over: WorkOS has no condition
            // on a write that could keep it from that.
            let read = state.read.get(&(process, id.clone()));
            let taken = state.taken.get(&id);
            let is_known = taken.is_none_or(|taken| read.is_some_and(|read| read > taken));
            drop(state);
            if is_known {
                self.broken(format_args!("{process} sent {shown}, and {mark} holds it"));
            }
            return;
        }
        let wanted = call.body["metadata"]["portalctl_holder"].as_str();
        let heir = wanted.filter(|wanted| *wanted != mark).and_then(parts);
        let writer = heir.as_ref().map_or(&name, |(_, _, heir)| heir);
        let may = state
            .knowledge
            .lets_write_for(process, writer, self.passed());
        let former = format!("{namespace}/{name}");
        let is_gone = state.lookups.is_known_gone(process, &former, call.sent);
        drop(state);
        if !may {
            self.broken(format_args!(
                "{process} sent {shown} for {writer}; {mark} holds it"
            ));
        }
        if heir.is_some() && !is_gone {
            self.broken(format_args!(
                "{process} took {id} from {mark}, which is not gone for all that it was told"
            ));
        }
    }

    /// Another cluster has taken hold of an organization.
    pub(crate) fn taken_elsewhere(&self, id: &str) {
        let now = SystemClock.instant();
        self.state().taken.insert(id.to_owned(), now);
    }

    /// WorkOS dealt with a request.
    pub(crate) fn portal_answered(
        &self,
        process: usize,
        call: &PortalCall,
        answer: &Result<Response<Bytes>, Lost>,
        named: Option<(u64, Fate)>,
    ) {
        let code = match answer {
            Ok(answer) => answer.status().as_u16(),
            Err(_) => 0,
        };
        self.note(format_args!("{process} {} {code}", call.shown));
        let now = SystemClock.instant();
        let mut state = self.state();
        state.tally.portal_writes += u64::from(call.is_write);
        let Some(id) = call.organization.clone() else {
            return;
        };
        if let (Some(name), Some((generation, fate))) = (call.name(), named)
            && (200..300).contains(&code)
        {
            let named = (id.clone(), name.to_owned(), generation);
            let times = state.named.entry(named).or_default();
            // A write whose answer was lost is sent again within the same change.
            let is_again = times.last().is_some_and(|last| {
                last.process == process && !last.is_told && now - last.at < AGAIN
            });
            times.push(Naming {
                at: now,
                process,
                is_told: fate.is_told(),
                is_again,
            });
            let recent = times.iter().filter(|one| now - one.at < HOUR);
            let processes: BTreeSet<usize> = recent.clone().map(|one| one.process).collect();
            // A process that is killed right after a write has not informed the next one.
            let most = MOST_WRITES + processes.len() - 1;
            let count = recent.filter(|one| !one.is_again).count();
            if count > most {
                drop(state);
                self.broken(format_args!(
                    "{id} was named {name} {count} times within an hour"
                ));
                state = self.state();
            }
        }
        if call.method == Method::GET && (200..300).contains(&code) {
            state.read.insert((process, id), now);
        } else if call.body["metadata"].is_object() {
            // Whoever edits between the read and the write is written over: WorkOS has no condition
            // on a write that could keep it from that.
            let read = state.read.get(&(process, id.clone())).copied();
            if state.edited.get(&id) > read.as_ref() {
                state.edited.remove(&id);
                state.knowledge.excuse_overwrite(&id);
            }
        }
    }

    /// Records that a person changed the metadata of an organization in the dashboard.
    pub(crate) fn edited(&self, id: &str) {
        let now = SystemClock.instant();
        self.state().edited.insert(id.to_owned(), now);
    }

    /// Returns whether an edit of an organization may have been overwritten.
    pub(crate) fn is_overwrite_excused(&self, id: &str) -> bool {
        self.state().knowledge.is_overwrite_excused(id)
    }

    fn passed(&self) -> Duration {
        SystemClock.instant() - self.began
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// Summarizes a status.
fn told(body: &Value) -> String {
    let conditions = body["status"]["conditions"].as_array();
    let told = conditions.into_iter().flatten().map(|one| {
        let word = |field: &str| one[field].as_str().unwrap_or_default();
        format!(" {}={} {}", word("type"), word("status"), word("reason"))
    });
    told.collect()
}

/// The name that a process has in the lease.
pub(crate) fn identity(process: usize) -> String {
    format!("process-{process}")
}

fn is_held_by(process: usize, holder: Option<&Value>) -> bool {
    holder.and_then(Value::as_str) == Some(&identity(process))
}
