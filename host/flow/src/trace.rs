//! Traces and digests: short texts that are the same on every host for the same input.

use sha2::{Digest, Sha256};

/// The trace of everything in one lane, which is usually one order.
pub(crate) fn of_lane(lane: &str) -> String {
    digest(lane.as_bytes())
}

/// The first 128 bits of SHA-256, in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(bytes));
    digest.get(..32).unwrap_or(&digest).to_owned()
}
