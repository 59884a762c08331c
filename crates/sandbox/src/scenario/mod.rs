//! Scenarios: the state that a sandbox starts with, built in or from a file.
//!
//! ```yaml
//! rules: { metadata_on_put: merge }     # optional, see `world::Rules`; auto_finish_seconds: 3
//! organizations:
//!   - name: Acme Corp
//!     external_id: acme                 # the rest is optional
//!     stripe_customer_id: cus_1
//!     metadata: { tier: enterprise }
//!     days_old: 40                      # or created_at: 2026-01-15T12:00:00Z
//!     domains:
//!       - { domain: acme.com, state: verified }
//!     connections:
//!       - { state: active, type: OktaSAML, certificates: [10, -5] }   # end in so many days
//!     directories:
//!       - { state: linked, type: okta scim v2.0 }
//!     audit_logs: active                # or inactive, disabled, absent (404), not_entitled (403)
//!     log_stream: { type: Datadog, state: error }
//!     retention_days: 365               # of audit logs
//!     it_contacts:
//!       - { email: ada@acme.com, invited: [sso, directory_sync] }
//!     members: [active, pending]        # or inactive
//!     byok: verified                    # or refused, deleted: the event that tells it, now
//! ```
//!
//! A domain that is `failed` has waited for 30 days, or belongs to another organization: that is
//! the reason that its event gives.
//!
//! A scenario states what is; it may hold what WorkOS would not let come about, such as one domain
//! verified twice.

mod builtin;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::world::{
    Access, AuditLogState, ByokEvent, ConnectionState, DirectoryState, DomainInput, DomainState,
    FailureReason, Field, InviteIntent, KeyProvider, LogStreamState, MembershipStatus,
    NewConnection, NewDirectory, OrganizationInput, Refusal, Rules, World,
};

/// Names of the built-in scenarios.
pub const BUILT_IN: [&str; 3] = ["empty", "busy", "large"];
/// Days that a domain waits for its record before it fails.
const VERIFICATION_DAYS: i32 = 30;
/// Days after which the record of another organization's domain is checked.
const LOOKED_AFTER_DAYS: i32 = 7;
/// Largest scenario file, in bytes.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// Error of a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// File cannot be read.
    #[error(
        "cannot read the scenario {}: {source}; the built-in ones are empty, busy and large",
        path.display()
    )]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// File is too large.
    #[error("the scenario {} is larger than {MAX_SIZE} bytes", .0.display())]
    TooLarge(PathBuf),
    /// File does not have the shape of a scenario.
    #[error("the scenario {name} cannot be read: {message}")]
    Malformed {
        /// Name of the scenario.
        name: String,
        /// Place and cause.
        message: String,
    },
    /// World does not take it.
    #[error("the organization `{organization}` of the scenario cannot be made: {refusal}")]
    Refused {
        /// Name of the entry.
        organization: String,
        /// Cause.
        refusal: Refusal,
    },
}

/// Initial state of a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Organizations, in order of creation.
    #[serde(default)]
    pub organizations: Vec<ScenarioOrganization>,
    /// Behaviour where WorkOS's is not documented.
    pub rules: Option<Rules>,
}

/// Organization with all its objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioOrganization {
    /// Display name.
    pub name: String,
    /// Caller's own id.
    pub external_id: Option<String>,
    /// Customer's id at Stripe.
    pub stripe_customer_id: Option<String>,
    /// True when profiles from outside its domains may sign in.
    #[serde(default)]
    pub allow_profiles_outside_organization: bool,
    /// Free key/value pairs.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Time of creation; now by default.
    pub created_at: Option<Timestamp>,
    /// Days since its creation.
    pub days_old: Option<u32>,
    /// Domains.
    #[serde(default)]
    pub domains: Vec<ScenarioDomain>,
    /// Single sign-on connections.
    #[serde(default)]
    pub connections: Vec<ScenarioConnection>,
    /// Directories.
    #[serde(default)]
    pub directories: Vec<ScenarioObject<DirectoryState>>,
    /// State of audit logs.
    pub audit_logs: Option<String>,
    /// Log stream.
    pub log_stream: Option<ScenarioObject<LogStreamState>>,
    /// Retention of audit logs, in days.
    pub retention_days: Option<u32>,
    /// IT contacts.
    #[serde(default)]
    pub it_contacts: Vec<ScenarioContact>,
    /// Members, each by the status of the membership.
    #[serde(default)]
    pub members: Vec<MembershipStatus>,
    /// Event of its own encryption key.
    pub byok: Option<ByokEvent>,
}

/// Single sign-on connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioConnection {
    /// State of the configuration.
    pub state: ConnectionState,
    /// Type of the provider.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Days until its certificates expire; a year for an active SAML connection by default.
    #[serde(default)]
    pub certificates: Vec<i32>,
}

/// IT contact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioContact {
    /// Address.
    pub email: String,
    /// Features that it has just been invited to set up.
    #[serde(default)]
    pub invited: BTreeSet<InviteIntent>,
}

/// Domain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioDomain {
    /// Domain.
    pub domain: String,
    /// State of the verification.
    pub state: DomainState,
}

/// Object with a state and a type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioObject<S> {
    /// State of the configuration.
    pub state: S,
    /// Type of the provider.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

impl Scenario {
    /// Loads the built-in scenario of this name, else the file.
    pub fn load(name: &str) -> Result<Self, ScenarioError> {
        match name {
            "empty" => Ok(Self::default()),
            "busy" => Self::parse(name, builtin::BUSY),
            "large" => Ok(builtin::large()),
            path => Self::read(Path::new(path)),
        }
    }

    fn read(path: &Path) -> Result<Self, ScenarioError> {
        let failed = |source| ScenarioError::Read {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_SIZE + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > MAX_SIZE {
            return Err(ScenarioError::TooLarge(path.to_owned()));
        }
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parses YAML, which includes JSON.
    fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        serde_saphyr::from_str(text).map_err(|error| ScenarioError::Malformed {
            name: name.to_owned(),
            message: error.to_string(),
        })
    }

    /// Adds everything to a world.
    pub fn build(&self, world: &mut World, now: Timestamp) -> Result<(), ScenarioError> {
        if let Some(rules) = self.rules {
            *world.rules_mut() = rules;
        }
        for organization in &self.organizations {
            organization
                .build(world, now)
                .map_err(|refusal| ScenarioError::Refused {
                    organization: organization.name.clone(),
                    refusal,
                })?;
        }
        world.settle(now);
        Ok(())
    }
}

impl ScenarioOrganization {
    fn build(&self, world: &mut World, now: Timestamp) -> Result<(), Refusal> {
        let at = self.time(now);
        let metadata = self.metadata.iter();
        let metadata = metadata.map(|(key, value)| (key.clone(), Some(value.clone())));
        let domains = self.domains.iter().map(|domain| DomainInput {
            domain: domain.domain.to_ascii_lowercase(),
            state: DomainState::Pending,
        });
        let input = OrganizationInput {
            name: Field::Set(self.name.clone()),
            external_id: self.external_id.clone().map_or(Field::Absent, Field::Set),
            stripe_customer_id: Field::Absent,
            allow_profiles_outside_organization: Field::Set(
                self.allow_profiles_outside_organization,
            ),
            metadata: Field::Set(metadata.collect()),
            domains: Some(domains.collect()),
        };
        let id = world.create_organization(at, input)?.id.clone();
        if let Some(customer) = &self.stripe_customer_id {
            let input = OrganizationInput {
                stripe_customer_id: Field::Set(customer.clone()),
                ..OrganizationInput::default()
            };
            world.update_organization(at, &id, input)?;
        }
        self.build_domains(world, at, now, &id)?;
        self.build_connections(world, at, now, &id)?;
        self.build_objects(world, at, &id)?;
        self.build_people(world, at, now, &id)
    }

    fn time(&self, now: Timestamp) -> Timestamp {
        let age = SignedDuration::from_hours(24 * i64::from(self.days_old.unwrap_or_default()));
        let at = now.checked_sub(age).unwrap_or(now);
        self.created_at.unwrap_or(at)
    }

    fn build_domains(
        &self,
        world: &mut World,
        at: Timestamp,
        now: Timestamp,
        id: &str,
    ) -> Result<(), Refusal> {
        let made = world.organization(id)?.domains.iter();
        let ids: Vec<String> = made.map(|domain| domain.id.clone()).collect();
        for (domain_id, domain) in ids.iter().zip(&self.domains) {
            let (at, reason) = match domain.state {
                DomainState::Failed if world.is_verified_elsewhere(&domain.domain, id) => {
                    let looked = after_days(at, LOOKED_AFTER_DAYS).min(now);
                    (looked, Some(FailureReason::VerifiedByOtherOrganization))
                }
                DomainState::Failed => (
                    after_days(at, VERIFICATION_DAYS).min(now),
                    Some(FailureReason::PeriodExpired),
                ),
                _ => (at, None),
            };
            world.set_domain_state(at, domain_id, domain.state.clone(), reason)?;
        }
        Ok(())
    }

    fn build_connections(
        &self,
        world: &mut World,
        at: Timestamp,
        now: Timestamp,
        id: &str,
    ) -> Result<(), Refusal> {
        for connection in &self.connections {
            let kind = connection.kind.as_deref().unwrap_or("OktaSAML");
            let new = NewConnection {
                organization_id: id.to_owned(),
                name: None,
                connection_type: kind.to_owned(),
                state: connection.state.clone(),
            };
            let id = world.create_connection(at, new)?.id.clone();
            let ends = connection.certificates.iter();
            let ends: Vec<Timestamp> = ends.map(|days| after_days(now, *days)).collect();
            if !ends.is_empty() {
                world.set_certificates(at, &id, &ends)?;
            } else if !world.certificates(&id)?.is_empty() {
                // Whatever the age of the connection, the scenario does not say that it is about to
                // break.
                world.set_certificates(at, &id, &[after_days(now, 365)])?;
            }
        }
        Ok(())
    }

    fn build_objects(&self, world: &mut World, at: Timestamp, id: &str) -> Result<(), Refusal> {
        for ScenarioObject { state, kind } in &self.directories {
            world.create_directory(
                at,
                NewDirectory {
                    organization_id: id.to_owned(),
                    name: None,
                    directory_type: kind.clone().unwrap_or_else(|| "okta scim v2.0".to_owned()),
                    state: state.clone(),
                },
            )?;
        }
        if let Some(logs) = &self.audit_logs {
            let (state, access) = match logs.as_str() {
                "active" => (AuditLogState::Active, Access::Open),
                "inactive" => (AuditLogState::Inactive, Access::Open),
                "disabled" => (AuditLogState::Disabled, Access::Open),
                "absent" => (AuditLogState::Inactive, Access::Absent),
                "not_entitled" => (AuditLogState::Inactive, Access::NotEntitled),
                other => (AuditLogState::Other(other.to_owned()), Access::Open),
            };
            world.set_audit_logs(id, state, access)?;
        }
        if let Some(ScenarioObject { state, kind }) = &self.log_stream {
            let kind = kind.as_deref().unwrap_or("Datadog");
            world.set_log_stream(at, id, kind, state.clone())?;
        }
        if let Some(days) = self.retention_days {
            world.set_retention(id, days)?;
        }
        Ok(())
    }

    fn build_people(
        &self,
        world: &mut World,
        at: Timestamp,
        now: Timestamp,
        id: &str,
    ) -> Result<(), Refusal> {
        for ScenarioContact { email, invited } in &self.it_contacts {
            let contact = world.create_it_contact(at, id, email)?.id.clone();
            if !invited.is_empty() {
                world.invite_it_contact(now, id, &contact, invited.clone())?;
            }
        }
        for status in &self.members {
            world.add_member(at, id, status.clone())?;
        }
        if let Some(happened) = self.byok {
            world.tell_byok(now, id, happened, KeyProvider::default())?;
        }
        Ok(())
    }
}

fn after_days(at: Timestamp, days: i32) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24 * i64::from(days)))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests;
