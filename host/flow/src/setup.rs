//! Systems that have to be set up to tell what happens in them: looked at when the host starts and every so
//! often, put right where they are not, and what was found kept for the operator.
//!
//! What is found rests in memory alone: the next start looks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossdock_model::connector::Failure;
use crossdock_model::time::Millis;
use crossdock_rules::retry::Backoff;
use crossdock_storage::Command;

use crate::connector::{Check, Connector};
use crate::plugins::Finding;
use crate::shared::Shared;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(600) };

/// How often it is looked whether a connector has something to check by now.
const LOOK: Duration = Duration::from_secs(60);

/// What the last look at a system's set-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// When that was.
    pub at: Millis,
    /// What was not as it should be. Empty when all was well. Where the system could not be asked, one
    /// finding says so (`unavailable`, `unauthorized`, `throttled`, `rejected`, `plugin-failed`).
    pub findings: Vec<Finding>,
}

/// Why a set-up was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no connector of this name.
    #[error("there is no connector `{0}`")]
    NoSuchConnector(String),
    /// Its plugin has nothing to set up.
    #[error("{0} has nothing to set up")]
    NothingToSetUp(String),
    /// Nobody said which address the outside reaches the host by.
    #[error("which address the outside reaches `{0}` by is not configured: set `server.public-url`")]
    NoAddress(String),
    /// The act could not be written down.
    #[error(transparent)]
    Store(#[from] crossdock_storage::Error),
}

/// What was found, connector by connector.
#[derive(Default)]
pub(crate) struct Setups {
    known: Mutex<HashMap<String, Setup>>,
    /// Held by whoever looks: two that repair at once would both create what is missing.
    looking: tokio::sync::Mutex<()>,
}

impl Setups {
    pub fn get(&self, connector: &str) -> Option<Setup> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(connector).cloned()
    }
}

/// Looks after one connector until the host is told to stop.
pub(crate) async fn run(shared: Arc<Shared>, name: String) {
    let mut failed = 0u32;
    loop {
        let connector = shared.connectors.get(&name).filter(|connector| connector.setup);
        let check = connector.as_ref().and_then(|connector| Some((connector, connector.check.as_ref()?)));
        let pause = match check {
            // Another version of the plugin may have something.
            None => LOOK,
            Some((_, check)) if is_paused(&shared, &name).await => check.every.min(LOOK),
            Some((connector, check)) => {
                if look(&shared, connector, check, true).await.1 {
                    failed = 0;
                    check.every
                } else {
                    failed = failed.saturating_add(1);
                    check.every.min(LOOK.max(BACKOFF.delay(failed, shared.random())))
                }
            }
        };
        tokio::select! {
            () = shared.drain.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn is_paused(shared: &Shared, connector: &str) -> bool {
    match shared.store.paused(connector).await {
        Ok(paused) => paused.is_some(),
        Err(error) => {
            tracing::error!(connector, %error, "whether it is paused cannot be looked up");
            true
        }
    }
}

/// Looks now, for an operator.
pub(crate) async fn look_now(
    shared: &Shared,
    name: &str,
    repair: bool,
    by: &str,
) -> Result<Setup, SetupError> {
    let connector = shared.connectors.get(name).ok_or_else(|| SetupError::NoSuchConnector(name.into()))?;
    if !connector.setup {
        return Err(SetupError::NothingToSetUp(connector.label.clone()));
    }
    let check = connector.check.as_ref().ok_or_else(|| SetupError::NoAddress(name.into()))?;
    let setup = look(shared, &connector, check, repair).await.0;
    if repair {
        let codes: Vec<&str> = setup.findings.iter().map(|finding| finding.code.as_str()).collect();
        let (by, action, subject) = (by.to_owned(), "setup.repair".to_owned(), name.to_owned());
        let detail = codes.join(" ");
        shared.writer.submit(Command::Audit { by, action, subject, detail, now: shared.now() }).await?;
    }
    Ok(setup)
}

/// Asks the plugin, and keeps what it found. False when it could not tell.
async fn look(shared: &Shared, connector: &Connector, check: &Check, repair: bool) -> (Setup, bool) {
    let alone = shared.setups.looking.lock().await;
    let (findings, answered) = match connector.plugin.check(&check.address, repair).await {
        Ok(Ok(findings)) => (findings, true),
        Ok(Err(failure)) => (vec![told(failure)], false),
        Err(failed) => (vec![finding("plugin-failed", failed.message)], false),
    };
    drop(alone);
    let name = &connector.name;
    for Finding { code, message, repaired } in &findings {
        if *repaired {
            tracing::info!(connector = name, code, "the set-up was put right: {message}");
        } else {
            tracing::warn!(connector = name, code, "the set-up is not as it should be: {message}");
        }
        let repaired = if *repaired { "yes" } else { "no" };
        metrics::counter!(
            "crossdock_setup_findings_total",
            "connector" => name.clone(), "code" => code.clone(), "repaired" => repaired
        )
        .increment(1);
    }
    let open = findings.iter().filter(|finding| !finding.repaired).count();
    metrics::gauge!("crossdock_setup_open", "connector" => name.clone()).set(open as f64);
    let setup = Setup { at: shared.now(), findings };
    let mut known = shared.setups.known.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(name.clone(), setup.clone());
    (setup, answered)
}

fn told(failure: Failure) -> Finding {
    let (code, message) = match failure {
        Failure::Unavailable(problem) => ("unavailable", problem.message),
        Failure::Unauthorized(problem) => ("unauthorized", problem.message),
        Failure::Rejected(problem) => ("rejected", problem.message),
        Failure::Throttled(throttle) => ("throttled", throttle.message),
    };
    finding(code, message)
}

fn finding(code: &str, message: String) -> Finding {
    Finding { code: code.to_owned(), message, repaired: false }
}
