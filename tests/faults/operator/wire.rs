//! Transport of one replica to WorkOS, which is the sandbox: the real client over a network that
//! loses and delays requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use jiff::SignedDuration;
use portalctl_operator::Connect;
use portalctl_platform::clock::{Clock, SystemClock};
use portalctl_workos::{Endpoint, Transport, TransportError, TransportErrorKind};
use workos_sandbox::Sandbox;

use super::api::{ApiServer, Key, Kind};
use super::network::{Exchange, Fate, Network, Server};
use super::people::ELSEWHERES;
use super::witness::{PortalCall, Witness};
use crate::apply::kinds::Spelling;

/// Timeout of the real transport.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time between the last look at an organization and the arrival of its deletion.
const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(90);
/// An API key that WorkOS does not take any more.
pub(crate) const REVOKED: &str = "sk_test_revoked";

/// Transport of one replica to WorkOS, which is the sandbox: the real client over a network that
/// loses and delays requests.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) replica: usize,
    pub(crate) sandbox: Sandbox,
    pub(crate) elsewhere: Sandbox,
    pub(crate) spelling: Spelling,
    pub(crate) network: Arc<Network>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) api: Arc<ApiServer>,
}

impl Connect for Wire {
    fn connect(&self, _: &Endpoint) -> Result<Arc<dyn Transport>, TransportError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Transport for Wire {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(self.carry(request))
    }
}

impl Wire {
    /// Takes a request there and its answer back. What is on its way arrives, whether or not
    /// somebody still waits for the answer.
    async fn carry(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let call = PortalCall::of(&request);
        self.witness.portal_sent(self.replica, &call);
        if call.key == REVOKED {
            // No key that the sandbox takes.
            let no_key = HeaderValue::from_static("Bearer sk_live_revoked");
            request.headers_mut().insert("authorization", no_key);
        }
        if call.reads_a_detail() && self.network.breaks_detail(&call.shown) {
            let mut answer = Response::new(Bytes::from_static(b"{\"message\":\"broken\"}"));
            *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(answer);
        }
        if let Some(status) = self.network.no_list().filter(|_| call.reads_a_whole_list()) {
            let mut answer = Response::new(Bytes::from_static(b"{\"message\":\"not for you\"}"));
            *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
            return Ok(answer);
        }
        let request = self.spelling.keep(request);
        let exchange = self
            .network
            .exchange(self.replica, Server::WorkOs, &call.shown);
        let Exchange {
            before,
            fate,
            after,
        } = exchange;
        let wire = self.clone();
        let handling = tokio::spawn(async move {
            SystemClock.sleep(before).await;
            if !fate.arrives() {
                return None;
            }
            wire.witness_arrival(&call);
            let answer = wire.account(&call).send(request).await;
            let generation = wire.generation(&call);
            let named = generation.map(|generation| (generation, fate));
            wire.witness
                .portal_answered(wire.replica, &call, &answer, named);
            Some(answer)
        });
        let handled = handling.await;
        SystemClock.sleep(after).await;
        let broken = |message: &str| TransportError::new(TransportErrorKind::Broken, message);
        match (fate, handled) {
            (Fate::Answered | Fate::Outrun, Ok(Some(Ok(answer)))) => Ok(self.spelling.show(answer)),
            (Fate::Answered | Fate::Outrun, Ok(Some(Err(lost)))) => Err(broken(&lost.to_string())),
            (Fate::Refused(code) | Fate::Failed(code), _) => {
                let mut answer = Response::new(Bytes::from_static(b"{\"message\":\"trouble\"}"));
                *answer.status_mut() = http::StatusCode::from_u16(code).unwrap();
                Ok(answer)
            }
            (Fate::SilentBefore | Fate::SilentAfter, _) => {
                SystemClock.sleep(RESPONSE_TIMEOUT).await;
                let message = "no answer in time";
                Err(TransportError::new(TransportErrorKind::Timeout, message))
            }
            _ => Err(broken("the connection was reset")),
        }
    }

    /// The account that a request's key opens.
    fn account(&self, call: &PortalCall) -> &Sandbox {
        if call.key == ELSEWHERES {
            &self.elsewhere
        } else {
            &self.sandbox
        }
    }

    /// The version of the resource that a name is written for.
    fn generation(&self, call: &PortalCall) -> Option<u64> {
        let name = call.name()?;
        self.api.store(|store| {
            let mut all = store.list(Kind::Organization);
            let resource = all.find(|object| object["spec"]["name"] == name)?;
            resource["metadata"]["generation"].as_u64()
        })
    }

    /// Returns whether an organization that is being deleted has been in use for longer than a
    /// request takes, and no environment permits that.
    fn deletes_in_use(&self, call: &PortalCall) -> bool {
        let long_ago = self.sandbox.now().checked_sub(IN_FLIGHT).unwrap();
        let is_in_use = self.account(call).read(|world| {
            let id = call.organization.as_deref().unwrap_or_default();
            let mut connections = world.connections_of(id);
            let mut directories = world.directories_of(id);
            connections.any(|connection| connection.created_at < long_ago)
                || directories.any(|directory| directory.created_at < long_ago)
                || self.network.hides_usage(id)
        });
        let lets = self.api.store(|store| {
            let mut all = store.list(Kind::Environment);
            all.any(|object| object["spec"]["allowActiveDeletion"] == true)
        });
        call.deletes_organization() && is_in_use && !lets && !self.witness.ever_allowed()
    }

    fn witness_arrival(&self, call: &PortalCall) {
        if !call.is_write {
            return;
        }
        if self.deletes_in_use(call) {
            let shown = &call.shown;
            self.witness.broken(format_args!(
                "{} sent {shown}, which is in use",
                self.replica
            ));
        }
        let external_id = self.account(call).read(|world| {
            let organization = world.organization(call.organization.as_deref()?).ok()?;
            Some(organization.external_id.clone().unwrap_or_default())
        });
        let holder = self.api.store(|store| {
            let lease = store.get(&Key::new(Kind::Lease, super::LEASE));
            lease.map(|lease| lease["spec"]["holderIdentity"].clone())
        });
        self.witness
            .portal_write(self.replica, call, external_id, holder.as_ref());
        let mark = self.sandbox.read(|world| {
            let organization = world.organization(call.organization.as_deref()?).ok()?;
            organization.metadata.get("portalctl_holder").cloned()
        });
        if let Some(mark) = mark {
            self.witness.held_write(self.replica, call, &mark);
        }
    }
}
