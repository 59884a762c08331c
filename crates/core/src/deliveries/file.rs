//! The position in a file: JSON with a format version and the names of what it is about.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::position::{FollowingStates, OrganizationPosition, Position, Stamp};
use crate::readiness::Turn;
use crate::readiness::compare::{IntentName, PicturedIntent, PicturedOrganization, StateName};
use portalctl_model::desired::Names;
use portalctl_model::text::escape;

/// The version of the format that is read and written.
const FORMAT_VERSION: &str = "1";

/// The environment and the manifest that a position is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Name of the environment.
    pub environment: Option<String>,
    /// Name of the manifest.
    pub manifest: Option<String>,
}

impl From<Names> for Scope {
    fn from(names: Names) -> Self {
        Self {
            environment: names.environment,
            manifest: names.manifest.map(|name| name.to_string()),
        }
    }
}

/// The text is not a position of this scope; reads as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPosition {
    /// The text is not JSON, or not of the shape of a position. The text itself is not repeated.
    #[error("it is not a position file (line {line}, column {column})")]
    Shape {
        /// Line of the first mistake.
        line: usize,
        /// Column of the first mistake.
        column: usize,
    },
    /// Another version wrote the file.
    #[error("its format_version is {0:?}, and this portalctl reads {FORMAT_VERSION:?}")]
    Version(String),
    /// The position is about other things.
    #[error("it is of the {what} {}, and the manifest is of {}", escape(.then), escape(.now))]
    OtherScope {
        /// `environment` or `manifest`.
        what: &'static str,
        /// The name in the file.
        then: String,
        /// The name in the manifest.
        now: String,
    },
}

impl From<serde_json::Error> for InvalidPosition {
    fn from(error: serde_json::Error) -> Self {
        Self::Shape {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// The field that names the format of the others.
#[derive(Deserialize)]
struct Version {
    format_version: String,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format_version: String,
    environment: Option<String>,
    manifest: Option<String>,
    sequence: u64,
    organizations: BTreeMap<String, OrganizationItem>,
}

#[derive(Serialize, Deserialize)]
struct OrganizationItem {
    accepted: StatesItem,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<DeliveryItem>,
}

#[derive(Serialize, Deserialize)]
struct StatesItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organization_id: Option<String>,
    #[serde(default)]
    intents: BTreeMap<String, IntentItem>,
}

#[derive(Serialize, Deserialize)]
struct IntentItem {
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<String>,
    #[serde(default)]
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct DeliveryItem {
    sequence: u64,
    seen_at: Timestamp,
    #[serde(default)]
    initial: bool,
    states: StatesItem,
}

impl Position {
    /// Reads a position, which has to be of this scope. A name that is missing on one side does not
    /// count.
    pub fn parse(text: &[u8], scope: Scope) -> Result<Self, InvalidPosition> {
        let Version { format_version } = serde_json::from_slice(text)?;
        if format_version != FORMAT_VERSION {
            return Err(InvalidPosition::Version(format_version));
        }
        let Document {
            format_version: _,
            environment,
            manifest,
            sequence,
            organizations,
        } = serde_json::from_slice(text)?;
        check("environment", environment, scope.environment.as_ref())?;
        check("manifest", manifest, scope.manifest.as_ref())?;
        let organizations = organizations.into_iter();
        Ok(Self {
            scope,
            is_initial: false,
            sequence,
            organizations: organizations
                .map(|(key, item)| (key, organization(item)))
                .collect(),
        })
    }

    /// Writes the position as one line of JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let organizations = self.organizations.iter();
        let document = Document {
            format_version: FORMAT_VERSION.to_owned(),
            environment: self.scope.environment.clone(),
            manifest: self.scope.manifest.clone(),
            sequence: self.sequence,
            organizations: organizations
                .map(|(key, organization)| (key.clone(), organization.into()))
                .collect(),
        };
        serde_json::to_string(&document).map(|text| text + "\n")
    }
}

fn check(
    what: &'static str,
    then: Option<String>,
    now: Option<&String>,
) -> Result<(), InvalidPosition> {
    match (then, now) {
        (Some(then), Some(now)) if then != *now => Err(InvalidPosition::OtherScope {
            what,
            then,
            now: now.clone(),
        }),
        _ => Ok(()),
    }
}

fn organization(item: OrganizationItem) -> OrganizationPosition {
    let deliveries = item.deliveries.into_iter();
    OrganizationPosition {
        accepted: item.accepted.into(),
        following: deliveries
            .map(|item| FollowingStates {
                stamp: Stamp {
                    sequence: item.sequence,
                    seen_at: item.seen_at,
                    initial: item.initial,
                },
                states: item.states.into(),
            })
            .collect(),
    }
}

impl From<&OrganizationPosition> for OrganizationItem {
    fn from(organization: &OrganizationPosition) -> Self {
        let following = organization.following.iter();
        Self {
            accepted: (&organization.accepted).into(),
            deliveries: following
                .map(|FollowingStates { stamp, states }| DeliveryItem {
                    sequence: stamp.sequence,
                    seen_at: stamp.seen_at,
                    initial: stamp.initial,
                    states: states.into(),
                })
                .collect(),
        }
    }
}

impl From<StatesItem> for PicturedOrganization {
    fn from(item: StatesItem) -> Self {
        let intents = item.intents.into_iter();
        Self {
            name: item.name,
            organization_id: item.organization_id,
            intents: intents
                .map(|(intent, item)| (IntentName::from(intent), item.into()))
                .collect(),
        }
    }
}

impl From<&PicturedOrganization> for StatesItem {
    fn from(states: &PicturedOrganization) -> Self {
        let intents = states.intents.iter();
        Self {
            name: states.name.clone(),
            organization_id: states.organization_id.clone(),
            intents: intents
                .map(|(intent, pictured)| (intent.to_string(), pictured.into()))
                .collect(),
        }
    }
}

impl From<IntentItem> for PicturedIntent {
    fn from(item: IntentItem) -> Self {
        Self {
            state: StateName::from(item.state),
            since: item.since,
            turn: item.turn.and_then(|turn| Turn::find(&turn)),
            reason: item.reason,
        }
    }
}

impl From<&PicturedIntent> for IntentItem {
    fn from(pictured: &PicturedIntent) -> Self {
        Self {
            state: pictured.state.to_string(),
            since: pictured.since,
            turn: pictured.turn.map(|turn| turn.as_str().to_owned()),
            reason: pictured.reason.clone(),
        }
    }
}
