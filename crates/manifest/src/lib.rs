//! Manifests: YAML files and Kubernetes resources → a checked
//! [`Desired`](portalctl_model::desired::Desired), or every problem at once.
//!
//! ```text
//! inputs ─▶ load (files, YAML) ─▶ check (decode, rules) ─▶ Desired
//!                    └────────── findings ──────────┴────▶ render
//! ```
//!
//! Goes in: files that people wrote. Comes out: desired state, or problems, each with its place, its
//! reason and its fix. Makes no request, reads no clock and no environment, and prints nothing.

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "a test reads from top to bottom, and a table of cases is as long as it is"
    )
)]

mod check;
pub mod convert;
mod decode;
mod diagnostic;
mod document_kind;
mod every;
mod excerpt;
mod file_ending;
mod find;
mod form;
mod input;
mod inspect;
pub mod kubernetes;
mod load;
mod node;
mod overlay_file;
mod quote;
mod raw;
mod reader;
mod render;
mod resolve;
mod schema;
mod secret;
pub mod shape;
mod source;
mod syntax;
mod tree;
mod write;
mod yaml;

pub use check::{Checked, KubernetesFields, check};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use every::{Every, environments, read_every};
pub use find::has_files;
pub use input::{Input, Request};
pub use load::{Loaded, load};
pub use overlay_file::{add_entries, new_overlay_file, overlay_file, overlay_keys};
pub use render::{Layout, render};
pub use resolve::{ObjectName, Resolved, resolve};
pub use schema::json_schema;
pub use secret::redact;
pub use source::{Location, Sources};
pub use tree::{Tree, TreeEntry};
pub use write::to_yaml;

/// Loads and checks a manifest.
pub fn read<'a>(request: impl Into<Request<'a>>) -> Checked {
    let Request {
        inputs,
        environment,
    } = request.into();
    check(load(inputs), environment)
}

/// Loads and checks a manifest that may still lack its organizations, which `import` adds.
pub fn read_settings<'a>(request: impl Into<Request<'a>>) -> Checked {
    let Request {
        inputs,
        environment,
    } = request.into();
    check::check_settings(load(inputs), environment)
}

#[cfg(test)]
mod tests;
