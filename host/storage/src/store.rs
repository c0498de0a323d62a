//! What every database behind Crossdock does.

use async_trait::async_trait;
use crossdock_model::common::Reference;
use crossdock_model::time::Millis;

use crate::view::{
    AuditRow, Conflict, ConnectorCounts, Cursor, DeliveryDetail, EntityReference, EventDetail, EventFilter,
    EventRow, Inbound, Meta, Page, Pause, Preview, Quarantined, StockLevel, Stuck, Token,
};
use crate::{Applied, Command, Filter, Result, Tables};

/// Everything durable; what operators and plugins keep in it is asked of [`Tables`]. [`mod@crate::conformance`] is what an implementation has to pass.
#[async_trait]
pub trait Store: Tables + Send + Sync + 'static {
    /// Does the commands in their order, in one physical transaction, and answers each. A command that is
    /// refused changes nothing and leaves the others alone. When this returns, what was done is durable.
    ///
    /// # Errors
    /// When the transaction as a whole failed: then nothing of it was kept.
    async fn apply(&self, commands: Vec<Command>) -> Result<Vec<Result<Applied>>>;

    /// Inbounds that have not been read yet, oldest first, with ids above `after`: what a host has to go on
    /// with after a start.
    ///
    /// # Errors
    /// When the database does not answer; so for every query.
    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<Inbound>>;

    /// One inbound with its bytes.
    async fn inbound(&self, id: i64) -> Result<Option<Inbound>>;

    /// Inbounds in quarantine, newest first.
    async fn quarantined(&self, connector: Option<&str>, page: Page) -> Result<Vec<Quarantined>>;

    /// For each connector that is not paused and has heads of lanes: when the first of them is or was due.
    async fn next_due(&self) -> Result<Vec<(String, Millis)>>;

    /// When [`Command::Expire`] next has something to do. None when nothing is claimed or waits.
    async fn next_expiry(&self) -> Result<Option<Millis>>;

    /// Events with their deliveries, newest first.
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>>;

    /// One event with its deliveries, tries and references.
    async fn event(&self, id: i64) -> Result<Option<EventDetail>>;

    /// The event of a key.
    async fn event_of_key(&self, key: &str) -> Result<Option<i64>>;

    /// Deliveries that a person must decide, newest first.
    async fn exceptions(&self, connector: Option<&str>, page: Page) -> Result<Vec<DeliveryDetail>>;

    /// One delivery with its tries and references.
    async fn delivery(&self, id: i64) -> Result<Option<DeliveryDetail>>;

    /// Deliveries of events of this kind that a connector's target booked before then, newest first: at most
    /// `limit` of them. One that took a later state along is left out: what it carried is told otherwise by now.
    async fn posted(&self, connector: &str, kind: &str, before: Millis, limit: u32) -> Result<Vec<i64>>;

    /// How each connector stands.
    async fn counts(&self) -> Result<Vec<ConnectorCounts>>;

    /// Every open delivery: why it is not done, since when, and what comes next. Longest stuck first.
    async fn stuck(&self, connector: Option<&str>, now: Millis, limit: u32) -> Result<Vec<Stuck>>;

    /// What an entity (identity text) is called in a connector's system.
    async fn references(&self, connector: &str, entity: &str) -> Result<Vec<Reference>>;

    /// What an entity is called in every system.
    async fn references_everywhere(&self, entity: &str) -> Result<Vec<EntityReference>>;

    /// The entities (identity texts) that a connector's system calls by this id.
    async fn resolve(&self, connector: &str, kind: &str, id: &str) -> Result<Vec<String>>;

    /// The connector that an order (identity text) is pinned to.
    async fn pin(&self, root: &str) -> Result<Option<String>>;

    /// What a replay of this filter and generation would do.
    async fn preview(&self, filter: &Filter, generation: Option<u32>) -> Result<Preview>;

    /// Where a connector's poll goes on.
    async fn cursor(&self, connector: &str) -> Result<Option<Cursor>>;

    /// Why a connector is paused. None when it is not.
    async fn paused(&self, connector: &str) -> Result<Option<Pause>>;

    /// The token of a hash.
    async fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>>;

    /// All tokens.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// What was told by systems that do not own it, newest first: by a connector, or by all.
    async fn conflicts(&self, connector: Option<&str>, page: Page) -> Result<Vec<Conflict>>;

    /// The levels of an article that are added up at a place, by source and location.
    async fn stock_levels(&self, sku: &str, place: &str) -> Result<Vec<StockLevel>>;

    /// What operators did, newest first.
    async fn audit(&self, page: Page) -> Result<Vec<AuditRow>>;

    /// What the database is.
    async fn meta(&self) -> Result<Meta>;
}
