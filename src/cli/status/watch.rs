//! `portalctl status --watch`: reads again and again and shows what changes.
//!
//! On a terminal the report is drawn over itself, on a screen of its own; elsewhere each change is a
//! line on standard output and each round one on standard error. The last report is written to
//! standard output in either case.

mod show;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::format::StatusFormat;
use super::on_change::Output;
use super::{StatusArgs, tell};
use crate::cli::connect::{Connection, seed};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::progress::Reading;
use crate::cli::session::{self, Request};
use crate::cli::ui::{Screen, Ui};
use portalctl_core::readiness::Readiness;
use portalctl_core::readiness::compare::{Picture, compare};
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;
use portalctl_platform::backoff::{Backoff, fraction};
use portalctl_report::{text, wrap};

use show::{seconds, time_of_day};

/// The shortest interval: everybody shares the key's rate limit.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest wait after failures, unless the interval is longer.
const MAX_BACKOFF: Duration = Duration::from_mins(10);
/// How often the screen is drawn again while nothing happens: it counts down.
const TICK: Duration = Duration::from_secs(1);
/// How many changes the screen shows.
const RECENT: usize = 8;

/// One reading of everything.
struct Round {
    readiness: Readiness,
    read_at: Timestamp,
    requests: u64,
}

/// A watch under way.
struct Watch<'a> {
    args: &'a StatusArgs,
    request: &'a Request,
    connection: &'a Connection,
    ui: &'a Ui,
    screen: Option<Screen>,
    /// The last good round.
    latest: Round,
    /// What the last round is compared with.
    shown: Picture,
    /// What the command of `--on-change` was last told with success.
    told: Picture,
    /// The last changes, latest first, as lines.
    recent: VecDeque<String>,
    /// What went wrong with reading since the last good round.
    trouble: Option<String>,
    /// What became of the command of `--on-change`.
    note: Option<String>,
    failures: u32,
    /// Whether standard output is still open.
    is_read: bool,
}

/// How a watch ended.
enum End {
    Interrupted,
    TimeIsUp,
    /// Standard output is closed, and there is no command to be told either.
    NobodyReads,
    /// The key is refused, or the changes cannot be written.
    Failed(CliError),
}

/// Refuses what does not go together with a watch.
pub(super) fn check_usage(args: &StatusArgs, ui: &Ui) -> Result<(), CliError> {
    let why = if args.output != StatusFormat::Text {
        "--watch has no single result to write in another format than text; --on-change is given \
         JSON"
    } else if ui.output_file().is_some() || !args.also.is_empty() {
        "--watch has no single result to write to --output-file or --write"
    } else if args.changes.interval < MIN_INTERVAL {
        "--interval is at least 1s"
    } else {
        return Ok(());
    };
    Err(CliError::new(Exit::Usage, codes::USAGE, why))
}

/// Watches until it is interrupted, the time is up or the key is refused.
pub(super) async fn run(
    args: &StatusArgs,
    request: &Request,
    connection: &Connection,
    earlier: Option<Picture>,
    ui: &Ui,
    interrupted: CancellationToken,
) -> Result<Exit, CliError> {
    let clock = &connection.clock;
    let deadline = args.changes.timeout.map(|time| clock.instant() + time);
    // Nothing to show yet: a first reading that fails ends the command as it would without --watch.
    let first = read(request, connection, &Reading::new(ui), &interrupted).await?;
    let picture = Picture::from(&first.readiness);
    let earlier = earlier.unwrap_or(picture);
    let mut watch = Watch {
        args,
        request,
        connection,
        ui,
        screen: ui.screen(),
        latest: first,
        shown: earlier.clone(),
        told: earlier,
        recent: VecDeque::new(),
        trouble: None,
        note: None,
        failures: 0,
        is_read: true,
    };
    let end = watch.rounds(deadline, &interrupted).await;
    watch.finish(end)
}

async fn read(
    request: &Request,
    connection: &Connection,
    progress: &Reading,
    interrupted: &CancellationToken,
) -> Result<Round, CliError> {
    use portalctl_workos::ReadPortal as _;
    let before = connection.client.requests_used();
    let reality =
        session::look_with_invitations(progress, connection, request, interrupted).await?;
    Ok(Round {
        readiness: reality.readiness(request, connection),
        read_at: connection.clock.now(),
        requests: connection.client.requests_used() - before,
    })
}

impl Watch<'_> {
    async fn rounds(&mut self, deadline: Option<Instant>, interrupted: &CancellationToken) -> End {
        loop {
            if self.trouble.is_none()
                && let Err(error) = self.take_in(interrupted).await
            {
                return End::Failed(error);
            }
            if !self.is_read && self.args.changes.on_change.is_none() {
                return End::NobodyReads;
            }
            let pause = self.pause();
            let next = self.connection.clock.instant() + pause;
            self.say_round(pause);
            let until = deadline.map_or(next, |deadline| deadline.min(next));
            self.wait(until, interrupted).await;
            if interrupted.is_cancelled() {
                return End::Interrupted;
            }
            if deadline.is_some_and(|deadline| deadline <= self.connection.clock.instant()) {
                return End::TimeIsUp;
            }
            let progress = Reading::unseen();
            match read(self.request, self.connection, &progress, interrupted).await {
                Ok(round) => {
                    self.latest = round;
                    self.trouble = None;
                    self.failures = 0;
                }
                Err(_) if interrupted.is_cancelled() => return End::Interrupted,
                Err(error) if error.exit == Exit::Credentials => return End::Failed(error),
                Err(error) => self.fail(&error),
            }
        }
    }

    /// Shows what a good round changed, and tells the command of it.
    async fn take_in(&mut self, interrupted: &CancellationToken) -> Result<(), CliError> {
        let picture = Picture::after(&self.shown, &self.latest.readiness);
        let changes = compare(&self.shown, &picture);
        let layout = self.ui.layout();
        for line in text::changed_lines(&changes, &layout) {
            if self.screen.is_some() {
                let time = layout.paint.quiet(time_of_day(self.latest.read_at));
                self.recent.push_front(format!("{time}  {line}"));
            } else {
                let line = format!("{}  {line}\n", seconds(self.latest.read_at));
                self.is_read &= Ui::line(&line)?;
            }
        }
        self.recent.truncate(RECENT);
        self.shown = picture;
        self.tell(interrupted).await;
        Ok(())
    }

    /// What a failing command was not told with success it is told again.
    async fn tell(&mut self, interrupted: &CancellationToken) {
        let Some(on_change) = self.args.on_change() else {
            return;
        };
        let changes = compare(&self.told, &self.shown);
        if changes.is_empty() {
            return;
        }
        let output = if self.screen.is_some() {
            Output::Kept
        } else {
            Output::Inherited
        };
        self.note = Some("--on-change: the command runs".to_owned());
        self.draw(None);
        let told = tell(&on_change, &changes, output, self.connection, interrupted).await;
        self.note = match told {
            Ok(note) => {
                self.told = self.shown.clone();
                Some(note)
            }
            Err(error) if self.screen.is_some() => {
                let failed = error
                    .items
                    .first()
                    .map(|item| escape(&item.message).into_owned());
                let failed = format!("--on-change: {}", failed.unwrap_or_default());
                Some(self.ui.layout().paint.bad(failed))
            }
            Err(error) => {
                self.ui.error(&error);
                None
            }
        };
    }

    fn fail(&mut self, error: &CliError) {
        self.failures = self.failures.saturating_add(1);
        if self.screen.is_none() {
            self.ui.error(error);
        }
        let layout = self.ui.layout_now();
        let lines = error.items.iter().map(|item| {
            let said = format!("error[{}]: {}", item.code, escape(&item.message));
            wrap(&said, layout.width)
        });
        self.trouble = Some(layout.paint.bad(lines.collect::<String>().trim_end()));
    }

    /// How long to wait for the next round.
    fn pause(&self) -> Duration {
        let random = fraction(seed(&self.connection.clock));
        pause(self.args.changes.interval, self.failures, random)
    }

    /// Waits, drawing the countdown on a screen.
    async fn wait(&self, until: Instant, interrupted: &CancellationToken) {
        let clock = &self.connection.clock;
        loop {
            let left = until.saturating_duration_since(clock.instant());
            self.draw(Some(left));
            let next = if self.screen.is_some() {
                left.min(TICK)
            } else {
                left
            };
            tokio::select! {
                () = clock.sleep(next) => {}
                () = interrupted.cancelled() => return,
            }
            if left <= next {
                return;
            }
        }
    }
}

/// Returns the time to wait for the next round: twice as long after each failure, within bounds, and
/// a tenth more or less, so that many watches do not ask at once.
fn pause(interval: Duration, failures: u32, random: f64) -> Duration {
    let backoff = Backoff::doubling(interval, MAX_BACKOFF).jitter(0.9, 1.1);
    backoff.wait(failures, random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_failures_and_stays_within_bounds() {
        let minute = Duration::from_mins(1);
        let middle = |interval, failures| pause(interval, failures, 0.5);
        assert_eq!(middle(minute, 0), minute);
        assert_eq!(middle(minute, 1), minute * 2);
        assert_eq!(middle(minute, 3), minute * 8);
        assert_eq!(middle(minute, 4), MAX_BACKOFF);
        assert_eq!(middle(minute, u32::MAX), MAX_BACKOFF);
        let hour = Duration::from_hours(1);
        assert_eq!(middle(hour, 5), hour, "never shorter than the interval");
        assert_eq!(pause(minute, 0, 0.0), Duration::from_secs(54));
        assert_eq!(pause(minute, 0, 1.0), Duration::from_secs(66));
    }
}
