//! Edits by people in the dashboard and in the portal, while portalctl runs.

use jiff::Timestamp;
use serde_json::{Value, json};

use workos_sandbox::world::{
    ConnectionState, DomainState, LogStreamState, MembershipStatus, NewConnection, NewDirectory,
    OrganizationInput, World as Account,
};

use super::ledger::Ledger;
use super::random::Random;
use super::schedule::{connection_state, directory_state};
use crate::world::{HOLDER, OWNER, PROTECT};

/// Acts that make an organization needed while a run is about to delete it.
const ACTS_OF_USE: [usize; 8] = [3, 4, 5, 6, 9, 10, 11, 12];

/// Makes one edit of the account, and returns its description for the trace.
pub(crate) fn act(
    account: &mut Account,
    now: Timestamp,
    ledger: &mut Ledger,
    is_used: bool,
    random: &mut Random,
) -> Option<String> {
    let ids: Vec<String> = account.organizations().map(|o| o.id.clone()).collect();
    let number = random.below(1_000);
    if ids.is_empty() || random.below(9) == 0 {
        let body = json!({ "name": format!("New {number}") });
        let input = OrganizationInput::read(&body).unwrap();
        let id = account.create_organization(now, input).ok()?.id.clone();
        ledger.touched(&id, account);
        return Some(format!("{id} is made"));
    }
    // A person starts to use an organization that a run is about to delete.
    let doomed = ledger.deletable();
    let (id, what) = if doomed.is_empty() || random.percent(60) {
        let acts = if is_used { 13 } else { 9 };
        (random.pick(&ids).clone(), random.below(acts))
    } else if is_used {
        (random.pick(&doomed).clone(), *random.pick(&ACTS_OF_USE))
    } else {
        (random.pick(&doomed).clone(), *random.pick(&[3, 5, 6]))
    };
    let changes_metadata = [1, 6, 7].contains(&what);
    if changes_metadata && ledger.is_in_hand(&id) {
        return None;
    }
    if what == 8 {
        return take(account, now, &id, None, ledger, random);
    }
    let told = match what {
        0 => put(
            account,
            now,
            &id,
            &json!({ "name": format!("Renamed {number}") }),
        ),
        1 => merge(account, now, &id, "crm", Some(&number.to_string())),
        2 => {
            account.delete_organization(now, &id).ok()?;
            Some("is deleted".to_owned())
        }
        3 => connect(account, now, &id),
        4 => verify(account, now, &id),
        5 => {
            let moved = json!({ "external_id": format!("moved-{number}") });
            put(account, now, &id, &moved)
        }
        6 => {
            let mark = random.percent(50).then_some("true");
            merge(account, now, &id, PROTECT, mark)
        }
        7 => merge(account, now, &id, "tier", None),
        9 => set_up_single_sign_on(account, now, &id, random),
        10 => link(account, now, &id, random),
        11 => {
            account
                .add_member(now, &id, MembershipStatus::Active)
                .ok()?;
            Some("gets a member".to_owned())
        }
        _ => {
            let state = LogStreamState::Active;
            account.set_log_stream(now, &id, "Datadog", state).ok()?;
            Some("streams its logs".to_owned())
        }
    };
    ledger.touched(&id, account);
    Some(format!("{id} {}", told?))
}

/// Another manifest or an operator takes hold of an organization.
pub(crate) fn take(
    account: &mut Account,
    now: Timestamp,
    id: &str,
    reader: Option<usize>,
    ledger: &mut Ledger,
    random: &mut Random,
) -> Option<String> {
    if !ledger.may_be_taken(id, reader) {
        return None;
    }
    let (mark, value) = *random.pick(&[(OWNER, "others"), (HOLDER, "here/portal/acme")]);
    ledger.taken(id);
    let told = merge(account, now, id, mark, Some(value));
    ledger.touched(id, account);
    Some(format!("{id} {}", told?))
}

/// Adds to the metadata of an organization as a person would, unless that edit may be lost.
pub(crate) fn annotate(
    account: &mut Account,
    now: Timestamp,
    id: &str,
    ledger: &mut Ledger,
    random: &mut Random,
) -> Option<String> {
    if ledger.is_in_hand(id) {
        return None;
    }
    let number = random.below(1_000).to_string();
    let told = merge(account, now, id, "crm", Some(&number));
    ledger.touched(id, account);
    Some(format!("{id} {}", told?))
}

/// The customer begins or finishes with single sign-on.
fn set_up_single_sign_on(
    account: &mut Account,
    now: Timestamp,
    id: &str,
    random: &mut Random,
) -> Option<String> {
    let state = connection_state(random);
    let begun = account.connections_of(id).next();
    if let Some(connection) = begun.map(|connection| connection.id.clone()) {
        account
            .set_connection_state(now, &connection, state.clone())
            .ok()?;
    } else {
        let new = NewConnection {
            organization_id: id.to_owned(),
            name: None,
            connection_type: "OktaSAML".to_owned(),
            state: state.clone(),
        };
        account.create_connection(now, new).ok()?;
    }
    Some(format!("has a connection that is {state:?}"))
}

/// The customer links a directory, or something becomes of one.
fn link(account: &mut Account, now: Timestamp, id: &str, random: &mut Random) -> Option<String> {
    let state = directory_state(random);
    let linked = account.directories_of(id).next();
    if let Some(directory) = linked.map(|directory| directory.id.clone()) {
        account
            .set_directory_state(now, &directory, state.clone())
            .ok()?;
    } else {
        let new = NewDirectory {
            organization_id: id.to_owned(),
            name: None,
            directory_type: "okta scim v2.0".to_owned(),
            state: state.clone(),
        };
        account.create_directory(now, new).ok()?;
    }
    Some(format!("has a directory that is {state:?}"))
}

fn put(account: &mut Account, now: Timestamp, id: &str, body: &Value) -> Option<String> {
    let input = OrganizationInput::read(body).unwrap();
    account.update_organization(now, id, input).ok()?;
    Some(format!("gets {body}"))
}

/// Sets or removes one metadata key.
fn merge(
    account: &mut Account,
    now: Timestamp,
    id: &str,
    key: &str,
    value: Option<&str>,
) -> Option<String> {
    let metadata = account.organization(id).ok()?.metadata.iter();
    let mut metadata: serde_json::Map<String, Value> = metadata
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    metadata.insert(key.to_owned(), json!(value));
    put(account, now, id, &json!({ "metadata": metadata }))
}

fn connect(account: &mut Account, now: Timestamp, id: &str) -> Option<String> {
    let new = NewConnection {
        organization_id: id.to_owned(),
        name: None,
        connection_type: "OktaSAML".to_owned(),
        state: ConnectionState::Active,
    };
    account.create_connection(now, new).ok()?;
    Some("is connected".to_owned())
}

fn verify(account: &mut Account, now: Timestamp, id: &str) -> Option<String> {
    let domain = account.organization(id).ok()?.domains.first()?.id.clone();
    let verified = account.set_domain_state(now, &domain, DomainState::Verified, None);
    Some(format!("has verified {}", verified.ok()?.domain))
}
