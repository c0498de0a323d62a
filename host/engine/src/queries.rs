//! What is read from a database beside units of work: listings, pages, look-ups. Nothing here is decided upon;
//! listings page by key.

use async_trait::async_trait;
use crossdock_model::common::Reference;
use crossdock_model::time::Millis;

use crate::error::Result;
use crate::mapping::{MappingChanged, MappingFilter, MappingRow, Missing};
use crate::outbox::{OutFileRow, PendingFile};
use crate::plugin_choice::PluginChoice;
use crate::registry::{StoreChanged, StoreRow};
use crate::secret::{SecretRow, SecretText};
use crate::view::{
    AuditRow, Conflict, ConnectorCounts, Cursor, DeliveryDetail, EntityReference, EventDetail, EventFilter,
    EventRow, Inbound, Meta, Page, Pause, PendingCount, Quarantined, StockLevel, Stuck, StuckPage, Token,
};

/// The queries of a database.
///
/// # Errors
/// When the database does not answer; so for every query.
#[async_trait]
pub trait Queries: Send + Sync + 'static {
    /// One inbound with its bytes.
    async fn inbound(&self, id: i64) -> Result<Option<Inbound>>;

    /// For each connector with pending inbounds: when the first of them is or was due.
    async fn next_inbound_due(&self) -> Result<Vec<(String, Millis)>>;

    /// How many inbounds are pending, for each connector that has any.
    async fn pending_inbounds(&self) -> Result<Vec<PendingCount>>;

    /// Inbounds in quarantine, newest first.
    async fn quarantined(&self, connector: Option<&str>, page: Page) -> Result<Vec<Quarantined>>;

    /// For each connector that is not paused and has heads of lanes: when the first of them is or was due.
    async fn next_due(&self) -> Result<Vec<(String, Millis)>>;

    /// When [`Expire`](crate::Command::Expire) next has something to do. None when nothing is claimed or waits.
    async fn next_expiry(&self) -> Result<Option<Millis>>;

    /// Events with their deliveries, newest first.
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>>;

    /// One event with its deliveries, attempts and references.
    async fn event(&self, id: i64) -> Result<Option<EventDetail>>;

    /// The event of a key. It may have been pruned since.
    async fn event_of_key(&self, key: &str) -> Result<Option<i64>>;

    /// True when an event or delivery of this number was stored and has left with its retention.
    async fn is_pruned_event(&self, id: i64) -> Result<bool>;

    /// Deliveries that a person must decide, newest first.
    async fn exceptions(&self, connector: Option<&str>, page: Page) -> Result<Vec<DeliveryDetail>>;

    /// One delivery with its attempts and references.
    async fn delivery(&self, id: i64) -> Result<Option<DeliveryDetail>>;

    /// Deliveries of events of this kind that a connector's target booked before then, newest first: at most
    /// `limit` of them. One that took a later state along is left out: the target holds that later state.
    async fn posted(&self, connector: &str, kind: &str, before: Millis, limit: u32) -> Result<Vec<i64>>;

    /// The state of each connector's queue.
    async fn counts(&self) -> Result<Vec<ConnectorCounts>>;

    /// Open deliveries: why each is not done, since when, and what happens next. Longest stuck first.
    async fn stuck(&self, connector: Option<&str>, now: Millis, page: StuckPage) -> Result<Vec<Stuck>>;

    /// The references of an entity (identity text) in a connector's system.
    async fn references(&self, connector: &str, entity: &str) -> Result<Vec<Reference>>;

    /// The references of an entity in every system.
    async fn references_everywhere(&self, entity: &str) -> Result<Vec<EntityReference>>;

    /// The entities (identity texts) that have this reference in a connector's system.
    async fn resolve(&self, connector: &str, kind: &str, id: &str) -> Result<Vec<String>>;

    /// The connector that an order (identity text) is pinned to.
    async fn pin(&self, root: &str) -> Result<Option<String>>;

    /// The position of a connector's poll.
    async fn cursor(&self, connector: &str) -> Result<Option<Cursor>>;

    /// Why a connector is paused. None when it is not.
    async fn paused(&self, connector: &str) -> Result<Option<Pause>>;

    /// The token of a hash.
    async fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>>;

    /// All tokens.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// Values reported by systems that do not own the attribute, newest first: by a connector, or by all.
    async fn conflicts(&self, connector: Option<&str>, page: Page) -> Result<Vec<Conflict>>;

    /// The levels of an article that are summed at a place, by source and location.
    async fn stock_levels(&self, sku: &str, place: &str) -> Result<Vec<StockLevel>>;

    /// Operators' acts, newest first.
    async fn audit(&self, page: Page) -> Result<Vec<AuditRow>>;

    /// The identity of the database.
    async fn meta(&self) -> Result<Meta>;

    /// Files of the connector that have yet to be written to its exchange folder, oldest first.
    async fn outbox(&self, connector: &str, limit: u32) -> Result<Vec<PendingFile>>;

    /// Outbox files, newest first, without their contents.
    async fn out_files(&self, connector: Option<&str>, page: Page) -> Result<Vec<OutFileRow>>;

    /// The last number that was stored of a connector's sequence; 0 before the first.
    async fn sequence(&self, connector: &str, name: &str) -> Result<u64>;

    /// The target's value of a mapping: of the connector's own table first, else of every connector's.
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

    /// The values that tables lack and deliveries await, in the order of connector, table and value.
    async fn unmapped(&self) -> Result<Vec<Missing>>;

    /// The digest of the file of this name that was imported last.
    async fn imported(&self, name: &str) -> Result<Option<String>>;

    /// The store of an id.
    async fn store_of_id(&self, id: &str) -> Result<Option<StoreRow>>;

    /// The store that has this code in a system.
    async fn store_of_code(&self, system: &str, code: &str) -> Result<Option<StoreRow>>;

    /// Stores by id, behind `after`.
    async fn stores(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoreRow>>;

    /// The versions of a store, newest first; those before a removal too.
    async fn store_history(&self, id: &str) -> Result<Vec<StoreChanged>>;

    /// A secret and its version.
    async fn secret(&self, name: &str) -> Result<Option<(SecretText, u64)>>;

    /// All secrets by name, without their texts.
    async fn secrets(&self) -> Result<Vec<SecretRow>>;

    /// The plugins that were chosen in place of the configured ones.
    async fn plugin_choices(&self) -> Result<Vec<PluginChoice>>;
}
