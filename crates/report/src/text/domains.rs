//! Text of a domain verification: each domain with its record, the answers of DNS and WorkOS, and
//! the next step.

use super::{Layout, headline, write_hint};
use crate::DomainsReport;
use crate::view::{counted, requests};
use crate::width::hanging;
use portalctl_core::verification::{
    Asked, DnsCheck, DomainCheck, Record, RecordPresence, ShownRecord,
};
use portalctl_model::observed::DomainState;
use portalctl_model::text::escape;

/// Renders the domains of one organization.
pub fn domains(report: &DomainsReport<'_>, layout: &Layout) -> String {
    let mut out = headline("verify-domain", report.headline, layout);
    let paint = layout.paint;
    push_line!(
        out,
        "\n{}  {}",
        paint.strong(report.key),
        paint.quiet(escape(report.organization.as_str()))
    );
    for check in report.domains {
        domain(&mut out, check, report, layout);
    }
    let verified = report.domains.iter().filter(|d| d.is_verified()).count();
    let missing = report.domains.len() - verified;
    let mut counts = Vec::new();
    if verified > 0 {
        counts.push(paint.good(format!("{verified} verified")));
    }
    if missing > 0 {
        counts.push(paint.notice(format!("{missing} not verified")));
    }
    counts.push(requests(report.headline));
    push_line!(out, "\n{}", counts.join(", "));
    out
}

fn domain(out: &mut String, check: &DomainCheck, report: &DomainsReport<'_>, layout: &Layout) {
    let paint = layout.paint;
    let (sign, words) = standing(check, layout);
    push_line!(out, "  {sign} {}  {words}", paint.strong(&check.domain));
    if check.is_verified() {
        return;
    }
    if let Some(why) = check.why_failed() {
        hanging(out, "      ", &why, layout.width);
    }
    if let Some(record) = &check.record {
        record_to_set(out, record, layout);
    }
    let mut line = |label: &str, text: &str| {
        hanging(out, &format!("      {label:<7} "), text, layout.width);
    };
    if let Some(seen) = &check.seen {
        line("DNS", &dns_answer(seen));
    }
    if let Some(answer) = answer(check) {
        line("WorkOS", &answer);
    }
    if let Some(contested) = check.contested() {
        line("rival", &contested);
    }
    if let Some(step) = check.next_step(report.key) {
        write_hint(out, "      ", &step, layout);
    }
    if let Some(code) = check.code() {
        let more = format!("      more: portalctl explain {code}");
        push_line!(out, "{}", paint.quiet(more));
    }
}

/// Returns the sign of a domain's state and the state in words.
fn standing(check: &DomainCheck, layout: &Layout) -> (String, String) {
    let paint = layout.paint;
    let Some(state) = &check.state else {
        let words = "not at WorkOS yet".to_owned();
        return ("○".to_owned(), words);
    };
    match state {
        DomainState::Verified | DomainState::LegacyVerified => {
            (paint.good("✓"), paint.good("verified"))
        }
        DomainState::Pending => {
            let left = match check.days_left {
                None => String::new(),
                Some(0) => ", its 30 days are over".to_owned(),
                Some(days) => {
                    let days = usize::try_from(days).unwrap_or(0);
                    format!(", {} left", counted(days, "day"))
                }
            };
            (paint.notice("◐"), paint.notice(format!("pending{left}")))
        }
        DomainState::Unverified => (paint.notice("◐"), paint.notice("not started")),
        DomainState::Failed => (paint.bad("✗"), paint.bad("failed")),
        DomainState::Unknown(raw) => {
            let raw = match raw.trim() {
                "" => "WorkOS does not tell its state".to_owned(),
                raw => escape(raw).into_owned(),
            };
            (paint.unsure("?"), paint.unsure(raw))
        }
    }
}

/// Writes the record as a DNS panel asks for it. The value stays on one line, to be copied.
fn record_to_set(out: &mut String, record: &ShownRecord, layout: &Layout) {
    let paint = layout.paint;
    let value = match &record.value {
        Some(value) => escape(value).into_owned(),
        None => format!("{}={}", escape(&record.prefix), paint.quiet("(hidden)")),
    };
    for (label, text) in [
        ("host", record.host.to_string()),
        ("type", Record::KIND.to_owned()),
        ("value", value),
    ] {
        push_line!(out, "      {label:<7} {text}");
    }
}

/// Describes the answer of DNS.
fn dns_answer(seen: &DnsCheck) -> String {
    let head = match seen.presence {
        RecordPresence::Yes => "seen",
        RecordPresence::No => "not seen",
        RecordPresence::OtherValue => "another value",
        RecordPresence::WrongName => "at the wrong name",
        RecordPresence::Unknown => "cannot tell",
    };
    format!("{head}: {}", escape(&seen.message))
}

/// Describes the request to WorkOS and its answer.
fn answer(check: &DomainCheck) -> Option<String> {
    let text = match check.asked {
        Asked::NotNeeded => return None,
        Asked::InVain => "not asked: it would look in vain (--ask-anyway asks all the same)",
        Asked::Contested => {
            "not asked: another organization has verified it (--ask-anyway asks all the same)"
        }
        Asked::DnsOnly => "not asked (--dns-only)",
        Asked::NoId => "cannot be asked: it gave the domain no id",
        Asked::Stopped => "not asked: the run was stopped",
        Asked::Failed => "did not answer as asked",
        Asked::Answered => match &check.state {
            Some(DomainState::Failed) => "asked: the verification failed",
            _ => "asked: it has begun to look, and is not done yet",
        },
    };
    Some(text.to_owned())
}
