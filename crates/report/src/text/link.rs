//! A link that is about to be made, and what came of waiting, for people. The link itself is not
//! in it: whoever prints that prints nothing else.

use std::fmt::Write as _;
use std::time::Duration;

use super::invite::address;
use super::status::{paint_state, sign, whose, words};
use super::{Layout, counted, headline, requests};
use crate::width::hanging;
use crate::{LinkReport, RevokeLinkReport, WaitReport};
use portalctl_core::link::{Phase, ResolvedUrl, WaitOutcome};
use portalctl_core::readiness::{IntentReadiness, Turn};
use portalctl_model::OrgKey;
use portalctl_model::text::escape;

/// Says what a link is for and where it leads back to.
pub fn link(report: &LinkReport<'_>, layout: &Layout) -> String {
    let LinkReport {
        headline: where_,
        key,
        name,
        organization,
        intent,
        urls,
        user,
        contacts,
        readiness,
    } = *report;
    let paint = layout.paint;
    let mut out = headline("link", where_, layout);
    let name = name.map(escape).unwrap_or_default();
    let _ = writeln!(
        out,
        "\n{}  {intent}  {name}  {}",
        paint.strong(key),
        paint.quiet(escape(organization.as_str()))
    );
    let _ = writeln!(out, "  return URL   {}", url(urls.return_url.as_ref()));
    let _ = writeln!(out, "  success URL  {}", url(urls.success_url.as_ref()));
    if let Some(user) = user {
        let _ = writeln!(out, "  user         {}", escape(user.as_str()));
    }
    if !contacts.is_empty() {
        let shown = contacts.iter().map(|email| address(email.as_str(), layout));
        let granted = format!(
            "{}: these IT contacts get access to the portal, and WorkOS sends them its alerts, such \
             as that of an expiring certificate",
            shown.collect::<Vec<_>>().join(", ")
        );
        hanging(&mut out, "  contacts     ", &granted, layout.width);
    }
    let state = readiness.state;
    let now = format!("{}: {}", words(state), escape(&readiness.reason));
    hanging(&mut out, "  now          ", &now, layout.width);
    out
}

fn url(resolved: Option<&ResolvedUrl>) -> String {
    match resolved {
        Some(ResolvedUrl { url, origin }) => format!("{}  ({origin})", escape(url.as_str())),
        None => "WorkOS's default, from its dashboard (no API tells it)".to_owned(),
    }
}

/// Renders the end of a person's links and portal sessions.
pub fn revoke_link(report: &RevokeLinkReport<'_>, layout: &Layout) -> String {
    let RevokeLinkReport {
        headline: where_,
        key,
        organization,
        user,
    } = *report;
    let paint = layout.paint;
    let mut out = headline("revoke-link", where_, layout);
    let _ = writeln!(
        out,
        "\n  {} {}  {}  {}",
        paint.good("✓"),
        paint.strong(key),
        paint.good("revoked"),
        paint.quiet(escape(organization.as_str()))
    );
    let text = format!(
        "Portal links that were made for the user {} do not work any more, and their open portal \
         sessions are ended. WorkOS does not tell whether there were any.",
        escape(user.as_str())
    );
    hanging(&mut out, "      ", &text, layout.width);
    let _ = writeln!(out, "\n{}", requests(where_));
    out
}

/// Says how long a link that was just printed is good for; `until` is local time.
pub fn link_is_valid(until: &str, name: &str, layout: &Layout) -> String {
    let mut out = String::new();
    let text = format!(
        "Valid until {until}, that is for 5 minutes, and works once. Whoever has it can set this \
         up for {}: give it to their IT admin yourself, in a call or a message that opens no \
         previews.",
        escape(name)
    );
    hanging(&mut out, "", &text, layout.width);
    out
}

/// Says that a link went to the browser and nowhere else; `until` is local time.
pub fn link_is_open(until: &str) -> String {
    format!(
        "The portal was opened in the browser; the link is valid until {until} and works once.\n"
    )
}

/// One line about how far a customer is, for those who watch.
pub fn waiting_line(
    key: &OrgKey,
    readiness: &IntentReadiness,
    phase: Option<Phase>,
    layout: &Layout,
) -> String {
    let IntentReadiness {
        intent,
        state,
        reason,
        turn,
        ..
    } = readiness;
    let state = paint_state(
        *state,
        &format!("{} {}", sign(*state), words(*state)),
        layout,
    );
    let aside = match (phase, turn) {
        (Some(Phase::AsBefore), _) => " (as before)".to_owned(),
        (_, Turn::None) => String::new(),
        (_, turn) => format!(" ({})", whose(*turn)),
    };
    format!(
        "{} {intent}  {state}: {}{}",
        layout.paint.strong(key),
        escape(reason),
        layout.paint.quiet(aside)
    )
}

/// What came of waiting.
pub fn wait(report: &WaitReport<'_>, layout: &Layout) -> String {
    let WaitReport {
        headline: where_,
        key,
        organization: _,
        readiness,
        outcome,
        took,
    } = *report;
    let paint = layout.paint;
    let mut out = headline("wait", where_, layout);
    let state = readiness.state;
    let after = duration(took);
    let ended = match outcome {
        WaitOutcome::Configured if took.as_secs() == 0 => "already".to_owned(),
        WaitOutcome::Configured => format!("after {after}"),
        WaitOutcome::WentWrong => format!("went wrong after {after}"),
        WaitOutcome::TimedOut => format!("timed out after {after}"),
        WaitOutcome::Interrupted => format!("interrupted after {after}"),
    };
    let _ = writeln!(
        out,
        "\n{} {}  {}  {}  {}",
        paint_state(state, sign(state), layout),
        paint.strong(key),
        readiness.intent,
        paint_state(state, words(state), layout),
        paint.quiet(ended)
    );
    hanging(&mut out, "    ", &escape(&readiness.reason), layout.width);
    if let Some(next) = &readiness.next_step {
        hanging(&mut out, "    hint: ", &escape(next), layout.width);
    }
    let _ = writeln!(out, "\n{}", requests(where_));
    out
}

/// `42 seconds`, `12 minutes`.
pub fn duration(duration: Duration) -> String {
    let count = |n: u64, unit: &str| counted(usize::try_from(n).unwrap_or(usize::MAX), unit);
    match duration.as_secs() {
        seconds @ 0..120 => count(seconds, "second"),
        seconds @ 120..7200 => count(seconds / 60, "minute"),
        seconds => count(seconds / 3600, "hour"),
    }
}

/// What is said of a wait that did not end as hoped, as one line.
pub fn wait_problem(report: &WaitReport<'_>) -> String {
    let WaitReport {
        key,
        readiness,
        took,
        outcome,
        ..
    } = *report;
    let what = format!("{key} {}", readiness.intent);
    let state = words(readiness.state);
    let reason = &readiness.reason;
    match outcome {
        WaitOutcome::WentWrong => format!("{what} went wrong: {reason}"),
        WaitOutcome::TimedOut | WaitOutcome::Configured => {
            format!(
                "{what} is not done after {}: {state}: {reason}",
                duration(took)
            )
        }
        WaitOutcome::Interrupted => {
            format!(
                "interrupted after {}; {what}: {state}: {reason}",
                duration(took)
            )
        }
    }
}
