//! Shared helpers of the integration tests.

pub(crate) mod browser;
pub(crate) mod canaries;
pub(crate) mod canary_lines;
pub(crate) mod chart;
pub(crate) mod chart_cases;
#[cfg(feature = "operator")]
pub(crate) mod chart_pod;
pub(crate) mod child;
pub(crate) mod ci_log;
pub(crate) mod cli;
pub(crate) mod dns;
pub(crate) mod emulator;
pub(crate) mod events;
pub(crate) mod fake_portal;
pub(crate) mod gateway;
pub(crate) mod github;
pub(crate) mod http;
pub(crate) mod kube;
#[path = "../../crates/core/tests/support/lint.rs"]
pub(crate) mod lint;
pub(crate) mod manifests;
#[cfg(feature = "operator")]
pub(crate) mod operator;
pub(crate) mod page;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod readiness_samples;
pub(crate) mod receiver;
pub(crate) mod redis;
pub(crate) mod samples;
pub(crate) mod sandbox_server;
pub(crate) mod wait;
#[path = "../../crates/core/tests/support/world.rs"]
#[allow(dead_code, reason = "the tests of the core use the rest")]
pub(crate) mod world;
