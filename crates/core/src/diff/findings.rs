//! Dangers of differences: typed values in, sentences out, those of the same text as one.

use std::collections::{BTreeMap, BTreeSet};

use super::settings::update_text;
use super::value::{Field, Value};
use super::{Danger, Declared, Side};
use crate::danger::DangerKind;
use portalctl_model::desired::{
    DeclaredDomainState, Desired, DesiredOrganization, DomainsPolicy, Invite, Limits, UpdateLimit,
};
use portalctl_model::{Domain, ExternalId, OrgKey, ReturnUrl};

/// Dangers found so far.
#[derive(Default)]
pub(super) struct Findings {
    /// Dangers by kind, novelty and text, with the entries that each is about.
    dangers: BTreeMap<(DangerKind, Novelty, String), BTreeSet<OrgKey>>,
    /// Addresses of settings that changed, with their paths.
    settings: Vec<(String, ReturnUrl)>,
    /// Addresses that entries are sent to now.
    destinations: BTreeSet<ReturnUrl>,
}

/// Degree of novelty of an address, or of what else a danger is about; the most dangerous first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Novelty {
    /// A host that the base does not name.
    Host,
    /// Another port of a host that the base names.
    Port,
    /// An address that is known, or none.
    Known,
}

impl Findings {
    /// Returns the dangers in order.
    pub(super) fn finish(mut self) -> Vec<Danger> {
        // An address that entries are sent to is told with them.
        for (path, url) in std::mem::take(&mut self.settings) {
            if !self.destinations.contains(&url) {
                let message = format!("`{path}` is {url}; no organization is sent there yet");
                self.add(DangerKind::Destination, None, message);
            }
        }
        self.dangers
            .into_iter()
            .map(|((kind, _, message), keys)| Danger {
                kind,
                message,
                keys: keys.into_iter().collect(),
            })
            .collect()
    }

    fn add(&mut self, kind: DangerKind, key: Option<&OrgKey>, message: impl Into<String>) {
        self.add_novel((kind, Novelty::Known), key, message);
    }

    fn add_novel(
        &mut self,
        (kind, novelty): (DangerKind, Novelty),
        key: Option<&OrgKey>,
        message: impl Into<String>,
    ) {
        let danger = (kind, novelty, message.into());
        let keys = self.dangers.entry(danger).or_default();
        keys.extend(key.cloned());
    }

    /// Finds the dangers of settings.
    pub(super) fn of_settings(&mut self, base: Side<'_>, new: Side<'_>, fields: &[Field]) {
        self.of_hosts(base.desired, new.desired);
        self.of_limits(&base.desired.limits, &new.desired.limits);
        for field in fields {
            let path = field.path.as_str();
            match (path, &field.before, &field.after) {
                ("manifest" | "environment.api_key" | "environment.client_id", before, after) => {
                    let message = format!(
                        "`{path}` is {} instead of {}",
                        shown(after.as_ref()),
                        shown(before.as_ref())
                    );
                    self.add(DangerKind::Owner, None, message);
                }
                (_, None, Some(_)) if path.starts_with("previous_manifests.") => {
                    let name = path.trim_start_matches("previous_manifests.");
                    let message = format!(
                        "organizations that manifest `{name}` created count as created by this one"
                    );
                    self.add(DangerKind::Owner, None, message);
                }
                (_, _, Some(after)) if path.starts_with("kubernetes.") => {
                    self.of_kubernetes(None, path, after);
                }
                _ => {}
            }
        }
    }

    /// Finds hosts that return URLs may name now, and addresses that nobody is sent to yet.
    fn of_hosts(&mut self, base: &Desired, new: &Desired) {
        let (old, now) = (
            &base.return_urls.allowed_hosts,
            &new.return_urls.allowed_hosts,
        );
        if !old.is_empty() && now.is_empty() {
            let message = "`return_urls.allowed_hosts` is gone: return URLs may name any host";
            self.add_novel((DangerKind::Destination, Novelty::Host), None, message);
        }
        let had: BTreeSet<&str> = old.iter().collect();
        for host in now
            .iter()
            .filter(|host| !had.is_empty() && !had.contains(host))
        {
            let message = format!("return URLs may name the host {host}");
            self.add_novel((DangerKind::Destination, Novelty::Host), None, message);
        }
        let (old, now) = (&base.return_urls, &new.return_urls);
        let mut changed = now.success.iter().filter_map(|(intent, url)| {
            let is_other = old.success.get(intent) != Some(url);
            is_other.then(|| (format!("return_urls.success.{intent}"), url))
        });
        let default = now.default.iter();
        let default = default.filter(|url| old.default.as_ref() != Some(*url));
        let default = default.map(|url| ("return_urls.default".to_owned(), url));
        let changed = default.chain(changed.by_ref());
        self.settings = changed.map(|(path, url)| (path, url.clone())).collect();
    }

    fn of_limits(&mut self, old: &Limits, now: &Limits) {
        let count = |limit: Option<u32>| limit.map_or("no limit".to_owned(), |it| it.to_string());
        if now.create.unwrap_or(u32::MAX) > old.create.unwrap_or(u32::MAX) {
            let (now, old) = (count(now.create), count(old.create));
            self.limit("create", &now, &old);
        }
        if now.delete > old.delete {
            self.limit("delete", &now.delete.to_string(), &old.delete.to_string());
        }
        let is_lower = match (old.update, now.update) {
            (None, _) => true,
            (Some(UpdateLimit::Count(old)), Some(UpdateLimit::Count(now))) => now <= old,
            (Some(UpdateLimit::Percent(old)), Some(UpdateLimit::Percent(now))) => now <= old,
            _ => false,
        };
        if !is_lower {
            let text =
                |limit: Option<UpdateLimit>| limit.map_or("no limit".to_owned(), update_text);
            self.limit("update", &text(now.update), &text(old.update));
        }
    }

    fn limit(&mut self, name: &str, now: &str, old: &str) {
        let message = format!("`limits.{name}` is {now} instead of {old}");
        self.add(DangerKind::Limit, None, message);
    }

    /// Finds the dangers of a field of the Kubernetes form.
    fn of_kubernetes(&mut self, key: Option<&OrgKey>, path: &str, after: &Value) {
        let name = path.trim_start_matches("kubernetes.");
        let field = name.split('.').next().unwrap_or(name);
        let after = after.as_str();
        let kind = match field {
            "deletionPolicy" if after == "Delete" => DangerKind::Deletion,
            "apiUrl" | "secretRef" | "namespace" | "name" => DangerKind::Owner,
            "maxDeletesPerHour" => DangerKind::Limit,
            "transfers" | "externalIdPatterns" | "recreate" => DangerKind::Power,
            _ if field.starts_with("allow") && after != "false" => DangerKind::Power,
            _ => return,
        };
        let message = if after == "declared" {
            format!("`{name}` is declared")
        } else {
            format!("`{name}` is {after}")
        };
        self.add(kind, key, message);
    }

    /// Finds the dangers of an entry that was added or changed.
    pub(super) fn of_entry(
        &mut self,
        key: &OrgKey,
        old: Option<&DesiredOrganization>,
        now: Declared<'_>,
        fields: &[Field],
    ) {
        match now {
            Declared::Absent(entry) => {
                let message = format!(
                    "`state: absent` deletes {}, with everything in it",
                    entry.id
                );
                self.add(DangerKind::Deletion, Some(key), message);
                if entry.lifts_protection {
                    let message = "`protect: false` lifts the protection before the deletion";
                    self.add(DangerKind::Protection, Some(key), message);
                }
            }
            Declared::Excluded(_) => {}
            Declared::Present(entry) => {
                if let Some(old) = old {
                    self.of_changed(key, old, entry);
                }
                self.of_present(key, old, entry);
            }
        }
        for field in fields {
            let Some(after) = &field.after else { continue };
            if field.path.starts_with("kubernetes.") {
                self.of_kubernetes(Some(key), &field.path, after);
            }
        }
    }

    /// Finds the dangers that only an entry of both manifests has.
    fn of_changed(&mut self, key: &OrgKey, old: &DesiredOrganization, now: &DesiredOrganization) {
        let key = Some(key);
        if old.protect == Some(true) && now.protect != Some(true) {
            let message = match now.protect {
                Some(_) => "`protect: false` lifts the protection from deletion",
                None => "`protect: true` is no longer declared",
            };
            self.add(DangerKind::Protection, key, message);
        }
        if old.id != now.id {
            let message = match (&old.id, &now.id) {
                (_, Some(id)) => format!("`id` pins {id}"),
                (Some(id), None) => format!("`id` no longer pins {id}"),
                (None, None) => String::new(),
            };
            self.add(DangerKind::Owner, key, message);
        }
        let is_former = |id: &ExternalId| now.previous_keys.contains(id);
        if old.external_id != now.external_id && !old.external_id.as_ref().is_some_and(is_former) {
            let message = match &now.external_id {
                Some(id) => format!("the external id is `{id}`"),
                None => "the external id is no longer declared".to_owned(),
            };
            self.add(DangerKind::Owner, key, message);
        }
        for domain in old.domains.iter().flat_map(BTreeMap::keys) {
            let stays = now
                .domains
                .as_ref()
                .is_none_or(|it| it.contains_key(domain));
            if !stays && now.domains_policy == DomainsPolicy::Exact {
                let message = format!("loses the domain {}", domain.shown());
                self.add(DangerKind::Domain, key, message);
            }
        }
        for intent in old.intents.keys() {
            if !now.intents.contains_key(intent) {
                let message = format!("{intent} is no longer declared; what is live stays");
                self.add(DangerKind::Intent, key, message);
            }
        }
        if let (Some(old), Some(now)) = (old.retention_days, now.retention_days)
            && now < old
        {
            let message = format!("audit-log events are kept for {now} days instead of {old}");
            self.add(DangerKind::DataLoss, key, message);
        }
    }

    /// Finds the dangers of what an entry declares and did not declare before.
    fn of_present(
        &mut self,
        key: &OrgKey,
        old: Option<&DesiredOrganization>,
        now: &DesiredOrganization,
    ) {
        let key = Some(key);
        let had = |is: fn(&DesiredOrganization) -> bool| old.is_some_and(is);
        if now.domains_policy == DomainsPolicy::Exact
            && !had(|old| old.domains_policy == DomainsPolicy::Exact)
            && old.is_some()
        {
            let message = "`domains_policy: exact` removes domains that are not declared";
            self.add(DangerKind::Domain, key, message);
        }
        if now.allow_profiles_outside_organization == Some(true)
            && !had(|old| old.allow_profiles_outside_organization == Some(true))
        {
            let message = "people from outside its domains may sign in";
            self.add(DangerKind::Domain, key, message);
        }
        for allow in &now.allow {
            if old.is_none_or(|old| !old.allow.contains(allow)) {
                self.add(DangerKind::Power, key, format!("`allow: [{allow}]`"));
            }
        }
        for (is_set, was_set, name) in [
            (
                now.allow_shared_domain,
                had(|old| old.allow_shared_domain),
                "allow_shared_domain",
            ),
            (
                now.allow_same_name,
                had(|old| old.allow_same_name),
                "allow_same_name",
            ),
        ] {
            if is_set && !was_set {
                self.add(DangerKind::Power, key, format!("`{name}: true`"));
            }
        }
        for path in &now.ignore_fields {
            if old.is_some_and(|old| !old.ignore_fields.contains(path)) {
                let message = format!("differences in {} are ignored", path.shown());
                self.add(DangerKind::Power, key, message);
            }
        }
        if now.claim && !had(|old| old.claim) {
            let message = "`claim: true` writes the owner mark";
            self.add(DangerKind::Owner, key, message);
        }
        self.of_contacts(key, old, now);
    }

    /// Finds people who get access or an e-mail.
    fn of_contacts(
        &mut self,
        key: Option<&OrgKey>,
        old: Option<&DesiredOrganization>,
        now: &DesiredOrganization,
    ) {
        for contact in &now.it_contacts {
            if old.is_some_and(|old| !old.it_contacts.contains(contact)) {
                let message = format!("{contact} becomes an IT contact");
                self.add(DangerKind::Contact, key, message);
            }
        }
        if now.invite == Invite::Once && old.is_none_or(|old| old.invite != Invite::Once) {
            let message = "`invite: once` lets WorkOS write to its IT contacts";
            self.add(DangerKind::Contact, key, message);
        }
    }

    /// Finds the danger of an entry that is not declared any more.
    pub(super) fn of_removed(
        &mut self,
        key: &OrgKey,
        old: Option<&DesiredOrganization>,
        new: &Desired,
    ) {
        let (Some(old), Some(manifest)) = (old, &new.manifest) else {
            return;
        };
        // The protection is a mark at WorkOS, which stays.
        if old.protect != Some(true) {
            let message = format!(
                "not declared any more: --prune deletes it if the manifest `{manifest}` created it"
            );
            self.add(DangerKind::Deletion, Some(key), message);
        }
    }

    /// Finds the danger of a domain that an entry declares and did not declare before. The last
    /// argument has the entry of the base that had it, and is true for an entry that is not new.
    pub(super) fn of_domain(
        &mut self,
        key: &OrgKey,
        domain: &Domain,
        state: DeclaredDomainState,
        (owner, is_known): (Option<&OrgKey>, bool),
    ) {
        let shown = domain.shown();
        if let Some(owner) = owner {
            let message = format!("takes the domain {shown} over from `{owner}`");
            self.add(DangerKind::Domain, Some(key), message);
        } else if is_known {
            let message = format!("gets the domain {shown}: it decides how its people sign in");
            self.add(DangerKind::Domain, Some(key), message);
        }
        if state == DeclaredDomainState::Verified {
            let message = format!("{shown} is declared as verified, without proof");
            self.add(DangerKind::Domain, Some(key), message);
        }
    }

    /// Finds the danger of an address that changed, by what of it the base does not name.
    pub(super) fn of_destination(
        &mut self,
        key: &OrgKey,
        old: Option<&ReturnUrl>,
        now: Option<&ReturnUrl>,
        novelty: Novelty,
    ) {
        self.destinations.extend(now.cloned());
        let url = |url: Option<&ReturnUrl>| match url {
            Some(url) => url.to_string(),
            None => "the default in WorkOS's dashboard".to_owned(),
        };
        let host = now.map_or("", ReturnUrl::host);
        let host = match novelty {
            Novelty::Host => format!(", at a host that is new here: {host}"),
            Novelty::Port => format!(", at a port that is new here: {host}"),
            Novelty::Known => String::new(),
        };
        let instead = if old.is_none() && novelty != Novelty::Known {
            String::new()
        } else {
            format!(" instead of {}", url(old))
        };
        let message = format!("people are sent to {}{instead}{host}", url(now));
        self.add_novel((DangerKind::Destination, novelty), Some(key), message);
    }

    /// Finds the danger of a new entry that looks like one that was removed.
    pub(super) fn of_second(&mut self, key: &OrgKey, removed: &OrgKey) {
        let message = format!(
            "looks like `{removed}`, which is not declared any more: without `previous_keys: \
             [{removed}]` it is another organization"
        );
        self.add(DangerKind::Owner, Some(key), message);
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("not declared".to_owned(), |it| format!("`{}`", it.as_str()))
}
