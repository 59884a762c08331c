//! `--write FORMAT=FILE`: one run, every format that was asked for.

use crate::support::cli::{Output, TestEnv};
use crate::support::manifests::{CUSTOMERS, ONE};
use crate::support::sandbox_server::SandboxServer;

/// Checks that a file written beside the output has the bytes of another run's standard output.
#[track_caller]
fn assert_same_output(env: &TestEnv, file: &str, other: &Output) {
    assert_eq!(env.read(file), other.stdout, "{file}");
}

#[test]
fn a_plan_is_read_once_and_written_in_every_format() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let sandbox = SandboxServer::start(&env);
    let line = "plan -o json --write text=p.txt --write markdown=p.md --write html=p.html \
                --write sarif=p.sarif --write json=p.json";
    let output = env.run(line).at(&sandbox).exits(0);
    assert_same_output(&env, "p.json", &output);
    let alone = |format: &str| env.run(&format!("plan -o {format}")).at(&sandbox).exits(0);
    let requests = alone("json").json_of("plan")["requests_used"].clone();
    assert_eq!(output.json_of("plan")["requests_used"], requests);
    for (format, file) in [
        ("text", "p.txt"),
        ("markdown", "p.md"),
        ("html", "p.html"),
        ("sarif", "p.sarif"),
    ] {
        assert_same_output(&env, file, &alone(format));
    }
}

#[test]
fn text_in_a_file_has_no_colour_and_the_terminal_keeps_its_own() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let line = "plan --sandbox --color always --write text=plan.txt";
    let output = env.run(line).exits(0);
    assert!(output.stdout.contains('\u{1b}'), "{output}");
    let text = env.read("plan.txt");
    assert!(
        text.contains("Acme Corp") && !text.contains('\u{1b}'),
        "{text}"
    );
}

#[test]
fn an_apply_and_a_saved_plan_tell_in_every_format() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env.run("plan --sandbox=s.json --out plan.json").exits(0);
    let line = "apply plan.json --sandbox=s.json --write json=a.json --write markdown=a.md";
    let _ = env.run(line).exits(0);
    assert!(env.read("a.json").contains("\"done\": 3"));
    assert!(env.read("a.md").starts_with("<!-- portalctl:apply "));
    let line = "apply --yes --sandbox=s.json -o json --write text=again.txt";
    let _ = env.run(line).exits(0);
    assert!(env.read("again.txt").contains("nothing to do"));
}

#[test]
fn a_status_tells_what_changed_in_the_formats_that_can() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let _ = env
        .run("status --sandbox=s.json --write json=old.json")
        .exits(0);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let line = "status --sandbox=s.json --compare old.json -o csv --write csv=w.csv";
    let refused = env.run(line).exits(3);
    assert!(refused.stderr.contains("--compare needs"), "{refused}");
    assert!(!env.path("w.csv").exists());
    let _ = env.run(&format!("{line} --write json=new.json")).exits(0);
    assert!(env.read("new.json").contains("\"changed\""));
    assert!(env.read("w.csv").starts_with("key,name,"));
    let line = "status --sandbox=s.json --watch --write json=new.json";
    let refused = env.run(line).exits(3);
    assert!(
        refused.stderr.contains("--watch has no single"),
        "{refused}"
    );
}

#[test]
fn a_failure_takes_the_place_of_an_earlier_result() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let all = "--write json=r.json --write markdown=r.md --write html=r.html";
    for command in ["plan", "apply --yes", "status"] {
        let more = if command == "apply --yes" {
            "--write json=r.json"
        } else {
            all
        };
        let _ = env
            .run(&format!("{command} --sandbox=s.json {more}"))
            .exits(0);
        let failed = env.run(&format!("{command} -o json {more}"));
        let failed = failed.at_url("http://127.0.0.1:1").exits(5);
        assert_same_output(&env, "r.json", &failed);
        assert!(failed.stdout.contains("\"errors\""), "{failed}");
    }
    let _ = env
        .run(&format!(
            "plan {all} --write sarif=r.sarif --write text=r.txt"
        ))
        .exits(4);
    assert!(env.read("r.md").contains("failed") && !env.read("r.md").contains("digest"));
    assert!(env.read("r.html").contains("No plan"));
    assert!(env.read("r.sarif").contains("\"level\": \"error\""));
    // Text has no document of a failure.
    assert!(!env.path("r.txt").exists());
}

#[test]
fn where_nothing_can_be_written_nothing_is_done() {
    let env = TestEnv::with_manifest(ONE);
    let sandbox = SandboxServer::start(&env);
    for (flags, why) in [
        ("--write json=missing/a.json", "error[cli/file]"),
        ("--write json=a.json --write markdown=a.json", "two results"),
        ("--write json=a.json --output-file a.json", "two results"),
        ("--write json=.", "error[cli/file]"),
        ("--write toml=a.json", "there is no format `toml`"),
    ] {
        let run = env.run(&format!("apply --yes {flags}")).at(&sandbox);
        let output = run.exits(3);
        assert!(output.stderr.contains(why), "{output}");
        assert!(!env.path("a.json").exists(), "{flags}");
    }
    let run = env
        .run("plan --out p.json --write html=p.json")
        .at(&sandbox);
    let _ = run.exits(3);
    assert_eq!(sandbox.external_ids(), [""; 0]);
}
