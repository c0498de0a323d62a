//! The listings of what operators maintain, of the outbox, and of stock levels.

use std::sync::Arc;

use crossdock_model::time::Millis;

use crate::mapping::{MappingFilter, MappingRow};
use crate::outbox::{OutFileRow, PendingFile};
use crate::registry::StoreRow;
use crate::view::{AuditRow, Page, StockLevel, Token};

use super::listing::{most, newest_first};
use super::state::State;

pub(super) fn tokens(state: &State, fits: impl Fn(&[u8; 32]) -> bool) -> Vec<Token> {
    let known = state.tables.tokens.iter().filter(|(_, row)| fits(&row.0));
    known.map(|(name, row)| Token { name: name.to_string(), created_at: row.1 }).collect()
}

pub(super) fn stock_levels(state: &State, sku: &str, place: &str) -> Vec<StockLevel> {
    let levels = state.tables.levels.get(&(Arc::from(sku), Arc::from(place)));
    levels
        .into_iter()
        .flat_map(|levels| levels.iter())
        .map(|((source, location), row)| StockLevel {
            source: source.to_string(),
            location: location.to_string(),
            available: row.available.clone(),
            at: Millis(row.believed.div_euclid(1000)),
        })
        .collect()
}

pub(super) fn audit(state: &State, page: Page) -> Vec<AuditRow> {
    newest_first(&state.audit, page, |_| true)
        .map(|(id, record)| AuditRow {
            id,
            at: record.at,
            by: record.by.to_string(),
            action: record.action.to_string(),
            subject: record.subject.to_string(),
            detail: record.detail.to_string(),
        })
        .collect()
}

/// Files that have yet to be written, oldest first.
pub(super) fn outbox(state: &State, connector: &str, limit: u32) -> Vec<PendingFile> {
    let waits = |id: &i64| state.tables.files.get(id).is_some_and(|row| row.written_at.is_none());
    let files = state.contents.iter().filter(|(id, file)| *file.connector == *connector && waits(id));
    files
        .filter_map(|(id, file)| {
            let content = file.content.as_ref()?.content.clone();
            let (connector, name) = (file.connector.to_string(), file.name.to_string());
            Some(PendingFile { id: *id, connector, name, content, at: file.at })
        })
        .take(most(limit))
        .collect()
}

pub(super) fn out_files(state: &State, connector: Option<&str>, page: Page) -> Vec<OutFileRow> {
    let files = newest_first(&state.contents, page, |file| {
        connector.is_none_or(|connector| *file.connector == *connector)
    });
    files
        .map(|(id, file)| OutFileRow {
            id,
            connector: file.connector.to_string(),
            name: file.name.to_string(),
            size: file.size,
            at: file.at,
            written_at: state.tables.files.get(&id).and_then(|row| row.written_at),
        })
        .collect()
}

pub(super) fn mappings(state: &State, filter: &MappingFilter) -> Vec<MappingRow> {
    let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let after = filter.after.as_ref().map(|(connector, table, value)| (&**connector, &**table, &**value));
    state
        .tables
        .mappings
        .iter()
        .filter(|(key, _)| {
            is(&filter.connector, &key.connector)
                && is(&filter.table, &key.table)
                && is(&filter.value, &key.value)
                && after.is_none_or(|after| (&*key.connector, &*key.table, &*key.value) > after)
        })
        .map(|(key, entry)| MappingRow {
            connector: key.connector.to_string(),
            table: key.table.to_string(),
            value: key.value.to_string(),
            target: entry.target.to_string(),
            at: entry.at,
            by: entry.by.to_string(),
        })
        .take(most(filter.limit))
        .collect()
}

pub(super) fn store_of_code(state: &State, system: &str, code: &str) -> Option<StoreRow> {
    let has_code = |row: &&Arc<StoreRow>| row.record.codes.get(system).is_some_and(|known| known == code);
    state.tables.stores.values().find(has_code).map(|row| (**row).clone())
}
