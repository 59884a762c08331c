//! Addresses to which the portal sends people: a part of the plan that WorkOS does not keep.
//!
//! Goes in: the desired state and the selected entries. Comes out: every declared URL with the
//! setting it stands in, in one order. Decides nothing.

use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::{AllowedHosts, OrgKey, ReturnUrl, Selection};

/// Declared URLs of the portal, and the hosts that they may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    /// Hosts that the URLs may name; any host where the list is empty.
    pub allowed_hosts: AllowedHosts,
    /// The URLs: those of the manifest first, then those of the entries, by key.
    pub urls: Vec<Destination>,
}

/// One declared URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The entry that declares it; `None` for the manifest's own.
    pub key: Option<OrgKey>,
    /// Path of the setting: below the entry, or in the manifest.
    pub setting: String,
    /// The URL.
    pub url: ReturnUrl,
    /// Number of selected organizations of whose people some are sent there; `None` in a saved plan.
    pub organizations: Option<usize>,
}

impl Destinations {
    /// Collects the URLs of a manifest and of its selected entries.
    pub fn of(desired: &Desired, selection: &Selection) -> Self {
        let manifest = &desired.return_urls;
        let count = |is_sent: &dyn Fn(&DesiredOrganization) -> bool| {
            let entries = desired.organizations.iter();
            let sent = entries.filter(|(key, entry)| selection.has_key(key) && is_sent(entry));
            sent.count()
        };
        let default = manifest.default.iter();
        let default = default.map(|url| {
            let count = count(&|entry| {
                let mut intents = entry.intents.values();
                entry.return_url.is_none() && intents.any(|intent| intent.return_url.is_none())
            });
            ("return_urls.default".to_owned(), url, count)
        });
        let success = manifest.success.iter();
        let success = success.map(|(intent, url)| {
            let count = count(&|entry| {
                let settings = entry.intents.get(intent);
                settings.is_some_and(|it| it.success_url.is_none())
            });
            (format!("return_urls.success.{intent}"), url, count)
        });
        let mut urls: Vec<Destination> = default
            .chain(success)
            .map(|(setting, url, organizations)| Destination {
                key: None,
                setting,
                url: url.clone(),
                organizations: Some(organizations),
            })
            .collect();
        for (key, entry) in &desired.organizations {
            if selection.has_key(key) {
                urls.extend(of_entry(key, entry));
            }
        }
        Self {
            allowed_hosts: manifest.allowed_hosts.clone(),
            urls,
        }
    }

    /// Returns whether people are sent somewhere, and any host would do.
    pub fn are_unbounded(&self) -> bool {
        !self.urls.is_empty() && self.allowed_hosts.is_empty()
    }
}

fn of_entry<'a>(
    key: &'a OrgKey,
    entry: &'a DesiredOrganization,
) -> impl Iterator<Item = Destination> + 'a {
    let own = entry.return_url.iter();
    let own = own.map(|url| ("return_url".to_owned(), url));
    let of_intents = entry.intents.iter().flat_map(|(intent, settings)| {
        let urls = [
            ("return_url", &settings.return_url),
            ("success_url", &settings.success_url),
        ];
        urls.into_iter()
            .filter_map(|(name, url)| Some((name, url.as_ref()?)))
            .map(move |(name, url)| (format!("intents.{intent}.{name}"), url))
    });
    own.chain(of_intents).map(|(setting, url)| Destination {
        key: Some(key.clone()),
        setting,
        url: url.clone(),
        organizations: Some(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_manifest::{self as manifest, Input};

    const MANIFEST: &str = "\
version: 1
return_urls:
  default: https://app.example.com/portal
  success: { sso: https://app.example.com/sso/done }
  allowed_hosts: [app.example.com]
organizations:
  globex: { name: Globex, intents: [sso] }
  acme:
    name: Acme
    return_url: https://app.example.com/acme
    intents:
      - intent: sso
        success_url: https://app.example.com/acme/done
      - intent: dsync
        return_url: https://app.example.com/acme/dsync
";

    fn of(only: &[String]) -> Destinations {
        let checked = manifest::read(&[Input::Stdin(MANIFEST.as_bytes().to_vec())]);
        let selection = Selection::new(only, &[]).unwrap();
        Destinations::of(&checked.desired.unwrap(), &selection)
    }

    #[test]
    fn every_url_is_found_with_its_setting() {
        let found: Vec<String> = of(&[])
            .urls
            .iter()
            .map(|it| {
                let key = it.key.as_ref().map_or("", OrgKey::as_str);
                let count = it.organizations.unwrap();
                format!("{count} {key} {} {}", it.setting, it.url)
            })
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r"
        1  return_urls.default https://app.example.com/portal
        1  return_urls.success.sso https://app.example.com/sso/done
        1 acme return_url https://app.example.com/acme
        1 acme intents.sso.success_url https://app.example.com/acme/done
        1 acme intents.dsync.return_url https://app.example.com/acme/dsync
        ");
    }

    #[test]
    fn entries_that_are_not_selected_are_left_out() {
        assert_eq!(of(&["globex".to_owned()]).urls.len(), 2);
    }
}
