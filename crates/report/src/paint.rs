//! Colour by meaning; everything stays readable without it.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether escape sequences are written.
    pub colour: bool,
}

impl Paint {
    fn paint(self, style: Style, text: impl Display) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }

    /// Something that is fine, or that is added.
    pub fn good(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Something that is wrong, or that is removed.
    pub fn bad(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    /// Something that changes, waits or is held.
    pub fn notice(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// Something that cannot be told.
    pub fn unsure(self, text: impl Display) -> String {
        self.paint(AnsiColor::Magenta.on_default(), text)
    }

    /// Something to skip over.
    pub fn quiet(self, text: impl Display) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// Something to find again: a key, a heading.
    pub fn strong(self, text: impl Display) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// The part of an old value that goes away.
    pub fn removed(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default().strikethrough(), text)
    }

    /// The part of a new value that comes in.
    pub fn added(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default().bold(), text)
    }
}
