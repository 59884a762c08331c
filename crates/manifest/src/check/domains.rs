//! The domains of one organization.

use std::collections::{BTreeMap, BTreeSet};

use super::text;
use crate::diagnostic::Findings;
use crate::form::Form;
use crate::quote::quote;
use crate::raw::{Field, Text, accepted};
use crate::shape::RawDomainSettings;
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::{DeclaredDomainState, DomainsPolicy};
use portalctl_model::{Allow, Domain, SharedDomain};

/// The domains of an organization, and the place of each.
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

/// Reads a list of domains; each may stand there once.
pub(super) fn check(
    field: Option<&Field<Vec<RawDomainSettings>>>,
    policy: DomainsPolicy,
    allow: &BTreeSet<Allow>,
    findings: &mut Findings,
) -> Option<Domains> {
    let (list, spot) = accepted(field)?;
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
        let Some((text, spot)) = accepted(raw.domain.as_ref()) else {
            continue;
        };
        let Some(domain) = parse(text, spot, findings) else {
            continue;
        };
        if !allow.contains(&Allow::PublicDomain) {
            warn_if_shared(&domain, spot, findings);
        }
        if let Some(earlier) = first.get(&domain) {
            findings.twice(
                codes::DUPLICATE_DOMAIN,
                [*earlier, spot],
                format!(
                    "the domain {} stands twice in this list",
                    quote(&domain.shown())
                ),
                "keep one of the two: case, a final dot and punycode do not tell domains apart",
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
    let help = match findings.form() {
        Form::Manifest => {
            "write a domain that only this customer has, or `allow: [public_domain]` on the entry"
        }
        Form::Kubernetes => "write a domain that only this customer has",
    };
    let message = format!("the domain {} {why}", quote(&domain.shown()));
    findings.warn(codes::PUBLIC_DOMAIN, spot, message, help);
}
