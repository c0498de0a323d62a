//! One round of the commands that are done again and again: a group of each, and one of each alone.

use std::time::{Duration, Instant};

use anyhow::bail;
use crossdock_engine::{Admit, Applied, Claim, Claimed, Command, Retention};
use crossdock_model::time::Millis;
use crossdock_rules::lookup::Keys;

use crate::database::{Database, settle};
use crate::orders::{ERP, LIVE, NOW, Order, Size, booked};
use crate::samples::Samples;

/// How many commands share a transaction.
const GROUP: usize = 100;
/// How many orders a pass of retention finds to be over: so few that a hundred passes leave most of the smallest
/// database.
pub const PRUNED: u64 = 30;
/// What a host drops at most in one go.
const RETENTION_LIMIT: u32 = 500;
/// The time between two rounds.
const ROUND_MILLIS: i64 = 10_000;

/// Where rounds have come to.
pub struct HotPath {
    size: Size,
    rounds: u64,
    placed: u64,
}

impl HotPath {
    /// Goes on after so many rounds.
    pub fn new(size: Size, rounds: u64) -> Self {
        let placed = u64::try_from(GROUP + 1).unwrap_or_default();
        Self { size, rounds, placed: rounds * placed }
    }

    fn now(&self, seconds: i64) -> Millis {
        Millis(NOW.0 + i64::try_from(self.rounds).unwrap_or_default() * ROUND_MILLIS + seconds * 1000)
    }

    pub async fn round(&mut self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        self.rounds += 1;
        self.place(database, GROUP, "", samples).await?;
        let claimed = self.claim(database, GROUP, "claim", samples).await?;
        book(database, &claimed, self.now(1), "settle", samples).await?;
        self.place(database, 1, "alone.", samples).await?;
        let claimed = self.claim(database, 1, "alone.claim", samples).await?;
        book(database, &claimed, self.now(1), "alone.settle", samples).await?;
        self.expire(database, samples).await?;
        self.retain(database, samples).await
    }

    /// Accepts requests and admits their orders.
    async fn place(
        &mut self,
        database: &Database,
        count: usize,
        prefix: &str,
        samples: &mut Samples,
    ) -> anyhow::Result<()> {
        let now = self.now(0);
        let names: Vec<_> =
            (LIVE + self.placed..).take(count).map(|number| self.size.names(number)).collect();
        self.placed += u64::try_from(count)?;
        let requests = names.iter().map(|names| Command::Accept(Order(names).request("order"))).collect();
        let begun = Instant::now();
        let accepted = database.group(requests).await?;
        samples.since(&format!("{prefix}accept"), begun, count);
        let mut commands = Vec::with_capacity(count);
        for (names, accepted) in names.iter().zip(accepted) {
            let Applied::Accepted(accepted) = accepted else { bail!("not accepted: {accepted:?}") };
            let sample = Order(names);
            let events = vec![sample.new_event(sample.placed(false)?, &[ERP])?];
            commands.push(Command::Admit(Admit {
                inbound: Some(accepted.inbound),
                events,
                now,
                ..Admit::default()
            }));
        }
        let begun = Instant::now();
        database.group(commands).await?;
        samples.since(&format!("{prefix}admit"), begun, count);
        Ok(())
    }

    async fn claim(
        &self,
        database: &Database,
        count: usize,
        name: &str,
        samples: &mut Samples,
    ) -> anyhow::Result<Vec<Claimed>> {
        let limit = u32::try_from(count)?;
        let (now, lease) = (self.now(1), Duration::from_secs(1));
        let claim = Claim { connector: ERP.into(), limit, now, lease, keys: Keys::Find };
        let begun = Instant::now();
        let claimed = database.one(Command::Claim(claim)).await?;
        samples.since(name, begun, count);
        match claimed {
            Applied::Claimed(claimed) if claimed.len() == count => Ok(claimed),
            Applied::Claimed(claimed) => bail!("{} of {count} deliveries were due", claimed.len()),
            other => bail!("not claimed: {other:?}"),
        }
    }

    /// Claims deliveries, loses them, and has them given back.
    async fn expire(&self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        self.claim(database, GROUP, "claim", samples).await?;
        let command = Command::Expire { now: self.now(3), limit: RETENTION_LIMIT };
        let begun = Instant::now();
        let expired = database.one(command).await?;
        samples.since("expire", begun, GROUP);
        match expired {
            Applied::Tally(tally) if tally.count == GROUP as u64 => Ok(()),
            other => bail!("{GROUP} claims were lost, and {other:?} given back"),
        }
    }

    /// One pass of retention, with as many orders to prune in each database.
    async fn retain(&self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        // The last of them has moved a few seconds after it was placed.
        let before = Millis(self.size.placed_at(self.rounds * PRUNED) + 5000);
        let retention = Retention {
            bodies_before: before,
            exchanges_before: before,
            orders_before: before,
            records_before: before,
            limit: RETENTION_LIMIT,
        };
        let begun = Instant::now();
        let retained = database.one(Command::ApplyRetention(retention)).await?;
        samples.since("housekeeping", begun, 1);
        match retained {
            Applied::Tally(tally) if tally.count >= PRUNED => Ok(()),
            other => bail!("{PRUNED} orders were over, and retention did {other:?}"),
        }
    }
}

/// Has claimed deliveries booked.
async fn book(
    database: &Database,
    claimed: &[Claimed],
    now: Millis,
    name: &str,
    samples: &mut Samples,
) -> anyhow::Result<()> {
    let settlement = |claimed: &Claimed| settle(claimed, booked(claimed.delivery, &claimed.lane), now);
    let commands: Vec<_> = claimed.iter().map(settlement).collect();
    let begun = Instant::now();
    database.group(commands).await?;
    samples.since(name, begun, claimed.len());
    Ok(())
}
