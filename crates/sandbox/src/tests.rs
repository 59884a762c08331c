//! Tests of a whole sandbox: its state file, and serving over the network.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use jiff::Timestamp;

use super::state::{StateError, StateFile};
use super::world::{Field, OrganizationInput, World};
use super::{Sandbox, SandboxOptions, TcpListener};
use portalctl_platform::clock::{FixedClock, SystemClock};

fn named(name: &str) -> OrganizationInput {
    OrganizationInput {
        name: Field::Set(name.to_owned()),
        ..OrganizationInput::default()
    }
}

fn sandbox(state: Option<StateFile>, world: Option<World>) -> Sandbox {
    let clock = std::sync::Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
    let mut options = SandboxOptions::new(clock, world.unwrap_or_else(|| World::new(1)));
    options.state = state;
    Sandbox::new(options)
}

#[test]
fn the_state_outlives_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let (file, world) = StateFile::open(&path).unwrap();
    assert!(world.is_none());
    let first = sandbox(Some(file), world);
    let made = first.world(|world, now| world.create_organization(now, named("A")).cloned());
    first.save().unwrap();
    assert!(matches!(StateFile::open(&path), Err(StateError::InUse(_))));
    drop(first);

    let (file, world) = StateFile::open(&path).unwrap();
    let second = sandbox(Some(file), world);
    let made = made.unwrap();
    let kept = second.read(|world| world.organization(&made.id).cloned());
    assert_eq!(kept, Ok(made));
}

#[test]
fn nothing_is_written_when_nothing_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let (file, _) = StateFile::open(&path).unwrap();
    let sandbox = sandbox(Some(file), None);
    sandbox.save().unwrap();
    std::fs::remove_file(&path).unwrap();
    sandbox.read(World::organization_count);
    sandbox.save().unwrap();
    assert!(!path.exists());
    sandbox.world(|_, _| ());
    sandbox.save().unwrap();
    assert!(path.exists());
}

#[test]
fn a_file_that_is_no_state_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    for (text, expected) in [
        ("{", "is not the state file of a sandbox"),
        ("{\"version\":1}", "is not the state file of a sandbox"),
        ("{\"version\":2,\"world\":{}}", "has version 2"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = StateFile::open(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("start again"), "{error}");
    }
    let nowhere = folder.path().join("no/such/state.json");
    assert!(matches!(
        StateFile::open(&nowhere),
        Err(StateError::Write { .. })
    ));
}

/// One request over the network, by hand.
fn ask(address: SocketAddr, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer sk_test_x\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serving_ends_when_told_and_saves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let (file, _) = StateFile::open(&path).unwrap();
    let mut options = SandboxOptions::new(std::sync::Arc::new(SystemClock), World::new(1));
    options.state = Some(file);
    let sandbox = Sandbox::new(options);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(sandbox.serve(listener, async {
        let _ = stopped.await;
    }));
    let answers = tokio::task::spawn_blocking(move || {
        let made = ask(address, "POST /organizations", r#"{"name":"Acme"}"#);
        let id = made
            .split("\"id\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let body = format!(r#"{{"organization":"{id}","intent":"sso"}}"#);
        let link = ask(address, "POST /portal/generate_link", &body);
        (made, link)
    });
    let (made, link) = answers.await.unwrap();
    assert!(made.starts_with("HTTP/1.1 201 Created"), "{made}");
    assert!(made.contains("x-ratelimit-limit: 6000"), "{made}");
    assert!(made.contains("x-request-id: req_"), "{made}");
    assert!(
        link.contains(&format!("http://{address}/portal/")),
        "{link}"
    );
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    let (_, world) = StateFile::open(&path).unwrap();
    assert_eq!(world.unwrap().organization_count(), 1);
}
