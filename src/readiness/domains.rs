//! Domain verification: the organization's domains against the declared ones.

use jiff::Timestamp;

use super::{Evidence, Finding, State, Subject, Turn};
use crate::model::Domain;
use crate::model::observed::{DomainState, OrganizationDomain};
use crate::model::text::escape;

/// How long WorkOS looks for the DNS record before a verification fails.
///
/// Source: WorkOS, Domain Verification API guide.
const VERIFICATION_DAYS: i64 = 30;

pub(super) fn domain_verification(subject: &Subject<'_>) -> Finding {
    match &subject.declared.domains {
        Some(declared) if !declared.is_empty() => worst_declared(subject, declared.keys()),
        Some(_) | None => any_verified(subject),
    }
}

/// The worst declared domain decides.
fn worst_declared<'a>(
    subject: &Subject<'_>,
    declared: impl Iterator<Item = &'a Domain>,
) -> Finding {
    let mut findings: Vec<Finding> = Vec::new();
    let mut evidence = Vec::new();
    for domain in declared {
        let held = subject.live.domain(domain);
        evidence.extend(held.map(evidence_of));
        findings.push(match held {
            Some(held) => judge(held, subject.now),
            None => Finding::new(
                State::Unconfigured,
                Turn::You,
                format!("the organization does not have the domain {domain}"),
            )
            .next("run portalctl apply"),
        });
    }
    let verified = findings
        .iter()
        .filter(|f| f.state == State::Configured)
        .count();
    let total = findings.len();
    let rank = |state: State| match state {
        State::Attention => 0,
        State::Unknown => 1,
        State::Unconfigured => 2,
        State::InProgress => 3,
        State::Configured | State::NotApplicable => 4,
    };
    // The sort is stable: among equals the first domain by name decides.
    findings.sort_by_key(|finding| rank(finding.state));
    let Some(mut worst) = findings.into_iter().next() else {
        return any_verified(subject);
    };
    if worst.state == State::Configured && total > 1 {
        worst.reason = format!("all {total} domains are verified");
    } else if verified > 0 && worst.state != State::Configured {
        let are = if verified == 1 { "is" } else { "are" };
        worst.reason = format!(
            "{verified} of {total} domains {are} verified; {}",
            worst.reason
        );
    }
    worst.with(evidence)
}

/// None declared: one verified domain is enough.
fn any_verified(subject: &Subject<'_>) -> Finding {
    let domains = &subject.live.domains;
    let evidence: Vec<Evidence> = domains.iter().map(evidence_of).collect();
    let best = domains
        .iter()
        .find(|held| held.state.is_verified())
        .or_else(|| {
            domains
                .iter()
                .find(|held| held.state == DomainState::Pending)
        })
        .or_else(|| domains.first());
    match best {
        Some(held) => judge(held, subject.now).with(evidence),
        None => Finding::new(State::Unconfigured, Turn::Customer, "no domain yet")
            .next("declare the customer's domains, or send their IT admin to the Admin Portal"),
    }
}

fn judge(held: &OrganizationDomain, now: Timestamp) -> Finding {
    let domain = escape(held.domain.as_str());
    let since = held.updated_at.or(held.created_at);
    let finding = match &held.state {
        DomainState::Verified | DomainState::LegacyVerified => Finding::new(
            State::Configured,
            Turn::None,
            format!("{domain} is verified"),
        ),
        DomainState::Pending => pending(held, since.map(|since| days_left(since, now))),
        DomainState::Unverified => Finding::new(
            State::InProgress,
            Turn::Customer,
            format!("the verification of {domain} has not been started"),
        )
        .next("send the customer's IT admin to the Admin Portal for domain_verification"),
        DomainState::Failed => Finding::new(
            State::Attention,
            Turn::Customer,
            format!("{domain} could not be verified"),
        )
        .next("check the TXT record and start the verification again"),
        DomainState::Unknown(raw) => Finding::unknown_state(&domain, raw),
    };
    finding.since(since)
}

/// The record has not been seen yet.
fn pending(held: &OrganizationDomain, days_left: Option<i64>) -> Finding {
    let domain = escape(held.domain.as_str());
    let how_long = match days_left {
        None => "",
        Some(0) => ", its time is over",
        Some(1) => ", 1 day left",
        Some(days) => &format!(", {days} days left"),
    };
    let record = record_name(held);
    let step = match days_left {
        Some(0) => format!(
            "ask the customer to set the TXT record {record}, and start the verification again"
        ),
        Some(_) | None => format!("ask the customer to set the TXT record {record}"),
    };
    let reason = format!("{domain} waits for its TXT record{how_long}");
    Finding::new(State::InProgress, Turn::Dns, reason).next(step)
}

/// The full name of the TXT record; its value is shown on request only.
fn record_name(held: &OrganizationDomain) -> String {
    let domain = escape(held.domain.as_str());
    match held.verification_prefix.as_deref() {
        Some(prefix) if !prefix.is_empty() => format!("{}.{domain}", escape(prefix)),
        Some(_) | None => format!("of {domain}"),
    }
}

/// Whole days until the verification is given up, rounded up; 0 when it is over.
fn days_left(since: Timestamp, now: Timestamp) -> i64 {
    const DAY: i64 = 24 * 60 * 60;
    let left = VERIFICATION_DAYS * DAY - now.duration_since(since).as_secs();
    let days = left.max(0).div_euclid(DAY) + i64::from(left.rem_euclid(DAY) > 0 && left > 0);
    days.min(VERIFICATION_DAYS)
}

fn evidence_of(held: &OrganizationDomain) -> Evidence {
    Evidence {
        object: "domain",
        id: Some(held.domain.to_string()),
        kind: None,
        state: held.state.to_string(),
        since: held.updated_at.or(held.created_at),
    }
}
