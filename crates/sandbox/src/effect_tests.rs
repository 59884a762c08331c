//! Tests of what faults do, in process and over the network; and of what happens by itself.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::fault::{Effect, Fault, Faults, Lost, any, on};
use super::world::World;
use super::{Sandbox, SandboxOptions};
use portalctl_platform::clock::{Clock, FixedClock, SystemClock};

const EVERY: [(Fault, &str, usize); 8] = [
    (
        Fault::Limit {
            retry_after: Duration::from_secs(2),
        },
        "429",
        0,
    ),
    (
        Fault::Status {
            status: 503,
            effect: Effect::Before,
        },
        "503",
        0,
    ),
    (
        Fault::Status {
            status: 500,
            effect: Effect::After,
        },
        "500",
        1,
    ),
    (Fault::ResetBefore, "lost", 0),
    (Fault::LoseReply, "lost", 1),
    (Fault::Truncate, "lost", 1),
    (Fault::NotJson, "200", 1),
    (Fault::Slow(Duration::from_secs(3)), "201", 1),
];

fn sandbox(fault: Fault) -> Sandbox {
    let clock = Arc::new(FixedClock::from(Timestamp::UNIX_EPOCH));
    let mut options = SandboxOptions::new(clock, World::new(1));
    let create = on(Method::POST, "/organizations");
    options.faults = Faults::none().with(create.nth(1), fault);
    Sandbox::new(options)
}

async fn create(sandbox: &Sandbox) -> Result<Response<Bytes>, Lost> {
    let request = Request::post("/organizations").header("authorization", "Bearer sk_test_x");
    let body = Bytes::from_static(br#"{"name":"Acme"}"#);
    sandbox.send(request.body(body).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn every_fault_comes_before_or_after_the_effect() {
    for (fault, shown, made) in EVERY {
        let sandbox = sandbox(fault);
        let before = SystemClock.instant();
        let answer = create(&sandbox).await;
        let waited = SystemClock.instant() - before;
        let status = match &answer {
            Ok(answer) => answer.status().as_str().to_owned(),
            Err(lost) => {
                let effect = [Effect::Before, Effect::After][made];
                assert_eq!(lost.effect, effect, "{fault:?}");
                "lost".to_owned()
            }
        };
        assert_eq!(status, shown, "{fault:?}");
        assert_eq!(sandbox.read(World::organization_count), made, "{fault:?}");
        match fault {
            Fault::Slow(delay) => assert_eq!(waited, delay),
            _ => assert_eq!(waited, Duration::ZERO),
        }
        if let Fault::Limit { .. } = fault {
            assert_eq!(answer.unwrap().headers()["retry-after"], "2");
        }
        assert_eq!(create(&sandbox).await.unwrap().status(), 201, "{fault:?}");
        let fired = sandbox.faults(|faults| faults.fired().count());
        assert_eq!(fired, 1, "{fault:?}");
    }
}

/// Reads an answer over the network, as far as it arrives.
fn ask(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = r#"{"name":"Acme"}"#;
    let length = body.len();
    write!(
        stream,
        "POST /organizations HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer sk_test_x\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_network_a_lost_answer_is_a_dropped_connection() {
    for (fault, made) in [
        (Fault::ResetBefore, 0),
        (Fault::LoseReply, 1),
        (Fault::Truncate, 1),
    ] {
        let sandbox = sandbox(fault);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(sandbox.clone().serve(listener, async {
            let _ = stopped.await;
        }));
        let answer = tokio::task::spawn_blocking(move || ask(address));
        let answer = answer.await.unwrap();
        if fault == Fault::Truncate {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            assert!(!body.is_empty() && body.len() < length, "{answer}");
        } else {
            assert_eq!(answer, "", "{fault:?}");
        }
        assert_eq!(sandbox.read(World::organization_count), made, "{fault:?}");
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn faults_befall_the_api_only() {
    let clock = Arc::new(FixedClock::at(Timestamp::UNIX_EPOCH));
    let mut options = SandboxOptions::new(clock, World::new(1));
    options.faults = Faults::none().with(any(), Fault::ResetBefore);
    let sandbox = Sandbox::new(options);
    let get = |uri: &str| Request::get(uri).body(Bytes::new()).unwrap();
    for uri in ["/health", "/_sandbox/state", "/_sandbox/faults"] {
        assert_eq!(sandbox.send(get(uri)).await.unwrap().status(), 200, "{uri}");
    }
    assert!(create(&sandbox).await.is_err());
}

/// A request with a JSON body, and its answer.
async fn control(sandbox: &Sandbox, method: Method, uri: &str, body: &str) -> (u16, String) {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header("content-type", "application/json");
    let body = Bytes::copy_from_slice(body.as_bytes());
    let answer = sandbox.call(request.body(body).unwrap()).await;
    let status = answer.status().as_u16();
    let text = String::from_utf8(answer.into_body().to_vec()).unwrap();
    (status, text)
}

#[tokio::test(start_paused = true)]
async fn the_control_api_sets_faults_and_shows_them() {
    let sandbox = sandbox(Fault::LoseReply);
    let faults = "/_sandbox/faults";
    let rules = r#"{"rules":[
        {"method":"post","path":"/organizations","nth":1,"fault":"status","status":502},
        {"method":"POST","path":"/*","every":2,"fault":"limit","retry_after_seconds":7}
    ]}"#;
    let (status, body) = control(&sandbox, Method::PUT, faults, rules).await;
    assert_eq!((status, body.as_str()), (204, ""));
    assert_eq!(create(&sandbox).await.unwrap().status(), 502);
    assert_eq!(create(&sandbox).await.unwrap().status(), 201);
    assert_eq!(
        create(&sandbox).await.unwrap().headers()["retry-after"],
        "7"
    );
    let (_, shown) = control(&sandbox, Method::GET, faults, "").await;
    assert!(
        shown.contains(r#"{"status":{"effect":"before","status":502}}"#),
        "{shown}"
    );
    let rule = r#"{"fault":"reset_before"}"#;
    assert_eq!(control(&sandbox, Method::POST, faults, rule).await.0, 204);
    assert!(create(&sandbox).await.is_err());
    assert_eq!(control(&sandbox, Method::DELETE, faults, "").await.0, 204);
    assert!(create(&sandbox).await.is_ok());
    let seeded = r#"{"seed":7,"percent":100}"#;
    assert_eq!(control(&sandbox, Method::PUT, faults, seeded).await.0, 204);
    create(&sandbox).await.ok();
    assert_eq!(sandbox.faults(|faults| faults.fired().count()), 1);
    for bad in [
        r#"{"fault":"explode"}"#,
        r#"{"fault":"status","status":404}"#,
        r#"{"fault":"limit","nth":0}"#,
        r#"{"fault":"limit","nth":1,"every":2}"#,
        r#"{"fault":"limit","pth":"/x"}"#,
    ] {
        let (status, _) = control(&sandbox, Method::POST, faults, bad).await;
        assert!((400..500).contains(&status), "{bad}");
    }
    let webhook = r#"{"url":"http://127.0.0.1:1","secret":"s"}"#;
    let (status, why) = control(&sandbox, Method::POST, "/_sandbox/webhooks", webhook).await;
    assert_eq!(status, 400, "{why}");
}
