//! The typed request of `portalctl doctor`.

use crate::cli::request::{ConnectionRequest, Files};

/// Checks to be made.
pub(super) struct DoctorRequest {
    pub(super) pages: Pages,
    /// The organization for which a link is made and thrown away.
    pub(super) link_test: Option<String>,
    pub(super) files: Files,
    pub(super) connection: ConnectionRequest,
}

/// Requests to the pages of return URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
    /// Each page gets one GET.
    Asked,
    /// No page is asked.
    Left,
}
