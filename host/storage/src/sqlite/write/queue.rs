//! Requests, idempotency keys, deliveries.

use crossdock_engine::Result;
use crossdock_engine::database::Changed;
use crossdock_engine::rows::InboundState;

use super::keyed::Table;
use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::delivery::{bind, bind_problem};
use crate::sqlite::rows::digest::{Digest, key_hash};
use crate::sqlite::statement::statements;

statements! {
    INBOUND_KEY(2) "writing the keys of requests":
        "INSERT INTO inbound_key (key, inbound) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET inbound = excluded.inbound";
    NO_INBOUND_KEY(1) "deleting the keys of requests": "DELETE FROM inbound_key WHERE key IN ({rows})";
    INBOUND(12) "writing requests":
        "INSERT INTO inbound (id, connector, received_at, state, due_at, leased, attempts, trace, problem_code, \
         problem_message, problem_field, has_body) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_at = excluded.due_at, \
         leased = excluded.leased, attempts = excluded.attempts, problem_code = excluded.problem_code, \
         problem_message = excluded.problem_message, problem_field = excluded.problem_field, \
         has_body = excluded.has_body";
    NO_INBOUND(1) "deleting requests": "DELETE FROM inbound WHERE id IN ({rows})";
    EVENT_KEY(3) "writing idempotency keys":
        "INSERT INTO event_key (key, event, digest) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET event = excluded.event, digest = excluded.digest";
    NO_EVENT_KEY(1) "deleting idempotency keys": "DELETE FROM event_key WHERE key IN ({rows})";
    /// A delivery may move to another connector: to the one that owns the books of its order.
    DELIVERY(35) "writing deliveries":
        "INSERT INTO delivery SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT (id) DO UPDATE SET \
         connector = excluded.connector, lane = excluded.lane, entity = excluded.entity, \
         carries = excluded.carries, effect = excluded.effect, stamp_at = excluded.stamp_at, \
         stamp_believed = excluded.stamp_believed, follows_books = excluded.follows_books, \
         until_posted = excluded.until_posted, state = excluded.state, ending = excluded.ending, \
         sent = excluded.sent, look_up = excluded.look_up, attempts = excluded.attempts, \
         failures = excluded.failures, finds = excluded.finds, due_at = excluded.due_at, not_before = excluded.not_before, \
         lease_until = excluded.lease_until, sent_at = excluded.sent_at, fence = excluded.fence, \
         serial = excluded.serial, resume = excluded.resume, joined_to = excluded.joined_to, \
         awaits = excluded.awaits, awaited = excluded.awaited, waiting_since = excluded.waiting_since, \
         reason_code = excluded.reason_code, reason_message = excluded.reason_message, \
         reason_field = excluded.reason_field, early_answer = excluded.early_answer, since = excluded.since";
    NO_DELIVERY(1) "deleting deliveries": "DELETE FROM delivery WHERE id IN ({rows})";
}

impl ChangeWriter<'_> {
    pub(super) async fn queue(&mut self, changed: &Changed) -> Result<()> {
        Table { put: &INBOUND_KEY, delete: &NO_INBOUND_KEY }
            .write(
                self.connection,
                &changed.inbound_keys,
                |args, key| {
                    args.add(key.to_vec());
                },
                |args, _, inbound| {
                    args.add(*inbound);
                    Ok(())
                },
            )
            .await?;
        Table { put: &INBOUND, delete: &NO_INBOUND }
            .write(
                self.connection,
                &changed.inbounds,
                |args, id| {
                    args.add(*id);
                },
                |args, _, row| {
                    let (state, problem) = match &row.state {
                        InboundState::Pending => (0, None),
                        InboundState::Read => (1, None),
                        InboundState::Quarantined(problem) => (2, Some(problem)),
                    };
                    args.add(row.connector.clone())
                        .add(row.received_at.0)
                        .add(state)
                        .add(row.due_at.0)
                        .add(row.leased)
                        .add(row.attempts)
                        .add(row.trace.clone());
                    bind_problem(args, problem);
                    args.add(row.has_body);
                    Ok(())
                },
            )
            .await?;
        Table { put: &EVENT_KEY, delete: &NO_EVENT_KEY }
            .write(
                self.connection,
                &changed.event_keys,
                |args, key| {
                    args.add(key_hash(key).to_vec());
                },
                |args, _, row| {
                    args.add(row.event).add(Digest(row.digest.to_string()));
                    Ok(())
                },
            )
            .await?;
        let (mut put, mut deleted) = (BulkStatement::new(&DELIVERY), BulkStatement::new(&NO_DELIVERY));
        for (id, row) in &changed.deliveries {
            match row {
                Some(row) => {
                    self.state.present.awaiting |= row.is_awaiting();
                    put.row(|args| bind(args, row));
                }
                None => deleted.row(|args| {
                    args.add(*id);
                }),
            }
        }
        self.numbers_leave |= !deleted.is_empty();
        deleted.write(self.connection).await?;
        put.write(self.connection).await?;
        Ok(())
    }
}
