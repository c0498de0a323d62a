//! Look-ups of writes whose outcome is unknown.

use super::*;

#[test]
fn find_searches_a_create_by_reference() {
    let search = |orders: Value| {
        erp().expect(
            testing::get("/orders").query("reference", ORDER).respond(200, json!({ "orders": orders })),
        )
    };
    assert_eq!(find(search(json!([])), placed()), Found::Absent);
    let present = Found::Present(Receipt::of(Reference::new("order", "SO-17")));
    assert_eq!(find(search(json!([stored_order("open")])), placed()), present, "whatever its content");
    assert!(
        matches!(find(search(json!([stored_order("open"), stored_order("open")])), placed()), Found::Duplicated(ids) if ids.len() == 2)
    );
}

#[test]
fn find_compares_a_change_with_the_orders_content() {
    let get_order =
        |state: &str| erp().expect(testing::get("/orders/SO-17").respond(200, stored_order(state)));
    let present = Found::Present(Receipt::of(Reference::new("order", "SO-17")));
    assert_eq!(find(get_order("paid"), changed(|_| ())), present);
    assert_eq!(find(get_order("open"), changed(|_| ())), Found::Absent);
    let one_more = changed(|order| order.lines[0].quantity = "3".into());
    assert_eq!(find(get_order("paid"), one_more), Found::Absent);
    let without_lines = changed(|order| order.lines.clear());
    assert_eq!(find(get_order("paid"), without_lines), Found::Absent);
}

#[test]
fn find_reports_a_placed_order_as_present_whatever_its_content() {
    let mut work = placed();
    work.references = vec![Reference::new("order", "SO-17")];
    let get_order = erp().expect(testing::get("/orders/SO-17").respond(200, stored_order("cancelled")));
    assert_eq!(find(get_order, work), Found::Present(Receipt::of(Reference::new("order", "SO-17"))));
}

#[test]
fn find_reports_a_cancellation_as_present_when_the_order_is_cancelled() {
    let search = |state: &str| {
        erp().expect(
            testing::get("/orders")
                .query("reference", ORDER)
                .respond(200, json!({ "orders": [stored_order(state)] })),
        )
    };
    assert_eq!(find(search("paid"), cancelled()), Found::Absent);
    assert!(matches!(find(search("cancelled"), cancelled()), Found::Present(_)));
}

#[test]
fn find_searches_a_refund_by_reference() {
    let search = |refunds: Value| {
        erp().expect(
            testing::get("/refunds").query("reference", REFUND).respond(200, json!({ "refunds": refunds })),
        )
    };
    assert_eq!(find(search(json!([])), refunded()), Found::Absent);
    let one =
        json!([{ "id": "CR-5", "order": "SO-17", "reference": REFUND, "amount": "11.00", "lines": [] }]);
    assert_eq!(find(search(one), refunded()), Found::Present(Receipt::of(Reference::new("refund", "CR-5"))));
}

#[test]
fn a_failed_look_up_is_a_failure() {
    let down = erp().expect(testing::get("/orders").query("reference", ORDER).lose_connection());
    assert!(matches!(find(down, placed()), Found::Failed(Failure::Unavailable(_))));
    let unauthorized =
        erp().expect(testing::get("/orders").query("reference", ORDER).respond(401, json!({})));
    assert!(matches!(find(unauthorized, placed()), Found::Failed(Failure::Unauthorized(_))));
}
