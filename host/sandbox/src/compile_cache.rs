//! A cache of compiled plugins on disk, so that a start takes milliseconds.
//!
//! The cache holds machine code, so its directory must be private to the host's user, and each file begins with
//! the digest of the rest: a truncated or damaged file is compiled again, never run. A file is named after the
//! plugin's digest and the compiler (engine version, settings, processor), and written under a temporary name
//! and renamed.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

const DIGEST_BYTES: usize = 32;

/// The directory of compiled plugins.
pub(crate) struct CompileCache {
    dir: PathBuf,
    /// A hash of everything that compiled code depends on.
    compiler: u64,
}

impl CompileCache {
    /// Opens the directory, and creates it if it is missing.
    pub(crate) fn open(dir: &Path, engine: &Engine) -> io::Result<Self> {
        make_private(dir)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { dir: dir.to_owned(), compiler: hasher.finish() })
    }

    /// The path of a compiled plugin, by the digest of the plugin file.
    fn path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{:016x}.cwasm", self.compiler))
    }

    /// The compiled plugin. Absent when there is none, or it is damaged.
    pub(crate) fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let mut file = fs::read(&path).ok()?;
        let damaged = match file.split_first_chunk::<DIGEST_BYTES>() {
            Some((written, code)) => Sha256::digest(code).as_slice() != written,
            None => true,
        };
        if damaged {
            tracing::warn!(file = %path.display(), "a cached plugin is damaged and is compiled again");
            return None;
        }
        Some(file.split_off(DIGEST_BYTES))
    }

    /// Stores a compiled plugin. A failure is only logged: the plugin is compiled again at the next start.
    pub(crate) fn put(&self, digest: &str, code: &[u8]) {
        let path = self.path(digest);
        if let Err(error) = write(&path, code) {
            tracing::warn!(file = %path.display(), %error, "writing a compiled plugin to the cache failed");
        }
    }

    /// Removes a compiled plugin.
    pub(crate) fn remove(&self, digest: &str) {
        let _ = fs::remove_file(self.path(digest));
    }
}

fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{count}.tmp", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let written = file
        .write_all(Sha256::digest(code).as_slice())
        .and_then(|()| file.write_all(code))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(unix)]
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let metadata = fs::metadata(dir)?;
    // Whoever can write here can make the host run any code.
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the directory belongs to another user"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_not_returned() {
        let dir = tempfile::tempdir().unwrap();
        let cache = CompileCache::open(&dir.path().join("a/b"), &Engine::default()).unwrap();
        assert_eq!(cache.get("d"), None);
        cache.put("d", b"code");
        assert_eq!(cache.get("d").unwrap(), b"code");
        let path = cache.path("d");
        let whole = fs::read(&path).unwrap();
        for damaged in
            [&whole[..whole.len() - 1], &whole[..10], b"", b"something else that is longer than a digest"]
        {
            fs::write(&path, damaged).unwrap();
            assert_eq!(cache.get("d"), None);
        }
        cache.put("d", b"code");
        assert_eq!(cache.get("d").unwrap(), b"code");
        cache.remove("d");
        assert_eq!(cache.get("d"), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        CompileCache::open(dir.path(), &Engine::default()).unwrap();
        assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
