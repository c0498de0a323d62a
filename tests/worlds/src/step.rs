//! What can happen next in a small world.

use crossdock_engine::conformance::target::Content;
use crossdock_engine::delivery::{Delivery, NEVER};
use crossdock_model::time::Millis;
use crossdock_rules::code;
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::lookup::Keys;

use crate::world::{Call, SmallWorld, State, TICK};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event arrives and is admitted, for the first time or once more.
    Arrive(usize),
    /// An event is admitted, and the host is killed before its source hears of it: it will arrive again.
    ArriveUnheard(usize),
    /// Due heads of a connector are claimed.
    Claim {
        /// The connector.
        connector: usize,
        /// How many at most.
        limit: u32,
    },
    /// The target carries a call out and has not answered yet.
    CarryOut(usize),
    /// A call is answered, and the answer recorded.
    Answer(usize, Reply),
    /// A request takes effect that nobody waits for any more.
    TakeEffect(usize),
    /// The host looks for claims whose lease has ended (each with what became of its call) and for deliveries whose
    /// waiting time is over.
    Sweep(Vec<Fate>),
    /// The host looks for what waited too long at a connector, or was not confirmed in time.
    Overdue(usize),
    /// Time passes.
    Tick,
    /// The host is killed, each call in flight has its fate, and a new host opens the database.
    Crash(Vec<Fate>),
    /// The target answers a message with a document.
    Document(usize),
    /// A person retries an exception.
    Retry(i64),
    /// A person discards an exception.
    Discard {
        /// Its delivery.
        delivery: i64,
        /// True where nothing else can be done: it belongs to an order that will never be there, or is there already.
        orphan: bool,
    },
    /// A person adds the mapping that a delivery lacks.
    Map(i64),
    /// A person resumes a connector.
    Resume(usize),
    /// Another order has the connector paused.
    PausedByAnother(usize),
}

/// What becomes of a call that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The target has carried it out.
    Done,
    /// It never reaches the target.
    Never,
    /// It takes effect later.
    Late,
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// What is true: booked, not yet, present, absent, …
    Truth,
    /// Somebody booked it by hand before.
    AlreadyThere,
    /// It has the message; it books it, or refuses it later.
    Received {
        /// Whether it books it.
        booked: bool,
    },
    /// A part is done.
    Partial,
    /// Something else has to be there first.
    NotYet,
    /// It has no use for the order.
    Ignored,
    /// Somebody changed the order there.
    Stale,
    /// It is down.
    Unavailable,
    /// It is busy.
    Throttled,
    /// It does not accept the credentials.
    Unauthorized,
    /// It refuses.
    Rejected,
    /// A mapping is missing.
    Unmapped {
        /// True when a person adds it while the call is in flight.
        mapped_meanwhile: bool,
    },
    /// Of a `find`: it is still working on it.
    Pending,
    /// The plugin does not know.
    Unknown(Fate),
    /// The plugin trapped.
    Trap(Fate),
    /// The plugin took too long.
    Deadline(Fate),
}

impl SmallWorld {
    /// Everything that can happen next.
    pub(crate) fn next_steps(&self, state: &State) -> Vec<Step> {
        let rows = state.memory.deliveries();
        let open: Vec<&Delivery> = rows.iter().filter(|row| row.state.is_open()).collect();
        let mut steps = Vec::new();
        self.arrivals(state, &mut steps);
        self.claims(state, &open, &mut steps);
        self.answers(state, &mut steps);
        steps.extend((0..state.late.len()).map(Step::TakeEffect));
        steps.extend((0..state.letters.len()).map(Step::Document));
        let swept = self.sweeps(state, &open, &mut steps);
        if !swept && self.can_tick(state, &open) {
            steps.push(Step::Tick);
        }
        if state.kills_left > 0 {
            steps.extend(state.fates(|_| true).into_iter().map(Step::Crash));
        }
        self.people(state, &open, &mut steps);
        steps
    }

    fn arrivals(&self, state: &State, steps: &mut Vec<Step>) {
        for (at, arrived) in state.arrived.iter().enumerate() {
            let possible = self.arrivals[at].after.as_ref().is_none_or(|(connector, key)| {
                state.targets[*connector].books.values().any(|book| book.booked.contains_key(key))
            });
            if possible && (!arrived || state.redeliveries_left > 0) {
                steps.push(Step::Arrive(at));
                if state.kills_left > 0 && state.calls.is_empty() {
                    steps.push(Step::ArriveUnheard(at));
                }
            }
        }
    }

    fn claims(&self, state: &State, open: &[&Delivery], steps: &mut Vec<Step>) {
        for connector in 0..self.connectors.len() {
            let due = due_heads(self, state.now, open, connector).count();
            if due > 0 && !state.paused[connector] {
                steps.push(Step::Claim { connector, limit: 1 });
                if due > 1 {
                    steps.push(Step::Claim { connector, limit: 100 });
                }
            }
        }
    }

    fn answers(&self, state: &State, steps: &mut Vec<Step>) {
        for (at, call) in state.calls.iter().enumerate() {
            if self.connectors[call.connector].reports && !call.done && !call.find {
                steps.push(Step::CarryOut(at));
            }
            steps.push(Step::Answer(at, Reply::Truth));
            if state.wrong_answers_left > 0 {
                steps.extend(self.replies(state, call).into_iter().map(|reply| Step::Answer(at, reply)));
            }
        }
    }

    /// The answers to a call that are possible beside the true one.
    fn replies(&self, state: &State, call: &Call) -> Vec<Reply> {
        use Fate::{Done, Late, Never};
        if call.done {
            return vec![Reply::Unknown(Done), Reply::Trap(Done)];
        }
        // A system that reports what is written to it is not kept waiting for long: an echo awaits its write for a
        // while, and then counts as news.
        let reports = self.connectors[call.connector].reports;
        let mut replies = vec![Reply::Unavailable, Reply::Throttled, Reply::Trap(Never)];
        if call.find {
            replies.push(Reply::Pending);
        } else {
            replies.push(Reply::Unknown(Never));
        }
        if !reports {
            replies.extend([Reply::Unauthorized, Reply::Rejected]);
        } else if !call.find {
            replies.extend([Reply::Unknown(Done), Reply::Unknown(Late)]);
        }
        if call.find || reports {
            return replies;
        }
        replies.extend([
            Reply::NotYet,
            Reply::Ignored,
            Reply::Unmapped { mapped_meanwhile: false },
            Reply::Unmapped { mapped_meanwhile: true },
        ]);
        if state.targets[call.connector].would_book(&call.request) {
            replies.extend([
                Reply::AlreadyThere,
                Reply::Received { booked: true },
                Reply::Received { booked: false },
                Reply::Unknown(Done),
                Reply::Unknown(Late),
                Reply::Trap(Done),
                Reply::Deadline(Late),
            ]);
            if !call.request.resumed {
                replies.push(Reply::Partial);
            }
            if matches!(call.request.content, Content::State { .. }) {
                replies.push(Reply::Stale);
            }
        }
        replies
    }

    /// What the host does every second. Answers whether there is anything for it to do: time does not pass before.
    fn sweeps(&self, state: &State, open: &[&Delivery], steps: &mut Vec<Step>) -> bool {
        let before = steps.len();
        let lost = |row: &&Delivery| row.state == DeliveryState::Sending && row.lease_until <= state.now;
        let over = |row: &&Delivery| row.state == DeliveryState::Waiting && row.due_at <= state.now;
        if open.iter().any(|row| lost(row) || over(row)) {
            let lost = |call: &Call| call.claimed.lease_until <= state.now;
            steps.extend(state.fates(lost).into_iter().map(Step::Sweep));
        }
        for connector in 0..self.connectors.len() {
            let late = |row: &&&Delivery| {
                let limit = row.waiting_since.map(|since| since.plus(self.policy.parent_wait_limit));
                let waited = row.state == DeliveryState::Waiting && limit.is_some_and(|at| at <= state.now);
                waited || (row.state == DeliveryState::Received && row.due_at <= state.now)
            };
            if open
                .iter()
                .filter(|row| *row.connector == *self.connectors[connector].name)
                .any(|row| late(&row))
            {
                steps.push(Step::Overdue(connector));
            }
        }
        steps.len() > before
    }

    /// Time passes as long as anything depends on it, and nothing that has to happen before.
    fn can_tick(&self, state: &State, open: &[&Delivery]) -> bool {
        let next = state.now.plus(TICK);
        let must_land = state.late.iter().any(|late| late.until <= next);
        let lost = state.calls.iter().filter(|call| call.claimed.lease_until <= next).count();
        let must_answer = lost > usize::from(state.wrong_answers_left);
        let depends = |row: &&Delivery| {
            let limit = row.waiting_since.map(|since| since.plus(self.policy.parent_wait_limit));
            let waits = row.state == DeliveryState::Waiting && limit.is_some_and(|at| at > state.now);
            waits
                || (row.due_at > state.now && row.due_at != NEVER)
                || (row.state == DeliveryState::Sending && row.lease_until > state.now)
        };
        let claimable = (0..self.connectors.len()).any(|connector| {
            !state.paused[connector] && due_heads(self, state.now, open, connector).next().is_some()
        });
        if self.setting.prompt && claimable {
            return false;
        }
        !must_land && !must_answer && (!state.late.is_empty() || open.iter().any(depends))
    }

    /// What people do about an order while nothing of it is in flight.
    fn people(&self, state: &State, open: &[&Delivery], steps: &mut Vec<Step>) {
        for (connector, of) in self.connectors.iter().enumerate() {
            if state.paused[connector] {
                steps.push(Step::Resume(connector));
            } else if self.setting.others && state.wrong_answers_left > 0 {
                steps.push(Step::PausedByAnother(connector));
            }
            let exceptions = open.iter().filter(|row| row.state == DeliveryState::Exception);
            for row in exceptions.filter(|row| *row.connector == *of.name) {
                let order = self.order(&row.lane);
                if state.calls.iter().any(|call| call.order == order) {
                    continue;
                }
                self.decisions(state, connector, row, open, steps);
            }
        }
    }

    fn decisions(
        &self,
        state: &State,
        connector: usize,
        row: &Delivery,
        open: &[&Delivery],
        steps: &mut Vec<Step>,
    ) {
        let order = self.order(&row.lane);
        if row.reason_is(code::OUTCOME_UNKNOWN) && self.setting.keys == Keys::None {
            // A person looks, once nothing can appear any more.
            if !state.late.iter().any(|late| late.order == order) {
                match state.is_booked(connector, row) {
                    true => steps.push(Step::Discard { delivery: row.id, orphan: true }),
                    false => steps.push(Step::Retry(row.id)),
                }
            }
            return;
        }
        match row.reason_is(code::UNMAPPED) && !self.is_mapped(state, connector, row.id) {
            true => steps.push(Step::Map(row.id)),
            false => steps.push(Step::Retry(row.id)),
        }
        let is_child = row.entity != row.lane || row.effect == crossdock_rules::effect::Effect::Difference;
        let order_to_come =
            state.arrived.iter().zip(&self.arrivals).any(|(arrived, it)| !arrived && it.order == order)
                || open.iter().any(|other| other.lane == row.lane && other.effect.is_snapshot());
        let book = state.targets[connector].books.get(&*row.lane);
        let orphan = is_child && !order_to_come && book.is_none_or(|book| book.state.is_none());
        // Nobody gives up what may still appear.
        let may_appear = state.late.iter().any(|late| late.order == order);
        if (state.discards_left > 0 || orphan) && !may_appear {
            steps.push(Step::Discard { delivery: row.id, orphan });
        }
    }
}

/// The due heads of a connector, in the order in which they are claimed.
pub(crate) fn due_heads<'r>(
    world: &SmallWorld,
    now: Millis,
    open: &[&'r Delivery],
    connector: usize,
) -> impl Iterator<Item = &'r Delivery> {
    let name = world.connectors[connector].name;
    let is_due =
        |row: &&&Delivery| row.state == DeliveryState::Ready && row.due_at <= now && *row.connector == *name;
    let mut due: Vec<&Delivery> = open.iter().filter(is_due).copied().collect();
    due.sort_by_key(|row| (row.due_at, row.id));
    due.into_iter()
}

impl State {
    /// All combinations of what can become of calls.
    fn fates(&self, of: impl Fn(&Call) -> bool) -> Vec<Vec<Fate>> {
        let mut all = vec![Vec::new()];
        for call in self.calls.iter().filter(|call| of(call)) {
            let books = self.targets[call.connector].would_book(&call.request);
            let possible: &[Fate] = match (call.find || !books, call.done) {
                (_, true) => &[Fate::Done],
                (true, false) => &[Fate::Never],
                (false, false) => &[Fate::Done, Fate::Never, Fate::Late],
            };
            let more = |fates: Vec<Fate>| possible.iter().map(move |fate| [&fates[..], &[*fate]].concat());
            all = all.into_iter().flat_map(more).collect();
        }
        all
    }
}
