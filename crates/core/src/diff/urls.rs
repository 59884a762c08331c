//! Addresses to which people are sent, before and after.

use std::collections::BTreeSet;

use super::Side;
use super::findings::{Findings, Novelty};
use crate::link::{ResolvedUrl, resolve_urls};
use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::{Intent, OrgKey, ReturnUrl, Selection};

/// Comparison of addresses, with every host that the base names.
pub(super) struct Destinations<'a> {
    base: &'a Desired,
    new: &'a Desired,
    known_hosts: BTreeSet<&'a str>,
    /// True where the settings of both manifests are the same.
    same_settings: bool,
}

/// An entry with its key; none where the base has no such entry.
type Entry<'a, E> = (&'a OrgKey, E);

impl<'a> Destinations<'a> {
    pub(super) fn new(base: Side<'a>, new: Side<'a>) -> Self {
        let (base, new) = (base.desired, new.desired);
        Self {
            base,
            new,
            known_hosts: hosts(base),
            same_settings: base.return_urls == new.return_urls,
        }
    }

    /// Finds the addresses of one entry that changed.
    pub(super) fn compare(
        &self,
        ((before, old), (key, entry)): (
            Entry<'_, Option<&DesiredOrganization>>,
            Entry<'_, &DesiredOrganization>,
        ),
        selection: &Selection,
        findings: &mut Findings,
    ) {
        let is_same = |old: &DesiredOrganization| {
            self.same_settings && old.return_url == entry.return_url && old.intents == entry.intents
        };
        if old.is_some_and(is_same) {
            return;
        }
        let intents = entry.intents.keys().filter(|it| selection.has_intent(**it));
        for intent in intents.copied() {
            let now = urls(self.new, key, intent);
            let Some(old) = old else {
                for url in now.into_iter().flatten() {
                    self.new_entry(key, &url, findings);
                }
                continue;
            };
            // An intent that is new is sent where the organization's other ones were.
            let intent = if old.intents.contains_key(&intent) {
                intent
            } else {
                old.intents.keys().next().copied().unwrap_or(intent)
            };
            let was = urls(self.base, before, intent);
            for (was, now) in was.into_iter().zip(now) {
                if was != now {
                    let novelty = now.as_ref().map_or(Novelty::Known, |now| self.novelty(now));
                    findings.of_destination(key, was.as_ref(), now.as_ref(), novelty);
                }
            }
        }
    }

    /// Finds an address of a new entry at a host that the base does not name.
    fn new_entry(&self, key: &OrgKey, url: &ReturnUrl, findings: &mut Findings) {
        let novelty = self.novelty(url);
        if novelty != Novelty::Known {
            findings.of_destination(key, None, Some(url), novelty);
        }
    }

    /// Returns what of an address the base does not name.
    fn novelty(&self, url: &ReturnUrl) -> Novelty {
        let host = url.host();
        if self.known_hosts.contains(host) {
            return Novelty::Known;
        }
        let name = without_port(host);
        let mut known = self.known_hosts.iter();
        if known.any(|known| without_port(known) == name) {
            Novelty::Port
        } else {
            Novelty::Host
        }
    }
}

/// Returns a host without its port; the colons within the brackets of an IPv6 address are its own.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// Returns the return URL and the success URL of an intent.
fn urls(desired: &Desired, key: &OrgKey, intent: Intent) -> [Option<ReturnUrl>; 2] {
    let urls = resolve_urls(desired, key, intent);
    let url = |url: Option<ResolvedUrl>| url.map(|url| url.url);
    [url(urls.return_url), url(urls.success_url)]
}

/// Returns the hosts of every address in a manifest.
fn hosts(desired: &Desired) -> BTreeSet<&str> {
    let urls = &desired.return_urls;
    let settings = urls.default.iter().chain(urls.success.values());
    let entries = desired.organizations.values().flat_map(|entry| {
        let intents = entry.intents.values();
        let of_intents = intents.flat_map(|it| it.return_url.iter().chain(&it.success_url));
        entry.return_url.iter().chain(of_intents)
    });
    let named = settings.chain(entries).map(ReturnUrl::host);
    named.chain(urls.allowed_hosts.iter()).collect()
}
