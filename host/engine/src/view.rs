//! What is read back: records for listings, pages and recovery. All of them serialise to the JSON that the
//! API shows.

use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use serde::Serialize;

use crate::command::AttemptKind;

/// A page of a listing, newest first: ids below `before`, at most `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Ids below this one; none for the newest.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// A page of what is stuck, longest stuck first: behind a moment and a number, at most `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StuckPage {
    /// Behind this moment and delivery: where the last page ended. None for the first page.
    pub after: Option<(Millis, i64)>,
    /// How many at most.
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { before: None, limit: 50 }
    }
}

/// A stored request with its bytes.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Its number.
    pub id: i64,
    /// The connector it came in through.
    pub connector: String,
    /// When it arrived.
    pub received_at: Millis,
    /// The trace.
    pub trace: String,
    /// How often it was postponed.
    pub attempts: u32,
    /// The request. None when its body has gone with its retention.
    pub request: Option<crate::Request>,
}

/// How many requests of a connector are pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCount {
    /// The connector.
    pub connector: String,
    /// Those that nobody has tried to read.
    pub fresh: u64,
    /// Those that were tried and postponed.
    pub postponed: u64,
}

/// A request that could not be read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    /// Its number.
    pub id: i64,
    /// The connector it came in through.
    pub connector: String,
    /// When it arrived.
    pub received_at: Millis,
    /// Why it cannot be read.
    pub problem: Problem,
    /// The trace.
    pub trace: String,
}

/// An event in a listing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRow {
    /// Its number.
    pub id: i64,
    /// Its idempotency key.
    pub key: String,
    /// Its kind (`order.placed`).
    pub kind: String,
    /// Its entity: identity text.
    pub entity: String,
    /// The entity whose lane it is in: identity text.
    pub root: String,
    /// When it happened, by the source's clock.
    pub occurred_at: String,
    /// When it was stored.
    pub recorded_at: Millis,
    /// The inbound it was read from. Absent when it was polled and not set aside on the way.
    pub inbound: Option<i64>,
    /// The trace.
    pub trace: String,
    /// Its deliveries.
    pub deliveries: Vec<DeliveryRow>,
}

/// One event with everything known about it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventDetail {
    /// As in the listing.
    #[serde(flatten)]
    pub row: EventRow,
    /// The event without personal data. Absent when its body is gone.
    pub event: Option<Event>,
    /// Whose personal data it came with: identity text. Absent when it had none.
    pub subject: Option<String>,
    /// True when that person has been erased since.
    pub erased: bool,
    /// The attempts of its deliveries, oldest first.
    pub attempts: Vec<AttemptRow>,
    /// The references of its entity in the systems it was delivered to.
    pub references: Vec<EntityReference>,
}

/// A delivery in a listing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRow {
    /// Its number.
    pub id: i64,
    /// The event it was enqueued for.
    pub event: i64,
    /// The event it carries: a newer one where that joined.
    pub carries: i64,
    /// The connector.
    pub connector: String,
    /// Its lane.
    pub lane: String,
    /// Its state (`ready`).
    pub state: String,
    /// How it was settled (`posted`). Absent while it is open.
    pub ending: Option<String>,
    /// Whether it was sent: `no`, `maybe`, `yes`.
    pub sent: String,
    /// The attempts used up.
    pub attempts: u32,
    /// Why it is as it is. Absent when there is nothing to say.
    pub reason: Option<Problem>,
    /// Since when.
    pub since: Millis,
    /// When it is next due. Absent when nothing is.
    pub due_at: Option<Millis>,
    /// The delivery that carries its content. Absent unless it joined one.
    pub joined_to: Option<i64>,
    /// The entity or mapping that it awaits.
    pub waits_for: Option<String>,
    /// Its serial number. Absent before the first claim.
    pub serial: Option<u64>,
    /// Which posting on purpose this is; 0 is the first, unforced one.
    pub generation: u32,
}

/// One delivery with everything known about it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryDetail {
    /// As in the listing.
    #[serde(flatten)]
    pub row: DeliveryRow,
    /// The idempotency key.
    pub key: String,
    /// The kind of event (`order.placed`).
    pub kind: String,
    /// Its entity.
    pub entity: String,
    /// The event it carries, without personal data.
    pub body: Option<Event>,
    /// The resume token.
    pub resume: Option<String>,
    /// The attempts, oldest first.
    pub attempts_made: Vec<AttemptRow>,
    /// The references of the entity in the connector's system.
    pub references: Vec<Reference>,
    /// The trace.
    pub trace: String,
}

/// One attempt.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRow {
    /// The delivery.
    pub delivery: i64,
    /// The claim it was made under; rises with every try.
    pub fence: i64,
    /// Which attempt it counted as.
    pub number: u32,
    /// Whether it sent or looked up.
    pub kind: AttemptKind,
    /// When it began.
    pub started: Millis,
    /// When it ended.
    pub ended: Millis,
    /// Its outcome.
    pub outcome: String,
    /// The answer in words.
    pub message: String,
    /// What was sent and received. Absent when nothing was written down, or the person was erased.
    pub exchange: Option<String>,
}

/// A reference of an entity in one system.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityReference {
    /// The connector of that system.
    pub connector: String,
    /// The entity: identity text.
    pub entity: String,
    /// The reference.
    pub reference: Reference,
}

/// Which events a listing shows. Everything that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Conditions on events and their deliveries.
    pub filter: crate::Filter,
    /// Only events whose entity's or root's id is this text (`1001`), whatever its system.
    pub id: Option<String>,
    /// Only events that carry this search term: an order number (`#1001`), a store, a SKU, a total (`129.90`), or a
    /// reference.
    pub term: Option<String>,
    /// Only events of the person with this e-mail address, telephone number or name.
    pub customer: Option<String>,
}

/// How one connector stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorCounts {
    /// The connector.
    pub connector: String,
    /// Heads of lanes.
    pub ready: u64,
    /// Behind a head or an exception.
    pub queued: u64,
    /// Claimed.
    pub sending: u64,
    /// Awaiting another entity, or an in-flight write.
    pub waiting: u64,
    /// Received and not confirmed.
    pub received: u64,
    /// For a person.
    pub exception: u64,
    /// Done.
    pub settled: u64,
    /// When the oldest head was or is due. Absent without heads.
    pub oldest_due: Option<Millis>,
    /// Why nothing is claimed, when it is paused.
    pub paused: Option<Pause>,
}

/// Why and since when a connector is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// A stable code.
    pub code: String,
    /// For a person.
    pub message: String,
    /// Since when.
    pub since: Millis,
}

/// A delivery that is not moving: why, since when, and what comes next.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stuck {
    /// The delivery.
    pub delivery: DeliveryRow,
    /// The kind of event.
    pub kind: String,
    /// Its entity.
    pub entity: String,
    /// Why it is not moving, one sentence.
    pub why: String,
    /// Since when.
    pub since: Millis,
    /// What happens next, one sentence.
    pub next: String,
    /// When that is. Absent when it depends on something else.
    pub next_at: Option<Millis>,
    /// The delivery that has to move first. Absent when none has.
    pub behind: Option<i64>,
}

/// A value reported by a system that does not own the attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// Its number.
    pub id: i64,
    /// The event.
    pub event: i64,
    /// The event's kind (`inventory.counted`).
    pub kind: String,
    /// The connector that reported it.
    pub connector: String,
    /// The entity: identity text.
    pub entity: String,
    /// The attribute (`stock.available`).
    pub attribute: String,
    /// The reported value. Absent where that is personal.
    pub value: Option<String>,
    /// The value last written there. Absent when there is none, and where it is personal.
    pub written: Option<String>,
    /// True when it was delivered all the same, together with attributes that its source owns.
    pub applied: bool,
    /// When it was stored.
    pub at: Millis,
}

/// How much of an article one source has at one of its locations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StockLevel {
    /// The connector that counted it.
    pub source: String,
    /// Its location.
    pub location: String,
    /// How many can be sold. Absent when the location does not stock it any more.
    pub available: Option<String>,
    /// When it was counted, by the source's clock as far as that is believed.
    pub at: Millis,
}

/// The outcome that a replay would have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// How many deliveries it would deliver again.
    pub count: u64,
    /// How many fit the filter but would be left alone: open, stale, joined, annulled, discarded by a person,
    /// already posted under that generation, or pruned.
    pub skipped: u64,
    /// Of those, how many are pruned: their content has left with its retention.
    pub pruned: u64,
}

/// Where a poll goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cursor {
    /// The plugin's own position.
    pub cursor: String,
    /// When it was moved there.
    pub at: Millis,
}

/// An API token: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Millis,
}

/// An act of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Millis,
    /// Who.
    pub by: String,
    /// Did what.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In detail.
    pub detail: String,
}

/// The identity of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Which life of the data this is: a restored backup is a new one.
    pub incarnation: uuid::Uuid,
    /// The host that owns it.
    pub node: String,
}
