//! Tests of the client over a scripted transport: retries, keys, errors and what is never sent.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Mutex;

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;

use super::*;
use crate::{
    LinkRequest, List, NewOrganization, OrganizationPatch, ReadPortal, ReadProgress, SsoOptions,
    WritePortal,
};
use portalctl_model::observed::{Answer, Organization};
use portalctl_model::{ExternalId, Intent, OrganizationId};
use portalctl_platform::clock::{Clock, FixedClock, SystemClock};

type Reply = Result<Response<Bytes>, TransportError>;

/// Answers from a script, the last line of it for good.
#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<String>>,
    /// Requests that are on their way now, and the most at any time.
    in_flight: Mutex<(usize, usize)>,
    latency: Duration,
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Reply> {
        let (parts, body) = request.into_parts();
        let body = String::from_utf8(body.into()).unwrap();
        let line = format!("{} {} {body}", parts.method, parts.uri);
        self.requests
            .lock()
            .unwrap()
            .push(line.trim_end().to_owned());
        let mut replies = self.replies.lock().unwrap();
        let reply = match replies.len() {
            1 => replies[0].clone(),
            _ => replies.pop_front().unwrap(),
        };
        async move {
            {
                let mut in_flight = self.in_flight.lock().unwrap();
                in_flight.0 += 1;
                in_flight.1 = in_flight.1.max(in_flight.0);
            }
            SystemClock.sleep(self.latency).await;
            self.in_flight.lock().unwrap().0 -= 1;
            reply
        }
        .boxed()
    }
}

fn answer(status: u16, body: &str) -> Response<Bytes> {
    let response = Response::builder()
        .status(status)
        .header("x-request-id", "req_1");
    response.body(body.to_owned().into()).unwrap()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a line of a script may be an error"
)]
fn reply(status: u16, body: &str) -> Reply {
    Ok(answer(status, body))
}

fn no_reply(kind: TransportErrorKind) -> Reply {
    Err(TransportError::new(kind, "the network said no"))
}

fn client(replies: impl IntoIterator<Item = Reply>) -> (Client, Arc<Script>) {
    client_with_latency(Duration::from_millis(20), replies)
}

fn client_with_latency(
    latency: Duration,
    replies: impl IntoIterator<Item = Reply>,
) -> (Client, Arc<Script>) {
    let script = Arc::new(Script {
        replies: Mutex::new(replies.into_iter().collect()),
        latency,
        ..Script::default()
    });
    let client = Client::new(Settings {
        endpoint: Endpoint::default(),
        key: Some(ApiKey::parse("sk_test_c0ffee").unwrap()),
        transport: Arc::clone(&script) as Arc<dyn Transport>,
        clock: Arc::new(FixedClock::from(Timestamp::UNIX_EPOCH)),
        rate: Rate::ceiling(NonZeroU32::new(100).unwrap()),
        seed: 7,
    });
    (client, script)
}

struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _: List, _: usize) {}
}

fn org(text: &str) -> OrganizationId {
    OrganizationId::from_api(text)
}

fn acme() -> NewOrganization {
    NewOrganization {
        allow_profiles_outside_organization: None,
        name: "Acme".to_owned(),
        external_id: ExternalId::parse("acme").unwrap(),
        domains: [].into(),
        metadata: [].into(),
    }
}

const ORG: &str = r#"{"id":"org_1","name":"Acme"}"#;

async fn read(client: &Client) -> ApiResult<Option<Organization>> {
    client.organization(&org("org_1")).await
}

#[tokio::test(start_paused = true)]
async fn a_read_is_tried_again_until_it_can_be_read() {
    use TransportErrorKind::{Broken, Timeout};
    let (client, script) = client([
        reply(500, ""),
        no_reply(Timeout),
        no_reply(Broken),
        reply(200, r#"{"id":"org_"#),
        reply(200, ORG),
    ]);
    assert_eq!(read(&client).await.unwrap().unwrap().name, "Acme");
    assert_eq!(client.requests_used(), 5);
    assert_eq!(
        script.requests.lock().unwrap()[4],
        "GET https://api.workos.com/organizations/org_1"
    );
}

#[tokio::test(start_paused = true)]
async fn a_read_is_given_up_after_five_attempts() {
    let (client, _) = client([reply(502, "<html>Bad Gateway</html>")]);
    let error = read(&client).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ApiErrorKind::Server, 5));
    assert_eq!(
        error.to_string(),
        "GET /organizations/org_1 answered 502: <html>Bad Gateway</html> (tried 5 times) \
         [request req_1]"
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_cannot_be_reached_is_given_up_soon_and_counts_no_request() {
    let began = SystemClock.instant();
    let (client, _) = client([no_reply(TransportErrorKind::Connect)]);
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unreachable);
    assert!(error.is_fatal() && !error.is_ambiguous());
    assert!(SystemClock.instant() - began < Duration::from_secs(8));
    assert_eq!(client.requests_used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_tried_again_only_when_it_surely_had_no_effect() {
    let (client, _) = client([
        no_reply(TransportErrorKind::Connect),
        reply(429, r#"{"message":"Too Many Requests"}"#),
        reply(201, ORG),
    ]);
    client.create_organization(&acme()).await.unwrap();
    assert_eq!(client.requests_used(), 2);
}

#[tokio::test(start_paused = true)]
async fn metadata_is_not_sent_again_long_after_it_was_merged() {
    let patch = |metadata| OrganizationPatch {
        name: Some("Acme".to_owned()),
        metadata,
        ..OrganizationPatch::default()
    };
    let merged = patch(Some([("tier".to_owned(), None)].into()));
    for (patch, is_sent_again) in [(&merged, false), (&patch(None), true)] {
        let mut limited = answer(429, "{}");
        let wait = HeaderValue::from_static("2");
        limited.headers_mut().insert("retry-after", wait);
        let (client, _) = client([Ok(limited), reply(200, ORG)]);
        let result = client.update_organization(&org("org_1"), patch).await;
        assert_eq!(result.is_ok(), is_sent_again, "{patch:?}");
        assert_eq!(client.requests_used(), 1 + u64::from(is_sent_again));
        if let Err(error) = result {
            assert_eq!(error.kind, ApiErrorKind::RateLimited);
            assert_eq!(error.retry_after, Some(Duration::from_secs(2)));
        }
    }
    let (soon, _) = client([no_reply(TransportErrorKind::Connect), reply(200, ORG)]);
    soon.update_organization(&org("org_1"), &merged)
        .await
        .unwrap();
    assert_eq!(soon.requests_used(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_had_an_effect_is_the_callers_to_look_up() {
    use TransportErrorKind::{Broken, Invalid, Timeout, TooLarge};
    for lost in [
        reply(500, "{}"),
        reply(503, "{}"),
        reply(201, r#"{"id":"#),
        reply(201, "{}"),
        no_reply(Timeout),
        no_reply(Broken),
        no_reply(TooLarge),
        no_reply(Invalid),
    ] {
        let (client, _) = client([lost]);
        let error = client.create_organization(&acme()).await.unwrap_err();
        assert!(error.is_ambiguous(), "{error}");
        assert_eq!(client.requests_used(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_taken_external_id_has_its_own_kind() {
    let body = r#"{"message":"Request could not be processed.","code":"external_id_already_used"}"#;
    let (client, _) = client([reply(400, body)]);
    let error = client.create_organization(&acme()).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::ExternalIdTaken);
    assert_eq!(
        error.upstream_code.as_deref(),
        Some("external_id_already_used")
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_api_itself_can_say_that_there_is_none() {
    let (client, _) = client([
        reply(404, r#"{"message":"Not Found","code":"not_found"}"#),
        reply(404, "<html>nginx</html>"),
    ]);
    assert_eq!(read(&client).await, Ok(None));
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::InvalidAnswer);
    assert_eq!(client.requests_used(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_server_is_no_answer() {
    let mut page = answer(200, "<html>Sign in to the Wi-Fi</html>");
    page.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let (client, _) = client([Ok(page)]);
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::InvalidAnswer);
    assert!(error.message.ends_with("(text/html)"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_object_without_an_id_does_not_fail_its_list() {
    let body = r#"{"data":[{"name":"Acme"},null,{"id":"org_1"}],
                   "list_metadata":{"before":null,"after":null}}"#;
    let (client, _) = client([reply(200, body)]);
    let organizations = client.organizations(&Silent, 0).await.unwrap();
    let seen: Vec<_> = organizations
        .iter()
        .map(|one| (one.id.as_str(), one.name.as_str()))
        .collect();
    assert_eq!(seen, [("org_1", ""), ("", "Acme"), ("", "")]);
    assert_eq!(client.requests_used(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_without_data_is_no_list() {
    let (client, _) = client([reply(200, r#"{"message":"Acme"}"#)]);
    let error = client.organizations(&Silent, 0).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::InvalidAnswer);
    assert!(
        error.message.starts_with("a list without `data`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_told_and_not_followed() {
    let mut redirect = answer(301, "");
    redirect.headers_mut().insert(
        http::header::LOCATION,
        HeaderValue::from_static("https://elsewhere.example/organizations"),
    );
    let (client, _) = client([Ok(redirect)]);
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Redirected);
    assert_eq!(error.message, "redirects to elsewhere.example");
    assert_eq!(client.requests_used(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_audit_log_configuration_may_be_absent_or_not_entitled() {
    let (client, _) = client([
        reply(404, "{}"),
        reply(403, r#"{"message":"Not in your plan"}"#),
        reply(401, r#"{"message":"Unauthorized"}"#),
    ]);
    let id = org("org_1");
    assert_eq!(
        client.audit_log_configuration(&id).await,
        Ok(Answer::Absent)
    );
    assert_eq!(
        client.audit_log_configuration(&id).await,
        Ok(Answer::NotEntitled("Not in your plan".to_owned()))
    );
    let error = client.audit_log_configuration(&id).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn no_error_holds_the_key_or_a_link() {
    let body = r#"{"message":"key sk_test_c0ffee cannot open https://setup.workos.com?token=abc"}"#;
    let (client, _) = client([reply(403, body)]);
    let error = read(&client).await.unwrap_err();
    for secret in ["c0ffee", "abc"] {
        assert!(!format!("{error} {error:?}").contains(secret), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_everybody_back() {
    let mut limited = answer(429, "{}");
    limited
        .headers_mut()
        .insert("retry-after", HeaderValue::from_static("30"));
    let (client, _) = client([Ok(limited), reply(200, ORG)]);
    let began = SystemClock.instant();
    let (first, second) = futures::join!(read(&client), async {
        SystemClock.sleep(Duration::from_millis(40)).await;
        read(&client).await
    });
    first.unwrap();
    second.unwrap();
    let took = SystemClock.instant() - began;
    assert!(took >= Duration::from_secs(30), "{took:?}");
    assert!(took < Duration::from_secs(31), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_with_what_was_asked_for_holds_nobody_back() {
    let mut page = answer(200, ORG);
    page.headers_mut()
        .insert("retry-after", HeaderValue::from_static("120"));
    let (client, _) = client([Ok(page), reply(200, ORG)]);
    let began = SystemClock.instant();
    read(&client).await.unwrap();
    read(&client).await.unwrap();
    let took = SystemClock.instant() - began;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_allowed_are_on_their_way() {
    // Slow enough for the pace to fill the line.
    let (client, script) = client_with_latency(Duration::from_secs(1), [reply(200, ORG)]);
    let many = futures::future::join_all((0..100).map(|_| read(&client))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(*script.in_flight.lock().unwrap(), (0, MAX_IN_FLIGHT));
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_request_gives_its_place_back() {
    let (client, _) = client_with_latency(Duration::from_hours(1), [reply(200, ORG)]);
    let many = futures::future::join_all((0..2 * MAX_IN_FLIGHT).map(|_| read(&client)));
    assert!(
        portalctl_platform::clock::within(Duration::from_mins(1), many)
            .await
            .is_none()
    );
    assert_eq!(client.in_flight.available_permits(), MAX_IN_FLIGHT);
    assert_eq!(client.requests_used(), 32);
}

#[tokio::test(start_paused = true)]
async fn lists_and_writes_ask_what_the_api_documents() {
    let list = r#"{"data":[{"id":"org_1"}],"list_metadata":{"after":null}}"#;
    let (client, script) = client([
        reply(200, list),
        reply(200, list),
        reply(200, ORG),
        reply(200, ORG),
        reply(202, ""),
        reply(201, r#"{"id":"d_1","domain":"acme.com"}"#),
        reply(204, ""),
        reply(200, r#"{"link":"https://setup.workos.com?token=x"}"#),
    ]);
    let id = org("org_1");
    let domain = portalctl_model::Domain::parse("acme.com").unwrap();
    client.organizations(&Silent, 0).await.unwrap();
    client.organizations_by_domain(&domain).await.unwrap();
    let external_id = ExternalId::parse("a/b").unwrap();
    client
        .organization_by_external_id(&external_id)
        .await
        .unwrap();
    let patch = OrganizationPatch {
        name: Some("Acme".to_owned()),
        ..OrganizationPatch::default()
    };
    client.update_organization(&id, &patch).await.unwrap();
    client.delete_organization(&id).await.unwrap();
    client.add_domain(&id, &domain).await.unwrap();
    client.remove_domain("d_1").await.unwrap();
    let link = LinkRequest {
        organization: id,
        intent: Intent::Sso,
        return_url: None,
        success_url: None,
        external_user_id: None,
        sso: SsoOptions::default(),
        it_contacts: Vec::new(),
    };
    client.generate_link(&link).await.unwrap();
    let base = "https://api.workos.com";
    assert_eq!(
        *script.requests.lock().unwrap(),
        [
            format!("GET {base}/organizations?limit=100&order=desc"),
            format!("GET {base}/organizations?limit=100&order=desc&domains=acme.com"),
            format!("GET {base}/organizations/external_id/a%2Fb"),
            format!(r#"PUT {base}/organizations/org_1 {{"name":"Acme"}}"#),
            format!("DELETE {base}/organizations/org_1"),
            format!(
                r#"POST {base}/organization_domains {{"domain":"acme.com","organization_id":"org_1"}}"#
            ),
            format!("DELETE {base}/organization_domains/d_1"),
            format!(
                r#"POST {base}/portal/generate_link {{"intent":"sso","organization":"org_1"}}"#
            ),
        ]
    );
}

#[test]
fn jitter_replays_from_its_seed() {
    let draw = |seed| {
        let jitter = Jitter::new(seed);
        (0..100).map(|_| jitter.next()).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    assert!(draw(7).iter().all(|n| (0.0..1.0).contains(n)));
}

/// Keys that a source gives, one after the other; the last one for good.
struct Rotating(Mutex<VecDeque<&'static str>>);

impl KeySource for Rotating {
    fn read(&self) -> Option<ApiKey> {
        let mut keys = self.0.lock().unwrap();
        let key = match keys.len() {
            0 => return None,
            1 => keys[0],
            _ => keys.pop_front().unwrap(),
        };
        ApiKey::parse(key).ok()
    }
}

fn rotating(
    keys: &[&'static str],
    replies: impl IntoIterator<Item = Reply>,
) -> (Client, Arc<Script>) {
    let (client, script) = client(replies);
    let source = Rotating(Mutex::new(keys.iter().copied().collect()));
    (client.with_key_source(Arc::new(source)), script)
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_sent_again_with_another_key() {
    let keys = ["sk_test_one_key", "sk_test_two_key"];
    let refused = || reply(401, "{}");
    let link = r#"{"link":"https://setup.workos.com?token=x"}"#;
    let (client, script) = rotating(&keys, [refused(), reply(201, link)]);
    let request = LinkRequest {
        organization: OrganizationId::from_api("org_1"),
        intent: Intent::Sso,
        return_url: None,
        success_url: None,
        external_user_id: None,
        sso: SsoOptions::default(),
        it_contacts: Vec::new(),
    };
    assert!(client.generate_link(&request).await.is_ok());
    assert_eq!(script.requests.lock().unwrap().len(), 2);
    assert!(!client.is_key_refused());
}

#[tokio::test(start_paused = true)]
async fn keys_that_change_for_ever_do_not_keep_a_request_going() {
    let keys = [
        "sk_test_1_key",
        "sk_test_2_key",
        "sk_test_3_key",
        "sk_test_4_key",
        "sk_test_5_key",
    ];
    let (client, script) = rotating(&keys, [reply(401, "{}")]);
    let error = client
        .organization(&OrganizationId::from_api("org_1"))
        .await;
    assert_eq!(error.unwrap_err().kind, ApiErrorKind::Unauthorized);
    assert_eq!(script.requests.lock().unwrap().len(), 3);
    assert!(client.is_key_refused());
}

#[tokio::test(start_paused = true)]
async fn the_same_key_is_not_tried_twice_and_a_failing_server_accepts_none() {
    let replies = [reply(401, "{}"), reply(500, "{}"), reply(404, "{}")];
    let (client, script) = rotating(&["sk_test_key_of_test"], replies);
    let id = OrganizationId::from_api("org_1");
    assert!(client.organization(&id).await.is_err());
    assert_eq!(script.requests.lock().unwrap().len(), 1);
    assert!(client.is_key_refused());
    // A server error tells nothing about the key, any other answer does.
    assert!(client.organization(&id).await.unwrap().is_none());
    assert!(!client.is_key_refused());
}

#[tokio::test(start_paused = true)]
async fn neither_the_key_in_use_nor_the_one_before_it_is_repeated() {
    let keys = ["opaque-one-1234", "opaque-two-1234"];
    let told = r#"{"message":"opaque-one-1234 opaque-two-1234"}"#;
    let (client, _) = rotating(&keys, [reply(401, told), reply(422, told)]);
    let error = client
        .organization(&OrganizationId::from_api("org_1"))
        .await;
    assert_eq!(error.unwrap_err().message, "[key] [key]");
}
