//! What the resources of an environment mean: the rules of the files, applied by
//! [`resolve`](crate::manifest::resolve). Pure but for what it remembers.
//!
//! A pass in which nobody edited anything reads nothing anew, however many resources there are.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};

use super::conditions::Trouble;
use super::names::{Name, Uid};
use super::reason::Reason;
use super::resource::{PortalEnvironment, PortalOrganization};
use crate::codes::{Code, manifest as codes};
use crate::manifest::{Diagnostic, Resolved, Severity, resolve};
use crate::model::OrgKey;
use crate::model::desired::Desired;

/// What two resources cannot both say: of these the younger has it.
const CLAIMS: [Code; 4] = [
    codes::DUPLICATE_KEY,
    codes::DUPLICATE_ID,
    codes::DUPLICATE_EXTERNAL_ID,
    codes::DUPLICATE_DOMAIN,
];

/// What the resources of an environment mean.
#[derive(Debug)]
pub(super) struct Declared {
    /// What is wanted, or why the environment means nothing.
    pub(super) desired: Result<Desired, Trouble>,
    /// The key that each organization stands for, or why it means nothing.
    pub(super) meanings: BTreeMap<Name, Result<OrgKey, Trouble>>,
}

/// Reads resources, and remembers what it has read last.
#[derive(Debug, Default)]
pub(super) struct Reader {
    last: Option<(u64, Arc<Declared>)>,
}

impl Reader {
    /// What an environment and its organizations mean.
    pub(super) fn read(
        &mut self,
        environment: &PortalEnvironment,
        organizations: &[&PortalOrganization],
    ) -> Arc<Declared> {
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

fn read(environment: &PortalEnvironment, organizations: &[&PortalOrganization]) -> Declared {
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
    let meanings = organizations
        .iter()
        .map(|object| {
            let name = Name::of(&object.metadata);
            let meaning = keys.remove(&name).ok_or_else(|| {
                let found = found_each.get(&name).map(Vec::as_slice);
                trouble(found.unwrap_or_default())
            });
            (name, meaning)
        })
        .collect();
    Declared {
        desired: desired.ok_or_else(|| trouble(&found)),
        meanings,
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
fn trouble(found: &[Diagnostic]) -> Trouble {
    let errors: Vec<&Diagnostic> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    let is_claim = |finding: &&Diagnostic| CLAIMS.contains(&finding.code);
    let reason = if !errors.is_empty() && errors.iter().all(is_claim) {
        Reason::Conflict
    } else {
        Reason::Invalid
    };
    let told: Vec<String> = errors.into_iter().map(in_words).collect();
    Trouble::new(reason, told.join("\n"))
}

fn in_words(finding: &Diagnostic) -> String {
    let mut told = format!("{} ({})", finding.message, finding.code);
    // What a resource shares with another that was there first.
    for (location, _) in &finding.related {
        told += &format!("; the older one is {}", location.file);
    }
    if let Some(help) = &finding.help {
        told += &format!("; {help}");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(spec: Value) -> PortalEnvironment {
        let mut object = json!({
            "metadata": { "name": "production", "namespace": "portal", "uid": "e" },
            "spec": { "secretRef": { "name": "workos", "key": "api-key" } },
        });
        extend(&mut object["spec"], spec);
        serde_json::from_value(object).unwrap()
    }

    fn organization(name: &str, second: u8, spec: Value) -> PortalOrganization {
        let mut object = json!({
            "metadata": {
                "name": name, "namespace": "portal", "uid": name, "generation": 1,
                "creationTimestamp": format!("2026-01-02T03:04:{second:02}Z"),
            },
            "spec": { "environmentRef": { "name": "production" }, "name": name },
        });
        extend(&mut object["spec"], spec);
        serde_json::from_value(object).unwrap()
    }

    fn extend(into: &mut Value, more: Value) {
        let Value::Object(more) = more else { panic!() };
        into.as_object_mut().unwrap().extend(more);
    }

    fn trouble_of(declared: &Declared, name: &str) -> Trouble {
        let name = Name {
            namespace: "portal".to_owned(),
            name: name.to_owned(),
        };
        declared.meanings[&name].clone().unwrap_err()
    }

    #[test]
    fn the_younger_of_two_claims_is_told_who_is_older_and_what_to_do() {
        let domain = json!({ "domains": [{ "domain": "acme.com" }] });
        let (older, younger) = (
            organization("zeta", 1, domain.clone()),
            organization("acme", 2, domain),
        );
        let declared = read(&environment(json!({})), &[&older, &younger]);
        assert_eq!(declared.desired.as_ref().unwrap().organizations.len(), 1);
        let trouble = trouble_of(&declared, "acme");
        assert_eq!(trouble.reason, Reason::Conflict);
        insta::assert_snapshot!(trouble.message, @"the domain `acme.com` is declared by `zeta` and by `acme` (manifest/duplicate-domain); the older one is PortalOrganization portal/zeta; remove it from one of them, or set `allowSharedDomain: true` on both");
    }

    #[test]
    fn a_resource_with_an_error_stops_itself_only() {
        let bad = organization("acme", 1, json!({ "returnUrl": "http://app.example.com/" }));
        let good = organization("globex", 2, json!({}));
        let declared = read(&environment(json!({})), &[&bad, &good]);
        assert_eq!(declared.desired.as_ref().unwrap().organizations.len(), 1);
        assert_eq!(trouble_of(&declared, "acme").reason, Reason::Invalid);
    }

    #[test]
    fn a_refused_environment_wants_nothing() {
        let declared = read(&environment(json!({ "clientId": "1" })), &[]);
        assert_eq!(declared.desired.unwrap_err().reason, Reason::Invalid);
    }

    #[test]
    fn what_nobody_edited_is_not_read_again() {
        let (environment, mut acme) = (environment(json!({})), organization("acme", 1, json!({})));
        let mut reader = Reader::default();
        let first = reader.read(&environment, &[&acme]);
        assert!(Arc::ptr_eq(&first, &reader.read(&environment, &[&acme])));
        acme.metadata.generation = Some(2);
        assert!(!Arc::ptr_eq(&first, &reader.read(&environment, &[&acme])));
        assert!(!Arc::ptr_eq(&first, &reader.read(&environment, &[])));
    }
}
