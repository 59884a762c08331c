//! `ignore_fields`: the paths of fields whose differences are left alone.

use std::collections::BTreeSet;

use super::metadata;
use crate::diagnostic::Findings;
use crate::quote::{nearest, quote};
use crate::raw::{Field, Texts, accepted};
use portalctl_model::Domain;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::FieldPath;
use portalctl_model::field_path::InvalidPath;

const PATHS: [&str; 8] = [
    "name",
    "external_id",
    "stripe_customer_id",
    "allow_profiles_outside_organization",
    "audit_logs",
    "domains",
    "it_contacts",
    "metadata",
];

/// The most paths of one list: those of `defaults` are copied to every organization.
const MAX_PATHS: usize = 100;

/// The paths of a list.
pub(super) fn check(
    field: Option<&Field<Texts>>,
    findings: &mut Findings,
) -> Option<BTreeSet<FieldPath>> {
    let (list, spot) = accepted(field)?;
    if list.len() > MAX_PATHS {
        findings.error(
            codes::TOO_LARGE,
            spot,
            format!(
                "{} lists {} paths",
                findings.spell("`ignore_fields`"),
                list.len()
            ),
            format!("list {MAX_PATHS} at most, or ignore a whole group such as `metadata`"),
        );
        return Some(BTreeSet::new());
    }
    let mut paths = BTreeSet::new();
    for text in list {
        match parse(&text.value) {
            Ok(path) => {
                paths.insert(path);
            }
            Err(help) => findings.error(
                codes::UNKNOWN_PATH,
                text.spot,
                format!("{} is not a field that can be ignored", quote(&text.value)),
                help,
            ),
        }
    }
    Some(paths)
}

/// Reads a path of a list; the error says what to write instead.
fn parse(text: &str) -> Result<FieldPath, String> {
    let (group, member) = match text.split_once('.') {
        Some((group, member)) => (group, Some(member)),
        None => (text, None),
    };
    match (text.parse(), member) {
        // A domain as it is declared.
        (Ok(FieldPath::Domain(_)), Some(domain)) => Domain::parse(domain)
            .map(FieldPath::Domain)
            .map_err(|why| format!("{} {why}", quote(domain))),
        (Err(InvalidPath::Member(why)), Some(member)) => Err(format!("{} {why}", quote(member))),
        (Ok(FieldPath::Metadata(key)), _)
            if key.is_empty() || key.chars().count() > metadata::MAX_KEY_LENGTH =>
        {
            Err(instead(group, member))
        }
        (
            Ok(
                FieldPath::State
                | FieldPath::Connection(_)
                | FieldPath::Directory(_)
                | FieldPath::Dependent(_),
            )
            | Err(_),
            _,
        ) => Err(instead(group, member)),
        (Ok(path), _) => Ok(path),
    }
}

/// Says what to write in place of a path.
fn instead(group: &str, member: Option<&str>) -> String {
    let exact = PATHS.contains(&group) && member.is_some();
    match nearest(group, &PATHS) {
        Some(near) if !exact => match member {
            Some(member) => format!("did you mean {}?", quote(&format!("{near}.{member}"))),
            None => format!("did you mean `{near}`?"),
        },
        _ => "the fields are name, external_id, stripe_customer_id, \
              allow_profiles_outside_organization, audit_logs.retention_days, domains, \
              domains.DOMAIN, metadata, metadata.KEY, it_contacts and it_contacts.EMAIL"
            .to_owned(),
    }
}
