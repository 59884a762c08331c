"""What the measuring scripts share: the release binary, the sandbox as a server, the page."""

import json
import math
import os
import pathlib
import platform
import subprocess
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "performance.md"
KEY = "sk_test_bench"


def cargo(*args, **kwargs):
    subprocess.run(["cargo", *args], cwd=ROOT, check=True, **kwargs)


def release_binary():
    """Builds the release binary; where it is."""
    cargo("build", "--release", "--quiet", "--locked")
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )
    return str(pathlib.Path(json.loads(metadata.stdout)["target_directory"]) / "release/portalctl")


class Sandbox:
    """A sandbox server on a free port, ended by its own process id."""

    def __init__(self, binary, *args):
        command = [binary, "sandbox", "--listen", "127.0.0.1:0", *args]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), "the sandbox did not start"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)


def environment(url):
    """The variables of a command that is measured against a server."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "WORKOS_API_KEY": KEY, "WORKOS_API_URL": url}


def ask(sandbox, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(sandbox.url + path, data, headers, method=method)
    return urllib.request.urlopen(request, timeout=60)


def answered(sandbox):
    """How many requests the server has answered: it numbers them."""
    with ask(sandbox, "GET", "/health") as answer:
        return int(answer.headers["x-request-id"].rsplit("_", 1)[1])


def list_floor(count, latency):
    """Seconds below which no client can know a whole list whose pages are found by cursors.

    It is read from both ends, and of full pages one more has to show that both have met.
    """
    return math.ceil((math.ceil(count / 100) + 1) / 2) * latency


def machine():
    """One line on what was measured on."""
    rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True)
    return (f"Measured on {os.cpu_count()} cores, {platform.system()} {platform.machine()}, with "
            f"{' '.join(rustc.stdout.split()[:2])}, everything on this one machine.")


def write(name, text):
    """Replaces what stands between two marks of the page: `<!-- NAME -->`, `<!-- end of NAME -->`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = PAGE.read_text().split(begin)
    _, after = rest.split(end)
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
