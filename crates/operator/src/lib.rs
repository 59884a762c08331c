//! The Kubernetes operator: the same core as the command line, driven by resources.
//!
//! ```text
//! API server ─▶ objects ─▶ entries ─▶ desired ─┬─▶ plan ─▶ apply ─▶ WorkOS
//! WorkOS ─────▶ picture (three clocks) ────────┴─▶ readiness ─▶ conditions ─▶ API server
//! ```
//!
//! One task for each environment (`reconcile`) makes one desired state of all its organizations.
//! Only the holder of the lease writes, to WorkOS and to the API server. Nothing here decides what
//! to change: that is [`plan`](portalctl_core::plan)'s; nothing here writes to WorkOS but through
//! [`apply`](mod@portalctl_workos::apply).

/// The Kubernetes client, in the version that [`run`] takes.
pub use kube;

mod account;
mod announce;
mod backoff;
mod chance;
mod claims;
mod clocks;
mod cluster;
mod conditions;
mod context;
mod declared;
mod deletion;
mod difference;
mod entries;
mod environment_finalizer;
mod fence;
mod handover;
mod hold_back;
mod holders;
mod kube_writes;
pub mod lease;
mod leave;
mod measure;
mod metrics;
mod names;
mod nudge;
mod objects;
mod outside;
mod patience;
mod permit;
mod picture;
mod portals;
mod quota;
mod reason;
mod recalled;
mod reconcile;
mod recreation;
mod releases;
mod repairs;
mod report;
pub mod resource;
mod run;
mod secrets;
mod server;
mod setbacks;
mod status;
mod tell;
mod unreadable;
mod watched;
mod watches;
mod write;

pub use chance::instance;
pub use outside::{Connect, Outside};
pub use run::{Error, Operator, Options, run};
