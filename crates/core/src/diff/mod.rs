//! The difference of two manifests: pure, and of what they mean.
//!
//! Goes in: two checked manifests. Comes out: a [`Diff`], with the dangers of each change. Formatting,
//! comments, order, and the files that entries stand in make no difference. Knows nothing of the live
//! state: `plan` tells what would be done.

mod entries;
mod entry;
mod findings;
mod settings;
#[cfg(test)]
mod tests;
mod urls;
mod value;

use std::collections::BTreeMap;

use crate::danger::DangerKind;
use portalctl_manifest::KubernetesFields;
use portalctl_model::desired::{
    AbsentOrganization, Desired, DesiredOrganization, ExcludedOrganization, Source,
};
use portalctl_model::{OrgKey, Selection};

use findings::Findings;
pub use value::{Field, Value};

/// One of the two manifests that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Desired state of the manifest.
    pub desired: &'a Desired,
    /// Fields of the Kubernetes form that have no desired state.
    pub kubernetes: &'a KubernetesFields,
}

/// Difference of two manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Settings that differ, by path.
    pub settings: Vec<Field>,
    /// Entries that differ, by key.
    pub entries: Vec<EntryDiff>,
    /// Dangers of the differences, the first the one to look at first.
    pub dangers: Vec<Danger>,
    /// Number of entries that mean the same in both.
    pub unchanged: usize,
}

/// Difference of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryDiff {
    /// Key; of a removed entry the one in the base.
    pub key: OrgKey,
    /// Kind of the difference.
    pub change: EntryChange,
    /// Name of the organization, where it is declared.
    pub name: Option<String>,
    /// Fields that differ, by path.
    pub fields: Vec<Field>,
    /// Place of the declaration; of a removed entry the one in the base.
    pub source: Source,
}

/// Kind of the difference of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryChange {
    /// Not declared in the base.
    Added,
    /// Not declared any more.
    Removed,
    /// The same organization under another key.
    Renamed {
        /// Key in the base.
        from: OrgKey,
    },
    /// Fields differ.
    Changed,
    /// `state: absent` is declared: the organization is to be deleted.
    Deleted,
}

/// Danger of one or more differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// Kind.
    pub kind: DangerKind,
    /// Description; reads behind the names of the organizations.
    pub message: String,
    /// Organizations that it is about, by key; none for a setting that touches no organization.
    pub keys: Vec<OrgKey>,
}

/// Change of a field that several entries share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonField<'a> {
    /// The field.
    pub field: &'a Field,
    /// The entries, by key.
    pub keys: Vec<&'a OrgKey>,
}

/// The fewest entries with the same change for which it counts as a common one.
const COMMON: usize = 4;

impl Diff {
    /// Returns whether both manifests mean the same.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.entries.is_empty()
    }

    /// Counts the entries with a kind of difference.
    pub fn count(&self, is_of: impl Fn(&EntryChange) -> bool) -> usize {
        let entries = self.entries.iter();
        entries.filter(|entry| is_of(&entry.change)).count()
    }

    /// Returns the changes that several changed entries share, as a changed default makes them.
    pub fn common(&self) -> Vec<CommonField<'_>> {
        let mut by_field: BTreeMap<&Field, Vec<&OrgKey>> = BTreeMap::new();
        for entry in &self.entries {
            if entry.change == EntryChange::Changed {
                for field in &entry.fields {
                    by_field.entry(field).or_default().push(&entry.key);
                }
            }
        }
        let common = by_field
            .into_iter()
            .filter(|(_, keys)| keys.len() >= COMMON);
        common
            .map(|(field, keys)| CommonField { field, keys })
            .collect()
    }
}

/// Compares a manifest with its base; of the entries, only those that are selected.
pub fn diff(base: Side<'_>, new: Side<'_>, selection: &Selection) -> Diff {
    let mut findings = Findings::default();
    let settings = settings::values(base).changes(&settings::values(new));
    findings.of_settings(base, new, &settings);
    let entries::Compared { entries, unchanged } =
        entries::compare(base, new, selection, &mut findings);
    Diff {
        settings,
        entries,
        dangers: findings.finish(),
        unchanged,
    }
}

/// Declaration of one key.
#[derive(Debug, Clone, Copy)]
enum Declared<'a> {
    Present(&'a DesiredOrganization),
    Absent(&'a AbsentOrganization),
    Excluded(&'a ExcludedOrganization),
}

impl<'a> Declared<'a> {
    const fn present(self) -> Option<&'a DesiredOrganization> {
        match self {
            Self::Present(entry) => Some(entry),
            Self::Absent(_) | Self::Excluded(_) => None,
        }
    }

    const fn source(self) -> &'a Source {
        match self {
            Self::Present(entry) => &entry.source,
            Self::Absent(entry) => &entry.source,
            Self::Excluded(entry) => &entry.source,
        }
    }
}
