//! A terminal's alternate screen: drawn over itself, and gone without a trace when it is left.
//!
//! Takes whole texts. Shows as much of each as there is room for.

use std::io::{self, Stdout, Write};

use portalctl_model::inert;
use terminal_size::{Height, terminal_size};

/// Alternate screen, no cursor, long lines cut instead of wrapped.
const OPEN: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l";
/// Leaves the alternate screen.
const CLOSE: &str = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l";
/// Moves to the upper left corner.
const HOME: &str = "\u{1b}[H";
/// Clears the rest of a line.
const CLEAR_LINE: &str = "\u{1b}[K";
/// Clears everything below.
const CLEAR_BELOW: &str = "\u{1b}[J";

/// Height of a terminal that does not tell it.
const HEIGHT_UNKNOWN: usize = 24;

/// The alternate screen, until it is dropped.
#[derive(Debug)]
pub(in crate::cli) struct Screen {
    out: Stdout,
}

impl Screen {
    pub(super) fn open() -> Self {
        let screen = Self { out: io::stdout() };
        screen.write(OPEN);
        screen
    }

    /// Replaces what is shown by the beginning of a text, as much of it as there is room for.
    pub(in crate::cli) fn draw(&self, text: &str) {
        let height = terminal_size().map_or(HEIGHT_UNKNOWN, |(_, Height(rows))| rows.into());
        self.write(&frame(&inert::output(text), height));
    }

    fn write(&self, text: &str) {
        let mut out = self.out.lock();
        // A terminal that is gone has nobody before it.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.write(CLOSE);
    }
}

/// One drawing: written over the former one without clearing it first, so that nothing flickers.
fn frame(text: &str, height: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut frame = HOME.to_owned();
    let fits = lines.len() <= height;
    let shown = if fits {
        lines.len()
    } else {
        height.saturating_sub(1)
    };
    let more = format!("({} more lines in a higher window)", lines.len() - shown);
    let last = (!fits).then_some(more.as_str());
    let mut is_first = true;
    for line in lines[..shown].iter().copied().chain(last) {
        if !is_first {
            frame.push_str("\r\n");
        }
        is_first = false;
        frame.push_str(line);
        frame.push_str(CLEAR_LINE);
    }
    frame.push_str(CLEAR_BELOW);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, height: usize) -> Vec<String> {
        let frame = frame(text, height);
        let body = frame.strip_prefix(HOME).unwrap();
        let body = body.strip_suffix(CLEAR_BELOW).unwrap();
        body.split("\r\n")
            .map(|row| row.trim_end_matches(CLEAR_LINE).to_owned())
            .collect()
    }

    #[test]
    fn a_drawing_is_never_higher_than_the_screen() {
        assert_eq!(rows("a\nb\n", 5), ["a", "b"]);
        assert_eq!(rows("a\nb\nc\n", 3), ["a", "b", "c"]);
        assert_eq!(
            rows("a\nb\nc\nd\n", 3),
            ["a", "b", "(2 more lines in a higher window)"]
        );
        assert_eq!(rows("a\nb\n", 1), ["(2 more lines in a higher window)"]);
    }
}
