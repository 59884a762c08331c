//! Display of a watch: a screen that is drawn over itself, or lines; and the last report.

use std::time::Duration;

use jiff::Timestamp;

use super::{End, TICK, Watch};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::status::report::check;
use crate::cli::ui::Ui;
use portalctl_model::duration::shown;
use portalctl_report::{Headline, StatusReport, text};

impl Watch<'_> {
    /// Tells of a round on standard error, where nothing is drawn.
    pub(super) fn say_round(&self, pause: Duration) {
        if self.screen.is_some() {
            return;
        }
        let at = seconds(self.latest.read_at);
        let next = shown(pause);
        if self.trouble.is_some() {
            self.session.ui.say(&format!(
                "the last good picture is of {at}; trying again in {next}"
            ));
            return;
        }
        if let Some(note) = self.note() {
            self.session.ui.say(&note);
        }
        let counts = text::summary(
            &self.latest.readiness.totals(),
            &self.session.ui.talk_layout(),
        );
        let requests = requests(self.latest.requests);
        self.session
            .ui
            .say(&format!("{at}  {counts}, {requests}, next in {next}"));
    }

    /// Draws the whole screen anew; says in how much time the next round begins, if it waits.
    pub(super) fn draw(&self, left: Option<Duration>) {
        let Some(screen) = &self.screen else {
            return;
        };
        let layout = self.session.ui.layout_now();
        let paint = layout.paint;
        let when = match left {
            Some(left) => format!("next in {}", shown(left.max(TICK))),
            None => "working".to_owned(),
        };
        let mut shown = format!(
            "{}  {}, {}, {when}; Ctrl-C ends\n",
            paint.strong(format!("every {}", shown(self.request.interval))),
            format_args!("read at {}", time_of_day(self.latest.read_at)),
            requests(self.latest.requests),
        );
        if let Some(trouble) = &self.trouble {
            shown.push_str(&format!(
                "{trouble}\nwhat is shown is of {}\n",
                seconds(self.latest.read_at)
            ));
        }
        if let Some(note) = self.note() {
            shown.push_str(&note);
            if !note.ends_with('\n') {
                shown.push('\n');
            }
        }
        if !self.recent.is_empty() {
            shown.push_str(&format!("\n{}\n", paint.strong("changes, latest first")));
            for line in &self.recent {
                shown.push_str(&format!("  {line}\n"));
            }
        }
        shown.push('\n');
        let headline = Headline {
            requests: self.latest.requests,
            ..self.session.headline()
        };
        let report = self.report(&headline);
        shown.push_str(&text::status(&report, self.request.listing, &layout));
        screen.draw(&shown);
    }

    fn report<'a>(&'a self, headline: &'a Headline) -> StatusReport<'a> {
        StatusReport {
            headline,
            readiness: &self.latest.readiness,
            now: self.session.connection.clock.now(),
        }
    }

    /// Leaves the screen and writes the last report where it stays.
    pub(super) fn finish(mut self, end: End) -> Result<Exit, CliError> {
        drop(self.screen.take());
        let headline = self.session.headline();
        let report = self.report(&headline);
        let layout = self.session.ui.layout_now();
        self.session
            .ui
            .data(&text::status(&report, self.request.listing, &layout))?;
        if let Some(trouble) = &self.trouble {
            Ui::insist(&format!(
                "{trouble}\nthe report is of {}",
                seconds(self.latest.read_at)
            ));
        }
        let asked = check(
            self.request.fail_on,
            &self.latest.readiness,
            report.now,
            self.session.ui,
        );
        match end {
            End::TimeIsUp | End::NobodyReads => Ok(asked),
            End::Interrupted => Ok(Exit::Interrupted.or_worse(asked)),
            End::Failed(error) => Err(error),
        }
    }
}

fn requests(count: u64) -> String {
    text::counted(usize::try_from(count).unwrap_or(usize::MAX), "request")
}

/// Returns a time, as in `2026-01-15T12:00:03Z`.
pub(super) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns a time of day, as in `12:00:03 UTC`.
pub(super) fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%S UTC").to_string()
}
