//! Tests `link`: its link, which is a credential, goes to a person or to the browser and nowhere
//! else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::cli::{TestEnv, snapshot};
use crate::support::http::{self, Canned};
use crate::support::manifests::{CUSTOMERS, ONE};
use crate::support::pty::AtTerminal;
use crate::support::sandbox_server::SandboxServer;
use crate::support::wait;

/// A part of every link of the sandbox that appears nowhere else.
const MARK: &str = "/portal/";

fn applied(manifest: &str) -> (TestEnv, SandboxServer) {
    let env = TestEnv::with_manifest(manifest);
    let server = SandboxServer::start(&env);
    let _ = env.run("apply --yes").at(&server).exits(0);
    (env, server)
}

/// An address at which every request fails.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Creates a program for `BROWSER` that saves its argument.
fn recording_browser(env: &TestEnv) -> String {
    env.write("browser", "#!/bin/sh\nprintf %s \"$1\" > \"$HOME/seen.tmp\" && mv \"$HOME/seen.tmp\" \"$HOME/seen\"\n");
    let path = env.path("browser");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn on_a_terminal_the_link_is_printed_once_and_opens_the_portal() {
    let (env, server) = applied(CUSTOMERS);
    let run = env.run("link acme sso -vv").at(&server);
    let shown = AtTerminal::start(run).exits(0);
    let lines = shown.lines();
    let printed: Vec<&str> = lines.filter(|line| line.starts_with("http")).collect();
    let [link] = printed.as_slice() else {
        panic!("{printed:?} {shown}");
    };
    let token = link.trim().split(MARK).nth(1).unwrap();
    assert_eq!(shown.matches(token).count(), 1, "{shown}");
    assert!(shown.contains("Valid until"), "{shown}");
    let path = format!("{MARK}{token}");
    assert_eq!(http::send(server.address(), "", "GET", &path, None).0, 200);
    assert_eq!(http::send(server.address(), "", "GET", &path, None).0, 404);
}

#[test]
fn elsewhere_the_link_alone_is_on_standard_output_when_that_is_asked_for() {
    let (env, server) = applied(CUSTOMERS);
    let output = env
        .run("link globex log_streams --allow-non-tty")
        .at(&server)
        .exits(0);
    snapshot!(format!("{}---\n{}", output.stdout, output.stderr));
    let quiet = env
        .run("link acme sso --allow-non-tty -q")
        .at(&server)
        .exits(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.stdout.lines().count(), 1, "{quiet}");
}

#[test]
fn the_link_goes_nowhere_where_it_could_be_kept_and_no_request_is_made() {
    let env = TestEnv::with_manifest(ONE);
    for (line, code) in [
        ("link acme sso", "link/not-a-terminal"),
        ("link acme sso -o json", "cli/usage"),
        ("link acme sso -o json --allow-non-tty", "cli/usage"),
        (
            "link acme sso --output-file f.txt --allow-non-tty",
            "cli/usage",
        ),
        ("link acme sso --open", "link/no-browser"),
        ("link acme sso --open --sandbox", "cannot be used with"),
        ("link acme sso --timeout 5m", "--wait"),
        ("link acme saml --allow-non-tty", "invalid value 'saml'"),
        ("link acne sso --allow-non-tty", "did you mean `acme`?"),
    ] {
        let output = env.run(line).env("WORKOS_API_URL", NOWHERE).exits(3);
        assert!(output.stderr.contains(code), "{line}: {output}");
    }
    let in_ci = env.run("link acme sso").at_url(NOWHERE).env("CI", "true");
    let shown = AtTerminal::start(in_ci).exits(3);
    assert!(shown.contains("link/not-a-terminal"), "{shown}");
    let gone = env.run("link acme sso --open -o json").at_url(NOWHERE);
    let output = gone.env("BROWSER", "/nowhere/firefox").exits(3);
    let document = output.json_of("link");
    assert_eq!(document["errors"][0]["code"], "link/no-browser");
    assert_eq!(
        (&document["key"], &document["intent"]),
        (&json!("acme"), &json!("sso"))
    );
    assert!(!env.path("f.txt").exists());
}

#[test]
fn with_open_the_link_is_in_the_browser_and_nowhere_else() {
    let (env, server) = applied(CUSTOMERS);
    let browser = recording_browser(&env);
    let seen = env.root().join("home/seen");
    for line in [
        "link acme sso --open -vv --log-format json",
        "link acme sso --open -vv -o json",
        "link acme sso --open -vv -o json --output-file link.json",
        "link acme sso --open --wait --timeout 1s -vv",
    ] {
        let run = env.run(line).at(&server).env("BROWSER", &browser);
        let output = if line.contains("--wait") {
            run.exits(2)
        } else {
            run.exits(0)
        };
        let link = wait::until("the browser", || fs::read_to_string(&seen).ok());
        fs::remove_file(&seen).unwrap();
        let token = link.split(MARK).nth(1).unwrap();
        assert_eq!(token.len(), 40);
        assert!(!output.stdout.contains(token), "{line}: {output}");
        assert!(!output.stderr.contains(token), "{line}: {output}");
        assert_eq!(files_with(env.root(), token), 0, "{line}");
    }
    let document: Value = serde_json::from_str(&env.read("link.json")).unwrap();
    assert_eq!(document["opened"], true);
    assert_eq!(document["return_url"]["origin"], "manifest");
    assert_eq!(document["success_url"], document["return_url"]);
}

/// Counts the files below a folder that contain a text.
fn files_with(folder: &Path, text: &str) -> usize {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                return files_with(&path, text);
            }
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            usize::from(found)
        })
        .sum()
}

#[test]
fn opening_in_the_browser_is_told_with_where_it_leads() {
    let (env, server) = applied(CUSTOMERS);
    let browser = recording_browser(&env);
    let run = env.run("link acme sso --open").at(&server);
    let output = run.env("BROWSER", &browser).exits(0);
    snapshot!(output.stdout);
    let run = env.run("link acme sso --open -o json").at(&server);
    let document = run.env("BROWSER", &browser).exits(0).json_of("link");
    assert_eq!(document["wait"], Value::Null);
    assert_eq!(document["readiness"]["state"], "unconfigured");
}

#[test]
fn a_browser_that_cannot_be_started_does_not_make_the_link_show() {
    let (env, server) = applied(ONE);
    let broken = env.path("broken");
    fs::write(&broken, "#!/nowhere/sh\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    let run = env.run("link acme sso --open -vv").at(&server);
    let output = run.env("BROWSER", broken.to_str().unwrap()).exits(1);
    assert!(output.stderr.contains("error[link/no-browser]"), "{output}");
    let link = format!("{}{MARK}", server.url());
    assert!(!output.stderr.contains(&link), "{output}");
    assert_eq!(output.stdout, "");
}

/// Checks that a command is refused before a link is made, with exit code 7, in text and in JSON.
#[track_caller]
fn refused(env: &TestEnv, server: &SandboxServer, line: &str) -> String {
    let output = env
        .run(&format!("{line} --allow-non-tty"))
        .at(server)
        .exits(7);
    assert_eq!(output.stdout, "", "{output}");
    let run = env.run(&format!("{line} --open -o json")).at(server);
    let json = run.env("BROWSER", "/bin/true").exits(7).json_of("link");
    let code = json["errors"][0]["code"].as_str().unwrap();
    assert!(output.stderr.contains(code), "{output}");
    assert_eq!(json["opened"], false);
    output.stderr
}

#[test]
fn a_customer_who_is_not_there_or_not_known_gets_no_link() {
    let env = TestEnv::with_manifest(CUSTOMERS);
    let server = SandboxServer::start(&env);
    let body = json!({"name": "Globex"});
    let _ = server.send("POST", "/organizations", &body);
    let body = json!({
        "name": "Acme", "domain_data": [{"domain": "acme.com", "state": "verified"}],
    });
    let _ = server.send("POST", "/organizations", &body);
    let told = [
        refused(&env, &server, "link initech certificate_renewal"),
        refused(&env, &server, "link acme sso"),
        refused(&env, &server, "link globex sso"),
        refused(&env, &server, "link globex domain_verification"),
    ];
    snapshot!(told.join("\n"));
}

#[test]
fn a_second_connection_has_to_be_asked_for() {
    let (env, server) = applied(CUSTOMERS);
    server.connect("acme");
    snapshot!(refused(&env, &server, "link acme sso"));
    let _ = env
        .run("link acme sso --allow-non-tty --again")
        .at(&server)
        .exits(0);
    // Of other intents there may be as many as the customer likes.
    let _ = env
        .run("link globex dsync --allow-non-tty")
        .at(&server)
        .exits(0);
}

#[test]
fn an_undeclared_intent_can_be_asked_for_once() {
    let (env, server) = applied(CUSTOMERS);
    let line = "link acme audit_logs --undeclared --allow-non-tty";
    let output = env.run(line).at(&server).exits(0);
    assert!(
        output.stderr.contains("audit logs are not set up"),
        "{output}"
    );
}

/// A WorkOS that knows one customer and answers a request for a link as it is told.
fn answering(status: u16, body: &'static str) -> Canned {
    Canned::serve(move |method, path, _| {
        if method == "POST" {
            return (status, String::new(), body.to_owned());
        }
        let organization = json!({"id": "org_1", "name": "Acme Corp", "external_id": "acme"});
        if path.starts_with("/organizations/external_id/") {
            return (200, String::new(), organization.to_string());
        }
        let list = json!({"data": [], "list_metadata": {"before": null, "after": null}});
        (200, String::new(), list.to_string())
    })
}

#[test]
fn what_workos_has_against_a_link_is_told_with_what_to_do() {
    let with_url = format!("{ONE}return_urls: {{ default: https://app.example.com/back }}\n");
    let mut told = Vec::new();
    for (manifest, status, body, exit) in [
        (
            with_url.as_str(),
            422,
            r#"{"message":"Invalid redirect URI","code":"invalid_redirect_uri"}"#,
            7,
        ),
        (
            ONE,
            400,
            r#"{"message":"A return_url is required: no default is configured."}"#,
            7,
        ),
        (ONE, 403, r#"{"message":"Admin Portal is not enabled."}"#, 4),
        (
            ONE,
            404,
            r#"{"message":"Organization not found: 'org_1'."}"#,
            7,
        ),
        (
            ONE,
            422,
            r#"{"message":"Something else","code":"other"}"#,
            7,
        ),
        (
            ONE,
            201,
            r#"{"url":"https://setup.workos.com?token=canary"}"#,
            5,
        ),
    ] {
        let env = TestEnv::with_manifest(manifest);
        let server = answering(status, body);
        let run = env
            .run("link acme sso --allow-non-tty")
            .at_url(&server.url());
        let output = run.exits(exit);
        assert_eq!(output.stdout, "");
        assert!(!output.stderr.contains("canary"), "{output}");
        told.push(output.stderr);
    }
    snapshot!(told.join("\n"));
}

#[test]
fn a_sandbox_inside_the_command_says_that_its_links_lead_nowhere() {
    let env = TestEnv::with_manifest(ONE);
    let _ = env.run("apply --yes --sandbox=s.json").exits(0);
    let output = env
        .run("link acme sso --allow-non-tty --sandbox=s.json")
        .exits(0);
    assert!(
        output.stderr.contains("note: this sandbox is inside"),
        "{output}"
    );
    assert_eq!(files_with(env.root(), MARK), 0);
}
