//! The browser of this machine, which a portal link is handed to, and nothing else.
//!
//! A browser inherits the environment of the process that starts it. So this program starts itself
//! once more without the variables that are meant for it ([`OPENER`]), and that process opens the
//! browser: neither the browser nor what it starts sees the API key.

use std::path::Path;
use std::process::ExitCode;

use tokio::process::Command;
use webbrowser::{Browser, BrowserOptions};

use super::error::CliError;
use super::exit::Exit;
use portalctl_model::codes::link as codes;
use portalctl_workos::PortalLink;

/// First argument of the process that opens the browser; the link is the second and last.
const OPENER: &str = "__open-portal-link";

/// Beginnings of the names of variables that are meant for this program alone.
const OWN_VARIABLES: [&str; 2] = ["WORKOS_", "PORTALCTL_"];

/// Refuses where no browser could be opened: asked before a link is made, which would be lost.
pub(super) fn check() -> Result<(), CliError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let found = match missing(&variable) {
        Some(why) => Err(why.to_owned()),
        None => webbrowser::open_browser_with_options(
            Browser::Default,
            "https://setup.workos.com",
            BrowserOptions::new().with_dry_run(true),
        )
        .map_err(|error| error.to_string()),
    };
    found.map_err(|why| {
        let message = format!("no browser can be opened here: {why}; no request was made");
        CliError::new(Exit::Usage, codes::NO_BROWSER, message)
    })
}

/// Opens a link. An error is told without it.
pub(super) async fn open(link: &PortalLink) -> Result<(), CliError> {
    // A text browser runs in this terminal until its user leaves it.
    let opened = match opener(link) {
        Ok(mut opener) => opener.status().await.is_ok_and(|status| status.success()),
        Err(_) => false,
    };
    if opened {
        return Ok(());
    }
    let message = "the browser could not be started; the link is not shown, and dies unused";
    Err(CliError::new(Exit::Internal, codes::NO_BROWSER, message))
}

/// Builds the command that opens the browser without the variables that are meant for this program.
fn opener(link: &PortalLink) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(OPENER).arg(link.expose());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OWN_VARIABLES.iter().any(|own| text.starts_with(own)) {
            command.env_remove(&name);
        }
    }
    Ok(command)
}

/// Opens the browser if that is what this process was started for; returns how that ended.
pub(super) fn run_as_opener() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != OPENER {
        return None;
    }
    let link = arguments.next()?.into_string().ok()?;
    // Only links that were checked are passed on; anybody may start this process, though.
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    let opened = is_web
        && webbrowser::open_browser_with_options(Browser::Default, &link, &BrowserOptions::new())
            .is_ok();
    Some(if opened {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns what is missing for a browser to show, as far as the environment tells.
#[cfg(all(unix, not(target_os = "macos")))]
fn missing(variable: &impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let screens = ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"];
    if screens.into_iter().any(|name| variable(name).is_some()) {
        return None;
    }
    match variable("BROWSER") {
        Some(browser) if is_program(&browser, variable("PATH").as_deref()) => None,
        Some(_) => Some("BROWSER names no program, and there is no display"),
        None if variable("SSH_CONNECTION").is_some() => {
            Some("this is an ssh session without a display, and BROWSER is not set")
        }
        None => Some("there is no display, and BROWSER is not set"),
    }
}

/// Elsewhere there is always a screen.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn missing(_: &impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    None
}

/// Returns whether one of the commands of `BROWSER`, separated by colons, is there.
#[cfg(all(unix, not(target_os = "macos")))]
fn is_program(browser: &str, path: Option<&str>) -> bool {
    let is_there = |command: &str| {
        let Some(program) = command.split_ascii_whitespace().next() else {
            return false;
        };
        if program.contains('/') {
            return Path::new(program).is_file();
        }
        let folders = std::env::split_paths(path.unwrap_or_default());
        folders
            .into_iter()
            .any(|folder| folder.join(program).is_file())
    };
    browser.split(':').any(is_there)
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn without_a_screen_only_a_browser_that_was_named_can_show_anything() {
        let missing = |set: &[(&str, &str)]| {
            missing(&|name: &str| {
                let found = set.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(missing(&[("DISPLAY", ":0")]), None);
        assert_eq!(missing(&[("WAYLAND_DISPLAY", "wayland-0")]), None);
        assert_eq!(missing(&[("WSL_DISTRO_NAME", "Debian")]), None);
        assert_eq!(missing(&[("BROWSER", "/nowhere:/bin/sh -c %s")]), None);
        assert_eq!(missing(&[("BROWSER", "sh"), ("PATH", "/x:/bin")]), None);
        for (set, says) in [
            (&[][..], "there is no display"),
            (&[("SSH_CONNECTION", "10.0.0.1")], "ssh session"),
            (&[("BROWSER", "/nowhere/firefox")], "names no program"),
            (
                &[("BROWSER", "firefox"), ("PATH", "/nowhere")],
                "names no program",
            ),
        ] {
            let why = missing(set).unwrap();
            assert!(why.contains(says), "{set:?}: {why}");
        }
    }
}
