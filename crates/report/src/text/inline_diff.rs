//! Inline diff of a value: removed and added parts on one line.

use similar::{ChangeTag, TextDiff};

use crate::paint::Paint;
use portalctl_model::text::escape;

/// Similarity below which the two values are shown one after the other.
const ALIKE: f32 = 0.5;

/// Renders a value before and after.
pub(super) fn inline(before: &str, after: &str, paint: Paint) -> String {
    let (before, after) = (escape(before), escape(after));
    if !paint.colour {
        return format!("\"{before}\" -> \"{after}\"");
    }
    let (before, after): (&str, &str) = (&before, &after);
    let diff = TextDiff::from_chars(before, after);
    if diff.ratio() < ALIKE {
        return format!(
            "{} -> {}",
            paint.removed(quoted(before)),
            paint.added(quoted(after))
        );
    }
    let mut runs: Vec<(ChangeTag, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        match runs.last_mut() {
            Some((tag, run)) if *tag == change.tag() => run.push_str(change.value()),
            _ => runs.push((change.tag(), change.value().to_owned())),
        }
    }
    let mut shown = String::from("\"");
    for (tag, run) in runs {
        match tag {
            ChangeTag::Equal => shown.push_str(&run),
            ChangeTag::Delete => shown.push_str(&paint.removed(run)),
            ChangeTag::Insert => shown.push_str(&paint.added(run)),
        }
    }
    shown.push('"');
    shown
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_both_values_stand_in_full() {
        let plain = Paint { colour: false };
        assert_eq!(
            inline("Acme", "Acme Corp", plain),
            "\"Acme\" -> \"Acme Corp\""
        );
        assert_eq!(inline("a\nb", "c", plain), "\"a\\u{a}b\" -> \"c\"");
    }

    #[test]
    fn with_colour_only_the_difference_is_marked() {
        let shown = inline("Acme", "Acme!!", Paint { colour: true });
        assert_eq!(shown, "\"Acme\u{1b}[1m\u{1b}[32m!!\u{1b}[0m\"");
    }
}
