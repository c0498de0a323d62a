//! `crossdock`: the host and the command line that operates it.

use std::process::ExitCode;

use clap::Parser;
use crossdock_server::cli::{self, Cli};

/// mimalloc, since events are many small allocations that are freed on another thread than they were made on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence with its causes; a backtrace would not help an operator.
            eprintln!("crossdock: {error:#}");
            ExitCode::FAILURE
        }
    }
}
