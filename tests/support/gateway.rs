//! Runs `portalctl serve` as a process, and signs handoff tokens as an app does. Tokens are
//! assembled by hand and share no code with the gateway, so that wrong ones can be made.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::child::ChildGuard;
use super::cli::{Run, TestEnv, signal};
use super::sandbox_server::SandboxServer;
use super::wait;

/// Issuer of the test app's tokens.
pub(crate) const ISSUER: &str = "https://app.example.com";
/// The secret that it shares with the gateway.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// A configuration with that secret, for one clock.
pub(crate) const CONFIG: &str = "\
version: 1
token: { issuer: https://app.example.com, secret_file: handoff.secret }
clock_leeway: 0
";
/// A configuration with a proxy on this machine, whose group `acme-it` has the IT admins of Acme.
pub(crate) const PROXY: &str = "\
version: 1
proxy:
  peers: [127.0.0.1]
  groups:
    acme-it: { organization: acme }
";
/// Three customers: one with everything, one with little, one that nobody has applied.
pub(crate) const MANIFEST: &str = "\
version: 1
environment: { name: staging, api_key: test }
return_urls: { default: https://app.example.com/settings }
organizations:
  acme: { name: Acme Corp, intents: [sso, dsync, domain_verification], domains: [acme.com] }
  globex: { name: Globex, intents: [sso] }
";

/// A gateway that serves until it is dropped.
pub(crate) struct GatewayServer {
    child: ChildGuard,
    pub(crate) address: String,
    log: Arc<Mutex<Vec<Value>>>,
}

/// A raw answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// The folder, the sandbox and the gateway of most tests.
pub(crate) struct Stage {
    pub(crate) env: TestEnv,
    pub(crate) sandbox: SandboxServer,
    pub(crate) gateway: GatewayServer,
}

impl Stage {
    /// With a configuration and the usual customers, who exist.
    #[track_caller]
    pub(crate) fn new(config: &str) -> Self {
        Self::with(config, "", "")
    }

    /// The same, with options for the gateway and the sandbox.
    #[track_caller]
    pub(crate) fn with(config: &str, options: &str, sandbox_options: &str) -> Self {
        Self::of(config, [options, sandbox_options], |_| {})
    }

    /// The same, with more files.
    #[track_caller]
    pub(crate) fn prepared(config: &str, prepare: impl FnOnce(&TestEnv)) -> Self {
        Self::of(config, ["", ""], prepare)
    }

    #[track_caller]
    fn of(
        config: &str,
        [options, sandbox_options]: [&str; 2],
        prepare: impl FnOnce(&TestEnv),
    ) -> Self {
        let env = TestEnv::with_manifest(MANIFEST);
        env.write("gateway.yaml", config);
        env.write("handoff.secret", SECRET);
        prepare(&env);
        let sandbox = SandboxServer::with(&env, &format!("--rate-limit off {sandbox_options}"));
        let _ = env.run("apply --yes").at(&sandbox).exits(0);
        let gateway = GatewayServer::start(&env, &sandbox, options);
        Self {
            env,
            sandbox,
            gateway,
        }
    }

    /// Returns the claims of the app's token for an admin of Acme.
    pub(crate) fn claims(&self) -> Value {
        claims(&self.gateway.url())
    }

    /// Hands an admin of Acme over, and waits until the audit log tells of it.
    #[track_caller]
    pub(crate) fn hand_over(&self, intent: &str) -> Answer {
        let mut claims = self.claims();
        claims["intents"] = json!([intent]);
        let path = format!("/portal/acme/{intent}?token={}", signed(&claims));
        let before = self.gateway.audited();
        let answer = self.gateway.get(&path, &[]);
        self.gateway.audit(before);
        answer
    }
}

impl GatewayServer {
    /// Starts it, and waits until it would take a token.
    #[track_caller]
    pub(crate) fn start(env: &TestEnv, sandbox: &SandboxServer, options: &str) -> Self {
        let line = format!("serve --listen 127.0.0.1:0 --config gateway.yaml {options}");
        Self::of(env.run(&line).at(sandbox))
    }

    /// The same of a command that serves.
    #[track_caller]
    pub(crate) fn of(run: Run) -> Self {
        let mut command = run.command();
        let mut child = ChildGuard::spawn(command.stderr(Stdio::piped()));
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let lines = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let entry = serde_json::from_str(&line).unwrap_or(json!({ "raw": line }));
                lines.lock().unwrap().push(entry);
            }
        });
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").map(str::to_owned);
        let gateway = Self {
            child,
            address: address.unwrap_or_default(),
            log,
        };
        assert!(!gateway.address.is_empty(), "{:#?}", gateway.log());
        wait::until("readiness", || {
            (gateway.get("/readyz", &[]).status == 200).then_some(())
        });
        gateway
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "")
    }

    #[track_caller]
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        ask(&self.address, method, path, headers, body)
    }

    /// The log so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// The line of the log that comes after so many, once it is there.
    #[track_caller]
    pub(crate) fn audit(&self, after: usize) -> Value {
        wait::until("a line of the audit log", || {
            self.log()
                .into_iter()
                .filter(|line| line["target"] == "portalctl::audit")
                .nth(after)
        })
    }

    /// Returns the number of answers in the audit log.
    pub(crate) fn audited(&self) -> usize {
        let log = self.log();
        let lines = log.iter();
        lines
            .filter(|line| line["target"] == "portalctl::audit")
            .count()
    }

    /// The value of a metric.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics", &[]).body;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    }

    /// Sends a signal.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for its end; how it ended.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Option<i32> {
        wait::for_end(&mut self.child).code()
    }
}

/// Asks a server for one answer.
#[track_caller]
pub(crate) fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(wait::LONG)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let mut merged: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let values = merged.entry(name.to_lowercase()).or_default();
        // Several cookies stand on lines of their own.
        if !values.is_empty() {
            values.push('\n');
        }
        values.push_str(value);
    }
    Answer {
        status: status.parse().unwrap(),
        headers: merged,
        body: body.to_owned(),
    }
}

impl Answer {
    /// Returns the `Cookie` header that a browser would send back.
    #[track_caller]
    pub(crate) fn cookie(&self) -> String {
        let cookies = self.headers["set-cookie"].lines();
        let pairs: Vec<&str> = cookies
            .map(|cookie| cookie.split(';').next().unwrap())
            .collect();
        pairs.join("; ")
    }
}

/// An id that no other token of this process has.
fn fresh_id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("token-{:08}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The time in seconds, as tokens give it.
#[expect(
    clippy::disallowed_methods,
    reason = "another process reads the machine's clock too"
)]
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Returns the claims of the app's token for an admin of Acme.
pub(crate) fn claims(audience: &str) -> Value {
    let now = now();
    json!({
        "iss": ISSUER, "aud": audience, "sub": "ada", "organization": "acme", "intents": ["sso"],
        "role": "it_admin", "iat": now, "exp": now + 60, "jti": fresh_id(),
    })
}

pub(crate) fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A token of any header and claims, signed by HMAC with any secret.
pub(crate) fn token(header: &str, claims: &str, secret: &[u8]) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(message.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{message}.{signature}")
}

/// A good token of some claims.
pub(crate) fn signed(claims: &Value) -> String {
    token(
        r#"{"alg":"HS256","typ":"JWT"}"#,
        &claims.to_string(),
        SECRET.as_bytes(),
    )
}
