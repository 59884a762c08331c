//! What each way of reading costs, in requests. An estimate: it steers the cost, never the plan.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Needs;
use crate::model::observed::Organization;

/// The most objects of a page. Source: `limit` of the list endpoints.
const PAGE: f64 = 100.0;

/// How many requests looking up every selected entry takes; `None` when there is none to look up.
pub(super) fn of_looking_up(needs: &Needs<'_>) -> Option<usize> {
    let cost: usize = needs
        .entries
        .iter()
        .map(|(_, entry)| {
            usize::from(entry.id.is_some())
                + usize::from(entry.external_id.is_some())
                + entry.previous_keys.len()
                + entry.domains.as_ref().map_or(0, BTreeMap::len)
                + usize::from(needs.connections_of(entry))
                + usize::from(needs.directories_of(entry))
        })
        .sum();
    (cost > 0).then_some(cost)
}

/// At least how many more requests listing takes, judged by both ends of the list: between them
/// organizations are taken to have been created as densely as at the ends.
pub(super) fn of_listing(
    newest: &[&Organization],
    oldest: &[&Organization],
    needs: &Needs<'_>,
) -> usize {
    let other_lists = usize::from(needs.connections) + usize::from(needs.directories);
    let unseen = match (span(newest), span(oldest)) {
        (Some(newer), Some(older)) => {
            let gap = seconds(older.1, newer.0);
            let spans = seconds(newer.0, newer.1) + seconds(older.0, older.1);
            #[expect(clippy::cast_precision_loss, reason = "two pages hold 200 at most")]
            let seen = (newest.len() + oldest.len()) as f64;
            // All in the same second: a bulk load, and nothing to judge its size by.
            if spans <= 0.0 {
                f64::INFINITY
            } else {
                gap * seen / spans
            }
        }
        _ => f64::INFINITY,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates"
    )]
    let pages = (unseen / PAGE).ceil().max(1.0) as usize;
    pages.saturating_add(other_lists)
}

/// The first and last creation of a page; `None` when WorkOS does not tell every one.
fn span(page: &[&Organization]) -> Option<(Timestamp, Timestamp)> {
    let times: Option<Vec<Timestamp>> = page.iter().map(|o| o.created_at).collect();
    let times = times?;
    Some((*times.iter().min()?, *times.iter().max()?))
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
