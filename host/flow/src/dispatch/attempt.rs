//! One call into a sink plugin, from the claimed deliveries to their recorded outcomes.

use std::sync::Arc;

use crossdock_model::connector::{Found, Outcome, Problem, Work};
use crossdock_model::time::Millis;
use crossdock_rules::breaker::Permit;
use crossdock_rules::key;
use crossdock_rules::lookup::{First, Keys, first};
use crossdock_rules::outcome::{Answer, Fault, Next, Settlement, settle};
use crossdock_storage::{Attempt, AttemptKind, Claimed, Settle};
use tracing::Instrument;

use super::Dispatch;
use crate::faults::{Point, pass};
use crate::plugins::{Exchange, NoAnswer};

impl Dispatch {
    /// Calls the plugin for a chunk: `find` for what may have been sent, `deliver` for the rest. What may have
    /// been sent to a target that can tell nothing is a person's decision.
    pub(super) async fn attempt(self: Arc<Self>, claimed: Vec<Claimed>, permits: Vec<Permit>) {
        let (mut send, mut look, mut decide) = (Vec::new(), Vec::new(), Vec::new());
        for (piece, permit) in claimed.into_iter().zip(permits) {
            match self.first(&piece) {
                First::Send => send.push((piece, permit)),
                First::Find => look.push((piece, permit)),
                First::Person => decide.push((piece, permit)),
            }
        }
        for (pieces, find) in [(look, true), (send, false)] {
            if !pieces.is_empty() {
                self.call(pieces, find).await;
            }
        }
        if !decide.is_empty() {
            let message = "it may have been sent, and the target can neither be searched nor honours keys";
            let answers = Answers::None(NoAnswer { fault: Fault::Lost, message: message.into() });
            let now = self.shared.now();
            self.conclude(
                decide,
                answers,
                Call { find: false, started: now, ended: now },
                &Exchange::default(),
            )
            .await;
        }
    }

    /// What has to come before the piece is sent.
    fn first(&self, piece: &Claimed) -> First {
        let keys = self.sink.policy.keys;
        if !self.shared.safeguards.find() {
            return First::Send;
        }
        match first(piece.sent, keys) {
            // A replay, or a retry of what is there in part: the target is asked where it can be.
            First::Send if piece.find => match keys {
                Keys::Honoured => First::Send,
                Keys::Find => First::Find,
                Keys::None => First::Person,
            },
            first => first,
        }
    }

    async fn call(&self, pieces: Vec<(Claimed, Permit)>, find: bool) {
        let Some(connector) = self.shared.connectors.get(&self.name) else { return };
        let work: Vec<Work> = pieces.iter().map(|(piece, _)| work(piece)).collect();
        let trace = pieces.first().map(|(piece, _)| piece.trace.clone()).unwrap_or_default();
        let span = tracing::info_span!("attempt", connector = self.name, find, pieces = work.len(), trace);
        let started = self.shared.now();
        let (answers, exchange) = async {
            if find {
                let (answers, exchange) = connector.plugin.find(&trace, work).await;
                (answers.map(|answers| answers.into_iter().map(Answer::Found).collect::<Vec<_>>()), exchange)
            } else {
                let (answers, exchange) = connector.plugin.deliver(&trace, work).await;
                (
                    answers.map(|answers| answers.into_iter().map(Answer::Outcome).collect::<Vec<_>>()),
                    exchange,
                )
            }
        }
        .instrument(span)
        .await;
        pass(Point::AfterAnswer);
        let answers = match answers {
            Ok(answers) => Answers::Given(answers.into_iter()),
            Err(failed) => Answers::None(failed),
        };
        self.conclude(pieces, answers, Call { find, started, ended: self.shared.now() }, &exchange).await;
    }

    /// Decides by the answers what happens next, and records it.
    async fn conclude(
        &self,
        pieces: Vec<(Claimed, Permit)>,
        mut answers: Answers,
        call: Call,
        exchange: &Exchange,
    ) {
        let mut settles = Vec::with_capacity(pieces.len());
        for (piece, permit) in pieces {
            let settle = self.judge(&piece, answers.next(), &call, permit.is_probe(), exchange);
            self.pace.ended(permit, &settle.settlement, call.ended);
            settles.push((piece, settle));
        }
        // The slots are free: the next claim can ride along with what is about to be recorded.
        self.wake.notify_one();
        let records = settles.into_iter().map(|(piece, settle)| self.record(piece, settle));
        futures::future::join_all(records).await;
    }

    fn judge(
        &self,
        piece: &Claimed,
        answer: Answer,
        call: &Call,
        probe: bool,
        exchange: &Exchange,
    ) -> Settle {
        let (outcome, message) = describe(&answer);
        let tried = piece.tried(call.find, probe);
        let settlement = settle(answer, &tried, &self.sink.policy, call.ended, self.shared.random());
        let attempt = Attempt {
            kind: if call.find { AttemptKind::Find } else { AttemptKind::Send },
            started: call.started,
            ended: call.ended,
            outcome: outcome.to_owned(),
            message,
            exchange: (!exchange.summary.is_empty()).then(|| exchange.summary.clone()),
        };
        Settle { delivery: piece.delivery, fence: piece.fence, settlement, attempt, now: call.ended }
    }

    async fn record(&self, piece: Claimed, settle: Settle) {
        pass(Point::BeforeSettle);
        let ended = settle.now;
        let leaves = leaves(&settle.settlement);
        let outcome = settle.attempt.outcome.clone();
        let reason = settle.settlement.reason.clone();
        let exception = matches!(settle.settlement.next, Next::Exception { .. });
        match self.shared.writer.settle(settle).await {
            Ok(settled) => {
                let released = i64::try_from(settled.released.len()).unwrap_or(0);
                self.load.add(if leaves { -1 } else { 0 });
                tracing::debug!(
                    delivery = piece.delivery,
                    outcome,
                    released,
                    trace = piece.trace,
                    "recorded"
                );
                if settled.paused {
                    tracing::error!(
                        connector = self.name,
                        "paused: the target does not accept the credentials"
                    );
                }
            }
            Err(error) => {
                // It stays claimed until its lease ends, and is then looked up.
                tracing::error!(delivery = piece.delivery, %error, "an outcome could not be recorded");
                return;
            }
        }
        metrics::counter!("crossdock_attempts_total", "connector" => self.name.clone(), "outcome" => outcome)
            .increment(1);
        if exception && let Some(problem) = reason {
            tracing::warn!(
                connector = self.name,
                delivery = piece.delivery,
                key = piece.key,
                code = problem.code,
                trace = piece.trace,
                "a person must decide: {}",
                problem.message
            );
        }
        if leaves && !exception {
            let latency = ended.since(piece.recorded_at).as_secs_f64();
            metrics::histogram!("crossdock_delivery_seconds", "connector" => self.name.clone())
                .record(latency);
        }
    }
}

struct Call {
    find: bool,
    started: Millis,
    ended: Millis,
}

/// Answers in the order of the work, or the one failure that all of them share.
enum Answers {
    Given(std::vec::IntoIter<Answer>),
    None(NoAnswer),
}

impl Answers {
    fn next(&mut self) -> Answer {
        let missing =
            || (Fault::BadAnswer, "the plugin gave fewer answers than it was given work".to_owned());
        let (fault, message) = match self {
            Self::Given(answers) => match answers.next() {
                Some(answer) => return answer,
                None => missing(),
            },
            Self::None(failed) => (failed.fault, failed.message.clone()),
        };
        Answer::Failed { fault, problem: Problem { code: "plugin-failed".into(), message, field: None } }
    }
}

/// True when the delivery is no longer this machine's to send.
fn leaves(settlement: &Settlement) -> bool {
    !matches!(settlement.next, Next::Retry { .. })
}

fn work(piece: &Claimed) -> Work {
    Work {
        key: piece.key.clone(),
        short_key: key::short(&piece.key),
        serial: piece.serial,
        attempt: piece.attempts.saturating_add(1),
        resume: piece.resume.clone(),
        event: piece.event.clone(),
        references: piece.references.clone(),
        parent_references: piece.parent_references.clone(),
    }
}

/// An answer for the record: one word, and what was said.
fn describe(answer: &Answer) -> (&'static str, String) {
    let said = |problem: &Problem| match &problem.field {
        Some(field) => format!("{}: {} ({field})", problem.code, problem.message),
        None => format!("{}: {}", problem.code, problem.message),
    };
    match answer {
        Answer::Outcome(outcome) => match outcome {
            Outcome::Posted(receipt) => ("posted", receipt.note.clone().unwrap_or_default()),
            Outcome::Received(receipt) => ("received", receipt.note.clone().unwrap_or_default()),
            Outcome::AlreadyThere(receipt) => ("already-there", receipt.note.clone().unwrap_or_default()),
            Outcome::Partial(progress) => ("partial", progress.resume.clone()),
            Outcome::NotYet(entity) => ("not-yet", entity.to_string()),
            Outcome::Ignored(why) => ("ignored", why.clone()),
            Outcome::Stale(why) => ("stale", why.clone()),
            Outcome::Unavailable(problem) => ("unavailable", said(problem)),
            Outcome::Throttled(throttle) => ("throttled", throttle.message.clone()),
            Outcome::Unauthorized(problem) => ("unauthorized", said(problem)),
            Outcome::Rejected(problem) => ("rejected", said(problem)),
            Outcome::Unknown(problem) => ("unknown", said(problem)),
        },
        Answer::Found(found) => match found {
            Found::Absent => ("absent", String::new()),
            Found::Pending => ("pending", String::new()),
            Found::Partial(progress) => ("partial", progress.resume.clone()),
            Found::Present(receipt) => ("present", receipt.note.clone().unwrap_or_default()),
            Found::Duplicated(references) => ("duplicated", format!("{} of them", references.len())),
            Found::Failed(_) => ("find-failed", "the target could not be asked".into()),
        },
        Answer::Failed { fault, problem } => {
            let word = match fault {
                Fault::Trap => "trap",
                Fault::Deadline => "deadline",
                Fault::BadAnswer => "bad-answer",
                Fault::Lost => "lost",
            };
            (word, problem.message.clone())
        }
    }
}
