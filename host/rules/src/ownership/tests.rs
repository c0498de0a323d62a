use proptest::prelude::*;

use super::*;
use crate::told::mark;

use Attribute::{OrderContent, OrderTags, ShipmentState, ShipmentTracking, StockAvailable};

fn marks(values: &[(Attribute, &str)]) -> Marks {
    let mut marks = Marks::default();
    for (attribute, value) in values {
        marks.set(*attribute, mark(value));
    }
    marks
}

fn order(content: &str, tags: &str) -> Marks {
    marks(&[(OrderContent, content), (OrderTags, tags)])
}

fn news() -> Verdict {
    Verdict::News { disputed: vec![] }
}

const SHOP: Speaker<'static> =
    Speaker { connector: "shopify-us", system: "shopify", class: Some(Class::Channel) };

#[test]
fn what_was_written_and_comes_back_is_an_echo() {
    let level = |value| marks(&[(StockAvailable, value)]);
    let written = level("5");
    assert_eq!(judge(&level("5"), &written, None, &[], false), Verdict::Echo);
    // Told once more, by another webhook.
    assert_eq!(judge(&level("5"), &written, Some(&level("5")), &[], false), Verdict::Echo);
    assert_eq!(judge(&level("4"), &written, Some(&level("5")), &[], false), news());
}

#[test]
fn an_order_that_only_carries_our_tag_back_is_an_echo_though_its_content_is_repeated() {
    let written = marks(&[(OrderTags, "SO-1")]);
    let placed = order("A", "");
    assert_eq!(judge(&order("A", "SO-1"), &written, Some(&placed), &[], true), Verdict::Echo);
    // The customer changed the order meanwhile: that is news, whatever it carries.
    assert_eq!(judge(&order("B", "SO-1"), &written, Some(&placed), &[], true), news());
    // Who was never told the order has to be told it.
    assert_eq!(judge(&order("A", "SO-1"), &written, None, &[], true), news());
    // The tag that somebody adds to ours is theirs.
    assert_eq!(judge(&order("A", "SO-1, vip"), &written, Some(&placed), &[], true), news());
}

#[test]
fn who_tells_the_same_again_tells_nothing_when_that_is_all_there_is() {
    let nothing = Marks::default();
    assert_eq!(judge(&order("A", ""), &nothing, Some(&order("A", "")), &[], true), Verdict::Repeated);
    // A level also says what is reserved: that may be the news.
    let level = marks(&[(StockAvailable, "5")]);
    assert_eq!(judge(&level, &nothing, Some(&level), &[], false), news());
}

#[test]
fn what_is_told_by_one_who_does_not_own_it_is_a_conflict() {
    let level = |value| marks(&[(StockAvailable, value)]);
    let foreign = [StockAvailable];
    let conflict = Verdict::Conflict { attributes: vec![StockAvailable] };
    assert_eq!(judge(&level("3"), &Marks::default(), None, &foreign, false), conflict);
    assert_eq!(judge(&level("3"), &level("5"), Some(&level("5")), &foreign, false), conflict);
    assert_eq!(judge(&level("5"), &level("5"), None, &foreign, false), Verdict::Echo);
}

#[test]
fn what_is_ones_own_is_news_though_it_comes_with_what_is_not() {
    let verdict = judge(&order("B", "t"), &Marks::default(), Some(&order("A", "")), &[OrderTags], true);
    assert_eq!(verdict, Verdict::News { disputed: vec![OrderTags] });
    let verdict = judge(&order("A", "t"), &Marks::default(), Some(&order("A", "")), &[OrderTags], true);
    assert_eq!(verdict, Verdict::Conflict { attributes: vec![OrderTags] });
}

#[test]
fn a_shipment_that_moved_on_after_it_was_written_is_news() {
    let shipment = |state, number| marks(&[(ShipmentState, state), (ShipmentTracking, number)]);
    let written = shipment("shipped", "Z1");
    assert_eq!(judge(&shipment("shipped", "Z1"), &written, None, &[], false), Verdict::Echo);
    let before = shipment("shipped", "Z1");
    assert_eq!(judge(&shipment("delivered", "Z1"), &written, Some(&before), &[], false), news());
}

#[test]
fn what_tells_no_attribute_is_news() {
    assert_eq!(judge(&Marks::default(), &order("A", ""), None, Attribute::ALL, false), news());
}

#[test]
fn by_default_channels_own_sales_and_erps_own_articles_and_stock() {
    let table = Ownership::default();
    let erp = Speaker { connector: "erp", system: "tryton", class: Some(Class::Erp) };
    let warehouse = Speaker { class: Some(Class::Warehouse), ..erp };
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
    // Nothing is held against a system of which nobody said what it is.
    let unknown = Speaker { class: None, ..SHOP };
    assert!(Attribute::ALL.iter().all(|attribute| table.owns(*attribute, unknown)));
}

#[test]
fn an_operator_says_who_owns_what() {
    let table: Ownership = serde_json::from_value(serde_json::json!({
        "order.tags": "connector:erp-cloud", "stock.available": ["system:shopify", "warehouse"]
    }))
    .unwrap();
    assert!(!table.owns(OrderTags, SHOP));
    assert!(!table.owns(OrderTags, Speaker { class: None, ..SHOP }));
    assert!(table.owns(OrderTags, Speaker { connector: "erp-cloud", system: "tryton", class: None }));
    assert!(table.owns(StockAvailable, SHOP));
    assert!(table.owns(OrderContent, SHOP));
    let again: Ownership = serde_json::from_value(serde_json::to_value(&table).unwrap()).unwrap();
    assert_eq!(again, table);
    for wrong in [r#"{"order.tags":"shop"}"#, r#"{"order.colour":"erp"}"#, r#"{"order.tags":[]}"#] {
        assert!(serde_json::from_str::<Ownership>(wrong).is_err(), "{wrong}");
    }
}

fn any_marks() -> impl Strategy<Value = Marks> {
    let value = prop_oneof![Just("a"), Just("b"), Just("c")];
    let attribute = prop_oneof![Just(OrderContent), Just(OrderTags), Just(StockAvailable)];
    prop::collection::vec((attribute, value), 0..4).prop_map(|values| marks(&values))
}

/// One thing that happens to an order of a source: somebody there changes it, or Crossdock writes to it.
#[derive(Clone, Debug)]
enum Happens {
    Changed(Attribute, &'static str),
    Written(Attribute, &'static str),
}

fn any_happens() -> impl Strategy<Value = Happens> {
    let attribute = prop_oneof![Just(OrderContent), Just(OrderTags)];
    (any::<bool>(), attribute, prop_oneof![Just("a"), Just("b"), Just("c")]).prop_map(
        |(ours, attribute, value)| match ours {
            true => Happens::Written(attribute, value),
            false => Happens::Changed(attribute, value),
        },
    )
}

#[test]
fn a_change_back_to_what_was_written_is_news() {
    let mut written = marks(&[(OrderTags, "SO-1")]);
    let (ours, theirs) = (order("A", "SO-1"), order("A", "SO-1, vip"));
    assert_eq!(judge(&theirs, &written, Some(&ours), &[], true), news());
    for attribute in fresh(&theirs, &written, Some(&ours)) {
        written.replace(attribute, &[]);
    }
    assert_eq!(judge(&ours, &written, Some(&theirs), &[], true), news());
}

proptest! {
    /// Whoever hears only the news of a source knows how things stand there, whatever was changed, written,
    /// changed back, told twice.
    #[test]
    fn no_news_is_lost(
        history in prop::collection::vec((any_happens(), 0..3usize), 0..20), whole in any::<bool>(),
    ) {
        let (mut there, mut written) = (order("", ""), Marks::default());
        // What the sink was told, or has written there itself.
        let (mut known, mut before) = (Marks::default(), None);
        for (happens, repeats) in history {
            match happens {
                Happens::Changed(attribute, value) => there.set(attribute, mark(value)),
                Happens::Written(attribute, value) => {
                    there.set(attribute, mark(value));
                    known.set(attribute, mark(value));
                    written.replace(attribute, &[mark(value)]);
                }
            }
            for _ in 0..=repeats {
                if matches!(judge(&there, &written, before.as_ref(), &[], whole), Verdict::News { .. }) {
                    for attribute in fresh(&there, &written, before.as_ref()) {
                        written.replace(attribute, &[]);
                    }
                    known = there.clone();
                }
                before = Some(there.clone());
                for (attribute, mark) in there.iter() {
                    prop_assert_eq!(known.get(attribute), Some(mark), "{}", attribute);
                }
            }
        }
    }

    /// Whatever is told: something that is new, not written there last and the source's own is never held back,
    /// and nothing is called an echo that has anything else in it.
    #[test]
    fn what_is_new_and_ones_own_is_never_held_back(
        told in any_marks(), written in any_marks(), before in prop::option::of(any_marks()),
        foreign in prop::sample::subsequence(vec![OrderContent, OrderTags, StockAvailable], 0..=3),
        whole in any::<bool>(),
    ) {
        let new = |attribute, mark| before.as_ref().and_then(|before| before.get(attribute)) != Some(mark);
        let own = told.iter().any(|(attribute, mark)| {
            new(attribute, mark) && written.get(attribute) != Some(mark) && !foreign.contains(&attribute)
        });
        match judge(&told, &written, before.as_ref(), &foreign, whole) {
            Verdict::News { disputed } => {
                prop_assert!(disputed.iter().all(|attribute| foreign.contains(attribute)));
            }
            Verdict::Echo => {
                prop_assert!(!own);
                prop_assert!(told.iter().all(|(it, mark)| !new(it, mark) || written.get(it) == Some(mark)));
            }
            Verdict::Repeated => prop_assert!(!told.iter().any(|(it, mark)| new(it, mark))),
            Verdict::Conflict { attributes } => {
                prop_assert!(!own && !attributes.is_empty());
                prop_assert!(attributes.iter().all(|attribute| foreign.contains(attribute)));
            }
        }
    }
}
