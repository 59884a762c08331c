//! Changes since an earlier report: in `status -o json --compare`, and on the standard input of the
//! command of `--on-change`, and the body of a webhook.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use crate::Headline;
use portalctl_core::deliveries::Stamp;
use portalctl_core::readiness::Turn;
use portalctl_core::readiness::compare::{IntentChange, OrganizationChange, StateName};

/// Input of the command of `portalctl status --on-change`, and body of a delivery of `--webhook`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl status --on-change")]
pub struct ChangedDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// True in the first report of a position file, which has all states; absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub initial: bool,
    /// Number of the report: larger than that of every earlier report about the same organization.
    /// Absent without a position file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Time of the reading that found the changes. Absent without a position file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub seen_at: Option<String>,
    /// Organizations that changed, by key: at least one.
    pub changed: Vec<ChangedOrganizationItem>,
}

/// Organization with intents whose state changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedOrganizationItem {
    /// Key in the manifest.
    pub key: String,
    /// Name of the organization.
    pub name: Option<String>,
    /// Id of the organization; `null` while it does not exist.
    pub organization_id: Option<String>,
    /// Intents that changed: at least one.
    pub intents: Vec<ChangedIntentItem>,
}

/// Intent whose state changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedIntentItem {
    /// Name of the intent, as in `organizations`; another text if another version reported it.
    pub intent: String,
    /// Earlier state; `null` when the intent was not declared.
    pub before: Option<String>,
    /// Current state; `null` when the intent is not declared any more.
    pub after: Option<String>,
    /// Time since when the intent is in its state, by the evidence's own time; `null` when WorkOS
    /// does not tell.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Party that has to act; `null` when the intent is not declared any more.
    pub turn: Option<Turn>,
    /// Reason for the state; `null` when the intent is not declared any more.
    pub reason: Option<String>,
}

/// Builds the input of the command of `--on-change`, or the body of a delivery. The stamp is that of
/// the position file, if there is one.
pub fn changed_document(
    headline: &Headline,
    changes: &[OrganizationChange],
    stamp: Option<Stamp>,
) -> ChangedDocument {
    ChangedDocument {
        envelope: Envelope::new(headline),
        initial: stamp.is_some_and(|stamp| stamp.initial),
        sequence: stamp.map(|stamp| stamp.sequence),
        seen_at: stamp.map(|stamp| stamp.seen_at.to_string()),
        changed: changed(changes),
    }
}

/// Builds the list of changes.
pub fn changed(changes: &[OrganizationChange]) -> Vec<ChangedOrganizationItem> {
    changes.iter().map(organization).collect()
}

fn organization(change: &OrganizationChange) -> ChangedOrganizationItem {
    ChangedOrganizationItem {
        key: change.key.clone(),
        name: change.name.clone(),
        organization_id: change.organization_id.clone(),
        intents: change.intents.iter().map(intent).collect(),
    }
}

fn intent(change: &IntentChange) -> ChangedIntentItem {
    let IntentChange {
        intent,
        before,
        after,
        since,
        turn,
        reason,
    } = change;
    let state = |state: &Option<StateName>| state.as_ref().map(ToString::to_string);
    ChangedIntentItem {
        intent: intent.to_string(),
        before: state(before),
        after: state(after),
        since: since.map(|since| since.to_string()),
        turn: *turn,
        reason: reason.clone(),
    }
}
