//! Readiness, for a pull request or a job's summary: what needs somebody, most urgent first.

use jiff::Timestamp;

use super::budget::{Document, Rank, Section};
use super::changed::changed;
use super::escape::{code, prose};
use super::{STATUS, WORDS, facts, failed, head, item, marker, names, row, title};
use crate::StatusReport;
use crate::json_v1::ErrorItem;
use crate::text::{self, Listing};
use portalctl_core::readiness::compare::OrganizationChange;
use portalctl_core::readiness::{IntentReadiness, OrganizationReadiness, Readiness, State};

/// Renders a status report; with [`Listing::All`] also what needs nobody.
///
/// `changes` are those since an earlier report, if there is one; `errors` what went wrong beside the
/// report.
pub fn status(
    report: &StatusReport<'_>,
    changes: Option<&[OrganizationChange]>,
    listing: Listing,
    errors: &[ErrorItem],
) -> String {
    let StatusReport {
        headline,
        readiness,
        // A duration would differ between two runs that found the same.
        now: _,
    } = *report;
    let names = names(&headline.target);
    let outcome = text::status_summary(&readiness.totals(), &WORDS);
    let mut document = Document::default();
    document.fixed(marker::key("status", &names));
    document.fixed(title("status", headline.sandbox, &names, &outcome));
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
    let idle = readiness.organizations.iter().filter(|o| is_settled(o));
    let idle = match idle.count() {
        0 => String::new(),
        1 => "1 organization has nothing to do.\n\n".to_owned(),
        count => format!("{count} organizations have nothing to do.\n\n"),
    };
    document.section(invitations(readiness, listing));
    document.fixed(idle);
    if listing == Listing::All {
        document.section(settled(readiness));
    }
    document.render()
}

/// The counts of a readiness, on one line; nothing where none was read.
pub(super) fn counts(title: &str, readiness: &Readiness) -> String {
    if readiness.organizations.is_empty() {
        return String::new();
    }
    let counts = text::status_summary(&readiness.totals(), &WORDS);
    format!("**{title}**: {counts}\n\n")
}

/// What could not be read.
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

/// Renders the invitations of the listed organizations: those that may be on their way first.
fn invitations(readiness: &Readiness, listing: Listing) -> Section {
    let listed = readiness.organizations.iter();
    let listed = listed.filter(|it| listing == Listing::All || !is_settled(it));
    let mut section = Section::new(Rank::List, "invitations", STATUS).open("#### Invitations\n\n");
    for (key, invitation) in text::invited(listed) {
        let told = text::invitation_told(key, invitation, &WORDS);
        section.item(|| item(&format!("{}: {}", code(key.as_str()), prose(&told)), None));
    }
    section
}

fn is_settled(organization: &OrganizationReadiness) -> bool {
    let mut intents = organization.intents.iter();
    intents.all(|intent| intent.state.is_settled())
}

fn in_state(
    readiness: &Readiness,
    is_wanted: impl Fn(State) -> bool,
) -> Vec<(&OrganizationReadiness, &IntentReadiness)> {
    let each = readiness
        .organizations
        .iter()
        .flat_map(|organization| organization.intents.iter().map(move |i| (organization, i)));
    each.filter(|(_, intent)| !intent.is_not_read() && is_wanted(intent.state))
        .collect()
}

/// Everything in one state, what has waited longest first.
fn needing(state: State, readiness: &Readiness) -> Section {
    let mut found = in_state(readiness, |it| it == state);
    // The sort is stable: what began together stays in the order of the keys.
    found.sort_by_key(|(_, intent)| intent.since.unwrap_or(Timestamp::MAX));
    // What is wrong is missed more than what has not begun.
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
                text::whose(intent.turn),
                &prose(&intent.reason),
                &intent.next_step.as_deref().map(prose).unwrap_or_default(),
            ])
        });
    }
    section
}

/// What needs nobody, folded.
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
                text::words(intent.state),
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

/// The day, in UTC: a duration would change by itself.
fn date(since: Option<Timestamp>) -> String {
    since
        .map(|since| since.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
}
