//! Organizations that are declared with `state: absent`: each is deleted by its id.
//!
//! Goes in: the entries, what is live, and what this run may do. Comes out: one deletion for each
//! organization that still exists, with the guards of pruning, and a note for each that is gone.
//! Never deletes what another entry is about, or what is protected.

use super::change::{Action, Change, Conflict, Flag, Held, HeldReason, Reason, Scope, Warning};
use super::field_change::FieldChange;
use super::in_use::in_use;
use super::policy::Policy;
use super::{Plan, PlanInput, deletion};
use crate::identity::ownership::{Declarant, Ownership, Standing};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{AbsentOrganization, Desired};
use portalctl_model::observed::{Organization, Usage};
use portalctl_model::text::escape;
use portalctl_model::{Allow, ManifestName, OrgKey, mark};

/// Plans the deletions of the entries with `state: absent`.
pub(super) fn add(plan: &mut Plan, input: PlanInput<'_>) {
    let PlanInput {
        desired,
        observed,
        identities,
        policy,
        selection,
        ..
    } = input;
    for (key, entry) in &desired.absent {
        if !selection.has_key(key) {
            continue;
        }
        if let Some(conflicts) = identities.absent_conflicts.get(key) {
            plan.conflicts
                .extend(conflicts.iter().map(|conflict| Conflict {
                    key: key.clone(),
                    code: conflict.code,
                    message: conflict.message.clone(),
                    help: conflict.help.clone(),
                    scope: Scope::Entry,
                }));
            continue;
        }
        match observed.organizations.get(&entry.id) {
            Some(live) => {
                let absence = Absence {
                    key,
                    entry,
                    live,
                    usage: observed.usage.get(&entry.id),
                    desired,
                    policy,
                };
                absence.add(plan);
            }
            None => plan.notes.push(gone(key, entry)),
        }
    }
}

/// The note about an entry that has done what it was for.
fn gone(key: &OrgKey, entry: &AbsentOrganization) -> Warning {
    Warning {
        key: key.clone(),
        code: codes::ABSENT_GONE,
        message: format!(
            "`state: absent` is used up: {} is gone; remove the entry",
            escape(entry.id.as_str())
        ),
    }
}

/// One organization that is to be deleted.
struct Absence<'a> {
    key: &'a OrgKey,
    entry: &'a AbsentOrganization,
    live: &'a Organization,
    usage: Option<&'a Usage>,
    desired: &'a Desired,
    policy: Policy,
}

impl Absence<'_> {
    fn add(&self, plan: &mut Plan) {
        let is_protected = self.live.metadata.contains_key(mark::PROTECT);
        if is_protected && !self.entry.lifts_protection {
            plan.conflicts.push(self.protected());
            return;
        }
        let change = self.deletion();
        let evidence = in_use(self.live, self.usage);
        plan.warnings
            .extend(deletion::unread(self.key, self.usage, &evidence));
        let mut needs: Vec<(Flag, HeldReason)> = Vec::new();
        if let Standing::Theirs(rival) = self.standing() {
            needs.push((Flag::AdoptOwned, HeldReason::HeldByAnother(rival)));
        }
        if let Some(first) = self.desired.skipped.first() {
            let reason = HeldReason::FilesSkipped {
                first: first.clone(),
                more: self.desired.skipped.len() - 1,
            };
            needs.push((Flag::AllowBulk, reason));
        }
        if !evidence.is_empty() {
            needs.push((Flag::PruneActive, HeldReason::NeedsFlag));
        }
        plan.warnings.extend(self.unused_permissions(&needs));
        let mut needs = needs.into_iter();
        if let Some((flag, reason)) = needs.find(|(flag, _)| !self.allows(*flag)) {
            plan.held.push(Held {
                change,
                reason,
                flag,
                permission: flag.as_allow(),
            });
            return;
        }
        if is_protected {
            plan.changes.push(self.lift());
        }
        plan.changes.push(change);
    }

    fn allows(&self, flag: Flag) -> bool {
        let own = flag.as_allow();
        self.policy.allows(flag) || own.is_some_and(|allow| self.entry.allow.contains(&allow))
    }

    fn standing(&self) -> Standing {
        Ownership::of(self.live).for_manifest(&Declarant {
            manifest: self.desired.manifest.as_ref(),
            previous: &self.desired.previous_manifests,
            resource: None,
        })
    }

    /// The deletion: it shows that it was declared, and every mark of another that goes along.
    fn deletion(&self) -> Change {
        let mut change = deletion::deletion(self.live, self.usage);
        change.fields.push(FieldChange::State);
        let own = self.desired.manifest.as_ref().map(ManifestName::as_str);
        let owner = self.live.metadata.get(mark::OWNER);
        if let Some(owner) = owner.filter(|owner| own != Some(owner.as_str())) {
            let owner = Some(owner.clone());
            change
                .fields
                .push(FieldChange::metadata(mark::OWNER, owner, None));
        }
        change.fields.sort();
        Change {
            key: self.key.clone(),
            reason: Reason::DeclaredAbsent,
            source: self.entry.source.clone(),
            ..change
        }
    }

    /// Removes the mark of protection first.
    fn lift(&self) -> Change {
        let before = self.live.metadata.get(mark::PROTECT).cloned();
        Change {
            key: self.key.clone(),
            action: Action::Update(self.live.id.clone()),
            fields: vec![FieldChange::metadata(mark::PROTECT, before, None)],
            reason: Reason::LiftsProtection,
            source: self.entry.source.clone(),
        }
    }

    fn protected(&self) -> Conflict {
        Conflict {
            key: self.key.clone(),
            code: codes::ABSENT_PROTECTED,
            message: format!(
                "{} is protected by the mark `{}`, and `state: absent` is declared",
                escape(self.live.id.as_str()),
                mark::PROTECT
            ),
            help: "write `protect: false` beside `state: absent` if it is to be deleted".to_owned(),
            scope: Scope::Entry,
        }
    }

    /// Warns of each permission that nothing here needs.
    fn unused_permissions(&self, needs: &[(Flag, HeldReason)]) -> Vec<Warning> {
        let is_needed = |allow: &Allow| {
            let mut flags = needs.iter().map(|(flag, _)| flag.as_allow());
            flags.any(|needed| needed == Some(*allow))
        };
        let unused = self.entry.allow.iter().filter(|allow| !is_needed(allow));
        unused
            .map(|allow| Warning {
                key: self.key.clone(),
                code: codes::ALLOW_UNUSED,
                message: format!("`allow: [{allow}]` is used up: nothing here needs it; remove it"),
            })
            .collect()
    }
}
