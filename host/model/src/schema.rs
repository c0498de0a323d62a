//! The published JSON Schema of an event in its envelope.
//!
//! It is generated from the types, and the types from `wit/`. The published file is beside the contract;
//! `tests/schema.rs` checks that it is current.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::envelope::Envelope;

/// The JSON Schema (draft 2020-12) of [`Envelope`].
#[must_use]
pub fn envelope() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Envelope>().to_value()
}
