//! A command at a pseudo-terminal: it draws as it would for a person.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::cli::{Run, signal};
use super::wait;

/// A command whose standard streams are a terminal of 100 columns and 30 lines.
pub(crate) struct AtTerminal {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
    keyboard: File,
    reader: JoinHandle<()>,
}

impl AtTerminal {
    /// Starts a command.
    #[track_caller]
    pub(crate) fn start(run: Run) -> Self {
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
        let open = || {
            let slave = File::options().read(true).write(true).open(&path);
            OwnedFd::from(slave.unwrap())
        };
        let mut command = run.env("TERM", "xterm-256color").command();
        command.stdin(open()).stdout(open()).stderr(open());
        let child = command.spawn().unwrap();
        // It holds ends of its own, which would keep the terminal open.
        drop(command);
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let mut master = File::from(master);
        let keyboard = master.try_clone().unwrap();
        let reader = std::thread::spawn(move || {
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
            reader,
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

    /// Waits for its end; how it ended and everything it wrote.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (ExitStatus, String) {
        let status = wait::for_end(&mut self.child);
        self.reader.join().unwrap();
        let written = self.written.lock().unwrap();
        (status, String::from_utf8_lossy(&written).into_owned())
    }
}
