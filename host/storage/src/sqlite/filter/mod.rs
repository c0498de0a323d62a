//! Listings and replays with filters, put together from a fixed set of conditions.
//!
//! A filter becomes one or several arms: statements that each follow one index from its end, in the order of the
//! page, and stop at its limit. The arms' results are merged. Which index is followed is stated (`INDEXED BY`,
//! `CROSS JOIN`), so that no statistics of the database make a scan of it.

mod events;
pub(super) mod replay;

use crossdock_engine::view::EventFilter;
use crossdock_engine::{Error, Filter, Result, search};
use crossdock_rules::lane::DeliveryState;
use sqlx::{Encode, Sqlite, SqliteConnection, Type};

use super::rows::codes::Code as _;
use super::statement::{Args, fetch_all, fetch_first, statements};
use super::terms;
use crate::vault::Vault;

statements! {
    /// Steps from one connector to the next, however many deliveries each has.
    CONNECTORS "reading the connectors that have deliveries":
        "WITH RECURSIVE known (c) AS (SELECT min(connector) FROM delivery \
         UNION ALL SELECT (SELECT min(connector) FROM delivery WHERE connector > known.c) \
         FROM known WHERE known.c IS NOT NULL) SELECT c FROM known WHERE c IS NOT NULL";
    /// Events are numbered as they are stored.
    FIRST_SINCE "looking for the first event of a time":
        "SELECT id FROM event WHERE recorded_at >= ? ORDER BY recorded_at, id LIMIT 1";
}

/// One statement of a filter.
pub(super) struct Arm {
    pub(super) text: String,
    pub(super) args: Args,
}

impl Arm {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), args: Args::default() }
    }

    fn and(&mut self, condition: &str) -> &mut Self {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self
    }

    fn value<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        self.args.add(value);
        self
    }

    fn end(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }
}

/// Numbers of events: from the first, to before the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range(pub(super) i64, pub(super) i64);

/// By which index of words an arm finds its events: the arm's conditions leave it out, so that the index is not asked
/// once more for each event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Id,
    Term,
    Customer,
    Other,
}

/// A filter with everything that its arms need.
pub(super) struct Query<'q> {
    pub(super) filter: &'q EventFilter,
    /// The events that can fit, by page and time.
    pub(super) range: Range,
    /// The connectors that deliveries are looked for of: the one of the filter, else all.
    pub(super) connectors: Vec<String>,
    pub(super) vault: &'q Vault,
    pub(super) limit: u32,
}

/// Events of entities that have a reference of this id or number. The `+` takes the type off a column, as an index
/// over an expression has none.
const OF_REFERENCE: &str = "WITH wanted (t) AS (SELECT ?), \
     referred (entity) AS (\
     SELECT entity FROM wanted CROSS JOIN reference INDEXED BY reference_of_id \
     ON lower(reference.id) IN (t, '#' || t) \
     UNION SELECT entity FROM wanted CROSS JOIN reference INDEXED BY reference_of_number \
     ON lower(reference.number) IN (t, '#' || t) AND reference.number IS NOT NULL) \
     SELECT named.id AS number FROM referred CROSS JOIN event AS named INDEXED BY event_of_root \
     ON coalesce(named.root, named.entity) = +referred.entity AND named.entity = referred.entity \
     UNION ALL SELECT named.id FROM referred CROSS JOIN event AS named INDEXED BY event_of_entity \
     ON named.entity = referred.entity AND named.root IS NOT NULL";
/// Whether an event has a term.
const HAS_TERM: &str =
    "EXISTS (SELECT 1 FROM event_term WHERE event_term MATCH ? AND event_term.rowid = event.id)";
/// Whether an event is about a person.
const HAS_CUSTOMER: &str =
    "EXISTS (SELECT 1 FROM customer_term WHERE customer_term MATCH ? AND customer_term.rowid = event.id)";

/// The state that a filter names.
fn state(filter: &Filter) -> Result<Option<DeliveryState>> {
    let parse = |name: &String| name.parse().map_err(|_| Error::Unknown { what: "state", id: name.clone() });
    filter.state.as_ref().map(parse).transpose()
}

impl<'q> Query<'q> {
    /// Reads what the arms need beside the filter.
    pub(super) async fn new(
        connection: &mut SqliteConnection,
        filter: &'q EventFilter,
        mut range: Range,
        vault: &'q Vault,
        limit: u32,
    ) -> Result<Self> {
        let Filter { from, until, connector, state, .. } = &filter.filter;
        for (time, bound) in [(from, true), (until, false)] {
            let Some(time) = time else { continue };
            let fill = |args: &mut Args| {
                args.add(time.0);
            };
            let first = fetch_first(connection, &FIRST_SINCE, fill, |cells| cells.next()).await?;
            let first = first.unwrap_or(i64::MAX);
            if bound {
                range.0 = range.0.max(first);
            } else {
                range.1 = range.1.min(first);
            }
        }
        let connectors = match (connector, state) {
            (Some(connector), _) => vec![connector.clone()],
            (None, Some(_)) => fetch_all(connection, &CONNECTORS, |_| {}, |cells| cells.next()).await?,
            (None, None) => Vec::new(),
        };
        Ok(Self { filter, range, connectors, vault, limit })
    }

    /// The conditions on the event, but for the one that the arm finds events by.
    fn on_event(&self, arm: &mut Arm, by: By) {
        let EventFilter { filter, id, term, customer } = self.filter;
        if let Some(event) = filter.event {
            arm.and("event.id = ?").value(event);
        }
        if let Some(kind) = &filter.kind {
            arm.and("event.kind = ?").value(kind.clone());
        }
        if let Some(root) = &filter.root {
            arm.and("coalesce(event.root, event.entity) = ?").value(root.clone());
        }
        if let Some(entity) = &filter.entity {
            arm.and("event.entity = ?").value(entity.clone());
        }
        if let Some(from) = filter.from {
            arm.and("event.recorded_at >= ?").value(from.0);
        }
        if let Some(until) = filter.until {
            arm.and("event.recorded_at < ?").value(until.0);
        }
        if let Some(id) = id {
            if by != By::Id {
                arm.and(HAS_TERM).value(terms::query_of(&stored(id)));
            }
            let whole = id.contains('/');
            arm.and(&format!("({} OR {})", ends_in("event.entity", whole), ends_in("event.root", whole)));
            for _ in 0..if whole { 10 } else { 4 } {
                arm.value(id.clone());
            }
        }
        if let Some(term) = term.as_ref().filter(|_| by != By::Term) {
            arm.and(&format!("({HAS_TERM} OR event.id IN ({OF_REFERENCE}))"));
            arm.value(terms::query_of(&stored(term))).value(stored(term));
        }
        if let Some(customer) = customer.as_ref().filter(|_| by != By::Customer) {
            arm.and(HAS_CUSTOMER).value(self.customer_term(customer));
        }
    }

    /// A query that finds nothing where nothing is left to look for.
    fn customer_term(&self, customer: &str) -> String {
        let term = search::customer_term(customer);
        terms::query(&term.map(|term| terms::word_of_person(&term, self.vault)).unwrap_or_default())
    }

    /// The conditions on a delivery.
    fn on_delivery(&self, arm: &mut Arm) -> Result<()> {
        let Filter { delivery, connector, .. } = &self.filter.filter;
        if let Some(delivery) = delivery {
            arm.and("delivery.id = ?").value(*delivery);
        }
        if let Some(connector) = connector {
            arm.and("delivery.connector = ?").value(connector.clone());
        }
        if let Some(state) = state(&self.filter.filter)? {
            arm.and("delivery.state = ?").value(state.code());
        }
        Ok(())
    }

    /// The connectors and states that the filter means.
    fn by_state(&self) -> Result<Vec<(&str, DeliveryState)>> {
        let states = match state(&self.filter.filter)? {
            Some(state) => vec![state],
            None => DeliveryState::ALL.to_vec(),
        };
        let mut pairs = Vec::with_capacity(self.connectors.len() * states.len());
        for connector in &self.connectors {
            pairs.extend(states.iter().map(|state| (connector.as_str(), *state)));
        }
        Ok(pairs)
    }
}

/// A term as it is stored; one that no event has where nothing is left of it.
fn stored(term: &str) -> String {
    search::term(term).unwrap_or_default()
}

/// Whether an identity text ends in an id behind a slash: two values, the id. With a whole id, which has slashes
/// itself, the identity must have nothing but system, tenant and kind in front of it: five values.
fn ends_in(identity: &str, whole: bool) -> String {
    let ends = format!("substr({identity}, -length(?) - 1) = '/' || ?");
    if !whole {
        return ends;
    }
    let front = format!("substr({identity}, 1, length({identity}) - length(?) - 1)");
    format!("({ends} AND length({front}) - length(replace({front}, '/', '')) = 2 AND length(?) > 0)")
}

#[cfg(test)]
pub(super) fn all_statements() -> Vec<&'static [&'static super::statement::Statement]> {
    vec![STATEMENTS, replay::STATEMENTS]
}
