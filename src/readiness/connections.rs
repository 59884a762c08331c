//! sso, dsync and certificate renewal: what connections and directories tell.

use jiff::Timestamp;

use super::{Evidence, Finding, State, Subject, Turn, the};
use crate::model::observed::{Connection, ConnectionState, Directory, DirectoryState, Listing};

pub(super) fn sso(subject: &Subject<'_>) -> Finding {
    match listed(&subject.observed.connections, subject) {
        Listed::Objects(connections) => {
            let finding = judge(
                connections.iter().map(connection_finding).collect(),
                "no connection yet",
                "send the customer's IT admin to the Admin Portal for sso",
            );
            note_more_than_one(finding, connections)
        }
        Listed::NotEntitled(message) => Finding::not_entitled(message),
        Listed::NotRead => not_read("connections"),
    }
}

pub(super) fn dsync(subject: &Subject<'_>) -> Finding {
    match listed(&subject.observed.directories, subject) {
        Listed::Objects(directories) => judge(
            directories.iter().map(directory_finding).collect(),
            "no directory yet",
            "send the customer's IT admin to the Admin Portal for dsync",
        ),
        Listed::NotEntitled(message) => Finding::not_entitled(message),
        Listed::NotRead => not_read("directories"),
    }
}

pub(super) enum Listed<'a, T> {
    Objects(&'a [T]),
    NotEntitled(&'a str),
    NotRead,
}

pub(super) fn listed<'a, T>(listing: &'a Listing<T>, subject: &Subject<'_>) -> Listed<'a, T> {
    match listing {
        Listing::Read(all) => Listed::Objects(all.get(&subject.live.id).map_or(&[], Vec::as_slice)),
        Listing::NotEntitled(message) => Listed::NotEntitled(message),
        Listing::NotRead => Listed::NotRead,
    }
}

pub(super) fn not_read(what: &str) -> Finding {
    Finding::new(
        State::Unknown,
        Turn::None,
        format!("{what} were not read in this run"),
    )
}

/// Anything configured wins, the others are evidence; otherwise the worst wins.
fn judge(mut findings: Vec<Finding>, nothing: &str, first_step: &str) -> Finding {
    let rank = |state: State| match state {
        State::Configured => 0,
        State::Attention => 1,
        State::Unknown => 2,
        State::InProgress => 3,
        State::Unconfigured | State::NotApplicable => 4,
    };
    // The sort is stable: among equals the first by id decides.
    findings.sort_by_key(|finding| rank(finding.state));
    let mut findings = findings.into_iter();
    let Some(mut decisive) = findings.next() else {
        return Finding::new(State::Unconfigured, Turn::Customer, nothing).next(first_step);
    };
    let others = findings.flat_map(|finding| finding.evidence);
    decisive.evidence.extend(others);
    decisive
}

/// The portal's rule is one SSO connection per organization: more are worth a look.
fn note_more_than_one(mut finding: Finding, connections: &[Connection]) -> Finding {
    let active = connections
        .iter()
        .filter(|c| c.state == ConnectionState::Active)
        .count();
    if active > 1 {
        finding.reason =
            format!("{active} connections are active, the portal expects one per organization");
    }
    finding
}

fn connection_finding(connection: &Connection) -> Finding {
    let the_connection = the(&connection.connection_type, "connection");
    let finding = match &connection.state {
        ConnectionState::Active => Finding::new(
            State::Configured,
            Turn::None,
            format!("{the_connection} is active"),
        ),
        ConnectionState::RequiresType => Finding::new(
            State::InProgress,
            Turn::Customer,
            "the customer has not chosen an identity provider yet",
        )
        .next("ask the customer's IT admin to go on in the Admin Portal"),
        ConnectionState::Draft => Finding::new(
            State::InProgress,
            Turn::Customer,
            format!("{the_connection} is a draft"),
        )
        .next("ask the customer's IT admin to go on in the Admin Portal"),
        ConnectionState::Validating => Finding::new(
            State::InProgress,
            Turn::Customer,
            format!("{the_connection} waits for its first sign-in"),
        )
        .next("ask the customer's IT admin to sign in once"),
        ConnectionState::Inactive => Finding::new(
            State::Attention,
            Turn::Customer,
            format!("{the_connection} is inactive: nobody can sign in with it"),
        )
        .next("ask the customer's IT admin to activate it in the Admin Portal"),
        ConnectionState::Deleting => Finding::new(
            State::Attention,
            Turn::You,
            format!("{the_connection} is being deleted"),
        )
        .next("find out who deleted it; a new one is set up in the Admin Portal"),
        ConnectionState::Unknown(raw) => Finding::unknown_state(&the_connection, raw),
    };
    let evidence = connection_evidence(connection);
    finding.since(evidence.since).with(vec![evidence])
}

fn directory_finding(directory: &Directory) -> Finding {
    let the_directory = the(&directory.directory_type, "directory");
    let finding = match &directory.state {
        DirectoryState::Linked | DirectoryState::Active => Finding::new(
            State::Configured,
            Turn::None,
            format!("{the_directory} is linked"),
        ),
        DirectoryState::Validating => Finding::new(
            State::InProgress,
            Turn::Customer,
            format!("{the_directory} waits for its first sync"),
        )
        .next("ask the customer's IT admin to finish the directory's set-up"),
        DirectoryState::InvalidCredentials => Finding::new(
            State::Attention,
            Turn::Customer,
            format!("the credentials of {the_directory} are refused"),
        )
        .next("ask the customer's IT admin to renew the credentials in the Admin Portal"),
        DirectoryState::Unlinked => Finding::new(
            State::Attention,
            Turn::Customer,
            format!("{the_directory} is unlinked: users no longer arrive"),
        )
        .next("ask the customer's IT admin to link it again in the Admin Portal"),
        DirectoryState::Deleting => Finding::new(
            State::Attention,
            Turn::You,
            format!("{the_directory} is being deleted"),
        )
        .next("find out who deleted it; a new one is set up in the Admin Portal"),
        DirectoryState::Unknown(raw) => Finding::unknown_state(&the_directory, raw),
    };
    let evidence = Evidence {
        object: "directory",
        id: Some(directory.id.clone()),
        kind: Some(directory.directory_type.clone()),
        state: directory.state.to_string(),
        since: when(directory.updated_at, directory.created_at),
    };
    finding.since(evidence.since).with(vec![evidence])
}

pub(super) fn connection_evidence(connection: &Connection) -> Evidence {
    Evidence {
        object: "connection",
        id: Some(connection.id.clone()),
        kind: Some(connection.connection_type.clone()),
        state: connection.state.to_string(),
        since: when(connection.updated_at, connection.created_at),
    }
}

fn when(updated_at: Option<Timestamp>, created_at: Option<Timestamp>) -> Option<Timestamp> {
    updated_at.or(created_at)
}
