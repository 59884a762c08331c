//! Tests the commands that send no request: `validate`, `explain`, `schema`, `completions` and
//! help.

use serde_json::Value;

use crate::support::cli::{TestEnv, snapshot};
use crate::support::manifests::CUSTOMERS;

#[test]
fn a_valid_manifest_is_counted() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let output = env.run("validate").exits(0);
    assert_eq!(output.stdout, "valid: 3 organizations in 1 file\n");
    assert_eq!(output.stderr, "");
    let document = env.run("validate -o json").exits(0).json_of("validate");
    assert_eq!(document["valid"], true);
    assert_eq!(document["organizations"], 3);
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let env = TestEnv::with_manifest(
        "version: 1\norganizations:\n  acme:\n    name: Acme\n    intnets: [sso]\n  globex:\n    \
         name: Globex\n    return_url: http://globex.com/\n    domains: [globex, GLOBEX.com]\n",
    );
    let output = env.run("validate").exits(3);
    assert_eq!(output.stdout, "");
    snapshot!(output.stderr);
    let document = env.run("validate -o json").exits(3).json_of("validate");
    assert_eq!(document["valid"], false);
    let errors = document["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 3, "{document:#}");
    for error in errors {
        assert_eq!(error["file"], "portal.yaml");
        assert!(
            error["line"].is_u64() && error["column"].is_u64(),
            "{error:#}"
        );
    }
}

#[test]
fn every_code_is_explained() {
    let env = TestEnv::new();
    let list = env.run("explain").exits(0).stdout;
    let errors = env.run("schema errors").exits(0).json();
    let errors = errors["errors"].as_array().unwrap();
    assert_eq!(list.lines().count(), errors.len());
    for (line, error) in list.lines().zip(errors) {
        let code = error["code"].as_str().unwrap();
        assert!(line.starts_with(code), "{line}");
    }
    snapshot!(env.run("explain plan/domain-held").exits(0).stdout);
    let near = env.run("explain manifest/unknown-feild").exits(3);
    assert!(
        near.stderr
            .contains("did you mean `portalctl explain manifest/unknown-field`?")
    );
}

#[test]
fn what_people_look_up_is_explained_however_they_write_it() {
    let env = TestEnv::new();
    for (asked, code) in [
        ("portal/invalid-redirect-uri", "portal/invalid-redirect-uri"),
        ("Invalid redirect URI", "portal/invalid-redirect-uri"),
        ("link-expired", "portal/link-expired"),
        ("setup-link-active", "portal/setup-link-active"),
        ("connection exists", "portal/connection-exists"),
        ("return-url", "portal/return-url"),
        ("api/organization-not-found", "api/organization-not-found"),
        ("unauthorized", "api/unauthorized"),
        ("rate_limit_exceeded", "api/rate-limited"),
        ("external_id_already_used", "api/external-id-taken"),
        ("invalid_metadata", "api/invalid-metadata"),
        ("domain_already_exists", "api/domain-exists"),
        (
            "domain_verified_by_other_organization",
            "domain/verified-elsewhere",
        ),
        (
            "profile_not_allowed_outside_organization",
            "portal/profile-outside-organization",
        ),
        ("forbidden", "api/forbidden"),
        (
            "connection_type_or_options_required",
            "api/connection-options",
        ),
        (
            "both_saml_and_oidc_options_provided",
            "api/connection-options",
        ),
        ("connection_type_not_supported", "api/connection-options"),
        ("concurrent_request", "api/concurrent-request"),
        (
            "it_contact_invitation_already_active",
            "portal/setup-link-active",
        ),
    ] {
        let output = env.args(["explain", asked]).exits(0);
        let start = format!("{code}: ");
        assert!(output.stdout.starts_with(&start), "{asked}: {output}");
        assert!(output.stdout.contains("What to do"), "{asked}: {output}");
    }
    let several = env.args(["explain", "not found"]).exits(3);
    let named = "name the area too: manifest/not-found, api/not-found";
    assert!(several.stderr.contains(named), "{several}");
    let near = env.args(["explain", "external_id_already_user"]).exits(3);
    let meant = "did you mean `portalctl explain external_id_already_used`?";
    assert!(near.stderr.contains(meant), "{near}");
}

#[test]
fn a_command_line_that_is_not_understood_names_its_code() {
    let output = TestEnv::new().run("plan --no-such-flag").exits(3);
    let more = "more: portalctl explain cli/usage\n";
    assert!(output.stderr.ends_with(more), "{output}");
}

#[test]
fn schemas_are_schemas() {
    let env = TestEnv::new();
    for what in [
        "manifest",
        "plan",
        "apply",
        "status",
        "on-change",
        "validate",
        "ids",
        "doctor",
    ] {
        let schema: Value = env.args(["schema", what]).exits(0).json();
        let meta = jsonschema::meta::validate(&schema);
        assert!(meta.is_ok(), "{what}: {meta:?}");
    }
    let default = env.run("schema").exits(0).stdout;
    assert_eq!(default, env.run("schema manifest").exits(0).stdout);
}

#[test]
fn the_published_schema_takes_the_manifests_that_portalctl_takes() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let schema = env.run("schema").exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let manifest: Value = serde_saphyr::from_str(CUSTOMERS).unwrap();
    let broken: Vec<String> = validator
        .iter_errors(&manifest)
        .map(|e| e.to_string())
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn completions_know_the_commands_of_every_shell() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = env.args(["completions", shell]).exits(0).stdout;
        for word in ["plan", "apply", "status", "sandbox", "detailed-exitcode"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn help_fits_a_terminal() {
    let env = TestEnv::new();
    let help = env.run("--help").env("COLUMNS", "80").exits(0).stdout;
    // A command that is only there when it was asked for.
    let help: Vec<&str> = help
        .lines()
        .filter(|line| !line.starts_with("  operator "))
        .collect();
    snapshot!(help.join("\n"));
    for command in [
        "", "plan", "apply", "status", "ids", "validate", "doctor", "explain", "sandbox",
    ] {
        for help in ["-h", "--help"] {
            let line = format!("{command} {help}");
            let output = env.run(&line).env("COLUMNS", "80").exits(0);
            assert_eq!(output.stderr, "");
            for line in output.stdout.lines() {
                assert!(line.chars().count() <= 80, "{command}: {line}");
            }
        }
    }
}

#[test]
fn offline_commands_do_not_offer_what_they_do_not_heed() {
    let env = TestEnv::new();
    for command in ["explain", "schema", "completions", "sandbox"] {
        let help = env.args([command, "-h"]).exits(0).stdout;
        for flag in ["--only", "--api-key-file", "--file"] {
            assert!(!help.contains(flag), "{command} offers {flag}");
        }
    }
    let help = env.run("validate -h").exits(0).stdout;
    assert!(
        help.contains("--file") && !help.contains("--api-key-file"),
        "{help}"
    );
}
