//! The machine that portalctl runs on: clock, files and listening sockets.
//!
//! Everything that depends on more than its arguments and is not WorkOS stands here, so that tests
//! can replace it.

pub mod clock;
pub mod files;
pub mod listen;
