//! What is done to a folder, whatever disk it is on.

use async_trait::async_trait;

use crate::name::{self, Meaning};
use crate::{Disk, Error, Result, Stat};

/// A partner's files. One host uses a folder at a time.
#[async_trait]
pub trait Folder: Send + Sync + 'static {
    /// Makes the directories that are missing. Before anything else.
    ///
    /// # Errors
    /// When the folder cannot be used; so for all of these.
    async fn prepare(&self) -> Result<()>;

    /// What lies in `in/` and is not hidden or half-written by its name.
    async fn list(&self) -> Result<Listing>;

    /// The bytes of a listed file.
    ///
    /// # Errors
    /// [`Error::Changed`] or [`Error::Gone`] when it is not what was listed any more, [`Error::TooLarge`]
    /// when it has more than `limit` bytes.
    async fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>>;

    /// Moves a file that was read to `archive/in/`. A file of the same name that is there already stays; the
    /// newer one gets the time it was written at behind its name.
    ///
    /// # Errors
    /// [`Error::Changed`] or [`Error::Gone`] when it is not what was read any more: what is there now stays,
    /// and the next listing shows it.
    async fn archive(&self, entry: &Entry) -> Result<()>;

    /// Puts a file into `out/`, whole and once: after a crash the same call finds out by itself how far it
    /// had come, even when the partner has taken the file away. A copy stays in `archive/out/`.
    ///
    /// # Errors
    /// [`Error::Taken`] when another file was put under this name before, [`Error::Exists`] when a file of
    /// somebody else's lies there, [`Error::Name`] when it is no name for a file.
    async fn put(&self, name: &str, bytes: &[u8]) -> Result<Put>;
}

/// What lies in `in/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files.
    pub entries: Vec<Entry>,
    /// Names that cannot be used: too long, or with characters that cannot be shown. Shown as they can be.
    pub unusable: Vec<String>,
}

/// One file in `in/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the partner calls it.
    pub name: String,
    /// Its size and time.
    pub stat: Stat,
    /// What it is called in `in/` at the moment.
    pub(crate) file: String,
}

impl Entry {
    /// A file as it is listed.
    #[must_use]
    pub fn new(name: &str, stat: Stat) -> Self {
        Self { name: name.to_owned(), stat, file: name.to_owned() }
    }
}

/// What putting a file led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It lies in `out/` now.
    Now,
    /// It had been handed over before.
    Before,
}

/// What the directories of a folder are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the partner puts files.
    pub incoming: String,
    /// Where the partner takes files from.
    pub outgoing: String,
    /// Under what `in` and `out` are archived.
    pub archive: String,
}

impl Default for Layout {
    fn default() -> Self {
        Self { incoming: "in".into(), outgoing: "out".into(), archive: "archive".into() }
    }
}

/// A folder on a disk.
///
/// # In
///
/// A file that was read is taken out of the partner's reach first, by a hidden name in `in/`, and only then
/// looked at: when it is what was read it goes into the archive, else it gets its name back. A host that is
/// killed in between finds the hidden name at its next listing and reads it as what it was, so nothing that a
/// partner wrote over a file of its own is archived unread.
///
/// # Out
///
/// ```text
/// 1  out/.NAME.tmp            is written
/// 2  archive/out/.NAME.tmp    is written
/// 3  archive/out/NAME         is what that is renamed to
/// 4  out/NAME                 is what the first is renamed to
/// ```
///
/// Before 3 nothing was handed over, whatever lies there. After 3 the file has been handed over exactly when
/// `out/.NAME.tmp` is gone, which happens at the moment in which `out/NAME` appears. So neither a crash nor a
/// partner that takes the file away at once leads to a second one. The archive has a copy and not a link, for
/// a partner that writes into what it was given must not write into the archive.
#[derive(Clone, Debug)]
pub struct Exchange<D> {
    disk: D,
    incoming: String,
    outgoing: String,
    archived_in: String,
    archived_out: String,
}

impl<D: Disk> Exchange<D> {
    /// A folder of this layout. Nothing is touched before [`Folder::prepare`].
    pub fn new(disk: D, layout: &Layout) -> Self {
        Self {
            disk,
            incoming: layout.incoming.clone(),
            outgoing: layout.outgoing.clone(),
            archived_in: format!("{}/in", layout.archive),
            archived_out: format!("{}/out", layout.archive),
        }
    }

    /// Moves what was taken into the archive, under a name that is free there.
    async fn keep(&self, taken: &str, entry: &Entry) -> Result<()> {
        let dated = format!("{}.{}", entry.name, entry.stat.modified.0);
        let names = [entry.name.clone(), dated.clone()].into_iter();
        for name in names.chain((2..=999).map(|n| format!("{dated}.{n}"))) {
            match self.disk.rename(taken, &format!("{}/{name}", self.archived_in)).await {
                Err(Error::Exists { .. }) => {}
                other => return other,
            }
        }
        Err(Error::Exists { path: format!("{}/{dated}", self.archived_in) })
    }

    /// True when these bytes lie at the path.
    async fn holds(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        match self.disk.read(path, bytes.len() as u64).await {
            Ok(there) => Ok(there == bytes),
            Err(Error::TooLarge { .. } | Error::Gone { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl<D: Disk> Folder for Exchange<D> {
    async fn prepare(&self) -> Result<()> {
        for dir in [&self.incoming, &self.outgoing, &self.archived_in, &self.archived_out] {
            self.disk.make(dir).await?;
        }
        Ok(())
    }

    async fn list(&self) -> Result<Listing> {
        let mut listing = Listing::default();
        for (file, stat) in self.disk.list(&self.incoming).await? {
            let name = match name::meaning(&file) {
                Meaning::File => file.clone(),
                Meaning::Taken(name) => name.to_owned(),
                Meaning::Unfinished => continue,
                Meaning::Unusable => {
                    listing.unusable.push(file);
                    continue;
                }
            };
            listing.entries.push(Entry { name, stat, file });
        }
        Ok(listing)
    }

    async fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>> {
        let path = format!("{}/{}", self.incoming, entry.file);
        let bytes = self.disk.read(&path, limit).await?;
        // What was written to while it was read shows it by its size or its time.
        if self.disk.stat(&path).await? != Some(entry.stat) || bytes.len() as u64 != entry.stat.size {
            return Err(Error::Changed { path });
        }
        Ok(bytes)
    }

    async fn archive(&self, entry: &Entry) -> Result<()> {
        let path = format!("{}/{}", self.incoming, entry.file);
        let taken = format!("{}/{}", self.incoming, name::taken(&entry.name));
        if path != taken {
            match self.disk.rename(&path, &taken).await {
                // One of that name was left behind by a former life: that one is read and archived first.
                Err(Error::Exists { .. }) => return Err(Error::Changed { path }),
                other => other?,
            }
        }
        if self.disk.stat(&taken).await? == Some(entry.stat) {
            return self.keep(&taken, entry).await;
        }
        match self.disk.rename(&taken, &format!("{}/{}", self.incoming, entry.name)).await {
            // There is a newer one of that name: this one is listed by its hidden name.
            Ok(()) | Err(Error::Exists { .. }) => Err(Error::Changed { path }),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<Put> {
        name::check(name)?;
        let unfinished = name::unfinished(name);
        let (out, unfinished_out) =
            (format!("{}/{name}", self.outgoing), format!("{}/{unfinished}", self.outgoing));
        let (kept, unfinished_kept) =
            (format!("{}/{name}", self.archived_out), format!("{}/{unfinished}", self.archived_out));
        if self.disk.stat(&kept).await?.is_some() {
            if !self.holds(&kept, bytes).await? {
                return Err(Error::Taken { path: kept });
            }
            if self.disk.stat(&unfinished_out).await?.is_none() {
                return Ok(Put::Before);
            }
        } else {
            // Before anything counts as handed over: what is there of somebody else's must not be in the way.
            if self.disk.stat(&out).await?.is_some() {
                return Err(Error::Exists { path: out });
            }
            self.disk.write(&unfinished_out, bytes).await?;
            self.disk.write(&unfinished_kept, bytes).await?;
            self.disk.rename(&unfinished_kept, &kept).await?;
        }
        match self.disk.rename(&unfinished_out, &out).await {
            Ok(()) => Ok(Put::Now),
            // Some servers give both names for a moment, and were stopped in it.
            Err(Error::Exists { .. }) if self.holds(&out, bytes).await? => {
                self.disk.remove(&unfinished_out).await?;
                Ok(Put::Now)
            }
            Err(error) => Err(error),
        }
    }
}
