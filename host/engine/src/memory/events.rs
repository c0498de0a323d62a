//! The events, their personal data, and the attempts that were made to deliver them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_model::time::Millis;

use crate::assemble;
use crate::rows::{AttemptRecord, EventRow};
use crate::view::AttemptRow;

use super::tables::Map;

/// A stored event.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub row: Arc<EventRow>,
    /// True when it came with personal data, which may have been erased since.
    pub had_personal: bool,
}

/// What was sent and received in an attempt.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// The event with whose person it goes. None when that had no personal data.
    pub personal_of: Option<i64>,
    pub ended: Millis,
    pub text: Arc<str>,
}

/// Delivery and fence.
pub(super) type AttemptKey = (i64, i64);

#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    pub rows: Map<i64, Stored>,
    /// The subjects that have personal data stored under a live key.
    pub subjects: Arc<BTreeSet<Arc<str>>>,
    pub attempts: Map<AttemptKey, Arc<AttemptRecord>>,
    pub exchanges: Map<AttemptKey, Exchange>,
}

impl Events {
    pub fn get(&self, id: i64) -> Option<&Arc<EventRow>> {
        self.rows.get(&id).map(|stored| &stored.row)
    }

    pub fn add(&mut self, row: &Arc<EventRow>) {
        let had_personal = row.personal.is_some();
        if had_personal && !self.subjects.contains(&row.subject) {
            Arc::make_mut(&mut self.subjects).insert(Arc::clone(&row.subject));
        }
        Arc::make_mut(&mut self.rows).insert(row.id, Stored { row: Arc::clone(row), had_personal });
    }

    /// Stores an attempt. What was exchanged about an erased person is not stored.
    pub fn add_attempt(&mut self, record: &AttemptRecord) {
        let key = (record.delivery, record.fence);
        if let Some((event, text)) = &record.exchange {
            let stored = self.rows.get(event).filter(|stored| stored.had_personal);
            if stored.is_none_or(|stored| stored.row.personal.is_some()) {
                let personal_of = stored.map(|_| *event);
                let exchange = Exchange { personal_of, ended: record.ended, text: Arc::clone(text) };
                Arc::make_mut(&mut self.exchanges).insert(key, exchange);
            }
        }
        let record = AttemptRecord { exchange: None, ..record.clone() };
        Arc::make_mut(&mut self.attempts).insert(key, Arc::new(record));
    }

    /// The attempts at a delivery, oldest first.
    pub fn attempts_at(&self, delivery: i64) -> Vec<AttemptRow> {
        let attempts = self.attempts.range((delivery, i64::MIN)..=(delivery, i64::MAX));
        attempts
            .map(|(key, record)| {
                let exchange = self.exchanges.get(key).map(|exchange| exchange.text.to_string());
                assemble::attempt_row(record, exchange)
            })
            .collect()
    }

    /// Subjects with a live key that fall with a person: the person, and the roots of the person's events.
    pub fn subjects_of(&self, subject: &str, limit: usize) -> Vec<Arc<str>> {
        let own = self.rows.values().map(|stored| &stored.row).filter(|row| *row.subject == *subject);
        let mut found: BTreeSet<&Arc<str>> = own.map(|row| &row.root).collect();
        found.extend(self.subjects.get(subject));
        let live = found.into_iter().filter(|name| self.subjects.contains(*name));
        live.take(limit).cloned().collect()
    }

    /// Destroys keys: personal data and exchanges under them are gone.
    pub fn erase(&mut self, subjects: &[Arc<str>]) {
        let keys = Arc::make_mut(&mut self.subjects);
        subjects.iter().for_each(|subject| drop(keys.take(subject)));
        let fallen =
            |stored: &&Stored| stored.row.personal.is_some() && subjects.contains(&stored.row.subject);
        let fallen: BTreeSet<i64> = self.rows.values().filter(fallen).map(|stored| stored.row.id).collect();
        for id in &fallen {
            if let Some(stored) = Arc::make_mut(&mut self.rows).get_mut(id) {
                Arc::make_mut(&mut stored.row).personal = None;
            }
        }
        let stays = |exchange: &Exchange| exchange.personal_of.is_none_or(|event| !fallen.contains(&event));
        Arc::make_mut(&mut self.exchanges).retain(|_, exchange| stays(exchange));
    }

    /// Removes an event. The key of its subject stays.
    pub fn remove(&mut self, id: i64) {
        Arc::make_mut(&mut self.rows).remove(&id);
    }

    /// Removes the attempts at a delivery with what was exchanged in them.
    pub fn remove_attempts(&mut self, delivery: i64) {
        let keys: Vec<AttemptKey> =
            self.attempts.range((delivery, i64::MIN)..=(delivery, i64::MAX)).map(|(key, _)| *key).collect();
        for key in keys {
            Arc::make_mut(&mut self.attempts).remove(&key);
            Arc::make_mut(&mut self.exchanges).remove(&key);
        }
    }

    /// Destroys the keys of these roots, as far as no event of theirs is left.
    pub fn remove_keys(&mut self, roots: &[Arc<str>]) {
        for root in roots {
            if self.subjects.contains(root) && !self.rows.values().any(|stored| stored.row.subject == *root) {
                Arc::make_mut(&mut self.subjects).remove(root);
            }
        }
    }
}
