//! Runs the GitHub Action's step as GitHub runs it, with a stand-in for GitHub's CLI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::child;
use crate::support::cli::{KEY, Output, Run, TestEnv};
use crate::support::sandbox_server::SandboxServer;

pub(crate) const HEAD: &str = "1111111111111111111111111111111111111111";
pub(crate) const MERGED: &str = "2222222222222222222222222222222222222222";
/// Runs of a workflow: one of the schedule.
pub(crate) const ONE_RUN: &str = r#"[{"databaseId": 42, "event": "schedule"}]"#;
/// The workflow's run.
pub(crate) const RUN: &str = "42";
pub(crate) const BOT: &str = "github-actions[bot]";

pub(crate) const MANIFEST: &str = "\
version: 1
environment: { name: production }
organizations:
  acme: { name: Acme Corp, intents: [sso] }
";

/// A repository on GitHub with one pull request, and a workflow that runs for it.
pub(crate) struct Workflow {
    pub(crate) env: TestEnv,
    pub(crate) sandbox: SandboxServer,
}

impl Workflow {
    pub(crate) fn new(manifest: &str) -> Self {
        let env = TestEnv::with_manifest(manifest);
        let workflow = Self {
            sandbox: SandboxServer::start(&env),
            env,
        };
        fs::create_dir(workflow.github("")).unwrap();
        workflow.set_comments(&json!([]));
        let pull = json!([{
            "number": 7, "merged_at": "2026-11-01T00:00:00Z", "merge_commit_sha": MERGED,
            "head": {"sha": HEAD},
        }]);
        fs::write(workflow.github("pulls.json"), pull.to_string()).unwrap();
        fs::write(workflow.github("login"), BOT).unwrap();
        workflow
    }

    /// A path among what GitHub keeps.
    pub(crate) fn github(&self, name: &str) -> PathBuf {
        self.env.path("github").join(name)
    }

    pub(crate) fn set_comments(&self, comments: &Value) {
        fs::write(self.github("comments.json"), comments.to_string()).unwrap();
    }

    pub(crate) fn comments(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.github("comments.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        let comments = self.comments();
        let bodies = comments.iter().map(|c| c["body"].as_str().unwrap());
        bodies.map(str::to_owned).collect()
    }

    /// Adds a comment as a person would.
    pub(crate) fn comment_as(&self, login: &str, body: &str) {
        let mut comments = self.comments();
        let id = 500 + comments.len();
        comments.push(json!({"id": id, "user": {"login": login}, "body": body}));
        self.set_comments(&Value::from(comments));
    }

    /// The Action's step for a command, in the event of a pull request.
    pub(crate) fn step(&self, command: &str) -> Run {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = Path::new(env!("CARGO_BIN_EXE_portalctl"));
        let tools = self.env.path("tools");
        if !tools.exists() {
            fs::create_dir(&tools).unwrap();
            std::os::unix::fs::symlink(root.join("tests/support/gh"), tools.join("gh")).unwrap();
            std::os::unix::fs::symlink(program, tools.join("portalctl")).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        let mut step = child::script(root.join("ci/github/run"));
        step.env_clear()
            .env("PATH", format!("{}:{path}", tools.display()))
            .env("HOME", self.env.root().join("home"))
            .env("RUNNER_TEMP", self.env.root())
            .env("GITHUB_OUTPUT", self.github("output"))
            .env("GITHUB_STEP_SUMMARY", self.github("summary"))
            .env("GITHUB_REPOSITORY", "acme/customers")
            .env("GITHUB_SHA", MERGED)
            .env("GH_STATE", self.github(""))
            .env("GH_TOKEN", "t0ken")
            .env("COMMAND", command)
            .env("MANIFEST", "portal.yaml")
            .env("FOLDER", ".")
            .env("FLAGS", "")
            .env("PULL_REQUEST", "7")
            .env("HEAD", HEAD)
            .env("COMMENT", "true")
            .env("BOT", BOT)
            .env("DIGEST", "")
            .env("BEFORE", "")
            .env("GITHUB_RUN_ID", RUN)
            .env("DEFAULT_BRANCH", "main")
            .env("CI", "true")
            .current_dir(self.env.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let _ = fs::remove_file(self.github("output"));
        Run::of(step).at(&self.sandbox)
    }

    /// The step after the merge: no event of a pull request.
    pub(crate) fn merged(&self) -> Run {
        self.step("apply").env("PULL_REQUEST", "").env("HEAD", "")
    }

    /// An output of the last step.
    pub(crate) fn output(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.github("output")).unwrap_or_default();
        let found = text.lines().rev().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key == name).then(|| value.to_owned())
        });
        found.filter(|value| !value.is_empty())
    }

    /// Keeps the folder of the last step as an artifact of the run, as `actions/upload-artifact` does.
    pub(crate) fn upload(&self, artifact: &str) {
        let to = self.github("artifacts").join(RUN).join(artifact);
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(self.output("folder").unwrap()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }

    pub(crate) fn summary(&self) -> String {
        fs::read_to_string(self.github("summary")).unwrap_or_default()
    }

    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.github("calls")).unwrap_or_default()
    }
}

#[track_caller]
fn holds_no_key(workflow: &Workflow, output: &Output) {
    let summary = workflow.summary();
    let comments = workflow.bodies().join("\n");
    for text in [&output.stdout, &output.stderr, &summary, &comments] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[test]
fn a_plan_is_commented_once_and_updated_in_place() {
    let workflow = Workflow::new(MANIFEST);
    let planned = workflow.step("plan").exits(0);
    holds_no_key(&workflow, &planned);
    assert_eq!(workflow.output("has-changes").as_deref(), Some("true"));
    let digest = workflow.output("digest").unwrap();
    let [first] = &workflow.bodies()[..] else {
        panic!("{:?}", workflow.bodies());
    };
    let hidden: Vec<&str> = first.lines().take(6).collect();
    assert!(hidden[0].starts_with("<!-- portalctl:plan environment=production"));
    assert_eq!(hidden[1], format!("<!-- portalctl:digest {digest} -->"));
    assert!(hidden[2].starts_with("<!-- portalctl:review v1 "));
    assert_eq!(hidden[3], "<!-- portalctl:file portal.yaml -->");
    assert_eq!(hidden[4], format!("<!-- portalctl:head {HEAD} -->"));
    assert_eq!(hidden[5], format!("<!-- portalctl:run {RUN} -->"));

    let more = MANIFEST.to_owned() + "  globex: { name: Globex }\n";
    workflow.env.write("portal.yaml", &more);
    let _ = workflow.step("plan").exits(0);
    let [second] = &workflow.bodies()[..] else {
        panic!("{:?}", workflow.bodies());
    };
    assert!(second.contains("globex") && second != first, "{second}");
    let folder = PathBuf::from(workflow.output("folder").unwrap());
    for report in ["report.md", "report.json", "report.html", "report.sarif"] {
        assert!(folder.join(report).is_file(), "{report}");
    }
}

#[test]
fn without_changes_there_is_no_comment_but_an_old_one_is_brought_up_to_date() {
    let workflow = Workflow::new(MANIFEST);
    let apply = workflow.env.run("apply --yes").at(&workflow.sandbox);
    let _ = apply.exits(0);
    let _ = workflow.step("plan").exits(0);
    assert_eq!(workflow.output("has-changes").as_deref(), Some("false"));
    assert_eq!(workflow.bodies(), [""; 0]);

    let more = MANIFEST.to_owned() + "  globex: { name: Globex }\n";
    workflow.env.write("portal.yaml", &more);
    let _ = workflow.step("plan").exits(0);
    assert!(workflow.bodies()[0].contains("globex"));
    workflow.env.write("portal.yaml", MANIFEST);
    let _ = workflow.step("plan").exits(0);
    assert_eq!(workflow.bodies().len(), 1);
    assert!(!workflow.bodies()[0].contains("globex"));
}

#[test]
fn a_merge_applies_what_the_comment_says() {
    let workflow = Workflow::new(MANIFEST);
    let _ = workflow.step("plan").exits(0);
    let applied = workflow.merged().exits(0);
    holds_no_key(&workflow, &applied);
    assert_eq!(workflow.sandbox.external_ids(), ["acme"]);
    let bodies = workflow.bodies();
    assert_eq!(bodies.len(), 2, "{bodies:#?}");
    assert!(bodies[1].starts_with("<!-- portalctl:apply "));
}

#[test]
fn nothing_is_applied_that_the_workflow_did_not_comment_for_the_merged_commit() {
    let workflow = Workflow::new(MANIFEST);
    // There is no plan of it.
    let _ = workflow.merged().exits(1);
    // A stranger repeats what the workflow would say.
    let _ = workflow.step("plan").exits(0);
    let mine = workflow.bodies().last().unwrap().clone();
    workflow.set_comments(&json!([]));
    workflow.comment_as("mallory", &mine);
    let _ = workflow.merged().exits(1);
    // The workflow said it of an older commit.
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &mine.replace(HEAD, MERGED));
    let _ = workflow.merged().exits(1);
    // The text further down comes from outside.
    workflow.set_comments(&json!([]));
    let forged: Vec<&str> = mine.lines().collect();
    let forged = [forged[0], forged[2], forged[3], "text", forged[1]].join("\n");
    workflow.comment_as(BOT, &forged);
    let _ = workflow.merged().exits(1);
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
}

#[test]
fn a_digest_that_is_none_is_not_passed_on() {
    let workflow = Workflow::new(MANIFEST);
    let output = workflow.merged().env("DIGEST", "sha256:$(id)").exits(1);
    assert!(output.stdout.contains("the digest is not one"), "{output}");
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
}

/// The commands that GitHub finds in a step's output.
fn annotations(output: &Output) -> Vec<&str> {
    let lines = output.stdout.lines();
    lines.filter(|line| line.starts_with("::")).collect()
}

#[test]
fn problems_are_annotated_on_their_lines_without_a_key() {
    let broken = MANIFEST.to_owned() + "  globex: { nmae: Globex }\n";
    let workflow = Workflow::new(&broken);
    let step = workflow.step("validate").env("WORKOS_API_KEY", "");
    let output = step.exits(3);
    let place = "::error title=portalctl manifest/unknown-field,file=portal.yaml,line=5,col=13::";
    let said = annotations(&output);
    assert!(said.iter().any(|line| line.starts_with(place)), "{output}");
    assert_eq!(workflow.calls(), "");
    assert!(workflow.summary().contains("not valid"));

    workflow.env.write("portal.yaml", MANIFEST);
    let step = workflow.step("validate").env("WORKOS_API_KEY", "");
    let _ = step.exits(0);
    assert!(workflow.summary().contains("It was not planned"));
}

#[test]
fn what_a_manifest_says_is_no_command_of_the_workflow() {
    let workflow = Workflow::new(MANIFEST);
    let hostile =
        "organizations:\n  globex:\n    name: G\n    intents: [\"a\\n::error::b,%0A::c\"]\n";
    fs::create_dir(workflow.env.path("portal")).unwrap();
    workflow.env.write("portal/main.yaml", MANIFEST);
    workflow.env.write("portal/kündé, a::%.yaml", hostile);
    let step = workflow.step("validate").env("MANIFEST", "portal");
    let output = step.exits(3);
    let [said] = annotations(&output)[..] else {
        panic!("{output}");
    };
    let place = ",file=portal/kündé%2C a%3A%3A%25.yaml,line=4,col=15::";
    assert!(said.contains(place), "{output}");
    assert!(said.contains("::error::b,%250A::c"), "{output}");
}

#[test]
fn a_link_in_the_place_of_the_manifest_is_not_followed() {
    let workflow = Workflow::new(MANIFEST);
    let link = |name: &str, to: &str| {
        std::os::unix::fs::symlink(to, workflow.env.path(name)).unwrap();
    };
    link("portal", "/proc/self/environ");
    link("behind", ".");
    for manifest in ["portal", "behind/portal.yaml"] {
        let output = workflow.step("plan").env("MANIFEST", manifest).exits(1);
        assert!(output.stdout.contains("is a link"), "{output}");
        holds_no_key(&workflow, &output);
    }
    assert_eq!(workflow.bodies(), [""; 0]);
    let _ = workflow
        .step("plan")
        .env("MANIFEST", "./portal.yaml")
        .exits(0);
}

#[test]
fn a_failure_takes_the_place_of_a_plan_that_no_longer_holds() {
    let workflow = Workflow::new(MANIFEST);
    let _ = workflow.step("plan").exits(0);
    workflow
        .env
        .write("portal.yaml", "version: 1\norganizations: 3\n");
    let output = workflow.step("plan").exits(3);
    let errors = annotations(&output).join("\n");
    assert!(errors.contains("file=portal.yaml,line=2,"), "{output}");
    let [failed] = &workflow.bodies()[..] else {
        panic!("{:?}", workflow.bodies());
    };
    assert!(
        failed.contains("failed") && !failed.contains("digest"),
        "{failed}"
    );
    assert_eq!(workflow.output("digest"), None);
    // Earlier comments are not trusted any more.
    workflow.env.write("portal.yaml", MANIFEST);
    let _ = workflow.merged().exits(1);
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
}

#[test]
fn a_program_that_says_nothing_leaves_no_green_comment() {
    let workflow = Workflow::new(MANIFEST);
    let _ = workflow.step("plan").exits(0);
    let program = workflow.env.path("tools/portalctl");
    fs::remove_file(&program).unwrap();
    std::os::unix::fs::symlink("/bin/false", &program).unwrap();
    let _ = workflow.step("plan").exits(1);
    let [failed] = &workflow.bodies()[..] else {
        panic!("{:?}", workflow.bodies());
    };
    assert!(
        failed.contains("It ended with 1") && !failed.contains("digest"),
        "{failed}"
    );
}

#[test]
fn a_conflict_does_not_keep_the_rest_of_what_was_reviewed() {
    let workflow = Workflow::new(&(MANIFEST.to_owned() + "  globex: { name: Globex }\n"));
    let by_hand = json!({ "name": "Globex" });
    let _ = workflow.sandbox.send("POST", "/organizations", &by_hand);
    let output = workflow.step("plan").exits(7);
    let conflict = "::error title=portalctl plan/same-name,file=portal.yaml,line=5::";
    assert!(output.stdout.contains(conflict), "{output}");
    let _ = workflow.merged().exits(7);
    assert!(workflow.bodies()[1].starts_with("<!-- portalctl:apply "));
    // Again there is nothing to do but the conflict: still no other plan than the one looked at.
    let _ = workflow.step("plan").exits(7);
    let _ = workflow.merged().exits(7);
    assert!(!workflow.bodies().concat().contains("Nothing was applied"));
}

#[test]
fn each_manifest_has_a_comment_of_its_own() {
    let workflow = Workflow::new(MANIFEST);
    workflow
        .env
        .write("other.yaml", &MANIFEST.replace("acme", "other"));
    let _ = workflow.step("plan").env("MANIFEST", "other.yaml").exits(0);
    // Its digest is of no use for another manifest.
    let _ = workflow.merged().exits(1);
    let _ = workflow.step("plan").exits(0);
    assert_eq!(workflow.bodies().len(), 3, "{:#?}", workflow.bodies());
    let _ = workflow.merged().exits(0);
    assert_eq!(workflow.sandbox.external_ids(), ["acme"]);
}

#[test]
fn a_status_is_a_summary_with_its_reports() {
    let workflow = Workflow::new(MANIFEST);
    let step = workflow.step("status").env("PULL_REQUEST", "");
    let output = step.exits(0);
    holds_no_key(&workflow, &output);
    assert!(workflow.summary().starts_with("<!-- portalctl:status "));
    assert_eq!(workflow.calls(), "");
    let folder = PathBuf::from(workflow.output("folder").unwrap());
    for report in ["report.md", "report.json", "report.html", "report.csv"] {
        assert!(folder.join(report).is_file(), "{report}");
    }
    let step = workflow
        .step("status")
        .env("FLAGS", "--fail-on=unconfigured");
    let output = step.exits(2);
    assert!(output.stdout.contains("::warning "), "{output}");
    let _ = workflow.step("destroy").exits(1);
}

#[test]
fn flags_come_one_on_each_line_and_are_no_code() {
    let workflow = Workflow::new(&MANIFEST.replace("acme:", "acme-1:"));
    let flags = "--only\nacme-*\n--requests-per-second=20";
    let _ = workflow.step("plan").env("FLAGS", flags).exits(0);
    let step = workflow.step("plan").env("FLAGS", "--only=$(touch pwned)");
    let _ = step.exits(3);
    assert!(!workflow.env.path("pwned").exists());
}

#[test]
fn a_merge_that_changes_nothing_is_green_without_a_review() {
    let workflow = Workflow::new(MANIFEST);
    let apply = workflow.env.run("apply --yes").at(&workflow.sandbox);
    let _ = apply.exits(0);
    let _ = workflow.step("plan").exits(0);
    assert_eq!(workflow.bodies(), [""; 0]);
    let _ = workflow.merged().exits(0);
    assert_eq!(workflow.bodies(), [""; 0]);
}

#[test]
fn a_run_that_is_started_again_goes_on_and_then_finds_nothing_to_do() {
    let more = MANIFEST.to_owned() + "  globex: { name: Globex }\n";
    let workflow = Workflow::new(&more);
    let _ = workflow.step("plan").exits(0);
    // An earlier run got as far as the first one.
    let half = workflow.env.run("apply --yes --only acme");
    let _ = half.at(&workflow.sandbox).exits(0);
    for _ in 0..2 {
        let _ = workflow.merged().exits(0);
        assert_eq!(workflow.sandbox.external_ids(), ["acme", "globex"]);
    }
}

#[test]
fn a_run_that_is_cancelled_ends_with_its_account() {
    // A shell cannot trap what was ignored when it began, as it is behind `&` without a terminal.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let is_ignored = ignored.is_some_and(|mask| mask & (1 << 1) != 0);
    let signals: &[&str] = if is_ignored {
        &["TERM"]
    } else {
        &["INT", "TERM"]
    };
    for signal in signals {
        // Long enough for any machine to notice the first one before the last.
        let mut workflow = Workflow::new(&with_more(60));
        workflow.sandbox = SandboxServer::with(&workflow.env, "--rate-limit off --latency-ms 300");
        let _ = workflow.step("plan").exits(0);
        let step = workflow.merged().env("FLAGS", "--concurrency=1");
        let running = step.spawn();
        running.wait_for_lines("done", 1);
        running.signal(signal);
        let cancelled = running.finish();
        assert_eq!(cancelled.code, Some(130), "{cancelled}");
        let done = workflow.sandbox.external_ids();
        assert!(done.len() < 61, "{done:?}");
        assert!(workflow.bodies()[1].contains("interrupted; run apply again to go on"));
        assert!(workflow.summary().contains("not tried"));
        let _ = workflow.merged().exits(0);
        assert_eq!(workflow.sandbox.external_ids().len(), 61);
    }
}

#[test]
fn what_nobody_reviewed_is_left_out_and_posted_as_a_new_plan() {
    let workflow = Workflow::new(MANIFEST);
    let _ = workflow.step("plan").exits(0);
    let more = MANIFEST.to_owned() + "  globex: { name: Globex }\n";
    workflow.env.write("portal.yaml", &more);
    let stopped = workflow.merged().exits(1);
    let said = "not everything was applied";
    assert!(stopped.stdout.contains(said), "{stopped}");
    assert_eq!(workflow.sandbox.external_ids(), ["acme"]);
    let bodies = workflow.bodies();
    assert_eq!(bodies.len(), 3, "{bodies:#?}");
    assert!(bodies[1].contains("`plan/not-reviewed`"), "{}", bodies[1]);
    assert!(bodies[2].contains("Not everything was applied") && bodies[2].contains("globex"));
    // The plan of the pull request stays what it was.
    assert!(!bodies[0].contains("globex"));

    // The summary has both: what was done, and the new plan.
    let summary = workflow.summary();
    let [applied, planned] = ["apply", "plan"].map(|kind| format!("<!-- portalctl:{kind} "));
    let place = |text: &str| summary.rfind(text).unwrap();
    assert!(place(&applied) < place(&planned), "{summary}");
    let folder = PathBuf::from(workflow.output("folder").unwrap());
    for (report, kind) in [("report.md", "apply"), ("new-plan.md", "plan")] {
        let text = fs::read_to_string(folder.join(report)).unwrap();
        assert!(
            text.starts_with(&format!("<!-- portalctl:{kind} ")),
            "{text}"
        );
    }

    // A person reviews it and starts the workflow by hand.
    let digest = workflow.output("digest").unwrap();
    let _ = workflow.merged().env("DIGEST", &digest).exits(0);
    assert_eq!(workflow.sandbox.external_ids(), ["acme", "globex"]);
}

#[test]
fn a_comment_that_sends_people_elsewhere_approves_nothing() {
    let urls = "return_urls: { default: https://app.example.com/ }\n";
    let workflow = Workflow::new(&(MANIFEST.to_owned() + urls));
    let _ = workflow.step("plan").exits(0);
    workflow
        .env
        .edit("portal.yaml", "app.example.com", "evil.example");
    let stopped = workflow.merged().exits(1);
    assert!(stopped.stdout.contains("nothing was applied"), "{stopped}");
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
    assert!(workflow.bodies()[1].contains("evil.example"));
}

#[test]
fn a_merge_queue_applies_what_all_of_its_pull_requests_reviewed() {
    let workflow = Workflow::new(MANIFEST);
    let _ = workflow.step("plan").exits(0);
    fs::rename(
        workflow.github("comments.json"),
        workflow.github("comments-8.json"),
    )
    .unwrap();
    workflow.set_comments(&json!([]));
    let other = MANIFEST.replace("acme: { name: Acme Corp", "globex: { name: Globex");
    workflow.env.write("portal.yaml", &other);
    let _ = workflow.step("plan").exits(0);
    let both = MANIFEST.to_owned() + "  globex: { name: Globex, intents: [sso] }\n";
    workflow.env.write("portal.yaml", &both);
    let first = "3".repeat(40);
    let pull = |number: u32, commit: &str| {
        json!({
            "number": number, "merged_at": "2026-11-01T00:00:00Z", "merge_commit_sha": commit,
            "head": {"sha": HEAD},
        })
    };
    let pulls = json!([pull(8, &first), pull(7, MERGED)]);
    fs::write(workflow.github("pulls.json"), pulls.to_string()).unwrap();
    let commits = json!({"commits": [{"sha": first}, {"sha": MERGED}]});
    fs::write(workflow.github("compare.json"), commits.to_string()).unwrap();
    let before = "4".repeat(40);
    let _ = workflow.merged().env("BEFORE", &before).exits(0);
    assert_eq!(workflow.sandbox.external_ids(), ["acme", "globex"]);
    assert!(
        workflow
            .calls()
            .contains(&format!("compare/{before}...{MERGED}"))
    );
}

#[test]
fn with_a_review_key_a_comment_that_another_workflow_wrote_counts_for_nothing() {
    const REVIEW_KEY: &str = "0123456789abcdef0123456789abcdef";
    let keyed = |run: Run| run.env("PORTALCTL_REVIEW_KEY", REVIEW_KEY);
    let workflow = Workflow::new(MANIFEST);
    let _ = workflow.step("plan").exits(0);
    let forged = workflow.bodies()[0].clone();
    let _ = keyed(workflow.merged()).exits(1);
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);

    // A newer one that is forged does not hide the genuine one, and a genuine one of another pull
    // request, commit or manifest is none of this one.
    workflow.set_comments(&json!([]));
    let _ = keyed(workflow.step("plan")).exits(0);
    let genuine = workflow.bodies()[0].clone();
    assert!(!genuine.contains(REVIEW_KEY));
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &genuine.replace("customers%237", "customers%238"));
    let _ = keyed(workflow.merged()).exits(1);
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &genuine);
    workflow.comment_as(BOT, &forged);
    let _ = keyed(workflow.merged()).exits(0);
    assert_eq!(workflow.sandbox.external_ids(), ["acme"]);
}

#[test]
fn a_comment_whose_hidden_lines_are_broken_is_no_review_and_stops_no_genuine_one() {
    const REVIEW_KEY: &str = "0123456789abcdef0123456789abcdef";
    let keyed = |run: Run| run.env("PORTALCTL_REVIEW_KEY", REVIEW_KEY);
    let workflow = Workflow::new(MANIFEST);
    let _ = keyed(workflow.step("plan")).exits(0);
    let genuine = workflow.bodies()[0].clone();
    let digest = "<!-- portalctl:digest ";
    let zeros = format!("{digest}sha256:{} -->\n{digest}", "0".repeat(64));
    let broken = [
        genuine.replace(digest, &format!("{digest}0")),
        genuine.replace(digest, &zeros),
        genuine.replace("<!-- portalctl:plan ", "<!-- portalctl:plan x x x="),
    ];
    for body in &broken[..2] {
        workflow.set_comments(&json!([]));
        workflow.comment_as(BOT, body);
        let stopped = workflow.merged().exits(1);
        assert!(stopped.stdout.contains("nothing was applied"), "{stopped}");
        assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
    }
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &genuine);
    for body in &broken {
        workflow.comment_as(BOT, body);
    }
    let _ = keyed(workflow.merged()).exits(0);
    assert_eq!(workflow.sandbox.external_ids(), ["acme"]);
}

/// Makes the folder a checkout of the merge of a commit into a base, as GitHub would.
pub(crate) fn check_out_merge(workflow: &Workflow) -> (String, String) {
    let git = |args: &[&str]| {
        let mut git = child::command("git");
        let output = git
            .args(["-c", "user.name=x", "-c", "user.email=x@x.example"])
            .args(args)
            .current_dir(workflow.env.path(""))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet", "--initial-branch", "main"]);
    let commit = |message: &str| {
        git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        git(&["rev-parse", "HEAD"])
    };
    let _ = commit("first");
    git(&["switch", "--quiet", "--create", "change"]);
    let head = commit("change");
    git(&["switch", "--quiet", "main"]);
    let base = commit("other");
    git(&["merge", "--quiet", "--no-ff", "--no-edit", "change"]);
    (head, base)
}

#[test]
fn a_plan_of_the_merge_result_is_of_the_head_and_its_base() {
    let workflow = Workflow::new(MANIFEST);
    let (head, base) = check_out_merge(&workflow);
    let output = workflow.step("plan").exits(1);
    assert!(output.stdout.contains("merges another commit"), "{output}");
    assert_eq!(workflow.bodies(), [""; 0]);
    let _ = workflow.step("plan").env("HEAD", &head).exits(0);
    let body = &workflow.bodies()[0];
    assert!(
        body.contains(&format!("<!-- portalctl:head {head} -->\n")),
        "{body}"
    );
    assert!(
        body.contains(&format!("<!-- portalctl:base {base} -->\n")),
        "{body}"
    );
}

#[test]
fn ids_are_a_file_for_later_steps() {
    let workflow = Workflow::new(MANIFEST);
    let apply = workflow.env.run("apply --yes").at(&workflow.sandbox);
    let _ = apply.exits(0);
    let _ = workflow.step("ids").exits(0);
    let folder = PathBuf::from(workflow.output("folder").unwrap());
    let ids = fs::read_to_string(folder.join("ids.json")).unwrap();
    assert!(ids.contains(&workflow.sandbox.id_of("acme")), "{ids}");
}

/// A manifest with more effects than a comment carries.
fn large() -> String {
    with_more(800)
}

pub(crate) fn with_more(count: usize) -> String {
    let mut manifest = MANIFEST.to_owned();
    for number in 0..count {
        manifest.push_str(&format!(
            "  customer-{number}: {{ name: Customer {number} }}\n"
        ));
    }
    manifest
}

#[test]
fn of_a_plan_too_large_for_a_comment_the_artifact_counts() {
    let workflow = Workflow::new(&large());
    let _ = workflow.step("plan").exits(0);
    workflow.upload("portal-plan");
    let body = &workflow.bodies()[0];
    assert!(!body.contains("<!-- portalctl:review "), "{body}");
    // One of them is there by now, so the digest is another.
    let half = workflow.env.run("apply --yes --only acme");
    let _ = half.at(&workflow.sandbox).exits(0);
    let _ = workflow.merged().exits(0);
    assert_eq!(workflow.sandbox.external_ids().len(), 801);
}

#[test]
fn an_artifact_that_is_not_the_comments_plan_counts_for_nothing() {
    let workflow = Workflow::new(&large());
    let _ = workflow.step("plan").exits(0);
    let genuine = workflow.bodies()[0].clone();
    // Somebody has another plan, which is sound in itself, where the artifact is looked for.
    let more = large() + "  mallory: { name: Mallory }\n";
    workflow.env.write("portal.yaml", &more);
    let _ = workflow.step("plan").env("COMMENT", "false").exits(0);
    workflow.upload("portal-plan");
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &genuine);
    let stopped = workflow.merged().exits(1);
    assert!(stopped.stdout.contains("is not to be had"), "{stopped}");
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
}

#[test]
fn an_artifact_that_claims_the_comments_digest_counts_for_nothing() {
    let workflow = Workflow::new(&large());
    let _ = workflow.step("plan").exits(0);
    workflow.upload("portal-plan");
    let artifact = workflow.github("artifacts/42/portal-plan/report.json");
    let genuine = fs::read_to_string(&artifact).unwrap();
    for forged in [
        genuine.replace("Customer 7", "Mallory 7"),
        genuine.replace(r#""format_version": "1"#, r#""format_version": "9"#),
        "no JSON".to_owned(),
    ] {
        assert_ne!(forged, genuine);
        fs::write(&artifact, forged).unwrap();
        // Somebody added an entry, so the digest alone says no.
        let more = large() + "  mallory: { name: Mallory }\n";
        workflow.env.write("portal.yaml", &more);
        let stopped = workflow.merged().exits(1);
        assert!(stopped.stdout.contains("is not to be had"), "{stopped}");
        assert!(stopped.stdout.contains("nothing was applied"), "{stopped}");
        assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
    }
    // The untouched plan is applied all the same: who can replace the artifact stops nobody.
    workflow.env.write("portal.yaml", &large());
    fs::write(&artifact, genuine.replace("Customer 7", "Mallory 7")).unwrap();
    let applied = workflow.merged().exits(0);
    assert!(applied.stdout.contains("is not to be had"), "{applied}");
    assert_eq!(workflow.sandbox.external_ids().len(), 801);
}

#[test]
fn without_its_artifact_a_large_plan_counts_as_a_whole() {
    let workflow = Workflow::new(&large());
    let _ = workflow.step("plan").exits(0);
    let applied = workflow.merged().exits(0);
    assert!(applied.stdout.contains("is not to be had"), "{applied}");
    assert_eq!(workflow.sandbox.external_ids().len(), 801);
}

#[test]
fn the_summary_has_what_the_comment_leaves_out() {
    let workflow = Workflow::new(&with_more(2_500));
    let _ = workflow.step("plan").exits(0);
    let body = &workflow.bodies()[0];
    assert!(
        body.contains("**Cut: ") && !body.contains("customer-2499"),
        "{body}"
    );
    let link = "[The full report](https://github.com/acme/customers/actions/runs/42)";
    assert!(body.contains(link), "{body}");
    let summary = workflow.summary();
    assert!(!summary.contains("left out") && summary.contains("`customer-2499`"));
    assert!(workflow.summary().len() < 1024 * 1024);
}

#[test]
fn a_comment_says_which_merge_it_is_of_and_that_the_base_moved_since() {
    let workflow = Workflow::new(MANIFEST);
    let (head, base) = check_out_merge(&workflow);
    let _ = workflow.step("plan").env("HEAD", &head).exits(0);
    let planned = format!("Planned for `{}` merged into `{}`.", &head[..7], &base[..7]);
    assert!(
        workflow.bodies()[0].contains(&planned),
        "{}",
        workflow.bodies()[0]
    );
    let pull = json!([{
        "number": 7, "merged_at": "2026-11-01T00:00:00Z", "merge_commit_sha": MERGED,
        "head": {"sha": head},
    }]);
    fs::write(workflow.github("pulls.json"), pull.to_string()).unwrap();
    let commits = json!({"commits": [{"sha": MERGED}]});
    fs::write(workflow.github("compare.json"), commits.to_string()).unwrap();
    let moved = "5".repeat(40);
    let _ = workflow.merged().env("BEFORE", &moved).exits(0);
    let said = format!("`{}`, and the base branch moved to `5555555`", &base[..7]);
    assert!(
        workflow.bodies()[1].contains(&said),
        "{}",
        workflow.bodies()[1]
    );
}

#[test]
fn a_difference_needs_no_key_and_has_a_comment_of_its_own() {
    let workflow = Workflow::new(MANIFEST);
    workflow.env.write("base.yaml", MANIFEST);
    let diff = || workflow.step("diff").env("WORKOS_API_KEY", "");
    let without = diff().exits(1);
    assert!(without.stdout.contains("needs the input base"), "{without}");
    let _ = diff().env("COMPARE_WITH", "base.yaml").exits(0);
    assert_eq!(workflow.output("has-changes").as_deref(), Some("false"));
    assert_eq!(workflow.bodies(), [""; 0]);
    workflow
        .env
        .edit("portal.yaml", "Acme Corp", "Acme Limited");
    let _ = diff().env("COMPARE_WITH", "base.yaml").exits(0);
    assert_eq!(workflow.output("has-changes").as_deref(), Some("true"));
    let [body] = &workflow.bodies()[..] else {
        panic!("{:?}", workflow.bodies());
    };
    assert!(
        body.starts_with("<!-- portalctl:diff ") && body.contains("Acme Limited"),
        "{body}"
    );
    // It approves nothing.
    let _ = workflow.merged().exits(1);
    assert_eq!(workflow.sandbox.external_ids(), [""; 0]);
}

#[test]
fn a_fork_gets_a_plan_from_the_snapshot_that_a_workflow_kept() {
    let workflow = Workflow::new(MANIFEST);
    fs::write(workflow.github("runs.json"), ONE_RUN).unwrap();
    let fork = || {
        let step = workflow.step("plan").env("WORKOS_API_KEY", "");
        step.env("SNAPSHOT", "portal-nightly.yml")
            .env("WORKOS_API_URL", "http://127.0.0.1:9")
    };
    let missing = fork().exits(1);
    assert!(missing.stdout.contains("has kept no snapshot"), "{missing}");
    let _ = workflow.step("snapshot").env("PULL_REQUEST", "").exits(0);
    workflow.upload("portal-snapshot");
    let _ = fork().exits(0);
    let body = &workflow.bodies()[0];
    assert!(
        body.contains("snapshot of ") && body.contains("1 to create"),
        "{body}"
    );
    // What was reviewed by it is what is applied.
    let _ = workflow.merged().exits(0);
    assert_eq!(workflow.sandbox.external_ids(), ["acme"]);
}

#[test]
fn a_night_tells_a_chat_what_changed_since_the_last_one() {
    let workflow = Workflow::new(MANIFEST);
    let apply = workflow.env.run("apply --yes").at(&workflow.sandbox);
    let _ = apply.exits(0);
    let posted = workflow.env.path("posted");
    let night = |webhook: &str| {
        let step = workflow.step("status").env("PULL_REQUEST", "");
        step.env("COMPARE", "portal-nightly.yml")
            .env("WEBHOOK_STATE", posted.to_str().unwrap())
            .env("PORTALCTL_SLACK_WEBHOOK", webhook)
            .env("PORTALCTL_TEAMS_WEBHOOK", webhook)
            .env("FLAGS", "--fail-on=configured")
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let _ = workflow.step("status");
    let curl = workflow.env.path("tools/curl");
    std::os::unix::fs::symlink(root.join("tests/support/webhook_curl"), curl).unwrap();
    let webhook = "https://hooks.example.com/t0ken-canary";
    fs::write(workflow.github("runs.json"), "[]").unwrap();
    let first = night(webhook).exits(0);
    assert!(first.stdout.contains("no earlier status"), "{first}");
    assert!(!posted.exists());
    workflow.upload("portal-status");
    fs::write(workflow.github("runs.json"), ONE_RUN).unwrap();
    let _ = night(webhook).exits(0);
    assert_eq!(fs::read_to_string(&posted).unwrap_or_default(), "");
    workflow.sandbox.connect("acme");
    let output = night(webhook).exits(2);
    let told = fs::read_to_string(&posted).unwrap();
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(
        told.contains("plain_text") && told.contains("AdaptiveCard"),
        "{told}"
    );
    assert!(!(output.stdout + &output.stderr).contains("t0ken-canary"));
    // What could not be posted is said, and the report is there.
    let output = night("https://hooks.example.com/refused").exits(1);
    assert!(output.stdout.contains("could not be posted"), "{output}");
    assert!(workflow.summary().contains("Changed: 1"));
}
