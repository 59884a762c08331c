//! Permission to write, which somebody may take back while a plan is applied.

use crate::WriteGate;
use portalctl_core::plan::Change;

/// Gives each change the gate that its writes pass.
pub trait Permit: Sync {
    /// Returns the gate of a change; none where nobody can take permission back.
    fn gate(&self, change: &Change) -> Option<WriteGate>;
}

/// The permit of a run that nobody can pause.
#[derive(Debug, Clone, Copy)]
pub struct Always;

impl Permit for Always {
    fn gate(&self, _: &Change) -> Option<WriteGate> {
        None
    }
}
