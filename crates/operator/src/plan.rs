//! Step 3 of a pass: the changes that are written now.
//!
//! Goes in: a resolved environment and the observed state. Comes out: a plan, and the reasons why
//! other changes wait. Writes nothing.

use std::collections::BTreeSet;

use super::cache::Cache;
use super::context::Pass;
use super::diff;
use super::entries::Entry;
use super::hold_back::{HeldBack, hold_back};
use super::ownership::decide_claims;
use super::resolve::Resolved;
use super::state::State;
use super::write::holder_field;
use portalctl_core::identity::identify;
use portalctl_core::plan::{ActionKind, Change, FieldChange, Plan};
use portalctl_core::readiness::readiness;
use portalctl_model::desired::Desired;
use portalctl_model::observed::Observed;
use portalctl_model::{OrgKey, Selection, mark};

/// Most organizations that one pass writes, so that results are reported soon and edits are seen soon.
const MAX_ORGANIZATIONS_PER_PASS: usize = 250;

/// Amount of work that a plan leaves for later passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// The plan holds all changes that may be made.
    None,
    /// More organizations are to be written.
    More,
}

/// Changes of one pass.
pub(super) struct Planned {
    /// Changes that are written now.
    pub(super) plan: Plan,
    /// Reasons why other changes wait, by entry.
    pub(super) held_back: HeldBack,
    /// Changes beyond those of one pass.
    pub(super) rest: Rest,
}

/// Decides the claims of all entries, and plans the changes that are written now.
pub(super) async fn plan(
    pass: &Pass<'_>,
    state: &mut State,
    resolved: &mut Resolved,
    cache: &Cache,
) -> Planned {
    let observed = &cache.observed;
    decide_claims(pass, state, resolved, observed).await;
    let mut plan = writable(pass, state, resolved, observed);
    let held_back = hold_back(pass, state, resolved, observed, &mut plan.changes);
    let rest = limit(&mut plan.changes, MAX_ORGANIZATIONS_PER_PASS);
    for change in &mut plan.changes {
        expect_holder(change, &resolved.desired);
    }
    Planned {
        plan,
        held_back,
        rest,
    }
}

/// Plans the changes of the entries that may be written and do not wait for a retry.
fn writable(pass: &Pass<'_>, state: &State, resolved: &Resolved, observed: &Observed) -> Plan {
    let clock = &pass.context.clock;
    let now = clock.instant();
    let failed = &state.writes.failed;
    let may_be_written = |entry: &&Entry| {
        let waits = entry
            .key()
            .is_some_and(|key| failed.waiting(key, entry.generation(), now).is_some());
        !entry.is_being_deleted() && entry.read_only.is_none() && !waits
    };
    let entries = resolved.entries.iter().filter(may_be_written);
    let keys: BTreeSet<OrgKey> = entries.filter_map(Entry::key).cloned().collect();
    let desired = &resolved.desired;
    let identities = identify(desired, observed);
    let selection = Selection::of(keys.clone());
    let readiness = readiness(desired, observed, &identities, &selection, clock.now());
    let input = diff::Input {
        desired,
        observed,
        identities: &identities,
        unconfigured: &readiness.unconfigured(),
        target: &resolved.connection.target,
    };
    diff::plan(&input, keys)
}

/// Keeps the changes of the first organizations. Pure.
fn limit(changes: &mut Vec<Change>, max: usize) -> Rest {
    let mut first = BTreeSet::new();
    let mut rest = Rest::None;
    changes.retain(|change| {
        let is_first = first.contains(&change.key) || first.len() < max;
        if is_first {
            first.insert(change.key.clone());
        } else {
            rest = Rest::More;
        }
        is_first
    });
    rest
}

/// Makes an update fail if somebody else has taken hold of the organization by then: it gets a field
/// that stays as it is, which `apply` checks before it writes.
fn expect_holder(change: &mut Change, desired: &Desired) {
    let declared = desired.organizations.get(&change.key);
    let holder = declared.and_then(|declared| declared.holder.as_ref());
    let Some(holder) = holder.map(ToString::to_string) else {
        return;
    };
    if change.action.kind() == ActionKind::Update && holder_field(change).is_none() {
        let before = Some(holder.clone());
        let field = FieldChange::metadata(mark::HOLDER, before, Some(holder));
        change.fields.push(field);
        change.fields.sort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_core::plan::{Action, Reason as Why};
    use portalctl_model::desired::Source;

    fn change(key: &str) -> Change {
        Change {
            key: OrgKey::parse(key).unwrap(),
            action: Action::Create,
            fields: Vec::new(),
            reason: Why::Missing,
            source: Source::nowhere(),
        }
    }

    #[test]
    fn a_pass_begins_with_the_first_organizations_and_all_of_their_changes() {
        let mut changes: Vec<Change> = ["a", "b", "c", "a"].into_iter().map(change).collect();
        assert_eq!(limit(&mut changes, 2), Rest::More);
        let keys: Vec<&str> = changes.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "a"]);
        assert_eq!(limit(&mut changes, 2), Rest::None);
        assert_eq!(changes.len(), 3);
    }
}
