//! Shows a wait: a live line on a terminal, a line for every change elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::waiting::Waiting;
use portalctl_core::link::Verdict;
use portalctl_core::readiness::IntentReadiness;
use portalctl_model::Domain;
use portalctl_model::observed::{Event, FailedRead};
use portalctl_model::text::escape;
use portalctl_report::text;
use portalctl_workos::ApiError;

/// Shows how far the customer is.
pub(super) struct Show<'a> {
    waiting: &'a Waiting<'a>,
    bar: Option<ProgressBar>,
}

impl<'a> Show<'a> {
    pub(super) fn new(waiting: &'a Waiting<'a>) -> Self {
        let bar = waiting.ui.draws_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            let timeout = text::duration(waiting.timeout);
            let template = format!("{{spinner}} {{wide_msg}}  {{elapsed}} of {timeout}");
            bar.set_style(
                ProgressStyle::with_template(&template)
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { waiting, bar }
    }

    pub(super) fn state(&self, readiness: &IntentReadiness, verdict: Verdict, is_news: bool) {
        let phase = match verdict {
            Verdict::Waiting(phase) => Some(phase),
            Verdict::Configured | Verdict::WentWrong => None,
        };
        let layout = self.waiting.ui.talk_layout();
        let line = text::waiting_line(self.waiting.key, readiness, phase, &layout);
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if is_news => self.waiting.ui.say(&line),
            None => {}
        }
    }

    pub(super) fn event(&self, event: &Event) {
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
            self.waiting.key,
            self.waiting.intent,
            escape(event.kind.as_str()),
            escape(about.unwrap_or_default()),
            why.unwrap_or_default()
        ));
    }

    pub(super) fn failure(&self, error: &ApiError) {
        let key = self.waiting.key;
        self.line(&format!("{key}  cannot read: {error}; trying again"));
    }

    /// Says that the state could not be read this time.
    pub(super) fn unread(&self, why: &FailedRead) {
        let key = self.waiting.key;
        self.line(&format!("{key}  cannot read: {why}; trying again"));
    }

    fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line.trim_end()),
            None => self.waiting.ui.say(line.trim_end()),
        }
    }
}

impl Drop for Show<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
