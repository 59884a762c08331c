//! Edits by people: some write resources with kubectl, one edits organizations in the dashboard of
//! WorkOS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use workos_sandbox::Sandbox;
use workos_sandbox::world::{
    ConnectionState, DirectoryState, NewConnection, NewDirectory, Organization, OrganizationInput,
};

use super::api::{self, ApiServer, Kind, Refusal};
use super::schedule::{Act, ELSEWHERE, Key, RENAMED, RESOURCES, STOLEN, Schedule, THIEF};
use super::wire::REVOKED;
use super::witness::Witness;

/// API keys that WorkOS takes.
pub(crate) const FIRST: &str = "sk_test_first_a1b2c3d4e5";
pub(crate) const SECOND: &str = "sk_test_second_f6g7h8i9j0";
/// An API key of another account.
pub(crate) const ELSEWHERES: &str = "sk_test_elsewhere_p5q6r7s8t9";
/// Secret that signs the webhooks.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_operator_k1l2m3n4";

/// The people, and what they remember having done.
pub(crate) struct People {
    api: Arc<ApiServer>,
    sandbox: Sandbox,
    witness: Arc<Witness>,
    environment: Value,
    pub(crate) secret: Key,
    /// Number of acts so far, which makes names unique.
    count: u64,
    /// Undeclared organizations, as they were created.
    pub(crate) strangers: BTreeMap<String, Organization>,
    /// The organizations that were deleted in the dashboard.
    pub(crate) removed: BTreeSet<String>,
    /// Undeclared metadata that was added in the dashboard.
    pub(crate) annotations: BTreeMap<String, (String, String)>,
}

impl People {
    /// Creates the people of a schedule; an environment, its Secret and an unrelated organization
    /// exist already.
    pub(crate) fn new(
        schedule: &Schedule,
        api: Arc<ApiServer>,
        sandbox: Sandbox,
        witness: Arc<Witness>,
    ) -> Self {
        let environment = json!({ "spec": {
            "secretRef": { "name": "workos", "key": "api-key" },
            "webhook": { "secretRef": { "name": "workos", "key": "webhook-secret" } },
            "apiKey": "test",
            "manifest": "customers",
            "requestsPerSecond": schedule.pace,
            "maxDeletesPerHour": schedule.max_deletes,
            "allowedNamespaces": [api::TENANT],
            "allowDeletion": schedule.seed.of("powers").percent(70),
            "intervals": {
                "poll": format!("{}s", schedule.poll.as_secs()),
                "resync": format!("{}s", schedule.resync.as_secs()),
                "sweep": "10m",
            },
        } });
        let mut people = Self {
            api,
            sandbox,
            witness,
            environment,
            secret: Key::Missing,
            count: 0,
            strangers: BTreeMap::new(),
            removed: BTreeSet::new(),
            annotations: BTreeMap::new(),
        };
        people.create_environment();
        if schedule.seed.of("environments").percent(40) {
            people.create_other_environment();
        }
        people.put_secret(Key::First);
        people.make_stranger();
        people
    }

    /// Carries out an act. Acts on missing objects have no effect.
    pub(crate) fn act(&mut self, act: &Act) {
        self.count += 1;
        let count = self.count;
        match *act {
            Act::Create(which) => self.create(which),
            Act::Rename(which) => {
                let name = format!("{} No. {count}", RESOURCES[which].0);
                self.edit(which, |object| object["spec"]["name"] = json!(name));
            }
            Act::Retag(which) => self.edit(which, |object| {
                object["spec"]["metadata"]["tier"] = json!(format!("tier-{count}"));
            }),
            Act::Pause(which, is_paused) => self.edit(which, |object| {
                object["metadata"]["annotations"]["portalctl.dev/paused"] = said(is_paused);
            }),
            Act::Suspend(which, is_suspended) => self.edit(which, |object| {
                object["spec"]["suspend"] = json!(is_suspended);
            }),
            Act::Recreate(which, is_wanted) => self.edit(which, |object| {
                let spec = object["spec"].as_object_mut().unwrap();
                if is_wanted {
                    spec.insert("recreate".to_owned(), json!("once"));
                } else {
                    spec.remove("recreate");
                }
            }),
            Act::Observe(which, is_observed) => self.edit(which, |object| {
                let policy = if is_observed { "Observe" } else { "Manage" };
                object["spec"]["managementPolicy"] = json!(policy);
            }),
            Act::Policy(which, policy) => self.edit(which, |object| {
                object["spec"]["deletionPolicy"] = json!(policy);
            }),
            Act::Delete(which) => self.delete(which),
            Act::Release(which) => self.edit(which, |object| {
                object["metadata"]["annotations"]["portalctl.dev/force-release"] = json!("true");
            }),
            Act::ForeignCondition(which) => self.edit(which, |object| bill(object, count)),
            Act::ForeignFinalizer(which, is_held) => {
                self.edit(which, |object| hold(object, is_held));
            }
            Act::Unreadable => self.create_unreadable(),
            Act::AllowDeletion(is_allowed) => self.edit_environment(|object| {
                object["spec"]["allowDeletion"] = json!(is_allowed);
            }),
            Act::AllowActiveDeletion(is_allowed) => self.edit_environment(|object| {
                object["spec"]["allowActiveDeletion"] = json!(is_allowed);
            }),
            Act::PauseEnvironment(is_paused) => self.edit_environment(|object| {
                object["metadata"]["annotations"]["portalctl.dev/paused"] = said(is_paused);
            }),
            Act::DropEnvironment => {
                let now = self.api.now();
                let key = api::Key::new(Kind::Environment, super::ENVIRONMENT);
                let _ = self.api.store(|store| store.delete(&key, now));
            }
            Act::Secret(key) => self.put_secret(key),
            Act::Drift(which) => {
                self.change(
                    which,
                    |_| json!({ "name": format!("Somebody else's {count}") }),
                );
            }
            Act::Annotate(which) => self.annotate(which),
            Act::Remove(which) => self.remove(which),
            Act::Stranger => self.make_stranger(),
            Act::Finish(which) => self.finish(which),
            Act::Link(which, state) => self.link(which, state),
            Act::Foreign(which) => self.take_from_another_cluster(which),
            Act::Kill(_)
            | Act::Stop(_)
            | Act::Start(_)
            | Act::Compact
            | Act::Jump(..)
            | Act::Webhook(_) => {}
        }
    }

    /// Makes sure that there is an environment with a valid key.
    pub(crate) fn tidy_up(&mut self) {
        self.create_environment();
        if matches!(self.secret, Key::Revoked | Key::Elsewhere) {
            self.put_secret(Key::Second);
        }
    }

    fn create(&mut self, which: usize) {
        let (name, external_id) = RESOURCES[which];
        let mut dice = super::dice::Seed(self.count).of(name);
        let mut spec = json!({
            "environmentRef": { "name": super::ENVIRONMENT },
            "name": format!("{name} Corp"),
            "metadata": { "tier": "basic" },
            "domains": [{ "domain": format!("{name}.example.org") }],
            "intents": [{ "intent": "sso" }],
        });
        if dice.percent(50) {
            spec["deletionPolicy"] = json!("Delete");
        }
        if dice.percent(10) {
            spec["managementPolicy"] = json!("Observe");
        }
        match name {
            RENAMED => spec["key"] = json!(external_id),
            THIEF => {
                spec["previousKeys"] = json!([STOLEN]);
                spec["environmentRef"]["namespace"] = json!(api::NAMESPACE);
            }
            _ if name != external_id => spec["externalId"] = json!(external_id),
            _ => {}
        }
        if name == ELSEWHERE {
            spec["environmentRef"]["name"] = json!(super::OTHER_ENVIRONMENT);
        }
        self.put(&key_of(which), &json!({ "spec": spec }));
    }

    /// Creates a resource that this version of the operator cannot read.
    fn create_unreadable(&self) {
        let spec = json!({
            "environmentRef": { "name": super::ENVIRONMENT },
            "name": "Later", "deletionPolicy": "Archive",
        });
        let key = api::Key::new(Kind::Organization, super::UNREADABLE);
        self.put(&key, &json!({ "spec": spec }));
    }

    fn create_environment(&self) {
        let key = api::Key::new(Kind::Environment, super::ENVIRONMENT);
        self.put(&key, &self.environment);
    }

    /// Another one of the same API key, which may delete nothing.
    fn create_other_environment(&self) {
        let key = api::Key::new(Kind::Environment, super::OTHER_ENVIRONMENT);
        let mut environment = self.environment.clone();
        environment["spec"]["allowDeletion"] = json!(false);
        self.put(&key, &environment);
    }

    /// Creates an object, unless it is there.
    fn put(&self, key: &api::Key, object: &Value) {
        let now = self.api.now();
        let _ = self.api.store(|store| store.create(key, object, now));
    }

    fn delete(&self, which: usize) {
        let now = self.api.now();
        let _ = self.api.store(|store| store.delete(&key_of(which), now));
    }

    fn edit(&self, which: usize, edit: impl FnOnce(&mut Value)) {
        self.edit_object(&key_of(which), edit);
    }

    fn edit_environment(&self, edit: impl FnOnce(&mut Value)) {
        self.edit_object(&api::Key::new(Kind::Environment, super::ENVIRONMENT), edit);
    }

    fn edit_object(&self, key: &api::Key, edit: impl FnOnce(&mut Value)) {
        let _: Result<_, Refusal> = self.api.store(|store| {
            store.change(key, |object| {
                edit(object);
                Ok(())
            })
        });
    }

    fn put_secret(&mut self, key: Key) {
        self.secret = key;
        let name = api::Key::new(Kind::Secret, "workos");
        let now = self.api.now();
        let text = match key {
            Key::First => FIRST,
            Key::Second => SECOND,
            Key::Revoked => REVOKED,
            Key::Elsewhere => ELSEWHERES,
            Key::Missing => {
                let _ = self.api.store(|store| store.delete(&name, now));
                return;
            }
        };
        let data = json!({
            "api-key": BASE64_STANDARD.encode(text),
            "webhook-secret": BASE64_STANDARD.encode(WEBHOOK_SECRET),
        });
        self.put(&name, &json!({ "data": data }));
        self.edit_object(&name, |object| object["data"] = data.clone());
    }

    /// The organization that a resource stands for, if it is there.
    fn live(&self, which: usize) -> Option<Organization> {
        let (_, external_id) = RESOURCES[which];
        self.sandbox
            .read(|world| world.organization_by_external_id(external_id).ok().cloned())
    }

    /// Changes an organization in the dashboard.
    fn change(&self, which: usize, change: impl FnOnce(&Organization) -> Value) {
        let Some(live) = self.live(which) else { return };
        let input = OrganizationInput::read(&change(&live)).unwrap();
        self.sandbox.world(|world, now| {
            world.update_organization(now, &live.id, input).unwrap();
        });
    }

    fn annotate(&mut self, which: usize) {
        let Some(live) = self.live(which) else { return };
        let (key, value) = (format!("theirs_{}", self.count), self.count.to_string());
        self.change(which, |live| {
            let mut metadata = live.metadata.clone();
            metadata.insert(key.clone(), value.clone());
            json!({ "metadata": metadata })
        });
        self.witness.edited(&live.id);
        self.annotations.insert(live.id, (key, value));
    }

    fn remove(&mut self, which: usize) {
        let Some(live) = self.live(which) else { return };
        let deleted = self
            .sandbox
            .world(|world, now| world.delete_organization(now, &live.id));
        if deleted.is_ok() {
            self.removed.insert(live.id);
        }
    }

    /// The operator of another cluster takes hold of an organization that nobody here holds, or that
    /// its admins took over from here.
    fn take_from_another_cluster(&self, which: usize) {
        let Some(live) = self.live(which) else { return };
        let holder = format!("{}/portal/{}", super::OTHER_CLUSTER, RESOURCES[which].0);
        self.change(which, |live| {
            let mut metadata = live.metadata.clone();
            metadata.insert("portalctl_holder".to_owned(), holder.clone());
            json!({ "metadata": metadata })
        });
        self.witness.edited(&live.id);
        self.witness.taken_elsewhere(&live.id);
    }

    fn make_stranger(&mut self) {
        let body = json!({
            "name": format!("Stranger {}", self.count),
            "external_id": format!("not-ours-{}", self.count),
            "metadata": { "portalctl_owner": "somebody-else" },
        });
        let input = OrganizationInput::read(&body).unwrap();
        let made = self
            .sandbox
            .world(|world, now| world.create_organization(now, input).cloned());
        let made = made.unwrap();
        self.strangers.insert(made.id.clone(), made);
    }

    /// The customer links a directory, or something becomes of it.
    fn link(&self, which: usize, state: &str) {
        let Some(live) = self.live(which) else { return };
        let state: DirectoryState = serde_json::from_value(json!(state)).unwrap();
        self.sandbox.world(|world, now| {
            let linked = world.directories_of(&live.id).next();
            if let Some(directory) = linked.map(|directory| directory.id.clone()) {
                world.set_directory_state(now, &directory, state).unwrap();
            } else {
                let directory = NewDirectory {
                    organization_id: live.id,
                    name: None,
                    directory_type: "okta scim v2.0".to_owned(),
                    state,
                };
                world.create_directory(now, directory).unwrap();
            }
        });
    }

    /// The customer sets single sign-on up.
    fn finish(&self, which: usize) {
        let Some(live) = self.live(which) else { return };
        self.sandbox.world(|world, now| {
            if world.connections_of(&live.id).next().is_none() {
                let connection = NewConnection {
                    organization_id: live.id,
                    name: None,
                    connection_type: "OktaSAML".to_owned(),
                    state: ConnectionState::Active,
                };
                world.create_connection(now, connection).unwrap();
            }
        });
    }
}

/// The object that a resource is.
fn key_of(which: usize) -> api::Key {
    let (name, _) = RESOURCES[which];
    let mut key = api::Key::new(Kind::Organization, name);
    if name == THIEF {
        api::TENANT.clone_into(&mut key.namespace);
    }
    key
}

fn said(yes: bool) -> Value {
    if yes { json!("true") } else { json!("false") }
}

/// Another controller's condition.
fn bill(object: &mut Value, count: u64) {
    let condition = json!({
        "type": "Billed", "status": "True", "reason": format!("Paid{count}"), "message": "",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    });
    let status = &mut object["status"];
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|one| one["type"] != "Billed");
    conditions.push(condition);
    status["conditions"] = json!(conditions);
}

/// Another controller's finalizer.
fn hold(object: &mut Value, is_held: bool) {
    let metadata = &mut object["metadata"];
    let mut finalizers = metadata["finalizers"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    finalizers.retain(|one| one != super::FOREIGN_FINALIZER);
    if is_held {
        finalizers.push(json!(super::FOREIGN_FINALIZER));
    }
    metadata["finalizers"] = json!(finalizers);
}
