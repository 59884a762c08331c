//! Situations from practice: each test is named for the fact that it checks, and runs the built
//! binary against a raw stand-in for WorkOS, which shares no assumption with the sandbox.

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
    reason = "this is how tests fail"
)]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the support modules serve other test binaries too"
)]

mod absent;
mod customers;
mod deletions;
mod domains;
mod endpoints;
mod events;
mod inputs;
mod invitations;
mod key_files;
mod link_users;
mod links;
mod owners;
mod reads;
mod requests;
mod retention;
mod same_values;
mod sso;
mod stand_in_itself;
mod support;
mod webhooks;
mod writes;
