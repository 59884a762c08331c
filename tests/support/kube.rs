//! A real Kubernetes API server with its etcd, found through `KUBEBUILDER_ASSETS`.
//!
//! No controller runs there unless a test asks for them: namespaces never finish terminating, owner
//! references are not collected, and tokens of service accounts come by `kubectl create token` only.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use tempfile::TempDir;

/// The folder of `etcd`, `kube-apiserver`, `kubectl` and the `cluster` that starts them. Without it
/// a test has nothing to do, which fails only where `PORTALCTL_REQUIRE_KUBERNETES=1` says that it
/// must be there.
#[track_caller]
fn assets() -> Option<PathBuf> {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    if folder.is_none() {
        let required = std::env::var("PORTALCTL_REQUIRE_KUBERNETES").is_ok_and(|v| v == "1");
        assert!(
            !required,
            "KUBEBUILDER_ASSETS is not set, and a Kubernetes API server is required"
        );
        println!("skipped: set KUBEBUILDER_ASSETS, as `make test` does, to run this in Kubernetes");
    }
    folder
}

/// An API server that ends when this is dropped, or with the test process.
pub(crate) struct Cluster {
    process: Mutex<Process>,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    _folder: TempDir,
}

/// The program `cluster`, which ends with its standard input and removes its folder then. It is
/// shared by tests, so no thread of a test may take it along.
struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// Output of a kubectl command.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) done: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Cluster {
    /// The server that tests share, each in namespaces of its own. Started by the first of them.
    #[track_caller]
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// The same, once it knows the resources of portalctl.
    #[track_caller]
    pub(crate) fn with_definitions() -> Option<&'static Self> {
        static INSTALLED: OnceLock<()> = OnceLock::new();
        let cluster = Self::shared()?;
        INSTALLED.get_or_init(|| cluster.install_definitions());
        Some(cluster)
    }

    /// Starts a separate server that knows the resources of portalctl, for a test that would
    /// disturb others.
    #[allow(dead_code, reason = "for tests of the operator")]
    #[track_caller]
    pub(crate) fn of_its_own() -> Option<Self> {
        let cluster = Self::start()?;
        cluster.install_definitions();
        Some(cluster)
    }

    #[track_caller]
    fn install_definitions(&self) {
        self.kubectl("apply --server-side -f schema/crds", "");
        self.kubectl(
            "wait --for=condition=Established --timeout=60s crd --all",
            "",
        );
    }

    /// Lets the server know the resource of the Prometheus operator.
    #[track_caller]
    pub(crate) fn knows_service_monitors(&self) {
        let definition = "tests/fixtures/kubernetes/servicemonitors.yaml";
        self.kubectl(&format!("apply --server-side -f {definition}"), "");
        let name = "crd/servicemonitors.monitoring.coreos.com";
        self.kubectl(&format!("wait --for=condition=Established {name}"), "");
    }

    /// Starts a separate server, for a test that stops it.
    #[track_caller]
    pub(crate) fn start() -> Option<Self> {
        let assets = assets()?;
        let folder = tempfile::Builder::new().prefix("portalctl-kube-").tempdir();
        let folder = folder.unwrap();
        let mut child = Command::new(assets.join("cluster"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = Process {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        let kubeconfig = process.line();
        assert!(!kubeconfig.is_empty(), "the API server did not start");
        Some(Self {
            process: Mutex::new(process),
            kubectl: assets.join("kubectl"),
            kubeconfig: PathBuf::from(kubeconfig),
            _folder: folder,
        })
    }

    /// An administrator's access.
    #[allow(dead_code, reason = "for clients of other languages than kubectl's")]
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Ends the API server; what it knows stays in etcd.
    #[allow(dead_code, reason = "for tests of what outlives a server")]
    #[track_caller]
    pub(crate) fn stop_server(&self) {
        self.process.lock().unwrap().tell("stop");
    }

    /// Starts the namespace controller and the garbage collector, which finish deletions.
    #[allow(dead_code, reason = "for tests of the operator")]
    #[track_caller]
    pub(crate) fn start_controllers(&self) {
        self.process.lock().unwrap().tell("controllers");
    }

    /// Starts it again, at the same address.
    #[allow(dead_code, reason = "for tests of what outlives a server")]
    #[track_caller]
    pub(crate) fn start_server(&self) {
        self.process.lock().unwrap().tell("start");
    }

    /// Runs kubectl as an administrator, with a document on its standard input.
    #[track_caller]
    pub(crate) fn try_kubectl(&self, line: &str, input: &str) -> CommandOutput {
        let mut child = Command::new(&self.kubectl)
            .env_clear()
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.kubeconfig.parent().unwrap())
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        CommandOutput {
            done: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same; has to succeed.
    #[track_caller]
    pub(crate) fn kubectl(&self, line: &str, input: &str) -> String {
        let said = self.try_kubectl(line, input);
        assert!(said.done, "kubectl {line}: {}", said.stderr);
        said.stdout
    }

    /// Applies a document; has to succeed.
    #[track_caller]
    pub(crate) fn apply(&self, document: &str) {
        self.kubectl("apply --server-side -f -", document);
    }

    /// Reads an object, `None` when there is none.
    #[track_caller]
    pub(crate) fn get(&self, what: &str) -> Option<Value> {
        let text = self.kubectl(&format!("get {what} -o json --ignore-not-found"), "");
        (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    /// A namespace that nobody else uses.
    #[track_caller]
    pub(crate) fn namespace(&self) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&format!("create namespace {name}"), "");
        name
    }
}

impl Process {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    #[allow(dead_code, reason = "for tests of what outlives a server")]
    #[track_caller]
    fn tell(&mut self, command: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{command}").unwrap();
        assert_eq!(self.line(), "done");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Closes its standard input, and waits until it has ended its children.
        let _ = self.child.wait();
    }
}
