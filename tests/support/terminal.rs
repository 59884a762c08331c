//! A terminal for commands that behave otherwise without one.

use std::process::{Command, Stdio};

use super::cli::Run;

impl Run {
    /// Runs the command in a terminal of its own, by `script` of util-linux: everything that it
    /// writes is on standard output then, as a person sees it.
    pub(crate) fn in_terminal(self) -> Self {
        let command = self.command();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line: Vec<String> = words
            .map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")))
            .collect();
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--return", "--command"])
            .arg(line.join(" "))
            .arg("/dev/null")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(command.get_current_dir().unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self::of(script)
    }
}
