//! Counts of a plan, an apply and a readiness, in the order of every summary.

use std::collections::BTreeSet;

use portalctl_core::plan::{ActionKind, Plan};
use portalctl_core::readiness::{State, Totals};
use portalctl_model::OrgKey;
use portalctl_workos::apply::{ApplyReport, OutcomeTotals, Repeat};

use super::{Tone, action_sign, counted, state_label, state_sign};

/// Number of items of one kind, with its noun or participle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// Meaning.
    pub(crate) tone: Tone,
    /// Sign of the items.
    pub(crate) sign: &'static str,
    /// Number of items; `None` for a remark.
    pub(crate) number: Option<usize>,
    /// Label of one item.
    one: &'static str,
    /// Label of any other number of items.
    many: &'static str,
}

/// Remark in place of counts.
const NOTHING_TO_DO: Count = Count {
    tone: Tone::Good,
    sign: "✓",
    number: None,
    one: "nothing to do",
    many: "nothing to do",
};

impl Count {
    const fn new(tone: Tone, sign: &'static str, number: usize, label: &'static str) -> Self {
        Self {
            tone,
            sign,
            number: Some(number),
            one: label,
            many: label,
        }
    }

    /// Creates a count with the labels of one item and of several.
    pub(crate) const fn of(
        tone: Tone,
        sign: &'static str,
        number: usize,
        (one, many): (&'static str, &'static str),
    ) -> Self {
        Self {
            one,
            ..Self::new(tone, sign, number, many)
        }
    }

    /// Creates a remark in place of counts.
    pub(crate) const fn remark(tone: Tone, sign: &'static str, label: &'static str) -> Self {
        Self {
            number: None,
            ..Self::new(tone, sign, 0, label)
        }
    }

    /// Returns the label that fits the number.
    pub(crate) const fn label(&self) -> &'static str {
        match self.number {
            Some(1) => self.one,
            _ => self.many,
        }
    }

    /// Returns number and label: `2 conflicts`.
    pub(crate) fn text(&self) -> String {
        match self.number {
            Some(number) => format!("{number} {}", self.label()),
            None => self.label().to_owned(),
        }
    }

    fn is_zero(&self) -> bool {
        self.number == Some(0)
    }
}

/// Joins counts by commas, without colour.
pub(crate) fn joined(counts: &[Count]) -> String {
    counts
        .iter()
        .map(Count::text)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns the number of changes and of the organizations that they are made to: `3 changes to 2
/// organizations`.
pub(crate) fn touched(plan: &Plan) -> String {
    let keys: BTreeSet<&OrgKey> = plan.reviewed().map(|change| &change.key).collect();
    format!(
        "{} to {}",
        counted(plan.reviewed().count(), "change"),
        counted(keys.len(), "organization")
    )
}

/// Returns the counts of a plan that are not 0, and the unchanged entries.
pub(crate) fn plan_counts(plan: &Plan) -> Vec<Count> {
    let action = |kind: ActionKind, label| {
        let (tone, sign) = action_sign(kind);
        Count::new(tone, sign, plan.count(kind), label)
    };
    let mut counts = vec![
        action(ActionKind::Create, "to create"),
        action(ActionKind::Adopt, "to adopt"),
        action(ActionKind::Update, "to update"),
        action(ActionKind::Invite, "to invite"),
        action(ActionKind::Delete, "to delete"),
    ];
    counts.extend(undone(plan));
    counts.push(Count {
        one: "warning",
        ..Count::new(Tone::Warning, "*", plan.warnings.len(), "warnings")
    });
    counts.retain(|count| !count.is_zero());
    if plan.is_settled() {
        counts.insert(0, NOTHING_TO_DO);
    }
    counts.push(unchanged(plan));
    counts
}

/// Returns the counts of an apply that are not 0, the changes that were done, and the unchanged
/// entries.
pub(crate) fn apply_counts(report: &ApplyReport, plan: &Plan) -> Vec<Count> {
    let OutcomeTotals {
        done,
        refused,
        unknown,
        not_tried,
    } = report.totals();
    let mut counts = vec![
        Count::new(Tone::Bad, "✗", refused, "refused"),
        Count::new(Tone::Unsure, "?", unknown, "unknown"),
        Count::new(Tone::Notice, "-", not_tried, "not tried"),
    ];
    counts.extend(undone(plan));
    counts.retain(|count| !count.is_zero());
    if report.changes.is_empty() && plan.is_settled() {
        counts.insert(0, NOTHING_TO_DO);
    } else {
        let changes = report.changes.iter();
        let before = changes.filter(|applied| report.is_already_done(applied));
        let before = before.count();
        let already = Count::new(Tone::Good, "✓", before, "already done");
        let now = Count::new(Tone::Good, "✓", done - before, "done");
        counts.splice(
            0..0,
            match before {
                0 => vec![now],
                before if before == done => vec![already],
                _ => vec![now, already],
            },
        );
    }
    counts.push(unchanged(plan));
    counts
}

/// Returns the states of a readiness that are not 0, most urgent first, and the unread intents.
pub(crate) fn status_counts(totals: &Totals) -> Vec<Count> {
    let states = State::ALL.into_iter().map(|state| {
        let number = totals.of(state);
        Count::new(state.into(), state_sign(state), number, state_label(state))
    });
    let unread = Count::new(Tone::Quiet, "·", totals.not_read, "not read");
    let counts = states.chain([unread]);
    counts.filter(|count| !count.is_zero()).collect()
}

/// Returns the last line of a run that was interrupted or incomplete.
pub(crate) fn apply_end(report: &ApplyReport) -> Option<&'static str> {
    match (report.interrupted, report.is_complete()) {
        (false, true) => None,
        (true, true) => Some("interrupted after the last change; everything was done"),
        (true, false) => Some("interrupted; run apply again to go on"),
        (false, false) => Some(match report.repeat() {
            Repeat::Helps => "run apply again: it goes on where it stopped",
            Repeat::HelpsInPart => {
                "run apply again for what was lost or not tried; what was refused has to be \
                 corrected first"
            }
            Repeat::IsRefused => "correct what was refused: a repeat would be refused likewise",
        }),
    }
}

fn undone(plan: &Plan) -> [Count; 3] {
    let conflicts = plan.open_conflicts().count();
    let contested = plan.contested_domains().count();
    [
        Count::new(Tone::Notice, "#", plan.held.len(), "held"),
        Count {
            one: "conflict",
            ..Count::new(Tone::Bad, "!", conflicts, "conflicts")
        },
        Count {
            one: "contested domain",
            ..Count::new(Tone::Bad, "!", contested, "contested domains")
        },
    ]
}

const fn unchanged(plan: &Plan) -> Count {
    Count::new(Tone::Plain, "=", plan.unchanged, "unchanged")
}
