//! Document of `portalctl diff`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use super::plan::SourceItem;
use crate::{DiffReport, ErrorItem};
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
    /// Number of items by kind.
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
    let Diff {
        settings,
        entries,
        dangers,
        unchanged,
    } = report.diff;
    let count = |is_of: fn(&EntryChange) -> bool| report.diff.count(is_of);
    DiffDocument {
        envelope: Envelope {
            environment: report.names.environment.clone(),
            ..Envelope::default()
        },
        base: report.base.to_owned(),
        manifest: report.manifest.to_owned(),
        summary: DiffSummary {
            danger: dangers.len(),
            setting: settings.len(),
            added: count(|it| *it == EntryChange::Added),
            removed: count(|it| *it == EntryChange::Removed),
            deleted: count(|it| *it == EntryChange::Deleted),
            renamed: count(|it| matches!(it, EntryChange::Renamed { .. })),
            changed: count(|it| *it == EntryChange::Changed),
            unchanged: *unchanged,
        },
        dangers: dangers.iter().map(danger).collect(),
        settings: settings.iter().map(field).collect(),
        organizations: entries.iter().map(organization).collect(),
        manifest_warnings: report.manifest_warnings.to_vec(),
        notes: report.notes.to_vec(),
        errors: Vec::new(),
    }
}

/// Builds the document of a run without a difference to show.
pub fn failed_diff(errors: Vec<ErrorItem>) -> DiffDocument {
    DiffDocument {
        errors,
        ..DiffDocument::default()
    }
}

fn danger(danger: &Danger) -> DangerItem {
    DangerItem {
        code: danger.kind.code().as_str(),
        message: danger.message.clone(),
        organizations: danger.keys.iter().map(ToString::to_string).collect(),
    }
}

fn field(field: &Field) -> DiffFieldItem {
    let text = |value: &Option<Value>| value.as_ref().map(|it| it.as_str().to_owned());
    DiffFieldItem {
        path: field.path.clone(),
        before: text(&field.before),
        after: text(&field.after),
    }
}

fn organization(entry: &EntryDiff) -> DiffOrganizationItem {
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
        fields: entry.fields.iter().map(field).collect(),
        source: SourceItem::of(&entry.source),
    }
}
