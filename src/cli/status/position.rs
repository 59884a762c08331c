//! The file of `--position`: the states that were last reported to a receiver of changes.
//!
//! Takes its path and the names of the manifest. Returns the position that it keeps, or a new one
//! where there is no file; refuses a file of another environment or manifest. One process at a time
//! uses a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use portalctl_core::deliveries::{Position, Scope};
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Names;
use portalctl_platform::files;

/// The largest position: some hundred thousand organizations.
const MAX_POSITION: u64 = 256 * 1024 * 1024;

/// A position file that this process has locked.
pub(super) struct PositionFile {
    path: PathBuf,
    _lock: File,
}

impl PositionFile {
    /// Locks a file and reads its position. Leaves nothing behind but the lock.
    pub(super) fn open(path: &Path, names: Names) -> Result<(Self, Position), CliError> {
        let failed = |doing, error: &io::Error| CliError::file(codes::POSITION, doing, path, error);
        files::check_writable(path).map_err(|error| failed("write", &error))?;
        // To read from a pipe or a device may never end.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(unusable(path, "it is not a regular file"));
        }
        let lock = files::lock(path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => unusable(path, "another process uses it"),
            _ => failed("lock", &error),
        })?;
        let scope = Scope::from(names);
        let position = match read(path) {
            Ok(text) if text.len() as u64 > MAX_POSITION => {
                return Err(unusable(path, "it is larger than any position"));
            }
            Ok(text) => {
                Position::parse(&text, scope).map_err(|error| unusable(path, &error.to_string()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Position::new(scope),
            Err(error) => return Err(failed("read", &error)),
        };
        let file = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        Ok((file, position))
    }

    /// Writes a position, whole or not at all.
    pub(super) fn save(&self, position: &Position) -> Result<(), CliError> {
        let text = position.to_json().map_err(CliError::internal)?;
        files::replace(&self.path, text.as_bytes()).map_err(|error| {
            let error = CliError::file(codes::POSITION, "write", &self.path, &error);
            CliError {
                exit: Exit::Incomplete,
                ..error
            }
        })
    }

    /// Returns the path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_POSITION + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn unusable(path: &Path, why: &str) -> CliError {
    let message = format!("cannot use the position file {}: {why}", path.display());
    CliError::new(Exit::Usage, codes::POSITION, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use portalctl_core::readiness::compare::Picture;

    fn names(environment: &str) -> Names {
        Names {
            environment: Some(environment.to_owned()),
            manifest: None,
        }
    }

    #[test]
    fn a_position_is_kept_for_one_process_and_one_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("position.json");
        let (file, mut position) = PositionFile::open(&path, names("staging")).unwrap();
        assert!(position.is_initial() && !path.exists());
        let second = PositionFile::open(&path, names("staging")).err().unwrap();
        assert!(second.items[0].message.ends_with("another process uses it"));
        let stamp = position.stamp(Timestamp::UNIX_EPOCH);
        position.accept_all(&Picture::default(), stamp);
        file.save(&position).unwrap();
        drop(file);
        let (file, kept) = PositionFile::open(&path, names("staging")).unwrap();
        assert_eq!(kept, position);
        drop(file);
        let other = PositionFile::open(&path, names("production"))
            .err()
            .unwrap();
        assert_eq!(other.exit, Exit::Usage);
        let why = "it is of the environment staging, and the manifest is of production";
        assert!(other.items[0].message.ends_with(why), "{other:?}");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused_before_anything_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("position.json");
        std::fs::write(&path, "whsec_canary").unwrap();
        let broken = PositionFile::open(&path, names("staging")).err().unwrap();
        assert_eq!(broken.items[0].code, codes::POSITION.as_str());
        assert!(!format!("{broken:?}").contains("canary"), "{broken:?}");
        for path in [
            folder.path().to_owned(),
            folder.path().join("none/position.json"),
        ] {
            let error = PositionFile::open(&path, names("staging")).err().unwrap();
            assert_eq!(error.exit, Exit::Usage, "{error:?}");
        }
    }
}
