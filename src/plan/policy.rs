//! What this run may do: narrows a plan, drops nothing silently.

use super::change::{ActionKind, Change, Flag, Held, HeldReason};
use crate::model::desired::{Limits, UpdateLimit};

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
        let create = limits.create.map(|count| count as usize);
        let update = limits
            .update
            .and_then(|limit| update_limit(limit, existing));
        for (allowed, kinds) in [
            (create, &[ActionKind::Create][..]),
            (update, &[ActionKind::Update, ActionKind::Adopt][..]),
        ] {
            let is_limited = |change: &Change| kinds.contains(&change.action.kind());
            let planned = changes.iter().filter(|change| is_limited(change)).count();
            let Some(allowed) = allowed.filter(|allowed| planned > *allowed) else {
                continue;
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
    }
}

fn update_limit(limit: UpdateLimit, existing: usize) -> Option<usize> {
    match limit {
        UpdateLimit::Count(count) => Some(count as usize),
        UpdateLimit::Percent(_) if existing < SMALLEST_MANIFEST_WITH_PERCENTAGE => None,
        UpdateLimit::Percent(percent) => Some(existing * usize::from(percent) / 100),
    }
}
