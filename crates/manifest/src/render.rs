//! Text of findings, as rustc shows them: the source line, a caret and a hint.
//!
//! Goes in: findings and the texts of their files. Comes out: text without control characters and API
//! keys. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anstream::adapter::strip_str;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::excerpt::{Excerpt, Line};
use super::secret;
use super::source::{Location, Sources, pick_lines};
use portalctl_model::codes::manifest as codes;
use portalctl_model::text::escape;

/// Columns beside the source line: its number and the frame.
const MARGIN: usize = 10;
/// The least columns of a source line that are shown.
const MIN_EXCERPT: usize = 30;

/// Layout of rendered findings.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Columns of the terminal; long source lines are cut around the place of the finding.
    pub width: usize,
    /// Set for ANSI colours.
    pub colour: bool,
}

impl Layout {
    /// Returns a layout without colours.
    pub const fn plain(width: usize) -> Self {
        Self {
            width,
            colour: false,
        }
    }
}

/// Renders findings for people, one paragraph each.
pub fn render(diagnostics: &Diagnostics, sources: &Sources, layout: Layout) -> String {
    let Layout { width, colour } = layout;
    let page = Page {
        lines: shown_lines(diagnostics, sources),
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
        out.push_str(&page.paragraph(diagnostic));
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Removes marks of the renderer that mean nothing here.
///
/// Place and line are given to the renderer apart, so that the column is that of the file even
/// where the line is cut or escaped; it takes them for two files and puts `:::` between. Under a
/// title without a line it draws a bar to nothing.
fn tidy(paragraph: &str, location: Option<&Location>) -> String {
    let has_line = location.is_some_and(|location| location.line > 0);
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

/// Returns the lines of all findings, by file, in one walk over each file.
fn shown_lines<'a>(
    diagnostics: &'a Diagnostics,
    sources: &'a Sources,
) -> HashMap<(&'a str, u32), Line<'a>> {
    let mut wanted: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut secrets: HashMap<(&str, u32), Vec<Range<usize>>> = HashMap::new();
    for diagnostic in diagnostics {
        let related = diagnostic.related.iter().map(|(location, _)| location);
        for at in diagnostic.location.iter().chain(related) {
            wanted.entry(&at.file).or_default().insert(at.line);
        }
        if let Some(at) = diagnostic.location.as_ref()
            && diagnostic.code == codes::SECRET
        {
            let start = (at.column as usize).saturating_sub(1);
            let key = start..start + at.length as usize;
            secrets.entry((&at.file, at.line)).or_default().push(key);
        }
    }
    let mut lines = HashMap::new();
    for (name, text) in sources.iter() {
        let Some(numbers) = wanted.get(&**name) else {
            continue;
        };
        for (number, text) in pick_lines(text, numbers) {
            let place = (&**name, number);
            let secrets = secrets.remove(&place).unwrap_or_default();
            lines.insert(place, Line::new(text, secrets));
        }
    }
    lines
}

struct Page<'a> {
    lines: HashMap<(&'a str, u32), Line<'a>>,
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
            groups.push(Group::with_title(
                Level::HELP.with_name("hint").secondary_title(shown(help)),
            ));
        }
        tidy(&self.renderer.render(&groups), diagnostic.location.as_ref())
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
        let Some(line) = self.lines.get(&(&*location.file, location.line)) else {
            return group.element(origin);
        };
        let excerpt = Excerpt::new(line, location, self.excerpt);
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
