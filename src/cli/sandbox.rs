//! stub
use super::{error::CliError, exit::Exit, ui::Ui};
#[derive(Debug, clap::Args)]
pub(super) struct SandboxArgs;
pub(super) fn run(_: &SandboxArgs, _: &Ui) -> Result<Exit, CliError> {
    todo!()
}
