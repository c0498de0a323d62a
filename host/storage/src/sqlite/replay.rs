//! Which deliveries a replay means.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::delivery::{number, state};
use super::sql::{Args, Cells, fetch};
use crate::command::Filter;
use crate::{Error, Result};
use crossdock_rules::lane::DeliveryState;
use crossdock_rules::outcome::code;

/// The deliveries to be replayed, and how many more fit the filter but are left alone.
pub(super) struct Fit {
    pub deliveries: Vec<i64>,
    /// The exceptions among what is meant, to be tried again.
    pub exceptions: Vec<i64>,
    pub skipped: u64,
}

/// The conditions of a filter on `delivery` and `event`, and their values.
pub(super) fn conditions(filter: &Filter, args: &mut Args) -> Result<String> {
    let mut text = String::from("TRUE");
    let mut and = |condition: &str| {
        text.push_str(" AND ");
        text.push_str(condition);
    };
    if let Some(delivery) = filter.delivery {
        and("delivery.id = ?");
        args.add(delivery);
    }
    if let Some(event) = filter.event {
        and("event.id = ?");
        args.add(event);
    }
    if let Some(connector) = &filter.connector {
        and("delivery.connector = ?");
        args.add(connector.as_str());
    }
    if let Some(kind) = &filter.kind {
        and("event.kind = ?");
        args.add(kind.as_str());
    }
    if let Some(root) = &filter.root {
        and("coalesce(event.root, event.entity) = ?");
        args.add(root.as_str());
    }
    if let Some(entity) = &filter.entity {
        // The keys of an entity's events begin with its identity, and keys are indexed.
        and("event.key >= ? || '/' AND event.key < ? || '0' AND event.entity = ?");
        args.add(entity.as_str()).add(entity.as_str()).add(entity.as_str());
    }
    if let Some(from) = filter.from {
        and("event.recorded_at >= ?");
        args.add(from.0);
    }
    if let Some(until) = filter.until {
        and("event.recorded_at < ?");
        args.add(until.0);
    }
    if let Some(name) = &filter.state {
        let wanted: DeliveryState =
            name.parse().map_err(|_| Error::Unknown { what: "state", id: name.clone() })?;
        and("delivery.state = ?");
        args.add(number(wanted));
    }
    Ok(text)
}

/// Looks for what a replay means.
///
/// Left alone: what is not settled, what was not sent because something else was (stale, joined, annulled, an echo,
/// a conflict, the same sale), a state of an entity of which a newer one was admitted, and what has been replayed
/// under the generation before. So is, unless it is named by its number, what somebody discarded: it may be booked
/// by hand. Exceptions are tried again where the filter asks for them, but none, unless it is named, that would be
/// sent although nobody knows what became of it.
pub(super) async fn select(
    connection: &mut SqliteConnection,
    filter: &Filter,
    generation: Option<u32>,
) -> Result<Fit> {
    let mut args = Args::default();
    args.add(generation.map(i64::from));
    let conditions = conditions(filter, &mut args)?;
    let named = filter.event.is_some() || filter.delivery.is_some();
    let retries = filter.state.as_deref() == Some(DeliveryState::Exception.as_str()) && generation.is_none();
    let most = filter.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let text = format!(
        "SELECT delivery.id, delivery.state, delivery.ending = 'discarded', delivery.reason_code, delivery.ending IN ('stale', 'joined', 'annulled', 'echo', 'conflict', 'same-sale'), \
         delivery.effect IN ('create', 'change', 'cancel') AND EXISTS (SELECT 1 FROM entity_state AS known \
         WHERE known.connector = delivery.connector AND known.entity = coalesce(delivery.entity, delivery.lane) \
         AND coalesce(known.owed_at, known.stamp_at) <> delivery.at), \
         EXISTS (SELECT 1 FROM delivery AS other WHERE other.event = delivery.event \
         AND other.connector = delivery.connector AND other.generation = ?) \
         FROM event JOIN delivery ON delivery.event = event.id \
         WHERE (delivery.generation = 0 OR delivery.state = 6) AND {conditions} ORDER BY delivery.id"
    );
    let mut fit = Fit { deliveries: Vec::new(), exceptions: Vec::new(), skipped: 0 };
    let rows = fetch(connection, "looking for what to replay", AssertSqlSafe(text), |given| *given = args);
    for row in rows.await? {
        if fit.deliveries.len() + fit.exceptions.len() >= most {
            break;
        }
        let mut cells = Cells::of(&row);
        let (id, state) = (cells.next()?, state(cells.next()?)?);
        let discarded = cells.next::<Option<bool>>()?.unwrap_or_default();
        let unknown = cells.next::<Option<&str>>()? == Some(code::OUTCOME_UNKNOWN);
        let needless = cells.next::<Option<bool>>()?.unwrap_or_default();
        let (older, done): (bool, bool) = (cells.next()?, cells.next()?);
        match state {
            DeliveryState::Exception if retries && (named || !unknown) => fit.exceptions.push(id),
            DeliveryState::Settled if !(needless || older || done || discarded && !named) => {
                fit.deliveries.push(id);
            }
            _ => fit.skipped += 1,
        }
    }
    Ok(fit)
}
