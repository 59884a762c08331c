//! The overlay that `portalctl import` adds entries to.
//!
//! Takes the folders of a manifest and the name of an environment. Returns the overlay's file and its
//! text. Writes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files::Overlay;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use portalctl_core::import::{Patch, overlay};
use portalctl_manifest as manifest;
use portalctl_model::OrgKey;
use portalctl_model::codes::{cli as codes, manifest as manifest_codes};
use portalctl_model::desired::KeyKind;
use portalctl_model::text::escape;

/// An overlay as it is before the import.
pub(super) struct Found {
    path: PathBuf,
    /// `None` where the file is not there yet.
    text: Option<String>,
    environment: String,
}

impl Found {
    /// Finds the overlay of an environment in the folders of a manifest.
    pub(super) fn in_folders(folders: &[PathBuf], environment: &str) -> Result<Self, CliError> {
        let mut found = folders.iter();
        let found = found.find_map(|folder| manifest::overlay_file(folder, environment));
        let Some(path) = found else {
            let message = format!(
                "the overlay `{}` has no file of its own, and import writes ids into it",
                escape(environment)
            );
            let error = CliError::new(Exit::Usage, manifest_codes::MISPLACED_OVERLAY, message);
            return Err(error.help("move it from `environments:` to a file of `environments/`"));
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| CliError::file(codes::FILE, "read", &path, &error))?;
        Ok(Self {
            path,
            text: Some(text),
            environment: environment.to_owned(),
        })
    }

    /// Returns the overlay that a folder without a manifest gets.
    pub(super) fn new(folder: &Path, environment: &str) -> Result<Self, CliError> {
        if let Err(why) = OrgKey::parse(environment) {
            let message = format!(
                "`{}` is not a valid name for an environment: it {why}",
                escape(environment)
            );
            return Err(CliError::new(Exit::Usage, codes::USAGE, message));
        }
        Ok(Self {
            path: manifest::new_overlay_file(folder, environment),
            text: None,
            environment: environment.to_owned(),
        })
    }

    /// Returns the keys of the entries that it has.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        let text = self.text.as_deref().unwrap_or_default();
        manifest::overlay_keys(text)
    }

    /// Returns the overlay with more entries; `None` where there are none.
    pub(super) fn with(
        self,
        patches: &[Patch],
        api_key: Option<KeyKind>,
    ) -> Result<Option<Overlay>, CliError> {
        if patches.is_empty() {
            return Ok(None);
        }
        let Self {
            path,
            text,
            environment,
        } = self;
        let text = text.unwrap_or_else(|| overlay(&environment, api_key));
        let entries: String = patches.iter().map(|patch| patch.text.as_str()).collect();
        let text = manifest::add_entries(&text, &entries).map_err(|why| {
            let shown = escape(&path.to_string_lossy()).into_owned();
            let message = format!("{shown} cannot take entries: {why}");
            let error = CliError::new(Exit::Usage, codes::FILE, message);
            error.help("write `organizations:` on a line of its own, with the entries below it")
        })?;
        Ok(Some(Overlay { path, text }))
    }
}
