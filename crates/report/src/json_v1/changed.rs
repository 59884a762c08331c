//! Changes since an earlier report: in `status -o json --compare`, and on the standard input of the
//! command of `--on-change`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use crate::Headline;
use portalctl_core::readiness::Turn;
use portalctl_core::readiness::compare::{IntentChange, OrganizationChange, StateName};

/// Input of the command of `portalctl status --on-change`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl status --on-change")]
pub struct ChangedDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
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

/// Builds the input of the command of `--on-change`.
pub fn changed_document(headline: &Headline, changes: &[OrganizationChange]) -> ChangedDocument {
    ChangedDocument {
        envelope: Envelope::new(headline),
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
