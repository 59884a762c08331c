//! Specs of an environment's resources, resolved by the rules of manifests.
//!
//! Goes in: an environment and its organizations. Comes out: the desired state, with a key or a reason
//! for each organization. A pass without an edit resolves nothing again.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};

use super::conditions::{BlockedReason, Reason};
use super::resource::{Name, PortalEnvironment, PortalOrganization, Uid, name_of};
use portalctl_manifest::{Diagnostic, Resolved, Severity, resolve};
use portalctl_model::OrgKey;
use portalctl_model::desired::Desired;

/// Desired state of an environment, and the keys of its organizations.
#[derive(Debug)]
pub(super) struct ResolvedSpec {
    /// Desired state, or the reason why the environment has none.
    pub(super) desired: Result<Desired, BlockedReason>,
    /// Key of each organization, or the reason why it has none.
    pub(super) keys: BTreeMap<Name, Result<OrgKey, BlockedReason>>,
}

/// Resolver of specs that remembers its last result.
#[derive(Debug, Default)]
pub(super) struct Reader {
    last: Option<(u64, Arc<ResolvedSpec>)>,
}

impl Reader {
    /// Resolves the specs, unless none of them was edited since the last call.
    pub(super) fn read(
        &mut self,
        environment: &PortalEnvironment,
        organizations: &[&PortalOrganization],
    ) -> Arc<ResolvedSpec> {
        let version = version(environment, organizations);
        if let Some((known, spec)) = &self.last
            && *known == version
        {
            return Arc::clone(spec);
        }
        let spec = Arc::new(read(environment, organizations));
        self.last = Some((version, Arc::clone(&spec)));
        spec
    }
}

/// Hashes the uids and generations of all objects.
fn version(environment: &PortalEnvironment, organizations: &[&PortalOrganization]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let own = std::iter::once(&environment.metadata);
    let all = own.chain(organizations.iter().map(|object| &object.metadata));
    for metadata in all {
        (Uid::of(metadata), metadata.generation).hash(&mut hasher);
    }
    hasher.finish()
}

fn read(environment: &PortalEnvironment, organizations: &[&PortalOrganization]) -> ResolvedSpec {
    let objects: Vec<Value> = organizations
        .iter()
        .map(|object| value(&object.metadata, &object.spec))
        .collect();
    let Resolved {
        desired,
        mut keys,
        environment: found,
        organizations: found_each,
    } = resolve(&value(&environment.metadata, &environment.spec), &objects);
    let resolved = organizations
        .iter()
        .map(|object| {
            let name = name_of(&object.metadata);
            let key = keys.remove(&name).ok_or_else(|| {
                let found = found_each.get(&name).map(Vec::as_slice);
                invalid(found.unwrap_or(&[]))
            });
            (name, key)
        })
        .collect();
    ResolvedSpec {
        desired: desired.ok_or_else(|| invalid(&found)),
        keys: resolved,
    }
}

/// Returns an object in the form that [`resolve`] reads.
fn value(metadata: &kube::core::ObjectMeta, spec: &impl serde::Serialize) -> Value {
    json!({
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "creationTimestamp": metadata.creation_timestamp,
        },
        "spec": spec,
    })
}

/// Joins the errors of one resource.
fn invalid(found: &[Diagnostic]) -> BlockedReason {
    let errors: Vec<&Diagnostic> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    let told: Vec<String> = errors.into_iter().map(in_words).collect();
    BlockedReason::new(Reason::Invalid, told.join("\n"))
}

fn in_words(finding: &Diagnostic) -> String {
    let mut told = format!("{} ({})", finding.message, finding.code);
    if let Some(help) = &finding.help {
        told += &format!("; {help}");
    }
    told
}

#[cfg(test)]
mod tests;
