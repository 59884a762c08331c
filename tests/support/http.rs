//! A small blocking HTTP client, and a server with scripted answers. Neither shares code with
//! portalctl.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::wait::LONG;

/// Sends a request as an application beside portalctl would; the answer's status and body.
#[track_caller]
pub(crate) fn send(
    address: &str,
    key: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> (u16, Value) {
    try_send(address, key, method, path, body).unwrap()
}

/// Reads a page; the answer's status and text.
#[cfg(feature = "operator")]
#[track_caller]
pub(crate) fn get_text(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The same, where the server may not be there.
pub(crate) fn try_send(
    address: &str,
    key: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LONG))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Err(std::io::Error::other("no answer"));
    };
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other("no status"))?;
    let body = if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        unchunk(body)
    } else {
        body.to_owned()
    };
    Ok((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// Answer of a [`Canned`] server: status, further header lines, body.
pub(crate) type CannedAnswer = (u16, String, String);

/// Status that stands for a connection that ends without an answer.
pub(crate) const NO_ANSWER: u16 = 0;

/// A server that gives whatever answers a test wants, right or wrong.
pub(crate) struct Canned {
    address: String,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Canned {
    /// Serves on a free port; the function is given the method, the path and the body, one request at a
    /// time.
    pub(crate) fn serve(
        answer: impl Fn(&str, &str, &str) -> CannedAnswer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ending = Arc::new(AtomicBool::new(false));
        let is_ending = Arc::clone(&ending);
        let answer = Arc::new(Mutex::new(answer));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_ending.load(Ordering::Relaxed) {
                    break;
                }
                let (stream, answer) = (stream.unwrap(), Arc::clone(&answer));
                // A client keeps connections in reserve and may close them unused: none of them may hold
                // up another one, or end the server.
                std::thread::spawn(move || serve_one(stream, &*answer));
            }
        });
        Self {
            address,
            ending,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve_one(mut stream: TcpStream, answer: &Mutex<impl Fn(&str, &str, &str) -> CannedAnswer>) {
    let Some((method, path, body)) = read_request(&stream) else {
        return;
    };
    let (status, mut headers, body) = answer.lock().unwrap()(&method, &path, &body);
    if status == NO_ANSWER {
        return;
    }
    // A scripted length may be wrong.
    if !headers.contains("Content-Length:") {
        headers += &format!("Content-Length: {}\r\n", body.len());
    }
    // A client that has gone does not concern the next one.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{headers}Content-Type: application/json\r\n\
         Connection: close\r\n\r\n{body}"
    );
}

impl Drop for Canned {
    /// The listener waits in `accept`: one more connection lets it see that it is to end.
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads a request: its method, its target and its body.
pub(crate) fn read_request(stream: &TcpStream) -> Option<(String, String, String)> {
    let (method, path, body, _) = read_request_with_key(stream)?;
    Some((method, path, body))
}

/// Reads a request: method, target, body, and the key that it came with.
pub(crate) fn read_request_with_key(
    stream: &TcpStream,
) -> Option<(String, String, String, Option<String>)> {
    let Message {
        method,
        path,
        headers,
        body,
    } = read_message(stream)?;
    let key = headers.get("authorization");
    let key = key.and_then(|value| value.strip_prefix("Bearer "));
    Some((method, path, body, key.map(str::to_owned)))
}

/// A request as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Reads a request with its headers.
pub(crate) fn read_message(stream: &TcpStream) -> Option<Message> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length");
    let length = length.map_or(Some(0), |value| value.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Message {
        method,
        path,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
