//! Renders copies of templates into batches of rows.

use crossdock_engine::Result;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::Sender;

use super::insert::{Batch, Settled, rows_of_a_batch};
use super::names::{Copies, Names, unknown};
use super::template::{Cell, Kind, Piece, Template, Templates};
use crate::sqlite::rows::digest::key_hash;
use crate::sqlite::statement::Args;
use crate::sqlite::terms;
use crate::vault::{Bound, Sealer, Vault};

/// The last numbers that were used.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    inbound: i64,
    event: i64,
    delivery: i64,
}

/// The rows of a table that are not yet a batch.
#[derive(Default)]
struct Open {
    args: Args,
    rows: usize,
}

/// Makes copies.
pub(super) struct Copier<'t> {
    templates: &'t Templates,
    vault: &'t Vault,
    send: Sender<Batch>,
    used: Used,
    /// The rows of each table, and those of customers behind them.
    open: Vec<Open>,
    /// The keys of customers that were made.
    customers: Vec<Option<(i64, Sealer)>>,
    subjects: i64,
    settled: Settled,
    orders: u64,
}

/// The order that a copy is made of, and what the copy is called.
struct Order<'c> {
    template: &'c Template,
    names: &'c Names,
    before: Used,
    customer: Option<(i64, Sealer)>,
}

impl<'t> Copier<'t> {
    pub(super) fn new(templates: &'t Templates, vault: &'t Vault, send: Sender<Batch>) -> Self {
        let mut open = Vec::new();
        open.resize_with(templates.tables.len() + 1, Open::default);
        Self {
            templates,
            vault,
            send,
            used: Used::default(),
            open,
            customers: Vec::new(),
            subjects: 0,
            settled: Settled::new(),
            orders: 0,
        }
    }

    /// Makes copies of templates in turn.
    pub(super) fn copy(&mut self, copies: Copies, names: &impl Fn(u64) -> Names) -> Result<()> {
        let templates = self.templates.orders.get(copies.templates).unwrap_or_default();
        for (order, template) in copies.orders.zip(templates.iter().cycle()) {
            self.one(template, &names(order))?;
            self.orders += 1;
        }
        Ok(())
    }

    fn one(&mut self, template: &Template, names: &Names) -> Result<()> {
        let customer = self.customer(template, names)?;
        let order = Order { template, names, before: self.used, customer };
        for (table, cells) in &order.template.rows {
            let Some(open) = self.open.get_mut(*table) else { continue };
            for cell in cells {
                add(&mut open.args, cell, &order, self.vault)?;
            }
            open.rows += 1;
            self.flush(*table, cells.len(), false)?;
        }
        for connector in &template.settled {
            *self.settled.entry(connector.clone()).or_default() += 1;
        }
        self.used.inbound += template.inbounds;
        self.used.event += template.events;
        self.used.delivery += template.deliveries;
        Ok(())
    }

    /// The key of the order's customer, made with the first order.
    fn customer(&mut self, template: &Template, names: &Names) -> Result<Option<(i64, Sealer)>> {
        let Some(subject) = &template.subject else { return Ok(None) };
        if self.customers.len() <= names.customer {
            self.customers.resize(names.customer + 1, None);
        }
        let Some(known) = self.customers.get_mut(names.customer) else { return Ok(None) };
        if known.is_none() {
            self.subjects += 1;
            let (sealer, sealed) = self.vault.make_key(Bound::SubjectKey(self.subjects))?;
            *known = Some((self.subjects, sealer));
            let table = self.templates.tables.len();
            if let Some(open) = self.open.get_mut(table) {
                open.args.add(self.subjects).add(rendered(subject, names)).add(sealed);
                open.rows += 1;
            }
            let known = known.clone();
            self.flush(table, 3, false)?;
            return Ok(known);
        }
        Ok(known.clone())
    }

    fn flush(&mut self, table: usize, width: usize, all: bool) -> Result<()> {
        let Some(open) = self.open.get_mut(table) else { return Ok(()) };
        if open.rows == 0 || (!all && open.rows < rows_of_a_batch(width)) {
            return Ok(());
        }
        let Open { args, rows } = std::mem::take(open);
        let batch = Batch { table, rows, args, orders: self.orders };
        self.send.blocking_send(batch).map_err(|_| unknown("a batch", "the database has gone"))
    }

    /// Sends what is left. Answers how many deliveries are settled.
    pub(super) fn finish(mut self) -> Result<Settled> {
        for table in 0..self.open.len() {
            self.flush(table, 0, true)?;
        }
        Ok(self.settled)
    }
}

fn add(args: &mut Args, cell: &Cell, order: &Order<'_>, vault: &Vault) -> Result<()> {
    let customer = || order.customer.as_ref().ok_or_else(|| unknown("personal", "the order has no customer"));
    match cell {
        Cell::Null => args.add(None::<i64>),
        Cell::Number(number) => args.add(*number),
        Cell::Blob(bytes) => args.add(bytes.clone()),
        Cell::Text(text) => args.add(rendered(text, order.names)),
        Cell::Id(kind, position) => args.add(order.id(*kind, *position)),
        Cell::Subject => args.add(customer()?.0),
        Cell::Millis(after) => args.add(order.names.placed_at + after),
        Cell::Micros(after) => args.add(order.names.placed_at * 1000 + after),
        Cell::EventKey(text) => args.add(key_hash(&rendered(text, order.names)).to_vec()),
        Cell::RequestKey(text) => {
            let hash = Sha256::digest(rendered(text, order.names).as_bytes());
            args.add(hash.iter().copied().take(16).collect::<Vec<_>>())
        }
        Cell::Words(terms) => {
            let terms: Vec<_> = terms.iter().map(|term| rendered(term, order.names)).collect();
            args.add(terms::words(&terms))
        }
        Cell::PersonWords(terms) => {
            let words = terms.iter().map(|term| terms::word_of_person(&rendered(term, order.names), vault));
            args.add(words.collect::<Vec<_>>().join(" "))
        }
        Cell::Personal(text, position) => {
            let bound = Bound::Personal(order.id(Kind::Event, *position));
            args.add(customer()?.1.seal(bound, rendered(text, order.names).as_bytes())?)
        }
    };
    Ok(())
}

impl Order<'_> {
    fn id(&self, kind: Kind, position: usize) -> i64 {
        let before = match kind {
            Kind::Inbound => self.before.inbound,
            Kind::Event => self.before.event,
            Kind::Delivery => self.before.delivery,
        };
        before + 1 + i64::try_from(position).unwrap_or_default()
    }
}

fn rendered(text: &[Piece], names: &Names) -> String {
    let mut rendered = String::new();
    for piece in text {
        match piece {
            Piece::Same(same) => rendered.push_str(same),
            Piece::Own(at) => rendered.push_str(names.texts.get(*at).map(String::as_str).unwrap_or_default()),
        }
    }
    rendered
}
