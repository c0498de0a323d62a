//! The rows of template orders: what is the same in every copy, and what is put in its place.

/// A text with places for what differs.
pub(super) type Text = Vec<Piece>;

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Same(String),
    /// The text of this number of [`Names::texts`].
    Own(usize),
}

/// How a cell of a copy is made.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Null,
    Number(i64),
    Blob(Vec<u8>),
    Text(Text),
    /// A number of the copy: the event, delivery or inbound of this position.
    Id(Kind, usize),
    /// The number of the customer's key.
    Subject,
    /// Milliseconds, or microseconds, after the order was placed.
    Millis(i64),
    Micros(i64),
    /// The idempotency key of an event.
    EventKey(Text),
    /// What identified a request.
    RequestKey(Text),
    /// The words of the search terms of an event.
    Words(Vec<Text>),
    /// The words of the search terms of a person.
    PersonWords(Vec<Text>),
    /// Personal data of the event of this position, sealed for the customer.
    Personal(Text, usize),
}

/// Rows that are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Inbound,
    Event,
    Delivery,
}

/// A table and its columns.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// One order.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    /// Rows, each with the position of its table.
    pub(super) rows: Vec<(usize, Vec<Cell>)>,
    /// How many numbers of each kind a copy takes.
    pub(super) inbounds: i64,
    pub(super) events: i64,
    pub(super) deliveries: i64,
    /// The name of the customer, where the template has personal data.
    pub(super) subject: Option<Text>,
    /// The connectors of settled deliveries.
    pub(super) settled: Vec<String>,
}

pub(super) struct Templates {
    pub(super) tables: Vec<Table>,
    pub(super) orders: Vec<Template>,
}
