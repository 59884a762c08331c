//! The file of `--webhook-secret-file`, read again while the watch runs, so that a secret can be
//! replaced without an end.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::signature::Secrets;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use portalctl_model::codes::cli as codes;

/// A file holds two lines; more than this is another file.
const MAX_FILE: u64 = 4096;

/// Secrets of a webhook, and the file that they come from.
#[derive(Debug)]
pub(super) struct SecretFile {
    path: PathBuf,
    secrets: Secrets,
    /// True while the file cannot be used any more.
    is_broken: bool,
}

impl SecretFile {
    /// Reads the secrets of a file.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        Ok(Self {
            path: path.to_owned(),
            secrets: read(path)?,
            is_broken: false,
        })
    }

    /// Reads the file again. Where it has become unusable, the secrets stay as they were; the
    /// problem is returned once. A pipe can be read once only.
    pub(super) fn refresh(&mut self) -> Option<CliError> {
        if !std::fs::metadata(&self.path).is_ok_and(|found| found.is_file()) {
            return None;
        }
        match read(&self.path) {
            Ok(secrets) => {
                self.secrets = secrets;
                self.is_broken = false;
                None
            }
            Err(error) => {
                let is_known = std::mem::replace(&mut self.is_broken, true);
                (!is_known).then_some(error)
            }
        }
    }

    /// Returns the value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        self.secrets.sign(id, timestamp, body)
    }
}

fn read(path: &Path) -> Result<Secrets, CliError> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
        .map_err(|error| CliError::file(codes::WEBHOOK_SECRET, "read", path, &error))?;
    Secrets::parse(&text).map_err(|error| {
        let message = format!("the secret file {} {error}", path.display());
        CliError::new(Exit::Usage, codes::WEBHOOK_SECRET, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_replaced_and_kept_where_the_file_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(SecretFile::open(&path).is_err());
        let write = |letter: &str| std::fs::write(&path, letter.repeat(32)).unwrap();
        write("a");
        let mut file = SecretFile::open(&path).unwrap();
        let first = file.sign("msg_1", 1, "{}");
        write("b");
        assert!(file.refresh().is_none());
        let second = file.sign("msg_1", 1, "{}");
        assert_ne!(first, second);
        std::fs::write(&path, "short").unwrap();
        assert!(file.refresh().is_some());
        assert!(file.refresh().is_none(), "a problem is told once");
        assert_eq!(file.sign("msg_1", 1, "{}"), second);
        assert!(!format!("{file:?}").contains("bbbb"), "{file:?}");
    }
}
