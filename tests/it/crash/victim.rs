//! The process that a test kills, shared by the threads that may do it.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::child::ChildGuard;
use crate::support::cli::Run;
use crate::support::wait;

const SIGKILL: i32 = 9;

/// The way in which a victim ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By the kill.
    Killed,
    /// By itself: the kill came too late.
    Finished,
}

/// A process that is to be killed. Clones are the same one, which ends with the last of them.
#[derive(Clone, Default)]
pub(super) struct Victim(Arc<Mutex<Option<ChildGuard>>>);

impl Victim {
    /// Starts a command whose standard error goes to a file, and returns its standard output.
    #[track_caller]
    pub(super) fn start(&self, run: Run, said: &Path) -> ChildStdout {
        let mut command = run.command();
        command.stderr(Stdio::from(File::create(said).unwrap()));
        // Held until the child is there: the moment may come before this returns.
        let mut child = self.0.lock().unwrap();
        let child = child.insert(ChildGuard::spawn(&mut command));
        child.stdout.take().unwrap()
    }

    /// Starts a command whose standard output is discarded.
    #[track_caller]
    pub(super) fn start_unheard(&self, run: Run, said: &Path) {
        let mut stdout = self.start(run, said);
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    }

    /// Kills the process, and waits until it has ended.
    pub(super) fn kill(&self) {
        let mut child = self.0.lock().unwrap();
        if let Some(child) = child.as_mut() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Returns whether the process is still running.
    pub(super) fn is_alive(&self) -> bool {
        self.ending().is_none()
    }

    /// Waits for its end.
    #[track_caller]
    pub(super) fn wait(&self) -> Ending {
        wait::until("the victim's end", || self.ending())
    }

    fn ending(&self) -> Option<Ending> {
        let mut child = self.0.lock().unwrap();
        let status = child.as_mut()?.try_wait().unwrap()?;
        Some(match status.signal() {
            Some(SIGKILL) => Ending::Killed,
            _ => Ending::Finished,
        })
    }
}
