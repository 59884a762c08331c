//! The pure core: which organization is whose, what a plan does, how far each customer is.
//!
//! Checked desired state and observed state go in; identities, plans, readiness, links, import
//! files, snapshots, the differences of two manifests and the deliveries to an app come out.
//! Nothing here makes a request, reads a clock or touches a file.

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "a test reads from top to bottom, and a table of cases is as long as it is"
    )
)]

pub mod danger;
pub mod deliveries;
pub mod diff;
pub mod identity;
pub mod import;
pub mod link;
pub mod plan;
pub mod readiness;
pub mod snapshot;
pub mod verification;
