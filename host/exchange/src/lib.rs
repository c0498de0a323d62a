//! Exchange folders: files from a partner and for a partner.
//!
//! A folder is a local directory or a directory behind SFTP, with one layout:
//!
//! ```text
//! in/            the partner puts files here
//! out/           the partner takes files from here
//! archive/in/    files that were read
//! archive/out/   copies of the files that were written to out/
//! ```
//!
//! The rules for both kinds are in [`ExchangeFolder`], on top of the few operations of a [`FileSystem`]: a file
//! is read only when it is stable ([`StableFiles`]), is archived only if it is still the file that was read, and
//! is written to `out/` whole and once. This crate knows no connector, no journal and no database. It may be
//! killed between any two steps; the next call continues from what is in the folder.

mod error;
mod exchange_folder;
mod file_name;
mod file_system;
mod folder;
mod local;
mod sftp;
mod stable_files;

pub use error::{Error, Result};
pub use exchange_folder::ExchangeFolder;
pub use file_system::{FileSystem, Stat};
pub use folder::{Entry, Folder, Layout, Listing, Put};
pub use local::Local;
pub use sftp::{Address, LoginSecrets, Sftp};
pub use stable_files::StableFiles;
