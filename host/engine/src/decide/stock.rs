//! Stock that several systems count, summed for the channel that receives it.

use std::sync::Arc;

use crossdock_model::event::{Event, Fact};
use crossdock_rules::stock::{sum, sum_place};

use crate::command::NewEvent;
use crate::delivery::Delivery;
use crate::rows::LevelRow;
use crate::state::{Decision, State};

impl State<'_> {
    /// Remembers the level that an event reports, unless its source reported a newer one of that location before.
    pub(super) fn remember_level(&mut self, new: &NewEvent, place: &str) -> Decision<()> {
        let Some(counted) = &new.incoming.level else { return Ok(()) };
        let stamp = new.incoming.stamp;
        let sum = (Arc::from(counted.sku.as_str()), Arc::from(place));
        let source = (Arc::from(new.source.as_str()), Arc::from(counted.location.as_str()));
        let level = LevelRow {
            available: counted.available.clone(),
            believed: stamp.believed,
            sequence: stamp.sequence,
        };
        let mut levels = self.levels(&sum)?.cloned().unwrap_or_default();
        let newer = levels
            .get(&source)
            .is_none_or(|known| (level.believed, level.sequence) >= (known.believed, known.sequence));
        if newer {
            levels.insert(source, level);
            self.set_levels(sum, Some(levels));
        }
        Ok(())
    }

    /// The event of a delivery with the sum in place of the one level it reported, where the delivery stands in the
    /// lane of a sum: a claim carries what is true when it leaves, not when it was admitted.
    pub(super) fn with_sum(&self, delivery: &Delivery, mut event: Event) -> Decision<Event> {
        let Fact::InventoryCounted(level) = &mut event.fact else { return Ok(event) };
        let Some(sku) = level.sku.clone() else { return Ok(event) };
        let Some(place) = sum_place(&delivery.lane, &sku) else { return Ok(event) };
        if let Some(levels) = self.levels(&(sku.into(), place.into()))? {
            level.available = sum(levels.values().filter_map(|level| level.available.as_deref()));
            // Those are of one source, and nobody asked the others.
            level.on_hand = None;
            level.reserved = None;
            level.incoming = None;
        }
        Ok(event)
    }
}
