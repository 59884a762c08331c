//! Stories of teams with the workflows of `examples/ci/github`: each is played by the
//! Action's own step, with stand-ins for GitHub and WorkOS that keep what was done.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use crate::github_action::{
    BOT, HEAD, MANIFEST, MERGED, ONE_RUN, Workflow, check_out_merge, with_more,
};
use crate::support::cli::{Output, Run};
use crate::support::sandbox_server::SandboxServer;

/// Organization that is declared beside the one of [`MANIFEST`].
const GLOBEX: &str = "  globex: { name: Globex }\n";
/// Address at which nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";
const REVIEW_KEY: &str = "0123456789abcdef0123456789abcdef";

/// Last step of a story, and what it was played with.
struct Ending {
    workflow: Workflow,
    last: Output,
}

fn ends(workflow: Workflow, last: Run) -> Ending {
    let last = last.output();
    Ending { workflow, last }
}

impl Ending {
    /// Returns the row of the table: how the run ended, what WorkOS has, which comments there are, and
    /// what the log names.
    fn row(&self) -> String {
        let Self { workflow, last } = self;
        let code = last.code.unwrap();
        let all = workflow.sandbox.external_ids();
        let organizations = match all.len() {
            0 => "none".to_owned(),
            1..4 => all.join(" "),
            many => format!("{many} organizations"),
        };
        let kinds = workflow.bodies();
        let kinds = kinds.iter().map(|body| {
            let kind = body.strip_prefix("<!-- portalctl:").unwrap_or("other ");
            kind.split(' ').next().unwrap().to_owned()
        });
        let kinds: Vec<String> = kinds.collect();
        let said = last.stdout.lines().rev();
        let mut said = said.filter_map(|line| line.strip_prefix("::"));
        let said = said
            .next()
            .map_or("", |line| line.split_once("::").unwrap().1);
        format!("{code} | {organizations} | {} | {said}", kinds.join(" "))
    }
}

/// Returns a comment.
fn body(workflow: &Workflow, index: usize) -> String {
    workflow.bodies()[index].clone()
}

fn planned(manifest: &str) -> Workflow {
    let workflow = Workflow::new(manifest);
    let _ = workflow.step("plan").exits(0);
    workflow
}

fn applied(manifest: &str) -> Workflow {
    let workflow = Workflow::new(manifest);
    let apply = workflow.env.run("apply --yes").at(&workflow.sandbox);
    let _ = apply.exits(0);
    workflow
}

fn both() -> String {
    MANIFEST.to_owned() + GLOBEX
}

/// Pull requests as GitHub lists them for the commits of a push.
fn set_pulls(workflow: &Workflow, pulls: &[(u32, &str)]) {
    let pulls = pulls.iter().map(|(number, commit)| {
        json!({
            "number": number, "merged_at": "2026-11-01T00:00:00Z", "merge_commit_sha": commit,
            "head": {"sha": HEAD},
        })
    });
    let pulls: Value = pulls.collect();
    fs::write(workflow.github("pulls.json"), pulls.to_string()).unwrap();
}

/// Makes the comments so far those of pull request 8.
fn as_number_eight(workflow: &Workflow) {
    let of = |name| workflow.github(name);
    fs::rename(of("comments.json"), of("comments-8.json")).unwrap();
    workflow.set_comments(&json!([]));
}

/// A push of two commits, with a pull request for each.
fn push_of_two(workflow: &Workflow) -> Run {
    let first = "3".repeat(40);
    set_pulls(workflow, &[(8, &first), (7, MERGED)]);
    let commits = json!({"commits": [{"sha": first}, {"sha": MERGED}]});
    fs::write(workflow.github("compare.json"), commits.to_string()).unwrap();
    workflow.merged().env("BEFORE", &"4".repeat(40))
}

fn first_run_on_an_empty_account() -> Ending {
    let workflow = planned(&both());
    let last = workflow.merged();
    ends(workflow, last)
}

fn merge_without_a_change() -> Ending {
    let workflow = applied(MANIFEST);
    let _ = workflow.step("plan").exits(0);
    let last = workflow.merged();
    ends(workflow, last)
}

fn edit_of_a_comment_alone() -> Ending {
    let workflow = applied(MANIFEST);
    workflow
        .env
        .write("portal.yaml", &format!("# Ask Ann.\n{MANIFEST}"));
    let _ = workflow.step("plan").exits(0);
    let last = workflow.merged();
    ends(workflow, last)
}

fn stale_branch() -> Ending {
    let workflow = Workflow::new(MANIFEST);
    let (head, _) = check_out_merge(&workflow);
    let _ = workflow.step("plan").env("HEAD", &head).exits(0);
    let pull = json!([{
        "number": 7, "merged_at": "2026-11-01T00:00:00Z", "merge_commit_sha": MERGED,
        "head": {"sha": head},
    }]);
    fs::write(workflow.github("pulls.json"), pull.to_string()).unwrap();
    let commits = json!({"commits": [{"sha": MERGED}]});
    fs::write(workflow.github("compare.json"), commits.to_string()).unwrap();
    let last = workflow.merged().env("BEFORE", &"5".repeat(40));
    ends(workflow, last)
}

fn two_merges_in_one_push() -> Ending {
    // The plan of each was made without the other.
    let workflow = planned(MANIFEST);
    as_number_eight(&workflow);
    let other = MANIFEST.replace("acme: { name: Acme Corp", "globex: { name: Globex");
    workflow.env.write("portal.yaml", &other);
    let _ = workflow.step("plan").exits(0);
    let both = MANIFEST.to_owned() + "  globex: { name: Globex, intents: [sso] }\n";
    workflow.env.write("portal.yaml", &both);
    let last = push_of_two(&workflow);
    ends(workflow, last)
}

fn merge_queue() -> Ending {
    // Each plan has what waits before it, too.
    let workflow = planned(MANIFEST);
    as_number_eight(&workflow);
    workflow.env.write("portal.yaml", &both());
    let _ = workflow.step("plan").exits(0);
    let last = push_of_two(&workflow);
    ends(workflow, last)
}

fn started_again_after_an_interruption() -> Ending {
    let workflow = planned(&both());
    let half = workflow.env.run("apply --yes --only acme");
    let _ = half.at(&workflow.sandbox).exits(0);
    let last = workflow.merged();
    ends(workflow, last)
}

fn started_again_after_a_success() -> Ending {
    let workflow = planned(&both());
    let _ = workflow.merged().exits(0);
    let last = workflow.merged();
    ends(workflow, last)
}

fn fork_by_its_difference() -> Ending {
    let workflow = Workflow::new(&both());
    workflow.env.write("base.yaml", MANIFEST);
    let step = workflow.step("diff").env("WORKOS_API_KEY", "");
    let last = step.env("COMPARE_WITH", "base.yaml");
    ends(workflow, last)
}

fn url_alone_by_its_difference() -> Ending {
    let urls = "return_urls: { default: https://app.example.com/ }\n";
    let workflow = applied(&(MANIFEST.to_owned() + urls));
    let base = fs::read_to_string(workflow.env.path("portal.yaml")).unwrap();
    workflow.env.write("base.yaml", &base);
    workflow
        .env
        .edit("portal.yaml", "app.example", "app.examp1e-login");
    // Nothing is to be done at WorkOS, so the plan is no news.
    let _ = workflow.step("plan").exits(0);
    let last = workflow.step("diff").env("COMPARE_WITH", "base.yaml");
    let ending = ends(workflow, last);
    let said = body(&ending.workflow, 0);
    assert!(said.contains("`https://app.examp1e-login.com/`"), "{said}");
    assert!(said.contains("1 danger"), "{said}");
    ending
}

fn first_manifest_by_its_difference() -> Ending {
    let workflow = Workflow::new(MANIFEST);
    fs::create_dir(workflow.env.path("base")).unwrap();
    let last = workflow.step("diff").env("COMPARE_WITH", "base/portal");
    let ending = ends(workflow, last);
    assert!(body(&ending.workflow, 0).contains("everything is new"));
    ending
}

fn fork_by_a_snapshot() -> Ending {
    let workflow = applied(MANIFEST);
    let _ = workflow.step("snapshot").env("PULL_REQUEST", "").exits(0);
    workflow.upload("portal-snapshot");
    fs::write(workflow.github("runs.json"), ONE_RUN).unwrap();
    workflow.env.write("portal.yaml", &both());
    let step = workflow.step("plan").env("WORKOS_API_KEY", "");
    let last = step
        .env("SNAPSHOT", "portal-snapshot.yml")
        .env("WORKOS_API_URL", NOWHERE);
    ends(workflow, last)
}

fn forged_snapshot_of_a_fork() -> Ending {
    let workflow = Workflow::new(&both());
    let _ = workflow.step("snapshot").env("PULL_REQUEST", "").exits(0);
    workflow.upload("portal-snapshot");
    // A fork's branch `main` runs the workflow by a trigger of its own, and uploads an account that is as
    // the fork declares it.
    let _ = workflow
        .env
        .run("apply --yes")
        .at(&workflow.sandbox)
        .exits(0);
    let _ = workflow.step("snapshot").env("PULL_REQUEST", "").exits(0);
    let forged = workflow.output("folder").unwrap() + "/snapshot.json";
    let artifact = workflow.github("artifacts/66/portal-snapshot");
    fs::create_dir_all(&artifact).unwrap();
    fs::copy(forged, artifact.join("snapshot.json")).unwrap();
    let runs = json!([
        {"databaseId": 66, "event": "pull_request"}, {"databaseId": 42, "event": "schedule"},
    ]);
    fs::write(workflow.github("runs.json"), runs.to_string()).unwrap();
    let step = workflow.step("plan").env("WORKOS_API_KEY", "");
    let last = step.env("SNAPSHOT", "portal-snapshot.yml");
    let ending = ends(workflow, last);
    assert!(body(&ending.workflow, 0).contains("2 to create"));
    ending
}

fn renamed_key_with_its_permission() -> Ending {
    let workflow = applied(MANIFEST);
    let renamed = MANIFEST.replace(
        "acme: {",
        "acme-corp: { previous_keys: [acme], allow: [rekey],",
    );
    workflow.env.write("portal.yaml", &renamed);
    let _ = workflow.step("plan").exits(0);
    let last = workflow.merged();
    ends(workflow, last)
}

fn renamed_key_without_previous_keys() -> Ending {
    let workflow = applied(&format!("manifest: customers\n{MANIFEST}"));
    let renamed = format!(
        "manifest: customers\n{}",
        MANIFEST.replace("acme: {", "acme-corp: {")
    );
    workflow.env.write("portal.yaml", &renamed);
    let last = workflow.step("plan").env("FLAGS", "--prune");
    ends(workflow, last)
}

/// A manifest with two environments, and the step of one of them.
fn in_environment(workflow: &Workflow, command: &str, environment: &str) -> Run {
    let step = match command {
        "apply" => workflow.merged(),
        command => workflow.step(command),
    };
    step.env("PORTALCTL_ENVIRONMENT", environment)
}

fn two_environments() -> Workflow {
    let shared = "version: 1\norganizations:\n  acme: { name: Acme Corp }\n";
    let overlays = "environments:\n  staging: {}\n  production: {}\n";
    Workflow::new(&(shared.to_owned() + overlays))
}

fn two_environments_of_one_push() -> Ending {
    let workflow = two_environments();
    for environment in ["staging", "production"] {
        let _ = in_environment(&workflow, "plan", environment).exits(0);
    }
    assert_eq!(workflow.bodies().len(), 2);
    let last = in_environment(&workflow, "apply", "production");
    ends(workflow, last)
}

fn fork_by_the_snapshot_of_an_environment() -> Ending {
    let workflow = two_environments();
    for environment in ["staging", "production"] {
        let snapshot = in_environment(&workflow, "snapshot", environment);
        let _ = snapshot.env("PULL_REQUEST", "").exits(0);
        workflow.upload(&format!("portal-snapshot-{environment}"));
    }
    fs::write(workflow.github("runs.json"), ONE_RUN).unwrap();
    let step = in_environment(&workflow, "plan", "staging").env("WORKOS_API_KEY", "");
    let last = step
        .env("SNAPSHOT", "portal-snapshot.yml")
        .env("WORKOS_API_URL", NOWHERE);
    let ending = ends(workflow, last);
    let comment = body(&ending.workflow, 0);
    assert!(comment.contains("environment=staging"), "{comment}");
    ending
}

fn comment_of_one_environment_for_another() -> Ending {
    let workflow = two_environments();
    let _ = in_environment(&workflow, "plan", "staging").exits(0);
    let replayed = body(&workflow, 0).replace("staging", "production");
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &replayed);
    let last = in_environment(&workflow, "apply", "production");
    ends(workflow, last)
}

fn drift_between_review_and_merge() -> Ending {
    let workflow = applied(&both());
    let renamed = both().replace("Acme Corp", "Acme Limited");
    let renamed = renamed.replace("name: Globex", "name: Globex Limited");
    workflow.env.write("portal.yaml", &renamed);
    let _ = workflow.step("plan").exits(0);
    workflow
        .sandbox
        .change("acme", &json!({"name": "Acme by hand"}));
    let last = workflow.merged();
    ends(workflow, last)
}

fn digest_of_a_person_after_drift() -> Ending {
    let Ending { workflow, last } = drift_between_review_and_merge();
    assert_eq!(last.code, Some(1), "{last}");
    let digest = workflow.output("digest").unwrap();
    let last = workflow.merged().env("DIGEST", &digest);
    ends(workflow, last)
}

fn edited_comment() -> Ending {
    let workflow = Workflow::new(MANIFEST);
    let keyed = |run: Run| run.env("PORTALCTL_REVIEW_KEY", REVIEW_KEY);
    let _ = keyed(workflow.step("plan")).exits(0);
    let genuine = body(&workflow, 0);
    workflow.env.write("portal.yaml", &both());
    // Who may edit comments writes the digest and the effects of another plan into the bot's.
    let _ = workflow.step("plan").env("COMMENT", "false").exits(0);
    let folder = workflow.output("folder").unwrap();
    let other = fs::read_to_string(format!("{folder}/report.md")).unwrap();
    let [digest, review] = ["digest", "review"].map(|name| {
        let is_it = |line: &&str| line.starts_with(&format!("<!-- portalctl:{name} "));
        let line = |text: &str| text.lines().find(is_it).unwrap().to_owned();
        (line(&genuine), line(&other))
    });
    let edited = genuine
        .replace(&digest.0, &digest.1)
        .replace(&review.0, &review.1);
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &edited);
    let last = keyed(workflow.merged());
    ends(workflow, last)
}

fn comment_of_a_stranger() -> Ending {
    let workflow = planned(MANIFEST);
    let said = body(&workflow, 0);
    workflow.set_comments(&json!([]));
    workflow.comment_as("mallory", &said);
    let last = workflow.merged();
    ends(workflow, last)
}

fn comment_that_was_cut() -> Ending {
    let workflow = planned(&with_more(1_600));
    workflow.upload("portal-plan");
    assert!(body(&workflow, 0).contains("**Cut: "));
    // It goes on after an interruption all the same.
    let half = workflow.env.run("apply --yes --only acme");
    let _ = half.at(&workflow.sandbox).exits(0);
    let last = workflow
        .merged()
        .env("FLAGS", "--requests-per-second\n2000");
    ends(workflow, last)
}

fn danger_among_thousands() -> Ending {
    let workflow = applied(MANIFEST);
    let more = with_more(2_500).replace(
        "name: Acme Corp",
        "name: Acme Corp, domains: [evil.example]",
    );
    workflow.env.write("portal.yaml", &more);
    let last = workflow.step("plan");
    let ending = ends(workflow, last);
    let comment = body(&ending.workflow, 0);
    let at = |text: &str| {
        comment
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {comment}"))
    };
    assert!(at("evil.example") < at("`customer-1`"));
    ending
}

fn people_are_sent_elsewhere() -> Ending {
    let urls = "return_urls: { default: https://app.example.com/ }\n";
    let workflow = planned(&(MANIFEST.to_owned() + urls));
    workflow
        .env
        .edit("portal.yaml", "app.example", "app.examp1e-login");
    let last = workflow.merged();
    ends(workflow, last)
}

fn missing_key() -> Ending {
    let workflow = Workflow::new(MANIFEST);
    let last = workflow.step("plan").env("WORKOS_API_KEY", "");
    ends(workflow, last)
}

fn workos_down_at_the_plan() -> Ending {
    let workflow = Workflow::new(MANIFEST);
    let last = workflow.step("plan").env("WORKOS_API_URL", NOWHERE);
    ends(workflow, last)
}

fn key_refused_at_the_merge() -> Ending {
    let workflow = planned(MANIFEST);
    // The sandbox takes keys of letters and digits.
    let last = workflow
        .merged()
        .env("WORKOS_API_KEY", "sk_test_of-another");
    ends(workflow, last)
}

fn missing_key_of_a_snapshot() -> Ending {
    let workflow = Workflow::new(MANIFEST);
    let last = workflow.step("snapshot").env("WORKOS_API_KEY", "");
    let ending = ends(workflow, last);
    let summary = ending.workflow.summary();
    assert!(summary.contains("ended with 4"), "{summary}");
    ending
}

fn workos_down_at_the_merge() -> Ending {
    let mut workflow = planned(MANIFEST);
    let address = workflow.sandbox.address().to_owned();
    let last = workflow.merged();
    let other = SandboxServer::start(&workflow.env);
    std::mem::replace(&mut workflow.sandbox, other).kill();
    let last = last.output();
    workflow.sandbox = SandboxServer::listening(&workflow.env, &address, "--rate-limit off");
    Ending { workflow, last }
}

fn workos_back_after_the_merge() -> Ending {
    let Ending { workflow, last } = workos_down_at_the_merge();
    assert_eq!(last.code, Some(5), "{last}");
    let last = workflow.merged();
    ends(workflow, last)
}

fn limit_exceeded() -> Ending {
    let workflow = Workflow::new(&format!("limits: {{ create: 1 }}\n{}", both()));
    let _ = workflow.step("plan").exits(7);
    let last = workflow.merged();
    ends(workflow, last)
}

fn deletion_that_was_reviewed() -> Ending {
    let workflow = applied(&both());
    let id = workflow.sandbox.id_of("globex");
    let absent = format!("{MANIFEST}  globex: {{ id: {id}, state: absent }}\n");
    workflow.env.write("portal.yaml", &absent);
    let _ = workflow.step("plan").exits(0);
    let last = workflow.merged();
    ends(workflow, last)
}

fn manifest_with_an_error() -> Ending {
    let workflow = planned(MANIFEST);
    workflow
        .env
        .write("portal.yaml", "version: 1\norganizations: 3\n");
    let last = workflow.step("plan");
    ends(workflow, last)
}

/// Lets calls of GitHub fail.
fn github_fails(workflow: &Workflow, calls: &str) {
    fs::write(workflow.github("down"), format!("{calls}\n")).unwrap();
}

fn github_takes_no_comment_of_a_plan() -> Ending {
    let workflow = Workflow::new(MANIFEST);
    github_fails(&workflow, "--method POST");
    let last = workflow.step("plan");
    let ending = ends(workflow, last);
    assert!(ending.workflow.summary().contains("1 to create"));
    ending
}

fn github_gives_no_comments_at_the_merge() -> Ending {
    let workflow = planned(MANIFEST);
    github_fails(&workflow, "--paginate");
    let last = workflow.merged();
    ends(workflow, last)
}

fn github_names_no_pull_requests_at_the_merge() -> Ending {
    let workflow = planned(MANIFEST);
    github_fails(&workflow, "/pulls$");
    let last = workflow.merged();
    ends(workflow, last)
}

fn github_takes_no_comment_of_an_apply() -> Ending {
    let workflow = planned(MANIFEST);
    github_fails(&workflow, "--method POST");
    let last = workflow.merged();
    let ending = ends(workflow, last);
    assert!(ending.workflow.summary().contains("1 done"));
    ending
}

fn comment_without_its_lines() -> Ending {
    let workflow = planned(MANIFEST);
    let digest = "portalctl:digest sha256:";
    let broken = body(&workflow, 0).replace(digest, &format!("{digest}0"));
    workflow.set_comments(&json!([]));
    workflow.comment_as(BOT, &broken);
    let last = workflow.merged();
    ends(workflow, last)
}

fn push_of_more_commits_than_github_names() -> Ending {
    let workflow = planned(MANIFEST);
    let named: Value = (0..250)
        .map(|number| json!({"sha": format!("{number:040}")}))
        .collect();
    let commits = json!({"commits": named});
    fs::write(workflow.github("compare.json"), commits.to_string()).unwrap();
    let last = workflow.merged().env("BEFORE", &"4".repeat(40));
    ends(workflow, last)
}

/// A story by its title.
type Story = (&'static str, fn() -> Ending);

const STORIES: [Story; 41] = [
    (
        "first run on an empty account",
        first_run_on_an_empty_account,
    ),
    ("merge that changes nothing", merge_without_a_change),
    ("edit of a YAML comment", edit_of_a_comment_alone),
    ("stale branch, the base moved", stale_branch),
    ("two merges in one push", two_merges_in_one_push),
    ("merge queue", merge_queue),
    (
        "started again after an interruption",
        started_again_after_an_interruption,
    ),
    (
        "started again after a success",
        started_again_after_a_success,
    ),
    ("fork: what the change means", fork_by_its_difference),
    ("fork: plan by a snapshot", fork_by_a_snapshot),
    (
        "fork: plan by the snapshot of an environment",
        fork_by_the_snapshot_of_an_environment,
    ),
    ("fork: snapshot of its own", forged_snapshot_of_a_fork),
    (
        "a URL and nothing else: what it means",
        url_alone_by_its_difference,
    ),
    (
        "first manifest: what it means",
        first_manifest_by_its_difference,
    ),
    ("key renamed with `allow`", renamed_key_with_its_permission),
    (
        "key renamed without a word, --prune",
        renamed_key_without_previous_keys,
    ),
    (
        "two environments, one applies",
        two_environments_of_one_push,
    ),
    (
        "comment of one environment for another",
        comment_of_one_environment_for_another,
    ),
    (
        "drift between review and merge",
        drift_between_review_and_merge,
    ),
    (
        "… then the new digest by hand",
        digest_of_a_person_after_drift,
    ),
    ("comment of the bot edited", edited_comment),
    ("comment of a stranger", comment_of_a_stranger),
    ("comment cut, run interrupted", comment_that_was_cut),
    ("one danger among 2,500 creations", danger_among_thousands),
    ("people are sent elsewhere", people_are_sent_elsewhere),
    ("key missing", missing_key),
    ("key missing, snapshot", missing_key_of_a_snapshot),
    ("key refused at the merge", key_refused_at_the_merge),
    ("WorkOS down at the plan", workos_down_at_the_plan),
    ("WorkOS down at the merge", workos_down_at_the_merge),
    ("… then started again", workos_back_after_the_merge),
    (
        "GitHub takes no comment of a plan",
        github_takes_no_comment_of_a_plan,
    ),
    (
        "GitHub names no pull requests at the merge",
        github_names_no_pull_requests_at_the_merge,
    ),
    (
        "GitHub gives no comments at the merge",
        github_gives_no_comments_at_the_merge,
    ),
    (
        "GitHub takes no comment of an apply",
        github_takes_no_comment_of_an_apply,
    ),
    (
        "hidden lines of the comment broken",
        comment_without_its_lines,
    ),
    (
        "push of 251 commits",
        push_of_more_commits_than_github_names,
    ),
    ("limit exceeded", limit_exceeded),
    ("deletion that was reviewed", deletion_that_was_reviewed),
    ("error in the manifest", manifest_with_an_error),
    (
        "plan of a fork approves what it shows",
        plan_of_a_fork_is_applied,
    ),
];

fn plan_of_a_fork_is_applied() -> Ending {
    let Ending { workflow, last } = fork_by_a_snapshot();
    assert_eq!(last.code, Some(0), "{last}");
    let last = workflow.merged();
    ends(workflow, last)
}

#[test]
fn the_examples_compare_every_pull_request_with_its_base() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["examples/ci/github", "examples/two-environments/github"] {
        let text = fs::read_to_string(root.join(folder).join("portal-plan.yml")).unwrap();
        let workflow: Value = serde_saphyr::from_str(&text).unwrap();
        let jobs = workflow["jobs"].as_object().unwrap().values();
        let compared = jobs.filter(|job| {
            let steps = job["steps"].as_array().unwrap();
            let compares =
                |step: &Value| step["with"]["command"] == "diff" && step.get("if").is_none();
            job.get("if").is_none() && steps.iter().any(compares)
        });
        assert_eq!(compared.count(), 1, "{folder}");
    }
}

#[test]
fn stories_end_as_the_table_says() {
    let rows: Vec<String> = std::thread::scope(|scope| {
        let played = STORIES.map(|(_, story)| scope.spawn(move || story().row()));
        let rows = played.into_iter().map(|row| row.join().unwrap());
        rows.collect()
    });
    let mut table = "story | exit | WorkOS has | comments | the log says\n".to_owned();
    for ((title, _), row) in STORIES.iter().zip(rows) {
        writeln!(table, "{title} | {row}").unwrap();
    }
    insta::with_settings!({filters => vec![("org_[0-9A-Z]+", "org_…")]}, {
        insta::assert_snapshot!(table);
    });
}
