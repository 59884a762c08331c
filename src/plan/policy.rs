//! What this run may do: narrows a plan, drops nothing silently.

use super::change::{ActionKind, Change, FieldChange, Flag, Held, HeldReason};
use crate::model::desired::{FieldPath, Limits, UpdateLimit};

/// The powers that flags give to one run; all off by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one flag of the command line"
)]
pub struct Policy {
    /// `--adopt`: unclaimed organizations may be taken over.
    pub adopt: bool,
    /// `--allow-rekey`: a different external id may be written over.
    pub allow_rekey: bool,
    /// `--allow-trusted-domains`: domains may be created as verified.
    pub allow_trusted_domains: bool,
    /// `--allow-domain-removal`: verified domains may be removed.
    pub allow_domain_removal: bool,
    /// `--prune`: what this manifest created and no longer declares is deleted.
    pub prune: bool,
    /// `--prune-active`: also where a connection or directory is active.
    pub prune_active: bool,
    /// `--allow-bulk`: limits do not apply.
    pub allow_bulk: bool,
}

/// Below this many existing organizations a percentage says nothing.
const SMALLEST_MANIFEST_WITH_PERCENTAGE: usize = 10;

impl Policy {
    /// Whether a flag was given.
    pub const fn allows(self, flag: Flag) -> bool {
        match flag {
            Flag::Adopt => self.adopt,
            Flag::AllowRekey => self.allow_rekey,
            Flag::AllowTrustedDomains => self.allow_trusted_domains,
            Flag::PruneActive => self.prune_active,
            Flag::AllowBulk => self.allow_bulk,
            Flag::AllowDomainRemoval => self.allow_domain_removal,
        }
    }

    /// Moves all changes of a kind whose number exceeds its limit to `held`.
    ///
    /// `existing` is how many of the manifest's organizations exist, for percentages.
    pub(super) fn hold_beyond_limits(
        self,
        limits: &Limits,
        existing: usize,
        changes: &mut Vec<Change>,
        held: &mut Vec<Held>,
    ) {
        if self.allow_bulk {
            return;
        }
        let creates = |change: &Change| change.action.kind() == ActionKind::Create;
        let updates = |change: &Change| {
            matches!(change.action.kind(), ActionKind::Update | ActionKind::Adopt)
                && !removes_a_domain(change)
        };
        let deletes = |change: &Change| {
            change.action.kind() == ActionKind::Delete || removes_a_domain(change)
        };
        let update = limits
            .update
            .and_then(|limit| update_limit(limit, existing));
        hold_all(
            limits.create.map(|count| count as usize),
            creates,
            changes,
            held,
        );
        hold_all(update, updates, changes, held);
        hold_all(Some(limits.delete as usize), deletes, changes, held);
    }
}

/// Holds all changes of a kind when there are more than allowed.
fn hold_all(
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
            allow: Flag::AllowBulk,
        });
    }
}

/// Removing a domain is an update by its action and a deletion by its weight.
fn removes_a_domain(change: &Change) -> bool {
    let is_removal =
        |field: &FieldChange| matches!(field.path, FieldPath::Domain(_)) && field.after.is_none();
    change.action.kind() == ActionKind::Update && change.fields.iter().any(is_removal)
}

fn update_limit(limit: UpdateLimit, existing: usize) -> Option<usize> {
    match limit {
        UpdateLimit::Count(count) => Some(count as usize),
        UpdateLimit::Percent(_) if existing < SMALLEST_MANIFEST_WITH_PERCENTAGE => None,
        UpdateLimit::Percent(percent) => Some(existing * usize::from(percent) / 100),
    }
}
