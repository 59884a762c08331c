//! Tests output streams, output files, colour and logs.

use std::process::Stdio;

use crate::support::child::ChildGuard;
use crate::support::cli::{KEY, Output, TestEnv};
use crate::support::manifests::{CUSTOMERS, ONE, many};
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

const ESCAPE: char = '\u{1b}';

#[test]
fn results_and_talk_are_apart() {
    let env = TestEnv::with_manifest(ONE);
    let output = env.run("apply --sandbox=s.json --yes -o json").exits(0);
    assert_eq!(output.json_of("apply")["summary"]["done"], 1);
    assert!(output.stderr.contains("1 to create"), "{output}");
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let env = TestEnv::with_manifest(ONE);
    let output = env
        .run("plan --sandbox -o json --output-file plan.json")
        .exits(0);
    assert_eq!(output.stdout, "");
    let first = env.read("plan.json");
    assert!(
        first.ends_with("}\n") && first.contains("\"create\": 1"),
        "{first}"
    );
    // The file replaces an older one, and no other file is left in the folder.
    let _ = env.run("status --sandbox --output-file plan.json").exits(0);
    assert!(env.read("plan.json").starts_with("portalctl status"));
    let mut names: Vec<_> = std::fs::read_dir(env.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["plan.json", "portal.yaml"]);
    let output = env
        .run("plan --sandbox --output-file no/such/folder.json")
        .exits(3);
    assert!(output.stderr.contains("error[cli/file]"), "{output}");
    assert!(output.stderr.contains("no/such/folder.json"), "{output}");
}

#[test]
fn nothing_is_done_that_could_not_be_told() {
    let env = TestEnv::with_manifest(ONE);
    std::fs::create_dir(env.path("folder")).unwrap();
    for file in ["no/such/folder.json", "folder"] {
        let line = format!("apply --sandbox=s.json --yes -o json --output-file {file}");
        let output = env.run(&line).exits(3);
        // Told once, and the document goes where it can.
        assert_eq!(
            output.stderr.matches("error[cli/file]").count(),
            1,
            "{output}"
        );
        assert_eq!(output.json_of("apply")["errors"][0]["code"], "cli/file");
        assert!(!env.path("s.json").exists(), "{output}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let env = TestEnv::with_manifest(ONE);
    let Ok(full) = std::fs::File::create("/dev/full") else {
        println!("skipped: there is no /dev/full");
        return;
    };
    let mut command = env.run("apply --sandbox=s.json --yes").command();
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(
        talk.contains("error[cli/output]: cannot write to standard output"),
        "{talk}"
    );
    // The finished changes are kept.
    let _ = env
        .run("plan --sandbox=s.json --detailed-exitcode")
        .exits(0);
}

#[test]
fn a_failure_goes_to_the_file_as_well() {
    let env = TestEnv::with_manifest("version: 1\n");
    let output = env
        .run("plan --sandbox -o json --output-file plan.json")
        .exits(3);
    assert_eq!(output.stdout, "");
    assert!(env.read("plan.json").contains("manifest/"), "{output}");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let env = TestEnv::new();
    for line in [
        "plan --sandbox -f -",
        "plan --sandbox -f - -o json",
        "status --sandbox -f -",
    ] {
        let mut command = env.run(line).command();
        let mut child = ChildGuard::spawn(command.stdin(Stdio::piped()));
        // No one reads its output: the pipe is closed while it still waits for its manifest.
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, many(200).as_bytes()).unwrap();
        drop(stdin);
        let status = wait::for_end(&mut child);
        let mut talk = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut talk).unwrap();
        assert_eq!((status.code(), talk.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn colour_is_for_those_who_want_it() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let plan = |flags: &str, variables: &[(&str, &str)]| {
        let run = env.run(&format!("plan --sandbox {flags}"));
        let run = variables
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value));
        run.exits(0).stdout.contains(ESCAPE)
    };
    assert!(!plan("", &[]));
    assert!(plan("--color always", &[]));
    assert!(plan("--color always", &[("NO_COLOR", "1")]));
    assert!(plan("", &[("CLICOLOR_FORCE", "1")]));
    assert!(!plan("--color never", &[("CLICOLOR_FORCE", "1")]));
    assert!(!plan("", &[("NO_COLOR", "1")]));
    assert!(!plan("-o json --color always", &[]), "JSON is not coloured");
    let errors = env.run("explain nope --color always").exits(3);
    assert!(errors.stderr.contains(ESCAPE), "{errors}");
}

#[test]
fn verbose_shows_each_request_and_never_the_key() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    let output = env.run("status -v").at(&server).exits(0);
    for list in ["organizations", "connections", "directories"] {
        let line = output
            .stderr
            .lines()
            .find(|line| line.contains(&format!("path=/{list}")));
        let line = line.unwrap_or_else(|| panic!("no {list}: {output}"));
        assert!(
            line.contains("method=GET") && line.contains("status=200"),
            "{line}"
        );
        assert!(line.contains("elapsed_ms="), "{line}");
    }
    without_key(&output);
    let output = env
        .run("apply --yes -vv --log-format json")
        .at(&server)
        .exits(0);
    let log = output.log();
    let create = log.iter().find(|line| line["method"] == "POST").unwrap();
    assert_eq!(create["path"], "/organizations");
    assert_eq!(create["status"], 201);
    assert!(create["request_id"].is_string(), "{create:#}");
    without_key(&output);
}

#[track_caller]
fn without_key(output: &Output) {
    assert!(
        !output.stderr.contains(KEY) && !output.stdout.contains(KEY),
        "{output}"
    );
    assert!(!output.stderr.to_lowercase().contains("bearer"), "{output}");
}

#[test]
fn addresses_are_masked_in_ci() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    for command in ["plan", "status", "apply --yes"] {
        let output = env
            .run(&format!("{command} --sandbox"))
            .env("CI", "true")
            .exits(0);
        assert!(!output.stdout.contains("ada@acme.com"), "{output}");
        assert!(!output.stderr.contains("ada@acme.com"), "{output}");
    }
}

#[test]
fn text_from_outside_cannot_play_with_the_terminal() {
    let env = TestEnv::with_manifest(ONE);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    server.change(
        "acme",
        &serde_json::json!({ "name": "A\u{1b}[2J\u{202e}B" }),
    );
    let output = env.run("plan").at(&server).exits(0);
    assert!(!output.stdout.contains([ESCAPE, '\u{202e}']), "{output:?}");
    assert!(output.stdout.contains("to update"), "{output}");
}
