//! Limits the memory of an instance.

use wasmtime::ResourceLimiter;

/// More than any legitimate program needs.
const MAX_TABLE_ELEMENTS: usize = 100_000;

/// Limits one instance, and records whether it exceeded the limit: to the guest that is an ordinary allocation
/// failure, and to the host an ordinary trap.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    limit: usize,
    peak: usize,
    exceeded: bool,
}

impl MemoryLimiter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, peak: 0, exceeded: false }
    }

    /// True when the instance was refused memory.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// The limit in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The peak memory of the instance, in bytes.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // Summed over all memories of the instance, because a component may have many.
        let total = self.peak.saturating_add(desired.saturating_sub(current));
        if total > self.limit {
            self.exceeded = true;
            return Ok(false);
        }
        self.peak = total;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}
