//! Periodic work: recovering the claims of a former process, expired leases, overdue deliveries, releases of very many
//! deliveries, and retention. Each is done in bounded parts, so that it never blocks the writer for long.

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::{Command, Error, Retention};
use crossdock_model::time::{Clock, Millis};
use crossdock_storage::Writer;
use tokio_util::sync::CancellationToken;

use crate::admissions::report_exceptions;
use crate::connector::Connector;
use crate::connectors::Connectors;
use crate::gate::Gate;

/// The interval between two sweeps for leases that ran out.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The number of sweeps between two searches for deliveries that have waited too long.
const SWEEPS_PER_OVERDUE: u64 = 10;

/// The number of sweeps between two deletions of rows past their retention.
const SWEEPS_PER_RETENTION: u64 = 3600;

/// How many rows of a kind one command of a sweep touches at most.
const SWEEP_LIMIT: u32 = 500;

/// How long a delivery waits for its parent if its connector no longer delivers.
const DEFAULT_PARENT_LIMIT: Duration = Duration::from_secs(86_400);

/// Sweeps the store at fixed intervals.
pub(crate) struct Housekeeper {
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
    pub connectors: Arc<Connectors>,
    pub gate: Arc<Gate>,
    pub retention: RetentionPeriods,
}

/// How long data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPeriods {
    /// Raw requests, the contents of written files, and what was exchanged in attempts: from their arrival or end.
    pub requests: Duration,
    /// Orders, and what belongs to them, of which nothing is open: from their last movement. Their keys, references,
    /// pins and versions stay.
    pub orders: Duration,
    /// The audit, conflicts, and the histories of mappings and stores: from when they were recorded.
    pub records: Duration,
}

impl Default for RetentionPeriods {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self { requests: days(30), orders: days(400), records: days(800) }
    }
}

impl RetentionPeriods {
    /// What is older than its period at this moment.
    fn at(&self, now: Millis) -> Retention {
        let before = |period: Duration| {
            Millis(now.0.saturating_sub(i64::try_from(period.as_millis()).unwrap_or(i64::MAX)))
        };
        Retention {
            bodies_before: before(self.requests),
            exchanges_before: before(self.requests),
            orders_before: before(self.orders),
            records_before: before(self.records),
            limit: SWEEP_LIMIT,
        }
    }
}

impl Housekeeper {
    /// Releases what a former process had claimed: each may have been sent, so it is looked up first.
    pub async fn take_over(&self) -> Result<(), Error> {
        let mut recovered = 0;
        loop {
            let now = self.clock.now();
            let tally = self.writer.tally(Command::RecoverClaims { now, limit: SWEEP_LIMIT }).await?;
            recovered += tally.count;
            if !tally.more {
                break;
            }
        }
        if recovered > 0 {
            tracing::info!(
                recovered,
                "taking over deliveries and requests that were in flight when the host stopped"
            );
        }
        Ok(())
    }

    /// Sweeps until `drain`.
    pub async fn run(self, drain: CancellationToken) {
        let mut sweeps = 0u64;
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
            }
            let now = self.clock.now();
            self.sweep(|| Command::Expire { now, limit: SWEEP_LIMIT }).await;
            self.sweep(|| Command::ReleaseAwaiting { now, limit: SWEEP_LIMIT }).await;
            metrics::gauge!("crossdock_in_progress").set(self.gate.level() as f64);
            if sweeps.is_multiple_of(SWEEPS_PER_OVERDUE) {
                for connector in self.connectors.all() {
                    self.sweep(|| overdue(&connector, now)).await;
                }
            }
            if sweeps.is_multiple_of(SWEEPS_PER_RETENTION) {
                self.sweep(|| Command::ApplyRetention(self.retention.at(now))).await;
            }
            sweeps = sweeps.wrapping_add(1);
        }
    }

    /// Submits a command until there is no more for it to do. Other commands get their turn in between.
    async fn sweep(&self, command: impl Fn() -> Command) {
        loop {
            match self.writer.tally(command()).await {
                Ok(tally) => {
                    report_exceptions(&tally.raised);
                    if tally.count > 0 {
                        tracing::debug!(count = tally.count, "swept");
                    }
                    if !tally.more {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a sweep failed; the next one tries again");
                    return;
                }
            }
        }
    }
}

/// What has waited too long for a connector, by its own limits.
fn overdue(connector: &Connector, now: Millis) -> Command {
    let sink = connector.sink.as_ref();
    let wait_limit = sink.map_or(DEFAULT_PARENT_LIMIT, |sink| sink.policy.parent_wait_limit);
    Command::Overdue { connector: connector.name.clone(), now, wait_limit, limit: SWEEP_LIMIT }
}
