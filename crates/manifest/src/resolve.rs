//! Resources of an API server → desired state.
//!
//! The rules are those of files, so that `portalctl plan -f` in a pull request agrees with the operator.
//! Only the consequence differs: an error stops one resource, not all; and resources that claim the same
//! organization are all kept, for the operator to decide by the live state.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::check::{self, Files, Outcome, Presence, Rivals};
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
    /// Namespace.
    pub namespace: String,
    /// Name within the namespace.
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

/// Meaning of the resources of one environment.
#[derive(Debug, Clone, Default)]
pub struct Resolved {
    /// Desired state of the accepted organizations; `None` when the environment itself is refused.
    pub desired: Option<Desired>,
    /// Keys of the accepted organizations.
    pub keys: BTreeMap<ObjectName, OrgKey>,
    /// Findings about the environment.
    pub environment: Vec<Diagnostic>,
    /// Findings about organizations. An organization with an error is refused.
    pub organizations: BTreeMap<ObjectName, Vec<Diagnostic>>,
}

/// Findings that are kept: enough for every resource that is refused.
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
    let files = Files {
        sources,
        findings,
        complete: true,
    };
    let outcome = {
        let request = check::Request {
            environment: None,
            presence: Presence::Settings,
        };
        check::check_resources(resources, files, request, Rivals::Kept)
    };
    sorted_by_resource(outcome, &names)
}

/// Returns the sort key of an object's age; objects without a time come last.
fn age(object: &Value) -> (bool, String) {
    let time = object["metadata"]["creationTimestamp"].as_str();
    (time.is_none(), time.unwrap_or_default().to_owned())
}

/// Makes a file of an object, without the fields that the API server adds.
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
