//! Runs a command at a pseudo-terminal, so that it draws as for a person.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::child::ChildGuard;
use super::cli::{Run, signal};
use super::wait;

/// Mark that follows the last output of a command on its terminal.
const END: &str = "\u{1b}_end of the output\u{1b}\\";

/// A command whose standard streams are a terminal of 100 columns and 30 lines.
pub(crate) struct AtTerminal {
    child: ChildGuard,
    written: Arc<Mutex<Vec<u8>>>,
    keyboard: File,
    /// Kept open, so that the terminal keeps the output until it is read.
    screen: File,
}

impl AtTerminal {
    /// Starts a command.
    #[track_caller]
    pub(crate) fn start(run: Run) -> Self {
        Self::spawn(run.env("TERM", "xterm-256color").command())
    }

    /// Starts a command that Ctrl-C reaches: its session has the terminal. Needs `setsid` of
    /// util-linux; there is no command without it.
    #[track_caller]
    pub(crate) fn start_in_session(run: Run) -> Option<Self> {
        if Command::new("setsid").arg("--version").output().is_err() {
            println!("skipped: there is no `setsid` to give a command a terminal of its own");
            return None;
        }
        let bare = run.env("TERM", "xterm-256color").command();
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(bare.get_program());
        command.args(bare.get_args()).env_clear();
        command.envs(
            bare.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command.current_dir(bare.get_current_dir().unwrap());
        Some(Self::spawn(command))
    }

    #[track_caller]
    fn spawn(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 30,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let path = name.into_string().unwrap();
        let no_controlling_terminal = OFlags::NOCTTY.bits().cast_signed();
        let open = || {
            let mut options = File::options();
            options.read(true).write(true);
            options
                .custom_flags(no_controlling_terminal)
                .open(&path)
                .unwrap()
        };
        command
            .stdin(OwnedFd::from(open()))
            .stdout(OwnedFd::from(open()))
            .stderr(OwnedFd::from(open()));
        let screen = open();
        let child = ChildGuard::spawn(&mut command);
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let mut master = File::from(master);
        let keyboard = master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            // The terminal fails when nobody holds its other end any more.
            while let Ok(count @ 1..) = master.read(&mut part) {
                sink.lock().unwrap().extend_from_slice(&part[..count]);
            }
        });
        Self {
            child,
            written,
            keyboard,
            screen,
        }
    }

    /// Types a text.
    #[track_caller]
    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Returns the output so far, escape sequences included.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    /// Waits until a text was written.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        wait::until(text, || self.written().contains(text).then_some(()));
    }

    /// Sends a signal.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for the end of the command, and returns its status and its whole output: everything
    /// before a mark that is written after the command has ended.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (ExitStatus, String) {
        let status = wait::for_end(&mut self.child);
        self.screen.write_all(END.as_bytes()).unwrap();
        let written = wait::until("the end of the output", || {
            Some(self.written().strip_suffix(END)?.to_owned())
        });
        (status, written)
    }

    /// Waits for the end of the command, which has to have this exit code, and returns its output.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> String {
        let (status, written) = self.finish();
        assert_eq!(status.code(), Some(code), "{written}");
        written
    }
}
