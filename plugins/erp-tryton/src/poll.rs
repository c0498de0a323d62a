//! What happened in Tryton since the last time: sales, shipments and invoices of the web shop, and as the operator
//! wants it what the warehouses hold and what is sold.
//!
//! Each kind is read in the order of its last change and its id. A page ends between two records, never
//! between two moments, so records of one moment are not lost. Tryton dates a change when it is made and shows
//! it when it is committed, which may be later: when a pass has come to its end, the next one begins a little
//! before, and what was told already is known by its id and moment and left out. So nothing is missed that is
//! committed within `overlap-seconds` of its date, unless the passes themselves never come to an end.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Erp;
use crate::events::{CHANGED, INVOICE, Owners, SALE, SHIPMENT, TRACKING, invoice, place, sale, shipment};
use crate::value::{self, Moment};
use crate::{cancel, catalogue, stock};

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Sales, as documents.
    Sales,
    /// Shipments.
    Shipments,
    /// Invoices and credit memos, as documents.
    Invoices,
    /// What the warehouses hold.
    Stock,
    /// Articles and their base prices.
    Products,
    /// The same, where what changed is the template. Told with the articles.
    #[serde(skip_deserializing)]
    Templates,
}

impl Kind {
    /// What is told when the operator does not say.
    pub const USUAL: [Self; 3] = [Self::Sales, Self::Shipments, Self::Invoices];
}

/// Where the pass of each kind stands. It is handed in and out, and means nothing to anybody else.
#[derive(Default, Serialize, Deserialize)]
struct Cursor {
    #[serde(default)]
    sales: Pass,
    #[serde(default)]
    shipments: Pass,
    #[serde(default)]
    invoices: Pass,
    #[serde(default)]
    stock: Pass,
    #[serde(default)]
    products: Pass,
    #[serde(default)]
    templates: Pass,
}

#[derive(Default, Serialize, Deserialize)]
struct Pass {
    /// The last record of a page that another one follows. Absent between passes.
    after: Option<(Moment, i64)>,
    /// The latest change that was seen.
    high: Option<Moment>,
    /// What was told of the time that the next pass reads again.
    told: BTreeMap<i64, Moment>,
    /// Whether this pass has come to its end, and rests until the others have too: otherwise the kinds would
    /// wait for one another to end at the same time.
    ended: bool,
}

/// Reads the next changes.
///
/// # Errors
/// `cursor-unreadable`; or Tryton could not be asked.
pub fn poll(cursor: Option<&str>, limit: u32, erp: &Erp) -> Result<Page, Failure> {
    let mut cursor: Cursor = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => serde_json::from_str(cursor).map_err(|error| {
            Problem::new("cursor-unreadable", format!("the cursor cannot be read: {error}"))
        })?,
        None => Cursor::default(),
    };
    let kinds = erp.settings.kinds();
    if cursor.ended(&kinds) {
        for kind in &kinds {
            cursor.pass(*kind).ended = false;
        }
    }
    let mut facts: Vec<(Moment, Event)> = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        let left = limit.saturating_sub(u32::try_from(facts.len()).unwrap_or(limit));
        let share = left.div_ceil(u32::try_from(kinds.len().saturating_sub(at)).unwrap_or(1).max(1));
        facts.extend(tell(*kind, cursor.pass(*kind), share, erp)?);
    }
    facts.sort_by_key(|(at, _)| *at);
    let more = !cursor.ended(&kinds);
    let cursor = serde_json::to_string(&cursor)
        .map_err(|error| Problem::new("cursor-unwritable", error.to_string()))?;
    Ok(Page { events: facts.into_iter().map(|(_, event)| event).collect(), cursor, more })
}

/// Reads what is new of one kind, at most so many events.
fn tell(kind: Kind, pass: &mut Pass, share: u32, erp: &Erp) -> Result<Vec<(Moment, Event)>, Failure> {
    let shop = erp.settings.web_shop;
    let mut facts = Vec::new();
    match kind {
        Kind::Sales => {
            let fields = [cancel::FIELDS.as_slice(), &SALE].concat();
            let sales =
                pass.read(share, "sale.sale", &json!([["web_shop", "=", shop]]), &fields, None, erp)?;
            let owners = Owners::of_sales(&sales, erp)?;
            facts.extend(sales.iter().filter_map(|record| sale(record, &owners, erp)));
        }
        Kind::Shipments => {
            let of_shop = json!([["moves.origin.sale.web_shop", "=", shop, "sale.line"]]);
            let tracking = if erp.settings.tracking { TRACKING.as_slice() } else { &[] };
            let fields = [SHIPMENT.as_slice(), tracking].concat();
            let shipments = pass.read(share, "stock.shipment.out", &of_shop, &fields, None, erp)?;
            let moves = shipments.iter().flat_map(|record| value::records(record, "outgoing_moves"));
            let owners = Owners::of_lines(moves, erp)?;
            facts.extend(shipments.iter().filter_map(|record| shipment(record, &owners, erp)));
        }
        Kind::Invoices => {
            let of_shop = json!([["sales.web_shop", "=", shop]]);
            let invoices = pass.read(share, "account.invoice", &of_shop, &INVOICE, None, erp)?;
            let lines = invoices.iter().flat_map(|record| value::records(record, "lines"));
            let owners = Owners::of_lines(lines, erp)?;
            facts.extend(invoices.iter().filter_map(|record| invoice(record, &owners, erp)));
        }
        Kind::Stock => {
            // A move from one warehouse to another is counted in both.
            let most = if share == 0 { 0 } else { (share / 2).clamp(1, stock::MOST) };
            let moves = pass.read(most, stock::MODEL, &stock::domain(), &stock::MOVE, None, erp)?;
            facts.extend(stock::levels(&moves, pass.high, erp)?);
        }
        Kind::Products => {
            let domain = catalogue::articles();
            let context = catalogue::context(erp);
            // An article and its price are two events.
            let articles =
                pass.read(share / 2, "product.product", &domain, &catalogue::ARTICLE, Some(&context), erp)?;
            facts.extend(articles.iter().flat_map(|record| catalogue::tell(record, erp)));
        }
        Kind::Templates => {
            let most = share.min(TEMPLATES);
            let domain = catalogue::templates();
            let changed = pass.read(most, "product.template", &domain, &[CHANGED], None, erp)?;
            let articles = catalogue::of_templates(&changed, erp)?;
            facts.extend(articles.iter().flat_map(|record| catalogue::tell(record, erp)));
        }
    }
    Ok(facts)
}

/// How many templates are asked for at once: each may have many articles.
const TEMPLATES: u32 = 5;

impl Cursor {
    /// Whether everything there is has been read.
    fn ended(&mut self, kinds: &[Kind]) -> bool {
        kinds.iter().all(|kind| self.pass(*kind).ended)
    }

    fn pass(&mut self, kind: Kind) -> &mut Pass {
        match kind {
            Kind::Sales => &mut self.sales,
            Kind::Shipments => &mut self.shipments,
            Kind::Invoices => &mut self.invoices,
            Kind::Stock => &mut self.stock,
            Kind::Products => &mut self.products,
            Kind::Templates => &mut self.templates,
        }
    }
}

impl Pass {
    /// Reads the next page, moves on, and leaves out what was told already.
    fn read(
        &mut self,
        limit: u32,
        model: &str,
        domain: &Value,
        fields: &[&str],
        context: Option<&Value>,
        erp: &Erp,
    ) -> Result<Vec<Value>, Error> {
        // Nothing is left of the page when the others have filled it.
        if self.ended || limit == 0 {
            return Ok(Vec::new());
        }
        let overlap = erp.settings.overlap_seconds;
        let mut domain = domain.as_array().cloned().unwrap_or_default();
        if let Some((at, id)) = self.after {
            let at = at.ask();
            domain.push(json!(["OR", [CHANGED, ">", at], [[CHANGED, "=", at], ["id", ">", id]]]));
        } else if let Some(high) = self.high {
            domain.push(json!([CHANGED, ">=", high.earlier(overlap).ask()]));
        }
        let order = json!([[CHANGED, "ASC"], ["id", "ASC"]]);
        let page = erp.rest.first(limit, context, model, &json!(domain), &order, fields)?;
        let places: Vec<(Moment, i64)> = page.iter().filter_map(place).collect();
        let full = page.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        self.ended = !full;
        self.after = places.last().copied().filter(|_| full);
        self.high = places.iter().map(|(at, _)| *at).chain(self.high).max();
        let fresh = page
            .into_iter()
            .filter(|record| place(record).is_some_and(|(at, id)| self.tell(at, id)))
            .collect();
        if let Some(high) = self.high {
            self.told.retain(|_, at| *at >= high.earlier(overlap));
        }
        Ok(fresh)
    }

    /// Whether this change of the record is new.
    fn tell(&mut self, at: Moment, id: i64) -> bool {
        self.told.insert(id, at) != Some(at)
    }
}
