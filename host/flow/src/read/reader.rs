//! Reads one stored request to its end.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_engine::{NewEvent, OutboxEntries};
use crossdock_model::event::Event;
use crossdock_model::time::{Clock, Millis};
use tracing::Instrument;

use super::driver::ReadInbound;
use super::queue::ReadOutcome;
use super::receive::{Unreadable, receive};
use super::record::{InboundRef, Recorder};
use super::slots::CallSlot;
use crate::connector::Connector;
use crate::connectors::Connectors;
use crate::faults::{Point, pass};
use crate::pauses::Pauses;
use crate::plugins::CallEffects;
use crate::prepare::{Preparer, Unprepared};
use crate::problem::problem;
use crossdock_engine::view::Inbound;

/// Reads requests: calls the plugin, prepares its events and records what came of it.
pub(crate) struct Reader {
    pub connectors: Arc<Connectors>,
    pub preparer: Arc<Preparer>,
    pub pauses: Arc<Pauses>,
    pub recorder: Arc<Recorder>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl ReadInbound for Reader {
    async fn read(&self, inbound: Inbound, slot: CallSlot) -> ReadOutcome {
        let span = tracing::info_span!(
            "read", connector = %inbound.connector, inbound = inbound.id, trace = %inbound.trace
        );
        self.read_in_span(inbound, slot).instrument(span).await
    }
}

impl Reader {
    async fn read_in_span(&self, inbound: Inbound, slot: CallSlot) -> ReadOutcome {
        let name = inbound.connector.clone();
        let file = inbound.request.as_ref().and_then(|request| request.file.clone());
        let reference = InboundRef { id: inbound.id, attempts: inbound.attempts, file };
        match self.events(inbound, slot).await {
            Ok((events, outbox)) => {
                // From here on it is the order's own trace by which it is followed.
                for NewEvent { incoming, trace, .. } in &events {
                    tracing::debug!(inbound = reference.id, key = incoming.key, trace, "read");
                }
                self.recorder.admit(&reference, events, outbox).await
            }
            Err(Unreadable::Postponed { why, wait, pause }) => {
                tracing::warn!(code = why.code, "read again later: {}", why.message);
                if pause {
                    self.pauses.pause(&name, why.clone()).await;
                }
                self.recorder.postpone(&reference, why, wait).await
            }
            Err(Unreadable::Refused(problem)) => self.recorder.quarantine(reference.id, problem).await,
            Err(Unreadable::Store(error)) => {
                self.recorder.store_fault(&reference, "reading the store of an event", &error).await
            }
        }
    }

    /// The events of a request, ready for admission, and the files and numbers of the call that read it.
    async fn events(
        &self,
        inbound: Inbound,
        slot: CallSlot,
    ) -> Result<(Vec<NewEvent>, OutboxEntries), Unreadable> {
        let Some(connector) = self.connectors.get(&inbound.connector) else {
            let message = format!("there is no connector `{}` any more", inbound.connector);
            return Err(problem("no-connector", message).into());
        };
        let arrived = inbound.received_at;
        let (events, effects) = receive(&connector, inbound).await?;
        drop(slot);
        pass(Point::AfterParse);
        let CallEffects { files, numbers, .. } = effects;
        let outbox =
            OutboxEntries { connector: connector.name.clone(), files, numbers, now: self.clock.now() };
        Ok((self.prepare(&connector, events, arrived).await?, outbox))
    }

    async fn prepare(
        &self,
        connector: &Connector,
        events: Vec<Event>,
        arrived: Millis,
    ) -> Result<Vec<NewEvent>, Unreadable> {
        let mut prepared = Vec::with_capacity(events.len());
        for event in events {
            match self.preparer.prepare(connector, event, arrived).await {
                Ok(event) => prepared.push(event),
                Err(Unprepared::Refused(problem)) => return Err(problem.into()),
                Err(Unprepared::Registry(error)) => return Err(Unreadable::Store(error)),
            }
        }
        Ok(prepared)
    }
}
