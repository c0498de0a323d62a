//! Handing out what is due.

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_model::common::{LineReference, Personal, Reference};
use crossdock_model::event::Event;
use crossdock_model::time::Millis;
use crossdock_rules::lane::{DeliveryState, Sent};

use super::batch::Batch;
use super::level::put_sum;
use super::memory::Place;
use super::piles;
use super::sql::{Cells, Pile, fetch};
use crate::command::{Applied, Claim, Claimed};
use crate::vault::{Bound, Vault};
use crate::{Error, Result};

/// What a claim hands out beside the delivery itself.
struct Content {
    event: Event,
    key: Arc<str>,
    trace: Arc<str>,
    recorded_at: i64,
}

/// A delivery that was taken: its id, whether it had been sent before, and when.
struct Taken {
    id: i64,
    sent: Sent,
    sent_at: i64,
}

impl Batch<'_> {
    pub(super) async fn claim(&mut self, claim: &Claim) -> Result<Applied> {
        if claim.limit == 0 || self.memory.paused.contains_key(claim.connector.as_str()) {
            return Ok(Applied::Claimed(Vec::new()));
        }
        let heads = self.heads(claim).await?;
        if heads.is_empty() {
            return Ok(Applied::Claimed(Vec::new()));
        }
        let lease_until = claim.now.plus(claim.lease).0;
        let mut taken = Vec::with_capacity(heads.len());
        for id in heads {
            let serial = self.memory.serials.get(claim.connector.as_str()).copied().unwrap_or_default() + 1;
            let row = self.change(id)?;
            taken.push(Taken { id, sent: row.sent, sent_at: row.sent_at });
            row.state = DeliveryState::Sending;
            row.fence += 1;
            row.lease_until = lease_until;
            if !row.find {
                // From here on it may be on its way: this is written before anything leaves the host.
                row.sent = row.sent.claimed();
            }
            if row.serial.is_none() {
                row.serial = Some(serial);
                let connector = Arc::clone(&row.connector);
                self.memory.serials.insert(Arc::clone(&connector), serial);
                self.dirty_serials.insert(connector);
            }
            let row = self.change(id)?;
            let (connector, lane) = (Arc::clone(&row.connector), Arc::clone(&row.lane));
            self.memory.landscape.take_off(connector, id, lane, lease_until);
        }
        let mut contents = self.contents(&taken).await?;
        let references = self.claimed_references(&taken).await?;
        let summed: Vec<_> = contents
            .iter()
            .filter_map(|(id, content)| self.is_sum(&self.memory.deliveries.get(id)?.place(), &content.event))
            .collect();
        let mut sums = self.sums(&summed).await?;
        let mut claimed = Vec::with_capacity(taken.len());
        for Taken { id, sent, sent_at } in taken {
            let missing = || Error::Unknown { what: "event of delivery", id: id.to_string() };
            let row = self.memory.deliveries.get(&id).ok_or_else(missing)?;
            let mut content = contents.remove(&id).ok_or_else(missing)?;
            if let Some(sum) = sums.remove(&row.lane) {
                put_sum(&mut content.event, sum);
            }
            let named = |entity: &Arc<str>| {
                let place = (Arc::clone(&row.connector), Arc::clone(entity));
                references.get(&place).cloned().unwrap_or_default()
            };
            let child = row.entity.is_some() || content.event.parent.is_some();
            claimed.push(Claimed {
                delivery: id,
                fence: row.fence,
                connector: row.connector.to_string(),
                key: key(&content.key, row.generation),
                serial: row.serial.unwrap_or_default().cast_unsigned(),
                attempts: row.attempt,
                failures: row.failures,
                finds: row.finds,
                sent,
                sent_at: Millis(sent_at),
                find: row.find,
                waiting_since: row.waiting_since.map(Millis),
                holds_until_posted: row.holds,
                resume: row.resume.as_deref().map(str::to_owned),
                lease_until: Millis(lease_until),
                lane: row.lane.to_string(),
                event_id: row.payload_event,
                references: named(row.entity()),
                parent_references: if child { named(&row.lane) } else { Vec::new() },
                trace: content.trace.to_string(),
                recorded_at: Millis(content.recorded_at),
                event: content.event,
            });
        }
        Ok(Applied::Claimed(claimed))
    }

    /// The heads that are due, those due longest first. What this group has changed is not in the database
    /// yet, so it is looked at here.
    async fn heads(&mut self, claim: &Claim) -> Result<Vec<i64>> {
        let changed: Vec<_> = self
            .dirty
            .iter()
            .filter_map(|id| self.memory.deliveries.get(id))
            .filter(|row| *row.connector == *claim.connector)
            .collect();
        let most = usize::try_from(claim.limit).unwrap_or(usize::MAX);
        let mut due: Vec<(i64, i64)> = changed
            .iter()
            .filter(|row| row.state == DeliveryState::Ready && row.due_at <= claim.now.0)
            .map(|row| (row.due_at, row.id))
            .collect();
        let most_stored = i64::try_from(most.saturating_add(changed.len())).unwrap_or(i64::MAX);
        let text = "SELECT due_at, id FROM delivery WHERE connector = ? AND state = 1 AND due_at <= ? \
                    ORDER BY due_at, id LIMIT ?";
        let rows = fetch(self.connection, "looking for what is due", text, |args| {
            args.add(claim.connector.as_str()).add(claim.now.0).add(most_stored);
        });
        for row in rows.await? {
            let mut cells = Cells::of(&row);
            let head = (cells.next()?, cells.next()?);
            if !self.dirty.contains(&head.1) {
                due.push(head);
            }
        }
        due.sort_unstable();
        due.truncate(most);
        let heads: Vec<i64> = due.into_iter().map(|(_, id)| id).collect();
        self.load_deliveries(heads.iter().copied()).await?;
        Ok(heads)
    }

    /// The events of the deliveries: from memory where they were admitted lately.
    async fn contents(&mut self, taken: &[Taken]) -> Result<HashMap<i64, Content>> {
        let mut contents = HashMap::with_capacity(taken.len());
        let mut stored = Vec::new();
        for Taken { id, .. } in taken {
            let Some(row) = self.memory.deliveries.get(id) else { continue };
            let (event, payload) = (row.event, row.payload_event);
            let content = if event != payload {
                None
            } else if let Some(fresh) = self.fresh.get_mut(&event) {
                fresh.owed = fresh.owed.saturating_sub(1);
                let mut event = fresh.new.event.clone();
                if let Some(personal) = fresh.new.personal.clone() {
                    event.put_personal(personal);
                }
                let (key, trace) = (Arc::clone(&fresh.key), fresh.new.trace.as_str().into());
                Some(Content { event, key, trace, recorded_at: fresh.recorded_at })
            } else {
                self.memory.take(event).map(|recent| Content {
                    event: recent.event,
                    key: recent.key,
                    trace: recent.trace,
                    recorded_at: recent.recorded_at,
                })
            };
            match content {
                Some(content) => {
                    contents.insert(*id, content);
                }
                None => stored.push((*id, event, payload)),
            }
        }
        if stored
            .iter()
            .any(|(_, event, payload)| self.fresh.contains_key(event) || self.fresh.contains_key(payload))
        {
            self.flush().await?;
        }
        let mut wanted = Pile::new(&piles::CONTENT);
        for (id, event, payload) in stored {
            wanted.row(|args| {
                args.add(id).add(event).add(payload);
            });
        }
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            let mut cells = Cells::of(&row);
            let id: i64 = cells.next()?;
            let (key, trace) = (cells.next::<&str>()?.into(), cells.next::<&str>()?.into());
            let recorded_at = cells.next()?;
            let payload = self.memory.deliveries.get(&id).map_or(0, |row| row.payload_event);
            let event = event(&mut cells, payload, &self.vault)?
                .ok_or_else(|| Error::Unknown { what: "event", id: payload.to_string() })?;
            contents.insert(id, Content { event, key, trace, recorded_at });
        }
        Ok(contents)
    }

    /// What the entities of the deliveries, and their parents, are called.
    async fn claimed_references(&mut self, taken: &[Taken]) -> Result<HashMap<Place, Vec<Reference>>> {
        if !self.piles.reference.is_empty() || !self.piles.line.is_empty() || !self.piles.no_lines.is_empty()
        {
            self.flush().await?;
        }
        let mut wanted = Pile::new(&piles::REFERENCES);
        let mut asked = std::collections::HashSet::new();
        for row in taken.iter().filter_map(|taken| self.memory.deliveries.get(&taken.id)) {
            for entity in [Some(&row.lane), row.entity.as_ref()].into_iter().flatten() {
                if asked.insert((Arc::clone(&row.connector), Arc::clone(entity))) {
                    wanted.row(|args| {
                        args.add(Arc::clone(entity)).add(Arc::clone(&row.connector));
                    });
                }
            }
        }
        let mut gathered = Gathered::default();
        for row in wanted.read(self.connection, &mut self.memory.texts).await? {
            gathered.take(&mut Cells::of(&row))?;
        }
        Ok(gathered.references)
    }
}

/// The key that a target is given: posting again on purpose needs one of its own.
pub(super) fn key(key: &str, generation: i64) -> String {
    match generation {
        0 => key.to_owned(),
        _ => format!("{key}+{generation}"),
    }
}

/// Reads an event's body, and its personal data where there is any left: body, subject, sealed, wrapped.
pub(super) fn event(cells: &mut Cells<'_>, id: i64, vault: &Vault) -> Result<Option<Event>> {
    let body: Option<&str> = cells.next()?;
    let subject: Option<i64> = cells.next()?;
    let (sealed, wrapped): (Option<&[u8]>, Option<&[u8]>) = (cells.next()?, cells.next()?);
    let unreadable =
        |error: serde_json::Error| Error::Unreadable { what: format!("event {id}"), why: error.to_string() };
    let Some(body) = body else { return Ok(None) };
    let mut event: Event = serde_json::from_str(body).map_err(unreadable)?;
    if let (Some(subject), Some(sealed), Some(wrapped)) = (subject, sealed, wrapped) {
        let sealer = vault.unwrap(Bound::SubjectKey(subject), wrapped)?;
        let plain = sealer.open(Bound::Personal(id), sealed)?;
        event.put_personal(serde_json::from_slice::<Personal>(&plain).map_err(unreadable)?);
    }
    Ok(Some(event))
}

/// Puts the rows of [`piles::REFERENCES`] together again: one row a line of a reference.
#[derive(Default)]
pub(super) struct Gathered {
    last: i64,
    pub references: HashMap<Place, Vec<Reference>>,
}

impl Gathered {
    pub(super) fn take(&mut self, cells: &mut Cells<'_>) -> Result<()> {
        let place: Place = (cells.next::<&str>()?.into(), cells.next::<&str>()?.into());
        let id: i64 = cells.next()?;
        let (kind, name, number) = (cells.next()?, cells.next()?, cells.next()?);
        let line: (Option<String>, Option<String>) = (cells.next()?, cells.next()?);
        let named = self.references.entry(place).or_default();
        if id != self.last || named.is_empty() {
            named.push(Reference { kind, id: name, number, lines: Vec::new() });
            self.last = id;
        }
        if let ((Some(line), Some(id)), Some(reference)) = (line, named.last_mut()) {
            reference.lines.push(LineReference { line, id });
        }
        Ok(())
    }
}
