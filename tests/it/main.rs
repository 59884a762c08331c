//! The integration tests: one binary, one module for each subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unimplemented,
    reason = "this is how tests fail"
)]

mod apply;
#[path = "../support/fake_portal.rs"]
mod fake_portal;
mod parity;
mod readiness;
mod reading;
mod report_json;
mod report_text;
#[path = "../support/samples.rs"]
mod samples;
