//! Checks the invariants of every run, and the state of the account at the end of a schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portalctl_core::plan::{Action, FieldChange, Plan};
use portalctl_model::codes::{api, invite, plan as codes};
use portalctl_model::desired::DesiredOrganization;
use portalctl_model::{Domain, ExternalId, OrgKey, OrganizationId};
use portalctl_workos::apply::{AppliedChange, Outcome};
use workos_sandbox::world::{Organization, World as Account};

use super::kinds::Spelling;
use super::network::{Exchange, Network};
use super::run::{Done, KEY, RunOutcome};
use crate::world::World;

/// Interval between requests at the default rate limit.
const INTERVAL: Duration = Duration::from_millis(20);
/// Requests that may follow each other without an interval: two saved intervals, and the request
/// that is due.
const CATCH_UP: usize = 3;
/// The most requests of a run: a few organizations, each tried a bounded number of times.
const MAX_REQUESTS: usize = 1_000;

/// Returns the invariants that a client's run violated.
pub(crate) fn run(
    ran: &RunOutcome,
    client: usize,
    network: &Network,
    is_calm: bool,
) -> Vec<String> {
    match ran {
        RunOutcome::Through(done) => through(done, client, network, is_calm),
        RunOutcome::Failed(error) if is_calm => {
            vec![format!("a run fails in calm weather: {error}")]
        }
        RunOutcome::Failed(error) => keeps_secrets(&format!("{error} {error:?}")),
        RunOutcome::Gone => Vec::new(),
    }
}

fn through(done: &Done, client: usize, network: &Network, is_calm: bool) -> Vec<String> {
    let mut wrong = done.findings.clone();
    wrong.extend(keeps_secrets(&done.told));
    let planned = done.plan.changes.iter();
    if !planned.eq(done.report.changes.iter().map(|applied| &applied.change)) {
        wrong.push("not every change is accounted for".to_owned());
    }
    let round = network.round();
    network.look(|exchanges| {
        let mut own: Vec<&Exchange> = exchanges.collect();
        own.retain(|exchange| exchange.client == client && exchange.round == round);
        if own.len() > MAX_REQUESTS {
            wrong.push(format!("{} requests in one run", own.len()));
        }
        for applied in &done.report.changes {
            // Of what can never be read, not all is ever done.
            let is_calm = is_calm && !is_broken(applied, network);
            wrong.extend(accounted(applied, &own, is_calm));
        }
    });
    wrong
}

/// Returns whether a read about the organization of a change always fails.
pub(crate) fn is_broken(applied: &AppliedChange, network: &Network) -> bool {
    let AppliedChange { change, outcome } = applied;
    let of_invitation = match &change.action {
        Action::Invite(invitation) => invitation.organization.as_ref(),
        _ => None,
    };
    let known = change.action.organization().or(of_invitation);
    let made = outcome.organization().map(|live| &live.id);
    let is_broken = |id: &OrganizationId| network.is_broken(id.as_str());
    known.into_iter().chain(made).any(is_broken)
}

fn keeps_secrets(text: &str) -> Vec<String> {
    let is_told = text.contains(KEY);
    is_told
        .then(|| format!("the key is told: {text}"))
        .into_iter()
        .collect()
}

/// Returns a message if a reported change contradicts the requests that went over the network.
fn accounted(applied: &AppliedChange, own: &[&Exchange], is_calm: bool) -> Option<String> {
    let AppliedChange { change, outcome } = applied;
    let is_about = |exchange: &&&Exchange| match &change.action {
        Action::Create => {
            let id = change.fields.iter().find_map(|field| match field {
                FieldChange::ExternalId { after, .. } => after.as_ref(),
                _ => None,
            });
            exchange.call.is_create()
                && exchange.call.external_id.as_deref() == id.map(ExternalId::as_str)
        }
        Action::Adopt(id) | Action::Update(id) => {
            exchange.call.path == format!("/organizations/{id}") && !exchange.call.is_read()
        }
        Action::Delete(id) => {
            exchange.call.path == format!("/organizations/{id}") && exchange.call.is_delete()
        }
        Action::Invite(_) => false,
    };
    let took_effect = own
        .iter()
        .filter(is_about)
        .any(|exchange| exchange.status.is_some_and(|status| status < 300));
    let says = |what: &str| {
        Some(format!(
            "{} {}: {what}: {outcome:?}",
            change.key,
            change.action.kind()
        ))
    };
    match outcome {
        Outcome::NotTried(_) if took_effect => says("not tried, and took effect"),
        Outcome::Refused(_) if took_effect && matches!(change.action, Action::Delete(_)) => {
            says("refused, and deleted")
        }
        Outcome::Unknown(_)
            if own.iter().all(|exchange| exchange.fault.is_none()) && !may_be_sent(applied) =>
        {
            says("unknown, and nothing went wrong")
        }
        Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::NotTried(_)
            if is_calm && !waits_for_somebody(applied) =>
        {
            says("not done in calm weather")
        }
        _ => None,
    }
}

/// Returns whether a change was reported as needing a person's decision: the organization with its
/// Stripe customer id was given another external id after planning.
pub(crate) fn waits_for_somebody(applied: &AppliedChange) -> bool {
    let problem = applied.outcome.problem();
    problem
        .is_some_and(|problem| [api::STRIPE_CUSTOMER_TAKEN, codes::WAITS].contains(&problem.code))
        || may_be_sent(applied)
}

/// Returns whether an invitation was left alone because an e-mail may be on its way: another client
/// sends it, or was cut off while sending.
fn may_be_sent(applied: &AppliedChange) -> bool {
    let problem = applied.outcome.problem();
    problem.is_some_and(|problem| problem.code == invite::MAY_BE_SENT)
}

/// Returns the requests by which a client exceeded the rate limit or ignored `Retry-After`.
pub(crate) fn pace(network: &Network) -> Vec<String> {
    network.look(|exchanges| {
        let mut clients: BTreeMap<(usize, usize), Vec<&Exchange>> = BTreeMap::new();
        for exchange in exchanges {
            let client = (exchange.round, exchange.client);
            clients.entry(client).or_default().push(exchange);
        }
        let clients = clients.values();
        clients.filter_map(|own| of_one_client(own)).collect()
    })
}

fn of_one_client(own: &[&Exchange]) -> Option<String> {
    let second = Duration::from_secs(1);
    let most = usize::try_from(second.as_millis() / INTERVAL.as_millis()).unwrap() + CATCH_UP;
    for (place, first) in own.iter().enumerate() {
        let within = own[place..]
            .iter()
            .take_while(|later| later.at.saturating_sub(first.at) < second);
        let count = within.count();
        if count > most {
            return Some(format!("{count} requests within a second, from {first}"));
        }
        let Some((told, wait)) = first.told_to_wait else {
            continue;
        };
        let hasty = own
            .iter()
            .find(|later| later.at > told && later.at < told + wait);
        if let Some(hasty) = hasty {
            return Some(format!("{hasty} did not wait, as {first} told"));
        }
    }
    None
}

/// Returns the invitations that were sent twice for one declaration.
pub(crate) fn invitations(network: &Network) -> Vec<String> {
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    network.look(|exchanges| {
        let sends = exchanges.filter(|exchange| {
            exchange.call.path.ends_with("/invite")
                && exchange.status.is_some_and(|status| status < 300)
        });
        for exchange in sends {
            *sent.entry(exchange.call.path.clone()).or_default() += 1;
        }
    });
    let is_known = |path: &str| {
        let id = path.split('/').nth(2).unwrap_or_default();
        network.ledger(|ledger| !ledger.is_erased(id))
    };
    let twice = sent.into_iter().filter(|(_, count)| *count > 1);
    let twice = twice.filter(|(path, _)| is_known(path));
    twice
        .map(|(path, count)| format!("{path} was sent {count} times"))
        .collect()
}

/// Compares what a plan says of the readable entries with the plan once all entries are readable:
/// one organization's failing read must not change the plan of the others.
pub(crate) fn plan_differences(
    broken_plan: &Plan,
    mended: &Plan,
    manifest: &World,
    account: &Account,
    network: &Network,
) -> Vec<String> {
    let broken: BTreeSet<&OrgKey> = manifest
        .desired
        .organizations
        .iter()
        .filter(|(_, entry)| {
            let ids = entry.external_id.iter().chain(&entry.previous_keys);
            let mut live =
                ids.filter_map(|id| account.organization_by_external_id(id.as_str()).ok());
            live.any(|live| network.is_broken(&live.id))
        })
        .map(|(key, _)| key)
        .collect();
    let is_readable = |key: &OrgKey, action: &Action| {
        let id = action.organization();
        !broken.contains(key) && !id.is_some_and(|id| network.is_broken(id.as_str()))
    };
    let told = |plan: &Plan| {
        let changes = plan.changes.iter();
        let changes = changes.filter(|change| is_readable(&change.key, &change.action));
        let held = plan.held.iter();
        let held = held.filter(|held| is_readable(&held.change.key, &held.change.action));
        let conflicts = plan.conflicts.iter();
        let conflicts = conflicts.filter(|conflict| !broken.contains(&conflict.key));
        changes
            .map(|change| format!("{change:?}"))
            .chain(held.map(|held| format!("held: {held:?}")))
            .chain(conflicts.map(|conflict| format!("{conflict:?}")))
            .collect::<BTreeSet<String>>()
    };
    let (before, after) = (told(broken_plan), told(mended));
    before
        .symmetric_difference(&after)
        .map(|what| format!("another's failing read decides it: {what}"))
        .collect()
}

/// Returns the differences between the manifest and the account once there is nothing left to
/// apply.
pub(crate) fn as_declared(
    manifest: &World,
    spelling: Spelling,
    done: &Done,
    account: &Account,
) -> Vec<String> {
    let Plan {
        changes: left,
        conflicts,
        held,
        ..
    } = &done.plan;
    let mut wrong = Vec::new();
    for (key, entry) in &manifest.desired.organizations {
        let id = entry.external_id.as_ref().map(ExternalId::as_str);
        let of_entry = || conflicts.iter().filter(|conflict| conflict.key == *key);
        let contested: Vec<&Domain> = of_entry()
            .filter_map(|conflict| conflict.scope.domain())
            .collect();
        // A contested domain stops only itself.
        let is_open = of_entry().any(|conflict| conflict.scope.domain().is_none())
            || held.iter().any(|held| held.change.key == *key)
            || left.iter().any(|change| change.key == *key);
        if is_open {
            continue;
        }
        let found: Vec<&Organization> = account
            .organizations()
            .filter(|live| live.external_id.as_deref() == id)
            .collect();
        match found.as_slice() {
            [live] => {
                let mut entry = entry.clone();
                for domain in contested {
                    entry.domains.as_mut().map(|domains| domains.remove(domain));
                }
                let differences = differences(&entry, spelling, live);
                wrong.extend(differences.map(|what| format!("{key}: {what} differs: {live:?}")));
            }
            others => wrong.push(format!("{key} is there {} times", others.len())),
        }
    }
    wrong
}

fn differences(
    entry: &DesiredOrganization,
    spelling: Spelling,
    live: &Organization,
) -> impl Iterator<Item = String> {
    let mut differences = Vec::new();
    // Values from before the run are not sent, so they have no other spelling.
    let is_name = |name: &String| *name == live.name || spelling.kept_name(name) == live.name;
    if !entry.name.iter().all(is_name) {
        differences.push("name".to_owned());
    }
    if entry.stripe_customer_id.is_some() && entry.stripe_customer_id != live.stripe_customer_id {
        differences.push("stripe_customer_id".to_owned());
    }
    for (key, value) in &entry.metadata {
        let found = live.metadata.get(key);
        let kept = value.as_ref();
        let kept = kept.map(|value| spelling.kept_value(key, value));
        if found != value.as_ref() && found != kept.as_ref() {
            differences.push(format!("metadata.{key}"));
        }
    }
    for domain in entry.domains.iter().flatten().map(|(domain, _)| domain) {
        if !live
            .domains
            .iter()
            .any(|held| held.domain == domain.as_str())
        {
            differences.push(format!("domains.{domain}"));
        }
    }
    differences.into_iter()
}
