//! Why a delivery is not done: why, since when, and what comes next, for everything that is open.

use crossdock_model::time::Millis;
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::outcome::code;
use sqlx::SqliteConnection;

use super::delivery::{Delivery, columns, state};
use super::read::shown;
use super::sql::{Cells, fetch};
use crate::Result;
use crate::view::Stuck;

/// The open delivery that stands before this one in its lane.
const TEXT: &str = concat!(
    "SELECT event.kind, event.entity, paused.message, \
     (SELECT head.id FROM delivery AS head WHERE head.connector = delivery.connector \
      AND head.lane = delivery.lane AND head.state <> 5 AND head.id <> delivery.id AND delivery.state = 0 \
      AND (head.state IN (1, 2) OR head.state = 4 AND head.holds OR head.state = 6 \
      AND (head.waits_for IS NULL OR head.reason_code <> 'referent-missing')) \
      ORDER BY head.id LIMIT 1) AS behind, \
     (SELECT head.state FROM delivery AS head WHERE head.connector = delivery.connector \
      AND head.lane = delivery.lane AND head.state <> 5 AND head.id <> delivery.id AND delivery.state = 0 \
      AND (head.state IN (1, 2) OR head.state = 4 AND head.holds OR head.state = 6 \
      AND (head.waits_for IS NULL OR head.reason_code <> 'referent-missing')) \
      ORDER BY head.id LIMIT 1), delivery.* FROM (SELECT ",
    columns!(),
    " FROM delivery WHERE state <> 5 AND connector = coalesce(?, connector) ORDER BY since, id LIMIT ?) AS delivery \
     JOIN event ON event.id = delivery.event LEFT JOIN paused ON paused.connector = delivery.connector \
     ORDER BY delivery.since, delivery.id"
);

/// Every open delivery, longest stuck first.
pub(super) async fn stuck(
    connection: &mut SqliteConnection,
    connector: Option<&str>,
    now: Millis,
    limit: u32,
) -> Result<Vec<Stuck>> {
    let rows = fetch(connection, "looking for what is stuck", TEXT, |args| {
        args.add(connector).add(limit);
    });
    let mut stuck = Vec::new();
    for row in rows.await? {
        let mut cells = Cells::of(&row);
        let (kind, entity) = (cells.next()?, cells.next()?);
        let paused: Option<String> = cells.next()?;
        let behind: Option<i64> = cells.next()?;
        let head = cells.next::<Option<i64>>()?.map(state).transpose()?;
        let row = Delivery::take(&mut cells)?;
        let since = row.waiting_since.map_or(Millis(row.since), Millis);
        let (why, next, next_at) = told(&row, paused.as_deref(), behind.zip(head), now);
        stuck.push(Stuck { kind, entity, why, since, next, next_at, behind, delivery: shown(row) });
    }
    Ok(stuck)
}

fn told(
    row: &Delivery,
    paused: Option<&str>,
    behind: Option<(i64, DeliveryState)>,
    now: Millis,
) -> (String, String, Option<Millis>) {
    let said = row.reason.as_ref().map(|reason| reason.message.as_str()).filter(|said| !said.is_empty());
    let moment = |at: i64| (at != i64::MAX).then_some(Millis(at));
    match row.state {
        DeliveryState::Queued => match behind {
            Some((id, DeliveryState::Exception)) => (
                format!("waits for exception #{id}"),
                "goes on when the exception is retried or discarded".into(),
                None,
            ),
            Some((id, state)) => (
                format!("waits for delivery #{id} of its lane, which is {state}"),
                format!("goes on when delivery #{id} is done"),
                None,
            ),
            None => ("waits for its lane".into(), "becomes ready with the next of its lane".into(), None),
        },
        DeliveryState::Ready => {
            let then = if row.find { "the target is asked whether it has it" } else { "it is sent" };
            if let Some(message) = paused {
                return (
                    format!("the connector is paused: {message}"),
                    format!("{then} once it is resumed"),
                    None,
                );
            }
            let why = match said {
                Some(said) if row.attempt > 0 => format!("{said} (tried {} times)", row.attempt),
                Some(said) => said.to_owned(),
                None if row.due_at > now.0 => "waits until it is due".into(),
                None => "is due and waits for room within the connector's limits".into(),
            };
            (why, then.into(), Some(Millis(row.due_at.max(now.0))))
        }
        DeliveryState::Sending => (
            "is being sent".into(),
            "settled with the answer, or looked up when its claim ends".into(),
            moment(row.lease_until),
        ),
        DeliveryState::Waiting => {
            let referent = row.waits_for.as_deref().unwrap_or("its referent");
            let why = said.map_or_else(|| format!("not yet: {referent}"), str::to_owned);
            (why, format!("goes on when {referent} is there"), moment(row.due_at))
        }
        DeliveryState::Received if row.due_at == i64::MAX => (
            "its file has yet to be handed over".into(),
            "is waited for when the file is in the exchange folder".into(),
            None,
        ),
        DeliveryState::Received => (
            said.map_or_else(|| "the target has it and has not confirmed it".to_owned(), str::to_owned),
            "becomes an exception when it is not confirmed in time".into(),
            moment(row.due_at),
        ),
        DeliveryState::Exception => {
            let why = said.map_or_else(|| "a person must decide".to_owned(), str::to_owned);
            let next = if row.waited_in_vain() {
                "goes on when what it refers to comes, or a person retries or discards it"
            } else if row.can_be_released() {
                "goes on when the value is mapped, or a person retries or discards it"
            } else if row.reason_is(code::OVERDUE) {
                "goes on when it is confirmed, or a person retries or discards it"
            } else {
                "a person retries or discards it"
            };
            (why, next.into(), None)
        }
        DeliveryState::Settled => ("is done".into(), "nothing".into(), None),
    }
}
