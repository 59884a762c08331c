//! Resolves the KEY argument of commands that are about one organization.
//!
//! Takes a key, an external id, an organization id, and, of declared entries, a domain or an exact
//! name. Makes no request: an organization id that no entry pins is left to the caller.

use super::error::{CliError, most_alike};
use super::exit::Exit;
use super::manifest::is_excluded;
use super::ui::Ui;
use portalctl_model::codes::cli as codes;
use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::name::folded;
use portalctl_model::text::escape;
use portalctl_model::{Domain, ExternalId, OrgKey, OrganizationId};

/// The number of entries that a message names at most.
const MAX_LISTED: usize = 5;

/// Property of an entry by which an argument named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// The key of the entry.
    Key,
    /// The external id of the entry, or a former one.
    ExternalId,
    /// The organization id that the entry pins.
    Id,
    /// A domain of the entry.
    Domain,
    /// The name of the entry.
    Name,
}

impl NamedBy {
    /// Returns whether a person should confirm the match before anything is sent or made.
    pub(super) const fn is_inexact(self) -> bool {
        matches!(self, Self::Domain | Self::Name)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "the key",
            Self::ExternalId => "an external id",
            Self::Id => "the id",
            Self::Domain => "a domain",
            Self::Name => "the name",
        }
    }
}

/// An entry that an argument names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) key: OrgKey,
    pub(super) by: NamedBy,
}

/// Result of a lookup in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A declared entry.
    Entry(Named),
    /// An organization id that no entry pins: only WorkOS can tell whose it is.
    Live(OrganizationId),
}

/// Finds the entry that an argument names.
///
/// # Errors
///
/// Fails when nothing matches, naming what is near, and when a domain or a name matches more than
/// one entry, listing them.
pub(super) fn find(desired: &Desired, argument: &str, text: &str) -> Result<Found, CliError> {
    let entries = || desired.organizations.iter();
    let exact = |by, matches: &dyn Fn(&OrgKey, &DesiredOrganization) -> bool| {
        let found = entries().find(|(key, entry)| matches(key, entry));
        found.map(|(key, _)| {
            Found::Entry(Named {
                key: key.clone(),
                by,
            })
        })
    };
    let found = exact(NamedBy::Key, &|key, _| key.as_str() == text)
        .or_else(|| {
            exact(NamedBy::ExternalId, &|_, entry| {
                entry.external_ids().any(|id| id.as_str() == text)
            })
        })
        .or_else(|| {
            exact(NamedBy::Id, &|_, entry| {
                entry.id.as_ref().is_some_and(|id| id.as_str() == text)
            })
        });
    if let Some(found) = found {
        return Ok(found);
    }
    if let Ok(id) = OrganizationId::parse(text) {
        return Ok(Found::Live(id));
    }
    let domain = Domain::parse(text).ok();
    let name = folded(text);
    for (by, keys) in [
        (
            NamedBy::Domain,
            matching(desired, |entry| declares(entry, domain.as_ref())),
        ),
        (
            NamedBy::Name,
            matching(desired, |entry| {
                entry.name.as_deref().is_some_and(|it| folded(it) == name)
            }),
        ),
    ] {
        match keys.as_slice() {
            [] => {}
            [key] => {
                let key = (*key).clone();
                return Ok(Found::Entry(Named { key, by }));
            }
            several => return Err(ambiguous(argument, text, by, several)),
        }
    }
    Err(nothing(desired, argument, text))
}

fn declares(entry: &DesiredOrganization, domain: Option<&Domain>) -> bool {
    let declared = entry.domains.as_ref();
    domain.is_some_and(|domain| declared.is_some_and(|all| all.contains_key(domain)))
}

fn matching(desired: &Desired, matches: impl Fn(&DesiredOrganization) -> bool) -> Vec<&OrgKey> {
    let entries = desired.organizations.iter();
    entries
        .filter(|(_, entry)| matches(entry))
        .map(|(key, _)| key)
        .collect()
}

fn ambiguous(argument: &str, text: &str, by: NamedBy, keys: &[&OrgKey]) -> CliError {
    let listed = keys.iter().take(MAX_LISTED).map(|key| format!("`{key}`"));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let more = match keys.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "{argument} {}: {} of several organizations: {listed}{more}",
        escape(text),
        by.as_str()
    );
    CliError::new(Exit::Usage, codes::AMBIGUOUS_ORGANIZATION, message)
        .help("name one of them by its key")
}

/// Returns the error of an argument that matches nothing, with the entry that is most alike.
fn nothing(desired: &Desired, argument: &str, text: &str) -> CliError {
    if desired.absent.keys().any(|key| key.as_str() == text) {
        let message = format!(
            "{argument} {}: it is declared `state: absent`",
            escape(text)
        );
        let error = CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message);
        return error.help("remove `state: absent` if the organization is to stay");
    }
    if desired.excluded.keys().any(|key| key.as_str() == text) {
        return is_excluded(argument, text);
    }
    let message = format!("{argument} {}: there is no such organization", escape(text));
    let error = CliError::new(Exit::Usage, codes::NOTHING_SELECTED, message);
    let mut near = Vec::new();
    for (key, entry) in &desired.organizations {
        near.push((key.to_string(), None, key));
        let name = entry.name.iter().map(|name| (folded(name), name.clone()));
        let ids = entry.external_ids().map(ExternalId::to_string);
        let domains = entry.domains.iter().flatten();
        let ids = ids.chain(domains.map(|(domain, _)| domain.to_string()));
        let words = name.chain(ids.map(|id| (id.clone(), id)));
        near.extend(words.map(|(word, shown)| (word, Some(shown), key)));
    }
    let typed = folded(text);
    let best = most_alike(&typed, near.iter().map(|(word, ..)| word.as_str()));
    let found = best.and_then(|best| near.iter().find(|(word, ..)| word == best));
    match found {
        Some((_, None, key)) => error.help(format!("did you mean `{key}`?")),
        Some((_, Some(shown), key)) => {
            error.help(format!("did you mean `{key}` ({})?", escape(shown)))
        }
        None => error,
    }
}

/// Has a person confirm an entry that was named by a domain or a name, before anything is sent or
/// made for it.
///
/// # Errors
///
/// Fails without a terminal, and when the answer is not `yes`.
pub(super) fn confirm(
    desired: &Desired,
    named: &Named,
    text: &str,
    ui: &Ui,
) -> Result<(), CliError> {
    if !named.by.is_inexact() {
        return Ok(());
    }
    let Named { key, by } = named;
    let what = format!(
        "{} is {} of the organization `{key}`",
        escape(text),
        by.as_str()
    );
    if !ui.is_interactive() {
        let message = format!("{what}, and there is no terminal to ask whether it is meant");
        let error = CliError::new(Exit::Usage, codes::NO_CONSENT, message);
        return Err(error.help(format!("name it by its key: {key}")));
    }
    let entry = desired.organizations.get(key);
    let name = entry.and_then(|entry| entry.name.as_deref());
    let name = name.map_or_else(String::new, |name| format!(" ({})", escape(name)));
    let question = format!("{what}{name}.\nGo on with it? Only `yes` is taken as consent: ");
    if Ui::confirm(&question) {
        return Ok(());
    }
    let message = "the answer was not `yes`; no request was made";
    Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message)
        .help(format!("name the organization by its key: {key}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_manifest::{self as manifest, Input};

    const MANIFEST: &str = "\
version: 1
organizations:
  acme:
    id: org_01ACME
    external_id: cus-1
    previous_keys: [acme-old]
    name: Acme Corp
    domains: [acme.com, bücher.example]
  globex: { name: Globex, domains: [{ domain: shared.example }], allow_shared_domain: true }
  initech: { name: GLOBEX, domains: [{ domain: shared.example }], allow_shared_domain: true, allow_same_name: true }
";

    fn desired() -> Desired {
        let checked = manifest::read(&[Input::Stdin(MANIFEST.as_bytes().to_vec())]);
        checked.desired.unwrap()
    }

    fn found(text: &str) -> Result<Found, CliError> {
        find(&desired(), "KEY", text)
    }

    #[test]
    fn an_entry_is_named_by_any_of_its_ids_or_a_domain_or_its_name() {
        for (text, by) in [
            ("acme", NamedBy::Key),
            ("cus-1", NamedBy::ExternalId),
            ("acme-old", NamedBy::ExternalId),
            ("org_01ACME", NamedBy::Id),
            ("acme.com", NamedBy::Domain),
            ("ACME.COM.", NamedBy::Domain),
            ("BÜCHER.example", NamedBy::Domain),
            ("acme CORP", NamedBy::Name),
        ] {
            let Ok(Found::Entry(named)) = found(text) else {
                panic!("{text}")
            };
            assert_eq!((named.key.as_str(), named.by), ("acme", by), "{text}");
        }
    }

    #[test]
    fn a_key_goes_before_everything_else() {
        let Ok(Found::Entry(named)) = found("globex") else {
            panic!()
        };
        assert_eq!((named.key.as_str(), named.by), ("globex", NamedBy::Key));
    }

    #[test]
    fn an_organization_id_that_nobody_pins_is_left_to_workos() {
        assert!(
            matches!(found("org_02OTHER"), Ok(Found::Live(id)) if id.as_str() == "org_02OTHER")
        );
    }

    #[test]
    fn what_names_several_entries_lists_them() {
        for text in ["shared.example", "gloBEX "] {
            let error = found(text).unwrap_err();
            let item = &error.items[0];
            assert_eq!(item.code, "cli/ambiguous-organization", "{text}");
            assert!(
                item.message.ends_with("`globex`, `initech`"),
                "{}",
                item.message
            );
        }
    }

    #[test]
    fn what_names_nothing_says_what_is_near() {
        for (text, help) in [
            ("acne", "did you mean `acme`?"),
            ("acme co", "did you mean `acme` (Acme Corp)?"),
            ("cus-12", "did you mean `acme` (cus-1)?"),
            ("acme.con", "did you mean `acme` (acme.com)?"),
        ] {
            let error = found(text).unwrap_err();
            assert_eq!(error.items[0].code, "cli/nothing-selected");
            assert_eq!(error.items[0].help.as_deref(), Some(help), "{text}");
        }
    }
}
