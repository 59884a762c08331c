//! The machine that portalctl runs on: clock, back-off, files, repositories, listening sockets and
//! seeded numbers.
//!
//! Everything that depends on more than its arguments and is not WorkOS stands here, so that tests
//! can replace it.

pub mod backoff;
pub mod clock;
pub mod files;
pub mod git;
pub mod listen;
pub mod random;
