//! The live state of a plan, from a snapshot: as it would be read, and where something was not read,
//! an answer that says so.

use std::collections::BTreeMap;

use super::Snapshot;
use super::hidden::Hash;
use crate::identity::{Identities, identify};
use crate::plan::{Policy, candidates};
use portalctl_model::desired::{Desired, DesiredOrganization, Invite};
use portalctl_model::observed::{Answer, FailedRead, History, ItContact, Observed, Usage};
use portalctl_model::{Intent, OrganizationId, Selection, name};

/// Question of a plan: what it asks of the live state.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The declared state.
    pub desired: &'a Desired,
    /// The entries to plan for.
    pub selection: &'a Selection,
    /// The powers of the run.
    pub policy: Policy,
}

impl Snapshot {
    /// Returns the live state, and the organizations of the entries.
    ///
    /// Contacts of marked organizations are left out where a live run does not read them.
    pub fn live(&self, asked: Asked<'_>, contacts: KnownContacts) -> (Observed, Identities) {
        let mut observed = self.observed.clone();
        self.show_names(&mut observed, asked.desired);
        let identities = identify(asked.desired, &observed);
        self.hide_other_names(&mut observed, asked.desired, &identities);
        self.show_metadata(&mut observed, asked.desired, &identities);
        for (entry, id) in entries(asked, &identities) {
            let is_marked = observed
                .organizations
                .get(id)
                .is_some_and(|live| entry.has_contacts_of(live));
            if !entry.it_contacts.is_empty() && (contacts == KnownContacts::All || !is_marked) {
                let answer = self.contacts_of(id, entry);
                observed.it_contacts.insert(id.clone(), answer);
            }
            if entry.retention_days.is_some() && !observed.retention.contains_key(id) {
                let missing = Answer::Failed(missing("audit_logs_retention"));
                observed.retention.insert(id.clone(), missing);
            }
            answer_invitation(&mut observed, asked.selection, entry, id);
        }
        let wanted = candidates(
            asked.desired,
            &observed,
            &identities,
            asked.policy,
            asked.selection,
        );
        for id in wanted {
            observed.usage.entry(id).or_insert_with(unknown_usage);
        }
        (observed, identities)
    }

    /// Puts hidden names back that an entry declares, whatever their spelling: so that an organization
    /// of the same name is found.
    fn show_names(&self, observed: &mut Observed, desired: &Desired) {
        if self.hidden_names.is_empty() {
            return;
        }
        let entries = desired.organizations.values();
        let declared: BTreeMap<Hash, &String> = entries
            .filter_map(|entry| entry.name.as_ref())
            .map(|declared| (Hash::of(&name::folded(declared)), declared))
            .collect();
        for (id, hidden) in &self.hidden_names {
            let known = declared.get(&hidden.folded);
            if let (Some(live), Some(known)) = (observed.organizations.get_mut(id), known) {
                live.name.clone_from(known);
            }
        }
    }

    /// Hides the names of organizations again whose entry declares another one.
    fn hide_other_names(&self, observed: &mut Observed, desired: &Desired, all: &Identities) {
        for (key, entry) in &desired.organizations {
            let id = all.entries.get(key).and_then(|it| it.organization());
            let Some((id, hidden)) = id.and_then(|id| self.hidden_names.get_key_value(id)) else {
                continue;
            };
            let declared = entry.name.as_deref();
            let is_same = declared.is_some_and(|it| Hash::of(&name::settled(it)) == hidden.exact);
            if let Some(live) = observed.organizations.get_mut(id) {
                live.name = match declared.filter(|_| is_same) {
                    Some(declared) => declared.to_owned(),
                    None => hidden.exact.placeholder(),
                };
            }
        }
    }

    /// Puts hidden metadata back: a declared value where it is the same, else a text in its place.
    fn show_metadata(&self, observed: &mut Observed, desired: &Desired, identities: &Identities) {
        let mut declared: BTreeMap<&OrganizationId, &DesiredOrganization> = BTreeMap::new();
        for (key, entry) in &desired.organizations {
            let identity = identities.entries.get(key);
            if let Some(id) = identity.and_then(|identity| identity.organization()) {
                declared.insert(id, entry);
            }
        }
        for (id, hidden) in &self.hidden_metadata {
            let Some(live) = observed.organizations.get_mut(id) else {
                continue;
            };
            let entry = declared.get(id);
            for (key, hash) in hidden {
                let wanted = entry.and_then(|entry| entry.metadata.get(key)?.as_ref());
                let value = match wanted {
                    Some(wanted) if Hash::of(wanted) == *hash => wanted.clone(),
                    _ => hash.placeholder(),
                };
                live.metadata.insert(key.clone(), value);
            }
        }
    }

    /// Returns the contacts of an organization: the declared ones among them by their addresses.
    fn contacts_of(
        &self,
        id: &OrganizationId,
        entry: &DesiredOrganization,
    ) -> Answer<Vec<ItContact>> {
        let Some(answer) = self.contacts.get(id) else {
            return Answer::Failed(missing("it_contacts"));
        };
        answer.clone().map(|hashes| {
            let declared: BTreeMap<Hash, &str> = entry
                .it_contacts
                .iter()
                .map(|email| (Hash::of_address(email.as_str()), email.as_str()))
                .collect();
            let contact = |hash: &Hash| ItContact {
                id: String::new(),
                email: match declared.get(hash) {
                    Some(email) => (*email).to_owned(),
                    None => hash.placeholder(),
                },
                created_at: None,
            };
            hashes.iter().map(contact).collect()
        })
    }
}

/// IT contacts that a plan knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownContacts {
    /// Contacts of organizations without the mark that WorkOS has all declared ones.
    Unmarked,
    /// All of them.
    All,
}

/// Returns the selected entries with their organizations.
fn entries<'a>(
    asked: Asked<'a>,
    identities: &'a Identities,
) -> impl Iterator<Item = (&'a DesiredOrganization, &'a OrganizationId)> {
    let entries = asked.desired.organizations.iter();
    entries
        .filter(move |(key, _)| asked.selection.has_key(key))
        .filter_map(|(key, entry)| Some((entry, identities.entries.get(key)?.organization()?)))
}

/// Enters what decides an invitation and was not read.
fn answer_invitation(
    observed: &mut Observed,
    selection: &Selection,
    entry: &DesiredOrganization,
    id: &OrganizationId,
) {
    let asks = |intent: Intent| {
        entry.invite == Invite::Once
            && entry.intents.contains_key(&intent)
            && selection.has_intent(intent)
    };
    if asks(Intent::LogStreams) && !observed.audit_logs.contains_key(id) {
        let missing = Answer::Failed(missing("audit_log_configuration"));
        observed.audit_logs.insert(id.clone(), missing);
    }
    if asks(Intent::BringYourOwnKey) && observed.history == History::NotRead {
        observed.history = History::Failed(missing("events"));
    }
}

/// Returns the answer to a question that nobody asked when the snapshot was taken.
fn missing(part: &str) -> FailedRead {
    FailedRead {
        request: format!("the snapshot's {part}"),
        status: None,
        code: None,
        message: "it was not read when the snapshot was taken; `portalctl snapshot` with this \
                  manifest reads it"
            .to_owned(),
        is_skipped: false,
    }
}

fn unknown_usage() -> Usage {
    Usage {
        connections: Err(missing("connections")),
        directories: Err(missing("directories")),
        audit_logs: Err(missing("audit_log_configuration")),
        has_members: Err(missing("members")),
    }
}
