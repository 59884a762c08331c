//! Findings about a manifest: what is wrong, where, and what to do about it.
//!
//! Goes in: problems as the stages meet them. Comes out: a sorted, serialisable list. Decides
//! nothing about how a finding looks; that is `render`'s.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::form::Form;
use super::secret;
use super::source::{Location, Sources, Spot};
use portalctl_model::codes::{Code, manifest as codes};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The manifest cannot be used.
    Error,
    /// It can be used, but probably does not say what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable code, for `portalctl explain`.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where; absent when it is about the manifest as a whole.
    pub location: Option<Location>,
    /// Other places that have to do with it, each with what it is.
    pub related: Vec<(Location, String)>,
    /// What to do.
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
    /// Whether the manifest cannot be used.
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// The findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// How many findings there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
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
    pub(super) fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
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

/// How many findings are kept: more than anybody reads, and few enough for any memory.
const MAX_FINDINGS: usize = 10_000;

/// The findings so far, in the order in which they were met.
#[derive(Debug, Clone)]
pub(super) struct Findings {
    list: Vec<Finding>,
    limit: usize,
    /// How many were met beyond the limit.
    dropped: usize,
    /// The form that is being read: findings spell fields as it does.
    form: Form,
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
        }
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

    pub(super) fn push(&mut self, finding: Finding) {
        if self.are_full() {
            self.drop_one();
        } else {
            self.list.push(finding);
        }
    }

    /// Whether another finding would only be counted. Asked where finding the right words
    /// takes long.
    pub(super) fn are_full(&self) -> bool {
        self.list.len() >= self.limit
    }

    /// Counts a finding for which there is no room. What is dropped counts as an error.
    pub(super) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    /// Writes down an error at a place, with what to do about it.
    pub(super) fn error(
        &mut self,
        code: Code,
        spot: Spot,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(
            Finding::new(code, Severity::Error, message)
                .at(spot)
                .help(help),
        );
    }

    pub(super) fn have_errors(&self) -> bool {
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
        } = other;
        self.dropped += dropped;
        for finding in list {
            self.push(finding);
        }
    }

    /// Says how many findings are not shown.
    fn mention_dropped(&mut self) {
        if self.dropped > 0 {
            let message = format!("{} more findings are not shown", self.dropped);
            self.list.push(
                Finding::new(codes::TOO_MANY_FINDINGS, Severity::Error, message)
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
        let mut list: Vec<Diagnostic> = self
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
        Diagnostics { list }
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
            findings.push(Finding::new(codes::BLANK, Severity::Error, n.to_string()));
        }
        assert!(findings.have_errors());
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
            Finding::new(
                codes::DUPLICATE_KEY,
                Severity::Error,
                "`acme` is declared twice",
            )
            .at(spot(4, 3))
            .related(spot(2, 3), "first declared here"),
        );
        findings
            .push(Finding::new(codes::TOO_LARGE, Severity::Note, "whole").at(Spot::whole(file)));
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
