//! The manifest in use: of files, read again when they change and kept where what is there now cannot
//! be used; or of somebody else, who tells of every change.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use portalctl_manifest::{self as manifest, Input, Severity};
use portalctl_model::codes::{Code, gateway as codes};
use portalctl_model::desired::Desired;

/// Why a manifest is not taken into use, with what to tell.
pub(super) type Complaints = Vec<(Code, String)>;

/// Who the customers are.
pub enum Customers {
    /// What files say.
    Files {
        /// As they were read.
        desired: Box<Desired>,
        /// To be read again when they change; none if they cannot be.
        files: Vec<PathBuf>,
    },
    /// What somebody else says, a cluster for one, who answers for every state that is sent: what is
    /// there is in use at once. Without its sender the last state stays.
    Watched(watch::Receiver<Arc<Desired>>),
}

/// The manifest in use.
pub(super) struct Manifest {
    current: watch::Receiver<Arc<Desired>>,
    files: Vec<PathBuf>,
    /// For what the files say.
    read: Option<watch::Sender<Arc<Desired>>>,
}

impl Manifest {
    pub(super) fn new(customers: Customers) -> Self {
        match customers {
            Customers::Files { desired, files } => {
                let (read, current) = watch::channel(Arc::new(*desired));
                Self {
                    current,
                    files,
                    read: Some(read),
                }
            }
            Customers::Watched(current) => Self {
                current,
                files: Vec::new(),
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
    pub(super) fn read_again(&self) -> Result<(), Complaints> {
        let Some(read) = &self.read else {
            return Ok(());
        };
        let inputs: Vec<Input> = self.files.iter().cloned().map(Input::Path).collect();
        let checked = manifest::read(&inputs);
        let Some(desired) = checked.desired else {
            let errors = checked.diagnostics.iter();
            let errors = errors.filter(|found| found.severity == Severity::Error);
            return Err(errors
                .map(|found| {
                    let at = found.location.as_ref();
                    let at = at.map(|at| format!("{}:{}:{}: ", at.file, at.line, at.column));
                    let message = format!("{}{}", at.unwrap_or_default(), found.message);
                    (found.code, message)
                })
                .collect());
        };
        // The key was held against the environment that was declared at the start.
        if desired.environment != self.current().environment {
            let message = "`environment` has changed; the gateway has to be started anew for it";
            return Err(vec![(codes::MANIFEST_KEPT, message.to_owned())]);
        }
        read.send_replace(Arc::new(desired));
        Ok(())
    }
}
