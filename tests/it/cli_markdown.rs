//! Tests `-o markdown`: the parts that a workflow reads, and the reports of failures.

use serde_json::json;

use crate::support::cli::{Output, TestEnv};
use crate::support::github::assert_inert;
use crate::support::manifests::{CUSTOMERS, ONE, many};
use crate::support::sandbox_server::SandboxServer;

/// The first line of a comment about [`CUSTOMERS`].
const KEY: &str = "<!-- portalctl:plan environment=staging manifest=customers -->";

#[track_caller]
fn first_line(output: &Output) -> &str {
    assert_inert(&output.stdout);
    output.stdout.lines().next().unwrap_or_default()
}

/// The digest as the workflow reads it.
#[track_caller]
fn hidden_digest(markdown: &str) -> &str {
    let line = markdown.lines().nth(1).unwrap_or_default();
    line.strip_prefix("<!-- portalctl:digest ")
        .and_then(|rest| rest.strip_suffix(" -->"))
        .unwrap_or_else(|| panic!("no digest: {markdown}"))
}

#[test]
fn the_digest_of_a_comment_is_what_apply_takes() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = env.run("plan --sandbox=s.json -o markdown").exits(0);
    assert_eq!(first_line(&plan), KEY);
    assert_eq!(plan.stderr, "");
    let digest = hidden_digest(&plan.stdout).to_owned();
    let document = env.run("plan --sandbox=s.json -o json").exits(0);
    assert_eq!(document.json_of("plan")["digest"], digest.as_str());

    let line = format!("apply --sandbox=s.json -o markdown --expect-digest {digest}");
    let applied = env.run(&line).exits(0);
    assert_eq!(
        first_line(&applied),
        "<!-- portalctl:apply environment=staging manifest=customers -->"
    );
    assert_eq!(hidden_digest(&applied.stdout), digest);
    assert!(applied.stdout.contains(": 3 done,"), "{applied}");
}

#[test]
fn a_comment_names_the_command_with_the_selection_and_the_flags_of_its_plan() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let line = "plan --sandbox=s.json -f portal.yaml --only a* --adopt --allow-bulk -o markdown";
    let plan = env.run(line).exits(0);
    let digest = hidden_digest(&plan.stdout);
    let apply = format!(
        "`portalctl apply -f portal.yaml --only 'a*' --adopt --allow-bulk --expect-digest {digest}`"
    );
    assert!(plan.stdout.contains(&apply), "{plan}");
}

#[test]
fn an_unchanged_plan_is_the_same_comment() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    let plan = || env.run("plan --sandbox=s.json -o markdown").exits(0).stdout;
    let first = plan();
    assert_eq!(first, plan());
    assert!(
        first.contains("· sandbox · `staging`: nothing to do"),
        "{first}"
    );
}

#[test]
fn a_status_says_who_is_next() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    let status = env.run("status --sandbox=s.json -o markdown").exits(0);
    assert_eq!(
        first_line(&status),
        "<!-- portalctl:status environment=staging manifest=customers -->"
    );
    let row = status.stdout.lines().find(|line| line.contains(" dsync "));
    assert!(
        row.is_some_and(|row| row.starts_with("| `globex` |") && row.contains("customer's turn")),
        "{status}"
    );
    let settled = "<summary>Nothing to do: ";
    assert!(!status.stdout.contains(settled), "{status}");
    let all = env
        .run("status --sandbox=s.json -o markdown --all")
        .exits(0);
    assert_inert(&all.stdout);
    assert!(all.stdout.contains(settled), "{all}");
}

#[test]
fn a_failure_takes_the_place_of_the_plan() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    // No key, a manifest that cannot be used, nobody there: found by the same first line.
    let no_key = env.run("plan -o markdown").exits(4);
    assert_eq!(first_line(&no_key), KEY);
    let nobody = env
        .run("plan -o markdown")
        .at_url("http://127.0.0.1:1")
        .exits(5);
    assert_eq!(first_line(&nobody), KEY);
    assert!(nobody.stdout.contains("(`api/unreachable`)"), "{nobody}");
    let nothing = env.run("plan --sandbox --only nope -o markdown").exits(3);
    assert_eq!(first_line(&nothing), KEY);
    env.edit("portal.yaml", "name: Globex", "nmae: Globex");
    let broken = env.run("plan --sandbox -o markdown").exits(3);
    assert_eq!(first_line(&broken), KEY);
    assert!(
        broken
            .stdout
            .contains("### portalctl plan · sandbox · `staging`: failed")
            && broken
                .stdout
                .contains("- `portal.yaml:16:5` (`manifest/unknown-field`): "),
        "{broken}"
    );
    // The errors are told on standard error as well.
    assert!(broken.stderr.contains("unknown field `nmae`"), "{broken}");
}

#[test]
fn a_command_line_that_cannot_be_parsed_is_told_in_markdown_too() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    for command in ["plan", "apply", "status"] {
        let output = env.run(&format!("{command} -o markdown --nope")).exits(3);
        assert_eq!(
            first_line(&output),
            format!("<!-- portalctl:{command} environment= manifest= -->")
        );
        assert!(output.stdout.contains("(`cli/usage`): "), "{output}");
    }
    let output = env.run("validate -o markdown").exits(3);
    assert_eq!(output.stdout, "", "validate has no such format");
}

#[test]
fn markdown_goes_to_a_file_whole() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let output = env
        .run("plan --sandbox -o markdown --output-file plan.md --color always")
        .exits(0);
    assert_eq!(output.stdout, "");
    let text = env.read("plan.md");
    assert_inert(&text);
    assert!(text.starts_with(KEY), "{text}");
    env.write("portal.yaml", "version: 2\n");
    let output = env
        .run("plan --sandbox -o markdown --output-file plan.md")
        .exits(3);
    assert_eq!(output.stdout, "");
    assert!(env.read("plan.md").contains(": failed\n"));
}

#[test]
fn addresses_are_masked_without_ci() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    for command in ["plan", "status", "apply --yes -q"] {
        let output = env
            .run(&format!("{command} --sandbox -o markdown"))
            .exits(0);
        assert!(!output.stdout.contains("ada@acme.com"), "{output}");
    }
}

#[test]
fn what_others_wrote_at_workos_stays_text() {
    let env = TestEnv::with_manifest(ONE);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    let name = "@org/team #1 ``` </details> <img src=x onerror=alert(1)> https://evil.example";
    server.change("acme", &json!({ "name": name, "metadata": { "a": name } }));
    for command in ["plan", "status", "apply --yes"] {
        let output = env
            .run(&format!("{command} -o markdown"))
            .at(&server)
            .exits(0);
        assert_inert(&output.stdout);
        let is_plan = command == "plan";
        assert_eq!(output.stdout.contains(name), is_plan, "{output}");
    }
}

#[test]
fn a_large_plan_is_one_comment() {
    let env = TestEnv::with_manifest(&many(1_500));
    let output = env.run("plan --sandbox -o markdown").exits(0);
    assert!(output.stdout.len() <= 60_000, "{}", output.stdout.len());
    assert!(output.stdout.contains(": 1500 to create, "));
    let remark = output.stdout.lines().find(|line| line.starts_with('_'));
    assert!(
        remark.is_some_and(|remark| remark.ends_with("`portalctl plan` has them all._")),
        "{remark:?}"
    );
}
