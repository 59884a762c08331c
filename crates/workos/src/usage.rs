//! Reads what depends on an organization, for the guards of deletions.
//!
//! Goes in: a portal and an id. Comes out: [`Usage`], in which every part was read or says why
//! not. Never takes a failed read for an empty one.

use super::{ApiResult, ReadPortal};
use portalctl_model::OrganizationId;
use portalctl_model::observed::{Answer, AuditLogConfiguration, FailedRead, Usage};

/// Reads all four parts at the same time.
pub(super) async fn read<P: ReadPortal + ?Sized>(
    portal: &P,
    id: &OrganizationId,
) -> ApiResult<Usage> {
    let (connections, directories, audit_logs, has_members) = futures::join!(
        portal.connections_of(id),
        portal.directories_of(id),
        portal.audit_log_configuration(id),
        portal.has_members(id),
    );
    Ok(Usage {
        connections: part(connections)?,
        directories: part(directories)?,
        audit_logs: part(audit_logs)?.and_then(|answer| configuration(id, answer)),
        has_members: part(has_members)?,
    })
}

/// A part that was read, or WorkOS's answer; an error that every other request would meet too is
/// an error of the whole.
fn part<T>(read: ApiResult<T>) -> ApiResult<Result<T, FailedRead>> {
    match read {
        Ok(part) => Ok(Ok(part)),
        Err(error) if error.is_fatal() => Err(error),
        Err(error) => Ok(Err(FailedRead::from(&error))),
    }
}

/// A refusal is no proof that there are no audit logs: the key may not be allowed to see them.
fn configuration(
    id: &OrganizationId,
    answer: Answer<AuditLogConfiguration>,
) -> Result<Option<AuditLogConfiguration>, FailedRead> {
    match answer {
        Answer::Found(configuration) => Ok(Some(configuration)),
        Answer::Absent => Ok(None),
        Answer::NotEntitled(message) => Err(FailedRead {
            request: format!("GET /organizations/{id}/audit_log_configuration"),
            status: Some(403),
            code: None,
            message,
            is_skipped: false,
        }),
        Answer::Failed(why) => Err(why),
    }
}
