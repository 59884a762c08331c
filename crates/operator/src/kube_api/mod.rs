//! Requests to the API server: statuses, finalizers, Secrets and uncached reads.
//!
//! Statuses are written by server-side apply under the field manager `portalctl`, so the conditions of
//! other controllers stay. Secrets are read one by one, and never listed or watched; only those of
//! webhooks are kept, for seconds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{Error, ErrorKind};
use std::time::Duration;

use http::{Request, Response};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::client::Body;
use kube::core::{NamespaceResourceScope, ObjectMeta};
use kube::{Api, Client, Resource};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::conditions::{BlockedReason, Reason, own_conditions, same_conditions};
use super::context::Context;
use super::resource::{PortalEnvironment, PortalOrganization, Uid, name_of};
use portalctl_manifest::kubernetes::{
    API_VERSION, Condition, KeyRef, PortalEnvironmentStatus, PortalOrganizationStatus,
};
use portalctl_model::text::escape;
use portalctl_platform::clock::SharedClock;

/// Statuses, or finalizers, that are written at once.
pub(super) const CONCURRENT_WRITES: usize = 16;

/// Field manager of everything that the operator writes.
const MANAGER: &str = "portalctl";

/// Time to wait for an answer with its body, or for the beginning of a watch.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Status of one of the two resources.
pub(super) trait Status: Clone + Default + PartialEq + Serialize {
    /// Resource that has the status.
    type Object: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug;

    /// Returns the conditions, those of other controllers included.
    fn conditions(&self) -> &[Condition];

    /// Replaces all conditions.
    #[must_use]
    fn with_conditions(self, conditions: Vec<Condition>) -> Self;

    /// Replaces the observed generation.
    #[must_use]
    fn of_generation(self, generation: Option<i64>) -> Self;

    /// Returns whether two statuses are equal apart from the conditions of other controllers.
    fn says_the_same(&self, other: &Self) -> bool {
        let rest = |status: &Self| status.clone().with_conditions(Vec::new());
        same_conditions(self.conditions(), other.conditions()) && rest(self) == rest(other)
    }

    /// Drops the conditions of other controllers.
    #[must_use]
    fn own_part(self) -> Self {
        let own = own_conditions(self.conditions());
        self.with_conditions(own)
    }
}

macro_rules! status {
    ($status:ty, $object:ty) => {
        impl Status for $status {
            type Object = $object;

            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            fn with_conditions(self, conditions: Vec<Condition>) -> Self {
                Self { conditions, ..self }
            }

            fn of_generation(self, observed_generation: Option<i64>) -> Self {
                Self {
                    observed_generation,
                    ..self
                }
            }
        }
    };
}
status!(PortalOrganizationStatus, PortalOrganization);
status!(PortalEnvironmentStatus, PortalEnvironment);

/// Statuses that were written and that the watch does not show yet.
#[derive(Debug)]
pub(super) struct Written<S> {
    /// Version of the object before the write, and the status, by object.
    last: BTreeMap<Uid, (Option<String>, S)>,
}

impl<S> Default for Written<S> {
    fn default() -> Self {
        Self {
            last: BTreeMap::new(),
        }
    }
}

impl<S: Status> Written<S> {
    /// Returns the current status of an object: the one that was written last, or the one that the
    /// watch shows.
    pub(super) fn current<'a>(&'a self, metadata: &ObjectMeta, seen: Option<&'a S>) -> Cow<'a, S> {
        match self.last.get(&Uid::of(metadata)) {
            Some((version, status)) if *version == metadata.resource_version => {
                Cow::Borrowed(status)
            }
            _ => seen.map_or_else(|| Cow::Owned(S::default()), Cow::Borrowed),
        }
    }

    /// Writes a status, counts it and remembers it until the watch shows it.
    pub(super) async fn write(
        &mut self,
        context: &Context,
        metadata: &ObjectMeta,
        status: S,
    ) -> kube::Result<()> {
        write_status(&context.client, metadata, status.clone()).await?;
        context.metrics.status_written();
        self.remember(metadata, status);
        Ok(())
    }

    /// Remembers a status that was written.
    pub(super) fn remember(&mut self, metadata: &ObjectMeta, status: S) {
        let version = metadata.resource_version.clone();
        self.last.insert(Uid::of(metadata), (version, status));
    }

    /// Forgets objects that are gone, and statuses that the watch shows.
    pub(super) fn retain<'a>(&mut self, there: impl Iterator<Item = &'a ObjectMeta>) {
        let mut last = std::mem::take(&mut self.last);
        self.last = there
            .filter_map(|metadata| {
                let (uid, written) = last.remove_entry(&Uid::of(metadata))?;
                (written.0 == metadata.resource_version).then_some((uid, written))
            })
            .collect();
    }
}

/// Statuses of both resources that were written and that the watches do not show yet.
#[derive(Debug, Default)]
pub(super) struct Statuses {
    /// Statuses of `PortalOrganization`s.
    pub(super) organizations: Written<PortalOrganizationStatus>,
    /// Statuses of `PortalEnvironment`s.
    pub(super) environments: Written<PortalEnvironmentStatus>,
}

impl Statuses {
    /// Returns the current status of an organization's resource.
    pub(super) fn organization(&self, object: &PortalOrganization) -> PortalOrganizationStatus {
        self.organizations
            .current(&object.metadata, object.status.as_ref())
            .into_owned()
    }

    /// Returns the current status of an environment.
    pub(super) fn environment(&self, object: &PortalEnvironment) -> PortalEnvironmentStatus {
        self.environments
            .current(&object.metadata, object.status.as_ref())
            .into_owned()
    }
}

/// Writes a status. An object that is gone, or was replaced, is no error.
pub(super) async fn write_status<S: Status>(
    client: &Client,
    metadata: &ObjectMeta,
    status: S,
) -> kube::Result<()> {
    let name = name_of(metadata);
    let body = json!({
        "apiVersion": API_VERSION,
        "kind": S::Object::kind(&()),
        "metadata": { "name": name.name, "uid": metadata.uid },
        "status": status.own_part(),
    });
    let params = PatchParams::apply(MANAGER).force();
    let api: Api<S::Object> = Api::namespaced(client.clone(), &name.namespace);
    unless_gone(
        api.patch_status(&name.name, &params, &Patch::Apply(&body))
            .await,
    )
}

/// Treats a write to an object that is gone, or was replaced by another of its name, as done.
fn unless_gone<K>(written: kube::Result<K>) -> kube::Result<()> {
    match written {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
        Err(error) => Err(error),
    }
}

/// Presence of a finalizer on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finalizer {
    /// The finalizer is on the object.
    Present,
    /// The finalizer is not on the object.
    Absent,
}

/// Puts a finalizer on an object, or takes it off; other finalizers stay.
pub(super) async fn write_finalizer<K>(
    client: &Client,
    metadata: &ObjectMeta,
    finalizer: &str,
    wanted: Finalizer,
) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug,
{
    let name = name_of(metadata);
    let others = metadata.finalizers.iter().flatten().map(String::as_str);
    let mut finalizers: Vec<&str> = others.filter(|one| *one != finalizer).collect();
    if wanted == Finalizer::Present {
        finalizers.push(finalizer);
    }
    // The version makes sure that no finalizer of another controller is lost.
    let body = json!({ "metadata": {
        "finalizers": finalizers,
        "resourceVersion": metadata.resource_version,
        "uid": metadata.uid,
    } });
    let api: Api<K> = Api::namespaced(client.clone(), &name.namespace);
    let (params, patch) = (PatchParams::default(), Patch::Merge(&body));
    unless_gone(api.patch(&name.name, &params, &patch).await)
}

/// Reads the status of an environment from the API server, since the watch may be behind another
/// process that has written it.
pub(super) async fn read_environment_status(
    client: &Client,
    metadata: &ObjectMeta,
) -> Result<PortalEnvironmentStatus, BlockedReason> {
    let name = name_of(metadata);
    let environments: Api<PortalEnvironment> = Api::namespaced(client.clone(), &name.namespace);
    let current = environments.get_opt(&name.name).await.map_err(|error| {
        let message = format!("the environment cannot be read: {error}");
        BlockedReason::new(Reason::Unreachable, message)
    })?;
    let current = current.filter(|current| current.metadata.uid == metadata.uid);
    // An environment without a status is a new one, and has written and counted nothing.
    Ok(current
        .and_then(|current| current.status)
        .unwrap_or_default())
}

/// Reads one key of a Secret. The error says what to do about it.
pub(super) async fn read_secret(
    client: &Client,
    namespace: &str,
    reference: &KeyRef,
) -> Result<SecretString, BlockedReason> {
    let KeyRef { name, key } = reference;
    let shown = format!("{}/{}", escape(namespace), escape(name));
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = secrets.get_opt(name).await.map_err(|error| match &error {
        kube::Error::Api(status) if status.code == 403 => BlockedReason::new(
            Reason::SecretMissing,
            format!("the operator may not read Secret {shown}: let its role `get` it"),
        ),
        _ => BlockedReason::new(
            Reason::Unreachable,
            format!(
                "Secret {shown} cannot be read: {}",
                escape(&error.to_string())
            ),
        ),
    })?;
    let Some(secret) = secret else {
        let message = format!("there is no Secret {shown}: create it with the key `{key}`");
        return Err(BlockedReason::new(Reason::SecretMissing, message));
    };
    let Some(bytes) = secret.data.and_then(|mut data| data.remove(key)) else {
        let message = format!("Secret {shown} has no key `{}`", escape(key));
        return Err(BlockedReason::new(Reason::SecretMissing, message));
    };
    match String::from_utf8(bytes.0) {
        Ok(text) => Ok(SecretString::from(text)),
        Err(_) => Err(BlockedReason::new(
            Reason::KeyInvalid,
            format!("the key `{}` of Secret {shown} is not text", escape(key)),
        )),
    }
}

/// Wraps a Kubernetes client so that each request has a deadline.
///
/// kube waits without end, since it cannot know which answers are streams. A connection that a load
/// balancer has forgotten would hold up an environment, or a listing, until the process is restarted.
pub(super) fn with_request_timeout(client: Client, clock: SharedClock) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, clock) = (client.clone(), clock.clone());
        async move {
            tokio::select! {
                biased;
                answer = whole(client, request) => answer,
                () = clock.sleep(REQUEST_TIMEOUT) => Err(timed_out()),
            }
        }
    });
    Client::new(service, namespace)
}

/// Sends a request and reads all of the answer, unless it is a watch.
async fn whole(client: Client, request: Request<Body>) -> kube::Result<Response<Body>> {
    let query = request.uri().query();
    let is_watch = query.is_some_and(|query| query.split('&').any(|one| one == "watch=true"));
    let answer = client.send(request).await?;
    if is_watch {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = body.collect_bytes().await?;
    Ok(Response::from_parts(parts, Body::from(body.to_vec())))
}

fn timed_out() -> kube::Error {
    let message = format!("no answer within {} s", REQUEST_TIMEOUT.as_secs());
    kube::Error::Service(Error::new(ErrorKind::TimedOut, message).into())
}

#[cfg(test)]
mod tests;
