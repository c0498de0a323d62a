//! One call into a sink plugin, from the claimed deliveries to their recorded outcomes.

use crossdock_model::connector::{Found, Outcome, Problem, Unmapped, Work};
use crossdock_model::time::Millis;
use crossdock_rules::breaker::Permit;
use crossdock_rules::key;
use crossdock_rules::lookup::{First, Keys, first};
use crossdock_rules::outcome::{Answer, Fault, Next, Settlement, settle};
use crossdock_storage::{Attempt, AttemptKind, Claimed, Error, Handed, Settle, SettleAll, Settled};
use tracing::Instrument;

use super::Dispatch;
use crate::connector::{Connector, Sink};
use crate::faults::{Point, pass};
use crate::plugins::{Exchange, NoAnswer};

impl Dispatch {
    /// Calls the plugin for a chunk: `find` for what may have been sent, `deliver` for the rest. What may have
    /// been sent to a target that can tell nothing is a person's decision.
    /// All of it is done with the version of the connector that it began with.
    pub(super) async fn attempt(&self, connector: &Connector, claimed: Vec<Claimed>, permits: Vec<Permit>) {
        let Some(sink) = &connector.sink else { return };
        let (mut send, mut look, mut decide) = (Vec::new(), Vec::new(), Vec::new());
        for (piece, permit) in claimed.into_iter().zip(permits) {
            match self.first(&piece, sink) {
                First::Send => send.push((piece, permit)),
                First::Find => look.push((piece, permit)),
                First::Person => decide.push((piece, permit)),
            }
        }
        for (pieces, find) in [(look, true), (send, false)] {
            if !pieces.is_empty() {
                self.call(connector, sink, pieces, find).await;
            }
        }
        if !decide.is_empty() {
            let message = "it may have been sent, and the target can neither be searched nor honours keys";
            let answers = Answers::None(NoAnswer { fault: Fault::Lost, message: message.into() });
            let now = self.shared.now();
            self.conclude(
                decide,
                answers,
                Call { sink, find: false, started: now, ended: now, span: tracing::Span::current() },
                Exchange::default(),
            )
            .await;
        }
    }

    /// What has to come before the piece is sent.
    fn first(&self, piece: &Claimed, sink: &Sink) -> First {
        let keys = sink.policy.keys;
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

    async fn call(&self, connector: &Connector, sink: &Sink, pieces: Vec<(Claimed, Permit)>, find: bool) {
        let work: Vec<Work> = pieces.iter().map(|(piece, _)| work(piece)).collect();
        let trace = pieces.first().map(|(piece, _)| piece.trace.clone()).unwrap_or_default();
        let span = tracing::info_span!("attempt", connector = self.name, find, pieces = work.len());
        let _turn = if find { None } else { self.shared.connectors.turn(&self.name).await };
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
        .instrument(span.clone())
        .await;
        pass(Point::AfterAnswer);
        let answers = match answers {
            Ok(answers) => Answers::Given(answers.into_iter()),
            Err(failed) => Answers::None(failed),
        };
        let call = Call { sink, find, started, ended: self.shared.now(), span };
        self.conclude(pieces, answers, call, exchange).await;
    }

    /// Decides by the answers what happens next, and records it.
    async fn conclude(
        &self,
        pieces: Vec<(Claimed, Permit)>,
        mut answers: Answers,
        call: Call<'_>,
        exchange: Exchange,
    ) {
        let mut settles = Vec::with_capacity(pieces.len());
        for (piece, permit) in pieces {
            let settle = self.judge(&piece, answers.next(), &call, permit.is_probe(), &exchange);
            self.pace.ended(permit, &settle.settlement, call.ended);
            settles.push((piece, settle));
        }
        // The slots are free: the next claim can ride along with what is about to be recorded.
        self.wake.notify_one();
        let Exchange { files, numbers, .. } = exchange;
        let handed = Handed { connector: self.name.clone(), files, numbers, now: call.ended };
        if handed.is_empty() {
            let records = settles.into_iter().map(|(piece, settle)| self.record(piece, settle, &call));
            futures::future::join_all(records).await;
        } else {
            self.record_all(settles, handed, &call).await;
        }
    }

    fn judge(
        &self,
        piece: &Claimed,
        answer: Answer,
        call: &Call<'_>,
        probe: bool,
        exchange: &Exchange,
    ) -> Settle {
        let (outcome, message) = describe(&answer);
        let tried = piece.tried(call.find, probe);
        let settlement = settle(answer, &tried, &call.sink.policy, call.ended, self.shared.random());
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

    async fn record(&self, piece: Claimed, settle: Settle, call: &Call<'_>) {
        pass(Point::BeforeSettle);
        let told = Told::of(&settle);
        let settled = self.shared.writer.settle(settle).await;
        call.piece(&piece).in_scope(|| self.recorded(&piece, &told, settled.as_ref()));
    }

    /// Records what came of a call together with what it handed over: all of it, or nothing. A file that cannot be
    /// kept is the plugin's failure: whatever it answered beside it does not count.
    async fn record_all(&self, settles: Vec<(Claimed, Settle)>, handed: Handed, call: &Call<'_>) {
        pass(Point::BeforeSettle);
        let told: Vec<Told> = settles.iter().map(|(_, settle)| Told::of(settle)).collect();
        let (pieces, settles): (Vec<_>, Vec<_>) = settles.into_iter().unzip();
        let all = self.shared.writer.settle_all(SettleAll { settles, handed }).await;
        if let Err(error @ (Error::Taken { .. } | Error::Invalid { .. })) = &all {
            for piece in pieces {
                let failed = failed(Fault::BadAnswer, format!("what it handed over cannot be kept: {error}"));
                let settle = self.judge(&piece, failed, call, false, &Exchange::default());
                self.record(piece, settle, call).await;
            }
            return;
        }
        for (at, (piece, told)) in pieces.iter().zip(told).enumerate() {
            let settled = match &all {
                Ok(settled) => settled.get(at).map(Ok),
                Err(error) => Some(Err(error)),
            };
            if let Some(settled) = settled {
                call.piece(piece).in_scope(|| self.recorded(piece, &told, settled));
            }
        }
        self.shared.handed.notify_waiters();
    }

    /// Says what was recorded, and counts it.
    fn recorded(&self, piece: &Claimed, told: &Told, settled: Result<&Settled, &Error>) {
        let Told { ended, leaves, exception, outcome, reason } = told;
        let (leaves, exception) = (*leaves, *exception);
        match settled {
            Ok(settled) => {
                let released = i64::try_from(settled.released.len()).unwrap_or(0);
                self.load.add(if leaves { -1 } else { 0 });
                tracing::debug!(outcome, released, "recorded");
                if settled.paused {
                    tracing::error!(
                        connector = self.name,
                        "paused: the target does not accept the credentials"
                    );
                }
            }
            Err(error) => {
                // It stays claimed until its lease ends, and is then looked up.
                tracing::error!(%error, "an outcome could not be recorded");
                return;
            }
        }
        metrics::counter!("crossdock_attempts_total", "connector" => self.name.clone(), "outcome" => outcome.clone())
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

/// What is said of a settlement once it is recorded.
struct Told {
    ended: Millis,
    leaves: bool,
    exception: bool,
    outcome: String,
    reason: Option<Problem>,
}

impl Told {
    fn of(settle: &Settle) -> Self {
        Self {
            ended: settle.now,
            leaves: leaves(&settle.settlement),
            exception: matches!(settle.settlement.next, Next::Exception { .. }),
            outcome: settle.attempt.outcome.clone(),
            reason: settle.settlement.reason.clone(),
        }
    }
}

struct Call<'a> {
    sink: &'a Sink,
    find: bool,
    started: Millis,
    ended: Millis,
    /// What is logged of the call.
    span: tracing::Span,
}

impl Call<'_> {
    /// What is logged of one piece: a call may be for many orders, and each has a trace of its own.
    fn piece(&self, piece: &Claimed) -> tracing::Span {
        tracing::info_span!(
            parent: &self.span, "piece", delivery = piece.delivery, key = piece.key, trace = piece.trace
        )
    }
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
        failed(fault, message)
    }
}

/// A call without an answer of the contract.
fn failed(fault: Fault, message: String) -> Answer {
    Answer::Failed { fault, problem: Problem { code: "plugin-failed".into(), message, field: None } }
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

fn unmapped(missing: &[Unmapped]) -> String {
    let each: Vec<String> = missing.iter().map(|one| format!("{} {}", one.table, one.value)).collect();
    each.join(", ")
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
            Outcome::Unmapped(missing) => ("unmapped", unmapped(missing)),
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
