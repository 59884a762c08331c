//! Markdown of a readiness, for a pull request or a job's summary: most urgent first.

use jiff::Timestamp;

use super::budget::{Document, Rank, Section};
use super::changed::changed;
use super::escape::{code, prose};
use super::{STATUS, facts, failed, head, item, marker, names, row, title};
use crate::ErrorItem;
use crate::StatusReport;
use crate::text::Listing;
use crate::view::{
    self, Emails, by_urgency, is_settled, joined, state_label, status_counts, turn_label,
};
use portalctl_core::readiness::compare::OrganizationChange;
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, Readiness, State};

/// Renders a status report; with [`Listing::All`] also the settled intents.
///
/// `changes` are those since an earlier report, if there is one; `errors` are problems beside the
/// report.
pub fn status(
    report: &StatusReport<'_>,
    changes: Option<&[OrganizationChange]>,
    listing: Listing,
    errors: &[ErrorItem],
) -> Document {
    let StatusReport {
        headline,
        readiness,
        // An age would differ between two runs with the same result.
        now: _,
    } = *report;
    let names = names(&headline.target);
    let outcome = summary(readiness);
    let mut document = Document::default();
    document.fixed(marker::key("status", &names));
    document.fixed(title(headline, "status", &outcome));
    document.fixed(facts(headline, None));
    document.section(failed::errors(errors).open("#### Errors\n\n"));
    if let Some(changes) = changes {
        document.section(changed(changes));
    }
    document.section(failed::manifest_warnings(headline));
    document.section(warnings(readiness));
    for state in State::ALL.into_iter().filter(|state| !state.is_settled()) {
        document.section(needing(state, readiness));
    }
    document.section(invitations(readiness, listing));
    document.fixed(settled_count(readiness));
    if listing == Listing::All {
        document.section(settled(readiness));
    }
    document
}

/// Returns the counts of a readiness, without colour.
fn summary(readiness: &Readiness) -> String {
    match status_counts(&readiness.totals()).as_slice() {
        [] => "no intents declared".to_owned(),
        counts => joined(counts),
    }
}

/// Returns the counts of a readiness, on one line; empty where none was read.
pub(super) fn counts(title: &str, readiness: &Readiness) -> String {
    if readiness.organizations.is_empty() {
        return String::new();
    }
    let counts = summary(readiness);
    format!("**{title}**: {counts}\n\n")
}

/// Renders the reads that failed.
fn warnings(readiness: &Readiness) -> Section {
    let mut section = Section::new(Rank::List, "warnings", STATUS).open("#### Warnings\n\n");
    for warning in &readiness.warnings {
        let said = format!(
            "{}: {}",
            code(warning.code.as_str()),
            prose(&warning.message)
        );
        section.item(|| item(&said, None));
    }
    section
}

/// Renders the invitations of the listed organizations, pending ones first.
fn invitations(readiness: &Readiness, listing: Listing) -> Section {
    let listed = readiness.organizations.iter();
    let listed = listed.filter(|it| listing == Listing::All || !is_settled(it));
    let mut section = Section::new(Rank::List, "invitations", STATUS).open("#### Invitations\n\n");
    for (key, invitation) in view::invitations(listed) {
        let told = view::invitation_text(key, invitation, Emails::Masked);
        section.item(|| item(&format!("{}: {}", code(key.as_str()), prose(&told)), None));
    }
    section
}

/// Returns the intents in some states, most urgent first.
fn in_state(
    readiness: &Readiness,
    is_wanted: impl Fn(State) -> bool,
) -> Vec<(&OrganizationReadiness, &IntentReadiness)> {
    let mut intents = by_urgency(&readiness.organizations);
    intents.retain(|(_, intent)| is_wanted(intent.state));
    intents
}

/// Renders the intents in one state, longest waiting first.
fn needing(state: State, readiness: &Readiness) -> Section {
    let found = in_state(readiness, |it| it == state);
    // Problems are missed more than intents that have not begun.
    let rank = match state {
        State::Attention | State::Unknown => Rank::List,
        State::InProgress | State::Unconfigured | State::Configured | State::NotApplicable => {
            Rank::Row
        }
    };
    let mut section = Section::new(rank, things(state), STATUS).open(format!(
        "#### {}: {}\n\n{}",
        heading(state),
        found.len(),
        head(["Organization", "Intent", "Since", "Turn", "Why", "Next"])
    ));
    for (organization, intent) in found {
        section.item(|| {
            row([
                &code(organization.key.as_str()),
                intent.intent.as_str(),
                &date(intent.since),
                turn_label(intent.turn),
                &prose(&intent.reason),
                &intent.next_step.as_deref().map(prose).unwrap_or_default(),
            ])
        });
    }
    section
}

/// Says how many organizations are settled.
fn settled_count(readiness: &Readiness) -> String {
    let settled = readiness.organizations.iter().filter(|one| is_settled(one));
    match settled.count() {
        0 => String::new(),
        1 => "1 organization has nothing to do.\n\n".to_owned(),
        count => format!("{count} organizations have nothing to do.\n\n"),
    }
}

/// Renders the settled intents, folded.
fn settled(readiness: &Readiness) -> Section {
    let found = in_state(readiness, State::is_settled);
    let mut section = Section::new(Rank::Detail, "settled intents", STATUS)
        .open(format!(
            "<details>\n<summary>Nothing to do: {}</summary>\n\n{}",
            found.len(),
            head(["Organization", "Intent", "State", "Since", "Why"])
        ))
        .close("\n</details>\n\n");
    for (organization, intent) in found {
        section.item(|| {
            row([
                &code(organization.key.as_str()),
                intent.intent.as_str(),
                state_label(intent.state),
                &date(intent.since),
                &prose(&intent.reason),
            ])
        });
    }
    section
}

fn heading(state: State) -> &'static str {
    match state {
        State::Attention => "Attention",
        State::Unknown => "Unknown",
        State::InProgress => "In progress",
        State::Unconfigured => "Unconfigured",
        State::Configured => "Configured",
        State::NotApplicable => "Not applicable",
    }
}

fn things(state: State) -> &'static str {
    match state {
        State::Attention => "intents that need attention",
        State::Unknown => "unknown intents",
        State::InProgress => "intents in progress",
        State::Unconfigured => "unconfigured intents",
        State::Configured => "configured intents",
        State::NotApplicable => "intents that do not apply",
    }
}

/// Returns the day, in UTC; an age would change by itself.
fn date(since: Option<Timestamp>) -> String {
    since.map_or_else(String::new, |since| since.strftime("%Y-%m-%d").to_string())
}
