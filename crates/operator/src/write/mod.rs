//! Writes to WorkOS, with a permit for each of them.
//!
//! Goes in: a plan and the resources that it is for. Each write asks the watches right before it is
//! sent, since somebody may pause a resource, or all of them, while a pass goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use kube::core::ObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio_util::sync::CancellationToken;

use super::cache::Cache;
use super::conditions::{BlockedReason, Reason};
use super::context::{Context, Pass};
use super::entries::Entry;
use super::resolve::Resolved;
use super::resource::{Name, PortalEnvironment, PortalOrganization, Uid, name_of};
use super::state::State;
use super::store::{
    StoredObject, is_being_deleted, is_environment_paused, is_force_released,
    is_organization_paused, is_shown,
};
use portalctl_core::plan::{ActionKind, Change, FieldChange, Plan};
use portalctl_manifest::kubernetes::{DeletionPolicy, Management};
use portalctl_model::codes::api as codes;
use portalctl_model::{Holder, HolderMark, OrgKey, mark};
use portalctl_workos::WriteGate;
use portalctl_workos::apply::{
    ApplyProgress, ApplyReport, Options, Outcome, OutcomeKind, Permit, Problem, apply, nonce,
};

/// Organizations that are written at once; the pace limits the rate.
const CONCURRENCY: usize = 8;

/// Progress that logs each change at its end.
struct LogProgress<'a>(&'a Name);

impl ApplyProgress for LogProgress<'_> {
    fn ended(&self, change: &Change, outcome: &Outcome) {
        let problem = outcome.problem();
        tracing::info!(
            environment = %self.0,
            key = %change.key,
            action = %change.action.kind(),
            outcome = %outcome.kind(),
            code = problem.map(|problem| problem.code.as_str()),
            error = problem.map(ToString::to_string),
            "change"
        );
    }
}

/// Writes the changes of a plan to WorkOS.
pub(super) async fn write(
    pass: &Pass<'_>,
    resolved: &Resolved,
    subjects: Subjects<'_>,
    plan: &Plan,
) -> ApplyReport {
    let permit = WritePermit {
        context: pass.context,
        environment: &resolved.environment,
        subjects,
        term: pass.term,
    };
    let clock = &*pass.context.clock;
    let options = Options {
        concurrency: CONCURRENCY,
        cancel: pass.term.clone(),
        clock,
        permit: &permit,
        nonce: nonce(clock),
    };
    let client = &*resolved.connection.client;
    apply(client, plan, &options, &LogProgress(pass.name)).await
}

/// Records a change that was not done: it is retried later, after a fresh read of its organization.
pub(super) fn record_failure(
    pass: &Pass<'_>,
    state: &mut State,
    cache: &mut Cache,
    entry: &Entry,
    (change, outcome): (&Change, &Outcome),
) {
    let Some(problem) = outcome.problem() else {
        return;
    };
    if let Some(id) = change.action.organization() {
        cache.suspect(id.clone());
    }
    // The resource itself shows why its write was not permitted.
    if pass.term.is_cancelled() || problem.code == codes::WITHHELD {
        return;
    }
    let reason = match outcome.kind() {
        OutcomeKind::Refused => Reason::Refused,
        OutcomeKind::Done | OutcomeKind::Unknown | OutcomeKind::NotTried => Reason::Unreachable,
    };
    let blocked = BlockedReason::new(reason, in_words(problem));
    delay_retry(pass, state, (&change.key, entry), blocked);
}

/// Delays the next try of an entry's changes.
pub(super) fn delay_retry(
    pass: &Pass<'_>,
    state: &mut State,
    (key, entry): (&OrgKey, &Entry),
    blocked: BlockedReason,
) {
    let interval = state.observation.schedule.intervals().poll;
    let now = pass.context.clock.instant();
    let failed = &mut state.writes.failed;
    failed.add(key, entry.generation(), blocked, (interval, now));
}

/// Describes a failure. The id of the request stands in the log only: in a status it would differ
/// after each attempt.
pub(super) fn in_words(problem: &Problem) -> String {
    format!("{} ({})", problem.message, problem.code)
}

/// Returns the field of the holder mark in a change.
pub(super) fn holder_field(change: &Change) -> Option<&FieldChange> {
    let mut fields = change.fields.iter();
    fields.find(|field| field.is_mark_of(mark::HOLDER))
}

/// Permit for the writes of one pass.
struct WritePermit<'a> {
    /// Context with the watched resources.
    context: &'a Arc<Context>,
    /// Environment at the beginning of the pass.
    environment: &'a PortalEnvironment,
    /// Resources that are written for.
    subjects: Subjects<'a>,
    /// Term in which the pass began.
    term: &'a CancellationToken,
}

/// Resources that the changes of a plan are for.
pub(super) enum Subjects<'a> {
    /// Entries by the key of the change.
    ByKey(&'a BTreeMap<&'a OrgKey, &'a Entry>),
    /// Entry that is being deleted.
    Deleted(&'a Entry),
}

impl Permit for WritePermit<'_> {
    fn gate(&self, change: &Change) -> Option<WriteGate> {
        let entry = match self.subjects {
            Subjects::ByKey(by_key) => *by_key.get(&change.key)?,
            Subjects::Deleted(entry) => entry,
        };
        let (context, term) = (Arc::clone(self.context), self.term.clone());
        let environment = Identified::of(&self.environment.metadata);
        let organization = Identified::of(&entry.object.metadata);
        let kind = change.action.kind();
        let former = former_holder(change, &self.context.cluster_id);
        Some(WriteGate::new(move || {
            if term.is_cancelled() {
                return Some("another process of the operator leads".to_owned());
            }
            let Some(environment) = environment.current(&context.environments) else {
                return Some(format!(
                    "PortalEnvironment {} is not there any more",
                    environment.name
                ));
            };
            let Some(organization) = organization.current(&context.organizations) else {
                let name = &organization.name;
                return Some(format!("PortalOrganization {name} is not there any more"));
            };
            // The former holder was gone earlier in the pass, and may have been created again since.
            if let Some(former) = &former
                && is_shown(former, &context.organizations)
            {
                return Some(format!(
                    "PortalOrganization {}/{}, which holds the organization, is there again",
                    former.namespace(),
                    former.name()
                ));
            }
            match (environment.read(), organization.read()) {
                (Ok(environment), Ok(organization)) => refusal(kind, environment, organization),
                (Err(_), _) | (_, Err(_)) => {
                    Some("its resource cannot be read any more".to_owned())
                }
            }
        }))
    }
}

/// Identity of one object, as opposed to a later one of the same name.
struct Identified {
    name: Name,
    uid: Uid,
}

impl Identified {
    fn of(metadata: &ObjectMeta) -> Self {
        Self {
            name: name_of(metadata),
            uid: Uid::of(metadata),
        }
    }

    /// Returns the object as the watch shows it now.
    fn current<K>(&self, store: &Store<StoredObject<K>>) -> Option<Arc<StoredObject<K>>>
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        let reference = ObjectRef::new(&self.name.name).within(&self.name.namespace);
        let object = store.get(&reference)?;
        (Uid::of(object.meta()) == self.uid).then_some(object)
    }
}

/// Returns the resource of this cluster that a change takes the organization from. Pure.
fn former_holder(change: &Change, cluster: &str) -> Option<Holder> {
    let field = holder_field(change)?;
    let (before, after) = (field.before()?, field.after()?);
    let mark = (before != after).then(|| HolderMark::read(&before))??;
    let former = mark.resource().cloned();
    former.filter(|former| former.cluster() == cluster)
}

/// Returns why nothing of this kind may be written for an organization. Pure.
fn refusal(
    kind: ActionKind,
    environment: &PortalEnvironment,
    object: &PortalOrganization,
) -> Option<String> {
    let (of_environment, of_object) = (name_of(&environment.metadata), name_of(&object.metadata));
    if is_environment_paused(environment) {
        return Some(format!("PortalEnvironment {of_environment} is paused"));
    }
    if is_organization_paused(object) {
        return Some(format!("PortalOrganization {of_object} is paused"));
    }
    if object.spec.policies.management_policy == Management::Observe {
        return Some(format!("PortalOrganization {of_object} is only observed"));
    }
    if kind == ActionKind::Delete {
        let is_kept = object.spec.policies.deletion_policy == DeletionPolicy::Retain
            || is_force_released(&object.metadata);
        if is_kept {
            return Some(format!(
                "PortalOrganization {of_object} keeps its organization"
            ));
        }
        let forbids = !environment.spec.operator.allow_deletion;
        return forbids.then(|| {
            format!("PortalEnvironment {of_environment} does not set allowDeletion any more")
        });
    }
    if is_being_deleted(&object.metadata) {
        return Some(format!("PortalOrganization {of_object} is being deleted"));
    }
    is_being_deleted(&environment.metadata)
        .then(|| format!("PortalEnvironment {of_environment} is being deleted"))
}

#[cfg(test)]
mod tests;
