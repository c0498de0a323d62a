//! The orders that are multiplied: made by the engine's own commands, settled or left open, their requests expired.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use crossdock_engine::conformance::samples::{answer, rejected};
use crossdock_engine::{Admit, Applied, Claim, Claimed, Command, NewEvent, Retention};
use crossdock_model::time::Millis;
use crossdock_rules::lane::Sent;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::Next;
use crossdock_storage::seed::Names;

use crate::database::{self, Database};
use crate::orders::{ERP, NOW, Order, WAREHOUSE, booked, template};

/// How many templates are settled, and how many are open. One of each kind is of every tenth order.
pub const SETTLED: usize = 10;
pub const OPEN: usize = 10;

/// Makes the database of templates in a folder.
pub async fn make(folder: &Path) -> anyhow::Result<Vec<Names>> {
    let names: Vec<Names> = (0..).take(SETTLED + OPEN).map(template).collect();
    let database = Database::open(folder).await?;
    for (at, names) in names.iter().enumerate() {
        order(&database, at, Order(names)).await?;
    }
    expire_bodies(&database).await?;
    database.close().await?;
    Ok(names)
}

async fn order(database: &Database, at: usize, sample: Order<'_>) -> anyhow::Result<()> {
    match at {
        0..7 => {
            admit(database, sample, sample.new_event(sample.placed(false)?, &[ERP])?, "order").await?;
            settle(database, ERP, 1).await
        }
        7 => {
            admit(database, sample, sample.new_event(sample.placed(false)?, &[ERP, WAREHOUSE])?, "order")
                .await?;
            settle(database, ERP, 2).await?;
            settle(database, WAREHOUSE, 3).await
        }
        8 => {
            admit(database, sample, sample.new_event(sample.placed(true)?, &[ERP])?, "order").await?;
            settle(database, ERP, 1).await
        }
        9 => {
            admit(database, sample, sample.new_event(sample.placed(false)?, &[ERP])?, "order").await?;
            settle(database, ERP, 1).await?;
            admit(database, sample, sample.new_event(sample.refund()?, &[ERP])?, "refund").await?;
            settle(database, ERP, 3).await
        }
        // Open: received, rejected, behind its order, without its order, and due.
        10 => {
            admit(database, sample, sample.new_event(sample.placed(false)?, &[ERP])?, "order").await?;
            let overdue_at = Millis(NOW.0 + 30 * 86_400_000);
            let next = Next::Received { overdue_at, releases: true };
            answered(database, |_| answer(next.clone(), Sent::Yes)).await
        }
        11 => {
            admit(database, sample, sample.new_event(sample.placed(false)?, &[ERP])?, "order").await?;
            answered(database, |_| rejected(Sent::Yes)).await
        }
        12 => admit(database, sample, sample.new_event(sample.refund()?, &[ERP])?, "refund").await,
        13 => {
            admit(database, sample, sample.new_event(sample.placed(false)?, &[ERP])?, "order").await?;
            admit(database, sample, sample.new_event(sample.refund()?, &[ERP])?, "refund").await
        }
        _ => admit(database, sample, sample.new_event(sample.placed(false)?, &[ERP])?, "order").await,
    }
}

/// Accepts the request of an event and admits the event.
async fn admit(database: &Database, sample: Order<'_>, event: NewEvent, kind: &str) -> anyhow::Result<()> {
    let Applied::Accepted(accepted) = database.one(Command::Accept(sample.request(kind))).await? else {
        bail!("a request was not accepted");
    };
    let admit = Admit { inbound: Some(accepted.inbound), events: vec![event], now: NOW, ..Admit::default() };
    database.one(Command::Admit(admit)).await?;
    Ok(())
}

async fn claim(database: &Database, connector: &str, seconds: i64) -> anyhow::Result<Vec<Claimed>> {
    let now = Millis(NOW.0 + seconds * 1000);
    let claim = Claim {
        connector: connector.into(),
        limit: 10,
        now,
        lease: Duration::from_secs(60),
        keys: Keys::Find,
    };
    match database.one(Command::Claim(claim)).await? {
        Applied::Claimed(claimed) if !claimed.is_empty() => Ok(claimed),
        other => bail!("a template was not claimed: {other:?}"),
    }
}

/// Claims what is due and has it booked.
async fn settle(database: &Database, connector: &str, seconds: i64) -> anyhow::Result<()> {
    for claimed in claim(database, connector, seconds).await? {
        let now = Millis(NOW.0 + (seconds + 1) * 1000);
        let settlement = booked(claimed.delivery, &claimed.lane);
        database.one(database::settle(&claimed, settlement, now)).await?;
    }
    Ok(())
}

/// Claims what is due for the ERP, which answers this.
async fn answered(
    database: &Database,
    settlement: impl Fn(&Claimed) -> crossdock_rules::outcome::Settlement,
) -> anyhow::Result<()> {
    for claimed in claim(database, ERP, 1).await? {
        let now = Millis(NOW.0 + 2000);
        database.one(database::settle(&claimed, settlement(&claimed), now)).await?;
    }
    Ok(())
}

/// Drops requests and exchanges; orders stay.
async fn expire_bodies(database: &Database) -> anyhow::Result<()> {
    let later = Millis(NOW.0 + 10 * 86_400_000);
    let retention = Retention {
        bodies_before: later,
        exchanges_before: later,
        orders_before: Millis(0),
        records_before: Millis(0),
        limit: 1000,
    };
    database
        .one(Command::ApplyRetention(retention))
        .await
        .context("expiring the requests of the templates")?;
    Ok(())
}
