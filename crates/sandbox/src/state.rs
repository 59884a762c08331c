//! State file of a sandbox that outlives its process.
//!
//! One JSON document is replaced as a whole, so that a kill leaves the old or the new one. A living
//! sandbox holds a lock on `<file>.lock`: a second process is refused at once instead of losing the
//! first one's writes. The lock has a file of its own because every write replaces the state file.
//! The key and portal links are never written.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::world::World;
use portalctl_platform::files;

/// Format version of the file.
const VERSION: u32 = 1;
/// Largest state file, in bytes.
const MAX_SIZE: u64 = 512 * 1024 * 1024;

/// Error of a state file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Locked by another process.
    #[error(
        "the state file {} is in use by another sandbox; stop that one, or use another file",
        .0.display()
    )]
    InUse(PathBuf),
    /// Not readable.
    #[error("cannot read the state file {}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Not writable.
    #[error("cannot write the state file {}: {source}", path.display())]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Larger than any sandbox writes.
    #[error(
        "the state file {} is larger than {MAX_SIZE} bytes, so it is not one of a sandbox",
        .0.display()
    )]
    TooLarge(PathBuf),
    /// Not a state of a sandbox.
    #[error(
        "{} is not the state file of a sandbox: {source}; delete it to start again", path.display()
    )]
    Malformed {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// Written by another version of the program.
    #[error(
        "the state file {} has version {found}, this portalctl knows version {VERSION}; \
         delete it to start again, or use the portalctl that wrote it",
        path.display()
    )]
    Version {
        /// Path of the file.
        path: PathBuf,
        /// Format version of the file.
        found: u32,
    },
    /// Not serializable.
    #[error("cannot write down the sandbox's state: {0}")]
    Encode(serde_json::Error),
}

/// State file that this process has locked.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Lock, released when the file is closed.
    _lock: File,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    world: &'a World,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Document {
    world: World,
}

impl StateFile {
    /// Locks a state file, and reads it if it exists and is not empty.
    pub fn open(path: &Path) -> Result<(Self, Option<World>), StateError> {
        let lock = take_lock(path)?;
        let file = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        let text = file.read()?;
        let world = if text.is_empty() {
            None
        } else {
            Some(file.decode(&text)?)
        };
        Ok((file, world))
    }

    /// Replaces the content of the file.
    pub(super) fn write(&self, text: &[u8]) -> Result<(), StateError> {
        let failed = |source| StateError::Write {
            path: self.path.clone(),
            source,
        };
        files::replace(&self.path, text).map_err(failed)
    }

    fn read(&self) -> Result<Vec<u8>, StateError> {
        let failed = |source| StateError::Read {
            path: self.path.clone(),
            source,
        };
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut text = Vec::new();
        file.take(MAX_SIZE + 1)
            .read_to_end(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > MAX_SIZE {
            return Err(StateError::TooLarge(self.path.clone()));
        }
        Ok(text)
    }

    fn decode(&self, text: &[u8]) -> Result<World, StateError> {
        let malformed = |source| StateError::Malformed {
            path: self.path.clone(),
            source,
        };
        // The version is checked first, because another version's world would only give a puzzling
        // message.
        let Version { version } = serde_json::from_slice(text).map_err(malformed)?;
        if version != VERSION {
            return Err(StateError::Version {
                path: self.path.clone(),
                found: version,
            });
        }
        let Document { world } = serde_json::from_slice(text).map_err(malformed)?;
        Ok(world)
    }
}

/// Serializes a world.
pub(super) fn encode(world: &World) -> Result<Vec<u8>, StateError> {
    let version = VERSION;
    serde_json::to_vec(&Written { version, world }).map_err(StateError::Encode)
}

fn take_lock(path: &Path) -> Result<File, StateError> {
    files::lock(path).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => StateError::InUse(path.to_owned()),
        _ => StateError::Write {
            path: files::lock_path(path),
            source,
        },
    })
}
