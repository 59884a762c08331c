//! Tests `import`: it writes an account's customers into a folder for which a plan has no changes.

use std::fs;

use serde_json::json;

use crate::support::cli::{TestEnv, snapshot};
use crate::support::emulator::{EMULATOR_KEY, Emulator};
use crate::support::sandbox_server::SandboxServer;

/// The names in a folder, sorted.
fn names(env: &TestEnv, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(env.path(folder)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn busy(env: &TestEnv) -> SandboxServer {
    SandboxServer::with(env, "--load busy --rate-limit off")
}

#[test]
fn a_busy_account_becomes_a_folder() {
    let env = TestEnv::new();
    let server = busy(&env);
    let output = env.run("import --dir portal").at(&server).exits(0);
    snapshot!(output.stdout);
    assert_eq!(output.stderr, "");
    let _ = env.run("validate -f portal").exits(0);
    let plan = env.run("plan -f portal --detailed-exitcode -o json");
    let plan = plan.at(&server).exits(0).json_of("plan");
    assert_eq!(plan["summary"]["unchanged"], 12, "{plan:#}");

    let again = env.run("import --dir portal -o json").at(&server);
    let again = again.exits(0).json_of("import");
    let expected = json!({ "written": 0, "already_declared": 12, "skipped": 0 });
    assert_eq!(again["summary"], expected);
    assert_eq!(again["files"], json!([]));
    assert_eq!(names(&env, "portal").len(), 13);
}

#[test]
fn the_document_holds_to_its_schema() {
    let env = TestEnv::new();
    let server = busy(&env);
    let id = server.id_of("globex");
    let line = "import --dir a/b --match glo* -o json";
    let document = env.run(line).at(&server).exits(0).json_of("import");
    let files = json!([{
        "path": "a/b/globex.yaml", "key": "globex", "organization_id": id, "left_out": []
    }]);
    assert_eq!(document["files"], files, "{document:#}");
    assert_eq!(document["settings_file"], "a/b/portal.yaml");
    assert_eq!(document["requests_used"], 3);
    assert_eq!(document["dry_run"], false);
    assert_eq!(names(&env, "a/b"), ["globex.yaml", "portal.yaml"]);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let env = TestEnv::new();
    let server = busy(&env);
    let line = "import --dir portal -o json";
    let dry = env.run(&format!("{line} --dry-run")).at(&server);
    let mut dry = dry.exits(0).json_of("import");
    assert!(!env.path("portal").exists());
    assert_eq!(dry["dry_run"], true);
    dry["dry_run"] = json!(false);
    let wet = env.run(line).at(&server).exits(0).json_of("import");
    assert_eq!(dry, wet);
}

#[test]
fn logs_and_contacts_are_asked_about_on_request() {
    let env = TestEnv::new();
    let server = busy(&env);
    let line = "import --dir portal --match acme,hooli --with logs,contacts -o json";
    let document = env.run(line).at(&server).exits(0).json_of("import");
    assert_eq!(document["requests_used"], 3 + 2 * 2);
    assert_eq!(document["notes"], json!([]));
    let acme = env.read("portal/acme.yaml");
    for line in [
        "# log_streams: Datadog (active)",
        "- audit_logs",
        "- grace@acme.com",
    ] {
        assert!(acme.contains(line), "{acme}");
    }
    let plan = env.run("plan -f portal --detailed-exitcode").at(&server);
    let _ = plan.exits(0);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let env = TestEnv::new();
    let server = busy(&env);
    env.write("portal/portal.yaml", "version: 1\nmanifest: mine\n");
    let own = "organizations: { ours: { name: Acme, external_id: acme } }\n";
    env.write("portal/acme.yaml", own);
    // Not a manifest's file; an organization has that key all the same.
    fs::create_dir(env.path("portal/globex.yaml")).unwrap();
    let output = env.run("import --dir portal").at(&server).exits(0);
    assert!(output.stdout.contains("1 already declared"), "{output}");
    assert_eq!(env.read("portal/acme.yaml"), own);
    assert_eq!(
        env.read("portal/portal.yaml"),
        "version: 1\nmanifest: mine\n"
    );
    let names = names(&env, "portal");
    assert!(
        names.iter().any(|name| name.starts_with("globex-")),
        "{names:?}"
    );
    let plan = env.run("plan -f portal -o json").at(&server).exits(0);
    assert_eq!(plan.json_of("plan")["summary"]["unchanged"], 11, "{plan}");
}

#[test]
fn settings_may_stand_elsewhere() {
    let env = TestEnv::new();
    let server = busy(&env);
    env.write("portal/settings.yaml", "version: 1\n");
    let line = "import -f portal --dir portal/customers --match acme";
    let _ = env.run(line).at(&server).exits(0);
    assert_eq!(names(&env, "portal/customers"), ["acme.yaml"]);
    let plan = env.run("plan -f portal --detailed-exitcode").at(&server);
    let _ = plan.exits(0);
    // By itself the folder is no manifest, which is said before anything is asked.
    let output = env
        .run("import --dir portal/customers")
        .at(&server)
        .exits(3);
    assert!(output.stderr.contains("manifest/missing-field"), "{output}");
}

#[test]
fn a_broken_folder_is_refused_before_any_request() {
    let env = TestEnv::new();
    env.write(
        "portal/a.yaml",
        "version: 1\norganizations: { acme: { name: Acme, intnets: [] } }\n",
    );
    let run = || env.run("import --dir portal -o json -v --log-format json");
    let output = run().at_url("http://127.0.0.1:1").exits(3);
    assert_eq!(output.methods(), Vec::<String>::new());
    let document = output.json_of("import");
    assert_eq!(
        document["errors"][0]["code"], "manifest/unknown-field",
        "{document:#}"
    );
}

#[test]
fn a_key_of_the_wrong_kind_is_refused() {
    let env = TestEnv::new();
    env.write(
        "portal/a.yaml",
        "version: 1\nenvironment: { api_key: live }\n",
    );
    let output = env.run("import --dir portal").at_url("http://127.0.0.1:1");
    let output = output.exits(4);
    assert!(output.stderr.contains("cli/wrong-key-kind"), "{output}");
}

#[test]
fn a_pattern_that_matches_nothing_is_told() {
    let env = TestEnv::new();
    let server = busy(&env);
    let output = env
        .run("import --dir portal --match acme,nobody-*")
        .at(&server);
    let output = output.exits(3);
    assert!(output.stderr.contains("--match nobody-*"), "{output}");
    assert!(!env.path("portal").exists());
}

#[test]
fn what_is_left_out_and_skipped_is_told() {
    let env = TestEnv::new();
    env.write(
        "odd.yaml",
        "organizations:\n\
         - { name: \"Acme\\u202E\", external_id: evil }\n\
         - { name: Mail, external_id: mail, stripe_customer_id: none }\n\
         - { name: Fine, external_id: fine }\n",
    );
    let server = SandboxServer::with(&env, "--load odd.yaml --rate-limit off");
    let output = env.run("import --dir portal").at(&server).exits(0);
    snapshot!(output.stdout);
    let _ = env.run("validate -f portal").exits(0);
}

#[test]
fn a_file_that_cannot_be_written_is_accounted_for() {
    let env = TestEnv::new();
    let server = busy(&env);
    env.write("portal", "not a folder");
    let output = env.run("import --dir portal -o json").at(&server).exits(3);
    assert_eq!(output.json_of("import")["errors"][0]["code"], "cli/file");
    // A folder below a file cannot be made.
    let output = env.run("import --dir portal/new -o json").at(&server);
    let output = output.output();
    let document = output.json_of("import");
    assert_ne!(output.code, Some(0), "{output}");
    assert_eq!(document["errors"][0]["code"], "cli/file", "{document:#}");
    assert_eq!(document["summary"]["written"], 0);
}

#[test]
fn a_sandbox_in_the_command_itself_can_be_imported_from() {
    let env = TestEnv::with_manifest(crate::support::manifests::CUSTOMERS);
    let _ = env.run("apply --sandbox=s.json --yes").exits(0);
    let output = env.run("import --sandbox=s.json --dir portal").exits(0);
    assert!(
        output.stdout.starts_with("portalctl import · sandbox\n"),
        "{output}"
    );
    let plan = env.run("plan -f portal --sandbox=s.json --detailed-exitcode");
    let _ = plan.exits(0);
}

#[test]
fn the_official_emulator_can_be_imported_from() {
    let env = TestEnv::new();
    let Some(emulator) = Emulator::start(&env) else {
        return;
    };
    for number in 0..7 {
        let body = json!({
            "name": format!("Customer No. {number}"),
            "external_id": format!("customer_{number}"),
            "domain_data": [{ "domain": format!("c{number}.example.com"), "state": "pending" }],
            "metadata": { "tier": "yes" },
        });
        let _ = emulator.send("POST", "/organizations", &body);
    }
    let _ = emulator.send("POST", "/organizations", &json!({ "name": "By hand" }));
    let id = emulator.id_of("customer_3");
    let connection = json!({ "organization_id": id, "connection_type": "OktaSAML" });
    let _ = emulator.send("POST", "/connections", &connection);

    let run = |line: &str| {
        env.run(line)
            .env("WORKOS_API_URL", &emulator.url())
            .env("WORKOS_API_KEY", EMULATOR_KEY)
    };
    let line = "import --dir portal --with logs -o json";
    let document = run(line).exits(0).json_of("import");
    let written = document["summary"]["written"].as_u64().unwrap();
    let list = emulator.send("GET", "/organizations?limit=100", &serde_json::Value::Null);
    assert_eq!(written, list["data"].as_array().unwrap().len() as u64);
    assert!(env.read("portal/customer-3.yaml").contains("- sso\n"));
    let plan = run("plan -f portal --detailed-exitcode -o json").exits(0);
    assert_eq!(plan.json_of("plan")["summary"]["unchanged"], written);
}
