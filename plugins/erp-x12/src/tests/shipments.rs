//! 856: ship notices.

use super::*;

const BODY: &str = "BSN*00*SHP8000002*20261124*0815*0001
    HL*1**S
    TD5**2*UPSN*M*UPS GROUND
    REF*BM*BOL1
    REF*CN*1Z999
    DTM*011*20261124*0930
    N1*SF*MOCK*92*W2
    HL*2*1*O
    PRF*1001***20261123
    HL*3*2*P
    MAN*CP*1Z999-1
    HL*4*3*I
    LIN*1*SK*TEA-250
    SN1*1*1*EA
    HL*5*2*P
    MAN*CP*1Z999-2
    MAN*GM*00123
    HL*6*5*I
    LIN*1*SK*TEA-250
    SN1**1*EA
    HL*7*5*I
    LIN**VP*4712
    SN1*2*2.5*EA
    HL*8*2*I
    LIN*9*SK*GONE
    SN1*9*0*EA
    CTT*8";

fn shipments(host: testing::Host, body: &str) -> Vec<(Event, Shipment)> {
    let events = receive(host, interchange(&[("SH", &[("856", body)])])).unwrap();
    let shipment = |event: Event| match event.fact.clone() {
        Fact::ShipmentUpdated(shipment) => (event, shipment),
        other => panic!("{other:?}"),
    };
    events.into_iter().map(shipment).collect()
}

fn refused(body: &str) -> String {
    let problem = receive(host_with_order(), interchange(&[("SH", &[("856", body)])])).unwrap_err();
    format!("{} {}", problem.code, problem.field.unwrap())
}

#[test]
fn a_shipment_has_its_lines_tracking_numbers_and_location() {
    let host = host_with_order().mapping("article", "4712", "MUG").mapping("carrier", "UPSN", "UPS");
    let (event, shipment) = shipments(host, BODY).remove(0);
    assert_eq!(event.entity.to_string(), "erp-x12/LEGACY/shipment/SHP8000002/1001");
    assert_eq!((event.parent, &shipment.order), (Some(order()), &order()));
    assert_eq!(shipment.number.as_deref(), Some("SHP8000002"));
    assert_eq!(shipment.state, ShipmentState::Shipped);
    assert_eq!(shipment.location.as_deref(), Some("W2"));
    assert_eq!(shipment.shipped_at.as_deref(), Some("2026-11-24T09:30:00-06:00"));
    let line = |line: &str, sku: &str, quantity: &str| ShipmentLine {
        line: Some(line.into()),
        sku: Some(sku.into()),
        quantity: quantity.into(),
    };
    assert_eq!(shipment.lines, [line("11", "TEA-250", "2"), line("12", "MUG", "2.5")]);
    let numbers: Vec<(&str, Option<&str>)> =
        shipment.tracking.iter().map(|one| (one.number.as_str(), one.carrier.as_deref())).collect();
    assert_eq!(numbers, [("1Z999", Some("UPS")), ("1Z999-1", Some("UPS")), ("1Z999-2", Some("UPS"))]);
}

#[test]
fn a_ship_notice_of_two_orders_is_two_shipments() {
    let other = testing::entity(EntityKind::Order, "7");
    let two = "BSN*00*S1*20261124*0815\nHL*1**S\nREF*CN*T0\nHL*2*1*O\nPRF*1001\nREF*CN*T1\nHL*3*2*I\nLIN*1*SK*A\nSN1*1*1*EA\n\
               HL*4*1*O\nPRF*7\nREF*CN*T2\nHL*5*4*I\nLIN*1*SK*B\nSN1*1*3*EA\nHL*6*1*O\nPRF*8\nHL*7*6*I\nSN1*1*3*EA";
    let found =
        shipments(host_with_order().reference(other.clone(), Reference::new("purchase-order", "7")), two);
    let content: Vec<(&str, &str, Vec<&str>)> = found
        .iter()
        .map(|(event, shipment)| {
            let numbers = shipment.tracking.iter().map(|one| one.number.as_str()).collect();
            (event.entity.id.as_str(), shipment.lines[0].sku.as_deref().unwrap(), numbers)
        })
        .collect();
    // Order 8 was not sent to the partner.
    assert_eq!(content, [("S1/1001", "A", vec!["T0", "T1"]), ("S1/7", "B", vec!["T0", "T2"])]);
    assert_eq!(found[1].1.order, other);
}

#[test]
fn a_cancelled_shipment_has_no_time_and_one_without_a_date_has_the_notices() {
    let (_, cancelled) = shipments(host_with_order(), "BSN*01*S1*20261124*0815\nHL*1**O\nPRF*1001").remove(0);
    assert_eq!((cancelled.state, cancelled.shipped_at), (ShipmentState::Cancelled, None));
    let (_, plain) =
        shipments(host_with_order(), "BSN*00*S1*20261124*0815\nHL*1**O\nPRF*1001\nTD5**2*FDEG").remove(0);
    assert_eq!(plain.shipped_at.as_deref(), Some("2026-11-24T08:15:00-06:00"));
    assert_eq!((plain.lines, plain.tracking), (vec![], vec![]));
}

#[test]
fn an_invalid_tree_is_set_aside() {
    assert_eq!(
        refused("BSN*00*S1*20261124*0815\nHL*1*2*S\nHL*2*1*O\nPRF*1001"),
        "hierarchy-broken segments[5].HL02"
    );
    assert_eq!(refused("BSN*00*S1*20261124*0815\nHL*1*1*O\nPRF*1001"), "hierarchy-broken segments[5].HL02");
    assert_eq!(refused("BSN*00*S1*20261124*0815"), "segment-missing segments[3].ST");
    assert_eq!(refused("BSN*00*S1*20261124*0815\nHL*1**O"), "segment-missing segments[5].HL");
    assert_eq!(refused("BSN*00*S1*20261124*0815\nHL*1**O\nPRF"), "element-missing segments[6].PRF01");
    assert_eq!(refused("BSN*00*S1*20261324*0815\nHL*1**O\nPRF*1001"), "invalid-date segments[4].BSN03");
    assert_eq!(refused("BSN*00*S1*20261124*2515\nHL*1**O\nPRF*1001"), "invalid-time segments[4].BSN04");
}
