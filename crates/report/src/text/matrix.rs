//! Matrix of organizations and intents, in the widest style that fits the terminal.

use std::collections::BTreeSet;

use super::Layout;
use crate::view::{intent_label, intent_sign, state_label, state_sign};
use crate::width::{fill, pad, width};
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, State};
use portalctl_model::Intent;

/// Cell style of the matrix: the widest one that fits the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cells {
    /// Columns headed `domain_verification`, cells like `✓ configured`.
    Words,
    /// Columns headed `domains`, cells like `✓ configured`.
    ShortHeads,
    /// Columns headed `domains`, cells like `✓`, explained below the matrix.
    Signs,
}

impl Cells {
    const WIDEST_FIRST: [Self; 3] = [Self::Words, Self::ShortHeads, Self::Signs];

    fn head(self, intent: Intent) -> &'static str {
        match self {
            Self::Words => intent.as_str(),
            Self::ShortHeads | Self::Signs => intent.short(),
        }
    }

    fn text(self, state: State) -> String {
        self.shown(state_sign(state), state_label(state))
    }

    fn of(self, intent: &IntentReadiness) -> String {
        self.shown(intent_sign(intent), intent_label(intent))
    }

    fn shown(self, sign: &str, label: &str) -> String {
        match self {
            Self::Words | Self::ShortHeads => format!("{sign} {label}"),
            Self::Signs => sign.to_owned(),
        }
    }

    fn column_width(self, intent: Intent) -> usize {
        let cells = State::ALL.iter().map(|state| width(&self.text(*state)));
        cells.max().unwrap_or(0).max(width(self.head(intent)))
    }
}

/// Writes the matrix, or a list on terminals too narrow for one.
pub(super) fn matrix(out: &mut String, rows: &[&OrganizationReadiness], layout: &Layout) {
    let used: BTreeSet<Intent> = rows
        .iter()
        .flat_map(|row| row.intents.iter().map(|i| i.intent))
        .collect();
    let columns: Vec<Intent> = Intent::ALL
        .into_iter()
        .filter(|i| used.contains(i))
        .collect();
    let label = rows
        .iter()
        .map(|row| width(row.key.as_str()))
        .max()
        .unwrap_or(0);
    let fits = |cells: &Cells| {
        let columns: usize = columns.iter().map(|c| 2 + cells.column_width(*c)).sum();
        label + columns <= layout.width
    };
    let Some(cells) = Cells::WIDEST_FIRST.into_iter().find(fits) else {
        return list(out, rows, layout);
    };
    if rows.is_empty() || columns.is_empty() {
        return;
    }
    let mut head = pad("", label);
    for column in &columns {
        push!(
            head,
            "  {}",
            pad(cells.head(*column), cells.column_width(*column))
        );
    }
    push_line!(out, "{}", layout.paint.quiet(head.trim_end()));
    for row in rows {
        let mut line = layout.paint.strong(pad(row.key.as_str(), label));
        for column in &columns {
            let intent = row.intents.iter().find(|i| i.intent == *column);
            line.push_str("  ");
            line.push_str(&cell(intent, cells.column_width(*column), cells, layout));
        }
        push_line!(out, "{}", line.trim_end());
    }
    if cells == Cells::Signs {
        legend(out, rows, layout);
    }
}

/// Writes a legend of the signs in use.
fn legend(out: &mut String, rows: &[&OrganizationReadiness], layout: &Layout) {
    let intents = || rows.iter().flat_map(|row| &row.intents);
    let read = intents().filter(|intent| !intent.is_not_read());
    let used: BTreeSet<State> = read.map(|intent| intent.state).collect();
    let mut items: Vec<String> = used
        .iter()
        .map(|state| format!("{} {},", state_sign(*state), state_label(*state)))
        .collect();
    let unread = intents().find(|intent| intent.is_not_read());
    items.extend(unread.map(|it| format!("{} {},", intent_sign(it), intent_label(it))));
    items.push(". not declared".to_owned());
    for line in fill(items.iter().map(String::as_str), layout.width) {
        push_line!(out, "{line}");
    }
}

fn cell(intent: Option<&IntentReadiness>, columns: usize, cells: Cells, layout: &Layout) -> String {
    match intent {
        Some(intent) if intent.is_not_read() => layout.paint.quiet(pad(&cells.of(intent), columns)),
        Some(intent) => layout
            .paint
            .toned(intent.state, pad(&cells.of(intent), columns)),
        None => layout.paint.quiet(pad(".", columns)),
    }
}

/// Writes one line for each organization and intent, on terminals too narrow for a matrix.
fn list(out: &mut String, rows: &[&OrganizationReadiness], layout: &Layout) {
    for row in rows {
        push_line!(out, "{}", layout.paint.strong(&row.key));
        for intent in &row.intents {
            let columns = Cells::ShortHeads.column_width(intent.intent);
            let state = pad(&Cells::ShortHeads.of(intent), columns);
            let state = layout.paint.toned(intent.state, &state);
            push_line!(out, "  {state}  {}", intent.intent);
        }
    }
}
