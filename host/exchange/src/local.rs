//! A local directory.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use crossdock_model::time::Millis;
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::file_system::{FileSystem, Stat};

/// A local or mounted directory.
#[derive(Clone, Debug)]
pub struct Local {
    root: PathBuf,
}

impl Local {
    /// The file system below this directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Runs a blocking operation on a thread of its own.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        path: &str,
        run: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let full = self.root.join(path);
        let path = full.display().to_string();
        let result = tokio::task::spawn_blocking(move || run(&full)).await;
        result.unwrap_or_else(|_| Err(std::io::Error::other("the operation was aborted"))).map_err(|source| {
            match source.kind() {
                ErrorKind::NotFound => Error::NotFound { path },
                ErrorKind::AlreadyExists => Error::Exists { path },
                _ => Error::Io { operation, path, source },
            }
        })
    }
}

#[async_trait]
impl FileSystem for Local {
    async fn create_dir(&self, dir: &str) -> Result<()> {
        self.run("creating", dir, |path| std::fs::create_dir_all(path)).await
    }

    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>> {
        self.run("listing", dir, |path| {
            let mut files = Vec::new();
            for entry in std::fs::read_dir(path)? {
                let entry = entry?;
                match entry.metadata() {
                    Ok(metadata) if metadata.is_file() => {
                        files.push((entry.file_name().to_string_lossy().into_owned(), stat(&metadata)));
                    }
                    Ok(_) => {}
                    // Removed between the listing and this call.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(files)
        })
        .await
    }

    async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        let found = self.run("reading the metadata of", path, |path| std::fs::symlink_metadata(path)).await;
        match found {
            Ok(metadata) => Ok(metadata.is_file().then(|| stat(&metadata))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        let bytes = self
            .run("reading", path, move |path| {
                // A link could point outside of the folder, and a pipe would never end.
                let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
                let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
                if !file.metadata()?.is_file() {
                    return Err(ErrorKind::NotFound.into());
                }
                let mut bytes = Vec::new();
                file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
                Ok(bytes)
            })
            .await?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { path: path.to_owned(), limit });
        }
        Ok(bytes)
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let bytes = bytes.to_vec();
        self.run("writing", path, move |path| {
            // Never through an existing file: it may be a link to outside of the folder.
            remove(path)?;
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            sync_parent(path)
        })
        .await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let target = self.root.join(to);
        let result = self
            .run("renaming", from, move |from| {
                match renameat_with(CWD, from, CWD, &target, RenameFlags::NOREPLACE) {
                    // Not supported by every file system (NFS). Nobody else writes these names.
                    Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                        if std::fs::symlink_metadata(&target).is_ok() {
                            return Err(ErrorKind::AlreadyExists.into());
                        }
                        std::fs::rename(from, &target)?;
                    }
                    other => other?,
                }
                sync_parent(&target)?;
                if target.parent() == from.parent() { Ok(()) } else { sync_parent(from) }
            })
            .await;
        result.map_err(|error| match error {
            Error::Exists { .. } => Error::Exists { path: to.to_owned() },
            other => other,
        })
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.run("removing", path, remove).await
    }
}

fn stat(metadata: &std::fs::Metadata) -> Stat {
    let millis = metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000);
    Stat { size: metadata.len(), modified: Millis(millis), id: Some(metadata.ino()) }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A rename is durable when its directory is synced.
fn sync_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}
