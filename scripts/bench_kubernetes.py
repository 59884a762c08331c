"""What scripts/bench-operator measures: the processes, and the API server between them."""

import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY = "sk_test_bench"
GROUP = "/apis/portalctl.dev/v1alpha1"


def wait_for(what, look, seconds=900):
    """What `look` finds, as soon as it finds something, and when that was."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found, time.monotonic()
        if time.monotonic() > deadline:
            sys.exit(f"waited in vain for {what}")
        time.sleep(0.05)


class Process:
    """A program that prints the address that it serves at."""

    def __init__(self, command, log, **variables):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            command, env={**kept, **variables}, stdout=subprocess.PIPE, stderr=log, text=True
        )
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http://"):
            sys.exit(f"{command} did not start: see {log.name}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=60)

    def resident_mib(self, field="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M)[1]) / 1024


class Sandbox(Process):
    """WorkOS."""

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path, method=method, data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def external_ids(self):
        rows = self.ask("GET", "/_sandbox/state")["organizations"]
        return [row["organization"]["external_id"] for row in rows]

    def finish(self, organization, intent):
        """The customer does their part in the portal."""
        self.ask("POST", f"/_sandbox/organizations/{organization}/finish", {"intent": intent})


class Operator(Process):
    """A process of the operator."""

    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics") as answer:
            return answer.read().decode()

    def metric(self, name):
        """The sum over all labels."""
        found = re.findall(rf"^portalctl_{name}(?:{{[^}}]*}})? (\S+)$", self.metrics(), re.M)
        return sum(map(float, found))

    def requests(self):
        """How many requests to WorkOS, by method."""
        count = collections.Counter()
        pattern = r'^portalctl_workos_requests_total{method="(\w+)"[^}]*} (\d+)$'
        for method, number in re.findall(pattern, self.metrics(), re.M):
            count[method] += int(number)
        return count

    def is_leading(self):
        return self.metric("leader") == 1


class Cluster:
    """An API server, ended with this process."""

    def __init__(self, folder):
        assets = os.environ.get("KUBEBUILDER_ASSETS") or sys.exit("set KUBEBUILDER_ASSETS")
        self.process = subprocess.Popen(
            [str(pathlib.Path(assets) / "cluster"), folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.kubeconfig = self.process.stdout.readline().strip()
        text = pathlib.Path(self.kubeconfig).read_text()
        self.address = re.search(r'server: "https://([^"]+)"', text)[1]
        self.token = re.search(r'token: "([^"]+)"', text)[1]
        self.connections = threading.local()
        kubectl = [str(pathlib.Path(assets) / "kubectl"), "--kubeconfig", self.kubeconfig]
        for line in ("apply --server-side -f schema/crds",
                     "wait --for=condition=Established --timeout=60s crd --all"):
            subprocess.run([*kubectl, *line.split()], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def ask(self, method, path, body=None):
        """A request, on a connection of the thread's own."""
        try:
            answer, content = self.send(method, path, body)
        except (ConnectionError, http.client.HTTPException):
            # Nobody had used it for long, so the server closed it.
            del self.connections.own
            answer, content = self.send(method, path, body)
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content)

    def send(self, method, path, body):
        if not hasattr(self.connections, "own"):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.connections.own = http.client.HTTPSConnection(self.address, context=context)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connections.own.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.connections.own.getresponse()
        return answer, answer.read()

    def create(self, namespace, plural, kind, name, spec):
        body = {"apiVersion": "portalctl.dev/v1alpha1", "kind": kind,
                "metadata": {"name": name, "namespace": namespace}, "spec": spec}
        self.ask("POST", f"{GROUP}/namespaces/{namespace}/{plural}", body)

    def prepare(self, namespace, api_url, **spec):
        """A namespace with an environment and its key."""
        self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        self.ask("POST", f"/api/v1/namespaces/{namespace}/secrets", {
            "metadata": {"name": "workos"},
            "stringData": {"api-key": KEY, "webhook-secret": "whsec_bench"},
        })
        self.create(namespace, "portalenvironments", "PortalEnvironment", "production", {
            "secretRef": {"name": "workos", "key": "api-key"}, "apiKey": "test",
            "apiUrl": api_url, "manifest": "bench",
            "limits": {"create": 1_000_000}, **spec,
        })

    def declare(self, namespace, name):
        self.create(namespace, "portalorganizations", "PortalOrganization", name, {
            "environmentRef": {"name": "production"}, "name": f"Customer {name}",
            "domains": [{"domain": f"{name}.com"}],
            "intents": [{"intent": it} for it in ("sso", "dsync", "domain_verification")],
        })

    def declare_all(self, namespace, names):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: self.declare(namespace, name), names))

    def get(self, namespace, name):
        return self.ask("GET", f"{GROUP}/namespaces/{namespace}/portalorganizations/{name}")

    def organizations(self, namespace):
        return self.ask("GET", f"{GROUP}/namespaces/{namespace}/portalorganizations")["items"]


def is_synced(resource):
    conditions = resource.get("status", {}).get("conditions", [])
    return any(it["type"] == "Synced" and it["status"] == "True" and it["reason"] == "InSync"
               for it in conditions)


def are_synced(cluster, namespace, count):
    resources = cluster.organizations(namespace)
    return len(resources) == count and all(map(is_synced, resources))
