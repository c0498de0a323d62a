//! What a step makes of a state: commands for the engine, and effects at the target.

use std::sync::Arc;

use crossdock_engine::conformance::samples::problem;
use crossdock_engine::conformance::target::{Request, half, receipt};
use crossdock_engine::delivery::Delivery;
use crossdock_engine::memory::{CommitFault, Memory};
use crossdock_engine::{
    Admit, Applied, Attempt, AttemptKind, Claim, Command, Engine, MappingChange, PutMappings, Queries, Settle,
};
use crossdock_model::common::Reference;
use crossdock_model::connector::{Failure, Found, Outcome, Receipt, Throttle, Unmapped};
use crossdock_model::time::Millis;
use crossdock_rules::code;
use crossdock_rules::confirmation::MESSAGE;
use crossdock_rules::lane::{DeliveryState, Ending, Sent};
use crossdock_rules::lookup::{BeforeSending, Keys, next_call};
use crossdock_rules::outcome::{Answer, Fault, settle};

use crate::documents::document;
use crate::ready::ready;
use crate::step::{Fate, Reply, Step};
use crate::walker::Violation;
use crate::world::{Call, Late, Letter, SmallWorld, State, TICK};

/// The random number that makes every delay as long as its ceiling: a tick.
const LONGEST: u64 = u64::MAX;

/// More than there is of anything.
const ALL: u32 = 1000;

/// The table of mappings.
const TABLE: &str = "sku";

impl SmallWorld {
    /// Does one command.
    pub(crate) fn apply(
        &self,
        memory: &mut Memory,
        command: Command,
    ) -> Result<Applied, crossdock_engine::Error> {
        let database = Arc::new(std::mem::take(memory));
        let engine = Engine::new(Arc::clone(&database), self.setting.safeguards);
        let answers = ready(engine.apply(vec![command]));
        drop(engine);
        *memory = Arc::try_unwrap(database).unwrap_or_else(|shared| Memory::clone(&shared));
        answers?.pop().unwrap_or(Ok(Applied::Done))
    }

    /// Does one command that is never refused.
    fn must(&self, state: &mut State, command: Command) -> Result<Applied, Violation> {
        self.apply(&mut state.memory, command).map_err(|error| format!("a command was refused: {error}"))
    }

    /// What a step makes of a state.
    pub(crate) fn step(&self, state: &State, step: &Step) -> Result<State, Violation> {
        let mut next = state.clone();
        let now = next.now;
        match step {
            Step::Arrive(arrival) => {
                if std::mem::replace(&mut next.arrived[*arrival], true) {
                    next.redeliveries_left -= 1;
                }
                self.must(&mut next, self.admit(*arrival, now))?;
            }
            Step::ArriveUnheard(arrival) => {
                let memory = std::mem::take(&mut next.memory).failing_commit(1, CommitFault::AnswerLost);
                next.memory = memory;
                // A copy of what is known writes nothing, so that nothing can fail.
                let answer = self.apply(&mut next.memory, self.admit(*arrival, now));
                let memory = std::mem::take(&mut next.memory);
                if answer.is_ok() && !memory.awaits_failure() {
                    return Err("a commit that failed was taken for done".to_owned());
                }
                next.memory = memory.failing_commit(0, CommitFault::AnswerLost);
                self.crash(&mut next, &[])?;
            }
            Step::Claim { connector, limit } => self.claim(&mut next, *connector, *limit)?,
            Step::CarryOut(call) => {
                let call = &mut next.calls[*call];
                call.done = true;
                next.targets[call.connector].carry_out(&call.request)?;
            }
            Step::Answer(call, reply) => self.answer(&mut next, *call, *reply)?,
            Step::TakeEffect(late) => {
                let late = next.late.remove(*late);
                next.targets[late.connector].carry_out(&late.request)?;
            }
            Step::Sweep(fates) => {
                let (lost, calls) = next.calls.drain(..).partition(|call| call.claimed.lease_until <= now);
                next.calls = calls;
                let spent = u8::try_from(fates.len()).unwrap_or(u8::MAX);
                next.wrong_answers_left = next.wrong_answers_left.saturating_sub(spent);
                self.lose(&mut next, lost, fates)?;
                self.must(&mut next, Command::Expire { now, limit: ALL })?;
            }
            Step::Overdue(connector) => {
                let connector = self.connectors[*connector].name.to_owned();
                let wait_limit = self.policy.parent_wait_limit;
                self.must(&mut next, Command::Overdue { connector, now, wait_limit, limit: ALL })?;
            }
            Step::Tick => next.now = now.plus(TICK),
            Step::Crash(fates) => self.crash(&mut next, fates)?,
            Step::Document(letter) => {
                let letter = next.letters.remove(*letter);
                let events = vec![document(self.connectors[letter.connector].name, &letter)];
                let admit = Admit { events, now, ..Admit::default() };
                self.must(&mut next, Command::Admit(admit))?;
            }
            _ => self.person(&mut next, step)?,
        }
        if let Step::Arrive(arrival) | Step::ArriveUnheard(arrival) = step {
            next.echo_is_stored |= self.echoes.contains(&self.arrivals[*arrival].new.incoming.key);
        }
        next.counts_as_news |= is_echo_in_doubt(&next);
        Ok(next)
    }

    fn admit(&self, arrival: usize, now: Millis) -> Command {
        Command::Admit(Admit { events: vec![self.arrivals[arrival].new.clone()], now, ..Admit::default() })
    }

    fn claim(&self, state: &mut State, connector: usize, limit: u32) -> Result<(), Violation> {
        let (name, now) = (self.connectors[connector].name, state.now);
        let claim =
            Claim { connector: name.to_owned(), limit, now, lease: self.lease(), keys: self.setting.keys };
        let Applied::Claimed(claimed) = self.must(state, Command::Claim(claim))? else {
            return Err("a claim was answered with something else".to_owned());
        };
        for claimed in claimed {
            let request = Arc::new(Request::of(&claimed));
            let order = self.order(&claimed.lane);
            state.requests.insert(claimed.delivery, Arc::clone(&request));
            state.letters.retain(|letter| letter.request.key != request.key);
            let next = next_call(claimed.sent, claimed.look_up, self.policy.keys, self.policy.safeguards);
            let find = next == BeforeSending::Find;
            let call = Call {
                connector,
                order,
                claimed: Arc::new(claimed),
                request,
                find,
                started: now,
                done: false,
            };
            if next == BeforeSending::Person {
                let fault = Fault::Lost;
                let answer =
                    Answer::Failed { fault, problem: problem("plugin-failed", "it may have been sent") };
                self.settle(state, &call, answer)?;
                continue;
            }
            if !find {
                if self.echoes.contains(&call.request.key) && !state.counts_as_news {
                    return Err(format!("{} is an echo, and was sent on", call.request.key));
                }
                state.targets[connector].note_sent(&call.request)?;
            }
            state.calls.push(call);
        }
        Ok(())
    }

    /// A call is answered, and the answer recorded.
    fn answer(&self, state: &mut State, at: usize, reply: Reply) -> Result<(), Violation> {
        let call = state.calls.remove(at);
        if reply != Reply::Truth {
            state.wrong_answers_left -= 1;
        }
        if let Reply::Unmapped { mapped_meanwhile: true } = reply {
            self.put_mapping(state, call.connector, &call.request.key)?;
        }
        let answer = match call.find {
            true => self.find_reply(state, &call, reply),
            false => self.send_reply(state, &call, reply)?,
        };
        self.settle(state, &call, answer)
    }

    fn find_reply(&self, state: &mut State, call: &Call, reply: Reply) -> Answer {
        let failed = |failure| Answer::Found(Found::Failed(failure));
        match reply {
            Reply::Unavailable => failed(Failure::Unavailable(problem("down", "it is down"))),
            Reply::Throttled => failed(Failure::Throttled(busy())),
            Reply::Unauthorized => failed(Failure::Unauthorized(problem("401", "it does not let us in"))),
            Reply::Rejected => failed(Failure::Rejected(problem("refuses", "it refuses"))),
            Reply::Pending => Answer::Found(Found::Pending),
            Reply::Trap(_) => failed_call(Fault::Trap),
            _ => {
                let target = &mut state.targets[call.connector];
                target.note_certain(&call.request);
                Answer::Found(match target.find(&call.request) {
                    Found::Present(_) => Found::Present(self.receipt(call)),
                    found => found,
                })
            }
        }
    }

    fn send_reply(&self, state: &mut State, call: &Call, reply: Reply) -> Result<Answer, Violation> {
        let request = &call.request;
        let answers_for_good = matches!(reply, Reply::Received { .. } | Reply::Stale | Reply::Ignored);
        if self.setting.keys == Keys::Honoured && answers_for_good {
            // It knows the key from now on: the same request, coming late, gets this very answer.
            state.late.retain(|late| late.request.key != request.key);
        }
        let target = &mut state.targets[call.connector];
        let outcome = match reply {
            Reply::AlreadyThere => {
                target.carry_out(request)?;
                Outcome::AlreadyThere(receipt())
            }
            Reply::Received { booked } => {
                if booked {
                    target.carry_out(request)?;
                }
                state.letters.push(Letter {
                    connector: call.connector,
                    order: call.order,
                    request: Arc::clone(request),
                    booked,
                    number: state.documents,
                });
                state.documents += 1;
                Outcome::Received(Receipt { references: vec![message(&request.key)], ..receipt() })
            }
            Reply::Partial => {
                target.carry_out_in_part(request);
                Outcome::Partial(half())
            }
            Reply::NotYet => {
                let book = target.book(&request.order);
                book.denied |= book.state.is_some();
                Outcome::NotYet(self.missing(call))
            }
            Reply::Ignored => {
                target.book(&request.order).ignored = true;
                Outcome::Ignored("of no use here".to_owned())
            }
            Reply::Stale => {
                let book = target.book(&request.order);
                book.changed_there = true;
                // It is there, as somebody made it.
                book.state.get_or_insert((i64::MIN, false));
                Outcome::Stale("somebody changed it here".to_owned())
            }
            Reply::Unavailable => Outcome::Unavailable(problem("down", "it is down")),
            Reply::Throttled => Outcome::Throttled(busy()),
            Reply::Unauthorized => Outcome::Unauthorized(problem("401", "it does not let us in")),
            Reply::Rejected => Outcome::Rejected(problem("refuses", "it refuses")),
            Reply::Unmapped { .. } => {
                let missing = Unmapped { table: TABLE.to_owned(), value: value(&request.key) };
                Outcome::Unmapped(vec![missing])
            }
            Reply::Unknown(fate) => {
                self.meet(state, call, fate)?;
                Outcome::Unknown(problem("no-answer", "the connection broke"))
            }
            Reply::Trap(fate) | Reply::Deadline(fate) => {
                self.meet(state, call, fate)?;
                let trapped = matches!(reply, Reply::Trap(_));
                return Ok(failed_call(if trapped { Fault::Trap } else { Fault::Deadline }));
            }
            Reply::Truth | Reply::Pending if call.done => Outcome::Posted(self.receipt(call)),
            Reply::Truth | Reply::Pending => match target.deliver(request)? {
                Outcome::Posted(_) => Outcome::Posted(self.receipt(call)),
                Outcome::AlreadyThere(_) => Outcome::AlreadyThere(self.receipt(call)),
                outcome => outcome,
            },
        };
        Ok(Answer::Outcome(outcome))
    }

    /// What the target misses when it answers `not-yet`: the order, or of an order its customer.
    fn missing(&self, call: &Call) -> crossdock_model::common::Entity {
        let order = &call.request.order;
        let missing = match call.request.entity == *order && call.claimed.event.parent.is_none() {
            true => order.replace("/order/", "/customer/"),
            false => order.clone(),
        };
        missing.parse().expect("identities are made of a system, a tenant, a kind and an id")
    }

    /// What a system says once it has carried a request out.
    fn receipt(&self, call: &Call) -> Receipt {
        Receipt { written: self.writes.get(&call.request.key).cloned().into_iter().collect(), ..receipt() }
    }

    /// Nobody knows what became of a call, and this did.
    fn meet(&self, state: &mut State, call: &Call, fate: Fate) -> Result<(), Violation> {
        let target = &mut state.targets[call.connector];
        target.note_doubt(&call.request);
        match fate {
            Fate::Done => {
                if !call.done {
                    target.carry_out(&call.request)?;
                }
            }
            Fate::Never => {}
            Fate::Late => state.late.push(Late {
                connector: call.connector,
                order: call.order,
                request: Arc::clone(&call.request),
                until: state.now.plus(self.policy.max_inflight),
            }),
        }
        Ok(())
    }

    /// Calls that nobody waits for any more.
    fn lose(&self, state: &mut State, calls: Vec<Call>, fates: &[Fate]) -> Result<(), Violation> {
        for (call, fate) in calls.iter().zip(fates) {
            if !call.find {
                self.meet(state, call, *fate)?;
            }
        }
        Ok(())
    }

    fn settle(&self, state: &mut State, call: &Call, answer: Answer) -> Result<(), Violation> {
        let now = state.now;
        let context = call.claimed.call_context(call.find, false);
        let settlement = settle(answer, &context, &self.policy, now, LONGEST);
        let attempt = attempt(call, now);
        let (delivery, fence) = (call.claimed.delivery, call.claimed.fence);
        let settle = Settle { delivery, fence, settlement, attempt, now };
        match self.must(state, Command::Settle(Box::new(settle)))? {
            Applied::Settled(settled) => {
                state.paused[call.connector] |= settled.paused;
                Ok(())
            }
            _ => Err("a settlement was answered with something else".to_owned()),
        }
    }

    /// The host is killed, and another one opens the database.
    fn crash(&self, state: &mut State, fates: &[Fate]) -> Result<(), Violation> {
        state.kills_left -= 1;
        let calls = std::mem::take(&mut state.calls);
        self.lose(state, calls, fates)?;
        let now = state.now;
        self.must(state, Command::RecoverClaims { now, limit: ALL }).map(|_| ())
    }

    /// Whether a person has added what a delivery lacks.
    pub(crate) fn is_mapped(&self, state: &State, connector: usize, delivery: i64) -> bool {
        let name = self.connectors[connector].name;
        let value = value(&state.requests[&delivery].key);
        ready(state.memory.mapping(name, TABLE, &value)).expect("a database in memory").is_some()
    }

    fn put_mapping(&self, state: &mut State, connector: usize, key: &str) -> Result<(), Violation> {
        let change = MappingChange {
            connector: self.connectors[connector].name.to_owned(),
            table: TABLE.to_owned(),
            value: value(key),
            target: Some("mapped".to_owned()),
        };
        let (by, now) = ("person".to_owned(), state.now);
        let put = PutMappings { changes: vec![change], by, now, ..PutMappings::default() };
        self.must(state, Command::PutMappings(put)).map(|_| ())
    }

    /// What people do.
    fn person(&self, state: &mut State, step: &Step) -> Result<(), Violation> {
        let (by, now) = ("person".to_owned(), state.now);
        let command = match *step {
            Step::Retry(delivery) => {
                self.look(state, delivery);
                Command::Retry { delivery, by, now }
            }
            Step::Discard { delivery, orphan } => {
                if !self.look(state, delivery) {
                    self.give_up(state, delivery);
                    state.discards_left -= u8::from(!orphan);
                }
                Command::Discard { delivery, why: "given up".to_owned(), by, now }
            }
            Step::Map(delivery) => {
                let row = state.memory.deliveries().into_iter().find(|row| row.id == delivery);
                let connector = row.map_or(0, |row| self.connector(&row.connector));
                let key = state.requests[&delivery].key.clone();
                return self.put_mapping(state, connector, &key);
            }
            Step::Resume(connector) => {
                state.paused[connector] = false;
                Command::Resume { connector: self.connectors[connector].name.to_owned(), by, now }
            }
            Step::PausedByAnother(connector) => {
                state.wrong_answers_left -= 1;
                state.paused[connector] = true;
                let why = problem("401", "it does not let another order in");
                Command::Pause { connector: self.connectors[connector].name.to_owned(), why, by, now }
            }
            _ => return Ok(()),
        };
        self.must(state, command).map(|_| ())
    }

    /// A person who decides about an unknown outcome looks into the books. Answers whether it is there. Whoever retries
    /// what awaits an order has it sent without the order.
    fn look(&self, state: &mut State, delivery: i64) -> bool {
        let rows = state.memory.deliveries();
        let Some(row) = rows.iter().find(|row| row.id == delivery) else { return false };
        let connector = self.connector(&row.connector);
        if !row.reason_is(code::OUTCOME_UNKNOWN) {
            state.targets[connector].book(&row.lane).forced |= row.parent_is_missing();
            return false;
        }
        let request = Arc::clone(&state.requests[&delivery]);
        state.targets[connector].note_certain(&request);
        state.targets[connector].has_booked(&request)
    }

    fn give_up(&self, state: &mut State, delivery: i64) {
        let rows = state.memory.deliveries();
        if let Some(row) = rows.iter().find(|row| row.id == delivery) {
            let key = state.requests.get(&delivery).map(|request| request.key.clone());
            let key = key.filter(|_| !row.effect.is_snapshot());
            state.given_up.insert((self.order(&row.lane), key));
        }
    }
}

impl State {
    /// Whether the target has booked what a delivery is about.
    pub(crate) fn is_booked(&self, connector: usize, row: &crossdock_engine::delivery::Delivery) -> bool {
        self.requests.get(&row.id).is_some_and(|request| self.targets[connector].has_booked(request))
    }
}

/// A report does not wait for a person who has to look, or never looked, what became of a write.
fn is_echo_in_doubt(state: &State) -> bool {
    let is_persons =
        |row: &Delivery| row.state == DeliveryState::Exception || row.ending == Some(Ending::Discarded);
    let is_doubtful = |row: &Delivery| is_persons(row) && row.sent == Sent::Maybe;
    state.echo_is_stored && state.memory.deliveries().iter().any(is_doubtful)
}

/// The record of a call.
pub(crate) fn attempt(call: &Call, now: Millis) -> Attempt {
    Attempt {
        kind: if call.find { AttemptKind::Find } else { AttemptKind::Send },
        started: call.started,
        ended: now,
        outcome: "any".to_owned(),
        message: String::new(),
        exchange: None,
    }
}

fn failed_call(fault: Fault) -> Answer {
    Answer::Failed { fault, problem: problem("plugin-failed", "the plugin failed") }
}

fn busy() -> Throttle {
    Throttle { after_ms: None, message: "it is busy".to_owned() }
}

/// The name of a message that a target has received.
fn message(key: &str) -> Reference {
    Reference { kind: MESSAGE.to_owned(), id: key.to_owned(), number: None, lines: Vec::new() }
}

/// The value that a request needs and that is not mapped.
fn value(key: &str) -> String {
    key.replace('/', "-")
}
