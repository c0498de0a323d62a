//! The questions, asked of connections that can only read.

use std::collections::HashMap;

use async_trait::async_trait;
use crossdock_model::common::Reference;
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Ending};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::admit::unpack;
use super::delivery::{Delivery, columns, state};
use super::echo::PASSING;
use super::sql::{Args, Cells, doing, fetch};
use super::{Sqlite, claim, replay};
use crate::command::{Applied, AttemptKind, Command, Filter};
use crate::store::Store;
use crate::vault::Bound;
use crate::view::{
    AttemptRow, AuditRow, Conflict, ConnectorCounts, Cursor, DeliveryDetail, DeliveryRow, EntityReference,
    EventDetail, EventFilter, EventRow, Inbound, Meta, Page, Pause, Preview, Quarantined, StockLevel, Stuck,
    Token,
};
use crate::{Error, Result};

/// Reads code, message and since.
pub(super) fn pause(cells: &mut Cells<'_>) -> Result<Pause> {
    Ok(Pause { code: cells.next()?, message: cells.next()?, since: Millis(cells.next()?) })
}

/// A delivery as it is shown.
pub(super) fn shown(row: Delivery) -> DeliveryRow {
    use DeliveryState::{Ready, Received, Sending, Waiting};
    let due_at = match row.state {
        Ready | Received | Waiting => (row.due_at != i64::MAX).then_some(Millis(row.due_at)),
        Sending => Some(Millis(row.lease_until)),
        _ => None,
    };
    DeliveryRow {
        id: row.id,
        event: row.event,
        carries: row.payload_event,
        connector: row.connector.to_string(),
        lane: row.lane.to_string(),
        state: row.state.to_string(),
        ending: row.ending.map(|ending: Ending| ending.to_string()),
        sent: row.sent.to_string(),
        attempts: row.attempt,
        reason: row.reason,
        since: Millis(row.since),
        due_at,
        joined_to: row.joined_to,
        waits_for: row.waits_for.as_deref().map(str::to_owned),
        serial: row.serial.map(i64::cast_unsigned),
        generation: u32::try_from(row.generation).unwrap_or_default(),
    }
}

impl Sqlite {
    pub(super) async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>> {
        self.readers.acquire().await.map_err(doing("waiting for a connection to read with"))
    }

    fn inbound_of(&self, cells: &mut Cells<'_>) -> Result<Inbound> {
        let id = cells.next()?;
        let (connector, received_at, trace) = (cells.next()?, Millis(cells.next()?), cells.next()?);
        let day: Option<i64> = cells.next()?;
        let (sealed, wrapped): (Option<&[u8]>, Option<&[u8]>) = (cells.next()?, cells.next()?);
        let request = match (day, sealed, wrapped) {
            (Some(day), Some(sealed), Some(wrapped)) => {
                let sealer = self.vault().unwrap(Bound::DayKey(day), wrapped)?;
                Some(unpack(&sealer.open(Bound::Inbound(id), sealed)?)?)
            }
            _ => None,
        };
        Ok(Inbound { id, connector, received_at, trace, request })
    }

    /// The tries of deliveries that fit the condition.
    async fn attempts(
        &self,
        connection: &mut SqliteConnection,
        condition: &'static str,
        id: i64,
    ) -> Result<Vec<AttemptRow>> {
        let text = format!(
            "SELECT attempt.delivery, attempt.fence, number, kind, started, attempt.ended, outcome, message, \
             exchange.subject, exchange.day, sealed, subject_key.wrapped, day_key.wrapped FROM attempt \
             LEFT JOIN exchange ON exchange.delivery = attempt.delivery AND exchange.fence = attempt.fence \
             LEFT JOIN subject_key ON subject_key.id = exchange.subject \
             LEFT JOIN day_key ON day_key.day = exchange.day \
             WHERE attempt.delivery {condition} ORDER BY attempt.delivery, attempt.fence"
        );
        let rows = fetch(connection, "reading attempts", AssertSqlSafe(text), |args| {
            args.add(id);
        });
        let mut attempts = Vec::new();
        for row in rows.await? {
            let mut cells = Cells::of(&row);
            let (delivery, fence) = (cells.next()?, cells.next()?);
            let (number, kind) = (cells.next()?, cells.next::<i64>()?);
            let (started, ended) = (Millis(cells.next()?), Millis(cells.next()?));
            let (outcome, message) = (cells.next()?, cells.next()?);
            let (subject, day): (Option<i64>, Option<i64>) = (cells.next()?, cells.next()?);
            let sealed: Option<&[u8]> = cells.next()?;
            let (of_subject, of_day): (Option<&[u8]>, Option<&[u8]>) = (cells.next()?, cells.next()?);
            let key = subject.map(Bound::SubjectKey).zip(of_subject).or(day.map(Bound::DayKey).zip(of_day));
            let exchange = match (key, sealed) {
                (Some((bound, wrapped)), Some(sealed)) => {
                    let plain = self
                        .vault()
                        .unwrap(bound, wrapped)?
                        .open(Bound::Exchange(delivery, fence), sealed)?;
                    Some(String::from_utf8_lossy(&plain).into_owned())
                }
                _ => None,
            };
            let kind = if kind == 0 { AttemptKind::Send } else { AttemptKind::Find };
            attempts.push(AttemptRow {
                delivery,
                fence,
                number,
                kind,
                started,
                ended,
                outcome,
                message,
                exchange,
            });
        }
        Ok(attempts)
    }

    /// Events that fit, with their deliveries.
    async fn event_rows(
        &self,
        connection: &mut SqliteConnection,
        condition: String,
        args: Args,
    ) -> Result<Vec<EventRow>> {
        let text = format!(
            "SELECT id, key, kind, entity, coalesce(root, entity), occurred_at, recorded_at, inbound, trace \
             FROM event WHERE {condition}"
        );
        let mut events = Vec::new();
        let mut places = HashMap::new();
        for row in fetch(connection, "reading events", AssertSqlSafe(text), |given| *given = args).await? {
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
            places.insert(event.id, events.len());
            events.push(event);
        }
        let ids: Vec<String> = places.keys().map(i64::to_string).collect();
        let text = format!(
            concat!("SELECT ", columns!(), " FROM delivery WHERE event IN ({}) ORDER BY id"),
            ids.join(",")
        );
        for row in fetch(connection, "reading deliveries", AssertSqlSafe(text), |_| {}).await? {
            let row = shown(Delivery::of(&row)?);
            if let Some(event) = places.get(&row.event).and_then(|at| events.get_mut(*at)) {
                event.deliveries.push(row);
            }
        }
        Ok(events)
    }

    async fn references_of(
        &self,
        connection: &mut SqliteConnection,
        connector: Option<&str>,
        entity: &str,
    ) -> Result<Vec<EntityReference>> {
        let text = "SELECT connector, entity, reference.ref, kind, reference.id, number, line, \
                    reference_line.id FROM reference \
                    LEFT JOIN reference_line ON reference_line.ref = reference.ref \
                    WHERE entity = ?1 AND connector = coalesce(?2, connector) ORDER BY reference.ref";
        let mut gathered = claim::Gathered::default();
        let rows = fetch(connection, "reading references", text, |args| {
            args.add(entity).add(connector);
        });
        for row in rows.await? {
            gathered.take(&mut Cells::of(&row))?;
        }
        let mut references: Vec<EntityReference> = gathered
            .references
            .into_iter()
            .flat_map(|((connector, entity), named)| {
                named.into_iter().map(move |reference| EntityReference {
                    connector: connector.to_string(),
                    entity: entity.to_string(),
                    reference,
                })
            })
            .collect();
        references.sort_by(|a, b| a.connector.cmp(&b.connector));
        Ok(references)
    }

    async fn deliveries(
        &self,
        connection: &mut SqliteConnection,
        condition: &'static str,
        args: Args,
    ) -> Result<Vec<DeliveryDetail>> {
        let text = format!(
            concat!(
                "SELECT event.key, event.kind, event.entity, event.trace, body, NULL, NULL, NULL, delivery.* \
                 FROM (SELECT ",
                columns!(),
                " FROM delivery WHERE {}) AS delivery \
                 JOIN event ON event.id = delivery.event \
                 LEFT JOIN event_body ON event_body.event = delivery.payload_event ORDER BY delivery.id DESC"
            ),
            condition
        );
        let rows =
            fetch(connection, "reading deliveries", AssertSqlSafe(text), |given| *given = args).await?;
        let mut found = Vec::new();
        for row in rows {
            let mut cells = Cells::of(&row);
            let key: String = cells.next()?;
            let (kind, entity, trace): (String, String, String) =
                (cells.next()?, cells.next()?, cells.next()?);
            let body = claim::event(&mut cells, 0, &self.vault())?;
            let row = Delivery::take(&mut cells)?;
            let named = self.references_of(connection, Some(&row.connector), &entity).await?;
            found.push(DeliveryDetail {
                key: claim::key(&key, row.generation),
                kind,
                entity,
                body,
                resume: row.resume.as_deref().map(str::to_owned),
                attempts_made: self.attempts(connection, "= ?", row.id).await?,
                references: named.into_iter().map(|named| named.reference).collect(),
                trace,
                row: shown(row),
            });
        }
        Ok(found)
    }
}

/// Answers with the first row, if there is one.
macro_rules! first {
    ($self:ident, $doing:literal, $text:expr, [$($value:expr),*], |$cells:ident| $read:expr) => {{
        let mut connection = $self.reader().await?;
        let rows = fetch(&mut connection, $doing, $text, |_args| { $(_args.add($value);)* }).await?;
        match rows.first() {
            None => Ok(None),
            Some(row) => {
                let $cells = &mut Cells::of(row);
                Ok(Some($read))
            }
        }
    }};
}

/// Answers with all rows.
macro_rules! all {
    ($self:ident, $doing:literal, $text:expr, [$($value:expr),*], |$cells:ident| $read:expr) => {{
        let mut connection = $self.reader().await?;
        let rows = fetch(&mut connection, $doing, $text, |_args| { $(_args.add($value);)* }).await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            let $cells = &mut Cells::of(row);
            all.push($read);
        }
        Ok(all)
    }};
}

pub(super) use {all, first};

const INBOUND: &str = "SELECT inbound.id, connector, received_at, trace, inbound_body.day, sealed, wrapped FROM inbound \
     LEFT JOIN inbound_body ON inbound_body.inbound = inbound.id \
     LEFT JOIN day_key ON day_key.day = inbound_body.day ";

#[async_trait]
impl Store for Sqlite {
    async fn apply(&self, commands: Vec<Command>) -> Result<Vec<Result<Applied>>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        self.group(commands).await
    }

    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<Inbound>> {
        let text = format!(
            "{INBOUND} WHERE state <> 1 AND state = 0 AND inbound.id > ? ORDER BY inbound.id LIMIT ?"
        );
        all!(self, "reading pending inbounds", AssertSqlSafe(text), [after, limit], |cells| self
            .inbound_of(cells)?)
    }

    async fn inbound(&self, id: i64) -> Result<Option<Inbound>> {
        let text = format!("{INBOUND} WHERE inbound.id = ?");
        first!(self, "reading an inbound", AssertSqlSafe(text), [id], |cells| self.inbound_of(cells)?)
    }

    async fn quarantined(&self, connector: Option<&str>, page: Page) -> Result<Vec<Quarantined>> {
        let text = "SELECT id, connector, received_at, problem_code, problem_message, problem_field, trace \
                    FROM inbound WHERE state <> 1 AND state = 2 AND id < coalesce(?, id + 1) \
                    AND connector = coalesce(?, connector) ORDER BY id DESC LIMIT ?";
        all!(self, "reading the quarantine", text, [page.before, connector, page.limit], |cells| {
            Quarantined {
                id: cells.next()?,
                connector: cells.next()?,
                received_at: Millis(cells.next()?),
                problem: Problem {
                    code: cells.next::<Option<String>>()?.unwrap_or_default(),
                    message: cells.next::<Option<String>>()?.unwrap_or_default(),
                    field: cells.next()?,
                },
                trace: cells.next()?,
            }
        })
    }

    async fn next_due(&self) -> Result<Vec<(String, Millis)>> {
        let text = "SELECT connector, min(due_at) FROM delivery WHERE state = 1 \
                    AND connector NOT IN (SELECT connector FROM paused) GROUP BY connector";
        all!(self, "looking for what is due next", text, [], |cells| (cells.next()?, Millis(cells.next()?)))
    }

    async fn next_expiry(&self) -> Result<Option<Millis>> {
        let text = "SELECT min(at) FROM (SELECT min(lease_until) AS at FROM delivery WHERE state = 2 \
                    UNION ALL SELECT min(due_at) FROM delivery WHERE state = 3 AND state IN (3, 4))";
        let next: Result<Option<Option<i64>>> =
            first!(self, "looking for what ends next", text, [], |cells| cells.next()?);
        Ok(next?.flatten().filter(|at| *at != i64::MAX).map(Millis))
    }

    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<EventRow>> {
        let mut args = Args::default();
        args.add(page.before);
        let mut condition = replay::conditions(&filter.filter, &mut args)?;
        let Filter { delivery, connector, state, .. } = &filter.filter;
        if delivery.is_some() || connector.is_some() || state.is_some() {
            condition =
                format!("EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.id AND {condition})");
        }
        if let Some(id) = &filter.id {
            condition.push_str(
                " AND (substr(entity, -length(?) - 1) = '/' || ? OR substr(root, -length(?) - 1) = '/' || ?)",
            );
            args.add(id.as_str()).add(id.as_str()).add(id.as_str()).add(id.as_str());
        }
        args.add(page.limit);
        let condition =
            format!("event.id < coalesce(?, event.id + 1) AND {condition} ORDER BY event.id DESC LIMIT ?");
        let mut connection = self.reader().await?;
        self.event_rows(&mut connection, condition, args).await
    }

    async fn event(&self, id: i64) -> Result<Option<EventDetail>> {
        let mut connection = self.reader().await?;
        let mut args = Args::default();
        args.add(id);
        let Some(row) = self.event_rows(&mut connection, "id = ?".into(), args).await?.pop() else {
            return Ok(None);
        };
        let text = "SELECT body, subject_key.subject, sealed IS NOT NULL AND wrapped IS NULL FROM event \
                    LEFT JOIN event_body ON event_body.event = event.id \
                    LEFT JOIN personal ON personal.event = event.id \
                    LEFT JOIN subject_key ON subject_key.id = personal.subject WHERE event.id = ?";
        let rows = fetch(&mut connection, "reading an event", text, |args| {
            args.add(id);
        });
        let rows = rows.await?;
        let Some(found) = rows.first() else { return Ok(None) };
        let mut cells = Cells::of(found);
        let event: Option<Event> = match cells.next::<Option<&str>>()? {
            None => None,
            Some(body) => Some(serde_json::from_str(body).map_err(|error| Error::Unreadable {
                what: format!("event {id}"),
                why: error.to_string(),
            })?),
        };
        let (subject, erased) = (cells.next()?, cells.next()?);
        let attempts =
            self.attempts(&mut connection, "IN (SELECT id FROM delivery WHERE event = ?)", id).await?;
        let references = self.references_of(&mut connection, None, &row.entity).await?;
        Ok(Some(EventDetail { row, event, subject, erased, attempts, references }))
    }

    async fn event_of_key(&self, key: &str) -> Result<Option<i64>> {
        first!(self, "looking for a key", "SELECT id FROM event WHERE key = ?", [key], |cells| cells
            .next()?)
    }

    async fn exceptions(&self, connector: Option<&str>, page: Page) -> Result<Vec<DeliveryDetail>> {
        let mut args = Args::default();
        args.add(page.before).add(connector).add(page.limit);
        let condition = "state = 6 AND id < coalesce(?, id + 1) AND connector = coalesce(?, connector) \
                         ORDER BY id DESC LIMIT ?";
        let mut connection = self.reader().await?;
        self.deliveries(&mut connection, condition, args).await
    }

    async fn delivery(&self, id: i64) -> Result<Option<DeliveryDetail>> {
        let mut args = Args::default();
        args.add(id);
        let mut connection = self.reader().await?;
        Ok(self.deliveries(&mut connection, "id = ?", args).await?.pop())
    }

    async fn posted(&self, connector: &str, kind: &str, before: Millis, limit: u32) -> Result<Vec<i64>> {
        let text = "SELECT delivery.id FROM delivery JOIN event ON event.id = delivery.event \
                    WHERE connector = ? AND ending = 'posted' AND state = 5 AND since < ? AND kind = ? \
                    AND delivery.payload_event = delivery.event \
                    ORDER BY delivery.id DESC LIMIT ?";
        all!(self, "looking for what was posted", text, [connector, before.0, kind, limit], |cells| cells
            .next()?)
    }

    async fn counts(&self) -> Result<Vec<ConnectorCounts>> {
        let mut connection = self.reader().await?;
        let mut counts: HashMap<String, ConnectorCounts> = HashMap::new();
        fn of<'c>(
            counts: &'c mut HashMap<String, ConnectorCounts>,
            connector: &str,
        ) -> &'c mut ConnectorCounts {
            let count = counts.entry(connector.to_owned()).or_default();
            count.connector = connector.to_owned();
            count
        }
        let text =
            "SELECT connector, state, count(*), min(due_at) FROM delivery WHERE state <> 5 GROUP BY 1, 2";
        for row in fetch(&mut connection, "counting deliveries", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let count = of(&mut counts, cells.next()?);
            let (state, number) = (state(cells.next()?)?, cells.next::<i64>()?.cast_unsigned());
            match state {
                DeliveryState::Queued => count.queued = number,
                DeliveryState::Ready => {
                    count.ready = number;
                    count.oldest_due = cells.next::<Option<i64>>()?.map(Millis);
                }
                DeliveryState::Sending => count.sending = number,
                DeliveryState::Waiting => count.waiting = number,
                DeliveryState::Received => count.received = number,
                DeliveryState::Exception => count.exception = number,
                DeliveryState::Settled => count.settled = number,
            }
        }
        let text = "SELECT connector, count FROM settled";
        for row in fetch(&mut connection, "counting what is settled", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let count = of(&mut counts, cells.next()?);
            count.settled = cells.next::<i64>()?.cast_unsigned();
        }
        let text = "SELECT connector, code, message, since FROM paused";
        for row in fetch(&mut connection, "reading pauses", text, |_| {}).await? {
            let mut cells = Cells::of(&row);
            let count = of(&mut counts, cells.next()?);
            count.paused = Some(pause(&mut cells)?);
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_by(|a, b| a.connector.cmp(&b.connector));
        Ok(counts)
    }

    async fn stuck(&self, connector: Option<&str>, now: Millis, limit: u32) -> Result<Vec<Stuck>> {
        let mut reader = self.reader().await?;
        super::stuck::stuck(&mut reader, connector, now, limit).await
    }

    async fn references(&self, connector: &str, entity: &str) -> Result<Vec<Reference>> {
        let mut reader = self.reader().await?;
        let named = self.references_of(&mut reader, Some(connector), entity).await?;
        Ok(named.into_iter().map(|named| named.reference).collect())
    }

    async fn references_everywhere(&self, entity: &str) -> Result<Vec<EntityReference>> {
        let mut reader = self.reader().await?;
        self.references_of(&mut reader, None, entity).await
    }

    async fn resolve(&self, connector: &str, kind: &str, id: &str) -> Result<Vec<String>> {
        let text = "SELECT entity FROM reference WHERE id = ? AND connector = ? AND kind = ? ORDER BY entity";
        all!(self, "resolving a reference", text, [id, connector, kind], |cells| cells.next()?)
    }

    async fn pin(&self, root: &str) -> Result<Option<String>> {
        first!(self, "reading a pin", "SELECT connector FROM pin WHERE root = ?", [root], |cells| cells
            .next()?)
    }

    async fn preview(&self, filter: &Filter, generation: Option<u32>) -> Result<Preview> {
        let mut reader = self.reader().await?;
        let fit = replay::select(&mut reader, filter, generation).await?;
        let count = u64::try_from(fit.deliveries.len() + fit.exceptions.len()).unwrap_or(u64::MAX);
        Ok(Preview { count, skipped: fit.skipped })
    }

    async fn cursor(&self, connector: &str) -> Result<Option<Cursor>> {
        let text = "SELECT cursor, at FROM cursor WHERE connector = ?";
        first!(self, "reading a cursor", text, [connector], |cells| Cursor {
            cursor: cells.next()?,
            at: Millis(cells.next()?)
        })
    }

    async fn paused(&self, connector: &str) -> Result<Option<Pause>> {
        let text = "SELECT code, message, since FROM paused WHERE connector = ?";
        first!(self, "reading a pause", text, [connector], |cells| pause(cells)?)
    }

    async fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        let text = "SELECT name, created_at FROM token WHERE hash = ?";
        first!(self, "looking for a token", text, [hash.as_slice()], |cells| Token {
            name: cells.next()?,
            created_at: Millis(cells.next()?)
        })
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        let text = "SELECT name, created_at FROM token ORDER BY name";
        all!(self, "reading tokens", text, [], |cells| Token {
            name: cells.next()?,
            created_at: Millis(cells.next()?)
        })
    }

    async fn conflicts(&self, connector: Option<&str>, page: Page) -> Result<Vec<Conflict>> {
        let text = "SELECT conflict.id, event, kind, connector, conflict.entity, attribute, value, written, \
                    applied, at FROM conflict JOIN event ON event.id = event \
                    WHERE conflict.id < coalesce(?, conflict.id + 1) AND connector = coalesce(?, connector) \
                    ORDER BY conflict.id DESC LIMIT ?";
        all!(self, "reading conflicts", text, [page.before, connector, page.limit], |cells| Conflict {
            id: cells.next()?,
            event: cells.next()?,
            kind: cells.next()?,
            connector: cells.next()?,
            entity: cells.next()?,
            attribute: cells.next()?,
            value: cells.next()?,
            // What it was set to in passing says nothing to a person.
            written: cells.next::<Option<String>>()?.map(|all| match all.rsplit_once(PASSING) {
                Some((_, last)) => last.to_owned(),
                None => all,
            }),
            applied: cells.next()?,
            at: Millis(cells.next()?),
        })
    }

    async fn stock_levels(&self, sku: &str, place: &str) -> Result<Vec<StockLevel>> {
        self.levels(sku, place).await
    }

    async fn audit(&self, page: Page) -> Result<Vec<AuditRow>> {
        let text = "SELECT id, at, by, action, subject, detail FROM audit WHERE id < coalesce(?, id + 1) \
                    ORDER BY id DESC LIMIT ?";
        all!(self, "reading the audit", text, [page.before, page.limit], |cells| AuditRow {
            id: cells.next()?,
            at: Millis(cells.next()?),
            by: cells.next()?,
            action: cells.next()?,
            subject: cells.next()?,
            detail: cells.next()?,
        })
    }

    async fn meta(&self) -> Result<Meta> {
        let text = "SELECT (SELECT value FROM meta WHERE name = 'incarnation'), \
                    (SELECT value FROM meta WHERE name = 'node')";
        let meta: Result<Option<(String, String)>> =
            first!(self, "reading what the database is", text, [], |cells| (cells.next()?, cells.next()?));
        let (incarnation, node) = meta?.unwrap_or_default();
        let incarnation = incarnation.parse().map_err(|error: uuid::Error| Error::Unreadable {
            what: "the incarnation".into(),
            why: error.to_string(),
        })?;
        Ok(Meta { incarnation, node })
    }
}
