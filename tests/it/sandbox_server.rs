//! `portalctl sandbox` as a process: its faults and its webhooks, as a user asks for them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::conformance::api_client::ApiClient;
use crate::support::cli::TestEnv;
use crate::support::sandbox_server::SandboxServer;

#[tokio::test]
async fn faults_come_by_seed_and_end_when_told() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::with(&env, "--faults 7:100 --rate-limit off");
    let api_client = ApiClient::new(sandbox.url(), "sk_test_x");
    let (status, _) = api_client.get("/health").await;
    assert_eq!(status, 200);
    let url = "/_sandbox/faults";
    // The fault decides whether there is an answer.
    for _ in 0..5 {
        let _ = api_client.try_send("GET", "/events", Value::Null).await;
    }
    let (_, shown) = api_client.get(url).await;
    assert_eq!(shown["fired"].as_array().unwrap().len(), 5);
    let rule = json!({ "path": "/events", "fault": "status", "status": 507 });
    let (status, _) = api_client
        .send("PUT", url, json!({ "rules": [rule] }))
        .await;
    assert_eq!(status, 204);
    assert_eq!(api_client.get("/events").await.0, 507);
    let (_, shown) = api_client.get(url).await;
    assert_eq!(shown["fired"][0]["path"], "/events");
    assert_eq!(api_client.send("DELETE", url, Value::Null).await.0, 204);
    assert_eq!(api_client.get("/events?events=dsync.deleted").await.0, 200);
}

#[tokio::test]
async fn events_arrive_signed_at_the_endpoint() {
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks", endpoint.local_addr().unwrap());
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "whsec_file\n").unwrap();
    let file = secret.path().to_str().unwrap();
    let env = TestEnv::new();
    let options = format!("--webhook-url {url} --webhook-secret-file {file}");
    let sandbox = SandboxServer::with(&env, &options);
    let arrives = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = endpoint.accept().unwrap();
        let mut letter = Vec::new();
        let mut chunk = [0; 4096];
        while !letter.ends_with(b"}") {
            let read = stream.read(&mut chunk).unwrap();
            assert_ne!(read, 0, "the letter broke off");
            letter.extend_from_slice(&chunk[..read]);
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).unwrap();
        String::from_utf8(letter).unwrap()
    });
    let api_client = ApiClient::new(sandbox.url(), "sk_test_x");
    api_client
        .send("POST", "/organizations", json!({ "name": "Acme" }))
        .await;
    let letter = arrives.await.unwrap();
    let (head, body) = letter.split_once("\r\n\r\n").unwrap();
    let signature = head
        .lines()
        .find_map(|line| line.strip_prefix("workos-signature: "))
        .unwrap();
    let verifier = workos::WebhookVerifier::new("whsec_file");
    let event = verifier.construct_event(signature, body).unwrap();
    assert_eq!(event.event, "organization.created");
}

#[test]
fn endpoints_elsewhere_and_half_an_endpoint_are_refused() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    let file = secret.path().to_str().unwrap();
    let there = "http://127.0.0.1:1/";
    for (args, why) in [
        (
            [
                "--webhook-url",
                "https://example.com/",
                "--webhook-secret-file",
                file,
            ]
            .as_slice(),
            "this machine",
        ),
        (
            ["--webhook-url", there, "--webhook-secret-file", file].as_slice(),
            "is empty",
        ),
        (
            [
                "--webhook-url",
                there,
                "--webhook-secret-file",
                "/no/such/file",
            ]
            .as_slice(),
            "cannot read",
        ),
        (["--webhook-url", there].as_slice(), "--webhook-secret-file"),
        (["--faults", "7:101"].as_slice(), "7:20"),
        (["--faults", "often"].as_slice(), "7:20"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portalctl"));
        command
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(args);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{args:?}: {said}");
        // Errors wrap.
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(why), "{args:?}: {said}");
    }
}
