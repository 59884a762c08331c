//! The command of `--on-change`: bounded in time, and ended with every process it started.
//!
//! Takes a command and a JSON document of changes, which becomes its standard input. Runs it through
//! the shell, in a process group of its own, without the API key in its environment.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures::FutureExt;
use futures::future::FusedFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::cli::credentials;
use portalctl_model::duration::shown;
use portalctl_platform::clock::SharedClock;

/// Time between the request to end and the kill.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest wait for the rest of the output: a process in the background may keep it open.
const OUTPUT_TIMEOUT: Duration = Duration::from_millis(200);
/// The number of bytes of output that are kept to be shown.
const MAX_KEPT: usize = 2048;

/// A command and its time limit.
#[derive(Debug)]
pub(super) struct OnChange {
    /// The command, as the shell reads it.
    pub(super) command: String,
    /// The longest time that it may take.
    pub(super) timeout: Duration,
}

/// Destination of the command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// To standard error, as it comes.
    Inherited,
    /// To the caller, the end of it: the terminal is drawn on.
    Kept,
}

/// Failure of the command; reads behind "the command".
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no shell, or no more processes.
    NotStarted(io::Error),
    /// Another exit code than 0, or a signal.
    Failed(ExitStatus),
    /// The time limit passed, and the command was killed.
    TimedOut(Duration),
    /// The run was interrupted, and the command with it.
    Interrupted,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "could not be started: {error}"),
            Self::Failed(status) => match status.code() {
                Some(code) => write!(f, "ended with exit code {code}"),
                None => write!(f, "was ended ({status})"),
            },
            Self::TimedOut(timeout) => {
                write!(f, "did not end within {} and was killed", shown(*timeout))
            }
            Self::Interrupted => f.write_str("was ended by the interruption"),
        }
    }
}

/// Result of a run of the command.
#[derive(Debug)]
pub(super) struct Ended {
    /// Success, or the failure.
    pub(super) outcome: Result<(), Failure>,
    /// The end of its output, where it was kept.
    pub(super) output: String,
}

impl OnChange {
    /// Runs the command once, with a document on its standard input.
    pub(super) async fn run(
        &self,
        document: &str,
        output: Output,
        clock: &SharedClock,
        interrupted: &CancellationToken,
    ) -> Ended {
        let mut child = match self.start(output) {
            Ok(child) => child,
            Err(error) => {
                return Ended {
                    outcome: Err(Failure::NotStarted(error)),
                    output: String::new(),
                };
            }
        };
        self.attend(&mut child, document, clock, interrupted).await
    }

    fn start(&self, output: Output) -> io::Result<Child> {
        let stream = |inherited: fn() -> Stdio| match output {
            Output::Inherited => inherited(),
            Output::Kept => Stdio::piped(),
        };
        let mut command = shell(&self.command);
        command
            .env_remove(credentials::API_KEY)
            .stdin(Stdio::piped())
            // Standard output is for portalctl's own result.
            .stdout(stream(|| Stdio::from(io::stderr())))
            .stderr(stream(Stdio::inherit))
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }

    /// Feeds and drains the command until it ends, or is made to.
    async fn attend(
        &self,
        child: &mut Child,
        document: &str,
        clock: &SharedClock,
        interrupted: &CancellationToken,
    ) -> Ended {
        let kept = RefCell::new(Vec::new());
        let stdin = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let streams = async {
            let feed = async {
                if let Some(mut stdin) = stdin {
                    // A command that has read enough, or nothing, may close its end.
                    let _ = stdin.write_all(document.as_bytes()).await;
                }
            };
            tokio::join!(feed, keep(stdout, &kept), keep(stderr, &kept));
        };
        let mut streams = pin!(streams.fuse());
        let streaming = async {
            streams.as_mut().await;
            std::future::pending::<()>().await;
        };
        let outcome = tokio::select! {
            status = child.wait() => match status {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => Err(Failure::Failed(status)),
                Err(error) => Err(Failure::NotStarted(error)),
            },
            () = clock.sleep(self.timeout) => Err(Failure::TimedOut(self.timeout)),
            () = interrupted.cancelled() => Err(Failure::Interrupted),
            () = streaming => Ok(()),
        };
        if matches!(outcome, Err(Failure::TimedOut(_) | Failure::Interrupted)) {
            end(child, clock).await;
        }
        if !streams.is_terminated() {
            tokio::select! {
                () = streams.as_mut() => {}
                () = clock.sleep(OUTPUT_TIMEOUT) => {}
            }
        }
        let output = String::from_utf8_lossy(&kept.borrow()).into_owned();
        Ended { outcome, output }
    }
}

#[cfg(unix)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

#[cfg(windows)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    // Its own rules of quoting are not those of programs: the line goes as it is.
    command.arg("/C").raw_arg(line);
    command
}

/// Ends a command and everything it started: asked first, then killed.
#[cfg(unix)]
async fn end(child: &mut Child, clock: &SharedClock) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let Some(group) = id.and_then(Pid::from_raw) else {
        return;
    };
    // Neither signal fails but where nobody is left to get it.
    let _ = kill_process_group(group, Signal::TERM);
    tokio::select! {
        _ = child.wait() => {}
        () = clock.sleep(TERMINATION_TIMEOUT) => {}
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait().await;
}

#[cfg(not(unix))]
async fn end(child: &mut Child, _clock: &SharedClock) {
    // It may have ended by itself meanwhile.
    let _ = child.kill().await;
}

/// Reads a stream to its end and keeps the last part of it.
async fn keep(stream: Option<impl AsyncRead + Unpin>, kept: &RefCell<Vec<u8>>) {
    let Some(mut stream) = stream else {
        return;
    };
    let mut part = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut part).await {
        let mut kept = kept.borrow_mut();
        kept.extend_from_slice(&part[..count]);
        let surplus = kept.len().saturating_sub(MAX_KEPT);
        kept.drain(..surplus);
    }
}
