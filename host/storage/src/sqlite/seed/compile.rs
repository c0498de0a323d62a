//! Compiles the rows of templates: finds the order that each belongs to, and what differs between copies.

mod words;

use std::collections::HashMap;

use crossdock_engine::Result;
use sqlx::SqliteConnection;

use super::names::{Names, unknown};
use super::stored::{Database, Stored, Value, blob, number, read_all, text};
use super::template::{Cell, Kind, Piece, Table, Template, Templates, Text};
use crate::sqlite::statement::unreadable;
use crate::vault::{Bound, Vault};

/// Times of commands are within this range; what is not is a number, or stands for "never".
const MILLIS: std::ops::Range<i64> = 1_000_000_000_000..100_000_000_000_000;
const MICROS: std::ops::Range<i64> = 1_000_000_000_000_000..100_000_000_000_000_000;

/// Tables whose rows are not an order's: they are the target's own.
const NOT_COPIED: &[&str] =
    &["meta", "counter", "day_key", "retention_position", "serial", "settled_count", "subject"];

impl Templates {
    /// Reads and compiles them.
    pub(super) async fn read(
        connection: &mut SqliteConnection,
        vault: &Vault,
        names: &[Names],
    ) -> Result<Self> {
        let stored = read_all(connection).await?;
        let mut compiler = Compiler::new(&stored, vault, names)?;
        let mut tables = Vec::new();
        for (name, found) in &stored {
            if NOT_COPIED.contains(&name.as_str()) {
                continue;
            }
            let columns = found.first().into_iter().flatten().map(|(column, _)| column.clone()).collect();
            tables.push(Table { name: name.clone(), columns });
            for row in found {
                compiler.row(tables.len() - 1, name, row)?;
            }
        }
        for (name, words) in
            [("subject_event", "subject"), ("event_term", "terms"), ("customer_term", "terms")]
        {
            let columns = ["rowid", words].map(str::to_owned).to_vec();
            tables.push(Table { name: name.to_owned(), columns });
        }
        compiler.subject_events(tables.len() - 3)?;
        compiler.terms(tables.len() - 2)?;
        compiler.person_terms(tables.len() - 1)?;
        Ok(Self { tables, orders: compiler.orders })
    }
}

/// Finds out which order a row belongs to, and compiles it.
struct Compiler<'s> {
    stored: &'s Database,
    vault: &'s Vault,
    names: &'s [Names],
    /// The order of each numbered row, and its position among those of the order.
    ids: HashMap<(Kind, i64), (usize, usize)>,
    orders: Vec<Template>,
}

impl<'s> Compiler<'s> {
    fn new(stored: &'s Database, vault: &'s Vault, names: &'s [Names]) -> Result<Self> {
        let orders = vec![Template::default(); names.len()];
        let mut compiler = Self { stored, vault, names, ids: HashMap::new(), orders };
        for row in compiler.rows_of("event") {
            let order = compiler.order_named(text(row, "root").or_else(|| text(row, "entity")));
            let order = order.ok_or_else(|| unknown("event", "its entity is no template's"))?;
            compiler.allot(Kind::Event, order, number(row, "id"));
            compiler.allot(Kind::Inbound, order, number(row, "inbound"));
        }
        for row in compiler.rows_of("delivery") {
            let order = compiler.of_event(number(row, "event"))?;
            compiler.allot(Kind::Delivery, order, number(row, "id"));
            if number(row, "ending").is_some()
                && let (Some(template), Some(connector)) =
                    (compiler.orders.get_mut(order), text(row, "connector"))
            {
                template.settled.push(connector.to_owned());
            }
        }
        for row in compiler.rows_of("personal") {
            let order = compiler.of_event(number(row, "event"))?;
            let subject = number(row, "subject");
            let named = compiler.rows_of("subject").iter().find(|row| number(row, "id") == subject);
            let name = named.and_then(|row| text(row, "name")).unwrap_or_default();
            let name = compiler.text(order, name);
            if let Some(template) = compiler.orders.get_mut(order) {
                template.subject = Some(name);
            }
        }
        Ok(compiler)
    }

    fn rows_of(&self, table: &str) -> &'s [Stored] {
        self.stored.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    /// The order whose first text occurs in a text.
    fn order_named(&self, text: Option<&str>) -> Option<usize> {
        let text = text?;
        self.names.iter().position(|names| names.texts.first().is_some_and(|own| text.contains(own.as_str())))
    }

    fn of_event(&self, event: Option<i64>) -> Result<usize> {
        let known = event.and_then(|event| self.ids.get(&(Kind::Event, event)));
        known
            .map(|(order, _)| *order)
            .ok_or_else(|| unknown("event", "a row refers to an event that is not there"))
    }

    fn allot(&mut self, kind: Kind, order: usize, id: Option<i64>) {
        let (Some(id), Some(template)) = (id, self.orders.get_mut(order)) else { return };
        let count = match kind {
            Kind::Inbound => &mut template.inbounds,
            Kind::Event => &mut template.events,
            Kind::Delivery => &mut template.deliveries,
        };
        self.ids.entry((kind, id)).or_insert_with(|| {
            *count += 1;
            (order, usize::try_from(*count - 1).unwrap_or_default())
        });
    }

    /// The order that a row belongs to: by a number that it has, else by a name.
    fn order_of(&self, table: &str, row: &Stored) -> Result<usize> {
        for (column, value) in row {
            if let (Some(kind), Value::Number(id)) = (kind(table, column), value)
                && let Some((order, _)) = self.ids.get(&(kind, *id))
            {
                return Ok(*order);
            }
        }
        let named = row.iter().find_map(|(_, value)| match value {
            Value::Text(text) => self.order_named(Some(text)),
            _ => None,
        });
        named.ok_or_else(|| unknown(table, "a row belongs to no template"))
    }

    fn row(&mut self, at: usize, table: &str, row: &Stored) -> Result<()> {
        let order = self.order_of(table, row)?;
        let mut cells = Vec::with_capacity(row.len());
        for (column, value) in row {
            cells.push(self.cell(order, table, row, column, value)?);
        }
        if let Some(template) = self.orders.get_mut(order) {
            template.rows.push((at, cells));
        }
        Ok(())
    }

    fn cell(&self, order: usize, table: &str, row: &Stored, column: &str, value: &Value) -> Result<Cell> {
        Ok(match (table, column, value) {
            (_, _, Value::Null) => Cell::Null,
            ("event_key", "key", _) => {
                let event = number(row, "event");
                let event = self.rows_of("event").iter().find(|row| number(row, "id") == event);
                let key = event.and_then(|row| text(row, "key"));
                Cell::EventKey(self.text(order, key.ok_or_else(|| unknown(table, "a key has no event"))?))
            }
            // What identified the request is not stored: another text of the same length does as well.
            ("inbound_key", "key", _) => {
                let mut text = vec![Piece::Own(0)];
                text.push(Piece::Same(format!(" {:?}", number(row, "inbound"))));
                Cell::RequestKey(text)
            }
            ("personal", "sealed", Value::Blob(_)) => {
                let event = number(row, "event").unwrap_or_default();
                let plain = self.plain(row)?;
                let (_, position) = self.ids.get(&(Kind::Event, event)).copied().unwrap_or_default();
                Cell::Personal(self.text(order, &plain), position)
            }
            ("personal" | "event", "subject", Value::Number(_)) => Cell::Subject,
            (_, _, Value::Number(number)) => self.number(table, column, *number)?,
            (_, _, Value::Text(text)) => Cell::Text(self.text(order, text)),
            (_, _, Value::Blob(blob)) => Cell::Blob(blob.clone()),
        })
    }

    fn number(&self, table: &str, column: &str, number: i64) -> Result<Cell> {
        if let Some(kind) = kind(table, column) {
            let (_, position) = self
                .ids
                .get(&(kind, number))
                .ok_or_else(|| unknown(table, format!("{column} {number} is no template's")))?;
            return Ok(Cell::Id(kind, *position));
        }
        let placed_at = self.names.first().map_or(0, |names| names.placed_at);
        Ok(match number {
            number if MILLIS.contains(&number) => Cell::Millis(number - placed_at),
            number if MICROS.contains(&number) => Cell::Micros(number - placed_at * 1000),
            number => Cell::Number(number),
        })
    }

    /// The personal data of a row, as JSON.
    fn plain(&self, row: &Stored) -> Result<String> {
        let (subject, event) = (number(row, "subject"), number(row, "event"));
        let key = self.rows_of("subject").iter().find(|row| number(row, "id") == subject);
        let key = key.and_then(|row| blob(row, "sealed"));
        let (Some(subject), Some(event), Some(key), Some(sealed)) =
            (subject, event, key, blob(row, "sealed"))
        else {
            return Err(unknown("personal", "the data has no key"));
        };
        let plain =
            self.vault.open_key(Bound::SubjectKey(subject), key)?.open(Bound::Personal(event), sealed)?;
        String::from_utf8(plain.to_vec()).map_err(|error| unreadable("personal data", error))
    }

    /// A text with places for what is the order's own. Longer ones first: one may contain another.
    fn text(&self, order: usize, text: &str) -> Text {
        let mut own: Vec<(usize, &String)> =
            self.names.get(order).map(|names| names.texts.iter().enumerate().collect()).unwrap_or_default();
        own.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        let mut pieces = vec![Piece::Same(text.to_owned())];
        for (at, own) in own {
            pieces = pieces
                .into_iter()
                .flat_map(|piece| match piece {
                    Piece::Own(_) => vec![piece],
                    Piece::Same(text) => divided(&text, own, at),
                })
                .collect();
        }
        pieces
    }
}

/// A text divided where `own` occurs.
fn divided(text: &str, own: &str, at: usize) -> Text {
    let mut pieces = Vec::new();
    for (number, part) in text.split(own).enumerate() {
        if number > 0 {
            pieces.push(Piece::Own(at));
        }
        if !part.is_empty() {
            pieces.push(Piece::Same(part.to_owned()));
        }
    }
    pieces
}

/// The kind of number that a column holds.
fn kind(table: &str, column: &str) -> Option<Kind> {
    match (table, column) {
        ("inbound", "id") | (_, "inbound") => Some(Kind::Inbound),
        ("event", "id") | (_, "event" | "carries") => Some(Kind::Event),
        ("delivery", "id") | (_, "delivery" | "joined_to") => Some(Kind::Delivery),
        _ => None,
    }
}
