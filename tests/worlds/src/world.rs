//! A small world: what can arrive, what the targets are, and how much may go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::conformance::samples::t;
use crossdock_engine::conformance::target::{Content, Reported, Request, Target};
use crossdock_engine::memory::{Lens, Memory};
use crossdock_engine::{Claimed, NewEvent};
use crossdock_model::connector::Written;
use crossdock_model::time::Millis;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::Policy;
use crossdock_rules::retry::Backoff;
use crossdock_rules::safeguards::Safeguards;

/// The step of the clock. Every span that the world knows is a multiple of it, so nothing happens in between.
pub const TICK: Duration = Duration::from_secs(10);

/// How a world is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// What the targets offer against duplicates.
    pub keys: Keys,
    /// True when only `posted`, not `received`, frees a lane.
    pub until_posted: bool,
    /// How many answers other than the true one are given, and leases lost.
    pub wrong_answers: u8,
    /// How often the host is killed.
    pub kills: u8,
    /// How many of the events are reported once more.
    pub redeliveries: u8,
    /// True when claims, requests in flight and waits last a tick less than they do otherwise: there are fewer states.
    pub short: bool,
    /// True when time does not pass while something can be claimed.
    pub prompt: bool,
    /// True when other orders, which are not in the world, may have the connector paused.
    pub others: bool,
    /// The rules that are on.
    pub safeguards: Safeguards,
}

/// An event that arrives.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// In plain words.
    pub name: String,
    /// The event with its targets.
    pub new: NewEvent,
    /// The order, by its place in the world's list of orders.
    pub order: usize,
    /// It cannot be reported before this target has booked this key.
    pub after: Option<(usize, String)>,
}

/// A small world.
#[derive(Clone, Debug)]
pub struct SmallWorld {
    /// In plain words.
    pub name: String,
    pub(crate) setting: Setting,
    pub(crate) policy: Policy,
    /// The connectors. The attribute values written to those that are sources too come back.
    pub(crate) connectors: Vec<Connector>,
    pub(crate) orders: Vec<Arc<str>>,
    pub(crate) arrivals: Vec<Arrival>,
    /// What has to be in the books in the end, by connector and order.
    pub(crate) reported: BTreeMap<(usize, usize), Reported>,
    /// The keys of events that only report what was written: they are sent nowhere.
    pub(crate) echoes: BTreeSet<String>,
    /// What requests write that comes back, by their keys.
    pub(crate) writes: BTreeMap<String, Written>,
}

/// A sink.
#[derive(Clone, Copy, Debug)]
pub struct Connector {
    /// Its name.
    pub name: &'static str,
    /// True when it reports what is written to it, possibly before it has answered.
    pub reports: bool,
}

/// Everything that decides what can happen next.
#[derive(Clone)]
pub struct State {
    pub(crate) memory: Memory,
    pub(crate) now: Millis,
    /// Whether each arrival has arrived.
    pub(crate) arrived: Vec<bool>,
    pub(crate) calls: Vec<Call>,
    pub(crate) late: Vec<Late>,
    pub(crate) letters: Vec<Letter>,
    /// One for each connector.
    pub(crate) targets: Vec<Target>,
    pub(crate) paused: Vec<bool>,
    /// The last request of each delivery that was claimed.
    pub(crate) requests: BTreeMap<i64, Arc<Request>>,
    /// What a person gave up: something of an order by its key, or the order itself.
    pub(crate) given_up: BTreeSet<(usize, Option<String>)>,
    pub(crate) wrong_answers_left: u8,
    pub(crate) kills_left: u8,
    pub(crate) redeliveries_left: u8,
    pub(crate) discards_left: u8,
    /// True once the report that is an echo is in the database.
    pub(crate) echo_is_stored: bool,
    /// True once there was a report while a person had to look what became of a write, or had not looked: it may be the
    /// echo of that write, and counts as news.
    pub(crate) counts_as_news: bool,
    /// How many documents there were that answer messages.
    pub(crate) documents: u8,
}

/// A call of a sink that has not been answered.
#[derive(Clone)]
pub struct Call {
    pub(crate) connector: usize,
    pub(crate) order: usize,
    pub(crate) claimed: Arc<Claimed>,
    pub(crate) request: Arc<Request>,
    pub(crate) find: bool,
    pub(crate) started: Millis,
    /// True when the target has carried it out already.
    pub(crate) done: bool,
}

/// A request that nobody waits for any more, and that still takes effect.
#[derive(Clone)]
pub struct Late {
    pub(crate) connector: usize,
    pub(crate) order: usize,
    pub(crate) request: Arc<Request>,
    /// It takes effect before this moment.
    pub(crate) until: Millis,
}

/// A document that answers a message which a target has received.
#[derive(Clone)]
pub struct Letter {
    pub(crate) connector: usize,
    pub(crate) order: usize,
    pub(crate) request: Arc<Request>,
    /// True when it says that the message is booked, false when it says that it is refused.
    pub(crate) booked: bool,
    /// A number of its own, so that no two documents are the same.
    pub(crate) number: u8,
}

impl SmallWorld {
    /// A world in which these events arrive at these connectors' systems, each event of one of these orders.
    #[must_use]
    pub fn new(
        name: String,
        setting: Setting,
        connectors: Vec<Connector>,
        orders: Vec<Arc<str>>,
        mut arrivals: Vec<Arrival>,
    ) -> Self {
        for target in arrivals.iter_mut().flat_map(|arrival| &mut arrival.new.targets) {
            target.posted = setting.until_posted;
        }
        let backoff = Backoff { base: TICK, cap: TICK };
        let ticks = |ticks: u32| TICK * (ticks - u32::from(setting.short));
        let policy = Policy {
            max_attempts: 2,
            plugin_retries: 1,
            backoff,
            max_inflight: ticks(2),
            keys: setting.keys,
            parent_wait_limit: ticks(3),
            confirmation_limit: ticks(2),
            max_retry_after: TICK,
            safeguards: setting.safeguards,
        };
        Self {
            name,
            setting,
            policy,
            connectors,
            orders,
            arrivals,
            reported: BTreeMap::new(),
            echoes: BTreeSet::new(),
            writes: BTreeMap::new(),
        }
    }

    /// Says that an event has to be in a connector's books in the end.
    #[must_use]
    pub fn booked_at(mut self, arrival: usize, connector: usize) -> Self {
        let arrival = &self.arrivals[arrival];
        let reported = self.reported.entry((connector, arrival.order)).or_default();
        reported.add(&arrival.new.incoming.key, &arrival.new.event);
        self
    }

    /// Says that an event only reports what was written to its source.
    #[must_use]
    pub fn echo(mut self, arrival: usize) -> Self {
        self.echoes.insert(self.arrivals[arrival].new.incoming.key.clone());
        self
    }

    /// Says what the request for an event writes that comes back.
    #[must_use]
    pub fn writes(mut self, arrival: usize, written: Written) -> Self {
        self.writes.insert(self.arrivals[arrival].new.incoming.key.clone(), written);
        self
    }

    /// The same world with other settings.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Setting)) -> Self {
        let mut setting = self.setting;
        change(&mut setting);
        let world = self.clone();
        let (reported, echoes, writes) = (world.reported, world.echoes, world.writes);
        let changed = Self::new(world.name, setting, world.connectors, world.orders, world.arrivals);
        Self { reported, echoes, writes, ..changed }
    }

    pub(crate) fn begin(&self) -> State {
        State {
            memory: Memory::default(),
            now: t(100),
            arrived: vec![false; self.arrivals.len()],
            calls: Vec::new(),
            late: Vec::new(),
            letters: Vec::new(),
            targets: vec![Target::new(self.setting.keys); self.connectors.len()],
            paused: vec![false; self.connectors.len()],
            requests: BTreeMap::new(),
            given_up: BTreeSet::new(),
            wrong_answers_left: self.setting.wrong_answers,
            kills_left: self.setting.kills,
            redeliveries_left: self.setting.redeliveries,
            discards_left: 1,
            echo_is_stored: false,
            counts_as_news: false,
            documents: 0,
        }
    }

    /// How long a claim is held.
    pub(crate) fn lease(&self) -> Duration {
        self.policy.max_inflight
    }

    /// What the digest of the database leaves out: spans beyond every limit, and the past.
    pub(crate) fn lens(&self) -> Lens {
        Lens {
            sent: self.policy.max_inflight,
            waiting: self.policy.parent_wait_limit,
            replays: false,
            attempts: self.policy.max_attempts,
            delays: self.policy.backoff.base != self.policy.backoff.cap,
        }
    }

    pub(crate) fn order(&self, lane: &str) -> usize {
        self.orders.iter().position(|order| **order == *lane).unwrap_or(usize::MAX)
    }

    pub(crate) fn connector(&self, name: &str) -> usize {
        self.connectors.iter().position(|connector| connector.name == name).unwrap_or(usize::MAX)
    }

    /// A request in plain words.
    pub(crate) fn words(&self, request: &Request) -> String {
        let order = self.order(&request.order) + 1;
        let at = |at: i64| (at / 1_000_000) - t(0).0 / 1000;
        match request.content {
            Content::State { at: when, cancelled: false } => format!("order {order} as of {}", at(when)),
            Content::State { at: when, cancelled: true } => {
                format!("order {order}, cancelled at {}", at(when))
            }
            Content::Refund => format!("the refund of order {order}"),
            Content::Edit { at: when } => format!("the edit of order {order} of {}", at(when)),
        }
    }
}
