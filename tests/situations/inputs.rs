//! Tests manifests with unintended values: placeholders, impossible hosts, duplicate names.

use serde_json::{Value, json};

use crate::support::cli::TestEnv;
use crate::support::stand_in::StandIn;

const TEMPLATE: &str = "\
version: 1
organizations:
  acme:
    name: ${ACME_NAME}
    external_id: \"{{ acme.id }}\"
    previous_keys: [\"$(OLD_KEY)\"]
    metadata: { plan: \"##PLAN##\", \"<key>\": x }
    intents: [sso]
";

/// The texts of one severity in `validate -o json`.
fn findings(manifest: &str, exit: i32, field: &str) -> Vec<Value> {
    let env = TestEnv::with_manifest(manifest);
    let output = env.run("validate -o json").exits(exit);
    let document = output.json_of("validate");
    document[field].as_array().unwrap().clone()
}

#[test]
fn a_placeholder_that_nobody_replaced_is_a_warning_in_every_format() {
    let warnings = findings(TEMPLATE, 0, "warnings");
    assert_eq!(warnings.len(), 5, "{warnings:#?}");
    for warning in &warnings {
        assert_eq!(warning["code"], "manifest/placeholder", "{warning}");
    }
    let env = TestEnv::with_manifest(TEMPLATE);
    let text = env.run("validate").exits(0);
    let told = format!("{}{}", text.stdout, text.stderr);
    assert!(told.contains("manifest/placeholder"), "{text}");
    assert!(told.contains("${ACME_NAME}"), "{text}");
    let sarif = env.run("validate -o sarif").exits(0);
    assert!(sarif.stdout.contains("manifest/placeholder"), "{sarif}");
    let workos = StandIn::of(|_| ());
    for (line, document) in [
        ("plan -o json", "plan"),
        ("apply --yes -o json", "apply"),
        ("status -o json", "status"),
    ] {
        let output = env.run(line).at_url(&workos.url()).exits(0);
        let warnings = &output.json_of(document)["manifest_warnings"];
        assert_eq!(warnings.as_array().unwrap().len(), 5, "{line}: {warnings}");
        assert_eq!(warnings[0]["file"], "portal.yaml", "{line}: {warnings}");
    }
    for line in [
        "plan -o markdown",
        "plan -o html",
        "plan -o sarif",
        "apply --yes -o markdown",
        "status -o markdown",
        "status -o html",
    ] {
        let output = env.run(line).at_url(&workos.url()).exits(0);
        let told = output.stdout.matches("manifest/placeholder").count();
        assert!(told >= 5, "{line}: {output}");
    }
}

#[test]
fn a_template_is_no_url() {
    for (url, why) in [
        (
            "https://app.example.com/{key}/settings",
            "which no URL may contain",
        ),
        ("https://app.example.com/<key>", "which no URL may contain"),
        ("https://app.example.com/a b", "space"),
        ("https://*.example.com/x", "has a `*` in its host"),
    ] {
        for place in [
            format!("return_urls: {{ default: \"{url}\" }}\n"),
            format!("return_urls: {{ success: {{ sso: \"{url}\" }} }}\n"),
            format!("defaults: {{ return_url: \"{url}\" }}\n"),
        ] {
            let manifest = format!(
                "version: 1\n{place}organizations:\n  acme: {{ name: Acme, intents: [sso] }}\n"
            );
            let errors = findings(&manifest, 3, "errors");
            let [error] = errors.as_slice() else {
                panic!("{place}: {errors:#?}");
            };
            assert_eq!(error["code"], "manifest/invalid-url", "{error}");
            assert!(error["message"].as_str().unwrap().contains(why), "{error}");
        }
    }
    for host in [
        "*.example.com",
        "{tenant}.example.com",
        "app example.com",
        "<host>",
    ] {
        let manifest = format!(
            "version: 1\nreturn_urls: {{ allowed_hosts: [\"{host}\"] }}\norganizations:\n  \
             acme: {{ name: Acme, intents: [sso] }}\n"
        );
        let errors = findings(&manifest, 3, "errors");
        assert_eq!(errors[0]["code"], "manifest/invalid-host", "{host}");
    }
}

const TWINS: &str = "\
version: 1
organizations:
  acme: { name: Acme Corp, intents: [sso] }
  acme-corp: { name: \"ACME  corp\", intents: [sso] }
  globex: { name: Globex, intents: [sso] }
";

#[test]
fn two_entries_of_one_name_are_a_warning_while_one_of_them_is_new() {
    let workos = StandIn::of(|world| {
        world.organization("org_1", "Acme Corp", &json!({"external_id": "acme"}));
    });
    let env = TestEnv::with_manifest(TWINS);
    let plan = |env: &TestEnv| {
        let output = env.run("plan -o json").at_url(&workos.url()).exits(0);
        output.json_of("plan")["warnings"].clone()
    };
    let warnings = plan(&env);
    let [warning] = warnings.as_array().unwrap().as_slice() else {
        panic!("{warnings:#}");
    };
    assert_eq!(warning["key"], "acme-corp");
    assert_eq!(warning["code"], "plan/duplicate-name");
    assert!(warning["message"].as_str().unwrap().contains("`acme`"));
    let text = env.run("plan").at_url(&workos.url()).exits(0);
    assert!(text.stdout.contains("has the same name"), "{text}");
    // Two customers of one name are told once.
    env.edit(
        "portal.yaml",
        "corp\", intents",
        "corp\", allow_same_name: true, intents",
    );
    assert_eq!(plan(&env), json!([]));
    let _ = env.run("apply --yes").at_url(&workos.url()).exits(0);
    env.edit("portal.yaml", "allow_same_name: true, ", "");
    assert_eq!(plan(&env), json!([]));
}
