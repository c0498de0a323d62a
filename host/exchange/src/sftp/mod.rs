//! A directory behind SFTP.
//!
//! What remains against a local directory: SFTP can neither make a directory durable nor tell which file a
//! name stands for. So a power failure *of the server* may undo a renaming that it had confirmed, and a
//! partner that replaces a file by one of the same size within the second in which it is being archived is
//! not noticed. Servers that rename by giving both names for a moment (OpenSSH does) can be stopped in that
//! moment; when the partner has taken the file by the time this host asks again, it is put there once more.
//! Where the server offers `fsync@openssh.com`, contents are made durable before they are renamed.
//!
//! RSA keys are not spoken, neither the server's nor the user's: ed25519 and ECDSA are.

mod address;
mod connect;

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_model::time::Millis;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::Metadata;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;

pub use address::Address;
use connect::Session;

use crate::{Disk, Error, Result, Stat};

/// Gives the live secrets of the user, newest first: a password, or a private key in one of the usual PEM
/// forms without a passphrase. Asked at every connection.
pub type Secrets = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// A directory behind SFTP. It connects when it is first used, and again when the connection broke.
#[derive(Clone)]
pub struct Sftp(Arc<Inner>);

struct Inner {
    address: Address,
    host_keys: Vec<String>,
    secrets: Secrets,
    session: Mutex<Option<Arc<Session>>>,
}

impl Sftp {
    /// The directory of this address. `host_keys` are the fingerprints of the keys that the server may show,
    /// as `ssh-keygen -l` writes them (`SHA256:…`).
    #[must_use]
    pub fn new(address: Address, host_keys: Vec<String>, secrets: Secrets) -> Self {
        Self(Arc::new(Inner { address, host_keys, secrets, session: Mutex::new(None) }))
    }

    async fn session(&self) -> Result<Arc<Session>> {
        let mut kept = self.0.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| !session.is_closed()) {
            return Ok(Arc::clone(session));
        }
        let session = Session::open(&self.0.address, &self.0.host_keys, &self.0.secrets).await?;
        tracing::debug!(server = self.0.address.server(), "connected over SFTP");
        Ok(Arc::clone(kept.insert(Arc::new(session))))
    }

    /// Does something with a file. When the connection broke, the next one is a new one.
    async fn run<T>(
        &self,
        doing: &'static str,
        path: &str,
        work: impl AsyncFnOnce(&Session, String) -> Result<T, SftpError>,
    ) -> Result<T> {
        let session = self.session().await?;
        let error = match work(&session, self.0.address.path(path)).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let path = path.to_owned();
        match code(&error) {
            Some(StatusCode::NoSuchFile) => return Err(Error::Gone { path }),
            Some(_) => {}
            None => self.forget(&session).await,
        }
        Err(Error::Sftp { doing, path, reason: error.to_string() })
    }

    async fn forget(&self, broken: &Arc<Session>) {
        let mut kept = self.0.session.lock().await;
        if kept.as_ref().is_some_and(|session| Arc::ptr_eq(session, broken)) {
            *kept = None;
        }
        drop(kept);
        broken.close().await;
    }
}

#[async_trait]
impl Disk for Sftp {
    async fn make(&self, dir: &str) -> Result<()> {
        let mut path = String::new();
        for part in dir.split('/') {
            path = if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
            let made = self
                .run("making", &path, async |session, path| match session.sftp.metadata(&path).await {
                    Err(error) if code(&error) == Some(StatusCode::NoSuchFile) => {
                        session.sftp.create_dir(path).await
                    }
                    other => other.map(drop),
                })
                .await;
            made?;
        }
        Ok(())
    }

    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>> {
        let entries = self.run("listing", dir, async |session, dir| session.sftp.read_dir(dir).await).await?;
        let files = entries.map(|entry| (entry.file_name(), entry.metadata()));
        Ok(files.filter_map(|(name, metadata)| Some((name, stat(&metadata)?))).collect())
    }

    async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        let found = self
            .run("looking at", path, async |session, path| session.sftp.symlink_metadata(path).await)
            .await;
        match found {
            Ok(metadata) => Ok(stat(&metadata)),
            Err(Error::Gone { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        if self.stat(path).await?.is_none() {
            return Err(Error::Gone { path: path.to_owned() });
        }
        let bytes = self
            .run("reading", path, async |session, path| {
                let mut file = session.sftp.open(path).await?;
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
        self.run("writing", path, async |session, path| {
            let flags = OpenFlags::CREATE | OpenFlags::EXCLUDE | OpenFlags::WRITE;
            let mut file = session.sftp.open_with_flags(path, flags).await?;
            file.write_all(bytes).await?;
            file.flush().await?;
            file.sync_all().await?;
            file.close().await?;
            Ok(())
        })
        .await?;
        // Not every server says so when its disk is full.
        match self.stat(path).await? {
            Some(stat) if stat.size == bytes.len() as u64 => Ok(()),
            _ => Err(Error::Sftp {
                doing: "writing",
                path: path.to_owned(),
                reason: "it has not arrived whole".into(),
            }),
        }
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let target = self.0.address.path(to);
        let renamed =
            self.run("renaming", from, async |session, from| session.sftp.rename(from, target).await).await;
        match renamed {
            // Version 3 of SFTP refuses to replace a file and does not say that this was the reason.
            Err(Error::Sftp { .. }) if self.stat(to).await?.is_some() => {
                Err(Error::Exists { path: to.to_owned() })
            }
            other => other,
        }
    }

    async fn remove(&self, path: &str) -> Result<()> {
        match self.run("removing", path, async |session, path| session.sftp.remove_file(path).await).await {
            Err(Error::Gone { .. }) => Ok(()),
            other => other,
        }
    }
}

/// What the server said. None when it said nothing: the connection is not to be trusted any more.
fn code(error: &SftpError) -> Option<StatusCode> {
    match error {
        SftpError::Status(status)
            if !matches!(status.status_code, StatusCode::NoConnection | StatusCode::ConnectionLost) =>
        {
            Some(status.status_code)
        }
        _ => None,
    }
}

/// The part of a mode that says what something is, and what it is for plain files.
const KIND: u32 = 0o170_000;
const PLAIN: u32 = 0o100_000;

/// What is known of a plain file. Servers that do not say what something is mean files.
fn stat(metadata: &Metadata) -> Option<Stat> {
    let FileAttributes { size, permissions, mtime, .. } = metadata;
    if permissions.is_some_and(|mode| !matches!(mode & KIND, 0 | PLAIN)) {
        return None;
    }
    Some(Stat {
        size: size.unwrap_or(0),
        modified: Millis(i64::from(mtime.unwrap_or(0)).saturating_mul(1000)),
        id: None,
    })
}
