//! What the resources of an environment mean: the rules of the files, applied by
//! [`resolve`](portalctl_manifest::resolve). Pure but for what it remembers.
//!
//! A pass in which nobody edited anything reads nothing anew, however many resources there are.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};

use super::conditions::BlockedReason;
use super::conditions::Reason;
use super::resource::{Name, Uid, name_of};
use super::resource::{PortalEnvironment, PortalOrganization};
use portalctl_manifest::{Diagnostic, Resolved, Severity, resolve};
use portalctl_model::OrgKey;
use portalctl_model::desired::Desired;

/// What the resources of an environment mean.
#[derive(Debug)]
pub(super) struct ResolvedSpec {
    /// What is wanted, or why the environment means nothing.
    pub(super) desired: Result<Desired, BlockedReason>,
    /// The key that each organization stands for, or why it means nothing.
    pub(super) resolved_keys: BTreeMap<Name, Result<OrgKey, BlockedReason>>,
}

/// Reads resources, and remembers what it has read last.
#[derive(Debug, Default)]
pub(super) struct Reader {
    last: Option<(u64, Arc<ResolvedSpec>)>,
}

impl Reader {
    /// What an environment and its organizations mean.
    pub(super) fn read(
        &mut self,
        environment: &PortalEnvironment,
        organizations: &[&PortalOrganization],
    ) -> Arc<ResolvedSpec> {
        let edition = edition(environment, organizations);
        if let Some((known, declared)) = &self.last
            && *known == edition
        {
            return Arc::clone(declared);
        }
        let declared = Arc::new(read(environment, organizations));
        self.last = Some((edition, Arc::clone(&declared)));
        declared
    }
}

/// Changes with every edit of a spec, and whenever an object comes or goes.
fn edition(environment: &PortalEnvironment, organizations: &[&PortalOrganization]) -> u64 {
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
    let resolved_keys = organizations
        .iter()
        .map(|object| {
            let name = name_of(&object.metadata);
            let resolved_key = keys.remove(&name).ok_or_else(|| {
                let found = found_each.get(&name).map(Vec::as_slice);
                blocked(found.unwrap_or_default())
            });
            (name, resolved_key)
        })
        .collect();
    ResolvedSpec {
        desired: desired.ok_or_else(|| blocked(&found)),
        resolved_keys,
    }
}

/// An object as [`resolve`] wants it.
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

/// The errors of one resource, in words.
fn blocked(found: &[Diagnostic]) -> BlockedReason {
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
