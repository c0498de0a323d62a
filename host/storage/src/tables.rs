//! What operators keep and plugins hand over, as it is asked for.

use async_trait::async_trait;

use crate::Result;
use crate::choice::Choice;
use crate::handed::{OutFileRow, Outgoing};
use crate::mapping::{MappingChanged, MappingFilter, MappingRow, Missing};
use crate::registry::{StoreChanged, StoreRow};
use crate::secret::{SecretRow, SecretText};
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

    /// What a value is called for a connector: by its own table first, else by that of every connector.
    async fn mapping(&self, connector: &str, table: &str, value: &str) -> Result<Option<String>>;

    /// Mappings, in the order of connector, table and value.
    async fn mappings(&self, filter: &MappingFilter) -> Result<Vec<MappingRow>>;

    /// The changes of mappings, newest first: of a connector, of a table, or of all.
    async fn mapping_history(
        &self,
        connector: Option<&str>,
        table: Option<&str>,
        page: Page,
    ) -> Result<Vec<MappingChanged>>;

    /// The values that tables lack and deliveries wait for, in the order of connector, table and value.
    async fn unmapped(&self) -> Result<Vec<Missing>>;

    /// The digest of the file of this name that was imported last.
    async fn imported(&self, name: &str) -> Result<Option<String>>;

    /// The store of an id.
    async fn store_of_id(&self, id: &str) -> Result<Option<StoreRow>>;

    /// The store that a system calls so.
    async fn store_of_code(&self, system: &str, code: &str) -> Result<Option<StoreRow>>;

    /// Stores by id, behind `after`.
    async fn stores(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoreRow>>;

    /// The versions of a store, newest first; those before a removal too.
    async fn store_history(&self, id: &str) -> Result<Vec<StoreChanged>>;

    /// A secret and its version.
    async fn secret(&self, name: &str) -> Result<Option<(SecretText, u64)>>;

    /// All secrets by name, without their texts.
    async fn secrets(&self) -> Result<Vec<SecretRow>>;

    /// The plugins that were chosen in the place of the configuration's.
    async fn choices(&self) -> Result<Vec<Choice>>;
}
