//! A small world in which all went well, and what the verdict says when one thing of it did not.

use std::time::Duration;

use rust_decimal::Decimal;

use super::*;
use crate::landscape::fixture::{World, paid};
use crate::shop::catalogue::LOCATIONS;

/// An order of each ERP that left, one of them with goods that came back.
async fn world() -> World {
    let (abroad, home) = (paid(Market::Abroad, true), paid(Market::Home, false));
    let mut world = World::of(&[&abroad, &home]);
    for life in [&abroad, &home] {
        world.send(life, 0..life.facts.len());
    }
    world.book(&home, home.snapshots.len() - 1);
    world.leave(&home);
    world.show_parcel(&home);
    world.fulfil_in_cloud(&abroad).await;
    world.count_stock();
    world
}

#[tokio::test]
async fn a_world_in_which_all_went_well_is_clean() {
    let world = world().await;
    assert_eq!(world.findings(), Vec::<String>::new());
    let judgement = world.judge();
    assert_eq!(judgement.echoes, Echoes::default());
    assert_eq!((judgement.decisions, judgement.changed_after_leaving), (vec![], 0));
    assert_eq!(judgement.exceptions, ExpectedExceptions::default());
}

#[tokio::test]
async fn an_order_in_the_wrong_erp_is_lost_in_one_and_unexpected_in_the_other() {
    let mut world = world().await;
    let stored = world.partner.remove(0);
    world.says("lost", &format!("the partner does not hold {}", stored.po));
    let again = [stored.clone(), stored.clone()];
    world.partner.extend(again);
    world.says("duplicated", "twice");
    world.partner.pop();
    world.partner.push(PurchaseOrder::example("777", stored.lines.clone()));
    world.says("mismatched", "777: it must not be with the partner");
    world.partner.pop();
    world.cloud.orders.clear();
    world.says("lost", "the ERP does not hold it");
}

#[tokio::test]
async fn every_difference_at_the_partner_is_named() {
    type Spoil = fn(&mut PurchaseOrder);
    let spoil: [(&str, &str, Spoil); 14] = [
        ("mismatched", "what is ordered", |stored| stored.lines[0].pieces += Decimal::ONE),
        ("mismatched", "what is ordered", |stored| stored.lines[0].price += Decimal::ONE),
        ("mismatched", "what is ordered", |stored| stored.lines.clear()),
        ("mismatched", "cancelled is true", |stored| stored.cancelled = true),
        ("mismatched", "where it goes", |stored| stored.ship_to = None),
        ("mismatched", "the date", |stored| stored.date = "20200101".to_owned()),
        ("mismatched", "the tax", |stored| stored.lines[0].charges.tax += Decimal::new(1, 2)),
        ("mismatched", "the discount", |stored| stored.charges.discount += Decimal::new(1, 2)),
        ("mismatched", "the freight", |stored| stored.charges.freight += Decimal::new(1, 2)),
        ("mismatched", "the total", |stored| stored.charges.other += Decimal::new(1, 2)),
        ("mismatched", "the warehouse", |stored| stored.warehouse = "L2".to_owned()),
        ("status", "855 × 0", |stored| stored.answered.confirmed = 0),
        ("status", "810 × 2", |stored| stored.answered.invoiced = 2),
        ("status", "the shop shows the parcels", |stored| stored.tracking = Some("other".to_owned())),
    ];
    let mut world = world().await;
    let stored = world.partner[0].clone();
    for (kind, words, spoil) in spoil {
        spoil(&mut world.partner[0]);
        world.says(kind, words);
        world.partner[0] = stored.clone();
    }
    world.violations = Violations { repeated: 1, strangers: vec!["PO-9".into()], ..Violations::default() };
    world.says("mismatched", "control number that was there before");
    world.says("mismatched", "PO-9");
}

/// A till's sale of the north, in which all is returned: what was invoiced stays so.
#[tokio::test]
async fn a_return_after_the_invoice_cancels_no_invoice() {
    let mut world = world().await;
    let stored = &mut world.partner[0];
    stored.lines.clear();
    stored.ship_to = None;
    stored.departure.as_mut().unwrap().shipped = false;
    stored.answered.shipped = 0;
    let status = |world: &World| {
        let found = world.judge().verdict.status;
        found.into_iter().filter(|one| one.reason.contains("810")).collect::<Vec<_>>()
    };
    assert!(status(&world).is_empty(), "{:?}", status(&world));
    world.partner[0].answered.invoiced = 0;
    world.says("status", "810 × 0");
}

#[tokio::test]
async fn wrong_stock_and_echoes_are_found() {
    let mut world = world().await;
    let first = world.cloud_stock.keys().next().unwrap().clone();
    *world.cloud_stock.get_mut(&first).unwrap() += Decimal::ONE;
    world.says("stock", "sales and returns leave");
    world.says("stock", "the ERPs hold");
    *world.cloud_stock.get_mut(&first).unwrap() -= Decimal::ONE;
    world.admin.show("SOAP-OLIVE", LOCATIONS[1], 1);
    world.says("stock", "SOAP-OLIVE at 655441492: the shop shows 1");
    let made = world.shop.orders[0].life.versions()[0];
    let later = made + Duration::from_secs(1);
    world.cloud.orders[0].versions = vec![made.to_string(), later.to_string()];
    world.partner[0].unchanged = 2;
    assert_eq!(world.judge().echoes, Echoes { cloud: 1, partner: 2, shop: 0 });
}

#[tokio::test]
async fn an_entity_is_traced_to_its_order_by_the_ledgers() {
    let world = world().await;
    let (abroad, home) = (&world.shop.orders[0].life, &world.shop.orders[1].life);
    let evidence = world.evidence();
    let of = |entity: &str| evidence.subject(entity);
    assert_eq!(of(&home.reference), Some(home.reference.clone()));
    assert_eq!(of(&abroad.refunds[0].reference), Some(abroad.reference.clone()));
    let po = home.number;
    for entity in [format!("shipment/SH000012/{po}"), format!("document/order-{po}-LG-{po}")] {
        assert_eq!(of(&format!("erp-x12/LEGACYERP/{entity}")), Some(home.reference.clone()), "{entity}");
    }
    for entity in ["shipment/SH-1", "document/SO-1", "document/IN-1"] {
        assert_eq!(of(&format!("erp-rest/main/{entity}")), Some(abroad.reference.clone()), "{entity}");
    }
    assert_eq!(of("erp-rest/main/shipment/SH-99"), None);
    assert_eq!(of("erp-x12/LEGACYERP/stock/LG0001@L1"), None);
    assert_eq!(of("nothing"), None);
}
