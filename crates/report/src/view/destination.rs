//! Addresses to which the portal sends people, by host.

use std::collections::BTreeMap;

use portalctl_core::plan::{Destination, Destinations};

use super::counted;

/// URLs on one host.
pub(crate) struct Host<'a> {
    /// Host, with the port where one is written.
    pub(crate) name: &'a str,
    /// The first URLs.
    pub(crate) urls: Vec<Url<'a>>,
    /// Number of further URLs.
    more: usize,
}

/// One URL of a host.
pub(crate) struct Url<'a> {
    /// Setting that declares it.
    pub(crate) setting: String,
    /// The URL itself.
    pub(crate) text: &'a str,
    /// Number of organizations of whose people some are sent there, where it is known.
    pub(crate) organizations: Option<usize>,
}

impl Url<'_> {
    /// Returns how many organizations the URL is for; empty where that is not known.
    pub(crate) fn reach(&self) -> String {
        let of = |count| counted(count, "organization");
        self.organizations.map(of).unwrap_or_default()
    }

    /// Returns the setting, and for how many organizations it is where that is known.
    pub(crate) fn said(&self) -> String {
        match self.organizations {
            Some(_) => format!("{}, for {}", self.setting, self.reach()),
            None => self.setting.clone(),
        }
    }
}

impl Host<'_> {
    /// Returns the remark about URLs that are not shown, if there are any.
    pub(crate) fn more(&self) -> Option<String> {
        (self.more > 0).then(|| format!("{} more on this host", counted(self.more, "URL")))
    }
}

/// Groups URLs by host, with at most so many of each.
pub(crate) fn hosts(destinations: &Destinations, limit: usize) -> Vec<Host<'_>> {
    let mut by_host: BTreeMap<&str, Host<'_>> = BTreeMap::new();
    for Destination {
        key,
        setting,
        url,
        organizations,
    } in &destinations.urls
    {
        let name = url.host();
        let host = by_host.entry(name).or_insert_with(|| Host {
            name,
            urls: Vec::new(),
            more: 0,
        });
        if host.urls.len() == limit {
            host.more += 1;
            continue;
        }
        let setting = match key {
            Some(key) => format!("{key}: {setting}"),
            None => setting.clone(),
        };
        host.urls.push(Url {
            setting,
            text: url.as_str(),
            organizations: *organizations,
        });
    }
    by_host.into_values().collect()
}

/// Returns the hosts that URLs may name, in words.
pub(crate) fn allowed(destinations: &Destinations) -> String {
    let hosts: Vec<&str> = destinations.allowed_hosts.iter().collect();
    if hosts.is_empty() {
        "any host is allowed".to_owned()
    } else {
        format!("allowed hosts: {}", hosts.join(", "))
    }
}
