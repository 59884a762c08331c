//! Certificate renewal: when the signing certificates of active SAML connections run out.
//!
//! Told by the certificates themselves, else by the latest event about each connection. Per
//! connection the certificate that lasts longest counts; the worst connection wins.

use jiff::{SignedDuration, Timestamp};

use super::connections::{connection_evidence, not_read};
use super::{Evidence, Finding, PortalSteps, State, Subject, Turn, unknown_state};
use portalctl_model::Intent;
use portalctl_model::observed::{
    Answer, Connection, ConnectionState, Event, EventKind, FailedRead, History, Objects,
};
use portalctl_model::text::escape;

/// From how many days before its end a certificate needs attention, unless declared.
const WARN_DAYS: u16 = 30;

/// Returns the next step of a certificate that has to be renewed.
fn renew(subject: &Subject<'_>) -> String {
    PortalSteps::of(subject, Intent::CertificateRenewal).first()
}

pub(super) fn certificate_renewal(subject: &Subject<'_>) -> Finding {
    let connections = match subject.observed.connections_of(&subject.live.id) {
        Objects::Read(connections) => connections,
        Objects::NotEntitled(message) => return Finding::not_entitled(message),
        Objects::NotRead => return not_read("connections"),
        Objects::Failed { why, .. } => return Finding::failed(why),
    };
    let with_certificate: Vec<&Connection> = connections
        .iter()
        .filter(|connection| connection.may_have_certificate())
        .collect();
    let rank = |state: State| match state {
        State::Attention => 0,
        State::Unknown => 1,
        _ => 2,
    };
    let findings = with_certificate
        .iter()
        .map(|connection| judge(connection, subject));
    let Some(worst) = findings.min_by_key(|finding| rank(finding.state)) else {
        return Finding::new(
            State::NotApplicable,
            Turn::None,
            "no active SAML connection",
        );
    };
    let evidence = with_certificate
        .iter()
        .map(|connection| evidence(connection, subject));
    worst.with(evidence.collect())
}

fn judge(connection: &Connection, subject: &Subject<'_>) -> Finding {
    if let ConnectionState::Unknown(raw) = &connection.state {
        let why = unknown_state(&format!("the connection {}", escape(&connection.id)), raw);
        return Finding::new(State::Unknown, Turn::You, why)
            .next("look at the connection in the WorkOS dashboard");
    }
    let settings = subject.declared.intents.get(&Intent::CertificateRenewal);
    let warn_days = settings
        .and_then(|settings| settings.warn_days)
        .unwrap_or(WARN_DAYS);
    match end(connection, subject) {
        End::At(end) => {
            let finding = judge_end(connection, end, warn_days, subject.now);
            match finding.state {
                State::Attention => finding.next(renew(subject)),
                _ => finding,
            }
        }
        End::Renewed(when) => {
            let reason = format!("the certificate of {} was renewed", escape(&connection.id));
            Finding::new(State::Configured, Turn::None, reason).since(when)
        }
        End::Due(when) => {
            let reason = format!(
                "the certificate of {} has to be renewed",
                escape(&connection.id)
            );
            Finding::new(State::Attention, Turn::Customer, reason)
                .since(when)
                .next(renew(subject))
        }
        End::Untold(why) => Finding::new(State::Unknown, Turn::You, why)
            .next("look at the connection's certificate in the WorkOS dashboard"),
        End::Failed(why) => Finding::failed(why),
    }
}

/// End of a connection's certificate, as far as it is known.
enum End<'a> {
    At(Timestamp),
    /// An event says that it was renewed, not until when.
    Renewed(Option<Timestamp>),
    /// An event says that it has to be renewed, not by when.
    Due(Option<Timestamp>),
    Untold(&'static str),
    /// The certificates could not be read, and no event tells either.
    Failed(&'a FailedRead),
}

fn end<'a>(connection: &Connection, subject: &Subject<'a>) -> End<'a> {
    let (certificates, failed) = match subject.observed.certificates.get(&connection.id) {
        Some(Answer::Found(certificates)) => (certificates.as_slice(), None),
        Some(Answer::Failed(why)) => (&[][..], Some(why)),
        Some(Answer::Absent | Answer::NotEntitled(_)) | None => (&[][..], None),
    };
    // The one that lasts longest counts, and one without an end may.
    if certificates.iter().all(|one| one.not_after.is_some())
        && let Some(end) = certificates.iter().filter_map(|one| one.not_after).max()
    {
        return End::At(end);
    }
    let is_typeless = connection.connection_type.trim().is_empty();
    let events = match &subject.observed.history {
        History::Read(events) => events,
        History::Failed(why) => return End::Failed(failed.unwrap_or(why)),
        History::NotAvailable(_) | History::NotRead => {
            let untold = End::Untold(if is_typeless {
                "WorkOS does not tell the type of an active connection, so it may have a certificate"
            } else {
                "WorkOS does not tell when the certificate runs out"
            });
            return failed.map_or(untold, End::Failed);
        }
    };
    match latest(connection, events) {
        Some(Event {
            certificate_ends: Some(end),
            ..
        }) => End::At(*end),
        Some(Event {
            kind: EventKind::CertificateRenewed,
            created_at,
            ..
        }) => End::Renewed(*created_at),
        Some(Event {
            kind: EventKind::CertificateRenewalRequired,
            created_at,
            ..
        }) => End::Due(*created_at),
        Some(_) | None => {
            let why = if is_typeless {
                "WorkOS does not tell the type of an active connection, so it may have a certificate"
            } else {
                "no event that WorkOS still has tells when the certificate runs out"
            };
            failed.map_or(End::Untold(why), End::Failed)
        }
    }
}

fn latest<'a>(connection: &Connection, events: &'a [Event]) -> Option<&'a Event> {
    let is_about = |event: &&Event| {
        let kinds = [
            EventKind::CertificateRenewalRequired,
            EventKind::CertificateRenewed,
        ];
        event.connection_id.as_deref() == Some(&connection.id) && kinds.contains(&event.kind)
    };
    events
        .iter()
        .filter(is_about)
        .max_by_key(|event| (event.created_at, &event.id))
}

fn judge_end(connection: &Connection, end: Timestamp, warn_days: u16, now: Timestamp) -> Finding {
    let whose = escape(&connection.id);
    let left = end.duration_since(now);
    let days = left.as_secs().abs().div_euclid(24 * 60 * 60);
    let notice = SignedDuration::from_hours(24 * i64::from(warn_days));
    if left > notice {
        let reason = format!("the certificate of {whose} lasts for {}", counted(days));
        return Finding::new(State::Configured, Turn::None, reason).since(connection.created_at);
    }
    let reason = match (left.is_positive(), days) {
        (true, 0) => format!("the certificate of {whose} runs out today"),
        (true, _) => format!("the certificate of {whose} runs out in {}", counted(days)),
        (false, 0) => format!("the certificate of {whose} has run out"),
        (false, _) => format!("the certificate of {whose} ran out {} ago", counted(days)),
    };
    Finding::new(State::Attention, Turn::Customer, reason)
        // What needs attention does so from the day on which the warning was due.
        .since(end.checked_sub(notice).ok())
}

fn counted(days: i64) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

fn evidence(connection: &Connection, subject: &Subject<'_>) -> Evidence {
    let ends = match end(connection, subject) {
        End::At(end) => format!("certificate until {end}"),
        End::Renewed(_) => "certificate renewed".to_owned(),
        End::Due(_) => "certificate renewal required".to_owned(),
        End::Untold(_) | End::Failed(_) => connection.state.to_string(),
    };
    Evidence {
        state: ends,
        ..connection_evidence(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection {
            id: "conn_1".to_owned(),
            organization_id: None,
            name: String::new(),
            connection_type: "OktaSAML".to_owned(),
            state: ConnectionState::Active,
            created_at: None,
            updated_at: None,
        }
    }

    #[test]
    fn the_warning_is_due_so_many_days_before_the_end() {
        let now: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
        let judged = |end: &str| {
            let finding = judge_end(&connection(), end.parse().unwrap(), 30, now);
            (
                finding.state,
                finding.reason,
                finding.since.map(|since| since.to_string()),
            )
        };
        let attention = |reason: &str, since: &str| {
            (
                State::Attention,
                format!("the certificate of conn_1 {reason}"),
                Some(since.to_owned()),
            )
        };
        assert_eq!(judged("2026-02-15T12:00:00Z").0, State::Configured);
        assert_eq!(
            judged("2026-02-14T12:00:00Z"),
            attention("runs out in 30 days", "2026-01-15T12:00:00Z")
        );
        assert_eq!(
            judged("2026-01-16T12:00:00Z"),
            attention("runs out in 1 day", "2025-12-17T12:00:00Z")
        );
        assert_eq!(
            judged("2026-01-15T18:00:00Z"),
            attention("runs out today", "2025-12-16T18:00:00Z")
        );
        assert_eq!(
            judged("2026-01-10T12:00:00Z"),
            attention("ran out 5 days ago", "2025-12-11T12:00:00Z")
        );
    }

    #[test]
    fn the_latest_event_about_the_connection_counts() {
        let event = |id: &str, kind: EventKind, connection: &str| Event {
            id: id.to_owned(),
            kind,
            organization_id: None,
            connection_id: Some(connection.to_owned()),
            certificate_ends: None,
            domain: None,
            reason: None,
            verified: None,
            object_updated_at: None,
            created_at: format!("2026-01-0{}T00:00:00Z", &id[6..]).parse().ok(),
        };
        let events = [
            event("event_1", EventKind::CertificateRenewalRequired, "conn_1"),
            event("event_2", EventKind::CertificateRenewed, "conn_1"),
            event("event_3", EventKind::CertificateRenewalRequired, "conn_2"),
        ];
        assert_eq!(latest(&connection(), &events).unwrap().id, "event_2");
        assert!(latest(&connection(), &events[2..]).is_none());
    }
}
