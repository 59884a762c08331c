//! Runs the built binary in a closed environment, which shares only the time with the machine.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{self, ChildGuard};
use super::sandbox_server::SandboxServer;
use super::wait;

/// The key that tests use unless they are about keys.
pub(crate) const KEY: &str = "sk_test_canary0123456789abcdef";

/// A folder to work in, a home, and no variables but those a test sets.
pub(crate) struct TestEnv {
    root: TempDir,
}

impl TestEnv {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("portalctl-e2e-").tempdir();
        let root = root.unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        fs::create_dir(root.path().join("work")).unwrap();
        Self { root }
    }

    /// A folder that holds `portal.yaml`.
    pub(crate) fn with_manifest(text: &str) -> Self {
        let env = Self::new();
        env.write("portal.yaml", text);
        env
    }

    /// A path in the working folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    /// Returns the folder of every file that commands may write, home included.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file, and its folders.
    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces a text that stands in a file.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from:?} is not in {name}");
        self.write(name, &text.replace(from, to));
    }

    /// A command of portalctl, its arguments separated by spaces.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.args(line.split_whitespace())
    }

    /// A command of portalctl.
    pub(crate) fn args<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        let mut command = child::command(env!("CARGO_BIN_EXE_portalctl"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.root.path().join("home"))
            .env("COLUMNS", "100")
            .env("TZ", "UTC")
            .current_dir(self.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Run {
            command,
            start: ChildGuard::spawn,
            input: None,
        }
    }
}

/// A command about to run.
#[must_use = "a command has to be started"]
pub(crate) struct Run {
    command: Command,
    start: fn(&mut Command) -> ChildGuard,
    input: Option<Vec<u8>>,
}

impl Run {
    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives it something to read.
    pub(crate) fn input(mut self, text: &str) -> Self {
        self.command.stdin(Stdio::piped());
        self.input = Some(text.as_bytes().to_vec());
        self
    }

    /// Wraps any command, such as a script that starts others: they all end together.
    pub(crate) fn of(command: Command) -> Self {
        Self {
            command,
            start: ChildGuard::spawn_group,
            input: None,
        }
    }

    /// Limits the address space of the command to so many KiB.
    pub(crate) fn within_kib(self, kib: u32) -> Self {
        let bare = self.command;
        let mut command = Command::new("sh");
        let script = format!("ulimit -v {kib} && exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(bare.get_program());
        command.args(bare.get_args()).env_clear();
        for (name, value) in bare.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        if let Some(folder) = bare.get_current_dir() {
            command.current_dir(folder);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command, ..self }
    }

    /// Points it at a server, with the tests' key.
    pub(crate) fn at(self, server: &SandboxServer) -> Self {
        self.at_url(&server.url())
    }

    /// Points it at an address, with the tests' key.
    pub(crate) fn at_url(self, url: &str) -> Self {
        self.env("WORKOS_API_URL", url).env("WORKOS_API_KEY", KEY)
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn output(self) -> Output {
        self.spawn().finish()
    }

    /// Runs it to its end, which has to be this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Output {
        let output = self.output();
        assert_eq!(output.code, Some(code), "{output}");
        output
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn spawn(mut self) -> Running {
        let mut child = (self.start)(&mut self.command);
        if let Some(input) = self.input {
            let mut stdin = child.stdin.take().unwrap();
            // A command that does not read its input closes the pipe.
            let _ = stdin.write_all(&input);
        }
        let (sender, lines) = channel();
        let stdout = child.stdout.take().map(|mut stdout| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                std::io::Read::read_to_end(&mut stdout, &mut text).unwrap();
                String::from_utf8(text).unwrap()
            })
        });
        let stderr = child.stderr.take().map(|stderr| {
            std::thread::spawn(move || {
                let mut text = String::new();
                for line in BufReader::new(stderr).lines() {
                    let line = line.unwrap();
                    text.push_str(&line);
                    text.push('\n');
                    // The receiver may be gone.
                    let _ = sender.send(line);
                }
                text
            })
        });
        Running {
            child,
            stdout,
            stderr,
            lines,
        }
    }

    /// The command itself, for tests that wire its streams themselves.
    pub(crate) fn command(self) -> Command {
        self.command
    }
}

/// A running command, which is killed when this is dropped.
pub(crate) struct Running {
    child: ChildGuard,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
    lines: Receiver<String>,
}

impl Running {
    /// Waits until so many lines that begin with a text were written to standard error.
    #[track_caller]
    pub(crate) fn wait_for_lines(&self, start: &str, mut count: usize) {
        while count > 0 {
            let line = self.lines.recv_timeout(wait::LONG);
            let line = line.unwrap_or_else(|_| panic!("ended, {count} lines {start:?} missing"));
            if line.starts_with(start) {
                count -= 1;
            }
        }
    }

    /// Waits until the command has installed a handler for interruptions.
    #[track_caller]
    pub(crate) fn wait_until_it_handles_signals(&self) {
        const INTERRUPT: u64 = 1 << 1;
        let status = format!("/proc/{}/status", self.child.id());
        wait::until("a signal handler", || {
            let status = fs::read_to_string(&status).unwrap();
            let caught = status
                .lines()
                .find_map(|line| line.strip_prefix("SigCgt:"))?;
            let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
            (caught & INTERRUPT != 0).then_some(())
        });
    }

    /// Sends a signal.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Output {
        let status = wait::for_end(&mut self.child);
        let text = |reader: Option<JoinHandle<String>>| reader.unwrap().join().unwrap();
        Output {
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
            code: status.code(),
            status,
        }
    }
}

/// Sends a signal to a process that a test started.
#[track_caller]
pub(crate) fn signal(pid: u32, name: &str) {
    let mut kill = Command::new("kill");
    let sent = kill.args(["-s", name, "--", &pid.to_string()]).status();
    assert!(sent.unwrap().success(), "kill -s {name} {pid}");
}

/// Output and exit status of a command.
#[must_use = "look at what came out"]
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Exit code, absent when a signal ended the command.
    pub(crate) code: Option<i32>,
    pub(crate) status: ExitStatus,
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            stdout,
            stderr,
            code: _,
            status,
        } = self;
        write!(f, "{status}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

impl Output {
    /// Standard output as one JSON document and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The same, held against the schema that portalctl publishes for it.
    #[track_caller]
    pub(crate) fn json_of(&self, schema: &str) -> Value {
        let document = self.json();
        let published = TestEnv::new().args(["schema", schema]).exits(0).json();
        let validator = jsonschema::validator_for(&published).unwrap();
        let broken: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(broken.is_empty(), "{broken:#?}\n{document:#}");
        document
    }

    /// Lines of standard error that are JSON: the log of `--log-format json`.
    pub(crate) fn log(&self) -> Vec<Value> {
        let lines = self.stderr.lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The method of each request of the log.
    pub(crate) fn methods(&self) -> Vec<String> {
        let log = self.log();
        let methods = log.iter().filter_map(|line| line["method"].as_str());
        methods.map(str::to_owned).collect()
    }
}

/// Text that differs between runs, with its placeholder in snapshots.
pub(crate) const PLACEHOLDERS: [(&str, &str); 10] = [
    (r"org_[0-9A-HJKMNP-TV-Z]{26}", "[ORG]"),
    (r"conn_[0-9A-HJKMNP-TV-Z]{26}", "[CONN]"),
    (r"sha256:[0-9a-f]{64}", "[DIGEST]"),
    (
        r"domain-verification-[a-z0-9]+",
        "domain-verification-[TOKEN]",
    ),
    (r"127\.0\.0\.1:\d+", "[ADDRESS]"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
    (r"/portal/[A-Za-z0-9]{40}", "/portal/[TOKEN]"),
    (r"until \d\d:\d\d:\d\d", "until [CLOCK]"),
    (r"for less than a minute|for 1 minute", "for [AGE]"),
    (r"/\S*/portalctl-e2e-[^/]+/work", "[FOLDER]"),
];

/// Compares an output with its snapshot, beside the test.
macro_rules! snapshot {
    ($output:expr) => {
        insta::with_settings!({
            filters => crate::support::cli::PLACEHOLDERS.to_vec(),
            omit_expression => true,
        }, {
            insta::assert_snapshot!($output);
        })
    };
}
pub(crate) use snapshot;
