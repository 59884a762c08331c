//! The domains of one organization.

use std::collections::BTreeMap;

use super::text;
use crate::diagnostic::{Finding, Findings, Severity};
use crate::form::Form;
use crate::quote::quote;
use crate::raw::{Field, Text, good};
use crate::shape::RawDomainSettings;
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::{DeclaredDomainState, DomainsPolicy};
use portalctl_model::{Domain, SharedDomain};

/// The domains of an organization, and where each stands.
#[derive(Default)]
pub(super) struct Domains {
    pub(super) declared: BTreeMap<Domain, DeclaredDomainState>,
    pub(super) spots: Vec<(Domain, Spot)>,
}

pub(super) fn policy(
    field: Option<&Field<Text>>,
    findings: &mut Findings,
) -> Option<DomainsPolicy> {
    text::word(field, "`domains_policy`", findings)
}

/// The domains of a list, each once. `may_be_public` allows those that many may share.
pub(super) fn check(
    field: Option<&Field<Vec<RawDomainSettings>>>,
    policy: DomainsPolicy,
    may_be_public: bool,
    findings: &mut Findings,
) -> Option<Domains> {
    let (list, spot) = good(field)?;
    if list.is_empty() && policy != DomainsPolicy::Exact {
        findings.error(
            codes::EMPTY_DOMAINS,
            spot,
            "`domains` is an empty list",
            findings.spell(
                "remove the field to leave the domains alone, or set `domains_policy: exact` to \
                 remove every domain",
            ),
        );
    }
    let mut domains = Domains::default();
    let mut first: BTreeMap<Domain, Spot> = BTreeMap::new();
    for raw in list {
        let state = text::word(raw.state.as_ref(), "`state`", findings).unwrap_or_default();
        let Some((text, spot)) = good(raw.domain.as_ref()) else {
            continue;
        };
        let Some(domain) = parse(text, spot, findings) else {
            continue;
        };
        if !may_be_public {
            warn_if_shared(&domain, spot, findings);
        }
        if let Some(earlier) = first.get(&domain) {
            findings.push(
                Finding::new(
                    codes::DUPLICATE_DOMAIN,
                    Severity::Error,
                    format!(
                        "the domain {} stands twice in this list",
                        quote(&domain.shown())
                    ),
                )
                .at(spot)
                .related(*earlier, "first declared here")
                .help(
                    "keep one of the two: case, a final dot and punycode do not tell domains apart",
                ),
            );
            continue;
        }
        first.insert(domain.clone(), spot);
        domains.declared.insert(domain.clone(), state);
        domains.spots.push((domain, spot));
    }
    Some(domains)
}

fn parse(text: &str, spot: Spot, findings: &mut Findings) -> Option<Domain> {
    match Domain::parse(text) {
        Ok(domain) => Some(domain),
        Err(why) => {
            findings.error(
                codes::INVALID_DOMAIN,
                spot,
                format!("the domain {} {why}", quote(text)),
                "write a domain that the customer owns, as in acme.com",
            );
            None
        }
    }
}

/// Warns of a domain that rarely belongs to one customer alone.
fn warn_if_shared(domain: &Domain, spot: Spot, findings: &mut Findings) {
    let why = match domain.shared() {
        None => return,
        Some(SharedDomain::MailProvider) => {
            "is a mail provider's: everybody can have an address there"
        }
        Some(SharedDomain::PrivateSuffix) => {
            "is a suffix below which others have names of their own"
        }
    };
    findings.push(
        Finding::new(
            codes::PUBLIC_DOMAIN,
            Severity::Warning,
            format!("the domain {} {why}", quote(&domain.shown())),
        )
        .at(spot)
        .help(match findings.form() {
            Form::Manifest => {
                "write a domain that only this customer has, or `allow: [public_domain]` on the entry"
            }
            Form::Kubernetes => "write a domain that only this customer has",
        }),
    );
}
