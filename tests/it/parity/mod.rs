//! Tests the sandbox with the official Rust SDK, which decodes strictly: an answer that it cannot
//! decode is a bug of the sandbox.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is how tests fail")]

mod contacts;
mod errors;
mod objects;
mod organizations;
mod portal;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use portalctl_platform::clock::FixedClock;
use workos::Client;
use workos::transport::{HttpRequest, HttpResponse, HttpTransport, TransportError};
use workos_sandbox::scenario::Scenario;
use workos_sandbox::world::World;
use workos_sandbox::{Sandbox, SandboxOptions};

/// Carries the SDK's requests to a sandbox in this process.
struct InProcess(Sandbox);

#[async_trait]
impl HttpTransport for InProcess {
    async fn execute(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let mut sent = http::Request::new(request.body.unwrap_or_default());
        *sent.method_mut() = request.method;
        *sent.uri_mut() = request.url.parse().map_err(TransportError::other)?;
        *sent.headers_mut() = request.headers;
        let (parts, body) = self.0.call(sent).await.into_parts();
        Ok(HttpResponse {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-01-15T12:00:00Z".parse().unwrap()))
}

fn options(scenario: &str) -> SandboxOptions {
    let mut world = World::new(7);
    let now = "2026-01-15T12:00:00Z".parse().unwrap();
    let scenario = Scenario::load(scenario).unwrap();
    scenario.build(&mut world, now).unwrap();
    SandboxOptions::new(clock(), world)
}

fn client(sandbox: &Sandbox, key: &str) -> Client {
    Client::builder()
        .api_key(key)
        .base_url("http://sandbox.test")
        .max_retries(0)
        .transport(Arc::new(InProcess(sandbox.clone())))
        .build()
}

/// A sandbox with a starting state, and the SDK in front of it.
fn start(scenario: &str) -> (Sandbox, Client) {
    let sandbox = Sandbox::new(options(scenario));
    let client = client(&sandbox, "sk_test_parity");
    (sandbox, client)
}

/// Sends a request that no SDK makes, and returns the sandbox's answer.
async fn send(sandbox: &Sandbox, request: http::request::Builder, body: &str) -> (u16, String) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let answer = sandbox.call(request.body(body).unwrap()).await;
    let status = answer.status().as_u16();
    (
        status,
        String::from_utf8(answer.into_body().to_vec()).unwrap(),
    )
}
