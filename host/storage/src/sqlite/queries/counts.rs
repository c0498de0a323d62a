//! How the queues stand.

use std::collections::BTreeMap;

use crossdock_engine::Result;
use crossdock_engine::view::ConnectorCounts;
use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;

use super::Reader;
use crate::sqlite::filter::CONNECTORS;
use crate::sqlite::rows::codes::decode;
use crate::sqlite::rows::shown::pause;
use crate::sqlite::statement::{Args, statements};

statements! {
    /// Counts open deliveries only, from the index alone.
    OPEN "counting open deliveries":
        "SELECT state, count(*) FROM delivery INDEXED BY delivery_of_state \
         WHERE connector = ? AND state IN (0, 1, 2, 3, 4, 6) GROUP BY state";
    OLDEST_DUE "looking for the oldest head":
        "SELECT min(due_at) FROM delivery INDEXED BY delivery_ready WHERE connector = ? AND state = 1";
    SETTLED "counting settled deliveries": "SELECT connector, count FROM settled_count";
    PAUSES "reading pauses": "SELECT connector, code, message, since FROM pause";
    /// Steps from one connector to the next, however many heads each has.
    NEXT_DUE "looking for the heads that are due next":
        "WITH RECURSIVE known (c) AS (SELECT min(connector) FROM delivery WHERE state = 1 \
         UNION ALL SELECT (SELECT min(connector) FROM delivery WHERE state = 1 AND connector > known.c) \
         FROM known WHERE known.c IS NOT NULL) \
         SELECT c, (SELECT min(due_at) FROM delivery WHERE state = 1 AND connector = c) \
         FROM known WHERE c IS NOT NULL AND c NOT IN (SELECT connector FROM pause)";
    NEXT_EXPIRY "looking for the claim that ends next":
        "SELECT min(at) FROM (SELECT min(lease_until) AS at FROM delivery WHERE state = 2 \
         UNION ALL SELECT min(due_at) FROM delivery WHERE state = 3)";
}

impl Reader<'_> {
    pub(super) async fn next_due(&mut self) -> Result<Vec<(String, Millis)>> {
        self.all(&NEXT_DUE, |_| {}, |cells| Ok((cells.next()?, Millis(cells.next()?)))).await
    }

    pub(super) async fn next_expiry(&mut self) -> Result<Option<Millis>> {
        let next = self.first(&NEXT_EXPIRY, |_| {}, |cells| cells.next::<Option<i64>>()).await?.flatten();
        Ok(next.filter(|at| *at != i64::MAX).map(Millis))
    }

    pub(super) async fn counts(&mut self) -> Result<Vec<ConnectorCounts>> {
        let mut counts: BTreeMap<String, ConnectorCounts> = BTreeMap::new();
        let named =
            |connector: &str| ConnectorCounts { connector: connector.to_owned(), ..Default::default() };
        for connector in self.all(&CONNECTORS, |_| {}, |cells| cells.next::<String>()).await? {
            let mut count = named(&connector);
            let fill = |args: &mut Args| {
                args.add(connector.clone());
            };
            let open = self.all(&OPEN, fill, |cells| Ok((decode(cells.next()?)?, cells.next::<i64>()?)));
            for (state, number) in open.await? {
                *of_state(&mut count, state) = number.cast_unsigned();
            }
            let fill = |args: &mut Args| {
                args.add(connector.clone());
            };
            let oldest = self.first(&OLDEST_DUE, fill, |cells| cells.next::<Option<i64>>()).await?;
            count.oldest_due = oldest.flatten().map(Millis);
            counts.insert(connector, count);
        }
        let settled = self.all(&SETTLED, |_| {}, |cells| Ok((cells.next::<String>()?, cells.next::<i64>()?)));
        for (connector, number) in settled.await? {
            let count = counts.entry(connector).or_insert_with_key(|connector| named(connector));
            count.settled = number.cast_unsigned();
        }
        let paused = self.all(&PAUSES, |_| {}, |cells| Ok((cells.next::<String>()?, pause(cells)?)));
        for (connector, pause) in paused.await? {
            let count = counts.entry(connector).or_insert_with_key(|connector| named(connector));
            count.paused = Some(pause);
        }
        Ok(counts.into_values().collect())
    }
}

fn of_state(counts: &mut ConnectorCounts, state: DeliveryState) -> &mut u64 {
    match state {
        DeliveryState::Queued => &mut counts.queued,
        DeliveryState::Ready => &mut counts.ready,
        DeliveryState::Sending => &mut counts.sending,
        DeliveryState::Waiting => &mut counts.waiting,
        DeliveryState::Received => &mut counts.received,
        DeliveryState::Exception => &mut counts.exception,
        DeliveryState::Settled => &mut counts.settled,
    }
}
