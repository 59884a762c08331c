//! State that one piece of evidence shows by itself, apart from the others and from the manifest.

use super::{Evidence, State};
use portalctl_model::observed::{
    AuditLogState, ConnectionState, DirectoryState, DomainState, LogStreamState,
};

impl Evidence {
    /// The state that an intent would have if this were all there is; `None` for what only the
    /// whole tells (certificates, events) and for states that this version does not know.
    pub fn judged(&self) -> Option<State> {
        match self.object {
            "connection" => connection(&ConnectionState::from_api(&self.state)),
            "directory" => directory(&DirectoryState::from_api(&self.state)),
            "domain" => domain(&DomainState::from_api(&self.state)),
            "audit_log_configuration" => audit_logs(&AuditLogState::from_api(&self.state)),
            "log_stream" => log_stream(&LogStreamState::from_api(&self.state)),
            _ => None,
        }
    }
}

fn connection(state: &ConnectionState) -> Option<State> {
    match state {
        ConnectionState::Active => Some(State::Configured),
        ConnectionState::RequiresType | ConnectionState::Draft | ConnectionState::Validating => {
            Some(State::InProgress)
        }
        ConnectionState::Inactive | ConnectionState::Deleting => Some(State::Attention),
        ConnectionState::Unknown(_) => None,
    }
}

fn directory(state: &DirectoryState) -> Option<State> {
    match state {
        DirectoryState::Linked | DirectoryState::Active => Some(State::Configured),
        DirectoryState::Validating => Some(State::InProgress),
        DirectoryState::InvalidCredentials
        | DirectoryState::Unlinked
        | DirectoryState::Deleting => Some(State::Attention),
        DirectoryState::Unknown(_) => None,
    }
}

fn domain(state: &DomainState) -> Option<State> {
    match state {
        DomainState::Verified | DomainState::LegacyVerified => Some(State::Configured),
        DomainState::Pending | DomainState::Unverified => Some(State::InProgress),
        DomainState::Failed => Some(State::Attention),
        DomainState::Unknown(_) => None,
    }
}

fn audit_logs(state: &AuditLogState) -> Option<State> {
    match state {
        AuditLogState::Active => Some(State::Configured),
        AuditLogState::Inactive => Some(State::Unconfigured),
        AuditLogState::Disabled => Some(State::Attention),
        AuditLogState::Unknown(_) => None,
    }
}

fn log_stream(state: &LogStreamState) -> Option<State> {
    match state {
        LogStreamState::Active => Some(State::Configured),
        LogStreamState::Inactive => Some(State::InProgress),
        LogStreamState::Error | LogStreamState::Invalid => Some(State::Attention),
        LogStreamState::Unknown(_) => None,
    }
}
