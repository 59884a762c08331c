//! The integration tests: one binary, one module for each subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is how tests fail, and how they say that they had nothing to run against"
)]

mod conformance;
mod node_sdk;
mod openapi;
mod parity;
mod reading;
mod sandbox_server;
