//! A small authoritative DNS server on loopback, by UDP and TCP, for TXT records.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{SOA, TXT};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::oneshot;

/// Answer for a name. Names without one do not exist.
#[derive(Debug, Clone)]
pub(crate) enum Zone {
    /// TXT records, each of these strings.
    Texts(Vec<Vec<String>>),
    /// The name exists, without TXT records.
    NoText,
    /// An error.
    Fails(ResponseCode),
    /// The server does not answer.
    Silent,
}

impl Zone {
    /// TXT records of one string each.
    pub(crate) fn texts(texts: &[&str]) -> Self {
        Self::Texts(texts.iter().map(|text| vec![(*text).to_owned()]).collect())
    }
}

/// A server that answers until it is dropped.
pub(crate) struct DnsServer {
    address: SocketAddr,
    names: Names,
    asked: Asked,
    _alive: oneshot::Sender<()>,
}

type Names = Arc<Mutex<BTreeMap<String, Zone>>>;
type Asked = Arc<Mutex<Vec<(String, Protocol)>>>;

impl DnsServer {
    /// A server that knows no name.
    pub(crate) fn start() -> Self {
        let (names, asked) = (Names::default(), Asked::default());
        let handler = Handler {
            names: Arc::clone(&names),
            asked: Arc::clone(&asked),
        };
        let (found, address) = std::sync::mpsc::channel();
        let (alive, dropped) = oneshot::channel::<()>();
        // A thread of its own: tests may be on a runtime already.
        std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(async {
                let (udp, tcp) = sockets().await;
                found.send(udp.local_addr().unwrap()).unwrap();
                let mut server = Server::new(handler);
                server.register_socket(udp);
                server.register_listener(tcp, Duration::from_secs(5), 64);
                // No message is ever sent: this ends when the other end is dropped.
                let _ = dropped.await;
            });
        });
        let address = address.recv().unwrap();
        Self {
            address,
            names,
            asked,
            _alive: alive,
        }
    }

    /// A server that knows some names.
    pub(crate) fn with(names: &[(&str, Zone)]) -> Self {
        let server = Self::start();
        for (name, zone) in names {
            server.set(name, zone.clone());
        }
        server
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what a name answers from now on.
    pub(crate) fn set(&self, name: &str, zone: Zone) {
        self.names.lock().unwrap().insert(name.to_owned(), zone);
    }

    /// Returns the queries so far, with their protocol.
    pub(crate) fn asked(&self) -> Vec<(String, Protocol)> {
        self.asked.lock().unwrap().clone()
    }
}

/// A socket and a listener on the same free port.
async fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP")
}

struct Handler {
    names: Names,
    asked: Asked,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut handle: R,
    ) -> ResponseInfo {
        let query = request.request_info().unwrap().query;
        assert_eq!(query.query_type(), RecordType::TXT);
        let name: Name = query.name().into();
        let text = name.to_ascii().trim_end_matches('.').to_owned();
        let asked = (text.clone(), request.protocol());
        self.asked.lock().unwrap().push(asked);
        let zone = self.names.lock().unwrap().get(&text).cloned();
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        let (mut answers, mut soa) = (Vec::new(), Vec::new());
        let negative = || {
            let host = || Name::from_ascii("ns.test.").unwrap();
            let data = SOA::new(host(), host(), 1, 60, 60, 60, 1);
            vec![Record::from_rdata(name.clone(), 1, RData::SOA(data))]
        };
        match zone {
            None => {
                metadata.response_code = ResponseCode::NXDomain;
                soa = negative();
            }
            Some(Zone::NoText) => soa = negative(),
            Some(Zone::Fails(code)) => metadata.response_code = code,
            Some(Zone::Silent) => return info(metadata),
            Some(Zone::Texts(texts)) => {
                let record = |texts| RData::TXT(TXT::new(texts));
                let records = texts.into_iter().map(record);
                answers.extend(records.map(|data| Record::from_rdata(name.clone(), 1, data)));
            }
        }
        let response = MessageResponseBuilder::from_message_request(request);
        let response = response.build(metadata, answers.iter(), &[], soa.iter(), &[]);
        // The client may be gone.
        let sent = handle.send_response(response).await;
        sent.unwrap_or_else(|_| info(metadata))
    }
}

fn info(metadata: Metadata) -> ResponseInfo {
    let counts = HeaderCounts::default();
    ResponseInfo::from(Header { metadata, counts })
}
