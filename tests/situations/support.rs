//! Shared helpers that the situations use.

#[path = "../support/child.rs"]
pub(crate) mod child;
#[path = "../support/cli.rs"]
pub(crate) mod cli;
#[path = "../support/dns.rs"]
pub(crate) mod dns;
#[path = "../support/gateway.rs"]
pub(crate) mod gateway;
#[path = "../support/http.rs"]
pub(crate) mod http;
#[path = "../support/sandbox_server.rs"]
pub(crate) mod sandbox_server;
#[path = "../support/stand_in.rs"]
pub(crate) mod stand_in;
#[path = "../support/wait.rs"]
pub(crate) mod wait;
