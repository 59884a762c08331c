//! The typed request of `portalctl verify-domain`.

use portalctl_core::verification::RecordValue;

use std::net::SocketAddr;

use crate::cli::args::Format;
use crate::cli::session::Takeover;

/// Domains of one organization to be verified.
pub(super) struct VerifyRequest {
    /// The only domain to look at; all declared ones unless named.
    pub(super) domain: Option<String>,
    pub(super) record: RecordValue,
    /// Resolvers to ask instead of the system's.
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) asking: Asking,
    pub(super) takeover: Takeover,
    pub(super) format: Format,
}

/// Condition under which WorkOS is asked to verify a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// The record is looked up and WorkOS is not asked.
    Never,
    /// WorkOS is asked unless DNS says that the record is not there.
    WhenUseful,
    /// WorkOS is asked whatever DNS says.
    Always,
}
