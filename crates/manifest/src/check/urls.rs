//! URLs that browsers are sent to, and the hosts they may name.

use url::Host;

use crate::diagnostic::{Finding, Findings};
use crate::form::Form;
use crate::quote::quote;
use crate::raw::{Field, Text, Texts, accepted};
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::return_url::{LocalHttp, is_template};
use portalctl_model::{AllowedHosts, InvalidUrl, ReturnUrl};

/// Rules for the URLs of a manifest.
pub(super) struct UrlRules {
    hosts: AllowedHosts,
    /// For the help text: the list as it was written.
    listed: Vec<String>,
    /// Place of that list.
    spot: Option<Spot>,
    local: LocalHttp,
}

impl UrlRules {
    /// Reads `allowed_hosts`. With a flaw in it every host passes: the flaw is reported, and
    /// each URL along with it would only be noise.
    pub(super) fn new(
        field: Option<&Field<Texts>>,
        local: LocalHttp,
        findings: &mut Findings,
    ) -> Self {
        let mut listed = Vec::new();
        let mut flawed = false;
        if let Some((hosts, spot)) = accepted(field) {
            if hosts.is_empty() {
                flawed = true;
                findings.error(
                    codes::INVALID_HOST,
                    spot,
                    findings.spell("`allowed_hosts` is empty"),
                    "name the hosts that portal users may be sent to, or remove the field to \
                     allow any host",
                );
            }
            for host in hosts {
                match bare_host(&host.value) {
                    Ok(host) => listed.push(host),
                    Err(why) => {
                        flawed = true;
                        let message = format!("{} {why}", quote(&host.value));
                        let help = "write a bare host name, as in app.example.com";
                        findings.error(codes::INVALID_HOST, host.spot, message, help);
                    }
                }
            }
        }
        if flawed {
            listed.clear();
        }
        Self {
            hosts: AllowedHosts::new(listed.iter().cloned()),
            listed,
            spot: field.map(|field| field.key),
            local,
        }
    }

    /// The hosts that URLs may name.
    pub(super) const fn hosts(&self) -> &AllowedHosts {
        &self.hosts
    }

    /// Checks one URL.
    pub(super) fn check(
        &self,
        field: Option<&Field<Text>>,
        what: &str,
        findings: &mut Findings,
    ) -> Option<ReturnUrl> {
        let (text, spot) = accepted(field)?;
        self.check_text(text, spot, what, findings)
    }

    pub(super) fn check_text(
        &self,
        text: &str,
        spot: Spot,
        what: &str,
        findings: &mut Findings,
    ) -> Option<ReturnUrl> {
        match ReturnUrl::parse(text, &self.hosts, self.local) {
            Ok(url) => Some(url),
            Err(error) => {
                let (code, message, help) = self.explain(&error, what, findings.form());
                let finding = Finding::error(code, message).at(spot).help(help);
                let hosts = self.spot.filter(|hosts| hosts.file != spot.file);
                findings.push(match hosts {
                    Some(hosts) if code == codes::HOST_NOT_ALLOWED => {
                        finding.related(hosts, "the allowed hosts")
                    }
                    _ => finding,
                });
                None
            }
        }
    }

    fn explain(
        &self,
        error: &InvalidUrl,
        what: &str,
        form: Form,
    ) -> (portalctl_model::codes::Code, String, String) {
        let (code, help) = match error {
            InvalidUrl::NotAbsolute(_) => (
                codes::INVALID_URL,
                "write the whole URL, as in https://app.example.com/settings".to_owned(),
            ),
            InvalidUrl::NotHttps(_) => (
                codes::URL_NOT_HTTPS,
                form.spell(
                    "use https; http://localhost is accepted only in an environment with \
                         `api_key: test`",
                )
                .into_owned(),
            ),
            InvalidUrl::UserInfo => (
                codes::INVALID_URL,
                "remove what stands before the @".to_owned(),
            ),
            InvalidUrl::Fragment => (
                codes::INVALID_URL,
                "remove the # and what follows it".to_owned(),
            ),
            InvalidUrl::Unprintable => (
                codes::INVALID_URL,
                "remove it, or percent-encode it (a space is %20)".to_owned(),
            ),
            InvalidUrl::Template(_) => (
                codes::INVALID_URL,
                "write the URL itself: neither portalctl nor WorkOS replaces anything in it"
                    .to_owned(),
            ),
            InvalidUrl::Wildcard => (
                codes::INVALID_URL,
                "name the host that the browser is sent to".to_owned(),
            ),
            InvalidUrl::HostNotAllowed(host) => {
                (codes::HOST_NOT_ALLOWED, self.other_hosts(host, form))
            }
        };
        let message = match error {
            InvalidUrl::HostNotAllowed(host) => {
                format!(
                    "{what} names the host {}, which is not allowed",
                    quote(host)
                )
            }
            other => format!("{what} {other}"),
        };
        (code, message, help)
    }

    fn other_hosts(&self, host: &str, form: Form) -> String {
        let known = self.listed.iter().take(5).cloned().collect::<Vec<_>>();
        format!(
            "the allowed hosts are {}; if {} is meant, add it to {}",
            known.join(", "),
            quote(host),
            form.spell("`return_urls.allowed_hosts`")
        )
    }
}

/// A host name as URLs are compared with it; else why it is none, as the end of a sentence.
fn bare_host(text: &str) -> Result<String, &'static str> {
    if text.contains("://") {
        return Err("is a URL, not a host name");
    }
    if text.contains('/') {
        return Err("holds a path");
    }
    if text.contains('*') {
        return Err("is a pattern; every host has to be named");
    }
    // A parser of hosts accepts braces.
    if text.contains('@') || is_template(text) {
        return Err("is not a host name");
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    match Host::parse(text) {
        Ok(host) => Ok(host.to_string()),
        Err(_) if text.contains(':') => Err("names a port; only the host counts"),
        Err(_) => Err("is not a host name"),
    }
}
