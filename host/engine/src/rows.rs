//! The rows that decisions read and write, beside [`Delivery`](crate::delivery::Delivery).

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::common::Personal;
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::attributes::{Attribute, AttributeValue, Fingerprint, Fingerprints};
use crossdock_rules::day::DayClosing;
use crossdock_rules::effect::Effect;
use crossdock_rules::version::Stamp;

use crate::command::AttemptKind;

/// How far an inbound has come.
#[derive(Clone, Debug, PartialEq)]
pub enum InboundState {
    /// It has yet to be read.
    Pending,
    /// Its events are stored.
    Read,
    /// It cannot be read.
    Quarantined(Problem),
}

/// A request, without its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundRow {
    /// The connector it came in through.
    pub connector: Arc<str>,
    /// When it arrived.
    pub received_at: Millis,
    /// How far it has come.
    pub state: InboundState,
    /// When it is due to be read; while it is leased, when the lease ends.
    pub due_at: Millis,
    /// True while a host reads it.
    pub leased: bool,
    /// How often it was postponed.
    pub attempts: u32,
    /// The trace.
    pub trace: Arc<str>,
    /// False when its bytes have gone with their retention.
    pub has_body: bool,
}

/// An idempotency key that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The event; it may have been pruned since.
    pub event: i64,
    /// The digest of its fact.
    pub digest: Arc<str>,
}

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Its number.
    pub id: i64,
    /// Its idempotency key.
    pub key: Arc<str>,
    /// The event, without personal data.
    pub event: Arc<Event>,
    /// Its personal data. Absent when it had none, and once the person was erased.
    pub personal: Option<Arc<Personal>>,
    /// The connector that reported it.
    pub source: Arc<str>,
    /// The identity of its entity.
    pub entity: Arc<str>,
    /// The identity of the root of its lane.
    pub root: Arc<str>,
    /// Its place in the entity's history.
    pub stamp: Stamp,
    /// What it does to the entity.
    pub effect: Effect,
    /// The digest of its fact.
    pub digest: Arc<str>,
    /// The inbound it was read from. Absent when it was polled and not set aside on the way.
    pub inbound: Option<i64>,
    /// Whose personal data it came with: identity text.
    pub subject: Arc<str>,
    /// The trace.
    pub trace: Arc<str>,
    /// When it was stored.
    pub recorded_at: Millis,
}

/// The last values that were written to a system, the latest last: from the one that the system last reported back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundWrites(pub BTreeMap<Attribute, WrittenValues>);

/// Values of one attribute. Personal ones are stored as fingerprints in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenValues {
    /// The values, the latest last.
    pub values: Vec<String>,
    /// When the last of them was written.
    pub at: Millis,
}

/// The values that an event reports, as they are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The event.
    pub event: i64,
    /// A fingerprint of each value, personal ones included.
    pub fingerprints: Fingerprints,
    /// The values that are not personal.
    pub values: Arc<[AttributeValue]>,
    /// The attributes among them that the source does not own.
    pub foreign: Vec<Attribute>,
    /// True when the event reports nothing else.
    pub complete: bool,
}

/// Why a delivery awaits in-flight writes: it may be their echo.
#[derive(Clone, Debug, PartialEq)]
pub struct InFlightWait {
    /// The deliveries that have to be resolved first.
    pub in_flight: Vec<i64>,
    /// The connector that reported the values.
    pub source: Arc<str>,
    /// The identity of the entity.
    pub entity: Arc<str>,
    /// The values it reported.
    pub report: Report,
    /// The values that the source had reported to the target before.
    pub before: Option<Fingerprints>,
}

/// The closing of a store's day, and the event that reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingRow {
    /// The closing.
    pub closing: DayClosing,
    /// The event.
    pub event: i64,
}

/// The newest level of an article at one location of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelRow {
    /// How many can be sold. Absent when the location does not stock the article any more.
    pub available: Option<String>,
    /// When it was counted, as far as the source's clock is believed, in microseconds since 1970.
    pub believed: i64,
    /// The source's own sequence. Absent when it has none.
    pub sequence: Option<u64>,
}

/// Source and location of a level.
pub type LevelKey = (Arc<str>, Arc<str>);

/// A value of a mapping table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingEntry {
    /// The target's value.
    pub target: Arc<str>,
    /// When it was set.
    pub at: Millis,
    /// Who set it.
    pub by: Arc<str>,
}

/// A secret, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretVersion {
    /// The version of its last value; versions are never used again.
    pub version: u64,
    /// False when it was removed.
    pub present: bool,
}

/// A file of the outbox, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// When it was written to the exchange folder. Absent while it waits.
    pub written_at: Option<Millis>,
    /// The deliveries it carries, until it is written.
    pub carries: Vec<crate::outbox::CarriedDelivery>,
}

/// One attempt, for the record.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// The delivery.
    pub delivery: i64,
    /// The claim it was made under.
    pub fence: i64,
    /// Which attempt it counted as.
    pub number: u32,
    /// Whether it sent or looked up.
    pub kind: AttemptKind,
    /// When it began.
    pub started: Millis,
    /// When it ended.
    pub ended: Millis,
    /// Its outcome, one word.
    pub outcome: Arc<str>,
    /// The answer in words.
    pub message: Arc<str>,
    /// What was sent and received, and the event whose subject's key it is stored under.
    pub exchange: Option<(i64, Arc<str>)>,
}

/// An attribute that an event reported though its source does not own it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictRecord {
    /// The event.
    pub event: i64,
    /// The connector that reported it.
    pub connector: Arc<str>,
    /// The identity of the entity.
    pub entity: Arc<str>,
    /// The attribute.
    pub attribute: Attribute,
    /// The reported value. Absent where it is personal.
    pub value: Option<Arc<str>>,
    /// The value last written there. Absent when there is none, and where it is personal.
    pub written: Option<Arc<str>>,
    /// True when it was delivered all the same.
    pub applied: bool,
    /// When.
    pub at: Millis,
}

/// An operator's act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Millis,
    /// Who.
    pub by: Arc<str>,
    /// The action.
    pub action: Arc<str>,
    /// Its object.
    pub subject: Arc<str>,
    /// In detail.
    pub detail: Arc<str>,
}

impl OutboundWrites {
    /// The fingerprints of all values, as a report is compared with them.
    #[must_use]
    pub fn fingerprints(&self) -> Fingerprints {
        let mut all = Fingerprints::default();
        for (attribute, written) in &self.0 {
            let of: Vec<Fingerprint> =
                written.values.iter().map(|value| stored_fingerprint(*attribute, value)).collect();
            all.replace(*attribute, &of);
        }
        all
    }
}

/// The fingerprint of a value as it is stored: a personal one is stored as its fingerprint.
#[must_use]
pub fn stored_fingerprint(attribute: Attribute, value: &str) -> Fingerprint {
    if !attribute.is_personal() {
        return crossdock_rules::attributes::fingerprint(value);
    }
    let mut fingerprint = Fingerprint::default();
    for (to, pair) in fingerprint.iter_mut().zip(value.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(pair).unwrap_or_default();
        *to = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    fingerprint
}

/// A fingerprint as it is stored in the place of a personal value.
#[must_use]
pub fn fingerprint_text(fingerprint: Fingerprint) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * fingerprint.len());
    for byte in fingerprint {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What a replay looks at: a delivery, and how its event and others relate to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayCandidate {
    /// The delivery.
    pub delivery: i64,
    /// Whether the event's content is still stored.
    pub has_content: bool,
    /// True when it was already posted under the replay's generation.
    pub repeated: bool,
}

/// The history of one root, or of one event that leaves alone, as retention looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The root's identity.
    pub root: Arc<str>,
    /// Its events with the times they were stored at.
    pub events: Vec<(i64, Millis)>,
    /// Its deliveries: number, whether it is settled, since when.
    pub deliveries: Vec<(i64, bool, Millis)>,
}
