//! Polls Tryton for the changes since the last poll: sales, shipments and invoices of the web shop and, when
//! configured, stock levels and articles.
//!
//! Records of each kind are read in the order of their last change and id. A page may end between two records with the
//! same timestamp: the next one continues after the last record's id. Tryton dates a change when it is made and shows
//! it when it is committed, which may be later. So each pass begins `overlap-seconds` before the latest change of the
//! last pass, and leaves out the changes that were read already, by their ids and timestamps. Hence no change is missed
//! that is committed within `overlap-seconds` of its date, unless the passes themselves never end.

use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::catalogue;
use crate::cursor::{Cursor, PageRequest, Pass};
use crate::erp::Erp;
use crate::events::{self, INVOICE_FIELDS, SALE_FIELDS, SHIPMENT_FIELDS, TRACKING_FIELDS};
use crate::identity::LAST_MODIFIED;
use crate::owners::Owners;
use crate::record_kind::RecordKind;
use crate::sale::{self, REVERSAL_FIELDS};
use crate::stock;
use crate::timestamp::Timestamp;
use crate::value;

/// The maximum number of templates in one page: each may have many articles.
const MAX_TEMPLATES: u32 = 5;

/// Reads the next changes.
///
/// # Errors
/// `cursor-unreadable`; or a request failed.
pub fn poll(cursor: Option<&str>, limit: u32, erp: &Erp) -> Result<Page, Failure> {
    let mut cursor: Cursor = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => serde_json::from_str(cursor).map_err(|error| {
            Problem::new("cursor-unreadable", format!("the cursor cannot be read: {error}"))
        })?,
        None => Cursor::default(),
    };
    let kinds = erp.settings.polled_kinds();
    if cursor.ended(&kinds) {
        cursor.begin_passes(&kinds);
    }
    let mut events: Vec<(Timestamp, Event)> = Vec::new();
    for (at, kind) in kinds.iter().enumerate() {
        let remaining = limit.saturating_sub(u32::try_from(events.len()).unwrap_or(limit));
        let share = remaining.div_ceil(u32::try_from(kinds.len().saturating_sub(at)).unwrap_or(1).max(1));
        events.extend(read_kind(*kind, cursor.pass_mut(*kind), share, erp)?);
    }
    events.sort_by_key(|(at, _)| *at);
    let more = !cursor.ended(&kinds);
    let cursor = serde_json::to_string(&cursor)
        .map_err(|error| Problem::new("cursor-unwritable", error.to_string()))?;
    Ok(Page { events: events.into_iter().map(|(_, event)| event).collect(), cursor, more })
}

/// Reads the next changes of a kind: at most about `share` events.
fn read_kind(
    kind: RecordKind,
    pass: &mut Pass,
    share: u32,
    erp: &Erp,
) -> Result<Vec<(Timestamp, Event)>, Failure> {
    match kind {
        RecordKind::Sales => sales(pass, share, erp),
        RecordKind::Shipments => shipments(pass, share, erp),
        RecordKind::Invoices => invoices(pass, share, erp),
        RecordKind::Stock => levels(pass, share, erp),
        RecordKind::Products => articles(pass, share, erp),
        RecordKind::Templates => articles_of_templates(pass, share, erp),
    }
}

fn sales(pass: &mut Pass, limit: u32, erp: &Erp) -> Result<Vec<(Timestamp, Event)>, Failure> {
    let domain = json!([["web_shop", "=", erp.settings.web_shop]]);
    let fields = [REVERSAL_FIELDS.as_slice(), &SALE_FIELDS].concat();
    let request = PageRequest { limit, model: sale::MODEL, domain: &domain, fields: &fields, context: None };
    let sales = pass.read_page(&request, erp)?;
    let owners = Owners::of_sales(&sales, erp)?;
    Ok(sales.iter().filter_map(|record| events::sale(record, &owners, erp)).collect())
}

fn shipments(pass: &mut Pass, limit: u32, erp: &Erp) -> Result<Vec<(Timestamp, Event)>, Failure> {
    let domain = json!([["moves.origin.sale.web_shop", "=", erp.settings.web_shop, "sale.line"]]);
    let tracking = if erp.settings.tracking { TRACKING_FIELDS.as_slice() } else { &[] };
    let fields = [SHIPMENT_FIELDS.as_slice(), tracking].concat();
    let model = "stock.shipment.out";
    let request = PageRequest { limit, model, domain: &domain, fields: &fields, context: None };
    let shipments = pass.read_page(&request, erp)?;
    let moves = shipments.iter().flat_map(|record| value::records(record, "outgoing_moves"));
    let owners = Owners::of_lines(moves, erp)?;
    Ok(shipments.iter().filter_map(|record| events::shipment(record, &owners, erp)).collect())
}

fn invoices(pass: &mut Pass, limit: u32, erp: &Erp) -> Result<Vec<(Timestamp, Event)>, Failure> {
    let domain = json!([["sales.web_shop", "=", erp.settings.web_shop]]);
    let model = "account.invoice";
    let request = PageRequest { limit, model, domain: &domain, fields: &INVOICE_FIELDS, context: None };
    let invoices = pass.read_page(&request, erp)?;
    let lines = invoices.iter().flat_map(|record| value::records(record, "lines"));
    let owners = Owners::of_lines(lines, erp)?;
    Ok(invoices.iter().filter_map(|record| events::invoice(record, &owners, erp)).collect())
}

fn levels(pass: &mut Pass, share: u32, erp: &Erp) -> Result<Vec<(Timestamp, Event)>, Failure> {
    // A move between two warehouses yields a level in each.
    let limit = if share == 0 { 0 } else { (share / 2).clamp(1, stock::MAX_MOVES) };
    let domain = stock::domain();
    let request = PageRequest {
        limit,
        model: stock::MODEL,
        domain: &domain,
        fields: &stock::MOVE_FIELDS,
        context: None,
    };
    let moves = pass.read_page(&request, erp)?;
    Ok(stock::levels(&moves, pass.latest_change(), erp)?)
}

fn articles(pass: &mut Pass, share: u32, erp: &Erp) -> Result<Vec<(Timestamp, Event)>, Failure> {
    let articles = pass.read_page(
        &PageRequest {
            // An article and its price are two events.
            limit: share / 2,
            model: "product.product",
            domain: &catalogue::article_domain(),
            fields: &catalogue::ARTICLE_FIELDS,
            context: Some(&catalogue::context(erp)),
        },
        erp,
    )?;
    Ok(article_events(&articles, erp))
}

fn articles_of_templates(pass: &mut Pass, share: u32, erp: &Erp) -> Result<Vec<(Timestamp, Event)>, Failure> {
    let templates = pass.read_page(
        &PageRequest {
            limit: share.min(MAX_TEMPLATES),
            model: "product.template",
            domain: &catalogue::template_domain(),
            fields: &[LAST_MODIFIED],
            context: None,
        },
        erp,
    )?;
    Ok(article_events(&catalogue::of_templates(&templates, erp)?, erp))
}

fn article_events(articles: &[Value], erp: &Erp) -> Vec<(Timestamp, Event)> {
    articles.iter().flat_map(|record| catalogue::events(record, erp)).collect()
}
