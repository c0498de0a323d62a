//! Open deliveries, longest stuck first, with why each is not done.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::delivery::Delivery;
use crossdock_engine::explain::{Context, stuck, stuck_since};
use crossdock_engine::keys::LaneKey;
use crossdock_engine::view::{Stuck, StuckPage};
use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, blocked_by};

use super::Reader;
use crate::sqlite::bulk::{BulkStatement, find};
use crate::sqlite::filter::CONNECTORS;
use crate::sqlite::rows::delivery::{self, delivery_columns};
use crate::sqlite::statement::{Args, Cells, statements};

statements! {
    STUCK "reading open deliveries": concat!(
        "SELECT ", delivery_columns!(), " FROM delivery INDEXED BY delivery_stuck WHERE connector = ? AND state <> 5 \
         AND (coalesce(waiting_since, since), id) > (?, ?) ORDER BY coalesce(waiting_since, since), id LIMIT ?");
    KINDS(1) "reading the kinds of events": "SELECT id, kind FROM event WHERE id IN ({rows})";
    PAUSES "reading pauses": "SELECT connector, message FROM pause";
    /// What a lane can be blocked by.
    BLOCKERS(2) "reading what lanes are blocked by": concat!(
        "WITH wanted (c, l) AS (VALUES {rows}) SELECT ", delivery_columns!(),
        " FROM wanted CROSS JOIN delivery INDEXED BY delivery_lane \
         ON connector = c AND lane = l AND state <> 5 AND state IN (1, 2, 4, 6)");
}

impl Reader<'_> {
    pub(super) async fn stuck(
        &mut self,
        connector: Option<&str>,
        now: Millis,
        page: StuckPage,
    ) -> Result<Vec<Stuck>> {
        let connectors = match connector {
            Some(connector) => vec![connector.to_owned()],
            None => self.all(&CONNECTORS, |_| {}, |cells| cells.next()).await?,
        };
        let (after, id) = page.after.unwrap_or((Millis(i64::MIN), 0));
        let mut open: Vec<Delivery> = Vec::new();
        for connector in connectors {
            let fill = |args: &mut Args| {
                args.add(connector).add(after.0).add(id).add(page.limit);
            };
            open.extend(self.all(&STUCK, fill, delivery::read).await?);
        }
        open.sort_by_key(|row| (stuck_since(row), row.id));
        open.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        self.explained(open, now).await
    }

    async fn explained(&mut self, open: Vec<Delivery>, now: Millis) -> Result<Vec<Stuck>> {
        let mut kinds: HashMap<i64, String> = HashMap::new();
        for row in find(self.connection, &KINDS, open.iter().map(|row| row.event)).await? {
            let mut cells = Cells::of(&row);
            kinds.insert(cells.next()?, cells.next()?);
        }
        let pauses = self.all(&PAUSES, |_| {}, |cells| Ok((cells.shared()?, cells.next::<String>()?)));
        let pauses: HashMap<Arc<str>, String> = pauses.await?.into_iter().collect();
        let lanes: BTreeSet<LaneKey> =
            open.iter().filter(|row| row.state == DeliveryState::Queued).map(Delivery::lane_key).collect();
        let mut wanted = BulkStatement::new(&BLOCKERS);
        for key in lanes {
            wanted.row(|args| {
                args.add(key.connector).add(key.lane);
            });
        }
        let mut blockers: HashMap<LaneKey, Vec<Delivery>> = HashMap::new();
        for row in wanted.read(self.connection).await? {
            let row = delivery::read(&mut Cells::of(&row))?;
            blockers.entry(row.lane_key()).or_default().push(row);
        }
        let explain = |row: Delivery| -> Stuck {
            let others = blockers.get(&row.lane_key()).into_iter().flatten();
            let lane = others.chain(std::iter::once(&row)).map(Delivery::as_entry);
            let context = Context {
                kind: kinds.get(&row.event).cloned().unwrap_or_default(),
                paused: pauses.get(&row.connector).cloned(),
                blocked_by: match row.state {
                    DeliveryState::Queued => blocked_by(row.id, lane),
                    _ => None,
                },
            };
            stuck(row, context, now)
        };
        Ok(open.into_iter().map(explain).collect())
    }
}
