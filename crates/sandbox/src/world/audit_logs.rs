//! Audit log configurations and their log streams.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusal::{FieldError, Refusal};
use super::state::{AuditLogState, LogStreamState};
use super::{World, millis};

/// Default retention in days. Source: the example of
/// `AuditLogConfiguration.retention_period_in_days`.
const RETENTION_DAYS: u32 = 30;

/// Audit log configuration of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLogs {
    /// Answer to a request for the configuration.
    pub access: Access,
    /// State of the collection.
    pub state: AuditLogState,
    /// Retention in days.
    pub retention_period_in_days: u32,
    /// Stream to the customer's own SIEM.
    pub log_stream: Option<LogStream>,
}

/// Answer to a request for an organization's audit logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Configuration.
    #[default]
    Open,
    /// 403: the account's plan does not include audit logs.
    NotEntitled,
    /// 404: there is no configuration.
    Absent,
}

/// Stream of audit logs to the customer's own SIEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStream {
    /// `audit_log_stream_…`
    pub id: String,
    /// `Datadog` and the like.
    pub stream_type: String,
    /// State of the deliveries.
    pub state: LogStreamState,
    /// Time of the last delivery.
    pub last_synced_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
}

impl Default for AuditLogs {
    fn default() -> Self {
        Self {
            access: Access::Open,
            state: AuditLogState::Inactive,
            retention_period_in_days: RETENTION_DAYS,
            log_stream: None,
        }
    }
}

/// Reads the body of `PUT /organizations/{id}/audit_logs_retention`.
///
/// Source: `AuditLogsRetention` and `UpdateAuditLogsRetentionRetentionPeriod` of the official Rust
/// SDK 3.5.0: 30 to 330 days by 30 or 365 to 3650 by 365, or `1_MONTH` to `11_MONTHS` and `1_YEAR`
/// to `10_YEARS`. The older API description knows 30 and 365 days only.
pub fn read_retention(body: &Value) -> Result<u32, Refusal> {
    let (field, days) = match (
        body.get("retention_period_in_days"),
        body.get("retention_period"),
    ) {
        (Some(days), _) => ("retention_period_in_days", days.as_u64()),
        (None, Some(period)) => ("retention_period", period.as_str().and_then(period_days)),
        (None, None) => {
            let missing = FieldError::new("retention_period_in_days", "required");
            return Err(Refusal::invalid(missing));
        }
    };
    let is_offered = |days: &u64| {
        (days.is_multiple_of(30) && (30..=330).contains(days))
            || (days.is_multiple_of(365) && (365..=3650).contains(days))
    };
    days.filter(is_offered)
        .and_then(|days| u32::try_from(days).ok())
        .ok_or_else(|| Refusal::invalid(FieldError::new(field, "invalid")))
}

fn period_days(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once('_')?;
    let number: u64 = number.parse().ok()?;
    match (number, unit) {
        (1, "MONTH") | (2..=11, "MONTHS") => Some(number * 30),
        (1, "YEAR") | (2..=10, "YEARS") => Some(number * 365),
        _ => None,
    }
}

impl World {
    /// Returns an organization's audit log configuration.
    ///
    /// Source: `GET /organizations/{id}/audit_log_configuration`. An organization without any is
    /// `inactive`; the 404 of the description is for one that does not exist, and for
    /// [`Access::Absent`].
    pub fn audit_logs(&self, organization_id: &str) -> Result<AuditLogs, Refusal> {
        self.organizations.find(organization_id)?;
        let logs = self.audit_logs.get(organization_id);
        let logs = logs.cloned().unwrap_or_default();
        match logs.access {
            Access::Open => Ok(logs),
            Access::NotEntitled => Err(Refusal::NotEntitled("Audit Logs")),
            Access::Absent => Err(Refusal::not_found(
                "Audit Log Configuration",
                organization_id,
            )),
        }
    }

    /// Returns the retention of an organization's audit logs in days, where one was set.
    ///
    /// Source: `GET /organizations/{id}/audit_logs_retention`, where it may be null.
    pub fn retention(&self, organization_id: &str) -> Result<Option<u32>, Refusal> {
        self.audit_logs(organization_id)?;
        let logs = self.audit_logs.get(organization_id);
        Ok(logs.map(|logs| logs.retention_period_in_days))
    }

    /// Sets the retention of an organization's audit logs in days.
    ///
    /// Source: `PUT /organizations/{id}/audit_logs_retention`.
    pub fn set_retention(&mut self, organization_id: &str, days: u32) -> Result<(), Refusal> {
        self.audit_logs(organization_id)?;
        let logs = self
            .audit_logs
            .entry(organization_id.to_owned())
            .or_default();
        logs.retention_period_in_days = days;
        Ok(())
    }

    /// Sets up an organization's audit logs.
    pub fn set_audit_logs(
        &mut self,
        organization_id: &str,
        state: AuditLogState,
        access: Access,
    ) -> Result<(), Refusal> {
        self.organizations.find(organization_id)?;
        let logs = self
            .audit_logs
            .entry(organization_id.to_owned())
            .or_default();
        logs.state = state;
        logs.access = access;
        Ok(())
    }

    /// Sets up, or changes, an organization's log stream. An active one has just delivered.
    pub fn set_log_stream(
        &mut self,
        now: Timestamp,
        organization_id: &str,
        stream_type: &str,
        state: LogStreamState,
    ) -> Result<(), Refusal> {
        let now = millis(now);
        self.organizations.find(organization_id)?;
        let id = self.ids.id("audit_log_stream", now);
        let logs = self
            .audit_logs
            .entry(organization_id.to_owned())
            .or_default();
        let old = logs.log_stream.take();
        let delivered = (state == LogStreamState::Active).then_some(now);
        let (id, created_at, before) = match old {
            Some(old) => (old.id, old.created_at, old.last_synced_at),
            None => (id, now, None),
        };
        logs.log_stream = Some(LogStream {
            id,
            stream_type: stream_type.to_owned(),
            state,
            last_synced_at: delivered.or(before),
            created_at,
        });
        Ok(())
    }

    /// Removes an organization's log stream.
    pub fn remove_log_stream(&mut self, organization_id: &str) -> Result<(), Refusal> {
        self.organizations.find(organization_id)?;
        if let Some(logs) = self.audit_logs.get_mut(organization_id) {
            logs.log_stream = None;
        }
        Ok(())
    }
}
