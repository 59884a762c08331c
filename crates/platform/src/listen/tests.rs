//! Tests of the listener with real sockets.

use std::net::SocketAddr;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

use super::connections::Slot;
use super::*;
use crate::clock::SystemClock;

const SMALL: Capacity = Capacity {
    all: 8,
    of_a_peer: 6,
};

/// A server of a small capacity; it ends when the sender is dropped.
async fn server() -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (end, ended) = oneshot::channel::<()>();
    let router = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/form", post(async |body: Bytes| format!("{}", body.len())));
    tokio::spawn(async move {
        let clock: SharedClock = Arc::new(SystemClock);
        let closing = async {
            let _ = ended.await;
        };
        serve_within(Connections::new(SMALL), listener, router, closing, &clock).await
    });
    (SocketAddr::from(([127, 0, 0, 1], port)), end)
}

/// Connects from one of the machine's own addresses.
async fn connect(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

async fn send(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A connection that was closed for another one may be reset.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

const PROBE: &str = "GET /healthz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn silent_connections_of_a_stranger_keep_no_probe_out() {
    let (address, _end) = server().await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(connect([127, 0, 0, 2], address).await);
    }
    for from in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let answer = send(&mut connect(from, address).await, PROBE).await;
        assert!(answer.ends_with("ok"), "{from:?}: {answer}");
    }
    // The first were closed for the last.
    assert_eq!(silent[0].read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn half_a_head_half_a_body_and_an_answer_that_is_not_taken_count_as_silence() {
    let (address, _end) = server().await;
    let mut held = Vec::new();
    for half in [
        "GET /healthz HT",
        "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        for last in 2..=9 {
            let mut stream = connect([127, 0, 0, last], address).await;
            stream.write_all(half.as_bytes()).await.unwrap();
            held.push(stream);
        }
    }
    let answer = send(&mut connect([127, 0, 0, 1], address).await, PROBE).await;
    assert!(answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn a_request_without_one_host_is_a_bad_one() {
    let (address, _end) = server().await;
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a@b\r\n", "Host:\r\n"] {
        let request = format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = send(&mut connect([127, 0, 0, 1], address).await, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts:?}: {answer}");
    }
}

fn from(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn is_closed(slot: &Slot) -> bool {
    use futures::FutureExt;
    slot.closed().now_or_never().is_some()
}

#[test]
fn a_peer_over_its_share_closes_its_own_oldest() {
    let connections = Connections::new(SMALL);
    let other = connections.enter(from(1)).unwrap();
    let theirs: Vec<Slot> = (0..6)
        .map(|_| connections.enter(from(2)).unwrap())
        .collect();
    theirs[0].activity().serves();
    let _seventh = connections.enter(from(2)).unwrap();
    assert!(is_closed(&theirs[1]), "the oldest that waits");
    assert!(!is_closed(&other) && !is_closed(&theirs[0]));
}

#[test]
fn nobody_who_is_served_is_closed() {
    let connections = Connections::new(SMALL);
    let all: Vec<Slot> = (0..8)
        .map(|last| connections.enter(from(last)).unwrap())
        .collect();
    for slot in &all {
        slot.activity().serves();
    }
    assert!(connections.enter(from(9)).is_none());
    connections.close_waiting(8);
    assert!(all.iter().all(|slot| !is_closed(slot)));
    all[3].activity().waits();
    assert!(connections.enter(from(9)).is_some());
    assert!(is_closed(&all[3]));
}

#[test]
fn the_addresses_of_one_network_are_one_peer() {
    let connections = Connections::new(SMALL);
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let first = connections.enter(address("2001:db8::1")).unwrap();
    let _more: Vec<Slot> = (2..=7)
        .map(|last| {
            connections
                .enter(address(&format!("2001:db8::{last}")))
                .unwrap()
        })
        .collect();
    assert!(is_closed(&first));
    let mapped = connections.enter(address("::ffff:192.0.2.1")).unwrap();
    assert!(!is_closed(&mapped));
}
