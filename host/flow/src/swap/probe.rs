//! Asks a new version for deliveries that the old one posted.

use std::time::Duration;

use crossdock_engine::{Error, Store};
use crossdock_model::connector::{Failure, Found, Work};
use crossdock_model::time::{Clock, Millis};
use crossdock_rules::key;
use crossdock_rules::lookup::Keys;

use crate::connector::{Connector, Sink};

/// How many posted deliveries the new version has to find.
const MAX_RECEIPTS: u32 = 5;

/// The kinds that are asked for: those that stay findable, since no later state replaces them.
const KINDS: [&str; 2] = ["order.placed", "refund.issued"];

/// How long a target may take to show what was posted lately, where nothing older was posted.
const MAX_VISIBILITY_WAIT: Duration = Duration::from_secs(15);

/// How often the target is asked while it cannot answer.
const MAX_FIND_ATTEMPTS: u32 = 8;

/// The wait before the target is asked again.
const FIND_RETRY_DELAY: Duration = Duration::from_millis(500);

/// A posted delivery, as work that the new version is asked for.
struct Receipt {
    work: Work,
    posted_at: Millis,
}

/// Asks the new version for what was posted; how many deliveries it found, or why it must not take over. Everything
/// that its target must show by now has to be found. What is younger may be absent; but where there is nothing older,
/// one of the younger ones must be found, and the target is given the time. A target that cannot be searched is not
/// asked.
pub(super) async fn probe(
    store: &Store,
    clock: &dyn Clock,
    next: &Connector,
) -> Result<Result<usize, String>, Error> {
    let Some(sink) = next.sink.as_ref().filter(|sink| sink.policy.keys == Keys::Find) else {
        return Ok(Ok(0));
    };
    let mut open = receipts(store, clock, next, sink).await?;
    let begun = clock.monotonic();
    let mut seen = 0;
    loop {
        let mut absent = Vec::new();
        while !open.is_empty() {
            let rest = open.split_off(sink.batch.clamp(1, open.len()));
            match ask(clock, next, sink, open).await {
                Ok((found, not_yet)) => {
                    seen += found;
                    absent.extend(not_yet);
                }
                Err(reason) => return Ok(Err(reason)),
            }
            open = rest;
        }
        let Some(one) = absent.first().filter(|_| seen == 0) else { return Ok(Ok(seen)) };
        if clock.monotonic().saturating_duration_since(begun) >= MAX_VISIBILITY_WAIT {
            let (key, label) = (&one.work.key, &next.label);
            return Ok(Err(format!(
                "{key} was posted a moment ago, and {label} does not find it yet: try again later"
            )));
        }
        tokio::time::sleep(FIND_RETRY_DELAY).await;
        open = absent;
    }
}

/// What is asked for: what the target must show by now, or else whatever was posted; newest first.
async fn receipts(
    store: &Store,
    clock: &dyn Clock,
    next: &Connector,
    sink: &Sink,
) -> Result<Vec<Receipt>, Error> {
    let visible_after = i64::try_from(sink.policy.max_inflight.as_millis()).unwrap_or(i64::MAX);
    let visible = Millis(clock.now().0.saturating_sub(visible_after));
    let receipts = posted_before(store, &next.name, visible).await?;
    if receipts.is_empty() {
        return posted_before(store, &next.name, Millis(i64::MAX)).await;
    }
    Ok(receipts)
}

async fn posted_before(store: &Store, connector: &str, before: Millis) -> Result<Vec<Receipt>, Error> {
    let mut posted = Vec::new();
    for kind in KINDS {
        posted.extend(store.posted(connector, kind, before, MAX_RECEIPTS).await?);
    }
    posted.sort_unstable_by(|a, b| b.cmp(a));
    let mut receipts = Vec::new();
    for id in posted.into_iter().take(MAX_RECEIPTS as usize) {
        let Some(delivery) = store.delivery(id).await? else { continue };
        let Some(event) = delivery.body else { continue };
        let parent_references = match &event.parent {
            Some(parent) => store.references(connector, &parent.to_string()).await?,
            None => Vec::new(),
        };
        let work = Work {
            short_key: key::short(&delivery.key),
            key: delivery.key,
            serial: 0,
            attempt: 1,
            resume: delivery.resume,
            event,
            references: delivery.references,
            parent_references,
        };
        receipts.push(Receipt { work, posted_at: delivery.row.since });
    }
    Ok(receipts)
}

/// Asks for one batch: how many were found, and which the target need not show yet. An error when one is missing that
/// it must show, for a person.
async fn ask(
    clock: &dyn Clock,
    next: &Connector,
    sink: &Sink,
    batch: Vec<Receipt>,
) -> Result<(usize, Vec<Receipt>), String> {
    let work: Vec<Work> = batch.iter().map(|receipt| receipt.work.clone()).collect();
    let answers = find(next, &work).await?;
    let now = clock.now();
    let (mut found, mut not_yet) = (0, Vec::new());
    for (receipt, answer) in batch.into_iter().zip(answers) {
        let trouble = match answer {
            Found::Present(_) | Found::Partial(_) | Found::Pending => {
                found += 1;
                continue;
            }
            Found::Absent if now < receipt.posted_at.plus(sink.policy.max_inflight) => {
                not_yet.push(receipt);
                continue;
            }
            Found::Absent => "does not find it".to_owned(),
            Found::Duplicated(references) => format!("finds it {} times", references.len()),
            Found::Failed(failure) => format!("could not look for it: {failure:?}"),
        };
        return Err(format!("{} was posted, and {} {trouble}", receipt.work.key, next.label));
    }
    Ok((found, not_yet))
}

/// Calls `find`. What the target cannot answer at this moment says nothing about the version: it is asked a few times.
async fn find(next: &Connector, work: &[Work]) -> Result<Vec<Found>, String> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (answer, _) = next.plugin.find("", work.to_vec()).await;
        let found =
            answer.map_err(|failed| format!("{} cannot be asked for receipts: {failed}", next.label))?;
        let unavailable =
            |found: &Found| matches!(found, Found::Failed(Failure::Unavailable(_) | Failure::Throttled(_)));
        if attempts == MAX_FIND_ATTEMPTS || !found.iter().any(unavailable) {
            return Ok(found);
        }
        tokio::time::sleep(FIND_RETRY_DELAY).await;
    }
}
