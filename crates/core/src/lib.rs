//! The pure core: which organization is whose, what a plan does, how far each customer is.
//!
//! Checked desired state and observed state go in; identities, plans, readiness, links and import
//! files come out. Nothing here makes a request, reads a clock or touches a file.

pub mod identity;
pub mod import;
pub mod link;
pub mod plan;
pub mod readiness;
pub mod verification;
