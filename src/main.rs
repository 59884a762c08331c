//! The `portalctl` binary: parses the arguments, runs, returns the exit code.

use std::process::ExitCode;

/// Large manifests are millions of small values, which the system's allocators take and give back
/// ever more slowly (docs/decisions/0016-an-allocator-of-its-own.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    portalctl::cli::main()
}
