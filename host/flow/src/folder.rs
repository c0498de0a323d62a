//! Exchange folders: files that partners put into a connector's folder, and files that are written for them.
//!
//! Incoming: a file that no longer changes is stored whole, as a request of the method `FILE`, and moved to the
//! archive once that is durable. The same bytes under the same name are one request, however often they come, so a
//! host that is killed in between reads the file again and stores it once.
//!
//! Outgoing: files that plugins wrote were stored in the outbox with the plugins' answers. Each is written to the
//! folder, and that is recorded; after a crash in between, the folder itself shows that the file was written.
//!
//! A paused connector writes no files, as it delivers nothing. It goes on reading: a partner's files are stored, as
//! requests that arrive by HTTP are.

mod driver;
mod inbox;
mod outbox;
mod report;

pub(crate) use driver::FolderDriver;
pub(crate) use inbox::Inbox;
pub(crate) use outbox::Outbox;
