//! portalctl: a declarative reconciler for the WorkOS Admin Portal.
//!
//! ```text
//! files ─▶ manifest ─▶ desired ─┬─▶ plan (pure) ─▶ apply ─▶ WorkOS
//! WorkOS ─▶ observe ─▶ observed ┴─▶ readiness (pure) ─▶ report
//! ```
//!
//! The tree reads as that pipeline, one module for each stage:
//!
//! - [`model`]: the words everything else speaks: keys, ids, intents, desired and observed state.
//! - [`codes`]: every error code of the program with its meaning and its fix.
//! - [`manifest`]: files → checked [`model::desired::Desired`], or every problem at once.
//! - [`workos`]: the only module that knows the WorkOS API.
//! - [`identity`]: pure: which live organization is an entry's.
//! - [`observe`]: reads what is live, in one pass, through a trait that cannot write.
//! - [`mod@plan`]: pure: desired and observed → a [`plan::Plan`], which is data.
//! - [`mod@apply`]: walks a plan in order and accounts for every change.
//! - [`verification`]: pure: what proves a domain, and whether the world sees it.
//! - [`dns`]: looks TXT records up.
//! - [`mod@import`]: pure: what is live → manifest files.
//! - [`readiness`]: pure: which features each customer still has to configure.
//! - [`link`]: pure: whether a portal link may be made, and when the customer has finished.
//! - [`doctor`]: pure: what the pre-flight checks found, and what to do about it.
//! - [`report`]: pure renderers of plans, reports and readiness.
//! - [`sandbox`]: an in-memory WorkOS, the place to try everything without an account.
//! - `operator`: the Kubernetes operator, with the feature of that name.
//! - [`gateway`]: the endpoint that hands an app's IT admins over to the portal.
//! - [`files`]: files that are there whole or not at all.
//! - `listen`: takes connections for the operator and the gateway.
//! - [`clock`]: the only place that reads the time or sleeps.
//! - [`cli`]: the command line, a thin shell over all of the above.

pub mod apply;
pub mod cli;
pub mod clock;
pub mod codes;
pub mod dns;
pub mod doctor;
pub mod files;
pub mod gateway;
pub mod identity;
pub mod import;
pub mod link;
mod listen;
pub mod manifest;
pub mod model;
pub mod observe;
#[cfg(feature = "operator")]
pub mod operator;
pub mod plan;
pub mod readiness;
pub mod report;
pub mod sandbox;
pub mod verification;
pub mod workos;
