//! Customers whom the app hands over before the manifest declares them: a key and the claims of a
//! token go in, the desired state of that one customer comes out. Pure.
//!
//! The entry is read by the reader of manifests, so that no other rules apply to it. It creates an
//! organization with a mark of its own and without the owner mark: the manifest does not declare it,
//! and no run may delete it for that.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::config::Provision;
use super::token::NewCustomer;
use portalctl_core::plan::{Action, Plan, is_marked, is_provisioned};
use portalctl_manifest::{self as manifest, Input};
use portalctl_model::desired::Desired;
use portalctl_model::observed::Organization;
use portalctl_model::{ManifestName, OrgKey, mark};

/// Desired state that a request is judged by.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub(super) desired: Arc<Desired>,
    /// Declaration of the customer: by the manifest, or by the app alone.
    pub(super) standing: Standing,
}

/// Declaration of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The manifest declares the customer, or nobody does.
    Manifest,
    /// The app vouches for the customer.
    App,
}

/// Returns whether a manifest says anything of a key.
fn is_known(desired: &Desired, key: &OrgKey) -> bool {
    desired.organizations.contains_key(key)
        || desired.absent.contains_key(key)
        || desired.excluded.contains_key(key)
}

/// Returns the desired state to judge a customer by: that of the manifest, or one of the customer
/// alone where the app vouches for it and the manifest says nothing of it.
///
/// # Errors
///
/// Returns why the customer cannot be an entry.
pub(super) fn customer(
    manifest: Arc<Desired>,
    key: &OrgKey,
    new: Option<(&NewCustomer, &Provision)>,
) -> Result<Customer, String> {
    match new {
        Some((new, rules)) if !is_known(&manifest, key) => Ok(Customer {
            desired: Arc::new(alone(&manifest, key, new, rules)?),
            standing: Standing::App,
        }),
        _ => Ok(Customer {
            desired: held_alone(manifest, key),
            standing: Standing::Manifest,
        }),
    }
}

/// Leaves a customer alone whose organization a holder mark proves: another resource that names the same
/// organization is of no consequence for it.
fn held_alone(manifest: Arc<Desired>, key: &OrgKey) -> Arc<Desired> {
    let held = manifest.organizations.get(key);
    let Some(held) = held.filter(|entry| entry.holder.is_some()) else {
        return manifest;
    };
    Arc::new(Desired {
        organizations: [(key.clone(), held.clone())].into(),
        ..settings(&manifest)
    })
}

/// Returns the settings of a manifest, without its entries.
fn settings(manifest: &Desired) -> Desired {
    Desired {
        manifest: manifest.manifest.clone(),
        previous_manifests: manifest.previous_manifests.clone(),
        environment: manifest.environment.clone(),
        return_urls: manifest.return_urls.clone(),
        limits: manifest.limits,
        ..Desired::default()
    }
}

/// Returns the desired state to read a customer by who has been handed over before.
pub(super) fn known_customer(
    manifest: Arc<Desired>,
    key: &OrgKey,
    rules: Option<&Provision>,
) -> Customer {
    // The name is of no consequence for what is there already.
    let new = NewCustomer {
        name: key.to_string(),
        domains: Vec::new(),
    };
    let found = customer(Arc::clone(&manifest), key, rules.map(|rules| (&new, rules)));
    found.unwrap_or_else(|_| Customer {
        desired: held_alone(manifest, key),
        standing: Standing::Manifest,
    })
}

/// Builds the desired state of one new customer, with the settings of the manifest.
fn alone(
    manifest: &Desired,
    key: &OrgKey,
    new: &NewCustomer,
    rules: &Provision,
) -> Result<Desired, String> {
    let Some(name) = &manifest.manifest else {
        return Err("the manifest has no name to mark the organization with".to_owned());
    };
    let NewCustomer {
        name: shown,
        domains,
    } = new;
    let intents: Vec<_> = rules.intents.iter().collect();
    let mut entry = json!({ "name": shown, "intents": intents });
    // An empty list would be a statement about the domains.
    if !domains.is_empty() {
        entry["domains"] = json!(domains);
    }
    let text = json!({ "version": 1, "organizations": { key.as_str(): entry } }).to_string();
    let checked = manifest::read(&[Input::Stdin(text.into_bytes())]);
    let Some(desired) = checked.desired else {
        let errors = checked.diagnostics.errors();
        let said: Vec<&str> = errors.map(|found| found.message.as_str()).collect();
        return Err(said.join("; "));
    };
    let mut organizations = desired.organizations;
    let entry = organizations
        .get_mut(key)
        .ok_or_else(|| "it cannot be the key of an entry".to_owned())?;
    let mark = (mark::PROVISIONED.to_owned(), Some(name.to_string()));
    entry.metadata.insert(mark.0, mark.1);
    let declared = entry.domains.iter().flat_map(BTreeMap::keys);
    for (other, known) in &manifest.organizations {
        let is_same = |id: &_| Some(id) == entry.external_id.as_ref();
        if known
            .external_id
            .iter()
            .chain(&known.previous_keys)
            .any(is_same)
        {
            return Err(format!("the entry `{other}` has this external id"));
        }
        let theirs = known.domains.as_ref();
        let both = declared
            .clone()
            .find(|domain| theirs.is_some_and(|theirs| theirs.contains_key(*domain)));
        if let Some(domain) = both {
            return Err(format!(
                "the entry `{other}` declares the domain {}",
                domain.shown()
            ));
        }
    }
    Ok(Desired {
        organizations,
        ..settings(manifest)
    })
}

/// Returns whether an organization is one of this manifest: the gateway created it, or a run did.
pub(super) fn is_ours(live: &Organization, manifest: Option<&ManifestName>) -> bool {
    manifest.is_some_and(|manifest| is_marked(live, manifest) || is_provisioned(live, manifest))
}

/// Checks that a plan creates the organization of one entry and does nothing else.
///
/// # Errors
///
/// Returns what the plan has in place of that.
pub(super) fn only_creates(plan: &Plan, key: &OrgKey) -> Result<(), String> {
    let conflicts = plan.conflicts.iter().map(|it| it.message.clone());
    let held = plan
        .held
        .iter()
        .map(|it| format!("a run would need {}", it.needs()));
    let said: Vec<String> = conflicts.chain(held).collect();
    if !said.is_empty() {
        return Err(said.join("; "));
    }
    match plan.changes.as_slice() {
        [change] if change.key == *key && change.action == Action::Create => Ok(()),
        _ => Err("the plan of the entry is not the creation of one organization".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_model::Intent;

    const MANIFEST: &str = "\
version: 1
manifest: customers
return_urls: { default: https://app.example.com/settings }
organizations:
  acme: { name: Acme, domains: [acme.com], external_id: acme-inc }
  globex: { state: excluded }
";

    fn desired(text: &str) -> Arc<Desired> {
        let read = manifest::read(&[Input::Stdin(text.as_bytes().to_vec())]);
        Arc::new(
            read.desired
                .unwrap_or_else(|| panic!("{:?}", read.diagnostics)),
        )
    }

    fn rules() -> Provision {
        Provision {
            intents: [Intent::Sso].into(),
            per_hour: 5,
        }
    }

    /// The answer for a customer with a name and domains.
    fn tried(text: &str, key: &str, name: &str, domains: &[&str]) -> Result<Customer, String> {
        let new = NewCustomer {
            name: name.to_owned(),
            domains: domains.iter().map(|it| (*it).to_owned()).collect(),
        };
        let key = OrgKey::parse(key).unwrap();
        customer(desired(text), &key, Some((&new, &rules())))
    }

    #[test]
    fn a_new_customer_is_an_entry_with_the_mark_of_the_gateway() {
        let customer = tried(MANIFEST, "umbrella", "Umbrella", &["umbrella.com"]).unwrap();
        assert_eq!(customer.standing, Standing::App);
        let [(key, entry)] = customer.desired.organizations.iter().collect::<Vec<_>>()[..] else {
            panic!("{:?}", customer.desired.organizations);
        };
        assert_eq!(
            (key.as_str(), entry.name.as_deref()),
            ("umbrella", Some("Umbrella"))
        );
        assert_eq!(
            entry.metadata[mark::PROVISIONED].as_deref(),
            Some("customers")
        );
        assert!(entry.intents.contains_key(&Intent::Sso));
        assert!(customer.desired.return_urls.default.is_some());
    }

    #[test]
    fn what_the_manifest_says_counts_before_the_app() {
        for key in ["acme", "globex"] {
            let customer = tried(MANIFEST, key, "Other", &["other.com"]).unwrap();
            assert_eq!(customer.standing, Standing::Manifest, "{key}");
            assert_eq!(customer.desired, desired(MANIFEST));
        }
    }

    #[test]
    fn a_customer_with_a_holder_is_judged_alone() {
        let mut manifest = desired(MANIFEST).as_ref().clone();
        let twin = manifest.organizations[&OrgKey::parse("acme").unwrap()].clone();
        let thief = OrgKey::parse("thief").unwrap();
        manifest.organizations.insert(thief.clone(), twin);
        for entry in manifest.organizations.values_mut() {
            entry.holder = "cluster/team/acme".parse().ok();
        }
        let judged = known_customer(Arc::new(manifest), &thief, None).desired;
        assert_eq!(judged.organizations.keys().collect::<Vec<_>>(), [&thief]);
        assert!(judged.return_urls.default.is_some());
    }

    #[test]
    fn a_customer_who_could_not_be_declared_is_refused_with_the_reason() {
        let nameless = MANIFEST.replace("manifest: customers\n", "");
        for (text, key, name, domain, reason) in [
            (MANIFEST, "umbrella", "", "u.com", "name"),
            (MANIFEST, "umbrella", "Umbrella", "not a domain", "domain"),
            (
                MANIFEST,
                "umbrella",
                "Umbrella",
                "acme.com",
                "`acme` declares the domain acme.com",
            ),
            (
                MANIFEST,
                "acme-inc",
                "Acme",
                "a.com",
                "`acme` has this external id",
            ),
            (
                &nameless,
                "umbrella",
                "Umbrella",
                "u.com",
                "no name to mark",
            ),
        ] {
            let refused = tried(text, key, name, &[domain]).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
