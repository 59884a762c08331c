//! How often each field was written for one version of a resource. Pure.
//!
//! A field that was written three times within an hour, and differs again, is written by somebody
//! else, too. From then on it is written once an hour at most, until the resource is edited or the
//! other has been quiet for some hours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::conditions::{Trouble, whole_second};
use super::entries::Entry;
use super::names::Uid;
use super::reason::Reason;
use super::write::generation;
use portalctl_core::plan::Change;
use portalctl_manifest::kubernetes::{FieldWrites, PortalOrganizationStatus};
use portalctl_model::desired::FieldPath;
use portalctl_model::text::escape;

/// The most writes of one field within [`WINDOW`], for one version of a resource.
const MOST: usize = 3;
/// The time in which writes are counted, and the pause between two once they were too many.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// How many writes of a field are remembered.
const KEPT: usize = 6;
/// How many fields a status lists. The definition bounds it.
const MAX_FIELDS: usize = 64;

/// Times at which each field was written, oldest first.
type Writes = BTreeMap<String, Vec<Timestamp>>;

/// The writes of the fields of all resources of an environment.
#[derive(Debug, Clone, Default)]
pub(super) struct Repairs {
    /// By resource: the version that was written for, and its fields.
    by_resource: BTreeMap<Uid, (i64, Writes)>,
}

impl Repairs {
    /// Adds what another process, or this one in an earlier term, wrote down about a resource.
    pub(super) fn learn(&mut self, entry: &Entry, before: &PortalOrganizationStatus) {
        let generation = generation(entry);
        if before.observed_generation != Some(generation) || before.field_writes.is_empty() {
            return;
        }
        let (of, writes) = self
            .by_resource
            .entry(entry.uid())
            .or_insert_with(|| (generation, Writes::new()));
        if *of != generation {
            return;
        }
        for told in &before.field_writes {
            let times = writes.entry(told.field.clone()).or_default();
            let all: BTreeSet<Timestamp> = times.iter().chain(&told.times).copied().collect();
            let excess = all.len().saturating_sub(KEPT);
            *times = all.into_iter().skip(excess).collect();
        }
    }

    /// Takes the fields that somebody else keeps writing out of a change; why they are held.
    pub(super) fn hold(
        &self,
        entry: &Entry,
        change: &mut Change,
        now: Timestamp,
    ) -> Option<Trouble> {
        let (of, writes) = self.by_resource.get(&entry.uid())?;
        if *of != generation(entry) {
            return None;
        }
        let mut held = BTreeSet::new();
        change.fields.retain(|field| {
            let name = name(&field.path);
            let waits = writes.get(&name).is_some_and(|times| waits(times, now));
            if waits {
                held.insert(name);
            }
            !waits
        });
        if held.is_empty() {
            return None;
        }
        let held: Vec<String> = held.iter().map(|name| escape(name).into_owned()).collect();
        Some(Trouble::new(
            Reason::Fighting,
            format!(
                "{} was written {MOST} times within an hour, and differs again: somebody else \
                 writes it, too. It is written once an hour at most until this resource is edited; \
                 find out who else manages it, or leave it to them with ignoreFields",
                held.join(", ")
            ),
        ))
    }

    /// Counts the writes of a change.
    pub(super) fn wrote(&mut self, entry: &Entry, change: &Change, now: Timestamp) {
        let generation = generation(entry);
        let (of, writes) = self.by_resource.entry(entry.uid()).or_default();
        if *of != generation {
            (*of, *writes) = (generation, Writes::new());
        }
        let written = change.fields.iter().filter(|one| one.before != one.after);
        let fields: BTreeSet<String> = written.map(|one| name(&one.path)).collect();
        for field in fields {
            let times = writes.entry(field).or_default();
            times.push(whole_second(now));
            let excess = times.len().saturating_sub(KEPT);
            times.drain(..excess);
        }
    }

    /// Returns what the status of a resource says for the next process: fields written more than
    /// once.
    pub(super) fn told(&self, entry: &Entry) -> Vec<FieldWrites> {
        let known = self.by_resource.get(&entry.uid());
        let known = known.filter(|(of, _)| *of == generation(entry));
        let writes = known.map(|(_, writes)| writes.iter());
        let repeated = writes
            .into_iter()
            .flatten()
            .filter(|(_, times)| times.len() > 1);
        let told = repeated.map(|(field, times)| FieldWrites {
            field: field.clone(),
            times: times.clone(),
        });
        told.take(MAX_FIELDS).collect()
    }

    /// Forgets resources that are gone.
    pub(super) fn keep(&mut self, there: &BTreeSet<Uid>) {
        self.by_resource.retain(|uid, _| there.contains(uid));
    }
}

/// Returns whether a field that was written at these times has to wait.
fn waits(times: &[Timestamp], now: Timestamp) -> bool {
    let too_many = times.windows(MOST).any(|some| match some {
        [first, .., last] => last.duration_since(*first) < WINDOW,
        _ => false,
    });
    too_many
        && times
            .last()
            .is_some_and(|last| now.duration_since(*last) < WINDOW)
}

/// The name of a field in a status: addresses are left out.
fn name(path: &FieldPath) -> String {
    match path {
        FieldPath::ItContact(_) => "it_contacts".to_owned(),
        path => path.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use portalctl_core::plan::{Action, FieldChange, Reason as Why};
    use portalctl_model::desired::Source;
    use portalctl_model::{OrgKey, OrganizationId};

    fn entry(generation: i64) -> Entry {
        let object = json!({
            "metadata": {
                "name": "acme", "namespace": "portal", "uid": "one", "generation": generation,
            },
            "spec": { "environmentRef": { "name": "production" }, "name": "Acme" },
        });
        Entry::of(Arc::new(serde_json::from_value(object).unwrap()), "here")
    }

    fn change(fields: &[&str]) -> Change {
        let field = |name: &&str| FieldChange {
            path: FieldPath::Metadata((*name).to_owned()),
            before: None,
            after: Some("x".to_owned()),
        };
        Change {
            key: OrgKey::parse("acme").unwrap(),
            action: Action::Update(OrganizationId::from_api("org_1".to_owned())),
            fields: fields.iter().map(field).collect(),
            reason: Why::NotDeclared,
            source: Source::nowhere(),
        }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    /// The fields that are written now, and the reason of what is not.
    fn writes(repairs: &Repairs, entry: &Entry, minutes: i64) -> (usize, Option<Reason>) {
        let mut change = change(&["tier", "team"]);
        let held = repairs.hold(entry, &mut change, at(minutes));
        (change.fields.len(), held.map(|trouble| trouble.reason))
    }

    #[test]
    fn a_field_written_three_times_in_an_hour_waits_an_hour_and_others_go_on() {
        let (entry, mut repairs) = (entry(1), Repairs::default());
        for minutes in [0, 10, 20] {
            assert_eq!(writes(&repairs, &entry, minutes), (2, None));
            repairs.wrote(&entry, &change(&["tier"]), at(minutes));
        }
        assert_eq!(writes(&repairs, &entry, 30), (1, Some(Reason::Fighting)));
        assert_eq!(writes(&repairs, &entry, 79), (1, Some(Reason::Fighting)));
        assert_eq!(writes(&repairs, &entry, 80), (2, None));
        // Once an hour from then on.
        repairs.wrote(&entry, &change(&["tier"]), at(80));
        assert_eq!(writes(&repairs, &entry, 90), (1, Some(Reason::Fighting)));
        assert_eq!(writes(&repairs, &entry, 140), (2, None));
    }

    #[test]
    fn writes_that_are_far_apart_are_no_fight() {
        let (entry, mut repairs) = (entry(1), Repairs::default());
        for minutes in [0, 31, 62, 93, 124] {
            assert_eq!(writes(&repairs, &entry, minutes), (2, None), "{minutes}");
            repairs.wrote(&entry, &change(&["tier"]), at(minutes));
        }
    }

    #[test]
    fn an_edit_begins_anew() {
        let mut repairs = Repairs::default();
        for minutes in [0, 1, 2] {
            repairs.wrote(&entry(1), &change(&["tier"]), at(minutes));
        }
        assert_eq!(writes(&repairs, &entry(1), 3).0, 1);
        assert_eq!(writes(&repairs, &entry(2), 3), (2, None));
        repairs.wrote(&entry(2), &change(&["tier"]), at(3));
        assert_eq!(writes(&repairs, &entry(2), 4), (2, None));
    }

    #[test]
    fn the_next_process_goes_on_counting_for_the_same_version() {
        let mut repairs = Repairs::default();
        repairs.wrote(&entry(1), &change(&["tier", "once"]), at(0));
        repairs.wrote(&entry(1), &change(&["tier"]), at(1));
        let told = repairs.told(&entry(1));
        assert_eq!(told.len(), 1, "{told:?}");
        let status = PortalOrganizationStatus {
            observed_generation: Some(1),
            field_writes: told,
            ..PortalOrganizationStatus::default()
        };
        let mut next = Repairs::default();
        next.learn(&entry(1), &status);
        next.wrote(&entry(1), &change(&["tier"]), at(2));
        assert_eq!(writes(&next, &entry(1), 3), (1, Some(Reason::Fighting)));
        let mut other = Repairs::default();
        other.learn(&entry(2), &status);
        assert!(other.told(&entry(2)).is_empty());
    }

    #[test]
    fn what_another_process_wrote_adds_to_what_this_one_did() {
        let mut repairs = Repairs::default();
        repairs.wrote(&entry(1), &change(&["tier"]), at(0));
        let status = PortalOrganizationStatus {
            observed_generation: Some(1),
            field_writes: vec![FieldWrites {
                field: "metadata.tier".to_owned(),
                times: vec![at(0), at(1), at(2)],
            }],
            ..PortalOrganizationStatus::default()
        };
        for _ in 0..2 {
            repairs.learn(&entry(1), &status);
        }
        assert_eq!(repairs.told(&entry(1))[0].times, [at(0), at(1), at(2)]);
        assert_eq!(writes(&repairs, &entry(1), 3), (1, Some(Reason::Fighting)));
    }

    #[test]
    fn no_address_stands_in_a_status() {
        let mut contacts = change(&[]);
        for address in ["ada@acme.com", "grace@acme.com"] {
            contacts.fields.push(FieldChange {
                path: FieldPath::ItContact(portalctl_model::Email::parse(address).unwrap()),
                before: None,
                after: Some(address.to_owned()),
            });
        }
        let mut repairs = Repairs::default();
        for minutes in [0, 1] {
            repairs.wrote(&entry(1), &contacts, at(minutes));
        }
        let told = repairs.told(&entry(1));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].field, "it_contacts");
        assert_eq!(told[0].times.len(), 2);
    }
}
