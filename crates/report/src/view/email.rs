//! Display of e-mail addresses.

use portalctl_model::text::{escape, mask_email};

/// Display of e-mail addresses: in full, or masked where others may read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emails {
    /// In full.
    Shown,
    /// Masked, as `a***@acme.com`.
    Masked,
}

impl Emails {
    /// Returns an address, escaped and masked where asked for.
    pub(crate) fn show(self, email: &str) -> String {
        let shown = escape(email);
        match self {
            Self::Shown => shown.into_owned(),
            Self::Masked => mask_email(&shown),
        }
    }
}
