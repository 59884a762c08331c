//! The Kubernetes operator: the same core as the command line, driven by resources.
//!
//! ```text
//! resolve ──▶ observe ──▶ plan ──▶ apply ──▶ report
//! ```
//!
//! One task for each environment (`reconcile`) runs these five steps over one desired state of all
//! its organizations. Only the holder of the lease writes, to WorkOS and to the API server. What to
//! change is decided by [`plan`](portalctl_core::plan); WorkOS is written only through
//! [`apply`](mod@portalctl_workos::apply).

/// Kubernetes client, in the version that [`run()`] takes.
pub use kube;

mod apply;
mod backoff;
mod cache;
mod claims;
mod clients;
mod conditions;
mod context;
mod customers;
mod delete;
mod deletion;
mod diff;
mod entries;
mod events;
mod finalizer;
mod handover;
mod hold_back;
mod kube_api;
pub mod lease;
mod limits;
mod metrics;
mod observe;
mod ownership;
mod plan;
mod reconcile;
mod report;
mod resolve;
mod resolved_spec;
pub mod resource;
mod restored_status;
mod run;
mod schedule;
mod server;
mod state;
mod status;
mod store;
mod unreadable;
mod webhooks;
mod write;

pub use backoff::instance_id;
pub use clients::Connect;
pub use context::Dependencies;
pub use customers::{CustomerOptions, CustomerWatch};
pub use run::{Error, Operator, Options, run};
