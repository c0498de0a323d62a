//! Deliveries with everything known about them.

use std::collections::HashMap;

use crossdock_engine::assemble::delivery_key;
use crossdock_engine::view::{AttemptRow, DeliveryDetail, EntityReference, Page};
use crossdock_engine::{Result, explain};
use crossdock_model::common::Reference;
use crossdock_model::time::Millis;

use super::{Reader, below};
use crate::sqlite::bulk::find;
use crate::sqlite::rows::codes::decode;
use crate::sqlite::rows::delivery::{self, delivery_columns};
use crate::sqlite::rows::shown::reference;
use crate::sqlite::statement::{Args, Cells, statements, unreadable};
use crate::vault::{Bound, Vault};

/// How many of a connector's newest settled deliveries are looked at for posted ones of a kind.
const POSTED_LOOKED_AT: u32 = 10_000;

statements! {
    EXCEPTIONS "reading exceptions":
        "SELECT id FROM delivery WHERE state = 6 AND id < ? ORDER BY id DESC LIMIT ?";
    EXCEPTIONS_OF "reading exceptions":
        "SELECT id FROM delivery WHERE state = 6 AND connector = ? AND id < ? ORDER BY id DESC LIMIT ?";
    DELIVERIES(1) "reading deliveries": concat!(
        "SELECT event.key, event.kind, event.entity, event.trace, event_body.body, ", delivery_columns!(),
        " FROM delivery CROSS JOIN event ON event.id = delivery.event \
         LEFT JOIN event_body ON event_body.event = delivery.carries WHERE delivery.id IN ({rows})");
    ATTEMPTS(1) "reading attempts":
        "SELECT attempt.delivery, attempt.fence, number, kind, started, attempt.ended, outcome, message, \
         exchange.subject, exchange.day, exchange.sealed, subject.sealed, day_key.sealed FROM attempt \
         LEFT JOIN exchange ON exchange.delivery = attempt.delivery AND exchange.fence = attempt.fence \
         LEFT JOIN subject ON subject.id = exchange.subject \
         LEFT JOIN day_key ON day_key.day = exchange.day WHERE attempt.delivery IN ({rows})";
    /// Bounded, so that a kind that a connector never got is not looked for in everything it ever got.
    POSTED "looking for posted deliveries":
        "SELECT id FROM (SELECT delivery.id, delivery.event, delivery.carries, delivery.ending, delivery.since \
         FROM delivery INDEXED BY delivery_of_state WHERE connector = ?1 AND state = 5 \
         ORDER BY delivery.event DESC LIMIT ?2) AS settled \
         WHERE ending = 0 AND carries = event AND since < ?3 \
         AND (SELECT kind FROM event WHERE event.id = settled.event) = ?4 LIMIT ?5";
    REFERENCES "reading references":
        "SELECT connector, entity, kind, id, number, lines FROM reference WHERE entity = ? \
         ORDER BY connector, position";
    REFERENCES_IN "reading references":
        "SELECT connector, entity, kind, id, number, lines FROM reference WHERE entity = ? AND connector = ? \
         ORDER BY position";
    RESOLVE "resolving a reference":
        "SELECT entity FROM reference INDEXED BY reference_of_id WHERE lower(id) = lower(?1) AND id = ?1 \
         AND connector = ?2 AND kind = ?3 ORDER BY entity";
}

impl Reader<'_> {
    pub(super) async fn exceptions(
        &mut self,
        connector: Option<&str>,
        page: Page,
    ) -> Result<Vec<DeliveryDetail>> {
        let statement = if connector.is_some() { &EXCEPTIONS_OF } else { &EXCEPTIONS };
        let fill = |args: &mut Args| {
            if let Some(connector) = connector {
                args.add(connector.to_owned());
            }
            args.add(below(page)).add(page.limit);
        };
        let ids = self.all(statement, fill, |cells| cells.next()).await?;
        self.details(&ids).await
    }

    pub(super) async fn delivery(&mut self, id: i64) -> Result<Option<DeliveryDetail>> {
        Ok(self.details(&[id]).await?.pop())
    }

    /// Deliveries of numbers, in their order.
    async fn details(&mut self, ids: &[i64]) -> Result<Vec<DeliveryDetail>> {
        let mut found: HashMap<i64, DeliveryDetail> = HashMap::new();
        for row in find(self.connection, &DELIVERIES, ids.iter().copied()).await? {
            let mut cells = Cells::of(&row);
            let (key, kind): (String, _) = (cells.next()?, cells.next()?);
            let (entity, trace): (String, _) = (cells.next()?, cells.next()?);
            let body = cells.next::<Option<&str>>()?.map(serde_json::from_str);
            let body = body.transpose().map_err(|error| unreadable("the content of an event", error))?;
            let row = delivery::read(&mut cells)?;
            let references = self.references(&row.connector, &entity).await?;
            let detail = DeliveryDetail {
                key: delivery_key(&key, row.generation),
                kind,
                entity,
                body,
                resume: row.resume.as_deref().map(str::to_owned),
                attempts_made: Vec::new(),
                references,
                trace,
                row: explain::row(row),
            };
            found.insert(detail.row.id, detail);
        }
        for attempt in self.attempts(ids).await? {
            if let Some(detail) = found.get_mut(&attempt.delivery) {
                detail.attempts_made.push(attempt);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The attempts of deliveries, by delivery and claim.
    pub(super) async fn attempts(&mut self, deliveries: &[i64]) -> Result<Vec<AttemptRow>> {
        let mut attempts = Vec::new();
        for row in find(self.connection, &ATTEMPTS, deliveries.iter().copied()).await? {
            attempts.push(attempt(&mut Cells::of(&row), self.vault)?);
        }
        attempts.sort_by_key(|attempt| (attempt.delivery, attempt.fence));
        Ok(attempts)
    }

    pub(super) async fn posted(
        &mut self,
        connector: &str,
        kind: &str,
        before: Millis,
        limit: u32,
    ) -> Result<Vec<i64>> {
        let fill = |args: &mut Args| {
            args.add(connector.to_owned())
                .add(POSTED_LOOKED_AT)
                .add(before.0)
                .add(kind.to_owned())
                .add(limit);
        };
        self.all(&POSTED, fill, |cells| cells.next()).await
    }

    pub(super) async fn references(&mut self, connector: &str, entity: &str) -> Result<Vec<Reference>> {
        let fill = |args: &mut Args| {
            args.add(entity.to_owned()).add(connector.to_owned());
        };
        let found = self.all(&REFERENCES_IN, fill, entity_reference).await?;
        Ok(found.into_iter().map(|found| found.reference).collect())
    }

    pub(super) async fn references_everywhere(&mut self, entity: &str) -> Result<Vec<EntityReference>> {
        let fill = |args: &mut Args| {
            args.add(entity.to_owned());
        };
        self.all(&REFERENCES, fill, entity_reference).await
    }

    pub(super) async fn resolve(&mut self, connector: &str, kind: &str, id: &str) -> Result<Vec<String>> {
        let fill = |args: &mut Args| {
            args.add(id.to_owned()).add(connector.to_owned()).add(kind.to_owned());
        };
        self.all(&RESOLVE, fill, |cells| cells.next()).await
    }
}

fn entity_reference(cells: &mut Cells<'_>) -> Result<EntityReference> {
    Ok(EntityReference { connector: cells.next()?, entity: cells.next()?, reference: reference(cells)? })
}

fn attempt(cells: &mut Cells<'_>, vault: &Vault) -> Result<AttemptRow> {
    let (delivery, fence) = (cells.next()?, cells.next()?);
    let (number, kind) = (cells.next()?, decode(cells.next()?)?);
    let (started, ended) = (Millis(cells.next()?), Millis(cells.next()?));
    let (outcome, message) = (cells.next()?, cells.next()?);
    let (subject, day): (Option<i64>, Option<i64>) = (cells.next()?, cells.next()?);
    let sealed: Option<&[u8]> = cells.next()?;
    let (of_subject, of_day): (Option<&[u8]>, Option<&[u8]>) = (cells.next()?, cells.next()?);
    let key = subject.map(Bound::SubjectKey).zip(of_subject).or(day.map(Bound::DayKey).zip(of_day));
    let exchange = match (key, sealed) {
        (Some((bound, key)), Some(sealed)) => {
            let plain = vault.open_key(bound, key)?.open(Bound::Exchange(delivery, fence), sealed)?;
            Some(String::from_utf8_lossy(&plain).into_owned())
        }
        _ => None,
    };
    Ok(AttemptRow { delivery, fence, number, kind, started, ended, outcome, message, exchange })
}
