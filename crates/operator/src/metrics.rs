//! Prometheus metrics of the operator.
//!
//! Every label has a closed set of values, so that the number of series has a bound.

use std::collections::BTreeMap;
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

use super::conditions::Reason;
use super::lease::Term;
use portalctl_core::readiness::State;
use portalctl_model::Intent;
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

/// Labels of the intents of one environment in one state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IntentLabels {
    environment: String,
    intent: &'static str,
    state: &'static str,
}

/// Label of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EnvironmentLabels {
    environment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    outcome: &'static str,
}

/// Declares the metrics of one process, with the names and texts that Prometheus shows.
macro_rules! metrics {
    ($($field:ident: $type:ty = $new:expr, $name:literal, $help:literal;)+) => {
        /// Counters and gauges of one process.
        pub(super) struct Metrics {
            registry: Registry,
            $($field: $type,)+
        }

        impl Metrics {
            /// Creates metrics that are all zero.
            pub(super) fn new() -> Self {
                let mut registry = Registry::with_prefix("portalctl");
                $(
                    let $field: $type = $new;
                    registry.register($name, $help, $field.clone());
                )+
                Self { registry, $($field,)+ }
            }
        }
    };
}

metrics! {
    requests: Family<RequestLabels, Counter> = Family::default(),
        "workos_requests", "Requests to WorkOS, by method, route and status";
    pace_wait: Counter<f64, AtomicU64> = Counter::default(),
        "pace_wait_seconds", "Time that requests waited for their turn";
    passes: Histogram = Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0]),
        "reconcile_duration_seconds", "Duration of one pass over an environment";
    blocked: Family<ReasonLabels, Counter> = Family::default(),
        "reconcile_errors", "Reasons why an environment or an organization was not as declared";
    intents: Family<IntentLabels, Gauge> = Family::default(),
        "intents", "Declared intents, by environment, intent and state";
    organizations: Family<EnvironmentLabels, Gauge> = Family::default(),
        "organizations", "PortalOrganizations, by environment";
    ready: Family<EnvironmentLabels, Gauge> = Family::default(),
        "organizations_ready", "PortalOrganizations whose organization exists as declared";
    paused: Family<EnvironmentLabels, Gauge> = Family::default(),
        "organizations_paused", "PortalOrganizations that are paused";
    pending: Family<EnvironmentLabels, Gauge> = Family::default(),
        "organizations_pending", "PortalOrganizations that WorkOS differs from";
    last_success: Family<EnvironmentLabels, Gauge<i64, AtomicI64>> = Family::default(),
        "last_success_timestamp_seconds", "Time of the last read of WorkOS without an error";
    status_writes: Counter = Counter::default(),
        "status_writes", "Statuses written to the API server";
    webhooks: Family<WebhookLabels, Counter> = Family::default(),
        "webhooks", "Webhooks that arrived, by outcome";
    leader: Gauge = Gauge::default(),
        "leader", "1 while this process leads, else 0";
    queue: Gauge = Gauge::default(),
        "queue", "Environments with a running pass";
}

/// Counts of the resources of one environment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// `PortalOrganization`s.
    pub(super) organizations: usize,
    /// `PortalOrganization`s that are ready.
    pub(super) ready: usize,
    /// `PortalOrganization`s that are paused.
    pub(super) paused: usize,
    /// `PortalOrganization`s that WorkOS differs from.
    pub(super) pending: usize,
}

impl Metrics {
    /// Returns all metrics in the text format.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("a String takes all text");
        out
    }

    /// Counts a pass as running until the guard is dropped.
    pub(super) fn pass_started(&self) -> PassGuard<'_> {
        self.queue.inc();
        PassGuard(self)
    }

    /// Records the duration of a pass.
    pub(super) fn pass_took(&self, took: Duration) {
        self.passes.observe(took.as_secs_f64());
    }

    /// Adds the time that requests waited for their turn.
    pub(super) fn waited(&self, time: Duration) {
        self.pace_wait.inc_by(time.as_secs_f64());
    }

    /// Counts a reason why a resource was not as declared.
    pub(super) fn blocked(&self, reason: Reason) {
        let reason = reason.as_str();
        self.blocked.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a status that was written.
    pub(super) fn status_written(&self) {
        self.status_writes.inc();
    }

    /// Counts a webhook: `taken`, `refused`, `too_many` or `no_secret`.
    pub(super) fn webhook(&self, outcome: &'static str) {
        self.webhooks
            .get_or_create(&WebhookLabels { outcome })
            .inc();
    }

    /// Sets whether this process leads.
    pub(super) fn leads(&self, term: &Term) {
        self.leader.set(i64::from(term.is_some()));
    }

    /// Records a successful read of WorkOS.
    pub(super) fn succeeded(&self, environment: &str, at: jiff::Timestamp) {
        let labels = labels(environment);
        self.last_success.get_or_create(&labels).set(at.as_second());
    }

    /// Sets the counts of an environment. `intents` lists its intents with the names of their states.
    pub(super) fn totals<'a>(
        &self,
        environment: &str,
        totals: Totals,
        intents: impl Iterator<Item = (Intent, &'a str)>,
    ) {
        let Totals {
            organizations,
            ready,
            paused,
            pending,
        } = totals;
        let set = |gauge: &Gauge, count: usize| {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        for (family, count) in [
            (&self.organizations, organizations),
            (&self.ready, ready),
            (&self.paused, paused),
            (&self.pending, pending),
        ] {
            set(&family.get_or_create(&labels(environment)), count);
        }
        let mut counts: BTreeMap<(Intent, &str), usize> = BTreeMap::new();
        for intent in intents {
            *counts.entry(intent).or_insert(0) += 1;
        }
        for (intent, state) in intent_states() {
            let count = counts
                .get(&(intent, state.as_str()))
                .map_or(0, |count| *count);
            let labels = intent_labels(environment, intent, state);
            set(&self.intents.get_or_create(&labels), count);
        }
    }

    /// Removes an environment that is gone.
    pub(super) fn forget(&self, environment: &str) {
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
        for (intent, state) in intent_states() {
            let labels = intent_labels(environment, intent, state);
            self.intents.remove(&labels);
        }
    }
}

/// Lists every pair of an intent and a state.
fn intent_states() -> impl Iterator<Item = (Intent, State)> {
    let intents = Intent::ALL.into_iter();
    intents.flat_map(|intent| State::ALL.into_iter().map(move |state| (intent, state)))
}

fn intent_labels(environment: &str, intent: Intent, state: State) -> IntentLabels {
    IntentLabels {
        environment: environment.to_owned(),
        intent: intent.as_str(),
        state: state.as_str(),
    }
}

fn labels(environment: &str) -> EnvironmentLabels {
    EnvironmentLabels {
        environment: environment.to_owned(),
    }
}

/// Guard of a running pass.
pub(super) struct PassGuard<'a>(&'a Metrics);

impl Drop for PassGuard<'_> {
    fn drop(&mut self) {
        self.0.queue.dec();
    }
}

/// Transport that counts its requests.
pub(super) struct MeteredTransport {
    inner: Arc<dyn Transport>,
    metrics: Arc<Metrics>,
}

impl MeteredTransport {
    /// Wraps a transport.
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

/// Replaces the ids in a path, so that few routes remain.
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
        metrics.totals("a/b", Totals::default(), std::iter::empty());
        assert!(metrics.text().contains("a/b"));
        metrics.forget("a/b");
        assert!(!metrics.text().contains("a/b"));
    }
}
