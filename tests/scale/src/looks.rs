//! What people look at: pages, filters, searches; and the erasing of a person.

use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use crossdock_engine::view::{EventFilter, Page, StuckPage};
use crossdock_engine::{Applied, Command, Filter};
use crossdock_model::time::Millis;

use crate::database::Database;
use crate::orders::{ERP, NOW, Order, Size};
use crate::samples::Samples;

/// Events of a page.
const PAGE: u32 = 50;

/// Where looking has come to.
pub struct Looks {
    size: Size,
    rounds: u64,
}

impl Looks {
    /// Goes on after so many rounds.
    pub fn new(size: Size, rounds: u64) -> Self {
        Self { size, rounds }
    }

    /// An order of the newer third, which retention leaves alone; another one each time.
    fn order(&self, nth: u64) -> u64 {
        let third = (self.size.settled / 4).max(1);
        self.size.settled - 1 - (self.rounds.wrapping_mul(7_919) + nth * 104_729) % third
    }

    pub async fn round(&mut self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        self.rounds += 1;
        self.pages(database, samples).await?;
        self.filters(database, samples).await?;
        self.searches(database, samples).await?;
        self.erase(database, samples).await
    }

    async fn pages(&self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        let first = Page { before: None, limit: PAGE };
        let newest = list(database, "page.first", &EventFilter::default(), first, samples).await?;
        let newest = newest.first().copied().context("the database has no events")?;
        let before = newest / 2 + i64::try_from(self.rounds)? * 61;
        let middle = Page { before: Some(before), limit: PAGE };
        list(database, "page.middle", &EventFilter::default(), middle, samples).await?;
        let begun = Instant::now();
        database.store.exceptions(None, first).await?;
        samples.since("filter.exceptions", begun, 1);
        let begun = Instant::now();
        database.store.stuck(None, NOW, StuckPage { after: None, limit: PAGE }).await?;
        samples.since("filter.stuck", begun, 1);
        let begun = Instant::now();
        database.store.counts().await?;
        samples.since("counts", begun, 1);
        Ok(())
    }

    async fn filters(&self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        let names = self.size.names(self.order(0));
        let root = Order(&names).root();
        let some = |text: &str| Some(text.to_owned());
        let at = self.size.placed_at(self.order(1));
        let day = (Some(Millis(at)), Some(Millis(at + 86_400_000)));
        // In the middle: retention is far from it.
        let middle = i64::try_from(self.size.settled / 2)? + at % 1000;
        let plain = Filter::default();
        let filters = [
            ("connector", Filter { connector: some(ERP), ..plain.clone() }),
            ("kind", Filter { kind: some("order.placed"), ..plain.clone() }),
            ("kind-rare", Filter { kind: some("refund.issued"), ..plain.clone() }),
            ("state-settled", Filter { state: some("settled"), ..plain.clone() }),
            ("state-exception", Filter { state: some("exception"), ..plain.clone() }),
            ("root", Filter { root: some(&root), ..plain.clone() }),
            ("entity", Filter { entity: some(&root), ..plain.clone() }),
            ("day", Filter { from: day.0, until: day.1, ..plain.clone() }),
            ("event", Filter { event: Some(middle), ..plain.clone() }),
            ("delivery", Filter { delivery: Some(middle), ..plain.clone() }),
            ("connector+state", Filter { connector: some(ERP), state: some("ready"), ..plain.clone() }),
            ("kind+state", Filter { kind: some("refund.issued"), state: some("settled"), ..plain.clone() }),
            ("kind+day", Filter { kind: some("refund.issued"), from: day.0, until: day.1, ..plain.clone() }),
            ("connector+kind", Filter { connector: some(ERP), kind: some("refund.issued"), ..plain.clone() }),
            ("connector+day", Filter { connector: some(ERP), from: day.0, until: day.1, ..plain.clone() }),
        ];
        let first = Page { before: None, limit: PAGE };
        for (name, filter) in filters {
            let filter = EventFilter { filter, ..EventFilter::default() };
            let found = list(database, &sample_name("filter", name), &filter, first, samples).await?;
            ensure!(!found.is_empty(), "the filter `{name}` finds nothing");
        }
        Ok(())
    }

    async fn searches(&self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        let names = self.size.names(self.order(2));
        let order = Order(&names);
        let reference = order.root().rsplit('/').next().map(|id| format!("SO-{id}")).unwrap_or_default();
        let term = |text: &str| EventFilter { term: Some(text.to_owned()), ..EventFilter::default() };
        let customer = |text: String| EventFilter { customer: Some(text), ..EventFilter::default() };
        let id = order.root().rsplit('/').next().map(str::to_owned);
        let in_store = EventFilter {
            filter: Filter { state: Some("exception".into()), ..Filter::default() },
            ..term(order.store())
        };
        let searches = [
            ("number", term(&format!("#{}", order.number()))),
            ("id", EventFilter { id, ..EventFilter::default() }),
            ("customer", customer(format!("person-{}@customer.example", order.person()))),
            ("sku", term(order.article())),
            ("store", term(order.store())),
            ("store+state", in_store),
            ("amount", term(order.amount())),
            ("reference", term(&reference)),
        ];
        let first = Page { before: None, limit: PAGE };
        for (name, filter) in searches {
            let found = list(database, &sample_name("search", name), &filter, first, samples).await?;
            // Few databases are so large that every store has an exception; one in ten orders is a till's, without a
            // customer.
            let may_be_none = ["store+state", "customer"].contains(&name);
            ensure!(may_be_none || !found.is_empty(), "the search by {name} finds nothing");
        }
        Ok(())
    }

    /// Erases two persons. An erasure also cuts off the log of everything that was written before, so the first one
    /// pays for that and is not counted.
    async fn erase(&self, database: &Database, samples: &mut Samples) -> anyhow::Result<()> {
        for (nth, name) in [(0, "erase.first"), (1, "erase")] {
            let customers = self.size.customers();
            let customer = customers - 1 - (self.rounds * 2 + nth) % (customers / 4).max(1);
            // The customer's first order is no till's, which name none.
            let names = self.size.names(customer);
            let subject = Order(&names).customer();
            let begun = Instant::now();
            let erased = database.one(Command::ErasePerson { subject, by: "scale".into(), now: NOW }).await?;
            samples.since(name, begun, 1);
            match erased {
                Applied::Tally(tally) if tally.count == 1 => {}
                other => bail!("one key should have been destroyed, and {other:?} was"),
            }
        }
        Ok(())
    }
}

/// Two conditions that no one index holds together are measured apart: the slowest of them looks at every event that
/// fits one condition.
fn sample_name(sort: &str, name: &str) -> String {
    let together = ["kind+state", "connector+kind", "store+state"].contains(&name);
    format!("{}.{name}", if together { "combined" } else { sort })
}

/// Lists events and answers their numbers.
async fn list(
    database: &Database,
    name: &str,
    filter: &EventFilter,
    page: Page,
    samples: &mut Samples,
) -> anyhow::Result<Vec<i64>> {
    let begun = Instant::now();
    let events = database.store.events(filter, page).await?;
    samples.since(name, begun, 1);
    Ok(events.iter().map(|event| event.id).collect())
}
