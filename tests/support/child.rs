//! Child processes that end with the test that starts them.
//!
//! A child is killed when its guard is dropped, which happens on a panic too. Where `setpriv` of
//! util-linux is there, the kernel also kills it when the test process itself is killed.

use std::ffi::OsStr;
use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Returns a command whose process is killed when the thread ends that started it: the thread of
/// its test. A process that several tests share has to be started otherwise.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    command_with_death_signal(program, "KILL")
}

/// Returns the command of a script that gets SIGTERM instead, so that it ends what it has started.
pub(crate) fn script(program: impl AsRef<OsStr>) -> Command {
    command_with_death_signal(program, "TERM")
}

fn command_with_death_signal(program: impl AsRef<OsStr>, signal: &str) -> Command {
    let Some(setpriv) = setpriv() else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

/// Finds a `setpriv` that knows `--pdeathsig`, which the one of busybox does not.
fn setpriv() -> Option<&'static PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let mut programs = std::env::split_paths(&folders).map(|folder| folder.join("setpriv"));
        programs.find(|program| {
            let mut probe = Command::new(program);
            probe.args(["--pdeathsig", "KILL", "--", "true"]);
            let output = probe.stdin(Stdio::null()).output();
            output.is_ok_and(|output| output.status.success())
        })
    };
    FOUND.get_or_init(find).as_ref()
}

/// A child process that is killed when the guard is dropped.
#[derive(Debug)]
pub(crate) struct ChildGuard {
    child: Child,
    scope: KillScope,
}

/// Processes that a guard kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KillScope {
    Child,
    /// The child and everything that it has started.
    Group,
}

impl ChildGuard {
    /// Starts a command.
    #[track_caller]
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self {
            child: command.spawn().unwrap(),
            scope: KillScope::Child,
        }
    }

    /// Starts a command that starts processes of its own: all of them are killed together.
    #[track_caller]
    pub(crate) fn spawn_group(command: &mut Command) -> Self {
        Self {
            child: command.process_group(0).spawn().unwrap(),
            scope: KillScope::Group,
        }
    }
}

impl Deref for ChildGuard {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for ChildGuard {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        if self.scope == KillScope::Group {
            let group = format!("-{}", self.child.id());
            let mut kill = Command::new("kill");
            let _ = kill.args(["-s", "KILL", "--", &group]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
