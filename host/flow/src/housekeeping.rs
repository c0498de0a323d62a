//! What has to happen by itself: taking up what a former life left, leases that ran out, things overdue,
//! bodies past their retention.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::time::Millis;
use crossdock_storage::{Command, Error, Retain};

use crate::connector::Connector;
use crate::shared::Shared;

const SWEEP: Duration = Duration::from_secs(1);
const PAGE: u32 = 256;

/// Gives back what a former life had claimed: each may have been sent, so it is looked up first.
pub(crate) async fn take_over(shared: &Shared) -> Result<(), Error> {
    let moved = shared.writer.moved(Command::TakeOver { now: shared.now() }).await?;
    if moved.count > 0 {
        tracing::info!(deliveries = moved.count, "taking over what was under way when the host stopped");
    }
    Ok(())
}

/// Hands every kept, unread request to the readers: those of a former life, and those whose reading could
/// not be kept.
pub(crate) async fn recover(shared: Arc<Shared>) {
    let mut after = 0;
    let mut total = 0usize;
    loop {
        let page = match shared.store.pending(after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "unread requests cannot be listed, trying again");
                tokio::time::sleep(SWEEP).await;
                continue;
            }
        };
        let Some(last) = page.last() else { break };
        after = last.id;
        total = total.saturating_add(page.len());
        page.into_iter().for_each(|kept| shared.unread_again(kept));
    }
    if total > 0 {
        tracing::info!(requests = total, "reading requests that were kept and not read");
    }
}

/// Sweeps until the host is told to stop.
pub(crate) async fn run(shared: Arc<Shared>, retain: Duration) {
    let mut sweeps = 0u64;
    loop {
        tokio::select! {
            () = shared.drain.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        let now = shared.now();
        sweep(&shared, Command::Expire { now }).await;
        metrics::gauge!("crossdock_in_progress").set(shared.gate.level() as f64);
        if sweeps.is_multiple_of(10) {
            for connector in shared.connectors.all() {
                sweep(&shared, overdue(&connector, now)).await;
            }
        }
        if sweeps.is_multiple_of(3600) {
            let before = Millis(now.0.saturating_sub(i64::try_from(retain.as_millis()).unwrap_or(i64::MAX)));
            sweep(&shared, Command::Retain(Retain { bodies_before: before, exchanges_before: before })).await;
        }
        sweeps = sweeps.wrapping_add(1);
    }
}

/// How long a connector that has been given nothing to deliver any more lets wait what it was owed.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// What has waited too long for a connector, by its own limits.
fn overdue(connector: &Connector, now: Millis) -> Command {
    let waiting = connector.sink.as_ref().map_or(PATIENCE, |sink| sink.policy.referent_limit);
    Command::Overdue { connector: connector.name.clone(), now, waiting }
}

async fn sweep(shared: &Shared, command: Command) {
    match shared.writer.moved(command).await {
        Ok(moved) => {
            shared.raised(&moved.raised);
            if moved.count > 0 {
                tracing::debug!(count = moved.count, "swept");
            }
        }
        Err(error) => tracing::error!(%error, "a sweep failed; the next one tries again"),
    }
}
