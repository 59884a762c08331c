//! `portalctl explain`
//!
//! Takes a code of portalctl or of WorkOS. Prints its meaning and what to do; lists all without one.

use clap::Args;

use super::error::{CliError, most_alike};
use super::exit::Exit;
use super::ui::Ui;
use portalctl_model::codes::{self, Code, upstream};
use portalctl_model::text::escape;

/// Explain an error code in full, or list all of them.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ExplainArgs {
    /// The code, as it stands in brackets behind `error`; its name without the area will do. Also
    /// one of WorkOS's own codes.
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

const AFTER_HELP: &str = "\
What a customer's IT admin sees in the browser has codes too, in the area portal:
  portalctl explain portal/link-expired
  portalctl explain portal/invalid-redirect-uri";

pub(super) fn run(args: &ExplainArgs, ui: &Ui) -> Result<Exit, CliError> {
    let text = match &args.code {
        None => list(),
        Some(id) => explain(find(id)?, ui),
    };
    ui.data(&text)?;
    Ok(Exit::Done)
}

/// The code that somebody means: ours, one of WorkOS's, or the name of one of ours.
fn find(text: &str) -> Result<Code, CliError> {
    let asked = text.trim().to_lowercase();
    let exact = Code::find(&asked).or_else(|| upstream::find(&asked));
    if let Some(code) = exact {
        return Ok(code);
    }
    // As it is read on a page: `Invalid redirect URI`.
    let name = asked.replace([' ', '_'], "-");
    let named: Vec<Code> = codes::all().filter(|code| code.name() == name).collect();
    match named.as_slice() {
        [code] => Ok(*code),
        [] => Err(unknown(text)),
        several => Err(ambiguous(text, several)),
    }
}

fn list() -> String {
    let width = codes::all()
        .map(|code| code.as_str().len())
        .max()
        .unwrap_or(0);
    let lines = codes::all().map(|code| format!("{code:width$}  {}", code.entry().title));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn explain(code: Code, ui: &Ui) -> String {
    let entry = code.entry();
    let layout = ui.layout();
    let strong = |text: &str| layout.paint.strong(text);
    let wrapped = |text: &str| portalctl_report::wrap(text, layout.width.min(100));
    let mut text = format!(
        "{}: {}\n\n{}\n{}\n{}",
        strong(entry.id),
        entry.title,
        wrapped(entry.meaning),
        strong("What to do"),
        wrapped(entry.fix)
    );
    let names: Vec<&str> = upstream::names(code).collect();
    if !names.is_empty() {
        text.push_str(&format!("\n{}\n", strong("WorkOS calls it")));
        text.push_str(&wrapped(&names.join(", ")));
    }
    text
}

fn ambiguous(name: &str, codes: &[Code]) -> CliError {
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let message = format!("`{}` is the name of several codes", escape(name));
    CliError::new(Exit::Usage, codes::cli::UNKNOWN_CODE, message)
        .help(format!("name the area too: {}", codes.join(", ")))
}

fn unknown(id: &str) -> CliError {
    let ours = codes::all().flat_map(|code| [code.as_str(), code.name()]);
    let theirs = upstream::ALL.iter().map(|(name, _)| *name);
    let near = most_alike(id, ours.chain(theirs));
    let message = format!(
        "`{}` is neither a code of portalctl nor one of WorkOS that it knows",
        escape(id)
    );
    let error = CliError::new(Exit::Usage, codes::cli::UNKNOWN_CODE, message);
    match near {
        Some(code) => error.help(format!("did you mean `portalctl explain {code}`?")),
        None => error,
    }
}
