//! What the resources of an environment mean: the rules of the files, applied by
//! [`resolve`](portalctl_manifest::resolve). Pure but for what it remembers.
//!
//! A pass in which nobody edited anything reads nothing anew, however many resources there are.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};

use super::conditions::Trouble;
use super::names::{Name, Uid, name_of};
use super::reason::Reason;
use super::resource::{PortalEnvironment, PortalOrganization};
use portalctl_manifest::{Diagnostic, Resolved, Severity, resolve};
use portalctl_model::OrgKey;
use portalctl_model::desired::Desired;

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
            let name = name_of(&object.metadata);
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
    let told: Vec<String> = errors.into_iter().map(in_words).collect();
    Trouble::new(Reason::Invalid, told.join("\n"))
}

fn in_words(finding: &Diagnostic) -> String {
    let mut told = format!("{} ({})", finding.message, finding.code);
    if let Some(help) = &finding.help {
        told += &format!("; {help}");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_model::ExternalId;

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
    fn resources_that_claim_the_same_are_all_kept_each_under_a_key_of_its_own() {
        let same = json!({ "key": "acme", "domains": [{ "domain": "acme.com" }] });
        let (one, other) = (
            organization("zeta", 1, same.clone()),
            organization("acme", 2, same),
        );
        let declared = read(&environment(json!({})), &[&one, &other]);
        let desired = declared.desired.as_ref().unwrap();
        assert_eq!(desired.organizations.len(), 2);
        for organization in desired.organizations.values() {
            assert_eq!(organization.external_id.as_ref().unwrap().as_str(), "acme");
        }
        let keys: std::collections::BTreeSet<&OrgKey> = declared
            .meanings
            .values()
            .map(|key| key.as_ref().unwrap())
            .collect();
        assert_eq!(keys.len(), 2);
    }

    #[test]
    fn a_tenant_gets_the_namespace_before_its_key_and_no_external_id_of_others() {
        let tenant = |name: &str, spec: Value| {
            let mut object = organization(name, 1, spec);
            object.metadata.namespace = Some("team".to_owned());
            object.spec.environment_ref.namespace = Some("portal".to_owned());
            object
        };
        let allowed = json!({
            "allowedNamespaces": ["team"],
            "externalIdPatterns": [{ "namespace": "team", "patterns": ["crm-*"] }],
        });
        let acme = tenant("acme", json!({ "previousKeys": ["old"] }));
        let crm = tenant("crm", json!({ "externalId": "crm-1" }));
        let thief = tenant("thief", json!({ "externalId": "globex" }));
        let own = organization("acme", 2, json!({}));
        let declared = read(&environment(allowed), &[&acme, &crm, &thief, &own]);
        let desired = declared.desired.as_ref().unwrap();
        let found = |key: &str| {
            let one = &desired.organizations[key];
            let ids: Vec<&str> = one.external_ids().map(ExternalId::as_str).collect();
            ids.join(" ")
        };
        assert_eq!(found("team.acme"), "team.acme old team.old acme");
        assert_eq!(found("team.crm"), "crm-1");
        assert_eq!(found("acme"), "acme");
        let name = Name {
            namespace: "team".to_owned(),
            name: "thief".to_owned(),
        };
        let trouble = declared.meanings[&name].clone().unwrap_err();
        assert_eq!(trouble.reason, Reason::Invalid);
        let code = "manifest/external-id-not-allowed";
        assert!(trouble.message.contains(code), "{}", trouble.message);
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
