//! Permission for each single write to WorkOS, from what the watches show at that moment.
//!
//! A pass writes for many organizations, and somebody may pause one of them, or all, meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use kube::core::ObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::entries::Entry;
use super::names::{Name, Uid, name_of};
use super::objects::{
    is_environment_paused, is_force_released, is_leaving, is_organization_paused,
};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::watched::Watched;
use super::write::holder_field;
use portalctl_core::plan::{ActionKind, Change};
use portalctl_manifest::kubernetes::{DeletionPolicy, ManagementPolicy};
use portalctl_model::{Holder, HolderMark, OrgKey};
use portalctl_workos::WriteGate;
use portalctl_workos::apply::Permit;

/// The permit of the writes of one pass.
pub(super) struct WritePermit<'a> {
    /// What the watches show.
    pub(super) context: &'a Arc<Context>,
    /// The environment as the pass knows it.
    pub(super) environment: &'a PortalEnvironment,
    /// The resources that are written for.
    pub(super) subjects: Subjects<'a>,
    /// The term in which the pass began.
    pub(super) term: &'a CancellationToken,
}

/// The resources that the changes of a plan are for.
pub(super) enum Subjects<'a> {
    /// By the key of the change.
    ByKey(&'a BTreeMap<&'a OrgKey, &'a Entry>),
    /// One that is being deleted.
    Leaving(&'a Entry),
}

impl Permit for WritePermit<'_> {
    fn gate(&self, change: &Change) -> Option<WriteGate> {
        let entry = match self.subjects {
            Subjects::ByKey(by_key) => *by_key.get(&change.key)?,
            Subjects::Leaving(entry) => entry,
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
            // It was gone when the pass looked for it, and may have been created again since.
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

/// One object, and not another that took its name.
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

    /// Finds the object as a watch shows it now.
    fn current<K>(&self, store: &Store<Watched<K>>) -> Option<Arc<Watched<K>>>
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        let reference = ObjectRef::new(&self.name.name).within(&self.name.namespace);
        let object = store.get(&reference)?;
        (Uid::of(object.meta()) == self.uid).then_some(object)
    }
}

/// The resource of this cluster that a change takes the organization from. Pure.
fn former_holder(change: &Change, cluster: &str) -> Option<Holder> {
    let field = holder_field(change)?;
    let is_taken = field.after.is_some() && field.before != field.after;
    let mark = HolderMark::read(field.before.as_deref().filter(|_| is_taken)?)?;
    let former = mark.resource().cloned();
    former.filter(|former| former.cluster() == cluster)
}

/// Whether a watch shows a resource that holds something, readable or not.
pub(super) fn is_shown(
    holder: &Holder,
    organizations: &Store<Watched<PortalOrganization>>,
) -> bool {
    let reference = ObjectRef::new(holder.name()).within(holder.namespace());
    organizations.get(&reference).is_some()
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
    if object.spec.management_policy == ManagementPolicy::Observe {
        return Some(format!("PortalOrganization {of_object} is only observed"));
    }
    if kind == ActionKind::Delete {
        let is_kept = object.spec.deletion_policy == DeletionPolicy::Retain
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
    if is_leaving(&object.metadata) {
        return Some(format!("PortalOrganization {of_object} is being deleted"));
    }
    is_leaving(&environment.metadata)
        .then(|| format!("PortalEnvironment {of_environment} is being deleted"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use portalctl_core::plan::{Action, FieldChange, Reason as Why};
    use portalctl_model::desired::{FieldPath, Source};
    use portalctl_model::mark;

    fn said(kind: ActionKind, environment: Value, organization: Value) -> Option<String> {
        let object = |name: &str, spec: Value, more: Value| {
            let mut object = json!({
                "metadata": { "name": name, "namespace": "portal" }, "spec": spec,
            });
            for (part, fields) in more.as_object().unwrap() {
                let part = object[part].as_object_mut().unwrap();
                part.extend(fields.as_object().unwrap().clone());
            }
            object
        };
        let environment = object(
            "production",
            json!({ "secretRef": { "name": "workos", "key": "api-key" }, "allowDeletion": true }),
            environment,
        );
        let organization = object(
            "acme",
            json!({ "environmentRef": { "name": "production" }, "deletionPolicy": "Delete" }),
            organization,
        );
        refusal(
            kind,
            &serde_json::from_value(environment).unwrap(),
            &serde_json::from_value(organization).unwrap(),
        )
    }

    #[test]
    fn only_a_mark_of_this_cluster_that_is_replaced_names_a_former_holder() {
        let former = |before: Option<&str>, after: Option<&str>| {
            let change = Change {
                key: OrgKey::parse("acme").unwrap(),
                action: Action::Create,
                fields: vec![FieldChange {
                    path: FieldPath::Metadata(mark::HOLDER.to_owned()),
                    before: before.map(str::to_owned),
                    after: after.map(str::to_owned),
                }],
                reason: Why::Missing,
                source: Source::nowhere(),
            };
            former_holder(&change, "here").map(|former| former.to_string())
        };
        let (twin, acme) = ("here/portal/twin", "here/portal/acme");
        assert_eq!(former(Some(twin), Some(acme)).as_deref(), Some(twin));
        assert_eq!(former(Some("there/portal/twin"), Some(acme)), None);
        assert_eq!(former(Some(acme), Some(acme)), None);
        assert_eq!(former(None, Some(acme)), None);
        assert_eq!(former(Some(acme), None), None);
    }

    #[test]
    fn a_write_is_refused_once_something_is_paused_observed_or_being_deleted() {
        let paused = json!({ "metadata": { "annotations": { "portalctl.dev/paused": "yes" } } });
        let suspended = json!({ "spec": { "suspend": true } });
        let leaving = json!({ "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" } });
        let observed = json!({ "spec": { "managementPolicy": "Observe" } });
        for kind in [ActionKind::Create, ActionKind::Update, ActionKind::Invite] {
            assert_eq!(said(kind, json!({}), json!({})), None);
            for (environment, organization, wanted) in [
                (
                    &paused,
                    json!({}),
                    "PortalEnvironment portal/production is paused",
                ),
                (
                    &suspended,
                    json!({}),
                    "PortalEnvironment portal/production is paused",
                ),
                (
                    &leaving,
                    json!({}),
                    "PortalEnvironment portal/production is being deleted",
                ),
                (
                    &json!({}),
                    paused.clone(),
                    "PortalOrganization portal/acme is paused",
                ),
                (
                    &json!({}),
                    suspended.clone(),
                    "PortalOrganization portal/acme is paused",
                ),
                (
                    &json!({}),
                    leaving.clone(),
                    "PortalOrganization portal/acme is being deleted",
                ),
                (
                    &json!({}),
                    observed.clone(),
                    "PortalOrganization portal/acme is only observed",
                ),
            ] {
                let said = said(kind, environment.clone(), organization);
                assert_eq!(said.as_deref(), Some(wanted));
            }
        }
    }

    #[test]
    fn a_deletion_is_refused_once_a_pause_a_policy_or_the_environment_says_so() {
        let leaving = json!({ "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" } });
        let said = |environment: Value, spec: Value| {
            let mut organization = leaving.clone();
            organization["spec"] = spec;
            said(ActionKind::Delete, environment, organization)
        };
        assert_eq!(said(json!({}), json!({})), None);
        assert_eq!(said(leaving.clone(), json!({})), None);
        let refused = [
            said(json!({ "spec": { "suspend": true } }), json!({})),
            said(json!({ "spec": { "allowDeletion": false } }), json!({})),
            said(json!({}), json!({ "suspend": true })),
            said(json!({}), json!({ "deletionPolicy": "Retain" })),
            said(json!({}), json!({ "managementPolicy": "Observe" })),
        ];
        assert!(refused.iter().all(Option::is_some), "{refused:?}");
    }
}
