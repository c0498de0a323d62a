//! What concerns the database in memory alone; the conformance suite runs on it too.

mod faults;
mod queries;
mod questions;
mod retention;
mod sabotage;
mod samples;
mod tables;

/// The suite that every database has to pass.
mod suite {
    use std::sync::Arc;

    use crossdock_rules::safeguards::Safeguards;

    use crate::Store;
    use crate::memory::Memory;

    async fn open() -> (Store, ()) {
        let memory = Arc::new(Memory::default());
        (Store::new(Arc::clone(&memory), memory, Safeguards::default()), ())
    }

    crate::conformance!(open());
}
