//! sso, dsync and certificate renewal: what connections and directories tell.

use jiff::Timestamp;

use super::{Evidence, Finding, PortalSteps, State, Subject, Turn, named, unknown_state};
use portalctl_model::Intent;
use portalctl_model::observed::{
    Connection, ConnectionState, Directory, DirectoryState, FailedRead, Objects,
};

/// Verdict of one object on its intent.
struct Verdict {
    state: State,
    turn: Turn,
    reason: String,
    next_step: Option<Step>,
    evidence: Evidence,
}

/// Next step of an object that is not configured.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Taken in the Admin Portal, so the command that makes a link follows.
    InPortal(&'static str),
    /// Taken elsewhere.
    Elsewhere(&'static str),
}

pub(super) fn sso(subject: &Subject<'_>) -> Finding {
    let portal = PortalSteps::of(subject, Intent::Sso);
    match subject.observed.connections_of(&subject.live.id) {
        Objects::Read(connections) => {
            let finding = judge(
                connections.iter().map(connection_verdict).collect(),
                "no connection yet",
                &portal,
            );
            note_more_than_one(finding, connections)
        }
        Objects::NotEntitled(message) => Finding::not_entitled(message),
        Objects::NotRead => not_read("connections"),
        Objects::Failed { read, why } => configured_or_failed(
            judge(read.iter().map(connection_verdict).collect(), "", &portal),
            why,
        ),
    }
}

pub(super) fn dsync(subject: &Subject<'_>) -> Finding {
    let portal = PortalSteps::of(subject, Intent::Dsync);
    match subject.observed.directories_of(&subject.live.id) {
        Objects::Read(directories) => judge(
            directories.iter().map(directory_verdict).collect(),
            "no directory yet",
            &portal,
        ),
        Objects::NotEntitled(message) => Finding::not_entitled(message),
        Objects::NotRead => not_read("directories"),
        Objects::Failed { read, why } => configured_or_failed(
            judge(read.iter().map(directory_verdict).collect(), "", &portal),
            why,
        ),
    }
}

/// Takes what was read if that decides: any configured object wins. Otherwise an object that could
/// not be read might.
fn configured_or_failed(finding: Finding, why: &FailedRead) -> Finding {
    match finding.state {
        State::Configured => finding,
        _ => Finding::failed(why).with(finding.evidence),
    }
}

pub(super) fn not_read(what: &str) -> Finding {
    Finding::not_read(&format!("{what} were"))
}

/// Anything configured wins, the others are evidence; otherwise the worst wins.
fn judge(mut verdicts: Vec<Verdict>, nothing: &str, portal: &PortalSteps) -> Finding {
    let rank = |state: State| match state {
        State::Configured => 0,
        State::Attention => 1,
        State::Unknown => 2,
        State::InProgress => 3,
        State::Unconfigured | State::NotApplicable => 4,
    };
    // The sort is stable: among equals the first by id decides.
    verdicts.sort_by_key(|verdict| rank(verdict.state));
    let mut verdicts = verdicts.into_iter();
    let Some(Verdict {
        state,
        turn,
        reason,
        next_step,
        evidence,
    }) = verdicts.next()
    else {
        return Finding::new(State::Unconfigured, Turn::Customer, nothing).next(portal.first());
    };
    let since = evidence.since;
    let others = verdicts.map(|verdict| verdict.evidence);
    let finding = Finding::new(state, turn, reason)
        .since(since)
        .with(std::iter::once(evidence).chain(others).collect());
    match next_step {
        Some(Step::InPortal(step)) => finding.next(portal.after(step)),
        Some(Step::Elsewhere(step)) => finding.next(step),
        None => finding,
    }
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

fn connection_verdict(connection: &Connection) -> Verdict {
    let it = named(&connection.connection_type, "connection");
    let (state, turn, reason, next_step) = match &connection.state {
        ConnectionState::Active => (
            State::Configured,
            Turn::None,
            format!("{it} is active"),
            None,
        ),
        ConnectionState::RequiresType => (
            State::InProgress,
            Turn::Customer,
            "the customer has not chosen an identity provider yet".to_owned(),
            Some(Step::InPortal(
                "ask the customer's IT admin to go on in the Admin Portal",
            )),
        ),
        ConnectionState::Draft => (
            State::InProgress,
            Turn::Customer,
            format!("{it} is a draft"),
            Some(Step::InPortal(
                "ask the customer's IT admin to go on in the Admin Portal",
            )),
        ),
        ConnectionState::Validating => (
            State::InProgress,
            Turn::Customer,
            format!("{it} waits for its first sign-in"),
            Some(Step::Elsewhere(
                "ask the customer's IT admin to sign in once",
            )),
        ),
        ConnectionState::Inactive => (
            State::Attention,
            Turn::Customer,
            format!("{it} is inactive: nobody can sign in with it"),
            Some(Step::InPortal(
                "ask the customer's IT admin to activate it in the Admin Portal",
            )),
        ),
        ConnectionState::Deleting => (
            State::Attention,
            Turn::You,
            format!("{it} is being deleted"),
            Some(Step::InPortal(
                "find out who deleted it; a new one is set up in the Admin Portal",
            )),
        ),
        ConnectionState::Unknown(raw) => unknown(&it, raw),
    };
    Verdict {
        state,
        turn,
        reason,
        next_step,
        evidence: connection_evidence(connection),
    }
}

fn directory_verdict(directory: &Directory) -> Verdict {
    let it = named(&directory.directory_type, "directory");
    let (state, turn, reason, next_step) = match &directory.state {
        DirectoryState::Linked | DirectoryState::Active => (
            State::Configured,
            Turn::None,
            format!("{it} is linked"),
            None,
        ),
        DirectoryState::Validating => (
            State::InProgress,
            Turn::Customer,
            format!("{it} waits for its first sync"),
            Some(Step::InPortal(
                "ask the customer's IT admin to finish the directory's set-up in the Admin Portal",
            )),
        ),
        DirectoryState::InvalidCredentials => (
            State::Attention,
            Turn::Customer,
            format!("{it}'s credentials are refused"),
            Some(Step::InPortal(
                "ask the customer's IT admin to renew the credentials in the Admin Portal",
            )),
        ),
        DirectoryState::Unlinked => (
            State::Attention,
            Turn::Customer,
            format!("{it} is unlinked: users no longer arrive"),
            Some(Step::InPortal(
                "ask the customer's IT admin to link it again in the Admin Portal",
            )),
        ),
        DirectoryState::Deleting => (
            State::Attention,
            Turn::You,
            format!("{it} is being deleted"),
            Some(Step::InPortal(
                "find out who deleted it; a new one is set up in the Admin Portal",
            )),
        ),
        DirectoryState::Unknown(raw) => unknown(&it, raw),
    };
    let evidence = Evidence {
        object: "directory",
        id: Some(directory.id.clone()),
        kind: Some(directory.directory_type.clone()),
        state: directory.state.to_string(),
        since: when(directory.updated_at, directory.created_at),
    };
    Verdict {
        state,
        turn,
        reason,
        next_step,
        evidence,
    }
}

fn unknown(object: &str, raw: &str) -> (State, Turn, String, Option<Step>) {
    (
        State::Unknown,
        Turn::You,
        unknown_state(object, raw),
        Some(Step::Elsewhere(
            "look at it in the WorkOS dashboard, and see whether a newer portalctl knows it",
        )),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the evidence of a verdict leads to the same state as the verdict.
    #[track_caller]
    fn assert_agrees(verdict: &Verdict) {
        let known = Some(verdict.state).filter(|state| *state != State::Unknown);
        assert_eq!(verdict.evidence.judged(), known, "{:?}", verdict.evidence);
    }

    #[test]
    fn evidence_by_itself_says_what_the_rule_says() {
        let states = "requires_type draft validating active inactive deleting linked \
                      invalid_credentials unlinked tomorrow";
        for state in states.split(' ') {
            assert_agrees(&connection_verdict(&Connection {
                id: "conn_1".to_owned(),
                organization_id: None,
                name: String::new(),
                connection_type: "OktaSAML".to_owned(),
                state: ConnectionState::from_api(state),
                created_at: None,
                updated_at: None,
            }));
            assert_agrees(&directory_verdict(&Directory {
                id: "directory_1".to_owned(),
                organization_id: None,
                name: String::new(),
                directory_type: "okta scim v2.0".to_owned(),
                state: DirectoryState::from_api(state),
                created_at: None,
                updated_at: None,
            }));
        }
    }
}
