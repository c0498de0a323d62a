//! What can go wrong here, said as what was being done to what.

use std::path::PathBuf;

/// The result of anything this room does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command was refused or a query not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do what it was asked to. Nothing of the transaction was kept.
    #[error("{doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
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
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The master key is not the one the database was made with.
    #[error("the master key is not the one this database was made with")]
    WrongMasterKey,
    /// What is stored cannot be understood: the wrong key, a damaged file, or a newer host's writing.
    #[error("reading {what}: {why}")]
    Unreadable {
        /// What was being read.
        what: String,
        /// Why it could not be.
        why: String,
    },
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    Unknown {
        /// What was looked for (`delivery`).
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// The claim has been taken away or given to somebody else meanwhile: the outcome is not believed.
    #[error("delivery {delivery} is no longer held by claim {fence}")]
    Fenced {
        /// The delivery.
        delivery: i64,
        /// The claim that was presented.
        fence: i64,
    },
    /// The cursor is not where the caller believed it was.
    #[error("the cursor of {connector} has moved")]
    CursorMoved {
        /// The polling connector.
        connector: String,
    },
    /// The thing is not in a state in which this can be done to it.
    #[error("{what} {id} is {state}")]
    WrongState {
        /// What it is (`delivery`).
        what: &'static str,
        /// Its id.
        id: i64,
        /// The state it is in.
        state: String,
    },
    /// There is one of that name already.
    #[error("there is a {what} {id} already")]
    Taken {
        /// What it is (`file`).
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// What was given cannot be kept.
    #[error("{what} {id}: {why}")]
    Invalid {
        /// What it is (`store`).
        what: &'static str,
        /// Its name or id.
        id: String,
        /// Why it cannot be kept.
        why: String,
    },
    /// Somebody else has changed it meanwhile.
    #[error("{what} {id} is at version {version} by now")]
    Changed {
        /// What it is (`secret`).
        what: &'static str,
        /// Its name.
        id: String,
        /// The version it is at; 0 when there is none.
        version: u64,
    },
    /// The queue of writes is full: come back later.
    #[error("too much is waiting to be written")]
    Busy,
    /// The writer has ended; nothing more is written.
    #[error("the store has been closed")]
    Closed,
    /// The transaction that this command shared with others failed; nothing of it was kept.
    #[error("the transaction failed: {0}")]
    Transaction(String),
}

impl Error {
    /// True when the store itself is at fault, not the command: intake answers 503, not 4xx.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Database { .. }
                | Self::Unreadable { .. }
                | Self::Busy
                | Self::Closed
                | Self::Transaction(_)
        )
    }
}
