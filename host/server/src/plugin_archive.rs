//! The archive of the plugin files that ran, by their digests: a swap can go back to them when the files that they were
//! loaded from have changed.
//!
//! The archive lies beside the database, which names its files. A file is archived with its signature and trusted no
//! more than any other: it is verified when it is loaded.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use crossdock_sandbox::signature;
use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::io::AsyncWriteExt;

use crate::config::Config;

/// The folder of archived plugin files.
pub struct PluginArchive {
    dir: PathBuf,
}

impl PluginArchive {
    /// The archive of a host: `crossdock.db.plugins` beside `crossdock.db`.
    pub fn of(config: &Config) -> Self {
        let dir = match config.storage.url.strip_prefix("sqlite://") {
            Some(path) => format!("{path}.plugins").into(),
            None => config.plugins.cache.join("archive"),
        };
        Self { dir }
    }

    /// The path of the file with this digest, if it was archived.
    pub fn path(&self, digest: &str) -> PathBuf {
        // Other characters are dropped, so that a digest cannot name another folder.
        let name: String = digest.chars().filter(char::is_ascii_hexdigit).collect();
        self.dir.join(format!("{name}.wasm"))
    }

    /// Archives a file that was loaded with this digest.
    ///
    /// # Errors
    /// When it has changed since, or cannot be copied.
    pub async fn add(&self, file: &Path, digest: &str) -> anyhow::Result<()> {
        let place = self.path(digest);
        if fs::try_exists(&place).await.unwrap_or(false) {
            return Ok(());
        }
        let content = fs::read(file).await.with_context(|| format!("reading {}", file.display()))?;
        ensure!(digest_of(&content) == digest, "{} changed while it was loaded", file.display());
        let archiving = || format!("archiving {} in {}", file.display(), self.dir.display());
        fs::create_dir_all(&self.dir).await.with_context(archiving)?;
        // A plugin without a signature was loaded unsigned, and can be loaded so again.
        if let Ok(signatures) = fs::read(signature::beside(file)).await {
            write(&signature::beside(&place), &signatures).await.with_context(archiving)?;
        }
        // The plugin is written last: if it is there, its signature is there too.
        write(&place, &content).await.with_context(archiving)
    }

    /// True when a file has this digest.
    pub async fn is(&self, file: &Path, digest: &str) -> bool {
        fs::read(file).await.is_ok_and(|content| digest_of(&content) == digest)
    }
}

fn digest_of(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Writes a file atomically: under a temporary name, which is then renamed.
async fn write(place: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = place.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::File::create(&beside).await?;
    file.write_all(content).await?;
    file.sync_all().await?;
    fs::rename(&beside, place).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_archived_as_it_was_loaded_with_its_signature() {
        let dir = tempfile::tempdir().unwrap();
        let (file, archive) =
            (dir.path().join("a.wasm"), PluginArchive { dir: dir.path().join("x.db.plugins") });
        std::fs::write(&file, "one").unwrap();
        std::fs::write(signature::beside(&file), "signed").unwrap();
        let digest = digest_of(b"one");
        archive.add(&file, &digest).await.unwrap();
        std::fs::write(&file, "two").unwrap();
        archive.add(&file, &digest).await.unwrap();
        assert_eq!(std::fs::read_to_string(archive.path(&digest)).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(signature::beside(&archive.path(&digest))).unwrap(), "signed");
        let changed = archive.add(&file, &digest_of(b"three")).await.unwrap_err().to_string();
        assert!(changed.contains("changed while it was loaded"), "{changed}");
        assert!(archive.is(&file, &digest_of(b"two")).await && !archive.is(&file, &digest).await);
        assert_eq!(archive.path("../../etc/a").file_name().unwrap(), "eca.wasm");
    }
}
