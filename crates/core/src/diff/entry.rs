//! Values that one entry declares.

use std::collections::BTreeMap;

use super::Side;
use super::value::{Value, Values};
use portalctl_model::desired::{
    AbsentOrganization, DeclaredDomainState, DesiredOrganization, DomainsPolicy,
    ExcludedOrganization, IntentSettings, Invite,
};
use portalctl_model::{Domain, OrgKey};

/// Returns the values of an entry, its place and its key left out.
pub(super) fn values(side: Side<'_>, key: &OrgKey, entry: &DesiredOrganization) -> Values {
    let DesiredOrganization {
        source: _,
        id,
        external_id,
        previous_keys,
        plain_key: _,
        name,
        domains,
        domains_policy,
        intents,
        return_url,
        metadata,
        it_contacts,
        invite,
        protect,
        stripe_customer_id,
        allow_profiles_outside_organization,
        retention_days,
        // Set with the permissions.
        ignore_fields: _,
        allow_shared_domain: _,
        allow_same_name: _,
        claim: _,
        allow: _,
        // The Kubernetes form's own fields tell them.
        management: _,
        resource: _,
        holder: _,
    } = entry;
    let mut values = Values::default();
    values.word("id", id.as_ref());
    // Without one it is the key.
    let other_id = external_id
        .as_ref()
        .filter(|id| id.as_str() != key.as_str());
    values.word("external_id", other_id);
    values.items("previous_keys", previous_keys);
    values.text("name", name.as_deref());
    set_domains(&mut values, domains.as_ref());
    let policy = (*domains_policy != DomainsPolicy::default()).then_some(domains_policy);
    values.word("domains_policy", policy);
    for (intent, settings) in intents {
        set_intent(&mut values, &format!("intents.{intent}"), settings);
    }
    values.word("return_url", return_url.as_ref());
    set_metadata(&mut values, metadata);
    values.items("it_contacts", it_contacts);
    values.word("invite", (*invite != Invite::default()).then_some(invite));
    values.word("protect", protect.as_ref());
    values.text("stripe_customer_id", stripe_customer_id.as_deref());
    values.word(
        "allow_profiles_outside_organization",
        allow_profiles_outside_organization.as_ref(),
    );
    values.word("audit_logs.retention_days", retention_days.as_ref());
    set_permissions(&mut values, entry);
    set_object(&mut values, side, key);
    values
}

fn set_domains(values: &mut Values, domains: Option<&BTreeMap<Domain, DeclaredDomainState>>) {
    let Some(domains) = domains else { return };
    if domains.is_empty() {
        values.set("domains", Value::word("none"));
    }
    for (domain, state) in domains {
        values.set(format!("domains.{domain}"), Value::word(declared(*state)));
    }
}

fn set_metadata(values: &mut Values, metadata: &BTreeMap<String, Option<String>>) {
    for (name, value) in metadata {
        let path = format!("metadata.{name}");
        values.set(path, metadata_value(value.as_deref()));
    }
}

/// Sets permissions, lifted rules and ignored fields.
fn set_permissions(values: &mut Values, entry: &DesiredOrganization) {
    values.items("ignore_fields", &entry.ignore_fields);
    values.word(
        "allow_shared_domain",
        entry.allow_shared_domain.then_some(true),
    );
    values.word("allow_same_name", entry.allow_same_name.then_some(true));
    values.word("claim", entry.claim.then_some(true));
    values.items("allow", &entry.allow);
}

/// Sets the fields that only the Kubernetes form has.
fn set_object(values: &mut Values, side: Side<'_>, key: &OrgKey) {
    let object = side.kubernetes.organization(key);
    if let Some(object) = object.and_then(|object| serde_json::to_value(object).ok()) {
        values.json("kubernetes", &object);
    }
}

/// Returns the values of an entry with `state: absent`.
pub(super) fn absent_values(entry: &AbsentOrganization) -> Values {
    let AbsentOrganization {
        source: _,
        id,
        lifts_protection,
        allow,
    } = entry;
    let mut values = Values::default();
    values.word("state", Some("absent"));
    values.word("id", Some(id));
    values.word("protect", lifts_protection.then_some(false));
    values.items("allow", allow);
    values
}

/// Returns the values of an entry with `state: excluded`.
pub(super) fn excluded_values(key: &OrgKey, entry: &ExcludedOrganization) -> Values {
    let ExcludedOrganization {
        source: _,
        id,
        external_id,
        previous_keys,
    } = entry;
    let mut values = Values::default();
    values.word("state", Some("excluded"));
    values.word("id", id.as_ref());
    let other_id = external_id
        .as_ref()
        .filter(|id| id.as_str() != key.as_str());
    values.word("external_id", other_id);
    values.items("previous_keys", previous_keys);
    values
}

fn declared(state: DeclaredDomainState) -> &'static str {
    match state {
        DeclaredDomainState::Pending => "declared",
        DeclaredDomainState::Verified => "verified without proof",
    }
}

fn metadata_value(value: Option<&str>) -> Value {
    match value {
        Some(value) => Value::Text(value.to_owned()),
        None => Value::word("null (removed at WorkOS)"),
    }
}

fn set_intent(values: &mut Values, path: &str, settings: &IntentSettings) {
    let IntentSettings {
        return_url,
        success_url,
        warn_days,
    } = settings;
    values.set(path, Value::word("declared"));
    values.word(&format!("{path}.return_url"), return_url.as_ref());
    values.word(&format!("{path}.success_url"), success_url.as_ref());
    values.word(&format!("{path}.warn_days"), warn_days.as_ref());
}
