//! Intents of an organization, with the evidence for each.

use portalctl_model::observed::{Answer, AuditLogState, FailedRead, LogStream, Observed};
use portalctl_model::{Intent, OrganizationId};

/// Most objects of a kind that a comment names; the others are counted.
const NAMED: usize = 3;

/// An intent that is in use, and by what that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) intent: Intent,
    pub(super) shown_by: String,
}

/// The intents that objects of the organization show; its domains are not looked at.
pub(super) fn evidence(observed: &Observed, id: &OrganizationId) -> Vec<Evidence> {
    let connections = objects(observed.connections_of(id).known(), |connection| {
        (&connection.connection_type, connection.state.as_str())
    });
    let directories = objects(observed.directories_of(id).known(), |directory| {
        (&directory.directory_type, directory.state.as_str())
    });
    let logs = match observed.audit_logs.get(id) {
        Some(Answer::Found(configuration)) => Some(configuration),
        Some(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_)) | None => None,
    };
    let audit_logs = logs
        .filter(|logs| logs.state == AuditLogState::Active)
        .map(|logs| logs.state.to_string());
    let log_stream = logs.and_then(|logs| logs.log_stream.as_ref());
    let stream = |LogStream {
                      stream_type, state, ..
                  }: &LogStream| format!("{stream_type} ({state})");
    [
        (Intent::Sso, connections),
        (Intent::Dsync, directories),
        (Intent::AuditLogs, audit_logs),
        (Intent::LogStreams, log_stream.map(stream)),
    ]
    .into_iter()
    .filter_map(|(intent, shown_by)| shown_by.map(|shown_by| Evidence { intent, shown_by }))
    .collect()
}

/// Returns why something of an organization is not known that was asked about it alone.
pub(super) fn unread<'a>(observed: &'a Observed, id: &OrganizationId) -> Option<&'a FailedRead> {
    let logs = match observed.audit_logs.get(id) {
        Some(Answer::Failed(why)) => Some(why),
        _ => None,
    };
    let contacts = match observed.it_contacts.get(id) {
        Some(Answer::Failed(why)) => Some(why),
        _ => None,
    };
    let connections = observed.failed_connections.get(id);
    let directories = observed.failed_directories.get(id);
    logs.or(contacts).or(connections).or(directories)
}

/// `OktaSAML (active)`; of several, how many there are.
fn objects<T>(objects: &[T], describe: impl Fn(&T) -> (&str, &str)) -> Option<String> {
    if objects.is_empty() {
        return None;
    }
    let named = objects.iter().take(NAMED).map(|object| {
        let (kind, state) = describe(object);
        format!("{kind} ({state})")
    });
    let mut text = named.collect::<Vec<_>>().join(", ");
    if objects.len() > NAMED {
        text.push_str(&format!(" and {} more", objects.len() - NAMED));
    }
    Some(text)
}
