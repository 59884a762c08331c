//! The state file: a sandbox that outlives its process.
//!
//! One JSON document, replaced as a whole, so that a kill leaves the old one or the new one. While
//! a sandbox lives it holds a lock on `<file>.lock`: a second process is refused at once instead
//! of losing the first one's writes. The lock lies on a file of its own because the state file is
//! a new file after every write. The key and portal links are never written.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::world::World;
use portalctl_platform::files;

/// The version of the file's shape.
const VERSION: u32 = 1;
/// The largest file that is read.
const MAX_SIZE: u64 = 512 * 1024 * 1024;

/// What went wrong with a state file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has it.
    #[error(
        "the state file {} is in use by another sandbox; stop that one, or use another file",
        .0.display()
    )]
    InUse(PathBuf),
    /// It cannot be read.
    #[error("cannot read the state file {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the state file {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than any sandbox writes.
    #[error(
        "the state file {} is larger than {MAX_SIZE} bytes, so it is not one of a sandbox",
        .0.display()
    )]
    TooLarge(PathBuf),
    /// It is not the state of a sandbox.
    #[error(
        "{} is not the state file of a sandbox: {source}; delete it to start again", path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Another version of the program wrote it.
    #[error(
        "the state file {} has version {found}, this portalctl knows version {VERSION}; \
         delete it to start again, or use the portalctl that wrote it",
        path.display()
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The state cannot be written down.
    #[error("cannot write down the sandbox's state: {0}")]
    Encode(serde_json::Error),
}

/// A state file that this process holds.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Released when it is closed, by the system if need be.
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
    /// Takes a state file, and reads it if it is there and not empty.
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

    /// Replaces the file's content.
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
        // The version first: another one's world would only give a puzzling message.
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

/// Writes a world down.
pub(super) fn encode(world: &World) -> Result<Vec<u8>, StateError> {
    let version = VERSION;
    serde_json::to_vec(&Written { version, world }).map_err(StateError::Encode)
}

fn take_lock(path: &Path) -> Result<File, StateError> {
    let mut name = OsString::from(path.as_os_str());
    name.push(".lock");
    let failed = |source| StateError::Write {
        path: PathBuf::from(&name),
        source,
    };
    let lock = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StateError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
