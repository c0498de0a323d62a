//! What an answer leads to: the one table that decides what becomes of a delivery after a call.
//!
//! A plugin answers in the contract's outcomes and the host decides by them and by nothing else. Whether
//! something may have been sent is never forgotten: an answer of "nothing was done" puts it back to what
//! it was before the call, not to "no".

use std::time::Duration;

use crossdock_model::common::Reference;
use crossdock_model::connector::{Failure, Found, Outcome, Problem, Receipt, Throttle, Unmapped, Written};
use crossdock_model::time::Millis;

use crate::lane::{Ending, Sent};
use crate::lookup::{self, Absent, First, Keys};
use crate::retry::Backoff;
use crate::safeguards::Safeguards;

/// What is decided alike for all deliveries of a connector.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How many tries a delivery has before a person must decide.
    pub max_attempts: u32,
    /// How often a plugin may fail at one delivery before a person must decide.
    pub plugin_retries: u32,
    /// How long to wait between tries.
    pub backoff: Backoff,
    /// The target's max-inflight: so long after it left, a request cannot take effect unseen any more.
    pub max_inflight: Duration,
    /// What the target offers against doubles.
    pub keys: Keys,
    /// How long something waits for the entity it refers to.
    pub referent_limit: Duration,
    /// How long the target may take to confirm what it received.
    pub overdue: Duration,
    /// The longest patience that a target can ask for; what it asks beyond is taken for a mistake.
    pub max_patience: Duration,
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
            referent_limit: Duration::from_secs(24 * 3600),
            overdue: Duration::from_secs(24 * 3600),
            max_patience: Duration::from_secs(3600),
            safeguards: Safeguards::default(),
        }
    }
}

/// The call that was answered, and what came before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Try {
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
    /// Whether the target had been told, as it stood before the claim of this call.
    pub sent: Sent,
    /// The resume token the call was given.
    pub resume: Option<String>,
    /// Since when the delivery waits for a referent, if it has waited. Absent when it has not.
    pub waiting_since: Option<Millis>,
    /// True when only `posted`, not `received`, lets the next of the lane go: the delivery's route says so.
    pub holds_until_posted: bool,
    /// True when the call was the breaker's probe of a target that was down.
    pub probe: bool,
}

/// How a call failed without an answer of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The plugin trapped or ran out of memory.
    Trap,
    /// The plugin took too long.
    Deadline,
    /// The plugin answered something the contract does not allow.
    BadAnswer,
    /// The host was gone before the answer: a restart, or a lease that ran out. Not the plugin's fault.
    Lost,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// What `deliver` answered.
    Outcome(Outcome),
    /// What `find` answered.
    Found(Found),
    /// Nothing was answered.
    Failed {
        /// How.
        fault: Fault,
        /// The same for a person.
        problem: Problem,
    },
}

/// What happens to the delivery next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// It is done.
    Settle(Ending),
    /// The target has it and will confirm.
    Received {
        /// From when the confirmation is overdue.
        overdue_at: Millis,
        /// True when the next of the lane may go.
        releases: bool,
    },
    /// It stays head of its lane and is due at this moment.
    Retry {
        /// When.
        at: Millis,
        /// True when the target is asked first.
        find: bool,
    },
    /// It leaves the lane until this entity is there.
    Wait {
        /// The entity's identity.
        referent: String,
        /// When to try again even if the host did not hear of the entity: it may be made by hand.
        again: Millis,
    },
    /// A person must decide; the lane is blocked meanwhile.
    Exception {
        /// Why, a stable code: the problem's own, or one of those in [`code`].
        code: String,
        /// What puts it back into its line when it comes: see [`mapping`]. Absent when only a person can.
        waits_for: Option<String>,
    },
}

/// What a delivery waits for whose value is not mapped.
#[must_use]
pub fn mapping(table: &str, value: &str) -> String {
    format!("mapping/{table}/{value}")
}

/// What the answer says about the target being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It answered.
    Up,
    /// It is down or out of reach.
    Down,
    /// The answer does not tell.
    Neither,
}

/// Everything that an answer leads to; recorded in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// What happens next.
    pub next: Next,
    /// Whether the target has been told, from now on.
    pub sent: Sent,
    /// The last moment at which a request may have left, where this call moves it.
    pub sent_at: Option<Millis>,
    /// True when the call counts as an attempt.
    pub uses_attempt: bool,
    /// True when the call counts against the plugin's version.
    pub plugin_failed: bool,
    /// Why it did not simply work, for a person. Absent when it did.
    pub reason: Option<Problem>,
    /// What the target calls the entity, to be kept. Empty when it did not say.
    pub references: Vec<Reference>,
    /// What was set in the target and will come back as a change, to be known by that. Empty when nothing is.
    pub written: Vec<Written>,
    /// The resume token for the next try. Absent leaves the one there is.
    pub resume: Option<String>,
    /// What the breaker learns.
    pub breaker: Signal,
    /// True when the connector is to be paused until a person looks.
    pub pause: bool,
    /// How long the connector's limiter waits. Absent leaves the limiter alone.
    pub slow: Option<Duration>,
}

/// The codes of exceptions that the host itself raises.
pub mod code {
    /// All attempts are used up.
    pub const OUT_OF_ATTEMPTS: &str = "out-of-attempts";
    /// It may have been sent, and the target cannot tell.
    pub const OUTCOME_UNKNOWN: &str = "outcome-unknown";
    /// The target has it more than once.
    pub const DUPLICATED: &str = "duplicated";
    /// The entity it refers to did not appear in time.
    pub const REFERENT_MISSING: &str = "referent-missing";
    /// The operator's tables lack a value.
    pub const UNMAPPED: &str = "unmapped";
    /// The plugin failed at it again and again.
    pub const PLUGIN_FAILED: &str = "plugin-failed";
    /// The target received it and did not confirm it in time.
    pub const OVERDUE: &str = "overdue";
    /// The target received it, and then refused it.
    pub const REFUSED: &str = "refused";
    /// The target received it, and booked it without some of its lines.
    pub const LINES_REJECTED: &str = "lines-rejected";
    /// The store's day was closed before it came.
    pub const DAY_CLOSED: &str = "day-closed";
}

/// Decides what an answer leads to. `now` is the moment of the answer; `random` any number, evenly spread.
#[must_use]
pub fn settle(answer: Answer, tried: &Try, policy: &Policy, now: Millis, random: u64) -> Settlement {
    let call = Call { tried, policy, now, random };
    match answer {
        Answer::Outcome(outcome) => call.outcome(outcome),
        Answer::Found(found) => call.found(found),
        Answer::Failed { fault, problem } => call.fault(fault, problem),
    }
}

/// One call with all that its answer is judged by.
struct Call<'a> {
    tried: &'a Try,
    policy: &'a Policy,
    now: Millis,
    random: u64,
}

impl Call<'_> {
    /// An answer of the target after which the delivery stands as it stood before the call.
    fn unchanged(&self, next: Next) -> Settlement {
        Settlement {
            next,
            sent: self.tried.sent,
            sent_at: None,
            uses_attempt: false,
            plugin_failed: false,
            reason: None,
            references: Vec::new(),
            written: Vec::new(),
            resume: None,
            breaker: Signal::Up,
            pause: false,
            slow: None,
        }
    }

    /// The target has it, all or in part.
    fn there(&self, next: Next, references: Vec<Reference>) -> Settlement {
        Settlement { sent: Sent::Yes, references, ..self.unchanged(next) }
    }

    /// The target has it, and said what it made of it.
    fn receipted(&self, next: Next, receipt: Receipt) -> Settlement {
        Settlement { written: receipt.written, ..self.there(next, receipt.references) }
    }

    fn outcome(&self, outcome: Outcome) -> Settlement {
        match outcome {
            Outcome::Posted(receipt) => self.receipted(Next::Settle(Ending::Posted), receipt),
            Outcome::AlreadyThere(receipt) => self.receipted(Next::Settle(Ending::AlreadyThere), receipt),
            Outcome::Received(receipt) => {
                let overdue_at = self.now.plus(self.policy.overdue);
                let releases = !self.tried.holds_until_posted;
                self.receipted(Next::Received { overdue_at, releases }, receipt)
            }
            Outcome::Partial(progress) => self.partial(progress.resume, progress.references),
            Outcome::NotYet(entity) => self.not_yet(entity.to_string()),
            Outcome::Ignored(why) => {
                let reason = Some(problem("ignored", why));
                // The plugin may well have decided so by itself.
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
            Outcome::Unknown(problem) => self.in_doubt(problem, true),
        }
    }

    /// The operator's tables lack values: a person adds them, and it goes on.
    fn unmapped(&self, missing: &[Unmapped]) -> Settlement {
        let named: Vec<String> = missing.iter().map(|one| format!("{}: {}", one.table, one.value)).collect();
        let reason = Some(problem(code::UNMAPPED, format!("not mapped: {}", named.join(", "))));
        // One after the other: with the first of them it is tried again, and says what is still missing.
        let waits_for = missing.first().map(|one| mapping(&one.table, &one.value));
        let next = Next::Exception { code: code::UNMAPPED.to_owned(), waits_for };
        Settlement { reason, breaker: Signal::Neither, ..self.unchanged(next) }
    }

    fn found(&self, found: Found) -> Settlement {
        match found {
            Found::Present(receipt) => self.receipted(Next::Settle(Ending::Posted), receipt),
            Found::Partial(progress) => self.partial(progress.resume, progress.references),
            Found::Pending => {
                let at = self.after(self.tried.finds);
                let reason = Some(problem("pending", "the target is still working on it"));
                Settlement { reason, ..self.unchanged(Next::Retry { at, find: true }) }
            }
            Found::Absent => self.absent(),
            Found::Duplicated(references) => {
                let reason = Some(problem(code::DUPLICATED, "the target has it more than once"));
                Settlement { reason, ..self.there(exception(code::DUPLICATED), references) }
            }
            Found::Failed(failure) => self.failure(failure),
        }
    }

    /// A part is done. A step forward is free; the same token again is no step.
    fn partial(&self, resume: String, references: Vec<Reference>) -> Settlement {
        let stuck = !self.tried.find && self.tried.resume.as_deref() == Some(resume.as_str());
        let settlement = if stuck {
            let reason = Some(problem("no-progress", "the plugin reported the same step again"));
            Settlement { reason, ..self.again(false) }
        } else {
            self.unchanged(Next::Retry { at: self.now, find: false })
        };
        Settlement { sent: Sent::Yes, references, resume: Some(resume), ..settlement }
    }

    fn not_yet(&self, referent: String) -> Settlement {
        let limit = self.tried.waiting_since.unwrap_or(self.now).plus(self.policy.referent_limit);
        let reason = Some(problem("not-yet", format!("not yet: {referent}")));
        if self.now >= limit {
            let breaker = Signal::Neither;
            return Settlement { reason, breaker, ..self.unchanged(exception(code::REFERENT_MISSING)) };
        }
        let again = self.now.plus(self.policy.backoff.cap).min(limit);
        let breaker = Signal::Neither;
        Settlement { reason, breaker, ..self.unchanged(Next::Wait { referent, again }) }
    }

    /// "Absent" is true after max-inflight; before, the target may just not show it yet.
    fn absent(&self) -> Settlement {
        let Policy { max_inflight, backoff, .. } = self.policy;
        match lookup::absent(
            self.tried.sent_at,
            *max_inflight,
            self.now,
            backoff,
            self.tried.finds,
            self.random,
        ) {
            Absent::AskAgain(at) => {
                let reason = Some(problem("not-visible-yet", "it may have been sent and may still appear"));
                Settlement { reason, ..self.unchanged(Next::Retry { at, find: true }) }
            }
            Absent::Believed => {
                let next = if self.tried.attempts >= self.policy.max_attempts {
                    exception(code::OUT_OF_ATTEMPTS)
                } else {
                    Next::Retry { at: self.now, find: false }
                };
                // What a resume token stands for was surely there once: that is not to be undone or replaced.
                let sent = if self.tried.resume.is_some() { Sent::Yes } else { Sent::No };
                Settlement { sent, ..self.unchanged(next) }
            }
        }
    }

    /// The question was not answered, and the call changed nothing.
    fn failure(&self, failure: Failure) -> Settlement {
        let find = self.tried.find;
        match failure {
            Failure::Unavailable(problem) => {
                Settlement { reason: Some(problem), breaker: Signal::Down, ..self.again(find) }
            }
            Failure::Throttled(Throttle { after_ms, message }) => {
                let asked = after_ms.map_or(self.policy.backoff.base, Duration::from_millis);
                let wait = asked.min(self.policy.max_patience);
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
        if plugin_failed && self.tried.failures >= self.policy.plugin_retries {
            let doubt = self.in_doubt(problem, false);
            return Settlement { next: exception(code::PLUGIN_FAILED), plugin_failed, ..doubt };
        }
        Settlement { plugin_failed, ..self.in_doubt(problem, false) }
    }

    /// It may or may not have been done: ask, where the target can be asked.
    fn in_doubt(&self, problem: Problem, uses_attempt: bool) -> Settlement {
        let Policy { safeguards, keys, max_attempts, .. } = self.policy;
        let tired = self.tried.attempts.max(self.tried.failures);
        // A question changes nothing, so one without an answer leaves the doubt there was.
        let (sent, sent_at) = match self.tried.find {
            true => (self.tried.sent, None),
            false => (Sent::Maybe, Some(self.now)),
        };
        let first = match (self.tried.find, lookup::first(Sent::Maybe, *keys)) {
            (true, _) => First::Find,
            (false, First::Find | First::Person) if !safeguards.find() => First::Send,
            (false, first) => first,
        };
        let out = uses_attempt && self.tried.attempts.saturating_add(1) >= *max_attempts;
        let next = match first {
            First::Find if self.tried.find => Next::Retry { at: self.after(tired), find: true },
            First::Find => Next::Retry { at: self.after(0), find: true },
            First::Person => exception(code::OUTCOME_UNKNOWN),
            First::Send if out => exception(code::OUT_OF_ATTEMPTS),
            First::Send => Next::Retry { at: self.after(tired), find: false },
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

    /// The same call again after a while, as long as there are attempts left. The breaker's probe of a
    /// target that was down is free: an outage must not use up the attempts of whatever probes it.
    fn again(&self, find: bool) -> Settlement {
        let uses_attempt = !self.tried.probe;
        let next = if uses_attempt && self.tried.attempts.saturating_add(1) >= self.policy.max_attempts {
            exception(code::OUT_OF_ATTEMPTS)
        } else {
            Next::Retry { at: self.after(self.tried.attempts), find }
        };
        Settlement { uses_attempt, ..self.unchanged(next) }
    }

    fn after(&self, failed: u32) -> Millis {
        self.now.plus(self.policy.backoff.delay(failed, self.random))
    }
}

fn exception(code: &str) -> Next {
    Next::Exception { code: code.to_owned(), waits_for: None }
}

fn problem(code: &str, message: impl Into<String>) -> Problem {
    Problem { code: code.to_owned(), message: message.into(), field: None }
}

#[cfg(test)]
mod tests;
