//! `portalctl status --watch`: reads again and again and shows what changes.
//!
//! On a terminal the report is drawn over itself, on a screen of its own; elsewhere each change is a
//! line on standard output and each round one on standard error. The last report is written to
//! standard output in either case.

mod receiver;
mod show;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::webhook::{WaitFor, left_over};
use crate::cli::connect::seed;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::progress::Reading;
use crate::cli::session::Session;
use crate::cli::ui::{Screen, Ui};
use portalctl_core::readiness::Readiness;
use portalctl_core::readiness::compare::{Picture, compare};
use portalctl_core::readiness::fail_on::FailOn;
use portalctl_model::text::escape;
use portalctl_platform::backoff::{Backoff, fraction};
use portalctl_report::text::Listing;
use portalctl_report::{text, wrap};

use receiver::OpenReceiver;
use show::{seconds, time_of_day};

pub(super) use receiver::Receiver;

/// The shortest interval: everybody shares the key's rate limit.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest wait after failures, unless the interval is longer.
const MAX_BACKOFF: Duration = Duration::from_mins(10);
/// The time after which the screen is drawn again while nothing happens: it counts down.
const TICK: Duration = Duration::from_secs(1);
/// The number of changes that the screen shows.
const RECENT: usize = 8;

/// A watch to be made.
pub(super) struct WatchRequest<'a> {
    pub(super) interval: Duration,
    /// The longest time that the watch goes on.
    pub(super) timeout: Option<Duration>,
    pub(super) listing: Listing,
    pub(super) fail_on: &'a [FailOn],
}

/// One reading of everything.
struct Round {
    readiness: Readiness,
    read_at: Timestamp,
    requests: u64,
}

/// A watch under way.
struct Watch<'a> {
    session: &'a Session<'a>,
    request: WatchRequest<'a>,
    screen: Option<Screen>,
    /// The last good round.
    latest: Round,
    /// The states that the last round is compared with.
    shown: Picture,
    /// The receiver of changes.
    receiver: OpenReceiver<'a>,
    /// The last changes, latest first, as lines.
    recent: VecDeque<String>,
    /// The failure of reading since the last good round.
    trouble: Option<String>,
    /// A note about the command of `--on-change`.
    note: Option<String>,
    failures: u32,
    /// True while standard output is open.
    is_read: bool,
}

/// End of a watch.
enum End {
    Interrupted,
    TimeIsUp,
    /// Standard output is closed, and there is no command or webhook to be told either.
    NobodyReads,
    /// The key is refused, or the changes or the position cannot be written.
    Failed(CliError),
}

/// Watches until it is interrupted, the time is up or the key is refused.
pub(super) async fn run(
    session: &Session<'_>,
    request: WatchRequest<'_>,
    (receiver, earlier): (Receiver<'_>, Option<Picture>),
) -> Result<Exit, CliError> {
    let clock = &session.connection.clock;
    let deadline = request.timeout.map(|time| clock.instant() + time);
    // Nothing to show yet: a first reading that fails ends the command as it would without --watch.
    let first = read(session, &Reading::new(session.ui)).await?;
    let now = Picture::from(&first.readiness);
    let shown = receiver.shown_before(earlier.as_ref(), &now);
    let screen = session.ui.screen();
    let (receiver, mut dispatcher) = receiver.open(session, earlier.unwrap_or(now));
    if let (Some(dispatcher), Some(_)) = (&mut dispatcher, &screen) {
        dispatcher.leave_errors_to_display();
    }
    let mut watch = Watch {
        session,
        request,
        screen,
        latest: first,
        shown,
        receiver,
        recent: VecDeque::new(),
        trouble: None,
        note: None,
        failures: 0,
        is_read: true,
    };
    let Some(mut dispatcher) = dispatcher else {
        let end = watch.rounds(deadline).await;
        return watch.finish(end);
    };
    let mut end = tokio::select! {
        end = watch.rounds(deadline) => end,
        error = dispatcher.run() => End::Failed(error),
    };
    let wait_for = match end {
        End::TimeIsUp | End::NobodyReads => WaitFor::Due,
        End::Interrupted | End::Failed(_) => WaitFor::InFlight,
    };
    match dispatcher.finish(wait_for).await {
        Err(error) => end = End::Failed(error),
        Ok(waiting @ 1..) if wait_for == WaitFor::Due => {
            end = End::Failed(left_over(waiting, &dispatcher.position_path()));
        }
        Ok(0) => {}
        Ok(waiting) => session.ui.say(&format!(
            "{} kept in {} for the next run",
            text::counted(waiting, "change"),
            dispatcher.position_path()
        )),
    }
    watch.finish(end)
}

async fn read(session: &Session<'_>, progress: &Reading) -> Result<Round, CliError> {
    use portalctl_workos::ReadPortal as _;
    let client = &session.connection.client;
    let before = client.requests_used();
    let live = session.observe_with_invitations(progress).await?;
    Ok(Round {
        readiness: session.readiness(&live),
        read_at: session.connection.clock.now(),
        requests: client.requests_used() - before,
    })
}

impl Watch<'_> {
    async fn rounds(&mut self, deadline: Option<Instant>) -> End {
        let interrupted = &self.session.interrupted;
        loop {
            if self.trouble.is_none()
                && let Err(error) = self.show_changes().await
            {
                return End::Failed(error);
            }
            if !self.is_read && self.receiver.is_nobody() {
                return End::NobodyReads;
            }
            let pause = self.pause();
            let next = self.session.connection.clock.instant() + pause;
            self.say_round(pause);
            self.receiver.begin_round();
            let until = deadline.map_or(next, |deadline| deadline.min(next));
            self.wait(until).await;
            if interrupted.is_cancelled() {
                return End::Interrupted;
            }
            if deadline.is_some_and(|deadline| deadline <= self.session.connection.clock.instant())
            {
                return End::TimeIsUp;
            }
            match read(self.session, &Reading::hidden()).await {
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

    /// Shows what a good round changed, and reports it to the receiver.
    async fn show_changes(&mut self) -> Result<(), CliError> {
        let picture = Picture::after(&self.shown, &self.latest.readiness)
            .with_unselected(&self.shown, &self.session.manifest.selection);
        let changes = compare(&self.shown, &picture);
        let layout = self.session.ui.layout();
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
        self.tell().await
    }

    fn fail(&mut self, error: &CliError) {
        self.failures = self.failures.saturating_add(1);
        if self.screen.is_none() {
            self.session.ui.error(error);
        }
        let layout = self.session.ui.layout_now();
        let lines = error.items.iter().map(|item| {
            let said = format!("error[{}]: {}", item.code, escape(&item.message));
            wrap(&said, layout.width)
        });
        self.trouble = Some(layout.paint.bad(lines.collect::<String>().trim_end()));
    }

    /// Returns the time to wait for the next round.
    fn pause(&self) -> Duration {
        let random = fraction(seed(&self.session.connection.clock));
        pause(self.request.interval, self.failures, random)
    }

    /// Waits, drawing the countdown on a screen.
    async fn wait(&self, until: Instant) {
        let interrupted = &self.session.interrupted;
        let clock = &self.session.connection.clock;
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
