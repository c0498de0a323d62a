use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;

use super::*;
use crate::erp::document::{self, State};
use crate::erp::{Erp, Options};
use crate::shop::life::{Life, Profile};

const SHOP: &str = "s.myshopify.com";

/// A life that has what the test needs.
fn life(wanted: impl Fn(&Life) -> bool) -> Arc<Life> {
    let mut serials = 100_000_000..100_010_000;
    let life = |serial| Life::new(SHOP, 1, serial, Plant::Good, Profile::Varied);
    Arc::new(serials.find_map(|serial| Some(life(serial)).filter(&wanted)).unwrap())
}

fn ledger(life: &Arc<Life>) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.open(Arc::clone(life));
    ledger
}

/// The documents of an ERP that these orders and refunds were posted to.
async fn documents(orders: &[document::Order], refunds: &[document::Refund]) -> Documents {
    let mut options = Options::fast("t");
    options.keep_documents = true;
    let erp = Erp::start(options).await.unwrap();
    let client = crate::client::Client::new(Duration::from_secs(1), Duration::from_secs(5));
    let post = async |path: &str, body| {
        let url = format!("{}{path}", erp.url());
        let (status, _) = client.json(hyper::Method::POST, &url, "t", &body).await.unwrap();
        assert_eq!(status, 201);
    };
    for order in orders {
        post("/orders", serde_json::to_value(order).unwrap()).await;
    }
    for refund in refunds {
        post("/orders/SO-1/refunds", serde_json::to_value(refund).unwrap()).await;
    }
    erp.held()
}

fn reasons(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn documents_held_once_and_final_are_clean_and_others_are_named() {
    let life = life(|life| life.refunds.len() == 1 && !life.refunds[0].lines.is_empty());
    let (order, refund) = (life.last().unwrap().clone(), life.refunds[0].clone());
    let ledger = ledger(&life);

    let all = documents(from_ref(&order), from_ref(&refund)).await;
    assert_eq!(verify(&ledger, &all), Verdict::default());

    let nothing = verify(&ledger, &Documents::default());
    assert_eq!(nothing.lost.len(), 2);
    let twice =
        verify(&ledger, &documents(&[order.clone(), order.clone()], &[refund.clone(), refund.clone()]).await);
    assert_eq!((twice.duplicated.len(), twice.lost.len(), twice.mismatched.len()), (2, 0, 0));
    assert!(reasons(&twice.duplicated).contains("SO-2 beside SO-1"));

    let mut other = order.clone();
    other.reference = "shopify/s.myshopify.com/order/1".to_owned();
    let stranger = verify(&ledger, &documents(&[order.clone(), other], from_ref(&refund)).await);
    assert!(reasons(&stranger.mismatched).contains("order/1: SO-2 must not be in the ERP"));

    let mut wrong = refund.clone();
    wrong.amount += Decimal::new(1, 2);
    wrong.lines[0].restock_type = "nowhere".to_owned();
    wrong.lines[0].subtotal = None;
    let wrong = verify(&ledger, &documents(&[order], &[wrong]).await);
    let text = reasons(&wrong.mismatched);
    assert!(
        text.contains("amount is") && text.contains("restockType") && !text.contains("subtotal"),
        "{text}"
    );
}

#[test]
fn every_field_that_matters_is_compared_and_numbers_by_value() {
    let life = life(|life| life.last().unwrap().ship_to.is_some());
    let expected = life.last().unwrap();
    type Spoil = fn(&mut document::Order);
    let spoil: [(&str, Spoil); 18] = [
        ("state", |o| o.state = State::Cancelled),
        ("currency", |o| o.currency = "XTS".to_owned()),
        ("total", |o| o.total += Decimal::new(1, 2)),
        ("tax", |o| o.tax += Decimal::new(1, 2)),
        ("taxIncluded", |o| o.tax_included = !o.tax_included),
        ("shipping", |o| o.shipping += Decimal::ONE),
        ("shippingTax", |o| o.shipping_tax += Decimal::ONE),
        ("tips", |o| o.tips += Decimal::ONE),
        ("duties", |o| o.duties += Decimal::ONE),
        ("rounding", |o| o.rounding += Decimal::ONE),
        ("sku", |o| o.lines[0].sku = Some("OTHER".to_owned())),
        ("quantity", |o| o.lines[0].quantity += Decimal::ONE),
        ("unitPrice", |o| o.lines[0].unit_price += Decimal::ONE),
        ("discount", |o| o.lines[0].discount += Decimal::ONE),
        ("tax of line", |o| o.lines[0].tax += Decimal::ONE),
        ("is missing", |o| o.lines[0].line = "7".to_owned()),
        ("number of lines", |o| o.lines.push(o.lines[0].clone())),
        ("shipTo", |o| o.ship_to = None),
    ];
    for (name, spoil) in spoil {
        let mut stored = expected.clone();
        spoil(&mut stored);
        let found = order_differences(expected, &stored).join("; ");
        assert!(found.contains(name), "{name}: {found}");
    }
    let mut same = expected.clone();
    same.total.rescale(6);
    same.ordered_at = "another spelling".to_owned();
    same.customer = None;
    same.ship_to.as_mut().unwrap().line1 = None;
    assert_eq!(order_differences(expected, &same), Vec::<String>::new());
}

#[tokio::test]
async fn a_cancelled_order_may_be_absent_but_not_open() {
    let life = life(|life| life.last().unwrap().state == State::Cancelled && life.snapshots.len() == 2);
    let ledger = ledger(&life);
    let absent = verify(&ledger, &Documents::default());
    assert!(absent.is_clean());
    assert_eq!(absent.cancelled_unsent, 1);
    let open = verify(&ledger, &documents(&life.snapshots[..1], &[]).await);
    assert!(reasons(&open.mismatched).contains("state is Open, must be Cancelled"));
}
