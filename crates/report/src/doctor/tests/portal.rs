//! Tests of the verdicts on return URLs and on making a link.

use super::*;

#[test]
fn return_urls_are_counted_and_hosts_pinned() {
    let check = with(Subject::ReturnUrls, |facts| {
        let urls = facts.urls.get_or_insert_default();
        urls.urls.insert(url("http://localhost:3000/back"));
    });
    is(&check, Verdict::Pass);
    assert_eq!(
        check.detail,
        "2 URLs on 2 hosts (app.example.com, localhost), https but for 1 on this machine"
    );
    let check = with(Subject::ReturnUrls, |facts| {
        facts.manifest = ManifestFacts::Invalid {
            errors: 2,
            first: finding(manifest_codes::UNKNOWN_FIELD),
            urls: Some((1, finding(manifest_codes::URL_NOT_HTTPS))),
        };
        facts.urls = None;
    });
    fails(&check, manifest_codes::URL_NOT_HTTPS);
    let check = with(Subject::AllowedHosts, |facts| {
        facts.urls.get_or_insert_default().allowed_hosts.clear();
    });
    warns(&check, codes::NO_ALLOWED_HOSTS);
    let none = |facts: &mut Facts| facts.urls = Some(UrlFacts::default());
    is(&with(Subject::ReturnUrls, none), Verdict::Skip);
    is(&with(Subject::AllowedHosts, none), Verdict::Skip);
}

#[test]
fn pages_behind_a_login_are_there() {
    let answer = |answer: Probed| {
        with(Subject::ReturnUrlsAnswer, |facts| {
            let url = "https://app.example.com/back".to_owned();
            let good = Probe {
                url: url.clone(),
                answer: Probed::Status(200),
            };
            let probed = vec![good, Probe { url, answer }];
            facts.probes = Asked::Answered(Probes { probed, untried: 3 });
        })
    };
    for good in [200, 204, 302, 308, 401, 403] {
        let check = answer(Probed::Status(good));
        is(&check, Verdict::Pass);
        assert_eq!(
            check.detail,
            "2 URLs asked, all answer; 3 more were not tried"
        );
    }
    for bad in [404, 410, 500, 503] {
        fails(&answer(Probed::Status(bad)), codes::RETURN_URL_FAILS);
    }
    for odd in [400, 405, 429] {
        warns(&answer(Probed::Status(odd)), codes::RETURN_URL_ODD);
    }
    let steps = [
        ConnectFailure::Name,
        ConnectFailure::Refused,
        ConnectFailure::Tls,
    ];
    for at in steps.map(Some).into_iter().chain([None]) {
        let message = "something".to_owned();
        fails(
            &answer(Probed::Failed { at, message }),
            codes::RETURN_URL_FAILS,
        );
    }
}

#[test]
fn intents_without_a_return_url_are_counted() {
    let entry = |own: Option<&str>| DesiredOrganization {
        allow_profiles_outside_organization: None,
        retention_days: None,
        source: Source::nowhere(),
        id: None,
        external_id: Some(ExternalId::parse("acme").unwrap()),
        previous_keys: Vec::new(),
        plain_key: None,
        name: Some("Acme".to_owned()),
        domains: None,
        domains_policy: DomainsPolicy::Add,
        intents: [Intent::Sso, Intent::Dsync]
            .map(|intent| (intent, IntentSettings::default()))
            .into(),
        return_url: own.map(url),
        metadata: [].into(),
        it_contacts: Vec::new(),
        invite: Invite::Never,
        protect: None,
        stripe_customer_id: None,
        ignore_fields: [].into(),
        allow_shared_domain: false,
        allow_same_name: false,
        claim: false,
        allow: [].into(),
        management: portalctl_model::desired::Management::Manage,
        resource: None,
        holder: None,
    };
    let mut desired = Desired {
        organizations: [
            (key("acme"), entry(None)),
            (key("globex"), entry(Some("https://globex.example.com/"))),
        ]
        .into(),
        ..Desired::default()
    };
    let check = |desired: &Desired| {
        let facts = UrlFacts::of(desired);
        with(Subject::DefaultReturnUrl, |f| f.urls = Some(facts))
    };
    warns(&check(&desired), codes::NO_RETURN_URL);
    assert!(check(&desired).detail.contains("acme sso, acme dsync:"));
    desired.return_urls = ReturnUrls {
        default: Some(url("https://app.example.com/")),
        ..ReturnUrls::default()
    };
    is(&check(&desired), Verdict::Skip);
    assert_eq!(UrlFacts::of(&desired).urls.len(), 2);
}
