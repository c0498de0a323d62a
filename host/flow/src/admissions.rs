//! Submits events for admission, and reports what admission led to: logs, metrics, and the deliveries that count
//! as work in progress.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_engine::{Admit, Admitted, Error, Raised};
use crossdock_storage::Writer;

use crate::gate::Gate;
use crate::trace;

/// What admissions need of the store.
#[async_trait]
pub(crate) trait AdmitEvents: Send + Sync + 'static {
    /// Admits events, all or none; `Ok` when that is durable.
    async fn admit(&self, admit: Admit) -> Result<Admitted, Error>;
}

#[async_trait]
impl AdmitEvents for Writer {
    async fn admit(&self, admit: Admit) -> Result<Admitted, Error> {
        Self::admit(self, admit).await
    }
}

/// The one way by which events reach the store.
pub(crate) struct Admissions {
    store: Arc<dyn AdmitEvents>,
    gate: Arc<Gate>,
}

impl Admissions {
    pub fn new(store: Arc<dyn AdmitEvents>, gate: Arc<Gate>) -> Self {
        Self { store, gate }
    }

    /// Admits events, all or none.
    pub async fn admit(&self, admit: Admit) -> Result<Admitted, Error> {
        let admitted = self.store.admit(admit).await?;
        self.report(&admitted);
        Ok(admitted)
    }

    fn report(&self, admitted: &Admitted) {
        let new = admitted.events.len().saturating_sub(admitted.duplicates as usize);
        metrics::counter!("crossdock_events_total").increment(new as u64);
        metrics::counter!("crossdock_duplicate_events_total").increment(u64::from(admitted.duplicates));
        metrics::counter!("crossdock_echoes_total").increment(u64::from(admitted.echoes));
        metrics::counter!("crossdock_conflicts_total").increment(u64::from(admitted.conflicts));
        report_exceptions(&admitted.raised);
        for delivery in &admitted.deliveries {
            let labels = [("connector", delivery.connector.clone()), ("what", delivery.state.to_owned())];
            metrics::counter!("crossdock_deliveries_total", &labels).increment(1);
            if matches!(delivery.state, "ready" | "queued")
                && let Some(load) = self.gate.deliveries(&delivery.connector)
            {
                load.add(1);
            }
        }
    }
}

/// Reports deliveries that a person has to decide from now on.
pub(crate) fn report_exceptions(raised: &[Raised]) {
    for Raised { delivery, connector, lane, problem } in raised {
        tracing::warn!(
            connector,
            delivery,
            code = problem.code,
            trace = trace::of_lane(lane),
            "a person must decide: {}",
            problem.message
        );
        let labels = [("connector", connector.clone()), ("code", problem.code.clone())];
        metrics::counter!("crossdock_exceptions_total", &labels).increment(1);
    }
}
