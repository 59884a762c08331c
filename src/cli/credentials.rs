//! Credentials: from the environment, a file or standard input, never from a flag's value.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use super::error::CliError;
use super::exit::Exit;
use super::request::{KeyOrigin, is_stdin};
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::Environment;
use portalctl_model::text::escape;
use portalctl_workos::{ApiKey, KeySource};

/// A key file holds one line; more than this is another file.
const MAX_KEY_FILE: u64 = 4096;

/// The variable that holds the API key; no command that portalctl starts inherits it.
pub(super) const API_KEY: &str = "WORKOS_API_KEY";

/// A well-formed key and where it came from.
pub(super) struct SuppliedKey {
    pub(super) key: ApiKey,
    /// The name of a variable or a file.
    pub(super) origin: String,
}

/// Reads the key and checks that it is of the environment that the manifest names.
pub(super) fn api_key(origin: &KeyOrigin, environment: &Environment) -> Result<ApiKey, CliError> {
    let SuppliedKey { key, .. } = supplied(origin)?;
    check_kind(&key, environment)?;
    check_client_id(environment)?;
    Ok(key)
}

/// Reads the key.
pub(super) fn supplied(origin: &KeyOrigin) -> Result<SuppliedKey, CliError> {
    let (text, origin) = match origin {
        KeyOrigin::File(path) => key_file(path)?,
        KeyOrigin::Stdin => key_from_stdin()?,
        KeyOrigin::Variable => match std::env::var(API_KEY) {
            Ok(text) => (text, API_KEY.to_owned()),
            Err(std::env::VarError::NotPresent) => {
                let message = "WORKOS_API_KEY is not set";
                return Err(CliError::new(Exit::Credentials, codes::NO_API_KEY, message));
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                let message = "the API key in WORKOS_API_KEY is not text";
                return Err(CliError::new(
                    Exit::Credentials,
                    codes::INVALID_API_KEY,
                    message,
                ));
            }
        },
    };
    let key = parse(&text, &origin)?;
    Ok(SuppliedKey { key, origin })
}

/// A file from which the API key is read again.
struct KeyFile {
    path: PathBuf,
    environment: Environment,
    /// Problem that was logged last.
    told: Mutex<Option<String>>,
}

impl KeySource for KeyFile {
    fn read(&self) -> Option<ApiKey> {
        let read = key_file(&self.path).and_then(|(text, origin)| parse(&text, &origin));
        let read = read.and_then(|key| check_kind(&key, &self.environment).map(|()| key));
        let problem = read.as_ref().err().and_then(|error| error.items.first());
        let problem = problem.map(|item| item.message.clone());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != problem {
            if let Some(message) = &problem {
                tracing::error!(message, "the API key is kept as it was");
            }
            *told = problem;
        }
        read.ok()
    }
}

/// Returns the source from which the API key is read again: the file of `--api-key-file`. Standard
/// input and pipes can be read once only.
pub(super) fn key_source(
    origin: &KeyOrigin,
    environment: &Environment,
) -> Option<Arc<dyn KeySource>> {
    let KeyOrigin::File(path) = origin else {
        return None;
    };
    let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file());
    is_file.then(|| {
        let file = KeyFile {
            path: path.clone(),
            environment: environment.clone(),
            told: Mutex::default(),
        };
        Arc::new(file) as Arc<dyn KeySource>
    })
}

/// Reads the only key that a sandbox server accepts.
pub(super) fn sandbox_key(path: &Path) -> Result<SecretString, CliError> {
    let (text, origin) = if is_stdin(path) {
        key_from_stdin()?
    } else {
        key_file(path)?
    };
    parse(&text, &origin)?;
    Ok(SecretString::from(text.trim_end()))
}

fn parse(text: &str, origin: &str) -> Result<ApiKey, CliError> {
    ApiKey::parse(text).map_err(|error| {
        let message = format!("the API key in {} {error}", escape(origin));
        CliError::new(Exit::Credentials, codes::INVALID_API_KEY, message)
    })
}

/// Reads a key from standard input; returns it with the name of the place for errors.
fn key_from_stdin() -> Result<(String, String), CliError> {
    const NAME: &str = "standard input";
    let text = read_bounded(std::io::stdin(), Path::new(NAME))?;
    Ok((text, NAME.to_owned()))
}

/// Reads a key file; returns its text with the name of the file for errors.
fn key_file(path: &Path) -> Result<(String, String), CliError> {
    let file = std::fs::File::open(path).map_err(|error| {
        CliError::file(codes::NO_API_KEY, "read the API key from", path, &error).credentials()
    })?;
    Ok((read_bounded(file, path)?, path.display().to_string()))
}

fn read_bounded(reader: impl Read, path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    reader
        .take(MAX_KEY_FILE)
        .read_to_string(&mut text)
        .map_err(|error| {
            CliError::file(codes::NO_API_KEY, "read the API key from", path, &error).credentials()
        })?;
    Ok(text)
}

fn check_kind(key: &ApiKey, environment: &Environment) -> Result<(), CliError> {
    let Some(wanted) = environment.api_key else {
        return Ok(());
    };
    if key.kind() == Some(wanted) {
        return Ok(());
    }
    let found = match key.kind() {
        Some(kind) => format!("a {kind} key"),
        None => "a key of unknown kind".to_owned(),
    };
    let name = environment
        .name
        .as_deref()
        .map(|name| format!(" ({})", escape(name)));
    let message = format!(
        "the manifest is meant for a {wanted} environment{}, and this is {found}",
        name.unwrap_or_default()
    );
    Err(CliError::new(
        Exit::Credentials,
        codes::WRONG_KEY_KIND,
        message,
    ))
}

fn check_client_id(environment: &Environment) -> Result<(), CliError> {
    let (Some(wanted), Ok(found)) = (&environment.client_id, std::env::var("WORKOS_CLIENT_ID"))
    else {
        return Ok(());
    };
    if found.is_empty() || found == wanted.as_str() {
        return Ok(());
    }
    let message = format!(
        "WORKOS_CLIENT_ID is {}, the manifest is meant for {wanted}",
        escape(&found)
    );
    Err(CliError::new(
        Exit::Credentials,
        codes::CLIENT_ID_DIFFERS,
        message,
    ))
}

impl CliError {
    /// Returns the error with the exit code of credentials.
    fn credentials(mut self) -> Self {
        self.exit = Exit::Credentials;
        self
    }
}
