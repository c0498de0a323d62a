//! What retention and erasure look at: histories of orders, and the keys that fall with a person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::{Answer, Pass};
use crossdock_engine::history::leaves_by_event;
use crossdock_engine::rows::History;
use crossdock_model::time::Millis;

use super::Loader;
use super::sales::by_text;
use crate::sqlite::bulk::find;
use crate::sqlite::statement::{Args, Cells, fetch_all, statements};

statements! {
    /// A refund or a shipment names no customer: its data is stored under the key of its order.
    SUBJECTS_OF "reading the keys of a person":
        "SELECT name FROM subject WHERE name = ?1 AND sealed IS NOT NULL \
         UNION SELECT of_order.name FROM subject AS person \
         CROSS JOIN subject_event ON subject_event MATCH person.id \
         CROSS JOIN event ON event.id = subject_event.rowid \
         CROSS JOIN subject AS of_order ON of_order.name = coalesce(event.root, event.entity) \
         WHERE person.name = ?1 AND of_order.sealed IS NOT NULL LIMIT ?2";
    SETTLED "reading settled deliveries":
        "SELECT delivery.since, delivery.id, delivery.event, coalesce(event.root, event.entity) \
         FROM delivery INDEXED BY delivery_settled CROSS JOIN event ON event.id = delivery.event \
         WHERE delivery.state = 5 AND (delivery.since, delivery.id) > (?, ?) AND delivery.since < ? \
         ORDER BY delivery.since, delivery.id LIMIT ?";
    EVENTS "reading old events":
        "SELECT recorded_at, id, id, coalesce(root, entity) FROM event WHERE id > ? ORDER BY id LIMIT ?";
    EVENTS_OF_ROOTS(1) "reading the events of orders":
        "SELECT coalesce(root, entity), id, recorded_at FROM event INDEXED BY event_of_root \
         WHERE coalesce(root, entity) IN ({rows}) ORDER BY coalesce(root, entity), id";
    RECORDED(1) "reading when events were stored": "SELECT id, recorded_at FROM event WHERE id IN ({rows})";
    DELIVERIES_OF(1) "reading the deliveries of events":
        "SELECT event, id, state = 5, since FROM delivery WHERE event IN ({rows})";
    CARRYING(1) "reading the deliveries that carry events":
        "SELECT carries, id, state = 5, since FROM delivery INDEXED BY delivery_carrying \
         WHERE carries <> event AND carries IN ({rows})";
}

/// A row of a pass: when, its number, its event, and the event's root.
type Passed = (i64, i64, i64, Arc<str>);

impl Loader<'_> {
    pub(super) async fn subjects_of(&mut self, subject: &Arc<str>, limit: u32) -> Result<Answer> {
        let names = fetch_all(
            self.connection,
            &SUBJECTS_OF,
            |args| {
                args.add(Arc::clone(subject)).add(limit);
            },
            |cells| cells.shared(),
        );
        Ok(Answer::Names(names.await?))
    }

    pub(super) async fn histories(
        &mut self,
        pass: Pass,
        from: (i64, i64),
        before: Millis,
        limit: u32,
    ) -> Result<Answer> {
        let passed = self.passed(pass, from, before, limit).await?;
        let full = u32::try_from(passed.len()).unwrap_or(u32::MAX) >= limit;
        let next = passed.last().filter(|_| full).map(|(at, number, ..)| (*at, *number));
        let (mut roots, mut alone) = (BTreeSet::new(), BTreeMap::new());
        for (_, _, event, root) in passed {
            if leaves_by_event(&root) {
                alone.insert(event, root);
            } else {
                roots.insert(root);
            }
        }
        // By root, or by event where that leaves alone.
        let mut histories: Vec<History> = Vec::new();
        let mut history_of: BTreeMap<i64, usize> = BTreeMap::new();
        for row in by_text(&EVENTS_OF_ROOTS, &roots).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let (root, event, at): (Arc<str>, i64, i64) = (cells.shared()?, cells.next()?, cells.next()?);
            if histories.last().is_none_or(|last| last.root != root) {
                histories.push(History { root, events: Vec::new(), deliveries: Vec::new() });
            }
            if let Some(history) = histories.last_mut() {
                history.events.push((event, Millis(at)));
            }
            history_of.insert(event, histories.len() - 1);
        }
        for row in find(self.connection, &RECORDED, alone.keys().copied()).await? {
            let mut cells = Cells::of(&row);
            let (event, at) = (cells.next()?, Millis(cells.next()?));
            let Some(root) = alone.get(&event) else { continue };
            history_of.insert(event, histories.len());
            let events = vec![(event, at)];
            histories.push(History { root: Arc::clone(root), events, deliveries: Vec::new() });
        }
        let mut deliveries = find(self.connection, &DELIVERIES_OF, history_of.keys().copied()).await?;
        deliveries.extend(find(self.connection, &CARRYING, history_of.keys().copied()).await?);
        for row in deliveries {
            let mut cells = Cells::of(&row);
            let event: i64 = cells.next()?;
            let delivery = (cells.next()?, cells.next()?, Millis(cells.next()?));
            let history = history_of.get(&event).and_then(|at| histories.get_mut(*at));
            if let Some(history) = history.filter(|history| !history.deliveries.contains(&delivery)) {
                history.deliveries.push(delivery);
            }
        }
        Ok(Answer::Histories(histories, next))
    }

    async fn passed(
        &mut self,
        pass: Pass,
        from: (i64, i64),
        before: Millis,
        limit: u32,
    ) -> Result<Vec<Passed>> {
        let read = |cells: &mut Cells<'_>| Ok((cells.next()?, cells.next()?, cells.next()?, cells.shared()?));
        match pass {
            Pass::Settled => {
                let fill = |args: &mut Args| {
                    args.add(from.0).add(from.1).add(before.0).add(limit);
                };
                fetch_all(self.connection, &SETTLED, fill, read).await
            }
            Pass::Events => {
                let fill = |args: &mut Args| {
                    args.add(from.1).add(limit);
                };
                let mut passed: Vec<Passed> = fetch_all(self.connection, &EVENTS, fill, read).await?;
                // Events are numbered as they are stored: the first that is young ends the pass.
                let old = passed.iter().take_while(|(at, ..)| *at < before.0).count();
                passed.truncate(old);
                Ok(passed)
            }
        }
    }
}
