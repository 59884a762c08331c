//! Tests of the pure core: from a desired and an observed state to identities, plans, readiness and
//! imported files.

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
