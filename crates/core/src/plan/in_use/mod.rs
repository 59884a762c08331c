//! Use of an organization: what a deletion would take away from people.
//!
//! Goes in: an organization and what was read of its dependents. Comes out: the evidence that it
//! is in use, none where it surely is not. Never takes what could not be read, or what this
//! version does not know, for unused.

use std::fmt;

use super::field_change::FieldChange;
use portalctl_model::desired::{Dependent, FieldPath};
use portalctl_model::observed::{
    AuditLogConfiguration, AuditLogState, LogStreamState, Organization, Usage,
};
use portalctl_model::text::escape;

/// State that stands for a part that could not be read.
const NOT_READ: &str = "cannot be read";
/// State that stands for at least one active member.
const MEMBERS: &str = "at least one";

/// States of connections and directories in which nobody depends on them.
const UNUSED: [&str; 3] = ["draft", "requires_type", "deleting"];

/// One reason why an organization counts as in use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// Path of the object, which holds its id (`connections.conn_1`).
    pub path: FieldPath,
    /// State of the object as WorkOS spells it.
    pub state: String,
    /// Answer of WorkOS, escaped, where the object could not be read.
    pub unread: Option<String>,
}

impl Evidence {
    fn read(path: FieldPath, state: &str) -> Self {
        Self {
            path,
            state: state.to_owned(),
            unread: None,
        }
    }

    fn not_read(part: Dependent, answer: impl fmt::Display) -> Self {
        Self {
            path: FieldPath::Dependent(part),
            state: NOT_READ.to_owned(),
            unread: Some(answer.to_string()),
        }
    }

    /// The evidence as a field that the deletion takes away.
    ///
    /// # Panics
    ///
    /// Never: a deletion takes along every kind of evidence.
    pub fn field(&self) -> FieldChange {
        FieldChange::read(self.path.clone(), Some(self.state.clone()), None)
            .expect("a deletion takes along every kind of evidence")
    }

    /// Returns whether a field of a reviewed deletion shows this evidence.
    ///
    /// An object in another state than the one shown is not shown. Where a part could not be read,
    /// anything may be found in it later.
    pub fn is_shown_by(&self, field: &FieldChange) -> bool {
        match field {
            FieldChange::Dependent { part, state } if state == NOT_READ => {
                self.part() == Some(*part)
            }
            _ => *field == self.field(),
        }
    }

    /// The part that is read by itself; none for a domain, which stands on the organization.
    const fn part(&self) -> Option<Dependent> {
        match &self.path {
            FieldPath::Connection(_) => Some(Dependent::Connections),
            FieldPath::Directory(_) => Some(Dependent::Directories),
            FieldPath::Dependent(Dependent::LogStream) => Some(Dependent::AuditLogs),
            FieldPath::Dependent(part) => Some(*part),
            _ => None,
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state.as_str() {
            "" => "in a state that WorkOS does not tell",
            state => state,
        };
        let state = escape(state);
        match (&self.path, &self.unread) {
            (FieldPath::Dependent(part), Some(answer)) => {
                let part = part.as_str().replace('_', " ");
                write!(f, "its {part} cannot be read: {answer}")
            }
            (FieldPath::Connection(id), _) => write!(f, "connection {} is {state}", escape(id)),
            (FieldPath::Directory(id), _) => write!(f, "directory {} is {state}", escape(id)),
            (FieldPath::Domain(domain), _) => {
                write!(f, "domain {} is {state}", escape(domain.as_str()))
            }
            (FieldPath::Dependent(Dependent::AuditLogs), _) => {
                write!(f, "its audit logs are {state}")
            }
            (FieldPath::Dependent(Dependent::LogStream), _) => {
                write!(f, "its log stream is {state}")
            }
            (FieldPath::Dependent(Dependent::Members), _) => f.write_str("it has members"),
            (path, _) => write!(f, "{} is {state}", escape(&path.to_string())),
        }
    }
}

/// Returns the evidence that an organization is in use, sorted by path; empty where it is not.
///
/// In use are a connection or directory in any state but `draft`, `requires_type` and `deleting`,
/// a verified domain, audit logs that are active, a log stream that was finished, and at least one
/// active member. What was not or could not be read counts as in use.
pub fn in_use(live: &Organization, usage: Option<&Usage>) -> Vec<Evidence> {
    let domains = live.domains.iter().filter(|live| live.state.is_verified());
    let mut evidence: Vec<Evidence> = domains
        .map(|live| {
            let path = FieldPath::Domain(live.domain.clone());
            Evidence::read(path, live.state.as_str())
        })
        .collect();
    if let Some(usage) = usage {
        evidence.extend(dependents(usage));
    } else {
        let parts = [
            Dependent::Connections,
            Dependent::Directories,
            Dependent::AuditLogs,
            Dependent::Members,
        ];
        evidence.extend(parts.map(|part| Evidence::not_read(part, "it was not asked for")));
    }
    evidence.sort();
    evidence
}

fn dependents(usage: &Usage) -> Vec<Evidence> {
    let Usage {
        connections,
        directories,
        audit_logs,
        has_members,
    } = usage;
    let mut evidence = Vec::new();
    match connections {
        Ok(connections) => {
            let objects = connections.iter().map(|one| (&one.id, one.state.as_str()));
            evidence.extend(used(objects, FieldPath::Connection));
        }
        Err(answer) => evidence.push(Evidence::not_read(Dependent::Connections, answer)),
    }
    match directories {
        Ok(directories) => {
            let objects = directories.iter().map(|one| (&one.id, one.state.as_str()));
            evidence.extend(used(objects, FieldPath::Directory));
        }
        Err(answer) => evidence.push(Evidence::not_read(Dependent::Directories, answer)),
    }
    match audit_logs {
        Ok(configuration) => evidence.extend(configuration.iter().flat_map(logs)),
        Err(answer) => evidence.push(Evidence::not_read(Dependent::AuditLogs, answer)),
    }
    match has_members {
        Ok(false) => {}
        Ok(true) => {
            let path = FieldPath::Dependent(Dependent::Members);
            evidence.push(Evidence::read(path, MEMBERS));
        }
        Err(answer) => evidence.push(Evidence::not_read(Dependent::Members, answer)),
    }
    evidence
}

fn used<'a>(
    objects: impl Iterator<Item = (&'a String, &'a str)>,
    path: fn(String) -> FieldPath,
) -> impl Iterator<Item = Evidence> {
    objects
        .filter(|(_, state)| !UNUSED.contains(state))
        .map(move |(id, state)| Evidence::read(path(id.clone()), state))
}

fn logs(configuration: &AuditLogConfiguration) -> impl Iterator<Item = Evidence> {
    let AuditLogConfiguration { state, log_stream } = configuration;
    let is_unused = matches!(state, AuditLogState::Inactive | AuditLogState::Disabled);
    let logs = (!is_unused)
        .then(|| Evidence::read(FieldPath::Dependent(Dependent::AuditLogs), state.as_str()));
    // One that fails was set up by the customer all the same.
    let stream = log_stream
        .as_ref()
        .filter(|stream| stream.state != LogStreamState::Inactive)
        .map(|stream| {
            let path = FieldPath::Dependent(Dependent::LogStream);
            Evidence::read(path, stream.state.as_str())
        });
    logs.into_iter().chain(stream)
}

#[cfg(test)]
mod tests;
