//! Tests of the HTTP transport against servers that break off, wait or send too much.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use super::*;

/// 20,000 zeros, gzipped: `python3 -c "import gzip; gzip.compress(b'0' * 20000, 9, mtime=0)"`
const BOMB: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00,
    0x00, 0xc2, 0xa0, 0x4a, 0xeb, 0x9f, 0xce, 0x1a, 0x1e, 0x40, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xf0, 0x60, 0xbd, 0x0f, 0x1b, 0x8c, 0x20, 0x4e, 0x00, 0x00,
];

fn bounds() -> Bounds {
    Bounds {
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_millis(500),
        max_body: 10_000,
    }
}

/// A server of one connection after the other: what it answers, and the requests it saw.
fn serve(answer: impl Fn(&mut TcpStream) + Send + 'static) -> (Endpoint, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            if seen.send(String::from_utf8(request).unwrap()).is_err() {
                return;
            }
            answer(&mut stream);
        }
    });
    (Endpoint::parse(&endpoint).unwrap(), requests)
}

fn answer(head: &str, body: &[u8]) -> impl Fn(&mut TcpStream) + Send + use<> {
    let mut bytes = format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    move |stream| stream.write_all(&bytes).unwrap_or_default()
}

async fn get(endpoint: &Endpoint) -> Result<Response<Bytes>, TransportError> {
    let request = Request::builder()
        .uri(endpoint.address("/organizations?limit=1").unwrap())
        .header("authorization", "Bearer sk_test_x")
        .body(Bytes::new())
        .unwrap();
    let transport = HttpTransport::new(endpoint, bounds()).unwrap();
    transport.send(request).await
}

#[tokio::test]
async fn an_answer_comes_back_as_it_is() {
    let (endpoint, requests) = serve(answer("418 Teapot\r\nx-request-id: r1", b"{}"));
    let answer = get(&endpoint).await.unwrap();
    assert_eq!(answer.status(), 418);
    assert_eq!(answer.headers()["x-request-id"], "r1");
    assert_eq!(answer.body(), "{}");
    let request = requests.recv().unwrap();
    assert!(
        request.starts_with("GET /organizations?limit=1 HTTP/1.1"),
        "{request}"
    );
    assert!(
        request.contains("authorization: Bearer sk_test_x"),
        "{request}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_its_target_never_gets_the_key() {
    let (target, stolen) = serve(answer("200 OK", b"{}"));
    let location = format!(
        "302 Found\r\nlocation: {}",
        target.address("/steal").unwrap()
    );
    let (endpoint, _requests) = serve(answer(&location, b""));
    assert_eq!(get(&endpoint).await.unwrap().status(), 302);
    assert!(stolen.try_recv().is_err());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read_to_its_end() {
    let (endpoint, _requests) = serve(answer("200 OK", &[b'x'; 10_001]));
    let error = get(&endpoint).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::TooLarge);
    let (endpoint, _requests) = serve(answer("200 OK", &[b'x'; 10_000]));
    assert_eq!(get(&endpoint).await.unwrap().body().len(), 10_000);
}

#[tokio::test]
async fn a_body_is_measured_after_decompression() {
    let (endpoint, _requests) = serve(answer("200 OK\r\ncontent-encoding: gzip", BOMB));
    let error = get(&endpoint).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::TooLarge);
}

#[tokio::test]
async fn a_broken_encoding_is_told_apart() {
    let (endpoint, _requests) = serve(answer("200 OK\r\ncontent-encoding: gzip", b"not gzip"));
    let error = get(&endpoint).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn a_refused_connection_has_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = get(&Endpoint::parse(&endpoint).unwrap()).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(error.message.contains("refused"), "{error}");
    assert!(!error.message.contains("/organizations"), "{error}");
}

#[tokio::test]
async fn a_slow_answer_times_out() {
    let (endpoint, _requests) = serve(|stream| {
        // Until the client hangs up.
        let _ = stream.read(&mut [0]);
    });
    let error = get(&endpoint).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn an_answer_that_drips_without_an_end_times_out_too() {
    let (endpoint, _requests) = serve(|stream| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n";
        let mut dripping = stream.write_all(head.as_bytes());
        let pause = Duration::from_millis(20);
        stream.set_read_timeout(Some(pause)).unwrap();
        while dripping.is_ok() {
            // The client says nothing more: this is the pause.
            let _ = stream.read(&mut [0]);
            dripping = stream.write_all(b" ");
        }
    });
    let error = get(&endpoint).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn a_connection_that_closes_may_have_delivered_the_request() {
    for sent in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let (endpoint, requests) = serve(move |stream| {
            stream.write_all(sent.as_bytes()).unwrap_or_default();
        });
        let error = get(&endpoint).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Broken, "{error}");
        assert!(requests.try_recv().is_ok());
    }
}
