//! Values of the vocabulary pass into a component and back, and through JSON and back, without loss; and `wit/`
//! and the Rust types agree on every type.
//!
//! The component is built here: for each type it exports a function that takes a list of it and returns the same
//! bytes. wasmtime compares each function's types with the Rust types.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use crossdock_model::event::Event;
use crossdock_model::{
    catalogue, common, connector, document, event, fulfilment, inventory, order, refund, till,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, Linker, Lower};
use wasmtime::{Config, Engine, Store};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, TypeDefKind};

const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/0.1.0");

/// A core module whose exports return the list they were given. A list is passed as address and length, and
/// returned as the address of the two.
const CORE: &str = r#"
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 16))
    (func $same (param $list i32) (param $length i32) (result i32)
        (i32.store (i32.const 0) (local.get $list))
        (i32.store (i32.const 4) (local.get $length))
        (i32.const 0))
    (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and
            (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get $align))))
        (global.set $free (i32.add (local.get $at) (local.get $new)))
        (block $enough
            (loop $grow
                (br_if $enough (i32.ge_u (i32.shl (memory.size) (i32.const 16)) (global.get $free)))
                (br_if $grow (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
                unreachable))
        (memory.copy (local.get $at) (local.get $old) (local.get $size))
        (local.get $at))
"#;

/// Every named type of the vocabulary: interface and name.
fn vocabulary() -> BTreeSet<(String, String)> {
    let mut resolve = Resolve::default();
    resolve.push_dir(std::path::Path::new(CONTRACT)).unwrap();
    let mut types = BTreeSet::new();
    for (_, interface) in resolve.interfaces.iter() {
        let package = &resolve.packages[interface.package.unwrap()].name;
        let is_vocabulary = package.name == "retail"
            || package.name == "connector" && interface.name.as_deref() == Some("types");
        for (name, id) in interface.types.iter().filter(|_| is_vocabulary) {
            let kind = &resolve.types[*id].kind;
            if matches!(kind, TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_)) {
                types.insert((interface.name.clone().unwrap(), name.clone()));
            }
        }
    }
    types
}

/// The component, built from the current `wit/`.
fn component() -> (&'static Engine, &'static Component) {
    static MADE: OnceLock<(Engine, Component)> = OnceLock::new();
    let (engine, component) = MADE.get_or_init(|| {
        let mut resolve = Resolve::default();
        resolve.push_dir(std::path::Path::new(CONTRACT)).unwrap();
        let (mut uses, mut functions, mut core) = (String::new(), String::new(), CORE.to_owned());
        for (interface, name) in vocabulary() {
            let package = if interface == "types" { "connector" } else { "retail" };
            let (local, export) = (format!("{interface}-{name}-type"), format!("{interface}-{name}"));
            writeln!(uses, "use crossdock:{package}/{interface}@0.1.0.{{%{name} as {local}}};").unwrap();
            writeln!(functions, "export {export}: func(of: list<{local}>) -> list<{local}>;").unwrap();
            writeln!(core, "(export \"{export}\" (func $same))").unwrap();
        }
        let world = format!("package crossdock:test;\nworld identity {{\n{uses}{functions}}}\n");
        let package = resolve.push_str("identity.wit", &world).unwrap();
        let world = resolve.select_world(&[package], Some("identity")).unwrap();
        let mut module = wat::parse_str(format!("(module {core})")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let bytes = ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap();
        let engine = Engine::new(&Config::new()).unwrap();
        let component = Component::new(&engine, bytes).unwrap();
        (engine, component)
    });
    (engine, component)
}

fn instance() -> (Store<()>, Instance) {
    let (engine, component) = component();
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine).instantiate(&mut store, component).unwrap();
    (store, instance)
}

/// Passes values into the component and back.
fn through_component<T>(export: &str, values: Vec<T>) -> Vec<T>
where
    T: Lift + Lower + 'static,
    (Vec<T>,): ComponentNamedList + Lift + Lower,
{
    let (mut store, instance) = instance();
    let same = instance.get_typed_func::<(Vec<T>,), (Vec<T>,)>(&mut store, export).unwrap();
    same.call(&mut store, (values,)).unwrap().0
}

/// Passes a value through JSON and back.
fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// Values of any shape, from pseudo-random bytes with a fixed seed.
fn any_values<T: for<'a> Arbitrary<'a>>() -> Vec<T> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = vec![0u8; 64 * 1024];
    for byte in &mut bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
    let mut source = Unstructured::new(&bytes);
    (0..16).map(|_| T::arbitrary(&mut source).unwrap()).collect()
}

macro_rules! agreement {
    ($($interface:literal $name:literal => $type:ty),+ $(,)?) => {
        #[test]
        fn wit_and_model_agree_on_every_type() {
            let mut compared = BTreeSet::new();
            $({
                let export = concat!($interface, "-", $name);
                let values = any_values::<$type>();
                assert_eq!(through_component(export, values.clone()), values, "{export}");
                for value in &values {
                    assert_eq!(&through_json(value), value, "{export}");
                }
                compared.insert(($interface.to_owned(), $name.to_owned()));
            })+
            assert_eq!(compared, vocabulary());
        }
    };
}

agreement! {
    "common" "money" => common::Money,
    "common" "price" => common::Price,
    "common" "tax-line" => common::TaxLine,
    "common" "discount-allocation" => common::DiscountAllocation,
    "common" "attribute" => common::Attribute,
    "common" "entity-kind" => common::EntityKind,
    "common" "entity" => common::Entity,
    "common" "line-reference" => common::LineReference,
    "common" "reference" => common::Reference,
    "common" "version" => common::Version,
    "common" "address" => common::Address,
    "common" "line-attributes" => common::LineAttributes,
    "common" "personal" => common::Personal,
    "order" "payment-state" => order::PaymentState,
    "order" "fulfilment-state" => order::FulfilmentState,
    "order" "line-kind" => order::LineKind,
    "order" "line" => order::Line,
    "order" "shipping-line" => order::ShippingLine,
    "order" "tender-kind" => order::TenderKind,
    "order" "payment-kind" => order::PaymentKind,
    "order" "payment-result" => order::PaymentResult,
    "order" "payment" => order::Payment,
    "order" "totals" => order::Totals,
    "order" "order" => order::Order,
    "order" "line-change" => order::LineChange,
    "order" "order-edit" => order::OrderEdit,
    "refund" "restock-kind" => refund::RestockKind,
    "refund" "refund-line" => refund::RefundLine,
    "refund" "refund-adjustment" => refund::RefundAdjustment,
    "refund" "refund-shipping" => refund::RefundShipping,
    "refund" "refund" => refund::Refund,
    "fulfilment" "shipment-state" => fulfilment::ShipmentState,
    "fulfilment" "shipment-line" => fulfilment::ShipmentLine,
    "fulfilment" "tracking" => fulfilment::Tracking,
    "fulfilment" "shipment" => fulfilment::Shipment,
    "inventory" "level" => inventory::Level,
    "inventory" "adjustment-reason" => inventory::AdjustmentReason,
    "inventory" "adjustment" => inventory::Adjustment,
    "document" "document-kind" => document::DocumentKind,
    "document" "document-state" => document::DocumentState,
    "document" "line-state" => document::LineState,
    "document" "document-line" => document::DocumentLine,
    "document" "document" => document::Document,
    "catalogue" "product" => catalogue::Product,
    "catalogue" "list-price" => catalogue::ListPrice,
    "till" "tender-total" => till::TenderTotal,
    "till" "business-day" => till::BusinessDay,
    "event" "customer" => event::Customer,
    "event" "order-operation" => event::OrderOperation,
    "event" "order-change" => event::OrderChange,
    "event" "fact" => event::Fact,
    "event" "event" => event::Event,
    "types" "inbound" => connector::Inbound,
    "types" "problem" => connector::Problem,
    "types" "throttle" => connector::Throttle,
    "types" "page" => connector::Page,
    "types" "failure" => connector::Failure,
    "types" "work" => connector::Work,
    "types" "written" => connector::Written,
    "types" "unmapped" => connector::Unmapped,
    "types" "receipt" => connector::Receipt,
    "types" "progress" => connector::Progress,
    "types" "outcome" => connector::Outcome,
    "types" "found" => connector::Found,
}

#[test]
fn a_type_that_differs_is_detected() {
    let (mut store, instance) = instance();
    // A record with other fields, where an order's line change is expected.
    let other = instance.get_typed_func::<(Vec<common::Attribute>,), (Vec<common::Attribute>,)>(
        &mut store,
        "order-line-change",
    );
    assert!(other.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_event_survives_the_component_and_json(bytes in prop::collection::vec(any::<u8>(), 0..8_192)) {
        let mut source = Unstructured::new(&bytes);
        let event = Event::arbitrary(&mut source).unwrap();
        let crossed = through_component("event-event", vec![event.clone()]).remove(0);
        let read = through_json(&crossed);
        prop_assert_eq!(&read, &event);
        let back = through_component("event-event", vec![read]).remove(0);
        prop_assert_eq!(back, event);
    }
}
