//! Watches a folder, and kills the process that writes to it after a number of events.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;

use super::victim::{Ending, Victim};

/// Interval between checks that the victim is still alive.
const POLL_INTERVAL: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Events in a folder, by inotify: files created, written to, and renamed to their final name.
pub(super) struct FileEvents {
    events: OwnedFd,
}

impl FileEvents {
    /// Watches a folder from now on.
    pub(super) fn of(folder: &Path) -> Self {
        let events = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let wanted = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::MOVED_TO;
        add_watch(&events, folder, wanted).unwrap();
        Self { events }
    }

    /// Counts the events after the victim has ended.
    pub(super) fn count(&self) -> usize {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.events, &mut buffer);
        std::iter::from_fn(|| match reader.next() {
            Ok(_) => Some(()),
            Err(Errno::WOULDBLOCK) => None,
            Err(error) => panic!("{error}"),
        })
        .count()
    }

    /// Kills the victim at the nth event, counted from 1, and returns its ending.
    pub(super) fn kill_at(&self, nth: usize, victim: &Victim) -> Ending {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.events, &mut buffer);
        let mut seen = 0;
        while seen < nth {
            match reader.next() {
                Ok(_) => seen += 1,
                Err(Errno::WOULDBLOCK) if victim.is_alive() => self.wait(),
                Err(Errno::WOULDBLOCK) => break,
                Err(error) => panic!("{error}"),
            }
        }
        victim.kill();
        victim.wait()
    }

    fn wait(&self) {
        let mut events = [PollFd::new(&self.events, PollFlags::IN)];
        poll(&mut events, Some(&POLL_INTERVAL)).unwrap();
    }
}
