//! Reasons why changes are held.

use portalctl_core::plan::{ActionKind, Held, HeldReason};

use super::and_more;

/// Returns the reason for holding a change, in one sentence.
pub(crate) fn held_reason(held: &Held) -> String {
    match &held.reason {
        HeldReason::NeedsFlag | HeldReason::Saved(_) => held.change.reason.to_string(),
        HeldReason::LimitExceeded { planned, allowed }
            if held.change.action.kind() == ActionKind::Invite =>
        {
            format!("a run sends {allowed} invitations at most unasked, the plan has {planned}")
        }
        HeldReason::HeldByAnother(rival) => format!("{}; {rival} has it", held.change.reason),
        HeldReason::WaitsForHeld => {
            "the change of its organization that comes first is held".to_owned()
        }
        HeldReason::LimitExceeded { planned, allowed } => format!(
            "the manifest's limits allow {allowed} of these in one run, the plan has {planned}"
        ),
        HeldReason::MostlyUndeclared { marked, declared } => format!(
            "of {marked} organizations that this manifest created only {declared} are declared: \
             is this the whole manifest?"
        ),
        HeldReason::FilesSkipped { first, more } => format!(
            "`{first}`{} of the manifest was not read, so what is not declared is not certain",
            and_more(*more)
        ),
        HeldReason::PossibleRename { first, more } => format!(
            "the plan also creates `{first}`{}: if it is this customer under another key, write \
             `previous_keys: [{}]` there",
            and_more(*more),
            held.change.key
        ),
    }
}
