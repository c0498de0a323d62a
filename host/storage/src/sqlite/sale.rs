//! Sales that two systems tell, and days that are closed.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::day::{Closing, Day};
use crossdock_rules::refund::{Given, twin};

use super::batch::Batch;
use super::landscape::DayOf;
use super::piles;
use super::sql::{Cells, Pile, fetch};
use crate::command::NewEvent;
use crate::{Error, Result};

impl Batch<'_> {
    /// The order that told the sale of this event first, when that was another one. `known` says whether a
    /// target has heard of the event's own order: then it is a sale of its own, whatever it is called by now.
    pub(super) async fn first_told(&mut self, new: &NewEvent, now: Millis) -> Result<Option<Arc<str>>> {
        let incoming = &new.incoming;
        if self.memory.landscape.any_alias {
            self.load_aliases([Arc::from(incoming.lane.as_str())]).await?;
            if let Some(Some(first)) = self.memory.landscape.aliases.get(incoming.lane.as_str()) {
                return Ok(Some(Arc::clone(first)));
            }
        }
        let Some(key) = &incoming.natural_key else { return Ok(None) };
        let key: Arc<str> = key.as_str().into();
        self.load_sales([Arc::clone(&key)]).await?;
        let entity: Arc<str> = incoming.entity.as_str().into();
        match self.memory.landscape.sales.get(&key).cloned().flatten() {
            None => {
                self.memory.landscape.sales.insert(Arc::clone(&key), Some(Arc::clone(&entity)));
                self.piles.sale.row(|args| {
                    args.add(key).add(entity);
                });
                Ok(None)
            }
            Some(first) if first == entity => Ok(None),
            Some(first) => {
                for target in &new.targets {
                    self.load_pins([Arc::clone(&entity)]).await?;
                    let connector = self.home(&entity, target).0;
                    if self.known(&connector, &entity, target).await?.newest.is_some() {
                        return Ok(None);
                    }
                }
                self.memory.landscape.any_alias = true;
                self.memory.landscape.aliases.insert(Arc::clone(&entity), Some(Arc::clone(&first)));
                self.piles.alias.row(|args| {
                    args.add(Arc::clone(&entity)).add(Arc::clone(&first));
                });
                self.rejoin(&entity, &first, new, now).await?;
                Ok(Some(first))
            }
        }
    }

    /// The refund that another system told of the same sale, and that an event tells too. `lane` is that of the
    /// order which told the sale first.
    pub(super) async fn twin(&mut self, event: i64, refund: &str, lane: &Arc<str>) -> Result<Option<String>> {
        if !self.memory.landscape.any_alias || **lane == *refund {
            return Ok(None);
        }
        if self.piles.alias.is_empty() {
            let text = "SELECT 1 FROM alias WHERE first = ? LIMIT 1";
            let rows = fetch(self.connection, "looking for a sale that two tell", text, |args| {
                args.add(Arc::clone(lane));
            });
            if rows.await?.is_empty() {
                return Ok(None);
            }
        }
        self.flush().await?;
        let text = "SELECT event.id, body FROM event JOIN event_body ON event_body.event = event.id \
                    WHERE kind = 'refund.issued' AND coalesce(root, entity) IN \
                    (SELECT ?1 UNION ALL SELECT alias.entity FROM alias WHERE first = ?1) ORDER BY event.id";
        let rows = fetch(self.connection, "reading refunds of a sale", text, |args| {
            args.add(Arc::clone(lane));
        });
        let mut told = Vec::new();
        for row in rows.await? {
            let mut cells = Cells::of(&row);
            let (number, body): (i64, &str) = (cells.next()?, cells.next()?);
            let event: Event = serde_json::from_str(body).map_err(|error| Error::Unreadable {
                what: format!("event {number}"),
                why: error.to_string(),
            })?;
            told.extend(Given::of(number, &event));
        }
        let own = told.iter().find(|given| given.event == event);
        Ok(own.and_then(|own| twin(own, &told)).map(str::to_owned))
    }

    /// Reads which of these orders tell a sale that another told first.
    pub(super) async fn load_aliases(&mut self, orders: impl IntoIterator<Item = Arc<str>>) -> Result<()> {
        if !self.memory.landscape.any_alias {
            return Ok(());
        }
        let mut wanted = Pile::new(&piles::ALIASES);
        for order in orders {
            if let Entry::Vacant(vacant) = self.memory.landscape.aliases.entry(order) {
                wanted.row(|args| {
                    args.add(Arc::clone(vacant.key()));
                });
                vacant.insert(None);
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let order = cells.next::<&str>()?.into();
            self.memory.landscape.aliases.insert(order, Some(cells.next::<&str>()?.into()));
        }
        Ok(())
    }

    /// Reads which orders told these sales first.
    pub(super) async fn load_sales(&mut self, keys: impl IntoIterator<Item = Arc<str>>) -> Result<()> {
        let mut wanted = Pile::new(&piles::SALES);
        for key in keys {
            if let Entry::Vacant(vacant) = self.memory.landscape.sales.entry(key) {
                wanted.row(|args| {
                    args.add(Arc::clone(vacant.key()));
                });
                vacant.insert(None);
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let key = cells.next::<&str>()?.into();
            self.memory.landscape.sales.insert(key, Some(cells.next::<&str>()?.into()));
        }
        Ok(())
    }

    /// Closes the day, when the event does so; else answers the closing of its day, if there is one.
    pub(super) async fn day_of(&mut self, event: i64, day: &Day) -> Result<Option<Closing>> {
        if day.closed_at.is_none() && !self.memory.landscape.any_closed {
            return Ok(None);
        }
        let name: DayOf = (day.store.as_str().into(), day.date.as_str().into());
        self.load_closed([name.clone()]).await?;
        let known = self.memory.landscape.closed.get(&name).cloned().flatten();
        if let (Some(closed_at), None) = (&day.closed_at, &known) {
            self.piles.closed_day.row(|args| {
                args.add(day.store.as_str()).add(day.date.as_str()).add(closed_at.as_str());
                args.add(day.arrived.0).add(event);
            });
            self.memory.landscape.any_closed = true;
            let closing = Closing { at: closed_at.as_str().into(), arrived: day.arrived };
            self.memory.landscape.closed.insert(name, Some(closing));
        }
        Ok(known)
    }

    /// Reads the closings of days.
    pub(super) async fn load_closed(&mut self, days: impl IntoIterator<Item = DayOf>) -> Result<()> {
        let mut wanted = Pile::new(&piles::CLOSED_DAYS);
        for day in days {
            if let Entry::Vacant(vacant) = self.memory.landscape.closed.entry(day) {
                let (store, date) = vacant.key();
                wanted.row(|args| {
                    args.add(Arc::clone(store)).add(Arc::clone(date));
                });
                vacant.insert(None);
            }
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let day = (cells.next::<&str>()?.into(), cells.next::<&str>()?.into());
            let closing = Closing { at: cells.next::<&str>()?.into(), arrived: Millis(cells.next()?) };
            self.memory.landscape.closed.insert(day, Some(closing));
        }
        Ok(())
    }
}
