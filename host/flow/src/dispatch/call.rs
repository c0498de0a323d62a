//! One call of a sink plugin, from claimed deliveries to their recorded outcomes.

use std::sync::Arc;

use crossdock_engine::{Attempt, AttemptKind, Claimed, OutboxEntries, Settle};
use crossdock_model::connector::Work;
use crossdock_model::time::{Clock, Millis};
use crossdock_rules::breaker::Permit;
use crossdock_rules::key;
use crossdock_rules::lookup::{BeforeSending, next_call};
use crossdock_rules::outcome::{Answer, Fault, settle};
use tokio::sync::Notify;
use tracing::Instrument;

use super::answers::{Answers, describe, failed};
use super::pace::Pace;
use super::record::Recorder;
use crate::connector::{Connector, Sink};
use crate::faults::{Point, pass};
use crate::lease::{Lease, Moment};
use crate::plugins::{CallEffects, NoAnswer};
use crate::randomness::Randomness;

/// A claimed delivery with the breaker's permit to send it.
pub(super) type Permitted = (Claimed, Permit);

/// Makes the calls of one sink.
pub(super) struct Caller {
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<Randomness>,
    pub pace: Arc<Pace>,
    pub recorder: Recorder,
    /// Wakes the dispatcher when concurrency is free again.
    pub wake: Arc<Notify>,
}

/// A call that has ended: when by the wall clock, for the record.
struct Call<'a> {
    sink: &'a Sink,
    find: bool,
    started: Millis,
    ended: Millis,
    span: tracing::Span,
}

impl Caller {
    /// Calls the plugin for a batch: `find` for deliveries that may have been sent, `deliver` for the rest. A delivery
    /// that may have been sent to a target that cannot be asked is a person's decision. All calls of a batch go to the
    /// version of the connector that the batch began with. A call that could outlast the lease is not made.
    pub async fn attempt(&self, connector: &Connector, batch: Vec<Permitted>, lease: Lease) {
        let Some(sink) = &connector.sink else { return };
        let (mut send, mut look_up, mut decide) = (Vec::new(), Vec::new(), Vec::new());
        for (delivery, permit) in batch {
            let policy = &sink.policy;
            match next_call(delivery.sent, delivery.look_up, policy.keys, policy.safeguards) {
                BeforeSending::Send => send.push((delivery, permit)),
                BeforeSending::Find => look_up.push((delivery, permit)),
                BeforeSending::Person => decide.push((delivery, permit)),
            }
        }
        for (deliveries, find) in [(look_up, true), (send, false)] {
            if deliveries.is_empty() {
                continue;
            }
            if lease.covers(connector.deadline, Moment::now(&*self.clock)) {
                self.call(connector, sink, deliveries, find).await;
            } else {
                self.leave_to_expire(connector, deliveries);
            }
        }
        if !decide.is_empty() {
            let message = "it may have been sent, and the target can neither be searched nor honours keys";
            let answers = Answers::None(NoAnswer { fault: Fault::Lost, message: message.into() });
            let now = self.clock.now();
            let call = Call { sink, find: false, started: now, ended: now, span: tracing::Span::current() };
            self.conclude(decide, answers, call, CallEffects::default()).await;
        }
    }

    async fn call(&self, connector: &Connector, sink: &Sink, deliveries: Vec<Permitted>, find: bool) {
        let work: Vec<Work> = deliveries.iter().map(|(delivery, _)| work(delivery)).collect();
        let trace = deliveries.first().map(|(delivery, _)| delivery.trace.clone()).unwrap_or_default();
        let span = tracing::info_span!("attempt", connector = connector.name, find, deliveries = work.len());
        let started = self.clock.now();
        let (answers, effects) = async {
            if find {
                let (answered, effects) = connector.plugin.find(&trace, work).await;
                (Answers::found(answered), effects)
            } else {
                let (answered, effects) = connector.plugin.deliver(&trace, work).await;
                (Answers::outcomes(answered), effects)
            }
        }
        .instrument(span.clone())
        .await;
        pass(Point::AfterAnswer);
        let call = Call { sink, find, started, ended: self.clock.now(), span };
        self.conclude(deliveries, answers, call, effects).await;
    }

    /// Makes no call, since its claim could be lost before the call ends. The claim expires, and each delivery is looked
    /// up as one that may have been sent.
    fn leave_to_expire(&self, connector: &Connector, deliveries: Vec<Permitted>) {
        let (connector, count) = (&connector.name, deliveries.len());
        tracing::warn!(
            connector,
            count,
            "deliveries were claimed too long ago to be sent: their lease expires"
        );
        metrics::counter!("crossdock_lapsed_claims_total", "connector" => connector.clone())
            .increment(count as u64);
        let permits = deliveries.into_iter().map(|(_, permit)| permit);
        self.pace.give_back(permits, self.clock.monotonic());
    }

    /// Decides by the answers what happens next, and records it.
    async fn conclude(
        &self,
        deliveries: Vec<Permitted>,
        mut answers: Answers,
        call: Call<'_>,
        effects: CallEffects,
    ) {
        let ended = self.clock.monotonic();
        let (mut concluded, mut settles) = (Vec::new(), Vec::new());
        for (delivery, permit) in deliveries {
            let settle = self.judge(&delivery, answers.next(), &call, permit.is_probe(), &effects.summary);
            self.pace.ended(permit, &settle.settlement, ended);
            concluded.push(delivery);
            settles.push(settle);
        }
        // Concurrency is free: the next claim can share the transaction with what is about to be recorded.
        self.wake.notify_one();
        let CallEffects { files, numbers, .. } = effects;
        let connector = self.recorder.connector.clone();
        let outbox = OutboxEntries { connector, files, numbers, now: call.ended };
        if outbox.is_empty() {
            let records = concluded.iter().zip(settles);
            let records =
                records.map(|(delivery, settle)| self.recorder.record(delivery, settle, &call.span));
            futures::future::join_all(records).await;
        } else if let Err(error) = self.recorder.record_all(&concluded, settles, outbox, &call.span).await {
            // Files that cannot be stored are the plugin's failure: whatever else it answered does not count.
            for delivery in &concluded {
                let answer = failed(Fault::BadAnswer, format!("its files cannot be stored: {error}"));
                let settle = self.judge(delivery, answer, &call, false, "");
                self.recorder.record(delivery, settle, &call.span).await;
            }
        }
    }

    /// What an answer leads to. `summary` is what the call sent and received.
    fn judge(
        &self,
        delivery: &Claimed,
        answer: Answer,
        call: &Call<'_>,
        probe: bool,
        summary: &str,
    ) -> Settle {
        let (outcome, message) = describe(&answer);
        let tried = delivery.call_context(call.find, probe);
        let settlement = settle(answer, &tried, &call.sink.policy, call.ended, self.randomness.number());
        let attempt = Attempt {
            kind: if call.find { AttemptKind::Find } else { AttemptKind::Send },
            started: call.started,
            ended: call.ended,
            outcome: outcome.to_owned(),
            message,
            exchange: (!summary.is_empty()).then(|| summary.to_owned()),
        };
        let (id, fence) = (delivery.delivery, delivery.fence);
        Settle { delivery: id, fence, settlement, attempt, now: call.ended }
    }
}

fn work(delivery: &Claimed) -> Work {
    Work {
        key: delivery.key.clone(),
        short_key: key::short(&delivery.key),
        serial: delivery.serial,
        attempt: delivery.attempts.saturating_add(1),
        resume: delivery.resume.clone(),
        event: delivery.event.clone(),
        references: delivery.references.clone(),
        parent_references: delivery.parent_references.clone(),
    }
}
