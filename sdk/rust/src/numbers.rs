//! Sequences of numbers, each of which is used once.

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::numbers as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::numbers as host;

/// The next number of one of the connector's sequences (`isa`), from 1. It is consumed when the host commits a file or
/// a result of this call; a call that fails may leave a gap.
#[must_use]
pub fn next(sequence: &str) -> u64 {
    host::next(sequence)
}
