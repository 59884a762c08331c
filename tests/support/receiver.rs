//! An app that receives webhooks and records them; its answers are scripted.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::http::{Message, NO_ANSWER, read_message};
use super::wait;

/// A request to the app and the status that it was answered with.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) request: Message,
    pub(crate) status: u16,
}

impl Received {
    /// The body.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.request.body).unwrap()
    }

    /// A header, which has to be there.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.request.headers.get(name);
        value.unwrap_or_else(|| panic!("{name} is missing: {self:#?}"))
    }

    /// The key of the organization that it is about.
    #[track_caller]
    pub(crate) fn key(&self) -> String {
        self.json()["changed"][0]["key"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The earlier and the later state of its first intent.
    #[track_caller]
    pub(crate) fn step(&self) -> (Value, Value) {
        let intent = &self.json()["changed"][0]["intents"][0];
        (intent["before"].clone(), intent["after"].clone())
    }
}

/// The answer to a request: the status, and further header lines.
type Answer = Box<dyn Fn(&Message) -> (u16, String) + Send>;

/// An app on a free port, which ends when this is dropped.
pub(crate) struct Receiver {
    address: String,
    answer: Arc<Mutex<Answer>>,
    received: Arc<Mutex<Vec<Received>>>,
    /// Requests, also those that are not answered yet.
    arrived: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts an app that accepts everything.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer: Answer = Box::new(|_| (204, String::new()));
        let answer = Arc::new(Mutex::new(answer));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (arrived, ending) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let thread = std::thread::spawn({
            let (answer, received) = (Arc::clone(&answer), Arc::clone(&received));
            let (arrived, ending) = (Arc::clone(&arrived), Arc::clone(&ending));
            move || {
                for stream in listener.incoming() {
                    if ending.load(Ordering::Relaxed) {
                        break;
                    }
                    let (stream, answer) = (stream.unwrap(), Arc::clone(&answer));
                    let (received, arrived) = (Arc::clone(&received), Arc::clone(&arrived));
                    std::thread::spawn(move || {
                        let Some(request) = read_message(&stream) else {
                            return;
                        };
                        arrived.fetch_add(1, Ordering::SeqCst);
                        serve(stream, request, &answer, &received);
                    });
                }
            }
        });
        Self {
            address,
            answer,
            received,
            arrived,
            ending,
            thread: Some(thread),
        }
    }

    /// Answers by a function from now on.
    pub(crate) fn answer(&self, answer: impl Fn(&Message) -> (u16, String) + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// Answers with a status from now on; 0 stands for none.
    pub(crate) fn answer_all(&self, status: u16) {
        self.answer(move |_| (status, String::new()));
    }

    /// Returns the address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns all requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Returns the number of requests, also of those that are not answered yet.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }

    /// Returns the requests that were accepted.
    pub(crate) fn accepted(&self) -> Vec<Received> {
        let mut received = self.received();
        received.retain(|received| (200..300).contains(&received.status));
        received
    }

    /// Waits until so many requests were accepted, and returns them.
    #[track_caller]
    pub(crate) fn wait_for_accepted(&self, count: usize) -> Vec<Received> {
        wait::until("accepted deliveries", || {
            let accepted = self.accepted();
            (accepted.len() >= count).then_some(accepted)
        })
    }

    /// Waits until so many requests were not accepted, and returns them.
    #[track_caller]
    pub(crate) fn wait_for_failed(&self, count: usize) -> Vec<Received> {
        wait::until("deliveries that are not accepted", || {
            let mut received = self.received();
            received.retain(|received| !(200..300).contains(&received.status));
            (received.len() >= count).then_some(received)
        })
    }
}

fn serve(
    mut stream: TcpStream,
    request: Message,
    answer: &Mutex<Answer>,
    received: &Mutex<Vec<Received>>,
) {
    let (status, headers) = answer.lock().unwrap()(&request);
    received.lock().unwrap().push(Received { request, status });
    if status == NO_ANSWER {
        return;
    }
    // A client that has gone does not concern the next one.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

impl Drop for Receiver {
    /// The listener waits in `accept`: one more connection lets it see that it is to end.
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
