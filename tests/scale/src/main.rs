//! What commands, pages and searches cost with ten million orders, and whether that is within its limits.

mod database;
mod hot_path;
mod looks;
mod orders;
mod report;
mod samples;
mod seeding;
mod templates;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};

use orders::Size;
use report::{Measured, Report};
use worker::{Worker, process};

/// The sizes that are measured on the way to the last one.
const LADDER: [u64; 3] = [10_000, 1_000_000, 10_000_000];
/// The number of open deliveries at the full size, and of open orders that have them.
const MOST_OPEN: u64 = 1_000_000;
/// Eleven open deliveries belong to ten open orders.
const DELIVERIES_OF_TEN: u64 = 11;
/// Rounds that are not counted.
const WARM_UP: usize = 5;

/// Measures what a database costs as it grows.
///
/// A database is filled with 10 thousand, 1 million and 10 million settled orders in turn, up to `--settled`, with a
/// tenth as many open deliveries (1 million at most). A few orders are made by the engine's own commands, and their
/// rows multiplied; their requests have expired. Then the same rounds of work are done on each: claim, admit and
/// settle a hundred deliveries, give back a hundred lost claims, prune thirty orders, list and search events, erase
/// persons. Rounds on the databases take turns, so that a busy machine slows all of them alike; each database has a
/// process of its own, as a host has.
///
/// Limits: a command costs at most 1.5 times as much with the most orders as with the fewest, and so does erasing a
/// person; start-up takes 2 s, a page 50 ms, a search 200 ms, the process 256 MB. The exit status is 1 when one of
/// them is missed. `erase_ms` and ratios are of medians; `page_ms.filtered` and `search_ms` are the slowest filter's
/// and search's. `combined_ms` has no limit: two conditions that no one index holds together, such as a kind of event
/// and a state, of which hardly any event fits both.
///
/// Ten million orders take some 40 GB of disk and a quarter of an hour to seed.
#[derive(Parser, Debug)]
#[command(name = "make scale ARGS=…", version)]
struct Args {
    /// How many settled orders the largest database has.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1_000..=50_000_000))]
    settled: u64,
    /// End with one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// How many rounds are measured on each database.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(5..=100))]
    rounds: u16,
    /// Keep the databases in this folder. Those that a run has left there are used again, as long as they have most of
    /// their orders.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Seed the databases, and do not measure: for the next run with `--keep`.
    #[arg(long, requires = "keep")]
    seed_only: bool,
    /// For the processes that this program starts.
    #[arg(long, hide = true)]
    task: Option<Task>,
    #[arg(long, hide = true, default_value_t = 0)]
    open: u64,
    #[arg(long, hide = true, default_value_t = 0)]
    rounds_seen: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Task {
    Seed,
    Measure,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let args = Args::parse();
    let done = match (args.task, &args.keep) {
        (Some(task), Some(folder)) => child(task, folder, &args).await.map(|()| true),
        _ => measure(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn child(task: Task, folder: &Path, args: &Args) -> anyhow::Result<()> {
    let size = Size { settled: args.settled, open: args.open };
    match task {
        Task::Seed => seeding::seed(folder, size).await,
        Task::Measure => worker::run(folder, size, args.rounds_seen).await,
    }
}

/// The sizes up to the last one.
fn ladder(settled: u64) -> Vec<Size> {
    let mut steps: Vec<u64> = LADDER.into_iter().filter(|step| *step < settled).collect();
    steps.push(settled);
    let size = |settled: u64| Size {
        settled,
        open: ((settled / 10).min(MOST_OPEN) * 10).div_ceil(DELIVERIES_OF_TEN),
    };
    steps.into_iter().map(size).collect()
}

/// Seeds and measures. Answers whether every limit is kept.
fn measure(args: &Args) -> anyhow::Result<bool> {
    let temporary = tempfile::tempdir().context("making a folder for the databases")?;
    let folder = args.keep.as_deref().unwrap_or(temporary.path());
    let mut workers = Vec::new();
    for size in ladder(args.settled) {
        let folder = folder.join(size.settled.to_string());
        let rounds = u64::try_from(WARM_UP)? + u64::from(args.rounds);
        let seen = seeded(&folder, size, rounds)?;
        if !args.seed_only {
            seeding::spend(&folder, size, seen + rounds)?;
            workers.push((size, Worker::start(&folder, size, seen)?));
        }
    }
    if args.seed_only {
        return Ok(true);
    }
    let rounds = usize::from(args.rounds);
    for round in 0..WARM_UP + rounds {
        if round % 10 == 0 {
            eprintln!("round {round} of {}", WARM_UP + rounds);
        }
        for (_, worker) in &mut workers {
            worker.round(round >= WARM_UP)?;
        }
    }
    let mut all = Vec::new();
    for (size, worker) in workers {
        let (samples, facts) = worker.end()?;
        all.push(Measured { size, samples, facts });
    }
    let report = Report::of(&all)?;
    if args.json {
        eprintln!("{}", report::table(&all));
        println!("{}", report.json()?);
    } else {
        println!("{}", report::table(&all));
    }
    let missed = report.missed();
    for limit in &missed {
        eprintln!("limit missed: {limit}");
    }
    Ok(missed.is_empty())
}

/// Sees to it that a folder has a seeded database that can take so many rounds, and answers how many it has seen. Seeding
/// takes memory, so it has a process of its own.
fn seeded(folder: &Path, size: Size, rounds: u64) -> anyhow::Result<u64> {
    if let Some(seen) = seeding::rounds_seen(folder, size, rounds) {
        eprintln!("{} settled orders: seeded before, {seen} rounds seen", size.settled);
        return Ok(seen);
    }
    eprintln!("{} settled orders: seeding", size.settled);
    let begun = Instant::now();
    let status = process("seed", folder, size)?.status().context("starting the process that seeds")?;
    ensure!(status.success(), "seeding {} orders ended with {status}", size.settled);
    eprintln!("  seeded in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(0)
}
