//! From an event that a plugin read to one that can be admitted: checked, routed, and compared with the table of
//! who owns which attribute.

use std::sync::Arc;

use crossdock_engine::{Error, NewEvent, Store, StoreRecord, Target};
use crossdock_model::check;
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::{Clock, Millis};
use crossdock_rules::day::BusinessDay;
use crossdock_rules::key;
use crossdock_rules::ownership::{Ownership, Reporter};

use crate::connector::Connector;
use crate::connectors::Connectors;
use crate::problem::problem;
use crate::routes::{Routes, summary};
use crate::trace;

/// Why an event cannot be admitted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unprepared {
    /// The event itself is at fault.
    #[error("{}: {}", .0.code, .0.message)]
    Refused(Problem),
    /// The registry of stores could not be read. It can be tried again.
    #[error("reading the store of an event: {0}")]
    Registry(#[from] Error),
}

/// Prepares events for admission.
pub(crate) struct Preparer {
    store: Store,
    connectors: Arc<Connectors>,
    routes: Routes,
    ownership: Ownership,
    clock: Arc<dyn Clock>,
}

impl Preparer {
    pub fn new(
        store: Store,
        connectors: Arc<Connectors>,
        routes: Routes,
        ownership: Ownership,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, connectors, routes, ownership, clock }
    }

    /// Checks and routes an event of this connector. `arrived` is when it came in first, also when its request is
    /// read again.
    pub async fn prepare(
        &self,
        connector: &Connector,
        event: Event,
        arrived: Millis,
    ) -> Result<NewEvent, Unprepared> {
        let record = self.store_record(&event).await?;
        self.checked(connector, event, record.as_ref(), arrived).map_err(Unprepared::Refused)
    }

    /// The record of the event's store, where a route or the store's day depends on it.
    async fn store_record(&self, event: &Event) -> Result<Option<StoreRecord>, Error> {
        let of_day = || BusinessDay::of(event, self.clock.now()).and_then(|_| summary::store_code(event));
        let Some(code) = self.routes.store_code(event).or_else(of_day) else { return Ok(None) };
        Ok(self.store.store_of_code(&event.entity.system, code).await?.map(|row| row.record))
    }

    fn checked(
        &self,
        connector: &Connector,
        event: Event,
        record: Option<&StoreRecord>,
        arrived: Millis,
    ) -> Result<NewEvent, Problem> {
        check_event(connector, &event)?;
        let targets = self.targets(connector, &event, record)?;
        let reporter =
            Reporter { connector: &connector.name, system: &connector.system, class: connector.class };
        let foreign = self.ownership.foreign(&event.fact, reporter);
        let confirmation_limit =
            connector.sink.as_ref().map(|sink| sink.policy.confirmation_limit).unwrap_or_default();
        let (trace, source) = (trace::of_lane(&key::lane(&event)), connector.name.clone());
        let new = NewEvent::new(event, arrived).map_err(|error| problem("unsound", error.to_string()))?;
        let mut incoming = new.incoming;
        if let Some(record) = record {
            // One store, whatever each system calls it: a till closes the day of sales that another system reports.
            incoming.business_day = incoming.business_day.map(|day| day.of_store(record.id.clone()));
        }
        Ok(NewEvent { incoming, source, foreign, confirmation_limit, targets, trace, ..new })
    }

    /// The connectors that the event is delivered to: never the one it came from, and only those that take its kind.
    fn targets(
        &self,
        connector: &Connector,
        event: &Event,
        record: Option<&StoreRecord>,
    ) -> Result<Vec<Target>, Problem> {
        let routed = self.routes.targets(event, record, self.clock.now());
        let mut targets = routed.map_err(|error| problem("no-route-decision", error.to_string()))?;
        targets.retain(|target| {
            target.connector != connector.name && self.connectors.takes(&target.connector, event.fact.kind())
        });
        for target in &mut targets {
            let Some(sink) = self.connectors.get(&target.connector) else { continue };
            (target.system, target.class) = (Some(sink.system.clone()), sink.class);
        }
        Ok(targets)
    }
}

/// Refuses events of another system than the connector's, and events whose parts contradict each other.
fn check_event(connector: &Connector, event: &Event) -> Result<(), Problem> {
    if event.entity.system != connector.system {
        let message = format!(
            "{} reads events of `{}`, not of `{}`",
            connector.label, connector.system, event.entity.system
        );
        return Err(Problem { field: Some("entity.system".into()), ..problem("wrong-system", message) });
    }
    let Err(findings) = check::check(event) else { return Ok(()) };
    Err(match findings.into_iter().next() {
        Some(finding) => Problem {
            code: finding.code.to_string(),
            message: finding.message.to_string(),
            field: Some(finding.field.to_string()),
        },
        None => problem("unsound", "the event contradicts itself"),
    })
}
