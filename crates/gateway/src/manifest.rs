//! Manifest in use: read from files again when they change, or received from a watcher.
//!
//! A change that cannot be used leaves the last good manifest in place.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use portalctl_manifest::{self as manifest, Input};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::desired::Desired;

/// Codes and messages of the reasons why a manifest was not taken into use.
pub(super) type Problems = Vec<(Code, String)>;

/// Source of the declared organizations.
pub enum Customers {
    /// Manifest files.
    Files {
        /// Desired state as it was read at the start.
        desired: Box<Desired>,
        /// Files to read again when they change; empty where they cannot be.
        files: Vec<PathBuf>,
        /// Name of the environment, where the manifest has several.
        environment: Option<String>,
    },
    /// Desired states of a watcher, such as the operator's cluster: each is in use at once. When
    /// the sender is dropped, the last state stays.
    Watched(watch::Receiver<Arc<Desired>>),
}

/// Manifest in use.
pub(super) struct Manifest {
    current: watch::Receiver<Arc<Desired>>,
    files: Vec<PathBuf>,
    environment: Option<String>,
    /// Sender for states that are read from files.
    read: Option<watch::Sender<Arc<Desired>>>,
}

impl Manifest {
    pub(super) fn new(customers: Customers) -> Self {
        match customers {
            Customers::Files {
                desired,
                files,
                environment,
            } => {
                let (read, current) = watch::channel(Arc::new(*desired));
                Self {
                    current,
                    files,
                    environment,
                    read: Some(read),
                }
            }
            Customers::Watched(current) => Self {
                current,
                files: Vec::new(),
                environment: None,
                read: None,
            },
        }
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(super) fn current(&self) -> Arc<Desired> {
        Arc::clone(&self.current.borrow())
    }

    /// Reads the files again, where there are some.
    pub(super) fn reload(&self) -> Result<(), Problems> {
        let Some(read) = &self.read else {
            return Ok(());
        };
        let inputs: Vec<Input> = self.files.iter().cloned().map(Input::Path).collect();
        let checked = manifest::read(manifest::Request {
            inputs: &inputs,
            environment: self.environment.as_deref(),
        });
        let Some(desired) = checked.desired else {
            let errors = checked.diagnostics.errors();
            return Err(errors
                .map(|found| {
                    let at = found.location.as_ref();
                    let at = at.map(|at| format!("{}:{}:{}: ", at.file, at.line, at.column));
                    let message = format!("{}{}", at.unwrap_or_default(), found.message);
                    (found.code, message)
                })
                .collect());
        };
        // The API key was checked against the environment that was declared at the start.
        if desired.environment != self.current().environment {
            let message = "`environment` has changed; the gateway has to be started anew for it";
            return Err(vec![(codes::MANIFEST_KEPT, message.to_owned())]);
        }
        read.send_replace(Arc::new(desired));
        Ok(())
    }
}
