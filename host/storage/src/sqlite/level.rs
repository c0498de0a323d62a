//! Stock that several systems count, added up for the channel it is told to.

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;
use crossdock_rules::stock;
use crossdock_rules::version::Stamp;

use super::batch::Batch;
use super::piles;
use super::sql::{Cells, Pile, fetch};
use super::{Sqlite, memory};
use crate::Result;
use crate::command::NewEvent;
use crate::view::StockLevel;

impl Batch<'_> {
    /// Keeps the level that an event tells, unless its source told a newer one of that location before.
    pub(super) fn keep_level(&mut self, new: &NewEvent, place: &str) {
        let Some(counted) = &new.incoming.stock else { return };
        let Stamp { believed, sequence, .. } = new.incoming.stamp;
        self.memory.landscape.any_level = true;
        self.piles.level.row(|args| {
            args.add(new.source.as_str())
                .add(counted.sku.as_str())
                .add(counted.location.as_str())
                .add(place)
                .add(counted.available.as_deref())
                .add(believed)
                .add(sequence.map_or(-1, u64::cast_signed));
        });
    }

    /// The sums that these lanes are of, by lane. What was kept is read back: a claim tells what is true when
    /// it leaves, not when it was admitted.
    pub(super) async fn sums(
        &mut self,
        lanes: &[(Arc<str>, String)],
    ) -> Result<HashMap<Arc<str>, Option<String>>> {
        if lanes.is_empty() {
            return Ok(HashMap::new());
        }
        if !self.piles.level.is_empty() {
            self.flush().await?;
        }
        let mut wanted = Pile::new(&piles::LEVELS_OF);
        for (lane, sku) in lanes {
            if let Some(place) = stock::place(lane, sku) {
                wanted.row(|args| {
                    args.add(Arc::clone(lane)).add(sku.as_str()).add(place);
                });
            }
        }
        let mut levels: HashMap<Arc<str>, Vec<String>> = HashMap::new();
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let of_lane = levels.entry(cells.next::<&str>()?.into()).or_default();
            of_lane.extend(cells.next::<Option<String>>()?);
        }
        let sum = |levels: Vec<String>| stock::sum(levels.iter().map(String::as_str));
        Ok(levels.into_iter().map(|(lane, levels)| (lane, sum(levels))).collect())
    }

    /// The lane and article of a delivery that tells a sum, if it does.
    pub(super) fn is_sum(&self, place: &memory::Place, event: &Event) -> Option<(Arc<str>, String)> {
        if !self.memory.landscape.any_level {
            return None;
        }
        let Fact::InventoryCounted(level) = &event.fact else { return None };
        let sku = level.sku.as_ref()?;
        stock::place(&place.1, sku)?;
        Some((Arc::clone(&place.1), sku.clone()))
    }
}

/// Puts the sum in the place of the one level that the event told.
pub(super) fn put_sum(event: &mut Event, sum: Option<String>) {
    if let Fact::InventoryCounted(level) = &mut event.fact {
        level.available = sum;
        // Those are of one source, and nobody asked the others.
        level.on_hand = None;
        level.reserved = None;
        level.incoming = None;
    }
}

impl Sqlite {
    pub(super) async fn levels(&self, sku: &str, place: &str) -> Result<Vec<StockLevel>> {
        let text = "SELECT source, location, available, stamp_at FROM stock_level \
                    WHERE sku = ? AND place = ? ORDER BY source, location";
        let mut reader = self.reader().await?;
        let rows = fetch(&mut reader, "reading stock levels", text, |args| {
            args.add(sku).add(place);
        });
        rows.await?
            .iter()
            .map(|row| {
                let mut cells = Cells::of(row);
                Ok(StockLevel {
                    source: cells.next()?,
                    location: cells.next()?,
                    available: cells.next()?,
                    at: Millis(cells.next::<i64>()?.div_euclid(1000)),
                })
            })
            .collect()
    }
}
