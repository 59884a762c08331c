//! The verified domain that single sign-on needs.
//!
//! Goes in: what connections tell of single sign-on, and the organization. Comes out: the same,
//! with a note where a verified domain is missing, and with the domain as the next step while
//! single sign-on is not configured. Never changes a state.

use super::{Finding, MissingDomain, State, Subject, Turn};
use portalctl_model::Intent;
use portalctl_model::observed::Organization;

/// WorkOS's code for a sign-in by a profile from outside the organization's domains.
const REFUSAL: &str = "profile_not_allowed_outside_organization";

/// Returns the lack of a verified domain that single sign-on of an organization needs.
pub fn missing_domain(live: &Organization) -> Option<MissingDomain> {
    if live.has_verified_domain() {
        return None;
    }
    match live.allow_profiles_outside_organization {
        Some(true) => None,
        Some(false) => Some(MissingDomain::Missing),
        None => Some(MissingDomain::NotKnown),
    }
}

/// Notes a missing verified domain.
pub(super) fn noted(mut finding: Finding, subject: &Subject<'_>) -> Finding {
    let missing = missing_domain(subject.live);
    let is_active = finding.state == State::Configured;
    let note = match missing {
        Some(MissingDomain::Missing) if is_active => {
            format!("no domain is verified, so WorkOS refuses sign-ins ({REFUSAL})")
        }
        Some(MissingDomain::Missing) => "a verified domain is missing".to_owned(),
        // It could be activated, so it needs none.
        Some(MissingDomain::NotKnown) if is_active => return finding,
        Some(MissingDomain::NotKnown) => "no domain is verified, and WorkOS does not tell whether \
                                          the organization needs one"
            .to_owned(),
        None => return finding,
    };
    finding.missing_domain = missing;
    finding.reason = format!("{}; {note}", finding.reason);
    let is_known = finding.state != State::Unknown;
    if missing == Some(MissingDomain::Missing) && is_known && !is_active {
        let (turn, step) = domain_first(subject);
        finding.turn = turn;
        finding.next_step = Some(match finding.next_step {
            Some(next) => format!("{step}; then {next}"),
            None => step,
        });
    }
    finding
}

/// The way to a verified domain, as far as the manifest knows one, and whose turn it is.
fn domain_first(subject: &Subject<'_>) -> (Turn, String) {
    let key = subject.key;
    let domains = subject.declared.domains.as_ref();
    let has_domains = domains.is_some_and(|domains| !domains.is_empty());
    let intents = &subject.declared.intents;
    let has_intent = intents.contains_key(&Intent::DomainVerification);
    let verify = format!("portalctl verify-domain {key}");
    let link = format!("portalctl link {key} domain_verification");
    match (has_domains, has_intent) {
        (true, true) => (
            Turn::Customer,
            format!("have a domain verified first: {link}, or {verify}"),
        ),
        (true, false) => (
            Turn::Customer,
            format!("have a domain verified first: {verify}"),
        ),
        (false, true) => (
            Turn::Customer,
            format!("have a domain verified first: {link}"),
        ),
        (false, false) => (
            Turn::You,
            "declare the customer's domains, or domain_verification among its intents, and have a \
             domain verified first"
                .to_owned(),
        ),
    }
}
