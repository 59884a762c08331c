//! Hands a portal link to the browser of this machine, and to nothing else.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use webbrowser::{Browser, BrowserOptions};

use super::error::CliError;
use super::exit::Exit;
use crate::codes::link as codes;

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

/// Opens a link. What goes wrong is told without it.
pub(super) async fn open(link: SecretString) -> Result<(), CliError> {
    // A browser of text runs here until it is left.
    let opened = tokio::task::spawn_blocking(move || {
        webbrowser::open_browser_with_options(
            Browser::Default,
            link.expose_secret(),
            &BrowserOptions::new(),
        )
        .is_ok()
    });
    if matches!(opened.await, Ok(true)) {
        return Ok(());
    }
    let message = "the browser could not be started; the link is not shown, and dies unused";
    Err(CliError::new(Exit::Internal, codes::NO_BROWSER, message))
}

/// What is missing for a browser to show, as far as the environment tells.
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

/// Whether one of the commands of `BROWSER`, separated by colons, is there.
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
