//! Webhooks, as the official SDK's verifier takes them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use http::{Request, StatusCode};
use portalctl_model::Intent;
use portalctl_platform::clock::FixedClock;
use secrecy::SecretString;
use serde_json::json;
use workos::webhooks::{
    CreateWebhookEndpointParams, ListWebhookEndpointsParams, UpdateWebhookEndpointParams,
};
use workos::{CreateWebhookEndpoint, UpdateWebhookEndpoint, WebhookVerifier};
use workos_sandbox::webhook::{Deliver, DeliveryState, Endpoint, SIGNATURE};
use workos_sandbox::{Sandbox, SandboxOptions};

use super::organizations::create;
use super::{client, options};

const SECRET: &str = "whsec_parity";

/// A receiver of webhooks that answers with a list of statuses, of which the last is repeated.
struct Inbox {
    taken: Mutex<Vec<Request<Bytes>>>,
    answers: Mutex<Vec<Result<StatusCode, String>>>,
}

impl Inbox {
    fn answering(answers: &[Result<StatusCode, String>]) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::new(Vec::new()),
            answers: Mutex::new(answers.to_vec()),
        })
    }

    /// Returns the signature and the body of every delivery.
    fn letters(&self) -> Vec<(String, String)> {
        let taken = self.taken.lock().unwrap();
        let letter = |request: &Request<Bytes>| {
            let signature = request.headers()[SIGNATURE].to_str().unwrap().to_owned();
            let body = String::from_utf8(request.body().to_vec()).unwrap();
            (signature, body)
        };
        taken.iter().map(letter).collect()
    }
}

impl Deliver for Inbox {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, String>> {
        self.taken.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        };
        async move { answer }.boxed()
    }
}

fn start(inbox: &Arc<Inbox>) -> Sandbox {
    let endpoint = Endpoint::new("http://127.0.0.1:9/hooks", &SecretString::from(SECRET));
    let mut options: SandboxOptions = options("empty");
    let noon = "2026-01-15T12:00:00Z".parse().unwrap();
    options.clock = Arc::new(FixedClock::from(noon));
    options.webhooks = vec![endpoint.unwrap()];
    options.deliver = Some(Arc::clone(inbox) as Arc<dyn Deliver>);
    Sandbox::new(options)
}

/// The SDK's verifier, so many seconds after the event.
fn verifier(secret: &str, later: u64) -> WebhookVerifier {
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_478_400 + later);
    WebhookVerifier::new(secret).with_clock(move || noon)
}

#[tokio::test(start_paused = true)]
async fn the_sdk_accepts_what_was_sent_and_nothing_else() {
    let inbox = Inbox::answering(&[Ok(StatusCode::OK)]);
    let sandbox = start(&inbox);
    let made = create(&client(&sandbox, "sk_test_x"), "Acme").await;
    sandbox.deliver_webhooks().await;
    let letters = inbox.letters();
    let [(signature, body)] = letters.as_slice() else {
        panic!("one event, one letter: {letters:?}");
    };
    let event = verifier(SECRET, 0)
        .construct_event(signature, body)
        .unwrap();
    assert_eq!(event.event, "organization.created");
    assert_eq!(event.data["id"], made.id.as_str());
    let listed = sandbox.read(|world| world.events().next().unwrap().id.clone());
    assert_eq!(event.id, listed);

    let changed = body.replace("Acme", "Evil");
    assert!(
        verifier(SECRET, 0)
            .verify_payload(signature, &changed)
            .is_err()
    );
    assert!(
        verifier("whsec_other", 0)
            .verify_payload(signature, body)
            .is_err()
    );
    assert!(
        verifier(SECRET, 179)
            .verify_payload(signature, body)
            .is_ok()
    );
    assert!(
        verifier(SECRET, 181)
            .verify_payload(signature, body)
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_signature_that_was_tampered_with_is_refused() {
    let inbox = Inbox::answering(&[Ok(StatusCode::OK)]);
    let sandbox = start(&inbox);
    create(&client(&sandbox, "sk_test_x"), "Acme").await;
    sandbox.deliver_webhooks().await;
    let letters = inbox.letters();
    let (signature, body) = letters.first().unwrap();
    let refuses = |signature: &str, later: u64| {
        verifier(SECRET, later)
            .verify_payload(signature, body)
            .is_err()
    };
    // An old letter does not become a new one by another time.
    let (old, new) = ("t=1768478400000", "t=1768482000000");
    assert!(signature.starts_with(old), "{signature}");
    assert!(refuses(signature, 3600));
    assert!(refuses(&signature.replace(old, new), 3600));
    let (time, _) = signature.split_once(", ").unwrap();
    for broken in ["", time, &format!("{time}, v1="), &format!("{signature}0")] {
        assert!(refuses(broken, 0), "{broken}");
    }
    assert!(!refuses(signature, 0));
}

#[tokio::test(start_paused = true)]
async fn that_a_customer_finished_is_told_signed() {
    let inbox = Inbox::answering(&[Ok(StatusCode::OK)]);
    let sandbox = start(&inbox);
    let made = create(&client(&sandbox, "sk_test_x"), "Acme").await;
    sandbox.world(|world, now| {
        world
            .finish_intent(now, &made.id, Intent::Sso, None)
            .unwrap()
    });
    sandbox.deliver_webhooks().await;
    let events = inbox.letters().into_iter().map(|(signature, body)| {
        verifier(SECRET, 0)
            .construct_event(&signature, &body)
            .unwrap()
    });
    let activated: Vec<_> = events
        .filter(|event| event.event == "connection.activated")
        .collect();
    assert_eq!(activated.len(), 1, "{activated:?}");
    assert_eq!(activated[0].data["organization_id"], made.id.as_str());
}

#[tokio::test(start_paused = true)]
async fn a_failing_endpoint_is_tried_again_with_a_new_signature_and_then_given_up() {
    let inbox = Inbox::answering(&[
        Err("refused".to_owned()),
        Ok(StatusCode::ACCEPTED),
        Ok(StatusCode::INTERNAL_SERVER_ERROR),
    ]);
    let sandbox = start(&inbox);
    let client = client(&sandbox, "sk_test_x");
    create(&client, "One").await;
    create(&client, "Two").await;
    sandbox.deliver_webhooks().await;
    let letters = inbox.letters();
    assert_eq!(letters.len(), 2 + 3);
    let states: Vec<_> = sandbox.deliveries();
    let states: Vec<_> = states
        .iter()
        .map(|delivery| (delivery.state, delivery.attempts, delivery.status))
        .collect();
    assert_eq!(
        states,
        [
            (DeliveryState::Delivered, 2, Some(202)),
            (DeliveryState::Failed, 3, Some(500)),
        ]
    );
    let (first, second) = (&letters[0], &letters[1]);
    assert_eq!(first.1, second.1);
    assert!(first.0.starts_with("t=1768478400000, v1="), "{}", first.0);
    assert!(second.0.starts_with("t=1768478401000, v1="), "{}", second.0);
}

#[test]
fn endpoints_are_on_this_machine() {
    let secret = SecretString::from(SECRET);
    for url in [
        "http://localhost:1/x",
        "http://127.0.0.1:1",
        "http://[::1]:1/",
    ] {
        assert!(Endpoint::new(url, &secret).is_ok(), "{url}");
    }
    for url in [
        "https://127.0.0.1/",
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "http://u:p@127.0.0.1/",
        "127.0.0.1:1",
    ] {
        assert!(Endpoint::new(url, &secret).is_err(), "{url}");
    }
    assert!(Endpoint::new("http://127.0.0.1:1", &SecretString::from("")).is_err());
}

#[tokio::test]
async fn webhook_endpoints_are_made_changed_and_deleted() {
    let (_, client) = super::start("empty");
    let api = client.webhooks();
    let body = json!({
        "endpoint_url": "https://hooks.example.com/webhooks", "events": ["organization.created"],
    });
    let body: CreateWebhookEndpoint = serde_json::from_value(body).unwrap();
    let made = api.create_webhook_endpoint(CreateWebhookEndpointParams::new(body));
    let made = made.await.unwrap();
    assert!(made.secret.expose().starts_with("whsec_"));
    let body: UpdateWebhookEndpoint =
        serde_json::from_value(json!({ "status": "disabled" })).unwrap();
    let params = UpdateWebhookEndpointParams::new(body);
    let changed = api.update_webhook_endpoint(&made.id, params).await.unwrap();
    assert_eq!(changed.status.as_str(), "disabled");
    let listed = api
        .list_webhook_endpoints(ListWebhookEndpointsParams::default())
        .await
        .unwrap();
    assert_eq!(listed.data.len(), 1);
    api.delete_webhook_endpoint(&made.id).await.unwrap();
    let gone = api.delete_webhook_endpoint(&made.id).await;
    assert!(gone.unwrap_err().is_not_found());
}
