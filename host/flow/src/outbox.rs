//! Wakes the drivers of exchange folders when the database has new files for them.

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Signals that files were added to the outbox. A signal is a hint: the outbox itself is in the store.
#[derive(Default)]
pub(crate) struct OutboxSignal(Notify);

impl OutboxSignal {
    /// Files were added: wakes every driver that waits.
    pub fn files_added(&self) {
        self.0.notify_waiters();
    }

    /// Ends when files are added after this call, even if it is awaited later.
    pub fn wait(&self) -> Notified<'_> {
        self.0.notified()
    }
}
