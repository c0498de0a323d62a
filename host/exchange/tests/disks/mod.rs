//! Disks for tests: one that dies at a chosen step, and one in memory.

// Each test uses its part of them.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crossdock_exchange::{Disk, Error, Result, Stat};
use crossdock_model::time::Millis;

/// A disk whose host is killed after so many steps: from then on nothing is done. A write that is killed
/// leaves half of the file.
#[derive(Clone)]
pub struct Dying<D> {
    disk: D,
    left: Arc<AtomicUsize>,
    died: Arc<AtomicBool>,
}

impl<D> Dying<D> {
    pub fn new(disk: D, steps: usize) -> Self {
        Self { disk, left: Arc::new(AtomicUsize::new(steps)), died: Arc::default() }
    }

    /// True when a step was not done any more.
    pub fn died(&self) -> bool {
        self.died.load(Ordering::SeqCst)
    }

    fn step(&self) -> Result<()> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| {
            self.died.store(true, Ordering::SeqCst);
            Error::Io { doing: "dying at", path: String::new(), source: std::io::Error::other("killed") }
        })
    }
}

#[async_trait]
impl<D: Disk + Clone> Disk for Dying<D> {
    async fn make(&self, dir: &str) -> Result<()> {
        self.step()?;
        self.disk.make(dir).await
    }

    async fn list(&self, dir: &str) -> Result<Vec<(String, Stat)>> {
        self.step()?;
        self.disk.list(dir).await
    }

    async fn stat(&self, path: &str) -> Result<Option<Stat>> {
        self.step()?;
        self.disk.stat(path).await
    }

    async fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        self.step()?;
        self.disk.read(path, limit).await
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        if let Err(killed) = self.step() {
            self.disk.write(path, &bytes[..bytes.len() / 2]).await?;
            return Err(killed);
        }
        self.disk.write(path, bytes).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.step()?;
        self.disk.rename(from, to).await
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.step()?;
        self.disk.remove(path).await
    }
}

/// A disk in memory with a clock of its own, which can tell files apart or, as SFTP, cannot.
#[derive(Clone)]
pub struct Memory {
    inner: Arc<Mutex<Inner>>,
    ids: bool,
}

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, (Vec<u8>, Stat)>,
    now: i64,
    next: u64,
}

impl Memory {
    pub fn new(ids: bool) -> Self {
        Self { inner: Arc::default(), ids }
    }

    pub fn set_time(&self, now: Millis) {
        self.inner.lock().unwrap().now = now.0;
    }

    /// Writes in place, as a program does that knows no better.
    pub fn scribble(&self, path: &str, bytes: &[u8]) {
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

    /// Moves a file over whatever is there, as a partner may.
    pub fn replace(&self, from: &str, to: &str) {
        let mut inner = self.inner.lock().unwrap();
        if let Some(file) = inner.files.remove(from) {
            inner.files.insert(to.to_owned(), file);
        }
    }

    /// Takes every plain file of a directory away.
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

fn gone(path: &str) -> Error {
    Error::Gone { path: path.to_owned() }
}

#[async_trait]
impl Disk for Memory {
    async fn make(&self, _: &str) -> Result<()> {
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
        let (bytes, _) = inner.files.get(path).ok_or_else(|| gone(path))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { path: path.to_owned(), limit });
        }
        Ok(bytes.clone())
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.inner.lock().unwrap().files.remove(path);
        self.scribble(path, bytes);
        Ok(())
    }

    async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut inner = self.inner.lock().unwrap();
        if !inner.files.contains_key(from) {
            return Err(gone(from));
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
