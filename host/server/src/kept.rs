//! The plugin files that ran, by the digest of each: a swap can go back to them whatever becomes of the files they
//! were loaded from.
//!
//! They lie beside the database, since it names them. Their signatures lie beside them, and they are trusted no
//! more than other files: each is verified when it is loaded.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use crossdock_sandbox::signature;
use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::io::AsyncWriteExt;

use crate::config::Config;

/// The folder of plugin files that ran.
pub struct Kept {
    dir: PathBuf,
}

impl Kept {
    /// The folder of a host: `crossdock.db.plugins` beside `crossdock.db`.
    pub fn of(config: &Config) -> Self {
        let dir = match config.storage.url.strip_prefix("sqlite://") {
            Some(path) => format!("{path}.plugins").into(),
            None => config.plugins.cache.join("kept"),
        };
        Self { dir }
    }

    /// Where the file of this digest lies, when it was kept.
    pub fn path(&self, digest: &str) -> PathBuf {
        // Whoever names a digest must not name another folder.
        let name: String = digest.chars().filter(char::is_ascii_hexdigit).collect();
        self.dir.join(format!("{name}.wasm"))
    }

    /// Keeps a file that was loaded and had this digest.
    ///
    /// # Errors
    /// When it has changed since, or cannot be kept.
    pub async fn keep(&self, file: &Path, digest: &str) -> anyhow::Result<()> {
        let place = self.path(digest);
        if fs::try_exists(&place).await.unwrap_or(false) {
            return Ok(());
        }
        let content = fs::read(file).await.with_context(|| format!("reading {}", file.display()))?;
        ensure!(digest_of(&content) == digest, "{} changed while it was loaded", file.display());
        let keeping = || format!("keeping {} in {}", file.display(), self.dir.display());
        fs::create_dir_all(&self.dir).await.with_context(keeping)?;
        // Without a signature it was taken unsigned, and will be.
        if let Ok(signatures) = fs::read(signature::beside(file)).await {
            write(&signature::beside(&place), &signatures).await.with_context(keeping)?;
        }
        // The file comes last: where it is, all of it is.
        write(&place, &content).await.with_context(keeping)
    }

    /// True when a file has this digest.
    pub async fn is(&self, file: &Path, digest: &str) -> bool {
        fs::read(file).await.is_ok_and(|content| digest_of(&content) == digest)
    }
}

fn digest_of(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Writes a file whole: beside its place, and moved there.
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
    async fn a_file_is_kept_as_it_was_loaded_with_its_signature() {
        let dir = tempfile::tempdir().unwrap();
        let (file, kept) = (dir.path().join("a.wasm"), Kept { dir: dir.path().join("x.db.plugins") });
        std::fs::write(&file, "one").unwrap();
        std::fs::write(signature::beside(&file), "signed").unwrap();
        let digest = digest_of(b"one");
        kept.keep(&file, &digest).await.unwrap();
        std::fs::write(&file, "two").unwrap();
        kept.keep(&file, &digest).await.unwrap();
        assert_eq!(std::fs::read_to_string(kept.path(&digest)).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(signature::beside(&kept.path(&digest))).unwrap(), "signed");
        let changed = kept.keep(&file, &digest_of(b"three")).await.unwrap_err().to_string();
        assert!(changed.contains("changed while it was loaded"), "{changed}");
        assert!(kept.is(&file, &digest_of(b"two")).await && !kept.is(&file, &digest).await);
        assert_eq!(kept.path("../../etc/a").file_name().unwrap(), "eca.wasm");
    }
}
