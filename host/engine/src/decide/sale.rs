//! Sales that two systems report, and days that are closed.

use std::sync::Arc;

use crossdock_model::time::Millis;
use crossdock_rules::day::{BusinessDay, DayClosing};

use crate::command::{NewEvent, Target};
use crate::rows::ClosingRow;
use crate::state::{Decision, State};

impl State<'_> {
    /// The first order of the sale that an event belongs to, when that is another one than the event's own. Where
    /// a target has admitted the event's own order before, it is a sale of its own, whatever its number is by now; and
    /// where no target knows the first order, the targets hear of the sale by this event alone.
    pub(super) fn first_order(&mut self, new: &NewEvent, now: Millis) -> Decision<Option<Arc<str>>> {
        let incoming = &new.incoming;
        let lane: Arc<str> = incoming.lane.as_str().into();
        if let Some(first) = self.aliases(&lane)? {
            return Ok(Some(Arc::clone(first)));
        }
        let Some(key) = &incoming.natural_key else { return Ok(None) };
        let key: Arc<str> = key.as_str().into();
        let entity: Arc<str> = incoming.entity.as_str().into();
        match self.natural_keys(&key)?.cloned() {
            None => {
                self.set_natural_key(key, Some(entity));
                Ok(None)
            }
            Some(first) if first == entity => Ok(None),
            Some(first) => {
                for target in &new.targets {
                    let connector = self.destination(&entity, target)?.0;
                    if self.known_state(&connector, &entity, target)?.newest.is_some() {
                        return Ok(None);
                    }
                }
                if !self.reaches_one_of(&first, &new.targets)? {
                    return Ok(None);
                }
                self.set_alias(Arc::clone(&entity), Some(Arc::clone(&first)));
                self.move_waiting_to_first_order(&entity, &first, new, now)?;
                Ok(Some(first))
            }
        }
    }

    /// Whether an order is known at a target, so that a second report of its sale can be left out.
    fn reaches_one_of(&self, order: &Arc<str>, targets: &[Target]) -> Decision<bool> {
        for target in targets {
            let connector = self.destination(order, target)?.0;
            let known = self.known_state(&connector, order, target)?;
            if known.exists || known.newest.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Closes the day, when the event does so; else answers the closing of its day, if it is closed.
    pub(super) fn closing_of(&mut self, event: i64, day: &BusinessDay) -> Decision<Option<DayClosing>> {
        let key = (Arc::from(day.store.as_str()), Arc::from(day.date.as_str()));
        let known = self.closings(&key)?.map(|row| row.closing.clone());
        if let (Some(closed_at), None) = (&day.closed_at, &known) {
            let closing = DayClosing { at: closed_at.as_str().into(), arrived: day.arrived };
            self.set_closing(key, Some(ClosingRow { closing, event }));
        }
        Ok(known)
    }
}
