//! Bars of the number of intents in each state.

use crate::view::state_label;
use portalctl_core::readiness::{State, Totals};

/// Width of a bar, in its own units.
const WIDTH: usize = 1000;

/// States in the order of a bar: done first, then missing.
const ORDER: [State; 6] = [
    State::Configured,
    State::InProgress,
    State::Attention,
    State::Unknown,
    State::Unconfigured,
    State::NotApplicable,
];

/// Segment of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// State that the segment counts.
    pub state: State,
    /// Left edge, of [`WIDTH`].
    pub start: usize,
    /// Width, of [`WIDTH`].
    pub width: usize,
}

/// Returns the segments of a bar; none where there is nothing to count.
pub(super) fn pieces(totals: &Totals) -> Vec<Piece> {
    let sum: usize = ORDER.iter().map(|state| totals.of(*state)).sum();
    let mut counted = 0;
    let mut pieces = Vec::new();
    for state in ORDER {
        let count = totals.of(state);
        if count > 0 {
            let start = counted * WIDTH / sum;
            counted += count;
            let width = counted * WIDTH / sum - start;
            pieces.push(Piece {
                state,
                start,
                width,
            });
        }
    }
    pieces
}

/// Describes a bar in words: `3 configured, 1 in progress`.
pub(super) fn in_words(totals: &Totals) -> String {
    let parts: Vec<String> = ORDER
        .iter()
        .filter(|state| totals.of(**state) > 0)
        .map(|state| format!("{} {}", totals.of(*state), state_label(*state)))
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_filled_to_its_end() {
        let totals = Totals {
            configured: 1,
            unconfigured: 1,
            attention: 1,
            ..Totals::default()
        };
        let pieces = pieces(&totals);
        assert_eq!(pieces.len(), 3);
        let mut end = 0;
        for piece in &pieces {
            assert_eq!(piece.start, end);
            end += piece.width;
        }
        assert_eq!(end, WIDTH);
        assert_eq!(
            in_words(&totals),
            "1 configured, 1 attention, 1 unconfigured"
        );
    }

    #[test]
    fn nothing_has_no_pieces() {
        assert_eq!(pieces(&Totals::default()), []);
        assert_eq!(in_words(&Totals::default()), "");
    }
}
