//! What can be asked of the store, and what it answers. Times are passed in; ids are the store's own.

use crossdock_model::common::{Personal, Reference};
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::admission::Incoming;
use crossdock_rules::lane::Sent;
use crossdock_rules::outcome::{Settlement, Try};
use crossdock_rules::ownership::Class;
use crossdock_rules::pin;
use crossdock_rules::told::Attribute;
use uuid::Uuid;

use crate::handed::{Handed, SettleAll};
use crate::mapping::{Kept, PutMappings};
use crate::registry::PutStores;
use crate::secret::SecretText;
use crate::vault::MasterKey;

/// One change. It is done whole or, when refused, not at all.
#[derive(Debug)]
pub enum Command {
    /// Keep a raw request. Answer: [`Applied::Accepted`].
    Accept(Accept),
    /// Keep the events of an inbound or a poll and what is owed for them. Answer: [`Applied::Admitted`].
    Admit(Admit),
    /// Set an inbound aside that cannot be read. Answer: [`Applied::Done`].
    Quarantine {
        /// The inbound.
        inbound: i64,
        /// Why it cannot be read.
        problem: Problem,
    },
    /// Make a quarantined inbound pending again. Answer: [`Applied::Done`]; the caller reads it
    /// with [`crate::Store::inbound`].
    Reread {
        /// The inbound.
        inbound: i64,
        /// Who asked, for the audit.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Take due deliveries, durably. Answer: [`Applied::Claimed`].
    Claim(Claim),
    /// Record what became of a claimed delivery. Answer: [`Applied::Settled`].
    Settle(Box<Settle>),
    /// Record what became of all deliveries of one call together with the files and numbers it handed over:
    /// all of it, or nothing. Refused as a whole when a claim is no longer the newest ([`crate::Error::Fenced`])
    /// or a file's name was used before ([`crate::Error::Taken`]). Answer: [`Applied::SettledAll`].
    SettleAll(Box<SettleAll>),
    /// Keep files and numbers of a call that settles and admits nothing. Answer: [`Applied::Done`].
    PutFiles(Handed),
    /// A file is in the exchange folder now. Saying so again does nothing. Answer: [`Applied::Done`].
    HandedOver {
        /// The file.
        file: i64,
        /// Now.
        now: Millis,
    },
    /// Confirm a `received` delivery as posted. Answer: [`Applied::Settled`].
    Confirm {
        /// The delivery.
        delivery: i64,
        /// What the target calls it by now; added to what is known.
        references: Vec<Reference>,
        /// Now.
        now: Millis,
    },
    /// Give back deliveries whose lease ran out; each may have been sent. Also wakes deliveries that wait
    /// for a referent that was there all along. Answer: [`Applied::Moved`].
    Expire {
        /// Now.
        now: Millis,
    },
    /// Give back every claimed delivery, whatever its lease says: at start-up, when no other process can
    /// hold one. Each may have been sent. Answer: [`Applied::Moved`].
    TakeOver {
        /// Now.
        now: Millis,
    },
    /// Make exceptions of what waited longer than `waiting` at a connector for a referent
    /// (`referent-missing`) and of what it has `received` and is overdue (`overdue`). Answer:
    /// [`Applied::Moved`].
    Overdue {
        /// The connector.
        connector: String,
        /// Now.
        now: Millis,
        /// How long a delivery may wait for a referent.
        waiting: std::time::Duration,
    },
    /// Try an exception again, with attempts counted from the start. Answer: [`Applied::Moved`].
    Retry {
        /// The delivery.
        delivery: i64,
        /// Who asked, for the audit.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Give an exception up: settled as discarded, and its lane goes on. Answer: [`Applied::Moved`].
    Discard {
        /// The delivery.
        delivery: i64,
        /// Why.
        why: String,
        /// Who asked, for the audit.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Deliver again what was settled. Answer: [`Applied::Moved`].
    Replay(Replay),
    /// Claim nothing for this connector any more. Answer: [`Applied::Done`].
    Pause {
        /// The connector.
        connector: String,
        /// Why, for a person.
        why: Problem,
        /// Who asked; the host itself is `host`.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Claim for this connector again. Answer: [`Applied::Moved`] (nothing is moved, but the connector is
    /// named as one to look at).
    Resume {
        /// The connector.
        connector: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Erase a person: their key is destroyed, and with it everything stored under it, for ever.
    /// Raw inbounds rest under keys of their day and go with their retention ([`Command::Retain`]).
    /// Answer: [`Applied::Moved`] with the number of keys destroyed.
    ErasePerson {
        /// The subject: a customer's identity text, or an order's where no customer is known.
        subject: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Drop what has rested long enough. Answer: [`Applied::Moved`] with the number of bodies dropped.
    Retain(Retain),
    /// Keep an API token by its hash. Answer: [`Applied::Done`].
    PutToken {
        /// What it is called.
        name: String,
        /// SHA-256 of the token.
        hash: [u8; 32],
        /// Who asked; the host itself is `host`.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Forget an API token. Answer: [`Applied::Done`].
    RevokeToken {
        /// What it is called.
        name: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Set and remove mappings; what waits for one of them goes on. Answer: [`Applied::Kept`].
    PutMappings(PutMappings),
    /// Put and remove stores; what waits for one of them goes on. Refused when two stores would have the same
    /// code in a system ([`crate::Error::Taken`]). Answer: [`Applied::Kept`].
    PutStores(PutStores),
    /// Put a secret, if it is at the version that the caller believes it is. Refused when it is not
    /// ([`crate::Error::Changed`]). Answer: [`Applied::Version`].
    PutSecret {
        /// What it is called.
        name: String,
        /// Its text.
        value: SecretText,
        /// The version it has to be at; 0: there has to be none. Absent: whatever there is.
        expected: Option<u64>,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Forget a secret. Answer: [`Applied::Done`].
    RemoveSecret {
        /// What it is called.
        name: String,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Wrap every key and secret under another master key, and none under the old one any more: from the
    /// commit on, the database opens with the new one only. Answer: [`Applied::Moved`] with the number of keys
    /// and secrets.
    Rekey {
        /// The new master key.
        to: MasterKey,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Run this plugin for a connector from now on. Answer: [`Applied::Done`].
    Choose {
        /// The connector.
        connector: String,
        /// The plugin, in words that find it again; the one that the configuration names when absent.
        plugin: Option<String>,
        /// The one to go back to, in such words. Absent: there is none.
        previous: Option<String>,
        /// Who asked.
        by: String,
        /// Now.
        now: Millis,
    },
    /// Write down an operator's act that no other command writes down. Answer: [`Applied::Done`].
    Audit {
        /// Who.
        by: String,
        /// Did what (`plugin.swap`).
        action: String,
        /// To what.
        subject: String,
        /// In detail.
        detail: String,
        /// Now.
        now: Millis,
    },
    /// The database was restored from a backup: everything unsettled may have been sent, and serial numbers
    /// skip ahead. Answer: [`Applied::Moved`].
    BumpIncarnation {
        /// The new incarnation.
        incarnation: Uuid,
        /// How many serial numbers to skip for each connector.
        skip: u64,
        /// Now.
        now: Millis,
    },
}

/// A raw request as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The request method.
    pub method: String,
    /// The query, without the question mark.
    pub query: String,
    /// Headers, names in lower case, without those that authenticate.
    pub headers: Vec<(String, String)>,
    /// The request's bytes.
    pub body: Vec<u8>,
    /// The name of the file it was. Absent for requests that came by HTTP.
    pub file: Option<String>,
}

/// Keep a raw request.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The connector it came in through.
    pub connector: String,
    /// What identifies a duplicate of it within the connector.
    pub dedupe: String,
    /// The request.
    pub request: Request,
    /// When it arrived.
    pub received_at: Millis,
    /// The trace it belongs to.
    pub trace: String,
}

/// Keep events and what is owed for them.
#[derive(Debug, Default)]
pub struct Admit {
    /// The inbound that was read into the events; it counts as read from here on.
    pub inbound: Option<i64>,
    /// The cursor that the events were polled behind, moved in the same transaction.
    pub cursor: Option<CursorMove>,
    /// The events. Empty: understood, and of no interest.
    pub events: Vec<NewEvent>,
    /// What the plugin handed over while it read: kept with the events, or not at all.
    pub handed: Option<Handed>,
    /// Now.
    pub now: Millis,
}

/// A cursor and where it was: it moves only when it is still there.
#[derive(Clone, Debug)]
pub struct CursorMove {
    /// The polling connector.
    pub connector: String,
    /// Where the caller believes it is; none when there was none.
    pub from: Option<String>,
    /// Where it goes.
    pub to: String,
}

/// One event, ready to be kept.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event. Personal data that is still in it is taken out by the store.
    pub event: Event,
    /// The personal data that was taken out of it; it rests apart, under the key of the event's subject.
    pub personal: Option<Personal>,
    /// What `rules` needs to know of it to admit it: its key, its lane, its state.
    pub incoming: Incoming,
    /// The connector it came from.
    pub source: String,
    /// The attributes it can tell that are not its source's own (`Ownership::foreign`).
    pub foreign: Vec<Attribute>,
    /// How long its source may take to confirm what it acknowledges: what the event can start anew.
    pub overdue: std::time::Duration,
    /// Who it is owed to.
    pub targets: Vec<Target>,
    /// The trace it belongs to.
    pub trace: String,
}

/// A connector that an event is owed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The connector.
    pub connector: String,
    /// True when the order is pinned to the first connector that keeps books it is routed to by such a route.
    pub pin: bool,
    /// What sort of system the connector speaks to: only an ERP keeps books, or one of which nobody said.
    pub class: Option<Class>,
    /// True when only `posted`, not `received`, lets the next of the lane go.
    pub posted: bool,
    /// The system the connector speaks to (`shopify`): entities that come from it exist there without
    /// having been delivered.
    pub system: Option<String>,
    /// The connector that is the home of the event's order, should that have none yet: given when the order
    /// is older than Crossdock (`rules::pin::is_older`) and the route says where such orders live.
    pub home: Option<String>,
    /// Before this moment the delivery is not claimed: the next opening of the route's window.
    pub due_at: Option<Millis>,
    /// The place whose stock the event's level is a part of, where the connector is told the sum of all its
    /// levels. Without effect on events that tell no level of an article number.
    pub sum: Option<String>,
}

impl Target {
    /// True when the connector may be the home of an order's books.
    #[must_use]
    pub fn keeps_books(&self) -> bool {
        self.pin && pin::keeps_books(self.class)
    }
}

/// Take due deliveries.
#[derive(Clone, Debug)]
pub struct Claim {
    /// For whom.
    pub connector: String,
    /// How many at most: no more than limits allow to be sent now.
    pub limit: u32,
    /// Now.
    pub now: Millis,
    /// How long they are held. What is not settled by then goes back as maybe sent.
    pub lease: std::time::Duration,
}

/// What became of a claimed delivery.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The delivery.
    pub delivery: i64,
    /// The claim it is held by.
    pub fence: i64,
    /// What `rules` made of the plugin's answer.
    pub settlement: Settlement,
    /// The try, for the record.
    pub attempt: Attempt,
    /// Now.
    pub now: Millis,
}

/// Whether a try sent the work or looked it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptKind {
    /// The plugin's `deliver` was called.
    Send,
    /// The plugin's `find` was called.
    Find,
}

/// One try, for the record.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What was called.
    pub kind: AttemptKind,
    /// When the call began.
    pub started: Millis,
    /// When it answered.
    pub ended: Millis,
    /// What it answered, one word (`posted`, `unavailable`, `trap`).
    pub outcome: String,
    /// What it said, for a person; free of personal data. Empty when it said nothing.
    pub message: String,
    /// What was sent and received, in short. It may hold personal data, so it rests under the key of the
    /// event's subject, and goes when the person is erased.
    pub exchange: Option<String>,
}

/// Which settled deliveries are meant. Everything that is given must fit; nothing given fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// This delivery.
    pub delivery: Option<i64>,
    /// Deliveries of this event.
    pub event: Option<i64>,
    /// Owed to this connector.
    pub connector: Option<String>,
    /// Of this kind of event (`order.placed`).
    pub kind: Option<String>,
    /// Of this order, or other entity that lanes are made of: identity text.
    pub root: Option<String>,
    /// Of this entity: identity text.
    pub entity: Option<String>,
    /// Of events that were kept at this time or later.
    pub from: Option<Millis>,
    /// Of events that were kept before this time.
    pub until: Option<Millis>,
    /// In this state (`exception`).
    pub state: Option<String>,
    /// So many at most, those of the oldest events first. No matter where events are only listed.
    pub limit: Option<u32>,
}

/// Deliver again what was settled, and try exceptions again where the filter names that state.
///
/// Without a generation the delivery keeps its key and is looked up before anything is sent, so a target
/// that has it is not told twice. With a generation a new delivery with a key of its own is made, which
/// posts again on purpose. What was stale, joined or annulled is skipped: sending it would undo newer news.
/// So is what a person discarded, unless the filter names the event or the delivery by its number: whoever
/// discards has often booked it by hand.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Which.
    pub filter: Filter,
    /// Post again on purpose, under this number; from 1. The same number twice does nothing.
    pub generation: Option<u32>,
    /// Who asked.
    pub by: String,
    /// Now.
    pub now: Millis,
}

/// Drop what has rested long enough.
#[derive(Clone, Debug)]
pub struct Retain {
    /// Raw inbound bodies that arrived before this moment's day are dropped, and the keys of those days
    /// with them. Bodies that are still pending or in quarantine stay, and so does their day's key. So are
    /// the contents of files that were handed over before it; those that wait stay.
    pub bodies_before: Millis,
    /// What was exchanged in attempts that ended before this moment is dropped.
    pub exchanges_before: Millis,
}

/// The answer to a command that was done.
#[derive(Debug)]
pub enum Applied {
    /// To [`Command::Accept`].
    Accepted(Accepted),
    /// To [`Command::Admit`].
    Admitted(Admitted),
    /// To [`Command::Claim`].
    Claimed(Vec<Claimed>),
    /// To [`Command::Settle`] and [`Command::Confirm`].
    Settled(Settled),
    /// To [`Command::SettleAll`], in the order given.
    SettledAll(Vec<Settled>),
    /// To commands that move any number of deliveries.
    Moved(Moved),
    /// To [`Command::PutMappings`] and [`Command::PutStores`].
    Kept(Kept),
    /// To [`Command::PutSecret`]: the version it is at now.
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
            Self::SettledAll(all) => all.iter().flat_map(|settled| names(&settled.ready)).collect(),
            Self::Moved(moved) => names(&moved.ready),
            Self::Kept(kept) => names(&kept.ready),
            Self::Accepted(_) | Self::Claimed(_) | Self::Version(_) | Self::Done => Vec::new(),
        }
    }
}

/// A kept request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The inbound: the first one's when it is a duplicate.
    pub inbound: i64,
    /// True when it had been kept before; nothing was written.
    pub duplicate: bool,
}

/// What became of events.
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
    /// What a person has to decide by it.
    pub raised: Vec<Raised>,
    /// What is owed, in the order of events and targets.
    pub owed: Vec<Owed>,
    /// Connectors that have something to claim since.
    pub ready: Vec<String>,
}

/// One delivery that an event led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The event.
    pub event: i64,
    /// The delivery.
    pub delivery: i64,
    /// The connector: the pinned one where the order is pinned.
    pub connector: String,
    /// `queued`, `ready`, `waiting`, `exception`, or how it was settled at once: `stale`, `joined`, `annulled`,
    /// `echo`, `conflict`, `same-sale`.
    pub what: String,
}

/// A delivery that became an exception by time, or by what another system said.
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

/// A delivery that is held by the caller until its lease ends.
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
    /// Its serial number, allotted with the first claim and kept.
    pub serial: u64,
    /// How many attempts have been used up so far.
    pub attempts: u32,
    /// How often the plugin itself has failed at it so far.
    pub failures: u32,
    /// How often the target was asked with `find` since something was last sent.
    pub finds: u32,
    /// Whether the target had been told before this claim.
    pub sent: Sent,
    /// The last moment at which a request may have left before this claim; the epoch when none has.
    pub sent_at: Millis,
    /// True when the target has to be asked first: the last settlement said so, or a claim was lost.
    pub find: bool,
    /// Since when it waits for a referent, if it has waited.
    pub waiting_since: Option<Millis>,
    /// True when its route lets nothing behind it go before it is posted.
    pub holds_until_posted: bool,
    /// What the plugin answered with `partial` last time.
    pub resume: Option<String>,
    /// When the lease ends.
    pub lease_until: Millis,
    /// The lane: the root's identity text.
    pub lane: String,
    /// The event's id: of the newest event where others joined.
    pub event_id: i64,
    /// The event, with personal data put back where the person was not erased.
    pub event: Event,
    /// What the connector's system calls the event's entity.
    pub references: Vec<Reference>,
    /// What it calls the event's parent.
    pub parent_references: Vec<Reference>,
    /// The trace.
    pub trace: String,
    /// When the event was kept, or read again: where latency is counted from.
    pub recorded_at: Millis,
}

impl Claimed {
    /// The coming call, as `rules` wants it described. `find`: it is a `find`; `probe`: it is the breaker's.
    #[must_use]
    pub fn tried(&self, find: bool, probe: bool) -> Try {
        Try {
            find,
            attempts: self.attempts,
            failures: self.failures,
            finds: self.finds,
            sent_at: self.sent_at,
            sent: self.sent,
            resume: self.resume.clone(),
            waiting_since: self.waiting_since,
            holds_until_posted: self.holds_until_posted,
            probe,
        }
    }
}

/// What a settlement led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The deliveries that became ready by it: the next of the lane, and what waited for this one.
    pub released: Vec<i64>,
    /// True when the connector was paused by it.
    pub paused: bool,
    /// Connectors that have something to claim since.
    pub ready: Vec<String>,
}

/// What a command that moves many moved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moved {
    /// How many.
    pub count: u64,
    /// How many the filter meant but the rules left alone.
    pub skipped: u64,
    /// What a person has to decide by it.
    pub raised: Vec<Raised>,
    /// Connectors that have something to claim since.
    pub ready: Vec<String>,
}
