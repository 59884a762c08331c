//! The picture in an earlier `status -o json`, read tolerantly: another version wrote it, perhaps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{IntentName, Picture, PicturedIntent, PicturedOrganization, StateName};
use crate::readiness::Turn;

/// The version of the format that is read.
const FORMAT_VERSION: &str = "1";

/// Report of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The environment's name in the manifest of that run.
    pub environment: Option<String>,
    /// Readiness at that time.
    pub picture: Picture,
}

/// The text is not a report to compare with; reads as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEarlier {
    /// The text is not JSON, or not of the shape of a status report.
    #[error("it is not what `status -o json` writes: {0}")]
    Shape(String),
    /// The report has a format that this version does not read.
    #[error("its format_version is {0:?}, and this portalctl reads {FORMAT_VERSION:?}")]
    Version(String),
    /// The run that wrote it did not get to a report.
    #[error("it is of a run that failed, and holds errors instead of organizations")]
    Failed,
}

/// Only what is needed: fields that are not named here may be anything.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    environment: Option<String>,
    organizations: Vec<ReportedOrganization>,
    #[serde(default)]
    errors: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct ReportedOrganization {
    key: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    organization_id: Option<String>,
    #[serde(default)]
    intents: Vec<ReportedIntent>,
}

#[derive(Deserialize)]
struct ReportedIntent {
    intent: String,
    state: String,
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    turn: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// The field that names the format of the others.
#[derive(Deserialize)]
struct Version {
    format_version: String,
}

impl Earlier {
    /// Reads a document that `status -o json` wrote.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidEarlier> {
        let shape = |error: serde_json::Error| InvalidEarlier::Shape(error.to_string());
        let Version { format_version } = serde_json::from_slice(text).map_err(shape)?;
        if format_version != FORMAT_VERSION {
            return Err(InvalidEarlier::Version(format_version));
        }
        let document: Document = serde_json::from_slice(text).map_err(shape)?;
        let Document {
            environment,
            organizations,
            errors,
        } = document;
        if organizations.is_empty() && !errors.is_empty() {
            return Err(InvalidEarlier::Failed);
        }
        Ok(Self {
            environment,
            picture: Picture {
                organizations: organizations.into_iter().map(organization).collect(),
            },
        })
    }
}

fn organization(organization: ReportedOrganization) -> (String, PicturedOrganization) {
    let ReportedOrganization {
        key,
        name,
        organization_id,
        intents,
    } = organization;
    let intents: BTreeMap<_, _> = intents.into_iter().map(intent).collect();
    let pictured = PicturedOrganization {
        name,
        organization_id,
        intents,
    };
    (key, pictured)
}

fn intent(intent: ReportedIntent) -> (IntentName, PicturedIntent) {
    let ReportedIntent {
        intent,
        state,
        since,
        turn,
        reason,
    } = intent;
    let pictured = PicturedIntent {
        state: StateName::from(state),
        since: since.and_then(|since| since.parse::<Timestamp>().ok()),
        turn: turn.and_then(|turn| Turn::find(&turn)),
        reason: reason.unwrap_or_default(),
    };
    (IntentName::from(intent), pictured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::State;
    use portalctl_model as model;

    fn parse(text: &str) -> Result<Earlier, InvalidEarlier> {
        Earlier::parse(text.as_bytes())
    }

    #[test]
    fn what_another_version_wrote_is_read_as_far_as_it_goes() {
        let earlier = parse(
            r#"{"format_version": "1", "environment": "live", "invented": {"a": [1]},
                "organizations": [
                  {"key": "acme", "organization_id": null, "name": "Acme", "more": 1, "intents": [
                    {"intent": "sso", "state": "configured", "since": "2026-01-01T00:00:00Z",
                     "turn": "none", "reason": "done", "evidence": [{}]},
                    {"intent": "passkeys", "state": "half_way", "turn": "nobody", "since": "then"}
                  ]},
                  {"key": "globex"}
                ]}"#,
        )
        .unwrap();
        assert_eq!(earlier.environment.as_deref(), Some("live"));
        let acme = &earlier.picture.organizations["acme"];
        let sso = &acme.intents[&IntentName::Known(model::Intent::Sso)];
        assert_eq!(sso.state, StateName::Known(State::Configured));
        assert_eq!(sso.turn, Some(Turn::None));
        assert!(sso.since.is_some());
        let other = &acme.intents[&IntentName::Other("passkeys".to_owned())];
        assert_eq!(other.state, StateName::Other("half_way".to_owned()));
        assert_eq!((other.turn, other.since), (None, None));
        assert!(earlier.picture.organizations["globex"].intents.is_empty());
    }

    #[test]
    fn what_is_no_report_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "it is not what `status -o json` writes: EOF"),
            ("{", "it is not what `status -o json` writes: EOF"),
            ("[]", "it is not what `status -o json` writes: invalid"),
            (
                "{}",
                "it is not what `status -o json` writes: missing field `format_version`",
            ),
            (
                r#"{"format_version": "1"}"#,
                "it is not what `status -o json` writes: missing field `organizations`",
            ),
            (
                r#"{"format_version": "2", "customers": []}"#,
                "its format_version is \"2\", and this portalctl reads \"1\"",
            ),
            (
                r#"{"format_version": "1", "organizations": [], "errors": [{"code": "x"}]}"#,
                "it is of a run that failed",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(why), "{text}: {error}");
        }
        let deep = format!(
            "{{\"format_version\": \"1\", \"x\": {}",
            "[".repeat(100_000)
        );
        assert!(parse(&deep).is_err());
    }
}
