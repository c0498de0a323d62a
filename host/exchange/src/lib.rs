//! Exchange folders: how files come from a partner and go to one.
//!
//! A folder is a local directory or a directory behind SFTP, with one layout:
//!
//! ```text
//! in/            the partner puts files here
//! out/           and takes files from here
//! archive/in/    what was read
//! archive/out/   what was handed over
//! ```
//!
//! What holds for both kinds is written once, in [`Exchange`], on top of the few things a [`Disk`] can do:
//! a file is read only when it has come to rest ([`Steady`]), is archived only when it still is what was
//! read, and goes out whole and once. This room knows no connector, no journal and no database; it may be
//! killed between any two steps, and the next call finds its way from what lies there.

mod disk;
mod error;
mod folder;
mod local;
mod name;
mod sftp;
mod steady;

pub use disk::{Disk, Stat};
pub use error::{Error, Result};
pub use folder::{Entry, Exchange, Folder, Layout, Listing, Put};
pub use local::Local;
pub use sftp::{Address, Secrets, Sftp};
pub use steady::Steady;
