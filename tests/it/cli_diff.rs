//! Tests `portalctl diff` against repositories that git itself makes.

use std::fs;
use std::process::Command;

use crate::support::cli::{TestEnv, snapshot};

const SETTINGS: &str = "\
version: 1
manifest: customers
environment: { name: production }
return_urls: { default: https://app.example.com/portal }
defaults: { metadata: { team: onboarding } }
";

/// Runs git in the working folder.
#[track_caller]
fn git(env: &TestEnv, line: &str) {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(line.split_whitespace())
        .current_dir(env.path(""))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {line}: {errors}");
}

#[track_caller]
fn commit(env: &TestEnv) {
    git(env, "add --all");
    git(env, "commit --quiet --allow-empty --message change");
}

/// A repository with six customers, committed.
fn repository() -> TestEnv {
    let env = TestEnv::new();
    git(&env, "init --quiet --initial-branch=main");
    env.write("portal/settings.yaml", SETTINGS);
    for n in 1..=6 {
        let text = format!(
            "organizations:\n  customer-{n}:\n    name: Customer {n}\n    intents: [sso]\n    \
             domains: [customer-{n}.com]\n"
        );
        env.write(&format!("portal/customer-{n}.yaml"), &text);
    }
    commit(&env);
    env
}

/// Returns the report without the name of the commit, which depends on the time.
fn settled(text: &str) -> String {
    let Some((before, rest)) = text.split_once("HEAD (") else {
        return text.to_owned();
    };
    let (_, after) = rest.split_once(')').unwrap();
    format!("{before}HEAD (COMMIT){after}")
}

/// Makes a change of every kind.
fn change(env: &TestEnv) {
    env.edit("portal/settings.yaml", "app.example.com", "app-example.com");
    env.edit("portal/settings.yaml", "onboarding", "success");
    fs::remove_file(env.path("portal/customer-2.yaml")).unwrap();
    env.edit("portal/customer-3.yaml", "[sso]", "[dsync]");
    env.edit(
        "portal/customer-4.yaml",
        "  customer-4:\n",
        "  fourth:\n    previous_keys: [customer-4]\n",
    );
    env.write(
        "portal/new.yaml",
        "organizations:\n  newco:\n    name: New Co\n    it_contacts: [ada@newco.com]\n    \
         domains: [customer-2.com]\n",
    );
}

#[test]
fn a_change_is_told_with_its_dangers_first() {
    let env = repository();
    change(&env);
    let output = env.run("diff --detailed-exitcode").exits(2);
    snapshot!(settled(&output.stdout));
    assert_eq!(output.stderr, "");
    let markdown = env.run("diff -o markdown").exits(0).stdout;
    insta::assert_snapshot!("markdown", settled(&markdown));
    assert!(!markdown.contains("ada@newco.com"), "{markdown}");
    let document = env.run("diff -o json").exits(0).json_of("diff");
    assert_eq!(document["summary"]["removed"], 1);
    assert_eq!(document["summary"]["renamed"], 1);
    let first = &document["dangers"][0];
    assert_eq!(first["code"], "diff/destination");
    let sarif = env.run("diff -o sarif").exits(0).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let located = results.iter().find(|it| it["ruleId"] == "diff/intent");
    let location = &located.unwrap()["locations"][0]["physicalLocation"];
    assert_eq!(
        location["artifactLocation"]["uri"],
        "portal/customer-3.yaml"
    );
}

#[test]
fn moves_comments_and_formatting_are_no_difference() {
    let env = repository();
    git(&env, "mv portal/customer-1.yaml portal/first.yml");
    env.edit(
        "portal/customer-2.yaml",
        "name: Customer 2",
        "\"name\": 'Customer 2' # new",
    );
    env.edit(
        "portal/customer-3.yaml",
        "intents: [sso]",
        "metadata: { team: onboarding }\n    intents:\n      - intent: sso",
    );
    let output = env.run("diff --detailed-exitcode").exits(0);
    assert!(
        output.stdout.contains("no difference, 6 unchanged"),
        "{output}"
    );
    // The whole folder moves, or becomes one file.
    git(&env, "mv portal elsewhere");
    let line = "diff --detailed-exitcode --base HEAD:portal -f elsewhere";
    let _ = env.run(line).exits(0);
}

#[test]
fn a_branch_is_compared_with_where_it_began() {
    let env = repository();
    git(&env, "checkout --quiet -b mine");
    env.edit("portal/customer-1.yaml", "Customer 1", "Mine");
    commit(&env);
    git(&env, "checkout --quiet main");
    env.edit("portal/customer-2.yaml", "Customer 2", "Theirs");
    commit(&env);
    git(&env, "checkout --quiet mine");
    let keys = |line: &str| -> Vec<String> {
        let document = env.run(line).exits(0).json_of("diff");
        let entries = document["organizations"].as_array().unwrap();
        entries
            .iter()
            .map(|it| it["key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        keys("diff --base main -o json"),
        ["customer-1", "customer-2"]
    );
    assert_eq!(keys("diff --base main... -o json"), ["customer-1"]);
    git(&env, "merge --quiet --no-edit main");
    assert_eq!(keys("diff --base main -o json"), ["customer-1"]);
    assert_eq!(
        keys("diff --base HEAD^2 --only customer-1 -o json"),
        ["customer-1"]
    );
}

#[test]
fn a_path_that_exists_comes_before_a_revision() {
    let env = repository();
    env.edit("portal/customer-1.yaml", "Customer 1", "Renamed");
    env.write(
        "main",
        "version: 1\norganizations: { other: { name: Other } }\n",
    );
    let added = |line: &str| {
        let document = env.run(line).exits(0).json_of("diff");
        document["summary"]["added"].as_u64().unwrap()
    };
    assert_eq!(added("diff --base main -o json"), 6);
    assert_eq!(added("diff --base git:main -o json"), 0);
    let old = "version: 1\norganizations: { customer-1: { name: Old } }\n";
    let output = env.run("diff --base - -o json").input(old).exits(0);
    assert_eq!(output.json_of("diff")["summary"]["added"], 5);
}

#[test]
fn what_cannot_be_compared_says_what_to_do() {
    let env = repository();
    let output = env.run("diff --base nope").exits(3);
    assert!(
        output.stderr.contains("error[cli/unknown-base]"),
        "{output}"
    );
    assert!(output.stderr.contains("git fetch"), "{output}");
    let document = env
        .run("diff --base=--output=x -o json")
        .exits(3)
        .json_of("diff");
    assert_eq!(document["errors"][0]["code"], "cli/unknown-base");
    assert!(!env.path("x").exists());
    let output = env.run("diff -f -").input("version: 1").exits(3);
    assert!(output.stderr.contains("standard input"), "{output}");
    let output = env.run("diff").env("PATH", "/nonexistent").exits(3);
    assert!(output.stderr.contains("error[cli/git]"), "{output}");
    let outside = TestEnv::with_manifest("version: 1\norganizations: { a: { name: A } }\n");
    let output = outside.run("diff").exits(3);
    assert!(output.stderr.contains("finds no repository"), "{output}");
}

#[test]
fn a_base_without_a_manifest_or_with_a_broken_one_is_said() {
    let env = TestEnv::new();
    git(&env, "init --quiet --initial-branch=main");
    commit(&env);
    env.write(
        "portal.yaml",
        "version: 1\norganizations: { acme: { name: Acme } }\n",
    );
    let output = env.run("diff").exits(0);
    assert!(
        output.stdout.contains("has no manifest at this path"),
        "{output}"
    );
    assert!(output.stdout.contains("1 added"), "{output}");
    env.edit("portal.yaml", "name", "nmae");
    commit(&env);
    env.edit("portal.yaml", "nmae", "name");
    let output = env.run("diff").exits(3);
    assert!(output.stderr.contains("--> HEAD:portal.yaml:2"), "{output}");
    assert!(
        output.stderr.contains("problems of the base HEAD"),
        "{output}"
    );
}

#[cfg(unix)]
#[test]
fn files_that_a_revision_cannot_give_are_warned_about() {
    let inner = TestEnv::new();
    git(&inner, "init --quiet --initial-branch=main");
    inner.write("x.yaml", "organizations: {}\n");
    commit(&inner);
    let env = repository();
    let link = env.path("portal/vip.yaml");
    std::os::unix::fs::symlink("../../outside.yaml", &link).unwrap();
    let path = inner.path("");
    let add = format!(
        "-c protocol.file.allow=always submodule --quiet add {} portal/vendor",
        path.display()
    );
    git(&env, &add);
    commit(&env);
    fs::remove_file(link).unwrap();
    git(&env, "rm --quiet -f portal/vendor");
    let output = env.run("diff -o json").exits(0);
    let warnings = &output.json_of("diff")["manifest_warnings"];
    let codes: Vec<&str> = (warnings.as_array().unwrap().iter())
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["manifest/file-skipped", "manifest/link-skipped"]);
}

#[test]
fn hostile_names_are_inert_in_every_format() {
    let env = repository();
    let name = "\"A | B <img src=x> @team ::add-mask::x [a](b)\"";
    env.edit("portal/customer-1.yaml", "Customer 1", name);
    env.edit(
        "portal/customer-2.yaml",
        "name: Customer 2",
        "name: Customer 2\n    metadata: { \"x```\": \"``` <b>hi</b>\" }",
    );
    let markdown = env.run("diff -o markdown").exits(0).stdout;
    assert!(markdown.contains("````diff"), "{markdown}");
    assert!(!markdown.contains("| <img"), "{markdown}");
    let text = env.run("diff").exits(0).stdout;
    assert!(
        !text.lines().any(|line| line.trim_start().starts_with("::")),
        "{text}"
    );
}

#[test]
fn each_environment_is_compared_by_itself() {
    let env = repository();
    let overlay = |name: &str, text: &str| {
        let text = format!("overlay: {name}\nenvironment: {{ name: {name} }}\n{text}");
        env.write(&format!("portal/environments/{name}.yaml"), &text);
    };
    env.edit(
        "portal/settings.yaml",
        "environment: { name: production }\n",
        "",
    );
    overlay("production", "");
    // The base has no overlays yet.
    let output = env
        .run("diff --environment production --detailed-exitcode")
        .exits(0);
    assert!(output.stdout.contains("no difference"), "{output}");
    commit(&env);
    overlay(
        "staging",
        "organizations: { customer-1: { state: excluded } }\n",
    );
    overlay(
        "production",
        "organizations: { customer-1: { name: One } }\n",
    );
    let output = env.run("diff --environment staging").exits(0);
    assert!(
        output.stdout.contains("has no environment staging"),
        "{output}"
    );
    let document = env
        .run("diff -o json")
        .env("PORTALCTL_ENVIRONMENT", "production")
        .exits(0)
        .json_of("diff");
    assert_eq!(document["environment"], "production");
    assert_eq!(document["summary"]["changed"], 1);
}

/// A repository with two environments, committed, and a change that both have in common.
fn two_environments() -> TestEnv {
    let env = repository();
    env.edit(
        "portal/settings.yaml",
        "environment: { name: production }\n",
        "",
    );
    for name in ["production", "staging"] {
        let text = format!(
            "overlay: {name}\nenvironment: {{ name: {name} }}\norganizations:\n  customer-1: \
             {{ name: One in {name} }}\n"
        );
        env.write(&format!("portal/environments/{name}.yaml"), &text);
    }
    commit(&env);
    env.edit("portal/customer-2.yaml", "Customer 2", "Second");
    env
}

#[test]
fn without_a_choice_every_environment_is_compared() {
    let env = two_environments();
    let document = env.run("diff -o json").exits(0).json_of("diff");
    assert_eq!(
        document["environments"],
        serde_json::json!(["production", "staging"])
    );
    // What is the same in both is told once.
    assert_eq!(document["summary"]["changed"], 1);
    let changed = &document["organizations"][0];
    assert_eq!(changed["key"], "customer-2");
    assert_eq!(changed["environments"], document["environments"]);

    let staging = "portal/environments/staging.yaml";
    env.edit(staging, "One in staging", "Uno");
    let settings = "return_urls: { default: https://staging-example.com/ }\norganizations:";
    env.edit(staging, "organizations:", settings);
    let output = env.run("diff --detailed-exitcode").exits(2);
    snapshot!(settled(&output.stdout));
    let markdown = env.run("diff -o markdown").exits(0).stdout;
    insta::assert_snapshot!("markdown_of_environments", settled(&markdown));
    let document = env.run("diff -o json").exits(0).json_of("diff");
    let danger = &document["dangers"][0];
    assert_eq!(danger["environments"], serde_json::json!(["staging"]));
    let settings = document["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 1, "{document:#}");
    let sarif = env.run("diff -o sarif").exits(0).stdout;
    assert!(sarif.contains("(in staging)"), "{sarif}");
    let issues = env.run("diff -o gitlab-codequality").exits(0).json();
    assert_eq!(issues[0]["check_name"], "diff/destination", "{issues:#}");
    // A choice is a comparison as before.
    let one = env.run("diff --environment production -o json").exits(0);
    let one = one.json_of("diff");
    assert_eq!(one["environment"], "production");
    assert_eq!(one["summary"]["changed"], 1);
    assert!(one["organizations"][0]["environments"].is_null());
}

#[test]
fn a_manifest_without_overlays_is_compared_with_the_overlay_of_its_environment() {
    let env = two_environments();
    fs::remove_dir_all(env.path("portal/environments")).unwrap();
    let named = "manifest: customers\nenvironment: { name: production }";
    env.edit("portal/settings.yaml", "manifest: customers", named);
    let document = env.run("diff -o json").exits(0).json_of("diff");
    assert_eq!(document["environment"], "production");
    let first = &document["organizations"][0];
    assert_eq!(first["fields"][0]["before"], "One in production");
    env.edit("portal/settings.yaml", "production", "other");
    let output = env.run("diff").exits(3);
    assert!(output.stderr.contains("problems of the base"), "{output}");
}

#[test]
fn environments_that_come_go_or_are_wrong_are_said() {
    let env = two_environments();
    git(
        &env,
        "mv portal/environments/staging.yaml portal/environments/qa.yaml",
    );
    env.edit(
        "portal/environments/qa.yaml",
        "overlay: staging",
        "overlay: qa",
    );
    let output = env.run("diff").exits(0);
    for note in [
        "environment staging is no longer declared",
        "has no environment qa",
    ] {
        let text = output
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(text.contains(note), "{output}");
    }
    env.edit("portal/environments/qa.yaml", "name: One", "nmae: One");
    let output = env.run("diff").exits(3);
    assert!(output.stderr.contains("manifest/unknown-field"), "{output}");
    assert!(
        output.stderr.contains("portal/environments/qa.yaml"),
        "{output}"
    );
}
