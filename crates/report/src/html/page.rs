//! Frame of a page: inline style and script, and a policy that allows those alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const WALL_STYLE: &str = include_str!("wall.css");
const CARDS_STYLE: &str = include_str!("cards.css");
const WALL_SCRIPT: &str = include_str!("wall.js");

/// Width that names need, in rem.
const FIRST_COLUMN: usize = 14;
/// Width that a column of states needs, in rem.
const COLUMN: usize = 9;
/// Width of a phone or half a screen, in rem; narrower windows never show a table.
const NARROW: usize = 48;

/// Parts of a page before its content.
#[derive(Debug)]
pub(super) struct Page {
    /// Title of the window.
    pub title: String,
    /// Content of the `style` element.
    pub style: String,
    /// Content of the `script` element, if the page has one.
    pub script: Option<&'static str>,
    /// Content security policy.
    pub policy: String,
}

impl Page {
    /// Creates a page without a script.
    pub(super) fn plain(title: String) -> Self {
        Self::new(title, STYLE.to_owned(), None)
    }

    /// Creates a page with a matrix whose columns have these titles.
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

/// Returns a policy that allows only this style and script, by their hashes.
///
/// A policy in the page itself cannot say `frame-ancestors`; the server of the page may.
fn policy(style: &str, script: Option<&str>) -> String {
    let script = script.map_or_else(|| "'none'".to_owned(), source);
    format!(
        "default-src 'none'; style-src {}; script-src {script}; base-uri 'none'; \
         form-action 'none'",
        source(style)
    )
}

/// Returns the hash of a text as a source of the policy.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// Returns the style of windows too narrow for the table: cards, on which every cell is headed by
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
