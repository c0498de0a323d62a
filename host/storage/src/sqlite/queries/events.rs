//! Events with their deliveries.

use std::collections::HashMap;

use crossdock_engine::Result;
use crossdock_engine::explain;
use crossdock_engine::view::{EventDetail, EventFilter, EventRow, Page};
use crossdock_model::event::Event;
use crossdock_model::time::Millis;

use super::{Reader, below};
use crate::sqlite::bulk::find;
use crate::sqlite::filter::{Query, Range};
use crate::sqlite::rows::delivery::{self, delivery_columns};
use crate::sqlite::rows::digest::key_hash;
use crate::sqlite::statement::{Args, Cells, assembled, rows, statements, unreadable};

statements! {
    EVENTS(1) "reading events":
        "SELECT id, key, kind, entity, coalesce(root, entity), occurred_at, recorded_at, inbound, trace \
         FROM event WHERE id IN ({rows})";
    DELIVERIES(1) "reading the deliveries of events": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery WHERE event IN ({rows})");
    /// The subject of an event with personal data, and whether its key was destroyed.
    CONTENT "reading an event":
        "SELECT event_body.body, subject.name, personal.event IS NOT NULL AND subject.sealed IS NULL \
         FROM event LEFT JOIN event_body ON event_body.event = event.id \
         LEFT JOIN personal ON personal.event = event.id \
         LEFT JOIN subject ON subject.id = personal.subject WHERE event.id = ?";
    OF_KEY "looking for an idempotency key": "SELECT event FROM event_key WHERE key = ?";
    IS_PRUNED "looking for an event":
        "SELECT ?1 > 0 AND (\
         NOT EXISTS (SELECT 1 FROM event WHERE id = ?1) \
         AND ?1 <= max(coalesce((SELECT max(id) FROM event), 0), \
         coalesce((SELECT last FROM counter WHERE name = 'event'), 0)) \
         OR NOT EXISTS (SELECT 1 FROM delivery WHERE id = ?1) \
         AND ?1 <= max(coalesce((SELECT max(id) FROM delivery), 0), \
         coalesce((SELECT last FROM counter WHERE name = 'delivery'), 0)))";
}

impl Reader<'_> {
    pub(super) async fn events(&mut self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>> {
        let range = Range(0, below(page));
        let query = Query::new(self.connection, filter, range, self.vault, page.limit).await?;
        let mut ids: Vec<i64> = Vec::new();
        for arm in query.event_arms()? {
            for row in rows(self.connection, "looking for events", assembled(arm.text), arm.args).await? {
                ids.push(Cells::of(&row).next()?);
            }
        }
        // Each arm is whole up to its limit, so the highest numbers of all of them are.
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.dedup();
        ids.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        self.event_rows(&ids).await
    }

    /// Events of numbers, in their order.
    async fn event_rows(&mut self, ids: &[i64]) -> Result<Vec<EventRow>> {
        let mut found: HashMap<i64, EventRow> = HashMap::new();
        for row in find(self.connection, &EVENTS, ids.iter().copied()).await? {
            let mut cells = Cells::of(&row);
            let event = EventRow {
                id: cells.next()?,
                key: cells.next()?,
                kind: cells.next()?,
                entity: cells.next()?,
                root: cells.next()?,
                occurred_at: cells.next()?,
                recorded_at: Millis(cells.next()?),
                inbound: cells.next()?,
                trace: cells.next()?,
                deliveries: Vec::new(),
            };
            found.insert(event.id, event);
        }
        for row in find(self.connection, &DELIVERIES, ids.iter().copied()).await? {
            let row = delivery::read(&mut Cells::of(&row))?;
            if let Some(event) = found.get_mut(&row.event) {
                event.deliveries.push(explain::row(row));
            }
        }
        for event in found.values_mut() {
            event.deliveries.sort_by_key(|row| row.id);
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    pub(super) async fn event(&mut self, id: i64) -> Result<Option<EventDetail>> {
        let Some(row) = self.event_rows(&[id]).await?.pop() else { return Ok(None) };
        let fill = |args: &mut Args| {
            args.add(id);
        };
        let content = self.first(&CONTENT, fill, |cells| {
            let event: Option<Event> = match cells.next::<Option<&str>>()? {
                None => None,
                Some(body) => Some(
                    serde_json::from_str(body).map_err(|error| unreadable(format!("event {id}"), error))?,
                ),
            };
            Ok((event, cells.next()?, cells.next()?))
        });
        let Some((event, subject, erased)) = content.await? else { return Ok(None) };
        let deliveries: Vec<i64> = row.deliveries.iter().map(|delivery| delivery.id).collect();
        let attempts = self.attempts(&deliveries).await?;
        let references = self.references_everywhere(&row.entity).await?;
        Ok(Some(EventDetail { row, event, subject, erased, attempts, references }))
    }

    pub(super) async fn event_of_key(&mut self, key: &str) -> Result<Option<i64>> {
        let fill = |args: &mut Args| {
            args.add(key_hash(key).to_vec());
        };
        self.first(&OF_KEY, fill, |cells| cells.next()).await
    }

    pub(super) async fn is_pruned_event(&mut self, id: i64) -> Result<bool> {
        let fill = |args: &mut Args| {
            args.add(id);
        };
        Ok(self.first(&IS_PRUNED, fill, |cells| cells.next()).await?.unwrap_or_default())
    }
}
