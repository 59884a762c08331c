//! The `portalctl` binary: parses the arguments, runs, returns the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    portalctl::cli::main()
}
