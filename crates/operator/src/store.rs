//! Watched resources of both kinds, with the annotations and finalizers that the operator knows.
//!
//! Goes in: the events of two watches. Comes out: the current objects. An object that cannot be read is
//! kept with its error and stops no other. A watch that breaks starts again, with growing delays.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt};
use kube::core::error_boundary::InvalidObject;
use kube::core::{DeserializeGuard, NamespaceResourceScope, ObjectMeta};
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::backoff::WatchBackoff;
use super::resource::{
    Name, PortalEnvironment, PortalOrganization, Uid, environment_name_of, name_of,
};
use portalctl_manifest::kubernetes::PAUSED;
use portalctl_model::Holder;
use portalctl_platform::clock::SharedClock;

/// Annotation that removes the operator's finalizer from a resource and keeps its organization.
pub(super) const FORCE_RELEASE: &str = "portalctl.dev/force-release";
/// Annotation on an environment that requests a pass now. A process that does not lead passes webhooks
/// on by it.
pub(super) const RECONCILE_REQUESTED: &str = "portalctl.dev/reconcile-requested-at";
/// Finalizer of resources whose organization is deleted with them.
pub(super) const FINALIZER: &str = "portalctl.dev/organization";
/// Finalizer of environments that resources with [`FINALIZER`] need.
pub(super) const ENVIRONMENT_FINALIZER: &str = "portalctl.dev/environment-in-use";

/// Watched `PortalOrganization`s, readable or not.
pub(super) type Organizations = Store<StoredObject<PortalOrganization>>;
/// Watched `PortalEnvironment`s, readable or not.
pub(super) type Environments = Store<StoredObject<PortalEnvironment>>;

/// One environment with its organizations, at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct EnvironmentObjects {
    /// Environment, if it exists.
    pub(super) environment: Option<Arc<StoredObject<PortalEnvironment>>>,
    /// Organizations that can be read, oldest first.
    pub(super) organizations: Vec<Arc<PortalOrganization>>,
}

impl EnvironmentObjects {
    /// Collects the objects of an environment.
    pub(super) fn of(
        name: &Name,
        environments: &Environments,
        organizations: &Organizations,
    ) -> Self {
        let reference = ObjectRef::new(&name.name).within(&name.namespace);
        let all = organizations.state();
        let readable = all.iter().filter_map(|object| object.read().ok());
        let ours = readable.filter(|object| environment_name_of(object) == *name);
        let mut ours: Vec<_> = ours.cloned().collect();
        ours.sort_by_cached_key(|object| {
            let metadata = object.meta();
            let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created.is_none(), created, name_of(metadata))
        });
        Self {
            environment: environments.get(&reference),
            organizations: ours,
        }
    }

    /// Hashes everything that people can edit, and no status.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if let Some(environment) = &self.environment {
            hash(environment.meta(), &mut hasher);
        }
        for object in &self.organizations {
            hash(object.meta(), &mut hasher);
        }
        hasher.finish()
    }
}

/// Hashes the parts of an object that people can edit.
fn hash(metadata: &ObjectMeta, hasher: &mut impl Hasher) {
    Uid::of(metadata).hash(hasher);
    metadata.generation.hash(hasher);
    metadata.annotations.hash(hasher);
    metadata.finalizers.hash(hasher);
    metadata.deletion_timestamp.is_some().hash(hasher);
}

/// Returns whether an annotation is there with another value than those that say no.
fn is_set(metadata: &ObjectMeta, annotation: &str) -> bool {
    const NO: [&str; 5] = ["", "false", "no", "off", "0"];
    let annotations = metadata.annotations.as_ref();
    annotations
        .and_then(|annotations| annotations.get(annotation))
        .map(|value| value.trim())
        .is_some_and(|value| !NO.iter().any(|no| value.eq_ignore_ascii_case(no)))
}

/// Returns whether the annotation `portalctl.dev/paused` stops all writing for an object.
fn is_paused(metadata: &ObjectMeta) -> bool {
    is_set(metadata, PAUSED)
}

/// Returns whether nothing is written for an organization.
pub(super) fn is_organization_paused(object: &PortalOrganization) -> bool {
    is_paused(&object.metadata) || object.spec.policies.suspend
}

/// Returns whether nothing is written for any organization of an environment.
pub(super) fn is_environment_paused(object: &PortalEnvironment) -> bool {
    is_paused(&object.metadata) || object.spec.operator.suspend
}

/// Returns whether an object is to be freed of the finalizer, whatever stands in the way.
pub(super) fn is_force_released(metadata: &ObjectMeta) -> bool {
    is_set(metadata, FORCE_RELEASE)
}

/// Returns whether an object is being deleted.
pub(super) const fn is_being_deleted(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some()
}

/// Returns whether the operator's finalizer is on an organization.
pub(super) fn is_held(metadata: &ObjectMeta) -> bool {
    has_finalizer(metadata, FINALIZER)
}

/// Returns whether a finalizer is on an object.
pub(super) fn has_finalizer(metadata: &ObjectMeta, finalizer: &str) -> bool {
    let finalizers = metadata.finalizers.iter().flatten();
    finalizers.into_iter().any(|one| one == finalizer)
}

/// Object, or the error of reading it. Cheap to clone: a pass over ten thousand of them copies none.
#[derive(Debug, Clone)]
pub(super) struct StoredObject<K>(Result<Arc<K>, Arc<InvalidObject>>);

impl<K> StoredObject<K> {
    /// Returns the object, or the error of reading it.
    pub(super) fn read(&self) -> Result<&Arc<K>, &str> {
        self.0.as_ref().map_err(|invalid| invalid.error.as_str())
    }
}

impl<K> From<DeserializeGuard<K>> for StoredObject<K> {
    fn from(DeserializeGuard(read): DeserializeGuard<K>) -> Self {
        Self(read.map(Arc::new).map_err(Arc::new))
    }
}

/// Converts the objects of a watch event.
fn shared<K>(event: Event<DeserializeGuard<K>>) -> Event<StoredObject<K>> {
    match event {
        Event::Apply(object) => Event::Apply(object.into()),
        Event::Delete(object) => Event::Delete(object.into()),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(object.into()),
        Event::InitDone => Event::InitDone,
    }
}

impl<K: Resource + Clone> Resource for StoredObject<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(object) => object.meta(),
            Err(invalid) => &invalid.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(object) => Arc::make_mut(object).meta_mut(),
            Err(invalid) => &mut Arc::make_mut(invalid).metadata,
        }
    }
}

/// Completion of the first list of each kind. A store of kube knows it too, but wakes only one waiting
/// task.
#[derive(Debug, Clone, Default)]
pub(super) struct InitialLists {
    kinds: [CancellationToken; 2],
}

impl InitialLists {
    /// Returns whether both kinds were listed.
    pub(super) fn is_done(&self) -> bool {
        self.kinds.iter().all(CancellationToken::is_cancelled)
    }

    /// Waits until both kinds were listed.
    pub(super) async fn done(&self) {
        for kind in &self.kinds {
            kind.cancelled().await;
        }
    }

    /// Returns the tokens that the watches cancel after their first list.
    pub(super) fn kinds(&self) -> [CancellationToken; 2] {
        self.kinds.clone()
    }
}

/// Settings of the watches.
pub(super) struct Watches<'a> {
    /// Client of the API server.
    pub(super) client: &'a Client,
    /// Only namespace to watch; all namespaces without it.
    pub(super) namespace: Option<&'a str>,
    /// Clock of the delays.
    pub(super) clock: &'a SharedClock,
    /// Name of this process.
    pub(super) identity: &'a str,
    /// Notified of every change.
    pub(super) changed: &'a Arc<Notify>,
    /// Cancelled at the end of the watches.
    pub(super) stop: &'a CancellationToken,
}

impl Watches<'_> {
    /// Starts the watch of one kind, and returns its store.
    pub(super) fn start<K>(
        &self,
        listed: CancellationToken,
        background: &mut JoinSet<()>,
    ) -> Store<StoredObject<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let api: Api<DeserializeGuard<K>> = match self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let (store, writer) = reflector::store();
        let name = format!("{} {}", self.identity, K::kind(&()));
        let events = watcher(api, watcher::Config::default())
            .backoff(WatchBackoff::new(Arc::clone(self.clock), name))
            // The managed fields are half of an object, and not needed here.
            .modify(|object| object.meta_mut().managed_fields = None)
            .map_ok(shared);
        let (changed, stop) = (Arc::clone(self.changed), self.stop.clone());
        background.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = follow(events, writer, &changed, &listed) => {}
            }
        });
        store
    }
}

/// Applies the events of a watch to its store.
async fn follow<K>(
    events: impl Stream<Item = watcher::Result<Event<StoredObject<K>>>>,
    mut writer: Writer<StoredObject<K>>,
    changed: &Notify,
    listed: &CancellationToken,
) where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                writer.apply_watcher_event(&event);
                if matches!(event, Event::InitDone) {
                    listed.cancel();
                }
                changed.notify_one();
            }
            Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "the watch was interrupted"),
        }
    }
}

/// Returns whether the watch shows the resource of a holder mark, readable or not.
pub(super) fn is_shown(holder: &Holder, organizations: &Organizations) -> bool {
    let reference = ObjectRef::new(holder.name()).within(holder.namespace());
    organizations.get(&reference).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_annotation_pauses_unless_its_value_says_no() {
        for (value, paused) in [
            ("true", true),
            ("True", true),
            ("yes", true),
            ("1", true),
            ("since the incident", true),
            ("", false),
            ("false", false),
            ("False", false),
            ("no", false),
            ("off", false),
            (" 0 ", false),
        ] {
            let metadata = json!({ "annotations": { PAUSED: value, FORCE_RELEASE: value } });
            let metadata = serde_json::from_value(metadata).unwrap();
            assert_eq!(is_paused(&metadata), paused, "{value:?}");
            assert_eq!(is_force_released(&metadata), paused, "{value:?}");
        }
    }

    #[test]
    fn suspend_pauses_either_kind_as_the_annotation_does() {
        let organization = |spec| {
            let object = json!({ "metadata": {}, "spec": spec });
            serde_json::from_value::<PortalOrganization>(object).unwrap()
        };
        let reference = json!({ "name": "production" });
        assert!(is_organization_paused(&organization(
            json!({ "environmentRef": reference, "suspend": true })
        )));
        assert!(!is_organization_paused(&organization(
            json!({ "environmentRef": reference })
        )));
        let secret = json!({ "name": "workos", "key": "api-key" });
        let environment = json!({
            "metadata": {}, "spec": { "secretRef": secret, "suspend": true },
        });
        assert!(is_environment_paused(
            &serde_json::from_value(environment).unwrap()
        ));
    }
}
