//! Files of `portalctl import`: the names that a folder holds, and the new files that go into it.
//!
//! Takes texts of new files. Writes each whole or not at all, and never over one that exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use portalctl_core::import::{Import, NewFile, SETTINGS_FILE};
use portalctl_model::codes::cli as codes;
use portalctl_platform::files;

/// Returns the names in the folder, in lower case: some file systems do not tell `Acme` and `acme` apart.
pub(super) fn names_in(folder: &Path) -> Result<BTreeSet<String>, CliError> {
    let unreadable = |error| CliError::file(codes::FILE, "read", folder, &error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(unreadable(error)),
    };
    entries
        .map(|entry| {
            let name = entry.map_err(unreadable)?.file_name();
            Ok(name.to_string_lossy().to_lowercase())
        })
        .collect()
}

/// The folder that the files go to.
pub(super) struct Folder<'a> {
    pub(super) path: &'a Path,
    /// The text of the settings file, where there is none yet.
    pub(super) settings: Option<String>,
    /// The overlay of the environment, where one was chosen, and its new text.
    pub(super) overlay: Option<Overlay>,
}

/// The overlay of an environment, with the entries that are added.
pub(super) struct Overlay {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Files that were written.
pub(super) struct Written {
    pub(super) settings: bool,
    /// The number of organizations' files.
    pub(super) files: usize,
    /// The error that ended it before the last file.
    pub(super) error: Option<CliError>,
}

impl Folder<'_> {
    /// Returns the result of a dry run: everything.
    pub(super) fn dry_run(&self, import: &Import) -> Written {
        Written {
            settings: self.settings.is_some(),
            files: import.files.len(),
            error: None,
        }
    }

    /// Writes the files, each whole or not at all: the settings first, so that what is there
    /// after an interruption can be imported to again.
    pub(super) fn write(&self, files: &[NewFile], interrupted: &CancellationToken) -> Written {
        let mut written = Written {
            settings: false,
            files: 0,
            error: None,
        };
        written.error = self.try_write(files, interrupted, &mut written).err();
        written
    }

    fn try_write(
        &self,
        files: &[NewFile],
        interrupted: &CancellationToken,
        written: &mut Written,
    ) -> Result<(), CliError> {
        if files.is_empty() && self.overlay.is_none() {
            return Ok(());
        }
        std::fs::create_dir_all(self.path).map_err(|error| unwritable(self.path, &error))?;
        files::sweep(self.path);
        if let Some(text) = &self.settings {
            self.write_one(SETTINGS_FILE, text)?;
            written.settings = true;
        }
        for file in files {
            if interrupted.is_cancelled() {
                return Err(CliError::interrupted_between_files());
            }
            self.write_one(&file.name, &file.text)?;
            written.files += 1;
        }
        // Last: an entry of an overlay without its file would be an organization without fields.
        if let Some(Overlay { path, text }) = &self.overlay {
            let folder = path.parent().unwrap_or(path);
            std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
            files::replace(path, text.as_bytes()).map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }

    fn write_one(&self, name: &str, text: &str) -> Result<(), CliError> {
        let path = self.path.join(name);
        files::create(&path, text.as_bytes()).map_err(|error| unwritable(&path, &error))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError {
        exit: Exit::Incomplete,
        ..CliError::file(codes::FILE, "write", path, error)
    }
}
