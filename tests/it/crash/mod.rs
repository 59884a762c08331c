//! SIGKILL in the middle: the real binary is killed while it creates, updates, deletes, imports,
//! saves a plan and keeps a sandbox's state. Nothing is there twice, no file is torn, nothing stays
//! behind, and the next run gets to the end.
//!
//! The moment is drawn from a seed and counted in what the victim does, never in time: at which of
//! its requests and how far that one has come ([`requests`]), or at which change of its files
//! ([`file_events`]). `PORTALCTL_KILLS` says how many kills there are, `PORTALCTL_SEED` which;
//! `scripts/crash` sets both.

mod applying;
mod campaign;
mod file_events;
mod requests;
mod sandboxes;
mod victim;
mod writing;

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::sandbox_server::SandboxServer;

/// The names in a folder, hidden ones too, sorted.
#[track_caller]
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Checks that all organizations of a server have different names, and returns the names.
#[track_caller]
fn all_different(server: &SandboxServer) -> BTreeSet<String> {
    let organizations = server.organizations();
    let name = |organization: &serde_json::Value| organization["name"].as_str().unwrap().to_owned();
    let names: BTreeSet<String> = organizations.iter().map(name).collect();
    assert_eq!(names.len(), organizations.len(), "{organizations:#?}");
    names
}
