//! Progress of reading and applying: a bar on a terminal, plain lines elsewhere.
//!
//! Takes what the WorkOS crate tells while it works. Writes to standard error only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use super::ui::Ui;
use portalctl_core::plan::Change;
use portalctl_report::text::applied_line;
use portalctl_workos::apply::{ApplyProgress, Outcome};
use portalctl_workos::{List, ReadProgress};

/// Progress of reading: shown on a terminal only, where it is wiped away at the end.
pub(super) struct Reading {
    bar: Option<ProgressBar>,
    counts: Mutex<BTreeMap<List, usize>>,
}

impl Reading {
    pub(super) fn new(ui: &Ui) -> Self {
        let bar = ui.draws_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar.set_message("reading");
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
            bar
        });
        Self {
            bar,
            counts: Mutex::new(BTreeMap::new()),
        }
    }

    /// Returns a progress that shows nothing, for a terminal that is drawn on otherwise.
    pub(super) fn hidden() -> Self {
        Self {
            bar: None,
            counts: Mutex::default(),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl ReadProgress for Reading {
    fn read(&self, list: List, count: usize) {
        let Some(bar) = &self.bar else {
            return;
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(list).or_default() += count;
        let parts: Vec<String> = counts
            .iter()
            .map(|(list, count)| match list {
                List::Organizations => format!("{count} organizations"),
                List::Connections => format!("{count} connections"),
                List::Directories => format!("{count} directories"),
            })
            .collect();
        bar.set_message(format!("read {}", parts.join(", ")));
    }
}

/// Progress of applying: each change as it ends.
pub(super) struct Applying<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
    not_tried: Mutex<NotTried>,
}

/// Changes that were not tried, told once: the report lists each.
#[derive(Default)]
struct NotTried {
    count: usize,
    because: String,
}

impl<'a> Applying<'a> {
    pub(super) fn new(ui: &'a Ui, changes: usize) -> Self {
        let bar = (ui.draws_progress() && changes > 0).then(|| {
            let bar = ProgressBar::new(changes as u64);
            let template = "{bar:30} {pos}/{len} changes, {elapsed} so far, {eta} to go";
            bar.set_style(
                ProgressStyle::with_template(template)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self {
            ui,
            bar,
            not_tried: Mutex::default(),
        }
    }

    /// Says that the run stops after what is in flight.
    pub(super) fn interrupted(&self) {
        self.line("interrupted: finishing what is in flight; another Ctrl-C ends at once");
    }

    /// Writes a line, above the bar if there is one.
    fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(Ui::bar_line(line)),
            None => self.ui.say(line),
        }
    }
}

impl Drop for Applying<'_> {
    fn drop(&mut self) {
        let not_tried = self.not_tried.get_mut();
        let NotTried { count, because } =
            std::mem::take(not_tried.unwrap_or_else(PoisonError::into_inner));
        if count > 0 {
            let changes = if count == 1 { "change" } else { "changes" };
            self.line(&format!("not tried  {count} {changes}  {because}"));
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl ApplyProgress for Applying<'_> {
    fn ended(&self, change: &Change, outcome: &Outcome) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        if let Outcome::NotTried(problem) = outcome {
            let mut not_tried = self
                .not_tried
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            not_tried.count += 1;
            not_tried.because = problem.to_string();
            return;
        }
        // On a terminal only what went wrong stays above the bar; the report lists the rest.
        if self.bar.is_none() || outcome.problem().is_some() {
            self.line(&applied_line(change, outcome, &self.ui.talk_layout()));
        }
    }
}
