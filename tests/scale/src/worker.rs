//! A process with one database open, as a host has it: it measures a round each time it is asked to, so that rounds on
//! databases of several sizes can take turns and a busy machine slows all of them alike.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use crossdock_engine::{Applied, Command};

use crate::database::{Database, file};
use crate::hot_path::HotPath;
use crate::looks::Looks;
use crate::orders::{NOW, Size};
use crate::samples::Samples;

/// How often opening the database is measured.
const STARTS: usize = 5;

/// What a worker is asked.
const ROUND: &str = "round";
const END: &str = "end";

/// What a database and its process are like.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// Open deliveries before the first round.
    pub open: u64,
    /// The size of the file before the first round.
    pub bytes: u64,
    /// The most memory that the process has had resident.
    pub host_mb: f64,
}

/// Answers on standard output what is asked on standard input, one line each.
pub async fn run(folder: &Path, size: Size, rounds: u64) -> anyhow::Result<()> {
    let bytes = std::fs::metadata(file(folder)).context("reading the size of the database")?.len();
    let mut samples = Samples::default();
    for _ in 0..STARTS {
        start(folder, &mut samples).await?.close().await?;
    }
    let database = start(folder, &mut samples).await?;
    let counts = database.store.counts().await?;
    let open =
        counts.iter().map(|of| of.ready + of.queued + of.sending + of.waiting + of.received + of.exception);
    let facts = Facts { open: open.sum(), bytes, host_mb: 0.0 };
    let (mut hot_path, mut looks) = (HotPath::new(size, rounds), Looks::new(size, rounds));
    answer(&samples)?;
    for line in std::io::stdin().lock().lines() {
        if line? == END {
            break;
        }
        let mut samples = Samples::default();
        hot_path.round(&database, &mut samples).await?;
        looks.round(&database, &mut samples).await?;
        answer(&samples)?;
    }
    answer(&Facts { host_mb: most_resident_mb()?, ..facts })?;
    database.close().await
}

/// Opens the database and does what a host does before it serves: takes over claims, and looks for what is due.
async fn start(folder: &Path, samples: &mut Samples) -> anyhow::Result<Database> {
    let begun = Instant::now();
    let database = Database::open(folder).await?;
    while let Applied::Tally(tally) = database.one(Command::RecoverClaims { now: NOW, limit: 500 }).await?
        && tally.more
    {}
    database.store.next_due().await?;
    database.store.next_inbound_due().await?;
    database.store.next_expiry().await?;
    database.store.plugin_choices().await?;
    database.store.pending_inbounds().await?;
    samples.since("start-up", begun, 1);
    Ok(database)
}

fn answer(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    Ok(out.flush()?)
}

fn most_resident_mb() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading the memory of the process")?;
    let most =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the system does not say")?;
    let kib: f64 = most.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// A worker, seen from the process that asks it.
pub struct Worker {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub samples: Samples,
}

impl Worker {
    pub fn start(folder: &Path, size: Size, rounds: u64) -> anyhow::Result<Self> {
        let mut child = process("measure", folder, size)?
            .args(["--rounds-seen", &rounds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a process that measures")?;
        let ask = child.stdin.take().context("the process has no input")?;
        let answers = BufReader::new(child.stdout.take().context("the process has no output")?);
        let mut worker = Self { child, ask, answers, samples: Samples::default() };
        worker.samples = worker.answer()?;
        Ok(worker)
    }

    fn answer<T: serde::de::DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("a process that measures has failed; its own message is above");
        }
        serde_json::from_str(&line).context("reading what was measured")
    }

    fn ask(&mut self, what: &str) -> anyhow::Result<()> {
        writeln!(self.ask, "{what}").context("asking a process that measures")
    }

    /// One round; a round to warm up is not counted.
    pub fn round(&mut self, counts: bool) -> anyhow::Result<()> {
        self.ask(ROUND)?;
        let samples = self.answer()?;
        if counts {
            self.samples.extend(samples);
        }
        Ok(())
    }

    pub fn end(mut self) -> anyhow::Result<(Samples, Facts)> {
        self.ask(END)?;
        let facts = self.answer()?;
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "a process that measures ended with {status}");
        Ok((self.samples, facts))
    }
}

/// This program, to do one thing in a process of its own.
pub fn process(task: &str, folder: &Path, size: Size) -> anyhow::Result<Process> {
    let mut process = Process::new(std::env::current_exe().context("finding this program")?);
    process.arg("--task").arg(task).arg("--settled").arg(size.settled.to_string());
    process.arg("--open").arg(size.open.to_string()).arg("--keep").arg(folder);
    Ok(process)
}
