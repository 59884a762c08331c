//! Findings → text, as rustc shows them: the line itself, a caret, what to do.
//!
//! Goes in: findings and the texts they are about. Comes out: text. Pure; shows nothing that a
//! terminal would obey, and no API key.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anstream::adapter::strip_str;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::secret;
use super::source::{Lines, Location, Sources};
use crate::codes::manifest as codes;
use crate::model::text::{escape, is_plain};

/// What stands beside the source line: its number and the frame.
const MARGIN: usize = 10;
/// However narrow the terminal, this much of a line is shown.
const MIN_EXCERPT: usize = 30;

/// Renders findings for people, one paragraph each.
///
/// `width` is the number of columns there are; long source lines are cut around their column.
pub fn render(diagnostics: &Diagnostics, sources: &Sources, colour: bool, width: usize) -> String {
    let files = shown_files(diagnostics);
    let page = Page {
        secrets: secret_spans(diagnostics),
        lines: sources
            .iter()
            .filter(|(name, _)| files.contains(&***name))
            .map(|(name, text)| (&**name, Lines::new(text)))
            .collect(),
        renderer: if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .term_width(width.max(MARGIN + MIN_EXCERPT)),
        excerpt: width.saturating_sub(MARGIN).max(MIN_EXCERPT),
    };
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{}", page.paragraph(diagnostic));
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Drops marks that mean nothing here.
///
/// Place and line are given to the renderer apart, so that the column is that of the file even
/// where the line is cut or escaped; it takes them for two files and puts `:::` between. Under a
/// title without a line it draws a bar to nothing.
fn tidy(paragraph: &str, has_line: bool) -> String {
    let mut out = String::with_capacity(paragraph.len());
    for line in paragraph.lines() {
        let bare = strip_str(line).to_string();
        match bare.trim() {
            ":::" => {}
            "|" if !has_line => {}
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

/// The columns, from 0, that API keys cover.
fn secret_spans(diagnostics: &Diagnostics) -> HashMap<(&str, u32), Vec<Range<usize>>> {
    let mut spans: HashMap<_, Vec<_>> = HashMap::new();
    for diagnostic in diagnostics {
        if let Some(at) = diagnostic.location.as_ref()
            && diagnostic.code == codes::SECRET
        {
            let start = (at.column as usize).saturating_sub(1);
            let span = start + secret::SHOWN..start + at.length as usize;
            spans.entry((&*at.file, at.line)).or_default().push(span);
        }
    }
    spans
}

/// The line with API keys starred out, each character by one, so that columns stay.
fn hide(line: &str, spans: &[Range<usize>]) -> String {
    let starred = |column: usize, c: char| {
        let inside = spans.iter().any(|span| span.contains(&column));
        if inside && c.is_alphanumeric() {
            '*'
        } else {
            c
        }
    };
    secret::redact(line)
        .chars()
        .enumerate()
        .map(|(column, c)| starred(column, c))
        .collect()
}

/// The files that any finding is about: the others need no line index.
fn shown_files(diagnostics: &Diagnostics) -> HashSet<&str> {
    diagnostics
        .iter()
        .flat_map(|diagnostic| {
            let related = diagnostic.related.iter().map(|(location, _)| location);
            diagnostic.location.iter().chain(related)
        })
        .map(|location| &*location.file)
        .collect()
}

struct Page<'a> {
    lines: HashMap<&'a str, Lines<'a>>,
    /// Where API keys stand, by file and line. An escape in the text (`\u005f`) can hide a key
    /// from the eye of `secret`, but not from YAML.
    secrets: HashMap<(&'a str, u32), Vec<Range<usize>>>,
    renderer: Renderer,
    excerpt: usize,
}

impl Page<'_> {
    fn paragraph(&self, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level
            .primary_title(shown(&diagnostic.message))
            .id(diagnostic.code.as_str());
        let mut groups = vec![self.with_place(
            Group::with_title(title),
            diagnostic.location.as_ref(),
            AnnotationKind::Primary,
        )];
        for (location, what) in &diagnostic.related {
            groups.push(self.with_place(
                Group::with_title(Level::NOTE.secondary_title(shown(what))),
                Some(location),
                AnnotationKind::Primary,
            ));
        }
        if let Some(help) = &diagnostic.help {
            groups.push(Group::with_title(Level::HELP.secondary_title(shown(help))));
        }
        let has_line = diagnostic
            .location
            .as_ref()
            .is_some_and(|location| location.line > 0);
        tidy(&self.renderer.render(&groups), has_line)
    }

    /// Adds `--> file:line:column` and the line to a group, as far as they are known.
    fn with_place<'g>(
        &self,
        group: Group<'g>,
        location: Option<&Location>,
        kind: AnnotationKind,
    ) -> Group<'g> {
        let Some(location) = location else {
            return group;
        };
        let origin = Origin::path(shown(&location.file));
        let Some(line) = self
            .lines
            .get(&*location.file)
            .and_then(|lines| lines.get(location.line))
        else {
            return group.element(origin);
        };
        let hidden = self
            .secrets
            .get(&(&*location.file, location.line))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let excerpt = Excerpt::new(&hide(line, hidden), location, self.excerpt);
        group
            .element(
                origin
                    .line(location.line as usize)
                    .char_column(location.column as usize),
            )
            .element(
                Snippet::source(excerpt.text)
                    .line_start(location.line as usize)
                    .annotation(kind.span(excerpt.start..excerpt.end)),
            )
    }
}

fn shown(text: &str) -> String {
    secret::redact(&escape(text)).into_owned()
}

/// The part of a line that is shown, and the byte range of it that is marked.
struct Excerpt {
    text: String,
    start: usize,
    end: usize,
}

impl Excerpt {
    fn new(line: &str, location: &Location, width: usize) -> Self {
        let first = (location.column as usize).saturating_sub(1);
        let last = first + (location.length as usize).max(1);
        // Enough before the column to recognise the line, the rest after it.
        let from = if line.chars().nth(width).is_none() {
            0
        } else {
            first.saturating_sub(width / 3)
        };
        let mut excerpt = Self {
            text: String::new(),
            start: 0,
            end: 0,
        };
        if from > 0 {
            excerpt.text.push('…');
        }
        let mut column = from;
        for c in line.chars().skip(from) {
            if column == first {
                excerpt.start = excerpt.text.len();
            }
            if column - from >= width {
                excerpt.text.push('…');
                break;
            }
            excerpt.push(c);
            column += 1;
            if column <= last {
                excerpt.end = excerpt.text.len();
            }
        }
        if column <= first {
            // Past the end of the line: something is missing there.
            excerpt.start = excerpt.text.len();
        }
        excerpt.end = excerpt.end.max(excerpt.start);
        excerpt
    }

    fn push(&mut self, c: char) {
        match c {
            '\t' => self.text.push(' '),
            c if is_plain(c) => self.text.push(c),
            c => self.text.extend(c.escape_unicode()),
        }
    }
}
