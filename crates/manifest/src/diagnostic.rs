//! Findings about a manifest: problems with their places and remedies.
//!
//! Goes in: problems as the stages meet them. Comes out: a sorted, serialisable list. The look of a
//! finding is `render`'s.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::form::Form;
use super::secret;
use super::source::{Location, Sources, Spot};
use portalctl_model::codes::{Code, manifest as codes};

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// An error: the manifest cannot be used.
    Error,
    /// A warning: the manifest can be used, but is probably not meant like this.
    Warning,
    /// A note.
    Note,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Stable code, for `portalctl explain`.
    pub code: Code,
    /// Severity.
    pub severity: Severity,
    /// The problem, in one line.
    pub message: String,
    /// Place; absent when the finding is about the manifest as a whole.
    pub location: Option<Location>,
    /// Other places of interest, each with a label.
    pub related: Vec<(Location, String)>,
    /// Hint about the remedy.
    pub help: Option<String>,
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Related<'a> {
            #[serde(flatten)]
            location: &'a Location,
            message: &'a str,
        }
        let Self {
            code,
            severity,
            message,
            location,
            related,
            help,
        } = self;
        let related: Vec<_> = related
            .iter()
            .map(|(location, message)| Related { location, message })
            .collect();
        let location = location.as_ref();
        // A finding about a whole file has no line.
        let position = location.filter(|at| at.line > 0);
        let mut out = serializer.serialize_struct("Diagnostic", 8)?;
        out.serialize_field("code", code)?;
        out.serialize_field("severity", severity)?;
        out.serialize_field("message", message)?;
        out.serialize_field("file", &location.map(|at| &at.file))?;
        out.serialize_field("line", &position.map(|at| at.line))?;
        out.serialize_field("column", &position.map(|at| at.column))?;
        out.serialize_field("help", help)?;
        out.serialize_field("related", &related)?;
        out.end()
    }
}

/// The findings about one manifest, sorted by file, line and column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Sorts findings, and leaves each once.
    pub(super) fn sorted(mut list: Vec<Diagnostic>) -> Self {
        list.sort_by(|a, b| {
            // What is said of the manifest as a whole comes last, after what may explain it.
            let whole = |d: &Diagnostic| d.location.is_none();
            whole(a)
                .cmp(&whole(b))
                .then_with(|| a.location.cmp(&b.location))
                .then_with(|| (a.severity, a.code).cmp(&(b.severity, b.code)))
                .then_with(|| a.message.cmp(&b.message))
        });
        list.dedup();
        Self { list }
    }

    /// Returns whether there is an error.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Returns the errors among the findings, in order.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// Returns the findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Returns the number of findings.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether there are no findings.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A finding while it is being written down.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    code: Code,
    severity: Severity,
    message: String,
    spot: Option<Spot>,
    related: Vec<(Spot, String)>,
    help: Option<String>,
}

impl Finding {
    pub(super) fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    pub(super) fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    pub(super) fn note(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, message)
    }

    fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            spot: None,
            related: Vec::new(),
            help: None,
        }
    }

    pub(super) fn at(mut self, spot: Spot) -> Self {
        self.spot = Some(spot);
        self
    }

    pub(super) fn related(mut self, spot: Spot, what: impl Into<String>) -> Self {
        self.related.push((spot, what.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Findings that are kept: more than anybody reads, and few enough for any memory.
const MAX_FINDINGS: usize = 10_000;

/// The findings so far, in the order in which they were met.
#[derive(Debug, Clone)]
pub(super) struct Findings {
    list: Vec<Finding>,
    limit: usize,
    /// Number of findings beyond the limit.
    dropped: usize,
    /// The form that is being read: findings spell fields as it does.
    form: Form,
    /// The two places of the entry that is being checked, if an overlay changes it.
    layers: Option<Layers>,
}

/// An entry that an overlay changes.
#[derive(Debug, Clone)]
struct Layers {
    base: Spot,
    patch: Spot,
    environment: Box<str>,
}

impl Layers {
    /// Returns the place of the entry that a finding does not show, and what stands there.
    fn other(&self, spot: Spot) -> (Spot, String) {
        let Self {
            base,
            patch,
            environment,
        } = self;
        let begins_before = |start: &Spot| start.file == spot.file && start.line <= spot.line;
        let is_in_patch = match (begins_before(base), begins_before(patch)) {
            (true, true) => patch.line > base.line,
            (_, in_patch) => in_patch,
        };
        if is_in_patch {
            (*base, "declared here for all environments".to_owned())
        } else {
            (*patch, format!("changed here for `{environment}`"))
        }
    }
}

impl Default for Findings {
    fn default() -> Self {
        Self::with_limit(MAX_FINDINGS)
    }
}

impl Findings {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            limit,
            dropped: 0,
            form: Form::Manifest,
            layers: None,
        }
    }

    /// Sets the two places of the entry that is checked next, if an overlay changes it: findings
    /// show both.
    pub(super) fn set_layers(&mut self, spots: Option<[Spot; 2]>, environment: Option<&str>) {
        self.layers = spots.zip(environment).map(|([base, patch], name)| Layers {
            base,
            patch,
            environment: name.into(),
        });
    }

    /// Sets the form whose spelling findings use; returns the one before.
    pub(super) fn set_form(&mut self, form: Form) -> Form {
        std::mem::replace(&mut self.form, form)
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Returns a text of ours with the fields that it names as the form spells them.
    pub(super) fn spell<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.form.spell(text)
    }

    pub(super) fn push(&mut self, mut finding: Finding) {
        if self.is_full() {
            self.count_dropped();
            return;
        }
        if let (Some(layers), Some(spot)) = (&self.layers, finding.spot) {
            finding.related.push(layers.other(spot));
        }
        self.list.push(finding);
    }

    /// Returns whether another finding would only be counted. Callers ask where composing a message
    /// takes long.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= self.limit
    }

    /// Counts a finding for which there is no room. What is dropped counts as an error.
    pub(super) fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    /// Adds an error at a place, with a hint.
    pub(super) fn error(
        &mut self,
        code: Code,
        spot: Spot,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Finding::error(code, message).at(spot).help(help));
    }

    /// Adds a warning at a place, with a hint.
    pub(super) fn warn(
        &mut self,
        code: Code,
        spot: Spot,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Finding::warning(code, message).at(spot).help(help));
    }

    /// Adds an error about a second declaration, with the place of the first.
    pub(super) fn twice(
        &mut self,
        code: Code,
        [first, again]: [Spot; 2],
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let finding = Finding::error(code, message).at(again);
        self.push(finding.related(first, "first declared here").help(help));
    }

    pub(super) fn has_errors(&self) -> bool {
        self.dropped > 0
            || self
                .list
                .iter()
                .any(|finding| finding.severity == Severity::Error)
    }

    pub(super) fn append(&mut self, other: Self) {
        let Self {
            list,
            limit: _,
            dropped,
            form: _,
            layers: _,
        } = other;
        self.dropped += dropped;
        for finding in list {
            self.push(finding);
        }
    }

    /// Adds the number of findings that are not shown.
    fn mention_dropped(&mut self) {
        if self.dropped > 0 {
            let message = format!("{} more findings are not shown", self.dropped);
            self.list.push(
                Finding::error(codes::TOO_MANY_FINDINGS, message)
                    .help("correct the ones that are shown, then run the command again"),
            );
        }
    }

    /// Sorts the findings and looks up the names of their files.
    ///
    /// Whatever a message quotes, no API key leaves here.
    pub(super) fn finish(mut self, sources: &Sources) -> Diagnostics {
        self.mention_dropped();
        let hide = |text: String| secret::redact(&text).into_owned();
        let list: Vec<Diagnostic> = self
            .list
            .into_iter()
            .map(|finding| Diagnostic {
                code: finding.code,
                severity: finding.severity,
                message: hide(finding.message),
                location: finding.spot.map(|spot| sources.location(spot)),
                related: finding
                    .related
                    .into_iter()
                    .map(|(spot, what)| (sources.location(spot), hide(what)))
                    .collect(),
                help: finding.help.map(hide),
            })
            .collect();
        Diagnostics::sorted(list)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn there_is_an_end_to_findings() {
        let sources = Sources::default();
        let mut findings = Findings::with_limit(2);
        for n in 0..5 {
            findings.push(Finding::error(codes::BLANK, n.to_string()));
        }
        assert!(findings.has_errors());
        let findings = findings.finish(&sources);
        let last = findings.iter().last().unwrap();
        assert_eq!(findings.len(), 3);
        assert_eq!(last.message, "3 more findings are not shown");
    }

    #[test]
    fn findings_are_sorted_and_serialised_flat() {
        let mut sources = Sources::default();
        let file = sources.reserve(Arc::from("orgs.yaml"));
        let spot = |line, column| Spot {
            file,
            line,
            column,
            length: 4,
        };
        let mut findings = Findings::default();
        findings.error(codes::BLANK, spot(9, 1), "later", "write it");
        findings.push(
            Finding::error(codes::DUPLICATE_KEY, "`acme` is declared twice")
                .at(spot(4, 3))
                .related(spot(2, 3), "first declared here"),
        );
        findings.push(Finding::note(codes::TOO_LARGE, "whole").at(Spot::whole(file)));
        let json = serde_json::to_value(findings.finish(&sources)).unwrap();
        assert_eq!(
            json,
            serde_json::json!([
                {
                    "code": "manifest/too-large", "severity": "note", "message": "whole",
                    "file": "orgs.yaml", "line": null, "column": null, "help": null, "related": []
                },
                {
                    "code": "manifest/duplicate-key", "severity": "error",
                    "message": "`acme` is declared twice",
                    "file": "orgs.yaml", "line": 4, "column": 3, "help": null,
                    "related": [{
                        "file": "orgs.yaml", "line": 2, "column": 3,
                        "message": "first declared here"
                    }]
                },
                {
                    "code": "manifest/blank", "severity": "error", "message": "later",
                    "file": "orgs.yaml", "line": 9, "column": 1, "help": "write it", "related": []
                }
            ])
        );
    }
}
