//! What changed since an earlier report: in `status -o json --compare`, and on the standard input of
//! the command of `--on-change`.

use schemars::JsonSchema;
use serde::Serialize;

use super::FORMAT_VERSION;
use crate::Headline;
use portalctl_core::readiness::Turn;
use portalctl_core::readiness::compare::{IntentChange, OrganizationChange, StateName};

/// What the command of `portalctl status --on-change` is given.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "portalctl status --on-change")]
pub struct ChangedDocument {
    /// Always `"1"`; additive changes keep it.
    #[schemars(extend("const" = FORMAT_VERSION))]
    pub format_version: &'static str,
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// Whether portalctl's own in-memory WorkOS answered.
    pub sandbox: bool,
    /// The organizations that changed, by key: at least one.
    pub changed: Vec<ChangedOrganizationItem>,
}

/// An organization with intents whose state is another one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedOrganizationItem {
    /// Its key in the manifest.
    pub key: String,
    /// Its name.
    pub name: Option<String>,
    /// Its id; `null` while it does not exist.
    pub organization_id: Option<String>,
    /// Its intents that changed: at least one.
    pub intents: Vec<ChangedIntentItem>,
}

/// An intent whose state is another one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedIntentItem {
    /// The intent, as in `organizations`; another text if another version reported it.
    pub intent: String,
    /// Its earlier state; `null` when it was not declared.
    pub before: Option<String>,
    /// Its state now; `null` when it is not declared any more.
    pub after: Option<String>,
    /// Since when it is in its state, by the evidence's own time; `null` when WorkOS does not tell.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Who has to do something; `null` when the intent is not declared any more.
    pub turn: Option<Turn>,
    /// Why the state is what it is; `null` when the intent is not declared any more.
    pub reason: Option<String>,
}

/// Builds the document that a command is given.
pub fn changed_document(headline: &Headline, changes: &[OrganizationChange]) -> ChangedDocument {
    ChangedDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        changed: changed(changes),
    }
}

/// Builds the list of what changed.
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
