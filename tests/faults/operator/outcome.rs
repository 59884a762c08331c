//! Expected final state: every status is true, WorkOS has what is declared, and everything
//! undeclared is untouched.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use workos_sandbox::world::World;

use super::api::{Kind, Store, TENANT};
use super::knowledge::external_id;
use super::people::People;
use super::schedule::{self, Act, Schedule};
use super::witness::Witness;

const OURS: &str = "portalctl.dev/organization";
const IN_USE: &str = "portalctl.dev/environment-in-use";

/// One resource, and what is said of it.
struct Resource<'a> {
    name: &'a str,
    object: &'a Value,
}

impl<'a> Resource<'a> {
    fn of(object: &'a Value) -> Self {
        let name = object["metadata"]["name"].as_str().unwrap();
        Self { name, object }
    }

    fn spec(&self) -> &'a Value {
        &self.object["spec"]
    }

    fn says(&self, annotation: &str) -> bool {
        self.object["metadata"]["annotations"][annotation] == "true"
    }

    fn condition(&self, kind: &str) -> &'a Value {
        let conditions = self.object["status"]["conditions"].as_array();
        let found = conditions.and_then(|all| all.iter().find(|one| one["type"] == kind));
        found.unwrap_or(&Value::Null)
    }

    fn is_leaving(&self) -> bool {
        !self.object["metadata"]["deletionTimestamp"].is_null()
    }

    fn is_held(&self) -> bool {
        self.has_finalizer(OURS)
    }

    fn is_readable(&self) -> bool {
        self.spec()["deletionPolicy"] != "Archive"
    }

    fn is_paused(&self) -> bool {
        self.says("portalctl.dev/paused") || self.spec()["suspend"] == true
    }

    /// Returns whether the organization is gone and the resource has not requested another one.
    fn is_lost(&self, world: &World) -> bool {
        let status = &self.object["status"];
        let asks = self.spec()["recreate"] == "once" && status["recreated"] != true;
        let had = status["organizationId"].as_str();
        had.is_some_and(|id| world.organization(id).is_err())
            && world
                .organization_by_external_id(&self.external_id())
                .is_err()
            && !asks
    }

    fn has_finalizer(&self, finalizer: &str) -> bool {
        let finalizers = self.object["metadata"]["finalizers"].as_array();
        finalizers.is_some_and(|all| all.iter().any(|one| one == finalizer))
    }

    fn is_managed(&self) -> bool {
        self.spec()["managementPolicy"] != "Observe"
    }

    fn wants_deletion(&self) -> bool {
        self.spec()["deletionPolicy"] == "Delete" && self.is_managed()
    }

    fn external_id(&self) -> String {
        external_id(self.name, self.object)
    }

    fn environment(&self) -> &'a Value {
        &self.spec()["environmentRef"]["name"]
    }

    fn namespace(&self) -> &'a str {
        self.object["metadata"]["namespace"].as_str().unwrap()
    }

    fn is_tenant(&self) -> bool {
        self.namespace() == TENANT
    }

    /// The mark by which an organization tells that this resource holds it.
    fn mark(&self) -> String {
        format!("{}/{}/{}", super::CLUSTER, self.namespace(), self.name)
    }
}

/// Operations that an environment lets the operator do.
#[expect(clippy::struct_excessive_bools, reason = "each power is one")]
struct Powers {
    is_paused: bool,
    lets_delete: bool,
    lets_delete_in_use: bool,
    /// The environment is being deleted: nothing is created or changed any more.
    is_ending: bool,
    /// Reason for which none of its resources can be reconciled.
    blocked_reason: Option<&'static str>,
}

impl Powers {
    /// Returns the powers of an environment, none if it does not exist.
    fn of(environment: Option<&Resource<'_>>, secret: schedule::Key) -> Self {
        let Some(environment) = environment else {
            return Self {
                is_paused: false,
                lets_delete: false,
                lets_delete_in_use: false,
                is_ending: false,
                blocked_reason: Some("EnvironmentMissing"),
            };
        };
        Self {
            is_paused: environment.is_paused(),
            lets_delete: environment.spec()["allowDeletion"] == true,
            lets_delete_in_use: environment.spec()["allowActiveDeletion"] == true,
            is_ending: environment.is_leaving(),
            blocked_reason: match secret {
                _ if environment.condition("Synced")["reason"] == "WrongAccount" => {
                    Some("WrongAccount")
                }
                schedule::Key::First | schedule::Key::Second => None,
                schedule::Key::Missing => Some("SecretMissing"),
                schedule::Key::Revoked => Some("Unauthorized"),
                schedule::Key::Elsewhere => Some("WrongAccount"),
            },
        }
    }
}

/// The relation of a resource to the organization that it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// The organization belongs to the resource, or is to be created for it.
    Granted,
    /// The organization belongs to another resource.
    Refused,
}

/// Works out whose an organization is, by the marks, the resources that are there and their statuses.
fn claim_of(
    one: &Resource<'_>,
    claimants: &[&Resource<'_>],
    all: &[Resource<'_>],
    world: &World,
) -> Claim {
    let own = world.organization_by_external_id(&one.external_id());
    let stolen = world.organization_by_external_id(schedule::STOLEN);
    let live = match own {
        Ok(live) => live,
        // What a tenant names and never held is refused, unless it has one of its own.
        Err(_) if one.is_tenant() && stolen.is_ok() => return Claim::Refused,
        Err(_) => {
            let wants = |other: &&&Resource<'_>| {
                other.name != one.name
                    && !other.is_leaving()
                    && other.external_id() == one.external_id()
                    && other.environment() == one.environment()
            };
            return match claimants.iter().find(wants) {
                Some(_) if !one.is_leaving() => Claim::Refused,
                _ => Claim::Granted,
            };
        }
    };
    let is_named = |it: &Resource<'_>| it.object["status"]["organizationId"] == live.id.as_str();
    match live.metadata.get("portalctl_holder") {
        Some(mark) if *mark == one.mark() => return Claim::Granted,
        Some(mark) if !mark.starts_with(&format!("{}/", super::CLUSTER)) => return Claim::Refused,
        Some(mark) if all.iter().any(|other| other.mark() == *mark) => return Claim::Refused,
        Some(_) | None => {}
    }
    let competes = |it: &&&Resource<'_>| {
        it.external_id() == one.external_id() && (!it.is_leaving() || is_named(it))
    };
    let rivals: Vec<&&Resource<'_>> = claimants.iter().filter(competes).collect();
    let is_rival = rivals.iter().any(|it| it.name == one.name);
    let named: Vec<&str> = rivals
        .iter()
        .filter(|it| is_named(it))
        .map(|it| it.name)
        .collect();
    if is_rival && (rivals.len() == 1 || named == [one.name]) {
        Claim::Granted
    } else {
        Claim::Refused
    }
}

/// Returns the expectations that do not hold yet.
pub(super) fn unmet(
    store: &Store,
    world: &World,
    people: &People,
    witness: &Witness,
) -> Vec<String> {
    let mut unmet = Vec::new();
    let environments: Vec<Resource<'_>> = store.list(Kind::Environment).map(Resource::of).collect();
    let environment_of = |one: &Resource<'_>| {
        let name = one.spec()["environmentRef"]["name"].as_str();
        environments
            .iter()
            .find(|environment| Some(environment.name) == name)
    };
    let all: Vec<Resource<'_>> = store.list(Kind::Organization).map(Resource::of).collect();
    let claimants: Vec<&Resource<'_>> = all
        .iter()
        .filter(|one| one.is_readable() && environment_of(one).is_some())
        .filter(|one| !one.is_leaving() || one.is_held())
        .collect();
    for one in &all {
        let claim = claim_of(one, &claimants, &all, world);
        let powers = Powers::of(environment_of(one), people.secret);
        if let Err(why) = meets(one, claim, &powers, world, witness) {
            let status = &one.object["status"];
            unmet.push(format!("{}: {why}; it says {status}", one.name));
        }
    }
    for environment in &environments {
        let own = all.iter().filter(|one| {
            one.is_readable() && one.spec()["environmentRef"]["name"] == environment.name
        });
        // Only those of its namespace are deleted together with it: a tenant cannot keep it.
        let holding = own
            .clone()
            .filter(|one| one.namespace() == environment.namespace() && one.wants_deletion());
        let is_needed = holding.clone().any(Resource::is_held);
        if environment.is_leaving() {
            // With nothing that needs it, it is gone.
            if !is_needed || environment.condition("Synced")["status"] != "False" {
                unmet.push(format!(
                    "the environment {} is still there",
                    environment.name
                ));
            }
            continue;
        }
        let is_wanted = holding.count() > 0;
        if environment.has_finalizer(IN_USE) != is_wanted {
            unmet.push(format!(
                "the environment {} is held or not",
                environment.name
            ));
        }
        if environment.condition("Synced")["reason"] == "WrongAccount" {
            let known: Vec<&str> = own
                .filter_map(|one| one.object["status"]["organizationId"].as_str())
                .collect();
            let missing = known
                .iter()
                .filter(|id| world.organization(id).is_err())
                .count();
            if missing < 3 || missing * 2 <= known.len() {
                unmet.push(format!("{} is of this account", environment.name));
            }
        }
        let is_good = Powers::of(Some(environment), people.secret)
            .blocked_reason
            .is_none();
        let expected = if is_good { "True" } else { "False" };
        let said = environment.condition("Ready");
        if said["status"] != expected || !is_about_this(environment, said) {
            let name = environment.name;
            unmet.push(format!(
                "the environment {name} says {said}, not {expected}"
            ));
        }
    }
    unmet
}

fn is_about_this(resource: &Resource<'_>, condition: &Value) -> bool {
    let generation = &resource.object["metadata"]["generation"];
    condition["observedGeneration"] == *generation
        && resource.object["status"]["observedGeneration"] == *generation
}

/// Checks a resource and its status against the expectations.
fn meets(
    one: &Resource<'_>,
    claim: Claim,
    powers: &Powers,
    world: &World,
    witness: &Witness,
) -> Result<(), String> {
    let holds = claim == Claim::Granted;
    if one.is_leaving() {
        if !one.is_held() {
            // The finalizer of another controller keeps it.
            return Ok(());
        }
        return expects(
            one,
            "False",
            &deletion_reasons(one, holds, powers, world, witness)?,
        );
    }
    if !one.is_readable() {
        return expects(one, "False", &["Invalid"]);
    }
    if powers.is_ending {
        return Ok(());
    }
    if let Some(trouble) = powers.blocked_reason {
        return expects(one, "False", &[trouble]);
    }
    let should_be_held = one.wants_deletion() && (holds || one.is_held());
    if one.is_held() != should_be_held {
        return Err(format!("the finalizer is there: {}", one.is_held()));
    }
    if !holds {
        return expects(one, "False", &["Conflict", "Held"]);
    }
    if powers.is_paused || one.is_paused() {
        return expects(one, "", &["Paused"]);
    }
    if !one.is_managed() {
        return expects(one, "", &["ObserveOnly"]);
    }
    if one.is_lost(world) {
        return expects(one, "False", &["DeletedOutside"]);
    }
    let live = world.organization_by_external_id(&one.external_id());
    if live.is_ok_and(|live| witness.is_fought_over(&live.id))
        && expects(one, "False", &["Fighting"]).is_ok()
    {
        return Ok(());
    }
    expects(one, "True", &["InSync"])?;
    if one.condition("Ready")["status"] != "True" {
        return Err("it is not ready".to_owned());
    }
    is_live(one, world, witness)
}

/// Checks that a condition is up to date and has one of these reasons.
fn expects(one: &Resource<'_>, status: &str, reasons: &[&str]) -> Result<(), String> {
    let synced = one.condition("Synced");
    if !is_about_this(one, synced) {
        return Err("what is said is about another generation".to_owned());
    }
    let reason = synced["reason"].as_str().unwrap_or_default();
    if !reasons.contains(&reason) || (!status.is_empty() && synced["status"] != status) {
        return Err(format!("{status} {reasons:?} was to be said"));
    }
    Ok(())
}

/// Returns the reasons for which a resource that is being deleted may still exist.
fn deletion_reasons(
    one: &Resource<'_>,
    holds: bool,
    powers: &Powers,
    world: &World,
    witness: &Witness,
) -> Result<Vec<&'static str>, String> {
    if !one.wants_deletion() || one.says("portalctl.dev/force-release") {
        return Err("it was to be let go".to_owned());
    }
    if powers.is_ending && powers.blocked_reason.is_some() {
        // Its key may still be in memory.
        return Ok(vec!["DeletionBlocked", "Deleting", "Paused"]);
    }
    if powers.blocked_reason.is_some() {
        return Ok(vec!["DeletionBlocked"]);
    }
    if !holds {
        return Err("it holds nothing, and was to be let go".to_owned());
    }
    if powers.is_paused || one.is_paused() {
        return Ok(vec!["Paused"]);
    }
    if world
        .organization_by_external_id(&one.external_id())
        .is_err()
    {
        return Err("there is nothing to delete, and it is still there".to_owned());
    }
    let live = world.organization_by_external_id(&one.external_id());
    let is_in_use = live.is_ok_and(|live| {
        world.connections_of(&live.id).next().is_some()
            || world.directories_of(&live.id).next().is_some()
            || witness.hides_usage(&live.id)
    });
    if !powers.lets_delete {
        return Ok(vec!["DeletionBlocked"]);
    }
    if is_in_use && !powers.lets_delete_in_use {
        // Its use is not read before the hour has room.
        return Ok(vec!["DeletionBlocked", "Deleting"]);
    }
    let synced = one.condition("Synced");
    let message = synced["message"].as_str().unwrap_or_default();
    if message.contains("maxDeletesPerHour") {
        return Ok(vec!["Deleting"]);
    }
    Err("it was to be deleted".to_owned())
}

/// Checks that WorkOS has the declared state of a resource.
fn is_live(one: &Resource<'_>, world: &World, witness: &Witness) -> Result<(), String> {
    let live = world
        .organization_by_external_id(&one.external_id())
        .map_err(|_| "the organization is not there".to_owned())?;
    let spec = one.spec();
    let domain = spec["domains"][0]["domain"].as_str().unwrap_or_default();
    let spelling = witness.spelling();
    let name = spec["name"].as_str().unwrap_or_default();
    let tier = spec["metadata"]["tier"].as_str().unwrap_or_default();
    let held_tier = live.metadata.get("tier").map_or("", String::as_str);
    let is_as_declared = [name, &spelling.kept_name(name)].contains(&live.name.as_str())
        && [tier, &spelling.kept_value("tier", tier)].contains(&held_tier)
        && live.domains.iter().any(|held| held.domain == domain)
        && live.metadata.get("portalctl_holder") == Some(&one.mark())
        && one.object["status"]["organizationId"] == live.id.as_str();
    if is_as_declared {
        Ok(())
    } else {
        Err(format!("WorkOS has {live:?}"))
    }
}

/// Checks the invariants that must hold in every schedule.
pub(super) fn check(schedule: &Schedule, world: &World, people: &People, witness: &Witness) {
    count_deletions(schedule, world, people, witness);
    for (id, made) in &people.strangers {
        if world.organization(id).ok() != Some(made) {
            witness.broken(format_args!("{id} is nobody's, and is not as it was"));
        }
    }
    for (id, (key, value)) in &people.annotations {
        let Ok(live) = world.organization(id) else {
            continue;
        };
        if live.metadata.get(key) != Some(value) && !witness.is_overwrite_excused(id) {
            witness.broken(format_args!("{key} of {id} was lost"));
        }
    }
    let mut by_owner: BTreeMap<&str, usize> = BTreeMap::new();
    for live in world.organizations() {
        if live
            .metadata
            .get("portalctl_owner")
            .is_some_and(|owner| owner == "customers")
        {
            *by_owner
                .entry(live.external_id.as_deref().unwrap_or_default())
                .or_default() += 1;
        }
    }
    if by_owner.values().any(|count| *count > 1) || by_owner.contains_key("") {
        witness.broken(format_args!("organizations were made twice: {by_owner:?}"));
    }
}

/// No more organizations are deleted within an hour than the environment lets be, whoever leads.
fn count_deletions(schedule: &Schedule, world: &World, people: &People, witness: &Witness) {
    // The deletions are counted in the status of the environment, and go with it.
    if schedule
        .acts
        .iter()
        .any(|(_, act)| *act == Act::DropEnvironment)
    {
        return;
    }
    let by_operator = world.events().filter(|event| {
        event.event == "organization.deleted" && !people.removed.contains(&event.organization_id)
    });
    let times: Vec<Timestamp> = by_operator.map(|event| event.created_at).collect();
    // An hour by clocks that jump.
    let hour = SignedDuration::from_mins(60 - 25);
    for first in &times {
        let within =
            |at: &&Timestamp| (SignedDuration::ZERO..hour).contains(&at.duration_since(*first));
        let count = times.iter().filter(within).count();
        if count > schedule.max_deletes as usize {
            let most = schedule.max_deletes;
            witness.broken(format_args!(
                "{count} were deleted within an hour, of {most}"
            ));
            return;
        }
    }
}
