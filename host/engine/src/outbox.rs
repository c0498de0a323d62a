//! The outbox: files for a connector's exchange folder, and the sequence numbers they used.
//!
//! Both are stored in the transaction that stores the answer of the call which made them. So a call whose
//! answer is lost has put nothing into the outbox, and one whose answer is stored has put everything there.

use crossdock_model::time::Millis;
use serde::Serialize;

/// A file as a plugin made it.
#[derive(Clone, PartialEq, Eq)]
pub struct OutFile {
    /// A plain file name. A connector uses a name once.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Does not print the content.
impl std::fmt::Debug for OutFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutFile({}, {} bytes)", self.name, self.content.len())
    }
}

/// What one call of a connector put into the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxEntries {
    /// The connector.
    pub connector: String,
    /// Its files, in the order they were made.
    pub files: Vec<OutFile>,
    /// The sequences it took numbers of, each with the last number it took. What is stored is the higher of
    /// that and what was stored before.
    pub numbers: Vec<(String, u64)>,
    /// Now.
    pub now: Millis,
}

impl OutboxEntries {
    /// True when there is neither a file nor a number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.numbers.is_empty()
    }
}

/// A file that waits to be written to the connector's exchange folder.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingFile {
    /// Its number: the order in which files are written.
    pub id: i64,
    /// The connector.
    pub connector: String,
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
    /// When it was stored.
    pub at: Millis,
}

/// Does not print the content.
impl std::fmt::Debug for PendingFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PendingFile({} {}/{}, {} bytes)", self.id, self.connector, self.name, self.content.len())
    }
}

/// A file in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutFileRow {
    /// Its number.
    pub id: i64,
    /// The connector.
    pub connector: String,
    /// Its name.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// When it was stored.
    pub at: Millis,
    /// When it was written to the exchange folder. Absent while it waits.
    #[serde(rename = "handedAt")]
    pub written_at: Option<Millis>,
}

/// A received delivery that a file carries which is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedDelivery {
    /// The delivery.
    pub delivery: i64,
    /// How long after the file is written the target may take to confirm it, in milliseconds.
    pub confirmation_limit: i64,
}
