//! The files of `examples/gateway/deploy`: the service and the container start the gateway with
//! arguments that it understands, and nginx lets through the public paths alone.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::child::ChildGuard;
use crate::support::gateway::{Answer, CONFIG, Stage, ask, claims, signed};
use crate::support::wait;

/// The address that the examples name.
const PUBLIC_URL: &str = "https://portal.example.com";

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway/deploy");
    fs::read_to_string(folder.join(name)).unwrap()
}

#[track_caller]
fn is_understood(arguments: &[&str]) {
    let line = ["portalctl"].iter().chain(arguments);
    if let Err(error) = portalctl::cli::command().try_get_matches_from(line) {
        panic!("{arguments:?}\n{error}");
    }
}

#[test]
fn the_service_starts_the_gateway() {
    let unit = file("portalctl-gateway.service").replace("\\\n", " ");
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let words: Vec<&str> = start.unwrap().split_whitespace().collect();
    assert_eq!(words[0], "/usr/local/bin/portalctl");
    is_understood(&words[1..]);
    assert!(words.contains(&PUBLIC_URL));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_service() {
    let scratch = tempfile::tempdir().unwrap();
    // It looks for the program; `true` is on every machine that has systemd.
    let unit = file("portalctl-gateway.service").replace("/usr/local/bin/portalctl", "/bin/true");
    let place = scratch.path().join("portalctl-gateway.service");
    fs::write(&place, unit).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&place)
        .output();
    let Ok(verified) = verified else {
        println!("skipped: systemd-analyze is not on this machine");
        return;
    };
    let told = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about_it = told.lines().any(|line| line.contains("portalctl-gateway"));
    assert!(verified.status.success() && !about_it, "{told}");
}

#[test]
fn the_container_starts_the_gateway() {
    let compose: Value = serde_saphyr::from_str(&file("compose.yaml")).unwrap();
    let command = compose["services"]["gateway"]["command"]
        .as_array()
        .unwrap();
    let words: Vec<&str> = command.iter().map(|word| word.as_str().unwrap()).collect();
    is_understood(&words);
    assert!(words.contains(&PUBLIC_URL));
}

/// nginx with the example's configuration, over plain http on a free port.
struct Nginx {
    _child: ChildGuard,
    address: String,
    folder: PathBuf,
}

impl Nginx {
    /// Starts it in front of a gateway; `None` where there is no nginx.
    fn start(folder: &Path, gateway: &str) -> Option<Self> {
        Self::of(folder, "nginx.conf", &[("127.0.0.1:8080", gateway)])
    }

    /// The same with one of the configurations, in which servers have other addresses.
    fn of(folder: &Path, name: &str, servers: &[(&str, &str)]) -> Option<Self> {
        let program = std::env::var("PORTALCTL_NGINX").unwrap_or_else(|_| "nginx".to_owned());
        if Command::new(&program)
            .arg("-v")
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            println!("skipped: nginx is not on this machine");
            return None;
        }
        let folder = folder.join("nginx");
        fs::create_dir(&folder).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap().to_string();
        drop(port);
        let here = folder.display();
        let mut portal = file(name)
            .replace("listen 443 ssl", &format!("listen {address}"))
            .replace("/var/log/nginx", &here.to_string());
        for (example, real) in servers {
            portal = portal.replace(example, real);
        }
        let portal = portal
            .lines()
            .filter(|line| !line.trim().starts_with("ssl_"));
        fs::write(
            folder.join("portal.conf"),
            portal.collect::<Vec<_>>().join("\n"),
        )
        .unwrap();
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths = paths.map(|name| format!("{name}_temp_path {here}/{name};"));
        let all = format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;\n\
             events {{}}\nhttp {{ {} include {here}/portal.conf; }}\n",
            paths.join(" ")
        );
        fs::write(folder.join("nginx.conf"), all).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(&folder);
        command.arg("-c").arg(folder.join("nginx.conf"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = ChildGuard::spawn(&mut command);
        wait::until("nginx", || std::net::TcpStream::connect(&address).ok());
        Some(Self {
            _child: child,
            address,
            folder,
        })
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(&self.address, "GET", path, headers, "")
    }
}

#[test]
fn nginx_lets_the_public_paths_through_and_logs_no_token() {
    let stage = Stage::with(CONFIG, &format!("--public-url {PUBLIC_URL}"), "");
    let Some(nginx) = Nginx::start(stage.env.root(), &stage.gateway.address) else {
        return;
    };
    for hidden in [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/portal",
        "//metrics",
    ] {
        assert_eq!(nginx.get(hidden, &[]).status, 404, "{hidden}");
    }
    let token = signed(&claims(PUBLIC_URL));
    let path = format!("/portal/acme/sso?token={token}");
    let handed_over = nginx.get(&path, &[]);
    assert!(handed_over.status < 400, "{handed_over:?}");
    // The same token is refused, in the gateway's own words.
    assert_eq!(nginx.get(&path, &[]).status, 403);
    let returned = nginx.get("/return/acme/sso", &[("Cookie", &handed_over.cookie())]);
    assert_eq!(returned.status, 200, "{returned:?}");
    for log in ["portal.log", "portal-error.log", "error.log"] {
        let log = fs::read_to_string(nginx.folder.join(log)).unwrap();
        assert!(!log.contains("token="), "{log}");
    }
    let log = fs::read_to_string(nginx.folder.join("portal.log")).unwrap();
    assert!(log.contains("GET /portal/acme/sso"), "{log}");
}

/// Starts an authentication service: the cookie `who` names the groups of the person, and without
/// it the answer is 401. Returns its address.
fn auth_service() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let groups = head
                .iter()
                .find_map(|line| line.strip_prefix("Cookie: who="));
            let answer = groups.map_or_else(
                || "HTTP/1.1 401 Unauthorized\r\n".to_owned(),
                |groups| {
                    format!(
                        "HTTP/1.1 202 Accepted\r\nX-Auth-Request-User: ada\r\n\
                         X-Auth-Request-Groups: {groups}\r\nRemote-User: ada\r\n\
                         Remote-Groups: {groups}\r\n"
                    )
                },
            );
            let rest = "Content-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(format!("{answer}{rest}").as_bytes());
        }
    });
    address
}

#[track_caller]
fn only_the_auth_service_is_believed(config: &str, conf: &str, auth: &str, prefix: &str) {
    let stage = Stage::with(&file(config), &format!("--public-url {PUBLIC_URL}"), "");
    let service = auth_service();
    let servers = [
        ("127.0.0.1:8080", stage.gateway.address.as_str()),
        (auth, service.as_str()),
    ];
    let Some(nginx) = Nginx::of(stage.env.root(), conf, &servers) else {
        return;
    };
    let path = "/portal/acme/sso?handoff=0123456789";
    let [user, groups] = ["User", "Groups"].map(|name| format!("{prefix}{name}"));
    let forged = [(user.as_str(), "eve"), (groups.as_str(), "acme-it")];
    let audited = stage.gateway.audited();
    let stranger = nginx.get(path, &forged);
    assert_eq!(stranger.status, 302, "{stranger:?}");
    assert_eq!(stage.gateway.audited(), audited);
    let staff = [&forged[..], &[("Cookie", "who=staff")]].concat();
    assert_eq!(nginx.get(path, &staff).status, 403);
    let admin = nginx.get(path, &[("Cookie", "who=acme-it")]);
    assert!(admin.status < 400, "{admin:?}");
    for log in ["portal.log", "portal-error.log", "error.log"] {
        let log = fs::read_to_string(nginx.folder.join(log)).unwrap();
        assert!(!log.contains("handoff="), "{log}");
    }
}

#[test]
fn behind_auth_request_only_the_auth_service_is_believed() {
    only_the_auth_service_is_believed(
        "gateway-proxy.yaml",
        "nginx-auth-request.conf",
        "127.0.0.1:4180",
        "X-Forwarded-",
    );
}

#[test]
fn behind_authelia_only_the_auth_service_is_believed() {
    only_the_auth_service_is_believed(
        "authelia/gateway.yaml",
        "authelia/nginx.conf",
        "127.0.0.1:9091",
        "Remote-",
    );
}

#[test]
fn below_a_path_the_cookies_lead_to_the_return_page() {
    let public_url = "https://example.com/setup";
    let stage = Stage::with(CONFIG, &format!("--public-url {public_url}"), "");
    let servers = [("127.0.0.1:8080", stage.gateway.address.as_str())];
    let Some(nginx) = Nginx::of(stage.env.root(), "nginx-path.conf", &servers) else {
        return;
    };
    let path = format!(
        "/setup/portal/acme/sso?token={}",
        signed(&claims(public_url))
    );
    let handed_over = nginx.get(&path, &[]);
    assert!(handed_over.status < 400, "{handed_over:?}");
    let cookie = handed_over.cookie();
    let returned = nginx.get("/setup/return/acme/sso", &[("Cookie", &cookie)]);
    assert_eq!(returned.status, 200, "{returned:?}");
    assert_eq!(nginx.get("/setup/metrics", &[]).status, 404);
    let log = fs::read_to_string(nginx.folder.join("portal.log")).unwrap();
    assert!(!log.contains("token="), "{log}");
}
