//! Tests reviews: saved plans, comments and digests. `apply` makes reviewed changes, and no others.

use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::saved;
use serde_json::{Value, json};

use crate::support::cli::{Output, TestEnv};
use crate::support::manifests::{CUSTOMERS, many};
use crate::support::sandbox_server::SandboxServer;

fn saved() -> TestEnv {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("plan --sandbox=s.json --out plan.json").exits(0);
    env
}

#[test]
fn a_saved_plan_is_consent_and_can_be_applied_twice() {
    let env = saved();
    let first = env.run("apply plan.json --sandbox=s.json -o json").exits(0);
    assert_eq!(first.json_of("apply")["summary"]["done"], 3);
    // It is planned anew, and nothing is left.
    let again = env.run("apply plan.json --sandbox=s.json -o json").exits(0);
    assert_eq!(again.json_of("apply")["changes"], json!([]));
    let note = "reviewed effects are not planned in this run: done already";
    assert!(again.stderr.contains(note), "{again}");
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
}

#[test]
fn a_saved_plan_is_the_json_of_the_plan() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = env
        .run("plan --sandbox=s.json --out plan.json -o json")
        .exits(0);
    assert_eq!(env.read("plan.json"), plan.stdout);
}

#[test]
fn a_saved_plan_that_was_changed_is_refused() {
    let env = saved();
    env.edit(
        "plan.json",
        "\"after\": \"Acme Corp\"",
        "\"after\": \"Evil Corp\"",
    );
    let output = env.run("apply plan.json --sandbox=s.json").exits(7);
    assert!(output.stderr.contains("error[plan/saved-plan]"), "{output}");
    assert!(!env.path("s.json").exists() || !env.read("s.json").contains("Evil"));
}

#[test]
fn a_saved_plan_is_for_the_account_it_was_made_for() {
    let env = saved();
    let output = env
        .run("apply plan.json")
        .at_url("http://127.0.0.1:1")
        .exits(7);
    assert!(
        output.stderr.contains("error[plan/other-target]"),
        "{output}"
    );
}

#[test]
fn a_saved_plan_knows_the_client_id_that_its_manifest_named() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let named = "api_key: test, client_id: client_01A";
    env.edit("portal.yaml", "api_key: test", named);
    let _ = env.run("plan --sandbox --out plan.json").exits(0);
    for (client_id, exit, code) in [
        ("client_01B", 4, "cli/client-id-differs"),
        ("client_01A", 7, "plan/other-target"),
    ] {
        let run = env.run("apply plan.json").at_url("http://127.0.0.1:1");
        let output = run.env("WORKOS_CLIENT_ID", client_id).exits(exit);
        assert!(output.stderr.contains(code), "{output}");
    }
}

#[test]
fn what_is_no_plan_is_refused_before_any_request() {
    let env = TestEnv::new();
    env.write("plan.json", "{ \"changes\": [] }");
    let output = env.run("apply plan.json --sandbox").exits(3);
    assert!(output.stderr.contains("error[plan/saved-plan]"), "{output}");
    let output = env.run("apply missing.json --sandbox").exits(3);
    assert!(output.stderr.contains("missing.json"), "{output}");
}

/// Edit of a plan's JSON.
type Forgery = fn(&mut Value);

/// Writes a plan as an attacker would: changed, and with the digest of its new content.
fn forge(env: &TestEnv, edit: Forgery) {
    let mut document: Value = serde_json::from_str(&env.read("plan.json")).unwrap();
    edit(&mut document);
    let content = saved::read(&document.to_string()).unwrap();
    document["digest"] = Digest::of(content.content()).to_string().into();
    env.write("plan.json", &document.to_string());
}

#[test]
fn a_forged_plan_with_a_good_digest_does_nothing_that_the_manifest_does_not_say() {
    let forgeries: [(&str, Forgery); 4] = [
        ("a domain is created as verified", |plan| {
            for field in plan["changes"][0]["fields"].as_array_mut().unwrap() {
                if field["path"] == "domains.acme.com" {
                    field["after"] = "verified".into();
                }
            }
        }),
        ("the owner mark is another's", |plan| {
            for field in plan["changes"][0]["fields"].as_array_mut().unwrap() {
                if field["path"] == "metadata.portalctl_owner" {
                    field["after"] = "mallory".into();
                }
            }
        }),
        ("another name", |plan| {
            plan["changes"][0]["fields"][0]["after"] = "Evil Corp".into();
        }),
        ("an organization is deleted", |plan| {
            plan["changes"][0] = json!({
                "key": "acme", "action": "delete", "organization_id": "org_1",
                "fields": [{"path": "name", "before": "Acme", "after": null}],
                "reason": "", "source": null,
            });
        }),
    ];
    for (what, edit) in forgeries {
        let env = saved();
        forge(&env, edit);
        let output = env.run("apply plan.json --sandbox=s.json -o json").exits(7);
        let document = output.json_of("apply");
        let done: Vec<&Value> = document["changes"].as_array().unwrap().iter().collect();
        assert_eq!(done.len(), 2, "{what}: {document:#}");
        let left = &document["conflicts"][0];
        assert_eq!(left["key"], "acme", "{what}");
        assert_eq!(left["code"], "plan/not-reviewed", "{what}");
        let world = env.read("s.json");
        assert!(
            !world.contains("Evil") && !world.contains("mallory"),
            "{what}"
        );
    }
}

#[test]
fn a_saved_plan_gives_no_power() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    env.edit(
        "portal.yaml",
        "domains: [acme.com]",
        "domains: [{ domain: acme.com, state: verified }]",
    );
    let plan = "plan --sandbox=s.json --allow-trusted-domains --out plan.json";
    let _ = env.run(plan).exits(0);
    let line = "apply plan.json --sandbox=s.json";
    let output = env.run(line).exits(7);
    assert!(
        output
            .stdout
            .contains("acme (Acme Corp)  plan/not-reviewed"),
        "{output}"
    );
    let _ = env.run(&format!("{line} --allow-trusted-domains")).exits(0);
    let world = env.read("s.json");
    assert!(world.contains("\"verified\""), "{world}");
}

#[test]
fn a_field_that_moved_since_is_left_out_with_its_entry() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    env.edit("portal.yaml", "Acme Corp", "Acme One");
    env.edit("portal.yaml", "name: Globex", "name: Globex One");
    let _ = env.run("plan --sandbox=s.json --out one.json").exits(0);
    // Somebody else gives it another name meanwhile.
    env.edit("portal.yaml", "Acme One", "Acme Two");
    let _ = env.run("apply --sandbox=s.json --yes --only acme").exits(0);
    env.edit("portal.yaml", "Acme Two", "Acme One");
    let output = env.run("apply one.json --sandbox=s.json -o json").exits(7);
    let document = output.json_of("apply");
    assert_eq!(document["changes"][0]["key"], "globex");
    assert_eq!(document["summary"]["done"], 1);
    let conflict = &document["conflicts"][0];
    let message = "its update has what nobody reviewed: name";
    assert_eq!(conflict["message"], message, "{document:#}");
}

#[test]
fn an_interrupted_run_goes_on_with_the_same_review() {
    for review in ["plan.json", "comment.md"] {
        let env = TestEnv::with_manifest(&many(150));
        let server = SandboxServer::with(&env, "--rate-limit off --latency-ms 60");
        let plan = "plan --out plan.json --write markdown=comment.md";
        let _ = env.run(plan).at(&server).exits(0);
        let line = format!("apply --expect-digest {review} --requests-per-second 1000");
        let slowly = format!("{line} --concurrency 2");
        let running = env.run(&slowly).at(&server).spawn();
        running.wait_for_lines("done", 46);
        running.signal("INT");
        let _ = running.finish();
        let done = server.external_ids().len();
        assert!((46..150).contains(&done), "{done}");
        let _ = env.run(&line).at(&server).exits(0);
        assert_eq!(server.external_ids().len(), 150);
        // Nothing is left: the same review is good again, and so is its digest.
        let _ = env.run(&line).at(&server).exits(0);
    }
}

#[test]
fn a_changed_return_url_is_another_plan() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = "plan --sandbox=s.json --out plan.json --write markdown=comment.md";
    let _ = env.run(plan).exits(0);
    env.edit("portal.yaml", "app.example.com", "app.examp1e-login.com");
    let shown = env.run("plan --sandbox=s.json").exits(0);
    assert!(shown.stdout.contains("app.examp1e-login.com"), "{shown}");
    assert!(shown.stdout.contains("plan/no-allowed-hosts"), "{shown}");
    for review in ["plan.json", "comment.md"] {
        let line = format!("apply --sandbox=s.json --expect-digest {review}");
        let output = env.run(&line).exits(7);
        let code = "error[plan/destinations-differ]";
        assert!(output.stderr.contains(code), "{output}");
    }
}

#[test]
fn several_reviews_count_together() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    env.edit("portal.yaml", "Globex", "Globex One");
    let _ = env
        .run("plan --sandbox=s.json --write markdown=one.md")
        .exits(0);
    env.edit("portal.yaml", "Globex One", "Globex");
    env.edit("portal.yaml", "Initech", "Initrode");
    let _ = env
        .run("plan --sandbox=s.json --write markdown=two.md")
        .exits(0);
    env.edit("portal.yaml", "Globex", "Globex One");
    let line = "apply --sandbox=s.json -o json --expect-digest one.md";
    let one = env.run(line).exits(7).json_of("apply");
    assert_eq!(one["changes"][0]["key"], "globex", "{one:#}");
    assert_eq!(one["conflicts"][0]["key"], "initech", "{one:#}");
    let _ = env.run(&format!("{line} --expect-digest two.md")).exits(0);
}

#[test]
fn a_review_is_of_its_environment_alone() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = "plan --sandbox --out plan.json --write markdown=comment.md";
    let _ = env.run(plan).exits(0);
    env.edit("portal.yaml", "name: staging", "name: production");
    for review in ["plan.json", "comment.md"] {
        let line = format!("apply --sandbox --expect-digest {review}");
        let output = env.run(&line).exits(7);
        assert!(output.stderr.contains("plan/other-target"), "{output}");
    }
}

const REVIEW_KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn with_a_review_key_unsigned_comments_count_for_nothing() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let keyed = |line: &str, key: &str, subject: &str| {
        let run = env.run(line).env("PORTALCTL_REVIEW_KEY", key);
        run.env("PORTALCTL_REVIEW_SUBJECT", subject)
    };
    let plan = "plan --sandbox=s.json --out plan.json --write markdown=comment.md";
    let _ = env.run(plan).exits(0);
    let apply = "apply --sandbox=s.json --expect-digest comment.md";
    let unsigned = |output: &Output| output.stderr.contains("error[plan/review-unsigned]");
    assert!(unsigned(
        &keyed(apply, REVIEW_KEY, "acme/customers 7").exits(7)
    ));

    let subject = "acme/customers 7";
    let signed = keyed(plan, REVIEW_KEY, subject).exits(0);
    let comment = env.read("comment.md");
    assert!(!format!("{comment}{signed}").contains(REVIEW_KEY));
    let other = REVIEW_KEY.replace('0', "1");
    // Another key, another pull request, a changed line, a line that is added.
    assert!(unsigned(&keyed(apply, &other, subject).exits(7)));
    assert!(unsigned(
        &keyed(apply, REVIEW_KEY, "acme/customers 8").exits(7)
    ));
    assert!(unsigned(&keyed(apply, REVIEW_KEY, "").exits(7)));
    for (from, to) in [
        ("staging", "production"),
        (
            "<!-- portalctl:digest",
            "<!-- portalctl:more x -->\n<!-- portalctl:digest",
        ),
        ("customers%207", "customers%208"),
    ] {
        env.edit("comment.md", from, to);
        let subjects = "acme/customers 7\nacme/customers 8";
        let output = keyed(apply, REVIEW_KEY, subjects).exits(7);
        assert!(unsigned(&output), "{from}: {output}");
        env.write("comment.md", &comment);
    }
    // The JSON has no signature; it counts beside a comment that has.
    let json = apply.replace("comment.md", "plan.json");
    assert!(unsigned(&keyed(&json, REVIEW_KEY, subject).exits(7)));
    let both = format!("{json} --expect-digest comment.md");
    let _ = keyed(&both, REVIEW_KEY, "x\nacme/customers 7").exits(0);

    let short = keyed(plan, "short", subject).exits(3);
    assert!(short.stderr.contains("32 characters"), "{short}");
    let nameless = keyed(plan, REVIEW_KEY, "").exits(3);
    assert!(
        nameless.stderr.contains("PORTALCTL_REVIEW_SUBJECT"),
        "{nameless}"
    );
}

#[test]
fn what_is_no_review_is_refused_with_what_it_is() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    env.write(
        "status.md",
        "<!-- portalctl:status environment= manifest= -->\n",
    );
    let comment = "<!-- portalctl:plan environment= manifest= -->\n";
    env.write("failed.md", comment);
    for (value, exit, said) in [
        ("sha256:0", 3, "is not a digest"),
        ("missing.md", 3, "missing.md"),
        ("status.md", 3, "plan/saved-plan"),
        ("failed.md", 3, "plan/saved-plan"),
        ("portal.yaml", 3, "is a manifest"),
    ] {
        let line = format!("apply --sandbox --expect-digest {value}");
        let output = env.run(&line).exits(exit);
        assert!(output.stderr.contains(said), "{output}");
    }
}

#[test]
fn the_reviewed_digest_is_consent_to_that_plan_alone() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = env.run("plan --sandbox=s.json -o json").exits(0);
    let digest = plan.json_of("plan")["digest"].as_str().unwrap().to_owned();
    env.edit("portal.yaml", "Initech", "Initrode");
    let line = format!("apply --sandbox=s.json --expect-digest {digest}");
    let output = env.run(&line).exits(7);
    assert!(
        output.stderr.contains("error[plan/digest-differs]"),
        "{output}"
    );
    assert!(
        output.stderr.contains("Initrode"),
        "the new plan is shown: {output}"
    );
    env.edit("portal.yaml", "Initrode", "Initech");
    let _ = env.run(&line).exits(0);
    // Nothing is left to do: a run that is started again is no failure.
    let _ = env.run(&line).exits(0);
}
