//! Domain verification: the organization's domains against the declared ones.

use jiff::{SignedDuration, Timestamp};

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
        worst.reason = format!(
            "{verified} of {total} domains are verified; {}",
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
    let domain = &held.domain;
    let since = held.updated_at.or(held.created_at);
    let finding = match &held.state {
        DomainState::Verified | DomainState::LegacyVerified => Finding::new(
            State::Configured,
            Turn::None,
            format!("{domain} is verified"),
        ),
        DomainState::Pending => {
            let left = since.map(|since| days_left(since, now));
            let record = record_name(held);
            let reason = match left {
                Some(days) if days > 0 => {
                    format!("{domain} waits for its TXT record, {days} days left")
                }
                Some(_) => format!("{domain} waits for its TXT record, its time is over"),
                None => format!("{domain} waits for its TXT record"),
            };
            Finding::new(State::InProgress, Turn::Dns, reason)
                .next(format!("ask the customer to set the TXT record {record}"))
        }
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
        DomainState::Unknown(raw) => Finding::new(
            State::Unknown,
            Turn::You,
            format!(
                "{domain} is in a state this version does not know: {}",
                escape(raw)
            ),
        )
        .next("look at it in the WorkOS dashboard"),
    };
    finding.since(since)
}

/// The full name of the TXT record; its value is shown on request only.
fn record_name(held: &OrganizationDomain) -> String {
    match held
        .verification_prefix
        .as_deref()
        .filter(|prefix| !prefix.is_empty())
    {
        Some(prefix) => format!("{}.{}", escape(prefix), held.domain),
        None => format!("of {}", held.domain),
    }
}

/// Whole days until the verification is given up, rounded up; 0 when it is over.
fn days_left(since: Timestamp, now: Timestamp) -> i64 {
    let end = SignedDuration::from_hours(24 * VERIFICATION_DAYS);
    let left = end.saturating_sub(now.duration_since(since));
    let hours = left.as_secs().max(0).div_euclid(3600);
    if left.is_positive() {
        hours.div_euclid(24) + 1
    } else {
        0
    }
    .min(VERIFICATION_DAYS)
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
