//! What an operator is given from outside: the API server, the way to WorkOS, and the time.

use std::sync::Arc;

use portalctl_platform::clock::SharedClock;
use portalctl_workos::{Bounds, Endpoint, HttpTransport, Transport, TransportError};

/// What an operator is given from outside.
#[derive(Clone)]
pub struct Outside {
    /// The API server.
    pub client: kube::Client,
    /// The way to WorkOS.
    pub connect: Arc<dyn Connect>,
    /// The time.
    pub clock: SharedClock,
}

/// The way to WorkOS: HTTP in life, in process with virtual time in tests.
pub trait Connect: Send + Sync {
    /// What carries requests to an endpoint.
    fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Transport>, TransportError>;
}

/// Over HTTP.
pub(super) struct OverHttp;

impl Connect for OverHttp {
    fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Transport>, TransportError> {
        Ok(Arc::new(HttpTransport::new(endpoint, Bounds::default())?))
    }
}
