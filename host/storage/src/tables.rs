//! What operators keep and plugins hand over, as it is asked for.

use async_trait::async_trait;

use crate::Result;
use crate::handed::{OutFileRow, Outgoing};
use crate::view::Page;

/// The tables beside the journal and the queue: part of every [`crate::Store`].
///
/// # Errors
/// When the database does not answer; so for every query.
#[async_trait]
pub trait Tables: Send + Sync + 'static {
    /// Files of the connector that have yet to be written to its exchange folder, oldest first.
    async fn outbox(&self, connector: &str, limit: u32) -> Result<Vec<Outgoing>>;

    /// Files that were handed over, newest first, without their contents.
    async fn out_files(&self, connector: Option<&str>, page: Page) -> Result<Vec<OutFileRow>>;

    /// The last number that was kept of a connector's sequence; 0 before the first.
    async fn sequence(&self, connector: &str, name: &str) -> Result<u64>;
}
