//! What happened in Tryton since the last time: sales, shipments and invoices of the web shop.
//!
//! Each of the three is read in the order of its last change and its id. A page ends between two records, never
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
use crate::cancel;
use crate::events::{CHANGED, INVOICE, Owners, SALE, SHIPMENT, TRACKING, invoice, place, sale, shipment};
use crate::value::{self, Moment};

/// Where each of the three passes stands. It is handed in and out, and means nothing to anybody else.
#[derive(Default, Serialize, Deserialize)]
struct Cursor {
    sales: Pass,
    shipments: Pass,
    invoices: Pass,
}

#[derive(Default, Serialize, Deserialize)]
struct Pass {
    /// The last record of a page that another one follows. Absent between passes.
    after: Option<(Moment, i64)>,
    /// The latest change that was seen.
    high: Option<Moment>,
    /// What was told of the time that the next pass reads again.
    told: BTreeMap<i64, Moment>,
    /// Whether this pass has come to its end, and rests until the others have too: otherwise the three would
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
    if cursor.ended() {
        for pass in [&mut cursor.sales, &mut cursor.shipments, &mut cursor.invoices] {
            pass.ended = false;
        }
    }
    let shop = erp.settings.web_shop;
    let mut facts: Vec<(Moment, Event)> = Vec::new();
    let share = |facts: &[(Moment, Event)], passes| {
        limit.saturating_sub(u32::try_from(facts.len()).unwrap_or(limit)).div_ceil(passes)
    };

    let of_shop = json!(["web_shop", "=", shop]);
    let fields = [cancel::FIELDS.as_slice(), &SALE].concat();
    let sales = cursor.sales.read(share(&facts, 3), "sale.sale", &of_shop, &fields, erp)?;
    let owners = Owners::of_sales(&sales, erp)?;
    facts.extend(sales.iter().filter_map(|record| sale(record, &owners, erp)));

    let of_shop = json!(["moves.origin.sale.web_shop", "=", shop, "sale.line"]);
    let tracking = if erp.settings.tracking { TRACKING.as_slice() } else { &[] };
    let fields = [SHIPMENT.as_slice(), tracking].concat();
    let shipments = cursor.shipments.read(share(&facts, 2), "stock.shipment.out", &of_shop, &fields, erp)?;
    let moves = shipments.iter().flat_map(|record| value::records(record, "outgoing_moves"));
    let owners = Owners::of_lines(moves, erp)?;
    facts.extend(shipments.iter().filter_map(|record| shipment(record, &owners, erp)));

    let of_shop = json!(["sales.web_shop", "=", shop]);
    let invoices = cursor.invoices.read(share(&facts, 1), "account.invoice", &of_shop, &INVOICE, erp)?;
    let lines = invoices.iter().flat_map(|record| value::records(record, "lines"));
    let owners = Owners::of_lines(lines, erp)?;
    facts.extend(invoices.iter().filter_map(|record| invoice(record, &owners, erp)));

    facts.sort_by_key(|(at, _)| *at);
    let more = !cursor.ended();
    let cursor = serde_json::to_string(&cursor)
        .map_err(|error| Problem::new("cursor-unwritable", error.to_string()))?;
    Ok(Page { events: facts.into_iter().map(|(_, event)| event).collect(), cursor, more })
}

impl Cursor {
    /// Whether everything there is has been read.
    fn ended(&self) -> bool {
        [&self.sales, &self.shipments, &self.invoices].iter().all(|pass| pass.ended)
    }
}

impl Pass {
    /// Reads the next page, moves on, and leaves out what was told already.
    fn read(
        &mut self,
        limit: u32,
        model: &str,
        of_shop: &Value,
        fields: &[&str],
        erp: &Erp,
    ) -> Result<Vec<Value>, Error> {
        // Nothing is left of the page when the others have filled it.
        if self.ended || limit == 0 {
            return Ok(Vec::new());
        }
        let overlap = erp.settings.overlap_seconds;
        let mut domain = vec![of_shop.clone()];
        if let Some((at, id)) = self.after {
            let at = at.ask();
            domain.push(json!(["OR", [CHANGED, ">", at], [[CHANGED, "=", at], ["id", ">", id]]]));
        } else if let Some(high) = self.high {
            domain.push(json!([CHANGED, ">=", high.earlier(overlap).ask()]));
        }
        let order = json!([[CHANGED, "ASC"], ["id", "ASC"]]);
        let page = erp.rest.first(limit, model, &json!(domain), &order, fields)?;
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
