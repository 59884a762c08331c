//! The keys of imported organizations: readable, and the same in every run.
//!
//! ```text
//! external id, if it is a key ─▶ what is left of it as one ─▶ the name ─▶ the id
//! ```
//!
//! Two organizations that wish for the same key get the end of their ids behind it, both of them:
//! which of the two is `acme` must not hang on who is imported first.

use std::collections::{BTreeMap, BTreeSet};

use portalctl_manifest::redact;
use portalctl_model::desired::Desired;
use portalctl_model::id::MAX_KEY_LENGTH;
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::{OrgKey, OrganizationId};

/// Length of the end of an id, which is random and tells two organizations apart.
const TAIL: usize = 6;

/// A key for every live organization, also for those that are declared or not selected: so that a
/// part of them gets the keys that it would get with the others.
pub(super) fn keys(desired: &Desired, observed: &Observed) -> BTreeMap<OrganizationId, OrgKey> {
    let organizations = observed.organizations.values();
    let wishes: Vec<(&OrganizationId, Wish)> =
        organizations.map(|live| (&live.id, wish(live))).collect();
    let mut demand: BTreeMap<&OrgKey, Demand> = BTreeMap::new();
    for (_, wish) in &wishes {
        let demand = demand.entry(&wish.key).or_default();
        demand.all += 1;
        demand.exact += usize::from(wish.is_exact);
    }
    let is_granted = |wish: &Wish| {
        let is_its_own = demand
            .get(&wish.key)
            .is_some_and(|demand| demand.all == 1 || (wish.is_exact && demand.exact == 1));
        is_its_own
            && !desired.organizations.contains_key(&wish.key)
            && !desired.absent.contains_key(&wish.key)
            && !desired.excluded.contains_key(&wish.key)
    };

    let in_demand = demand.keys().copied();
    let declared = desired.organizations.keys().chain(desired.absent.keys());
    let declared = declared.chain(desired.excluded.keys());
    let taken = in_demand.chain(declared).map(OrgKey::to_string);
    let mut taken: BTreeSet<String> = taken.collect();
    let mut keys = BTreeMap::new();
    for (id, wish) in &wishes {
        let key = if is_granted(wish) {
            wish.key.clone()
        } else {
            let text = distinct(wish.key.as_str(), id, |text| !taken.contains(text));
            taken.insert(text.clone());
            OrgKey::parse(&text).unwrap_or_else(|_| wish.key.clone())
        };
        keys.insert((*id).clone(), key);
    }
    keys
}

/// The key that an organization would have if it were alone.
struct Wish {
    key: OrgKey,
    /// True where the key is the external id itself, which only one organization has.
    is_exact: bool,
}

/// Number of organizations that ask for each key.
#[derive(Default)]
struct Demand {
    all: usize,
    /// Organizations whose external id is the key.
    exact: usize,
}

fn wish(live: &Organization) -> Wish {
    let external_id = live.external_id.as_deref().unwrap_or_default();
    if let Ok(key) = OrgKey::parse(external_id) {
        return Wish {
            key,
            is_exact: true,
        };
    }
    let key = [external_id, &live.name, live.id.as_str()]
        .into_iter()
        // An API key that stands in a name must not live on in ours.
        .filter(|text| redact(text) == *text)
        .find_map(|text| OrgKey::parse(&slug(text)).ok());
    Wish {
        key: key.unwrap_or_else(|| OrgKey::undeclared("organization")),
        is_exact: false,
    }
}

/// Makes a key of a text: letters of other scripts are spelt in Latin, everything else becomes
/// a hyphen.
fn slug(text: &str) -> String {
    let latin = deunicode::deunicode_with_tofu(text, "-");
    let mut slug = String::new();
    for c in latin.chars().take(4 * MAX_KEY_LENGTH) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => slug.push(c),
            '\'' => {}
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    cut(slug.trim_matches('-'), MAX_KEY_LENGTH).to_owned()
}

/// The beginning of a key that is a key itself.
fn cut(key: &str, length: usize) -> &str {
    let key = key.get(..length).unwrap_or(key);
    key.trim_end_matches(['-', '.'])
}

/// The first that is free of: the key with the end of the id, with more of it, with a number.
pub(super) fn distinct(key: &str, id: &OrganizationId, is_free: impl Fn(&str) -> bool) -> String {
    let id = id.as_str();
    let id = id.strip_prefix("org_").unwrap_or(id);
    let id: Vec<char> = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let tails = [TAIL, 2 * TAIL, MAX_KEY_LENGTH / 2].into_iter();
    let tails = tails.map(|length| id.iter().skip(id.len().saturating_sub(length)).collect());
    let tails = tails.filter(|tail: &String| !tail.is_empty());
    let numbers = (2_u32..).map(|number| number.to_string());
    tails
        .chain(numbers)
        .map(|end| {
            let room = MAX_KEY_LENGTH.saturating_sub(end.len() + 1);
            format!("{}-{end}", cut(key, room))
        })
        .find(|text| is_free(text))
        .unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_readable() {
        for (text, expected) in [
            ("Acme Corp", "acme-corp"),
            ("St. Mary's & Sons, Inc.", "st-marys-sons-inc"),
            ("Müller Größe GmbH", "muller-grosse-gmbh"),
            ("Łódź", "lodz"),
            ("Ελλάδα", "ellada"),
            ("tenant:42/EU", "tenant-42-eu"),
            ("org_PROD_7", "org-prod-7"),
            ("--a--b--", "a-b"),
            ("\u{202e}evil\n", "evil"),
            ("🚀", "rocket"),
            ("   ", ""),
            ("\u{e000}", ""),
        ] {
            assert_eq!(slug(text), expected, "{text}");
        }
        let long = slug(&"word ".repeat(100));
        assert!(OrgKey::parse(&long).is_ok(), "{long}");
    }
}
