//! Runs `portalctl operator` against a real API server and a sandbox, with the permissions of its
//! `ServiceAccount` and no others.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::chart;
use super::child::ChildGuard;
use super::cli::{KEY, Run, TestEnv, signal};
use super::http;
use super::kube::Cluster;
use super::sandbox_server::SandboxServer;
use super::wait::{self, until};

/// A namespace with an environment of a sandbox, and the rights of an operator.
pub(crate) struct World<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) namespace: String,
    pub(crate) env: TestEnv,
    pub(crate) sandbox: SandboxServer,
}

/// Identity of an operator at the API server, and its permissions.
pub(crate) struct Access {
    /// RBAC and the `ServiceAccount` itself, as YAML.
    pub(crate) rules: String,
    /// The name of the `ServiceAccount`.
    pub(crate) account: String,
    /// Namespace of the operator.
    pub(crate) namespace: String,
}

impl Access {
    /// Returns the access that the chart grants to the operator of a release in a namespace.
    #[track_caller]
    fn of_the_chart(namespace: &str) -> Self {
        let account = "portalctl-operator";
        let secrets = format!("secrets: [{{namespace: {namespace}, name: workos}}]");
        let values = format!("fullnameOverride: {account}\n{secrets}\n");
        Self {
            rules: chart::access(namespace, &values),
            account: account.to_owned(),
            namespace: namespace.to_owned(),
        }
    }
}

/// The API server that tests share, where there is one, and helm to say what an operator may do.
#[track_caller]
pub(crate) fn cluster() -> Option<&'static Cluster> {
    Cluster::with_definitions().filter(|_| chart::has("helm"))
}

/// The same, of its own: for a test that stops it, or changes what all namespaces share.
#[track_caller]
pub(crate) fn own_cluster() -> Option<Cluster> {
    Cluster::of_its_own().filter(|_| chart::has("helm"))
}

/// An operator that runs until it is dropped.
pub(crate) struct Operator {
    child: ChildGuard,
    log: PathBuf,
    pub(crate) address: String,
}

impl<'a> World<'a> {
    /// A namespace with a Secret, the environment `production`, and nothing else.
    #[track_caller]
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        Self::with(cluster, "--rate-limit off")
    }

    /// The same, of a sandbox with options.
    #[track_caller]
    pub(crate) fn with(cluster: &'a Cluster, options: &str) -> Self {
        let env = TestEnv::new();
        let sandbox = SandboxServer::with(&env, options);
        let namespace = cluster.namespace();
        let world = Self {
            cluster,
            namespace,
            env,
            sandbox,
        };
        world.grant(&Access::of_the_chart(&world.namespace));
        world.secret(KEY);
        world.environment(json!({}));
        world
    }

    /// Gives operators that are started from now on the rights of a `ServiceAccount`, and no others.
    #[track_caller]
    pub(crate) fn grant(&self, access: &Access) {
        let Access {
            rules,
            account,
            namespace,
        } = access;
        self.cluster.apply(rules);
        let line = format!("--namespace {namespace} create token {account} --duration=1h");
        let token = self.cluster.kubectl(&line, "");
        let admin = fs::read_to_string(self.cluster.kubeconfig()).unwrap();
        let (before, rest) = admin.split_once("token: \"").unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        let config = format!("{before}token: \"{}\"{after}", token.trim());
        self.env.write("kubeconfig", &config);
    }

    /// A command of kubectl in the namespace.
    #[track_caller]
    pub(crate) fn kubectl(&self, line: &str, input: &str) -> String {
        let line = format!("--namespace {} {line}", self.namespace);
        self.cluster.kubectl(&line, input)
    }

    /// Writes the Secret with the API key.
    #[track_caller]
    pub(crate) fn secret(&self, key: &str) {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": "workos", "namespace": self.namespace },
            "stringData": { "api-key": key, "webhook-secret": "whsec_operator" },
        });
        self.cluster.kubectl(
            "apply --server-side --force-conflicts -f -",
            &secret.to_string(),
        );
    }

    /// Writes the environment `production`, with `more` in its spec.
    #[track_caller]
    pub(crate) fn environment(&self, more: Value) {
        self.environment_named("production", more);
    }

    /// Writes an environment of the sandbox, with `more` in its spec.
    #[track_caller]
    pub(crate) fn environment_named(&self, name: &str, more: Value) {
        let spec = json!({
            "secretRef": { "name": "workos", "key": "api-key" },
            "apiKey": "test",
            "apiUrl": self.sandbox.url(),
            "manifest": "customers",
        });
        self.write("PortalEnvironment", name, spec, more);
    }

    /// Writes an organization, with `more` in its spec.
    #[track_caller]
    pub(crate) fn organization(&self, name: &str, more: Value) {
        let spec = json!({
            "environmentRef": { "name": "production" },
            "name": format!("{name} Corp"),
            "intents": [{ "intent": "sso" }],
        });
        self.write("PortalOrganization", name, spec, more);
    }

    /// Annotates an organization.
    #[track_caller]
    pub(crate) fn annotate(&self, name: &str, annotation: &str) {
        let line = format!("annotate --overwrite portalorganization {name} {annotation}");
        self.kubectl(&line, "");
    }

    /// Annotates the environment.
    #[track_caller]
    pub(crate) fn annotate_environment(&self, annotation: &str) {
        let line = format!("annotate --overwrite portalenvironment production {annotation}");
        self.kubectl(&line, "");
    }

    /// Deletes an organization, without waiting for its end.
    #[track_caller]
    pub(crate) fn delete(&self, name: &str) {
        let line = format!("delete portalorganization {name} --wait=false");
        self.kubectl(&line, "");
    }

    /// Waits until an organization is no more.
    #[track_caller]
    pub(crate) fn is_gone(&self, name: &str) {
        until(format!("{name} to be gone"), || {
            self.find(name).is_none().then_some(())
        });
    }

    /// Waits until an organization has the operator's finalizer.
    #[track_caller]
    pub(crate) fn is_held(&self, name: &str) {
        until(format!("the finalizer of {name}"), || {
            let finalizers = self.get(name)["metadata"]["finalizers"].clone();
            (finalizers == json!(["portalctl.dev/organization"])).then_some(())
        });
    }

    #[track_caller]
    fn write(&self, kind: &str, name: &str, mut spec: Value, more: Value) {
        let Value::Object(more) = more else {
            panic!("{more} is no object")
        };
        for (field, value) in more {
            spec[field] = value;
        }
        let object = json!({
            "apiVersion": "portalctl.dev/v1alpha1",
            "kind": kind,
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": spec,
        });
        self.cluster.apply(&object.to_string());
    }

    /// An organization as the API server has it; it has to be there.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Value {
        self.find(name).unwrap()
    }

    /// The same, where it need not be there.
    #[track_caller]
    pub(crate) fn find(&self, name: &str) -> Option<Value> {
        let what = format!("--namespace {} portalorganization {name}", self.namespace);
        self.cluster.get(&what)
    }

    /// Waits until a condition of an organization has a status and a reason.
    #[track_caller]
    pub(crate) fn waits_for(&self, name: &str, kind: &str, status: &str, reason: &str) -> Value {
        let mut last = Value::Null;
        let wanted = format!("{kind}={status} {reason} of {name}");
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(&wanted, || {
                last = self.find(name)?;
                let condition = condition(&last, kind)?;
                let generation = &last["metadata"]["generation"];
                (condition["status"] == status
                    && condition["reason"] == reason
                    && condition["observedGeneration"] == *generation)
                    .then_some(())
            });
        }));
        assert!(found.is_ok(), "{wanted}: {:#}", last["status"]);
        last
    }

    /// Waits until an organization is in sync.
    #[track_caller]
    pub(crate) fn is_in_sync(&self, name: &str) -> Value {
        self.waits_for(name, "Synced", "True", "InSync")
    }

    /// Waits for a Kubernetes Event about an object; its note.
    #[track_caller]
    pub(crate) fn is_told(&self, name: &str, reason: &str) -> String {
        until(format!("the event {reason} about {name}"), || {
            let events = self.kubectl("get events.events.k8s.io -o json", "");
            let events: Value = serde_json::from_str(&events).unwrap();
            let mut events = events["items"].as_array().unwrap().iter();
            let event = events
                .find(|event| event["reason"] == reason && event["regarding"]["name"] == name)?;
            Some(event["note"].as_str().unwrap().to_owned())
        })
    }

    /// Starts an operator that polls every second.
    #[track_caller]
    pub(crate) fn operator(&self, more: &str) -> Operator {
        self.operator_that_looks_every("1s", more)
    }

    /// Starts an operator of this namespace.
    #[track_caller]
    pub(crate) fn operator_that_looks_every(&self, poll: &str, more: &str) -> Operator {
        let namespace = &self.namespace;
        self.start(&format!(
            "--namespace {namespace} --poll-interval {poll} {more}"
        ))
    }

    /// Starts an operator of all namespaces.
    #[track_caller]
    pub(crate) fn operator_of_all_namespaces(&self) -> Operator {
        let namespace = &self.namespace;
        self.start(&format!("--lease-namespace {namespace} --poll-interval 1s"))
    }

    #[track_caller]
    fn start(&self, options: &str) -> Operator {
        let line = format!("operator --listen 127.0.0.1:0 --lease-duration 3s {options}");
        self.spawn(self.env.run(&line))
    }

    /// Starts an operator by a command, with the rights that were granted last.
    #[track_caller]
    pub(crate) fn spawn(&self, run: Run) -> Operator {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let log = format!("operator-{}.log", COUNT.fetch_add(1, Ordering::Relaxed));
        let kubeconfig = self.env.path("kubeconfig");
        let run = run.env("KUBECONFIG", kubeconfig.to_str().unwrap());
        Operator::start(run, self.env.path(log))
    }

    /// Lets requests to the sandbox go wrong by a rule.
    #[track_caller]
    pub(crate) fn fault(&self, rule: &Value) {
        self.sandbox.send("POST", "/_sandbox/faults", rule);
    }

    /// Waits until so many requests have gone wrong.
    #[track_caller]
    pub(crate) fn faults_fired(&self, count: usize) {
        until(format!("{count} faults"), || {
            let faults = self.sandbox.send("GET", "/_sandbox/faults", &Value::Null);
            (faults["fired"].as_array().unwrap().len() >= count).then_some(())
        });
    }

    /// Plays the customer who finishes an intent in the portal.
    #[track_caller]
    pub(crate) fn finish(&self, external_id: &str, intent: &str) {
        let id = self.sandbox.id_of(external_id);
        let path = format!("/_sandbox/organizations/{id}/finish");
        self.sandbox
            .send("POST", &path, &json!({ "intent": intent }));
    }
}

/// A condition of an object.
pub(crate) fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    let mut conditions = object["status"]["conditions"].as_array()?.iter();
    conditions.find(|condition| condition["type"] == kind)
}

impl Operator {
    /// Starts a server that prints its address, and logs to a file.
    #[track_caller]
    pub(crate) fn start(run: Run, log: PathBuf) -> Self {
        let mut command = run.command();
        command.stderr(fs::File::create(&log).unwrap());
        let mut child = ChildGuard::spawn(&mut command);
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut url).unwrap();
        let address = url
            .trim()
            .strip_prefix("http://")
            .unwrap_or_else(|| panic!("the server printed {url:?}"));
        Self {
            address: address.to_owned(),
            child,
            log,
        }
    }

    /// Sends a request, and returns the status and the text of the answer.
    #[track_caller]
    pub(crate) fn text(&self, path: &str) -> (u16, String) {
        http::get_text(&self.address, path)
    }

    /// A figure of its metrics, by its whole name with labels.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.text("/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// Returns the log so far.
    #[track_caller]
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it as a cluster does, and returns its exit code.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Option<i32> {
        signal(self.child.id(), "TERM");
        wait::for_end(&mut self.child).code()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The log explains the failure.
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}
