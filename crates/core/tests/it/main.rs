//! Tests of the pure core: from a desired and an observed state to identities, plans, readiness and
//! imported files.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "a test reads from top to bottom, and a table of cases is as long as it is"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unimplemented,
    reason = "this is how tests fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod contacts;
mod identity;
mod import;
mod import_properties;
mod plan;
mod plan_properties;
mod readiness;
mod tenants;
