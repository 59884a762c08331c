//! Tests `portalctl invite`, and `invite: once` from the manifest to the e-mail.

use serde_json::Value;

use crate::support::cli::{TestEnv, snapshot};

const CUSTOMERS: &str = "\
version: 1
organizations:
  acme:
    name: Acme Corp
    intents: [sso, dsync, audit_logs]
    it_contacts: [ada@acme.com, bob@acme.com]
  loner:
    name: Loner
    intents: [sso]
";

/// The customers, created; nobody is invited yet.
fn created() -> TestEnv {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    env
}

/// The invitations that the sandbox has sent and that are active: to whom, to set up what.
fn invitations(env: &TestEnv) -> Vec<(String, Vec<String>)> {
    let state: Value = serde_json::from_str(&env.read("s.json")).unwrap();
    let mut contacts = Vec::new();
    let mut invited = Vec::new();
    objects(&state, &mut |object| {
        if let (Some(id), Some(email)) = (object["id"].as_str(), object["email"].as_str()) {
            contacts.push((id.to_owned(), email.to_owned()));
        }
        if let (Some(id), Some(intents)) =
            (object["contact_id"].as_str(), object["intents"].as_array())
        {
            let intents = intents.iter().map(|intent| intent.as_str().unwrap());
            invited.push((id.to_owned(), intents.map(str::to_owned).collect()));
        }
    });
    let email = |id: &str| contacts.iter().find(|contact| contact.0 == id).unwrap();
    let named = invited.into_iter();
    named
        .map(|(id, intents)| (email(&id).1.clone(), intents))
        .collect()
}

/// Every object of a document, however deep.
fn objects(value: &Value, found: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(fields) => {
            found(value);
            for field in fields.values() {
                objects(field, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        _ => {}
    }
}

fn to(email: &str, intents: &[&str]) -> Vec<(String, Vec<String>)> {
    let intents = intents.iter().map(|intent| (*intent).to_owned()).collect();
    vec![(email.to_owned(), intents)]
}

/// Checks that `invite KEY` is refused with a code and an exit code, and changes nothing.
#[track_caller]
fn refused(env: &TestEnv, line: &str, exit: i32, code: &str) {
    let sent = || {
        let exists = env.path("s.json").exists();
        if exists { invitations(env) } else { Vec::new() }
    };
    let before = sent();
    let line = format!("invite {line} --sandbox=s.json --yes -o json");
    let output = env.run(&line).exits(exit);
    let document = output.json_of("invite");
    assert_eq!(document["errors"][0]["code"], code, "{output}");
    assert_eq!(document["outcome"], Value::Null);
    let told = format!("error[{code}]");
    assert!(output.stderr.contains(&told), "{output}");
    assert_eq!(sent(), before);
}

#[test]
fn a_contact_is_invited_marked_and_then_only_again() {
    let env = created();
    let sent = env.run("invite acme --sandbox=s.json --yes").exits(0);
    snapshot!(sent.stdout);
    assert_eq!(sent.stderr, "");
    let both = to("ada@acme.com", &["sso", "directory_sync"]);
    assert_eq!(invitations(&env), both);
    refused(&env, "acme", 7, "invite/already-invited");

    let line = "invite acme --again --contact BOB@acme.com --intent dsync --sandbox=s.json --yes";
    let _ = env.run(line).exits(0);
    let again = to("bob@acme.com", &["directory_sync"]);
    assert_eq!(invitations(&env), again);
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
}

#[test]
fn the_document_says_who_is_invited_to_what() {
    let env = created();
    env.edit("portal.yaml", "bob@acme.com", "carol@acme.com");
    let output = env
        .run("invite acme --sandbox=s.json --yes -o json")
        .exits(0);
    let document = output.json_of("invite");
    assert_eq!(document["outcome"], "sent");
    assert_eq!(document["key"], "acme");
    assert_eq!(document["contact"], "ada@acme.com");
    assert_eq!(document["contacts_added"][0], "carol@acme.com");
    assert_eq!(document["intents"], serde_json::json!(["sso", "dsync"]));
    assert_eq!(document["not_invitable"], serde_json::json!(["audit_logs"]));
    let plan = env.run("plan --sandbox=s.json -o json").exits(0);
    assert_eq!(plan.json_of("plan")["summary"]["unchanged"], 2);
}

#[test]
fn an_active_invitation_is_ended_by_command() {
    let env = created();
    let revoke = "invite acme --revoke --sandbox=s.json --yes";
    let nothing = env.run(revoke).exits(0);
    snapshot!(nothing.stdout);
    let _ = env.run("invite acme --sandbox=s.json --yes").exits(0);
    let ended = env.run(revoke).exits(0);
    snapshot!(ended.stdout);
    assert_eq!(invitations(&env), []);
    let output = env.run(&format!("{revoke} -o json")).exits(0);
    let document = output.json_of("invite");
    assert_eq!(document["outcome"], "revoked");
    assert_eq!(document["contact"], Value::Null);
    // Ended on purpose: it is not sent again by itself.
    refused(&env, "acme", 7, "invite/already-invited");
    env.edit(
        "portal.yaml",
        "it_contacts:",
        "invite: once\n    it_contacts:",
    );
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
    let output = env
        .run("invite loner --revoke --sandbox=s.json --yes")
        .exits(0);
    assert!(output.stdout.contains("nothing to end"), "{output}");
}

#[test]
fn what_another_contact_has_is_marked_and_said() {
    let env = created();
    let _ = env
        .run("invite acme --contact bob@acme.com --sandbox=s.json --yes")
        .exits(0);
    // A person removed the mark: WorkOS still has the invitation.
    let state = env.read("s.json");
    let at = state.find("portalctl_invited").unwrap();
    let mark = state[at..].split(['"', ':']).next().unwrap();
    env.write("s.json", &state.replace(mark, "somebody_elses_mark"));
    let output = env.run("invite acme --sandbox=s.json --yes").exits(0);
    snapshot!(output.stdout);
    assert!(env.read("s.json").contains("portalctl_invited"));
    assert_eq!(invitations(&env).len(), 1);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_code() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    // Before any request.
    refused(&env, "loner", 3, "invite/no-contacts");
    refused(
        &env,
        "acme --contact eve@acme.com",
        3,
        "invite/contact-not-declared",
    );
    refused(
        &env,
        "acme --intent log_streams",
        3,
        "invite/intent-not-declared",
    );
    refused(&env, "acme --intent audit_logs", 3, "invite/not-invitable");
    refused(&env, "acmee", 3, "cli/nothing-selected");
    // After a look.
    refused(&env, "acme", 7, "invite/no-organization");
    refused(&env, "acme --revoke", 7, "invite/no-organization");
}

#[test]
fn what_is_configured_is_not_invited_to() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    env.write(
        "scenario.yaml",
        "organizations:\n  - name: Acme Corp\n    external_id: acme\n    connections: [{ state: active }]\n",
    );
    let server = crate::support::sandbox_server::SandboxServer::with(&env, "--load scenario.yaml");
    let configured = env
        .run("invite acme --intent sso --yes -o json")
        .at(&server);
    let document = configured.exits(7).json_of("invite");
    assert_eq!(document["errors"][0]["code"], "invite/configured");
    let rest = env.run("invite acme --yes -o json").at(&server).exits(0);
    assert_eq!(
        rest.json_of("invite")["intents"],
        serde_json::json!(["dsync"])
    );
}

#[test]
fn without_a_terminal_consent_is_a_flag() {
    let env = created();
    let output = env.run("invite acme --sandbox=s.json -o json").exits(3);
    let document = output.json_of("invite");
    assert_eq!(document["errors"][0]["code"], "cli/no-consent");
    assert_eq!(invitations(&env), []);
}

#[test]
fn addresses_are_masked_where_others_read_along() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    env.edit(
        "portal.yaml",
        "it_contacts:",
        "invite: once\n    it_contacts:",
    );
    for line in [
        "plan --sandbox=s.json",
        "apply --sandbox=s.json --yes",
        "invite acme --again --sandbox=s.json --yes",
        "invite acme --contact bob@nowhere.com --sandbox=s.json --yes",
        "invite acme --revoke --sandbox=s.json --yes",
    ] {
        let output = env.run(line).env("CI", "true").output();
        for hidden in ["ada@", "bob@"] {
            assert!(!output.stdout.contains(hidden), "{line}: {output}");
            assert!(!output.stderr.contains(hidden), "{line}: {output}");
        }
    }
}

// `invite: once`.

/// Customers who are to be invited.
fn to_invite(count: usize) -> TestEnv {
    let mut manifest = String::from("version: 1\norganizations:\n");
    for n in 1..=count {
        manifest.push_str(&format!(
            "  customer-{n:02}:\n    name: Customer {n}\n    intents: [sso, audit_logs]\n    \
             it_contacts: [it@customer{n}.com]\n    invite: once\n"
        ));
    }
    TestEnv::with_manifest(&manifest)
}

#[test]
fn what_is_planned_is_sent_and_then_there_is_nothing_to_do() {
    let env = to_invite(1);
    let plan = env.run("plan --sandbox=s.json").exits(0);
    snapshot!(plan.stdout);
    let output = env.run("apply --sandbox=s.json --yes -o json").exits(0);
    let document = output.json_of("apply");
    let invitation = &document["changes"][1];
    assert_eq!(invitation["action"], "invite");
    assert_eq!(invitation["outcome"], "done");
    assert_eq!(
        invitation["organization_id"],
        document["changes"][0]["organization_id"]
    );
    assert_eq!(invitations(&env), to("it@customer1.com", &["sso"]));
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
}

#[test]
fn a_saved_plan_holds_its_invitations_and_can_be_applied_twice() {
    let env = to_invite(2);
    let plan = env
        .run("plan --sandbox=s.json --out plan.json -o json")
        .exits(0);
    let document = plan.json_of("plan");
    assert_eq!(document["summary"]["invite"], 2);
    let invitation = &document["changes"][2];
    assert_eq!(invitation["organization_id"], Value::Null);
    assert_eq!(
        invitation["invitation"],
        serde_json::json!({
            "contact": "it@customer1.com",
            "intents": ["sso"],
            "not_invitable": ["audit_logs"],
        })
    );
    for done in [4, 0] {
        let output = env.run("apply plan.json --sandbox=s.json -o json").exits(0);
        assert_eq!(output.json_of("apply")["summary"]["done"], done);
        assert_eq!(invitations(&env).len(), 2);
    }
    // The recipients are the reviewed ones.
    let _ = env.run("plan --sandbox=t.json --out plan.json").exits(0);
    env.edit("plan.json", "it@customer1.com", "eve@evil.com");
    let output = env.run("apply plan.json --sandbox=t.json").exits(7);
    assert!(output.stderr.contains("error[plan/saved-plan]"), "{output}");
}

#[test]
fn more_than_ten_wait_for_a_flag() {
    let env = to_invite(11);
    let output = env.run("apply --sandbox=s.json --yes -o json").exits(7);
    let document = output.json_of("apply");
    assert_eq!(document["summary"]["done"], 11);
    let held = document["held"].as_array().unwrap();
    assert_eq!(held.len(), 11);
    for held in held {
        assert_eq!(held["action"], "invite");
        assert_eq!(held["code"], "plan/limit-exceeded");
        assert_eq!(held["allow"], "--allow-bulk");
    }
    assert_eq!(invitations(&env), []);
    let plan = env
        .run("plan --sandbox=s.json --only customer-01,customer-02")
        .exits(0);
    assert!(plan.stdout.contains("2 to invite"), "{plan}");
    let plan = env.run("plan --sandbox=s.json").exits(7);
    let told = "a run sends 10 invitations at most unasked, the plan has 11";
    assert_eq!(plan.stdout.matches(told).count(), 1, "{plan}");
    let _ = env
        .run("apply --sandbox=s.json --yes --allow-bulk")
        .exits(0);
    assert_eq!(invitations(&env).len(), 11);
}
