//! A directory behind SFTP.
//!
//! Its guarantees are weaker than those of a local directory: SFTP can neither sync a directory nor identify a
//! file independent of its name. So a power failure *of the server* may undo a rename that it had confirmed,
//! and a partner that replaces a file by one of the same size within the second in which it is archived is not
//! noticed. Servers that rename by giving the file both names for a moment (OpenSSH does) can be stopped in that
//! moment; if the partner has taken the file by the time this host retries, it is written once more. Where the
//! server offers `fsync@openssh.com`, contents are synced before they are renamed.
//!
//! RSA keys are not supported, neither the server's nor the user's: use ed25519 or ECDSA.

mod address;
mod connection;

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_model::time::Millis;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::Metadata;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;

pub use address::Address;
use connection::Connection;
pub use connection::LoginSecrets;

use crate::error::{Error, Result};
use crate::file_system::{FileSystem, Stat};

/// A directory behind SFTP. It connects at the first use, and again after the connection broke.
#[derive(Clone)]
pub struct Sftp(Arc<Inner>);

struct Inner {
    address: Address,
    host_keys: Vec<String>,
    secrets: LoginSecrets,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Sftp {
    /// The directory at this address. `host_keys` are the fingerprints of the server's pinned keys, as
    /// `ssh-keygen -l` writes them (`SHA256:…`).
    #[must_use]
    pub fn new(address: Address, host_keys: Vec<String>, secrets: LoginSecrets) -> Self {
        Self(Arc::new(Inner { address, host_keys, secrets, connection: Mutex::new(None) }))
    }

    async fn connection(&self) -> Result<Arc<Connection>> {
        let mut current = self.0.connection.lock().await;
        if let Some(connection) = current.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        let connection = Connection::open(&self.0.address, &self.0.host_keys, &self.0.secrets).await?;
        tracing::debug!(server = self.0.address.server(), "connected over SFTP");
        Ok(Arc::clone(current.insert(Arc::new(connection))))
    }

    /// Runs an operation. After one that broke the connection, the next one opens a new connection.
    async fn run<T>(
        &self,
        operation: &'static str,
        path: &str,
        run: impl AsyncFnOnce(&Connection, String) -> Result<T, SftpError>,
    ) -> Result<T> {
        let connection = self.connection().await?;
        let error = match run(&connection, self.0.address.path(path)).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let path = path.to_owned();
        match server_status(&error) {
            Some(StatusCode::NoSuchFile) => return Err(Error::NotFound { path }),
            Some(_) => {}
            None => self.discard(&connection).await,
        }
        Err(Error::Sftp { operation, path, reason: error.to_string() })
    }

    async fn discard(&self, broken: &Arc<Connection>) {
        let mut current = self.0.connection.lock().await;
        if current.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, broken)) {
            *current = None;
        }
        drop(current);
        broken.close().await;
    }
}

#[async_trait]
impl FileSystem for Sftp {
    async fn create_dir(&self, dir: &str) -> Result<()> {
        let mut path = String::new();
        for part in dir.split('/') {
            path = if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
            let created = self
                .run("creating", &path, async |connection, path| {
                    match connection.sftp.metadata(&path).await {
                        Err(error) if server_status(&error) == Some(StatusCode::NoSuchFile) => {
                            connection.sftp.create_dir(path).await
                        }
                        other => other.map(drop),
                    }
                })
                .await;
            created?;
        }
        Ok(())
    }

    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>> {
        let entries =
            self.run("listing", dir, async |connection, dir| connection.sftp.read_dir(dir).await).await?;
        let files = entries.map(|entry| (entry.file_name(), entry.metadata()));
        Ok(files.filter_map(|(name, metadata)| Some((name, stat(&metadata)?))).collect())
    }

    async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        let found = self
            .run("reading the metadata of", path, async |connection, path| {
                connection.sftp.symlink_metadata(path).await
            })
            .await;
        match found {
            Ok(metadata) => Ok(stat(&metadata)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        if self.stat(path).await?.is_none() {
            return Err(Error::NotFound { path: path.to_owned() });
        }
        let bytes = self
            .run("reading", path, async |connection, path| {
                let mut file = connection.sftp.open(path).await?;
                let mut bytes = Vec::new();
                (&mut file).take(limit.saturating_add(1)).read_to_end(&mut bytes).await?;
                file.close().await?;
                Ok(bytes)
            })
            .await?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { path: path.to_owned(), limit });
        }
        Ok(bytes)
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.remove(path).await?;
        self.run("writing", path, async |connection, path| {
            let flags = OpenFlags::CREATE | OpenFlags::EXCLUDE | OpenFlags::WRITE;
            let mut file = connection.sftp.open_with_flags(path, flags).await?;
            file.write_all(bytes).await?;
            file.flush().await?;
            file.sync_all().await?;
            file.close().await?;
            Ok(())
        })
        .await?;
        // Not every server reports a full disk.
        match self.stat(path).await? {
            Some(stat) if stat.size == bytes.len() as u64 => Ok(()),
            _ => Err(Error::Sftp {
                operation: "writing",
                path: path.to_owned(),
                reason: "the file on the server is incomplete".into(),
            }),
        }
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let target = self.0.address.path(to);
        let renamed = self
            .run("renaming", from, async |connection, from| connection.sftp.rename(from, target).await)
            .await;
        match renamed {
            // SFTP version 3 does not replace files, and has no status that says so.
            Err(Error::Sftp { .. }) if self.stat(to).await?.is_some() => {
                Err(Error::Exists { path: to.to_owned() })
            }
            other => other,
        }
    }

    async fn remove(&self, path: &str) -> Result<()> {
        match self
            .run("removing", path, async |connection, path| connection.sftp.remove_file(path).await)
            .await
        {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }
}

/// The server's status. None when the failure was not reported by the server, so that the connection is
/// unreliable.
fn server_status(error: &SftpError) -> Option<StatusCode> {
    match error {
        SftpError::Status(status)
            if !matches!(status.status_code, StatusCode::NoConnection | StatusCode::ConnectionLost) =>
        {
            Some(status.status_code)
        }
        _ => None,
    }
}

/// The file type bits of a mode (`S_IFMT`), and their value for regular files (`S_IFREG`).
const FILE_TYPE_MASK: u32 = 0o170_000;
const REGULAR_FILE: u32 = 0o100_000;

/// The metadata of a regular file. An entry without a type counts as one.
fn stat(metadata: &Metadata) -> Option<Stat> {
    let FileAttributes { size, permissions, mtime, .. } = metadata;
    if permissions.is_some_and(|mode| !matches!(mode & FILE_TYPE_MASK, 0 | REGULAR_FILE)) {
        return None;
    }
    Some(Stat {
        size: size.unwrap_or(0),
        modified: Millis(i64::from(mtime.unwrap_or(0)).saturating_mul(1000)),
        id: None,
    })
}
