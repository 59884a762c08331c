//! A WorkOS of its own for a test: served on a free port of this machine, and looked into.

use std::sync::Arc;

use tokio::net::TcpListener;
use workos_sandbox::clock::SystemClock;
use workos_sandbox::world::World;
use workos_sandbox::{Sandbox, SandboxOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let sandbox = Sandbox::new(SandboxOptions::new(Arc::new(SystemClock), World::new(7)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    // The code under test gets this URL, and any key that begins with sk_test_.
    let url = format!("http://{}", listener.local_addr()?);
    let serving = sandbox.clone().serve(listener, std::future::ready(()));

    // What it would send, sent here in the process.
    let request = http::Request::post(format!("{url}/organizations"))
        .header("authorization", "Bearer sk_test_example")
        .header("content-type", "application/json")
        .body(r#"{"name": "Acme", "external_id": "acme"}"#.into())
        .map_err(std::io::Error::other)?;
    assert_eq!(sandbox.call(request).await.status(), 201);

    let name = sandbox.read(|world| {
        let acme = world.organization_by_external_id("acme");
        acme.map(|acme| acme.name.clone())
    });
    assert_eq!(name.ok().as_deref(), Some("Acme"));
    serving.await
}
