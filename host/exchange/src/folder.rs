//! An exchange folder, as its users see it.

use async_trait::async_trait;

use crate::error::Result;
use crate::file_system::Stat;

/// A partner's files. Only one host uses a folder at a time.
#[async_trait]
pub trait Folder: Send + Sync + 'static {
    /// Creates the missing directories. Called before anything else.
    ///
    /// # Errors
    /// When the folder cannot be used; likewise for all other operations.
    async fn prepare(&self) -> Result<()>;

    /// The files in `in/`, without hidden and unfinished ones.
    async fn list(&self) -> Result<Listing>;

    /// The contents of a listed file.
    ///
    /// # Errors
    /// [`Error::Changed`](crate::Error::Changed) or [`Error::NotFound`](crate::Error::NotFound) when it is no
    /// longer the listed file, [`Error::TooLarge`](crate::Error::TooLarge) when it has more than `limit` bytes.
    async fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>>;

    /// Moves a file that was read to `archive/in/`. If the archive has a file of that name, the new one gets
    /// its modification time appended to its name.
    ///
    /// # Errors
    /// [`Error::Changed`](crate::Error::Changed) or [`Error::NotFound`](crate::Error::NotFound) when it is no
    /// longer the file that was read: the present file stays, and is in the next listing.
    async fn archive(&self, entry: &Entry) -> Result<()>;

    /// Writes a file to `out/`, whole and once: repeated after a crash, the same call detects how far the
    /// first one came, even when the partner has already taken the file. A copy stays in `archive/out/`.
    ///
    /// # Errors
    /// [`Error::NameReused`](crate::Error::NameReused) when other contents were written under this name
    /// before, [`Error::Exists`](crate::Error::Exists) when somebody else's file is in `out/` under this name,
    /// [`Error::InvalidName`](crate::Error::InvalidName) when the name is invalid.
    async fn put(&self, name: &str, bytes: &[u8]) -> Result<Put>;
}

/// The contents of `in/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files.
    pub entries: Vec<Entry>,
    /// Names that cannot be used: too long, or with unprintable characters (replaced here).
    pub unusable: Vec<String>,
}

/// One file in `in/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The partner's name of the file.
    pub name: String,
    /// Its metadata.
    pub stat: Stat,
    /// Its current name in `in/`.
    pub(crate) current_name: String,
}

impl Entry {
    /// A file with the partner's name.
    #[must_use]
    pub fn new(name: &str, stat: Stat) -> Self {
        Self { name: name.to_owned(), stat, current_name: name.to_owned() }
    }
}

/// The result of writing a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was written now.
    Written,
    /// It had been written before.
    AlreadyWritten,
}

/// The names of a folder's directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the partner puts files.
    pub incoming: String,
    /// Where the partner takes files from.
    pub outgoing: String,
    /// The parent of the archives `in` and `out`.
    pub archive: String,
}

impl Default for Layout {
    fn default() -> Self {
        Self { incoming: "in".into(), outgoing: "out".into(), archive: "archive".into() }
    }
}
