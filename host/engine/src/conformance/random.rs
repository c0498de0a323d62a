//! Hundreds of orders at once, any commands in any groups, any answers, crashes in between: lanes stay in order, nothing
//! is sent twice, and in the end the books of the targets are as the sources reported.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossdock_model::connector::{Failure, Found, Outcome, Receipt, Throttle, Unmapped};
use crossdock_model::time::Millis;
use crossdock_rules::code;
use crossdock_rules::lookup::{BeforeSending, Keys, next_call};
use crossdock_rules::outcome::{Answer, Fault, Policy, mapping_key, settle};
use crossdock_rules::retry::Backoff;
use crossdock_rules::safeguards::Safeguards;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::deck::{Card, Deck, SHOP};
use super::lane_rows::{Lanes, check_lanes, lanes};
use super::samples::*;
use super::target::{Content, Request, Target, Violation, half, receipt};
use crate::view::DeliveryRow;
use crate::{
    Admit, Applied, Attempt, AttemptKind, Claim, Claimed, Command, Error, MappingChange, PutMappings, Settle,
    Store,
};

/// The orders of the suite's test.
const ORDERS: u32 = 300;
const SEED: u64 = 20_261_123;
/// The sinks, in the order of their targets.
const SINKS: [&str; 2] = [ERP, SHOP];
const LEASE: Duration = Duration::from_secs(60);
const ALL: u32 = 10_000;
/// After so many seconds a report counts as news though the write that it may echo is not resolved.
const LONGEST_WAIT_FOR_A_WRITE: i64 = 90;
/// After so many rounds everything has come to rest, or it never does.
const ROUNDS: usize = 400;

/// A call that has not been answered.
struct Call {
    sink: usize,
    claimed: Claimed,
    request: Request,
    find: bool,
    started: Millis,
}

/// What the answer to a command means to the game.
enum Then {
    Nothing,
    /// A person may come too late.
    Maybe,
    Claimed(usize),
    Settled(usize),
    Fenced,
}

/// The game: what the test itself knows.
struct Game {
    store: Store,
    dice: SmallRng,
    policy: Policy,
    clock: i64,
    deck: Deck,
    targets: [Target; 2],
    calls: BTreeMap<i64, Call>,
    /// Claims that were lost: delivery and fence.
    lost: Vec<(i64, i64)>,
    /// Requests that take effect before a moment, though nobody waits for them.
    late: Vec<(i64, usize, Request)>,
    paused: BTreeSet<usize>,
    /// Exceptions as they were when the lanes were last looked at.
    exceptions: Vec<DeliveryRow>,
    requests: BTreeMap<i64, Request>,
    /// The values that a person has mapped.
    mapped: BTreeSet<String>,
    /// When each event arrived first, by its key.
    arrived: BTreeMap<String, i64>,
}

/// Any commands leave lanes in order and books right.
pub async fn any_commands_leave_lanes_in_order(store: Store) {
    if let Err(violation) = play(store, Safeguards::default(), ORDERS, SEED).await {
        panic!("{violation}");
    }
}

/// Plays with so many orders.
///
/// # Errors
/// When something happens that must never happen.
pub async fn play(store: Store, safeguards: Safeguards, orders: u32, seed: u64) -> Result<(), Violation> {
    let mut dice = SmallRng::seed_from_u64(seed);
    let deck = Deck::of(orders, &mut dice);
    let policy = Policy {
        max_attempts: 4,
        plugin_retries: 2,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(60) },
        max_inflight: Duration::from_secs(60),
        keys: Keys::Find,
        parent_wait_limit: Duration::from_secs(600),
        confirmation_limit: Duration::from_secs(300),
        safeguards,
        ..Policy::default()
    };
    let targets = [Target::new(Keys::Find), Target::new(Keys::Find)];
    let mut game = Game {
        store,
        dice,
        policy,
        clock: 100,
        deck,
        targets,
        calls: BTreeMap::new(),
        lost: Vec::new(),
        late: Vec::new(),
        paused: BTreeSet::new(),
        exceptions: Vec::new(),
        requests: BTreeMap::new(),
        mapped: BTreeSet::new(),
        arrived: BTreeMap::new(),
    };
    while !game.deck.is_empty() {
        for _ in 0..20 {
            game.group().await?;
        }
        game.look().await?;
        if game.deck_waits() {
            break;
        }
    }
    game.drain().await
}

impl Game {
    fn now(&self) -> Millis {
        t(self.clock)
    }

    /// Time passes; what still takes effect does so before it is too late.
    fn pass(&mut self, seconds: i64) -> Result<(), Violation> {
        let then = self.clock + seconds;
        let (due, late): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late).into_iter().partition(|(until, ..)| *until <= then);
        self.late = late;
        for (_, sink, request) in due {
            self.targets[sink].carry_out(&request)?;
        }
        self.clock = then;
        Ok(())
    }

    /// A group of commands is made before any of it is done.
    async fn group(&mut self) -> Result<(), Violation> {
        let seconds = self.dice.random_range(0..10);
        self.pass(seconds)?;
        if self.dice.random_range(0..60) == 0 {
            return self.crash().await;
        }
        let mut group = Vec::new();
        for _ in 0..self.dice.random_range(1..8) {
            group.extend(self.draw()?);
        }
        self.apply(group).await
    }

    async fn apply(&mut self, group: Vec<(Command, Then)>) -> Result<(), Violation> {
        let (commands, thens): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let answers = self.store.apply(commands).await.map_err(|error| error.to_string())?;
        for (answer, then) in answers.into_iter().zip(thens) {
            self.see(answer, then)?;
        }
        Ok(())
    }

    fn see(&mut self, answer: Result<Applied, Error>, then: Then) -> Result<(), Violation> {
        match (answer, then) {
            (Ok(Applied::Claimed(claimed)), Then::Claimed(sink)) => {
                claimed.into_iter().try_for_each(|claimed| self.begin(sink, claimed))
            }
            (Ok(Applied::Settled(settled)), Then::Settled(sink)) => {
                if settled.paused {
                    self.paused.insert(sink);
                }
                Ok(())
            }
            (Err(Error::Fenced { .. }), Then::Fenced) => Ok(()),
            (Ok(_), Then::Fenced) => Err("a delivery was settled by an old claim".to_owned()),
            (Ok(_), _) | (Err(Error::WrongState { .. } | Error::Unknown { .. }), Then::Maybe) => Ok(()),
            (Err(error), _) => Err(format!("a command was refused: {error}")),
        }
    }

    /// A call begins.
    fn begin(&mut self, sink: usize, claimed: Claimed) -> Result<(), Violation> {
        let request = Request::of(&claimed);
        let is_same_lane = |call: &&Call| call.sink == sink && call.claimed.lane == claimed.lane;
        if let Some(other) = self.calls.values().find(is_same_lane) {
            return Err(format!("{} and {} are in flight in one lane", other.request.key, request.key));
        }
        let next = next_call(claimed.sent, claimed.look_up, self.policy.keys, self.policy.safeguards);
        let find = next == BeforeSending::Find;
        if !find {
            self.note_echo(&request)?;
            self.targets[sink].note_sent(&request)?;
        }
        let started = self.now();
        self.requests.insert(claimed.delivery, request.clone());
        self.calls.insert(claimed.delivery, Call { sink, claimed, request, find, started });
        Ok(())
    }

    /// What may be an echo awaits the write that it may be an echo of. Where that takes too long it is sent on as news,
    /// and the target then has it.
    fn note_echo(&mut self, request: &Request) -> Result<(), Violation> {
        if !self.deck.echoes.contains(&request.key) {
            return Ok(());
        }
        let waited = self.arrived.get(&request.key).map_or(0, |at| self.clock - at);
        if waited < LONGEST_WAIT_FOR_A_WRITE {
            return Err(format!("{} is an echo, and was sent on", request.key));
        }
        let order = request.order.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        let reported = order.and_then(|order| self.deck.reported.get_mut(order - 1));
        if let (Content::State { at, cancelled }, Some(reported)) = (request.content, reported) {
            reported.states.insert((at, cancelled));
        }
        Ok(())
    }

    /// An event arrives.
    fn admit(&mut self, card: Card) -> Command {
        self.arrived.entry(card.event.incoming.key.clone()).or_insert(self.clock);
        Command::Admit(Admit { events: vec![card.event], now: self.now(), ..Admit::default() })
    }

    /// The host is killed, and another one opens the database.
    async fn crash(&mut self) -> Result<(), Violation> {
        let calls = std::mem::take(&mut self.calls);
        calls.into_values().try_for_each(|call| self.lose(call))?;
        let recover = Command::RecoverClaims { now: self.now(), limit: ALL };
        self.apply(vec![(recover, Then::Nothing)]).await
    }

    /// Nobody waits for a call any more.
    fn lose(&mut self, call: Call) -> Result<(), Violation> {
        self.lost.push((call.claimed.delivery, call.claimed.fence));
        if call.find { Ok(()) } else { self.meet(call.sink, &call.request) }
    }

    /// Nobody knows what becomes of a request: it is carried out, or never, or later.
    fn meet(&mut self, sink: usize, request: &Request) -> Result<(), Violation> {
        self.targets[sink].note_doubt(request);
        match self.dice.random_range(0..3) {
            0 => self.targets[sink].carry_out(request),
            1 => Ok(()),
            _ => {
                let within = self.dice.random_range(1..60);
                self.late.push((self.clock + within, sink, request.clone()));
                Ok(())
            }
        }
    }

    fn draw(&mut self) -> Result<Option<(Command, Then)>, Violation> {
        let now = self.now();
        Ok(Some(match self.dice.random_range(0..100) {
            0..30 => {
                let Some(card) = self.deck.deal(&self.targets) else { return Ok(None) };
                (self.admit(card), Then::Nothing)
            }
            30..45 => {
                let sink = usize::from(self.dice.random_range(0..4) == 0);
                let limit = self.dice.random_range(1..20);
                let claim = Claim { connector: SINKS[sink].to_owned(), limit, now, lease: LEASE };
                (Command::Claim(claim), Then::Claimed(sink))
            }
            45..85 => {
                let nth = self.dice.random_range(0..=self.calls.len());
                let Some(delivery) = self.calls.keys().nth(nth).copied() else { return Ok(None) };
                let Some(call) = self.calls.remove(&delivery) else { return Ok(None) };
                let answer = self.reply(&call)?;
                (self.settle(&call, answer), Then::Settled(call.sink))
            }
            85..88 => {
                let (lost, calls) = std::mem::take(&mut self.calls)
                    .into_iter()
                    .partition(|(_, it)| it.claimed.lease_until <= now);
                self.calls = calls;
                BTreeMap::into_values(lost).try_for_each(|call| self.lose(call))?;
                (Command::Expire { now, limit: ALL }, Then::Nothing)
            }
            88..90 => {
                let wait_limit = self.policy.parent_wait_limit;
                let connector = ERP.to_owned();
                (Command::Overdue { connector, now, wait_limit, limit: ALL }, Then::Nothing)
            }
            90..93 => {
                let nth = self.dice.random_range(0..=self.lost.len());
                let Some((delivery, fence)) = self.lost.get(nth).copied() else { return Ok(None) };
                // Whoever lost the claim still answers.
                let Some(call) = self.calls.values().next() else { return Ok(None) };
                let problem = problem("late", "a late answer");
                let answer = Answer::Failed { fault: Fault::Lost, problem };
                let Command::Settle(settle) = self.settle(call, answer) else { return Ok(None) };
                (Command::Settle(Box::new(Settle { delivery, fence, ..*settle })), Then::Fenced)
            }
            93..96 => {
                let Some(sink) = self.paused.pop_first() else { return Ok(None) };
                (
                    Command::Resume { connector: SINKS[sink].to_owned(), by: "person".into(), now },
                    Then::Nothing,
                )
            }
            _ => {
                let nth = self.dice.random_range(0..=self.exceptions.len());
                if nth == self.exceptions.len() {
                    return Ok(None);
                }
                let row = self.exceptions.swap_remove(nth);
                let discards = self.dice.random_range(0..10) == 0;
                (self.decide(&row, discards), Then::Maybe)
            }
        }))
    }

    fn settle(&self, call: &Call, answer: Answer) -> Command {
        let now = self.now();
        let context = call.claimed.call_context(call.find, false);
        let random = self.clock.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let attempt = Attempt {
            kind: if call.find { AttemptKind::Find } else { AttemptKind::Send },
            started: call.started,
            ended: now,
            outcome: "any".into(),
            message: String::new(),
            exchange: None,
        };
        Command::Settle(Box::new(Settle {
            delivery: call.claimed.delivery,
            fence: call.claimed.fence,
            settlement: settle(answer, &context, &self.policy, now, random),
            attempt,
            now,
        }))
    }

    /// What a person does about an exception.
    fn decide(&mut self, row: &DeliveryRow, discards: bool) -> Command {
        let (delivery, by, now) = (row.id, "person".to_owned(), self.now());
        let sink = usize::from(row.connector == SHOP);
        let code = row.reason.as_ref().map_or("", |reason| reason.code.as_str());
        if code == code::REFERENT_MISSING {
            self.targets[sink].book(&row.lane).forced = true;
        }
        if let (code::UNMAPPED, Some(value)) = (code, &row.waits_for) {
            let value = value.trim_start_matches(&mapping_key("sku", "")).to_owned();
            if !self.mapped.insert(value.clone()) {
                // It is mapped already: whoever sees that has it tried again.
                return Command::Retry { delivery, by, now };
            }
            let change = MappingChange {
                connector: ERP.into(),
                table: "sku".into(),
                value,
                target: Some("mapped".into()),
            };
            return Command::PutMappings(PutMappings {
                changes: vec![change],
                by,
                now,
                ..PutMappings::default()
            });
        }
        if !discards {
            return Command::Retry { delivery, by, now };
        }
        // Whatever is given up of an order, the rest of it is only looked at for duplicates.
        let order = row.lane.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        if let Some(reported) = order.and_then(|order| self.deck.reported.get_mut(order - 1)) {
            reported.give_up(None);
        }
        Command::Discard { delivery, why: "given up".into(), by, now }
    }

    /// Looks at every lane.
    async fn look(&mut self) -> Result<Lanes, Violation> {
        let lanes = lanes(&self.store).await;
        check_lanes(&lanes)?;
        let rows = lanes.values().flatten();
        self.exceptions = rows.filter(|row| row.state == "exception").cloned().collect();
        Ok(lanes)
    }

    /// True when nothing more arrives unless what was written to the shop is settled first.
    fn deck_waits(&mut self) -> bool {
        match self.deck.deal(&self.targets) {
            Some(card) => {
                self.deck.put_back(card);
                false
            }
            None => true,
        }
    }

    fn reply(&mut self, call: &Call) -> Result<Answer, Violation> {
        if call.find { Ok(self.find_reply(call)) } else { self.send_reply(call) }
    }

    /// Whether a call can fail without becoming a person's matter. At the shop nothing does: what a person has to decide
    /// is awaited by no echo.
    fn may_fail(call: &Call) -> bool {
        SINKS[call.sink] == ERP || call.claimed.attempts + call.claimed.failures == 0
    }

    fn find_reply(&mut self, call: &Call) -> Answer {
        let failed = |failure| Answer::Found(Found::Failed(failure));
        match self.dice.random_range(0..20) {
            _ if !Self::may_fail(call) => self.found(call),
            0 => failed(Failure::Unavailable(problem("down", "it is down"))),
            1 => Answer::Found(Found::Pending),
            2 => Answer::Failed { fault: Fault::Trap, problem: problem("plugin-failed", "it trapped") },
            _ => self.found(call),
        }
    }

    fn found(&mut self, call: &Call) -> Answer {
        self.targets[call.sink].note_certain(&call.request);
        Answer::Found(match self.targets[call.sink].find(&call.request) {
            Found::Present(_) => Found::Present(self.receipt(&call.request)),
            found => found,
        })
    }

    fn receipt(&self, request: &Request) -> Receipt {
        let written = self.deck.writes.iter().filter(|(key, _)| *key == request.key);
        Receipt { written: written.map(|(_, written)| written.clone()).collect(), ..receipt() }
    }

    fn truth(&mut self, call: &Call) -> Result<Answer, Violation> {
        let outcome = match self.targets[call.sink].deliver(&call.request)? {
            Outcome::Posted(_) => Outcome::Posted(self.receipt(&call.request)),
            outcome => outcome,
        };
        Ok(Answer::Outcome(outcome))
    }

    fn send_reply(&mut self, call: &Call) -> Result<Answer, Violation> {
        let (sink, request) = (call.sink, &call.request);
        let is_erp = SINKS[sink] == ERP;
        let outcome = match self.dice.random_range(0..40) {
            _ if !Self::may_fail(call) => return self.truth(call),
            0..3 => {
                self.meet(sink, request)?;
                Outcome::Unknown(problem("no-answer", "the connection broke"))
            }
            3 => {
                self.meet(sink, request)?;
                let fault = if self.dice.random() { Fault::Trap } else { Fault::Deadline };
                return Ok(Answer::Failed { fault, problem: problem("plugin-failed", "it failed") });
            }
            4 => Outcome::Unavailable(problem("down", "it is down")),
            5 => Outcome::Throttled(Throttle { after_ms: Some(3000), message: "it is busy".into() }),
            6 if is_erp => Outcome::Rejected(problem("refuses", "it refuses")),
            7 if is_erp => {
                let value = request.key.replace('/', "-");
                Outcome::Unmapped(vec![Unmapped { table: "sku".into(), value }])
            }
            8 if is_erp && self.targets[sink].would_book(request) && !request.resumed => {
                self.targets[sink].carry_out_in_part(request);
                Outcome::Partial(half())
            }
            9 if is_erp && self.targets[sink].would_book(request) => {
                self.targets[sink].carry_out(request)?;
                Outcome::Received(receipt())
            }
            10 if is_erp && request.content == Content::Refund => {
                Outcome::NotYet(request.order.parse().expect("a lane is the identity of an order"))
            }
            11 if is_erp && self.dice.random_range(0..10) == 0 => {
                Outcome::Unauthorized(problem("401", "it does not let us in"))
            }
            _ => return self.truth(call),
        };
        Ok(Answer::Outcome(outcome))
    }

    /// Lets everything come to its end, and compares the books.
    async fn drain(&mut self) -> Result<(), Violation> {
        for round in 0..ROUNDS {
            let calls = std::mem::take(&mut self.calls);
            for call in calls.into_values() {
                let answer = if call.find { self.found(&call) } else { self.truth(&call)? };
                let settle = self.settle(&call, answer);
                self.apply(vec![(settle, Then::Settled(call.sink))]).await?;
            }
            self.pass(40)?;
            let now = self.now();
            let lanes = self.look().await?;
            if self.deck_waits() && lanes.values().flatten().all(|row| row.state == "settled") {
                return self.compare(&lanes);
            }
            let mut group = Vec::new();
            while let Some(card) = self.deck.deal(&self.targets) {
                group.push((self.admit(card), Then::Nothing));
            }
            for sink in std::mem::take(&mut self.paused) {
                let connector = SINKS[sink].to_owned();
                group.push((Command::Resume { connector, by: "person".into(), now }, Then::Nothing));
            }
            for row in lanes.values().flatten().filter(|row| row.state == "received") {
                group.push((
                    Command::Confirm { delivery: row.id, references: Vec::new(), now },
                    Then::Nothing,
                ));
            }
            for row in std::mem::take(&mut self.exceptions) {
                // What has no order there after all is given up by a person.
                group.push((self.decide(&row, round > ROUNDS / 2), Then::Maybe));
            }
            group.push((Command::Expire { now, limit: ALL }, Then::Nothing));
            let (connector, wait_limit) = (ERP.to_owned(), self.policy.parent_wait_limit);
            group.push((Command::Overdue { connector, now, wait_limit, limit: ALL }, Then::Nothing));
            group.push((Command::ReleaseAwaiting { now, limit: ALL }, Then::Nothing));
            for (sink, connector) in SINKS.iter().enumerate() {
                let claim = Claim { connector: (*connector).to_owned(), limit: ALL, now, lease: LEASE };
                group.push((Command::Claim(claim), Then::Claimed(sink)));
            }
            self.apply(group).await?;
        }
        let lanes = self.look().await?;
        let open: Vec<_> = lanes.values().flatten().filter(|row| row.state != "settled").collect();
        Err(format!("something never comes to rest: {open:#?}; still to arrive: {:?}", self.deck))
    }

    fn compare(&self, lanes: &Lanes) -> Result<(), Violation> {
        for (at, reported) in self.deck.reported.iter().enumerate() {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let order = order_id(number);
            let rows = lanes.get(&(ERP.to_owned(), order.clone())).map(Vec::as_slice).unwrap_or_default();
            let annulled = rows.iter().any(|row| row.ending.as_deref() == Some("annulled"));
            let book = self.targets[0].books.get(&order).cloned().unwrap_or_default();
            reported.compare(&book, annulled).map_err(|why| format!("{order}: {why}\n{rows:#?}"))?;
        }
        Ok(())
    }
}
