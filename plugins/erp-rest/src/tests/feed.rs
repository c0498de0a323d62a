//! Polls of the ERP's feed of changes.

use super::*;

const TILL_ORDER: &str = "poslog/acme/order/S03/1/2026-11-23/17";

fn poll(erp: Host, cursor: Option<&str>) -> Result<Page, Failure> {
    let _erp = erp.install();
    SmallErp::poll(cursor.map(str::to_owned), 50)
}

fn feed(after: &str, changes: Value, next: u64) -> Host {
    let page = json!({ "changes": changes, "next": next, "more": true });
    erp().expect(testing::get("/changes").query("after", after).query("limit", "50").respond(200, page))
}

fn one(change: Value) -> Event {
    let page = poll(feed("0", json!([change]), 1), None).unwrap();
    page.events.into_iter().next().unwrap()
}

#[test]
fn the_cursor_is_the_number_of_the_last_change() {
    let page = poll(feed("41", json!([]), 41), Some("41")).unwrap();
    assert_eq!((page.cursor.as_str(), page.more, page.events.len()), ("41", true, 0));
    let Err(Failure::Rejected(problem)) = poll(erp(), Some("yesterday")) else { panic!() };
    assert_eq!(problem.code, "cursor-unreadable");
}

#[test]
fn the_state_of_an_order_is_a_document_of_that_order() {
    let change = |state: &str| {
        json!({ "sequence": 7, "at": "2026-11-23T10:00:00Z", "type": "order", "order": {
            "id": "SO-17", "reference": TILL_ORDER, "state": state, "total": "27.00", "tax": "2.00", "currency": "EUR",
            "lines": [{ "id": "SO-17-1", "line": "11", "article": "4711", "quantity": "2" }] } })
    };
    let event = one(change("accepted"));
    assert_eq!(event.entity.to_string(), "erp-rest/main/document/order-SO-17");
    assert_eq!(event.parent.as_ref().unwrap().to_string(), TILL_ORDER);
    assert_eq!(event.version, Some(Version { at: "2026-11-23T10:00:00Z".into(), sequence: Some(7) }));
    let Fact::DocumentUpdated(document) = event.fact else { panic!() };
    assert_eq!((document.kind, document.state), (DocumentKind::SalesOrder, DocumentState::Accepted));
    assert_eq!(document.lines[0].line.as_deref(), Some("11"));
    assert_eq!(document.total, Some(Money::new("27.00", "EUR")));
    for (stage, state) in [
        ("allocated", DocumentState::Processing),
        ("partially-shipped", DocumentState::Processing),
        ("invoiced", DocumentState::Done),
        ("cancelled", DocumentState::Cancelled),
    ] {
        let Fact::DocumentUpdated(document) = one(change(stage)).fact else { panic!() };
        assert_eq!(document.state, state);
        assert!(document.extensions.unwrap().contains(stage));
    }
}

#[test]
fn a_parcel_is_a_shipment_with_lines_and_tracking() {
    let parcel = json!({ "sequence": 8, "at": "2026-11-23T10:00:00Z", "type": "shipment", "shipment": {
        "id": "SH-1", "order": "SO-17", "reference": ORDER, "state": "shipped", "warehouse": "C1",
        "shippedAt": "2026-11-23T10:00:00Z", "lines": [{ "line": "11", "article": "4711", "quantity": "2" }],
        "carrier": "01", "tracking": "1Z9" } });
    let host =
        feed("0", json!([parcel]), 8).mapping("article", "4711", "TEA-250").mapping("carrier", "01", "UPS");
    let event = poll(host, None).unwrap().events.remove(0);
    assert_eq!(event.parent.as_ref().unwrap().to_string(), ORDER);
    let Fact::ShipmentUpdated(shipment) = event.fact else { panic!() };
    assert_eq!((shipment.state, shipment.location.as_deref()), (ShipmentState::Shipped, Some("C1")));
    let line = ShipmentLine { line: Some("11".into()), sku: Some("TEA-250".into()), quantity: "2".into() };
    assert_eq!(shipment.lines, [line]);
    assert_eq!(
        shipment.tracking,
        [Tracking { carrier: Some("UPS".into()), number: "1Z9".into(), url: None }]
    );
    let mut internal = parcel_without_order();
    internal["shipment"]["reference"] = json!("internal transfer 5");
    assert!(poll(feed("0", json!([internal]), 1), None).unwrap().events.is_empty());
}

fn parcel_without_order() -> Value {
    json!({ "sequence": 1, "at": "2026-11-23T10:00:00Z", "type": "shipment",
        "shipment": { "id": "SH-2", "reference": "", "state": "shipped", "lines": [] } })
}

#[test]
fn stock_invoices_articles_and_prices_become_events() {
    let at = "2026-11-23T10:00:00Z";
    let level = one(json!({ "sequence": 1, "at": at, "type": "stock", "stock": {
        "article": "TEA-250", "warehouse": "C1", "available": "-2", "onHand": "3", "reserved": "5" } }));
    assert_eq!(level.entity.to_string(), "erp-rest/main/stock/C1/TEA-250");
    let Fact::InventoryCounted(level) = level.fact else { panic!() };
    assert_eq!((level.location.as_str(), level.available.as_deref()), ("C1", Some("-2")));
    assert_eq!((level.sku.as_deref(), level.reserved.as_deref()), (Some("TEA-250"), Some("5")));
    let invoice = one(json!({ "sequence": 1, "at": at, "type": "invoice", "invoice": {
        "id": "IN-17", "order": "SO-17", "reference": ORDER, "state": "posted", "date": "2026-11-23",
        "untaxed": "25.00", "tax": "2.00", "total": "27.00", "currency": "EUR" } }));
    let Fact::DocumentUpdated(document) = invoice.fact else { panic!() };
    assert_eq!((document.kind, document.state), (DocumentKind::Invoice, DocumentState::Posted));
    assert_eq!(document.order, invoice.parent);
    let product = json!({ "article": "TEA-250", "title": "Green tea", "active": false });
    let product = one(json!({ "sequence": 1, "at": at, "type": "product", "product": product }));
    assert!(matches!(product.fact, Fact::ProductUpdated(Product { active: false, .. })));
    let price = json!({ "article": "TEA-250", "amount": "9.90", "currency": "EUR", "includesTax": false });
    let price = one(json!({ "sequence": 1, "at": at, "type": "price", "price": price }));
    let Fact::PriceUpdated(price) = price.fact else { panic!() };
    assert_eq!((price.sku.as_str(), price.amount), ("TEA-250", Money::new("9.90", "EUR")));
}

#[test]
fn an_unknown_type_of_change_is_skipped_and_an_unreadable_change_is_named() {
    let unknown = json!([{ "sequence": 1, "at": "2026-11-23T10:00:00Z", "type": "budget", "budget": {} }]);
    assert_eq!(poll(feed("0", unknown, 1), None).unwrap().events.len(), 0);
    let unreadable = json!([{ "sequence": 9, "at": "2026-11-23T10:00:00Z", "type": "stock", "stock": {} }]);
    let Err(Failure::Rejected(problem)) = poll(feed("0", unreadable, 9), None) else { panic!() };
    assert!(problem.message.contains("change 9"), "{problem}");
    let down =
        erp().expect(testing::get("/changes").query("after", "0").query("limit", "50").lose_connection());
    assert!(matches!(poll(down, None), Err(Failure::Unavailable(_))));
}
