//! Hundreds of orders at once, any commands in any groups, any answers, crashes in between: lanes stay in order, nothing
//! is sent twice, and in the end the books of the targets are as the sources reported.

mod answers;
mod commands;
mod end;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossdock_model::time::Millis;
use crossdock_rules::lookup::{BeforeSending, Keys, next_call};
use crossdock_rules::outcome::Policy;
use crossdock_rules::retry::Backoff;
use crossdock_rules::safeguards::Safeguards;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::deck::{Card, Deck, SHOP};
use super::lane_rows::{Lanes, check_lanes, lanes};
use super::samples::*;
use super::target::{Content, Request, Target, Violation};
use crate::view::DeliveryRow;
use crate::{Admit, Applied, Claimed, Command, Error, Store};

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
}
