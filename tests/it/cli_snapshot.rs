//! Tests `portalctl snapshot` and plans without a key against it.

use std::fs;

use crate::support::cli::TestEnv;

const MANIFEST: &str = "\
version: 1
manifest: customers
environment: { name: production }
organizations:
  acme:
    name: Acme
    domains: [acme.com]
    intents: [sso]
    metadata: { tier: enterprise }
    it_contacts: [ada@acme.com]
  globex: { name: Globex, intents: [dsync] }
";

/// A sandbox that is as the manifest declares, and a snapshot of it.
fn taken() -> TestEnv {
    let former = "  umbrella: { name: Umbrella }\n";
    let env = TestEnv::with_manifest(&format!("{MANIFEST}{former}"));
    let _ = env.run("apply --sandbox=state.json --yes").exits(0);
    // What --prune would delete when the snapshot is taken.
    env.edit("portal.yaml", former, "");
    let output = env
        .run("snapshot --sandbox=state.json --out snapshot.json")
        .exits(0);
    assert!(
        output
            .stdout
            .contains("wrote a snapshot of 3 organizations"),
        "{output}"
    );
    env
}

/// Changes the manifest in every way that a plan shows.
fn change(env: &TestEnv) {
    env.edit("portal.yaml", "name: Acme\n", "name: Acme Corp\n");
    env.edit("portal.yaml", "[acme.com]", "[acme.com, acme.io]");
    env.edit(
        "portal.yaml",
        "[ada@acme.com]",
        "[ada@acme.com, eve@acme.com]",
    );
    env.edit("portal.yaml", "tier: enterprise", "tier: free");
    env.edit(
        "portal.yaml",
        "  globex: { name: Globex, intents: [dsync] }\n",
        "  globex: { name: Globex, intents: [dsync] }\n  newco: { name: New Co }\n",
    );
}

#[test]
fn a_plan_against_a_snapshot_is_the_live_one_without_a_request() {
    let env = taken();
    change(&env);
    for flags in [
        "",
        " --prune",
        " --prune --allow-bulk",
        " --refresh-contacts",
    ] {
        let plan = |how: &str| {
            let output = env.run(&format!("plan {how} -o json{flags}")).output();
            (output.code, output.json_of("plan"))
        };
        let (live_code, live) = plan("--sandbox=state.json");
        let (code, offline) = plan("--snapshot snapshot.json");
        assert_eq!(code, live_code, "{flags}");
        for part in ["digest", "changes", "held", "conflicts", "target"] {
            assert_eq!(live[part], offline[part], "{part}{flags}");
        }
        assert_eq!(offline["requests_used"], 0);
        assert!(offline["snapshot_taken_at"].is_string());
        assert!(live["snapshot_taken_at"].is_null());
    }
}

#[test]
fn every_format_says_of_when_it_is() {
    let env = taken();
    for format in ["text", "markdown", "html"] {
        let line = format!("plan --snapshot snapshot.json -o {format}");
        let output = env.run(&line).exits(0);
        assert!(output.stdout.contains("snapshot of 20"), "{output}");
    }
}

#[test]
fn a_plan_of_a_snapshot_is_never_applied() {
    let env = taken();
    change(&env);
    let output = env
        .run("plan --snapshot snapshot.json --out p.json")
        .exits(3);
    assert!(output.stderr.contains("cannot be used with"), "{output}");
    let plan = env.run("plan --snapshot snapshot.json -o json").exits(0);
    env.write("p.json", &plan.stdout);
    let before = env.read("state.json");
    let output = env.run("apply p.json --sandbox=state.json --yes").exits(7);
    assert!(output.stderr.contains("snapshot"), "{output}");
    assert_eq!(env.read("state.json"), before);
}

#[test]
fn a_snapshot_holds_no_secret_and_is_for_its_owner() {
    let env = taken();
    let text = env.read("snapshot.json");
    assert!(!text.contains("ada@acme.com"), "{text}");
    assert!(!text.contains("sk_test_"), "{text}");
    let state: serde_json::Value = serde_json::from_str(&env.read("state.json")).unwrap();
    assert!(
        !secrets(&state).is_empty(),
        "the sandbox has a token to prove acme.com"
    );
    for secret in secrets(&state) {
        assert!(!text.contains(&secret), "{secret}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(env.path("snapshot.json"))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o077, 0);
    }
}

/// Returns the verification tokens of a sandbox's state.
fn secrets(state: &serde_json::Value) -> Vec<String> {
    match state {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                serde_json::Value::String(text) if name == "verification_token" => {
                    vec![text.clone()]
                }
                value => secrets(value),
            })
            .collect(),
        serde_json::Value::Array(items) => items.iter().flat_map(secrets).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_snapshot_of_something_else_is_refused() {
    let env = taken();
    env.edit("portal.yaml", "production", "staging");
    let output = env.run("plan --snapshot snapshot.json").exits(3);
    assert!(output.stderr.contains("error[cli/snapshot]"), "{output}");
    let document = env
        .run("plan --snapshot portal.yaml -o json")
        .exits(3)
        .json_of("plan");
    assert_eq!(document["errors"][0]["code"], "cli/snapshot");
    let output = env.run("plan --snapshot nothing.json").exits(3);
    assert!(output.stderr.contains("error[cli/file]"), "{output}");
    let output = env.run("plan --snapshot snapshot.json --sandbox").exits(3);
    assert!(output.stderr.contains("cannot be used with"), "{output}");
}

#[test]
fn what_the_snapshot_lacks_is_a_warning() {
    let env = taken();
    env.edit(
        "portal.yaml",
        "globex: { name: Globex,",
        "globex: { name: Globex, it_contacts: [hank@globex.com],",
    );
    let document = env
        .run("plan --snapshot snapshot.json -o json")
        .exits(0)
        .json_of("plan");
    let warnings = document["warnings"].as_array().unwrap();
    let told = warnings.iter().any(|warning| {
        let message = warning["message"].as_str().unwrap();
        warning["key"] == "globex" && message.contains("when the snapshot was taken")
    });
    assert!(told, "{document:#}");
}

#[test]
fn a_redacted_snapshot_has_no_name_and_the_digest_of_a_live_plan() {
    let env = taken();
    let _ = env
        .run("snapshot --redact --sandbox=state.json --out redacted.json")
        .exits(0);
    let text = env.read("redacted.json");
    for name in ["\"Acme\"", "\"Globex\"", "\"Umbrella\""] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    env.edit("portal.yaml", "[acme.com]", "[acme.com, acme.io]");
    let plan = |how: &str| {
        env.run(&format!("plan {how} -o json"))
            .exits(0)
            .json_of("plan")
    };
    let (live, redacted) = (
        plan("--sandbox=state.json"),
        plan("--snapshot redacted.json"),
    );
    for part in ["digest", "changes", "held", "conflicts"] {
        assert_eq!(live[part], redacted[part], "{part}");
    }
    // What a name was is not told.
    env.edit("portal.yaml", "name: Acme\n", "name: Acme Corp\n");
    let renamed = plan("--snapshot redacted.json");
    let before = renamed["changes"][0]["fields"].to_string();
    assert!(before.contains("(hidden, sha256:"), "{before}");
}
