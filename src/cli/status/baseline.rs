//! The earlier report that `--compare` names.
//!
//! Takes its file and the manifest. Returns the states that it tells, narrowed to what the command is
//! about; refuses a report of another environment.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::manifest::Manifest;
use portalctl_core::readiness::compare::{Earlier, Picture};
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;

/// The largest report: some hundred thousand organizations.
const MAX_REPORT: u64 = 256 * 1024 * 1024;

/// Reads the earlier states of the selected intents.
pub(super) fn read(path: &Path, manifest: &Manifest) -> Result<Picture, CliError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_REPORT + 1).read_to_end(&mut text))
        .map_err(|error| CliError::file(codes::FILE, "read", path, &error))?;
    let unusable = |why: &str| {
        let message = format!("cannot compare with {}: {why}", path.display());
        CliError::new(Exit::Usage, codes::EARLIER_REPORT, message)
    };
    if text.len() as u64 > MAX_REPORT {
        return Err(unusable("it is larger than any report"));
    }
    let Earlier {
        environment,
        picture,
    } = Earlier::parse(&text).map_err(|error| unusable(&error.to_string()))?;
    match (&environment, &manifest.desired.environment.name) {
        (Some(then), Some(now)) if then != now => Err(unusable(&format!(
            "it is of the environment {}, and the manifest is of {}",
            escape(then),
            escape(now)
        ))),
        _ => Ok(picture.narrowed(&manifest.selection)),
    }
}
