//! Numbers that rise and are never used twice.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::numbers as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host::numbers as host;

/// The next number of one of the connector's own sequences (`isa`), from 1. It is used up once a file or an
/// answer of this call is kept; a call that fails may leave a gap.
#[must_use]
pub fn next(sequence: &str) -> u64 {
    host::next(sequence)
}
