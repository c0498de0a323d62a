//! Deliveries: by number, by lane, and by where they stand.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::{Answer, Question, ReadSet, Rows};
use crossdock_engine::delivery::{Delivery, InFlight};
use crossdock_engine::keys::LaneKey;
use crossdock_model::time::Millis;
use sqlx::sqlite::SqliteRow;

use super::Loader;
use crate::sqlite::bulk::{BulkStatement, find};
use crate::sqlite::rows::delivery::{self, delivery_columns};
use crate::sqlite::statement::{Args, Cells, Statement, fetch, fetch_all, statements};

statements! {
    DELIVERIES(1) "reading deliveries":
        concat!("SELECT ", delivery_columns!(), " FROM delivery WHERE id IN ({rows})");
    LANES(2) "reading lanes": concat!(
        "WITH wanted (c, l) AS (VALUES {rows}) SELECT ", delivery_columns!(),
        " FROM wanted CROSS JOIN delivery ON connector = c AND lane = l AND state <> 5");
    /// A limit for each key, so that one that very many await does not fill the memory.
    AWAITING(2) "reading deliveries that await": concat!(
        "WITH most (n) AS (SELECT ?), wanted (k, c) AS (VALUES {rows}) SELECT ", delivery_columns!(),
        " FROM wanted CROSS JOIN delivery ON delivery.id IN (SELECT id FROM delivery AS waiting \
         WHERE waiting.awaits = k AND waiting.awaits IS NOT NULL AND waiting.state IN (3, 6) \
         AND (c IS NULL OR waiting.connector = c) ORDER BY waiting.id LIMIT (SELECT n FROM most))");
    HEADS "reading due heads of lanes": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery \
         WHERE connector = ? AND state = 1 AND due_at <= ? ORDER BY due_at, id LIMIT ?");
    EXPIRED_LEASES "reading expired claims": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery \
         WHERE state = 2 AND lease_until <= ? ORDER BY lease_until, id LIMIT ?");
    DUE_WAITING "reading waiting deliveries that are due": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery WHERE state = 3 AND due_at <= ? ORDER BY due_at, id LIMIT ?");
    CLAIMED "reading claimed deliveries": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery \
         WHERE state = 2 AND lease_until >= 0 ORDER BY lease_until, id LIMIT ?");
    WAITING_SINCE "reading deliveries that wait too long": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery \
         WHERE connector = ? AND state = 3 AND waiting_since <= ? ORDER BY waiting_since, id LIMIT ?");
    UNCONFIRMED "reading deliveries that are not confirmed": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery \
         WHERE connector = ? AND state = 4 AND due_at <= ? ORDER BY due_at, id LIMIT ?");
    OF_EVENT "reading the deliveries of an event": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery WHERE event = ? AND connector = ? ORDER BY id");
    IN_FLIGHT "reading in-flight deliveries":
        "SELECT id, lane, lease_until FROM delivery \
         WHERE connector = ? AND (state = 2 OR (state IN (1, 3) AND sent = 1)) ORDER BY id";
    WAITS_ON "reading deliveries that await an in-flight one":
        "SELECT delivery FROM in_flight_awaited WHERE in_flight = ? ORDER BY delivery";
}

/// An awaited key, and the connector whose deliveries are meant; absent: any.
type Awaited<'q> = (&'q Arc<str>, Option<&'q Arc<str>>);

fn deliveries(rows: &[SqliteRow]) -> Result<Vec<Delivery>> {
    rows.iter().map(|row| delivery::read(&mut Cells::of(row))).collect()
}

impl Loader<'_> {
    pub(super) async fn queue(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        let found = find(self.connection, &DELIVERIES, wanted.deliveries.iter().copied()).await?;
        rows.deliveries.extend(deliveries(&found)?.into_iter().map(|row| (row.id, row)));
        self.lanes(wanted, rows).await?;
        self.awaiting(wanted, rows).await
    }

    async fn lanes(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        let mut bulk = BulkStatement::new(&LANES);
        let mut lanes: HashMap<&LaneKey, Vec<Delivery>> = HashMap::new();
        for question in &wanted.questions {
            let Question::Lane(key) = question else { continue };
            bulk.row(|args| {
                args.add(Arc::clone(&key.connector)).add(Arc::clone(&key.lane));
            });
            lanes.insert(key, Vec::new());
        }
        for row in deliveries(&bulk.read(self.connection).await?)? {
            if let Some(lane) = lanes.get_mut(&row.lane_key()) {
                lane.push(row);
            }
        }
        for (key, mut lane) in lanes {
            lane.sort_by_key(|row| row.id);
            rows.answers.push((Question::Lane(key.clone()), Answer::Deliveries(lane)));
        }
        Ok(())
    }

    async fn awaiting(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        // Questions of one limit make one statement; there is rarely more than one limit.
        let mut by_limit: HashMap<u32, BTreeSet<Awaited<'_>>> = HashMap::new();
        for question in &wanted.questions {
            let Question::Awaiting { key, connector, limit } = question else { continue };
            by_limit.entry(*limit).or_default().insert((key, connector.as_ref()));
        }
        for (limit, keys) in by_limit {
            let mut found = Vec::new();
            if self.present.awaiting {
                let mut bulk = BulkStatement::with_first(&AWAITING, limit);
                for (key, connector) in &keys {
                    bulk.row(|args| {
                        args.add(Arc::clone(key)).add(connector.cloned());
                    });
                }
                found = deliveries(&bulk.read(self.connection).await?)?;
                // Two questions may have found the same.
                found.sort_by_key(|row| row.id);
                found.dedup_by_key(|row| row.id);
            }
            for (key, connector) in keys {
                let fits = |row: &&Delivery| {
                    row.awaits.as_ref() == Some(key)
                        && connector.is_none_or(|connector| *connector == row.connector)
                };
                let most = usize::try_from(limit).unwrap_or(usize::MAX);
                let waiting = found.iter().filter(fits).take(most).cloned().collect();
                let question =
                    Question::Awaiting { key: Arc::clone(key), connector: connector.cloned(), limit };
                rows.answers.push((question, Answer::Deliveries(waiting)));
            }
        }
        Ok(())
    }

    async fn listed(
        &mut self,
        statement: &'static Statement,
        fill: impl FnOnce(&mut Args),
    ) -> Result<Answer> {
        Ok(Answer::Deliveries(deliveries(&fetch(self.connection, statement, fill).await?)?))
    }

    /// The answer to a question; none for those that are answered in bulk.
    pub(super) async fn answer(&mut self, question: &Question) -> Result<Option<Answer>> {
        let due = |connector: &Arc<str>, now: Millis, limit: u32| {
            let connector = Arc::clone(connector);
            move |args: &mut Args| {
                args.add(connector).add(now.0).add(limit);
            }
        };
        let until = |now: Millis, limit: u32| {
            move |args: &mut Args| {
                args.add(now.0).add(limit);
            }
        };
        let answer = match question {
            Question::Lane(_) | Question::Awaiting { .. } => return Ok(None),
            Question::Heads { connector, now, limit } => {
                self.listed(&HEADS, due(connector, *now, *limit)).await?
            }
            Question::ExpiredLeases { now, limit } => {
                self.listed(&EXPIRED_LEASES, until(*now, *limit)).await?
            }
            Question::DueWaiting { now, limit } => self.listed(&DUE_WAITING, until(*now, *limit)).await?,
            Question::Claimed { limit } => {
                let fill = |args: &mut Args| {
                    args.add(*limit);
                };
                self.listed(&CLAIMED, fill).await?
            }
            Question::WaitingSince { connector, before, limit } => {
                self.listed(&WAITING_SINCE, due(connector, *before, *limit)).await?
            }
            Question::Unconfirmed { connector, now, limit } => {
                self.listed(&UNCONFIRMED, due(connector, *now, *limit)).await?
            }
            Question::DeliveriesOf { event, connector } => {
                let fill = |args: &mut Args| {
                    args.add(*event).add(Arc::clone(connector));
                };
                self.listed(&OF_EVENT, fill).await?
            }
            Question::InFlight(connector) => self.in_flight(connector).await?,
            Question::WaitsOn(delivery) => self.waits_on(*delivery).await?,
            Question::DueInbounds { connector, now, limit } => {
                self.due_inbounds(connector, *now, *limit).await?
            }
            Question::InboundsDueLater { connector, now, limit } => {
                self.inbounds_due_later(connector, *now, *limit).await?
            }
            Question::LeasedInbounds { limit } => self.leased_inbounds(*limit).await?,
            Question::Replay { filter, generation, after, limit } => {
                self.replay(filter, *generation, *after, *limit).await?
            }
            Question::SubjectsOf { subject, limit } => self.subjects_of(subject, *limit).await?,
            Question::Histories { pass, from, before, limit } => {
                self.histories(*pass, *from, *before, *limit).await?
            }
            Question::AliasGroup(first) => self.alias_group(first).await?,
            Question::PendingReleases { limit } => self.pending_releases(*limit).await?,
            Question::AwaitedMappings
            | Question::MappingTable { .. }
            | Question::MappingsBy(_)
            | Question::MappingVersion { .. }
            | Question::Stores
            | Question::StoreVersion(_)
            | Question::StoreChangedAt(_) => self.table_answer(question).await?,
        };
        Ok(Some(answer))
    }

    async fn in_flight(&mut self, connector: &Arc<str>) -> Result<Answer> {
        let fill = |args: &mut Args| {
            args.add(Arc::clone(connector));
        };
        let found = fetch_all(self.connection, &IN_FLIGHT, fill, |cells| {
            Ok(InFlight {
                delivery: cells.next()?,
                lane: cells.shared()?,
                lease_until: Millis(cells.next()?),
            })
        });
        Ok(Answer::InFlight(found.await?))
    }

    async fn waits_on(&mut self, delivery: i64) -> Result<Answer> {
        if !self.present.in_flight_waits {
            return Ok(Answer::Numbers(Vec::new()));
        }
        let fill = |args: &mut Args| {
            args.add(delivery);
        };
        Ok(Answer::Numbers(fetch_all(self.connection, &WAITS_ON, fill, |cells| cells.next()).await?))
    }
}
