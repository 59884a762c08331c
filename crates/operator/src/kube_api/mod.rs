//! What is written to the API server: statuses where they differ, and finalizers.
//!
//! Statuses are applied from the server's side by the field manager `portalctl`, so conditions of
//! others stay. What was written is remembered until the watch has caught up with it: nothing is
//! written twice.

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
use serde_json::{Value, json};

use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::resource::{Name, Uid, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use super::status::{ours, same_conditions};
use portalctl_manifest::kubernetes::{
    API_VERSION, Condition, KeyRef, Kind, PortalEnvironmentStatus, PortalOrganizationStatus,
};
use portalctl_model::text::escape;
use portalctl_platform::clock::SharedClock;

/// How many statuses, or finalizers, are written at once.
pub(super) const AT_ONCE: usize = 16;

/// The owner of the fields that the operator writes.
const MANAGER: &str = "portalctl";

/// A status that the operator writes.
pub(super) trait Status: Clone + Default + PartialEq + Serialize {
    /// Which resource has it.
    const KIND: Kind;

    /// Its conditions, those of others included.
    fn conditions(&self) -> &[Condition];

    /// With these conditions and no others.
    #[must_use]
    fn with_conditions(self, conditions: Vec<Condition>) -> Self;

    /// Of another generation of its resource.
    #[must_use]
    fn of_generation(self, generation: Option<i64>) -> Self;

    /// Whether two say the same, but for conditions of others.
    fn says_the_same(&self, other: &Self) -> bool {
        let rest = |status: &Self| status.clone().with_conditions(Vec::new());
        same_conditions(self.conditions(), other.conditions()) && rest(self) == rest(other)
    }

    /// Without the conditions of others.
    #[must_use]
    fn own_part(self) -> Self {
        let own = ours(self.conditions());
        self.with_conditions(own)
    }
}

impl Status for PortalOrganizationStatus {
    const KIND: Kind = Kind::PortalOrganization;

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

impl Status for PortalEnvironmentStatus {
    const KIND: Kind = Kind::PortalEnvironment;

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

/// What was written last, until the watch shows it.
#[derive(Debug)]
pub(super) struct Written<S> {
    /// By object: the version of the object that it was written over, and what.
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
    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// The status that an object has now.
    pub(super) fn current<'a>(&'a self, metadata: &ObjectMeta, seen: Option<&'a S>) -> Cow<'a, S> {
        match self.last.get(&Uid::of(metadata)) {
            Some((version, status)) if *version == metadata.resource_version => {
                Cow::Borrowed(status)
            }
            _ => seen.map_or_else(|| Cow::Owned(S::default()), Cow::Borrowed),
        }
    }

    /// Remembers what was written.
    pub(super) fn wrote(&mut self, metadata: &ObjectMeta, status: S) {
        let version = metadata.resource_version.clone();
        self.last.insert(Uid::of(metadata), (version, status));
    }

    /// Forgets objects that are gone, and what the watch shows by now.
    pub(super) fn keep<'a>(&mut self, there: impl Iterator<Item = &'a ObjectMeta>) {
        let mut last = std::mem::take(&mut self.last);
        self.last = there
            .filter_map(|metadata| {
                let (uid, written) = last.remove_entry(&Uid::of(metadata))?;
                (written.0 == metadata.resource_version).then_some((uid, written))
            })
            .collect();
    }
}

/// Writes a status.
pub(super) async fn status<S: Status>(
    client: &Client,
    metadata: &ObjectMeta,
    status: S,
) -> kube::Result<()> {
    let name = name_of(metadata);
    let body = json!({
        "apiVersion": API_VERSION,
        "kind": S::KIND.as_str(),
        "metadata": { "name": name.name, "uid": metadata.uid },
        "status": status.own_part(),
    });
    let params = PatchParams::apply(MANAGER).force();
    let patch = Patch::Apply(&body);
    match S::KIND {
        Kind::PortalOrganization => {
            let api: Api<PortalOrganization> = Api::namespaced(client.clone(), &name.namespace);
            patch_status(&api, &name, &params, &patch).await
        }
        Kind::PortalEnvironment => {
            let api: Api<PortalEnvironment> = Api::namespaced(client.clone(), &name.namespace);
            patch_status(&api, &name, &params, &patch).await
        }
    }
}

async fn patch_status<K>(
    api: &Api<K>,
    name: &Name,
    params: &PatchParams,
    patch: &Patch<&Value>,
) -> kube::Result<()>
where
    K: Clone + DeserializeOwned + Debug,
{
    match api.patch_status(&name.name, params, patch).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether an object is not there any more, or another by that name is.
fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 || status.code == 409)
}

/// Puts a finalizer on an object, or takes it off; other finalizers stay.
pub(super) async fn finalizer<K>(
    client: &Client,
    metadata: &ObjectMeta,
    finalizer: &str,
    wanted: bool,
) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug,
{
    let name = name_of(metadata);
    let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
    finalizers.retain(|one| one != finalizer);
    if wanted {
        finalizers.push(finalizer.to_owned());
    }
    // The version makes sure that nobody else's finalizer is lost.
    let body = json!({ "metadata": {
        "finalizers": finalizers,
        "resourceVersion": metadata.resource_version,
        "uid": metadata.uid,
    } });
    let api: Api<K> = Api::namespaced(client.clone(), &name.namespace);
    let patched = api
        .patch(&name.name, &PatchParams::default(), &Patch::Merge(&body))
        .await;
    match patched {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads a key; blocked says what to do about it.
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

/// How long an answer is waited for, its body included; of a watch, until it begins.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The same client, that gives up.
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

/// An answer with all of its body, unless it is a watch's.
async fn whole(client: Client, request: Request<Body>) -> kube::Result<Response<Body>> {
    let query = request.uri().query().unwrap_or_default();
    let is_watch = query.split('&').any(|one| one == "watch=true");
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
