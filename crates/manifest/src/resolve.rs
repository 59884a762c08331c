//! Resources as an API server holds them → what those of them mean that can be accepted.
//!
//! The rules are those of the files: what `portalctl plan -f` says in a pull request is what the
//! operator will act on. Only the consequence differs: a file with an error stops everything, a
//! resource with an error stops itself, and resources that claim the same are all kept: the operator
//! decides between them by what is live.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::check::{self, Outcome};
use super::diagnostic::{Diagnostic, Findings, Severity};
use super::document_kind::Resource;
use super::inspect;
use super::kubernetes::Kind;
use super::node::Node;
use super::source::{FileId, Sources};
use portalctl_model::OrgKey;
use portalctl_model::desired::Desired;

/// The name of an object within a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// Its namespace.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl ObjectName {
    fn of_value(object: &Value) -> Self {
        let text = |field: &str| {
            let value = &object["metadata"][field];
            value.as_str().unwrap_or_default().to_owned()
        };
        Self {
            namespace: text("namespace"),
            name: text("name"),
        }
    }
}

/// What the resources of one environment mean.
#[derive(Debug, Clone, Default)]
pub struct Resolved {
    /// What is wanted, by the organizations that are accepted; `None` when the environment itself
    /// is refused.
    pub desired: Option<Desired>,
    /// The key of every organization that is accepted.
    pub keys: BTreeMap<ObjectName, OrgKey>,
    /// What there is to say about the environment.
    pub environment: Vec<Diagnostic>,
    /// What there is to say about organizations. One with an error is refused.
    pub organizations: BTreeMap<ObjectName, Vec<Diagnostic>>,
}

/// How many findings are kept: every resource has to be told apart from those that are fine.
const MAX_FINDINGS: usize = 1_000_000;

/// Applies every rule to the resources of one environment. Pure.
///
/// The objects are the API server's: one of them per name, with their `metadata.creationTimestamp`.
pub fn resolve(environment: &Value, organizations: &[Value]) -> Resolved {
    let mut organizations: Vec<&Value> = organizations.iter().collect();
    organizations.sort_by_cached_key(|object| (age(object), ObjectName::of_value(object)));

    let mut sources = Sources::default();
    let mut findings = Findings::with_limit(MAX_FINDINGS);
    let mut names = BTreeMap::new();
    let mut resources = vec![resource(
        Kind::PortalEnvironment,
        environment,
        &mut sources,
        &mut findings,
    )];
    for object in organizations {
        let resource = resource(
            Kind::PortalOrganization,
            object,
            &mut sources,
            &mut findings,
        );
        names.insert(sources.name_of(resource.file), ObjectName::of_value(object));
        resources.push(resource);
    }
    let outcome = check::check_resources(
        resources,
        sources,
        findings,
        true,
        check::Presence::Settings,
        check::Rivals::Kept,
    );
    sorted_by_resource(outcome, &names)
}

/// When an object was made; objects without a time come last.
fn age(object: &Value) -> (bool, String) {
    let time = object["metadata"]["creationTimestamp"].as_str();
    (time.is_none(), time.unwrap_or_default().to_owned())
}

/// An object as if it were a file of its own, without what the API server adds.
fn resource(
    kind: Kind,
    object: &Value,
    sources: &mut Sources,
    findings: &mut Findings,
) -> Resource {
    let name = ObjectName::of_value(object);
    let title = format!("{} {}/{}", kind.as_str(), name.namespace, name.name);
    let file: FileId = sources.reserve(Arc::from(title));
    let root = Node::from(&json!({
        "metadata": { "name": name.name, "namespace": name.namespace },
        "spec": object["spec"],
    }));
    inspect::tree(&root, "", file, findings);
    Resource { kind, file, root }
}

fn sorted_by_resource(outcome: Outcome, names: &BTreeMap<Arc<str>, ObjectName>) -> Resolved {
    let (settings, mut accepted, diagnostics) = outcome.into_parts();
    let mut resolved = Resolved::default();
    for diagnostic in &diagnostics {
        let file = diagnostic.location.as_ref().map(|location| &location.file);
        match file.and_then(|file| names.get(file)) {
            Some(name) => {
                let list = resolved.organizations.entry(name.clone()).or_default();
                list.push(diagnostic.clone());
            }
            None => resolved.environment.push(diagnostic.clone()),
        }
    }
    let is_refused = |list: &[Diagnostic]| list.iter().any(|d| d.severity == Severity::Error);
    accepted.retain(|key, organization| {
        let Some(name) = names.get(&organization.source.file) else {
            return false;
        };
        let refused = resolved
            .organizations
            .get(name)
            .is_some_and(|list| is_refused(list));
        if !refused {
            resolved.keys.insert(name.clone(), key.clone());
        }
        !refused
    });
    if !is_refused(&resolved.environment) {
        resolved.desired = Some(settings.into_desired(accepted));
    }
    resolved
}
