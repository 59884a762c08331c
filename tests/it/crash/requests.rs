//! A proxy in front of the server that counts requests and kills the client at a chosen point of
//! one of them. Each connection carries one request, so its progress is known on both sides.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use super::campaign::Draw;
use super::victim::Victim;
use crate::support::sandbox_server::SandboxServer;

/// Progress of a request at the moment when its sender is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The server never gets it.
    Sent,
    /// The server has carried it out, and the answer is lost.
    Done,
    /// The client has half of the answer.
    HalfAnswered,
    /// The client has the whole answer.
    Answered,
}

/// Moment at which the sender is killed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Number of the request, counted from 1.
    request: usize,
    step: Step,
}

impl Moment {
    /// Draws a moment in a run of so many requests.
    pub(super) fn draw(draw: &mut Draw, requests: usize) -> Self {
        let steps = [Step::Sent, Step::Done, Step::HalfAnswered, Step::Answered];
        let moment = Self {
            request: 1 + draw.below(requests),
            step: steps[draw.below(steps.len())],
        };
        println!("    {moment:?} of {requests}");
        moment
    }
}

/// A proxy that kills the client at its moment.
pub(super) struct Proxy {
    address: String,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

struct Shared {
    server: String,
    victim: Victim,
    moment: Option<Moment>,
    seen: AtomicUsize,
    over: AtomicBool,
}

impl Proxy {
    /// Starts a proxy in front of a server. Without a moment it only counts.
    pub(super) fn new(server: &SandboxServer, victim: &Victim, moment: Option<Moment>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            server: server.address().to_owned(),
            victim: victim.clone(),
            moment,
            seen: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        Self {
            address: listener.local_addr().unwrap().to_string(),
            shared: Arc::clone(&shared),
            thread: std::thread::spawn(move || shared.serve(&listener)),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for pending requests, and returns their total number.
    pub(super) fn finish(self) -> usize {
        self.shared.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(&self.address));
        self.thread.join().unwrap();
        self.shared.seen.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, listener: &TcpListener) {
        std::thread::scope(|scope| {
            for client in listener.incoming() {
                if self.over.load(Ordering::SeqCst) {
                    break;
                }
                // A killed client does not read on, which is intended.
                scope.spawn(move || client.and_then(|client| self.exchange(&client)));
            }
        });
    }

    fn exchange(&self, mut client: &TcpStream) -> io::Result<()> {
        let request = read_request(client)?;
        let number = 1 + self.seen.fetch_add(1, Ordering::SeqCst);
        let now = |step| {
            let is_now = |moment: Moment| moment.request == number && moment.step == step;
            self.moment.is_some_and(is_now)
        };
        if now(Step::Sent) {
            self.victim.kill();
            return Ok(());
        }
        let mut server = TcpStream::connect(&self.server)?;
        server.write_all(&request)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        if now(Step::Done) {
            self.victim.kill();
        }
        let (first, second) = answer.split_at(answer.len() / 2);
        client.write_all(first)?;
        if now(Step::HalfAnswered) {
            self.victim.kill();
        }
        client.write_all(second)?;
        if now(Step::Answered) {
            self.victim.kill();
        }
        Ok(())
    }
}

/// A request as it came, but that it is the last one of its connection.
fn read_request(client: &TcpStream) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(client);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim().is_empty() {
            break;
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
    }
    request.push_str("Connection: close\r\n\r\n");
    let mut request = request.into_bytes();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.extend(body);
    Ok(request)
}
