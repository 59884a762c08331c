//! Domain verification: the organization's domains against the declared ones.

use jiff::Timestamp;

use super::{Evidence, Finding, State, Subject, Turn, unknown_state};
use crate::model::Domain;
use crate::model::observed::{DomainState, Event, EventKind, History, OrganizationDomain};
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
            Some(held) => judge(held, subject),
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
        Some(held) => judge(held, subject).with(evidence),
        None => Finding::new(State::Unconfigured, Turn::Customer, "no domain yet")
            .next("declare the customer's domains, or send their IT admin to the Admin Portal"),
    }
}

fn judge(held: &OrganizationDomain, subject: &Subject<'_>) -> Finding {
    let domain = &held.domain;
    let since = held.updated_at.or(held.created_at);
    let finding = match &held.state {
        DomainState::Verified | DomainState::LegacyVerified => Finding::new(
            State::Configured,
            Turn::None,
            format!("{domain} is verified"),
        ),
        DomainState::Pending => {
            let record = record_name(held);
            let set_it = format!("ask the customer to set the TXT record {record}");
            let (left, next) = match since.map(|since| days_left(since, subject.now)) {
                None => (String::new(), set_it),
                Some(0) => (
                    format!(", its {VERIFICATION_DAYS} days are over"),
                    format!("{set_it}, then start the verification again"),
                ),
                Some(1) => (", 1 day left".to_owned(), set_it),
                Some(days) => (format!(", {days} days left"), set_it),
            };
            let reason = format!("{domain} waits for its TXT record{left}");
            Finding::new(State::InProgress, Turn::Dns, reason).next(next)
        }
        DomainState::Unverified => Finding::new(
            State::InProgress,
            Turn::Customer,
            format!("the verification of {domain} has not been started"),
        )
        .next(format!(
            "ask the customer to set the TXT record {}, or send their IT admin to the Admin Portal \
             for domain_verification",
            record_name(held)
        )),
        DomainState::Failed => failed(held, subject),
        DomainState::Unknown(raw) => Finding::new(
            State::Unknown,
            Turn::You,
            unknown_state(domain.as_str(), raw),
        )
        .next("look at it in the WorkOS dashboard"),
    };
    finding.since(since)
}

/// A failed verification, with the reason that WorkOS gave in an event.
fn failed(held: &OrganizationDomain, subject: &Subject<'_>) -> Finding {
    let domain = &held.domain;
    let (why, next) = match reason(held, subject) {
        Some("domain_verification_period_expired") => (
            format!(": the TXT record did not appear within {VERIFICATION_DAYS} days"),
            "check the TXT record and start the verification again",
        ),
        Some("domain_verified_by_other_organization") => (
            ": another organization has verified it".to_owned(),
            "find out which of the two organizations the domain belongs to",
        ),
        Some(other) => (
            format!(": {}", escape(other)),
            "check the TXT record and start the verification again",
        ),
        None => (
            String::new(),
            "check the TXT record and start the verification again",
        ),
    };
    let reason = format!("{domain} could not be verified{why}");
    Finding::new(State::Attention, Turn::Customer, reason).next(next)
}

/// Why the latest verification failed, as far back as WorkOS keeps events.
///
/// Source: `organization_domain.verification_failed` of the WorkOS API description.
fn reason<'a>(held: &OrganizationDomain, subject: &Subject<'a>) -> Option<&'a str> {
    let History::Read(events) = &subject.observed.history else {
        return None;
    };
    let is_about = |event: &&Event| {
        event.kind == EventKind::DomainVerificationFailed
            && event.organization_id.as_ref() == Some(&subject.live.id)
            && event.domain.as_ref() == Some(&held.domain)
    };
    let latest = events
        .iter()
        .filter(is_about)
        .max_by_key(|event| (event.created_at, &event.id));
    latest.and_then(|event| event.reason.as_deref())
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
    let day = 24 * 60 * 60;
    let left = VERIFICATION_DAYS * day - now.duration_since(since).as_secs();
    let begun = i64::from(left.rem_euclid(day) > 0);
    (left.div_euclid(day) + begun).clamp(0, VERIFICATION_DAYS)
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
