//! Tests that an invitation is sent at most once.

use serde_json::{Value, json};

use crate::support::cli::{Output, TestEnv};
use crate::support::stand_in::StandIn;
use crate::support::wait;

const MANIFEST: &str = "\
version: 1
manifest: customers
organizations:
  acme:
    name: Acme
    intents: [sso]
    it_contacts: [ada@acme.example]
    invite: once
";

const INVITE: &str = "/organizations/*/it_contacts/*/invite";

/// An account in which the customer and the contact exist, and the folder of the manifest.
fn stage() -> (StandIn, TestEnv) {
    let workos = StandIn::of(|world| {
        let more = json!({"external_id": "acme", "metadata": {"portalctl_owner": "customers"}});
        world.organization("org_1", "Acme", &more);
        let contact = json!({
            "object": "it_contact", "id": "it_contact_1", "organization_id": "org_1",
            "email": "ada@acme.example", "created_at": "2026-01-01T00:00:00.000Z",
        });
        world.contacts.insert("org_1".to_owned(), vec![contact]);
    });
    (workos, TestEnv::with_manifest(MANIFEST))
}

fn emails(workos: &StandIn) -> usize {
    workos.with(|world| world.emails.len())
}

fn mark(workos: &StandIn) -> String {
    let mark = workos.with(|world| {
        let acme = world.find("acme").unwrap();
        acme["metadata"]["portalctl_invited"].clone()
    });
    mark.as_str().unwrap_or_default().to_owned()
}

fn set_mark(workos: &StandIn, mark: &str) {
    workos.with(|world| {
        let acme = world.find_mut("acme").unwrap();
        acme["metadata"]["portalctl_invited"] = json!(mark);
    });
}

/// The plan says that an invitation may be on its way, and plans none.
#[track_caller]
fn plans_say_that_one_may_be_on_its_way(workos: &StandIn, env: &TestEnv) {
    let plan = env.run("plan --detailed-exitcode -o json");
    let plan = plan.at_url(&workos.url()).exits(0).json_of("plan");
    assert_eq!(plan["summary"]["invite"], 0, "{plan:#}");
    let warnings = plan["warnings"].as_array().unwrap();
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:#?}");
    };
    assert_eq!(warning["code"], "invite/may-be-sent");
    assert_eq!(warning["key"], "acme");
    let message = warning["message"].as_str().unwrap();
    assert!(
        message.contains("portalctl invite acme --again"),
        "{message}"
    );
    assert_eq!(plan["readiness"][0]["invitation"]["state"], "may_be_sent");
    let text = env.run("plan").at_url(&workos.url()).exits(0);
    assert!(text.stdout.contains("may be on its way"), "{text}");
    let status = env.run("status").at_url(&workos.url()).exits(0);
    assert!(status.stdout.contains("may be on its way"), "{status}");
    for (format, told) in [
        ("markdown", "may be on its way"),
        ("html", "may be on its way"),
        ("csv", ",may_be_sent,"),
    ] {
        let status = env.run(&format!("status --all -o {format}"));
        let status = status.at_url(&workos.url()).exits(0);
        assert!(status.stdout.contains(told), "{format}: {status}");
    }
}

fn apply(workos: &StandIn, env: &TestEnv) -> Output {
    let run = env.run("apply --yes -o json");
    run.at_url(&workos.url()).output()
}

/// The account of the invitation; another change marks the contacts.
#[track_caller]
fn invitation(applied: &Output) -> Value {
    let applied = applied.json_of("apply");
    let mut changes = applied["changes"].as_array().unwrap().iter();
    let invitation = changes.find(|change| change["action"] == "invite");
    invitation.unwrap().clone()
}

#[test]
fn an_invitation_is_marked_before_it_is_sent_and_with_its_contact_after() {
    let (workos, env) = stage();
    let output = apply(&workos, &env);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(emails(&workos), 1);
    let puts: Vec<Value> = workos
        .requests()
        .into_iter()
        .filter(|request| request.method == "PUT")
        .map(|request| request.body["metadata"]["portalctl_invited"].clone())
        .filter(|mark| !mark.is_null())
        .collect();
    let [before, after] = puts.as_slice() else {
        panic!("{puts:?}");
    };
    assert!(before.as_str().unwrap().starts_with("sending:"), "{before}");
    assert!(
        after.as_str().unwrap().ends_with("Z it_contact_1"),
        "{after}"
    );
    assert!(!format!("{puts:?}").contains('@'));
    let position = |line: &str| workos.writes().iter().position(|one| one == line);
    let sent = position("POST /organizations/org_1/it_contacts/it_contact_1/invite");
    // After the marks of the contacts and of what is being sent.
    assert_eq!(sent, Some(2));

    let plan = env.run("plan --detailed-exitcode").at_url(&workos.url());
    let _ = plan.exits(0);
    let status = env.run("status -o json").at_url(&workos.url()).exits(0);
    let invitation = &status.json_of("status")["organizations"][0]["invitation"];
    assert_eq!(invitation["state"], "sent");
    assert_eq!(invitation["contact_id"], "it_contact_1");
    assert!(mark(&workos).starts_with(invitation["at"].as_str().unwrap()));
}

#[test]
fn the_address_is_told_by_who_has_read_the_contacts_and_masked_in_ci() {
    for (ci, shown) in [(false, "(ada@acme.example)"), (true, "(a***@acme.example)")] {
        let (workos, env) = stage();
        let run = env.run("apply --yes").at_url(&workos.url());
        let run = if ci { run.env("CI", "true") } else { run };
        let output = run.exits(0);
        let told = output.stdout.split("invitations").nth(1).unwrap();
        assert!(told.contains("it_contact_1"), "{output}");
        assert!(told.contains(shown), "{output}");
        assert_eq!(output.stdout.contains("ada@"), !ci, "{output}");
    }
}

#[test]
fn a_lost_answer_to_an_invitation_is_unknown_and_never_repeated() {
    let (workos, env) = stage();
    workos.lose(1, "POST", INVITE);
    let output = apply(&workos, &env);
    assert_eq!(output.code, Some(6), "{output}");
    let change = invitation(&output);
    assert_eq!(change["outcome"], "unknown");
    assert_eq!(change["error"]["code"], "invite/may-be-sent", "{change}");
    assert_eq!(emails(&workos), 1);
    plans_say_that_one_may_be_on_its_way(&workos, &env);
    let again = apply(&workos, &env);
    assert_eq!(again.code, Some(0), "{again}");
    assert_eq!(emails(&workos), 1);

    // By command neither, unless somebody says so.
    let refused = env.run("invite acme --yes -o json").at_url(&workos.url());
    let refused = refused.exits(7).json_of("invite");
    assert_eq!(refused["errors"][0]["code"], "invite/may-be-sent");
    assert_eq!(emails(&workos), 1);
    let sent = env.run("invite acme --again --yes").at_url(&workos.url());
    let _ = sent.exits(0);
    assert_eq!(emails(&workos), 2);
    let plan = env.run("plan -o json").at_url(&workos.url()).exits(0);
    assert_eq!(plan.json_of("plan")["warnings"], json!([]));
}

#[test]
fn whatever_else_than_concurrent_request_is_not_tried_again() {
    for (status, body) in [
        (500, json!({"message": "Internal server error"})),
        (502, json!("<html>Bad gateway</html>")),
        (503, json!({"code": "unavailable", "message": "Later."})),
        (504, json!("")),
    ] {
        let (workos, env) = stage();
        workos.answer("POST", INVITE, status, body);
        let output = apply(&workos, &env);
        assert_eq!(output.code, Some(6), "{status}: {output}");
        let invites = workos.writes();
        let invites = invites.iter().filter(|line| line.ends_with("/invite"));
        assert_eq!(invites.count(), 1, "{status}");
        workos.heal();
        plans_say_that_one_may_be_on_its_way(&workos, &env);
        assert_eq!(emails(&workos), 0);
    }
}

#[test]
fn a_concurrent_request_was_not_carried_out_and_is_sent_again() {
    let (workos, env) = stage();
    let body = json!({"code": "concurrent_request", "message": "Try again."});
    workos.answer_times(2, "POST", INVITE, 503, body);
    let output = apply(&workos, &env);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(emails(&workos), 1);
    assert!(mark(&workos).ends_with(" it_contact_1"));
}

#[test]
fn a_refused_invitation_leaves_no_mark_and_is_planned_again() {
    let (workos, env) = stage();
    let body = json!({"code": "invalid_intents", "message": "No."});
    workos.answer_times(1, "POST", INVITE, 422, body);
    let output = apply(&workos, &env);
    assert_eq!(output.code, Some(6), "{output}");
    assert_eq!(invitation(&output)["outcome"], "refused");
    assert_eq!(mark(&workos), "");
    assert_eq!(apply(&workos, &env).code, Some(0));
    assert_eq!(emails(&workos), 1);
}

#[test]
fn another_contacts_invitation_is_only_marked() {
    let (workos, env) = stage();
    let body = json!({"code": "it_contact_invitation_already_active", "message": "Active."});
    workos.answer("POST", INVITE, 409, body);
    let output = apply(&workos, &env);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(emails(&workos), 0);
    let mark = mark(&workos);
    assert!(mark.ends_with('Z') && !mark.contains(' '), "{mark}");
    let plan = env.run("plan --detailed-exitcode").at_url(&workos.url());
    let _ = plan.exits(0);
}

#[test]
fn a_run_that_is_killed_between_mark_and_e_mail_is_told_and_not_repeated() {
    let (workos, env) = stage();
    let run = env.run("apply --yes").at_url(&workos.url()).spawn();
    wait::until("the mark", || {
        mark(&workos).starts_with("sending:").then_some(())
    });
    run.signal("KILL");
    let _ = run.finish();
    assert_eq!(emails(&workos), 0);
    plans_say_that_one_may_be_on_its_way(&workos, &env);
    let output = apply(&workos, &env);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(emails(&workos), 0);
}

#[test]
fn two_runs_at_the_same_time_send_one_e_mail() {
    for _ in 0..3 {
        let (workos, env) = stage();
        let start = || env.run("apply --yes").at_url(&workos.url()).spawn();
        let runs = [start(), start(), start()];
        for run in runs {
            let _ = run.finish();
        }
        assert_eq!(emails(&workos), 1);
        let _ = apply(&workos, &env);
        assert_eq!(emails(&workos), 1);
    }
}

#[test]
fn marks_of_earlier_versions_read_as_sent() {
    for mark in ["2026-06-01T10:00:00Z", "by phone"] {
        let (workos, env) = stage();
        set_mark(&workos, mark);
        let plan = env.run("plan --detailed-exitcode -o json");
        let plan = plan.at_url(&workos.url()).exits(0).json_of("plan");
        assert_eq!(plan["warnings"], json!([]), "{plan:#}");
        assert_eq!(plan["readiness"][0]["invitation"]["state"], "sent");
        let output = env.run("invite acme --yes -o json").at_url(&workos.url());
        let document = output.exits(7).json_of("invite");
        assert_eq!(document["errors"][0]["code"], "invite/already-invited");
        assert_eq!(emails(&workos), 0);
    }
}

#[test]
fn revoking_says_that_no_invitation_is_active_and_not_whose_was_ended() {
    let (workos, env) = stage();
    let line = "invite acme --revoke --yes";
    let output = env.run(line).at_url(&workos.url()).exits(0);
    assert!(
        output.stdout.contains("no invitation is active now"),
        "{output}"
    );
    assert!(!output.stdout.contains("ada@"), "{output}");
    // No contact was marked, so none is now.
    assert_eq!(mark(&workos), "");
    let _ = apply(&workos, &env);
    set_mark(&workos, "sending:lost");
    let output = env.run("invite acme --revoke --yes -o json");
    let document = output.at_url(&workos.url()).exits(0).json_of("invite");
    assert_eq!(document["outcome"], "revoked");
    assert_eq!(document["contact"], Value::Null);
    assert!(mark(&workos).starts_with("ended:"));
    // A revoked invitation is not sent again by itself.
    let plan = env.run("plan --detailed-exitcode -o json");
    let plan = plan.at_url(&workos.url()).exits(0).json_of("plan");
    assert_eq!(plan["warnings"], json!([]));
    assert_eq!(plan["readiness"][0]["invitation"]["state"], "ended");
    assert_eq!(emails(&workos), 1);
}

#[test]
fn an_organization_without_contacts_has_nobody_whose_invitation_could_be_ended() {
    let (workos, env) = stage();
    workos.with(|world| world.contacts.clear());
    let output = env.run("invite acme --revoke --yes -o json");
    let document = output.at_url(&workos.url()).exits(0).json_of("invite");
    assert_eq!(document["outcome"], "nothing_to_revoke");
}
