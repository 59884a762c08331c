//! The columns that `kubectl get` prints.

use serde_json::{Value, json};

use super::kind::Kind;

/// What `kubectl get` shows; columns of priority 1 with `-o wide` only.
pub(super) fn columns(kind: Kind) -> Value {
    let condition = |name: &str, kind: &str, what: &str| {
        column(
            name,
            0,
            &format!(".status.conditions[?(@.type==\"{kind}\")].status"),
            what,
        )
    };
    let [paused, suspended] = pauses();
    let mut columns = vec![
        condition("Ready", "Ready", "Whether it is as declared"),
        condition(
            "Synced",
            "Synced",
            "Whether WorkOS was reached and nothing is left to write",
        ),
    ];
    match kind {
        Kind::PortalEnvironment => {
            let total = |name: &str, path: &str, what: &str| {
                column(name, 0, &format!(".status.organizations.{path}"), what)
            };
            columns.extend([
                total("Organizations", "declared", "Declared organizations"),
                total(
                    "Onboarded",
                    "onboarded",
                    "Those whose intents are all configured",
                ),
                paused,
                suspended,
                column("Key", 1, ".spec.apiKey", "The kind of API key"),
                column("Owner", 1, ".spec.manifest", "The owner mark"),
                column(
                    "Last-Sync",
                    1,
                    ".status.lastSyncTime",
                    "When everything was last listed",
                ),
            ]);
        }
        Kind::PortalOrganization => {
            let intent = |name: &str, intent: &str| {
                let path = format!(".status.intents[?(@.intent==\"{intent}\")].state");
                column(name, 1, &path, "How far this intent is")
            };
            columns.extend([
                condition(
                    "Onboarded",
                    "Onboarded",
                    "Whether every declared intent is configured",
                ),
                column(
                    "Configured",
                    0,
                    ".status.configured",
                    "Configured of declared intents",
                ),
                paused,
                suspended,
                column(
                    "Environment",
                    1,
                    ".spec.environmentRef.name",
                    "The PortalEnvironment",
                ),
                column(
                    "Organization",
                    1,
                    ".status.organizationId",
                    "The id at WorkOS",
                ),
                intent("SSO", "sso"),
                intent("Dsync", "dsync"),
                intent("Domains", "domain_verification"),
                column(
                    "Reason",
                    1,
                    ".status.conditions[?(@.type==\"Ready\")].reason",
                    "Why it is ready or not",
                ),
            ]);
        }
    }
    let mut age = column(
        "Age",
        0,
        ".metadata.creationTimestamp",
        "Since when it exists",
    );
    age["type"] = json!("date");
    columns.push(age);
    Value::from(columns)
}

/// Both ways to pause.
fn pauses() -> [Value; 2] {
    let paused = column(
        "Paused",
        0,
        ".metadata.annotations.portalctl\\.dev/paused",
        "Whether the operator leaves it alone",
    );
    let suspended = column(
        "Suspended",
        1,
        ".spec.suspend",
        "Whether spec.suspend stops all writing",
    );
    [paused, suspended]
}

fn column(name: &str, priority: u8, path: &str, description: &str) -> Value {
    let kind = match name {
        "Organizations" | "Onboarded" if path.contains("organizations") => "integer",
        "Last-Sync" => "date",
        "Suspended" => "boolean",
        _ => "string",
    };
    json!({
        "name": name,
        "type": kind,
        "jsonPath": path,
        "priority": priority,
        "description": description,
    })
}
