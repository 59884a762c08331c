//! Text about portal links and waits. The link itself is printed elsewhere, by code that prints
//! nothing else.

use super::invite::addresses;
use super::{Layout, headline, write_hint};
use crate::view::{requests, rounded, state_label, state_sign, turn_label};
use crate::width::hanging;
use crate::{LinkReport, RevokeLinkReport, WaitReport};
use portalctl_core::link::{Phase, ResolvedUrl, WaitOutcome};
use portalctl_core::readiness::{IntentReadiness, Turn};
use portalctl_model::OrgKey;
use portalctl_model::text::escape;

/// Renders the purpose of a link and its destinations.
pub fn link(report: &LinkReport<'_>, layout: &Layout) -> String {
    let LinkReport {
        headline: header,
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
    let mut out = headline("link", header, layout);
    let name = name.map(escape).unwrap_or_default();
    push_line!(
        out,
        "\n{}  {intent}  {name}  {}",
        paint.strong(key),
        paint.quiet(escape(organization.as_str()))
    );
    push_line!(out, "  return URL   {}", url(urls.return_url.as_ref()));
    push_line!(out, "  success URL  {}", url(urls.success_url.as_ref()));
    if let Some(user) = user {
        push_line!(out, "  user         {}", escape(user.as_str()));
    }
    if !contacts.is_empty() {
        let granted = format!(
            "{}: these IT contacts get access to the portal, and WorkOS sends them its alerts, such \
             as that of an expiring certificate",
            addresses(contacts, layout)
        );
        hanging(&mut out, "  contacts     ", &granted, layout.width);
    }
    let state = readiness.state;
    let now = format!("{}: {}", state_label(state), escape(&readiness.reason));
    hanging(&mut out, "  now          ", &now, layout.width);
    out
}

fn url(resolved: Option<&ResolvedUrl>) -> String {
    match resolved {
        Some(ResolvedUrl { url, origin }) => format!("{}  ({origin})", escape(url.as_str())),
        None => "WorkOS's default, from its dashboard (no API tells it)".to_owned(),
    }
}

/// Renders the revocation of a user's links and portal sessions.
pub fn revoke_link(report: &RevokeLinkReport<'_>, layout: &Layout) -> String {
    let RevokeLinkReport {
        headline: header,
        key,
        organization,
        user,
    } = *report;
    let paint = layout.paint;
    let mut out = headline("revoke-link", header, layout);
    push_line!(
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
    push_line!(out, "\n{}", requests(header));
    out
}

/// Says how long a link that was just printed is valid; `until` is local time.
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

/// Says that a link was handed to the browser; `until` is local time.
pub fn link_is_open(until: &str) -> String {
    format!(
        "The portal was opened in the browser; the link is valid until {until} and works once.\n"
    )
}

/// Renders one line about the progress of a wait.
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
    let state = layout.paint.toned(
        *state,
        format!("{} {}", state_sign(*state), state_label(*state)),
    );
    let aside = match (phase, turn) {
        (Some(Phase::AsBefore), _) => " (as before)".to_owned(),
        (_, Turn::None) => String::new(),
        (_, turn) => format!(" ({})", turn_label(*turn)),
    };
    format!(
        "{} {intent}  {state}: {}{}",
        layout.paint.strong(key),
        escape(reason),
        layout.paint.quiet(aside)
    )
}

/// Renders the end of a wait.
pub fn wait(report: &WaitReport<'_>, layout: &Layout) -> String {
    let WaitReport {
        headline: header,
        key,
        organization: _,
        readiness,
        outcome,
        took,
    } = *report;
    let paint = layout.paint;
    let mut out = headline("wait", header, layout);
    let state = readiness.state;
    let after = rounded(took);
    let ended = match outcome {
        WaitOutcome::Configured if took.as_secs() == 0 => "already".to_owned(),
        WaitOutcome::Configured => format!("after {after}"),
        WaitOutcome::WentWrong => format!("went wrong after {after}"),
        WaitOutcome::TimedOut => format!("timed out after {after}"),
        WaitOutcome::Interrupted => format!("interrupted after {after}"),
    };
    push_line!(
        out,
        "\n{} {}  {}  {}  {}",
        paint.toned(state, state_sign(state)),
        paint.strong(key),
        readiness.intent,
        paint.toned(state, state_label(state)),
        paint.quiet(ended)
    );
    hanging(&mut out, "    ", &escape(&readiness.reason), layout.width);
    if let Some(next) = &readiness.next_step {
        write_hint(&mut out, "    ", next, layout);
    }
    push_line!(out, "\n{}", requests(header));
    out
}

/// Describes a wait that did not end as hoped, on one line.
pub fn wait_problem(report: &WaitReport<'_>) -> String {
    let WaitReport {
        key,
        readiness,
        took,
        outcome,
        ..
    } = *report;
    let what = format!("{key} {}", readiness.intent);
    let state = state_label(readiness.state);
    let reason = &readiness.reason;
    match outcome {
        WaitOutcome::WentWrong => format!("{what} went wrong: {reason}"),
        WaitOutcome::TimedOut | WaitOutcome::Configured => {
            format!(
                "{what} is not done after {}: {state}: {reason}",
                rounded(took)
            )
        }
        WaitOutcome::Interrupted => {
            format!(
                "interrupted after {}; {what}: {state}: {reason}",
                rounded(took)
            )
        }
    }
}
