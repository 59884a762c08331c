//! The only printer: results on standard output, everything else on standard error.
//!
//! Takes texts that are rendered already. Decides colour, width and destination; no other module writes
//! to the standard streams. What is printed is inert for terminals and for the logs of CI systems.

mod screen;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstream::ColorChoice;

use super::args::{Colour, OutputArgs};
use super::error::CliError;
use portalctl_model::codes::cli as codes;
use portalctl_model::inert;
use portalctl_model::text::escape;
use portalctl_platform::files;
use portalctl_report::Emails;
use portalctl_report::json_v1::ErrorItem;
use portalctl_report::paint::Paint;
use portalctl_report::text::Layout;
use portalctl_report::wrap;
use portalctl_workos::PortalLink;

pub(super) use screen::Screen;

/// Width of text where there is no terminal.
const WIDTH_WITHOUT_TERMINAL: usize = 100;

/// Hints are not broken into lines shorter than this.
const HINT_WIDTH: usize = 40;

/// Destination and look of output.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about two streams"
)]
pub(super) struct Ui {
    output_file: Option<PathBuf>,
    stdout_colour: bool,
    stderr_colour: bool,
    width: usize,
    quiet: bool,
    logs: bool,
    mask_emails: bool,
    interactive: bool,
}

impl Ui {
    /// Reads the terminal and the environment.
    pub(super) fn new(args: &OutputArgs) -> Self {
        let colour = |choice: ColorChoice| match args.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => !matches!(choice, ColorChoice::Never),
        };
        let to_file = args.output_file.is_some();
        let auto_stdout = anstream::AutoStream::choice(&io::stdout());
        let auto_stderr = anstream::AutoStream::choice(&io::stderr());
        Self {
            output_file: args.output_file.clone(),
            stdout_colour: colour(auto_stdout) && (!to_file || args.color == Colour::Always),
            stderr_colour: colour(auto_stderr),
            width: terminal_width(),
            quiet: args.quiet,
            logs: args.verbose > 0,
            mask_emails: std::env::var_os("CI").is_some(),
            interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Returns the layout of results.
    pub(super) fn layout(&self) -> Layout {
        Layout {
            paint: Paint {
                colour: self.stdout_colour,
            },
            width: self.width,
            emails: if self.mask_emails {
                Emails::Masked
            } else {
                Emails::Shown
            },
        }
    }

    /// Returns the layout of results on a terminal that may have another size by now.
    pub(super) fn layout_now(&self) -> Layout {
        Layout {
            width: terminal_width(),
            ..self.layout()
        }
    }

    /// Returns the layout of standard error.
    pub(super) fn talk_layout(&self) -> Layout {
        Layout {
            paint: Paint {
                colour: self.stderr_colour,
            },
            ..self.layout()
        }
    }

    /// Returns the layout of results in a file that is not for a terminal.
    pub(super) fn file_layout(&self) -> Layout {
        Layout {
            paint: Paint { colour: false },
            ..self.layout()
        }
    }

    /// Returns the file that the result goes to, unless it goes to standard output.
    pub(super) fn output_file(&self) -> Option<&Path> {
        self.output_file.as_deref()
    }

    /// Returns whether output is seen by a person at a terminal only, and kept nowhere.
    pub(super) fn is_private(&self) -> bool {
        self.output_file.is_none() && !self.mask_emails && io::stdout().is_terminal()
    }

    /// Returns whether the result goes to a file.
    pub(super) fn writes_to_file(&self) -> bool {
        self.output_file.is_some()
    }

    /// Prints a portal link, and nothing else, to standard output: the only place that does.
    pub(super) fn portal_link(link: &PortalLink) -> Result<(), CliError> {
        to_stdout(&format!("{}\n", link.expose()))
    }

    /// Returns whether there is a terminal to ask at.
    pub(super) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Returns whether progress is drawn over itself.
    pub(super) fn draws_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Returns a screen to draw on over and over, if standard output is a terminal that can and nothing
    /// else is written to it.
    pub(super) fn screen(&self) -> Option<Screen> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let draws = io::stdout().is_terminal() && !is_dumb && !self.quiet && !self.logs;
        draws.then(Screen::open)
    }

    /// Checks that the result can be written, before anything is done.
    pub(super) fn check_output_file(&self) -> Result<(), CliError> {
        let Some(path) = &self.output_file else {
            return Ok(());
        };
        files::check_writable(path)
            .map_err(|error| CliError::file(codes::FILE, "write", path, &error))
    }

    /// Writes the command's result: to standard output, or whole to `--output-file`.
    ///
    /// What cannot be written to the file goes to standard output all the same: it may be the only
    /// account of what was done.
    pub(super) fn data(&self, text: &str) -> Result<(), CliError> {
        if let Some(path) = &self.output_file {
            // A file may be printed by the next step of a job.
            let Err(error) = files::replace(path, inert::output(text).as_bytes()) else {
                return Ok(());
            };
            to_stdout(text)?;
            return Err(CliError::output(&path.display(), &error));
        }
        to_stdout(text)
    }

    /// Writes a line of a result that comes bit by bit; returns whether standard output is still open.
    pub(super) fn line(line: &str) -> Result<bool, CliError> {
        let line = inert::output(line);
        let mut out = io::stdout().lock();
        match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(CliError::output(&"standard output", &error)),
        }
    }

    /// Writes a text to standard error, unless `-q`.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }

    /// Writes a text to standard error, whatever the flags.
    pub(super) fn insist(text: &str) {
        complain(text);
    }

    /// Writes an error: its code, what happened, what to do, and the command that explains it.
    pub(super) fn error(&self, error: &CliError) {
        if let Some(rendered) = &error.rendered {
            complain(rendered);
            self.count(&error.items);
            complain(&self.talk_layout().paint.quiet(more(&error.items)));
            return;
        }
        for item in &error.items {
            complain(&error_text(item, &self.talk_layout()));
        }
        self.count(&error.items);
    }

    /// Says how many errors there were, where there were several: the first may be out of sight.
    fn count(&self, items: &[ErrorItem]) {
        if items.len() > 1 {
            let count = format!("{} errors", items.len());
            complain(&self.talk_layout().paint.bad(count));
        }
    }

    /// Tells a refused command line as the parser renders it, and what to run instead.
    ///
    /// The parser's own suggestions are called hints, as everywhere; they are left out where there is
    /// a better one.
    pub(super) fn usage(rendered: &str, hint: Option<&str>) {
        let mut err = anstream::stderr().lock();
        let text = hinted(rendered, hint);
        let text = inert::output(&text);
        // A closed standard error has nobody to tell.
        let _ = err.write_all(text.as_bytes());
    }

    /// Writes the parser's help to standard output.
    pub(super) fn help(rendered: &str) {
        let mut out = anstream::stdout().lock();
        // A closed standard output has nobody to tell.
        let _ = out.write_all(inert::output(rendered).as_bytes());
    }

    /// Returns a line for a progress bar, which writes it to standard error by itself.
    pub(super) fn bar_line(line: &str) -> String {
        inert::output(line).into_owned()
    }

    /// Asks a question that is answered by `yes`.
    pub(super) fn confirm(question: &str) -> bool {
        {
            let question = inert::output(question);
            // Not held while waiting: an interruption has something to say too.
            let mut err = io::stderr().lock();
            let _ = err
                .write_all(question.as_bytes())
                .and_then(|()| err.flush());
        }
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && answer.trim().eq_ignore_ascii_case("yes")
    }
}

fn to_stdout(text: &str) -> Result<(), CliError> {
    // Whoever read the output may have seen enough: not an error.
    Ui::line(text).map(drop)
}

/// Writes a text to standard error.
fn complain(text: &str) {
    let text = inert::output(text);
    let mut err = io::stderr().lock();
    // Nobody is left to be told that standard error is closed.
    let _ = err.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = err.write_all(b"\n");
    }
}

/// Returns the line that leads to the explanation of errors that were told together.
fn more(items: &[ErrorItem]) -> String {
    let codes: BTreeSet<&str> = items.iter().map(|item| item.code).collect();
    match codes.first() {
        Some(code) if codes.len() == 1 => format!("more: portalctl explain {code}"),
        _ => "more: portalctl explain CODE, with any of the codes in brackets".to_owned(),
    }
}

fn error_text(item: &ErrorItem, layout: &Layout) -> String {
    const HINT: &str = "hint: ";
    let paint = layout.paint;
    let head = format!("error[{}]: ", item.code);
    // The head is painted by itself: escape sequences take no columns.
    let message = wrapped_behind(2, &format!("{head}{}", escape(&item.message)), layout);
    let message = message.strip_prefix(head.as_str()).unwrap_or(&message);
    let mut text = format!("{} {message}\n", paint.bad(head.trim_end()));
    if let Some(help) = &item.help {
        let help = wrapped_behind(HINT.len(), &escape(help), layout);
        text.push_str(&format!("{}{help}\n", paint.strong(HINT)));
    }
    text.push_str(&paint.quiet(format!("more: portalctl explain {}\n", item.code)));
    text
}

/// Wraps a text, its later lines behind so many spaces.
fn wrapped_behind(indent: usize, text: &str, layout: &Layout) -> String {
    let room = layout.width.saturating_sub(indent).max(HINT_WIDTH);
    let lines = wrap(text, room);
    lines
        .trim_end()
        .replace('\n', &format!("\n{:1$}", "", indent))
}

/// Returns the parser's text with its suggestions called hints, or with a better hint at its end.
fn hinted(rendered: &str, hint: Option<&str>) -> String {
    let mut text = String::new();
    let mut is_tip = false;
    for line in rendered.lines() {
        let was_tip = is_tip;
        let plain = anstream::adapter::strip_str(line).to_string();
        is_tip = plain.starts_with("  tip: ");
        match (is_tip, hint) {
            (true, Some(_)) => continue,
            // The empty line behind a suggestion that is left out.
            (false, Some(_)) if was_tip && plain.is_empty() => continue,
            (true, None) => text.push_str(&line.trim_start().replacen("tip:", "hint:", 1)),
            (false, _) => text.push_str(line),
        }
        text.push('\n');
    }
    if let Some(hint) = hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    columns
        .or_else(|| {
            terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| width.into())
        })
        .filter(|width| *width > 0)
        .unwrap_or(WIDTH_WITHOUT_TERMINAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Layout = Layout {
        paint: Paint { colour: false },
        width: 50,
        emails: Emails::Shown,
    };

    #[test]
    fn errors_and_hints_are_wrapped_to_the_terminal() {
        let message =
            "the organization of acme is held by another manifest, which is called billing";
        let help = "leave it to them, or take it over with --adopt-owned once you asked them";
        let item = ErrorItem::new(codes::USAGE, message, Some(help.to_owned()));
        let text = error_text(&item, &NARROW);
        assert_eq!(
            text,
            "error[cli/usage]: the organization of acme is\n  \
             held by another manifest, which is called\n  \
             billing\n\
             hint: leave it to them, or take it over with\n      \
             --adopt-owned once you asked them\n\
             more: portalctl explain cli/usage\n"
        );
    }

    #[test]
    fn suggestions_of_the_parser_are_called_hints() {
        let rendered = "error: unexpected argument '--al' found\n\n  tip: a similar argument exists: \
                        '--all'\n\nUsage: portalctl status\n";
        let own = hinted(rendered, None);
        assert!(
            own.contains("\nhint: a similar argument exists: '--all'\n"),
            "{own}"
        );
        let better = hinted(rendered, Some("run it otherwise"));
        assert!(!better.contains("similar"), "{better}");
        assert!(
            better.ends_with("portalctl status\nhint: run it otherwise\n"),
            "{better}"
        );
    }
}
