//! Runs the example apps of `examples/gateway` for other stacks: in a browser, or the handler alone.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use walkdir::WalkDir;

use super::browser::Example;
use crate::conformance::api_client::node_modules;
use crate::support::browser;
use crate::support::cli::TestEnv;
use crate::support::gateway::{CONFIG, ISSUER, Stage};

/// Copies `examples/gateway`, and puts the installed packages where its apps look for them.
#[track_caller]
fn copy(env: &TestEnv, stack: &str, modules: &Path) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway");
    let files = WalkDir::new(&folder)
        .into_iter()
        .filter_entry(|entry| !matches!(entry.file_name().to_str(), Some("node_modules" | ".next")))
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file());
    for file in files {
        let name = file.path().strip_prefix(&folder).unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        env.write(&format!("gateway/{name}"), &text);
    }
    let place = env.path(format!("gateway/{stack}/node_modules"));
    std::os::unix::fs::symlink(std::path::absolute(modules).unwrap(), place).unwrap();
}

/// Presses the button of a stack's app; `way` is how it leads to the gateway: `form` or `script`.
#[track_caller]
fn leads_to_the_portal_and_back(stack: &str, way: &str) {
    let env = TestEnv::new();
    let Some(mut script) = browser::script("gateway_stacks.mjs", env.root()) else {
        return;
    };
    copy(&env, stack, &node_modules().unwrap());
    let example = Example::start(&env, &env.path("gateway/run"), Some(stack));
    for server in ["app", "gateway"] {
        script.arg(&example.addresses[server]);
    }
    script.arg(way);
    browser::run(script);
}

#[test]
fn a_form_of_an_express_app_leads_to_the_portal_and_back() {
    leads_to_the_portal_and_back("express", "form");
}

#[test]
fn a_script_of_a_single_page_app_leads_to_the_portal_and_back() {
    leads_to_the_portal_and_back("spa", "script");
}

/// Next.js itself is too large for the tests: its route handler is a function of a request.
#[test]
fn the_route_handler_for_next_js_is_good() {
    let Some(modules) = node_modules() else {
        return;
    };
    let stage = Stage::new(CONFIG);
    copy(&stage.env, "nextjs", &modules);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/next_route.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(stage.env.path("gateway/nextjs"))
        .env("APP", ISSUER)
        .env("GATEWAY", stage.gateway.url())
        .env("SECRET_FILE", stage.env.path("handoff.secret"))
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let address = String::from_utf8(output.stdout).unwrap();
    let path = address.trim().strip_prefix(&stage.gateway.url());
    let path = path.unwrap_or_else(|| panic!("{address:?}"));
    let answer = stage.gateway.get(path, &[]);
    assert_eq!(answer.status, 303, "{:#?}", stage.gateway.log());
}

#[test]
fn the_examples_name_the_packages_that_are_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dependencies = |folder: &str| {
        let text = std::fs::read_to_string(root.join(folder).join("package.json")).unwrap();
        let package: Value = serde_json::from_str(&text).unwrap();
        package["dependencies"].as_object().unwrap().clone()
    };
    let tested = dependencies("tests/node");
    for (stack, names) in [
        ("express", &["express", "helmet", "jose"][..]),
        ("spa", &["jose"]),
        ("nextjs", &["jose"]),
    ] {
        let named = dependencies(&format!("examples/gateway/{stack}"));
        for name in names {
            assert_eq!(named[*name], tested[*name], "{name} of {stack}");
        }
    }
}
