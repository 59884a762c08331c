//! Audit logs and log streams: what the audit-log configuration tells.

use super::{Evidence, Finding, PortalSteps, State, Subject, Turn, named, unknown_state};
use portalctl_model::Intent;
use portalctl_model::observed::{
    Answer, AuditLogConfiguration, AuditLogState, LogStream, LogStreamState,
};

pub(super) fn audit_logs(subject: &Subject<'_>) -> Finding {
    let unconfigured = || {
        Finding::new(State::Unconfigured, Turn::You, "audit logs are not set up")
            .next("set up audit logs for this organization in the WorkOS dashboard")
    };
    let configuration = match configuration(subject) {
        Configuration::Found(configuration) => configuration,
        Configuration::Absent => return unconfigured(),
        Configuration::Untold(finding) => return finding,
    };
    let finding = match &configuration.state {
        AuditLogState::Active => {
            Finding::new(State::Configured, Turn::None, "audit logs are active")
        }
        AuditLogState::Inactive => unconfigured(),
        AuditLogState::Disabled => {
            Finding::new(State::Attention, Turn::You, "audit logs are switched off")
                .next("switch them on in the WorkOS dashboard, or drop the intent")
        }
        AuditLogState::Unknown(raw) => Finding::new(
            State::Unknown,
            Turn::You,
            unknown_state("the audit-log configuration", raw),
        )
        .next("look at it in the WorkOS dashboard"),
    };
    finding.with(vec![Evidence {
        object: "audit_log_configuration",
        id: None,
        kind: None,
        state: configuration.state.to_string(),
        since: None,
    }])
}

pub(super) fn log_streams(subject: &Subject<'_>) -> Finding {
    let portal = PortalSteps::of(subject, Intent::LogStreams);
    let unconfigured = || {
        Finding::new(State::Unconfigured, Turn::Customer, "no log stream yet").next(portal.first())
    };
    let stream = match configuration(subject) {
        Configuration::Found(AuditLogConfiguration {
            log_stream: Some(stream),
            state: _,
        }) => stream,
        Configuration::Found(_) | Configuration::Absent => return unconfigured(),
        Configuration::Untold(finding) => return finding,
    };
    judge(stream, &portal)
        .since(stream.last_synced_at.or(stream.created_at))
        .with(vec![Evidence {
            object: "log_stream",
            id: stream.id.clone(),
            kind: Some(stream.stream_type.clone()),
            state: stream.state.to_string(),
            since: stream.last_synced_at.or(stream.created_at),
        }])
}

fn judge(stream: &LogStream, portal: &PortalSteps) -> Finding {
    let it = named(&stream.stream_type, "stream");
    match &stream.state {
        LogStreamState::Active => {
            Finding::new(State::Configured, Turn::None, format!("{it} delivers"))
        }
        LogStreamState::Inactive => Finding::new(
            State::InProgress,
            Turn::Customer,
            format!("{it} is inactive"),
        )
        .next(portal.after("ask the customer's IT admin to finish it in the Admin Portal")),
        LogStreamState::Error => {
            Finding::new(State::Attention, Turn::Customer, format!("{it} fails"))
                .next("ask the customer's IT admin to check the destination")
        }
        LogStreamState::Invalid => Finding::new(
            State::Attention,
            Turn::Customer,
            format!("{it}'s configuration is refused"),
        )
        .next(portal.after("ask the customer's IT admin to correct it in the Admin Portal")),
        LogStreamState::Unknown(raw) => {
            Finding::new(State::Unknown, Turn::You, unknown_state(&it, raw))
                .next("look at it in the WorkOS dashboard")
        }
    }
}

enum Configuration<'a> {
    Found(&'a AuditLogConfiguration),
    Absent,
    Untold(Finding),
}

fn configuration<'a>(subject: &Subject<'a>) -> Configuration<'a> {
    match subject.observed.audit_logs.get(&subject.live.id) {
        Some(Answer::Found(configuration)) => Configuration::Found(configuration),
        Some(Answer::Absent) => Configuration::Absent,
        None => Configuration::Untold(Finding::not_read("the audit-log configuration was")),
        Some(Answer::NotEntitled(message)) => Configuration::Untold(Finding::not_entitled(message)),
        Some(Answer::Failed(why)) => Configuration::Untold(Finding::failed(why)),
    }
}
