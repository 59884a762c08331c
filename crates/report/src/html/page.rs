//! What every page has: its own style and script inside, and a policy that allows those alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const WALL_STYLE: &str = include_str!("wall.css");
const CARDS_STYLE: &str = include_str!("cards.css");
const WALL_SCRIPT: &str = include_str!("wall.js");

/// How wide the names need to be, in rem.
const FIRST_COLUMN: usize = 14;
/// How wide a column of states needs to be, in rem.
const COLUMN: usize = 9;
/// A phone, or half a screen, in rem: narrower than that there is never a table.
const NARROW: usize = 48;

/// The parts of a page that come before its content.
#[derive(Debug)]
pub(super) struct Page {
    /// The title of the window.
    pub title: String,
    /// The content of the `style` element.
    pub style: String,
    /// The content of the `script` element, if the page has one.
    pub script: Option<&'static str>,
    /// The content security policy.
    pub policy: String,
}

impl Page {
    /// A page without a script.
    pub(super) fn plain(title: String) -> Self {
        Self::new(title, STYLE.to_owned(), None)
    }

    /// A page with a wall, whose columns have these titles.
    pub(super) fn with_wall<'a>(title: String, columns: impl Iterator<Item = &'a str>) -> Self {
        let style = format!("{STYLE}{WALL_STYLE}{}", cards(columns));
        Self::new(title, style, Some(WALL_SCRIPT))
    }

    fn new(title: String, style: String, script: Option<&'static str>) -> Self {
        let policy = policy(&style, script);
        Self {
            title,
            style,
            script,
            policy,
        }
    }
}

/// Nothing may be loaded, sent or run but what has these hashes.
///
/// A policy in the page itself cannot say `frame-ancestors`; whoever serves the page may.
fn policy(style: &str, script: Option<&str>) -> String {
    let script = script.map_or_else(|| "'none'".to_owned(), source);
    format!(
        "default-src 'none'; style-src {}; script-src {script}; base-uri 'none'; \
         form-action 'none'",
        source(style)
    )
}

/// The hash of a text as a policy's source.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// The style of a window that is too narrow for the table: cards, on which every cell is headed by
/// its column's title.
///
/// The titles are portalctl's own words.
fn cards<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let rules: Vec<String> = columns
        .enumerate()
        .map(|(index, title)| {
            let child = index + 2;
            format!("#wall td:nth-child({child})::before {{ content: \"{title}\"; }}\n")
        })
        .collect();
    let needed = FIRST_COLUMN + COLUMN * rules.len();
    let width = needed.max(NARROW);
    let rules = rules.concat();
    format!("@media screen and (max-width: {width}rem) {{\n{CARDS_STYLE}{rules}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_cannot_end_its_element() {
        for text in [STYLE, WALL_STYLE, CARDS_STYLE, WALL_SCRIPT] {
            assert!(!text.contains("</") && !text.contains("<!--") && !text.contains('\r'));
        }
    }

    #[test]
    fn the_style_and_the_script_load_nothing() {
        for text in [STYLE, WALL_STYLE, CARDS_STYLE, WALL_SCRIPT] {
            for word in [
                "url(", "@import", "http:", "https:", "fetch(", "import(", "eval(",
            ] {
                assert!(!text.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn a_page_without_a_script_allows_none() {
        let page = Page::plain(String::new());
        assert!(page.policy.contains("script-src 'none'"), "{}", page.policy);
    }
}
