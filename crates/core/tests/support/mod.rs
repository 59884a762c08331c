//! Builders of the values that the tests of the core share.

pub(crate) mod import;
pub(crate) mod lint;
#[allow(dead_code, reason = "the tests of reports and of apply use the rest")]
pub(crate) mod samples;
#[allow(dead_code, reason = "the tests of apply use the rest")]
pub(crate) mod world;
