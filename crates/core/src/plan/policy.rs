//! Powers of a run: narrows a plan, and drops nothing silently.

use std::collections::BTreeSet;

use super::Plan;
use super::change::{ActionKind, Change, Flag, Held, HeldReason, Reason};
use portalctl_model::desired::{Limits, Powers, UpdateLimit};
use portalctl_model::{Allow, OrgKey};

/// The powers that flags give to one run; all off by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one flag of the command line"
)]
pub struct Policy {
    /// `--adopt`: unclaimed organizations may be taken over.
    pub adopt: bool,
    /// `--adopt-owned`: what another manifest or an operator holds may be changed and taken over.
    pub adopt_owned: bool,
    /// `--allow-rekey`: a different external id may be written over.
    pub allow_rekey: bool,
    /// `--allow-trusted-domains`: domains may be created as verified.
    pub allow_trusted_domains: bool,
    /// `--allow-domain-removal`: verified domains may be removed.
    pub allow_domain_removal: bool,
    /// `--allow-data-loss`: audit-log events may be kept for a shorter time than now.
    pub allow_data_loss: bool,
    /// `--prune`: what this manifest created and no longer declares is deleted.
    pub prune: bool,
    /// `--prune-active`: also organizations that are in use.
    pub prune_active: bool,
    /// `--allow-bulk`: limits do not apply, and neither do doubts about the manifest as a whole.
    pub allow_bulk: bool,
}

/// So many e-mails to customers a run may send unasked.
const MAX_INVITATIONS: usize = 10;

/// Below this many existing organizations a percentage says nothing.
const SMALLEST_MANIFEST_WITH_PERCENTAGE: usize = 10;

impl Policy {
    /// The same, with what the manifest itself allows every run.
    #[must_use]
    pub const fn with(self, powers: Powers) -> Self {
        let Powers {
            adopt,
            rekey,
            trusted_domains,
            domain_removal,
            data_loss,
        } = powers;
        Self {
            adopt: self.adopt || adopt,
            allow_rekey: self.allow_rekey || rekey,
            allow_trusted_domains: self.allow_trusted_domains || trusted_domains,
            allow_domain_removal: self.allow_domain_removal || domain_removal,
            allow_data_loss: self.allow_data_loss || data_loss,
            ..self
        }
    }

    /// Returns whether a flag was given.
    pub const fn allows(self, flag: Flag) -> bool {
        match flag {
            Flag::Adopt => self.adopt,
            Flag::AdoptOwned => self.adopt_owned,
            Flag::AllowRekey => self.allow_rekey,
            Flag::AllowTrustedDomains => self.allow_trusted_domains,
            Flag::PruneActive => self.prune_active,
            Flag::AllowBulk => self.allow_bulk,
            Flag::AllowDomainRemoval => self.allow_domain_removal,
            Flag::AllowDataLoss => self.allow_data_loss,
        }
    }

    /// Moves all changes of a kind whose number exceeds its limit to `held`.
    ///
    /// `existing` is how many of the manifest's organizations exist, for percentages. The
    /// invitations of `uncounted` entries are sent however many there are.
    pub(super) fn hold_beyond_limits(
        self,
        limits: &Limits,
        existing: usize,
        uncounted: &BTreeSet<OrgKey>,
        plan: &mut Plan,
    ) {
        if self.allow_bulk {
            return;
        }
        let Plan { changes, held, .. } = plan;
        let create = limits.create.map(|count| count as usize);
        let update = limits
            .update
            .and_then(|limit| update_limit(limit, existing));
        let delete = Some(limits.delete as usize);
        for (allowed, limited) in [
            (create, Limited::Creates),
            (update, Limited::Updates),
            (delete, Limited::Deletes),
        ] {
            hold_beyond(
                allowed,
                |change| Limited::of(change) == limited,
                changes,
                held,
            );
        }
        hold_what_waits(changes, held);
        let is_counted = |change: &Change| {
            Limited::of(change) == Limited::Invitations && !uncounted.contains(&change.key)
        };
        let most = Some(MAX_INVITATIONS);
        let first = held.len();
        hold_beyond(most, is_counted, changes, held);
        for held in held.iter_mut().skip(first) {
            held.permission = Some(Allow::InviteBulk);
        }
    }
}

/// Holds all changes of a kind when there are more of them than are allowed.
fn hold_beyond(
    allowed: Option<usize>,
    is_limited: impl Fn(&Change) -> bool,
    changes: &mut Vec<Change>,
    held: &mut Vec<Held>,
) {
    let planned = changes.iter().filter(|change| is_limited(change)).count();
    let Some(allowed) = allowed.filter(|allowed| planned > *allowed) else {
        return;
    };
    for change in changes.extract_if(.., |change| is_limited(change)) {
        let reason = HeldReason::LimitExceeded { planned, allowed };
        held.push(Held {
            change,
            reason,
            flag: Flag::AllowBulk,
            permission: None,
        });
    }
}

/// Holds what builds on a change that a limit holds: the invitations of the same organization,
/// which or whose contact may not be there, and the removal of domains of one that is yet to be
/// taken over.
fn hold_what_waits(changes: &mut Vec<Change>, held: &mut Vec<Held>) {
    let is_first = |held: &&Held| {
        matches!(held.reason, HeldReason::LimitExceeded { .. })
            && matches!(
                Limited::of(&held.change),
                Limited::Creates | Limited::Updates
            )
    };
    let keys = |is_wanted: fn(&Change) -> bool| -> BTreeSet<OrgKey> {
        let first = held.iter().filter(is_first);
        let first = first.filter(|held| is_wanted(&held.change));
        first.map(|held| held.change.key.clone()).collect()
    };
    let (waiting, taken_over) = (keys(|_| true), keys(Change::takes_over));
    let waits = |change: &Change| match Limited::of(change) {
        Limited::Invitations => waiting.contains(&change.key),
        Limited::Deletes => taken_over.contains(&change.key),
        Limited::Creates | Limited::Updates | Limited::Bookkeeping => false,
    };
    for change in changes.extract_if(.., |change| waits(change)) {
        held.push(Held {
            change,
            reason: HeldReason::WaitsForHeld,
            flag: Flag::AllowBulk,
            permission: None,
        });
    }
}

/// Kind of change that a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limited {
    Creates,
    /// Organizations that are changed or taken over: each has one such change at most.
    Updates,
    /// Organizations that are deleted, and domains that are removed.
    Deletes,
    /// E-mails to customers.
    Invitations,
    /// Organizations of which only portalctl's own marks are written: never limited.
    Bookkeeping,
}

impl Limited {
    fn of(change: &Change) -> Self {
        if matches!(change.reason, Reason::FormerName(_)) {
            return Self::Bookkeeping;
        }
        match change.action.kind() {
            ActionKind::Create => Self::Creates,
            ActionKind::Update if change.is_bookkeeping() || change.takes_hold_only() => {
                Self::Bookkeeping
            }
            ActionKind::Update if change.removes_a_domain() => Self::Deletes,
            ActionKind::Adopt | ActionKind::Update => Self::Updates,
            ActionKind::Delete => Self::Deletes,
            ActionKind::Invite => Self::Invitations,
        }
    }
}

fn update_limit(limit: UpdateLimit, existing: usize) -> Option<usize> {
    match limit {
        UpdateLimit::Count(count) => Some(count as usize),
        UpdateLimit::Percent(_) if existing < SMALLEST_MANIFEST_WITH_PERCENTAGE => None,
        UpdateLimit::Percent(percent) => Some(existing * usize::from(percent) / 100),
    }
}
