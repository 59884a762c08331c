//! Counted nouns and shortened lists.

use crate::Headline;

/// Returns a count with its noun: `1 request`, `2 requests`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// Returns the cost of a run: `12 requests`.
pub(crate) fn requests(headline: &Headline) -> String {
    let count = usize::try_from(headline.requests).unwrap_or(usize::MAX);
    counted(count, "request")
}

/// Returns ` and 3 more`; nothing for 0.
pub(crate) fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

/// Joins the first `limit` items, and says how many there are beyond.
pub(crate) fn first_few<T: AsRef<str>>(items: &[T], limit: usize) -> String {
    let shown: Vec<&str> = items.iter().take(limit).map(AsRef::as_ref).collect();
    let more = items.len().saturating_sub(limit);
    format!("{}{}", shown.join(", "), and_more(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_first_items_and_counts_the_rest() {
        assert_eq!(first_few::<&str>(&[], 2), "");
        assert_eq!(first_few(&["a", "b"], 2), "a, b");
        assert_eq!(first_few(&["a", "b", "c", "d"], 2), "a, b and 2 more");
    }
}
