//! What can go wrong here, said as which operation failed on what.

use std::path::PathBuf;

/// The result of anything the engine or a database does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command was refused or a query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed. Nothing of the transaction was stored.
    #[error("{operation}: {source}")]
    Database {
        /// The operation that failed (`reading lanes`).
        operation: &'static str,
        /// The database's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database refuses what a command writes, for its content (a unique key, a value out of range):
    /// the same command is refused again.
    #[error("{operation}: the database refuses the content: {reason}")]
    Content {
        /// The operation that failed.
        operation: &'static str,
        /// The database's words.
        reason: String,
    },
    /// Another host has the database open.
    #[error("{path} is in use by another host")]
    InUse {
        /// The database's file.
        path: PathBuf,
    },
    /// The database's file or its folder cannot be used.
    #[error("opening {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: std::io::Error,
    },
    /// The master key is not the one the database was made with.
    #[error("the master key is not the one this database was made with")]
    WrongMasterKey,
    /// What is stored cannot be decoded: the wrong key, a damaged file, or a newer version's format.
    #[error("reading {what}: {reason}")]
    Unreadable {
        /// What was being read.
        what: String,
        /// Why it cannot be decoded.
        reason: String,
    },
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    Unknown {
        /// What was looked for (`delivery`).
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// The claim was taken away or given to another caller meanwhile: its outcome is not believed.
    #[error("delivery {delivery} is no longer held by claim {fence}")]
    Fenced {
        /// The delivery.
        delivery: i64,
        /// The claim that was presented.
        fence: i64,
    },
    /// The cursor is not at the position that the caller expects.
    #[error("the cursor of {connector} has moved")]
    CursorMoved {
        /// The polling connector.
        connector: String,
    },
    /// The operation is not allowed in the present state.
    #[error("{what} {id} is {state}")]
    WrongState {
        /// What it is (`delivery`).
        what: &'static str,
        /// Its id.
        id: i64,
        /// The state it is in.
        state: String,
    },
    /// The name is in use already.
    #[error("there is a {what} {id} already")]
    Taken {
        /// What it is (`file`).
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// The value cannot be stored.
    #[error("{what} {id}: {reason}")]
    Invalid {
        /// What it is (`store`).
        what: &'static str,
        /// Its name or id.
        id: String,
        /// Why it cannot be stored.
        reason: String,
    },
    /// Another caller has changed it meanwhile.
    #[error("{what} {id} is at version {version} by now")]
    Changed {
        /// What it is (`secret`).
        what: &'static str,
        /// Its name.
        id: String,
        /// The version it is at; 0 when there is none.
        version: u64,
    },
    /// Reading does not end: a decision asks for the same rows again and again, which is a fault of
    /// the database or of the engine.
    #[error("a unit of work asked {rounds} times for more rows and was given up")]
    Endless {
        /// How many times rows were read.
        rounds: u32,
    },
    /// The queue of writes is full: come back later.
    #[error("the queue of writes is full")]
    Busy,
    /// The writer has ended; nothing more is written.
    #[error("the store has been closed")]
    Closed,
    /// The transaction that this command shared with others failed; nothing of it was stored.
    #[error("the transaction failed: {0}")]
    Transaction(String),
}

impl Error {
    /// True when the database is at fault, not the command: intake answers 503, not 4xx, and the command may
    /// succeed when it is tried again.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Database { .. }
                | Self::Unreadable { .. }
                | Self::Endless { .. }
                | Self::Busy
                | Self::Closed
                | Self::Transaction(_)
        )
    }
}
