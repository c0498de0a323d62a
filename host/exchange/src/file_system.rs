//! The operations that a folder needs of a file system, local or remote.

use async_trait::async_trait;
use crossdock_model::time::Millis;

use crate::error::Result;

/// The metadata by which a change of a file is detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Size in bytes.
    pub size: u64,
    /// When it was last modified, by the clock of the file system; SFTP has whole seconds.
    pub modified: Millis,
    /// The file's identity independent of its name (inode). Absent where there is none (SFTP).
    pub id: Option<u64>,
}

/// A file system. Paths are relative to the folder (`in/850.edi`), with slashes.
///
/// The effect of an operation that succeeded survives a crash of the machine, as far as the implementation can
/// ensure it. An operation that failed may have had its effect or not: callers check.
#[async_trait]
pub trait FileSystem: Send + Sync + 'static {
    /// Creates a directory and its missing parents.
    async fn create_dir(&self, dir: &str) -> Result<()>;

    /// The regular files of a directory by name, without links and directories. Bytes of a name that are not
    /// Unicode are replaced by U+FFFD; such a name can be shown but not used.
    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>>;

    /// The metadata of a regular file. None when there is none.
    async fn stat(&self, path: &str) -> Result<Option<Stat>>;

    /// The contents of a regular file.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) when it has more than `limit` bytes;
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such file.
    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>>;

    /// Writes a new file, replacing one of that name.
    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Renames a file atomically: at no moment has it both names or none.
    ///
    /// # Errors
    /// [`Error::Exists`](crate::Error::Exists) when the new name exists, which is not touched;
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such file.
    async fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file. A missing file is no error.
    async fn remove(&self, path: &str) -> Result<()>;
}
