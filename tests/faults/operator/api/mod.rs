//! A Kubernetes API server in this process, equal to a real one in everything that the operator
//! uses.
//!
//! ```text
//! call      requests as the API server reads them
//! store     objects, the version of every write, what happened
//! pages     lists, page by page
//! status    server-side apply of a status
//! watch     what happened, told late and until the stream breaks
//! ```
//!
//! It shares no type with the operator: objects are plain JSON. The real one judges the operator in
//! `tests/it/operator*.rs`; this one only makes what is rare there happen by the thousand.

mod call;
mod pages;
mod status;
mod store;
mod watch;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{Request, Response};
use portalctl_platform::clock::{Clock, SharedClock, SystemClock};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::BoxError;

use super::network::{Exchange, Fate, Network, Server};
use super::witness::Witness;
pub(crate) use call::{Call, Verb};
use pages::Pages;
pub(crate) use store::{Change, Key, Kind, Refusal, Store};
pub(crate) use watch::End;

/// The namespace of the environments, and of most other objects.
pub(crate) const NAMESPACE: &str = "portal";
/// A namespace whose organizations the environment takes.
pub(crate) const TENANT: &str = "team";

/// The API server.
pub(crate) struct ApiServer {
    store: Mutex<Store>,
    pages: Mutex<Pages>,
    changed: Notify,
    clock: SharedClock,
    network: Arc<Network>,
    witness: Arc<Witness>,
}

impl ApiServer {
    /// Creates a server without objects.
    pub(crate) fn new(clock: SharedClock, network: Arc<Network>, witness: Arc<Witness>) -> Self {
        Self {
            store: Mutex::default(),
            pages: Mutex::default(),
            changed: Notify::new(),
            clock,
            network,
            witness,
        }
    }

    /// Returns a client by which a replica reaches the server.
    pub(crate) fn client(self: &Arc<Self>, replica: usize) -> portalctl_operator::kube::Client {
        let server = Arc::clone(self);
        let service = tower::service_fn(
            move |request: Request<portalctl_operator::kube::client::Body>| {
                let server = Arc::clone(&server);
                async move { server.carry(replica, request).await }
            },
        );
        portalctl_operator::kube::Client::new(service, NAMESPACE)
    }

    /// Reads the store, or changes it as people do, without a network in between.
    pub(crate) fn store<T>(&self, act: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.store.lock().unwrap();
        let version = store.version();
        let result = act(&mut store);
        let is_new = store.version() != version;
        drop(store);
        if is_new {
            self.changed.notify_waiters();
        }
        result
    }

    /// Drops the history, so that watches and lists have to start again.
    pub(crate) fn compact(&self) {
        self.store(Store::compact);
        self.pages.lock().unwrap().forget();
    }

    /// The time.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Takes a request over the network and its answer back. What is on its way arrives, whether or
    /// not somebody still waits for the answer.
    async fn carry(
        self: Arc<Self>,
        replica: usize,
        request: Request<portalctl_operator::kube::client::Body>,
    ) -> Result<Response<Body>, BoxError> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(Body::new(body), usize::MAX).await?;
        let request = Request::from_parts(parts, body);
        let Some(call) = Call::read(&request) else {
            return Ok(answer(404, &Refusal::NOT_FOUND.status()));
        };
        let shown = call.shown();
        let exchange = self.network.exchange(replica, Server::Api, &shown);
        let Exchange {
            before,
            fate,
            after,
        } = exchange;
        let server = Arc::clone(&self);
        let handling = tokio::spawn(async move {
            SystemClock.sleep(before).await;
            fate.arrives().then(|| server.handle(replica, &call, fate))
        });
        let handled = handling.await?;
        SystemClock.sleep(after).await;
        match fate {
            Fate::Answered | Fate::Outrun => Ok(handled.unwrap_or_default()),
            Fate::Refused(code) | Fate::Failed(code) => {
                Ok(answer(code, &Refusal::new(code, "Trouble").status()))
            }
            Fate::BrokenBefore | Fate::BrokenAfter => {
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
            }
            Fate::SilentBefore | Fate::SilentAfter => std::future::pending().await,
        }
    }

    /// Does what a request asks for.
    fn handle(self: &Arc<Self>, replica: usize, call: &Call, fate: Fate) -> Response<Body> {
        if fate == Fate::Outrun && call.is_write() {
            self.write_as_other_client(&call.key());
        }
        let handled = match call.verb {
            Verb::Watch => return self.watch(replica, call),
            Verb::List => self.list(replica, call).map(|list| (list, false)),
            Verb::Get => {
                let found = self.store(|store| store.get(&call.key()).cloned());
                let arrives = matches!(fate, Fate::Answered | Fate::Outrun);
                self.witness
                    .looked_up(replica, call, found.is_some(), arrives);
                found.map(|found| (found, false)).ok_or(Refusal::NOT_FOUND)
            }
            _ => self.write(replica, call),
        };
        let (code, is_changed) = match &handled {
            Ok((_, is_changed)) => (200, *is_changed),
            Err(refusal) => (refusal.code, false),
        };
        self.witness.api_call(replica, call, code, is_changed);
        match handled {
            Ok((object, _)) => answer(if call.verb == Verb::Create { 201 } else { 200 }, &object),
            Err(refusal) => answer(code, &refusal.status()),
        }
    }

    fn write(&self, replica: usize, call: &Call) -> Result<(Value, bool), Refusal> {
        let (key, body) = (call.key(), &call.body);
        let now = self.now();
        self.store(|store| {
            let lease = Key::new(Kind::Lease, super::LEASE);
            let holder = store
                .get(&lease)
                .map(|lease| lease["spec"]["holderIdentity"].clone());
            self.witness.api_write(replica, call, holder.as_ref());
            match call.verb {
                Verb::Create => Ok((store.create(&key, body, now)?, true)),
                Verb::Apply if call.is_status => store.apply_status(&key, body),
                Verb::Replace => store.change(&key, |object| {
                    store::same_object(object, &body["metadata"])?;
                    object["spec"] = body["spec"].clone();
                    Ok(())
                }),
                Verb::Merge if key.kind == Kind::Event => store.change(&key, |object| {
                    object["series"] = body["series"].clone();
                    Ok(())
                }),
                Verb::Merge => store.change(&key, |object| merge(object, &body["metadata"])),
                _ => Err(Refusal::new(405, "MethodNotAllowed")),
            }
        })
    }

    /// Writes to an object as another client would.
    fn write_as_other_client(&self, key: &Key) {
        let at = self.network.passed().as_millis().to_string();
        self.store(|store| {
            // An object that is not there is nobody's to write to.
            let _ = store.change(key, |object| {
                object["metadata"]["labels"]["touched"] = json!(at);
                Ok(())
            });
        });
    }

    fn list(&self, replica: usize, call: &Call) -> Result<Value, Refusal> {
        let token = call.query.get("continue").map(String::as_str);
        let mut pages = self.pages.lock().unwrap();
        let (items, metadata) = self.store(|store| pages.page(store, call.kind, token))?;
        for item in &items {
            self.witness.list_tells(replica, call.kind, item);
        }
        let (api_version, kind) = call.kind.names();
        Ok(json!({
            "apiVersion": api_version, "kind": format!("{kind}List"),
            "metadata": metadata, "items": items,
        }))
    }

    fn watch(self: &Arc<Self>, replica: usize, call: &Call) -> Response<Body> {
        let (delay, lifetime, end) = self.network.watch(replica, &format!("{:?}", call.kind));
        let version = call.query.get("resourceVersion");
        let timeout = call.query.get("timeoutSeconds");
        let timeout = timeout.and_then(|seconds| seconds.parse().ok());
        let most = Duration::from_secs(timeout.unwrap_or(290));
        self.witness.watches(replica, call.kind);
        self.witness.api_call(replica, call, 200, false);
        let stream = watch::Stream {
            server: Arc::clone(self),
            replica,
            kind: call.kind,
            version: version.and_then(|text| text.parse().ok()).unwrap_or(0),
            delay,
            until: SystemClock.instant() + lifetime.min(most),
            end: if lifetime < most { end } else { End::Closed },
            calm: self.network.calm(),
            is_over: false,
        };
        Response::new(stream.body())
    }

    fn delivered(&self, replica: usize, change: &Change) {
        self.witness
            .watch_tells(replica, change.kind, change.what, &change.object);
    }
}

/// A merge patch of an object's metadata.
fn merge(object: &mut Value, metadata: &Value) -> Result<(), Refusal> {
    store::same_object(object, metadata)?;
    for field in ["finalizers", "annotations"] {
        match &metadata[field] {
            Value::Null => {}
            Value::Object(patch) => {
                for (name, value) in patch {
                    object["metadata"][field][name.as_str()] = value.clone();
                }
            }
            whole => object["metadata"][field] = whole.clone(),
        }
    }
    Ok(())
}

fn answer(code: u16, body: &Value) -> Response<Body> {
    let mut answer = Response::new(Body::from(Bytes::from(body.to_string())));
    *answer.status_mut() = http::StatusCode::from_u16(code).unwrap();
    answer
}

#[cfg(test)]
mod tests;
