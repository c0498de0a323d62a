//! What is read beside units of work.

use async_trait::async_trait;
use crossdock_model::common::Reference;
use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Ending};

use crate::error::Result;
use crate::keys::{EntityKey, MappingKey};
use crate::mapping::{EVERY_CONNECTOR, MappingChanged, MappingFilter, MappingRow, Missing};
use crate::outbox::{OutFileRow, PendingFile};
use crate::plugin_choice::PluginChoice;
use crate::queries::Queries;
use crate::registry::{StoreChanged, StoreRow};
use crate::rows::InboundState;
use crate::secret::{SecretRow, SecretText};
use crate::view::{
    AuditRow, Conflict, ConnectorCounts, Cursor, DeliveryDetail, EntityReference, EventDetail, EventFilter,
    EventRow, Inbound, Meta, Page, Pause, PendingCount, Quarantined, StockLevel, Stuck, StuckPage, Token,
};

use super::database::Memory;
use super::filter::Search;
use super::listing::{self, most, newest_first};
use super::operators;

#[async_trait]
impl Queries for Memory {
    async fn inbound(&self, id: i64) -> Result<Option<Inbound>> {
        let state = self.state();
        Ok(state.tables.inbounds.get(&id).map(|row| listing::inbound(&state, id, row)))
    }

    async fn next_inbound_due(&self) -> Result<Vec<(String, Millis)>> {
        let state = self.state();
        let pending = state.tables.inbounds.values().filter(|row| row.state == InboundState::Pending);
        Ok(listing::by_name(pending.map(|row| (&row.connector, row.due_at)), Millis::min))
    }

    async fn pending_inbounds(&self) -> Result<Vec<PendingCount>> {
        let state = self.state();
        let pending = state.tables.inbounds.values().filter(|row| row.state == InboundState::Pending);
        let each = pending.map(|row| match row.attempts {
            0 => (&row.connector, (1, 0)),
            _ => (&row.connector, (0, 1)),
        });
        let counts = listing::by_name(each, |a, b| (a.0 + b.0, a.1 + b.1)).into_iter();
        Ok(counts
            .map(|(connector, (fresh, postponed))| PendingCount { connector, fresh, postponed })
            .collect())
    }

    async fn quarantined(&self, connector: Option<&str>, page: Page) -> Result<Vec<Quarantined>> {
        let state = self.state();
        let rows = newest_first(&state.tables.inbounds, page, |row| {
            matches!(row.state, InboundState::Quarantined(_)) && is(connector, &row.connector)
        });
        Ok(rows.filter_map(|(id, row)| listing::quarantined(id, row)).collect())
    }

    async fn next_due(&self) -> Result<Vec<(String, Millis)>> {
        let state = self.state();
        let is_paused = |connector| state.tables.pauses.contains_key(connector);
        let ready = state.deliveries.open().filter(|row| row.state == DeliveryState::Ready);
        let heads = ready.filter(|row| !is_paused(&row.connector));
        Ok(listing::by_name(heads.map(|row| (&row.connector, row.due_at)), Millis::min))
    }

    async fn next_expiry(&self) -> Result<Option<Millis>> {
        Ok(listing::next_expiry(&self.state()))
    }

    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>> {
        let (state, search) = (self.state(), Search::of(filter)?);
        let rows = newest_first(&state.events.rows, page, |stored| search.fits(&state, &stored.row));
        Ok(rows.map(|(_, stored)| listing::event_row(&state, &stored.row)).collect())
    }

    async fn event(&self, id: i64) -> Result<Option<EventDetail>> {
        Ok(listing::event(&self.state(), id))
    }

    async fn event_of_key(&self, key: &str) -> Result<Option<i64>> {
        Ok(self.state().tables.event_keys.get(key).map(|row| row.event))
    }

    async fn is_pruned_event(&self, id: i64) -> Result<bool> {
        let state = self.state();
        let event = id <= state.last.event && state.events.get(id).is_none();
        let delivery = id <= state.last.delivery && state.deliveries.get(id).is_none();
        Ok(id > 0 && (event || delivery))
    }

    async fn exceptions(&self, connector: Option<&str>, page: Page) -> Result<Vec<DeliveryDetail>> {
        let state = self.state();
        let below = |id: i64| page.before.is_none_or(|before| id < before);
        let fits = |row: &&crate::delivery::Delivery| {
            row.state == DeliveryState::Exception && below(row.id) && is(connector, &row.connector)
        };
        let rows = state.deliveries.open().rev().filter(fits);
        Ok(rows.filter_map(|row| listing::delivery(&state, row)).take(most(page.limit)).collect())
    }

    async fn delivery(&self, id: i64) -> Result<Option<DeliveryDetail>> {
        let state = self.state();
        Ok(state.deliveries.get(id).and_then(|row| listing::delivery(&state, row)))
    }

    async fn posted(&self, connector: &str, kind: &str, before: Millis, limit: u32) -> Result<Vec<i64>> {
        let state = self.state();
        let is_of_kind = |event| state.events.get(event).is_some_and(|row| row.event.fact.kind() == kind);
        let rows = state.deliveries.all().rev().filter(|row| {
            row.ending == Some(Ending::Posted)
                && row.state == DeliveryState::Settled
                && *row.connector == *connector
                && row.since < before
                && row.carries == row.event
                && is_of_kind(row.event)
        });
        Ok(rows.map(|row| row.id).take(most(limit)).collect())
    }

    async fn counts(&self) -> Result<Vec<ConnectorCounts>> {
        Ok(listing::counts(&self.state()))
    }

    async fn stuck(&self, connector: Option<&str>, now: Millis, page: StuckPage) -> Result<Vec<Stuck>> {
        Ok(listing::stuck(&self.state(), connector, now, page))
    }

    async fn references(&self, connector: &str, entity: &str) -> Result<Vec<Reference>> {
        let key = EntityKey::new(connector, entity);
        Ok(self.state().tables.references.get(&key).map(|all| (**all).clone()).unwrap_or_default())
    }

    async fn references_everywhere(&self, entity: &str) -> Result<Vec<EntityReference>> {
        Ok(listing::references(&self.state(), entity))
    }

    async fn resolve(&self, connector: &str, kind: &str, id: &str) -> Result<Vec<String>> {
        let state = self.state();
        let of_connector = state.tables.references.iter().filter(|(key, _)| *key.connector == *connector);
        let named = of_connector.filter(|(_, all)| all.iter().any(|it| it.kind == kind && it.id == id));
        Ok(named.map(|(key, _)| key.entity.to_string()).collect())
    }

    async fn pin(&self, root: &str) -> Result<Option<String>> {
        Ok(self.state().tables.pins.get(root).map(|connector| connector.to_string()))
    }

    async fn cursor(&self, connector: &str) -> Result<Option<Cursor>> {
        Ok(self.state().tables.cursors.get(connector).map(|row| (**row).clone()))
    }

    async fn paused(&self, connector: &str) -> Result<Option<Pause>> {
        Ok(self.state().tables.pauses.get(connector).map(|row| (**row).clone()))
    }

    async fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        Ok(operators::tokens(&self.state(), |known| known == hash).pop())
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        Ok(operators::tokens(&self.state(), |_| true))
    }

    async fn conflicts(&self, connector: Option<&str>, page: Page) -> Result<Vec<Conflict>> {
        Ok(listing::conflicts(&self.state(), connector, page))
    }

    async fn stock_levels(&self, sku: &str, place: &str) -> Result<Vec<StockLevel>> {
        Ok(operators::stock_levels(&self.state(), sku, place))
    }

    async fn audit(&self, page: Page) -> Result<Vec<AuditRow>> {
        Ok(operators::audit(&self.state(), page))
    }

    async fn meta(&self) -> Result<Meta> {
        Ok(self.state().meta.clone())
    }

    async fn outbox(&self, connector: &str, limit: u32) -> Result<Vec<PendingFile>> {
        Ok(operators::outbox(&self.state(), connector, limit))
    }

    async fn out_files(&self, connector: Option<&str>, page: Page) -> Result<Vec<OutFileRow>> {
        Ok(operators::out_files(&self.state(), connector, page))
    }

    async fn sequence(&self, connector: &str, name: &str) -> Result<u64> {
        let key = (connector.into(), name.into());
        Ok(self.state().tables.sequences.get(&key).map(|last| **last).unwrap_or_default())
    }

    async fn mapping(&self, connector: &str, table: &str, value: &str) -> Result<Option<String>> {
        let state = self.state();
        let of = |connector: &str| {
            let key = MappingKey { connector: connector.into(), table: table.into(), value: value.into() };
            state.tables.mappings.get(&key).map(|entry| entry.target.to_string())
        };
        Ok(of(connector).or_else(|| of(EVERY_CONNECTOR)))
    }

    async fn mappings(&self, filter: &MappingFilter) -> Result<Vec<MappingRow>> {
        Ok(operators::mappings(&self.state(), filter))
    }

    async fn mapping_history(
        &self,
        connector: Option<&str>,
        table: Option<&str>,
        page: Page,
    ) -> Result<Vec<MappingChanged>> {
        let state = self.state();
        let rows = newest_first(&state.mapping_changes, page, |change| {
            is(connector, &change.connector) && is(table, &change.table)
        });
        Ok(rows.map(|(_, change)| (**change).clone()).collect())
    }

    async fn unmapped(&self) -> Result<Vec<Missing>> {
        Ok(listing::unmapped(&self.state()))
    }

    async fn imported(&self, name: &str) -> Result<Option<String>> {
        Ok(self.state().imports.get(name).map(|hash| hash.to_string()))
    }

    async fn store_of_id(&self, id: &str) -> Result<Option<StoreRow>> {
        Ok(self.state().tables.stores.get(id).map(|row| (**row).clone()))
    }

    async fn store_of_code(&self, system: &str, code: &str) -> Result<Option<StoreRow>> {
        Ok(operators::store_of_code(&self.state(), system, code))
    }

    async fn stores(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoreRow>> {
        let state = self.state();
        let behind = state.tables.stores.iter().filter(|(id, _)| after.is_none_or(|after| ***id > *after));
        Ok(behind.take(most(limit)).map(|(_, row)| (**row).clone()).collect())
    }

    async fn store_history(&self, id: &str) -> Result<Vec<StoreChanged>> {
        let state = self.state();
        let versions = state.store_changes.iter().rev().filter(|((store, _), _)| **store == *id);
        Ok(versions.map(|(_, change)| (**change).clone()).collect())
    }

    async fn secret(&self, name: &str) -> Result<Option<(SecretText, u64)>> {
        Ok(self.state().secrets.get(name).map(|secret| (secret.1.clone(), secret.0.version)))
    }

    async fn secrets(&self) -> Result<Vec<SecretRow>> {
        Ok(self.state().secrets.values().map(|secret| secret.0.clone()).collect())
    }

    async fn plugin_choices(&self) -> Result<Vec<PluginChoice>> {
        Ok(self.state().choices.values().map(|choice| (**choice).clone()).collect())
    }
}

/// True when a name is the one wanted, or none is.
fn is(wanted: Option<&str>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == name)
}
