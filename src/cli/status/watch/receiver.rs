//! The receiver of changes of a watch: a command, a webhook, or nobody.
//!
//! Takes the states of each round. The command runs at once, and again after each round until it
//! succeeds; the webhook gets its deliveries while the watch goes on.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::mpsc;

use super::Watch;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::cli::status::on_change::{OnChange, Output};
use crate::cli::status::position::PositionFile;
use crate::cli::status::report;
use crate::cli::status::webhook::{Dispatcher, Log, Sighting, Webhook, dispatcher};
use portalctl_core::deliveries::{Position, Stamp};
use portalctl_core::readiness::compare::{Picture, compare};
use portalctl_model::text::escape;

/// A position and the file that keeps it.
type KeptPosition = Box<(PositionFile, Position)>;

/// A receiver before the first report of this run.
pub(in crate::cli::status) enum Receiver<'a> {
    /// Standard output alone shows what changes.
    Nobody,
    /// The command of `--on-change`.
    Command(&'a OnChange, Option<KeptPosition>),
    /// The webhook of `--webhook`.
    Webhook(Box<Webhook>, KeptPosition),
}

/// A receiver of a watch under way.
pub(super) enum OpenReceiver<'a> {
    Nobody,
    Command(Box<Command<'a>>),
    Webhook(WebhookEnd),
}

/// The command of `--on-change`.
pub(super) struct Command<'a> {
    on_change: &'a OnChange,
    /// The states that were last reported to it with success.
    told: Picture,
    position: Option<KeptPosition>,
}

/// The watch's end of the webhook.
pub(super) struct WebhookEnd {
    sightings: mpsc::Sender<Sighting>,
    log: Rc<RefCell<Log>>,
}

impl<'a> Receiver<'a> {
    fn position(&self) -> Option<&Position> {
        match self {
            Self::Nobody => None,
            Self::Command(_, position) => position.as_ref().map(|kept| &kept.1),
            Self::Webhook(_, kept) => Some(&kept.1),
        }
    }

    /// Returns the states that the first round is compared with, for the display: an initial report
    /// shows no changes.
    pub(super) fn shown_before(&self, earlier: Option<&Picture>, now: &Picture) -> Picture {
        match self.position() {
            Some(position) if !position.is_initial() => position.latest(),
            _ => earlier.unwrap_or(now).clone(),
        }
    }

    /// Begins the reports to the receiver; without a position it knows the earlier states.
    pub(super) fn open<'s>(
        self,
        session: &'s Session<'_>,
        earlier: Picture,
    ) -> (OpenReceiver<'a>, Option<Dispatcher<'s>>) {
        match self {
            Self::Nobody => (OpenReceiver::Nobody, None),
            Self::Command(on_change, position) => {
                let told = position.as_ref().map_or(earlier, |kept| kept.1.accepted());
                let command = Command {
                    on_change,
                    told,
                    position,
                };
                (OpenReceiver::Command(Box::new(command)), None)
            }
            Self::Webhook(webhook, position) => {
                let (dispatcher, sightings, log) = dispatcher(session, *webhook, *position);
                let end = WebhookEnd { sightings, log };
                (OpenReceiver::Webhook(end), Some(dispatcher))
            }
        }
    }
}

impl OpenReceiver<'_> {
    pub(super) const fn is_nobody(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    /// Begins the counts of the next round.
    pub(super) fn begin_round(&self) {
        if let Self::Webhook(webhook) = self {
            webhook.log.borrow_mut().begin_round();
        }
    }
}

impl Command<'_> {
    /// Records the states that were reported to the command with success.
    fn record(&mut self, picture: &Picture, stamp: Option<Stamp>) -> Result<(), CliError> {
        self.told = picture.clone();
        if let (Some(kept), Some(stamp)) = (&mut self.position, stamp) {
            let (file, position) = &mut **kept;
            position.accept_all(picture, stamp);
            file.save(position)?;
        }
        Ok(())
    }
}

impl Watch<'_> {
    /// Reports every change to the receiver that was not reported with success yet.
    pub(super) async fn tell(&mut self) -> Result<(), CliError> {
        match &self.receiver {
            OpenReceiver::Nobody => Ok(()),
            OpenReceiver::Command(_) => self.tell_command().await,
            OpenReceiver::Webhook(webhook) => {
                let sighting = Sighting {
                    picture: self.shown.clone(),
                    seen_at: self.latest.read_at,
                };
                // It is closed only when the watch ends.
                let _ = webhook.sightings.send(sighting).await;
                Ok(())
            }
        }
    }

    async fn tell_command(&mut self) -> Result<(), CliError> {
        let OpenReceiver::Command(command) = &self.receiver else {
            return Ok(());
        };
        let on_change = command.on_change;
        let position = command.position.as_ref().map(|kept| &kept.1);
        let is_initial = position.is_some_and(Position::is_initial);
        let stamp = position.map(|position| position.stamp(self.latest.read_at));
        let changes = compare(&command.told, &self.shown);
        if changes.is_empty() {
            // The initial report is empty, and what follows is a change.
            return if is_initial {
                self.record(stamp)
            } else {
                Ok(())
            };
        }
        let output = if self.screen.is_some() {
            Output::Kept
        } else {
            Output::Inherited
        };
        self.note = Some("--on-change: the command runs".to_owned());
        self.draw(None);
        match report::tell(self.session, on_change, (&changes, stamp), output).await {
            Ok(note) => {
                self.note = Some(note);
                self.record(stamp)?;
            }
            Err(error) if self.screen.is_some() => {
                let failed = error.items.iter().map(|item| escape(&item.message));
                let failed = failed.collect::<Vec<_>>().join("; ");
                let layout = self.session.ui.layout();
                self.note = Some(layout.paint.bad(format!("--on-change: {failed}")));
            }
            Err(error) => {
                self.session.ui.error(&error);
                self.note = None;
            }
        }
        Ok(())
    }

    fn record(&mut self, stamp: Option<Stamp>) -> Result<(), CliError> {
        match &mut self.receiver {
            OpenReceiver::Command(command) => command.record(&self.shown, stamp),
            OpenReceiver::Nobody | OpenReceiver::Webhook(_) => Ok(()),
        }
    }

    /// Returns the note about the receiver.
    pub(super) fn note(&self) -> Option<String> {
        let OpenReceiver::Webhook(webhook) = &self.receiver else {
            return self.note.clone();
        };
        let log = webhook.log.borrow();
        let note = log.note();
        let error = log.error_line().filter(|_| self.screen.is_some());
        let error = error.map(|line| self.session.ui.layout().paint.bad(line));
        let lines: Vec<String> = note.into_iter().chain(error).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
