//! Reports: pure renderers of plans, apply reports and readiness.
//!
//! Goes in: results. Comes out: text, one function for each format. No I/O, no clock; JSON is never
//! derived from text. Whatever came from outside is escaped; e-mail addresses can be masked; keys,
//! portal links and verification tokens are in none of the types that arrive here.

pub mod json_v1;
pub mod paint;
pub mod text;

mod width;

pub use width::wrapped as wrap;

use jiff::Timestamp;

use crate::apply::ApplyReport;
use crate::plan::{Plan, Target};
use crate::readiness::Readiness;

/// What every report says first: where it was made and at what cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headline {
    /// The environment, endpoint and key the run was made with.
    pub target: Target,
    /// Whether the in-memory WorkOS answered.
    pub sandbox: bool,
    /// How many requests the run used.
    pub requests: u64,
}

/// A plan with the readiness that was read in the same pass.
#[derive(Debug, Clone, Copy)]
pub struct PlanReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The plan.
    pub plan: &'a Plan,
    /// How far every customer is, now.
    pub readiness: &'a Readiness,
}

/// What apply did, and the readiness after it.
#[derive(Debug, Clone, Copy)]
pub struct ApplyReportView<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// The plan that was applied.
    pub plan: &'a Plan,
    /// What became of it.
    pub report: &'a ApplyReport,
    /// How far every customer is after it.
    pub readiness: &'a Readiness,
}

/// Readiness alone.
#[derive(Debug, Clone, Copy)]
pub struct StatusReport<'a> {
    /// Where and at what cost.
    pub headline: &'a Headline,
    /// How far every customer is.
    pub readiness: &'a Readiness,
    /// When it was read, for durations.
    pub now: Timestamp,
}
