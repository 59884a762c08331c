//! Tests the sources of manifests and API keys: files, folders, standard input and variables.

use crate::support::cli::{KEY, TestEnv};
use crate::support::manifests::{ONE, customer};
use crate::support::sandbox_server::SandboxServer;

/// The keys that a plan would create.
#[track_caller]
fn planned(output: &crate::support::cli::Output) -> Vec<String> {
    let plan = output.json_of("plan");
    let changes = plan["changes"].as_array().unwrap().iter();
    changes
        .map(|change| change["key"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_manifest_is_portal_yaml_else_the_folder_portal() {
    let env = TestEnv::new();
    let output = env.run("plan --sandbox").exits(3);
    assert!(output.stderr.contains("error[cli/no-manifest]"), "{output}");
    env.write(
        "portal/a.yaml",
        &format!("version: 1\norganizations:\n{}", customer(1)),
    );
    env.write(
        "portal/eu/b.yaml",
        &format!("organizations:\n{}", customer(2)),
    );
    env.write("portal/.hidden.yaml", "nonsense: [");
    let output = env.run("plan --sandbox -o json").exits(0);
    assert_eq!(planned(&output), ["customer-001", "customer-002"]);
    env.write("portal.yaml", ONE);
    let output = env.run("plan --sandbox -o json").exits(0);
    assert_eq!(planned(&output), ["acme"]);
}

#[test]
fn several_files_and_folders_make_one_manifest() {
    let env = TestEnv::new();
    env.write(
        "base.yaml",
        &format!("version: 1\norganizations:\n{}", customer(1)),
    );
    env.write("more/b.yml", &format!("organizations:\n{}", customer(2)));
    env.write(
        "c.json",
        r#"{ "organizations": { "customer-003": { "name": "Three" } } }"#,
    );
    let output = env
        .run("plan --sandbox -o json -f base.yaml -f more --file c.json")
        .exits(0);
    assert_eq!(
        planned(&output),
        ["customer-001", "customer-002", "customer-003"]
    );
    let twice = env
        .run("validate -f base.yaml -f more -f base.yaml")
        .output();
    assert_ne!(twice.code, Some(1), "{twice}");
    let gone = env.run("validate -f gone.yaml").exits(3);
    assert!(gone.stderr.contains("gone.yaml"), "{gone}");
}

#[test]
fn a_manifest_comes_from_standard_input() {
    let env = TestEnv::new();
    let output = env.run("plan --sandbox -o json -f -").input(ONE).exits(0);
    assert_eq!(planned(&output), ["acme"]);
    let broken = "version: 1\norganizations:\n  acme: { nmae: Acme }\n";
    let output = env.run("validate -f -").input(broken).exits(3);
    assert!(output.stderr.contains("did you mean `name`?"), "{output}");
}

#[test]
fn a_key_comes_from_a_file_or_standard_input() {
    let env = TestEnv::with_manifest(ONE);
    let server = SandboxServer::start(&env);
    env.write("key", &format!("{KEY}\n"));
    let plan = |file: &str| {
        let line = format!("plan -o json --api-key-file {file}");
        env.run(&line).env("WORKOS_API_URL", &server.url())
    };
    assert_eq!(planned(&plan("key").exits(0)), ["acme"]);
    assert_eq!(planned(&plan("-").input(KEY).exits(0)), ["acme"]);
    // A file goes before the variable.
    let run = plan("key").env("WORKOS_API_KEY", "sk_live_0123456789");
    assert_eq!(planned(&run.exits(0)), ["acme"]);
    let missing = plan("nowhere").exits(4);
    assert!(missing.stderr.contains("nowhere"), "{missing}");
    let quoted = plan("-").input(&format!("'{KEY}'")).exits(4);
    assert!(quoted.stderr.contains("is in quotes"), "{quoted}");
    let empty = plan("-").input("\n").exits(4);
    assert!(
        empty.stderr.contains("error[cli/invalid-api-key]"),
        "{empty}"
    );
}

#[test]
fn standard_input_is_read_once_only() {
    let env = TestEnv::new();
    for line in ["plan -f - -f -", "plan -f - --api-key-file -"] {
        let output = env.run(line).input(ONE).exits(3);
        assert!(
            output
                .stderr
                .contains("standard input can be read once only"),
            "{output}"
        );
    }
}

#[test]
fn a_key_is_never_sent_in_the_clear_to_another_host() {
    let env = TestEnv::with_manifest(ONE);
    for url in [
        "http://api.example.com",
        "ftp://localhost",
        "https://user@example.com",
        "nonsense",
    ] {
        let output = env.run("plan").at_url(url).exits(3);
        assert!(
            output.stderr.contains("error[cli/invalid-endpoint]"),
            "{output}"
        );
    }
}
