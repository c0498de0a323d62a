//! The moment at which the partner does something, by both clocks.

use std::time::Instant;

use jiff::Timestamp;

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) at: Timestamp,
}

impl Now {
    pub(super) fn read() -> Self {
        Self { instant: Instant::now(), at: Timestamp::now() }
    }

    /// `YYYYMMDDHHMM`.
    pub(super) fn stamp(&self) -> String {
        self.at.strftime("%Y%m%d%H%M").to_string()
    }

    pub(super) fn day(&self) -> String {
        self.at.strftime("%Y%m%d").to_string()
    }
}
