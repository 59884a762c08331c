//! Runs the scripts of the GitLab CI jobs as a runner does.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::child;
use crate::support::cli::{KEY, Run, TestEnv};
use crate::support::manifests::CUSTOMERS;
use crate::support::sandbox_server::SandboxServer;

fn read(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A job's commands, those before its script included, line by line, until one fails.
pub(crate) fn job(env: &TestEnv, name: &str) -> Run {
    let jobs = read("ci/gitlab/portalctl.gitlab-ci.yml");
    let lines_of = |commands: &Value| -> Vec<String> {
        let commands = commands.as_array().unwrap().iter();
        commands.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut lines = lines_of(&jobs[".portalctl"]["before_script"]);
    lines.extend(lines_of(&jobs[name]["script"]));
    let program = Path::new(env!("CARGO_BIN_EXE_portalctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut shell = child::script("sh");
    shell
        .args(["-e", "-c", &lines.join("\n")])
        .env_clear()
        .env("PATH", format!("{}:{path}", program.display()))
        .env("HOME", env.root().join("home"))
        .env("CI", "true")
        .env("PORTALCTL_MANIFEST", "portal.yaml")
        .env("PORTALCTL_FLAGS", "")
        .env("PORTALCTL_GITLAB_TOKEN", "")
        .env("PORTALCTL_STATUS_FLAGS", "")
        .env("PORTALCTL_SLACK_WEBHOOK", "")
        .env("PORTALCTL_TEAMS_WEBHOOK", "")
        .current_dir(env.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Run::of(shell)
}

#[test]
fn a_merge_request_is_validated_without_a_key() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = job(&env, ".portalctl-validate").exits(0);
    assert_eq!(report(&env, "codequality.json"), json!([]));
    env.edit("portal.yaml", "intents:", "intentions:");
    let output = job(&env, ".portalctl-validate").exits(3);
    assert!(output.stderr.contains("manifest/unknown-field"), "{output}");
    let issues = report(&env, "codequality.json");
    let issue = &issues[0];
    assert_eq!(issue["check_name"], "manifest/unknown-field");
    assert_eq!(issue["severity"], "critical");
    assert_eq!(issue["location"]["path"], "portal.yaml");
    assert_eq!(issue["location"]["lines"]["begin"], 7);
}

/// A report of a job, read by the rules of GitLab's parsers (`Terraform::Tfplan` and
/// `Codequality::CodeClimate`), written down again.
fn report(env: &TestEnv, name: &str) -> Value {
    let report: Value =
        serde_json::from_str(&env.read(&format!("portalctl-report/{name}"))).unwrap();
    let text = json!({ "type": "string", "minLength": 1 });
    let schema = match name {
        "counts.json" => json!({
            "type": "object",
            "required": ["create", "update", "delete"],
            "additionalProperties": { "type": "integer", "minimum": 0, "maximum": 999_999 },
        }),
        _ => json!({
            "type": "array",
            "uniqueItems": true,
            "items": {
                "type": "object",
                "required": ["description", "check_name", "fingerprint", "severity", "location"],
                "properties": {
                    "description": text, "check_name": text, "fingerprint": text,
                    "severity": { "enum": ["info", "minor", "major", "critical", "blocker"] },
                    "location": {
                        "type": "object",
                        "required": ["path", "lines"],
                        "properties": {
                            "path": { "type": "string", "pattern": "^[^./]" },
                            "lines": {
                                "type": "object",
                                "required": ["begin"],
                                "properties": { "begin": { "type": "integer", "minimum": 1 } },
                            },
                        },
                    },
                },
            },
        }),
    };
    let validator = jsonschema::validator_for(&schema).unwrap();
    let broken: Vec<String> = validator
        .iter_errors(&report)
        .map(|it| it.to_string())
        .collect();
    assert!(broken.is_empty(), "{broken:#?}\n{report:#}");
    report
}

#[test]
fn a_merge_request_shows_the_number_of_changes_and_what_needs_somebody() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = job(&env, ".portalctl-plan").at(&sandbox).exits(0);
    let counts = json!({ "create": 3, "update": 0, "delete": 0 });
    assert_eq!(report(&env, "counts.json"), counts);
    assert_eq!(report(&env, "codequality.json"), json!([]));

    let _ = job(&env, ".portalctl-apply").at(&sandbox).exits(0);
    env.edit("portal.yaml", "name: Globex", "name: Globex Corporation");
    let text = env.read("portal.yaml");
    let (rest, _) = text.split_once("  initech:").unwrap();
    env.write(
        "portal.yaml",
        &format!("{rest}  hooli: {{ name: Initech }}\n"),
    );
    let prunes = job(&env, ".portalctl-plan").env("PORTALCTL_FLAGS", "--prune");
    let _ = prunes.at(&sandbox).exits(7);
    let counts = json!({ "create": 0, "update": 1, "delete": 0 });
    assert_eq!(report(&env, "counts.json"), counts);
    let issues = report(&env, "codequality.json");
    let names: Vec<_> = issues
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["check_name"])
        .collect();
    assert!(names.contains(&&json!("plan/renamed-key")), "{issues:#}");
}

#[test]
fn a_plan_that_fails_leaves_no_counts_of_an_earlier_one() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = job(&env, ".portalctl-plan").at(&sandbox).exits(0);
    let refused = job(&env, ".portalctl-plan")
        .at(&sandbox)
        .env("WORKOS_API_KEY", "");
    let _ = refused.exits(4);
    // GitLab tells that a report lacks its counts.
    assert_eq!(env.read("portalctl-report/counts.json"), "{}\n");
    env.edit("portal.yaml", "intents:", "intentions:");
    let _ = job(&env, ".portalctl-plan").at(&sandbox).exits(3);
    assert_eq!(
        report(&env, "codequality.json")[0]["check_name"],
        "manifest/unknown-field"
    );
}

#[test]
fn lines_of_variables_are_arguments_and_no_code() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    env.write(
        "more/a b.yaml",
        "organizations:\n  hooli: { name: Hooli }\n",
    );
    let files = "portal.yaml\nmore/a b.yaml\n";
    let both = |flags: &str| {
        let job = job(&env, ".portalctl-plan").at(&sandbox);
        job.env("PORTALCTL_MANIFEST", files)
            .env("PORTALCTL_FLAGS", flags)
    };
    let _ = both("--only\nh*\n--requests-per-second=20").exits(0);
    assert_eq!(report(&env, "counts.json")["create"], 1);
    let _ = both("--only=$(touch pwned)`touch pwned`; touch pwned").exits(3);
    assert!(!env.path("pwned").exists());
    let validate = job(&env, ".portalctl-validate").env("PORTALCTL_MANIFEST", files);
    // What is for plan and apply is not for it.
    let _ = validate.env("PORTALCTL_FLAGS", "--prune").exits(0);
}

#[test]
fn what_was_planned_is_applied_and_then_there_is_no_drift() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = job(&env, ".portalctl-plan").at(&sandbox).exits(0);
    let _ = job(&env, ".portalctl-apply").at(&sandbox).exits(0);
    assert_eq!(sandbox.external_ids(), ["acme", "globex", "initech"]);
    let _ = job(&env, ".portalctl-nightly").at(&sandbox).exits(0);
    for report in [
        "plan.json",
        "plan.md",
        "plan.html",
        "apply.md",
        "status.html",
        "status.csv",
    ] {
        let text = env.read(&format!("portalctl-report/{report}"));
        assert!(!text.contains(KEY), "{report}");
    }
    env.edit("portal.yaml", "Globex", "Globex Corporation");
    let _ = job(&env, ".portalctl-nightly").at(&sandbox).exits(2);
}

#[test]
fn a_plan_that_no_longer_holds_is_refused() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&sandbox).exits(0);
    env.edit("portal.yaml", "name: Globex", "name: Globex Corporation");
    let _ = job(&env, ".portalctl-plan").at(&sandbox).exits(0);
    // Another client renames it before the job is started.
    env.edit("portal.yaml", "Globex Corporation", "Globex Labs");
    let _ = env.run("apply --yes").at(&sandbox).exits(0);
    env.edit("portal.yaml", "Globex Labs", "Globex Corporation");
    let stale = job(&env, ".portalctl-apply").at(&sandbox).exits(7);
    assert!(
        stale
            .stdout
            .contains("globex (Globex Labs)  plan/not-reviewed"),
        "{stale}"
    );
    let report = env.read("portalctl-report/apply.md");
    assert!(report.contains("`plan/not-reviewed`"), "{report}");
}

#[test]
fn the_example_extends_jobs_that_are_there() {
    let jobs = read("ci/gitlab/portalctl.gitlab-ci.yml");
    let example = read("examples/ci/gitlab/.gitlab-ci.yml");
    let stages = example["stages"].as_array().unwrap();
    let mut extended = 0;
    for (name, job) in example.as_object().unwrap() {
        if let Some(base) = job["extends"].as_str() {
            assert!(jobs[base]["script"].is_array(), "{name}: {base}");
            assert!(stages.contains(&job["stage"]), "{name}");
            extended += 1;
        }
    }
    assert_eq!(extended, 7);
    // Only what needs no key runs for a merge request.
    let merge_request = |job: &Value| job["rules"].to_string().contains("merge_request_event");
    for name in ["plan", "apply", "nightly", "snapshot"] {
        assert!(!merge_request(&example[name]), "{name}");
        assert!(
            example[name]["environment"].is_object() || name == "apply",
            "{name}"
        );
    }
    for name in ["validate", "diff", "review"] {
        assert!(merge_request(&example[name]), "{name}");
        assert!(example[name]["environment"].is_null(), "{name}");
    }
}

const TOKEN: &str = "glpat-canary0123456789";

/// The plan job in the pipeline of a merge request, with a stand-in for GitLab's API.
fn noted(env: &TestEnv, token: &str) -> Run {
    in_merge_request(env, ".portalctl-plan", token)
}

/// A job in the pipeline of a merge request, with a stand-in for GitLab's API.
fn in_merge_request(env: &TestEnv, name: &str, token: &str) -> Run {
    let tools = env.path("tools");
    let state = env.path("gitlab");
    if !tools.exists() {
        let curl = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/curl");
        fs::create_dir(&tools).unwrap();
        std::os::unix::fs::symlink(curl, tools.join("curl")).unwrap();
        env.write("gitlab/token", TOKEN);
        env.write("gitlab/notes.json", "[]");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_portalctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{}:{path}", tools.display(), program.display());
    job(env, name)
        .env("PATH", &path)
        .env("GITLAB_STATE", state.to_str().unwrap())
        .env("PORTALCTL_GITLAB_TOKEN", token)
        .env("CI_API_V4_URL", "https://gitlab.example.com/api/v4")
        .env("CI_PROJECT_ID", "42")
        .env("CI_MERGE_REQUEST_IID", "7")
        .env("CI_MERGE_REQUEST_PROJECT_ID", "1")
        .env(
            "CI_MERGE_REQUEST_PROJECT_URL",
            "https://127.0.0.1:9/customers",
        )
        .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "release/1")
        .env("CI_JOB_TOKEN", TOKEN)
        .env("PORTALCTL_SNAPSHOT_JOB", "snapshot")
}

fn notes(env: &TestEnv) -> Vec<String> {
    let notes: Value = serde_json::from_str(&env.read("gitlab/notes.json")).unwrap();
    let notes = notes.as_array().unwrap().iter();
    notes
        .map(|note| note["body"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_merge_request_has_one_note_of_its_plan() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let output = noted(&env, TOKEN).at(&sandbox).exits(0);
    let [first] = &notes(&env)[..] else {
        panic!("{output}");
    };
    assert!(
        first.starts_with("<!-- portalctl:plan environment=staging"),
        "{first}"
    );
    // Somebody else repeats it: that note stays theirs.
    let theirs = json!([{ "id": 3, "author": { "id": 9 }, "body": first }]);
    env.write("gitlab/notes.json", &theirs.to_string());
    let _ = noted(&env, TOKEN).at(&sandbox).exits(0);
    env.edit("portal.yaml", "Globex", "Globex Labs");
    let _ = noted(&env, TOKEN).at(&sandbox).exits(0);
    let [theirs, mine] = &notes(&env)[..] else {
        panic!("{:?}", notes(&env));
    };
    assert!(theirs == first && mine.contains("Globex Labs"), "{mine}");

    // A plan that cannot be made takes the place of the last one, and the job fails.
    env.edit("portal.yaml", "intents:", "intentions:");
    let output = noted(&env, TOKEN).at(&sandbox).exits(3);
    let [_, failed] = &notes(&env)[..] else {
        panic!("{output}");
    };
    assert!(
        failed.contains("failed") && !failed.contains("Globex Labs"),
        "{failed}"
    );
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(TOKEN) && !text.contains(KEY), "{output}");
    }
}

#[test]
fn without_a_token_there_is_no_note_and_a_refused_one_fails() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = noted(&env, "").at(&sandbox).exits(0);
    assert!(!env.path("gitlab/calls").exists());
    let output = noted(&env, "glpat-wrong").at(&sandbox).output();
    assert_ne!(output.code, Some(0), "{output}");
    assert_eq!(notes(&env), [""; 0]);
}

/// Runs git in a folder, without the settings of this machine.
fn git(folder: &Path, args: &[&str]) -> String {
    let mut git = child::command("git");
    let output = git
        .args(["-c", "user.name=x", "-c", "user.email=x@x.example"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_merge_request_without_a_key_says_what_it_means() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let upstream = env.path("upstream");
    fs::create_dir(&upstream).unwrap();
    fs::copy(env.path("portal.yaml"), upstream.join("portal.yaml")).unwrap();
    git(&upstream, &["init", "--quiet", "--initial-branch", "main"]);
    git(&upstream, &["add", "."]);
    git(&upstream, &["commit", "--quiet", "--message", "base"]);
    let base = git(&upstream, &["rev-parse", "HEAD"]);
    // The runner's checkout has the head alone.
    git(
        &env.path(""),
        &["init", "--quiet", "--initial-branch", "change"],
    );
    git(
        &env.path(""),
        &["remote", "add", "origin", upstream.to_str().unwrap()],
    );
    env.edit("portal.yaml", "name: Globex", "name: Globex Labs");
    let diff = || {
        let job = in_merge_request(&env, ".portalctl-diff", TOKEN);
        job.env("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base)
    };
    let _ = diff().env("WORKOS_API_KEY", "").exits(0);
    let [note] = &notes(&env)[..] else {
        panic!("{:?}", notes(&env));
    };
    assert!(note.starts_with("<!-- portalctl:diff "), "{note}");
    assert!(note.contains("Globex Labs"), "{note}");
    let json: Value = serde_json::from_str(&env.read("portalctl-report/diff.json")).unwrap();
    assert_eq!(json["summary"]["changed"], 1, "{json:#}");
    env.edit("portal.yaml", "intents:", "intentions:");
    let _ = diff().exits(3);
    assert!(notes(&env)[0].contains("failed"));
    let issues = report(&env, "codequality.json");
    assert_eq!(issues[0]["check_name"], "manifest/unknown-field");
}

#[test]
fn a_comparison_shows_its_dangers_whatever_the_branch_is_called() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let git = |args: &[&str]| git(&env.path(""), args);
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "portal.yaml"]);
    git(&["commit", "--quiet", "--message", "base"]);
    let began = git(&["rev-parse", "HEAD"]);
    let branch = "$(touch${IFS}pwned);`touch${IFS}pwned`";
    git(&["checkout", "--quiet", "-b", branch]);
    env.edit(
        "portal.yaml",
        "name: Globex",
        "name: Globex\n    return_url: https://app-example.com/",
    );
    git(&["commit", "--quiet", "--all", "--message", "change"]);
    let diff = || {
        let job = in_merge_request(&env, ".portalctl-diff", "");
        job.env("CI_MERGE_REQUEST_DIFF_BASE_SHA", &began)
            .env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", branch)
            .env("CI_COMMIT_REF_NAME", branch)
    };
    let output = diff().exits(0);
    assert!(output.stdout.contains("app-example.com"), "{output}");
    let issues = report(&env, "codequality.json");
    assert_eq!(issues[0]["check_name"], "diff/destination", "{issues:#}");
    assert!(!env.path("gitlab/calls").exists());
    assert!(!env.path("pwned").exists());
    // With merged results, what the target branch has is no change of the merge request.
    let head = git(&["rev-parse", "HEAD"]);
    let merged = diff().env("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &head);
    assert!(merged.exits(0).stdout.contains("no difference"));
}

#[test]
fn a_merge_request_without_a_key_is_planned_by_the_snapshot_of_its_target() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&sandbox).exits(0);
    let offline = || {
        let job = in_merge_request(&env, ".portalctl-plan-offline", TOKEN);
        job.env("WORKOS_API_KEY", "").at_url("http://127.0.0.1:9")
    };
    // A warning in the pipeline, and no plan of nothing.
    let allowed = read("ci/gitlab/portalctl.gitlab-ci.yml");
    assert_eq!(
        allowed[".portalctl-plan-offline"]["allow_failure"]["exit_codes"],
        78
    );
    let missing = offline().exits(78);
    assert!(missing.stderr.contains("there is no snapshot"), "{missing}");
    assert!(!env.path("portalctl-report/counts.json").exists());
    let _ = job(&env, ".portalctl-snapshot").at(&sandbox).exits(0);
    fs::rename(
        env.path("portalctl-report/snapshot.json"),
        env.path("gitlab/snapshot.json"),
    )
    .unwrap();
    env.edit("portal.yaml", "name: Globex", "name: Globex Labs");
    // Where a project has no token for notes, the job's own is enough.
    let _ = offline().env("PORTALCTL_GITLAB_TOKEN", "").exits(0);
    assert_eq!(notes(&env), [""; 0]);
    let output = offline().exits(0);
    let live = env.run("plan -o json").at(&sandbox).exits(0);
    let digest = live.json_of("plan")["digest"].as_str().unwrap().to_owned();
    assert!(notes(&env)[0].contains(&digest), "{digest}");
    let counts = json!({ "create": 0, "update": 1, "delete": 0 });
    assert_eq!(report(&env, "counts.json"), counts);
    let [note] = &notes(&env)[..] else {
        panic!("{output}");
    };
    assert!(
        note.contains("snapshot of ") && note.contains("Globex Labs"),
        "{note}"
    );
    // The account is no artifact of a merge request.
    assert!(!env.path("portalctl-report/snapshot.json").exists());
    assert!(!(output.stdout + &output.stderr).contains(TOKEN));
    // A plan that cannot be made is no warning.
    env.write("gitlab/snapshot.json", "{}");
    let output = offline().exits(3);
    assert!(output.stderr.contains("error[cli/snapshot]"), "{output}");
}

/// The nightly job, with a webhook that writes down what is posted.
fn night(env: &TestEnv, sandbox: &SandboxServer) -> Run {
    let tools = env.path("tools");
    if !tools.exists() {
        let curl = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/webhook_curl");
        fs::create_dir(&tools).unwrap();
        std::os::unix::fs::symlink(curl, tools.join("curl")).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_portalctl")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{}:{path}", tools.display(), program.display());
    job(env, ".portalctl-nightly")
        .env("PATH", &path)
        .env("WEBHOOK_STATE", env.path("posted").to_str().unwrap())
        .env(
            "PORTALCTL_SLACK_WEBHOOK",
            "https://hooks.example.com/t0ken-canary",
        )
        .at(sandbox)
}

fn posted(env: &TestEnv) -> String {
    fs::read_to_string(env.path("posted")).unwrap_or_default()
}

#[test]
fn a_night_tells_a_chat_what_changed_since_the_last_one() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&sandbox).exits(0);
    // The first night has nothing to compare with, and the second one nothing to tell.
    for _ in 0..2 {
        let _ = night(&env, &sandbox).exits(0);
        assert_eq!(posted(&env), "");
    }
    sandbox.connect("acme");
    let flags = "--fail-on=configured";
    let output = night(&env, &sandbox)
        .env("PORTALCTL_STATUS_FLAGS", flags)
        .exits(2);
    let told = posted(&env);
    assert!(
        told.starts_with("https://hooks.example.com/t0ken-canary "),
        "{told}"
    );
    assert!(
        told.contains("1 portal feature changed") && told.contains("acme  sso"),
        "{told}"
    );
    assert!(!(output.stdout + &output.stderr).contains("t0ken-canary"));
    // A night that failed is compared with all the same.
    fs::remove_file(env.path("posted")).unwrap();
    let _ = night(&env, &sandbox).exits(0);
    assert_eq!(posted(&env), "");
}
