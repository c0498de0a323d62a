//! What all drivers share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crossdock_model::time::{Clock, Millis};
use crossdock_rules::ownership::Ownership;
use crossdock_rules::safeguards::Safeguards;
use crossdock_storage::view::Inbound;
use crossdock_storage::{Applied, Raised, Store, Writer};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::connector::Sink;
use crate::connectors::Connectors;
use crate::gate::{Gate, Load};
use crate::reader::{self, Unread};
use crate::readers::Queues;
use crate::routes::Routes;
use crate::setup::Setups;

/// The store, the clock, the dice, and who is who.
pub(crate) struct Shared {
    pub store: Arc<dyn Store>,
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
    pub routes: Routes,
    pub connectors: Connectors,
    pub safeguards: Safeguards,
    /// Who owns which attribute.
    pub ownership: Ownership,
    pub gate: Gate,
    /// What is kept and not yet read.
    pub unread: Queues,
    /// What each sink has to do.
    pub sending: HashMap<String, Arc<Load>>,
    pub drain: CancellationToken,
    /// Held by whoever swaps a plugin.
    pub swapping: tokio::sync::Mutex<()>,
    /// Told when files were handed over.
    pub handed: Notify,
    /// What was found of each system's set-up.
    pub setups: Setups,
    dice: Mutex<SmallRng>,
}

impl Shared {
    #[expect(clippy::too_many_arguments, reason = "built in one place")]
    pub fn new(
        store: Arc<dyn Store>,
        writer: Writer,
        clock: Arc<dyn Clock>,
        routes: Routes,
        connectors: Connectors,
        safeguards: Safeguards,
        ownership: Ownership,
        gate: Gate,
        seed: u64,
        unread: Queues,
    ) -> Self {
        let all = connectors.all();
        let sinks = all.iter().filter(|connector| connector.sink.is_some());
        let sending = sinks.map(|connector| (connector.name.clone(), gate.load())).collect();
        let dice = Mutex::new(SmallRng::seed_from_u64(seed));
        let drain = CancellationToken::new();
        Self {
            store,
            writer,
            clock,
            routes,
            connectors,
            safeguards,
            ownership,
            gate,
            unread,
            sending,
            drain,
            swapping: tokio::sync::Mutex::default(),
            handed: Notify::new(),
            setups: Setups::default(),
            dice,
        }
    }

    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    pub fn random(&self) -> u64 {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    /// A trace for a request of which nobody knows yet what it belongs to.
    pub fn random_trace(&self) -> String {
        format!("{:016x}{:016x}", self.random(), self.random())
    }

    /// Hands a request from the store to the readers. Without its bytes there is nothing to read.
    pub fn unread_again(&self, kept: Inbound) {
        let Some(request) = kept.request else { return };
        let Inbound { id, connector, received_at, trace, .. } = kept;
        self.unread.put(Unread { id, connector, received_at, request, trace });
    }

    /// True when the connector's plugin takes events of this kind.
    pub fn takes(&self, connector: &str, kind: &str) -> bool {
        let Some(connector) = self.connectors.get(connector) else { return false };
        let taken = |sink: &Sink| sink.kinds.is_empty() || sink.kinds.iter().any(|taken| taken == kind);
        connector.sink.as_ref().is_some_and(taken)
    }

    /// Says what a person has to decide from now on.
    pub fn raised(&self, raised: &[Raised]) {
        for Raised { delivery, connector, lane, problem } in raised {
            tracing::warn!(
                connector,
                delivery,
                code = problem.code,
                trace = reader::trace(lane),
                "a person must decide: {}",
                problem.message
            );
            metrics::counter!("crossdock_exceptions_total", "connector" => connector.clone(), "code" => problem.code.clone())
                .increment(1);
        }
    }

    /// Counts what admission led to.
    pub fn admitted(&self, applied: &Applied) {
        let Applied::Admitted(admitted) = applied else { return };
        let new = admitted.events.len().saturating_sub(admitted.duplicates as usize);
        metrics::counter!("crossdock_events_total").increment(new as u64);
        metrics::counter!("crossdock_duplicate_events_total").increment(u64::from(admitted.duplicates));
        metrics::counter!("crossdock_echoes_total").increment(u64::from(admitted.echoes));
        metrics::counter!("crossdock_conflicts_total").increment(u64::from(admitted.conflicts));
        self.raised(&admitted.raised);
        for owed in &admitted.owed {
            metrics::counter!("crossdock_deliveries_total", "connector" => owed.connector.clone(), "what" => owed.what.clone())
                .increment(1);
            if matches!(owed.what.as_str(), "ready" | "queued")
                && let Some(load) = self.sending.get(&owed.connector)
            {
                load.add(1);
            }
        }
    }
}
