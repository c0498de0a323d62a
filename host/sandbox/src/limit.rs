//! How much memory an instance may take.

use wasmtime::ResourceLimiter;

/// More tables, or larger ones, than any honest program needs.
const TABLE_ELEMENTS: usize = 100_000;

/// Bounds one instance, and remembers whether it hit the bound: to the guest that looks like a plain
/// failure to allocate, and to the host like any other trap.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: usize,
    used: usize,
    exceeded: bool,
}

impl Limiter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: 0, exceeded: false }
    }

    /// True when the instance was refused memory.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// How much the instance may have, in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The most memory the instance had, in bytes.
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // Over all memories of the instance, since a component may have many.
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.exceeded = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
