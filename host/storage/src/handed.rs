//! What plugins hand over beside their answers: files for their partners, and the numbers they used.
//!
//! Both are kept in the transaction that keeps the answer. So a call whose answer is lost has handed nothing
//! over, and one whose answer is kept has handed over everything.

use crossdock_model::time::Millis;
use serde::Serialize;

use crate::Settle;

/// A file as a plugin handed it over.
#[derive(Clone, PartialEq, Eq)]
pub struct OutFile {
    /// A plain file name. A connector uses a name once.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Says nothing of the content.
impl std::fmt::Debug for OutFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutFile({}, {} bytes)", self.name, self.content.len())
    }
}

/// What one call of a connector handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// The connector.
    pub connector: String,
    /// Its files, in the order they were handed over.
    pub files: Vec<OutFile>,
    /// The sequences it took numbers of, each with the last number it took. What is stored is the higher of
    /// that and what was stored before.
    pub numbers: Vec<(String, u64)>,
    /// Now.
    pub now: Millis,
}

impl Handed {
    /// True when nothing was handed over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.numbers.is_empty()
    }
}

/// What became of all deliveries of one call, and what the call handed over: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct SettleAll {
    /// The settlements. All deliveries belong to the connector that handed over.
    pub settles: Vec<Settle>,
    /// The files and numbers.
    pub handed: Handed,
}

/// A file that waits to be written to the connector's exchange folder.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its number: the order in which files were handed over.
    pub id: i64,
    /// The connector.
    pub connector: String,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
    /// When it was kept.
    pub at: Millis,
}

/// Says nothing of the content.
impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({} {}/{}, {} bytes)", self.id, self.connector, self.name, self.content.len())
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
    /// When it was kept.
    pub at: Millis,
    /// When it was written to the exchange folder. Absent while it waits.
    pub handed_at: Option<Millis>,
}
