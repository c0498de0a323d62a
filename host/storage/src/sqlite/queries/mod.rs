//! Listings and look-ups, on connections that can only read. Nothing here is decided upon.

mod connectors;
mod counts;
mod deliveries;
mod events;
mod intake;
mod stuck;
mod tables;

use async_trait::async_trait;
use crossdock_engine::view::{
    AuditRow, Conflict, ConnectorCounts, Cursor, DeliveryDetail, EntityReference, EventDetail, EventFilter,
    EventRow, Inbound, Meta, Page, Pause, PendingCount, Quarantined, StockLevel, Stuck, StuckPage, Token,
};
use crossdock_engine::{
    MappingChanged, MappingFilter, MappingRow, Missing, OutFileRow, PendingFile, PluginChoice, Queries,
    Result, SecretRow, SecretText, StoreChanged, StoreRow,
};
use crossdock_model::common::Reference;
use crossdock_model::time::Millis;
use sqlx::SqliteConnection;

use super::database::Sqlite;
use super::statement::{Args, Cells, Statement, fetch_all, fetch_first};
use crate::vault::Vault;

/// A connection, and the keys to open what it reads.
struct Reader<'r> {
    connection: &'r mut SqliteConnection,
    vault: &'r Vault,
}

impl Reader<'_> {
    async fn all<T>(
        &mut self,
        statement: &'static Statement,
        fill: impl FnOnce(&mut Args),
        read: impl FnMut(&mut Cells<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        fetch_all(self.connection, statement, fill, read).await
    }

    async fn first<T>(
        &mut self,
        statement: &'static Statement,
        fill: impl FnOnce(&mut Args),
        read: impl FnOnce(&mut Cells<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        fetch_first(self.connection, statement, fill, read).await
    }
}

/// The number that the first page begins below.
fn below(page: Page) -> i64 {
    page.before.unwrap_or(i64::MAX)
}

/// Each query on a connection of its own: `name(arguments) -> answer` of the trait is the method of that name.
macro_rules! queries {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl Queries for Sqlite {
            $(
                async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
                    let mut connection = self.reader().await?;
                    Reader { connection: &mut connection, vault: &self.vault }.$name($($argument),*).await
                }
            )+
        }
    };
}

queries! {
    fn inbound(id: i64) -> Option<Inbound>;
    fn next_inbound_due() -> Vec<(String, Millis)>;
    fn pending_inbounds() -> Vec<PendingCount>;
    fn quarantined(connector: Option<&str>, page: Page) -> Vec<Quarantined>;
    fn next_due() -> Vec<(String, Millis)>;
    fn next_expiry() -> Option<Millis>;
    fn events(filter: &EventFilter, page: Page) -> Vec<EventRow>;
    fn event(id: i64) -> Option<EventDetail>;
    fn event_of_key(key: &str) -> Option<i64>;
    fn is_pruned_event(id: i64) -> bool;
    fn exceptions(connector: Option<&str>, page: Page) -> Vec<DeliveryDetail>;
    fn delivery(id: i64) -> Option<DeliveryDetail>;
    fn posted(connector: &str, kind: &str, before: Millis, limit: u32) -> Vec<i64>;
    fn counts() -> Vec<ConnectorCounts>;
    fn stuck(connector: Option<&str>, now: Millis, page: StuckPage) -> Vec<Stuck>;
    fn references(connector: &str, entity: &str) -> Vec<Reference>;
    fn references_everywhere(entity: &str) -> Vec<EntityReference>;
    fn resolve(connector: &str, kind: &str, id: &str) -> Vec<String>;
    fn pin(root: &str) -> Option<String>;
    fn cursor(connector: &str) -> Option<Cursor>;
    fn paused(connector: &str) -> Option<Pause>;
    fn token(hash: &[u8; 32]) -> Option<Token>;
    fn tokens() -> Vec<Token>;
    fn conflicts(connector: Option<&str>, page: Page) -> Vec<Conflict>;
    fn stock_levels(sku: &str, place: &str) -> Vec<StockLevel>;
    fn audit(page: Page) -> Vec<AuditRow>;
    fn meta() -> Meta;
    fn outbox(connector: &str, limit: u32) -> Vec<PendingFile>;
    fn out_files(connector: Option<&str>, page: Page) -> Vec<OutFileRow>;
    fn sequence(connector: &str, name: &str) -> u64;
    fn mapping(connector: &str, table: &str, value: &str) -> Option<String>;
    fn mappings(filter: &MappingFilter) -> Vec<MappingRow>;
    fn mapping_history(connector: Option<&str>, table: Option<&str>, page: Page) -> Vec<MappingChanged>;
    fn unmapped() -> Vec<Missing>;
    fn imported(name: &str) -> Option<String>;
    fn store_of_id(id: &str) -> Option<StoreRow>;
    fn store_of_code(system: &str, code: &str) -> Option<StoreRow>;
    fn stores(after: Option<&str>, limit: u32) -> Vec<StoreRow>;
    fn store_history(id: &str) -> Vec<StoreChanged>;
    fn secret(name: &str) -> Option<(SecretText, u64)>;
    fn secrets() -> Vec<SecretRow>;
    fn plugin_choices() -> Vec<PluginChoice>;
}

#[cfg(test)]
pub(super) fn statements() -> Vec<&'static [&'static Statement]> {
    vec![
        connectors::STATEMENTS,
        counts::STATEMENTS,
        deliveries::STATEMENTS,
        events::STATEMENTS,
        intake::STATEMENTS,
        stuck::STATEMENTS,
        tables::STATEMENTS,
    ]
}
