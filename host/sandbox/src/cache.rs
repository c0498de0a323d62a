//! Compiled plugins on disk, so that a start takes milliseconds.
//!
//! What is loaded from here is machine code, so the folder must be the host's own, and each file begins
//! with the digest of the rest: a file that was cut off or damaged is compiled again, never run. Files are
//! named by what was compiled and by what compiled it (engine version, settings, processor), and written
//! beside their place and moved there.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

const DIGEST: usize = 32;

/// The folder of compiled plugins.
pub(crate) struct Cache {
    dir: PathBuf,
    compiler: u64,
}

impl Cache {
    /// Opens the folder, and makes it where it is missing.
    pub(crate) fn open(dir: &Path, engine: &Engine) -> io::Result<Self> {
        make_private(dir)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { dir: dir.to_owned(), compiler: hasher.finish() })
    }

    /// Where the compiled form of a plugin file lies, by the file's digest.
    fn place(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{:016x}.cwasm", self.compiler))
    }

    /// The compiled form, when there is one that is whole.
    pub(crate) fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let place = self.place(digest);
        let mut file = fs::read(&place).ok()?;
        let damaged = match file.split_first_chunk::<DIGEST>() {
            Some((written, code)) => Sha256::digest(code).as_slice() != written,
            None => true,
        };
        if damaged {
            tracing::warn!(file = %place.display(), "a compiled plugin is damaged and is compiled again");
            return None;
        }
        Some(file.split_off(DIGEST))
    }

    /// Keeps the compiled form. It is only a cache: what cannot be written is compiled again next time.
    pub(crate) fn put(&self, digest: &str, code: &[u8]) {
        let place = self.place(digest);
        if let Err(error) = write(&place, code) {
            tracing::warn!(file = %place.display(), %error, "a compiled plugin cannot be kept");
        }
    }

    /// Forgets the compiled form.
    pub(crate) fn forget(&self, digest: &str) {
        let _ = fs::remove_file(self.place(digest));
    }
}

fn write(place: &Path, code: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let beside = place.with_extension(format!("{}-{count}.tmp", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = file
        .write_all(Sha256::digest(code).as_slice())
        .and_then(|()| file.write_all(code))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, place));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(unix)]
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let metadata = fs::metadata(dir)?;
    // Whoever can write here decides what code the host runs.
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder belongs to somebody else"));
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
    fn only_what_is_whole_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&dir.path().join("a/b"), &Engine::default()).unwrap();
        assert_eq!(cache.get("d"), None);
        cache.put("d", b"code");
        assert_eq!(cache.get("d").unwrap(), b"code");
        let place = cache.place("d");
        let whole = fs::read(&place).unwrap();
        for damaged in
            [&whole[..whole.len() - 1], &whole[..10], b"", b"something else that is longer than a digest"]
        {
            fs::write(&place, damaged).unwrap();
            assert_eq!(cache.get("d"), None);
        }
        cache.put("d", b"code");
        assert_eq!(cache.get("d").unwrap(), b"code");
        cache.forget("d");
        assert_eq!(cache.get("d"), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_for_the_host_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Cache::open(dir.path(), &Engine::default()).unwrap();
        assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
