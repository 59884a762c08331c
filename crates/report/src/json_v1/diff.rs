//! Document of `portalctl diff`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use super::plan::SourceItem;
use crate::{DiffPart, DiffReport, ErrorItem};
use portalctl_core::diff::{Danger, Diff, EntryChange, EntryDiff, Field, Value};

/// Output of `portalctl diff -o json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(title = "portalctl diff")]
pub struct DiffDocument {
    /// Format version, environment and backend.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Base, as it was named.
    pub base: String,
    /// Manifest, as it was named.
    pub manifest: String,
    /// Names of the environments that were compared, of a manifest that has several where none was
    /// chosen.
    pub environments: Vec<String>,
    /// Number of items by kind; what is the same in several environments counts once.
    pub summary: DiffSummary,
    /// Dangers, the first the one to look at first.
    pub dangers: Vec<DangerItem>,
    /// Settings that differ.
    pub settings: Vec<DiffFieldItem>,
    /// Entries that differ, by key.
    pub organizations: Vec<DiffOrganizationItem>,
    /// Warnings about both manifests, skipped files among them.
    pub manifest_warnings: Vec<ErrorItem>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Reasons why there is no difference to show.
    pub errors: Vec<ErrorItem>,
}

/// Number of items of a difference by kind.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct DiffSummary {
    /// Dangers.
    pub danger: usize,
    /// Settings that differ.
    pub setting: usize,
    /// Entries that the base does not declare.
    pub added: usize,
    /// Entries that only the base declares.
    pub removed: usize,
    /// Entries with `state: absent`, which the base does not have.
    pub deleted: usize,
    /// Organizations under another key.
    pub renamed: usize,
    /// Entries with other fields.
    pub changed: usize,
    /// Entries that mean the same.
    pub unchanged: usize,
}

/// Danger of one or more differences.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DangerItem {
    /// Code of its kind; `portalctl explain CODE` tells more.
    pub code: &'static str,
    /// Description.
    pub message: String,
    /// Keys of the organizations that it is about; empty for a setting that touches none.
    pub organizations: Vec<String>,
    /// Environments that have it, where several were compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
}

/// Field before and after; `null` is not declared.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffFieldItem {
    /// Path of the field.
    pub path: String,
    /// Value in the base.
    pub before: Option<String>,
    /// Value in the manifest.
    pub after: Option<String>,
    /// Environments that have it, where several were compared; left out in an organization, which
    /// names them itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
}

/// Entry that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffOrganizationItem {
    /// Key; of a removed entry the one in the base.
    pub key: String,
    /// Name of the organization, where it is declared.
    pub name: Option<String>,
    /// Kind of the difference.
    pub change: DiffChange,
    /// Key in the base, of a renamed entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_key: Option<String>,
    /// Fields that differ.
    pub fields: Vec<DiffFieldItem>,
    /// Place of the declaration; of a removed entry the one in the base.
    pub source: Option<SourceItem>,
    /// Environments that have it, where several were compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
}

/// Kind of the difference of an entry.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiffChange {
    /// Declared by the new side only.
    Added,
    /// Declared by the base only.
    Removed,
    /// Declared with a new `state: absent`.
    Deleted,
    /// Declared under another key.
    Renamed,
    /// Declared with other fields.
    Changed,
}

/// Builds the document of a difference.
pub fn diff(report: &DiffReport<'_>) -> DiffDocument {
    let mut document = DiffDocument {
        envelope: Envelope {
            environment: report.names.environment.clone(),
            ..Envelope::default()
        },
        base: report.base.to_owned(),
        manifest: report.manifest.to_owned(),
        manifest_warnings: report.manifest_warnings.to_vec(),
        notes: report.notes.to_vec(),
        ..DiffDocument::default()
    };
    for DiffPart { environments, diff } in report.parts {
        document.environments.extend(environments.iter().cloned());
        document.summary.add(diff);
        let dangers = diff.dangers.iter();
        let dangers = dangers.map(|it| danger(it, environments));
        document.dangers.extend(dangers);
        let settings = diff.settings.iter();
        document
            .settings
            .extend(settings.map(|it| field(it, environments)));
        let entries = diff.entries.iter();
        let entries = entries.map(|it| organization(it, environments));
        document.organizations.extend(entries);
    }
    document.environments.sort();
    document
}

impl DiffSummary {
    fn add(&mut self, diff: &Diff) {
        let count = |is_of: fn(&EntryChange) -> bool| diff.count(is_of);
        self.danger += diff.dangers.len();
        self.setting += diff.settings.len();
        self.added += count(|it| *it == EntryChange::Added);
        self.removed += count(|it| *it == EntryChange::Removed);
        self.deleted += count(|it| *it == EntryChange::Deleted);
        self.renamed += count(|it| matches!(it, EntryChange::Renamed { .. }));
        self.changed += count(|it| *it == EntryChange::Changed);
        self.unchanged += diff.unchanged;
    }
}

/// Builds the document of a run without a difference to show.
pub fn failed_diff(errors: Vec<ErrorItem>) -> DiffDocument {
    DiffDocument {
        errors,
        ..DiffDocument::default()
    }
}

fn danger(danger: &Danger, environments: &[String]) -> DangerItem {
    DangerItem {
        code: danger.kind.code().as_str(),
        message: danger.message.clone(),
        organizations: danger.keys.iter().map(ToString::to_string).collect(),
        environments: environments.to_vec(),
    }
}

fn field(field: &Field, environments: &[String]) -> DiffFieldItem {
    let text = |value: &Option<Value>| value.as_ref().map(|it| it.as_str().to_owned());
    DiffFieldItem {
        path: field.path.clone(),
        before: text(&field.before),
        after: text(&field.after),
        environments: environments.to_vec(),
    }
}

fn organization(entry: &EntryDiff, environments: &[String]) -> DiffOrganizationItem {
    let (change, previous_key) = match &entry.change {
        EntryChange::Added => (DiffChange::Added, None),
        EntryChange::Removed => (DiffChange::Removed, None),
        EntryChange::Deleted => (DiffChange::Deleted, None),
        EntryChange::Changed => (DiffChange::Changed, None),
        EntryChange::Renamed { from } => (DiffChange::Renamed, Some(from.to_string())),
    };
    DiffOrganizationItem {
        key: entry.key.to_string(),
        name: entry.name.clone(),
        change,
        previous_key,
        fields: entry.fields.iter().map(|it| field(it, &[])).collect(),
        source: SourceItem::of(&entry.source),
        environments: environments.to_vec(),
    }
}
