//! Domain verification: the organization's domains against the declared ones.

use super::{Evidence, Finding, PortalSteps, State, Subject, Turn, unknown_state};
use crate::identity::Contest;
use crate::verification::{Failure, VERIFICATION_DAYS, days_left, failure};
use portalctl_model::observed::{DomainState, History, OrganizationDomain};
use portalctl_model::{Domain, Intent};

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
    let mut findings: Vec<(&Domain, Finding)> = Vec::new();
    let mut evidence = Vec::new();
    for domain in declared {
        let live_domain = subject.live.domain(domain);
        evidence.extend(live_domain.map(evidence_of));
        let contest = subject.contested.get(domain);
        let finding = match live_domain {
            _ if contest.is_some_and(Contest::stops_writes) => contested(domain, contest),
            Some(live_domain) => judge(live_domain, subject),
            None => Finding::new(
                State::Unconfigured,
                Turn::You,
                format!("the organization does not have the domain {domain}"),
            )
            .next("run portalctl apply"),
        };
        findings.push((domain, finding));
    }
    let verified = findings
        .iter()
        .filter(|(_, finding)| finding.state == State::Configured)
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
    findings.sort_by_key(|(_, finding)| rank(finding.state));
    let reason = reasons(&findings);
    let Some((_, mut worst)) = findings.into_iter().next() else {
        return any_verified(subject);
    };
    if worst.state == State::Configured && total > 1 {
        worst.reason = format!("all {total} domains are verified");
    } else if worst.state != State::Configured {
        let are = if verified == 1 { "is" } else { "are" };
        worst.reason = match verified {
            0 => reason,
            _ => format!("{verified} of {total} domains {are} verified; {reason}"),
        };
    }
    worst.with(evidence)
}

/// Returns the reasons of all domains that are not verified, in their order; domains of which the
/// same is to be said share one.
fn reasons(findings: &[(&Domain, Finding)]) -> String {
    let mut groups: Vec<(Vec<&Domain>, &str, &str)> = Vec::new();
    for (domain, finding) in findings {
        if finding.state == State::Configured {
            continue;
        }
        let whole = finding.reason.as_str();
        let said = whole.strip_prefix(domain.as_str()).unwrap_or(whole);
        match groups.iter_mut().find(|(_, known, _)| *known == said) {
            Some((domains, ..)) => domains.push(domain),
            None => groups.push((vec![domain], said, whole)),
        }
    }
    let told = groups.into_iter().map(|(domains, said, whole)| {
        if domains.len() == 1 {
            return whole.to_owned();
        }
        let domains: Vec<&str> = domains.into_iter().map(Domain::as_str).collect();
        format!("{}: each{said}", domains.join(", "))
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Another organization has verified the domain.
fn contested(domain: &Domain, contest: Option<&Contest>) -> Finding {
    let holders = contest.map(Contest::holders).unwrap_or_default();
    Finding::new(
        State::Attention,
        Turn::You,
        format!("{domain} is verified for {holders}; only one organization can verify a domain"),
    )
    .next("decide whose domain it is, then remove it from the other organization")
}

/// A domain that waits here and stands on other organizations too.
fn shared_pending(reason: &str, contest: &Contest, set_it: &str) -> Finding {
    let holders = contest.holders();
    if contest.winners().next().is_some() {
        let reason = format!(
            "{reason}, but {holders} has verified it, and only one organization can verify a domain"
        );
        let step = "decide which of the organizations verifies the domain";
        return Finding::new(State::InProgress, Turn::You, reason).next(step);
    }
    let reason =
        format!("{reason}; {holders} has it too, and only one organization can verify a domain");
    let step = format!("{set_it}, and remove the domain from the organization it is not of");
    Finding::new(State::InProgress, Turn::Dns, reason).next(step)
}

/// None declared: one verified domain is enough.
fn any_verified(subject: &Subject<'_>) -> Finding {
    let domains = &subject.live.domains;
    let evidence: Vec<Evidence> = domains.iter().map(evidence_of).collect();
    let best = domains
        .iter()
        .find(|live_domain| live_domain.state.is_verified())
        .or_else(|| {
            domains
                .iter()
                .find(|live_domain| live_domain.state == DomainState::Pending)
        })
        .or_else(|| domains.first());
    match best {
        Some(live_domain) => judge(live_domain, subject).with(evidence),
        None => Finding::new(State::Unconfigured, Turn::Customer, "no domain yet").next(format!(
            "declare the customer's domains, or {}",
            PortalSteps::of(subject, Intent::DomainVerification).first()
        )),
    }
}

fn judge(live_domain: &OrganizationDomain, subject: &Subject<'_>) -> Finding {
    let domain = &live_domain.domain;
    let since = live_domain.updated_at.or(live_domain.created_at);
    let verify = format!("portalctl verify-domain {}", subject.key);
    let finding = match &live_domain.state {
        DomainState::Verified | DomainState::LegacyVerified => Finding::new(
            State::Configured,
            Turn::None,
            format!("{domain} is verified"),
        ),
        DomainState::Pending => {
            let set_it = if is_declared(domain, subject) {
                format!("ask the customer to set the TXT record that {verify} shows")
            } else {
                format!("declare the domain, then {verify} shows the TXT record to set")
            };
            let left = match days_left(live_domain, subject.now) {
                None => String::new(),
                Some(0) => format!(", its {VERIFICATION_DAYS} days are over"),
                Some(1) => ", 1 day left".to_owned(),
                Some(days) => format!(", {days} days left"),
            };
            let reason = format!("{domain} waits for its TXT record{left}");
            match subject.contested.get(domain) {
                None => Finding::new(State::InProgress, Turn::Dns, reason).next(set_it),
                Some(contest) => shared_pending(&reason, contest, &set_it),
            }
        }
        DomainState::Unverified => Finding::new(
            State::InProgress,
            Turn::Customer,
            format!("the verification of {domain} has not been started"),
        )
        .next({
            let portal = PortalSteps::of(subject, Intent::DomainVerification).first();
            if is_declared(domain, subject) {
                format!("run {verify}, or {portal}")
            } else {
                portal
            }
        }),
        DomainState::Failed => failed(live_domain, subject, &verify),
        DomainState::Unknown(raw) => Finding::new(
            State::Unknown,
            Turn::You,
            unknown_state(domain.as_str(), raw),
        )
        .next("look at it in the WorkOS dashboard"),
    };
    finding.since(since)
}

/// Returns whether `portalctl verify-domain` handles a domain.
fn is_declared(domain: &Domain, subject: &Subject<'_>) -> bool {
    let declared = subject.declared.domains.as_ref();
    declared.is_some_and(|domains| domains.contains_key(domain))
}

/// A failed verification, with the reason that WorkOS gave in an event.
fn failed(live_domain: &OrganizationDomain, subject: &Subject<'_>, verify: &str) -> Finding {
    let domain = &live_domain.domain;
    let reason = match &subject.observed.history {
        History::Read(events) => failure(events, &subject.live.id, domain),
        History::NotRead | History::NotAvailable(_) | History::Failed(_) => None,
    };
    let next = match reason {
        Some(Failure::VerifiedElsewhere) => match subject.contested.get(domain) {
            Some(contest) => format!(
                "find out whether the domain belongs to this organization or to {}",
                contest.holders()
            ),
            None => "find out which of the two organizations the domain belongs to".to_owned(),
        },
        Some(Failure::PeriodExpired | Failure::Other(_)) | None if is_declared(domain, subject) => {
            format!("have the TXT record set, then run {verify}: it begins the verification again")
        }
        Some(Failure::PeriodExpired | Failure::Other(_)) | None => {
            format!("declare the domain, then {verify} shows its record and begins again")
        }
    };
    let why = reason.map_or(String::new(), |reason| format!(": {}", reason.sentence()));
    let reason = format!("{domain} could not be verified{why}");
    Finding::new(State::Attention, Turn::Customer, reason).next(next)
}

fn evidence_of(live_domain: &OrganizationDomain) -> Evidence {
    Evidence {
        object: "domain",
        id: Some(live_domain.domain.to_string()),
        kind: None,
        state: live_domain.state.to_string(),
        since: live_domain.updated_at.or(live_domain.created_at),
    }
}
