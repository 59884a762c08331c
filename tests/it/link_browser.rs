//! Tests `link --open --wait` in a browser: the IT admin finishes and is sent back, and the command
//! sees it and ends.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::cli::TestEnv;
use crate::support::sandbox_server::SandboxServer;
use crate::support::{browser, wait};

/// The page of the app that customers come back to.
struct App(String);

impl App {
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/welcome", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            // Browsers also connect without asking for anything yet.
            for stream in listener.incoming() {
                std::thread::spawn(move || answer(&stream.unwrap()));
            }
        });
        Self(url)
    }
}

fn answer(mut stream: &TcpStream) {
    let head = BufReader::new(stream).lines();
    let asked = head
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty());
    if asked.count() > 0 {
        let page = "<!doctype html><title>App</title><h1>Welcome back</h1>";
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{page}",
            page.len()
        );
    }
}

/// A program for `BROWSER` that runs a command with the link as its last argument.
fn as_browser(env: &TestEnv, command: &Command) -> PathBuf {
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let mut script = String::from("#!/bin/sh\n");
    for (name, value) in command.get_envs() {
        let value = value.map(quoted).unwrap_or_default();
        script.push_str(&format!("export {}={value}\n", name.to_str().unwrap()));
    }
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(quoted).collect();
    script.push_str(&format!("exec {} \"$1\"\n", words.join(" ")));
    env.write("browser", &script);
    let path = env.path("browser");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Plays a customer who finishes an intent in the browser that was opened, and comes back to the
/// app by a redirect or by the logo.
fn open_finish_and_return(manifest_urls: &str, sandbox_options: &str, app: &App, how: &str) {
    let env = TestEnv::with_manifest(&format!(
        "version: 1\nenvironment: {{ name: staging, api_key: test }}\n{manifest_urls}\
         organizations:\n  acme: {{ name: Acme Corp, domains: [acme.com], intents: [sso] }}\n"
    ));
    let Some(mut driver) = browser::script("portal_loop.mjs", env.root()) else {
        return;
    };
    let server = SandboxServer::with(&env, &format!("--rate-limit off {sandbox_options}"));
    let _ = env.run("apply --yes").at(&server).exits(0);
    let result = env.path("result");
    driver.arg(&result).arg(&app.0).arg(how);
    let browser = as_browser(&env, &driver);
    let output = env
        .run("link acme sso --open --wait --timeout 2m -vv")
        .at(&server)
        .env("BROWSER", browser.to_str().unwrap())
        .exits(0);
    let said = wait::until("the browser's word", || {
        fs::read_to_string(&result)
            .ok()
            .filter(|said| !said.is_empty())
    });
    assert_eq!(said, "the loop is closed", "{output}");
    assert!(
        output.stdout.contains("✓ acme  sso  configured"),
        "{output}"
    );
    let link = format!("{}/portal/", server.url());
    assert!(!output.stdout.contains(&link), "{output}");
    assert!(!output.stderr.contains(&link), "{output}");
}

#[test]
fn the_customer_finishes_in_the_browser_and_the_command_ends() {
    let app = App::serve();
    let urls = format!(
        "return_urls:\n  default: https://app.example.com/back\n  success: {{ sso: \"{}\" }}\n",
        app.0
    );
    open_finish_and_return(&urls, "", &app, "redirect");
}

#[test]
fn without_a_success_url_finishing_leads_to_the_return_url() {
    let app = App::serve();
    let urls = format!("return_urls: {{ default: \"{}\" }}\n", app.0);
    open_finish_and_return(&urls, "", &app, "redirect");
}

#[test]
fn without_any_url_the_logo_leads_where_the_dashboard_says() {
    let app = App::serve();
    let default = format!("--default-return-url {}", app.0);
    open_finish_and_return("", &default, &app, "logo");
}
