//! Seeded fault schedules: thousands of runs in which every kind of request can fail. Each can be
//! replayed by its seed.

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
    clippy::print_stdout,
    reason = "this is how tests fail, and how they say what happened"
)]

/// The program's own: most of the time goes into values that do not live long.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod apply;
#[path = "../../crates/core/tests/support/lint.rs"]
mod lint;
#[cfg(feature = "operator")]
mod operator;
mod seeds;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../crates/core/tests/support/world.rs"]
mod world;
