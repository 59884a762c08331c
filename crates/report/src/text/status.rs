//! Readiness, for people: a matrix of organizations by intents, then what to do next.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::invite::address;
use super::{Layout, counted, headline, write_counts, write_skipped_files};
use crate::StatusReport;
use crate::width::{fill, hanging, pad, width};
use portalctl_core::plan::invitation::describe;
use portalctl_core::readiness::{
    IntentReadiness, InvitationReadiness, MissingDomain, OrganizationReadiness, Readiness, State,
    Totals, Turn,
};
use portalctl_model::text::escape;
use portalctl_model::{Intent, OrgKey};

/// How much a status report lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// What needs somebody, a screenful of it: behind the account of an apply.
    Brief,
    /// What needs somebody.
    Pending,
    /// Everything, without a bound.
    All,
}

impl Listing {
    /// How many organizations are listed.
    const fn organizations(self) -> usize {
        match self {
            Self::Brief => 10,
            Self::Pending => 50,
            Self::All => usize::MAX,
        }
    }

    /// How many next steps are listed.
    const fn steps(self) -> usize {
        match self {
            Self::Brief => 5,
            Self::Pending => 20,
            Self::All => usize::MAX,
        }
    }
}

/// Renders a status report.
pub fn status(report: &StatusReport<'_>, listing: Listing, layout: &Layout) -> String {
    let mut out = headline("status", report.headline, layout);
    let body = body(report, listing, layout);
    if !body.is_empty() {
        out.push('\n');
        out.push_str(&body);
    }
    let totals = report.readiness.totals();
    let counts = summary(&totals, layout);
    write_counts(&mut out, &counts, report.headline, layout);
    out
}

/// Everything between the headline and the summary.
pub(super) fn body(report: &StatusReport<'_>, listing: Listing, layout: &Layout) -> String {
    let mut out = String::new();
    let readiness = report.readiness;
    let rows = rows(readiness, listing);
    matrix(&mut out, &rows, layout);
    let rest = readiness.organizations.len() - rows.len();
    if rest > 0 {
        let settled = readiness
            .organizations
            .iter()
            .filter(|o| urgency(o).is_none() && !o.intents.iter().any(IntentReadiness::is_not_read))
            .count();
        let unlisted = if rest == settled {
            format!("{} with nothing to do", counted(rest, "organization"))
        } else {
            counted(rest, "more organization")
        };
        let _ = writeln!(
            out,
            "{}",
            layout.paint.quiet(format!("{unlisted} (see status --all)"))
        );
    }
    invitations(&mut out, &rows, listing, layout);
    if let Some(note) = unread(readiness) {
        hanging(&mut out, "note: ", &note, layout.width);
    }
    next_steps(&mut out, report, listing, layout);
    warnings(&mut out, readiness, layout);
    write_skipped_files(&mut out, report.headline, layout);
    out
}

/// Says how many intents were not read in this run, and which command reads them.
pub(crate) fn unread(readiness: &Readiness) -> Option<String> {
    let count = readiness.totals().not_read;
    (count > 0).then(|| {
        format!(
            "{} {} not read, because this run decides nothing by {}; `portalctl status` reads {}",
            counted(count, "intent"),
            if count == 1 { "was" } else { "were" },
            if count == 1 { "it" } else { "them" },
            if count == 1 { "it" } else { "them" },
        )
    })
}

/// Says which organizations lack the verified domain that their single sign-on needs.
pub(crate) fn without_domain(readiness: &Readiness) -> Option<String> {
    /// Keys that the note names.
    const NAMED: usize = 5;
    let lacks = |organization: &&OrganizationReadiness| {
        let mut intents = organization.intents.iter();
        intents.any(|intent| intent.missing_domain == Some(MissingDomain::Missing))
    };
    let lacking: Vec<&OrganizationReadiness> =
        readiness.organizations.iter().filter(lacks).collect();
    let first = lacking.first()?;
    let named: Vec<String> = lacking
        .iter()
        .take(NAMED)
        .map(|one| format!("`{}`", one.key))
        .collect();
    let more = match lacking.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let count = lacking.len();
    Some(format!(
        "sso of {} needs a verified domain, which {} not have: {}{more}; `portalctl status` tells \
         the next step, as in `portalctl verify-domain {}`",
        counted(count, "organization"),
        if count == 1 { "it does" } else { "they do" },
        named.join(", "),
        first.key
    ))
}

/// Writes what could not be read.
fn warnings(out: &mut String, readiness: &Readiness, layout: &Layout) {
    if readiness.warnings.is_empty() {
        return;
    }
    let paint = layout.paint;
    let _ = writeln!(out, "\n{}", paint.strong("warnings"));
    for warning in &readiness.warnings {
        let _ = writeln!(out, "  {} {}", paint.notice("*"), paint.quiet(warning.code));
        hanging(out, "      ", &escape(&warning.message), layout.width);
    }
}

/// The organizations to list: what needs somebody first, most urgent at the top.
fn rows(readiness: &Readiness, listing: Listing) -> Vec<&OrganizationReadiness> {
    let mut rows: Vec<&OrganizationReadiness> = readiness
        .organizations
        .iter()
        .filter(|organization| listing == Listing::All || urgency(organization).is_some())
        .collect();
    // The sort is stable: equally urgent organizations stay in the order of their keys.
    rows.sort_by_key(|organization| urgency(organization).unwrap_or(State::NotApplicable));
    rows.truncate(listing.organizations());
    rows
}

/// The most urgent state of an organization that is not settled.
fn urgency(organization: &OrganizationReadiness) -> Option<State> {
    organization
        .intents
        .iter()
        .filter(|i| !i.is_not_read())
        .map(|i| i.state)
        .filter(|state| !state.is_settled())
        .min()
}

/// How the matrix is written: the widest way that fits the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cells {
    /// Columns headed `domain_verification`, cells saying `✓ configured`.
    Words,
    /// Columns headed `domains`, cells saying `✓ configured`.
    ShortHeads,
    /// Columns headed `domains`, cells saying `✓`, explained below the matrix.
    Signs,
}

impl Cells {
    const WIDEST_FIRST: [Self; 3] = [Self::Words, Self::ShortHeads, Self::Signs];

    fn head(self, intent: Intent) -> &'static str {
        match self {
            Self::Words => intent.as_str(),
            Self::ShortHeads | Self::Signs => intent.short(),
        }
    }

    fn text(self, state: State) -> String {
        self.shown(sign(state), words(state))
    }

    fn of(self, intent: &IntentReadiness) -> String {
        let (sign, words) = shown(intent);
        self.shown(sign, words)
    }

    fn shown(self, sign: &str, words: &str) -> String {
        match self {
            Self::Words | Self::ShortHeads => format!("{sign} {words}"),
            Self::Signs => sign.to_owned(),
        }
    }

    fn column_width(self, intent: Intent) -> usize {
        let cells = State::ALL.iter().map(|state| width(&self.text(*state)));
        cells.max().unwrap_or(0).max(width(self.head(intent)))
    }
}

fn matrix(out: &mut String, rows: &[&OrganizationReadiness], layout: &Layout) {
    let used: BTreeSet<Intent> = rows
        .iter()
        .flat_map(|row| row.intents.iter().map(|i| i.intent))
        .collect();
    let columns: Vec<Intent> = Intent::ALL
        .into_iter()
        .filter(|i| used.contains(i))
        .collect();
    let label = rows
        .iter()
        .map(|row| width(row.key.as_str()))
        .max()
        .unwrap_or(0);
    let fits = |cells: &Cells| {
        let columns: usize = columns.iter().map(|c| 2 + cells.column_width(*c)).sum();
        label + columns <= layout.width
    };
    let Some(cells) = Cells::WIDEST_FIRST.into_iter().find(fits) else {
        return list(out, rows, layout);
    };
    if rows.is_empty() || columns.is_empty() {
        return;
    }
    let mut head = pad("", label);
    for column in &columns {
        let _ = write!(
            head,
            "  {}",
            pad(cells.head(*column), cells.column_width(*column))
        );
    }
    let _ = writeln!(out, "{}", layout.paint.quiet(head.trim_end()));
    for row in rows {
        let mut line = layout.paint.strong(pad(row.key.as_str(), label));
        for column in &columns {
            let intent = row.intents.iter().find(|i| i.intent == *column);
            line.push_str("  ");
            line.push_str(&cell(intent, cells.column_width(*column), cells, layout));
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if cells == Cells::Signs {
        legend(out, rows, layout);
    }
}

/// Explains the signs that a matrix of signs alone uses.
fn legend(out: &mut String, rows: &[&OrganizationReadiness], layout: &Layout) {
    let intents = || rows.iter().flat_map(|row| &row.intents);
    let read = intents().filter(|intent| !intent.is_not_read());
    let used: BTreeSet<State> = read.map(|intent| intent.state).collect();
    let mut items: Vec<String> = used
        .iter()
        .map(|state| format!("{} {},", sign(*state), words(*state)))
        .collect();
    let unread = intents().find(|intent| intent.is_not_read()).map(shown);
    items.extend(unread.map(|(sign, words)| format!("{sign} {words},")));
    items.push(". not declared".to_owned());
    for line in fill(items.iter().map(String::as_str), layout.width) {
        let _ = writeln!(out, "{line}");
    }
}

fn cell(intent: Option<&IntentReadiness>, columns: usize, cells: Cells, layout: &Layout) -> String {
    match intent {
        Some(intent) if intent.is_not_read() => layout.paint.quiet(pad(&cells.of(intent), columns)),
        Some(intent) => paint_state(intent.state, &pad(&cells.of(intent), columns), layout),
        None => layout.paint.quiet(pad(".", columns)),
    }
}

/// On a terminal too narrow for any matrix: one line for each organization and intent.
fn list(out: &mut String, rows: &[&OrganizationReadiness], layout: &Layout) {
    for row in rows {
        let _ = writeln!(out, "{}", layout.paint.strong(&row.key));
        for intent in &row.intents {
            let columns = Cells::ShortHeads.column_width(intent.intent);
            let state = pad(&Cells::ShortHeads.of(intent), columns);
            let state = paint_state(intent.state, &state, layout);
            let _ = writeln!(out, "  {state}  {}", intent.intent);
        }
    }
}

/// Sign and word of an intent: those of its state, or of not having been read.
pub(crate) fn shown(intent: &IntentReadiness) -> (&'static str, &'static str) {
    if intent.is_not_read() {
        ("·", "not read")
    } else {
        (sign(intent.state), words(intent.state))
    }
}

/// The sign of a state: never a colour alone.
pub(crate) const fn sign(state: State) -> &'static str {
    match state {
        State::Configured => "✓",
        State::InProgress => "◐",
        State::Unconfigured => "○",
        State::Attention => "✗",
        State::Unknown => "?",
        State::NotApplicable => "–",
    }
}

/// A state, for people.
pub(crate) const fn words(state: State) -> &'static str {
    match state {
        State::InProgress => "in progress",
        State::NotApplicable => "n/a",
        State::Configured | State::Unconfigured | State::Attention | State::Unknown => {
            state.as_str()
        }
    }
}

pub(super) fn paint_state(state: State, text: &str, layout: &Layout) -> String {
    let paint = layout.paint;
    match state {
        State::Configured => paint.good(text),
        State::InProgress => paint.notice(text),
        State::Attention => paint.bad(text),
        State::Unknown => paint.unsure(text),
        State::NotApplicable => paint.quiet(text),
        State::Unconfigured => text.to_owned(),
    }
}

/// The invitations of the listed organizations: those that may be on their way first.
fn invitations(
    out: &mut String,
    rows: &[&OrganizationReadiness],
    listing: Listing,
    layout: &Layout,
) {
    let invited = invited(rows.iter().copied());
    if invited.is_empty() {
        return;
    }
    let paint = layout.paint;
    let _ = writeln!(out, "\n{}", paint.strong("invitations"));
    let shown = invited.len().min(listing.steps());
    for (key, invitation) in &invited[..shown] {
        let text = invitation_told(key, invitation, layout);
        let _ = writeln!(out, "  {}", paint.strong(key));
        hanging(out, "      ", &text, layout.width);
    }
    if invited.len() > shown {
        let more = format!("{} more (see status --all)", invited.len() - shown);
        let _ = writeln!(out, "{}", paint.quiet(more));
    }
}

/// Returns the invitations of organizations: those that may be on their way first.
pub fn invited<'a>(
    organizations: impl Iterator<Item = &'a OrganizationReadiness>,
) -> Vec<(&'a OrgKey, &'a InvitationReadiness)> {
    let mut invited: Vec<_> = organizations
        .filter_map(|it| Some((&it.key, it.invitation.as_ref()?)))
        .collect();
    invited.sort_by_key(|(_, invitation)| !invitation.mark.is_sending());
    invited
}

/// Returns the state of an organization's invitation, with the command that sends a new one where
/// nobody knows whether it was sent.
pub fn invitation_told(key: &OrgKey, invitation: &InvitationReadiness, layout: &Layout) -> String {
    let mut text = describe(&invitation.mark);
    if let Some(email) = &invitation.address {
        let _ = write!(text, " ({})", address(email, layout));
    }
    if invitation.mark.is_sending() {
        let _ = write!(
            text,
            ": run `portalctl invite {key} --again` to send a new one"
        );
    }
    text
}

/// One thing somebody has to do.
struct Step<'a> {
    organization: &'a OrganizationReadiness,
    intent: &'a IntentReadiness,
}

fn next_steps(out: &mut String, report: &StatusReport<'_>, listing: Listing, layout: &Layout) {
    let mut steps: Vec<Step<'_>> = report
        .readiness
        .organizations
        .iter()
        .flat_map(|organization| {
            organization.intents.iter().map(move |intent| Step {
                organization,
                intent,
            })
        })
        .filter(|step| step.intent.next_step.is_some() && !step.intent.is_not_read())
        .collect();
    // Most urgent state first, then what has waited longest; the sort is stable on the rest.
    steps.sort_by_key(|step| {
        (
            step.intent.state,
            step.intent.since.unwrap_or(Timestamp::MAX),
        )
    });
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", layout.paint.strong("next, most urgent first"));
    let shown = steps.len().min(listing.steps());
    for step in &steps[..shown] {
        write_step(out, step, report.now, layout);
    }
    if steps.len() > shown {
        let more = format!("{} more (see status --all)", steps.len() - shown);
        let _ = writeln!(out, "{}", layout.paint.quiet(more));
    }
}

fn write_step(out: &mut String, step: &Step<'_>, now: Timestamp, layout: &Layout) {
    let paint = layout.paint;
    let Step {
        organization,
        intent,
    } = step;
    let mut line = format!(
        "  {} {}  {}",
        paint_state(intent.state, sign(intent.state), layout),
        paint.strong(&organization.key),
        intent.intent
    );
    if let Some(since) = intent.since {
        let _ = write!(
            line,
            "  {}",
            paint.quiet(format!("for {}", age(since, now)))
        );
    }
    if intent.turn != Turn::None {
        let _ = write!(line, "  {}", paint.quiet(whose(intent.turn)));
    }
    let _ = writeln!(out, "{line}");
    hanging(out, "      ", &escape(&intent.reason), layout.width);
    if let Some(next) = &intent.next_step {
        hanging(out, "      hint: ", &escape(next), layout.width);
    }
}

/// Who has to do something, for people.
pub(crate) const fn whose(turn: Turn) -> &'static str {
    match turn {
        Turn::You => "your turn",
        Turn::Customer => "the customer's turn",
        Turn::Dns => "waiting for DNS",
        Turn::WorkOs => "WorkOS's turn",
        Turn::None => "",
    }
}

/// A duration in the largest unit that says enough: `3 days`, `5 hours`.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let count = |n: i64, unit: &str| counted(usize::try_from(n).unwrap_or(usize::MAX), unit);
    match seconds {
        0..60 => "less than a minute".to_owned(),
        60..3600 => count(seconds / 60, "minute"),
        3600..86_400 => count(seconds / 3600, "hour"),
        _ => count(seconds / 86_400, "day"),
    }
}

/// The counts, on one line.
pub fn summary(totals: &Totals, layout: &Layout) -> String {
    let mut parts: Vec<String> = State::ALL
        .iter()
        .map(|state| (*state, totals.of(*state)))
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| paint_state(state, &format!("{count} {}", words(state)), layout))
        .collect();
    if totals.not_read > 0 {
        parts.push(layout.paint.quiet(format!("{} not read", totals.not_read)));
    }
    if parts.is_empty() {
        "no intents declared".to_owned()
    } else {
        parts.join(", ")
    }
}
