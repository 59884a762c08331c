//! The Kubernetes operator: the same core as the command line, driven by resources.
//!
//! ```text
//! API server ─▶ objects ─▶ entries ─▶ desired ─┬─▶ plan ─▶ apply ─▶ WorkOS
//! WorkOS ─────▶ cache (three schedule) ────────┴─▶ readiness ─▶ conditions ─▶ API server
//! ```
//!
//! One task for each environment (`reconcile`) makes one desired state of all its organizations.
//! Only the holder of the lease writes, to WorkOS and to the API server. Nothing here decides what
//! to change: that is [`plan`](portalctl_core::plan)'s; nothing here writes to WorkOS but through
//! [`apply`](mod@portalctl_workos::apply).

/// The Kubernetes client, in the version that [`run`] takes.
pub use kube;

mod account;
mod apply;
mod backoff;
mod cache;
mod claims;
mod clients;
mod conditions;
mod context;
mod deletion;
mod diff;
mod entries;
mod events;
mod finalizer;
mod handover;
mod hold_back;
mod holders;
mod kube_api;
pub mod lease;
mod leave;
mod limits;
mod measure;
mod metrics;
mod permit;
mod reconcile;
mod releases;
mod report;
mod resolved_spec;
pub mod resource;
mod restored_status;
mod run;
mod schedule;
mod server;
mod status;
mod store;
mod unreadable;

pub use backoff::instance_id;
pub use context::{Connect, Dependencies};
pub use run::{Error, Operator, Options, run};
