//! Words of the difference of two manifests.

use super::count::Count;
use super::{Emails, Tone, counted, first_few};
use portalctl_core::diff::{Danger, Diff, EntryChange};
use portalctl_model::OrgKey;
use portalctl_model::text::mask_addresses;

/// Path prefix of IT contacts, whose addresses may be masked.
const CONTACTS: &str = "it_contacts.";

/// Returns the tone, the sign and the word of a kind of difference.
pub(crate) const fn change_sign(change: &EntryChange) -> (Tone, &'static str, &'static str) {
    match change {
        EntryChange::Added => (Tone::Good, "+", "added"),
        EntryChange::Removed => (Tone::Bad, "-", "removed"),
        EntryChange::Renamed { .. } => (Tone::Notice, ">", "renamed"),
        EntryChange::Changed => (Tone::Notice, "~", "changed"),
        EntryChange::Deleted => (Tone::Bad, "-", "to be deleted"),
    }
}

/// Returns the counts of a difference that are not 0, and the unchanged entries.
pub(crate) fn diff_counts<'d>(diffs: impl IntoIterator<Item = &'d Diff>) -> Vec<Count> {
    let diffs: Vec<&Diff> = diffs.into_iter().collect();
    let sum = |count: &dyn Fn(&Diff) -> usize| diffs.iter().map(|diff| count(diff)).sum();
    let entries = |label, is_of: fn(&EntryChange) -> bool| {
        let count = sum(&|diff| diff.count(is_of));
        Count::of(Tone::Plain, "", count, (label, label))
    };
    let dangers = sum(&|diff| diff.dangers.len());
    let mut counts = vec![
        Count::of(Tone::Bad, "!", dangers, ("danger", "dangers")),
        entries("added", |it| *it == EntryChange::Added),
        entries("removed", |it| *it == EntryChange::Removed),
        entries("to be deleted", |it| *it == EntryChange::Deleted),
        entries("renamed", |it| matches!(it, EntryChange::Renamed { .. })),
        entries("changed", |it| *it == EntryChange::Changed),
        Count::of(
            Tone::Plain,
            "~",
            sum(&|diff| diff.settings.len()),
            ("setting", "settings"),
        ),
    ];
    counts.retain(|count| count.number != Some(0));
    if diffs.iter().all(|diff| diff.is_empty()) {
        counts.insert(0, Count::remark(Tone::Good, "✓", "no difference"));
    }
    let unchanged = ("unchanged", "unchanged");
    let count = sum(&|diff| diff.unchanged);
    counts.push(Count::of(Tone::Quiet, "", count, unchanged));
    counts
}

/// Returns the path of a field, its address masked where asked for.
pub(crate) fn diff_field_name(path: &str, emails: Emails) -> String {
    match path.strip_prefix(CONTACTS) {
        Some(address) => format!("{CONTACTS}{}", emails.show(address)),
        None => path.to_owned(),
    }
}

/// Returns the text of a danger, its addresses masked where asked for.
pub(crate) fn danger_message(danger: &Danger, emails: Emails) -> String {
    match emails {
        Emails::Shown => danger.message.clone(),
        Emails::Masked => mask_addresses(&danger.message).into_owned(),
    }
}

/// Returns the organizations of a danger: `212 organizations: acme, globex, initech and 209 more`.
pub(crate) fn organizations_named(keys: &[String]) -> String {
    match keys {
        [] => "the manifest".to_owned(),
        [one] => one.clone(),
        keys => format!(
            "{}: {}",
            counted(keys.len(), "organization"),
            first_few(keys, 3)
        ),
    }
}

/// Returns keys as texts.
pub(crate) fn changed_keys<'k>(keys: impl IntoIterator<Item = &'k OrgKey>) -> Vec<String> {
    keys.into_iter().map(ToString::to_string).collect()
}
