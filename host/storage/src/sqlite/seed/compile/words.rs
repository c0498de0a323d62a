//! The indexes of words. They cannot be read: their rows are made again from what is in the tables.

use std::collections::BTreeSet;

use crossdock_engine::{Result, search};
use crossdock_model::common::Personal;
use crossdock_model::event::Event;

use super::Compiler;
use crate::sqlite::seed::stored::{number, text};
use crate::sqlite::seed::template::{Cell, Text};
use crate::sqlite::statement::unreadable;

impl Compiler<'_> {
    /// The events of customers.
    pub(super) fn subject_events(&mut self, table: usize) -> Result<()> {
        for row in self.rows_of("event").iter().filter(|row| number(row, "subject").is_some()) {
            let event = number(row, "id");
            let order = self.of_event(event)?;
            let event = self.number("event", "id", event.unwrap_or_default())?;
            if let Some(template) = self.orders.get_mut(order) {
                template.rows.push((table, vec![event, Cell::Subject]));
            }
        }
        Ok(())
    }

    /// The search terms of events, made from their contents: an index of words cannot be read.
    pub(super) fn terms(&mut self, table: usize) -> Result<()> {
        for row in self.rows_of("event") {
            let id = number(row, "id");
            let body = self.rows_of("event_body").iter().find(|body| number(body, "event") == id);
            let body = body.and_then(|body| text(body, "body")).unwrap_or_default();
            let event: Event = serde_json::from_str(body).map_err(|error| unreadable("an event", error))?;
            let entity = text(row, "entity").unwrap_or_default();
            let root = text(row, "root").unwrap_or(entity);
            self.words(table, id, &search::terms(entity, root, &event.fact), Cell::Words)?;
        }
        Ok(())
    }

    /// The search terms of persons, made from their data.
    pub(super) fn person_terms(&mut self, table: usize) -> Result<()> {
        for row in self.rows_of("personal") {
            let personal: Personal = serde_json::from_str(&self.plain(row)?)
                .map_err(|error| unreadable("personal data", error))?;
            let terms = search::customer_terms(&personal);
            self.words(table, number(row, "event"), &terms, Cell::PersonWords)?;
        }
        Ok(())
    }

    fn words(
        &mut self,
        table: usize,
        event: Option<i64>,
        terms: &BTreeSet<String>,
        cell: impl Fn(Vec<Text>) -> Cell,
    ) -> Result<()> {
        let order = self.of_event(event)?;
        let terms = terms.iter().map(|term| self.text(order, term)).collect();
        let event = self.number("event", "id", event.unwrap_or_default())?;
        if let Some(template) = self.orders.get_mut(order) {
            template.rows.push((table, vec![event, cell(terms)]));
        }
        Ok(())
    }
}
