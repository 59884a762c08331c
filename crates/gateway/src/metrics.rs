//! Prometheus metrics of the gateway.
//!
//! Labels are closed sets: nothing that a visitor sends can create another series.

use std::sync::atomic::Ordering;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    /// `portal`, `return`, `state` or `other`.
    route: &'static str,
    /// `linked`, `shown`, `forwarded`, or the code of a refusal.
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    /// Name of a [`ReloadKind`].
    what: &'static str,
    /// `read`, or `kept` where the new content cannot be used.
    outcome: &'static str,
}

/// Kind of content that is reloaded when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReloadKind {
    Manifest,
    Config,
    Keys,
    Secret,
    ApiKey,
}

impl ReloadKind {
    /// Returns the name in metrics and in the log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Keys => "keys",
            Self::Secret => "secret",
            Self::ApiKey => "api_key",
        }
    }
}

/// Counters and gauges of one gateway.
pub(super) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    reloads: Family<Reload, Counter>,
    used_tokens: Gauge,
    in_flight: Gauge,
    workos_requests: Counter,
    manifest_is_current: Gauge,
    config_is_current: Gauge,
    api_key_is_accepted: Gauge,
    keys_age: Gauge,
    store_is_reachable: Gauge,
}

/// Values that are read when the metrics are.
pub(super) struct Snapshot {
    pub(super) used_tokens: usize,
    pub(super) in_flight: usize,
    pub(super) workos_requests: u64,
    pub(super) is_key_refused: bool,
    /// Seconds since the keys of hand-off tokens were last read; 0 where there are none.
    pub(super) keys_age: u64,
    pub(super) is_store_reachable: bool,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("portalctl_gateway");
        let answers = Family::default();
        let reloads = Family::default();
        let workos_requests = Counter::default();
        registry.register("answers", "Answers to people", answers.clone());
        registry.register("reloads", "Files that were read again", reloads.clone());
        registry.register(
            "workos_requests",
            "Requests sent to WorkOS since the start, retries included",
            workos_requests.clone(),
        );
        let mut gauge = |name, help| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let store_is_reachable = gauge(
            "token_store_is_reachable",
            "0 while the shared store of used tokens does not answer",
        );
        let used_tokens = gauge("used_tokens", "Hand-off tokens that are remembered as used");
        let in_flight = gauge("in_flight", "People who are being served by WorkOS");
        let manifest_is_current = gauge(
            "manifest_is_current",
            "1 while the manifest in use is the one in the files",
        );
        let config_is_current = gauge(
            "config_is_current",
            "1 while the configuration in use is the one in the file",
        );
        let api_key_is_accepted =
            gauge("api_key_is_accepted", "0 while WorkOS refuses the API key");
        let keys_age = gauge(
            "keys_age_seconds",
            "Seconds since the keys of hand-off tokens could last be read",
        );
        manifest_is_current.set(1);
        config_is_current.set(1);
        Self {
            registry,
            answers,
            reloads,
            used_tokens,
            in_flight,
            workos_requests,
            manifest_is_current,
            config_is_current,
            api_key_is_accepted,
            keys_age,
            store_is_reachable,
        }
    }

    pub(super) fn answered(&self, route: &'static str, outcome: &'static str) {
        self.answers.get_or_create(&Answer { route, outcome }).inc();
    }

    /// Counts changed content that is in use now.
    pub(super) fn content_read(&self, kind: ReloadKind) {
        self.count_reload(kind, "read");
        if let Some(is_current) = self.currency(kind) {
            is_current.set(1);
        }
    }

    /// Counts changed content that cannot be used, so that the last good one stays.
    pub(super) fn content_kept(&self, kind: ReloadKind) {
        self.count_reload(kind, "kept");
        if let Some(is_current) = self.currency(kind) {
            is_current.set(0);
        }
    }

    /// Returns the gauge that says whether the content in use is the one in the files.
    const fn currency(&self, kind: ReloadKind) -> Option<&Gauge> {
        match kind {
            ReloadKind::Manifest => Some(&self.manifest_is_current),
            ReloadKind::Config => Some(&self.config_is_current),
            ReloadKind::Keys | ReloadKind::Secret | ReloadKind::ApiKey => None,
        }
    }

    fn count_reload(&self, kind: ReloadKind, outcome: &'static str) {
        let what = kind.as_str();
        self.reloads.get_or_create(&Reload { what, outcome }).inc();
    }

    /// Returns whether the manifest in use is the one in the files.
    pub(super) fn manifest_is_current(&self) -> bool {
        self.manifest_is_current.get() == 1
    }

    /// Returns whether the configuration in use is the one in the file.
    pub(super) fn config_is_current(&self) -> bool {
        self.config_is_current.get() == 1
    }

    /// Renders all metrics in the `OpenMetrics` text format.
    pub(super) fn text(&self, now: &Snapshot) -> String {
        let Snapshot {
            used_tokens,
            in_flight,
            workos_requests,
            is_key_refused,
            keys_age,
            is_store_reachable,
        } = now;
        self.store_is_reachable.set(i64::from(*is_store_reachable));
        self.keys_age
            .set(i64::try_from(*keys_age).unwrap_or(i64::MAX));
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.used_tokens.set(count(*used_tokens));
        self.in_flight.set(count(*in_flight));
        self.api_key_is_accepted.set(i64::from(!is_key_refused));
        // The client counts its requests itself.
        let sent = self.workos_requests.inner();
        sent.store(*workos_requests, Ordering::Relaxed);
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}
