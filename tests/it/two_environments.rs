//! One set of customers in two WorkOS environments: `examples/two-environments`, by hand and by its
//! pipelines.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::github_action::{BOT, Workflow};
use crate::gitlab_jobs::job;
use crate::support::cli::{Run, TestEnv};
use crate::support::sandbox_server::SandboxServer;

const FOLDER: &str = "examples/two-environments";

/// Copies the manifest of the example; every environment takes the key of the tests.
fn copy(env: &TestEnv) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(FOLDER)
        .join("portal");
    for file in walkdir::WalkDir::new(&folder) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            let name = file.path().strip_prefix(&folder).unwrap().to_str().unwrap();
            let text = fs::read_to_string(file.path()).unwrap();
            env.write(&format!("portal/{name}"), &text);
        }
    }
    env.edit("portal/environments/production.yaml", "live", "test");
}

/// A command on the example, for one of its environments.
fn run(env: &TestEnv, line: &str, environment: &str) -> Run {
    env.run(&format!("{line} -f portal --environment {environment}"))
}

#[test]
fn each_environment_gets_its_own_customers() {
    let env = TestEnv::new();
    copy(&env);
    let (staging, production) = (SandboxServer::start(&env), SandboxServer::start(&env));
    let _ = run(&env, "apply --yes", "staging").at(&staging).exits(0);
    let _ = run(&env, "apply --yes", "production")
        .at(&production)
        .exits(0);
    assert_eq!(staging.external_ids(), ["acme", "qa"]);
    assert_eq!(production.external_ids(), ["acme", "globex"]);
    for (name, sandbox) in [("staging", &staging), ("production", &production)] {
        let plan = run(&env, "plan -o json", name)
            .at(sandbox)
            .exits(0)
            .json_of("plan");
        assert_eq!(plan["environment"], name);
        assert_eq!(plan["changes"], json!([]), "{plan:#}");
    }
    // The other one's key or address shows as another account, not as nothing to do.
    let plan = run(&env, "plan -o json", "staging").at(&production);
    let plan = plan.exits(0).json_of("plan");
    assert_ne!(plan["changes"], json!([]), "{plan:#}");
}

#[test]
fn commands_need_a_choice_and_validate_none() {
    let env = TestEnv::new();
    copy(&env);
    for line in [
        "plan",
        "status",
        "ids",
        "convert --to kubernetes",
        "link acme sso --allow-non-tty",
    ] {
        let output = env.run(&format!("{line} -f portal --sandbox"));
        let output = if line.starts_with("convert") {
            env.run(&format!("{line} -f portal")).exits(3)
        } else {
            output.exits(3)
        };
        assert!(
            output.stderr.contains("`production` and `staging`"),
            "{output}"
        );
    }
    let output = env.run("plan -f portal --sandbox -o json").exits(3);
    let document = output.json_of("plan");
    assert_eq!(document["errors"][0]["code"], "manifest/choose-environment");
    let valid = env
        .run("validate -f portal -o json")
        .exits(0)
        .json_of("validate");
    assert_eq!(valid["environments"], json!(["production", "staging"]));
    assert_eq!(valid["organizations"], 3);
    let one = env
        .run("validate -f portal")
        .env("PORTALCTL_ENVIRONMENT", "staging");
    assert!(one.exits(0).stdout.contains("2 organizations"));
    // A pipeline sets a variable to nothing.
    let none = env
        .run("validate -f portal")
        .env("PORTALCTL_ENVIRONMENT", "");
    assert!(none.exits(0).stdout.contains("for production, staging"));
    // The flag is nearer than the variable.
    let flag = run(&env, "plan --sandbox", "production");
    let output = flag.env("PORTALCTL_ENVIRONMENT", "staging").exits(0);
    assert!(output.stdout.contains("production"), "{output}");
}

#[test]
fn an_error_of_one_environment_names_it_and_both_places() {
    let env = TestEnv::new();
    copy(&env);
    env.edit(
        "portal/environments/staging.yaml",
        "acme-staging.com",
        "staging",
    );
    let _ = run(&env, "validate", "production").exits(0);
    for line in [
        "validate -f portal",
        "validate -f portal --environment staging",
    ] {
        let output = env.run(line).exits(3);
        assert!(
            output
                .stderr
                .contains("portal/environments/staging.yaml:13"),
            "{output}"
        );
        assert!(
            output.stderr.contains("portal/customers/acme.yaml:3"),
            "{output}"
        );
    }
    let document = env
        .run("validate -f portal -o json")
        .exits(3)
        .json_of("validate");
    let message = document["errors"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("(in `staging`)"), "{message}");
}

#[test]
fn prune_deletes_what_no_environment_file_declares_and_nothing_that_is_excluded() {
    let env = TestEnv::new();
    copy(&env);
    let sandbox = SandboxServer::start(&env);
    env.edit(
        "portal/environments/staging.yaml",
        "state: excluded",
        "name: Globex",
    );
    let more = env.read("portal/environments/staging.yaml") + "  old: { name: Old }\n";
    env.write("portal/environments/staging.yaml", &more);
    let _ = run(&env, "apply --yes", "staging").at(&sandbox).exits(0);
    assert_eq!(sandbox.external_ids(), ["acme", "globex", "old", "qa"]);

    env.edit(
        "portal/environments/staging.yaml",
        "name: Globex",
        "state: excluded",
    );
    env.edit(
        "portal/environments/staging.yaml",
        "  old: { name: Old }\n",
        "",
    );
    let plan = run(&env, "plan --prune -o json", "staging").at(&sandbox);
    let plan = plan.exits(0).json_of("plan");
    let deleted: Vec<&Value> = plan["changes"].as_array().unwrap().iter().collect();
    assert_eq!(deleted.len(), 1, "{plan:#}");
    assert_eq!(deleted[0]["action"], "delete");
    let _ = run(&env, "apply --prune --yes", "staging")
        .at(&sandbox)
        .exits(0);
    assert_eq!(sandbox.external_ids(), ["acme", "globex", "qa"]);
    // Nor is it changed, linked to or taken over.
    let output = run(&env, "link globex sso --allow-non-tty", "staging")
        .at(&sandbox)
        .exits(3);
    assert!(output.stderr.contains("state: excluded"), "{output}");
    let output = run(&env, "plan --only globex", "staging")
        .at(&sandbox)
        .exits(3);
    assert!(output.stderr.contains("state: excluded"), "{output}");
}

/// The Action's step on the example, for one of its environments.
fn step(run: Run, environment: &str) -> Run {
    run.env("MANIFEST", "portal")
        .env("PORTALCTL_ENVIRONMENT", environment)
}

fn workflow() -> Workflow {
    let workflow = Workflow::new("version: 1\n");
    fs::remove_file(workflow.env.path("portal.yaml")).unwrap();
    copy(&workflow.env);
    workflow
}

#[test]
fn on_github_each_environment_applies_what_its_own_comment_says() {
    let workflow = workflow();
    let staging = SandboxServer::start(&workflow.env);
    let _ = step(workflow.step("plan"), "production").exits(0);
    let _ = step(workflow.step("plan"), "staging").at(&staging).exits(0);
    let _ = step(workflow.step("plan"), "staging").at(&staging).exits(0);
    let bodies = workflow.bodies();
    assert_eq!(bodies.len(), 2, "{bodies:#?}");
    for (body, name) in bodies.iter().zip(["production", "staging"]) {
        let start = format!("<!-- portalctl:plan environment={name} manifest=customers -->");
        assert!(body.starts_with(&start), "{body}");
        let file = format!("\n<!-- portalctl:file portal environment={name} -->\n");
        assert!(body.contains(&file), "{body}");
    }
    let _ = step(workflow.merged(), "staging").at(&staging).exits(0);
    assert_eq!(staging.external_ids(), ["acme", "qa"]);
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
    let _ = step(workflow.merged(), "production").exits(0);
    assert_eq!(workflow.sandbox.external_ids(), ["acme", "globex"]);
}

#[test]
fn a_comment_of_one_environment_counts_for_nothing_in_the_other() {
    let workflow = workflow();
    let _ = step(workflow.step("plan"), "staging").exits(0);
    let _ = step(workflow.merged(), "production").exits(1);
    // Not even with its hidden lines changed: the digest is of an environment.
    let body = workflow.bodies().remove(0);
    workflow.set_comments(&json!([]));
    workflow.comment_as(
        BOT,
        &body.replace("environment=staging", "environment=production"),
    );
    let _ = step(workflow.merged(), "production").exits(1);
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
}

#[test]
fn on_gitlab_each_environment_applies_its_own_plan() {
    let env = TestEnv::new();
    copy(&env);
    let (staging, production) = (SandboxServer::start(&env), SandboxServer::start(&env));
    let in_job = |name: &str, environment: &str, sandbox: &SandboxServer| {
        let job = job(&env, name).env("PORTALCTL_MANIFEST", "portal");
        job.env("PORTALCTL_ENVIRONMENT", environment).at(sandbox)
    };
    let validate = job(&env, ".portalctl-validate").env("PORTALCTL_MANIFEST", "portal");
    let output = validate.exits(0);
    assert!(
        output.stdout.contains("for production, staging"),
        "{output}"
    );
    let _ = in_job(".portalctl-plan", "staging", &staging).exits(0);
    // The artifact of the other environment is not taken.
    let output = in_job(".portalctl-apply", "production", &production).output();
    assert_ne!(output.code, Some(0), "{output}");
    assert_eq!(production.external_ids(), [""; 0]);
    let _ = in_job(".portalctl-apply", "staging", &staging).exits(0);
    assert_eq!(staging.external_ids(), ["acme", "qa"]);
    let _ = in_job(".portalctl-plan", "production", &production).exits(0);
    let _ = in_job(".portalctl-apply", "production", &production).exits(0);
    assert_eq!(production.external_ids(), ["acme", "globex"]);
}

fn yaml(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_pipelines_name_inputs_jobs_and_environments_that_are_there() {
    let action = yaml("action.yml");
    let mut names: Vec<String> = fs::read_dir(format!("{FOLDER}/portal/environments"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .replace(".yaml", "")
        })
        .collect();
    names.sort();
    let mut steps = 0;
    for (file, at) in [
        ("portal-plan.yml", "/jobs/plan/strategy/matrix/environment"),
        (
            "portal-plan.yml",
            "/jobs/plan-by-snapshot/strategy/matrix/environment",
        ),
        (
            "portal-snapshot.yml",
            "/jobs/snapshot/strategy/matrix/environment",
        ),
        (
            "portal-apply.yml",
            "/on/workflow_dispatch/inputs/environment/options",
        ),
    ] {
        let workflow = yaml(&format!("{FOLDER}/github/{file}"));
        assert_eq!(workflow.pointer(at), Some(&json!(names)), "{file}");
        for job in workflow["jobs"].as_object().unwrap().values() {
            for step in job["steps"].as_array().unwrap() {
                if step["uses"].as_str().unwrap().starts_with("portalctl/") {
                    for input in step["with"].as_object().unwrap().keys() {
                        assert!(action["inputs"].get(input).is_some(), "{file}: {input}");
                    }
                    steps += 1;
                }
            }
        }
    }
    assert!(steps > 3, "{steps}");
    let jobs = yaml("ci/gitlab/portalctl.gitlab-ci.yml");
    let pipeline = yaml(&format!("{FOLDER}/gitlab/.gitlab-ci.yml"));
    for name in &names {
        for (kind, base) in [
            ("plan", "plan"),
            ("apply", "apply"),
            ("review", "plan-offline"),
            ("snapshot", "snapshot"),
        ] {
            let base = format!(".portalctl-{base}");
            assert!(jobs[&base]["script"].is_array());
            let job = &pipeline[&format!("{kind}-{name}")];
            let extends = &job["extends"];
            assert!(*extends == base || extends[0] == base, "{kind}: {extends}");
            assert_eq!(job["variables"]["PORTALCTL_ENVIRONMENT"], *name);
        }
        let review = &pipeline[&format!("review-{name}")];
        let kept = format!("snapshot-{name}");
        assert_eq!(review["variables"]["PORTALCTL_SNAPSHOT_JOB"], kept);
        let apply = &pipeline[&format!("apply-{name}")];
        assert_eq!(apply["needs"], json!([format!("plan-{name}")]));
    }
    // One comparison is of all environments.
    assert_eq!(pipeline["diff"]["extends"][0], ".portalctl-diff");
    assert!(pipeline["diff"]["variables"].is_null());
}

/// The organizations of a plan that have nothing to do, where it has no change at all.
#[track_caller]
fn unchanged(env: &TestEnv, environment: &str, sandbox: &SandboxServer) -> Value {
    let plan = run(env, "plan --detailed-exitcode -o json", environment).at(sandbox);
    let plan = plan.exits(0).json_of("plan");
    plan["summary"]["unchanged"].clone()
}

#[test]
fn an_import_writes_ids_into_the_overlay_and_plans_nothing_in_any_environment() {
    let env = TestEnv::new();
    let production = SandboxServer::with(&env, "--load busy --rate-limit off");
    let staging = SandboxServer::with(&env, "--load busy --rate-limit off");
    let import = |line: &str, environment: &str, sandbox: &SandboxServer| {
        let line = format!("import --dir portal --environment {environment} {line}");
        env.run(&line).at(sandbox)
    };
    let shown = import("--dry-run", "production", &production).exits(0);
    assert!(
        shown
            .stdout
            .contains("production.yaml would get 12 entries"),
        "{shown}"
    );
    assert!(!env.path("portal").exists());
    let document = import("-o json", "production", &production)
        .exits(0)
        .json_of("import");
    assert_eq!(
        document["overlay_file"],
        "portal/environments/production.yaml"
    );
    assert_eq!(document["summary"]["written"], 12);
    assert_eq!(unchanged(&env, "production", &production), 12);
    let base = env.read("portal/globex.yaml");
    assert!(
        !base.contains("org_") && base.contains("state: excluded"),
        "{base}"
    );

    // The second environment: nothing is declared there until it is imported.
    let missing = import("", "staging", &staging).exits(3);
    assert!(
        missing.stderr.contains("no environment `staging`"),
        "{missing}"
    );
    let text = "overlay: staging # ours\nenvironment: { api_key: test }\n";
    env.write("portal/environments/staging.yaml", text);
    assert_eq!(unchanged(&env, "staging", &staging), 0);
    let _ = import("", "staging", &staging).exits(0);
    let overlay = env.read("portal/environments/staging.yaml");
    assert!(overlay.starts_with(text), "{overlay}");
    assert!(overlay.contains("  globex:\n    name: Globex"), "{overlay}");
    assert_eq!(unchanged(&env, "staging", &staging), 12);
    assert_eq!(unchanged(&env, "production", &production), 12);
    let again = import("-o json", "staging", &staging)
        .exits(0)
        .json_of("import");
    assert_eq!(again["summary"]["already_declared"], 12, "{again:#}");
    assert_eq!(again["overlay_file"], Value::Null);
    assert_eq!(env.read("portal/environments/staging.yaml"), overlay);
    let _ = env.run("validate -f portal").exits(0);
}

#[test]
fn an_import_refuses_an_overlay_that_it_cannot_add_to() {
    let env = TestEnv::new();
    let sandbox = SandboxServer::with(&env, "--load busy --rate-limit off");
    env.write("portal/portal.yaml", "version: 1\n");
    let overlay = "overlay: production\norganizations: { one: { name: One } }\n";
    env.write("portal/environments/production.yaml", overlay);
    let line = "import --dir portal --environment production";
    let output = env.run(line).at(&sandbox).exits(3);
    assert!(output.stderr.contains("cannot take entries"), "{output}");
    assert_eq!(fs::read_dir(env.path("portal")).unwrap().count(), 2);
    env.write(
        "portal/portal.yaml",
        "version: 1\nenvironments: { production: {} }\n",
    );
    fs::remove_dir_all(env.path("portal/environments")).unwrap();
    let output = env.run(line).at(&sandbox).exits(3);
    assert!(output.stderr.contains("no file of its own"), "{output}");
}

#[test]
fn an_environment_of_resources_is_chosen_by_its_name() {
    let env = TestEnv::new();
    copy(&env);
    for name in ["production", "staging"] {
        let line = format!("convert --to kubernetes --dir k8s/{name}");
        let _ = run(&env, &line, name).exits(0);
    }
    for (name, keys) in [("production", "[acme, globex]"), ("staging", "[acme, qa]")] {
        let from = |folder: &str| {
            let line = format!("plan -f {folder} --environment {name} --sandbox -o json");
            env.run(&line).exits(0).json_of("plan")["changes"].clone()
        };
        let (files, resources) = (from("portal"), from(&format!("k8s/{name}")));
        let keys_of = |changes: &Value| -> String {
            let changes = changes.as_array().unwrap().iter();
            let keys: Vec<&str> = changes
                .map(|change| change["key"].as_str().unwrap())
                .collect();
            format!("[{}]", keys.join(", "))
        };
        assert_eq!(keys_of(&files), keys);
        assert_eq!(keys_of(&resources), keys);
    }
    let output = env.run("plan -f k8s --sandbox").exits(3);
    assert!(output.stderr.contains("--environment"), "{output}");
}
