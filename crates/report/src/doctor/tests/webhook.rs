//! Tests of the verdicts on the webhook endpoint of an environment.

use super::*;
use portalctl_model::observed::Answer;
use portalctl_workos::WebhookEndpoint;

fn endpoint(url: &str, status: &str, events: &[&str]) -> WebhookEndpoint {
    WebhookEndpoint {
        id: "we_1".to_owned(),
        url: url.to_owned(),
        status: status.to_owned(),
        events: events.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn judged(namespace: Option<&str>, endpoints: Vec<WebhookEndpoint>) -> Check {
    let events = ["organization.created", "connection.activated"];
    let mut facts = healthy();
    facts.expected_webhook = Some(ExpectedWebhook {
        namespace: namespace.map(str::to_owned),
        environment: "prod".to_owned(),
        events: events.map(str::to_owned).into(),
    });
    facts.webhooks = Asked::Answered(Ok(Answer::Found(endpoints)));
    let checks = examine(&facts);
    let mut checks = checks.into_iter();
    checks.find(|one| one.subject == Subject::Webhook).unwrap()
}

const BOTH: [&str; 2] = ["connection.activated", "organization.created"];

#[test]
fn an_endpoint_is_known_by_the_end_of_its_path() {
    for (url, namespace, verdict) in [
        (
            "https://hooks.example.com/webhooks/portal/prod",
            Some("portal"),
            Verdict::Pass,
        ),
        (
            "https://hooks.example.com/op/webhooks/portal/prod/",
            Some("portal"),
            Verdict::Pass,
        ),
        (
            "https://hooks.example.com/webhooks/portal/prod",
            None,
            Verdict::Pass,
        ),
        (
            "https://hooks.example.com/webhooks/other/prod",
            Some("portal"),
            Verdict::Fail,
        ),
        (
            "https://hooks.example.com/webhooks/portal/prod2",
            Some("portal"),
            Verdict::Fail,
        ),
        (
            "https://hooks.example.com/portal/prod",
            Some("portal"),
            Verdict::Fail,
        ),
        (
            "https://webhooks/portal/prod",
            Some("portal"),
            Verdict::Fail,
        ),
        ("no url", Some("portal"), Verdict::Fail),
    ] {
        let check = judged(namespace, vec![endpoint(url, "enabled", &BOTH)]);
        assert_eq!(check.verdict, verdict, "{url}: {check:?}");
    }
}

#[test]
fn what_is_missing_disabled_or_short_of_events_is_told_apart() {
    let at = "https://hooks.example.com/webhooks/portal/prod";
    let told = |endpoints| {
        let check = judged(Some("portal"), endpoints);
        (check.verdict, check.code, check.detail)
    };
    let (verdict, code, _) = told(vec![]);
    assert_eq!(
        (verdict, code),
        (Verdict::Fail, Some(codes::WEBHOOK_MISSING))
    );
    let (verdict, code, detail) = told(vec![endpoint(at, "disabled", &BOTH)]);
    assert_eq!(
        (verdict, code),
        (Verdict::Fail, Some(codes::WEBHOOK_DISABLED))
    );
    assert_eq!(
        detail,
        "the endpoint /webhooks/portal/prod has the status `disabled`"
    );
    let (verdict, code, detail) = told(vec![endpoint(at, "enabled", &BOTH[..1])]);
    assert_eq!(
        (verdict, code),
        (Verdict::Warn, Some(codes::WEBHOOK_EVENTS))
    );
    assert_eq!(
        detail,
        "/webhooks/portal/prod is not sent organization.created"
    );
    // Two that are enabled count together; one that is not counts for nothing.
    let (verdict, ..) = told(vec![
        endpoint(at, "enabled", &BOTH[..1]),
        endpoint(at, "enabled", &BOTH[1..]),
    ]);
    assert_eq!(verdict, Verdict::Pass);
    let (verdict, ..) = told(vec![
        endpoint(at, "enabled", &BOTH[..1]),
        endpoint(at, "disabled", &BOTH[1..]),
    ]);
    assert_eq!(verdict, Verdict::Warn);
}

#[test]
fn what_cannot_be_read_is_no_failure() {
    let mut facts = healthy();
    let check = |facts: &Facts| {
        let mut checks = examine(facts).into_iter();
        checks.find(|one| one.subject == Subject::Webhook).unwrap()
    };
    assert_eq!(check(&facts).verdict, Verdict::Skip);
    facts.expected_webhook = Some(ExpectedWebhook::default());
    for answer in [
        Ok(Answer::Absent),
        Ok(Answer::NotEntitled("no".to_owned())),
        Err(refusal(ApiErrorKind::Server, 500)),
    ] {
        facts.webhooks = Asked::Answered(answer);
        assert_eq!(check(&facts).verdict, Verdict::Skip);
    }
}
