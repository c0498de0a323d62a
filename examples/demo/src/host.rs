//! The host, seen from outside: a process that is started, asked whether it is ready, and killed.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::future::Future;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::client::Client;

/// Why the host could not be started, watched or killed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log file could not be opened.
    #[error("opening the host's log {0}")]
    Log(PathBuf, #[source] std::io::Error),
    /// The binary could not be run.
    #[error("starting the host {0}")]
    Spawn(PathBuf, #[source] std::io::Error),
    /// It exited before it was ready.
    #[error("the host exited with {0} before it was ready")]
    Ended(ExitStatus),
    /// It did not become ready.
    #[error("the host was not ready within {0:?}")]
    NotReady(Duration),
    /// It could not be killed or waited for.
    #[error("killing the host")]
    Kill(#[source] std::io::Error),
    /// Its API did not answer.
    #[error("reading the host's figures: {0}")]
    Ask(String),
}

/// A host that can be started and killed.
pub trait Host: Send {
    /// Starts it and waits until it is ready; gives how long that took.
    fn start(&mut self) -> impl Future<Output = Result<Duration, Error>> + Send;

    /// Kills it without warning (SIGKILL), and waits until it is gone. Its memory is lost.
    fn kill(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The host's own figures; asked about once a second, and may fail while the host is down.
pub trait View: Sync {
    /// The current figures.
    fn counts(&self) -> impl Future<Output = Result<Counts, Error>> + Send;
}

/// The host's own figures. They are shown and compared with what must be reported; whether orders are lost, doubled
/// or wrong is never taken from here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open exceptions.
    pub exceptions: u64,
    /// The same, one by one.
    pub open_exceptions: Vec<OpenException>,
    /// Quarantined requests.
    pub quarantined: u64,
    /// Exceptions "outcome unknown" among them: nobody knows whether the ERP has it.
    pub unknown: u64,
    /// Deliveries and requests that are neither settled nor an exception, nor wait behind an exception of their lane.
    pub unsettled: u64,
    /// Of these, requests that the host has not read yet.
    pub unread: u64,
    /// Reasons of exceptions and quarantine with their numbers, for the table.
    pub reasons: Vec<(String, u64)>,
}

/// One exception, as the host lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenException {
    /// The event's entity: `system/tenant/kind/id`.
    pub entity: String,
    /// The connector that it could not be delivered to.
    pub connector: String,
    /// Why, for programs.
    pub code: String,
}

impl std::fmt::Display for OpenException {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} at {}", self.entity, self.code, self.connector)
    }
}

/// The real host: a child process.
pub struct Process {
    binary: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    ready_url: String,
    log: Option<PathBuf>,
    ready_within: Duration,
    slowest_start: Duration,
    client: Client,
    child: Option<Child>,
}

/// A start may take this many times as long as the slowest one before, if that is more than the limit: there is more
/// to recover after each kill.
const START_FACTOR: u32 = 10;

impl Process {
    /// A host that is run as `binary args…` and is ready when `GET ready_url` gives 2xx.
    pub fn new(binary: impl Into<PathBuf>, args: Vec<OsString>, ready_url: impl Into<String>) -> Self {
        Self {
            binary: binary.into(),
            args,
            env: vec![],
            ready_url: ready_url.into(),
            log: None,
            ready_within: Duration::from_secs(180),
            slowest_start: Duration::ZERO,
            // A host that listens answers also when it is not ready; on a slow machine that may take seconds.
            client: Client::new(Duration::from_secs(1), Duration::from_secs(10)),
            child: None,
        }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Appends its output to this file; otherwise it shares our own.
    #[must_use]
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// How long it may take to become ready; three minutes unless set: a first start may compile everything, on a
    /// machine that has other things to do.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// Its process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    fn command(&self) -> Result<Command, Error> {
        let mut command = Command::new(&self.binary);
        command.args(&self.args).envs(self.env.iter().cloned()).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(path) = &self.log {
            let open = || OpenOptions::new().create(true).append(true).open(path);
            let fail = |error| Error::Log(path.clone(), error);
            command.stdout(open().map_err(fail)?).stderr(open().map_err(fail)?);
        }
        Ok(command)
    }

    async fn is_ready(&self) -> bool {
        let answer = self.client.json(Method::GET, &self.ready_url, "", &Value::Null).await;
        match answer {
            Ok((status, _)) => status.is_success(),
            // Readiness may be answered in plain text.
            Err(crate::client::Error::Json(status, _)) => status.is_success(),
            Err(_) => false,
        }
    }
}

impl Host for Process {
    async fn start(&mut self) -> Result<Duration, Error> {
        let begun = Instant::now();
        let child = self.command()?.spawn().map_err(|error| Error::Spawn(self.binary.clone(), error))?;
        self.child = Some(child);
        let limit = self.ready_within.max(self.slowest_start * START_FACTOR);
        while begun.elapsed() < limit {
            if self.is_ready().await {
                let took = begun.elapsed();
                self.slowest_start = self.slowest_start.max(took);
                return Ok(took);
            }
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                self.child = None;
                return Err(Error::Ended(status));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(Error::NotReady(limit))
    }

    async fn kill(&mut self) -> Result<(), Error> {
        match self.child.take() {
            // On Unix this is SIGKILL; it fails only if the process is gone already and was waited for.
            Some(mut child) => child.kill().await.map_err(Error::Kill),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn url_of_nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/readyz", listener.local_addr().unwrap())
    }

    #[tokio::test]
    async fn a_process_that_ends_or_never_gets_ready_is_an_error_and_one_that_runs_is_killed() {
        let url = url_of_nobody().await;
        let mut ends = Process::new("/bin/sh", vec!["-c".into(), "exit 3".into()], &url);
        assert!(matches!(ends.start().await, Err(Error::Ended(status)) if status.code() == Some(3)));
        let mut missing = Process::new("/no/such/binary", vec![], &url);
        assert!(matches!(missing.start().await, Err(Error::Spawn(..))));
        let hangs = Process::new("/bin/sleep", vec!["30".into()], &url);
        let mut hangs = hangs.ready_within(Duration::from_millis(100));
        assert!(matches!(hangs.start().await, Err(Error::NotReady(_))));
        assert!(hangs.id().is_some());
        let begun = Instant::now();
        hangs.kill().await.unwrap();
        assert!(hangs.id().is_none() && begun.elapsed() < Duration::from_secs(5));
        hangs.kill().await.unwrap();
    }

    #[tokio::test]
    async fn a_process_is_ready_when_its_url_answers_and_its_output_goes_to_the_log() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/readyz", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            for status in ["503 Service Unavailable", "200 OK"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhm");
                assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let log = std::env::temp_dir().join(format!("crossdock-demo-{}.log", std::process::id()));
        let script = vec!["-c".into(), "echo $WORD; exec sleep 30".into()];
        let mut host = Process::new("/bin/sh", script, url).env("WORD", "hello").log(&log);
        host.start().await.unwrap();
        server.await.unwrap();
        assert!(host.id().is_some());
        while std::fs::read_to_string(&log).unwrap() != "hello\n" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        host.kill().await.unwrap();
        std::fs::remove_file(&log).unwrap();
    }
}
