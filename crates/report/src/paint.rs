//! Terminal colours by meaning; text stays readable without them.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::view::{Count, Tone};

/// Painter that adds colours, or returns text unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// True when escape sequences are written.
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

    /// Paints text by its meaning.
    pub(crate) fn toned(self, tone: impl Into<Tone>, text: impl Display) -> String {
        match tone.into() {
            Tone::Good => self.good(text),
            Tone::Notice => self.notice(text),
            Tone::Bad => self.bad(text),
            Tone::Unsure => self.unsure(text),
            Tone::Quiet => self.quiet(text),
            Tone::Warning | Tone::Plain => text.to_string(),
        }
    }

    /// Paints counts and joins them by commas.
    pub(crate) fn counts(self, counts: &[Count]) -> String {
        let painted = counts
            .iter()
            .map(|count| self.toned(count.tone, count.text()));
        painted.collect::<Vec<_>>().join(", ")
    }

    /// Paints success or an addition.
    pub fn good(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Paints a failure or a removal.
    pub fn bad(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    /// Paints a change, a wait or a held change.
    pub fn notice(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// Paints an unknown state.
    pub fn unsure(self, text: impl Display) -> String {
        self.paint(AnsiColor::Magenta.on_default(), text)
    }

    /// Paints secondary text.
    pub fn quiet(self, text: impl Display) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// Paints a key or a heading.
    pub fn strong(self, text: impl Display) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Paints the removed part of an old value.
    pub fn removed(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default().strikethrough(), text)
    }

    /// Paints the added part of a new value.
    pub fn added(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default().bold(), text)
    }
}
