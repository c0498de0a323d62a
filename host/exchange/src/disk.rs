//! The few things a folder needs of a file system, wherever it is.

use async_trait::async_trait;
use crossdock_model::time::Millis;

use crate::Result;

/// By what it is told whether a file is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// How many bytes it has.
    pub size: u64,
    /// When it was last written to, by the clock of whoever keeps it; SFTP gives whole seconds.
    pub modified: Millis,
    /// Which file it is, whatever it is called. Absent where that cannot be told (SFTP).
    pub id: Option<u64>,
}

/// A file system. Paths are relative to the folder (`in/850.edi`), with slashes.
///
/// What an implementation did before it returned without an error is there after a crash of the machine,
/// as far as it can see to that. When it returns an error, the thing may have been done or not: callers look.
#[async_trait]
pub trait Disk: Send + Sync + 'static {
    /// Makes a directory and those above it, where they are missing.
    async fn make(&self, dir: &str) -> Result<()>;

    /// The plain files of a directory by name; links and directories are left out. A name that is no
    /// Unicode text is given with marks in it, and can be shown but not used.
    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>>;

    /// What is known of a plain file. None when there is none.
    async fn stat(&self, path: &str) -> Result<Option<Stat>>;

    /// The bytes of a plain file, at most `limit` of them.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] when there are more; [`crate::Error::Gone`] when there is no such file.
    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>>;

    /// Writes a new file, in the place of one of that name.
    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Gives a file another name, at once: no moment with both names or none.
    ///
    /// # Errors
    /// [`crate::Error::Exists`] when there is something of that name, which is left alone;
    /// [`crate::Error::Gone`] when there is no such file.
    async fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file. One that is not there is no error.
    async fn remove(&self, path: &str) -> Result<()>;
}
