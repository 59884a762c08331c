//! Columns that `kubectl get` prints.

use serde_json::{Value, json};

use super::kind::Kind;

/// Name, type, priority, path and description of a column; `-o wide` shows those of priority 1.
type Column = (&'static str, &'static str, u8, &'static str, &'static str);

#[rustfmt::skip]
const ENVIRONMENT: [Column; 10] = [
    READY,
    SYNCED,
    ("Organizations", "integer", 0, ".status.organizations.declared", "Declared organizations"),
    ("Onboarded", "integer", 0, ".status.organizations.onboarded", "Organizations whose intents are all configured"),
    PAUSED,
    SUSPENDED,
    ("Key", "string", 1, ".spec.apiKey", "The kind of API key"),
    ("Owner", "string", 1, ".spec.manifest", "The owner mark"),
    ("Last-Sync", "date", 1, ".status.lastSyncTime", "Time of the last full listing"),
    AGE,
];

#[rustfmt::skip]
const ORGANIZATION: [Column; 13] = [
    READY,
    SYNCED,
    ("Onboarded", "string", 0, ".status.conditions[?(@.type==\"Onboarded\")].status", "True when every declared intent is configured"),
    ("Configured", "string", 0, ".status.configured", "Configured of declared intents"),
    PAUSED,
    SUSPENDED,
    ("Environment", "string", 1, ".spec.environmentRef.name", "The PortalEnvironment"),
    ("Organization", "string", 1, ".status.organizationId", "The id at WorkOS"),
    ("SSO", "string", 1, ".status.intents[?(@.intent==\"sso\")].state", "Progress of this intent"),
    ("Dsync", "string", 1, ".status.intents[?(@.intent==\"dsync\")].state", "Progress of this intent"),
    ("Domains", "string", 1, ".status.intents[?(@.intent==\"domain_verification\")].state", "Progress of this intent"),
    ("Reason", "string", 1, ".status.conditions[?(@.type==\"Ready\")].reason", "Reason of Ready"),
    AGE,
];

#[rustfmt::skip]
const READY: Column = ("Ready", "string", 0, ".status.conditions[?(@.type==\"Ready\")].status", "True when it is as declared");
#[rustfmt::skip]
const SYNCED: Column = ("Synced", "string", 0, ".status.conditions[?(@.type==\"Synced\")].status", "True when WorkOS was reached and nothing is left to write");
#[rustfmt::skip]
const PAUSED: Column = ("Paused", "string", 0, ".metadata.annotations.portalctl\\.dev/paused", "The annotation that pauses the operator");
#[rustfmt::skip]
const SUSPENDED: Column = ("Suspended", "boolean", 1, ".spec.suspend", "True when spec.suspend stops all writing");
#[rustfmt::skip]
const AGE: Column = ("Age", "date", 0, ".metadata.creationTimestamp", "Time since the creation");

/// Returns the columns of a kind.
pub(super) fn columns(kind: Kind) -> Value {
    let columns: &[Column] = match kind {
        Kind::PortalEnvironment => &ENVIRONMENT,
        Kind::PortalOrganization => &ORGANIZATION,
    };
    let column = |(name, kind, priority, path, description): &Column| {
        json!({
            "name": name,
            "type": kind,
            "jsonPath": path,
            "priority": priority,
            "description": description,
        })
    };
    columns.iter().map(column).collect()
}
