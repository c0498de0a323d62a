//! Records settlements, and reports them once they are durable.

use std::sync::Arc;

use crossdock_engine::{Claimed, Error, OutboxEntries, Settle, SettleBatch, Settled};
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::outcome::{Next, Settlement};
use crossdock_storage::Writer;

use crate::admissions::report_exceptions;
use crate::faults::{Point, pass};
use crate::gate::Load;
use crate::outbox::OutboxSignal;

/// Records the settlements of one sink's calls.
pub(super) struct Recorder {
    pub connector: String,
    pub writer: Writer,
    pub load: Arc<Load>,
    pub outbox: Arc<OutboxSignal>,
}

impl Recorder {
    /// Records what became of one delivery. `call` is the span of the call.
    pub async fn record(&self, delivery: &Claimed, settle: Settle, call: &tracing::Span) {
        pass(Point::BeforeSettle);
        let report = SettlementReport::of(&settle);
        let settled = self.writer.settle(settle).await;
        span(call, delivery).in_scope(|| self.report(delivery, &report, settled.as_ref()));
    }

    /// Records what became of all deliveries of a call together with the files and numbers that it used: all of it,
    /// or nothing.
    ///
    /// # Errors
    /// When the files cannot be stored, by their names or contents. Then nothing is recorded.
    pub async fn record_all(
        &self,
        deliveries: &[Claimed],
        settles: Vec<Settle>,
        outbox: OutboxEntries,
        call: &tracing::Span,
    ) -> Result<(), Error> {
        pass(Point::BeforeSettle);
        let reports: Vec<_> = settles.iter().map(SettlementReport::of).collect();
        let all = self.writer.settle_batch(SettleBatch { settles, outbox }).await;
        if let Err(error @ (Error::Taken { .. } | Error::Invalid { .. })) = all {
            return Err(error);
        }
        for (at, (delivery, report)) in deliveries.iter().zip(reports).enumerate() {
            let settled = match &all {
                Ok(settled) => settled.get(at).map(Ok),
                Err(error) => Some(Err(error)),
            };
            if let Some(settled) = settled {
                span(call, delivery).in_scope(|| self.report(delivery, &report, settled));
            }
        }
        self.outbox.files_added();
        Ok(())
    }

    fn report(&self, delivery: &Claimed, report: &SettlementReport, settled: Result<&Settled, &Error>) {
        let SettlementReport { ended, leaves_queue, exception, outcome, reason } = report;
        let connector = &self.connector;
        match settled {
            Ok(settled) => {
                self.load.add(if *leaves_queue { -1 } else { 0 });
                tracing::debug!(outcome, released = settled.released.len(), "recorded");
                report_exceptions(settled.raised.as_slice());
                if settled.paused {
                    tracing::error!(connector, "paused: the target does not accept the credentials");
                }
            }
            Err(error) => {
                // It stays claimed until its lease ends, and is then looked up.
                tracing::error!(%error, "recording an outcome failed");
                return;
            }
        }
        let labels = [("connector", connector.clone()), ("outcome", outcome.clone())];
        metrics::counter!("crossdock_attempts_total", &labels).increment(1);
        if *exception && let Some(problem) = reason {
            tracing::warn!(
                connector,
                delivery = delivery.delivery,
                key = delivery.key,
                code = problem.code,
                trace = delivery.trace,
                "a person must decide: {}",
                problem.message
            );
        }
        if *leaves_queue && !exception {
            let latency = ended.since(delivery.recorded_at).as_secs_f64();
            metrics::histogram!("crossdock_delivery_seconds", "connector" => connector.clone())
                .record(latency);
        }
    }
}

/// What is logged and counted of a settlement once it is durable.
struct SettlementReport {
    ended: Millis,
    /// True when the delivery is no longer this host's to send.
    leaves_queue: bool,
    exception: bool,
    outcome: String,
    reason: Option<Problem>,
}

impl SettlementReport {
    fn of(settle: &Settle) -> Self {
        let Settlement { next, reason, .. } = &settle.settlement;
        Self {
            ended: settle.now,
            leaves_queue: !matches!(next, Next::Retry { .. }),
            exception: matches!(next, Next::Exception { .. }),
            outcome: settle.attempt.outcome.clone(),
            reason: reason.clone(),
        }
    }
}

/// The span of one delivery: a call may be for many orders, and each has a trace of its own.
fn span(call: &tracing::Span, delivery: &Claimed) -> tracing::Span {
    tracing::info_span!(
        parent: call, "delivery", delivery = delivery.delivery, key = delivery.key, trace = delivery.trace
    )
}
