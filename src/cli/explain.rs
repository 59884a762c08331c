//! `portalctl explain`

use clap::Args;

use super::error::{CliError, most_alike};
use super::exit::Exit;
use super::ui::Ui;
use crate::codes::{self, Code};
use crate::model::text::escape;

/// Explain an error code in full, or list all of them.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The code, as it stands in brackets behind `error`.
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(super) fn run(args: &ExplainArgs, ui: &Ui) -> Result<Exit, CliError> {
    let text = match &args.code {
        None => list(),
        Some(id) => match Code::find(id) {
            Some(code) => explain(code, ui),
            None => return Err(unknown(id)),
        },
    };
    ui.data(&text)?;
    Ok(Exit::Done)
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
    let wrapped = |text: &str| crate::report::wrap(text, layout.width.min(100));
    format!(
        "{}: {}\n\n{}\n{}\n{}",
        strong(entry.id),
        entry.title,
        wrapped(entry.meaning),
        strong("What to do"),
        wrapped(entry.fix)
    )
}

fn unknown(id: &str) -> CliError {
    let near = most_alike(id, codes::all().map(|code| code.entry().id));
    let message = format!("`{}` is not one of portalctl's codes", escape(id));
    let error = CliError::new(Exit::Usage, codes::cli::UNKNOWN_CODE, message);
    match near {
        Some(code) => error.help(format!("did you mean `portalctl explain {code}`?")),
        None => error,
    }
}
