//! A Redis of its own for one test, where `redis-server` is on the path.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::child::ChildGuard;

/// A Redis that is killed when it is dropped.
pub(crate) struct Server {
    _child: ChildGuard,
    port: u16,
}

impl Server {
    /// Starts a server; `None` where there is none, unless one is required.
    #[track_caller]
    pub(crate) fn start() -> Option<Self> {
        let found = std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join("redis-server").is_file())
        });
        if !found {
            let required = std::env::var("PORTALCTL_REQUIRE_REDIS").is_ok_and(|it| it == "1");
            assert!(!required, "there is no redis-server, and it is required");
            println!("skipped: install redis-server to run this with a real Redis");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let mut command = Command::new("redis-server");
        command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
        command.args([
            "--requirepass",
            "redis-password",
            "--port",
            &port.to_string(),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Some(Self {
            _child: ChildGuard::spawn(&mut command),
            port,
        })
    }

    /// Returns its address, with its password.
    pub(crate) fn url(&self) -> String {
        format!("redis://:redis-password@127.0.0.1:{}/0", self.port)
    }
}
