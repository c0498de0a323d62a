//! `crossdock`: the host and the command line that operates it.

use std::process::ExitCode;

use clap::Parser;
use crossdock_server::cli::{self, Cli};

/// Events are many small allocations that end on another thread than they began on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One sentence, with what caused it; never a backtrace at an operator.
            eprintln!("crossdock: {error:#}");
            ExitCode::FAILURE
        }
    }
}
