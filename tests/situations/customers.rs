//! Tests that a customer is found by a key, an id, a domain or a name, and that no request is sent
//! on a guess.

use serde_json::json;

use crate::support::cli::{Output, TestEnv};
use crate::support::stand_in::StandIn;

const MANIFEST: &str = "\
version: 1
environment: { name: staging, api_key: test }
return_urls: { default: https://app.example.com/settings }
organizations:
  acme:
    external_id: cus-1
    name: Acme Corp
    domains: [acme.example]
    intents: [sso, domain_verification]
    it_contacts: [ada@acme.example]
  pinned: { id: org_2, name: Globex, intents: [sso] }
";

/// The account of [`MANIFEST`], and an organization that no entry declares.
fn workos() -> StandIn {
    StandIn::of(|world| {
        world.organization("org_1", "Acme Corp", &json!({"external_id": "cus-1"}));
        world.organization("org_2", "Globex", &json!({"external_id": "other"}));
        world.organization("org_3", "Stranger", &json!({"external_id": "stranger"}));
    })
}

fn run(workos: &StandIn, args: &[&str], exit: i32) -> Output {
    let env = TestEnv::with_manifest(MANIFEST);
    env.args(args).at_url(&workos.url()).exits(exit)
}

#[test]
fn a_customer_is_named_by_key_external_id_or_organization_id() {
    let workos = workos();
    for key in ["acme", "cus-1", "org_1"] {
        workos.forget_requests();
        let args = ["revoke-link", key, "user-1", "-o", "json"];
        let document = run(&workos, &args, 0).json_of("revoke-link");
        assert_eq!(document["key"], "acme", "{key}");
        assert_eq!(document["organization_id"], "org_1", "{key}");
        // Two look-ups, one for the domain, and the write.
        assert!(workos.requests().len() <= 4, "{:?}", workos.requests());
    }
    let args = ["revoke-link", "org_2", "user-1", "-o", "json"];
    let document = run(&workos, &args, 0).json_of("revoke-link");
    assert_eq!(document["key"], "pinned");
}

#[test]
fn what_sends_or_mints_refuses_a_domain_or_a_name_where_nobody_can_be_asked() {
    let workos = workos();
    for named in ["acme.example", "ACME corp"] {
        for args in [
            &["link", named, "sso", "--allow-non-tty"][..],
            &["invite", named, "--yes"],
            &["revoke-link", named, "user-1"],
            &["verify-domain", named],
        ] {
            let output = run(&workos, args, 3);
            let said = &output.stderr;
            assert!(said.contains("error[cli/no-consent]"), "{output}");
            assert!(said.contains("of the organization `acme`"), "{output}");
            assert!(said.contains("name it by its key: acme"), "{output}");
            assert_eq!(output.stdout, "", "{output}");
        }
    }
    assert_eq!(workos.requests().len(), 0);
    let args = ["revoke-link", "acme.example", "user-1", "-o", "json"];
    let document = run(&workos, &args, 3).json_of("revoke-link");
    assert_eq!(document["errors"][0]["code"], "cli/no-consent");
    assert_eq!(document["revoked"], false);
}

#[test]
fn what_only_reads_takes_a_domain_or_a_name() {
    let workos = workos();
    workos.with(|world| world.connection("conn_1", "org_1", "active"));
    for named in ["acme.example", "acme corp"] {
        let args = ["wait", named, "sso", "-o", "json"];
        let document = run(&workos, &args, 0).json_of("wait");
        assert_eq!(document["key"], "acme", "{named}");
    }
}

#[test]
fn an_organization_of_nobody_in_the_manifest_is_not_acted_on() {
    let workos = workos();
    for (id, told) in [
        ("org_3", "org_3 (Stranger) has the external id `stranger`"),
        ("org_4", "org_4: WorkOS has no such organization"),
    ] {
        let args = ["link", id, "sso", "--allow-non-tty"];
        let output = run(&workos, &args, 7);
        let said = &output.stderr;
        assert!(said.contains("error[cli/other-organization]"), "{output}");
        assert!(said.contains(told), "{output}");
    }
    assert_eq!(workos.writes(), Vec::<String>::new());
}

#[test]
fn what_names_nobody_says_who_is_near() {
    let workos = workos();
    for (named, near) in [
        ("acne", "did you mean `acme`?"),
        ("acme.exmaple", "did you mean `acme` (acme.example)?"),
        ("Globexx", "did you mean `pinned` (Globex)?"),
    ] {
        let output = run(&workos, &["revoke-link", named, "user-1"], 3);
        assert!(
            output.stderr.contains("there is no such organization"),
            "{output}"
        );
        assert!(output.stderr.contains(near), "{output}");
    }
    assert_eq!(workos.requests().len(), 0);
}
