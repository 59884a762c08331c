//! portalctl: a declarative reconciler for the WorkOS Admin Portal.
//!
//! ```text
//! files ─▶ manifest ─▶ desired ─┬─▶ plan (pure) ─▶ apply ─▶ WorkOS
//! WorkOS ─▶ observe ─▶ observed ┴─▶ readiness (pure) ─▶ report
//! ```
//!
//! This package is the command line. The stages are crates below `crates/`; `ARCHITECTURE.md` draws
//! them and the way of one manifest through them.

pub mod cli;
