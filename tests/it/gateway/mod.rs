//! Tests of the gateway: tokens, pages, refusals, and operation.

mod attacks;
mod browser;
mod deploy;
#[cfg(feature = "operator")]
mod from_cluster;
mod look;
mod provisioned;
mod running;
mod snippets;
mod stacks;
mod tokens;
mod watched;
mod way;
