//! The outcome table: what becomes of a delivery after a call was answered.
//!
//! A plugin answers with the contract's outcomes, and the host decides by them and by nothing else. Whether a request
//! may have been sent is never forgotten: an answer of "nothing was done" restores the send status from before the
//! call, not "no".

use std::time::Duration;

use crossdock_model::common::Reference;
use crossdock_model::connector::{
    Failure, Found, Outcome, Problem, Progress, Receipt, Throttle, Unmapped, Written,
};
use crossdock_model::time::Millis;

use crate::code;
use crate::lane::{Ending, Sent};
use crate::lookup::{AbsentAnswer, BeforeSending, Keys, before_sending, weigh_absent};
use crate::retry::Backoff;
use crate::safeguards::Safeguards;

/// The settings that hold for all deliveries of a connector.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How many attempts a delivery has before a person must decide.
    pub max_attempts: u32,
    /// How often a plugin may fail at one delivery before a person must decide.
    pub plugin_retries: u32,
    /// How long to wait between attempts.
    pub backoff: Backoff,
    /// The target's max-inflight: how long after it left a request can still take effect unseen.
    pub max_inflight: Duration,
    /// What the target offers against duplicates.
    pub keys: Keys,
    /// How long a delivery waits for its parent before a person must decide.
    pub parent_wait_limit: Duration,
    /// How long the target may take to confirm a message that it received.
    pub confirmation_limit: Duration,
    /// The longest delay that a throttling target can ask for; a longer one counts as a mistake and is cut to this.
    pub max_retry_after: Duration,
    /// Which safeguards are on.
    pub safeguards: Safeguards,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_attempts: 12,
            plugin_retries: 3,
            backoff: Backoff::default(),
            max_inflight: Duration::from_secs(60),
            keys: Keys::Find,
            parent_wait_limit: Duration::from_secs(24 * 3600),
            confirmation_limit: Duration::from_secs(24 * 3600),
            max_retry_after: Duration::from_secs(3600),
            safeguards: Safeguards::default(),
        }
    }
}

/// The call that was answered, and the history of its delivery before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallContext {
    /// True when the call was a `find`, false when it was a `deliver`.
    pub find: bool,
    /// How many attempts had been used up before the call.
    pub attempts: u32,
    /// How often the plugin had failed at this delivery before the call.
    pub failures: u32,
    /// How often the target had been asked with `find` since something was last sent.
    pub finds: u32,
    /// The last moment at which a request may have left before this call: see [`Settlement::sent_at`].
    pub sent_at: Millis,
    /// Whether the delivery had been sent, as recorded before the claim of this call.
    pub sent: Sent,
    /// The resume token the call was given.
    pub resume: Option<String>,
    /// Since when the delivery has been waiting for its parent. Absent when it has not waited.
    pub waiting_since: Option<Millis>,
    /// True when only `posted`, not `received`, releases the lane: the delivery's route demands so.
    pub until_posted: bool,
    /// True when the call was the circuit breaker's probe of a target that was down.
    pub probe: bool,
}

/// How a call failed without an outcome of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The plugin trapped or ran out of memory.
    Trap,
    /// The plugin took too long.
    Deadline,
    /// The plugin returned an answer that the contract does not allow.
    BadAnswer,
    /// The call did not take place, or nobody heard its answer: a restart, an expired lease, no instance to call. Not
    /// the plugin's fault.
    Lost,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The outcome of `deliver`.
    Outcome(Outcome),
    /// The result of `find`.
    Found(Found),
    /// There was no answer.
    Failed {
        /// How the call failed.
        fault: Fault,
        /// The failure, for a person.
        problem: Problem,
    },
}

/// What happens to the delivery next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// It is done.
    Settle(Ending),
    /// The target has it and will confirm it.
    Received {
        /// From when the confirmation is overdue.
        overdue_at: Millis,
        /// True when the lane is released: the next delivery may be sent.
        releases: bool,
    },
    /// It stays head of its lane and is due again.
    Retry {
        /// From when it is due.
        at: Millis,
        /// True when the target is asked with `find` first.
        find: bool,
    },
    /// It leaves the lane until its parent exists in the target.
    Wait {
        /// The identity of the parent.
        parent: String,
        /// When to try again even if the host does not learn of the parent: a person may create it in the target.
        retry_at: Millis,
    },
    /// A person must decide; meanwhile the lane is blocked, unless what is referred to is all that is missing.
    Exception {
        /// The reason, a stable code: the problem's own, or one of those in [`code`](mod@crate::code).
        code: String,
        /// What returns it to its lane by its arrival: the key of a mapping (see [`mapping_key`]), or the identity of an
        /// entity. Absent when only a person can.
        awaits: Option<String>,
    },
}

/// The key that a delivery with an unmapped value awaits.
#[must_use]
pub fn mapping_key(table: &str, value: &str) -> String {
    format!("mapping/{table}/{value}")
}

/// What an answer says about the availability of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It answered.
    Up,
    /// It is down or cannot be reached.
    Down,
    /// The answer does not say.
    Neither,
}

/// Everything that follows from an answer; recorded in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// What happens next.
    pub next: Next,
    /// Whether the delivery was sent, from now on.
    pub sent: Sent,
    /// The last moment at which a request may have left. Absent when this call does not change it.
    pub sent_at: Option<Millis>,
    /// True when the call counts as an attempt.
    pub uses_attempt: bool,
    /// True when the call counts as a failure of the plugin.
    pub plugin_failed: bool,
    /// Why the delivery did not succeed at once, for a person. Absent when it did.
    pub reason: Option<Problem>,
    /// The target's references for the entity, to be stored. Empty when it gave none.
    pub references: Vec<Reference>,
    /// The attribute values that the plugin wrote, to recognise their echo when a system reports them back. Empty when
    /// it wrote none.
    pub outbound_writes: Vec<Written>,
    /// The resume token for the next call. Absent keeps the previous one.
    pub resume: Option<String>,
    /// What is reported to the circuit breaker.
    pub breaker: Signal,
    /// True when the connector is to be paused until a person resumes it.
    pub pause: bool,
    /// How long the connector's rate limiter makes no calls. Absent when the limiter is not affected.
    pub slow: Option<Duration>,
}

/// Decides what becomes of a delivery after an answer. `now` is the moment of the answer; `random` any number, evenly
/// spread.
#[must_use]
pub fn settle(
    answer: Answer,
    context: &CallContext,
    policy: &Policy,
    now: Millis,
    random: u64,
) -> Settlement {
    let call = Call { context, policy, now, random };
    match answer {
        Answer::Outcome(outcome) => call.outcome(outcome),
        Answer::Found(found) => call.found(found),
        Answer::Failed { fault, problem } => call.fault(fault, problem),
    }
}

/// One call with everything that the decision about its answer needs.
struct Call<'a> {
    context: &'a CallContext,
    policy: &'a Policy,
    now: Millis,
    random: u64,
}

impl Call<'_> {
    /// The settlement that changes nothing but what happens next; the target answered.
    fn unchanged(&self, next: Next) -> Settlement {
        Settlement {
            next,
            sent: self.context.sent,
            sent_at: None,
            uses_attempt: false,
            plugin_failed: false,
            reason: None,
            references: Vec::new(),
            outbound_writes: Vec::new(),
            resume: None,
            breaker: Signal::Up,
            pause: false,
            slow: None,
        }
    }

    /// The target has the entity, completely or in part.
    fn present(&self, next: Next, references: Vec<Reference>) -> Settlement {
        Settlement { sent: Sent::Yes, references, ..self.unchanged(next) }
    }

    /// The target has the entity, and gave a receipt.
    fn with_receipt(&self, next: Next, receipt: Receipt) -> Settlement {
        Settlement { outbound_writes: receipt.written, ..self.present(next, receipt.references) }
    }

    fn outcome(&self, outcome: Outcome) -> Settlement {
        match outcome {
            Outcome::Posted(receipt) => self.with_receipt(Next::Settle(Ending::Posted), receipt),
            Outcome::AlreadyThere(receipt) => self.with_receipt(Next::Settle(Ending::AlreadyThere), receipt),
            Outcome::Received(receipt) => {
                let overdue_at = self.now.plus(self.policy.confirmation_limit);
                let releases = !self.context.until_posted;
                self.with_receipt(Next::Received { overdue_at, releases }, receipt)
            }
            Outcome::Partial(progress) => self.partial(progress.resume, progress.references),
            Outcome::NotYet(entity) => self.not_yet(entity.to_string()),
            Outcome::Ignored(why) => {
                let reason = Some(problem("ignored", why));
                // The plugin may have decided so without calling the target.
                let breaker = Signal::Neither;
                Settlement { reason, breaker, ..self.unchanged(Next::Settle(Ending::Ignored)) }
            }
            Outcome::Stale(why) => {
                let reason = Some(problem("stale", why));
                Settlement { reason, ..self.unchanged(Next::Settle(Ending::Stale)) }
            }
            Outcome::Unavailable(problem) => self.failure(Failure::Unavailable(problem)),
            Outcome::Throttled(throttle) => self.failure(Failure::Throttled(throttle)),
            Outcome::Unauthorized(problem) => self.failure(Failure::Unauthorized(problem)),
            Outcome::Rejected(problem) => self.failure(Failure::Rejected(problem)),
            Outcome::Unmapped(missing) => self.unmapped(&missing),
            Outcome::Unknown(problem) => self.unknown(problem, true),
        }
    }

    /// The operator's mapping tables lack values: the delivery is retried when a person adds them.
    fn unmapped(&self, missing: &[Unmapped]) -> Settlement {
        let listed: Vec<String> = missing.iter().map(|one| format!("{}: {}", one.table, one.value)).collect();
        let reason = Some(problem(code::UNMAPPED, format!("not mapped: {}", listed.join(", "))));
        // It awaits only the first: once that is mapped it is tried again, and reports what is still missing.
        let awaits = missing.first().map(|one| mapping_key(&one.table, &one.value));
        let next = Next::Exception { code: code::UNMAPPED.to_owned(), awaits };
        Settlement { reason, breaker: Signal::Neither, ..self.unchanged(next) }
    }

    fn found(&self, found: Found) -> Settlement {
        match found {
            Found::Present(receipt) => self.with_receipt(Next::Settle(Ending::Posted), receipt),
            Found::Partial(progress) => self.found_partial(progress),
            Found::Pending => {
                let at = self.after(self.context.finds);
                let reason = Some(problem("pending", "the target is still working on it"));
                Settlement { reason, ..self.unchanged(Next::Retry { at, find: true }) }
            }
            Found::Absent => self.absent(),
            Found::Duplicated(references) => {
                let reason = Some(problem(code::DUPLICATED, "the target has it more than once"));
                Settlement { reason, ..self.present(exception(code::DUPLICATED), references) }
            }
            Found::Failed(failure) => self.failure(failure),
        }
    }

    /// A part is done. Progress uses up no attempt; the same resume token again is not progress.
    fn partial(&self, resume: String, references: Vec<Reference>) -> Settlement {
        let stuck = !self.context.find && self.context.resume.as_deref() == Some(resume.as_str());
        let settlement = if stuck {
            let reason = Some(problem("no-progress", "the plugin reported the same step again"));
            Settlement { reason, ..self.retry(false) }
        } else {
            self.unchanged(Next::Retry { at: self.now, find: false })
        };
        Settlement { sent: Sent::Yes, references, resume: Some(resume), ..settlement }
    }

    fn not_yet(&self, parent: String) -> Settlement {
        let limit = self.context.waiting_since.unwrap_or(self.now).plus(self.policy.parent_wait_limit);
        let reason = Some(problem("not-yet", format!("not yet: {parent}")));
        let next = match (self.context.sent, self.weigh_missing()) {
            // An earlier request may still take effect: outside of its lane the delivery would be overtaken, and the
            // request would undo a newer state.
            (Sent::Maybe | Sent::Yes, AbsentAnswer::AskAgain(at)) => Next::Retry { at, find: false },
            // What it refers to may still come, and then releases it.
            _ if self.now >= limit => {
                Next::Exception { code: code::REFERENT_MISSING.to_owned(), awaits: Some(parent) }
            }
            _ => Next::Wait { parent, retry_at: self.now.plus(self.policy.backoff.cap).min(limit) },
        };
        Settlement { reason, breaker: Signal::Neither, ..self.unchanged(next) }
    }

    /// The next step may already be on its way: it is sent again once max-inflight has passed.
    fn found_partial(&self, progress: Progress) -> Settlement {
        let settlement = self.partial(progress.resume, progress.references);
        match self.weigh_missing() {
            AbsentAnswer::AskAgain(at) => {
                let reason =
                    Some(problem("not-visible-yet", "its next step may have been sent and may still appear"));
                Settlement { next: Next::Retry { at, find: true }, reason, ..settlement }
            }
            AbsentAnswer::Believed => settlement,
        }
    }

    /// Whether what the target does not show can still appear.
    fn weigh_missing(&self) -> AbsentAnswer {
        let Policy { max_inflight, backoff, safeguards, .. } = self.policy;
        let max_inflight = if safeguards.max_inflight() { *max_inflight } else { Duration::ZERO };
        weigh_absent(self.context.sent_at, max_inflight, self.now, backoff, self.context.finds, self.random)
    }

    /// "Absent" is believed after max-inflight; before, the target may just not show the entity yet.
    fn absent(&self) -> Settlement {
        match self.weigh_missing() {
            AbsentAnswer::AskAgain(at) => {
                let reason = Some(problem("not-visible-yet", "it may have been sent and may still appear"));
                Settlement { reason, ..self.unchanged(Next::Retry { at, find: true }) }
            }
            AbsentAnswer::Believed => {
                let next = if self.context.attempts >= self.policy.max_attempts {
                    exception(code::OUT_OF_ATTEMPTS)
                } else {
                    Next::Retry { at: self.now, find: false }
                };
                // The part that a resume token stands for surely arrived: it must not be withdrawn or replaced.
                let sent = if self.context.resume.is_some() { Sent::Yes } else { Sent::No };
                Settlement { sent, ..self.unchanged(next) }
            }
        }
    }

    /// The call failed without effect, or a `find` was not answered.
    fn failure(&self, failure: Failure) -> Settlement {
        let find = self.context.find;
        match failure {
            Failure::Unavailable(problem) => {
                Settlement { reason: Some(problem), breaker: Signal::Down, ..self.retry(find) }
            }
            Failure::Throttled(Throttle { after_ms, message }) => {
                let asked = after_ms.map_or(self.policy.backoff.base, Duration::from_millis);
                let wait = asked.min(self.policy.max_retry_after);
                let next = Next::Retry { at: self.now.plus(wait), find };
                let reason = Some(problem("throttled", message));
                Settlement { reason, slow: Some(wait), ..self.unchanged(next) }
            }
            Failure::Unauthorized(problem) => {
                let next = Next::Retry { at: self.now, find };
                Settlement { reason: Some(problem), pause: true, ..self.unchanged(next) }
            }
            Failure::Rejected(problem) => {
                let next = exception(&problem.code);
                Settlement { reason: Some(problem), ..self.unchanged(next) }
            }
        }
    }

    /// The call ended without an answer.
    fn fault(&self, fault: Fault, problem: Problem) -> Settlement {
        let plugin_failed = fault != Fault::Lost;
        if plugin_failed && self.context.failures >= self.policy.plugin_retries {
            let unknown = self.unknown(problem, false);
            return Settlement { next: exception(code::PLUGIN_FAILED), plugin_failed, ..unknown };
        }
        Settlement { plugin_failed, ..self.unknown(problem, false) }
    }

    /// The outcome is unknown: look it up, where the target can be asked.
    fn unknown(&self, problem: Problem, uses_attempt: bool) -> Settlement {
        let Policy { safeguards, keys, max_attempts, .. } = self.policy;
        let failed = self.context.attempts.max(self.context.failures);
        // A `find` changes nothing, so one without an answer leaves the send status as it was.
        let (sent, sent_at) = match self.context.find {
            true => (self.context.sent, None),
            false => (Sent::Maybe, Some(self.now)),
        };
        let first = match (self.context.find, before_sending(Sent::Maybe, *keys)) {
            (true, _) => BeforeSending::Find,
            (false, BeforeSending::Find | BeforeSending::Person) if !safeguards.find() => BeforeSending::Send,
            (false, first) => first,
        };
        let out = uses_attempt && self.context.attempts.saturating_add(1) >= *max_attempts;
        let next = match first {
            BeforeSending::Find if self.context.find => Next::Retry { at: self.after(failed), find: true },
            BeforeSending::Find => Next::Retry { at: self.after(0), find: true },
            BeforeSending::Person => exception(code::OUTCOME_UNKNOWN),
            BeforeSending::Send if out => exception(code::OUT_OF_ATTEMPTS),
            BeforeSending::Send => Next::Retry { at: self.after(failed), find: false },
        };
        Settlement {
            sent,
            sent_at,
            uses_attempt,
            reason: Some(problem),
            breaker: Signal::Neither,
            ..self.unchanged(next)
        }
    }

    /// The same call again after a backoff, as long as there are attempts left. The circuit breaker's probe of a target
    /// that was down uses up none: an outage must not exhaust the attempts of the delivery that probes it.
    fn retry(&self, find: bool) -> Settlement {
        let uses_attempt = !self.context.probe;
        let next = if uses_attempt && self.context.attempts.saturating_add(1) >= self.policy.max_attempts {
            exception(code::OUT_OF_ATTEMPTS)
        } else {
            Next::Retry { at: self.after(self.context.attempts), find }
        };
        Settlement { uses_attempt, ..self.unchanged(next) }
    }

    fn after(&self, failed: u32) -> Millis {
        self.now.plus(self.policy.backoff.delay(failed, self.random))
    }
}

fn exception(code: &str) -> Next {
    Next::Exception { code: code.to_owned(), awaits: None }
}

fn problem(code: &str, message: impl Into<String>) -> Problem {
    Problem { code: code.to_owned(), message: message.into(), field: None }
}

#[cfg(test)]
mod tests;
