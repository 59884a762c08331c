//! Open connections of a listener, and the choice of those that are closed for new ones.
//!
//! Peers go in, slots come out. Opens and closes no socket itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Bits of an IPv6 address that name a network: one subscriber has all addresses of it.
const NETWORK_BITS: u32 = 64;

/// Numbers of connections that may be open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    /// Connections of all peers.
    pub(super) all: usize,
    /// Connections of one peer.
    pub(super) of_a_peer: usize,
}

/// Open connections. Clones share their state.
#[derive(Clone)]
pub(super) struct Connections(Arc<Shared>);

struct Shared {
    capacity: Capacity,
    open: Mutex<BTreeMap<u64, Open>>,
    /// Next number of a connection, and of a moment at which one began to wait.
    next: AtomicU64,
}

/// One open connection.
struct Open {
    peer: IpAddr,
    activity: Arc<Activity>,
    close: Arc<Notify>,
}

/// State of one connection: being served, or waiting for its peer.
pub(super) struct Activity {
    shared: Arc<Shared>,
    /// Moment since which it waits; 0 while it is served.
    waiting_since: AtomicU64,
}

/// Place of one connection; dropping it gives the place back.
pub(super) struct Slot {
    shared: Arc<Shared>,
    number: u64,
    activity: Arc<Activity>,
    close: Arc<Notify>,
}

impl Connections {
    pub(super) fn new(capacity: Capacity) -> Self {
        Self(Arc::new(Shared {
            capacity,
            open: Mutex::default(),
            next: AtomicU64::new(1),
        }))
    }

    /// Takes a connection in. Where there is no room, the one that has waited longest for its peer is
    /// closed: one of the same peer, if that has its share already. Returns `None` where all of
    /// them are being served.
    pub(super) fn enter(&self, peer: IpAddr) -> Option<Slot> {
        let shared = &self.0;
        let peer = network(peer);
        let mut open = shared.open();
        let of_peer = open.values().filter(|one| one.peer == peer).count();
        if of_peer >= shared.capacity.of_a_peer {
            close_oldest(&mut open, |one| one.peer == peer)?;
        } else if open.len() >= shared.capacity.all {
            close_oldest(&mut open, |_| true)?;
        }
        let number = shared.tick();
        let activity = Arc::new(Activity {
            shared: Arc::clone(shared),
            waiting_since: AtomicU64::new(number),
        });
        let close = Arc::new(Notify::new());
        let entry = Open {
            peer,
            activity: Arc::clone(&activity),
            close: Arc::clone(&close),
        };
        open.insert(number, entry);
        Some(Slot {
            shared: Arc::clone(shared),
            number,
            activity,
            close,
        })
    }

    /// Closes up to a number of connections that wait for their peers, the oldest first.
    pub(super) fn close_waiting(&self, most: usize) {
        let mut open = self.0.open();
        for _ in 0..most {
            if close_oldest(&mut open, |_| true).is_none() {
                return;
            }
        }
    }
}

/// Closes the connection that has waited longest among some of them.
fn close_oldest(open: &mut BTreeMap<u64, Open>, among: impl Fn(&Open) -> bool) -> Option<()> {
    let waiting = open.iter().filter(|(_, one)| among(one));
    let waiting = waiting.filter_map(|(number, one)| Some((one.activity.since()?, *number)));
    let (_, oldest) = waiting.min()?;
    open.remove(&oldest)?.close.notify_one();
    Some(())
}

/// Returns the network that counts as one peer: an IPv4 address, or the /64 of an IPv6 address.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let kept = u128::MAX << (Ipv6Addr::BITS - NETWORK_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & kept))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

impl Activity {
    /// Records that the peer is to send or to take bytes. A connection that waits already keeps its
    /// age.
    pub(super) fn waits(&self) {
        if self.since().is_none() {
            let now = self.shared.tick();
            self.waiting_since.store(now, Ordering::Relaxed);
        }
    }

    /// Records that a request is being served.
    pub(super) fn serves(&self) {
        self.waiting_since.store(0, Ordering::Relaxed);
    }

    /// Returns the moment since which the connection waits, if it does.
    fn since(&self) -> Option<u64> {
        Some(self.waiting_since.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }
}

impl Slot {
    pub(super) fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
    }

    /// Waits until the connection has to be closed for another one.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.open().remove(&self.number);
    }
}
