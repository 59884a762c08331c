//! Checks of the manifest's URLs and their answers.

use std::collections::BTreeSet;

use url::Url;

use super::manifest::said;
use super::{Asked, Check, Facts, ManifestFacts, Probe, Probed, Probes, Subject};
use crate::view::{and_more, counted, first_few};
use portalctl_core::link::resolve_urls;
use portalctl_model::codes::doctor as codes;
use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::{Intent, OrgKey, ReturnUrl};
use portalctl_workos::ConnectFailure;

/// Most items that are named.
const NAMED: usize = 3;
/// Most hosts that are named.
const LISTED: usize = 5;

/// Return and success URLs of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlFacts {
    /// URLs, each once.
    pub urls: BTreeSet<ReturnUrl>,
    /// Hosts that URLs may name; an empty list allows any.
    pub allowed_hosts: Vec<String>,
    /// Number of declared intents without a return URL.
    pub without: usize,
    /// First of these intents.
    pub first_without: Vec<(OrgKey, Intent)>,
}

impl UrlFacts {
    /// Collects the URLs of a manifest.
    pub fn of(desired: &Desired) -> Self {
        let shared = &desired.return_urls;
        let mut facts = Self {
            urls: shared
                .default
                .iter()
                .chain(shared.success.values())
                .cloned()
                .collect(),
            allowed_hosts: shared.allowed_hosts.iter().map(str::to_owned).collect(),
            ..Self::default()
        };
        for (key, entry) in &desired.organizations {
            facts.urls.extend(own(entry).cloned());
            for intent in entry.intents.keys() {
                if resolve_urls(desired, key, *intent).return_url.is_some() {
                    continue;
                }
                facts.without += 1;
                if facts.first_without.len() < NAMED {
                    facts.first_without.push((key.clone(), *intent));
                }
            }
        }
        facts
    }

    /// Returns the hosts of the URLs.
    fn hosts(&self) -> BTreeSet<String> {
        let parsed = self
            .urls
            .iter()
            .filter_map(|url| Url::parse(url.as_str()).ok());
        parsed
            .filter_map(|url| Some(url.host_str()?.to_owned()))
            .collect()
    }
}

/// Returns the URLs that an entry names itself.
fn own(entry: &DesiredOrganization) -> impl Iterator<Item = &ReturnUrl> {
    let intents = entry.intents.values();
    let of_intents = intents.flat_map(|i| i.return_url.iter().chain(&i.success_url));
    entry.return_url.iter().chain(of_intents)
}

/// Returns the URLs, or the skipped check that needs them.
fn urls(facts: &Facts, subject: Subject) -> Result<&UrlFacts, Check> {
    let why = match &facts.manifest {
        ManifestFacts::Absent => "there is no manifest",
        ManifestFacts::Invalid { .. } => "the manifest is not valid",
        ManifestFacts::Usable { .. } => "the manifest was not read",
    };
    facts.urls.as_ref().ok_or_else(|| Check::skip(subject, why))
}

pub(super) fn return_urls(facts: &Facts) -> Check {
    let subject = Subject::ReturnUrls;
    if let ManifestFacts::Invalid {
        urls: Some((count, first)),
        ..
    } = &facts.manifest
    {
        let detail = format!("{}: {}", counted(*count, "problem"), said(first));
        let check = Check::fail(subject, first.code, detail);
        return match &first.help {
            Some(help) => check.advise(help),
            None => check,
        };
    }
    let urls = match urls(facts, subject) {
        Ok(urls) => urls,
        Err(skip) => return skip,
    };
    if urls.urls.is_empty() {
        return Check::skip(subject, "the manifest names none");
    }
    let hosts: Vec<String> = urls.hosts().into_iter().collect();
    let plain = urls
        .urls
        .iter()
        .filter(|url| url.as_str().starts_with("http:"))
        .count();
    let scheme = match plain {
        0 => "all https".to_owned(),
        plain => format!("https but for {plain} on this machine"),
    };
    let detail = format!(
        "{} on {} ({}), {scheme}",
        counted(urls.urls.len(), "URL"),
        counted(hosts.len(), "host"),
        first_few(&hosts, LISTED),
    );
    Check::pass(subject, detail)
}

pub(super) fn allowed_hosts(facts: &Facts) -> Check {
    let subject = Subject::AllowedHosts;
    match urls(facts, subject) {
        Err(skip) => skip,
        Ok(urls) if !urls.allowed_hosts.is_empty() => {
            Check::pass(subject, first_few(&urls.allowed_hosts, LISTED))
        }
        Ok(urls) if urls.urls.is_empty() => Check::skip(subject, "the manifest names no URL"),
        Ok(_) => Check::warn(
            subject,
            codes::NO_ALLOWED_HOSTS,
            "not declared: a changed return URL may lead anywhere",
        ),
    }
}

pub(super) fn default_url(facts: &Facts) -> Check {
    let subject = Subject::DefaultReturnUrl;
    let urls = match urls(facts, subject) {
        Ok(urls) => urls,
        Err(skip) => return skip,
    };
    if urls.without == 0 {
        let why = "the dashboard's own (Admin Portal page) cannot be read by any API; every declared \
                   intent has a return URL in the manifest";
        return Check::skip(subject, why);
    }
    let first = urls
        .first_without
        .iter()
        .map(|(key, intent)| format!("{key} {intent}"));
    let first: Vec<String> = first.collect();
    let more = and_more(urls.without - first.len());
    let detail = format!(
        "no return URL in the manifest for {}{more}: the dashboard's default is used, which no \
         API tells",
        first.join(", ")
    );
    Check::warn(subject, codes::NO_RETURN_URL, detail)
}

/// Quality of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quality {
    Good,
    Odd,
    Bad,
}

impl Probe {
    /// Judges the answer. 401 and 403 are good: the page is there, behind a login.
    fn quality(&self) -> Quality {
        match self.answer {
            Probed::Status(200..=399 | 401 | 403) => Quality::Good,
            Probed::Status(404 | 410 | 500..=599) | Probed::Failed { .. } => Quality::Bad,
            Probed::Status(_) => Quality::Odd,
        }
    }

    fn said(&self) -> String {
        match &self.answer {
            Probed::Status(status) => format!("{} answered {status}", self.url),
            Probed::Failed { at, message } => match at {
                Some(ConnectFailure::Name) => format!("{}: no such host", self.url),
                Some(ConnectFailure::Refused) => format!("{}: connection refused", self.url),
                Some(ConnectFailure::Tls) | None => format!("{}: {message}", self.url),
            },
        }
    }
}

pub(super) fn answers(facts: &Facts) -> Check {
    let subject = Subject::ReturnUrlsAnswer;
    let Probes { probed, untried } = match &facts.probes {
        Asked::Not(why) => return Check::skip(subject, why),
        Asked::Answered(probes) => probes,
    };
    let of = |quality| {
        let matching = probed
            .iter()
            .filter(move |probe| probe.quality() == quality);
        matching.map(Probe::said).collect::<Vec<_>>()
    };
    let rest = match untried {
        0 => String::new(),
        untried => format!("; {untried} more were not tried"),
    };
    let told = |said: &[String]| {
        let shown = said[..said.len().min(NAMED)].join("; ");
        let more = said.len().saturating_sub(NAMED);
        let more = if more == 0 {
            String::new()
        } else {
            format!("; and {more} more")
        };
        format!(
            "{} of {}: {shown}{more}{rest}",
            said.len(),
            counted(probed.len(), "URL")
        )
    };
    let (bad, odd) = (of(Quality::Bad), of(Quality::Odd));
    if !bad.is_empty() {
        return Check::fail(subject, codes::RETURN_URL_FAILS, told(&bad));
    }
    if !odd.is_empty() {
        return Check::warn(subject, codes::RETURN_URL_ODD, told(&odd));
    }
    Check::pass(
        subject,
        format!("{} asked, all answer{rest}", counted(probed.len(), "URL")),
    )
}
