//! Progress of a wait: a live line on a terminal, a line for every change elsewhere.
//!
//! Takes the states and events as they are read. Writes to standard error only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::ui::Ui;
use portalctl_core::link::Verdict;
use portalctl_core::readiness::IntentReadiness;
use portalctl_model::observed::{Event, FailedRead};
use portalctl_model::text::escape;
use portalctl_model::{Domain, Intent, OrgKey};
use portalctl_report::text;
use portalctl_workos::ApiError;

/// Progress of a wait for one organization.
pub(super) struct Progress<'a> {
    ui: &'a Ui,
    key: &'a OrgKey,
    bar: Option<ProgressBar>,
}

/// Relation of a state to the one that was shown before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The state is new, or the first.
    Anew,
    /// The state is the same.
    Same,
}

impl<'a> Progress<'a> {
    pub(super) fn new(ui: &'a Ui, key: &'a OrgKey, timeout: Duration) -> Self {
        let bar = ui.draws_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            let timeout = text::duration(timeout);
            let template = format!("{{spinner}} {{wide_msg}}  {{elapsed}} of {timeout}");
            bar.set_style(
                ProgressStyle::with_template(&template)
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { ui, key, bar }
    }

    /// Shows the state of the intent.
    pub(super) fn state(&self, readiness: &IntentReadiness, verdict: Verdict, shown: Shown) {
        let phase = match verdict {
            Verdict::Waiting(phase) => Some(phase),
            Verdict::Configured | Verdict::WentWrong => None,
        };
        let layout = self.ui.talk_layout();
        let line = text::waiting_line(self.key, readiness, phase, &layout);
        match &self.bar {
            Some(bar) => bar.set_message(Ui::bar_line(&line)),
            None if shown == Shown::Anew => self.ui.say(&line),
            None => {}
        }
    }

    /// Shows an event of the intent.
    pub(super) fn event(&self, intent: Intent, event: &Event) {
        let about = event
            .connection_id
            .as_deref()
            .or(event.domain.as_ref().map(Domain::as_str));
        let why = event
            .reason
            .as_deref()
            .map(|why| format!(" ({})", escape(why)));
        self.line(&format!(
            "{} {}  event {} {}{}",
            self.key,
            intent,
            escape(event.kind.as_str()),
            escape(about.unwrap_or_default()),
            why.unwrap_or_default()
        ));
    }

    /// Says that a reading failed.
    pub(super) fn failure(&self, error: &ApiError) {
        let key = self.key;
        self.line(&format!("{key}  cannot read: {error}; trying again"));
    }

    /// Says that the state could not be read this time.
    pub(super) fn unread(&self, why: &FailedRead) {
        let key = self.key;
        self.line(&format!("{key}  cannot read: {why}; trying again"));
    }

    fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(Ui::bar_line(line.trim_end())),
            None => self.ui.say(line.trim_end()),
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
