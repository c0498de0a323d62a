//! File systems for tests: one that fails as if the host were killed at a chosen step, and one in memory.

// Each test uses a part of them.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crossdock_exchange::{Error, FileSystem, Result, Stat};
use crossdock_model::time::Millis;

/// A file system whose host is killed after a number of steps: from then on no operation has an effect. The write
/// in which it is killed leaves half of the file.
#[derive(Clone)]
pub struct FaultyFs<F> {
    files: F,
    steps_left: Arc<AtomicUsize>,
    killed: Arc<AtomicBool>,
}

impl<F> FaultyFs<F> {
    pub fn new(files: F, steps: usize) -> Self {
        Self { files, steps_left: Arc::new(AtomicUsize::new(steps)), killed: Arc::default() }
    }

    /// True when a step was refused.
    pub fn killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    fn step(&self) -> Result<()> {
        let left =
            self.steps_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| {
            self.killed.store(true, Ordering::SeqCst);
            Error::Io { operation: "killed at", path: String::new(), source: std::io::Error::other("killed") }
        })
    }
}

#[async_trait]
impl<F: FileSystem + Clone> FileSystem for FaultyFs<F> {
    async fn create_dir(&self, dir: &str) -> Result<()> {
        self.step()?;
        self.files.create_dir(dir).await
    }

    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>> {
        self.step()?;
        self.files.list(dir).await
    }

    async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        self.step()?;
        self.files.stat(path).await
    }

    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        self.step()?;
        self.files.read(path, limit).await
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        if let Err(killed) = self.step() {
            self.files.write(path, &bytes[..bytes.len() / 2]).await?;
            return Err(killed);
        }
        self.files.write(path, bytes).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.step()?;
        self.files.rename(from, to).await
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.step()?;
        self.files.remove(path).await
    }
}

/// A file system in memory with its own clock; with file ids, or like SFTP without.
#[derive(Clone)]
pub struct MemoryFs {
    inner: Arc<Mutex<Inner>>,
    ids: bool,
}

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, (Vec<u8>, Stat)>,
    now: i64,
    next: u64,
}

impl MemoryFs {
    pub fn new(ids: bool) -> Self {
        Self { inner: Arc::default(), ids }
    }

    pub fn set_time(&self, now: Millis) {
        self.inner.lock().unwrap().now = now.0;
    }

    /// Writes in place, as a careless program does.
    pub fn write_in_place(&self, path: &str, bytes: &[u8]) {
        let mut inner = self.inner.lock().unwrap();
        let id = match inner.files.get(path) {
            Some((_, stat)) => stat.id,
            None => {
                inner.next += 1;
                self.ids.then_some(inner.next)
            }
        };
        let stat = Stat { size: bytes.len() as u64, modified: Millis(inner.now), id };
        inner.files.insert(path.to_owned(), (bytes.to_vec(), stat));
    }

    /// Renames a file over an existing one, as a partner may.
    pub fn replace(&self, from: &str, to: &str) {
        let mut inner = self.inner.lock().unwrap();
        if let Some(file) = inner.files.remove(from) {
            inner.files.insert(to.to_owned(), file);
        }
    }

    /// Removes and returns every file of a directory that is not hidden.
    pub fn take(&self, dir: &str) -> Vec<(String, Vec<u8>)> {
        let mut inner = self.inner.lock().unwrap();
        let paths: Vec<String> = inner
            .files
            .keys()
            .filter(|path| path.strip_prefix(dir).is_some_and(|name| !name.starts_with("/.")))
            .cloned()
            .collect();
        paths.into_iter().map(|path| (path.clone(), inner.files.remove(&path).unwrap().0)).collect()
    }

    pub fn contents(&self, dir: &str) -> Vec<Vec<u8>> {
        let inner = self.inner.lock().unwrap();
        let below = inner.files.iter().filter(|(path, _)| path.starts_with(&format!("{dir}/")));
        below.map(|(_, (bytes, _))| bytes.clone()).collect()
    }
}

fn not_found(path: &str) -> Error {
    Error::NotFound { path: path.to_owned() }
}

#[async_trait]
impl FileSystem for MemoryFs {
    async fn create_dir(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>> {
        let inner = self.inner.lock().unwrap();
        let below = inner.files.iter().filter_map(|(path, (_, stat))| {
            let name = path.strip_prefix(dir)?.strip_prefix('/')?;
            Some((name.to_owned(), *stat))
        });
        Ok(below.collect())
    }

    async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        Ok(self.inner.lock().unwrap().files.get(path).map(|(_, stat)| *stat))
    }

    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        let inner = self.inner.lock().unwrap();
        let (bytes, _) = inner.files.get(path).ok_or_else(|| not_found(path))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { path: path.to_owned(), limit });
        }
        Ok(bytes.clone())
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.inner.lock().unwrap().files.remove(path);
        self.write_in_place(path, bytes);
        Ok(())
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut inner = self.inner.lock().unwrap();
        if !inner.files.contains_key(from) {
            return Err(not_found(from));
        }
        if inner.files.contains_key(to) {
            return Err(Error::Exists { path: to.to_owned() });
        }
        let file = inner.files.remove(from).unwrap();
        inner.files.insert(to.to_owned(), file);
        Ok(())
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.inner.lock().unwrap().files.remove(path);
        Ok(())
    }
}
