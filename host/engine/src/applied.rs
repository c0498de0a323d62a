//! The answers to commands.

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::CallContext;

use crate::mapping::Stored;
use crate::view::Inbound;

/// The answer to a command that was done.
#[derive(Debug)]
pub enum Applied {
    /// To [`Accept`](crate::Command::Accept).
    Accepted(Accepted),
    /// To [`ClaimInbounds`](crate::Command::ClaimInbounds), oldest due first.
    Inbounds(Vec<Inbound>),
    /// To [`Admit`](crate::Command::Admit).
    Admitted(Admitted),
    /// To [`Claim`](crate::Command::Claim).
    Claimed(Vec<Claimed>),
    /// To [`Settle`](crate::Command::Settle) and [`Confirm`](crate::Command::Confirm).
    Settled(Settled),
    /// To [`SettleBatch`](crate::Command::SettleBatch), in the order given.
    SettledBatch(Vec<Settled>),
    /// To commands that do the same to any number of deliveries, keys or requests.
    Tally(Tally),
    /// To [`PutMappings`](crate::Command::PutMappings) and [`PutStores`](crate::Command::PutStores).
    Stored(Stored),
    /// To [`PutSecret`](crate::Command::PutSecret): the version it is at now.
    Version(u64),
    /// To everything else.
    Done,
}

impl Applied {
    /// The connectors that have something to claim since.
    #[must_use]
    pub fn ready(&self) -> Vec<&str> {
        fn names(ready: &[String]) -> Vec<&str> {
            ready.iter().map(String::as_str).collect()
        }
        match self {
            Self::Admitted(admitted) => names(&admitted.ready),
            Self::Settled(settled) => names(&settled.ready),
            Self::SettledBatch(all) => all.iter().flat_map(|settled| names(&settled.ready)).collect(),
            Self::Tally(tally) => names(&tally.ready),
            Self::Stored(stored) => names(&stored.ready),
            Self::Accepted(_) | Self::Inbounds(_) | Self::Claimed(_) | Self::Version(_) | Self::Done => {
                Vec::new()
            }
        }
    }
}

/// A stored request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The inbound: the first one's when it is a duplicate.
    pub inbound: i64,
    /// True when it had been stored before; nothing was written.
    pub duplicate: bool,
}

/// What admission made of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Admitted {
    /// The events' ids, in the order given; a duplicate's is that of the first.
    pub events: Vec<i64>,
    /// How many of them were duplicates.
    pub duplicates: u32,
    /// How many deliveries ended as echoes.
    pub echoes: u32,
    /// How many deliveries ended as conflicts.
    pub conflicts: u32,
    /// The exceptions that it raised.
    pub raised: Vec<Raised>,
    /// The deliveries, in the order of events and targets.
    pub deliveries: Vec<AdmittedDelivery>,
    /// Connectors that have something to claim since.
    pub ready: Vec<String>,
}

/// What became of an event at one connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedDelivery {
    /// The event.
    pub event: i64,
    /// The delivery.
    pub delivery: i64,
    /// The connector: the pinned one where the order is pinned.
    pub connector: String,
    /// `queued`, `ready`, `waiting`, `exception`, or how it was settled at once: `stale`, `joined`, `annulled`,
    /// `echo`, `conflict`, `same-sale`.
    pub state: &'static str,
}

/// A delivery that became an exception otherwise than by its own call: by time, by a report of another system, because
/// its day was closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// The delivery.
    pub delivery: i64,
    /// The connector.
    pub connector: String,
    /// Its lane.
    pub lane: String,
    /// Why.
    pub problem: Problem,
}

/// A delivery that the caller holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The delivery.
    pub delivery: i64,
    /// The claim: what a settlement has to present.
    pub fence: i64,
    /// The connector.
    pub connector: String,
    /// The idempotency key.
    pub key: String,
    /// Its serial number, allotted with the first claim and never changed.
    pub serial: u64,
    /// How many attempts have been used up so far.
    pub attempts: u32,
    /// How often the plugin itself has failed at it so far.
    pub failures: u32,
    /// How often the target was asked with `find` since something was last sent.
    pub finds: u32,
    /// Whether the target may have had it before this claim.
    pub sent: Sent,
    /// The last moment at which a request may have left before this claim; the epoch when none has.
    pub sent_at: Millis,
    /// True when the target has to be asked first: the last settlement said so, a claim was lost, or a
    /// person or a replay wants it so.
    pub look_up: bool,
    /// Since when it waits for another entity, if it has waited.
    pub waiting_since: Option<Millis>,
    /// True when its route lets nothing behind it go before it is posted.
    pub until_posted: bool,
    /// What the plugin answered with `partial` last time.
    pub resume: Option<String>,
    /// When the lease ends.
    pub lease_until: Millis,
    /// The lane: the root's identity text, or the article and its place where stock is summed.
    pub lane: String,
    /// The event's id: of the newest event where others joined.
    pub event_id: i64,
    /// The event, with personal data put back where the person was not erased.
    pub event: Event,
    /// The references of the event's entity in the connector's system.
    pub references: Vec<Reference>,
    /// The references of the event's parent there.
    pub parent_references: Vec<Reference>,
    /// The trace.
    pub trace: String,
    /// When the event was stored: latency is counted from there.
    pub recorded_at: Millis,
}

impl Claimed {
    /// The coming call, as the rules describe one. `find`: it is a `find`; `probe`: it is the breaker's.
    #[must_use]
    pub fn call_context(&self, find: bool, probe: bool) -> CallContext {
        CallContext {
            find,
            attempts: self.attempts,
            failures: self.failures,
            finds: self.finds,
            sent_at: self.sent_at,
            sent: self.sent,
            resume: self.resume.clone(),
            waiting_since: self.waiting_since,
            until_posted: self.until_posted,
            probe,
        }
    }
}

/// The consequences of a settlement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// The deliveries that became ready by it: the next of the lane, and those that awaited this one.
    pub released: Vec<i64>,
    /// True when the connector was paused by it.
    pub paused: bool,
    /// The exception that the target's early answer raised.
    pub raised: Option<Raised>,
    /// Connectors that have something to claim since.
    pub ready: Vec<String>,
}

/// What a command did, where it does the same to many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How many the filter meant but the rules left alone.
    pub skipped: u64,
    /// Of those, how many deliveries cannot be sent again because their content has gone with its retention.
    pub pruned: u64,
    /// The exceptions that it raised.
    pub raised: Vec<Raised>,
    /// Connectors that have something to claim since.
    pub ready: Vec<String>,
    /// True when the bound of one command was reached: the same command goes on.
    pub more: bool,
    /// Of a replay: the position of the next page, when there is one.
    pub next: Option<i64>,
}
