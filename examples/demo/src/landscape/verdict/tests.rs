//! A small world in which all went well, and what the verdict says when one thing of it did not.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::erp::document::State;
use crate::erp::{Erp, Options, Weather};
use crate::partner::books::Line;
use crate::partner::reading::Charges;
use crate::shop::life::Profile;

const SHOP: &str = "s.myshopify.com";

struct World {
    shop: shop::Ledger,
    tills: till::Ledger,
    cloud: erp::Held,
    cloud_stock: BTreeMap<Place, Decimal>,
    partner: Vec<PartnerOrder>,
    partner_stock: BTreeMap<Place, Decimal>,
    complaints: Complaints,
    desk: Desk,
}

impl World {
    fn judge(&self) -> (Verdict, Echoes) {
        let evidence = Evidence {
            shop: &self.shop,
            tills: &self.tills,
            cloud: &self.cloud,
            cloud_stock: &self.cloud_stock,
            partner: &self.partner,
            partner_stock: &self.partner_stock,
            complaints: &self.complaints,
            desk: &self.desk,
        };
        (evidence.judge(), evidence.echoes())
    }

    fn says(&self, kind: &str, words: &str) {
        let (verdict, _) = self.judge();
        let found: Vec<String> =
            verdict.findings().map(|(kind, finding)| format!("{kind}: {finding}")).collect();
        assert!(
            found.iter().any(|one| one.starts_with(kind) && one.contains(words)),
            "{kind} {words}: {found:#?}"
        );
    }
}

/// A life of this market whose goods leave, with a refund of goods.
fn life(market: Market, refunded: bool) -> Arc<Life> {
    let mut serials = 100_000_000..100_100_000;
    let life = |serial| Life::new(SHOP, 1, serial, Plant::Good, Profile::Varied);
    let wanted = |life: &Life| {
        let last = life.last().unwrap();
        let counted = |line: &erp::document::Line| {
            line.sku.as_deref().is_some_and(|sku| counted().any(|one| one == sku))
        };
        life.market() == market
            && last.state == State::Paid
            && last.ship_to.is_some()
            && last.lines.iter().all(counted)
            && (life.refunds.iter().any(|refund| refund.lines.iter().any(|line| line.is_restocked()))
                == refunded)
            && (refunded || life.refunds.is_empty())
    };
    Arc::new(serials.find_map(|serial| Some(life(serial)).filter(&wanted)).unwrap())
}

async fn world() -> World {
    let (abroad, home) = (life(Market::Abroad, true), life(Market::Home, false));
    let mut shop = shop::Ledger::default();
    let mut desk = Desk::new(0);
    for life in [&abroad, &home] {
        shop.open(Arc::clone(life));
        (0..life.facts.len()).for_each(|fact| drop(desk.tell(life, fact)));
    }
    // The cloud ERP books, sends and takes back.
    let shelves = super::super::articles::shelves(Home::Cloud);
    let fulfil_after = Some(Duration::from_millis(30));
    let erp = Options { weather: Weather::calm(), shelves, fulfil_after, ..Options::stormy("t", 1) };
    let erp = Erp::start(erp).await.unwrap();
    let client = crate::client::Client::new(Duration::from_secs(1), Duration::from_secs(5));
    let post = async |path: &str, body: serde_json::Value| {
        let url = format!("{}{path}", erp.url());
        assert_eq!(client.json(hyper::Method::POST, &url, "t", &body).await.unwrap().0, 201);
    };
    post("/orders", serde_json::to_value(in_cloud_words(abroad.last().unwrap())).unwrap()).await;
    for refund in &abroad.refunds {
        post("/orders/SO-1/refunds", serde_json::to_value(refund).unwrap()).await;
    }
    while erp.unshipped() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let parcels: Vec<String> =
        erp.held().orders[0].parcels.iter().map(|parcel| parcel.tracking.clone()).collect();
    // The partner has its own.
    let last = home.last().unwrap();
    let lines = last.lines.iter().enumerate().map(|(at, line)| Line {
        number: (at + 1).to_string(),
        article: line.sku.as_deref().map(|sku| article(Home::Legacy, sku)),
        pieces: line.quantity,
        price: line.unit_price,
        charges: Charges { discount: line.discount, tax: line.tax, ..Charges::default() },
        shelved: true,
        rejected: None,
    });
    let mut held = PartnerOrder::example(&home.number.to_string(), lines.collect());
    let place = last.ship_to.clone().unwrap();
    held.ship_to = Some((place.city.unwrap(), place.postcode.unwrap(), place.country.unwrap()));
    held.warehouse = "L1".to_owned();
    held.date = last.ordered_at[..10].replace('-', "");
    held.charges =
        Charges { tax: last.shipping_tax, freight: last.shipping, other: last.tips, discount: Decimal::ZERO };
    held.left = Some(true);
    held.tracking = Some("1Z888".to_owned());
    held.answered = Answered { acknowledged: 1, confirmed: 1, shipped: 1, invoiced: 1 };
    let mut partner_stock: BTreeMap<Place, Decimal> = BTreeMap::new();
    for sku in counted() {
        for location in [0, 1] {
            let place = (article(Home::Legacy, sku), Home::Legacy.warehouse(location).to_owned());
            partner_stock.insert(place, Decimal::from(PIECES));
        }
    }
    for line in &held.lines {
        *partner_stock.get_mut(&(line.article.clone().unwrap(), "L1".to_owned())).unwrap() -= line.pieces;
    }
    // The shop was told.
    let cloud_stock = erp.stock();
    for (sku, (at, location)) in
        counted().flat_map(|sku| LOCATIONS.iter().enumerate().map(move |one| (sku, one)))
    {
        let of = |home: Home, stock: &BTreeMap<Place, Decimal>| {
            stock[&(article(home, sku), home.warehouse(at).to_owned())]
        };
        let together = of(Home::Legacy, &partner_stock) + of(Home::Cloud, &cloud_stock);
        desk.show(sku, *location, together.try_into().unwrap());
    }
    desk.sent(&abroad, parcels);
    desk.sent(&home, vec!["1Z888".to_owned()]);
    let cloud = erp.held();
    let (tills, complaints) = (till::Ledger::default(), Complaints::default());
    World { shop, tills, cloud, cloud_stock, partner: vec![held], partner_stock, complaints, desk }
}

#[tokio::test]
async fn a_world_in_which_all_went_well_is_clean() {
    let world = world().await;
    let (verdict, echoes) = world.judge();
    assert!(
        verdict.is_clean() && echoes == Echoes::default(),
        "{:#?}",
        verdict.findings().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_order_in_the_wrong_books_is_lost_in_one_and_a_stranger_in_the_other() {
    let mut world = world().await;
    let held = world.partner.remove(0);
    world.says("lost", &format!("the partner does not hold {}", held.po));
    let again = [held.clone(), held.clone()];
    world.partner.extend(again);
    world.says("duplicated", "twice");
    world.partner.pop();
    world.partner.push(PartnerOrder::example("777", held.lines.clone()));
    world.says("mismatched", "777: it must not be with the partner");
    world.partner.pop();
    world.cloud.orders.clear();
    world.says("lost", "the ERP does not hold it");
}

#[tokio::test]
async fn every_difference_at_the_partner_is_named() {
    type Spoil = fn(&mut PartnerOrder);
    let spoil: [(&str, &str, Spoil); 14] = [
        ("mismatched", "what is ordered", |held| held.lines[0].pieces += Decimal::ONE),
        ("mismatched", "what is ordered", |held| held.lines[0].price += Decimal::ONE),
        ("mismatched", "what is ordered", |held| held.lines.clear()),
        ("mismatched", "cancelled is true", |held| held.cancelled = true),
        ("mismatched", "where it goes", |held| held.ship_to = None),
        ("mismatched", "the date", |held| held.date = "20200101".to_owned()),
        ("mismatched", "the tax", |held| held.lines[0].charges.tax += Decimal::new(1, 2)),
        ("mismatched", "the discount", |held| held.charges.discount += Decimal::new(1, 2)),
        ("mismatched", "the freight", |held| held.charges.freight += Decimal::new(1, 2)),
        ("mismatched", "the total", |held| held.charges.other += Decimal::new(1, 2)),
        ("mismatched", "the warehouse", |held| held.warehouse = "L2".to_owned()),
        ("status", "855 × 0", |held| held.answered.confirmed = 0),
        ("status", "810 × 2", |held| held.answered.invoiced = 2),
        ("status", "the shop shows the parcels", |held| held.tracking = Some("other".to_owned())),
    ];
    for (kind, words, spoil) in spoil {
        let mut world = world().await;
        spoil(&mut world.partner[0]);
        world.says(kind, words);
    }
    let mut world = world().await;
    world.complaints = Complaints { repeated: 1, strangers: vec!["PO-9".into()], ..Complaints::default() };
    world.says("mismatched", "control number that was there before");
    world.says("mismatched", "PO-9");
}

/// A till's sale of the north, in which all comes back: what was invoiced stays so.
#[tokio::test]
async fn what_comes_back_after_the_invoice_takes_no_invoice_back() {
    let mut world = world().await;
    let held = &mut world.partner[0];
    held.lines.clear();
    (held.ship_to, held.left) = (None, Some(false));
    held.answered.shipped = 0;
    let status = |world: &World| {
        let found = world.judge().0.status;
        found.into_iter().filter(|one| one.reason.contains("810")).collect::<Vec<_>>()
    };
    assert!(status(&world).is_empty(), "{:?}", status(&world));
    world.partner[0].answered.invoiced = 0;
    world.says("status", "810 × 0");
}

#[test]
fn a_write_is_an_echo_when_no_customer_did_anything_new() {
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let (made, write) = ([at(10), at(20)], |second: i64| at(second).to_string());
    assert_eq!(echoes(&[write(10), write(20)], &made), 0);
    assert_eq!(echoes(&[write(15), write(25)], &made), 0, "each takes along what the customer did");
    assert_eq!(echoes(&[write(15), write(15)], &made), 0, "what was not answered is written again");
    assert_eq!(echoes(&[write(10), write(15), write(20), write(25), write(26)], &made), 3);
    assert_eq!(echoes(&["never".to_owned()], &made), 1);
}

#[tokio::test]
async fn stock_that_is_wrong_anywhere_is_found_and_so_is_an_echo() {
    let mut world = world().await;
    *world.cloud_stock.values_mut().next().unwrap() += Decimal::ONE;
    world.says("stock", "sales and returns leave");
    world.says("stock", "the ERPs hold");
    let mut world = self::world().await;
    world.desk.show("SOAP-OLIVE", LOCATIONS[1], 1);
    world.says("stock", "SOAP-OLIVE at 655441492: the shop shows 1");
    let made = world.shop.orders[0].life.versions()[0];
    let later = made + Duration::from_secs(1);
    world.cloud.orders[0].versions = vec![made.to_string(), later.to_string()];
    world.partner[0].idle = 2;
    assert_eq!(world.judge().1, Echoes { cloud: 1, partner: 2, shop: 0 });
}
