//! Facts that are known before anything is sent: files, variables, flags.
//!
//! Takes the request. Returns the facts and an open connection, where there is one. Sends nothing.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::request::DoctorRequest;
use crate::cli::connect::{self, Connection, Http};
use crate::cli::credentials::{self, SuppliedKey};
use crate::cli::endpoint::{Chosen, FLAG, check_key, choose_by_environment};
use crate::cli::entry;
use crate::cli::error::CliError;
use crate::cli::manifest::inputs;
use crate::cli::request::KeyOrigin;
use portalctl_core::plan::Target;
use portalctl_manifest::convert::{WholeManifest, read_whole};
use portalctl_manifest::kubernetes::EnvironmentObject;
use portalctl_manifest::{Checked, Diagnostic, Severity};
use portalctl_model::ClientId;
use portalctl_model::OrgKey;
use portalctl_model::codes::{Code, cli as codes, manifest as manifest_codes};
use portalctl_model::desired::Desired;
use portalctl_report::Headline;
use portalctl_report::doctor::{
    Asked, CertificateFile, Certificates, EndpointFacts, EndpointOrigin, ExpectedWebhook, Facts,
    Finding, KeyFacts, KeyFile, ManifestFacts, Problem, UrlFacts,
};
use portalctl_workos::observe::refresh::REFRESH_EVENTS;
use portalctl_workos::{Bounds, Endpoint, Proxy};

/// More than any bundle of certificates holds.
const MAX_CERTIFICATES: u64 = 16 * 1024 * 1024;
/// The codes of problems that are about URLs and their hosts.
const ABOUT_URLS: [Code; 4] = [
    manifest_codes::INVALID_URL,
    manifest_codes::URL_NOT_HTTPS,
    manifest_codes::INVALID_HOST,
    manifest_codes::HOST_NOT_ALLOWED,
];
/// The answer of checks that an interruption came before.
const INTERRUPTED: &str = "interrupted";

/// Facts so far, and the connection that tells more.
pub(super) struct Visit {
    pub(super) facts: Facts,
    /// A usable manifest.
    pub(super) desired: Option<Desired>,
    /// The connection, when there is an endpoint; it holds the key only if that may be sent.
    pub(super) connection: Result<Connection, String>,
    /// The entry to make a link for, when it is declared.
    pub(super) link_test: Option<OrgKey>,
}

impl Visit {
    pub(super) fn headline(&self) -> Headline {
        match &self.connection {
            Ok(connection) => connection.headline(),
            Err(_) => Headline {
                target: Target {
                    environment: self.facts.environment.name.clone(),
                    ..Target::default()
                },
                ..Headline::default()
            },
        }
    }
}

/// Gathers every fact that takes no request.
pub(super) fn gather(request: &DoctorRequest) -> Result<Visit, CliError> {
    let (manifest, desired, expected_webhook) = manifest(request)?;
    let link_test = match (&request.link_test, &desired) {
        (Some(key), Some(desired)) => Some(entry::declared(desired, "--link-test", key)?),
        _ => None,
    };
    let environment = desired.as_ref().map(|d| d.environment.clone());
    let environment = environment.unwrap_or_default();
    let is_sandbox = request.connection.is_sandbox();
    let supplied = if is_sandbox {
        Err(Problem {
            code: codes::NO_API_KEY,
            message: "the sandbox needs none".to_owned(),
            help: None,
        })
    } else {
        credentials::supplied(&request.connection.http.key).map_err(|error| problem(&error))
    };
    let chosen = choose_by_environment(&request.connection.http).map_err(|error| problem(&error));
    let endpoint = chosen.as_ref().map(|chosen| chosen.endpoint.clone());
    let endpoint = endpoint.map_err(Clone::clone);
    let supplied = match (&endpoint, supplied) {
        (Ok(endpoint), Ok(supplied)) => check_key(endpoint, &supplied.key)
            .map(|()| supplied)
            .map_err(|error| problem(&error)),
        (_, supplied) => supplied,
    };
    let mut facts = Facts {
        sandbox: is_sandbox,
        manifest,
        environment,
        urls: desired.as_ref().map(UrlFacts::of),
        key: supplied.as_ref().map(key_facts).map_err(Clone::clone),
        key_file: match &request.connection.http.key {
            KeyOrigin::File(path) => key_file(path),
            KeyOrigin::Variable | KeyOrigin::Stdin => KeyFile::None,
        },
        client_id: client_id(),
        endpoint: chosen.as_ref().map(endpoint_facts).map_err(Clone::clone),
        proxy: endpoint.as_ref().map_or(Proxy::None, proxy),
        certificates: certificates(),
        api_probe: Asked::not(INTERRUPTED),
        client_id_known: Asked::not(INTERRUPTED),
        account: Asked::not(INTERRUPTED),
        expected_webhook,
        webhooks: Asked::not(INTERRUPTED),
        probes: Asked::not(INTERRUPTED),
        link: Asked::not(INTERRUPTED),
    };
    let connection = connection(request, &mut facts, supplied, endpoint, desired.as_ref())?;
    Ok(Visit {
        facts,
        desired,
        connection,
        link_test,
    })
}

/// Opens what can be opened; a key that may not be sent is left out.
fn connection(
    request: &DoctorRequest,
    facts: &mut Facts,
    supplied: Result<SuppliedKey, Problem>,
    endpoint: Result<Endpoint, Problem>,
    desired: Option<&Desired>,
) -> Result<Result<Connection, String>, CliError> {
    let empty = Desired::default();
    let desired = desired.unwrap_or(&empty);
    if facts.sandbox {
        return connect::open(&request.connection, desired).map(Ok);
    }
    let Ok(endpoint) = endpoint else {
        return Ok(Err("there is no endpoint to ask".to_owned()));
    };
    let key = supplied.ok().filter(|_| facts.sends_key());
    let http = Http {
        endpoint,
        key: key.map(|supplied| supplied.key),
        rate: request.connection.rate,
        bounds: Bounds::brief(),
    };
    let connection = connect::over_http(http, desired);
    Ok(connection.map_err(|error| problem(&error).message))
}

/// The first item of an error, which is all that those of files, variables and requests have.
pub(super) fn problem(error: &CliError) -> Problem {
    let item = error.items.first();
    let code = item.and_then(|item| Code::find(item.code));
    Problem {
        code: code.unwrap_or(codes::INTERNAL),
        message: item.map(|item| item.message.clone()).unwrap_or_default(),
        help: item.and_then(|item| item.help.clone()),
    }
}

/// The manifest, and the webhook that its PortalEnvironment expects.
type ManifestRead = (ManifestFacts, Option<Desired>, Option<ExpectedWebhook>);

fn manifest(request: &DoctorRequest) -> Result<ManifestRead, CliError> {
    let inputs = match inputs(&request.files) {
        Ok(inputs) => inputs,
        Err(error) if problem(&error).code == codes::NO_MANIFEST => {
            return Ok((ManifestFacts::Absent, None, None));
        }
        Err(error) => return Err(error),
    };
    let WholeManifest { checked, rest } = read_whole(&inputs);
    let webhook = expected_webhook(rest.environment());
    let Checked {
        desired,
        names: _,
        diagnostics,
        sources,
    } = checked;
    let of = |severity| diagnostics.iter().filter(move |d| d.severity == severity);
    let facts = match (&desired, of(Severity::Error).next()) {
        (Some(desired), None) => ManifestFacts::Usable {
            organizations: desired.organizations.len(),
            files: sources.iter().count(),
            warnings: of(Severity::Warning).count(),
            first: of(Severity::Warning).next().map(finding),
        },
        (_, Some(first)) => {
            let about_urls = || of(Severity::Error).filter(|d| ABOUT_URLS.contains(&d.code));
            ManifestFacts::Invalid {
                errors: of(Severity::Error).count(),
                first: finding(first),
                urls: about_urls()
                    .next()
                    .map(|first| (about_urls().count(), finding(first))),
            }
        }
        // A manifest that cannot be used always has an error.
        (None, None) => ManifestFacts::Absent,
    };
    Ok((facts, desired, webhook))
}

/// Returns the webhook that a PortalEnvironment expects: one that names the secret of webhooks.
fn expected_webhook(environment: &EnvironmentObject) -> Option<ExpectedWebhook> {
    environment.operator.webhook.as_ref()?;
    // Events of the customer's own keys cannot be subscribed to.
    let names = REFRESH_EVENTS.iter().map(|kind| kind.as_str().to_owned());
    let events = names.filter(|name| !name.starts_with("vault.byok_key."));
    Some(ExpectedWebhook {
        namespace: environment.namespace.clone(),
        environment: environment.name.clone()?,
        events: events.collect(),
    })
}

fn finding(diagnostic: &Diagnostic) -> Finding {
    let place = diagnostic.location.as_ref().map(|at| match at.line {
        0 => at.file.to_string(),
        line => format!("{}:{line}:{}", at.file, at.column),
    });
    Finding {
        code: diagnostic.code,
        message: diagnostic.message.clone(),
        place,
        help: diagnostic.help.clone(),
    }
}

fn key_facts(supplied: &SuppliedKey) -> KeyFacts {
    KeyFacts {
        origin: supplied.origin.clone(),
        kind: supplied.key.kind(),
    }
}

#[cfg(unix)]
fn key_file(path: &Path) -> KeyFile {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => KeyFile::Mode {
            path: path.display().to_string(),
            mode: metadata.permissions().mode() & 0o777,
        },
        // A pipe (`<(…)`) is this process's own.
        Ok(_) | Err(_) => KeyFile::Unknown,
    }
}

#[cfg(not(unix))]
fn key_file(path: &Path) -> KeyFile {
    let _ = path;
    KeyFile::Unknown
}

fn client_id() -> Option<Result<ClientId, String>> {
    let text = std::env::var_os("WORKOS_CLIENT_ID").filter(|text| !text.is_empty())?;
    // Never repeated: what is in the wrong variable may be a key.
    Some(ClientId::parse(&text.to_string_lossy()).map_err(|error| error.to_string()))
}

fn endpoint_facts(chosen: &Chosen) -> EndpointFacts {
    let Chosen {
        endpoint,
        origin,
        ignored,
    } = chosen;
    EndpointFacts {
        authority: endpoint.authority().to_owned(),
        origin: match origin {
            None => EndpointOrigin::Default,
            Some(FLAG) => EndpointOrigin::Flag,
            Some(variable) => EndpointOrigin::Variable(variable),
        },
        is_plain_http: endpoint.is_plain_http(),
        ignored: *ignored,
    }
}

fn proxy(endpoint: &Endpoint) -> Proxy {
    // In the order in which curl, and with it the HTTP library, looks at them.
    let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = variables.iter().find_map(|name| std::env::var(name).ok());
    Proxy::of(endpoint, set.as_deref())
}

fn certificates() -> Certificates {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let (file, folder) = (variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"));
    if file.is_none() && folder.is_none() {
        return Certificates::System;
    }
    if !cfg!(all(unix, not(target_vendor = "apple"))) {
        return Certificates::NotHeeded;
    }
    Certificates::Replaced {
        file: file.map(|path| certificate_file(Path::new(&path))),
        folder: folder.map(|path| {
            let is_there = Path::new(&path).is_dir();
            (path.to_string_lossy().into_owned(), is_there)
        }),
    }
}

fn certificate_file(path: &Path) -> CertificateFile {
    const MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let read = || -> std::io::Result<usize> {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(MAX_CERTIFICATES)
            .read_to_end(&mut bytes)?;
        Ok(bytes
            .windows(MARK.len())
            .filter(|part| *part == MARK)
            .count())
    };
    CertificateFile {
        path: path.display().to_string(),
        certificates: read().map_err(|error| error.to_string()),
    }
}
