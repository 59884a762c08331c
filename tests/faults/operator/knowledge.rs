//! Each process's knowledge of the objects over time. A process may write according to that
//! knowledge, even if the objects have changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::api::{Kind, TENANT};

/// Time for which one pass may go on with the state that it saw when it began.
pub(super) const PASS: Duration = Duration::from_mins(3);
/// Time that a write may take: it waits for the rate limit and is retried. Its permission is
/// checked right before it begins.
const WRITE: Duration = Duration::from_secs(90);

/// Operations that an object permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permissions {
    /// The external id of the organization that it stands for; none for an environment.
    external_id: Option<String>,
    writes: bool,
    deletes: bool,
    /// The resource had an organization, and has not requested another one.
    had: bool,
}

impl Permissions {
    /// Returns the name of an object and the operations that it permits.
    pub(crate) fn of(kind: Kind, object: &Value, is_gone: bool) -> Option<(String, Self)> {
        let (metadata, spec) = (&object["metadata"], &object["spec"]);
        let name = metadata["name"].as_str()?.to_owned();
        let says = |annotation: &str| metadata["annotations"][annotation] == "true";
        let is_paused = says("portalctl.dev/paused") || spec["suspend"] == true;
        let is_leaving = !metadata["deletionTimestamp"].is_null();
        let permissions = match kind {
            Kind::Environment => Self {
                external_id: None,
                writes: !is_gone && !is_paused && !is_leaving,
                deletes: !is_gone && !is_paused && spec["allowDeletion"] == true,
                had: false,
            },
            Kind::Organization => {
                let is_managed = spec["managementPolicy"] != "Observe";
                let may = !is_gone && !is_paused && is_managed;
                let external_id = external_id(&name, object);
                Self {
                    external_id: Some(external_id),
                    writes: may && !is_leaving,
                    deletes: may
                        && is_leaving
                        && spec["deletionPolicy"] == "Delete"
                        && !says("portalctl.dev/force-release"),
                    had: !is_gone
                        && object["status"]["organizationId"].is_string()
                        && (spec["recreate"] != "once" || object["status"]["recreated"] == true),
                }
            }
            Kind::Secret | Kind::Lease | Kind::Event => return None,
        };
        Some((name, permissions))
    }
}

/// The external id of the organization that a resource stands for.
pub(crate) fn external_id(name: &str, object: &Value) -> String {
    let spec = &object["spec"];
    let key = spec["key"].as_str().unwrap_or(name);
    let namespace = object["metadata"]["namespace"].as_str();
    let own = match namespace {
        Some(TENANT) => format!("{TENANT}.{key}"),
        _ => key.to_owned(),
    };
    spec["externalId"].as_str().map_or(own, str::to_owned)
}

/// Each process's knowledge of all objects.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    by_process: BTreeMap<usize, BTreeMap<String, Vec<(Duration, Permissions)>>>,
    excused: BTreeSet<String>,
}

impl Knowledge {
    /// A process was told of an object.
    pub(crate) fn add(
        &mut self,
        process: usize,
        name: String,
        at: Duration,
        permissions: Permissions,
    ) {
        let told = self.by_process.entry(process).or_default();
        let history = told.entry(name).or_default();
        if history.last().is_none_or(|(_, last)| *last != permissions) {
            history.push((at, permissions));
        }
    }

    /// Returns whether a process may write to an organization, by its knowledge when it began to.
    pub(crate) fn lets_write(&self, process: usize, external_id: &str, at: Duration) -> bool {
        self.lets(process, external_id, at, |permissions| permissions.writes)
    }

    /// Returns whether a process may delete an organization, by its knowledge when it began to.
    pub(crate) fn lets_delete(&self, process: usize, external_id: &str, at: Duration) -> bool {
        self.lets(process, external_id, at, |permissions| permissions.deletes)
    }

    /// Returns whether a process may write for a resource, by its knowledge when it began to.
    pub(crate) fn lets_write_for(&self, process: usize, resource: &str, at: Duration) -> bool {
        let told = self.by_process.get(&process);
        let history = told.and_then(|told| told.get(resource));
        history.is_some_and(|history| {
            let mut recent = recent(history, at, WRITE);
            recent.any(|permissions| permissions.writes || permissions.deletes)
        })
    }

    /// Returns whether every resource that could request an organization had one before, for the
    /// length of a pass.
    pub(crate) fn had(&self, process: usize, external_id: &str, at: Duration) -> bool {
        let told = self.by_process.get(&process).into_iter().flatten();
        let mut meant = told
            .map(|(_, history)| history)
            .filter(|history| {
                let mut recent = recent(history, at, PASS);
                recent.any(|permissions| {
                    permissions.external_id.as_deref() == Some(external_id) && permissions.writes
                })
            })
            .peekable();
        meant.peek().is_some()
            && meant.all(|history| recent(history, at, PASS).all(|permissions| permissions.had))
    }

    fn lets(
        &self,
        process: usize,
        external_id: &str,
        at: Duration,
        may: impl Fn(&Permissions) -> bool,
    ) -> bool {
        let told = self.by_process.get(&process).into_iter().flatten();
        let held = |is_meant: &dyn Fn(&Permissions) -> bool| {
            let mut recent = told
                .clone()
                .flat_map(|(_, history)| recent(history, at, WRITE));
            recent.any(|permissions| is_meant(permissions) && may(permissions))
        };
        held(&|permissions| permissions.external_id.is_none())
            && held(&|permissions| permissions.external_id.as_deref() == Some(external_id))
    }

    /// Records that an edit of an organization may have been overwritten without a fault of the
    /// operator.
    pub(crate) fn excuse_overwrite(&mut self, id: &str) {
        self.excused.insert(id.to_owned());
    }

    /// Returns whether an edit of an organization may have been overwritten.
    pub(crate) fn is_overwrite_excused(&self, id: &str) -> bool {
        self.excused.contains(id)
    }
}

/// Returns whether a condition held at any time within a recent period.
fn recent(
    history: &[(Duration, Permissions)],
    at: Duration,
    within: Duration,
) -> impl Iterator<Item = &Permissions> {
    let since = at.saturating_sub(within);
    let first = history.partition_point(|(told, _)| *told <= since);
    history[first.saturating_sub(1)..]
        .iter()
        .map(|(_, permissions)| permissions)
}
