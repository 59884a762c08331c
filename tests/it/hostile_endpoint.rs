//! Tests that a hostile or broken endpoint cannot make portalctl hang, use memory without bound, or
//! send the key elsewhere.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::support::cli::{KEY, TestEnv};
use crate::support::manifests::CUSTOMERS;

/// Limit of the address space of a run, in KiB: far more than it needs, and far less than an
/// endless answer.
const ADDRESS_SPACE: u32 = 2_000_000;

/// A server that writes any bytes, and counts its connections.
struct Hostile {
    address: String,
    calls: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hostile {
    fn serve(
        answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let calls = Arc::new(AtomicUsize::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let (counted, over) = (Arc::clone(&calls), Arc::clone(&is_over));
        let answer = Arc::new(answer);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let mut stream = stream.unwrap();
                let answer = Arc::clone(&answer);
                let counted = Arc::clone(&counted);
                // Each call by itself: two may be under way at once.
                std::thread::spawn(move || {
                    if read_head(&stream).is_some() {
                        counted.fetch_add(1, Ordering::Relaxed);
                        // The client may close the connection early.
                        let _ = answer(&mut stream);
                    }
                });
            }
        });
        Self {
            address,
            calls,
            is_over,
            thread: Some(thread),
        }
    }

    /// Every request gets the same bytes, and the connection is closed.
    fn always(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::serve(move |stream| stream.write_all(&bytes))
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads a request's head; nothing when there is none.
fn read_head(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    (!line.is_empty()).then_some(())
}

/// Plans with little memory, and returns the error.
#[track_caller]
fn is_refused(server: &Hostile, what: &str) -> Value {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let output = env
        .run("plan -o json --requests-per-second 1000")
        .at_url(&server.url())
        .within_kib(ADDRESS_SPACE)
        .output();
    let document = output.json();
    let error = &document["errors"][0];
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains(what), "{error:#}\n{output}");
    assert!(matches!(output.code, Some(5 | 6)), "{output}");
    assert!(!output.stdout.contains(KEY), "{output}");
    assert!(server.calls() > 0);
    error.clone()
}

fn answer(head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

#[test]
fn a_redirect_to_another_host_is_told_and_not_followed() {
    let elsewhere = Hostile::always(answer("200 OK", "{}"));
    for status in ["301 X", "302 X", "303 X", "307 X", "308 X"] {
        let head = format!("{status}\r\nLocation: {}/organizations", elsewhere.url());
        let server = Hostile::always(answer(&head, ""));
        is_refused(&server, "redirects to 127.0.0.1");
    }
    assert_eq!(elsewhere.calls(), 0, "the key went elsewhere");
}

#[test]
fn a_body_without_an_end_is_not_read_to_its_end() {
    let server = Hostile::serve(|stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"data\":[")?;
        let part = vec![b' '; 64 * 1024];
        loop {
            stream.write_all(&part)?;
        }
    });
    is_refused(&server, "larger than 16777216 bytes");
}

#[test]
fn a_chunked_body_without_an_end_is_not_read_to_its_end() {
    let server = Hostile::serve(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let part = [b"8000\r\n".as_slice(), &vec![b'['; 0x8000], b"\r\n"].concat();
        loop {
            stream.write_all(&part)?;
        }
    });
    is_refused(&server, "larger than 16777216 bytes");
}

#[test]
fn a_small_answer_that_unpacks_to_a_large_one_is_refused() {
    use std::io::Read as _;
    // 64 MiB of spaces in 64 KiB.
    let mut gzip = Command::new("sh")
        .args(["-c", "head -c 67108864 /dev/zero | tr '\\0' ' ' | gzip -9"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut bomb = Vec::new();
    gzip.stdout.take().unwrap().read_to_end(&mut bomb).unwrap();
    assert!(gzip.wait().unwrap().success());
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    )
    .into_bytes();
    bytes.append(&mut bomb);
    is_refused(&Hostile::always(bytes), "larger than 16777216 bytes");
}

#[test]
fn a_gigantic_header_is_refused() {
    let server = Hostile::serve(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nX-Large: ")?;
        let part = vec![b'x'; 64 * 1024];
        loop {
            stream.write_all(&part)?;
        }
    });
    is_refused(&server, "head is too large");
}

#[test]
fn headers_without_an_end_are_refused() {
    let server = Hostile::serve(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            stream.write_all(b"X-One-More: 1\r\n")?;
        }
    });
    is_refused(&server, "head is too large");
}

#[test]
fn what_is_not_http_is_refused() {
    for bytes in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
    ] {
        is_refused(&Hostile::always(bytes), "failed");
    }
}

#[test]
fn a_page_of_another_kind_is_refused() {
    let page = "200 OK\r\nContent-Type: text/html";
    let server = Hostile::always(answer(page, "<html><script>alert(1)</script></html>"));
    let error = is_refused(&server, "the body is not JSON");
    assert!(!error.to_string().contains("<script>"), "{error}");
}

#[test]
fn json_as_deep_as_it_can_be_is_refused() {
    let deep = "[".repeat(1_000_000);
    is_refused(&Hostile::always(answer("200 OK", &deep)), "not JSON");
}

#[test]
fn a_cursor_that_leads_in_circles_is_given_up() {
    let page = r#"{"data":[{"id":"org_1","name":"A"}],"list_metadata":{"after":"org_1"}}"#;
    let server = Hostile::always(answer("200 OK", page));
    is_refused(&server, "changed too much while it was read");
    assert!(server.calls() < 20, "{}", server.calls());
}

#[test]
fn a_page_of_more_than_was_asked_for_is_refused() {
    let organizations: Vec<Value> = (0..400_000)
        .map(|id| json!({ "id": id.to_string() }))
        .collect();
    let page = json!({ "data": organizations, "list_metadata": { "after": "399999" } });
    let server = Hostile::always(answer("200 OK", &page.to_string()));
    is_refused(
        &server,
        "a page of 400000 objects, where at most 100 were asked for",
    );
    assert!(server.calls() < 5, "{}", server.calls());
}
