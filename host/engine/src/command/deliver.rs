//! Commands about deliveries on their way to a target.

use std::time::Duration;

use crossdock_model::time::Millis;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::Settlement;

use crate::outbox::OutboxEntries;

/// Claim due deliveries.
#[derive(Clone, Debug)]
pub struct Claim {
    /// For whom.
    pub connector: String,
    /// How many at most: no more than limits allow to be sent now.
    pub limit: u32,
    /// Now.
    pub now: Millis,
    /// How long they are held. What is not settled by then goes back as maybe sent.
    pub lease: Duration,
    /// What the target offers against duplicates: it decides what is looked up first, and what is sent at once.
    pub keys: Keys,
}

/// The outcome of a claimed delivery.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The delivery.
    pub delivery: i64,
    /// The claim it is held by.
    pub fence: i64,
    /// What the rules made of the plugin's answer.
    pub settlement: Settlement,
    /// The attempt, for the record.
    pub attempt: Attempt,
    /// Now.
    pub now: Millis,
}

/// The outcomes of all deliveries of one call, and what the call put into the outbox: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct SettleBatch {
    /// The settlements. All deliveries belong to the connector of the outbox entries.
    pub settles: Vec<Settle>,
    /// The files and numbers.
    pub outbox: OutboxEntries,
}

/// Whether an attempt sent the work or looked it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptKind {
    /// The plugin's `deliver` was called.
    Send,
    /// The plugin's `find` was called.
    Find,
}

/// One attempt, for the record.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What was called.
    pub kind: AttemptKind,
    /// When the call began.
    pub started: Millis,
    /// When it answered.
    pub ended: Millis,
    /// Its outcome, one word (`posted`, `unavailable`, `trap`).
    pub outcome: String,
    /// The answer in words, for a person; free of personal data. Empty when there is none.
    pub message: String,
    /// What was sent and received, in short. It may hold personal data, so it is stored under the key of the
    /// event's subject, and goes when the person is erased.
    pub exchange: Option<String>,
}
