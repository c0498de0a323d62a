//! The vocabulary in Rust, its JSON form and its checks.
//!
//! The types are generated from `wit/` when this crate is built, so that a vendor's bindings, the stored JSON and
//! the host agree by construction. This crate knows what a retail event is; it knows nothing of databases,
//! plugins or HTTP.

// One module per interface of the contract; see build.rs.
include!(concat!(env!("OUT_DIR"), "/vocabulary.rs"));

pub mod check;
#[cfg(feature = "component")]
mod component;
pub mod envelope;
mod events;
pub mod json;
pub mod schema;
pub mod time;

pub use events::NoIdentity;
