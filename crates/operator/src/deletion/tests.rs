//! Tests of `deletion`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use portalctl_core::identity::identify;
use portalctl_core::plan::Action;
use portalctl_manifest::{Input, read};
use portalctl_model::observed::{FailedRead, Listing};
use portalctl_model::{OrganizationId, mark};

fn entry(change: impl FnOnce(&mut Value)) -> Entry {
    let mut object = json!({
        "metadata": { "name": "acme", "namespace": "portal" },
        "spec": {
            "environmentRef": { "name": "production" }, "name": "Acme",
            "deletionPolicy": "Delete",
        },
    });
    change(&mut object);
    Entry::of(Arc::new(serde_json::from_value(object).unwrap()), "here")
}

fn live(marks: &[(&str, &str)]) -> Observed {
    let id = OrganizationId::from_api("org_1".to_owned());
    let marks = marks
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let organization = Organization {
        id: id.clone(),
        name: "Acme".to_owned(),
        external_id: Some("acme".to_owned()),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: marks.collect(),
        created_at: None,
        updated_at: None,
    };
    Observed {
        organizations: BTreeMap::from([(id, organization)]),
        connections: Listing::Read(BTreeMap::new()),
        directories: Listing::Read(BTreeMap::new()),
        ..Observed::default()
    }
}

/// Returns the step where everything is allowed, up to a number of deletions.
fn step_of(entry: &Entry, observed: &Observed, most: u32, read_only: Option<ReadOnly>) -> Step {
    step_where(
        entry,
        observed,
        read_only,
        &json!({ "maxDeletesPerHour": most }),
    )
}

/// Returns the step where the environment allows everything, changed by more fields.
fn step_where(
    entry: &Entry,
    observed: &Observed,
    read_only: Option<ReadOnly>,
    more: &Value,
) -> Step {
    let text = b"version: 1\nmanifest: customers\norganizations: { acme: { name: Acme } }\n";
    let desired = read(&[Input::Stdin(text.to_vec())]).desired.unwrap();
    let mut spec = json!({
        "secretRef": { "name": "workos", "key": "api-key" }, "manifest": "customers",
        "allowDeletion": true,
    });
    let fields = spec.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    let spec: PortalEnvironmentSpec = serde_json::from_value(spec).unwrap();
    let recent = [Timestamp::UNIX_EPOCH];
    let allowance = Allowance::new(&spec, desired.manifest.as_ref(), &recent);
    let identities = identify(&desired, observed);
    let mut entry = entry.clone();
    entry.read_only = read_only;
    step(&entry, &allowance, observed, &identities)
}

fn waits_because(step: Step) -> (Reason, String) {
    match step {
        Step::Wait(blocked) => (blocked.reason, blocked.message),
        other => panic!("{other:?}"),
    }
}

const OURS: &[(&str, &str)] = &[(mark::OWNER, "customers")];

#[test]
fn what_everybody_allows_is_deleted() {
    let step = step_of(&entry(|_| {}), &live(OURS), 2, None);
    let Step::Delete(change) = step else {
        panic!("{step:?}")
    };
    assert!(matches!(change.action, Action::Delete(id) if id.as_str() == "org_1"));
}

#[test]
fn what_was_not_created_here_or_is_protected_stays() {
    let protected = [OURS, &[(mark::PROTECT, "true")]].concat();
    for (marks, why) in [
        (&[][..], "owner mark"),
        (&[(mark::OWNER, "others")], "owner mark"),
        (&protected, "protected"),
    ] {
        let (reason, message) = waits_because(step_of(&entry(|_| {}), &live(marks), 2, None));
        assert_eq!(reason, Reason::DeletionBlocked);
        assert!(
            message.contains(why) && message.contains("force-release"),
            "{message}"
        );
    }
}

#[test]
fn nothing_is_deleted_where_the_environment_does_not_allow_it() {
    let forbids = json!({ "allowDeletion": false });
    let step = step_where(&entry(|_| {}), &live(OURS), None, &forbids);
    let (reason, message) = waits_because(step);
    assert_eq!(reason, Reason::DeletionBlocked);
    assert!(message.contains("allowDeletion"), "{message}");
}

/// Guards the deletion of an organization of which so much was read.
fn guarded(usage: &Usage, more: &Value) -> Result<Change, String> {
    let observed = live(OURS);
    let Step::Delete(mut change) = step_of(&entry(|_| {}), &observed, 2, None) else {
        panic!("it was to be deleted")
    };
    let mut spec = json!({
        "secretRef": { "name": "workos", "key": "api-key" }, "allowDeletion": true,
    });
    let fields = spec.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    let spec: PortalEnvironmentSpec = serde_json::from_value(spec).unwrap();
    let live = observed.organizations.values().next().unwrap();
    guard_use(&mut change, live, usage, &spec)
        .map(|()| *change)
        .map_err(|blocked| blocked.message)
}

fn unused() -> Usage {
    Usage {
        connections: Ok(Vec::new()),
        directories: Ok(Vec::new()),
        audit_logs: Ok(None),
        has_members: Ok(false),
    }
}

#[test]
fn what_is_in_use_or_cannot_be_read_is_not_deleted_without_the_power_for_it() {
    let members = Usage {
        has_members: Ok(true),
        ..unused()
    };
    let unread = Usage {
        has_members: Err(FailedRead {
            request: "GET /user_management/organization_memberships".to_owned(),
            status: Some(403),
            code: None,
            message: "no".to_owned(),
            is_skipped: false,
        }),
        ..unused()
    };
    assert!(guarded(&unused(), &json!({})).is_ok());
    for (usage, why) in [(&members, "members"), (&unread, "cannot be read")] {
        let message = guarded(usage, &json!({})).unwrap_err();
        assert!(
            message.contains(why)
                && message.contains("allowActiveDeletion")
                && message.contains("force-release"),
            "{message}"
        );
        let change = guarded(usage, &json!({ "allowActiveDeletion": true })).unwrap();
        let shown = change
            .fields
            .iter()
            .any(|field| field.path().to_string() == "members");
        assert!(shown, "{change:?}");
    }
}

#[test]
fn what_another_holds_stays_and_the_resource_goes() {
    let held = |holder: &str| live(&[OURS, &[(mark::HOLDER, holder)]].concat());
    let step = step_of(&entry(|_| {}), &held("here/portal/acme"), 2, None);
    assert!(matches!(step, Step::Delete(_)), "{step:?}");
    for holder in ["here/portal/other", "there/portal/acme", "nonsense"] {
        let step = step_of(&entry(|_| {}), &held(holder), 2, None);
        assert!(matches!(step, Step::Release(_)), "{holder}: {step:?}");
    }
    let mut refused = entry(|_| {});
    refused.claim_state = ClaimState::Refused;
    let step = step_of(&refused, &live(OURS), 2, None);
    assert!(matches!(step, Step::Release(_)), "{step:?}");
}

#[test]
fn pausing_and_the_hourly_limit_let_it_wait() {
    let paused = step_of(&entry(|_| {}), &live(OURS), 2, Some(ReadOnly::Paused));
    assert_eq!(waits_because(paused).0, Reason::Paused);
    let limited = step_of(&entry(|_| {}), &live(OURS), 1, None);
    assert_eq!(waits_because(limited).0, Reason::Deleting);
}

#[test]
fn who_may_not_delete_or_has_nothing_to_delete_is_released() {
    let retained = entry(|object| object["spec"]["deletionPolicy"] = json!("Retain"));
    let observed = entry(|object| object["spec"]["managementPolicy"] = json!("Observe"));
    let released = entry(|object| {
        object["metadata"]["annotations"] = json!({ "portalctl.dev/force-release": "true" });
    });
    for entry in [retained, observed, released] {
        let step = step_of(&entry, &live(&[]), 0, Some(ReadOnly::Paused));
        assert!(matches!(step, Step::Release(_)), "{step:?}");
    }
    let step = step_of(&entry(|_| {}), &Observed::default(), 2, None);
    assert!(matches!(step, Step::Release(_)), "{step:?}");
}
