//! The integration tests: one binary, one module for each subject.

#![allow(
    clippy::too_many_lines,
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "a test reads from top to bottom, and a table of cases is as long as it is"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unimplemented,
    reason = "this is how tests fail, and how they say that they had nothing to run against"
)]

#[path = "../support/mod.rs"]
mod support;

mod apply;
mod apply_contacts;
mod argocd;
mod canaries;
mod canaries_services;
mod chart;
mod chart_rbac;
mod chart_release;
#[cfg(feature = "operator")]
mod chart_run;
mod chart_schemas;
mod ci_logs;
mod cli_apply;
mod cli_changes;
mod cli_diff;
mod cli_doctor;
mod cli_exit_codes;
mod cli_extra_outputs;
mod cli_import;
mod cli_input;
mod cli_interrupted;
mod cli_invite;
mod cli_kubernetes;
mod cli_markdown;
mod cli_offline;
mod cli_output;
mod cli_plan;
mod cli_prune;
mod cli_sandbox;
mod cli_saved;
mod cli_secrets;
mod cli_snapshot;
mod cli_verify_domain;
#[cfg(unix)]
mod cli_webhook;
mod cli_words;
mod conformance;
#[cfg(target_os = "linux")]
mod crash;
mod crates;
mod dns;
mod docs_links;
mod emulator;
mod examples;
mod gateway;
mod generated;
mod github_action;
mod github_install;
mod github_stories;
mod gitlab_jobs;
mod hostile_endpoint;
mod kubernetes_crds;
mod link;
mod link_browser;
mod named;
mod node_sdk;
mod openapi;
#[cfg(feature = "operator")]
mod operator;
#[cfg(feature = "operator")]
mod operator_guards;
#[cfg(feature = "operator")]
mod operator_powers;
#[cfg(feature = "operator")]
mod operator_running;
#[cfg(feature = "operator")]
mod operator_tenants;
mod other_ci;
mod parity;
mod portal_page;
mod python_sdk;
mod reading;
mod report_csv;
mod report_html;
mod report_json;
mod report_markdown;
mod report_pages;
mod report_sarif;
mod report_text;
mod sandbox_server;
mod supply_chain;
mod threat_model;
mod two_environments;
mod wait;

/// Every test file is listed here: one that is not would never run.
#[test]
fn every_test_file_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let list = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_test = path.extension().is_some_and(|extension| extension == "rs");
        if is_test && stem != "main" {
            assert!(
                list.contains(&format!("mod {stem};")),
                "{stem} is not listed"
            );
        }
    }
}
