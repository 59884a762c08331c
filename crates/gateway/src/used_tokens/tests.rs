//! Tests of the store with a real Redis, where `redis-server` is on the path.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use super::*;
use portalctl_platform::clock::{Clock, SystemClock};

/// A Redis of its own on a socket in a folder, which ends when it is dropped.
struct Server {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    /// Starts a server; `None` where there is none, unless one is required.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let child = Self::spawn(port);
        let required = std::env::var("PORTALCTL_REQUIRE_REDIS").is_ok_and(|it| it == "1");
        assert!(child.is_ok() || !required, "there is no redis-server");
        let child = child.ok()?;
        Some(Self {
            child,
            folder,
            port,
        })
    }

    fn spawn(port: u16) -> std::io::Result<Child> {
        let mut command = Command::new("redis-server");
        command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
        command.args(["--requirepass", "secret", "--port", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()
    }

    /// Opens a store of this server, as one replica does.
    fn store(&self) -> UsedTokens {
        let file = self.folder.path().join("redis.url");
        let url = format!("redis://:secret@127.0.0.1:{}/0\n", self.port);
        std::fs::write(&file, url).unwrap();
        UsedTokens::open(&StoreRules::Redis(file)).unwrap()
    }

    /// Makes the server a replica of another one.
    async fn follow(&self, port: u16) {
        let client = ::redis::Client::open(format!("redis://:secret@127.0.0.1:{}/0", self.port));
        let connection = client.unwrap().get_multiplexed_async_connection().await;
        let mut follow = ::redis::cmd("REPLICAOF");
        follow.arg("127.0.0.1").arg(port);
        let mut connection = connection.unwrap();
        let _: ::redis::Value = follow.query_async(&mut connection).await.unwrap();
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Probes a store until it answers, or does not any more.
async fn until_reachable(store: &UsedTokens, wanted: bool) {
    for _ in 0..1_000 {
        store.probe().await;
        if store.is_reachable() == wanted {
            return;
        }
        SystemClock.sleep(Duration::from_millis(20)).await;
    }
    panic!("the store is never reachable: {wanted}");
}

#[tokio::test]
async fn of_two_replicas_one_takes_a_token_also_after_a_restart() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, other) = (server.store(), server.store());
    until_reachable(&one, true).await;
    let claims = [&one, &other].map(|store| store.claim("token-id", 100, 0));
    let claims = futures::future::join_all(claims).await;
    let mut taken: Vec<Claim> = claims.into_iter().filter_map(Result::ok).collect();
    assert_eq!(taken.len(), 1, "one replica took it");
    taken.remove(0).spend();
    let restarted = server.store();
    assert!(restarted.outlives_the_process());
    for store in [&one, &other, &restarted] {
        let again = store.claim("token-id", 100, 0).await;
        assert_eq!(again.err(), Some(codes::REPLAYED));
    }
}

#[tokio::test]
async fn a_token_of_which_nothing_came_is_given_back() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = server.store();
    until_reachable(&store, true).await;
    drop(store.claim("token-id", 100, 0).await.unwrap());
    for _ in 0..1_000 {
        if let Ok(claim) = store.claim("token-id", 100, 0).await {
            claim.spend();
            return;
        }
        SystemClock.sleep(Duration::from_millis(20)).await;
    }
    panic!("the token is never given back");
}

#[tokio::test]
async fn a_store_that_is_away_takes_nothing_and_is_found_again() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let store = server.store();
    until_reachable(&store, true).await;
    server.stop();
    let refused = store.claim("token-id", 100, 0).await;
    assert_eq!(refused.err(), Some(codes::TOKEN_STORE));
    assert!(!store.is_reachable());
    server.child = Server::spawn(server.port).unwrap();
    until_reachable(&store, true).await;
    assert!(store.claim("token-id", 100, 0).await.is_ok());
}

#[test]
fn an_address_that_is_none_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("redis.url");
    for bad in [
        "",
        "redis.example.com",
        "http://:secret@redis.example.com",
        "unix:///secret",
    ] {
        std::fs::write(&file, bad).unwrap();
        let error = UsedTokens::open(&StoreRules::Redis(file.clone()))
            .err()
            .unwrap();
        assert_eq!(error.code, codes::TOKEN_STORE);
        assert!(!error.message.contains("secret"), "{}", error.message);
    }
}

/// Forwards every new connection to the port that it is told: an address that moves to another server.
async fn forward(listener: tokio::net::TcpListener, port: Arc<AtomicU16>) {
    while let Ok((mut from, _)) = listener.accept().await {
        let to = format!("127.0.0.1:{}", port.load(Ordering::Relaxed));
        tokio::spawn(async move {
            if let Ok(mut to) = tokio::net::TcpStream::connect(to).await {
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            }
        });
    }
}

#[tokio::test]
async fn a_failover_that_keeps_the_connection_open_is_followed() {
    let (Some(first), Some(second)) = (Server::start(), Server::start()) else {
        return;
    };
    until_reachable(&second.store(), true).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().port();
    let port = Arc::new(AtomicU16::new(first.port));
    let forwarding = tokio::spawn(forward(listener, Arc::clone(&port)));
    let file = first.folder.path().join("moving.url");
    std::fs::write(&file, format!("redis://:secret@127.0.0.1:{address}/0\n")).unwrap();
    let store = UsedTokens::open(&StoreRules::Redis(file)).unwrap();
    until_reachable(&store, true).await;
    port.store(second.port, Ordering::Relaxed);
    first.follow(second.port).await;
    // The old connection answers that its server is a replica now; the next one leads to the other.
    let refused = store.claim("token-id", 100, 0).await;
    assert_eq!(refused.err(), Some(codes::TOKEN_STORE));
    assert!(!store.is_reachable());
    until_reachable(&store, true).await;
    store.claim("token-id", 100, 0).await.unwrap().spend();
    let again = second.store().claim("token-id", 100, 0).await;
    assert_eq!(again.err(), Some(codes::REPLAYED));
    forwarding.abort();
}
