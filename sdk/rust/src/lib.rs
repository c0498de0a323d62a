//! What a vendor needs to write a Crossdock connector in Rust.
//!
//! A plugin is a type that implements [`Source`] (reads a system), [`Sink`] (writes to a system), [`Setup`]
//! (configures a system) or several of them, and one line that exports it. It depends only on this crate, `serde` and
//! `serde_json`:
//!
//! ```
//! use crossdock_sdk::prelude::*;
//!
//! struct Erp;
//!
//! impl Sink for Erp {
//!     fn deliver(work: Vec<Work>) -> Vec<Outcome> {
//!         each(work, |work| {
//!             let Some(order) = work.event.fact.order() else {
//!                 return Ok(Outcome::Ignored("this ERP books only orders".into()));
//!             };
//!             let erp = http::Client::from_setting("url")?;
//!             let created: serde_json::Value = erp
//!                 .post("/orders")
//!                 .json(&serde_json::json!({ "reference": work.key, "number": order.number }))
//!                 .call()?;
//!             let id = created["id"].as_str().unwrap_or_default();
//!             Ok(Outcome::Posted(Receipt::of(Reference::new("order", id))))
//!         })
//!     }
//!
//!     fn find(work: Vec<Work>) -> Vec<Found> {
//!         each(work, |_| Ok(Found::Absent))
//!     }
//! }
//!
//! plugin!(Erp: sink);
//!
//! # #[cfg(not(target_arch = "wasm32"))] {
//! // The same code runs natively against responses that the test defines:
//! use crossdock_sdk::testing;
//!
//! let _host = testing::Host::new()
//!     .setting("url", "https://erp.test")
//!     .expect(testing::post("/orders").respond(201, serde_json::json!({ "id": "SO-17" })))
//!     .expect(testing::post("/orders").lose_connection())
//!     .install();
//! let work = testing::work(testing::placed(testing::order()));
//! let outcomes = Erp::deliver(vec![work.clone(), work]);
//! assert_eq!(outcomes[0], Outcome::Posted(Receipt::of(Reference::new("order", "SO-17"))));
//! assert!(matches!(outcomes[1], Outcome::Unknown(_)), "the order may have been booked");
//! # }
//! ```
//!
//! The modules:
//! - [`common`], [`order`], [`refund`], [`fulfilment`], [`inventory`], [`document`], [`catalogue`], [`till`],
//!   [`event`]: the retail vocabulary, in modules named after the interfaces of the contract; [`connector`]: the
//!   records that host and plugin exchange;
//! - [`config`], [`log`], [`references`], [`mappings`], [`stores`], [`files`], [`numbers`]: the host's services;
//! - [`http`]: a client that maps each response to an outcome;
//! - [`money`]: exact decimals;
//! - [`testing`]: a test host, native only.
//!
//! Build with `cargo build --target wasm32-wasip2`.

#![deny(missing_docs)]

#[doc(hidden)]
#[allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing, clippy::unwrap_used)]
pub mod bindings;
pub mod config;
pub mod files;
pub mod http;
pub mod log;
pub mod mappings;
pub mod money;
pub mod numbers;
mod outcome;
pub mod references;
pub mod stores;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod vocabulary;

pub use bindings::base::crossdock::connector::types as connector;
pub use bindings::base::crossdock::retail::{
    catalogue, common, document, event, fulfilment, inventory, order, refund, till,
};
/// A plugin that configures its system. See the contract's `setup`.
pub use bindings::setup::exports::crossdock::connector::setup::{Finding, Guest as Setup};
/// A plugin that writes to a system. See the contract's `sink`.
pub use bindings::sink::exports::crossdock::connector::sink::Guest as Sink;
/// A plugin that reads a system. See the contract's `source`.
pub use bindings::source::exports::crossdock::connector::source::Guest as Source;

/// Everything a plugin usually needs: `use crossdock_sdk::prelude::*;`.
///
/// The vocabulary's alias `decimal` is not included: [`Decimal`](money::Decimal) here is the type to calculate with;
/// an amount in a record is a `String`.
pub mod prelude {
    pub use crate::catalogue::{ListPrice, Product};
    pub use crate::common::{
        Address, Attribute, DiscountAllocation, Entity, EntityKind, LineAttributes, LineReference, Money,
        Personal, Price, Reference, TaxLine, Version,
    };
    pub use crate::connector::{
        Failure, Found, Inbound, Outcome, Page, Problem, Progress, Receipt, Throttle, Unmapped, Work, Written,
    };
    pub use crate::document::{Document, DocumentKind, DocumentLine, DocumentState, LineState};
    pub use crate::event::{Customer, Event, Fact, OrderChange, OrderOperation};
    pub use crate::fulfilment::{Shipment, ShipmentLine, ShipmentState, Tracking};
    pub use crate::inventory::{Adjustment, AdjustmentReason, Level};
    pub use crate::money::Decimal;
    pub use crate::order::{
        FulfilmentState, Line, LineChange, LineKind, Order, OrderEdit, Payment, PaymentKind, PaymentResult,
        PaymentState, ShippingLine, TenderKind, Totals,
    };
    pub use crate::refund::{Refund, RefundAdjustment, RefundLine, RefundShipping, RestockKind};
    pub use crate::till::{BusinessDay, TenderTotal};
    pub use crate::{
        Finding, Setup, Sink, Source, config, each, files, http, log, mappings, money, numbers, plugin,
        references, stores,
    };
}

/// Processes each piece of work separately, in the given order, as [`Sink::deliver`] and [`Sink::find`] require. The
/// closure may use `?`: errors of [`http`], [`config`] and [`money`] convert to the matching outcome and do not
/// affect the other pieces.
pub fn each<T>(work: Vec<connector::Work>, process: impl Fn(connector::Work) -> Result<T, T>) -> Vec<T> {
    work.into_iter().map(|piece| process(piece).unwrap_or_else(|early| early)).collect()
}

/// Exports a type as a plugin: `plugin!(Erp: sink)`, `plugin!(Shop: source, setup)`, `plugin!(Erp: sink, source)`.
///
/// The type must implement each of the named traits. In a native build, as for tests, the macro only checks that it
/// does.
#[macro_export]
macro_rules! plugin {
    ($type:ident : $($export:ident),+ $(,)?) => { $( $crate::__export!($export $type); )+ };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (sink $type:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
    $crate::bindings::sink::export_sink!($type with_types_in $crate::bindings::sink);
        };
        const _: fn() = || {
            fn implements<T: $crate::Sink>() {}
            implements::<$type>();
        };
    };
    (source $type:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
    $crate::bindings::source::export_source!($type with_types_in $crate::bindings::source);
        };
        const _: fn() = || {
            fn implements<T: $crate::Source>() {}
            implements::<$type>();
        };
    };
    (setup $type:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
    $crate::bindings::setup::export_setup!($type with_types_in $crate::bindings::setup);
        };
        const _: fn() = || {
            fn implements<T: $crate::Setup>() {}
            implements::<$type>();
        };
    };
    ($other:ident $type:ident) => {
        ::core::compile_error!(concat!(
            "a plugin exports `sink`, `source` or `setup`, not `",
            stringify!($other),
            "`"
        ));
    };
}
