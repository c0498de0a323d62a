//! The rules of reading, archiving and writing files, on any file system.

use async_trait::async_trait;

use crate::error::{Error, Result};
use crate::file_name::{self, FileName};
use crate::file_system::FileSystem;
use crate::folder::{Entry, Folder, Layout, Listing, Put};

/// An exchange folder on a file system.
///
/// # Incoming files
///
/// A file that was read is first claimed, by renaming it to a hidden name in `in/` that partners do not use, and
/// only then compared: if it is the file that was read it is moved to the archive, else it gets its name back. A
/// host that is killed in between finds the hidden name in its next listing and reads the file under its
/// original name. So a file that a partner wrote over its earlier one is never archived unread.
///
/// # Outgoing files
///
/// ```text
/// 1  write   out/.NAME.tmp
/// 2  write   archive/out/.NAME.tmp
/// 3  rename  archive/out/.NAME.tmp   to  archive/out/NAME
/// 4  rename  out/.NAME.tmp           to  out/NAME
/// ```
///
/// Before 3 the file counts as not written, whatever is in `out/`. After 3 it has been written exactly when
/// `out/.NAME.tmp` is gone, which happens in the moment in which `out/NAME` appears. So neither a crash nor a
/// partner that takes the file at once leads to a second one. The archive has a copy and not a link, because a
/// partner that modifies its file must not modify the archive.
#[derive(Clone, Debug)]
pub struct ExchangeFolder<F> {
    files: F,
    incoming: String,
    outgoing: String,
    archived_in: String,
    archived_out: String,
}

impl<F: FileSystem> ExchangeFolder<F> {
    /// A folder of this layout. Nothing is touched before [`Folder::prepare`].
    pub fn new(files: F, layout: &Layout) -> Self {
        Self {
            files,
            incoming: layout.incoming.clone(),
            outgoing: layout.outgoing.clone(),
            archived_in: format!("{}/in", layout.archive),
            archived_out: format!("{}/out", layout.archive),
        }
    }

    /// Moves a claimed file to the archive, under a name that is free there.
    async fn move_to_archive(&self, claimed: &str, entry: &Entry) -> Result<()> {
        let dated = format!("{}.{}", entry.name, entry.stat.modified.0);
        let names = [entry.name.clone(), dated.clone()].into_iter();
        for name in names.chain((2..=999).map(|n| format!("{dated}.{n}"))) {
            match self.files.rename(claimed, &format!("{}/{name}", self.archived_in)).await {
                Err(Error::Exists { .. }) => {}
                other => return other,
            }
        }
        Err(Error::Exists { path: format!("{}/{dated}", self.archived_in) })
    }

    /// True when the file has exactly these contents.
    async fn has_contents(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        match self.files.read(path, bytes.len() as u64).await {
            Ok(contents) => Ok(contents == bytes),
            Err(Error::TooLarge { .. } | Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl<F: FileSystem> Folder for ExchangeFolder<F> {
    async fn prepare(&self) -> Result<()> {
        for dir in [&self.incoming, &self.outgoing, &self.archived_in, &self.archived_out] {
            self.files.create_dir(dir).await?;
        }
        Ok(())
    }

    async fn list(&self) -> Result<Listing> {
        let mut listing = Listing::default();
        for (current_name, stat) in self.files.list(&self.incoming).await? {
            let name = match file_name::classify(&current_name) {
                FileName::Plain => current_name.clone(),
                FileName::Claimed(name) => name.to_owned(),
                FileName::Unfinished => continue,
                FileName::Unusable => {
                    listing.unusable.push(current_name);
                    continue;
                }
            };
            listing.entries.push(Entry { name, stat, current_name });
        }
        Ok(listing)
    }

    async fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>> {
        let path = format!("{}/{}", self.incoming, entry.current_name);
        let bytes = self.files.read(&path, limit).await?;
        // A write during the read changes the size or the modification time.
        if self.files.stat(&path).await? != Some(entry.stat) || bytes.len() as u64 != entry.stat.size {
            return Err(Error::Changed { path });
        }
        Ok(bytes)
    }

    async fn archive(&self, entry: &Entry) -> Result<()> {
        let path = format!("{}/{}", self.incoming, entry.current_name);
        let claimed = format!("{}/{}", self.incoming, file_name::claimed(&entry.name));
        if path != claimed {
            match self.files.rename(&path, &claimed).await {
                // A killed host has left a claimed file of this name: that one is read and archived first.
                Err(Error::Exists { .. }) => return Err(Error::Changed { path }),
                other => other?,
            }
        }
        if self.files.stat(&claimed).await? == Some(entry.stat) {
            return self.move_to_archive(&claimed, entry).await;
        }
        match self.files.rename(&claimed, &format!("{}/{}", self.incoming, entry.name)).await {
            // If there is a newer file of that name, this one stays listed by its claimed name.
            Ok(()) | Err(Error::Exists { .. }) => Err(Error::Changed { path }),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<Put> {
        file_name::check(name)?;
        let unfinished = file_name::unfinished(name);
        let (out, unfinished_out) =
            (format!("{}/{name}", self.outgoing), format!("{}/{unfinished}", self.outgoing));
        let (archived, unfinished_archived) =
            (format!("{}/{name}", self.archived_out), format!("{}/{unfinished}", self.archived_out));
        if self.files.stat(&archived).await?.is_some() {
            if !self.has_contents(&archived, bytes).await? {
                return Err(Error::NameReused { path: archived });
            }
            if self.files.stat(&unfinished_out).await?.is_none() {
                return Ok(Put::AlreadyWritten);
            }
        } else {
            // Checked before step 3: somebody else's file must not block the rename of step 4.
            if self.files.stat(&out).await?.is_some() {
                return Err(Error::Exists { path: out });
            }
            self.files.write(&unfinished_out, bytes).await?;
            self.files.write(&unfinished_archived, bytes).await?;
            self.files.rename(&unfinished_archived, &archived).await?;
        }
        match self.files.rename(&unfinished_out, &out).await {
            Ok(()) => Ok(Put::Written),
            // Some servers rename by giving the file both names for a moment, and were stopped in it.
            Err(Error::Exists { .. }) if self.has_contents(&out, bytes).await? => {
                self.files.remove(&unfinished_out).await?;
                Ok(Put::Written)
            }
            Err(error) => Err(error),
        }
    }
}
