//! Tests of the verdicts on the account: rate limit, client id and declared organizations.

use super::*;

#[test]
fn a_refused_key_is_explained() {
    let refused = |kind, status| {
        let error = refusal(kind, status);
        with_probe(Subject::ApiKeyAccepted, |p| p.refusal = Some(error))
    };
    let check = refused(ApiErrorKind::Unauthorized, 401);
    fails(&check, api::UNAUTHORIZED);
    assert!(check.detail.contains("rotated or revoked"), "{check:?}");
    fails(&refused(ApiErrorKind::Forbidden, 403), api::FORBIDDEN);
    fails(&refused(ApiErrorKind::Rejected, 400), api::REJECTED);
    is(&refused(ApiErrorKind::RateLimited, 429), Verdict::Skip);
}

#[test]
fn the_rate_limit_warns_below_a_tenth() {
    let left = |remaining| {
        with_probe(Subject::RateLimit, |probe| {
            probe.budget = Some(Budget {
                limit: 6000,
                remaining,
                reset_in: Duration::from_secs(45),
            });
        })
    };
    is(&left(600), Verdict::Pass);
    warns(&left(599), codes::LOW_BUDGET);
    assert_eq!(
        left(0).detail,
        "0 of 6000 requests are left; full again in 45 seconds"
    );
    is(
        &with_probe(Subject::RateLimit, |p| p.budget = None),
        Verdict::Pass,
    );
    let error = refusal(ApiErrorKind::RateLimited, 429);
    let limited = with_probe(Subject::RateLimit, |p| p.refusal = Some(error));
    warns(&limited, api::RATE_LIMITED);
}

#[test]
fn organizations_hint_at_the_wrong_environment() {
    let account = |found, missing_pins, others| {
        with(Subject::Organizations, |facts| {
            let probe = ApiProbe {
                has_organizations: Some(others),
                ..probe()
            };
            facts.api_probe = Asked::Answered(Ok(probe));
            facts.account = Asked::Answered(Ok(Account {
                declared: 12,
                asked: 10,
                found,
                without_domain: Vec::new(),
                missing_pins,
            }));
        })
    };
    let check = account(4, Vec::new(), true);
    is(&check, Verdict::Pass);
    assert!(check.detail.contains("4 exist, 6 not yet"), "{check:?}");
    is(&account(0, Vec::new(), false), Verdict::Pass);
    warns(&account(0, Vec::new(), true), codes::NOTHING_FOUND);
    let id = OrganizationId::parse("org_01A").unwrap();
    let one = vec![(key("acme"), id.clone())];
    let check = account(9, one, true);
    fails(&check, plan::PINNED_MISSING);
    assert_eq!(
        check.detail,
        "1 pinned organization does not exist here: acme (org_01A)"
    );
    let five = vec![(key("acme"), id); 5];
    let check = account(0, five, true);
    assert!(
        check
            .detail
            .starts_with("5 pinned organizations do not exist here: acme")
    );
    assert!(check.detail.ends_with(" and 2 more"), "{check:?}");
}

#[test]
fn a_link_is_made_or_said_why_not() {
    let outcome = |outcome| {
        with(Subject::PortalLink, |facts| {
            let key = key("acme");
            facts.link = Asked::Answered(LinkTest { key, outcome });
        })
    };
    fails(&outcome(Err(LinkFailure::NoIntent)), codes::NO_INTENT);
    fails(
        &outcome(Err(LinkFailure::NoOrganization)),
        link::NO_ORGANIZATION,
    );
    let problem = Problem {
        code: link::NOT_ENTITLED,
        message: "no".to_owned(),
        help: Some("ask".to_owned()),
    };
    let check = outcome(Err(LinkFailure::Refused(problem)));
    fails(&check, link::NOT_ENTITLED);
    assert_eq!(check.advice.as_deref(), Some("ask"));
    is(
        &with(Subject::PortalLink, |f| f.link = Asked::not("why")),
        Verdict::Skip,
    );
}
