//! Deliveries, the rows that are read and written most.

use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::delivery::Delivery;
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_rules::version::Moment;

use super::codes::{Code as _, decode};
use crate::sqlite::statement::{Args, Cells};

/// The columns in the order they are written and read in.
macro_rules! delivery_columns {
    () => {
        "delivery.id, delivery.event, delivery.carries, delivery.connector, delivery.generation, delivery.lane, \
         delivery.entity, delivery.effect, delivery.stamp_at, delivery.stamp_believed, \
         delivery.follows_books, delivery.until_posted, delivery.state, \
         delivery.ending, delivery.sent, delivery.look_up, delivery.attempts, delivery.failures, \
         delivery.finds, delivery.due_at, delivery.not_before, delivery.lease_until, delivery.sent_at, delivery.fence, \
         delivery.serial, delivery.resume, delivery.joined_to, delivery.awaits, delivery.awaited, \
         delivery.waiting_since, delivery.reason_code, delivery.reason_message, delivery.reason_field, \
         delivery.early_answer, delivery.since"
    };
}
pub(in crate::sqlite) use delivery_columns;

/// Reads a delivery.
pub(in crate::sqlite) fn read(cells: &mut Cells<'_>) -> Result<Delivery> {
    let (id, event, carries) = (cells.next()?, cells.next()?, cells.next()?);
    let (connector, generation, lane) = (cells.shared()?, cells.next()?, cells.shared()?);
    let entity = cells.shared_or_null()?.unwrap_or_else(|| Arc::clone(&lane));
    Ok(Delivery {
        id,
        event,
        carries,
        connector,
        generation,
        lane,
        entity,
        effect: decode(cells.next()?)?,
        moment: Moment { at: cells.next()?, believed: cells.next()? },
        follows_books: cells.next()?,
        until_posted: cells.next()?,
        state: decode(cells.next()?)?,
        ending: cells.next::<Option<i64>>()?.map(decode).transpose()?,
        sent: decode(cells.next()?)?,
        look_up: cells.next()?,
        attempts: cells.next()?,
        failures: cells.next()?,
        finds: cells.next()?,
        due_at: Millis(cells.next()?),
        not_before: Millis(cells.next()?),
        lease_until: Millis(cells.next()?),
        sent_at: Millis(cells.next()?),
        fence: cells.next()?,
        serial: cells.next::<Option<i64>>()?.map(i64::cast_unsigned),
        resume: cells.shared_or_null()?,
        joined_to: cells.next()?,
        awaits: cells.shared_or_null()?,
        awaited: cells.next()?,
        waiting_since: cells.next::<Option<i64>>()?.map(Millis),
        reason: problem(cells)?,
        early_answer: cells.next()?,
        since: Millis(cells.next()?),
    })
}

/// Reads a problem from three cells; absent without a code.
pub(in crate::sqlite) fn problem(cells: &mut Cells<'_>) -> Result<Option<Problem>> {
    let (code, message, field): (Option<String>, Option<String>, _) =
        (cells.next()?, cells.next()?, cells.next()?);
    Ok(code.map(|code| Problem { code, message: message.unwrap_or_default(), field }))
}

/// Binds a problem as three values.
pub(in crate::sqlite) fn bind_problem(args: &mut Args, problem: Option<&Problem>) {
    args.add(problem.map(|problem| problem.code.clone()))
        .add(problem.map(|problem| problem.message.clone()))
        .add(problem.and_then(|problem| problem.field.clone()));
}

/// Binds a delivery.
pub(in crate::sqlite) fn bind(args: &mut Args, row: &Delivery) {
    let entity = (row.entity != row.lane).then(|| Arc::clone(&row.entity));
    args.add(row.id)
        .add(row.event)
        .add(row.carries)
        .add(Arc::clone(&row.connector))
        .add(row.generation)
        .add(Arc::clone(&row.lane))
        .add(entity)
        .add(row.effect.code())
        .add(row.moment.at)
        .add(row.moment.believed)
        .add(row.follows_books)
        .add(row.until_posted)
        .add(row.state.code())
        .add(row.ending.map(|ending| ending.code()))
        .add(row.sent.code())
        .add(row.look_up)
        .add(row.attempts)
        .add(row.failures)
        .add(row.finds)
        .add(row.due_at.0)
        .add(row.not_before.0)
        .add(row.lease_until.0)
        .add(row.sent_at.0)
        .add(row.fence)
        .add(row.serial.map(u64::cast_signed))
        .add(row.resume.clone())
        .add(row.joined_to)
        .add(row.awaits.clone())
        .add(row.awaited)
        .add(row.waiting_since.map(|at| at.0));
    bind_problem(args, row.reason.as_ref());
    args.add(row.early_answer).add(row.since.0);
}
