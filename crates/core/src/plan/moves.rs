//! Domains that move from one declared organization to another: removed first, then added.
//!
//! WorkOS lets one organization verify a domain, so the one that gives it up comes first, whatever
//! kind of change adds it elsewhere. What keeps a domain where it is keeps it from being added.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::change::{Change, Conflict, Held, HeldReason, Reason, Scope, Warning};
use super::field_change::FieldChange;
use crate::identity::{Contest, Identities, Rival};
use portalctl_model::codes::plan as codes;
use portalctl_model::text::escape;
use portalctl_model::{Domain, OrgKey, OrganizationId};

/// Returns the domains that changes take from one organization and give to another.
pub fn moving(changes: &[Change]) -> BTreeSet<Domain> {
    let mut added: BTreeMap<&Domain, Vec<&OrgKey>> = BTreeMap::new();
    for change in changes {
        for domain in change.added_domains() {
            added.entry(domain).or_default().push(&change.key);
        }
    }
    let is_added_elsewhere = |domain: &Domain, key: &OrgKey| {
        let keys = added.get(domain).map_or(&[][..], Vec::as_slice);
        keys.iter().any(|to| *to != key)
    };
    let mut moving = BTreeSet::new();
    for change in changes {
        let removed = change.removed_domains();
        let removed = removed.filter(|domain| is_added_elsewhere(domain, &change.key));
        moving.extend(removed.cloned());
    }
    moving
}

/// Returns whether a change takes a domain away that another one adds: it is done first.
pub fn comes_first(change: &Change, moving: &BTreeSet<Domain>) -> bool {
    !moving.is_empty()
        && change
            .removed_domains()
            .any(|domain| moving.contains(domain))
}

/// Holds what cannot be added because its removal is held, leaves contested what nobody removes in
/// this run, and tells what a move of a verified domain means.
pub(super) fn settle(plan: &mut Plan, identities: &Identities) {
    for (key, contests) in &identities.contested {
        for (domain, contest) in contests.iter().filter(|(_, contest)| !contest.is_allowed) {
            for rival in &contest.rivals {
                if let Some(giver) = &rival.gives_up {
                    let to_settle = Move {
                        key,
                        domain,
                        contest,
                        rival,
                        giver,
                    };
                    to_settle.settle(plan);
                }
            }
        }
    }
}

/// Move of one domain from the organization of one entry to that of another.
struct Move<'a> {
    /// The entry that gets the domain.
    key: &'a OrgKey,
    domain: &'a Domain,
    contest: &'a Contest,
    /// The organization that has the domain.
    rival: &'a Rival,
    /// The entry that gives the domain up.
    giver: &'a OrgKey,
}

impl Move<'_> {
    fn settle(&self, plan: &mut Plan) {
        let Self {
            key,
            domain,
            rival,
            giver,
            ..
        } = *self;
        let adds =
            |change: &Change| change.key == *key && change.added_domains().any(|it| it == domain);
        if !plan.changes.iter().any(adds) {
            return;
        }
        let removes = |change: &Change| {
            change.action.organization() == Some(&rival.organization)
                && change.removed_domains().any(|it| it == domain)
        };
        if plan.changes.iter().any(removes) {
            plan.warnings
                .extend(stops_sign_in(key, domain, rival, giver));
            return;
        }
        let removal = plan.held.iter().find(|held| removes(&held.change));
        if let Some(removal) = removal {
            let (flag, reason) = (removal.flag, Self::waits_for(&removal.reason));
            if let Some(change) = take(plan, key, domain, giver) {
                plan.held.push(Held {
                    change,
                    reason,
                    flag,
                    permission: None,
                });
                plan.warnings
                    .extend(stops_sign_in(key, domain, rival, giver));
            }
        } else if rival.state.is_verified() {
            take(plan, key, domain, giver);
            plan.conflicts.push(self.not_given_up());
        } else {
            plan.warnings.push(self.pending_elsewhere());
        }
    }

    /// Returns the reason why the addition is held along with the removal.
    const fn waits_for(removal: &HeldReason) -> HeldReason {
        match removal {
            HeldReason::NeedsFlag | HeldReason::HeldByAnother(_) => HeldReason::NeedsFlag,
            HeldReason::LimitExceeded { .. }
            | HeldReason::WaitsForHeld
            | HeldReason::MostlyUndeclared { .. }
            | HeldReason::FilesSkipped { .. }
            | HeldReason::PossibleRename { .. }
            | HeldReason::Saved(_) => HeldReason::WaitsForHeld,
        }
    }

    /// Creates the conflict about a verified domain that this run does not remove from its giver.
    fn not_given_up(&self) -> Conflict {
        Conflict {
            key: self.key.clone(),
            code: codes::DOMAIN_VERIFIED_ELSEWHERE,
            message: self.contest.verified_elsewhere(self.domain),
            help: format!(
                "`{}` gives it up, which this run does not do: apply both entries together",
                self.giver
            ),
            scope: Scope::Domain(self.domain.clone()),
        }
    }

    /// Creates the warning about a domain that another run removes from its giver.
    fn pending_elsewhere(&self) -> Warning {
        let Self { rival, giver, .. } = *self;
        Warning {
            key: self.key.clone(),
            code: codes::DOMAIN_PENDING_ELSEWHERE,
            message: format!(
                "the domain {} is also {} on {rival}, whose entry `{giver}` gives it up in \
                 another run",
                self.domain.shown(),
                escape(rival.state.as_str())
            ),
        }
    }
}

/// Takes the addition of a domain out of the changes, as a change of its own.
fn take(plan: &mut Plan, key: &OrgKey, domain: &Domain, giver: &OrgKey) -> Option<Change> {
    let is_it = |field: &FieldChange| field.added_domain() == Some(domain);
    let change = plan
        .changes
        .iter_mut()
        .find(|change| change.key == *key && change.fields.iter().any(is_it))?;
    let taken = change.fields.extract_if(.., |field| is_it(field)).collect();
    let taken = Change {
        fields: taken,
        reason: Reason::DomainMoves {
            domain: domain.clone(),
            from: giver.clone(),
        },
        ..change.clone()
    };
    plan.changes
        .retain(|change| !change.fields.is_empty() || change.action.invitation().is_some());
    Some(taken)
}

/// A verified domain arrives pending.
fn stops_sign_in(key: &OrgKey, domain: &Domain, rival: &Rival, giver: &OrgKey) -> Option<Warning> {
    rival.state.is_verified().then(|| Warning {
        key: key.clone(),
        code: codes::DOMAIN_MOVES,
        message: format!(
            "the domain {} moves here from `{giver}` ({}), where it is verified; it arrives \
             pending, and sign-in by it stops until it is verified here",
            domain.shown(),
            escape(OrganizationId::as_str(&rival.organization))
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Action;
    use portalctl_model::desired::Source;
    use portalctl_model::observed::DomainState;

    fn change(key: &str, field: FieldChange) -> Change {
        Change {
            key: OrgKey::parse(key).unwrap(),
            action: Action::Update(OrganizationId::from_api(format!("org_{key}"))),
            fields: vec![field],
            reason: Reason::DomainNotDeclared,
            source: Source::nowhere(),
        }
    }

    fn added(key: &str, domain: &str) -> Change {
        let domain = Domain::parse(domain).unwrap();
        change(key, FieldChange::pending_domain(domain))
    }

    fn removed(key: &str, domain: &str) -> Change {
        let domain = Domain::parse(domain).unwrap();
        let field = FieldChange::Domain {
            domain,
            before: Some(DomainState::Pending),
            after: None,
        };
        change(key, field)
    }

    #[test]
    fn a_domain_moves_where_one_entry_loses_it_and_another_gets_it() {
        let changes = [
            removed("acme", "a.example"),
            added("beta", "a.example"),
            removed("acme", "b.example"),
            added("gamma", "c.example"),
            removed("delta", "d.example"),
            added("delta", "d.example"),
        ];
        let moving = moving(&changes);
        let names: Vec<&str> = moving.iter().map(Domain::as_str).collect();
        assert_eq!(names, ["a.example"]);
        let first: Vec<bool> = changes
            .iter()
            .map(|change| comes_first(change, &moving))
            .collect();
        assert_eq!(first, [true, false, false, false, false, false]);
    }
}
