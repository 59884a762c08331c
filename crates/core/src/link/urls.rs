//! Addresses to which the portal sends the browser, and the setting that each comes from.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use portalctl_model::desired::Desired;
use portalctl_model::{Intent, OrgKey, ReturnUrl};

/// Addresses of a link; `None` leaves one to the default that WorkOS keeps in its dashboard,
/// which no API tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedUrls {
    /// Target of the portal's logo, by which an IT admin leaves without finishing.
    pub return_url: Option<ResolvedUrl>,
    /// Target of the redirect after the intent was finished: the declared success URL, else the
    /// return URL. WorkOS takes one for every intent; only the defaults of its dashboard are
    /// limited to three.
    ///
    /// Source: `GenerateLinkDto.success_url` of the WorkOS API description.
    pub success_url: Option<ResolvedUrl>,
}

/// A URL with the place in the manifest that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedUrl {
    /// The URL.
    pub url: ReturnUrl,
    /// Setting that an address comes from.
    pub origin: Origin,
}

/// The place in the manifest that a URL comes from; the nearest to the intent wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The intent of this organization.
    Intent,
    /// The organization.
    Organization,
    /// The manifest's `return_urls`.
    Manifest,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intent => "the intent's own",
            Self::Organization => "the organization's",
            Self::Manifest => "the manifest's",
        })
    }
}

/// Finds the URLs of one intent of one organization: the intent's own, else the organization's,
/// else the manifest's.
///
/// Without a success URL the IT admin who finishes is sent to the return URL.
pub fn resolve_urls(desired: &Desired, key: &OrgKey, intent: Intent) -> ResolvedUrls {
    let entry = desired.organizations.get(key);
    let settings = entry.and_then(|entry| entry.intents.get(&intent));
    let manifest = &desired.return_urls;
    let return_url = nearest([
        (Origin::Intent, settings.and_then(|s| s.return_url.as_ref())),
        (
            Origin::Organization,
            entry.and_then(|e| e.return_url.as_ref()),
        ),
        (Origin::Manifest, manifest.default.as_ref()),
    ]);
    let success_url = nearest([
        (
            Origin::Intent,
            settings.and_then(|s| s.success_url.as_ref()),
        ),
        (Origin::Manifest, manifest.success.get(&intent)),
    ]);
    ResolvedUrls {
        success_url: success_url.or_else(|| return_url.clone()),
        return_url,
    }
}

fn nearest<const N: usize>(places: [(Origin, Option<&ReturnUrl>); N]) -> Option<ResolvedUrl> {
    places.into_iter().find_map(|(origin, url)| {
        Some(ResolvedUrl {
            url: url?.clone(),
            origin,
        })
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use portalctl_manifest::{self as manifest, Input};

    const MANIFEST: &str = "\
version: 1
return_urls:
  default: https://app.example.com/portal
  success: { sso: https://app.example.com/sso/done }
organizations:
  acme:
    name: Acme
    return_url: https://app.example.com/acme
    intents:
      - intent: sso
        success_url: https://app.example.com/acme/done
      - intent: dsync
        return_url: https://app.example.com/acme/dsync
  globex: { name: Globex, intents: [sso, log_streams] }
";

    /// A manifest, and the key of its first customer.
    pub(in crate::link) fn manifest() -> (Desired, OrgKey) {
        let checked = manifest::read(&[Input::Stdin(MANIFEST.as_bytes().to_vec())]);
        let desired = checked.desired.unwrap();
        let key = desired.organizations.keys().next().unwrap().clone();
        (desired, key)
    }

    fn resolved(key: &str, intent: Intent) -> (String, String) {
        let (desired, _) = manifest();
        let mut keys = desired.organizations.keys();
        let key = keys.find(|k| k.as_str() == key).unwrap();
        let ResolvedUrls {
            return_url,
            success_url,
        } = resolve_urls(&desired, key, intent);
        let text = |url: Option<ResolvedUrl>| match url {
            Some(ResolvedUrl { url, origin }) => {
                format!("{origin}: {}", url.as_str().trim_start_matches("https://"))
            }
            None => "WorkOS's".to_owned(),
        };
        (text(return_url), text(success_url))
    }

    #[test]
    fn the_place_nearest_to_the_intent_wins() {
        for (key, intent, back, done) in [
            (
                "acme",
                Intent::Sso,
                "the organization's: app.example.com/acme",
                "the intent's own: app.example.com/acme/done",
            ),
            (
                "acme",
                Intent::Dsync,
                "the intent's own: app.example.com/acme/dsync",
                "the intent's own: app.example.com/acme/dsync",
            ),
            // Not declared: the organization's still holds.
            (
                "acme",
                Intent::AuditLogs,
                "the organization's: app.example.com/acme",
                "the organization's: app.example.com/acme",
            ),
            (
                "globex",
                Intent::Sso,
                "the manifest's: app.example.com/portal",
                "the manifest's: app.example.com/sso/done",
            ),
            (
                "globex",
                Intent::LogStreams,
                "the manifest's: app.example.com/portal",
                "the manifest's: app.example.com/portal",
            ),
        ] {
            let found = resolved(key, intent);
            assert_eq!(found, (back.to_owned(), done.to_owned()), "{key} {intent}");
        }
    }

    #[test]
    fn every_intent_has_a_success_url_when_any_url_is_declared() {
        let (mut desired, key) = manifest();
        for intent in Intent::ALL {
            assert!(
                resolve_urls(&desired, &key, intent).success_url.is_some(),
                "{intent}"
            );
        }
        let (_, url) = desired.return_urls.success.pop_first().unwrap();
        let all = Intent::ALL.map(|intent| (intent, url.clone()));
        desired.return_urls.success = all.into();
        for intent in Intent::ALL.into_iter().filter(|it| *it != Intent::Sso) {
            let found = resolve_urls(&desired, &key, intent).success_url.unwrap();
            assert_eq!((found.url, found.origin), (url.clone(), Origin::Manifest));
        }
    }

    #[test]
    fn without_any_url_the_choice_is_left_to_the_dashboard() {
        let (mut desired, key) = manifest();
        desired.return_urls = portalctl_model::desired::ReturnUrls::default();
        let entry = desired.organizations.get_mut(&key).unwrap();
        entry.return_url = None;
        let found = resolve_urls(&desired, &key, Intent::CertificateRenewal);
        assert_eq!(found, ResolvedUrls::default());
    }
}
