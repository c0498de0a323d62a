use proptest::prelude::*;

use super::*;
use crate::attributes::fingerprint;

use Attribute::{OrderContent, OrderTags, ShipmentState, ShipmentTracking, StockAvailable};

fn fingerprints(values: &[(Attribute, &str)]) -> Fingerprints {
    let mut fingerprints = Fingerprints::default();
    for (attribute, value) in values {
        fingerprints.set(*attribute, fingerprint(value));
    }
    fingerprints
}

fn order(content: &str, tags: &str) -> Fingerprints {
    fingerprints(&[(OrderContent, content), (OrderTags, tags)])
}

fn news() -> Verdict {
    Verdict::News { disputed: vec![] }
}

const SHOP: Reporter<'static> =
    Reporter { connector: "shopify-us", system: "shopify", class: Some(Class::Channel) };

#[test]
fn a_written_value_that_is_reported_back_is_an_echo() {
    let level = |value| fingerprints(&[(StockAvailable, value)]);
    let written = level("5");
    assert_eq!(classify(&level("5"), &written, None, &[], false), Verdict::Echo);
    // Reported once more, by another webhook.
    assert_eq!(classify(&level("5"), &written, Some(&level("5")), &[], false), Verdict::Echo);
    assert_eq!(classify(&level("4"), &written, Some(&level("5")), &[], false), news());
}

#[test]
fn an_order_that_only_reports_our_tag_back_is_an_echo_even_if_its_content_is_repeated() {
    let written = fingerprints(&[(OrderTags, "SO-1")]);
    let placed = order("A", "");
    assert_eq!(classify(&order("A", "SO-1"), &written, Some(&placed), &[], true), Verdict::Echo);
    // The customer changed the order meanwhile: that is news, whatever else it reports.
    assert_eq!(classify(&order("B", "SO-1"), &written, Some(&placed), &[], true), news());
    // A source that never reported the order reports it for the first time.
    assert_eq!(classify(&order("A", "SO-1"), &written, None, &[], true), news());
    // A tag that somebody adds to ours is a change.
    assert_eq!(classify(&order("A", "SO-1, vip"), &written, Some(&placed), &[], true), news());
}

#[test]
fn a_repeated_report_is_not_news_if_its_attributes_are_its_complete_content() {
    let nothing = Fingerprints::default();
    assert_eq!(classify(&order("A", ""), &nothing, Some(&order("A", "")), &[], true), Verdict::Repeated);
    // A stock level also reports what is reserved: that may have changed.
    let level = fingerprints(&[(StockAvailable, "5")]);
    assert_eq!(classify(&level, &nothing, Some(&level), &[], false), news());
}

#[test]
fn a_value_reported_by_a_system_that_does_not_own_it_is_a_conflict() {
    let level = |value| fingerprints(&[(StockAvailable, value)]);
    let foreign = [StockAvailable];
    let conflict = Verdict::Conflict { attributes: vec![StockAvailable] };
    assert_eq!(classify(&level("3"), &Fingerprints::default(), None, &foreign, false), conflict);
    assert_eq!(classify(&level("3"), &level("5"), Some(&level("5")), &foreign, false), conflict);
    assert_eq!(classify(&level("5"), &level("5"), None, &foreign, false), Verdict::Echo);
}

#[test]
fn an_owned_attribute_is_news_even_if_reported_with_foreign_ones() {
    let verdict =
        classify(&order("B", "t"), &Fingerprints::default(), Some(&order("A", "")), &[OrderTags], true);
    assert_eq!(verdict, Verdict::News { disputed: vec![OrderTags] });
    let verdict =
        classify(&order("A", "t"), &Fingerprints::default(), Some(&order("A", "")), &[OrderTags], true);
    assert_eq!(verdict, Verdict::Conflict { attributes: vec![OrderTags] });
}

#[test]
fn a_shipment_that_changed_after_it_was_written_is_news() {
    let shipment = |state, number| fingerprints(&[(ShipmentState, state), (ShipmentTracking, number)]);
    let written = shipment("shipped", "Z1");
    assert_eq!(classify(&shipment("shipped", "Z1"), &written, None, &[], false), Verdict::Echo);
    let previous = shipment("shipped", "Z1");
    assert_eq!(classify(&shipment("delivered", "Z1"), &written, Some(&previous), &[], false), news());
}

#[test]
fn an_event_without_attributes_is_news() {
    assert_eq!(classify(&Fingerprints::default(), &order("A", ""), None, Attribute::ALL, false), news());
}

#[test]
fn by_default_channels_own_orders_and_erps_own_articles_and_stock() {
    let table = Ownership::default();
    let erp = Reporter { connector: "erp", system: "tryton", class: Some(Class::Erp) };
    let warehouse = Reporter { class: Some(Class::Warehouse), ..erp };
    for (attribute, channel, books, goods) in [
        (OrderContent, true, false, false),
        (StockAvailable, false, true, true),
        (ShipmentState, false, true, true),
        (Attribute::PriceAmount, false, true, false),
        (Attribute::DocumentState, false, true, false),
        (Attribute::OrderFulfilment, true, true, true),
    ] {
        let owns = [SHOP, erp, warehouse].map(|speaker| table.owns(attribute, speaker));
        assert_eq!(owns, [channel, books, goods], "{attribute}");
    }
    // A system without a class counts as any class.
    let unknown = Reporter { class: None, ..SHOP };
    assert!(Attribute::ALL.iter().all(|attribute| table.owns(*attribute, unknown)));
}

#[test]
fn an_operator_configures_owners() {
    let table: Ownership = serde_json::from_value(serde_json::json!({
        "order.tags": "connector:erp-cloud", "stock.available": ["system:shopify", "warehouse"]
    }))
    .unwrap();
    assert!(!table.owns(OrderTags, SHOP));
    assert!(!table.owns(OrderTags, Reporter { class: None, ..SHOP }));
    assert!(table.owns(OrderTags, Reporter { connector: "erp-cloud", system: "tryton", class: None }));
    assert!(table.owns(StockAvailable, SHOP));
    assert!(table.owns(OrderContent, SHOP));
    let again: Ownership = serde_json::from_value(serde_json::to_value(&table).unwrap()).unwrap();
    assert_eq!(again, table);
    for wrong in [r#"{"order.tags":"shop"}"#, r#"{"order.colour":"erp"}"#, r#"{"order.tags":[]}"#] {
        assert!(serde_json::from_str::<Ownership>(wrong).is_err(), "{wrong}");
    }
}

fn any_fingerprints() -> impl Strategy<Value = Fingerprints> {
    let value = prop_oneof![Just("a"), Just("b"), Just("c")];
    let attribute = prop_oneof![Just(OrderContent), Just(OrderTags), Just(StockAvailable)];
    prop::collection::vec((attribute, value), 0..4).prop_map(|values| fingerprints(&values))
}

/// A change of an order in its source: by somebody there, or by a write of Crossdock.
#[derive(Clone, Debug)]
enum Change {
    AtSource(Attribute, &'static str),
    ByCrossdock(Attribute, &'static str),
}

fn any_change() -> impl Strategy<Value = Change> {
    let attribute = prop_oneof![Just(OrderContent), Just(OrderTags)];
    (any::<bool>(), attribute, prop_oneof![Just("a"), Just("b"), Just("c")]).prop_map(
        |(ours, attribute, value)| match ours {
            true => Change::ByCrossdock(attribute, value),
            false => Change::AtSource(attribute, value),
        },
    )
}

#[test]
fn a_change_back_to_a_written_value_is_news() {
    let mut written = fingerprints(&[(OrderTags, "SO-1")]);
    let (ours, theirs) = (order("A", "SO-1"), order("A", "SO-1, vip"));
    assert_eq!(classify(&theirs, &written, Some(&ours), &[], true), news());
    for attribute in newly_reported(&theirs, &written, Some(&ours)) {
        written.replace(attribute, &[]);
    }
    assert_eq!(classify(&ours, &written, Some(&theirs), &[], true), news());
}

proptest! {
    /// A sink that receives only the news of a source knows its current values, whatever was changed, written, changed
    /// back, or reported twice.
    #[test]
    fn no_news_is_lost(
        history in prop::collection::vec((any_change(), 0..3usize), 0..20), complete in any::<bool>(),
    ) {
        let (mut current, mut written) = (order("", ""), Fingerprints::default());
        // The values that the sink received, or has written there itself.
        let (mut known, mut previous) = (Fingerprints::default(), None);
        for (change, repeats) in history {
            match change {
                Change::AtSource(attribute, value) => current.set(attribute, fingerprint(value)),
                Change::ByCrossdock(attribute, value) => {
                    current.set(attribute, fingerprint(value));
                    known.set(attribute, fingerprint(value));
                    written.replace(attribute, &[fingerprint(value)]);
                }
            }
            for _ in 0..=repeats {
                if matches!(classify(&current, &written, previous.as_ref(), &[], complete), Verdict::News { .. }) {
                    for attribute in newly_reported(&current, &written, previous.as_ref()) {
                        written.replace(attribute, &[]);
                    }
                    known = current.clone();
                }
                previous = Some(current.clone());
                for (attribute, fingerprint) in current.iter() {
                    prop_assert_eq!(known.get(attribute), Some(fingerprint), "{}", attribute);
                }
            }
        }
    }

    /// Whatever is reported: a new value of an owned attribute that was not written there last is always news, and an
    /// event that reports anything else is never an echo.
    #[test]
    fn a_new_value_of_an_owned_attribute_is_always_news(
        reported in any_fingerprints(), written in any_fingerprints(), previous in prop::option::of(any_fingerprints()),
        foreign in prop::sample::subsequence(vec![OrderContent, OrderTags, StockAvailable], 0..=3),
        complete in any::<bool>(),
    ) {
        let new = |attribute, fingerprint| previous.as_ref().and_then(|previous| previous.get(attribute)) != Some(fingerprint);
        let own = reported.iter().any(|(attribute, fingerprint)| {
            new(attribute, fingerprint) && written.get(attribute) != Some(fingerprint) && !foreign.contains(&attribute)
        });
        match classify(&reported, &written, previous.as_ref(), &foreign, complete) {
            Verdict::News { disputed } => {
                prop_assert!(disputed.iter().all(|attribute| foreign.contains(attribute)));
            }
            Verdict::Echo => {
                prop_assert!(!own);
                prop_assert!(reported.iter().all(|(it, fingerprint)| !new(it, fingerprint) || written.get(it) == Some(fingerprint)));
            }
            Verdict::Repeated => prop_assert!(!reported.iter().any(|(it, fingerprint)| new(it, fingerprint))),
            Verdict::Conflict { attributes } => {
                prop_assert!(!own && !attributes.is_empty());
                prop_assert!(attributes.iter().all(|attribute| foreign.contains(attribute)));
            }
        }
    }
}
