//! Requests, idempotency keys, events.

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::{Answer, ReadSet, Rows};
use crossdock_engine::rows::{InboundRow, InboundState, KeyRow};
use crossdock_model::time::Millis;

use super::Loader;
use crate::sqlite::bulk::{BulkStatement, find};
use crate::sqlite::rows::delivery::problem;
use crate::sqlite::rows::digest::{Digest, key_hash};
use crate::sqlite::rows::{event, request};
use crate::sqlite::statement::{Args, Cells, fetch_all, statements, unreadable};

statements! {
    INBOUND_KEYS(1) "looking for duplicate requests": "SELECT key, inbound FROM inbound_key WHERE key IN ({rows})";
    INBOUNDS(1) "reading requests":
        "SELECT id, connector, received_at, state, due_at, leased, attempts, trace, problem_code, problem_message, \
         problem_field, has_body FROM inbound WHERE id IN ({rows})";
    EVENT_KEYS(1) "looking for idempotency keys":
        "SELECT key, event, digest FROM event_key WHERE key IN ({rows})";
    EVENTS(1) "reading events": concat!(
        "SELECT ", event::event_columns!(), " FROM event \
         LEFT JOIN event_body ON event_body.event = event.id \
         LEFT JOIN subject AS whose ON whose.id = event.subject \
         LEFT JOIN personal ON personal.event = event.id \
         LEFT JOIN subject ON subject.id = personal.subject WHERE event.id IN ({rows})");
    DUE_INBOUNDS "reading requests that are due":
        "SELECT inbound.id, connector, received_at, trace, attempts, inbound_body.day, inbound_body.sealed, \
         day_key.sealed FROM inbound \
         LEFT JOIN inbound_body ON inbound_body.inbound = inbound.id \
         LEFT JOIN day_key ON day_key.day = inbound_body.day \
         WHERE connector = ? AND state = 0 AND due_at <= ? ORDER BY due_at, inbound.id LIMIT ?";
    INBOUNDS_DUE_LATER "reading postponed requests":
        "SELECT id FROM inbound WHERE connector = ? AND state = 0 AND due_at > ? ORDER BY due_at, id LIMIT ?";
    LEASED_INBOUNDS "reading requests that are being read":
        "SELECT id FROM inbound WHERE leased = 1 ORDER BY id LIMIT ?";
}

impl Loader<'_> {
    pub(super) async fn intake(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        if !wanted.inbound_keys.is_empty() {
            let mut bulk = BulkStatement::new(&INBOUND_KEYS);
            for key in &wanted.inbound_keys {
                bulk.row(|args| {
                    args.add(key.as_slice());
                });
            }
            for row in bulk.read(self.connection).await? {
                let mut cells = Cells::of(&row);
                rows.inbound_keys.push((fixed("the key of a request", cells.next()?)?, cells.next()?));
            }
        }
        for row in find(self.connection, &INBOUNDS, wanted.inbounds.iter().copied()).await? {
            let mut cells = Cells::of(&row);
            rows.inbounds.push((cells.next()?, inbound_row(&mut cells)?));
        }
        self.event_keys(wanted, rows).await?;
        for row in find(self.connection, &EVENTS, wanted.events.iter().copied()).await? {
            if let Some(event) = event::read(&mut Cells::of(&row), self.vault)? {
                rows.events.push((event.id, Arc::new(event)));
            }
        }
        Ok(())
    }

    async fn event_keys(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        if wanted.event_keys.is_empty() {
            return Ok(());
        }
        let keys: HashMap<_, &Arc<str>> = wanted.event_keys.iter().map(|key| (key_hash(key), key)).collect();
        let mut bulk = BulkStatement::new(&EVENT_KEYS);
        for hash in keys.keys() {
            bulk.row(|args| {
                args.add(hash.as_slice());
            });
        }
        for row in bulk.read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let hash = fixed("an idempotency key", cells.next()?)?;
            let (event, digest): (_, Digest) = (cells.next()?, cells.next()?);
            if let Some(key) = keys.get(&hash) {
                rows.event_keys.push((Arc::clone(key), KeyRow { event, digest: digest.0.into() }));
            }
        }
        Ok(())
    }

    pub(super) async fn due_inbounds(
        &mut self,
        connector: &Arc<str>,
        now: Millis,
        limit: u32,
    ) -> Result<Answer> {
        let vault = self.vault;
        let fill = |args: &mut Args| {
            args.add(Arc::clone(connector)).add(now.0).add(limit);
        };
        let due = fetch_all(self.connection, &DUE_INBOUNDS, fill, |cells| request::inbound(cells, vault));
        Ok(Answer::Inbounds(due.await?))
    }

    pub(super) async fn inbounds_due_later(
        &mut self,
        connector: &Arc<str>,
        now: Millis,
        limit: u32,
    ) -> Result<Answer> {
        let fill = |args: &mut Args| {
            args.add(Arc::clone(connector)).add(now.0).add(limit);
        };
        Ok(Answer::Numbers(
            fetch_all(self.connection, &INBOUNDS_DUE_LATER, fill, |cells| cells.next()).await?,
        ))
    }

    pub(super) async fn leased_inbounds(&mut self, limit: u32) -> Result<Answer> {
        let fill = |args: &mut Args| {
            args.add(limit);
        };
        Ok(Answer::Numbers(fetch_all(self.connection, &LEASED_INBOUNDS, fill, |cells| cells.next()).await?))
    }
}

fn fixed<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| unreadable(what, "it has the wrong length"))
}

fn inbound_row(cells: &mut Cells<'_>) -> Result<InboundRow> {
    let (connector, received_at) = (cells.shared()?, Millis(cells.next()?));
    let state: i64 = cells.next()?;
    let (due_at, leased, attempts) = (Millis(cells.next()?), cells.next()?, cells.next()?);
    let trace = cells.shared()?;
    let state = match (state, problem(cells)?) {
        (0, _) => InboundState::Pending,
        (1, _) => InboundState::Read,
        (2, Some(problem)) => InboundState::Quarantined(problem),
        (state, _) => return Err(unreadable("the state of a request", format!("{state} is unknown"))),
    };
    let has_body = cells.next()?;
    Ok(InboundRow { connector, received_at, state, due_at, leased, attempts, trace, has_body })
}
