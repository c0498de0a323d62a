//! Checks a system's set-up, one check at a time, and keeps the reports.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crossdock_engine::Command;
use crossdock_model::connector::Failure;
use crossdock_model::time::{Clock, Millis};
use crossdock_storage::Writer;

use crate::connector::{Check, Connector};
use crate::connectors::Connectors;
use crate::plugins::Finding;

/// What the last check of a system's set-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When it was checked.
    pub at: Millis,
    /// What was not as it should be. Empty when everything was. Where the system could not be asked, one finding
    /// says so (`unavailable`, `unauthorized`, `throttled`, `rejected`, `plugin-failed`).
    pub findings: Vec<Finding>,
}

/// Why a set-up was not checked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no connector of this name.
    #[error("there is no connector `{0}`")]
    NoSuchConnector(String),
    /// Its plugin has nothing to set up.
    #[error("{0} has nothing to set up")]
    NothingToSetUp(String),
    /// The address that the outside reaches the host by is not configured.
    #[error("which address the outside reaches `{0}` by is not configured: set `server.public-url`")]
    NoAddress(String),
    /// The audit entry could not be stored.
    #[error(transparent)]
    Store(#[from] crossdock_engine::Error),
}

/// Checks set-ups and keeps the last report of each connector.
pub(crate) struct SetupChecks {
    connectors: Arc<Connectors>,
    writer: Writer,
    clock: Arc<dyn Clock>,
    reports: Mutex<HashMap<String, Report>>,
    /// Held during a check: two repairs at once would both create what is missing.
    checking: tokio::sync::Mutex<()>,
}

impl SetupChecks {
    pub fn new(connectors: Arc<Connectors>, writer: Writer, clock: Arc<dyn Clock>) -> Self {
        let (reports, checking) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { connectors, writer, clock, reports, checking }
    }

    /// The last report of a connector.
    pub fn report(&self, connector: &str) -> Option<Report> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).get(connector).cloned()
    }

    /// Checks a connector's set-up for an operator. A repair is written to the audit log.
    pub async fn check_for(&self, name: &str, repair: bool, by: &str) -> Result<Report, SetupError> {
        let connector =
            self.connectors.get(name).ok_or_else(|| SetupError::NoSuchConnector(name.to_owned()))?;
        if !connector.setup {
            return Err(SetupError::NothingToSetUp(connector.label.clone()));
        }
        let check = connector.check.as_ref().ok_or_else(|| SetupError::NoAddress(name.to_owned()))?;
        let (report, _) = self.check(&connector, check, repair).await;
        if repair {
            let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
            let (by, action, subject) = (by.to_owned(), "setup.repair".to_owned(), name.to_owned());
            let (detail, now) = (codes.join(" "), self.clock.now());
            self.writer.submit(Command::Audit { by, action, subject, detail, now }).await?;
        }
        Ok(report)
    }

    /// Asks the plugin and keeps its report; with it, whether the system could be asked.
    pub async fn check(&self, connector: &Connector, check: &Check, repair: bool) -> (Report, bool) {
        let checking = self.checking.lock().await;
        let (findings, answered) = match connector.plugin.check(&check.address, repair).await {
            Ok(Ok(findings)) => (findings, true),
            Ok(Err(failure)) => (vec![refused(failure)], false),
            Err(failed) => (vec![finding("plugin-failed", failed.message)], false),
        };
        drop(checking);
        log_and_count(&connector.name, &findings);
        let report = Report { at: self.clock.now(), findings };
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.insert(connector.name.clone(), report.clone());
        (report, answered)
    }
}

fn log_and_count(connector: &str, findings: &[Finding]) {
    for Finding { code, message, repaired } in findings {
        if *repaired {
            tracing::info!(connector, code, "the set-up was repaired: {message}");
        } else {
            tracing::warn!(connector, code, "the set-up is not as it should be: {message}");
        }
        let repaired = if *repaired { "yes" } else { "no" };
        metrics::counter!(
            "crossdock_setup_findings_total",
            "connector" => connector.to_owned(), "code" => code.clone(), "repaired" => repaired
        )
        .increment(1);
    }
    let open = findings.iter().filter(|finding| !finding.repaired).count();
    metrics::gauge!("crossdock_setup_open", "connector" => connector.to_owned()).set(open as f64);
}

/// The finding that a system could not be asked.
fn refused(failure: Failure) -> Finding {
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
