//! Metrics for Prometheus: closed sets of labels, so that their number has a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use portalctl_workos::{Transport, TransportError};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// How many intents of an environment are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct IntentLabels {
    /// `namespace/name` of the environment.
    pub(super) environment: String,
    /// The intent.
    pub(super) intent: &'static str,
    /// The state.
    pub(super) state: &'static str,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EnvironmentLabels {
    /// `namespace/name` of the environment.
    pub(super) environment: String,
}

/// What is counted and measured.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    pace_wait: Counter<f64, AtomicU64>,
    rounds: Histogram,
    blocked: Family<ReasonLabels, Counter>,
    intents: Family<IntentLabels, Gauge>,
    organizations: Family<EnvironmentLabels, Gauge>,
    ready: Family<EnvironmentLabels, Gauge>,
    paused: Family<EnvironmentLabels, Gauge>,
    pending: Family<EnvironmentLabels, Gauge>,
    last_success: Family<EnvironmentLabels, Gauge<i64, AtomicI64>>,
    status_writes: Counter,
    leader: Gauge,
    queue: Gauge,
}

/// How an environment is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// Its PortalOrganizations.
    pub(super) organizations: usize,
    /// Those that are ready.
    pub(super) ready: usize,
    /// Those that are paused.
    pub(super) paused: usize,
    /// Those with something left to write.
    pub(super) pending: usize,
}

impl Metrics {
    /// Nothing counted yet.
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("portalctl"),
            requests: Family::default(),
            pace_wait: Counter::default(),
            rounds: Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0]),
            blocked: Family::default(),
            intents: Family::default(),
            organizations: Family::default(),
            ready: Family::default(),
            paused: Family::default(),
            pending: Family::default(),
            last_success: Family::default(),
            status_writes: Counter::default(),
            leader: Gauge::default(),
            queue: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "workos_requests",
            "Requests to WorkOS, by method, route and status",
            self.requests.clone(),
        );
        registry.register(
            "pace_wait_seconds",
            "Time that requests waited for their turn",
            self.pace_wait.clone(),
        );
        registry.register(
            "reconcile_duration_seconds",
            "How long one pass over an environment takes",
            self.rounds.clone(),
        );
        registry.register(
            "reconcile_errors",
            "What kept an environment or an organization from being as declared, by reason",
            self.blocked.clone(),
        );
        registry.register(
            "intents",
            "Declared intents, by environment, intent and state",
            self.intents.clone(),
        );
        registry.register(
            "organizations",
            "PortalOrganizations, by environment",
            self.organizations.clone(),
        );
        registry.register(
            "organizations_ready",
            "PortalOrganizations whose organization exists as declared",
            self.ready.clone(),
        );
        registry.register(
            "organizations_paused",
            "PortalOrganizations that are paused",
            self.paused.clone(),
        );
        registry.register(
            "organizations_pending",
            "PortalOrganizations that WorkOS differs from",
            self.pending.clone(),
        );
        registry.register(
            "last_success_timestamp_seconds",
            "When WorkOS was last read without an error",
            self.last_success.clone(),
        );
        registry.register(
            "status_writes",
            "Statuses written to the API server",
            self.status_writes.clone(),
        );
        registry.register("leader", "Whether this process writes", self.leader.clone());
        registry.register(
            "queue",
            "Environments that are being worked on",
            self.queue.clone(),
        );
    }

    /// All of it, in the text format.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }

    /// A pass over an environment began; it ends with the value.
    pub(super) fn begun(&self) -> Running<'_> {
        self.queue.inc();
        Running(self)
    }

    /// A pass took so long.
    pub(super) fn round(&self, took: Duration) {
        self.rounds.observe(took.as_secs_f64());
    }

    /// Requests waited so long for their turn.
    pub(super) fn waited(&self, time: Duration) {
        self.pace_wait.inc_by(time.as_secs_f64());
    }

    /// Something went wrong.
    pub(super) fn blocked(&self, reason: super::conditions::Reason) {
        let reason = reason.as_str();
        self.blocked.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// A status was written.
    pub(super) fn status_written(&self) {
        self.status_writes.inc();
    }

    /// Whether this process leads.
    pub(super) fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// WorkOS was read.
    pub(super) fn succeeded(&self, environment: &str, at: jiff::Timestamp) {
        let labels = labels(environment);
        self.last_success.get_or_create(&labels).set(at.as_second());
    }

    /// How an environment is now.
    pub(super) fn totals(
        &self,
        environment: &str,
        totals: Totals,
        intents: &[(IntentLabels, usize)],
    ) {
        let Totals {
            organizations,
            ready,
            paused,
            pending,
        } = totals;
        for (family, count) in [
            (&self.organizations, organizations),
            (&self.ready, ready),
            (&self.paused, paused),
            (&self.pending, pending),
        ] {
            let gauge = family.get_or_create(&labels(environment));
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for (labels, count) in intents {
            let gauge = self.intents.get_or_create(labels);
            gauge.set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }

    /// An environment is gone.
    pub(super) fn forget(&self, environment: &str) {
        use portalctl_core::readiness::State;
        use portalctl_model::Intent;
        let own = labels(environment);
        for family in [
            &self.organizations,
            &self.ready,
            &self.paused,
            &self.pending,
        ] {
            family.remove(&own);
        }
        self.last_success.remove(&own);
        for intent in Intent::ALL {
            for state in State::ALL {
                self.intents.remove(&IntentLabels {
                    environment: environment.to_owned(),
                    intent: intent.as_str(),
                    state: state.as_str(),
                });
            }
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn labels(environment: &str) -> EnvironmentLabels {
    EnvironmentLabels {
        environment: environment.to_owned(),
    }
}

/// A pass over an environment that is under way.
pub(super) struct Running<'a>(&'a Metrics);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.queue.dec();
    }
}

/// Counts the requests that a transport carries.
pub(super) struct MeteredTransport {
    inner: Arc<dyn Transport>,
    metrics: Arc<Metrics>,
}

impl MeteredTransport {
    /// Counts what goes through.
    pub(super) fn new(inner: Arc<dyn Transport>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }
}

impl Transport for MeteredTransport {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let method = request.method().to_string();
        let route = route(request.uri().path());
        Box::pin(async move {
            let answer = self.inner.send(request).await;
            let status = match &answer {
                Ok(answer) => answer.status().as_u16().to_string(),
                Err(_) => "none".to_owned(),
            };
            let labels = RequestLabels {
                method,
                route,
                status,
            };
            self.metrics.requests.get_or_create(&labels).inc();
            answer
        })
    }
}

/// A path with everything that names one object left out, so that there are few of them.
fn route(path: &str) -> String {
    const WORDS: [&str; 17] = [
        "organizations",
        "organization_domains",
        "connections",
        "directories",
        "events",
        "external_id",
        "audit_log_configuration",
        "saml_idp_signing_certs",
        "it_contacts",
        "invite",
        "revoke",
        "verify",
        "portal",
        "generate_link",
        "user_management",
        "organization_memberships",
        "v1",
    ];
    let segments = path.split('/').skip(1).map(|segment| {
        WORDS
            .into_iter()
            .find(|word| *word == segment)
            .unwrap_or("{id}")
    });
    segments.fold(String::new(), |path, segment| path + "/" + segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_names_no_object() {
        for (path, wanted) in [
            ("/organizations", "/organizations"),
            ("/organizations/org_1", "/organizations/{id}"),
            (
                "/organizations/external_id/acme",
                "/organizations/external_id/{id}",
            ),
            (
                "/connections/conn_1/saml_idp_signing_certs",
                "/connections/{id}/saml_idp_signing_certs",
            ),
        ] {
            assert_eq!(route(path), wanted);
        }
    }

    #[test]
    fn what_an_environment_was_is_forgotten_with_it() {
        let metrics = Metrics::new();
        metrics.totals("a/b", Totals::default(), &[]);
        assert!(metrics.text().contains("a/b"));
        metrics.forget("a/b");
        assert!(!metrics.text().contains("a/b"));
    }
}
