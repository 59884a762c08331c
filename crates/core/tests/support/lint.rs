//! An independent checker of plans: it did not write them, and shares no rule's code with what did.
//!
//! Tests run it on every plan they make. Each finding is one sentence; a sound plan has none.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use portalctl_core::plan::{ActionKind, Change, FieldChange, Plan, Reason};
use portalctl_model::desired::{
    DeclaredDomainState, Desired, DesiredOrganization, DomainsPolicy, FieldPath, Invite,
};
use portalctl_model::observed::{Answer, Observed, Organization};
use portalctl_model::{Email, ExternalId, ManifestName, OrganizationId, mark};

/// Finds what no plan may hold.
pub(crate) fn lint(plan: &Plan, desired: &Desired, observed: &Observed) -> Vec<String> {
    let mut findings = Vec::new();
    for change in plan
        .changes
        .iter()
        .chain(plan.held.iter().map(|held| &held.change))
    {
        subject(change, desired, observed, &mut findings);
        only_what_is_declared(change, desired, &mut findings);
        invitation(change, desired, observed, &mut findings);
        fields(change, observed, &mut findings);
    }
    held_by_others(plan, desired, observed, &mut findings);
    at_most_once(plan, &mut findings);
    conflicts_stand_still(plan, &mut findings);
    contested_domains_stand_still(plan, &mut findings);
    let mut sorted = plan.changes.clone();
    sorted.sort_by_key(|change| {
        let is_first = gives_a_domain_up(change, plan);
        (!is_first, change.action.kind(), change.key.clone())
    });
    if sorted
        .iter()
        .map(|c| &c.key)
        .ne(plan.changes.iter().map(|c| &c.key))
    {
        findings.push("changes are not in order".to_owned());
    }
    findings
}

/// Returns whether a change removes a domain that a change of another entry adds.
fn gives_a_domain_up(change: &Change, plan: &Plan) -> bool {
    change.fields.iter().any(|removed| {
        let FieldChange::Domain {
            domain,
            after: None,
            ..
        } = removed
        else {
            return false;
        };
        let mut others = plan.changes.iter().filter(|other| other.key != change.key);
        others.any(|other| {
            let mut fields = other.fields.iter();
            fields.any(|field| matches!(field, FieldChange::Domain { domain: added, after: Some(_), .. } if added == domain))
        })
    })
}

/// A change is for a declared entry, and to an organization that exists and is not another's.
fn subject(change: &Change, desired: &Desired, observed: &Observed, findings: &mut Vec<String>) {
    let key = &change.key;
    if change.action.kind() == ActionKind::Delete {
        return deletion(change, desired, observed, findings);
    }
    if change.reason == Reason::LiftsProtection {
        let is_declared = desired.absent.get(key).is_some_and(|entry| {
            entry.lifts_protection && Some(&entry.id) == change.action.organization()
        });
        if !is_declared {
            findings.push(format!("{key} would lift a protection that stays"));
        }
        return;
    }
    let Some(entry) = desired.organizations.get(key) else {
        findings.push(format!("{key} is not declared"));
        return;
    };
    let declared: BTreeSet<&str> = entry.external_ids().map(ExternalId::as_str).collect();
    let answers = |live: &Organization| {
        let id = live.external_id.as_deref();
        id.is_some_and(|id| declared.contains(id))
    };
    let Some(id) = change.action.organization() else {
        if entry.id.is_some() {
            findings.push(format!("{key} is pinned and would be created"));
        }
        if let Some(live) = observed.organizations.values().find(|live| answers(live)) {
            findings.push(format!("{key} would be created and is {}", live.id));
        }
        return;
    };
    let Some(live) = observed.organizations.get(id) else {
        findings.push(format!("{key} would change {id}, which does not exist"));
        return;
    };
    let is_its_own = match change.action.kind() {
        ActionKind::Update | ActionKind::Invite => match &entry.id {
            Some(pinned) => pinned == id,
            None => answers(live),
        },
        ActionKind::Adopt => {
            entry.id.is_none()
                && live.external_id.is_none()
                && live.domains.iter().any(|live| {
                    live.state.is_verified()
                        && entry
                            .domains
                            .iter()
                            .any(|domains| domains.contains_key(&live.domain))
                })
        }
        ActionKind::Create | ActionKind::Delete => false,
    };
    if !is_its_own {
        findings.push(format!("{key} would change {id}, which is not its own"));
    }
}

/// A deletion is of what this manifest created, does not name in any way and has not protected.
fn deletion(change: &Change, desired: &Desired, observed: &Observed, findings: &mut Vec<String>) {
    let key = &change.key;
    let live = change
        .action
        .organization()
        .and_then(|id| observed.organizations.get(id));
    let Some(live) = live else {
        findings.push(format!("{key} would delete what does not exist"));
        return;
    };
    if change.fields.contains(&FieldChange::State) {
        let is_declared = desired
            .absent
            .get(key)
            .is_some_and(|entry| entry.id == live.id);
        if !is_declared {
            findings.push(format!("{key} would delete what is not declared absent"));
        }
        return;
    }
    let owner = live.metadata.get(mark::OWNER).map(String::as_str);
    if owner.is_none() || owner != desired.manifest.as_ref().map(ManifestName::as_str) {
        findings.push(format!(
            "{key} would delete what this manifest did not create"
        ));
    }
    if live.metadata.contains_key(mark::PROTECT) {
        findings.push(format!("{key} would delete what is protected"));
    }
    let is_named = desired.organizations.values().any(|entry| {
        let mut ids = entry.external_ids();
        entry.id.as_ref() == Some(&live.id)
            || ids.any(|id| Some(id.as_str()) == live.external_id.as_deref())
    });
    if is_named {
        findings.push(format!("{key} would delete what is declared"));
    }
}

/// Finds fields that the manifest does not declare, and marks beyond what is declared.
fn only_what_is_declared(change: &Change, desired: &Desired, findings: &mut Vec<String>) {
    let key = &change.key;
    // What is deleted goes by its external id, which may read like an entry's key.
    let is_deletion = change.action.kind() == ActionKind::Delete;
    let Some(entry) = desired.organizations.get(key).filter(|_| !is_deletion) else {
        return;
    };
    for field in &change.fields {
        if !is_declared(field, change, desired, entry) {
            findings.push(format!(
                "{key} would set {} to {:?}, which is not declared",
                field.path(),
                field.after()
            ));
        }
    }
}

/// Returns whether an entry declares the after-state of a field.
fn is_declared(
    field: &FieldChange,
    change: &Change,
    desired: &Desired,
    entry: &DesiredOrganization,
) -> bool {
    let after = field.after();
    let after = after.as_deref();
    match &field.path() {
        FieldPath::Name => after.is_some() && after == entry.name.as_deref(),
        FieldPath::ExternalId => {
            after.is_some() && after == entry.external_id.as_ref().map(ExternalId::as_str)
        }
        FieldPath::StripeCustomerId => {
            after.is_some() && after == entry.stripe_customer_id.as_deref()
        }
        FieldPath::OutsideProfiles => {
            let declared = entry.allow_profiles_outside_organization;
            after.is_some() && after == declared.map(|allow| allow.to_string()).as_deref()
        }
        FieldPath::RetentionDays => {
            let declared = entry.retention_days.map(|days| days.to_string());
            after.is_some() && after == declared.as_deref()
        }
        FieldPath::Metadata(name) => is_metadata_declared(name, field, change, desired, entry),
        FieldPath::Domain(name) => {
            let declared = entry.domains.as_ref();
            let state = declared.and_then(|domains| domains.get(name));
            match after {
                None => {
                    declared.is_some()
                        && state.is_none()
                        && entry.domains_policy == DomainsPolicy::Exact
                }
                Some("pending") => state.is_some(),
                Some("verified") => {
                    change.action.kind() == ActionKind::Create
                        && state == Some(&DeclaredDomainState::Verified)
                }
                Some(_) => false,
            }
        }
        FieldPath::ItContact(email) => {
            let mut declared = entry.it_contacts.iter();
            after.is_some() && declared.any(|declared| declared == email)
        }
        FieldPath::State
        | FieldPath::Connection(_)
        | FieldPath::Directory(_)
        | FieldPath::Dependent(_)
        | FieldPath::Whole(_) => false,
    }
}

/// Returns whether an entry declares the after-state of metadata, or asks for it as a mark.
fn is_metadata_declared(
    name: &str,
    field: &FieldChange,
    change: &Change,
    desired: &Desired,
    entry: &DesiredOrganization,
) -> bool {
    let after = field.after();
    let after = after.as_deref();
    match name {
        mark::OWNER => {
            let is_asked = change.action.kind() == ActionKind::Create
                || entry.claim
                || field.before().is_some();
            let takes_over = change
                .fields
                .iter()
                .any(|field| field.path() == FieldPath::Metadata(mark::HOLDER.to_owned()));
            (is_asked || takes_over) && after == desired.manifest.as_ref().map(ManifestName::as_str)
        }
        mark::HOLDER => {
            let own = entry.holder.as_ref().map(ToString::to_string);
            let is_taken_over = after.is_none() && field.before().is_some() && own.is_none();
            is_taken_over || (after.is_some() && after == own.as_deref())
        }
        mark::CONTACTS => after.is_some() && after == entry.contacts_mark().as_deref(),
        mark::PROTECT => entry.protect == Some(after == Some(mark::PROTECTED)),
        _ => {
            let declared = entry.metadata.get(name);
            declared.is_some_and(|declared| declared.as_deref() == after)
        }
    }
}

/// Finds invitations that are repeated, undeclared, or to undeclared contacts.
fn invitation(change: &Change, desired: &Desired, observed: &Observed, findings: &mut Vec<String>) {
    let Some(invitation) = change.action.invitation() else {
        return;
    };
    let key = &change.key;
    let Some(entry) = desired.organizations.get(key) else {
        return;
    };
    let mut find = |is_wrong: bool, what: &str| {
        if is_wrong {
            findings.push(format!("{key} {what}"));
        }
    };
    let live = invitation
        .organization
        .as_ref()
        .and_then(|id| observed.organizations.get(id));
    let is_marked = live.is_some_and(|live| live.metadata.contains_key(mark::INVITED));
    find(is_marked, "would be invited again");
    find(entry.invite == Invite::Never, "would be invited unasked");
    let is_declared = entry.it_contacts.contains(&invitation.contact);
    find(!is_declared, "would have somebody else invited");
    find(invitation.intents.is_empty(), "is invited to nothing");
    let mut intents = invitation.intents.iter().chain(&invitation.not_invitable);
    let strange = intents.any(|intent| !entry.intents.contains_key(intent));
    find(strange, "is invited to what is not declared");
    let mut intents = invitation.intents.iter();
    let refused = intents.any(|intent| intent.invite_name().is_none());
    find(refused, "is invited to what cannot be invited to");
}

/// The live IT contact of that address, as a plan spells it.
fn contact(observed: &Observed, live: &Organization, email: &Email) -> Option<String> {
    let Some(Answer::Found(contacts)) = observed.it_contacts.get(&live.id) else {
        return None;
    };
    let mut contacts = contacts.iter();
    let is_there =
        contacts.any(|contact| contact.email.to_lowercase() == email.as_str().to_lowercase());
    is_there.then(|| "added".to_owned())
}

/// A field says truly what is live, and changes something.
fn fields(change: &Change, observed: &Observed, findings: &mut Vec<String>) {
    let key = &change.key;
    let live = change
        .action
        .organization()
        .and_then(|id| observed.organizations.get(id));
    let mut seen = BTreeSet::new();
    for field in &change.fields {
        let path = field.path();
        if !seen.insert(path.clone()) {
            findings.push(format!("{key} sets {path} twice"));
        }
        if field.before() == field.after() {
            findings.push(format!("{key} sets {path} to what it is"));
        }
        let before = live.and_then(|live| match &path {
            FieldPath::Name => Some(live.name.clone()),
            FieldPath::ExternalId => live.external_id.clone(),
            FieldPath::StripeCustomerId => live.stripe_customer_id.clone(),
            FieldPath::OutsideProfiles => live
                .allow_profiles_outside_organization
                .map(|allow| allow.to_string()),
            FieldPath::RetentionDays => match observed.retention.get(&live.id) {
                Some(Answer::Found(days)) => days.map(|days| days.to_string()),
                _ => None,
            },
            FieldPath::State => Some("present".to_owned()),
            FieldPath::Metadata(name) => live.metadata.get(name).cloned(),
            FieldPath::Domain(name) => live.domain(name).map(|live| live.state.to_string()),
            FieldPath::Connection(_) | FieldPath::Directory(_) | FieldPath::Dependent(_) => {
                field.before().map(Cow::into_owned)
            }
            FieldPath::ItContact(email) => contact(observed, live, email),
            FieldPath::Whole(_) => None,
        });
        if field.before().as_deref() != before.as_deref() {
            let told = field.before();
            findings.push(format!("{key} says that {path} is {told:?}"));
        }
    }
    let is_invitation = change.action.kind() == ActionKind::Invite;
    if change.fields.is_empty() && !is_invitation {
        findings.push(format!("{key} has a change without fields"));
    }
}

/// Finds writes to organizations of others whose marks the plan does not replace.
fn held_by_others(plan: &Plan, desired: &Desired, observed: &Observed, findings: &mut Vec<String>) {
    for change in &plan.changes {
        let key = &change.key;
        let live = change.action.organization();
        let live = live.and_then(|id| observed.organizations.get(id));
        let Some(live) = live else { continue };
        if change.action.kind() == ActionKind::Delete {
            let path = FieldPath::Metadata(mark::HOLDER.to_owned());
            let shown = change.fields.iter().any(|field| field.path() == path);
            if live.metadata.contains_key(mark::HOLDER) && !shown {
                findings.push(format!(
                    "{key} would delete {}, and hide who holds it",
                    live.id
                ));
            }
            continue;
        }
        let Some(entry) = desired.organizations.get(key) else {
            continue;
        };
        if entry.holder.is_none() && is_theirs(live, entry, plan, desired) {
            findings.push(format!(
                "{key} would change {}, which another holds",
                live.id
            ));
        }
    }
}

/// Returns whether an organization has the mark of another that the plan does not replace.
fn is_theirs(
    live: &Organization,
    entry: &DesiredOrganization,
    plan: &Plan,
    desired: &Desired,
) -> bool {
    let mark_of = |name: &str| live.metadata.get(name).map(|text| text.trim());
    let replaces = |name: &str| {
        let mut fields = plan
            .changes
            .iter()
            .filter(|other| other.action.organization() == Some(&live.id))
            .flat_map(|other| &other.fields);
        let path = FieldPath::Metadata(name.to_owned());
        fields.any(|field| field.path() == path && field.before().is_some())
    };
    let own = entry.resource.as_ref().and_then(|resource| {
        Some(format!(
            "/{}/{}",
            resource.namespace.as_deref()?,
            resource.name
        ))
    });
    let names: Vec<&str> = desired
        .manifest
        .iter()
        .chain(
            desired
                .previous_manifests
                .iter()
                .filter(|_| desired.manifest.is_some()),
        )
        .map(ManifestName::as_str)
        .collect();
    let holder = mark_of(mark::HOLDER).filter(|holder| !holder.is_empty());
    let owner = mark_of(mark::OWNER).filter(|owner| !owner.is_empty());
    match (holder, owner) {
        (Some(holder), _) => {
            let is_own = own.is_some_and(|own| holder.ends_with(&own));
            !is_own && !replaces(mark::HOLDER)
        }
        (None, Some(owner)) => !names.contains(&owner) && !replaces(mark::OWNER),
        (None, None) => false,
    }
}

/// No organization is created twice, and none is changed for two entries.
fn at_most_once(plan: &Plan, findings: &mut Vec<String>) {
    let mut created = BTreeSet::new();
    let mut invited = BTreeSet::new();
    let mut external_ids = BTreeSet::new();
    let mut changed: BTreeMap<&OrganizationId, &str> = BTreeMap::new();
    for change in &plan.changes {
        let key = change.key.as_str();
        if change.action.kind() == ActionKind::Invite {
            // Changes are in order: whoever is created was met before.
            let exists = change.action.organization().is_some() || created.contains(key);
            if !invited.insert(key) || !exists {
                findings.push(format!("{key} is invited twice, or too early"));
            }
            continue;
        }
        match change.action.organization() {
            None if !created.insert(key) => findings.push(format!("{key} is created twice")),
            Some(id) if *changed.entry(id).or_insert(key) != key => {
                findings.push(format!("{id} is changed for two entries"));
            }
            None | Some(_) => {}
        }
        // What is deleted gives its own up.
        let given = change.fields.iter().filter_map(|field| match field {
            FieldChange::ExternalId { after, .. } => after.as_ref(),
            _ => None,
        });
        for external_id in given.map(ExternalId::as_str) {
            if !external_ids.insert(external_id) {
                findings.push(format!("{external_id:?} is given to two organizations"));
            }
        }
    }
}

/// Finds changes of entries in conflict.
fn conflicts_stand_still(plan: &Plan, findings: &mut Vec<String>) {
    let conflicted: BTreeSet<_> = plan
        .entry_conflicts()
        .map(|conflict| &conflict.key)
        .collect();
    for change in plan
        .changes
        .iter()
        .filter(|change| conflicted.contains(&change.key))
    {
        findings.push(format!(
            "{} is in conflict and would be changed",
            change.key
        ));
    }
}

/// A contested domain is not written; everything else of its organization may be.
fn contested_domains_stand_still(plan: &Plan, findings: &mut Vec<String>) {
    let contested: BTreeSet<_> = plan
        .contested_domains()
        .filter_map(|conflict| Some((&conflict.key, conflict.scope.domain()?)))
        .collect();
    for change in &plan.changes {
        for field in &change.fields {
            if let FieldChange::Domain {
                domain,
                after: Some(_),
                ..
            } = field
                && contested.contains(&(&change.key, domain))
            {
                findings.push(format!("{} would get the contested {domain}", change.key));
            }
        }
    }
}
